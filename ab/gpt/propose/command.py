"""What stands behind `nncaption prompt`: a candidate's prompt, and what each of its parts costs."""

from __future__ import annotations

import json as json_format
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict

from ab.gpt.errors import UsageError
from ab.gpt.feedback import Feedback
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.schema import read_code
from ab.gpt.plan import Plan
from ab.gpt.propose.llm.choose import Mixture, Options, open_llm
from ab.gpt.propose.llm.protocol import (
    LLM,
    Backend,
    Completion,
    Message,
    ModelMissing,
    OnToken,
    Request,
    estimated_tokens,
)
from ab.gpt.propose.prompt import Prompt
from ab.gpt.propose.proposer import Proposer

LONG_CONTEXT = 32768


def show_prompt(home: Home, plan: Plan, number: int, spec: str, context: int | None, json: bool) -> int:
    """The exit code: 0 when the prompt is printed."""
    [baseline] = plan.check().baselines
    file = home.code_dir("nn") / f"{baseline}.py"
    if not file.is_file():
        raise UsageError(f"--baseline: LEMUR has no model {baseline!r}.", "Name a captioner of LEMUR's: RESNETLSTM.")
    llm = open_llm(spec, Options(context=context)) if spec else _Uncounted(context or LONG_CONTEXT)
    models = Mixture([(llm, 1.0)])
    try:
        proposer = Proposer(home, CAPTIONING, plan, models)
        choice = plan.choose(number)
        prompt = proposer.prompt(llm, choice, read_code(file), proposer.snippets_for(choice), Feedback())
        if json:
            told = {**asdict(prompt), "llm": llm.name, "context": llm.context}
            print(json_format.dumps(told, indent=2))  # noqa: T201
        else:
            for message in prompt.messages:
                print(f"──── {message.role} ────\n{message.content.rstrip()}\n")  # noqa: T201
        print(_costs(llm, prompt), file=sys.stderr)  # noqa: T201
    finally:
        models.close()
    return 0


def _costs(llm: LLM, prompt: Prompt) -> str:
    """A table of the tokens of each part, of what is left for the reply, and of what did not fit."""
    empty = llm.count([Message("user", "")])
    lines = [f"{prompt.version}, counted by {llm.name}:"]
    for message in prompt.messages:
        for part in re.split(r"(?m)^(?=## )", message.content):
            if part.strip():
                title = part.splitlines()[0].removeprefix("## ") if part.startswith("## ") else message.role
                lines.append(f"{max(0, llm.count([Message('user', part)]) - empty):8,}  {title}")
    lines.append(f"{prompt.tokens:8,}  together, of {llm.context:,}; {llm.context - prompt.tokens:,} for the reply")
    return "\n".join([*lines, *(f"left out: {part}" for part in prompt.left_out)])


class _Uncounted(Backend):
    """No model: its tokens are estimated, and it cannot be asked."""

    name = "an estimate, rather too high"

    def __init__(self, context: int) -> None:
        self.context = context

    def count(self, messages: Sequence[Message]) -> int:
        return estimated_tokens(messages)

    def answer(self, request: Request, on_token: OnToken | None = None, stop: object = None) -> Completion:  # noqa: ARG002
        raise ModelMissing("There is no model to be asked.", "Name one: --llm.")

"""What a model is asked in code mode: for a whole Net file, by the parts of the papers' prompt."""

from __future__ import annotations

from collections.abc import Sequence

from ab.gpt.feedback import Feedback
from ab.gpt.gate.contract import Contract
from ab.gpt.propose.llm.protocol import LLM, Message
from ab.gpt.propose.plain import without_comments, without_unused
from ab.gpt.propose.prompt import Prompt, fitted, missing, rendered, reply_room, version_of
from ab.gpt.propose.snippets import Snippet

_TEMPLATES = ("code_system", "code_user", "api", "feedback")
_COMMENTS, _UNUSED, _ADVICE, _FEEDBACK = "the baseline's comments", "the baseline's unused code", "advice", "feedback"
_KEPT_LONGEST = 5
"""So many snippets, the papers' smaller number, are worth more than the advice."""
_FEEDBACK_TOKENS = 300
_USUAL_IMPORTS = frozenset(
    {"import torch", "import torch.nn as nn", "from torch import nn", "import torch.nn.functional as F"}
)


def code_prompt(
    llm: LLM,
    contract: Contract,
    baseline: str,
    code: str,
    snippets: Sequence[Snippet],
    feedback: Feedback,
    wanted: int,
    asked: int = 0,
) -> Prompt:
    """The papers' prompt for this model, with room for a reply of the wanted tokens.

    `asked` is how many snippets there should have been.
    """
    names = [f"the block of {snippet.model}" for snippet in snippets]
    told = rendered("feedback", feedback=feedback) if feedback else ""
    parts = [_COMMENTS, _UNUSED, *names[: _KEPT_LONGEST - 1 : -1], _ADVICE, *names[_KEPT_LONGEST - 1 :: -1]]
    parts += [_FEEDBACK] if told else []
    required = [function.name for function in contract.functions] + [contract.class_name]

    def render(out: frozenset[str]) -> list[Message]:
        text = code
        if _UNUSED in out:
            text = without_unused(code, required)
        elif _COMMENTS in out:
            text = without_comments(code)
        user = rendered(
            "code_user",
            contract=contract,
            advice=_ADVICE not in out,
            snippets=[
                {"family": snippet.family, "code": _without_usual_imports(snippet.code)}
                for name, snippet in zip(names, snippets, strict=True)
                if name not in out
            ],
            baseline=baseline,
            code=text,
            feedback="" if _FEEDBACK in out else told,
        )
        return [Message("system", rendered("code_system")), Message("user", user)]

    prompt = fitted(llm, code_version(contract), parts, render, llm.context - reply_room(llm, wanted))
    return prompt.also_without(*missing(asked, snippets))


def code_version(contract: Contract) -> str:
    """The version of the prompts for code; a changed contract shows in it as a changed template does."""
    return version_of("code", *_TEMPLATES, also=rendered("api", contract=contract) + "\n".join(contract.sentences))


def room_for_snippets(llm: LLM, contract: Contract, baseline: str, code: str, wanted: int) -> int:
    """How many tokens there are for snippets when the baseline has been cut to what is needed."""
    required = [function.name for function in contract.functions] + [contract.class_name]
    bare = rendered(
        "code_user", contract=contract, advice=True, snippets=[], baseline=baseline,
        code=without_unused(code, required), feedback="",
    )  # fmt: skip
    used = llm.count([Message("system", rendered("code_system")), Message("user", bare)])
    return max(0, llm.context - reply_room(llm, wanted) - used - _FEEDBACK_TOKENS)


def _without_usual_imports(code: str) -> str:
    return "\n".join(line for line in code.splitlines() if line not in _USUAL_IMPORTS)

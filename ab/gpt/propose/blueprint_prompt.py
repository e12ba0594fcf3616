"""What a model is asked in blueprint mode: for JSON that fits a schema. The words are the blueprint's own room's."""

from __future__ import annotations

from collections.abc import Sequence

from ab.gpt.feedback import Feedback
from ab.gpt.gate.contract import Contract
from ab.gpt.propose.blueprint.ask import messages
from ab.gpt.propose.blueprint.narrow import idea
from ab.gpt.propose.blueprint.shape import EVERYTHING, Space
from ab.gpt.propose.llm.protocol import LLM, Message
from ab.gpt.propose.plain import without_unused
from ab.gpt.propose.prompt import Prompt, fitted, missing, rendered, reply_room, version_of
from ab.gpt.propose.snippets import Snippet

_BASELINE, _FEEDBACK, _HINTS = "the baseline's code", "feedback", "the hints"
_SHARE_READ = 4
"""A blueprint is short; it is not for the reply's room but for what a small model can heed that a prompt is short."""


def blueprint_prompt(
    llm: LLM,
    contract: Contract,
    space: Space,
    seed: int,
    code: str,
    snippets: Sequence[Snippet],
    feedback: Feedback,
    wanted: int,
    asked: int,
    narrow: bool = True,
) -> Prompt:
    """The prompt for a blueprint of this space; the seed says what it is to begin from."""
    begin = idea(seed, space, narrow)
    names = [f"the block of {snippet.model}" for snippet in snippets]
    told = rendered("feedback", feedback=feedback) if feedback else ""
    lean = without_unused(code, [function.name for function in contract.functions] + [contract.class_name])

    def render(out: frozenset[str]) -> list[Message]:
        system, user = messages(
            space,
            [snippet.code for name, snippet in zip(names, snippets, strict=True) if name not in out],
            "" if _BASELINE in out else f"```python\n{lean.strip()}\n```",
            "" if _FEEDBACK in out else told,
            () if _HINTS in out else begin.hints,
        )
        return [Message("system", system), Message("user", user)]

    parts = [_BASELINE, *names[::-1], *([_FEEDBACK] if told else []), _HINTS]
    room = min(llm.context // _SHARE_READ, llm.context - reply_room(llm, wanted))
    prompt = fitted(llm, blueprint_version(), parts, render, room, begin.schema)
    return prompt.also_without(*missing(asked, snippets))


def blueprint_version() -> str:
    """The version of the prompts for blueprints, which changes with their words."""
    words = messages(EVERYTHING, ("snippet",), "baseline", "feedback", ("hint", "hint"))
    return version_of("blueprint", "feedback", also="\n".join(words))

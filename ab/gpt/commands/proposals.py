"""What a language model is told: `prompt`."""

from __future__ import annotations

from typing import Annotated


def prompt(
    *,
    baseline: Annotated[str, "LEMUR's captioner to start from"] = "RESNETLSTM",
    snippets: Annotated[int, "how many classifiers it shows"] = 5,
    mode: Annotated[str, "code or blueprint"] = "code",
    encoder: Annotated[list[str] | None, "only blueprints with these backbones, as for search"] = None,
    frozen: Annotated[bool, "only blueprints with a pretrained backbone that stays as it is"] = False,
    light: Annotated[bool, "only small blueprints, which a processor trains in minutes an epoch"] = False,
    seed: Annotated[int, "the run's"] = 0,
    number: Annotated[int, "the candidate's in its run"] = 0,
    llm: Annotated[str, "language model that counts; without one, tokens are estimated for a long context"] = "",
    context: Annotated[int | None, "tokens of prompt and reply together; the model's own if not given"] = None,
    reply_tokens: Annotated[int, "tokens of a reply, thinking included"] = 6144,
    json: Annotated[bool, "print it as JSON, with its version and what was left out"] = False,
) -> int:
    """Prints what a language model would be sent for a candidate, without feedback, and on stderr what each part costs.

    A run with the same seed sends the same for its candidate of that number, but for feedback.
    """
    from ab.gpt.lemur.home import find_home
    from ab.gpt.plan import Plan
    from ab.gpt.propose.command import show_prompt

    plan = Plan(
        snippets=(snippets,), baselines=(baseline,), modes=(mode,), seed=seed, reply_tokens=reply_tokens,
        encoders=tuple(encoder or ()), frozen=frozen, light=light,
    )  # fmt: skip
    return show_prompt(find_home(), plan, number, llm, context, json)

"""What a language model is told, made from templates, and cut down to what it has room for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ab.gpt.propose.llm.protocol import LLM, Message, Schema, too_long

VERSION = 1
"""Raised when what a prompt says changes on purpose; a changed template shows in the version by itself."""
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Prompt:
    """A conversation that fits its model, and what had to be left out of it."""

    messages: tuple[Message, ...]
    version: str
    left_out: tuple[str, ...] = ()
    schema: Schema | None = None
    tokens: int = 0
    """Of the messages, as the model counts them."""

    def also_without(self, *what: str) -> Prompt:
        """The same prompt, of which it is known that something more is missing."""
        return replace(self, left_out=(*self.left_out, *what))


@cache
def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


def rendered(template: str, **values: Any) -> str:
    """A template's text with these values."""
    return str(_environment().get_template(f"{template}.jinja").render(values)).strip() + "\n"


def version_of(kind: str, *templates: str, also: str = "") -> str:
    """The version of a kind of prompt: `code-1-5f0c3a9b`, the end of which changes with any of its templates."""
    texts = [(TEMPLATES / f"{name}.jinja").read_bytes() for name in sorted(templates)]
    digest = hashlib.sha256(b"\0".join([*texts, also.encode()])).hexdigest()
    return f"{kind}-{VERSION}-{digest[:8]}"


def reply_room(llm: LLM, wanted: int) -> int:
    """How many tokens are kept for the reply: as many as wanted, but of a short context five sixteenths."""
    return min(wanted, llm.context * 5 // 16)


def missing(asked: int, snippets: Sequence[object]) -> list[str]:
    """What is to be said where there are fewer snippets than were asked for."""
    fewer = asked - len(snippets)
    return [f"{fewer} of {asked} blocks: LEMUR has no more that fit"] if fewer > 0 else []


def fitted(
    llm: LLM,
    version: str,
    parts: Sequence[str],
    render: Callable[[frozenset[str]], Iterable[Message]],
    room: int,
    schema: Schema | None = None,
) -> Prompt:
    """The prompt within so many tokens, with as few of its parts left out as it must, the first of `parts` first.

    `render` makes the messages without the parts that it is given. Raises `PromptTooLong` where not even leaving all
    of them out is enough.
    """

    def without(number: int) -> Prompt:
        out = tuple(parts[:number])
        messages = tuple(render(frozenset(out)))
        return Prompt(messages, version, out, schema, llm.count(messages))

    whole = without(0)
    if whole.tokens <= room:
        return whole
    low, high, best = 1, len(parts), None
    while low <= high:
        middle = (low + high) // 2
        tried = without(middle)
        if tried.tokens <= room:
            best, high = tried, middle - 1
        else:
            low = middle + 1
    if best is None:
        raise too_long(llm.name, without(len(parts)).tokens, llm.context)
    return best

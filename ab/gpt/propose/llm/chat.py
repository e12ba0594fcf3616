"""A conversation as the one text that a model goes on from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ab.gpt.propose.llm.protocol import Message


def prompt_text(tokenizer: Any, messages: Sequence[Message]) -> str:
    """By the tokenizer's chat template; plainly marked turns where it has none."""
    if not tokenizer.chat_template:
        turns = [f"### {message.role.capitalize()}:\n{message.content.strip()}\n\n" for message in messages]
        return "".join(turns) + "### Assistant:\n"
    import jinja2

    try:
        return _templated(tokenizer, messages)
    except jinja2.TemplateError:
        # Some templates refuse the role of the system.
        return _templated(tokenizer, without_system(messages))


def without_system(messages: Sequence[Message]) -> list[Message]:
    """The same with what the system says in front of what the user says first."""
    told = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if not told or not rest:
        return rest or [Message("user", told)]
    return [Message(rest[0].role, f"{told}\n\n{rest[0].content}"), *rest[1:]]


def _templated(tokenizer: Any, messages: Sequence[Message]) -> str:
    turns = [asdict(message) for message in messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

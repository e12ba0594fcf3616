"""What every language model is to the rest of the house: messages in, a completion out, and how it can fail."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from ab.gpt.errors import NNCaptionError

Schema = Mapping[str, Any]
OnToken = Callable[[str], None]
"""Gets each piece of a reply as it comes, for progress only: a try that is repeated is told again."""

STOPPED = "stopped"
"""The finish reason of a completion that the caller's `stop` cut short; its text is not the model's whole reply."""

_THINKING = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)


class ModelError(NNCaptionError):
    """Whatever keeps a language model from answering."""


class ModelDown(ModelError):
    """The model does not answer and will not soon: the run ends, and can be resumed. Never a candidate's fault."""


class ModelMissing(ModelDown):
    """The weights, or the package that runs them, are not on this machine."""


class ModelBusy(ModelError):
    """The model could not answer just now. Backends try again by themselves and raise `ModelDown` in the end."""

    def __init__(self, what: str, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class PromptTooLong(ModelError):
    """The prompt leaves no room for a reply in the model's context."""


class BadAnswer(ModelError):
    """The model answered, twice, with something that does not fit the schema that it was to fill in."""

    def __init__(self, what: str, way_out: str, completion: Completion) -> None:
        super().__init__(what, way_out)
        self.completion = completion


@dataclass(frozen=True)
class Message:
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request:
    """One reply that is wanted: the conversation, and how to sample."""

    messages: tuple[Message, ...]
    seed: int
    max_tokens: int
    temperature: float
    top_p: float
    schema: Schema | None = None

    @property
    def digest(self) -> str:
        """The same for the same conversation and schema, whatever the seed."""
        asked = [[asdict(message) for message in self.messages], self.schema]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Completion:
    """A reply, and what it took."""

    text: str
    """With what a reasoning model thought in front, between `<think>` and `</think>`."""
    prompt_tokens: int
    tokens: int
    """Of the reply, thinking included."""
    seconds: float
    """Of the model's time. Rows of one batch share its time, so that sums hold."""
    finish_reason: str
    """`stop`: the model ended. `length`: it ran out of room. `stopped`: the caller did not want the rest."""
    model: str
    cost: float = 0.0
    """In the currency of the prices that were given."""

    @property
    def answer(self) -> str:
        """The text without the thinking in front."""
        return answer_of(self.text)

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


@runtime_checkable
class LLM(Protocol):
    """A language model, wherever it runs."""

    @property
    def name(self) -> str:
        """What records call it."""

    @property
    def context(self) -> int:
        """How many tokens prompt and reply may have together."""

    def count(self, messages: Sequence[Message]) -> int:
        """How many tokens a prompt has, by the model's own tokenizer where it can be asked, else at most."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        seed: int,
        max_tokens: int,
        temperature: float,
        top_p: float,
        on_token: OnToken | None = None,
        stop: threading.Event | None = None,
    ) -> Completion:
        """The reply to a conversation; with a schema, JSON that fits it unless `finish_reason` is not `stop`."""

    def complete_many(
        self, requests: Iterable[Request], *, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Iterator[Completion]:
        """The replies in the order of the requests, several at a time where the backend can."""

    def close(self) -> None:
        """Gives back what the model holds; may be called twice."""


class Backend(ABC):
    """What backends have in common: they answer a `Request`, and the rest of the protocol follows."""

    @abstractmethod
    def answer(
        self, request: Request, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Completion:
        """The reply to one request."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        seed: int,
        max_tokens: int,
        temperature: float,
        top_p: float,
        on_token: OnToken | None = None,
        stop: threading.Event | None = None,
    ) -> Completion:
        return self.answer(Request(tuple(messages), seed, max_tokens, temperature, top_p, schema), on_token, stop)

    def complete_many(
        self, requests: Iterable[Request], *, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Iterator[Completion]:
        for request in requests:
            yield self.answer(request, on_token, stop)

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Gives back what the model holds; may be called twice."""


def answer_of(text: str) -> str:
    """A reply without the thinking in front of it; empty where the thinking never ended."""
    answer = _THINKING.sub("", text)
    return "" if answer.lstrip().startswith("<think>") else answer


def estimated_tokens(messages: Sequence[Message]) -> int:
    """At most so many tokens, for models whose tokenizer cannot be asked.

    Network code comes to 2.9 to 3.6 bytes a token with the tokenizers in use; 2.5 leaves room for worse ones, and
    eight tokens go to each turn's marks.
    """
    return sum(-(-len(message.content.encode()) * 2 // 5) + 8 for message in messages) + 8


def too_long(name: str, prompt_tokens: int, context: int) -> PromptTooLong:
    return PromptTooLong(
        f"The prompt has {prompt_tokens:,} tokens and {name} takes {context:,}, the reply included.",
        "Use fewer snippets, or a model with a longer context.",
    )

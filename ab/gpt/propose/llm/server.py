"""A model behind any OpenAI-compatible server: vLLM, llama.cpp, Ollama, or a priced one."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from ab.gpt.errors import UsageError
from ab.gpt.propose.llm.patience import Patience, Unwanted, patiently
from ab.gpt.propose.llm.protocol import (
    STOPPED,
    Backend,
    BadAnswer,
    Completion,
    Message,
    ModelBusy,
    ModelDown,
    OnToken,
    Request,
    estimated_tokens,
    too_long,
)
from ab.gpt.propose.llm.schema import misfit
from ab.gpt.propose.llm.streamed import Reply
from ab.gpt.propose.llm.wire import Refused, Wire, key_for

UNKNOWN_CONTEXT = 8192
"""For servers that do not tell theirs; Ollama's own default is less, see its OLLAMA_CONTEXT_LENGTH."""


@dataclass(frozen=True)
class Price:
    """What a server asks for a million tokens."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt_tokens: int, tokens: int) -> float:
        return (prompt_tokens * self.prompt + tokens * self.completion) / 1e6


class Server(Backend):
    """A model by its server's address: `http://localhost:8000/v1`, with the model's name if there are several."""

    def __init__(
        self,
        url: str,
        model: str = "",
        *,
        context: int | None = None,
        price: Price | None = None,
        patience: Patience | None = None,
        parallel: int = 8,
    ) -> None:
        self._patience = patience or Patience()
        self._wire = Wire(url, self._patience, key_for(url))
        self._model, self._context = model, context
        self._price = price or Price()
        self._parallel = parallel
        self._counting: str | None = None

    def __repr__(self) -> str:
        return f"Server({self._wire.url!r}, {self._model!r})"

    @property
    def name(self) -> str:
        return self.model

    @cached_property
    def model(self) -> str:
        """The name that the server knows the model by: the given one, else the only one that it has."""
        if self._model:
            return self._model
        names = [str(one["id"]) for one in self._models]
        if len(names) != 1:
            raise UsageError(
                f"The server {self._wire.url} has {len(names)} models: {', '.join(names[:20]) or 'none'}.",
                f"Say which one is meant: {self._wire.url}#NAME",
            )
        return names[0]

    @cached_property
    def context(self) -> int:
        """As given, else as the server tells it (vLLM, llama.cpp), else 8192."""
        if self._context is not None:
            return self._context
        told = [one.get("max_model_len") for one in self._models if one["id"] == self.model]
        if not told or told[0] is None:
            told = [self._ask_root("/props", "default_generation_settings", "n_ctx")]
        return told[0] if isinstance(told[0], int) and told[0] > 0 else UNKNOWN_CONTEXT

    def count(self, messages: Sequence[Message]) -> int:
        """By vLLM's or llama.cpp's own tokenizer; for others `estimated_tokens`, rather too many than too few."""
        turns = [asdict(message) for message in messages]
        if self._counting in (None, "vllm"):
            counted = self._ask_root("/tokenize", "count", body={"model": self.model, "messages": turns})
            if isinstance(counted, int):
                self._counting = "vllm"
                return counted
        if self._counting in (None, "llama.cpp"):
            prompt = self._ask_root("/apply-template", "prompt", body={"messages": turns})
            if isinstance(prompt, str):
                body = {"content": prompt, "add_special": True, "parse_special": True}
                tokens = self._ask_root("/tokenize", "tokens", body=body)
                if isinstance(tokens, list):
                    self._counting = "llama.cpp"
                    return len(tokens)
        self._counting = self._counting or "estimate"
        return estimated_tokens(messages)

    def answer(
        self, request: Request, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Completion:
        started = time.monotonic()
        try:
            first = self._patiently(request, self._body(request), on_token, stop)
            if (
                request.schema is None
                or first.finish_reason != "stop"
                or not (why := misfit(first.answer, request.schema))
            ):
                return first
            again = self._patiently(request, self._corrected(request, first, why), on_token, stop)
        except Unwanted:
            return Completion("", 0, 0, time.monotonic() - started, STOPPED, self._model)
        both = replace(
            again,
            prompt_tokens=first.prompt_tokens + again.prompt_tokens,
            tokens=first.tokens + again.tokens,
            seconds=first.seconds + again.seconds,
            cost=first.cost + again.cost,
        )
        if again.finish_reason == "stop" and (why := misfit(again.answer, request.schema)):
            raise BadAnswer(
                f"{self.name} was asked twice for JSON that fits a schema, and answered something else ({why}).",
                "Use a server that holds replies to a schema (vLLM, llama.cpp, Ollama), or propose in code mode.",
                both,
            )
        return both

    def complete_many(
        self, requests: Iterable[Request], *, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Iterator[Completion]:
        """The replies in order, `parallel` requests at a time: servers batch what comes together."""
        ending = stop or threading.Event()
        waiting: queue.SimpleQueue[Future[Completion]] = queue.SimpleQueue()
        pool = ThreadPoolExecutor(self._parallel, thread_name_prefix="model")
        try:
            for request in requests:
                waiting.put(pool.submit(self.answer, request, on_token, ending))
                if waiting.qsize() > self._parallel:
                    yield waiting.get().result()
            while not waiting.empty():
                yield waiting.get().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _models(self) -> list[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            try:
                answer = self._wire.ask(f"{self._wire.url.rstrip('/')}/models")
            except Refused as refused:
                raise self._down(refused) from None
            models = answer.get("data") if isinstance(answer, dict) else None
            if not isinstance(models, list) or not all(isinstance(one, dict) and "id" in one for one in models):
                raise ModelBusy("Its list of models cannot be understood.")
            return models

        return patiently(ask, self._patience, None, f"The server {self._wire.url}")

    def _ask_root(self, path: str, *keys: str, body: Any = None) -> Any:
        """A part of the answer to a question that only some servers know; None where this one does not."""
        try:
            found = self._wire.ask(self._wire.root + path, body)
        except (Refused, ModelBusy):
            return None
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [asdict(message) for message in request.messages],
            "seed": request.seed % (1 << 31),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.schema is not None:
            held = {"name": "reply", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": held}
        return body

    def _corrected(self, request: Request, first: Completion, why: str) -> dict[str, Any]:
        """The second try: the same again, with the reply that did not fit and the schema in words."""
        body = self._body(request)
        schema = json.dumps(request.schema)
        told = f"That does not fit: {why}. Answer with nothing but JSON that fits this schema:\n{schema}"
        body["messages"] += [{"role": "assistant", "content": first.answer}, {"role": "user", "content": told}]
        return body

    def _patiently(
        self, request: Request, body: dict[str, Any], on_token: OnToken | None, stop: threading.Event | None
    ) -> Completion:
        def ask() -> Completion:
            try:
                return self._ask(request, body, on_token, stop)
            except Refused as refused:
                if refused.status in (400, 413, 422) and "context" in refused.said.lower():
                    raise too_long(self.name, self.count(request.messages), self.context) from None
                raise self._down(refused) from None

        return patiently(ask, self._patience, stop, f"{self.name} at {self._wire.url}")

    def _ask(
        self, request: Request, body: dict[str, Any], on_token: OnToken | None, stop: threading.Event | None
    ) -> Completion:
        """One try: the reply read from the stream piece by piece."""
        started = time.monotonic()
        reply = Reply(on_token or (lambda _piece: None))
        for event in self._wire.stream(f"{self._wire.url.rstrip('/')}/chat/completions", body, stop):
            try:
                reply.take(event)
            except ModelBusy as busy:
                raise ModelBusy(self._wire.hidden(busy.what)) from None
            if stop is not None and stop.is_set():
                raise Unwanted
        prompt_tokens, tokens = reply.usage(lambda: estimated_tokens(request.messages))
        seconds = time.monotonic() - started
        cost = self._price.of(prompt_tokens, tokens)
        return Completion(reply.finished(), prompt_tokens, tokens, seconds, reply.finish_reason, self.name, cost)

    def _down(self, refused: Refused) -> ModelDown:
        way_out = {
            401: "Put its key into the environment: NNCAPTION_API_KEY.",
            403: "Put a key that may use this model into the environment: NNCAPTION_API_KEY.",
            404: f"See that the address is right (most end in /v1) and that it has the model {self._model!r}.",
        }.get(refused.status, "See the server's log; resume the run when it is mended.")
        return ModelDown(f"{self._model or 'The server'} at {self._wire.url} refused with {refused}.", way_out)

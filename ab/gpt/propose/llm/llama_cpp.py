"""A GGUF file run in this process by llama.cpp, which the package `xllamacpp` brings ready built."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from ab.gpt.propose.llm.patience import Patience
from ab.gpt.propose.llm.protocol import (
    STOPPED,
    Backend,
    Completion,
    Message,
    ModelDown,
    ModelMissing,
    OnToken,
    Request,
    too_long,
)
from ab.gpt.propose.llm.wire import Wire

DEFAULT_CONTEXT = 8192


class LlamaCpp(Backend):
    """A GGUF model on this machine's CPU. The same prompt and seed give the same reply, whatever was asked before.

    Its threads wait for each other by spinning, so one core is left to others: on a machine that has nothing to spare,
    two threads on two cores were up to fifty times slower than one.
    """

    def __init__(self, file: Path, *, name: str = "", context: int | None = None, threads: int = 0) -> None:
        self.name = name or file.stem
        self._file = file
        self._asked_context = context
        self._threads = threads or max(1, (os.cpu_count() or 1) - 1)
        self._key = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._read: Any = None
        self._closed = False

    @cached_property
    def _server(self) -> Any:
        try:
            import xllamacpp
        except ImportError as error:
            raise ModelMissing(
                f"{self._file.name} needs the package xllamacpp: {error}.", "Install it: pip install xllamacpp"
            ) from None
        if not self._file.is_file():
            raise ModelMissing(f"There is no model file {self._file}.", "Give the path of a GGUF file.")
        params = xllamacpp.CommonParams()
        params.model.path = str(self._file)
        params.n_ctx = self._asked_context or DEFAULT_CONTEXT
        params.n_gpu_layers = 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._threads
        # On a CPU it reads a prompt a little faster, and writes behind a long one at little more than half the speed.
        params.flash_attn_type = 0
        params.verbosity = 0
        params.warmup = params.ui = params.endpoint_slots = False
        params.cache_ram_mib = 0
        # It also listens on a local port, which nobody else is to use.
        params.api_keys = [self._key]
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise ModelMissing(
                f"llama.cpp cannot load {self._file}: {error}.", "Give a GGUF file of a language model."
            ) from error

    @cached_property
    def _wire(self) -> Wire:
        return Wire(self._server.listening_address, Patience(), self._key)

    @cached_property
    def context(self) -> int:
        return int(self._wire.ask(f"{self._wire.url}/props")["default_generation_settings"]["n_ctx"])

    def count(self, messages: Sequence[Message]) -> int:
        turns = [asdict(message) for message in messages]
        prompt = self._wire.ask(f"{self._wire.url}/apply-template", {"messages": turns})["prompt"]
        body = {"content": prompt, "add_special": True, "parse_special": True}
        return len(self._wire.ask(f"{self._wire.url}/tokenize", body)["tokens"])

    def answer(
        self, request: Request, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Completion:
        started = time.monotonic()
        if self._closed:
            raise ModelDown(f"{self.name} has been closed.", "Open it again.")
        with self._lock:
            reply = _Reply(on_token, stop)
            if not reply.is_unwanted():
                body = self._body(request)
                self._read_prompt(body, reply)
                self._ask({**body, "cache_prompt": True}, reply)
            seconds = time.monotonic() - started
        finish = STOPPED if reply.unwanted else reply.finish_reason
        return Completion("".join(reply.pieces), reply.prompt_tokens, reply.tokens, seconds, finish, self.name)

    def close(self) -> None:
        self._closed = True
        self.__dict__.pop("_server", None)

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": [asdict(message) for message in request.messages],
            "seed": request.seed % (1 << 32),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            # llama.cpp's own cuts would make the draws of a small model alike.
            "top_k": 0,
            "min_p": 0.0,
        }
        if request.schema is not None:
            held = {"name": "reply", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": held}
        return body

    def _read_prompt(self, body: dict[str, Any], reply: _Reply) -> None:
        """Reads the prompt afresh unless it is the last one.

        What llama.cpp keeps of another prompt changes the last bits of what it computes, and with them the reply; so
        a prompt is read alone and whole, and each reply begins from there.
        """
        if self._read == body["messages"]:
            return
        self._read = None
        self._ask({"messages": body["messages"], "max_tokens": 0, "cache_prompt": False}, _Reply(None, reply.stop))
        if not reply.is_unwanted():
            self._read = body["messages"]

    def _ask(self, body: dict[str, Any], reply: _Reply) -> None:
        if reply.is_unwanted():
            return
        told = {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        try:
            refused = self._server.handle_chat_completions({**body, **told}, reply.take)
        except (RuntimeError, ValueError) as error:
            why = " ".join(str(error).split())[:300]
            raise ModelDown(f"{self.name} cannot answer: {why}.", "A schema may hold what llama.cpp lacks.") from error
        if reply.error is not None:
            raise reply.error
        trouble = reply.trouble or (refused.get("error") if isinstance(refused, dict) else None)
        if trouble:
            if trouble.get("type") == "exceed_context_size_error":
                raise too_long(self.name, trouble["n_prompt_tokens"], trouble["n_ctx"])
            raise ModelDown(f"{self.name} cannot answer: {trouble.get('message')}.", "This is a defect; tell us.")


class _Reply:
    """A reply as it grows. llama.cpp swallows what a callback raises, so it is kept here."""

    def __init__(self, on_token: OnToken | None, stop: threading.Event | None) -> None:
        self.on_token, self.stop = on_token, stop
        self.pieces: list[str] = []
        self.prompt_tokens = self.tokens = 0
        self.finish_reason = "stop"
        self.unwanted = False
        self.trouble: dict[str, Any] | None = None
        self.error: BaseException | None = None

    def is_unwanted(self) -> bool:
        self.unwanted = self.unwanted or (self.stop is not None and self.stop.is_set())
        return self.unwanted

    def take(self, event: dict[str, Any]) -> bool:
        """Takes in an event; true ends the reply."""
        try:
            self._take(event)
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            self.error = error
        return self.error is not None or self.is_unwanted()

    def _take(self, event: dict[str, Any]) -> None:
        self.trouble = event.get("error", self.trouble)
        used = event.get("usage")
        if used:
            self.prompt_tokens, self.tokens = used["prompt_tokens"], used["completion_tokens"]
        for choice in event.get("choices", ()):
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            if piece := choice.get("delta", {}).get("content"):
                self.pieces.append(piece)
                if not used:
                    self.tokens += 1
                if self.on_token is not None:
                    self.on_token(piece)

"""HTTP to a model's server: JSON and event streams with real time-outs, and a key that stays secret."""

from __future__ import annotations

import email.utils
import http.client
import ipaddress
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from ab.gpt.errors import UsageError
from ab.gpt.propose.llm.patience import Patience, Unwanted
from ab.gpt.propose.llm.protocol import ModelBusy

_TICK = 0.05
_LONGEST_LINE = 4 << 20
_LONGEST_BODY = 64 << 20
_SHOWN = 300
_SHORTEST_SECRET = 16
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}


class Refused(Exception):
    """The server understood and will not: asking again would not help."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status}: {said}")
        self.status, self.said = status, said


@dataclass(frozen=True)
class Wire:
    """A server's address, and what it takes to talk to it."""

    url: str
    patience: Patience
    key: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password or parts.query:
            raise UsageError(
                f"The address of a model's server at {parts.hostname} holds a user, a password or a query.",
                "Give the address alone; a key comes from the environment: NNCAPTION_API_KEY.",
            )
        try:
            known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            known = False
        if not known:
            raise UsageError(f"{self.url!r} is not the address of a server.", "One is http://localhost:8000/v1.")
        if not self.key.isascii() or not self.key.isprintable():
            raise UsageError("The API key in the environment holds characters that no key has.", "Set it again.")

    def __repr__(self) -> str:
        return f"Wire({self.url!r})"

    @property
    def root(self) -> str:
        """The address without the version of the API, where servers keep what OpenAI's API lacks."""
        return self.url.rstrip("/").removesuffix("/v1")

    def hidden(self, text: str) -> str:
        """A text without the key."""
        return text.replace(self.key, "***") if self.key else text

    def ask(self, address: str, body: Any = None, stop: threading.Event | None = None) -> Any:
        """The JSON that the server answers: to a GET, or to a POST of a body."""
        with _Exchange(self, address, body, stop) as exchange:
            return exchange.json()

    def stream(self, address: str, body: Any, stop: threading.Event | None = None) -> Iterator[Any]:
        """The events of an answer as they come; one whole answer where the server does not stream."""
        with _Exchange(self, address, body, stop) as exchange:
            if "json" in exchange.response.headers.get("Content-Type", ""):
                yield exchange.json()
            else:
                yield from exchange.events()


class _Exchange:
    """One request and its response. A watch shuts the socket when it takes too long or is not wanted any more."""

    def __init__(self, wire: Wire, address: str, body: Any, stop: threading.Event | None) -> None:
        self.wire, self.address, self.body, self.stop = wire, address, body, stop
        self.started = self.heard = time.monotonic()
        self.limit = wire.patience.first_token
        self.why = ""
        self.done = threading.Event()
        self.socket: socket.socket | None = None

    def __enter__(self) -> _Exchange:
        parts = urlsplit(self.address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.connection = kind(parts.hostname or "", parts.port, timeout=self.wire.patience.connect)
        try:
            self._begin(parts.path)
        except BaseException as error:
            self._end()
            self._explain(error)
            raise
        return self

    def _begin(self, path: str) -> None:
        if self.stop is not None and self.stop.is_set():
            raise Unwanted
        self.connection.connect()
        self.socket = self.connection.sock
        self.socket.settimeout(None)
        threading.Thread(target=self._watch, name="model-watch", daemon=True).start()
        headers = {"Accept": "text/event-stream, application/json", "User-Agent": "nn-caption"}
        if self.wire.key:
            headers["Authorization"] = f"Bearer {self.wire.key}"
        if self.body is None:
            self.connection.request("GET", path, headers=headers)
        else:
            data = json.dumps(self.body).encode()
            self.connection.request("POST", path, data, {**headers, "Content-Type": "application/json"})
        self.response = self.connection.getresponse()
        status = self.response.status
        if status != 200:
            said = self._shown(self.response.read(_LONGEST_LINE))
            if status in _PASSING:
                wait = _retry_after(self.response.headers.get("Retry-After"))
                raise ModelBusy(f"It answered {status}: {said}", wait)
            raise Refused(status, said)

    def json(self) -> Any:
        data = self._harmless(self.response.read(_LONGEST_BODY))
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise ModelBusy(f"It answered something that is not JSON: {self._shown(data)}") from None

    def events(self) -> Iterator[Any]:
        """The data of each server-sent event up to `[DONE]`; a stream without it has been cut."""
        size = 0
        while line := self.response.readline(_LONGEST_LINE):
            size += len(line)
            if not line.endswith(b"\n") or size > _LONGEST_BODY:
                break
            self.heard, self.limit = time.monotonic(), self.wire.patience.token
            if not line.startswith(b"data:"):
                if line.strip() and line[:1] not in b":eir":
                    raise ModelBusy(f"It answered something that is no event: {self._shown(line)}")
                continue
            data = self._harmless(line[5:].strip())
            if data == b"[DONE]":
                return
            try:
                yield json.loads(data)
            except (ValueError, RecursionError):
                raise ModelBusy(f"It streamed something that is not JSON: {self._shown(data)}") from None
        raise ModelBusy(self.why or "The connection was cut in the middle of the reply.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if error is not None:
            self._explain(error)

    def _end(self) -> None:
        self.done.set()
        self.connection.close()
        if self.socket is not None:
            self.socket.close()

    def _watch(self) -> None:
        while not self.done.wait(_TICK):
            now = time.monotonic()
            if self.stop is not None and self.stop.is_set():
                self.why = "stopped"
            elif now - self.heard > self.limit:
                self.why = f"Nothing was heard of it for {self.limit:g} s."
            elif now - self.started > self.wire.patience.total:
                self.why = f"The reply was not done after {self.wire.patience.total:g} s."
            if self.why and self.socket is not None:
                try:
                    self.socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                return

    def _explain(self, error: BaseException) -> None:
        """What a failure of the connection means to the caller."""
        if self.why == "stopped" and isinstance(error, (OSError, http.client.HTTPException, ModelBusy, ValueError)):
            raise Unwanted from None
        if isinstance(error, (OSError, http.client.HTTPException)):
            what = f"{type(error).__name__}: {error}".replace("\n", " ").rstrip(": ")
            raise ModelBusy(self.why or f"The connection failed ({self._hidden(what)[:_SHOWN]}).") from None

    def _harmless(self, data: bytes) -> bytes:
        """What a server said without the key, should it repeat it; a key too short to be one may be any word."""
        key = self.wire.key.encode()
        return data.replace(key, b"***") if len(key) >= _SHORTEST_SECRET else data

    def _shown(self, data: bytes) -> str:
        """The beginning of what a server said, in one line and without the key."""
        text = " ".join(self._hidden(data.decode("utf-8", "replace")).split())
        return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…") if text else "nothing"

    def _hidden(self, text: str) -> str:
        return self.wire.hidden(text)


def _retry_after(value: str | None) -> float | None:
    """Seconds, which servers give as a number or as a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if seconds == seconds else None


def key_for(url: str) -> str:
    """The key for a server, from the environment; OpenAI's own variable only over a connection nobody else can read."""
    own = os.environ.get("NNCAPTION_API_KEY", "").strip()
    parts = urlsplit(url)
    if own or not (parts.scheme == "https" or _is_here(parts.hostname or "")):
        return own
    return os.environ.get("OPENAI_API_KEY", "").strip()


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

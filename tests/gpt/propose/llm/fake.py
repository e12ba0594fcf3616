"""A server in OpenAI's manner on 127.0.0.1, as good or as bad as a test wants it."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler", dict[str, Any]], None]
MODEL = "fake-1"
WORDS = (
    "a",
    "man",
    "rides",
    "the",
    "red",
    "old",
    "bike",
    "along",
    "some",
    "sunny",
    "road",
    "by",
    "sea",
    "while",
    "dogs",
)


class FakeServer(ThreadingHTTPServer):
    """Answers well unless behaviours wait for the next requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.next: deque[Behaviour] = deque()
        self.always: Behaviour | None = None
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.models: list[dict[str, Any]] = [{"id": MODEL, "max_model_len": 4096}]
        self.key = ""
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what is tested."""


class Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.headers.append(dict(self.headers))
        if self.path == "/v1/models":
            self.reply(200, {"object": "list", "data": self.server.models})
        else:
            self.reply(404, {"error": "no such thing"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        if self.path != "/v1/chat/completions":
            self.reply(404, {"error": "no such thing"})
            return
        with server.lock:
            server.headers.append(dict(self.headers))
            server.asked.append(body)
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
            behaviour = server.next.popleft() if server.next else server.always or good
        try:
            if server.key and self.headers.get("Authorization") != f"Bearer {server.key}":
                self.reply(401, {"error": f"no such key: {self.headers.get('Authorization')}"})
            else:
                behaviour(self, body)
        finally:
            with server.lock:
                server.at_once -= 1

    def reply(self, status: int, body: Any, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", headers.pop("kind", "application/json"))
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, data: Any) -> None:
        self.wfile.write(b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n")
        self.wfile.flush()

    def piece(self, **delta: str) -> None:
        self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    def end(self, reason: str = "stop", usage: dict[str, int] | None = None) -> None:
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if usage:
            self.event({"choices": [], "usage": usage})
        self.event(b"[DONE]")


def text_of(body: dict[str, Any]) -> list[str]:
    """The pieces that a good answer has: by the seed, and by the schema where there is one."""
    seed = body["seed"]
    if "response_format" in body:
        return ['{"kind": "', ("lstm", "gru")[seed % 2], '", "width": 640}']
    length = min(body["max_tokens"], 12)
    return [f"{WORDS[(seed * 7 + n * (1 + seed % 5)) % len(WORDS)]} " for n in range(length)]


def prompt_tokens(body: dict[str, Any]) -> int:
    return sum(8 + -(-len(message["content"].encode()) * 2 // 5) for message in body["messages"]) + 8


def good(handler: Handler, body: dict[str, Any]) -> None:
    used = prompt_tokens(body)
    if used >= 4096:
        said = f"This model's maximum context length is 4096 tokens. Your prompt has {used}."
        handler.reply(400, {"error": {"message": said, "type": "BadRequestError"}})
        return
    handler.begin_stream()
    pieces = text_of(body)
    for piece in pieces:
        handler.piece(content=piece)
        time.sleep(0.002)
    cut = "response_format" not in body and len(pieces) >= body["max_tokens"]
    handler.end("length" if cut else "stop", {"prompt_tokens": used, "completion_tokens": len(pieces)})


def whole(handler: Handler, body: dict[str, Any]) -> None:
    """Does not stream, and counts nothing."""
    said = {"role": "assistant", "content": "".join(text_of(body))}
    handler.reply(200, {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]})


def thinking(handler: Handler, body: dict[str, Any]) -> None:
    handler.begin_stream()
    for piece in ("First ", "think."):
        handler.piece(reasoning_content=piece)
    for piece in text_of(body):
        handler.piece(content=piece)
    handler.end()


def status(code: int, said: Any = None, **headers: str) -> Behaviour:
    return lambda handler, _body: handler.reply(code, {"error": "trouble"} if said is None else said, **headers)


def cut(after: int) -> Behaviour:
    """Cuts the connection after so many pieces."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.begin_stream()
        for piece in text_of(body)[:after]:
            handler.piece(content=piece)

    return behave


def slow(seconds: float) -> Behaviour:
    """Says nothing for so long, then answers well."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(seconds)
        good(handler, body)

    return behave


def stalls(seconds: float) -> Behaviour:
    """Begins, and then says nothing for so long."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.begin_stream()
        handler.piece(content="be")
        time.sleep(seconds)

    return behave


def drips(handler: Handler, body: dict[str, Any]) -> None:
    """Never comes to an end."""
    handler.begin_stream()
    while True:
        handler.piece(content="on ")
        time.sleep(0.02)


def raw(data: bytes, kind: str = "application/json") -> Behaviour:
    return lambda handler, _body: handler.reply(200, data, kind=kind)


def events(*data: Any) -> Behaviour:
    def behave(handler: Handler, _body: dict[str, Any]) -> None:
        handler.begin_stream()
        for one in data:
            handler.event(one)

    return behave


def says(text: str) -> Behaviour:
    """This text, schema or not."""

    def behave(handler: Handler, _body: dict[str, Any]) -> None:
        handler.begin_stream()
        handler.piece(content=text)
        handler.end(usage={"prompt_tokens": 10, "completion_tokens": 5})

    return behave


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    server = FakeServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

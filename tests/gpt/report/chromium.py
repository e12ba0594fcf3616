"""A headless Chromium that a test drives over the DevTools protocol; its own small WebSocket, nothing to install."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium() -> str | None:
    """The program, where it is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Socket:
    """Just enough of a WebSocket client for DevTools."""

    def __init__(self, url: str) -> None:
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.connection = socket.create_connection((name, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.connection.recv(1)
        assert b" 101 " in head.partition(b"\r\n")[0], head

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        size = len(data)
        short = size if size < 126 else 126 if size < 1 << 16 else 127
        length = b"" if short < 126 else size.to_bytes(2 if short == 126 else 8, "big")
        masked = (int.from_bytes(data, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")).to_bytes(
            size, "big"
        )
        self.connection.sendall(bytes([0x81, 0x80 | short]) + length + mask + masked)

    def receive(self) -> str:
        whole = b""
        while True:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
            data = self._exactly(size)
            if first & 0x0F in (0, 1, 2):
                whole += data
                if first & 0x80:
                    return whole.decode()

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self.connection.recv(min(1 << 20, size - len(data)))
            assert piece, "the browser has hung up"
            data += piece
        return bytes(data)


class Tab:
    """One tab: go to a page, ask it, press keys, take a picture. What it complains about is kept."""

    def __init__(self, url: str) -> None:
        self.socket = Socket(url)
        self.number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == self.number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self.events.append(message)

    def open(self, file: Path, fragment: str = "") -> float:
        """The seconds until the page was loaded and its script had run."""
        self._go("about:blank")  # else another fragment of the same page would load nothing
        began = time.monotonic()
        self._go(file.absolute().as_uri() + fragment)
        self.ask("1")
        return time.monotonic() - began

    def _go(self, url: str) -> None:
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self.socket.receive()))

    def ask(self, expression: str) -> Any:
        """The value of an expression, promises awaited."""
        done = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, expression: str, seconds: float = 10) -> None:
        """Waits until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.ask(f"!!({expression})"):
            assert time.monotonic() < deadline, f"never came: {expression}"
            time.sleep(0.03)

    def press(self, key: str, shift: bool = False) -> None:
        """Presses one key."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, " ": 32}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], "modifiers": 8 if shift else 0}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """The window's size, and whether the system likes it dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        value = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def picture(self, file: Path, whole: bool = False) -> None:
        """Takes a picture of what is seen, or of the whole page."""
        made = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(made["data"]))

    @property
    def complaints(self) -> list[str]:
        """Errors of scripts, on the console, and of the log since the page was opened."""
        found = []
        for event in self.events:
            about = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(about["exceptionDetails"]))
            if event.get("method") == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
                found.append(str(about["args"]))
            if event.get("method") == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
                found.append(str(about["entry"]))
        return found

    @property
    def requests(self) -> list[str]:
        """The addresses that the page has asked for, itself and data within it left out."""
        sent = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith(("file:", "data:", "blob:"))]


@contextmanager
def chromium(folder: Path) -> Iterator[Tab]:
    """A tab of a browser that keeps its things in the folder, and is ended with the test."""
    program = find_chromium()
    assert program
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(folder)
    ) as browser:
        try:
            yield Tab(_tab_of(folder, browser))
        finally:
            browser.terminate()
            try:
                browser.wait(10)
            except subprocess.TimeoutExpired:
                browser.kill()


def _tab_of(folder: Path, browser: subprocess.Popen[bytes]) -> str:
    """The address of the first tab's socket."""
    note = folder / "DevToolsActivePort"
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text().strip()):
        assert browser.poll() is None, "the browser did not start"
        assert time.monotonic() < deadline, "the browser did not open its port"
        time.sleep(0.05)
    port = note.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
        tabs = json.load(answer)
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))


def _environment(folder: Path) -> dict[str, str]:
    """The browser writes nowhere but into its folder."""
    return {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}

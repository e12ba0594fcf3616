"""Messages from a child to its parent, each with a seal, so that bytes from anybody else are noticed.

Foreign code lives in the child and could in the end find the key. So a message is a claim, never a proof: whoever reads
it checks it against something that the child does not hold.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import struct
import threading
from typing import Any

LARGEST = 1 << 20
_HEAD = struct.Struct("<I16s")
_NUMBER = struct.Struct("<Q")


class BadMessage(Exception):
    """Bytes on the channel that the child's own end did not write."""


def _seal(key: bytes, number: int, body: bytes) -> bytes:
    return hmac.new(key, _NUMBER.pack(number) + body, hashlib.sha256).digest()[:16]


class Sender:
    """The child's end."""

    def __init__(self, handle: int, key: bytes) -> None:
        self._handle = handle
        self._key = key
        self._number = 0
        self._lock = threading.Lock()

    def send(self, event: dict[str, Any]) -> None:
        """Passes one event on, whole."""
        body = json.dumps(event).encode()
        if len(body) > LARGEST:
            raise ValueError(f"an event of {len(body):,} bytes is too large for the channel; use a file")
        with self._lock:
            data = memoryview(_HEAD.pack(len(body), _seal(self._key, self._number, body)) + body)
            self._number += 1
            while data:
                data = data[os.write(self._handle, data) :]


class Receiver:
    """The parent's end: takes bytes in, gives whole events out, and raises `BadMessage` for anything else."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._number = 0
        self._bytes = bytearray()

    def take(self, data: bytes) -> list[dict[str, Any]]:
        """The events that are complete with these bytes."""
        self._bytes += data
        events = []
        while len(self._bytes) >= _HEAD.size:
            length, seal = _HEAD.unpack_from(self._bytes)
            if length > LARGEST:
                raise BadMessage("a message on the worker's channel that is larger than any of ours")
            if len(self._bytes) < _HEAD.size + length:
                break
            body = bytes(self._bytes[_HEAD.size : _HEAD.size + length])
            if not hmac.compare_digest(seal, _seal(self._key, self._number, body)):
                raise BadMessage("a fake message on the worker's channel")
            self._number += 1
            del self._bytes[: _HEAD.size + length]
            try:
                message = json.loads(body)
            except (ValueError, RecursionError) as error:  # foreign code may find the key in its process
                raise BadMessage("a sealed message on the worker's channel that no worker writes") from error
            if not isinstance(message, dict) or not isinstance(message.get("event", {}), dict):
                raise BadMessage("a sealed message on the worker's channel that no worker writes")
            events.append(message)
        return events

"""A reply put together from the events of a server's stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ab.gpt.propose.llm.protocol import ModelBusy, OnToken


class Reply:
    """A reply as it grows, with the thinking of a reasoning model put in front."""

    def __init__(self, on_token: OnToken) -> None:
        self.on_token = on_token
        self.pieces: list[str] = []
        self.thinking = False
        self.deltas = 0
        self.finish_reason = ""
        self.used: dict[str, Any] = {}

    def take(self, event: Any) -> None:
        """Takes in an event; `ModelBusy` for what no server should send."""
        if not isinstance(event, dict):
            raise ModelBusy("It streamed something that is no part of a reply.")
        if event.get("error"):
            raise ModelBusy(f"It broke off with an error: {str(event['error'])[:300]}")
        if isinstance(event.get("usage"), dict):
            self.used = event["usage"]
        choices = event.get("choices") or []
        if not isinstance(choices, list):
            raise ModelBusy("It streamed something that is no part of a reply.")
        for choice in choices:
            said = (choice.get("delta") or choice.get("message") or {}) if isinstance(choice, dict) else None
            if not isinstance(said, dict):
                raise ModelBusy("It streamed something that is no part of a reply.")
            self._take(said)
            self.finish_reason = str(choice.get("finish_reason") or self.finish_reason)

    def _take(self, said: dict[str, Any]) -> None:
        thought = said.get("reasoning_content") or said.get("reasoning")
        content = said.get("content")
        if isinstance(thought, str):
            self._say(thought if self.thinking else f"<think>\n{thought}")
            self.thinking = True
        if isinstance(content, str) and content:
            self._end_thinking()
            self._say(content)
        self.deltas += bool(thought or content)

    def finished(self) -> str:
        """The whole text; a reply that was never begun or never ended is no reply."""
        if not self.finish_reason:
            raise ModelBusy("The reply came to no end." if self.pieces else "It answered nothing.")
        if self.finish_reason != "length":
            self._end_thinking()
        return "".join(self.pieces)

    def usage(self, estimate: Callable[[], int]) -> tuple[int, int]:
        """The tokens of prompt and reply as the server counted them; else an estimate, and one for each piece."""
        prompt, reply = self.used.get("prompt_tokens"), self.used.get("completion_tokens")
        return (prompt if isinstance(prompt, int) else estimate()), (reply if isinstance(reply, int) else self.deltas)

    def _end_thinking(self) -> None:
        if self.thinking:
            self.thinking = False
            self._say("\n</think>\n\n")

    def _say(self, piece: str) -> None:
        self.pieces.append(piece)
        self.on_token(piece)

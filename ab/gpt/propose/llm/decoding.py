"""How Transformers is made to draw: each row with its own seed, length and schema, and told token by token.

Imports torch and transformers, so only what is about to generate imports this.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from ab.gpt.propose.llm.protocol import ModelDown, ModelMissing, OnToken, Schema

_NEVER = float("-inf")


class Speech:
    """Tokens as text, in pieces that are whole characters."""

    def __init__(self, tokenizer: Any, on_token: OnToken | None, opening: str = "") -> None:
        self.tokenizer, self.on_token = tokenizer, on_token
        self.tokens: list[int] = []
        self.begun = self.told = 0
        self.text = ""
        self._say(opening)

    def take(self, token: int) -> None:
        """Takes a token in, and tells what can be read since the last time.

        A token's text depends on the one before it (the space in front), so a little of what was told is read again.
        """
        self.tokens.append(token)
        known = self._decode(self.tokens[self.begun : self.told])
        now = self._decode(self.tokens[self.begun :])
        if len(now) > len(known) and not now.endswith("\ufffd"):
            self._say(now[len(known) :])
            self.begun, self.told = self.told, len(self.tokens)

    def end(self) -> str:
        """The whole text, with what was held back because it might have become a character."""
        known = self._decode(self.tokens[self.begun : self.told])
        self._say(self._decode(self.tokens[self.begun :])[len(known) :])
        self.begun = self.told = len(self.tokens)
        return self.text

    def _decode(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _say(self, piece: str) -> None:
        if piece:
            self.text += piece
            if self.on_token is not None:
                self.on_token(piece)


class Hold:
    """Makes what holds replies to schemas; it knows one tokenizer, which takes a second to learn."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: list[int]) -> None:
        try:
            import llguidance
            import llguidance.hf
        except ImportError as error:
            raise ModelMissing(
                f"To hold a model in this process to a schema takes the package llguidance: {error}.",
                "Install it: pip install 'nn-caption[held]'",
            ) from None
        self._matcher: Any = llguidance.LLMatcher
        try:
            self._tokens = llguidance.hf.from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=ends)
        except ValueError as error:
            raise ModelDown(f"This tokenizer cannot be held to a schema: {error}.", "Use another model.") from error
        self._vocabulary = vocabulary

    def held_to(self, schema: Schema) -> Held:
        """What holds one reply."""
        grammar = self._matcher.grammar_from_json_schema(json.dumps(schema), defaults={"whitespace_flexible": False})
        matcher = self._matcher(self._tokens, grammar)
        if matcher.is_error():
            raise ModelDown(f"The schema cannot be held to: {matcher.get_error()}.", "This is a defect; tell us.")
        return Held(matcher, self._vocabulary)


class Held:
    """One reply's place in its schema."""

    def __init__(self, matcher: Any, vocabulary: int) -> None:
        self._matcher, self._vocabulary = matcher, vocabulary

    def mask(self, scores: torch.Tensor) -> torch.Tensor:
        """The scores with what the schema does not allow here made impossible."""
        allowed = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8)
        if self._matcher.is_error():
            raise ModelDown(f"The schema cannot be held to: {self._matcher.get_error()}.", "This is a defect; tell us.")
        return scores.masked_fill(allowed[: len(scores)].to(scores.device) == 0, _NEVER)

    def take(self, token: int) -> bool:
        """Whether the reply is whole with this token."""
        self._matcher.consume_token(token)
        return bool(self._matcher.is_stopped())


@dataclass
class Row:
    """One reply of a batch as it grows."""

    seed: int
    temperature: float
    top_p: float
    most: int
    speech: Speech
    hold: Held | None = None
    ends: frozenset[int] = frozenset()
    tokens: list[int] = field(default_factory=list)
    finish_reason: str = ""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def draw(self, scores: torch.Tensor) -> int:
        """The next token, and everything that follows from it."""
        if self.hold is not None:
            scores = self.hold.mask(scores)
        token = self._drawn(scores.float())
        self.tokens.append(token)
        whole = self.hold is not None and self.hold.take(token)
        if token in self.ends:
            self.finish_reason = "stop"
            return token
        self.speech.take(token)
        if whole:
            self.finish_reason = "stop"
        elif len(self.tokens) >= self.most:
            self.finish_reason = "length"
        return token

    def _drawn(self, scores: torch.Tensor) -> int:
        if self.temperature <= 0:
            return int(scores.argmax())
        chances, tokens = torch.softmax(scores / self.temperature, dim=-1).sort(descending=True, stable=True)
        reached = chances.cumsum(-1)
        # The first always stays; each further one while those before it do not yet reach top_p.
        kept = max(1, int((reached - chances < self.top_p).sum()))
        mark = self._chance.random() * float(reached[kept - 1])
        place = int(torch.searchsorted(reached[:kept], torch.tensor(mark, device=reached.device), right=True))
        return int(tokens[min(place, kept - 1)])


class _Draw(LogitsProcessor):
    """Draws each row's token itself and leaves generate no choice."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        chosen = torch.full_like(scores, _NEVER)
        for number, row in enumerate(self.rows):
            chosen[number, 0 if row.finish_reason else row.draw(scores[number])] = 0.0
        return chosen


class _End(StoppingCriteria):
    """Ends the rows that are done, and all when the caller wants no more."""

    def __init__(self, rows: list[Row], stop: threading.Event | None) -> None:
        self.rows, self.stop = rows, stop

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:  # noqa: ARG002
        over = self.stop is not None and self.stop.is_set()
        return torch.tensor([over or bool(row.finish_reason) for row in self.rows], device=input_ids.device)


def decode(model: Any, rows: list[Row], prompts: Sequence[list[int]], stop: threading.Event | None) -> None:
    """Lets the model write all rows to their ends, or until `stop`."""
    longest = max(map(len, prompts))
    pad = min(rows[0].ends, default=0)
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    make_config: Any = transformers.GenerationConfig
    config = make_config(
        do_sample=False, num_beams=1, max_new_tokens=max(row.most for row in rows), pad_token_id=pad, use_cache=True
    )
    with torch.inference_mode():
        model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=config,
            logits_processor=LogitsProcessorList([_Draw(rows)]),
            stopping_criteria=StoppingCriteriaList([_End(rows, stop)]),
        )

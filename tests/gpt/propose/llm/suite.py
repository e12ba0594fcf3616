"""What every language model must do, whichever backend runs it.

A backend's tests are a subclass with a fixture `llm`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from ab.gpt.propose.llm.protocol import LLM, STOPPED, Completion, Message, ModelError, PromptTooLong, Request
from ab.gpt.propose.llm.schema import misfit

SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["lstm", "gru"]}, "width": {"enum": [640, 768]}},
    "required": ["kind", "width"],
    "additionalProperties": False,
}
SYSTEM = Message("system", "You answer briefly.")
QUESTION = Message("user", "Write one sentence about a photograph of a dog on a beach.")
ASKED = Request((SYSTEM, QUESTION), seed=1, max_tokens=24, temperature=0.9, top_p=0.95)
HELD = replace(ASKED, messages=(SYSTEM, Message("user", "Choose a decoder's kind and width, as JSON.")), schema=SCHEMA)


def ask(llm: LLM, request: Request, **more: object) -> Completion:
    """The reply by the protocol's own call."""
    return llm.complete(
        request.messages, schema=request.schema, seed=request.seed, max_tokens=request.max_tokens,
        temperature=request.temperature, top_p=request.top_p, **more,
    )  # fmt: skip


class LLMSuite:
    """Subclass it as `TestX` with a fixture `llm` of a wider scope; say what the backend cannot do by its nature."""

    draws = True
    """False where the replies are not drawn token by token, so that they cannot be cut at a number of tokens."""
    limits_prompts = True
    waits = 60.0

    def test_it_is_a_language_model(self, llm):
        assert isinstance(llm, LLM) and llm.name and llm.context > 0

    def test_it_counts(self, llm):
        few, more = (llm.count([SYSTEM, Message("user", QUESTION.content * times)]) for times in (1, 2))
        assert 0 < few < more
        assert llm.count([SYSTEM, QUESTION]) == few

    def test_a_reply_is_told_piece_by_piece_and_says_what_it_took(self, llm):
        pieces: list[str] = []
        done = ask(llm, ASKED, on_token=pieces.append)
        assert done.text and "".join(pieces) == done.text
        assert done.finish_reason in ("stop", "length") and done.model
        assert done.prompt_tokens > 0 and done.tokens > 0 and done.seconds >= 0 and done.cost >= 0
        if self.draws:
            assert done.tokens <= ASKED.max_tokens and done.tokens_per_second > 0
            assert abs(done.prompt_tokens - llm.count(ASKED.messages)) <= 2
            assert ask(llm, replace(ASKED, max_tokens=3)).finish_reason == "length"

    def test_a_seed_decides_whatever_was_asked_before(self, llm):
        texts = {seed: ask(llm, replace(ASKED, seed=seed)).text for seed in (1, 2, 3)}
        ask(llm, replace(HELD, seed=7))
        assert {seed: ask(llm, replace(ASKED, seed=seed)).text for seed in (3, 1, 2)} == texts
        assert len(set(texts.values())) > 1

    def test_with_a_schema_it_answers_json_that_fits(self, llm):
        for seed in range(3):
            done = ask(llm, replace(HELD, seed=seed, max_tokens=48))
            assert done.finish_reason == "stop" and misfit(done.answer, SCHEMA) == "", done.text

    def test_several_come_in_their_order_and_are_what_each_alone_would_be(self, llm):
        asked = [replace(ASKED, seed=seed, max_tokens=8 + seed) for seed in (5, 6, 7)] + [replace(HELD, max_tokens=48)]
        together = [done.text for done in llm.complete_many(asked)]
        assert together == [ask(llm, one).text for one in asked]
        assert list(llm.complete_many([])) == []

    def test_a_reply_that_is_not_wanted_any_more_ends(self, llm):
        stop = threading.Event()
        stop.set()
        started = time.monotonic()
        assert ask(llm, ASKED, stop=stop).finish_reason == STOPPED
        stop = threading.Event()
        pieces: list[str] = []
        done = ask(
            llm, replace(ASKED, max_tokens=1000), on_token=lambda piece: pieces.append(piece) or stop.set(), stop=stop
        )
        assert done.finish_reason == STOPPED and pieces
        assert time.monotonic() - started < self.waits
        assert ask(llm, ASKED).finish_reason != STOPPED

    def test_a_prompt_that_leaves_no_room_is_refused(self, llm):
        long = replace(ASKED, messages=(Message("user", "word and " * llm.context),))
        if not self.limits_prompts:
            pytest.skip("this backend takes prompts of any length")
        with pytest.raises(PromptTooLong) as caught:
            ask(llm, long)
        assert "snippets" in caught.value.way_out
        assert ask(llm, ASKED).text

    def test_what_the_listener_raises_is_the_callers(self, llm):
        def broken(piece: str) -> None:
            raise ZeroDivisionError("mine")

        with pytest.raises(ZeroDivisionError):
            ask(llm, ASKED, on_token=broken)
        assert ask(llm, ASKED).text


class ClosingSuite:
    """For backends that hold something: closed they say so, and may be closed twice."""

    def test_closed_it_does_not_answer(self, fresh):
        fresh.close()
        fresh.close()
        with pytest.raises(ModelError):
            ask(fresh, ASKED)

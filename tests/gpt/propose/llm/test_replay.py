"""Replies that were written down, and a model that writes its replies down."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.errors import UsageError
from ab.gpt.propose.llm.protocol import STOPPED, ModelDown
from ab.gpt.propose.llm.record import CannotRecord, Recording
from ab.gpt.propose.llm.replay import Replay, read_records
from ab.gpt.propose.llm.server import Server
from tests.gpt.propose.conftest import Counting
from tests.gpt.propose.llm.fake import fake_server
from tests.gpt.propose.llm.suite import ASKED, HELD, LLMSuite, ask

TEXTS = ("A dog runs along the beach, and it is happy.", "Waves, sand, and one very wet dog in the sun.", "A third.")


def written(file: Path, *records: object) -> Path:
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


class TestReplay(LLMSuite):
    draws = False

    @pytest.fixture(scope="class")
    @classmethod
    def llm(cls, tmp_path_factory) -> Replay:
        records = [
            {"text": text, "seed": seed, "digest": asked.digest, "tokens": 9, "seconds": 1.5}
            for seed in range(9)
            for asked, text in ((ASKED, TEXTS[seed % 3]), (HELD, '{"kind": "gru", "width": 768}'))
        ]
        return Replay(
            written(tmp_path_factory.mktemp("replay") / "r.jsonl", *records, {"text": "any"}),
            order="seed",
            context=4096,
        )


class TestRecording(LLMSuite):
    """A recording of a server does what the server does."""

    @pytest.fixture
    def llm(self, tmp_path):
        with fake_server() as server:
            yield Recording(Server(server.url), tmp_path / "r.jsonl")


def test_what_was_recorded_is_given_back_for_the_same_prompt_and_seed(tmp_path):
    file = tmp_path / "r.jsonl"
    with fake_server() as server:
        llm = Recording(Server(server.url), file)
        asked = [replace(ASKED, seed=seed) for seed in range(4)] + [replace(HELD, seed=1)]
        said = [ask(llm, one) for one in asked[:3]] + list(llm.complete_many(asked[3:]))
        stop = threading.Event()
        stop.set()
        assert ask(llm, replace(ASKED, seed=77), stop=stop).finish_reason == STOPPED
    assert len(read_records(file)) == 5
    replay = Replay(file)
    assert [ask(replay, one) for one in reversed(asked)] == said[::-1]
    assert ask(replay, asked[0]) == said[0]
    other = replace(HELD, messages=ASKED.messages[:1], seed=2)
    assert ask(replay, other).text == said[2].text  # another prompt with a recorded seed
    with pytest.raises(ModelDown, match="no reply left"):
        ask(replay, replace(ASKED, seed=99))


def test_in_the_files_order_each_comes_once_and_a_question_keeps_its_reply(tmp_path):
    replay = Replay(written(tmp_path / "r.jsonl", *({"text": text} for text in TEXTS)))
    first, second = ask(replay, ASKED).text, ask(replay, replace(ASKED, seed=2)).text
    assert (first, second) == TEXTS[:2] and ask(replay, ASKED).text == first
    assert ask(replay, HELD).text == TEXTS[2]
    with pytest.raises(ModelDown, match="3 came in order"):
        ask(replay, replace(ASKED, seed=3))


def test_a_resumed_run_skips_what_it_has_had(tmp_path):
    records = [{"text": text} for text in TEXTS] + [{"text": "of seed 5", "seed": 5}]
    replay = Replay(written(tmp_path / "r.jsonl", *records))
    replay.skip_for([1, 5, 2])
    assert ask(replay, replace(ASKED, seed=5)).text == "of seed 5"
    assert ask(replay, replace(ASKED, seed=3)).text == TEXTS[2]


def test_what_a_power_cut_left_does_not_count_and_is_not_built_upon(tmp_path):
    file = written(tmp_path / "r.jsonl", {"text": "whole"})
    with open(file, "a") as tail:
        tail.write('{"text": "hal')
    assert [record["text"] for record in read_records(file)] == ["whole"]
    ask(Recording(Counting(text="next"), file), ASKED)
    with pytest.raises(UsageError, match="Line 2"):
        read_records(file)


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"text": 5}', '{"reply": "x"}'])
def test_a_file_that_is_none_is_refused(tmp_path, line):
    file = tmp_path / "r.jsonl"
    file.write_text(f'{line}\n{{"text": "x"}}\n')
    with pytest.raises(UsageError, match="Line 1"):
        Replay(file)
    with pytest.raises(UsageError, match="cannot be read"):
        Replay(tmp_path / "none.jsonl")
    with pytest.raises(CannotRecord):
        ask(Recording(Counting(), tmp_path / "no" / "folder.jsonl"), ASKED)


def test_recording_is_lazy(tmp_path):
    """A model that is asked for many is not asked for more than are taken."""
    llm = Counting()
    taken = Recording(llm, tmp_path / "r.jsonl").complete_many(replace(ASKED, seed=seed) for seed in range(10_000))
    next(taken)
    next(taken)
    assert len(llm.asked) == 2 and len(read_records(tmp_path / "r.jsonl")) == 2

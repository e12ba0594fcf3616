"""The embedded model by llama.cpp, in this process."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.propose.llm.llama_cpp import LlamaCpp
from ab.gpt.propose.llm.protocol import Message, ModelDown, ModelMissing
from tests.gpt.propose.llm.suite import ASKED, HELD, ClosingSuite, LLMSuite, ask

pytest.importorskip("xllamacpp", reason="the embedded model needs the package xllamacpp")


@pytest.fixture(scope="module")
def shared(smollm_file):
    llm = LlamaCpp(smollm_file, name="SmolLM2", context=1024, threads=1)
    yield llm
    llm.close()


class TestLlamaCpp(LLMSuite, ClosingSuite):
    @pytest.fixture
    def llm(self, shared) -> LlamaCpp:
        return shared

    @pytest.fixture
    def fresh(self, smollm_file) -> LlamaCpp:
        return LlamaCpp(smollm_file, context=512, threads=1)


def test_a_reply_is_the_same_in_another_server(shared, smollm_file):
    again = LlamaCpp(smollm_file, context=1024, threads=1)
    asked = [replace(ASKED, seed=1 << 40), HELD]
    assert [ask(again, one).text for one in asked] == [ask(shared, one).text for one in asked]
    again.close()


def test_at_temperature_0_all_seeds_agree(shared):
    assert len({ask(shared, replace(ASKED, seed=seed, temperature=0.0)).text for seed in range(3)}) == 1


def test_threads_take_turns(shared):
    alone = ask(shared, ASKED).text
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(ask(shared, ASKED).text)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [alone] * 3


def test_its_port_is_nobody_elses(shared):
    shared.count(ASKED.messages)
    url = f"{shared._server.listening_address}/v1/chat/completions"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}), timeout=10)
    assert caught.value.code == 401
    assert shared._key not in f"{shared!r} {vars(shared)['_wire']!r}" and shared._key not in os.environ.values()


def test_files_that_are_no_models(tmp_path: Path):
    with pytest.raises(ModelMissing, match="no model file"):
        ask(LlamaCpp(tmp_path / "none.gguf"), ASKED)
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelMissing, match="cannot load"):
        ask(LlamaCpp(tmp_path / "bad.gguf"), ASKED)


def test_a_schema_that_cannot_be_held_to(shared):
    with pytest.raises(ModelDown):
        ask(shared, replace(HELD, schema={"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}))
    assert ask(shared, ASKED).text


def test_strange_texts_are_taken(shared):
    for text in ("", "\0", "<|im_end|><|im_start|>", "日本語 🐕", "a\n" * 50):
        done = ask(shared, replace(ASKED, messages=(Message("user", text),), max_tokens=4))
        assert done.tokens <= 4

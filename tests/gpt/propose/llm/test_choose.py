"""What a value of `--llm` names, and several models in one run."""

from __future__ import annotations

import random
import sys
from collections import Counter

import pytest

from ab.gpt.errors import UsageError
from ab.gpt.propose.llm import choose, embedded
from ab.gpt.propose.llm.choose import DEFAULT_LLM, Mixture, Options, open_llm, open_mixture
from ab.gpt.propose.llm.llama_cpp import LlamaCpp
from ab.gpt.propose.llm.protocol import ModelMissing
from ab.gpt.propose.llm.replay import Replay
from ab.gpt.propose.llm.server import Price, Server
from ab.gpt.propose.llm.transformers_llm import TransformersLLM
from tests.gpt.propose.conftest import Counting


def test_each_kind_of_model_is_opened_by_its_name(tmp_path):
    (tmp_path / "replies.jsonl").write_text('{"text": "x"}\n')
    (tmp_path / "folder").mkdir()
    assert isinstance(open_llm(f"replay:{tmp_path / 'replies.jsonl'}"), Replay)
    server = open_llm("http://localhost:8000/v1#some/model:7b", Options(context=99, price=Price(1, 2)))
    assert isinstance(server, Server) and server.name == "some/model:7b" and server.context == 99
    for source in (DEFAULT_LLM, str(tmp_path / "folder")):
        llm = open_llm(source)
        assert (
            isinstance(llm, TransformersLLM) and llm.name == source.rpartition("/" if "folder" in source else "\0")[2]
        )


def test_the_embedded_model(smollm_file, monkeypatch):
    pytest.importorskip("xllamacpp", reason="the embedded model needs the package xllamacpp")
    llm = open_llm("embedded", Options(context=256))
    assert isinstance(llm, LlamaCpp) and llm.name == embedded.NAME
    assert isinstance(open_llm(str(smollm_file)), LlamaCpp)
    monkeypatch.setattr(embedded.util, "find_spec", lambda name: None)
    with pytest.raises(ModelMissing, match="Nothing is installed"):
        open_llm("embedded")
    monkeypatch.setattr(embedded, "DISTRIBUTION", "no-such-package")
    with pytest.raises(ModelMissing, match="not installed") as caught:
        open_llm("embedded")
    assert "pip install" in caught.value.way_out


def test_opening_loads_nothing(tmp_path):
    before = set(sys.modules)
    open_llm(DEFAULT_LLM)
    assert not {"torch", "transformers", "xllamacpp"} & (set(sys.modules) - before)


@pytest.mark.parametrize("spec", ["", "no model", "nothing.gguf", "/no/such/folder", "GPT4", "ftp://host/v1"])
def test_what_names_no_model_is_said(spec):
    with pytest.raises(UsageError) as caught:
        open_llm(spec)
    assert "--llm" in caught.value.what and "embedded" in caught.value.way_out


def test_several_models_by_weight(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text('{"text": "x"}\n')
    specs = [f"replay:{tmp_path / 'a.jsonl'}=3", f" replay:{tmp_path / 'b.jsonl'} "]
    mixture = open_mixture(specs)
    chance = random.Random(0)
    picked = Counter(mixture.pick(chance).name for _ in range(800))
    assert (
        set(picked) == {"replay:a.jsonl", "replay:b.jsonl"}
        and 2.5 < picked["replay:a.jsonl"] / picked["replay:b.jsonl"] < 3.6
    )
    mixture.close()
    assert [llm.name for llm in open_mixture([]).llms] == [DEFAULT_LLM]
    assert [llm.name for llm in open_mixture(["", " "]).llms] == [DEFAULT_LLM]


def test_weights_are_no_part_of_an_address():
    [(llm, weight)] = choose.open_mixture(["http://localhost:8000/v1#m=2.5"])._weighted
    assert (llm.name, weight) == ("m", 2.5)


@pytest.mark.parametrize(
    "weighted", [[], [(Counting(), 0.0)], [(Counting(), 2.0), (Counting(), -1.0)], [(Counting(), float("nan"))]]
)
def test_weights_that_cannot_be(weighted):
    with pytest.raises(UsageError, match="weights"):
        Mixture(weighted)

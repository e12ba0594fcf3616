"""LEMUR can evaluate a captioner with our metrics, and gets the figures of `ab.gpt.train.scores`."""

from __future__ import annotations

import importlib.util
import sys
import types
import warnings
from pathlib import Path

import pytest

from ab.gpt.train.scores import ScoringError, cider_d, corpus_bleu, rouge_l
from ab.gpt.train.scores.metric import LOADER, _say_that_punctuation_counts

torch = pytest.importorskip("torch")

FOLDER = Path(__file__).resolve().parents[3] / "ab" / "nn" / "metric"
NAMES = ("bleu4corpus", "ciderd", "rougel", "distinct")
WORDS = ["<PAD>", "<SOS>", "<EOS>", "<UNK>", "a", "red", "boat", "in", "the", "water", ".", "dog", "is", "here"]
LABELS = [
    [[1, 4, 5, 6, 7, 8, 9, 10, 2], [1, 8, 6, 12, 13, 10, 2, 0, 0]],
    [[1, 4, 11, 12, 13, 10, 2, 0, 0], [0] * 9],
    [[0] * 9, [0] * 9],
    [[1, 8, 5, 11, 12, 7, 8, 9, 2], [1, 4, 11, 2, 0, 0, 0, 0, 0]],
]
IDS = [
    [4, 5, 6, 7, 8, 9, 10, 2, 6],
    [4, 11, 10, 2, 0, 0, 0, 0, 0],
    [4, 4, 2, 0, 0, 0, 0, 0, 0],
    [4, 11, 2, 4, 4, 4, 4, 4, 4],
]
SAID = ["a red boat in the water", "a dog", "a dog"]
WRITTEN = [
    ["a red boat in the water", "the boat is here"],
    ["a dog is here"],
    ["the red dog is in the water", "a dog"],
]


def load(name):
    """A metric file, loaded by its path: importing `ab.nn` would build LEMUR's database."""
    spec = importlib.util.spec_from_file_location(f"metric_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def vocabulary(monkeypatch):
    """LEMUR's loader, as far as metrics look at it."""
    loader = types.ModuleType(LOADER)
    loader.GLOBAL_CAPTION_VOCAB = {"idx2word": dict(enumerate(WORDS))}
    monkeypatch.setitem(sys.modules, LOADER, loader)


def words(texts):
    return [text.split() for text in texts]


EXPECTED = {
    "bleu4corpus": corpus_bleu(words(SAID), [words(image) for image in WRITTEN])[3],
    "ciderd": cider_d(words(SAID), [words(image) for image in WRITTEN]),
    "rougel": rouge_l(words(SAID), [words(image) for image in WRITTEN]),
    "distinct": 2 / 3,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["ids", "logits"])
def test_batches_of_ids_or_logits_give_the_figure(vocabulary, name, form):
    ids, labels = torch.tensor(IDS), torch.tensor(LABELS)
    outputs = ids if form == "ids" else torch.nn.functional.one_hot(ids, len(WORDS)).float()
    metric = load(name).create_metric((len(WORDS),))
    metric.reset()
    metric(outputs[:3], labels[:3])
    metric(outputs[3:], labels[3:])
    result = metric.result()
    assert isinstance(result, float)
    assert result == EXPECTED[name]
    metric.reset()
    assert metric.result() == 0.0


def test_one_reference_may_come_without_its_dimension(vocabulary):
    metric = load("rougel").create_metric()
    metric(torch.tensor(IDS[:1]), torch.tensor([LABELS[0][0]]))
    assert metric.result() == pytest.approx(1.0)


def test_all_four_bleus_by_name(vocabulary):
    metric = load("bleu4corpus").create_metric()
    assert metric.get_all() == dict.fromkeys(["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"], 0.0)
    metric(torch.tensor(IDS), torch.tensor(LABELS))
    assert tuple(metric.get_all().values()) == corpus_bleu(words(SAID), [words(image) for image in WRITTEN])


def test_without_a_vocabulary_punctuation_stays_and_that_is_said_once(monkeypatch):
    monkeypatch.delitem(sys.modules, LOADER, raising=False)
    _say_that_punctuation_counts.cache_clear()
    metric = load("rougel").create_metric()
    metric(torch.tensor([[4, 11, 10, 2]]), torch.tensor([[[1, 4, 11, 2]]]))
    with pytest.warns(UserWarning, match="Punctuation is counted as words"):
        assert metric.result() < 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.result()


def test_outputs_that_are_no_captions_are_named(vocabulary):
    metric = load("distinct").create_metric()
    with pytest.raises(ScoringError, match=r"shape \(4,\)"):
        metric(torch.zeros(4), torch.tensor(LABELS))
    with pytest.raises(ScoringError, match="2 captions for a batch of 4 images"):
        metric(torch.tensor(IDS[:2]), torch.tensor(LABELS))


def test_lemur_can_take_the_names():
    """LEMUR splits the names of configurations on '_'."""
    assert {file.stem for file in FOLDER.glob("*.py")} >= set(NAMES)
    assert not [name for name in NAMES if "_" in name]

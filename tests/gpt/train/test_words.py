"""Captions are cut as LEMUR cuts them, faster; the vocabulary that is kept is never another data set's."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize import word_tokenize

from ab.gpt.train import words
from ab.gpt.train.dataset import fingerprint, read_split
from ab.gpt.train.words import PUNKT, kept_vocabulary, nltk_places, plain_words, punkt_is_here, tokenizer

PIECES = (
    "a", "dog", "can", "cannot", "gimme", "wanna", "12", "3,5", "x-y", "-", "--", ",", ".", "..", " ", "  ", "e.g.",
    "it's", '"', "!", "(", "b,c", "don't", "é", "\n", "\t", "can not", "lemme-go", "u.s.",
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from(["", " "]))
def test_what_is_called_plain_is_cut_as_nltk_cuts_it(pieces, between):
    text = between.join(pieces)
    plain = plain_words(text)
    if plain is not None:
        assert plain == word_tokenize(text, preserve_line=True)
        if tokenizer()[0] == "punkt_tab":
            assert plain == word_tokenize(text)


def test_most_captions_are_plain(scenes):
    captions = [caption for all_ in read_split(scenes, "train").captions.values() for caption in all_]
    cut = [plain_words(caption.lower()) for caption in captions]
    assert sum(words is not None for words in cut) > 0.8 * len(cut)
    assert all(
        w is None or w == word_tokenize(c.lower(), preserve_line=True) for w, c in zip(cut, captions, strict=True)
    )


def test_on_flickr8k_every_caption_is_cut_as_nltk_cuts_it(flickr8k):
    _, tokenize = tokenizer()
    captions = [caption for all_ in read_split(flickr8k, "val").captions.values() for caption in all_]
    preserve = tokenizer()[0] == "words"
    assert all(tokenize(c.lower()) == word_tokenize(c.lower(), preserve_line=preserve) for c in captions)


@pytest.fixture
def data(home, scenes):
    shutil.copytree(scenes, home.coco)
    return home.coco


def test_a_vocabulary_is_kept_and_made_anew_for_other_captions(home, data, monkeypatch):
    first = kept_vocabulary(home, data)
    monkeypatch.setattr(words, "vocabulary", lambda *_: pytest.fail("it was not kept"))
    assert kept_vocabulary(home, data) == first
    monkeypatch.undo()

    file = data / "annotations" / "captions_train2017.json"
    about = file.stat()
    text = file.read_text()
    word = next(word for word in first[4:] if len(word) > 3 and word.isalpha())
    file.write_text(text.replace(word, "q" * len(word)))  # as many bytes
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert file.stat().st_size == about.st_size
    other = kept_vocabulary(home, data)
    assert other != first and "q" * len(word) in other

    file.write_text(text)
    assert kept_vocabulary(home, data) == first
    monkeypatch.setattr(words, "EDITION", words.EDITION + 1)
    monkeypatch.setattr(words, "vocabulary", lambda *_: ["made anew"])
    assert kept_vocabulary(home, data) == ["made anew"]


def test_a_kept_vocabulary_that_is_cut_off_is_made_anew(home, data):
    first = kept_vocabulary(home, data)
    [file] = (home.out / "nncaption" / "vocabularies").iterdir()
    for broken in (file.read_text()[:50], json.dumps({"a": 1}), json.dumps([1, 2])):
        file.write_text(broken)
        assert kept_vocabulary(home, data) == first


def test_a_full_disk_costs_only_the_keeping(home, data, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    first = kept_vocabulary(home, data)
    shutil.rmtree(home.out / "nncaption" / "vocabularies")
    monkeypatch.setattr("pathlib.Path.write_text", full)
    assert kept_vocabulary(home, data) == first
    assert not list((home.out / "nncaption" / "vocabularies").iterdir())


def test_a_fingerprint_changes_with_contents_and_with_pictures(data):
    pictures, annotations = data / "train2017", data / "annotations" / "captions_train2017.json"
    before = fingerprint(pictures), fingerprint(annotations)
    assert before == (fingerprint(pictures), fingerprint(annotations))
    one = next(pictures.iterdir())
    one.write_bytes(one.read_bytes() + b"\0")  # written in place: the folder itself keeps its time
    annotations.write_text(annotations.read_text() + " ")
    assert all(a != b for a, b in zip(before, (fingerprint(pictures), fingerprint(annotations)), strict=True))


def test_nltk_is_looked_for_where_nltk_itself_looks(tmp_path, monkeypatch):
    import nltk.data

    assert nltk_places() == [Path(place) for place in dict.fromkeys(nltk.data.path) if Path(place).is_dir()]
    monkeypatch.setenv("NLTK_DATA", f"{tmp_path}{os.pathsep}/nonexistent")
    assert nltk_places()[0] == tmp_path and Path("/nonexistent") not in nltk_places()
    monkeypatch.setattr("nltk.data.find", lambda _: pytest.fail("NLTK was asked"))
    (tmp_path / PUNKT).mkdir(parents=True)
    assert punkt_is_here()


def test_plain_captions_do_without_nltk(run_python):
    code = (
        "import sys, nncaption; nncaption.light_ab(); from ab.gpt.train import words;"
        " words.punkt_is_here = lambda: True;"
        " print(words.tokenizer()[1]('a man , a plan.'), 'nltk' in sys.modules)"
    )
    assert run_python(code).stdout.splitlines()[-1] == "['a', 'man', ',', 'a', 'plan', '.'] False"

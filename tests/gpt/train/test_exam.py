"""The ground is LEMUR's ground: the same words, the same ids, the same images for everybody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ab.gpt.train.dataset import BadData, check_layout, fingerprint, read_split
from ab.gpt.train.exam import Exam, choose_images, make_exam
from ab.gpt.train.scores import lemur_bleu
from ab.gpt.train.words import tokenizer


def test_words_and_references_are_those_of_lemurs_loader(home, run_python, scenes):
    shutil.copytree(scenes, home.coco)
    exam = make_exam(home, home.coco, val_images=None)
    code = """
import json, random
import nltk
nltk.download = lambda *a, **k: False
from ab.nn.util.Loader import load_dataset
from ab.nn.loader.coco_ import Caption
from nltk.tokenize import word_tokenize
try:
    word_tokenize("a b.")
except LookupError:
    Caption.word_tokenize = lambda text: word_tokenize(text, preserve_line=True)
shape, _, train, val = load_dataset("img-captioning", "coco", "echo_32")
val.ids = sorted(val.ids)
_, labels = val.collate_fn([val[i] for i in range(len(val))])
print(json.dumps([list(val.idx2word.values()), val.ids, labels.tolist()]))
"""
    words, ids, labels = json.loads(run_python(code).stdout.splitlines()[-1])
    assert exam.words == words
    assert exam.image_ids == ids
    stripped = [[[t for t in caption if t] for caption in image] for image in labels]
    assert exam.references == stripped
    assert (home.coco / "vocab.pth").exists()  # made by LEMUR just now; read without torch from here on
    again = make_exam(home, home.coco, val_images=None)
    assert again.words == words


def test_the_choice_of_images_is_fixed_by_the_seed(ground):
    home, _ = ground
    val = read_split(home.coco, "val")
    first = choose_images(val, 10, 0)
    assert first == choose_images(val, 10, 0) == sorted(first)
    assert first != choose_images(val, 10, 1)
    assert choose_images(val, None, 0) == choose_images(val, 999, 0) == sorted(val.files)
    with pytest.raises(BadData):
        choose_images(val, 0, 0)


def test_decoys_are_training_captions_and_never_the_true_ones(ground):
    home, exam = ground
    train = {caption for captions in read_split(home.coco, "train").captions.values() for caption in captions}
    assert all(caption in train for captions in exam.decoy_captions for caption in captions)
    assert exam.decoys != exam.references


def test_an_exam_is_kept_and_made_anew_when_the_data_changes(home, scenes, monkeypatch):
    shutil.copytree(scenes, home.coco)
    first = make_exam(home, home.coco, 5)
    kept = list((home.out / "nncaption" / "exams").iterdir())
    assert len(kept) == 1
    monkeypatch.setattr("ab.gpt.train.exam._make", lambda *_: pytest.fail("it was not kept"))
    assert make_exam(home, home.coco, 5) == first
    monkeypatch.undo()
    kept[0].write_text(kept[0].read_text()[:1000])  # cut off
    assert make_exam(home, home.coco, 5) == first
    annotations = home.coco / "annotations" / "captions_val2017.json"
    before = fingerprint(annotations)
    annotations.write_text(annotations.read_text().replace(" a ", " the "))
    assert fingerprint(annotations) != before
    assert make_exam(home, home.coco, 5) != first


def test_shares_of_copied_captions(ground):
    _, exam = ground
    assert exam.shares([captions[0] for captions in exam.references])[0] > 0.9
    assert exam.shares([captions[0] for captions in exam.decoys])[1] > 0.9
    assert exam.shares([[1, 4, 5, 2]] * len(exam.image_ids)) == (0.0, 0.0)


def break_data(coco: Path, how: str) -> str:
    annotations = coco / "annotations"
    match how:
        case "nothing":
            shutil.rmtree(coco)
            return "There is no data set"
        case "no annotations":
            (annotations / "captions_val2017.json").unlink()
            return "captions_val2017.json is missing"
        case "no split":
            shutil.rmtree(coco / "val2017")
            return "val2017 is missing"
        case "no json":
            (annotations / "captions_train2017.json").write_text("{")
            return "does not hold COCO's captions"
        case "no images":
            (annotations / "captions_val2017.json").write_text('{"images": [], "annotations": []}')
            return "names no image"
        case "an image is missing":
            next((coco / "val2017").iterdir()).unlink()
            return "cannot be read"
        case "a training image is missing":
            next((coco / "train2017").iterdir()).unlink()
            return "cannot be read"
        case "a training image is none":
            next((coco / "train2017").iterdir()).write_text("<html>not found</html>")
            return "neither a JPEG nor a PNG"
        case "an image is none":
            next((coco / "val2017").iterdir()).write_text("<html>not found</html>")
            return "neither a JPEG nor a PNG"
        case _:
            (coco / "vocab.pth").write_bytes(b"nothing")
            return "vocab.pth cannot be read"


@pytest.mark.parametrize(
    "how",
    [
        "nothing",
        "no annotations",
        "no split",
        "no json",
        "no images",
        "an image is missing",
        "an image is none",
        "a training image is missing",
        "a training image is none",
        "vocab",
    ],
)
def test_bad_data_is_named_before_any_training(home, scenes, how):
    shutil.copytree(scenes, home.coco)
    what = break_data(home.coco, how)
    with pytest.raises(BadData) as caught:
        make_exam(home, home.coco, None)
    assert what in caught.value.what and caught.value.way_out


def test_a_vocabulary_that_would_run_code_is_refused(home, scenes):
    import pickle
    import zipfile

    class Evil:
        def __reduce__(self):
            return (print, ("evil",))

    shutil.copytree(scenes, home.coco)
    with zipfile.ZipFile(home.coco / "vocab.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"word2idx": Evil()}))
    with pytest.raises(BadData, match=r"builtins\.print"):
        make_exam(home, home.coco)


def test_the_tokenizer_does_without_punkt_and_says_so(monkeypatch):
    import nltk.data

    def missing(_name):
        raise LookupError

    monkeypatch.setattr(nltk.data, "find", missing)
    monkeypatch.setattr("ab.gpt.train.words.nltk_places", list)
    name, tokenize = tokenizer()
    assert name == "words"
    assert tokenize("a man rides a bike .") == ["a", "man", "rides", "a", "bike", "."]


def test_layout_of_drawn_scenes(scenes):
    check_layout(scenes)


def test_on_flickr8k_lemurs_figure_and_ours_agree_to_the_last_digit(flickr8k, run_python, home, tmp_path):
    """The same predictions, by LEMUR's metric over LEMUR's own collated labels, and by ours."""
    home.data.mkdir()
    home.coco.symlink_to(flickr8k)
    exam: Exam = make_exam(home, flickr8k, 300)
    predicted = [captions[0] for captions in exam.references[1:]] + [exam.references[0][1]]
    predicted[5], predicted[6], predicted[7] = [], [1, 2], [1, 4, 4, 4, 4, 2, 0, 0]
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps([predicted, exam.references]))
    code = """
import json, sys, torch
from ab.nn.metric.bleu import create_metric
predicted, references = json.load(open(sys.argv[1]))
metric = create_metric((1,))
for start in range(0, len(predicted), 32):
    some, refs = predicted[start:start + 32], references[start:start + 32]
    wide, long = max(map(len, some)), max(len(c) for image in refs for c in image)
    ids = torch.tensor([p + [0] * (wide - len(p)) for p in some])
    labels = torch.tensor([[c + [0] * (long - len(c)) for c in image] for image in refs])
    metric(ids, labels)
print(repr(metric.result()))
"""
    theirs = run_python(code, str(asked)).stdout.splitlines()[-1]
    assert repr(lemur_bleu(predicted, exam.references)) == theirs
    assert repr(exam.score(predicted).lemur_bleu) == theirs

"""Validation pictures with the captions of the best networks, the baselines and people: best, median and worst."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from ab.gpt.candidate import plain
from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.home import Home
from ab.gpt.report.facts import Facts, Network, Run
from ab.gpt.report.reading import captions_of
from ab.gpt.train.dataset import Split, read_split
from ab.gpt.train.exam import Exam, make_exam
from ab.gpt.train.scores import Vocabulary, lemur_scores

EACH = 4
"""So many of the best, of the median and of the worst pictures."""
_MODELS, _BASELINES, _REFERENCES = 3, 2, 5
_SIDE, _QUALITY = 320, 72


@dataclass(frozen=True)
class Said:
    """A caption, who wrote it, its score on this picture, and the row that it comes from."""

    who: str
    text: str
    score: float | None = None
    row: str = ""
    network: str = ""


@dataclass(frozen=True)
class Picture:
    """One picture with everything that was said of it."""

    image: str
    """As a data URI; empty where the file cannot be read."""
    title: str
    width: int
    height: int
    captions: list[Said]
    references: list[str]

    @property
    def alternative(self) -> str:
        """What is in the picture, in people's words."""
        return self.references[0] if self.references else "a validation picture without a caption"


@dataclass(frozen=True)
class Gallery:
    """The pictures by how well the best network did on them; or why there are none."""

    groups: list[tuple[str, list[Picture]]] = field(default_factory=list)
    note: str = ""


def gallery_of(home: Home, facts: Facts) -> Gallery:
    """The gallery of the run with the best network; it says so where the data is gone or has changed."""
    if facts.from_lemur:
        return Gallery(note="LEMUR keeps no captions, so there is no gallery.")
    scored = [*facts.trained, *facts.baselines]
    if not scored:
        return Gallery(note="No network has been trained yet, so there are no captions to show.")
    run = next(run for run in facts.runs if run.name == scored[0].run)
    try:
        exam = exam_of(home, run)
        split = read_split(Path(exam.folder), "val")
    except NNCaptionError as error:
        return Gallery(note=f"The captions cannot be shown with their pictures: {error.what}")
    here = [network for network in scored if network.run == run.name]
    models = [network for network in here if network.proposed][:_MODELS]
    shown = [*models, *(network for network in here if not network.proposed)][: len(models) + _BASELINES]
    said = [one for network in shown if (one := _captions(exam, network, run))]
    if not said:
        return Gallery(note="The captions in the ledger are not of the pictures that the data set has now.")
    groups = [
        (title, [_picture(exam, split, place, said) for place in places])
        for title, places in _chosen(said[0].scores).items()
    ]
    return Gallery(groups, f"Chosen by the score of {said[0].network.title} on each of {len(exam.image_ids)} pictures.")


@dataclass(frozen=True)
class _Captions:
    network: Network
    row: str
    predicted: list[list[int]]
    scores: list[float | None]


def exam_of(home: Home, run: Run) -> Exam:
    """The exam that the run was held on, if its data is there as it was."""
    noted: dict[str, Any] = run.about.get("exam") or {}
    train: dict[str, Any] = (run.about.get("plan") or {}).get("train") or {}
    if "folder" not in noted:
        raise NNCaptionError("the run does not say on which pictures it was scored.")
    folder = Path(noted["folder"])
    if not folder.is_dir():
        raise NNCaptionError(f"the data set is no longer in {folder}.")
    exam = make_exam(home, folder, train.get("val_images", 300), train.get("seed", 0))
    same = all(noted.get(part, getattr(exam, part)) == getattr(exam, part) for part in ("tokenizer", "key"))
    if exam.image_ids != noted.get("image_ids") or not same:
        raise NNCaptionError(f"the data set in {folder} has changed since.")
    return exam


def _captions(exam: Exam, network: Network, run: Run) -> _Captions | None:
    best = network.best
    assert best is not None and run.file is not None
    predicted = captions_of(run.file.parent, best.row)
    known = len(exam.words)
    if len(predicted) != len(exam.image_ids) or any(token >= known for caption in predicted for token in caption):
        return None
    return _Captions(network, best.row, predicted, lemur_scores(predicted, exam.references))


def _chosen(scores: list[float | None]) -> dict[str, list[int]]:
    """Places of the best, the median and the worst pictures, none of them twice."""
    order = sorted((-score, place) for place, score in enumerate(scores) if score is not None)
    places = [place for _, place in order]
    each = min(EACH, max(1, len(places) // 3))
    middle = (len(places) - each) // 2
    seen: set[int] = set()
    chosen: dict[str, list[int]] = {}
    for title, some in (("Best", places[:each]), ("Median", places[middle : middle + each]), ("Worst", places[-each:])):
        fresh = [place for place in some if place not in seen]
        seen.update(fresh)
        if fresh:
            chosen[title] = fresh
    return chosen


def _picture(exam: Exam, split: Split, place: int, said: list[_Captions]) -> Picture:
    write = _writer(exam)
    image_id = exam.image_ids[place]
    image, width, height = _thumbnail(split.images / split.files[image_id])
    captions = []
    for one in said:
        who = one.network.title if one.network.proposed else f"baseline {one.network.name or one.network.baseline}"
        text = write(one.predicted[place]) or "(nothing)"
        captions.append(Said(who, text, one.scores[place], one.row, one.network.row))
    references = [plain(text) for text in split.captions.get(image_id, [])[:_REFERENCES]]
    return Picture(image, f"image {image_id}", width, height, captions, references)


def _writer(exam: Exam) -> Callable[[list[int]], str]:
    # Not the exam's ground: that would look for the best blind caption first, which takes seconds.
    vocabulary = Vocabulary.of(dict(enumerate(exam.words)))
    return lambda ids: plain(vocabulary.text(vocabulary.sentence(ids)))


def _thumbnail(file: Path) -> tuple[str, int, int]:
    """The picture, small, as a data URI, with its size; empty where it cannot be read."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            opened.draft("RGB", (_SIDE, _SIDE))
            image = opened.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return "", _SIDE, _SIDE
    image.thumbnail((_SIDE, _SIDE))
    kept = BytesIO()
    image.save(kept, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(kept.getvalue()).decode()}", image.width, image.height

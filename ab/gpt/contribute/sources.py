"""What the words RUN and NAME stand for: networks of LEMUR's, with all that is known of their trainings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ab.gpt.contribute.contribution import Contribution
from ab.gpt.contribute.gather import gather, ledger_code
from ab.gpt.contribute.trainings import Training, of_network, of_run
from ab.gpt.errors import UsageError
from ab.gpt.ledger import FILE, NoSuchRun
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import BadName, check_name, full_name
from ab.gpt.runs import find_run, runs_folder
from ab.gpt.scenes.folder import is_drawn

UNKNOWN = "How its code came about is not known to NN-Caption, which has trained and scored it."


def contributions(home: Home, words: Sequence[str]) -> list[Contribution]:
    """The networks that are meant by runs and names, each once, with their statistics and their best scores."""
    if not words:
        raise UsageError("There is no network to contribute.", "Name a run, or models: nncaption contribute latest")
    found: dict[str, Contribution] = {}
    for word in words:
        for one in _meant(home, word):
            found.setdefault(one.name, one)
    return list(found.values())


def _meant(home: Home, word: str) -> list[Contribution]:
    if _is_run(home, word):
        return _of_run(home, find_run(home, word))
    word = full_name(home, word)
    if _is_model(home, word):
        return [_of_name(home, word)]
    try:
        return _of_run(home, find_run(home, word))
    except NoSuchRun as error:
        raise UsageError(
            f"{word!r} is neither a run nor a model of LEMUR's.", f"{error.way_out} See `nncaption runs`."
        ) from error


def _is_run(home: Home, word: str) -> bool:
    return word == "latest" or any((folder / FILE).is_file() for folder in (Path(word), runs_folder(home) / word))


def _is_model(home: Home, word: str) -> bool:
    try:
        return (home.code_dir("nn") / f"{check_name(word)}.py").is_file()
    except BadName:
        return False


def _of_run(home: Home, folder: Path) -> list[Contribution]:
    trainings = of_run(folder)
    made = []
    for own in (training for training in trainings if training.run and training.baseline):
        every = [own, *of_network(home, own.name, ())]
        best = max(
            (training for training in every if training.ground == own.ground), key=lambda training: training.score.mean
        )
        marks = [one.score.mean for one in trainings if one.name == own.baseline]
        known = {**_known(best, marks, own.how_made), "drawn": any(training.drawn for training in every)}
        if _is_model(home, own.name):
            made.append(gather(home, own.name, **known))
        else:  # a run that records nothing: there are no statistics, which the choice will say
            made.append(Contribution(own.name, ledger_code(folder, own.name), {}, **known))
    return made


def _of_name(home: Home, name: str) -> Contribution:
    runs = sorted((file.parent for file in runs_folder(home).glob(f"*/{FILE}")), reverse=True)
    trainings = of_network(home, name, runs)
    if not trainings:
        return gather(home, name, how_made=UNKNOWN, drawn=is_drawn(home.coco))
    # A score on more images says more; of trainings on the same images the best one counts.
    best = max(trainings, key=lambda training: (len(training.image_ids), training.score.mean))
    made = [training for training in trainings if training.how_made]
    baseline = made[0].baseline if made else _baseline_of(home, name)
    same = [one for one in of_network(home, baseline, runs) if one.ground == best.ground] if baseline else []
    how = made[0].how_made if made else UNKNOWN
    drawn = any(training.drawn for training in trainings)  # its statistics hold them all
    return gather(home, name, **{**_known(best, [one.score.mean for one in same], how), "drawn": drawn})


def _baseline_of(home: Home, name: str) -> str:
    """The baseline that a family's name speaks of: `C5C-RESNETLSTM-<hash>`."""
    parts = name.split("-")
    return parts[1] if len(parts) == 3 and _is_model(home, parts[1]) else ""


def _known(training: Training, marks: list[float], how_made: str) -> dict[str, Any]:
    return {
        "score": training.score,
        "baseline": max(marks, default=None),
        "blind": training.blind,
        "collapsed": training.collapsed,
        "drawn": training.drawn,
        "images": len(training.image_ids) or None,
        "how_made": how_made,
        "commands": (training.command,),
    }

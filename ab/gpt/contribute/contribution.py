"""A trained network on its way into LEMUR's repository, and whether it is worth a maintainer's time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.names import SPLITTER, BadName, Config, check_name
from ab.gpt.lemur.statistics import BrokenStatistics, parse_trials
from ab.gpt.train.scores.intervals import Interval

FULL_EPOCHS = 5
"""As many as LEMUR asks of a contribution."""

_STAT_FILE = re.compile(r"([^/]+)/([1-9][0-9]{0,5})\.json\Z")


class BadContribution(NNCaptionError):
    """Something that no repository of LEMUR's could hold; nothing was changed."""


@dataclass(frozen=True)
class Contribution:
    """A network with all that a maintainer asks of it."""

    name: str
    code: str
    stat_files: Mapping[str, bytes]
    """Content by place under `ab/nn/stat/train`: `img-captioning_coco_bleu_<name>/5.json`."""
    score: Interval | None = None
    """LEMUR's figure on fixed validation images, with its 95% interval."""
    images: int | None = None
    """How many validation images that is."""
    baseline: float | None = None
    blind: float | None = None
    """What the baseline, and the best caption that never looks at an image, get on the same ground."""
    collapsed: bool = False
    drawn: bool = False
    """Trained on drawn practice pictures, whatever name its data set has."""
    how_made: str = ""
    commands: Sequence[str] = field(default_factory=tuple)

    @property
    def family(self) -> str:
        """The name without the hash."""
        return re.sub(r"-[0-9a-f]{32}\Z", "", self.name)

    @cached_property
    def epochs(self) -> dict[Config, dict[int, list[dict[str, Any]]]]:
        """The trials of each epoch of each configuration; `BadContribution` where a file cannot be one."""
        try:
            check_name(self.name)
        except BadName as error:
            raise BadContribution(error.what, error.way_out) from error
        epochs: dict[Config, dict[int, list[dict[str, Any]]]] = {}
        for place, content in self.stat_files.items():
            matched = _STAT_FILE.match(place)
            parts = matched[1].split(SPLITTER) if matched else []
            if matched is None or len(parts) != 4 or parts[3] != self.name:
                raise BadContribution(
                    f"{place!r} is no place for statistics of {self.name}.",
                    f"It is <task>_<dataset>_<metric>_{self.name}/<epoch>.json.",
                )
            try:
                config = Config.checked(*parts)
                epochs.setdefault(config, {})[int(matched[2])] = list(parse_trials(content, place))
            except (BadName, BrokenStatistics) as error:
                raise BadContribution(error.what, "Mend the statistics of the run.") from error
        return epochs

    def trials(self) -> int:
        """How many trials there are: those of the configuration that has the fewest."""
        return min((len(epochs.get(1, ())) for epochs in self.epochs.values()), default=0)

    def best(self) -> float | None:
        """The best accuracy of any trial and epoch."""
        values = (
            trial.get("accuracy") for epochs in self.epochs.values() for trials in epochs.values() for trial in trials
        )
        return max((float(value) for value in values if isinstance(value, (int, float))), default=None)


def worth(contribution: Contribution, all_trained: bool = False, full_epochs: int = FULL_EPOCHS) -> str | None:
    """Why a network stays out, or None where it goes in; what collapsed or practised stays out."""
    if contribution.drawn:
        return "it was trained on drawn practice pictures"
    if contribution.collapsed:
        return "it collapsed: it says the same whatever it sees, or no more than a blind caption"
    if reason := _incomplete(contribution, full_epochs):
        return reason
    if all_trained:
        return None
    score = contribution.score
    if score is None:
        return "it has no score with an interval: score it first"
    marks = [mark for mark in (contribution.baseline, contribution.blind) if mark is not None]
    if not marks:
        return "there is neither a baseline nor a blind caption to beat"
    if all(score.low <= mark for mark in marks):
        beaten = " and ".join(
            f"the {name} ({mark:.4f})"
            for name, mark in (("baseline", contribution.baseline), ("blind caption", contribution.blind))
            if mark is not None
        )
        return f"{score.mean:.4f} [{score.low:.4f}, {score.high:.4f}] does not beat {beaten} beyond the interval"
    return None


def _incomplete(contribution: Contribution, full_epochs: int) -> str | None:
    epochs = contribution.epochs
    if not epochs:
        return "it has no statistics"
    for config, numbers in epochs.items():
        last = max(numbers)
        if sorted(numbers) != list(range(1, last + 1)) or not all(numbers.values()):
            return f"the statistics of {config} are not complete: epochs 1 to {last} are needed, with trials in each"
        if last < full_epochs:
            return f"the statistics of {config} have {last} epochs, LEMUR asks for {full_epochs}"
    return None

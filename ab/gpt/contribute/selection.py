"""What goes into the branch: which networks, and which files are new or grow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from ab.gpt.contribute.clone import Clone
from ab.gpt.contribute.contribution import FULL_EPOCHS, BadContribution, Contribution, worth
from ab.gpt.contribute.layout import PACKAGE, STATISTICS, model_file, module_name
from ab.gpt.contribute.repository import Repository
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.normal import normal_digest
from ab.gpt.lemur.names import SPLITTER, lemur_hash
from ab.gpt.lemur.records import StatFile
from ab.gpt.lemur.statistics import BrokenStatistics, parse_trials


@dataclass
class Selection:
    """The networks that go in, those that stay out with the reason, and what has to be written."""

    chosen: list[Contribution] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    """Content by path in the repository, only of files that are new or changed."""


class Present:
    """What a commit holds of models and of the names that statistics speak of."""

    def __init__(self, repository: Repository, commit: str) -> None:
        self.repository = repository
        self.commit = commit

    @cached_property
    def models(self) -> dict[str, str]:
        """The hash of each model's code by the model's name."""
        files = {model_file(name): name for name in self.modules("nn")}
        contents = self.repository.read(self.commit, files)
        return {name: lemur_hash(contents[file].decode("utf-8", "replace")) for file, name in files.items()}

    @cached_property
    def forms(self) -> dict[str, str]:
        """The names of the models that are measured at captioning, by a digest that other names do not change."""
        measured = {name.split(SPLITTER)[-1] for name in self.folders() if name.split(SPLITTER)[0] == CAPTIONING.task}
        files = {model_file(name): name for name in sorted(measured & self.models.keys())}
        contents = self.repository.read(self.commit, files)
        codes = {name: contents[file].decode("utf-8", "replace") for file, name in files.items()}
        return {form: name for name, code in codes.items() if (form := form_of(code))}

    def folders(self) -> list[str]:
        """The names of the folders of statistics."""
        return [PurePosixPath(path).name for path in self.repository.folders(self.commit, f"{STATISTICS}/")]

    def modules(self, kind: str) -> set[str]:
        """The names of the modules in a folder of LEMUR's package."""
        files = self.repository.files(self.commit, f"{PACKAGE}/{kind}/")
        return {name for file in files if (name := module_name(PurePosixPath(file).name)) is not None}


def form_of(code: str) -> str | None:
    """What stays of a network's code when everything in it is called otherwise; None where it cannot be told."""
    parsed = Code.parse(code, CAPTIONING)
    return normal_digest(parsed) if isinstance(parsed, Code) and CAPTIONING.class_name in parsed.classes else None


def select(
    clone: Clone,
    contributions: Sequence[Contribution],
    staging: Path,
    all_trained: bool = False,
    full_epochs: int = FULL_EPOCHS,
) -> Selection:
    """What goes in: no network that the clone has under other names, no file that is there already."""
    base = Present(clone.repository, clone.base_commit)
    start = base if clone.start == clone.base_commit else Present(clone.repository, clone.start)
    codes = {code: name for name, code in {**base.models, **start.models}.items()}
    forms = {**base.forms, **start.forms}
    selection = Selection()
    for one in contributions:
        code = lemur_hash(one.code)
        there = base.models.get(one.name) or start.models.get(one.name)
        reason = worth(one, all_trained, full_epochs)
        if reason is None and there is not None and there != code:
            reason = "the clone has another network under this name"
        elif reason is None and codes.get(code, one.name) != one.name:
            reason = f"it is the same code as {codes[code]}"
        elif reason is None and (form := form_of(one.code)) and forms.setdefault(form, one.name) != one.name:
            reason = f"it is {forms[form]} under other names"
        if reason is not None:
            selection.left_out.append((one.name, reason))
            continue
        codes[code] = one.name
        selection.chosen.append(one)
        if one.name not in start.models:
            selection.files[model_file(one.name)] = one.code.encode("utf-8")
        statistics = {f"{STATISTICS}/{place}": content for place, content in sorted(one.stat_files.items())}
        present = clone.repository.read(clone.start, statistics)
        for path, content in statistics.items():
            before = present.get(path)
            after = content if before is None else _grown(path, before, content, staging)
            if after != before:
                selection.files[path] = after
    return selection


def _grown(path: str, before: bytes, content: bytes, staging: Path) -> bytes:
    """A statistics file that the clone has, with the trials that it lacks; what it holds keeps its text."""
    place = staging / hashlib.sha256(path.encode()).hexdigest()
    place.write_bytes(before)
    try:
        file = StatFile(place)
        for trial in parse_trials(content, path):
            file.add(trial)
    except BrokenStatistics as error:
        raise BadContribution(
            f"{path} cannot be added to: {error.why}.", "See what `nncaption verify` says of the clone."
        ) from error
    finally:
        place.unlink()
    return file.text().encode() if file.added else before

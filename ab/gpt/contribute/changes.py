"""What a branch changes since it left its base, and what of that a maintainer would send back."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ab.gpt.contribute.finding import Finding, abridged, found
from ab.gpt.contribute.layout import MODELS, STATISTICS, model_file, module_name
from ab.gpt.contribute.repository import GitFailed, Repository, quarantine
from ab.gpt.errors import UsageError
from ab.gpt.lemur.names import SPLITTER, lemur_hash


@dataclass
class Changes:
    """The files of the work tree that differ from where the branch left its base."""

    repository: Repository
    base: str
    start: str
    """The last commit that the branch and its base have in common."""
    added: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    @property
    def touched(self) -> set[str]:
        return self.added | self.changed | self.deleted

    def models(self) -> set[str]:
        """The names of models that are touched, or whose statistics are."""
        names = {name for path in self.touched if (name := _model_of(path))}
        return names | {config.split(SPLITTER)[-1] for config in self._touched_configs()}

    def configs(self, present: list[str]) -> set[str]:
        """Of the folders of statistics that are there, those that are touched, or whose model is."""
        models = {name for path in self.touched if (name := _model_of(path))}
        touched = self._touched_configs()
        return {config for config in present if config in touched or config.split(SPLITTER)[-1] in models}

    def _touched_configs(self) -> set[str]:
        return {config for path in self.touched if (config := _config_of(path))}


def changes_since(repo: Path, base: str) -> Changes:
    """What the work tree changes since it left its base."""
    repository = Repository(repo)
    tip = repository.commit(base)
    if tip is None:
        raise UsageError(
            f"--base: {repo} knows no branch or commit {base!r}.", "Name one, such as main or origin/main; or fetch it."
        )
    code, answer = repository.answer("merge-base", tip, "HEAD", codes=(0, 1))
    if code:
        raise GitFailed(
            f"The work tree and {base!r} have no commit in common.", "Fetch the whole history: git fetch --unshallow"
        )
    changes = Changes(repository, tip, answer.strip())
    fields = iter(repository.git("diff", "--name-status", "--no-renames", "-z", changes.start).split("\0"))
    for status in fields:
        if status:
            kind = {"A": changes.added, "D": changes.deleted}.get(status, changes.changed)
            kind.add(next(fields))
    new = repository.git("ls-files", "--others", "--exclude-standard", "-z", "--", MODELS, STATISTICS)
    changes.added |= set(filter(None, new.split("\0")))
    return changes


def check_changes(changes: Changes) -> list[Finding]:
    """What in the changes a maintainer would send back, conflicts with the base first."""
    with tempfile.TemporaryDirectory() as folder, quarantine(changes.repository, Path(folder)) as env:
        conflicts = changes.repository.conflicts(changes.base, "HEAD", env)
    findings = [found("B001", file, "It conflicts with the base.") for file in conflicts]
    findings += abridged(found("B002", file, "The base has it, and it is deleted.") for file in sorted(changes.deleted))
    for file in sorted(changes.changed):
        if _model_of(file):
            findings += _changed_model(changes, file)
        elif _config_of(file):
            findings += _changed_statistics(changes, file)
    others = sorted(file for file in changes.touched if not _model_of(file) and not _config_of(file))
    return findings + [found("B005", file, "It is changed beside models and statistics.") for file in others]


def _changed_model(changes: Changes, file: str) -> list[Finding]:
    before, after = _both(changes, file)
    if lemur_hash(before.decode("utf-8", "replace")) == lemur_hash(after.decode("utf-8", "replace")):
        return []
    return [found("B003", file, "The base has other code under this name.")]


def _changed_statistics(changes: Changes, file: str) -> list[Finding]:
    try:
        before, after = (
            {json.dumps(trial, sort_keys=True) for trial in json.loads(text)} for text in _both(changes, file)
        )
    except (ValueError, TypeError, RecursionError):
        return []  # said where the file is read
    lost = len(before - after)
    return [found("B004", file, f"{lost:,} of the base's {len(before):,} trials are gone or changed.")] if lost else []


def _both(changes: Changes, file: str) -> tuple[bytes, bytes]:
    """A file's content at the start of the branch, and now."""
    now = changes.repository.folder / file
    before = changes.repository.read(changes.start, [file]).get(file, b"")
    return before, now.read_bytes() if now.is_file() and not now.is_symlink() else b""


def _model_of(path: str) -> str | None:
    place = PurePosixPath(path)
    name = module_name(place.name)
    return name if name and path == model_file(name) else None


def _config_of(path: str) -> str | None:
    parts = PurePosixPath(path).parts
    inside = parts[:4] == PurePosixPath(STATISTICS).parts and len(parts) > 5
    return parts[4] if inside else None

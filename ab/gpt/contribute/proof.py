"""What a commit would bring, looked at as `verify` looks at anybody's clone, before the clone knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ab.gpt.contribute.contribution import Contribution
from ab.gpt.contribute.finding import Finding
from ab.gpt.contribute.layout import LANDMARKS, PACKAGE, STATISTICS, model_file
from ab.gpt.contribute.models import CheckCode, check_by_gate
from ab.gpt.contribute.repository import Repository
from ab.gpt.contribute.selection import Present
from ab.gpt.contribute.verify import verify


def prove(
    repository: Repository,
    start: str,
    chosen: Sequence[Contribution],
    files: Mapping[str, bytes],
    folder: Path,
    check_code: CheckCode | None,
) -> list[Finding]:
    """What `verify` finds in the chosen networks' files as they would be; the gate in new models only."""
    own = {f"{STATISTICS}/{config}" for one in chosen for config in one.epochs}
    around = [model_file(one.name) for one in chosen]
    if own:
        around += repository.files(start, *sorted(own), recursive=True)
    _lay_out(Present(repository, start), {**repository.read(start, around), **files}, folder)
    findings = [
        finding
        for finding in verify(folder)
        if finding.file in files or finding.file in own or str(PurePosixPath(finding.file).parent) in own
    ]
    for one in chosen:
        if check_code is not None and model_file(one.name) in files:
            findings += check_by_gate(folder / model_file(one.name), one.name, check_code)
    return findings


def _lay_out(present: Present, files: Mapping[str, bytes], folder: Path) -> None:
    """A small tree like LEMUR's, in which metrics and transforms are no more than names."""
    for landmark in LANDMARKS[1:]:
        (folder / landmark).mkdir(parents=True)
    stubs: Iterable[str] = (f"{kind}/{name}" for kind in ("metric", "transform") for name in present.modules(kind))
    for stub in ("api", *stubs):
        (folder / PACKAGE / f"{stub}.py").touch()
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

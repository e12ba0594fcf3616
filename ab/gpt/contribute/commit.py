"""A commit that is made beside the clone and comes into it in one step: the branch moves, or nothing does.

Git writes the objects into a folder of their own; the work tree and the index of the clone are never touched. The
objects are moved in, which nobody sees, and then the branch is set to the commit, if nobody has moved it meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from ab.gpt.contribute.clone import Clone, CloneNotReady
from ab.gpt.contribute.repository import NO_COMMIT, GitFailed, Repository
from ab.gpt.errors import NNCaptionError

FOLDER = "nncaption"
_JOURNAL = "under-way.json"


@contextlib.contextmanager
def workplace(repository: Repository) -> Iterator[Path]:
    """A folder inside `.git` for one run at a time; what a killed run left is cleared first."""
    home = repository.git_path(FOLDER).resolve()
    try:
        home.mkdir(exist_ok=True)
        lock = FileLock(home / "lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise CloneNotReady(
            f"Another `nncaption contribute` is at work in {repository.folder}.", "Wait for it, and try again."
        ) from None
    except OSError as error:
        raise CloneNotReady(f"{home} cannot be written: {error.strerror}.", "Use a clone of your own.") from error
    try:
        _recover(repository, home)
        work = home / "work"
        work.mkdir()
        yield work
    finally:
        shutil.rmtree(home / "work", ignore_errors=True)
        lock.release()


def _recover(repository: Repository, home: Path) -> None:
    """Clears what a run left that was killed; whoever calls holds the lock, so that run is over."""
    journal = home / _JOURNAL
    if journal.exists():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            branch = json.loads(journal.read_text())["branch"]
            # Git was killed with it while it held this; nobody else will take it away.
            repository.git_path(f"refs/heads/{branch}.lock").unlink(missing_ok=True)
        journal.unlink()
    shutil.rmtree(home / "work", ignore_errors=True)


class BranchNotSet(NNCaptionError):
    """Git would not set the branch; it is where it was."""


def build(clone: Clone, files: Mapping[str, bytes], message: str, env: Mapping[str, str], work: Path) -> str:
    """A commit that adds the files to where the clone's branch is, or to its base; git writes it where `env` says."""
    repository = clone.repository
    env = {**env, "GIT_INDEX_FILE": str(work / "index")}
    contents = work / "contents"
    contents.mkdir()
    places = []
    for number, (path, content) in enumerate(files.items()):
        place = contents / str(number)
        place.write_bytes(content)
        places.append((path, place))
    names = "".join(f"{place}\n" for _, place in places).encode()
    blobs = repository.git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names, env=env).split()
    repository.git("read-tree", clone.start, env=env)
    entries = "".join(f"100644 {blob}\t{path}\0" for (path, _), blob in zip(places, blobs, strict=True))
    repository.git("update-index", "-z", "--index-info", stdin=entries.encode(), env=env)
    tree = repository.git("write-tree", env=env).strip()
    return repository.git("commit-tree", tree, "-p", clone.start, "-F", "-", stdin=message.encode(), env=env).strip()


def publish(clone: Clone, commit: str, objects: Path, work: Path) -> None:
    """Brings a built commit into the clone and sets the branch to it."""
    repository = clone.repository
    journal = work.parent / _JOURNAL
    journal.write_text(json.dumps({"branch": clone.branch}))
    try:
        _move_objects(objects, repository.objects)
        set_branch(clone, commit, clone.old_commit)
    except OSError as error:
        raise CloneNotReady(
            f"{repository.objects} cannot be written: {error.strerror}.", "Nothing was changed; mend it and try again."
        ) from error
    finally:
        journal.unlink()


def set_branch(clone: Clone, commit: str | None, expected: str | None) -> None:
    """Sets the branch to a commit, or takes it away for None; refuses where it is not at `expected` any more."""
    name = f"refs/heads/{clone.branch}"
    try:
        if commit is None:
            clone.repository.git("update-ref", "-d", name, expected or NO_COMMIT)
        else:
            clone.repository.git(
                "update-ref", "-m", "nncaption contribute", "--create-reflog", name, commit, expected or NO_COMMIT
            )
    except GitFailed as error:
        raise BranchNotSet(
            f"The branch {clone.branch!r} could not be set: {error.said}", "See to it, and run the command again."
        ) from error


def _move_objects(source: Path, target: Path) -> None:
    """Renames new objects into the repository; their names are their content's hashes, so none can differ."""
    for file in sorted(source.rglob("*")):
        place = target / file.relative_to(source)
        if file.is_file() and file.parent.name != "info" and not place.exists():
            place.parent.mkdir(exist_ok=True)
            os.replace(file, place)  # noqa: PTH105 - the name that says that it is one step

"""From trained networks to a branch in a clone of LEMUR, and the words of its pull request."""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ab.gpt.contribute.clone import Clone, check_remote, open_clone
from ab.gpt.contribute.commit import build, publish, set_branch, workplace
from ab.gpt.contribute.contribution import FULL_EPOCHS, BadContribution, Contribution
from ab.gpt.contribute.models import CheckCode
from ab.gpt.contribute.proof import prove
from ab.gpt.contribute.publish import NotPushed, find_gh, gh_arguments, open_request, push
from ab.gpt.contribute.repository import Repository, quarantine
from ab.gpt.contribute.request import Checks, Request, write_request
from ab.gpt.contribute.selection import Selection, select
from ab.gpt.errors import NNCaptionError, UsageError
from ab.gpt.lemur.bootstrap import Progress, silent

BRANCH = "nncaption"
_FORK, _FORK_URL = "fork", "https://github.com/YOU/nn-dataset.git"


class Conflict(NNCaptionError):
    """The branch would not merge into its base; nothing was changed."""


@dataclass(frozen=True)
class Wishes:
    """How a contribution is to be made."""

    branch: str = BRANCH
    base: str | None = None
    remote: str | None = None
    """LEMUR's own remote, with which the base is compared: by default `upstream`, else `origin`."""
    all_trained: bool = False
    full_epochs: int = FULL_EPOCHS
    dry_run: bool = False
    push: str | None = None
    """The remote that the branch is pushed to; nothing is pushed without it."""
    open_request: bool = False


@dataclass(frozen=True)
class Contributed:
    """What was done, or with `dry_run` what would be."""

    branch: str
    commit: str | None
    """None where there was nothing new to add."""
    files: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    title: str = ""
    text: str = ""
    text_file: Path | None = None
    notes: list[str] = field(default_factory=list)
    next_commands: list[str] = field(default_factory=list)
    pushed: bool = False
    request_url: str = ""


def contribute(
    repo: Path,
    contributions: Sequence[Contribution],
    wishes: Wishes | None = None,
    *,
    check_code: CheckCode | None = None,
    ran: bool = True,
    progress: Progress = silent,
) -> Contributed:
    """The branch with all that is worth it and not there yet; on any failure the clone is as it was.

    `check_code` is asked for each new model; `ran` says whether it has also run it, which the request tells.
    """
    wishes = wishes or Wishes()
    if wishes.open_request:
        if wishes.push is None:
            raise UsageError("A request is opened for a branch that was pushed.", "Say where to: --push REMOTE")
        find_gh()
    progress("checking the clone", 0, 0)
    clone = open_clone(repo, wishes.branch, wishes.base, wishes.remote)
    if wishes.push is not None:
        check_remote(clone.repository, wishes.push)
    with _work_folder(clone.repository, wishes.dry_run) as work:
        progress("choosing networks", 0, 0)
        selection = select(clone, contributions, work, wishes.all_trained, wishes.full_epochs)
        if not selection.chosen:
            return _report(clone, selection)
        with quarantine(clone.repository, work / "objects") as env:
            progress("checking what goes in", 0, len(selection.files))
            request = _checked_request(clone, selection, work, check_code, ran)
            commit = None
            if selection.files:
                commit = build(clone, selection.files, request.commit_message(), env, work)
                _check_merges(clone, commit, env)
        done = _report(clone, selection, request, commit)
        if wishes.dry_run:
            return done
        text_file = work.parent / f"{clone.branch.replace('/', '-')}.md"
        text_file.write_text(request.text, encoding="utf-8")
        if commit is not None:
            publish(clone, commit, work / "objects", work)
    return _sent(clone, wishes, done, text_file)


@contextlib.contextmanager
def _work_folder(repository: Repository, dry_run: bool) -> Iterator[Path]:
    """Inside `.git`, from where objects can be moved into the clone; for a dry run anywhere, and gone with it."""
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="nncaption-") as folder:
            yield Path(folder)
    else:
        with workplace(repository) as work:
            yield work


def _checked_request(
    clone: Clone, selection: Selection, work: Path, check_code: CheckCode | None, ran: bool
) -> Request:
    """The words of the request, once nothing is wrong with what goes in."""
    findings = prove(clone.repository, clone.start, selection.chosen, selection.files, work / "tree", check_code)
    errors = [finding for finding in findings if finding.is_error]
    if errors:
        listed = "\n".join(f"  {finding}" for finding in errors[:10])
        raise BadContribution(
            f"What would go in has {len(errors)} defects; nothing was changed:\n{listed}\n", "Mend the run's records."
        )
    compared = not any("not compared" in note or "no remote" in note for note in clone.notes)
    return write_request(selection.chosen, Checks(findings, check_code is not None, ran, clone.base, compared))


def _check_merges(clone: Clone, commit: str, env: dict[str, str]) -> None:
    if clone.branch_commit is None:
        return  # it begins at the base
    if conflicts := clone.repository.conflicts(clone.base_commit, commit, env):
        more = f" and {len(conflicts) - 3} more" if len(conflicts) > 3 else ""
        raise Conflict(
            f"{clone.base} has changed what the branch {clone.branch!r} changes:"
            f" {', '.join(conflicts[:3])}{more}. Nothing was changed.",
            f"Make a new branch on it (--branch NAME), or merge {clone.base} into {clone.branch!r} and solve it there.",
        )


def _report(
    clone: Clone, selection: Selection, request: Request | None = None, commit: str | None = None
) -> Contributed:
    return Contributed(
        branch=clone.branch,
        commit=commit,
        files=sorted(selection.files),
        chosen=[one.name for one in selection.chosen],
        left_out=selection.left_out,
        title=request.title if request else "",
        text=request.text if request else "",
        notes=clone.notes,
    )


def _sent(clone: Clone, wishes: Wishes, done: Contributed, text_file: Path) -> Contributed:
    """The end: pushed and opened where that was asked for, else the commands that would do so."""
    if done.commit is None and clone.branch_commit is None:
        return done  # all of it is in the base
    remote = wishes.push or _own_remote(clone)
    pushing = shlex.join(["git", "-C", str(clone.repository.folder), "push", remote, clone.branch])
    opening = shlex.join(["gh", *gh_arguments(clone, remote, done.title, text_file)])
    done = replace(done, text_file=text_file)
    if wishes.push is None:
        return replace(done, next_commands=[*_remote_first(clone, remote), pushing, opening])
    try:
        push(clone, wishes.push)
    except NotPushed:
        if done.commit is not None:
            set_branch(clone, clone.old_commit, done.commit)
        raise
    if not wishes.open_request:
        return replace(done, pushed=True, next_commands=[opening])
    url = open_request(clone, wishes.push, done.title, text_file)
    return replace(done, pushed=True, request_url=url)


def _own_remote(clone: Clone) -> str:
    """Where a contributor would push: a fork, if one is among the remotes."""
    names = [remote.name for remote in clone.repository.repo.remotes]
    others = [name for name in names if name != clone.remote]
    for name in (_FORK, "origin", *others):
        if name in others:
            return name
    return clone.remote or _FORK


def _remote_first(clone: Clone, remote: str) -> list[str]:
    """How a clone without a remote of that name gets one."""
    if remote in {one.name for one in clone.repository.repo.remotes}:
        return []
    return [shlex.join(["git", "-C", str(clone.repository.folder), "remote", "add", remote, _FORK_URL])]

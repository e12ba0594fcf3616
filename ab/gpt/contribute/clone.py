"""A clone of LEMUR that a branch can be made in: checked before anything is written."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ab.gpt.contribute.layout import LANDMARKS, PACKAGE, NotLemur
from ab.gpt.contribute.repository import GitFailed, Repository, without_credentials
from ab.gpt.errors import NNCaptionError, UsageError

REMOTE_SECONDS = 30.0
_USUAL_BASES = ("main", "master")
_USUAL_REMOTES = ("upstream", "origin")
_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}


class CloneNotReady(NNCaptionError):
    """No branch can be made in the clone as it is; it was left so."""


@dataclass
class Clone:
    """A clone that is ready: its base branch, its remote, and the branch that is to be made or continued."""

    repository: Repository
    base: str
    base_commit: str
    branch: str
    branch_commit: str | None
    """Where the branch is now; None where it is not there, or all of it is in the base already."""
    old_commit: str | None
    """Where the branch's name points now, whatever that is worth."""
    remote: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def start(self) -> str:
        """The commit that a new one goes on from."""
        return self.branch_commit or self.base_commit


def open_clone(folder: Path, branch: str, base: str | None = None, remote: str | None = None) -> Clone:
    """The clone, ready for a branch; otherwise an error that says what is in the way. Nothing is changed."""
    repository = Repository(folder)
    if repository.commit("HEAD") is None:
        raise NotLemur(folder, ["a first commit"])
    _check_head(repository)
    remote = _remote(repository, remote)
    base = _base(repository, remote, base)
    base_commit = repository.commit(f"refs/heads/{base}")
    assert base_commit is not None
    missing = [part for part in LANDMARKS if not _holds(repository, base_commit, part)]
    if missing:
        raise NotLemur(f"{folder} at {base}", missing)
    _check_clean(repository)
    _check_identity(repository)
    _check_rights(repository)
    _check_branch(repository, branch, base)
    old = repository.commit(f"refs/heads/{branch}")
    merged = old is not None and repository.is_ancestor(old, base_commit)
    clone = Clone(repository, base, base_commit, branch, None if merged else old, old, remote)
    _check_up_to_date(clone)
    if untracked := _untracked(repository):
        clone.notes.append(f"{untracked:,} files under {PACKAGE} are not tracked by git; they are left alone")
    return clone


def _check_head(repository: Repository) -> None:
    if repository.repo.head.is_detached:
        raise CloneNotReady(
            f"{repository.folder} is on no branch (detached HEAD).", "Go to the base branch first: git switch main"
        )


def _remote(repository: Repository, wanted: str | None) -> str | None:
    names = [remote.name for remote in repository.repo.remotes]
    if wanted is not None:
        return check_remote(repository, wanted)
    usual = [name for name in _USUAL_REMOTES if name in names]
    return usual[0] if usual else names[0] if len(names) == 1 else None


def check_remote(repository: Repository, name: str) -> str:
    """The name of a remote that the clone has; a URL is refused, as it may hold a password."""
    names = [remote.name for remote in repository.repo.remotes]
    if name not in names:
        raise UsageError(
            f"{repository.folder} has no remote {without_credentials(name)!r}.",
            f"It has: {', '.join(names) or 'none'}. Add one: git remote add NAME URL",
        )
    return name


def _base(repository: Repository, remote: str | None, wanted: str | None) -> str:
    if wanted is not None:
        if repository.commit(f"refs/heads/{wanted}") is None:
            raise UsageError(f"--base: {repository.folder} has no local branch {wanted!r}.", "Name one: git branch")
        return wanted
    heads = [head.name for head in repository.repo.heads]
    _, answer = repository.answer("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD", codes=(0, 1, 128))
    for name in (answer.strip().removeprefix(f"refs/remotes/{remote}/"), *_USUAL_BASES):
        if name in heads:
            return name
    raise CloneNotReady(
        f"{repository.folder} has no branch main or master to begin at.", "Name the base branch with --base."
    )


def _holds(repository: Repository, commit: str, path: str) -> bool:
    return repository.answer("cat-file", "-e", f"{commit}:{path}", codes=(0, 1, 128))[0] == 0


def _check_clean(repository: Repository) -> None:
    for name, what in _UNDER_WAY.items():
        if repository.git_path(name).exists():
            raise CloneNotReady(f"A {what} is under way in {repository.folder}.", f"Finish it, or: git {what} --abort")
    status = repository.git("status", "--porcelain", "--untracked-files=no", "-z")
    changed = [entry[3:] for entry in status.split("\0") if len(entry) > 3]
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise CloneNotReady(
            f"{repository.folder} has changes that are not committed: {', '.join(changed[:3])}{more}.",
            "Commit them, or put them aside: git stash",
        )


def _untracked(repository: Repository) -> int:
    return repository.git("ls-files", "--others", "--exclude-standard", "-z", "--", PACKAGE).count("\0")


def _check_identity(repository: Repository) -> None:
    """Git would make up an identity from the machine's name; in a pull request that is nobody."""
    for name in ("name", "email"):
        if not (os.environ.get(f"GIT_AUTHOR_{name.upper()}") or repository.config(f"user.{name}")):
            example = "Your Name" if name == "name" else "you@example.org"
            raise CloneNotReady(
                f"Git does not know whose commit it would be: user.{name} is not set.",
                f'Tell it: git config --global user.{name} "{example}"',
            )


def _check_rights(repository: Repository) -> None:
    for place in (repository.objects, repository.git_path("refs/heads").resolve()):
        if not os.access(place, os.W_OK):
            raise CloneNotReady(f"{place} cannot be written.", "Use a clone of your own: git clone URL")


def _check_branch(repository: Repository, branch: str, base: str) -> None:
    if branch.startswith("-") or repository.answer("check-ref-format", f"refs/heads/{branch}", codes=(0, 1))[0]:
        raise UsageError(f"--branch: git allows no branch {branch!r}.", "Use letters, digits, '-' and '/'.")
    if branch == base:
        raise UsageError(f"--branch: {branch!r} is the base itself.", "Give the branch a name of its own.")
    checked_out: dict[str, str] = {}
    place = ""
    for line in repository.git("worktree", "list", "--porcelain").splitlines():
        word, _, rest = line.partition(" ")
        if word == "worktree":
            place = rest
        elif word == "branch":
            checked_out[rest] = place
    if where := checked_out.get(f"refs/heads/{branch}"):
        raise CloneNotReady(
            f"The branch {branch!r} is checked out in {where}; work trees are left alone.",
            f"Go to another first: git switch {base}",
        )


def _check_up_to_date(clone: Clone) -> None:
    """Compares the base with the remote's, without fetching: nothing of the clone changes."""
    if clone.remote is None:
        clone.notes.append(f"{clone.base} was compared with no remote: there is none that is surely LEMUR's")
        return
    try:
        answer = clone.repository.git(
            "ls-remote", "--exit-code", "--", clone.remote, f"refs/heads/{clone.base}", seconds=REMOTE_SECONDS
        )
    except GitFailed as error:
        reason = error.said.splitlines()[0] if error.said else f"it has no {clone.base}, or is silent"
        clone.notes.append(f"{clone.base} was not compared with {clone.remote}: {reason}")
        return
    theirs = answer.split()[0]
    if theirs == clone.base_commit:
        return
    if clone.repository.commit(theirs) and clone.repository.is_ancestor(theirs, clone.base_commit):
        clone.notes.append(f"{clone.base} has commits that {clone.remote} has not; they would be in the pull request")
        return
    raise CloneNotReady(
        f"{clone.base} is behind {clone.remote}'s: the pull request might conflict with what is there.",
        f"Bring it up to date: git switch {clone.base} && git pull --ff-only {clone.remote} {clone.base}",
    )

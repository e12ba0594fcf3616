"""The way out of the clone: a push when asked for, and a request opened by `gh` when asked for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from ab.gpt.contribute.clone import Clone
from ab.gpt.contribute.repository import GitFailed, without_credentials
from ab.gpt.errors import NNCaptionError

PUSH_SECONDS = 900.0
GH_SECONDS = 120.0

_GITHUB = re.compile(r"github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?\Z")
_REFUSED = ("denied", "403", "declined", "not allowed", "forbidden", "read-only", "permission")


class NotPushed(NNCaptionError):
    """The remote did not take the branch."""


class NotOpened(NNCaptionError):
    """The pull request was not opened."""


def push(clone: Clone, remote: str) -> None:
    """Pushes the branch as it is, never by force; `NotPushed` says what the remote said."""
    name = f"refs/heads/{clone.branch}"
    try:
        clone.repository.git("push", "--porcelain", "--", remote, f"{name}:{name}", seconds=PUSH_SECONDS)
    except GitFailed as error:
        said = error.said
        if "non-fast-forward" in said or "fetch first" in said:
            way = f"The remote's {clone.branch!r} has other commits: choose another --branch."
        elif any(word in said.lower() for word in _REFUSED):
            way = (
                "You may not write there: fork LEMUR's repository, add the fork (git remote add fork URL), push there."
            )
        else:
            way = "Mend that, or run without --push and push the branch yourself."
        raise NotPushed(f"{remote} did not take the branch {clone.branch!r}: {said}", way) from error


def find_gh() -> str:
    """The `gh` program; `NotOpened` where it is not installed."""
    program = shutil.which("gh")
    if program is None:
        raise NotOpened(
            "`gh`, GitHub's command line, is not installed.", "Install it, or open the request on the web page."
        )
    return program


def gh_arguments(clone: Clone, remote: str, title: str, text_file: Path) -> list[str]:
    """What `gh` is told to open the pull request."""
    fork = _github(clone, remote)
    upstream = _github(clone, clone.remote or remote)
    head = f"{fork[0]}:{clone.branch}" if fork and upstream and fork != upstream else clone.branch
    where = ["--repo", "/".join(upstream)] if upstream else []
    return [
        "pr", "create", *where, "--base", clone.base, "--head", head, "--title", title, "--body-file", str(text_file),
    ]  # fmt: skip


def open_request(clone: Clone, remote: str, title: str, text_file: Path) -> str:
    """The address of the pull request that `gh` has opened."""
    program = find_gh()
    try:
        done = subprocess.run(
            [program, *gh_arguments(clone, remote, title, text_file)],
            cwd=clone.repository.folder,
            env={**os.environ, "GH_PROMPT_DISABLED": "1", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotOpened(f"`gh` has not answered for {GH_SECONDS:.0f} s.", "The branch is pushed; try again.") from None
    if done.returncode != 0:
        said = without_credentials((done.stderr or done.stdout).strip())
        raise NotOpened(f"`gh` did not open the request: {said}", "The branch is pushed; open it on the web page.")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _github(clone: Clone, remote: str) -> tuple[str, str] | None:
    """Owner and name of a remote on GitHub."""
    found = _GITHUB.search(clone.repository.config(f"remote.{remote}.url"))
    return (found[1], found[2]) if found else None

"""A git repository that is asked and told through git itself; what it says holds no credentials."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ab.gpt.errors import NNCaptionError

if TYPE_CHECKING:
    import git

NO_COMMIT = "0" * 40

_LONGEST_REASON = 2_000
_ELSEWHERE = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
"""Variables, set inside git's hooks, that make git work on another repository than the one it stands in."""

_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s]*@")
_SECRETS = re.compile(r"(?i)([?&][\w-]*(?:token|key|password|secret)[\w-]*=)[^&\s'\"]+")


class GitFailed(NNCaptionError):
    """Git refused; what it said is part of the message."""

    def __init__(self, what: str, way_out: str = "", said: str = "") -> None:
        super().__init__(what, way_out)
        self.said = said


class NoRepository(NNCaptionError):
    """There is no git repository to work on, or no git."""


def without_credentials(text: str) -> str:
    """The text without what a URL in it says of users, passwords and tokens."""
    return _SECRETS.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


def _reason(output: str) -> str:
    """What git said, without its hints and to a length that can be read."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip() and not line.startswith("hint:")]
    return "\n".join(lines)[:_LONGEST_REASON]


class Repository:
    """One repository with its work tree."""

    def __init__(self, folder: Path) -> None:
        try:
            import git
        except ImportError as error:
            raise NoRepository(
                "GitPython or git itself is missing.", "Install git, and: pip install GitPython"
            ) from error
        if elsewhere := [name for name in _ELSEWHERE if name in os.environ]:
            raise NoRepository(
                f"{elsewhere[0]} is set, and git would work there instead of in {folder}.", f"unset {elsewhere[0]}"
            )
        try:
            self.repo: git.Repo = git.Repo(folder)
        except git.NoSuchPathError:
            raise NoRepository(f"There is no folder {folder}.", "Give the folder of a clone.") from None
        except (git.InvalidGitRepositoryError, ValueError):
            raise NoRepository(
                f"{folder} is not the top folder of a git repository.",
                "Give the folder that holds `.git`: git rev-parse --show-toplevel",
            ) from None
        if self.repo.bare or self.repo.working_tree_dir is None:
            raise NoRepository(f"{folder} is a bare repository.", "Clone it, and give the clone's folder.")
        self.folder = Path(self.repo.working_tree_dir)

    def git(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float | None = None,
        codes: tuple[int, ...] = (0,),
    ) -> str:
        """What git answers, whole; `GitFailed` where it ends with another code than those."""
        return self.answer(*arguments, stdin=stdin, env=env, seconds=seconds, codes=codes)[1]

    def answer(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float | None = None,
        codes: tuple[int, ...] = (0,),
    ) -> tuple[int, str]:
        """Git's exit code and what it answers."""
        # Nobody sits at the prompt for a password, and messages are compared.
        environment = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(env or {})}
        with tempfile.TemporaryFile() as source:
            source.write(stdin or b"")
            source.seek(0)
            code, out, err = self.repo.git.execute(
                ["git", *arguments],
                istream=source,
                with_extended_output=True,
                with_exceptions=False,
                strip_newline_in_stdout=False,
                stdout_as_string=False,
                kill_after_timeout=seconds,
                env=environment,
            )
        answer = os.fsdecode(out)
        if code not in codes:
            said = without_credentials(_reason(f"{err}\n{answer}"))
            raise GitFailed(f"git {arguments[0]} failed in {self.folder}: {said or f'code {code}'}", said=said)
        return int(code), answer

    def commit(self, name: str) -> str | None:
        """The commit that a name means, or None."""
        code, answer = self.answer(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", codes=(0, 1, 128)
        )
        return answer.strip() if code == 0 else None

    def is_ancestor(self, earlier: str, later: str) -> bool:
        return self.answer("merge-base", "--is-ancestor", earlier, later, codes=(0, 1))[0] == 0

    def git_path(self, name: str) -> Path:
        """A place inside `.git`, wherever that lies."""
        return self.folder / self.git("rev-parse", "--git-path", name).strip()

    def files(self, commit: str, *places: str, recursive: bool = False) -> list[str]:
        """The paths of the files under some places in a commit."""
        deep = ["-r"] if recursive else []
        lines = self.git("ls-tree", *deep, "-z", commit, "--", *places).split("\0")
        return [line.partition("\t")[2] for line in lines if line.startswith("100")]

    def folders(self, commit: str, place: str) -> list[str]:
        """The paths of the folders right under a place in a commit."""
        lines = self.git("ls-tree", "-d", "-z", commit, "--", place).split("\0")
        return [line.partition("\t")[2] for line in lines if line]

    def read(self, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of those of the files that a commit holds."""
        paths = list(paths)
        names = "".join(f"{commit}:{path}\n" for path in paths)
        answer = os.fsencode(self.git("cat-file", "--batch", stdin=names.encode()))
        contents, place = {}, 0
        for path in paths:
            end = answer.index(b"\n", place)
            head = answer[place:end].split(b" ")
            place = end + 1
            if head[-1] != b"missing":
                size = int(head[-1])
                if head[-2] == b"blob":
                    contents[path] = answer[place : place + size]
                place += size + 1
        return contents

    @cached_property
    def objects(self) -> Path:
        """Where the objects of the repository lie."""
        return self.git_path("objects").resolve()

    def config(self, name: str) -> str:
        """A setting, or an empty text."""
        return self.answer("config", "--get", name, codes=(0, 1))[1].strip()

    def conflicts(self, ours: str, theirs: str, env: Mapping[str, str] | None = None) -> list[str]:
        """The files in which a merge of two commits would conflict."""
        try:
            code, answer = self.answer(
                "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs, env=env, codes=(0, 1)
            )
        except GitFailed as error:
            if "usage:" in error.said:
                raise GitFailed("This git cannot try a merge.", "Install git 2.38 or newer.", error.said) from error
            raise
        return sorted(set(filter(None, answer.split("\0")[1:]))) if code else []


@contextlib.contextmanager
def quarantine(repository: Repository, folder: Path) -> Iterator[dict[str, str]]:
    """An environment in which git writes new objects into a folder of their own, and reads the repository's too."""
    (folder / "info").mkdir(parents=True, exist_ok=True)
    (folder / "info" / "alternates").write_text(f"{repository.objects}\n")
    yield {"GIT_OBJECT_DIRECTORY": str(folder)}

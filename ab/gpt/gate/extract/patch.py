"""A diff that came instead of a file, applied to the file that it changes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HUNK = re.compile(r"@@+ *(?:-(\d{1,7}))?")
_HEADERS = ("--- ", "+++ ", "diff --git", "index ", "new file", "*** ", "\\ No newline")
_IS_DIFF = re.compile(r"^@@ .*|^--- \S.*\n\+\+\+ \S|^<{5,9} ?SEARCH", re.MULTILINE)
_MOST_HUNKS = 500
_LONGEST = 1 << 20


@dataclass(frozen=True)
class Hunk:
    """One place that changes: lines, each kept (space), taken out (-) or put in (+)."""

    lines: list[tuple[str, str]]
    hint: int = 0
    """The line at which it says that it stands, from 0."""

    @property
    def old(self) -> list[str]:
        return [text for sign, text in self.lines if sign != "+"]


def looks_like_diff(text: str) -> bool:
    """True for a unified diff, or for blocks of search and replace."""
    may_be = "@@ " in text or "\n+++ " in text or "<<<<<" in text
    return may_be and _IS_DIFF.search(text) is not None


def patched(diff: str, baseline: str) -> str:
    """The baseline after the diff; the new file where the diff makes one; nothing where it does not fit."""
    if len(diff) > _LONGEST:
        return ""
    hunks = _replacements(diff) or _hunks(diff)
    if not hunks:
        return ""
    lines = baseline.split("\n")
    least = 0
    for hunk in hunks[:_MOST_HUNKS]:
        if not any(text.strip() for text in hunk.old) and not baseline.strip():
            lines = [text for sign, text in hunk.lines if sign == "+"]
            continue
        placed = _place(hunk, lines, least) or _place(hunk, lines, 0)
        if placed is None:
            return ""
        at, used = placed
        new = _renewed(used, lines, at)
        lines[at : at + len(used.old)] = new
        least = at + len(new)
    return "\n".join(lines)


def new_side(diff: str) -> str:
    """What a diff keeps and puts in, for a diff that holds a whole file."""
    return "\n".join(text for hunk in _hunks(diff[:_LONGEST]) for sign, text in hunk.lines if sign != "-")


def _hunks(diff: str) -> list[Hunk]:
    hunks: list[Hunk] = []
    lines: list[tuple[str, str]] = []
    hint = 0
    for line in diff.split("\n"):
        if line.startswith("@@"):
            hunks.append(Hunk(lines, hint))
            found = _HUNK.match(line)
            lines, hint = [], max(0, int(found[1] or 1) - 1) if found else 0
        elif not line.startswith(_HEADERS):
            sign = line[:1]
            # Models forget the space in front of a line that is kept.
            lines.append((sign, line[1:]) if sign and sign in "+- " else (" ", line))
    hunks.append(Hunk(lines, hint))
    return [hunk for hunk in hunks if any(sign != " " for sign, _ in hunk.lines)]


def _replacements(diff: str) -> list[Hunk]:
    """Blocks of search and replace, as some models write them."""
    hunks: list[Hunk] = []
    old: list[tuple[str, str]] = []
    state = ""
    for line in diff.split("\n"):
        if line.startswith("<<<<<") and line.rstrip().endswith("SEARCH"):
            state, old = "-", []
        elif line.startswith("=====") and state == "-":
            state = "+"
        elif line.startswith(">>>>>") and state == "+":
            hunks.append(Hunk(old))
            state = ""
        elif state:
            old.append((state, line))
    return hunks


def _place(hunk: Hunk, lines: list[str], least: int) -> tuple[int, Hunk] | None:
    """Where a hunk fits, nearest to where it says; with fewer lines kept around it where it fits nowhere."""
    for fewer in range(4):
        used = _shorter(hunk, fewer)
        old = [text.strip() for text in used.old]
        if not any(old):
            return (min(hunk.hint, len(lines)), used) if not hunk.old or hunk.hint else None
        first = next(number for number, text in enumerate(old) if text)
        fits = [
            at
            for at in (number - first for number, text in enumerate(lines) if text.strip() == old[first])
            if at >= least and [text.strip() for text in lines[at : at + len(old)]] == old
        ]
        if fits:
            return min(fits, key=lambda at: abs(at - hunk.hint)), used
    return None


def _shorter(hunk: Hunk, fewer: int) -> Hunk:
    """The hunk without that many of the kept lines at either end."""
    lines = hunk.lines
    for _ in range(fewer):
        lines = lines[1:] if lines and lines[0][0] == " " else lines
        lines = lines[:-1] if lines and lines[-1][0] == " " else lines
    return Hunk(lines, hunk.hint)


def _renewed(hunk: Hunk, lines: list[str], at: int) -> list[str]:
    """The lines that a hunk leaves: kept ones as the file has them, new ones indented as the file is."""
    shift = _shift(hunk.old, lines[at : at + len(hunk.old)])
    new: list[str] = []
    for sign, text in hunk.lines:
        if sign == "+":
            new.append((" " * shift + text if shift >= 0 else text[-shift:]) if text.strip() else text)
        else:
            if sign == " ":
                new.append(lines[at])
            at += 1
    return new


def _shift(old: list[str], real: list[str]) -> int:
    """By how much the diff's lines stand further left than the file's."""
    for said, is_so in zip(old, real, strict=False):
        if said.strip():
            return (len(is_so) - len(is_so.lstrip())) - (len(said) - len(said.lstrip()))
    return 0

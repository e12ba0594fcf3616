"""Missing brackets and colons put where they belong, by the layout of the code and by what then makes sense."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from ab.gpt.gate.check.catalogue import Catalogue
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import Contract
from ab.gpt.gate.fixups.sense import nonsense
from ab.gpt.gate.source import masked, parsed

_MOST_MISSING = 12
_MOST_PLACES = 60
_CLOSE = {"(": ")", "[": "]", "{": "}"}
_STEP = re.compile(r"^[ \t]*(?=[^\s\"])|[()\[\]{}]", re.MULTILINE)
_STATEMENT = re.compile(
    r"[ \t]*(?:(?:def|class|return|import|raise|assert|pass|del|global|nonlocal|break|continue|@)\b"
    r"|(?:if|for|while|with|elif|else|try|except|finally)\b.*:[ \t]*$"
    r"|[A-Za-z_][\w.]*(?:\[[^\]\n]*\])?[ \t]+[-+*/]?=[ \t]"
    r"|from[ \t]+[\w.]+[ \t]+import\b)"
)
"""A line that begins a statement and is no part of an expression."""
_BLOCK = re.compile(r"[ \t]*(?:def|class|if|elif|for|while|with|async)\b")


@dataclass(frozen=True)
class _Open:
    """A bracket that nothing closes, and before which place it must be closed; or, without a limit, one too many."""

    place: int
    mark: str
    limit: int


@dataclass(frozen=True)
class _Stacked:
    place: int
    mark: str
    indent: int
    block: bool
    """True where its line ends in a colon, as that of a `def` does."""


def with_brackets(text: str, contract: Contract, torch: Catalogue | None = None) -> str:
    """The code with its brackets closed, or as it was where that does not make it Python."""
    mended = text
    for _ in range(_MOST_MISSING):
        problem = _problem(masked(mended))
        if problem is None:
            break
        new = _mended(mended, problem, contract, torch)
        if new is None:
            break
        mended = new
        if parsed(mended) is not None:
            return mended
    return text


def _mended(text: str, problem: _Open, contract: Contract, torch: Catalogue | None) -> str | None:
    """The text with one bracket put in or taken out, the one that leads furthest and makes most sense."""
    bare = masked(text)
    if problem.limit < 0:
        return text[: problem.place] + text[problem.place + 1 :]
    close = _CLOSE[problem.mark]
    best: tuple[tuple[int, ...], str] | None = None
    for order, place in enumerate(_places(bare, problem)):
        new_bare = bare[:place] + close + bare[place:]
        after = _problem(new_bare)
        reached = len(new_bare) + 1 if after is None else after.limit if after.limit >= 0 else after.place
        if after is not None and reached <= problem.limit:
            continue
        new = text[:place] + close + text[place:]
        sense = 0
        if after is None:
            if parsed(new) is None:
                reached = problem.limit + 1  # there may be something else wrong further on
            else:
                code = Code.parse(new, contract)
                sense = -nonsense(code, torch) if isinstance(code, Code) else -1
        key = (reached, sense, -order)
        if best is None or key > best[0]:
            best = (key, new)
    return best[1] if best else None


def _problem(bare: str) -> _Open | None:
    """The first bracket that is not closed, or closes nothing, by what stands where."""
    stack: list[_Stacked] = []
    indent, line_start = 0, 0
    for step in _STEP.finditer(bare):
        mark = step[0]
        if mark in _CLOSE and mark:
            line_end = bare.find("\n", step.start())
            line = bare[line_start : line_end if line_end >= 0 else len(bare)]
            block = bool(_BLOCK.match(line)) and line.rstrip().endswith(":")
            stack.append(_Stacked(step.start(), mark, indent, block))
        elif mark and mark in ")]}":
            if not stack:
                return _Open(step.start(), mark, -1)
            if _CLOSE[stack[-1].mark] != mark:
                return _Open(stack[-1].place, stack[-1].mark, step.start())
            stack.pop()
        else:
            line_start, indent = step.start(), len(mark.expandtabs(8))
            if stack and _must_be_closed(bare, line_start, indent, stack[-1]):
                return _Open(stack[-1].place, stack[-1].mark, line_start)
    return _Open(stack[-1].place, stack[-1].mark, len(bare)) if stack else None


def _must_be_closed(bare: str, line_start: int, indent: int, top: _Stacked) -> bool:
    """True where a line cannot be a part of what the bracket holds."""
    line_end = bare.find("\n", line_start)
    line = bare[line_start : line_end if line_end >= 0 else len(bare)]
    if line.lstrip()[0] in ")]}":
        return indent < top.indent
    return top.block or indent <= top.indent or bool(_STATEMENT.match(line))


def _places(bare: str, problem: _Open) -> list[int]:
    """Where the bracket may be closed: at the ends of lines first, the last line's before the others', then within."""
    begin = problem.place + 1
    ends: list[int] = []
    gaps: list[int] = []
    region_end = problem.limit
    for place in range(begin, region_end + 1):
        before, after = bare[place - 1], bare[place : place + 1] or "\n"
        if before.isspace() or after.isalnum() or after == "_" or (after == '"' and before == '"'):
            continue
        # An empty pair of brackets, and a slice such as `[:, 1:]`, may end where nothing else may.
        if before in ",([{=:.+-*/<>%&|@" and not (before == problem.mark or (before == ":" and problem.mark == "[")):
            continue
        rest = bare[place : bare.find("\n", place) if bare.find("\n", place) >= 0 else len(bare)]
        at_end = not rest.strip(" \t,:") and place < region_end
        at_limit = place == region_end and not bare[begin:place].isspace()
        (ends if at_end or at_limit else gaps).append(place)
    # Before a comma or colon at a line's end comes before what stands after it.
    ordered = [*sorted(ends, key=lambda place: (-bare.count("\n", begin, place), place)), *reversed(gaps)]
    return ordered[:_MOST_PLACES]


def with_colons(text: str) -> str:
    """With the colon at the end of a line that begins a block, where Python misses exactly that."""
    for _ in range(_MOST_MISSING):
        error = _error(text)
        if error is None or "expected ':'" not in str(error.msg) or not error.lineno:
            break
        lines = text.split("\n")
        bare = masked(text).split("\n")
        number = error.lineno - 1
        if number >= len(lines) or not _BLOCK_WORD.match(lines[number]):
            break
        end = len(bare[number].rstrip())
        new = lines[number][:end] + ":" + lines[number][end:]
        if not end or bare[number].rstrip()[-1] in ":,([{\\":
            break
        text = "\n".join([*lines[:number], new, *lines[number + 1 :]])
    return text


_BLOCK_WORD = re.compile(r"[ \t]*(?:def|class|if|elif|else|for|while|with|try|except|finally)\b")


def _error(text: str) -> SyntaxError | None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return error
    except (ValueError, OverflowError, RecursionError, MemoryError):
        return None
    return None

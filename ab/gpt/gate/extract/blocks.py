"""The fenced blocks of a reply."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

_MARK = re.compile(r"`{3,}|~{3,}")
_MOST_MARKS = 20_000
_LONGEST_LINE = 200
_LANGUAGE = re.compile(r"\{?\.?([A-Za-z][\w+.#-]{0,15})\}?")
PYTHON = frozenset(
    {"", "python", "py", "python3", "py3", "pytorch", "torch", "ipython", "pycon", "code", "text", "plaintext"}
)
DIFF = frozenset({"diff", "patch", "udiff"})
_OTHER = frozenset({
    "bash", "sh", "shell", "zsh", "console", "powershell", "json", "yaml", "yml", "toml", "ini", "xml", "html",
    "css", "javascript", "js", "typescript", "ts", "java", "c", "cpp", "c++", "rust", "go", "sql", "markdown", "md",
    "latex", "tex", "mermaid", "makefile", "dockerfile", "txt", "output", "log",
})  # fmt: skip


@dataclass(frozen=True)
class Block:
    """What stands between two fences, or after the last one."""

    text: str
    language: str
    closed: bool


def fenced_blocks(text: str) -> list[Block]:
    """The blocks in their order. A fence with a language also ends the block before it: models forget the end."""
    if "```" not in text and "~~~" not in text:
        return []
    blocks: list[Block] = []
    opened: tuple[int, str, str] | None = None  # where its code begins, its language, its kind of fence
    quotes, seen = 0, 0
    for mark in islice(_MARK.finditer(text), _MOST_MARKS):
        start, end = mark.span()
        line_start = text.rfind("\n", max(0, start - _LONGEST_LINE), start) + 1
        known_start = line_start or start <= _LONGEST_LINE
        before = text[line_start:start].strip(" \t>") if known_start else "x"
        line_end = text.find("\n", end, end + _LONGEST_LINE)
        after = text[end:line_end].strip() if line_end >= 0 else text[end : end + _LONGEST_LINE].strip()
        next_line = line_end + 1 if line_end >= 0 else len(text)
        language = _language(after)
        if opened is None:
            if before and (language is None or mark[0][0] == "~"):
                continue  # such as `x` within a sentence
            # What follows the fence and names no language is code already.
            begin = next_line if language is not None else end
            opened, quotes, seen = (begin, language or "", mark[0][0]), 0, begin
            continue
        begin, kind, fence = opened
        if mark[0][0] != fence or (before and after):
            continue
        quotes += text.count('"""', seen, start) + text.count("'''", seen, start)
        seen = start
        if not after:
            if quotes % 2:
                continue  # within a docstring
            blocks.append(Block(text[begin : start if before else line_start], kind, True))
            opened = None
        elif language:
            blocks.append(Block(text[begin:line_start], kind, False))
            opened, quotes, seen = (next_line, language, fence), 0, next_line
    if opened is not None:
        blocks.append(Block(text[opened[0] :], opened[1], False))
    return [block for block in blocks if block.text and not block.text.isspace()]


def _language(after: str) -> str | None:
    """The language that a fence names, empty where it names nothing, None where something else follows it."""
    if not after:
        return ""
    word, _, rest = after.partition(" ")
    found = _LANGUAGE.fullmatch(word)
    name = found[1].lower() if found else ""
    known = name in PYTHON or name in DIFF or name in _OTHER
    # `python title="net.py"` names a language; `import torch` does not.
    return name if name and known and (not rest or "=" in rest or rest.startswith(("{", "("))) else None

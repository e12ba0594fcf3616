"""Source text for those who mend it: what of it is code, string or comment, and where its nodes stand."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

LARGEST = 1 << 20
"""Longer texts are no network, and nobody looks into them."""
_OPENS = re.compile(r"""\#[^\n]*|\"\"\"|'''|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?""")

Edit = tuple[int, int, str]
"""From where, to where, and what stands there instead."""


@lru_cache(maxsize=16)
def parsed(text: str) -> ast.Module | None:
    """The tree of a text that is Python, or None. Nobody may change it."""
    if len(text) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None


def pieces(text: str) -> Iterator[tuple[str, int, int]]:
    """The text as pieces, each `code`, `string` or `comment`, with where it begins and ends; also of broken code."""
    at = 0
    while found := _OPENS.search(text, at):
        start, end = found.span()
        if start > at:
            yield "code", at, start
        mark = found[0]
        if mark in ('"""', "'''"):
            end = _close(text, mark, end)
        yield ("comment" if mark[0] == "#" else "string"), start, end
        at = end
    if at < len(text):
        yield "code", at, len(text)


def _close(text: str, mark: str, at: int) -> int:
    """Where a text in three quotes ends: after its marks, or with everything."""
    while (end := text.find(mark, at)) >= 0:
        before = end
        while before > at and text[before - 1] == "\\":
            before -= 1
        if (end - before) % 2 == 0:
            return end + 3
        at = end + 1
    return len(text)


def masked(text: str) -> str:
    """The text at its full length with strings as quotes and comments as spaces, line ends kept."""
    parts = []
    for kind, start, end in pieces(text):
        piece = text[start:end]
        if kind != "code":
            piece = re.sub(r"[^\n]", '"' if kind == "string" else " ", piece)
        parts.append(piece)
    return "".join(parts)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text after all edits, which may not overlap; those at the same place come in their order."""
    parts, at = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def indent_of(line: str) -> str:
    """The white space in front of a line."""
    return line[: len(line) - len(line.lstrip())]


class Source:
    """Code that parses, with the places of its nodes in the text."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text = text
        self.tree = tree

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def lines(self) -> list[str]:
        """The lines as Python counts them, each with its end."""
        return re.findall(r"[^\n\r]*(?:\r\n|\n|\r)|[^\n\r]+", self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins, and where the text ends."""
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line))
        return starts

    def place(self, line: int, column: int) -> int:
        """The place of a line and a column as the tree gives them: columns count bytes of UTF-8."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if not text.isascii():
            column = len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))
        return self.starts[min(line - 1, len(self.lines))] + column

    def start(self, node: ast.AST) -> int:
        """Where a node begins."""
        return self.place(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Where a node ends."""
        return self.place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def first_line(self, node: ast.stmt) -> int:
        """Where the first line of a statement begins, decorators included."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return self.starts[min([node.lineno, *(item.lineno for item in decorators)]) - 1]

    def after(self, node: ast.stmt) -> int:
        """Where the line after a statement begins."""
        return self.starts[min(node.end_lineno or node.lineno, len(self.lines))]

    def indent(self, node: ast.stmt) -> str:
        """The white space in front of a statement."""
        return indent_of(self.lines[node.lineno - 1])

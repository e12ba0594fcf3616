"""Mends of how a file begins and ends: prose left in it, an indentation of everything, an end that was cut off."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap

from ab.gpt.gate.contract import Contract
from ab.gpt.gate.prose import without_prose
from ab.gpt.gate.source import masked, parsed

_DEFINITION = re.compile(r"^([ \t]*)(?:async[ \t]+)?(def|class)[ \t]+(\w+)", re.MULTILINE)
_TOP = re.compile(r"^[^\s\"#)\]}]", re.MULTILINE)


def without_shared_indent(text: str) -> str:
    """Moved to the left, where every line is indented."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    return textwrap.dedent(text) if first.startswith((" ", "\t")) else text


def without_prose_lines(text: str) -> str:
    """Without sentences between the code, where the file then can be parsed."""
    spoken = without_prose(text) + "\n"
    if spoken.strip() and spoken.strip() != text.strip() and parsed(spoken) is not None:
        return spoken
    first = without_prose(text, whole=True) + "\n"
    return first if first.strip() and first.strip() != text.strip() and parsed(first) is not None else text


def without_broken_try_out(text: str, contract: Contract) -> str:
    """Without an unfinished statement at the end of the file's top level, such as a try-out, if nothing needs it."""
    bare = masked(text)
    tops = list(_TOP.finditer(bare))
    if not tops or _DEFINITION.match(bare, tops[-1].start()) or bare[tops[-1].start()] == "@":
        return text
    kept = text[: tops[-1].start()].rstrip() + "\n"
    tree = parsed(kept)
    target = re.match(r"[A-Za-z_]\w*", bare[tops[-1].start() :])
    needed = target is not None and re.search(rf"\b{target[0]}\b", kept) and not keyword.iskeyword(target[0])
    return kept if tree is not None and _has_class(tree, contract.class_name) and not needed else text


def without_cut_end(text: str, contract: Contract) -> str:
    """Without the unfinished definition at the end, where nothing that is needed goes with it.

    What LEMUR's standard form can restore may go; a network's constructor or `forward` may not.
    """
    bare = masked(text)
    restorable = {function.name for function in contract.functions if function.standard}
    for start, name in _last_definitions(bare):
        kept = text[:start].rstrip() + "\n"
        tree = parsed(kept)
        if tree is not None and _has_class(tree, contract.class_name):
            unneeded = name in restorable or (name and not re.search(rf"\b{re.escape(name)}\b", kept))
            return kept if unneeded else text
    return text


def _last_definitions(bare: str) -> list[tuple[int, str]]:
    """Where the last definition and the last statement at the top level begin, the later first."""
    found = []
    definitions = [match for match in _DEFINITION.finditer(bare) if match[2] == "def"]
    if definitions:
        found.append((_with_decorators(bare, definitions[-1].start()), definitions[-1][3]))
    tops = list(_TOP.finditer(bare))
    if tops:
        start = tops[-1].start()
        defines = _DEFINITION.match(bare, start)
        found.append((_with_decorators(bare, start), defines[3] if defines else ""))
    return sorted(set(found), reverse=True)


def _with_decorators(bare: str, start: int) -> int:
    """Where the decorators in front of a definition begin."""
    while start:
        before = bare.rfind("\n", 0, start - 1) + 1
        if not bare[before:start].strip().startswith("@"):
            break
        start = before
    return start


def _has_class(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.ClassDef) and node.name == name for node in tree.body)

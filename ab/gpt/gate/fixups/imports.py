"""Imports that were forgotten, and one that stands there twice."""

from __future__ import annotations

import ast

from ab.gpt.gate.check.usual import USUAL
from ab.gpt.gate.fixups.sheet import Sheet
from ab.gpt.gate.source import Edit

_HOMES = ("torch.nn", "torch.optim", "torch.optim.lr_scheduler", "torch.nn.utils.rnn", "torchvision.models")
"""Where a name such as `Linear` or `resnet18` can come from."""


def missing_imports(sheet: Sheet) -> list[Edit]:
    """Puts in the imports of names that are nowhere bound and can only mean one thing."""
    lines = [line for name in sheet.code.unbound if (line := _import_of(sheet, name))]
    if not lines:
        return []
    place, after_text = _head(sheet)
    block = "\n".join(sorted(set(lines), key=_order)) + "\n"
    return [(place, place, ("\n" if after_text else "") + block)]


def _import_of(sheet: Sheet, name: str) -> str:
    """The import that binds a name, if it is certain."""
    if name in USUAL:
        return USUAL[name]
    homes = [home for home in _HOMES if sheet.torch and name in sheet.torch.names.get(home, ())]
    if not homes or name.startswith("_") or (len(name) < 3 or (name.islower() and not any(map(str.isdigit, name)))):
        return f"from torch.nn.utils.rnn import {name}" if homes == ["torch.nn.utils.rnn"] else ""
    return f"from {homes[0]} import {name}"


def _order(line: str) -> tuple[bool, bool, str]:
    """Plain libraries first, then torch; modules before single names."""
    return "torch" in line, line.startswith("from"), line


def _head(sheet: Sheet) -> tuple[int, bool]:
    """Where imports may begin: after the docstring and what comes from the future, and whether that is there."""
    last: ast.stmt | None = None
    for number, node in enumerate(sheet.code.tree.body):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if (number == 0 and text) or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            last = node
        else:
            break
    if last is None:
        return 0, False
    end = sheet.source.after(last)
    return end, not sheet.source.text[:end].endswith("\n")


def one_import_of_nn(sheet: Sheet) -> list[Edit]:
    """Takes out every `import torch.nn as nn` at the top level but the first."""
    same = [
        node
        for node in sheet.code.tree.body
        if (
            isinstance(node, ast.Import)
            and [(alias.name, alias.asname) for alias in node.names] == [("torch.nn", "nn")]
        )
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "torch"
            and [(alias.name, alias.asname) for alias in node.names] == [("nn", None)]
        )
    ]
    edits = []
    for node in same[1:]:
        start, end = sheet.source.first_line(node), sheet.source.after(node)
        if sheet.source.text[start:end].strip() == ast.unparse(node):  # nothing else on the line
            edits.append((start, end, ""))
    return edits

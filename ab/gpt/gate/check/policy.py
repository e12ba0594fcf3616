"""What a network has no business with. A courtesy to its author: the wall is isolation."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ab.gpt.gate.check.code import Code
from ab.gpt.gate.finding import Finding, Severity

LEMUR_VOCABULARY = "ab.nn.loader.coco_.Caption"
MOST_TEXT = 20_000
MOST_ITEMS = 2_000
_CLOSED = (
    "torch.hub", "torch.load", "torch.save", "torch.from_file", "torch.distributed", "torch.multiprocessing",
    "torch.utils.cpp_extension", "torch.ops.load_library", "torch.classes", "torch._C", "torch.package",
    "torchvision.datasets", "torchvision.io", "numpy.load", "numpy.save", "numpy.savez", "numpy.fromfile",
    "numpy.memmap", "numpy.loadtxt", "numpy.savetxt", "numpy.genfromtxt", "numpy.ctypeslib", "types.CodeType",
    "types.FunctionType", "operator.attrgetter", "operator.methodcaller",
)  # fmt: skip
"""Doors inside of libraries that are open otherwise."""
_SETTINGS = ("torch.backends.",)
"""What a network may set in a library."""


def check_policy(code: Code) -> Iterator[Finding]:
    """Findings about imports, calls, replaced parts and data."""
    yield from _check_imports(code)
    for name, line in code.used_builtins.items():
        if name in code.contract.forbidden_names:
            yield code.finding("P002", line, f"A network has no business with {name}().")
    for node in code.nodes:
        if isinstance(node, ast.Attribute):
            if node.attr in code.contract.forbidden_attributes:
                yield code.finding("P004", node, f"The code looks into the interpreter by .{node.attr}.")
            elif (door := _door(code.meant(node))) and isinstance(node.ctx, ast.Load):
                yield code.finding("P002", node, f"A network has no business with {door}.")
        elif isinstance(node, ast.Call):
            yield from _check_call(code, node)
        elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)):
            targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]
            for target in targets:
                meant = code.meant(target) if isinstance(target, ast.Attribute) else ""
                if meant and not meant.startswith(_SETTINGS):
                    yield code.finding("P003", node, f"The code replaces {meant}.")
    if carried := bulk_data(code.tree):
        yield code.finding("P005", 0, f"The file carries {carried}.")


def _check_imports(code: Code) -> Iterator[Finding]:
    used = {node.id for node in code.nodes if isinstance(node, ast.Name)}
    for node in code.nodes:
        if isinstance(node, ast.Import):
            asked = [(alias.name, alias.asname or alias.name.partition(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            asked = [(f"{module}.{alias.name}", alias.asname or alias.name) for alias in node.names]
        else:
            continue
        for full, name in asked:
            allowed = full.partition(".")[0] in code.contract.imports or full.startswith(LEMUR_VOCABULARY)
            if allowed and not _door(full):
                continue
            finding = code.finding("P001", node, f"A network has no business with the import of {full}.")
            if name not in used and not name.startswith("*"):
                yield Finding(
                    finding.code, finding.line, f"{full} is imported and not used.", "Leave it out.", Severity.NOTE
                )
            else:
                yield finding


def _door(meant: str) -> str:
    """The closed door that a full name goes through, or nothing."""
    return next((door for door in _CLOSED if meant == door or meant.startswith(door + ".")), "")


def _check_call(code: Code, call: ast.Call) -> Iterator[Finding]:
    if not isinstance(call.func, ast.Name) or call.func.id not in ("getattr", "setattr", "delattr") or not call.args:
        return
    name = call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) else ""
    if isinstance(name, str) and name in code.contract.forbidden_attributes:
        yield code.finding("P004", call, f"The code looks into the interpreter by {call.func.id} and {name!r}.")
    elif call.func.id != "getattr" and (meant := code.meant(call.args[0])):
        yield code.finding("P003", call, f"The code replaces a part of {meant}.")


def bulk_data(tree: ast.AST) -> str:
    """The data that a file carries beside its code, if it is more than a network needs; else nothing."""
    texts = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    ]
    documentation = set(docstrings(tree))
    bulk = sum(len(text) for text in texts if text not in documentation)
    if bulk > MOST_TEXT:
        return f"{bulk:,} characters of data in its texts"
    items = max(
        (len(node.elts) for node in ast.walk(tree) if isinstance(node, (ast.List, ast.Tuple, ast.Set))), default=0
    )
    return f"a table of {items:,} values" if items > MOST_ITEMS else ""


def docstrings(tree: ast.AST) -> list[str]:
    """Every docstring, as it is written."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        text for node in ast.walk(tree) if isinstance(node, owners) and (text := ast.get_docstring(node, clean=False))
    ]

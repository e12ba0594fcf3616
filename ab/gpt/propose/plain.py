"""Code with fewer tokens and the same network: without comments, docstrings, type hints or what nothing uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable

_CHORES = re.compile(r"(?:torch\._assert|_log_api_usage_once)\Z")


def without_comments(code: str) -> str:
    """The code without comments and docstrings; as it is where it is not Python."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return code
    drop_texts(tree)
    return ast.unparse(tree) + "\n"


def without_unused(code: str, wanted: Iterable[str]) -> str:
    """The code without comments, and without functions, methods and classes whose name nothing in it says again.

    Those that are wanted stay, and so do methods that Python calls.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return code
    drop_texts(tree)
    kept = {*wanted, "forward"}
    while unused := [node for node in _definitions(tree) if node.name not in kept and not _is_used(node, tree)]:
        for holder in _holders(tree):
            holder.body = [part for part in holder.body if part not in unused] or [ast.Pass()]
    return ast.unparse(tree) + "\n"


def drop_texts(tree: ast.AST) -> None:
    """Takes out docstrings, which cost more tokens than they tell a reader of the code."""
    for one in ast.walk(tree):
        _drop(one, is_text)


def make_plain(tree: ast.AST) -> None:
    """Takes out what is no part of an architecture.

    That is docstrings, type hints, checks of arguments, first values of weights, and the reading of old checkpoints.
    """
    for one in list(ast.walk(tree)):
        _drop(one, _is_no_idea)
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            one.returns = None
            _Unhint().generic_visit(one)
        elif isinstance(one, ast.arg):
            one.annotation = None
    ast.fix_missing_locations(tree)


def is_text(node: ast.AST) -> bool:
    """True for a text that stands alone, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _definitions(tree: ast.Module) -> list[_Definition]:
    """Functions and classes at the top level, and methods."""
    return [
        part
        for holder in _holders(tree)
        for part in holder.body
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not part.name.startswith("__")
    ]


def _holders(tree: ast.Module) -> list[ast.Module | ast.ClassDef]:
    return [tree, *(one for one in tree.body if isinstance(one, ast.ClassDef))]


def _is_used(node: _Definition, tree: ast.Module) -> bool:
    """True where the name stands anywhere outside of the definition itself."""
    within = set(map(id, ast.walk(node)))
    return any(
        node.name in (getattr(one, "id", None), getattr(one, "attr", None), getattr(one, "value", None))
        for one in ast.walk(tree)
        if id(one) not in within
    )


class _Unhint(ast.NodeTransformer):
    """`width: int = 4` becomes `width = 4`, and `width: int` nothing."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Pass() if node.value is None else ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node


def _drop(node: ast.AST, unwanted: Callable[[ast.AST], bool]) -> None:
    """Takes statements out of the blocks that a node holds."""
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if isinstance(block, list) and any(map(unwanted, block)):
            left = [part for part in block if not unwanted(part)]
            setattr(node, field, left or ([ast.Pass()] if field == "body" else []))


def _is_no_idea(statement: ast.AST) -> bool:
    if isinstance(statement, ast.Assert) or is_text(statement):
        return True
    if isinstance(statement, ast.If):
        return not statement.orelse and all(isinstance(part, ast.Raise) for part in statement.body)
    if isinstance(statement, ast.For):
        return ast.unparse(statement.iter) == "self.modules()" and "init." in ast.unparse(statement)
    if isinstance(statement, ast.FunctionDef):
        return "state_dict" in statement.name
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return _CHORES.search(ast.unparse(statement.value.func)) is not None
    return False

"""The first layers of a network's class, as a function that stands alone."""

from __future__ import annotations

import ast
import copy
import re

_LAYERS = re.compile(r"Conv\w*\Z")


def stem_of(net: ast.ClassDef, head: re.Pattern[str]) -> ast.FunctionDef | None:
    """A function that makes what the constructor first puts convolutions into; None where there is no such thing.

    Cut from `__init__`: the assignment `self.features = …` and the statements before it that it depends on. Many of
    LEMUR's classifiers have no blocks of their own and are all in there.
    """
    init = next((one for one in net.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    if init is None:
        return None
    for number, statement in enumerate(init.body):
        attribute = _own_attribute(statement)
        if attribute and not head.search(attribute):
            kept = _slice(init.body, number)
            if any(map(_has_layers, kept)):
                return _function(attribute, kept, init)
    return None


def _slice(body: list[ast.stmt], last: int) -> list[ast.stmt]:
    """The statements up to one of them that it depends on, and itself."""
    kept = [body[last]]
    needed = _read(body[last])
    for statement in reversed(body[:last]):
        if _changed(statement) & needed:
            kept.append(statement)
            needed |= _read(statement)
    return kept[::-1]


def _function(attribute: str, kept: list[ast.stmt], init: ast.FunctionDef) -> ast.FunctionDef | None:
    """The statements as a function with the constructor's arguments that they use, attributes made variables."""
    attributes = {one[5:] for statement in kept for one in _read(statement) | _changed(statement) if "." in one}
    variables = {one for statement in kept for one in _changed(statement) if "." not in one}
    if attributes & variables:
        return None  # two things of one name would become one
    body = [_Unself().visit(copy.deepcopy(statement)) for statement in kept]
    read = {n.id for statement in body for n in ast.walk(statement) if isinstance(n, ast.Name)}
    arguments = [one for one in init.args.args if one.arg in read]
    if "self" in read or attributes & {one.arg for one in arguments}:
        return None
    last = body[-1]
    assert isinstance(last, (ast.Assign, ast.AnnAssign)) and last.value is not None
    body[-1] = ast.Return(last.value)
    function = ast.FunctionDef(
        name=attribute.strip("_") or "stem",
        args=ast.arguments(
            posonlyargs=[], args=[ast.arg(one.arg) for one in arguments], kwonlyargs=[], kw_defaults=[], defaults=[]
        ),
        body=body,
        decorator_list=[],
    )
    return ast.fix_missing_locations(function)


class _Unself(ast.NodeTransformer):
    """`self.width` becomes `width`."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Name(node.attr, node.ctx) if _is_self(node.value) else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value is not None else node


def _own_attribute(statement: ast.stmt) -> str:
    """The name of the one attribute of `self` that a statement sets, or nothing."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return ""
    return target.attr if isinstance(target, ast.Attribute) and _is_self(target.value) else ""


def _has_layers(statement: ast.stmt) -> bool:
    called = (one.func for one in ast.walk(statement) if isinstance(one, ast.Call))
    return any(_LAYERS.search(one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "")) for one in called)


def _read(statement: ast.stmt) -> set[str]:
    """The variables, and as `self.x` the attributes, that a statement reads or changes in place."""
    found: set[str] = set()
    for one in ast.walk(statement):
        if isinstance(one, ast.Attribute) and _is_self(one.value) and isinstance(one.ctx, ast.Load):
            found.add(f"self.{one.attr}")
        elif isinstance(one, ast.Name) and one.id != "self" and isinstance(one.ctx, ast.Load):
            found.add(one.id)
    return found | {
        name for one in ast.walk(statement) if isinstance(one, ast.AugAssign) for name in _named(one.target)
    }


def _changed(statement: ast.stmt) -> set[str]:
    """The variables, and as `self.x` the attributes, that a statement sets, or calls a method of."""
    found: set[str] = set()
    for one in ast.walk(statement):
        if isinstance(one, (ast.Name, ast.Attribute)) and isinstance(one.ctx, ast.Store):
            found |= _named(one)
        elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            called = one.value.func
            if isinstance(called, ast.Attribute):
                found |= _named(called.value)
    return found


def _named(node: ast.expr) -> set[str]:
    """What a target is called: `x`, `self.x`, or nothing."""
    if isinstance(node, ast.Attribute) and _is_self(node.value):
        return {f"self.{node.attr}"}
    return {node.id} if isinstance(node, ast.Name) and node.id != "self" else set()


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"

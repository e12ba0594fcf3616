"""One statement of a module, with what one wants to know of it again and again."""

from __future__ import annotations

import ast
import re
from functools import cached_property

from ab.gpt.propose.plain import make_plain

_NO_LAYER = re.compile(r"(?:Error|Warning|Config)\Z|\A(?:Sequential|ModuleList|ModuleDict|Tensor|Size)\Z")


class Statement:
    """A class, a function, an import or whatever else stands at the top level; made plainer when one looks closer."""

    def __init__(self, node: ast.stmt) -> None:
        self.raw = node
        self.binds = _bound(node)

    @property
    def is_import(self) -> bool:
        return isinstance(self.raw, (ast.Import, ast.ImportFrom))

    @cached_property
    def plain(self) -> ast.stmt:
        """The statement as far as it is architecture; what it was made from is changed."""
        make_plain(self.raw)
        return self.raw

    @cached_property
    def text(self) -> str:
        return ast.unparse(self.plain)

    @cached_property
    def needs(self) -> set[str]:
        """The names that it reads; a local variable among them costs at most a definition too many."""
        return {n.id for n in self._nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}

    @cached_property
    def words(self) -> set[str]:
        """Every name, attribute and argument in it."""
        found: set[str] = set()
        for one in self._nodes:
            if isinstance(one, ast.Name):
                found.add(one.id)
            elif isinstance(one, ast.Attribute):
                found.add(one.attr)
            elif isinstance(one, (ast.arg, ast.keyword)) and one.arg:
                found.add(one.arg)
            elif isinstance(one, (ast.FunctionDef, ast.ClassDef)):
                found.add(one.name)
        return found

    @cached_property
    def layers(self) -> list[str]:
        """The classes that it makes layers of, each as often as it does."""
        called = [one.func for one in self._nodes if isinstance(one, ast.Call)]
        names = [one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in called]
        return [name for name in names if name[:1].isupper() and not _NO_LAYER.search(name)]

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.plain))


def import_name(one: ast.alias) -> str:
    """The name that an import binds."""
    return one.asname or one.name.partition(".")[0]


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement of the module binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return set()
        return {import_name(one) for one in node.names if one.name != "*"}
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if isinstance(node, (ast.Try, ast.If)):
        inner = [*node.body, *node.orelse, *(s for h in getattr(node, "handlers", ()) for s in h.body)]
        return set().union(*map(_bound, inner))
    return set()

"""A digest of a network that stays the same when names, comments, types or the order of definitions change."""

from __future__ import annotations

import ast
import hashlib
from collections import deque
from typing import Any

from ab.gpt.gate.check.code import Code

_KNOWN = ("__init__", "forward", "train_setup", "learn", "__call__", "__len__", "__iter__", "reset_parameters")
"""Methods that are called under their names; any other may be called anything."""
_NO_MATTER = {"annotation", "returns", "type_comment", "ctx", "kind", "simple", "type_params"}


def normal_digest(code: Code) -> str:
    """The digest of everything that can be reached from the network's class."""
    return _Normal(code).digest()


class _Normal:
    """One walk from the class through all that it uses; each name is replaced by the number of its first appearance."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.words: list[str] = []
        self.top: dict[str, ast.stmt] = {**code.classes, **code.functions}
        for node in code.tree.body:
            if isinstance(node, ast.Assign):
                self.top.update({target.id: node for target in node.targets if isinstance(target, ast.Name)})
        self.methods = {
            name: {n.name: n for n in cls.body if isinstance(n, ast.FunctionDef)} for name, cls in code.classes.items()
        }
        self.own_attributes = {
            node.attr for node in code.nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        } | {name for methods in self.methods.values() for name in methods if name not in _KNOWN}
        self.numbers: dict[str, int] = {}
        self.attributes: dict[str, int] = {}
        self.visited: list[str] = []
        self.queue: deque[tuple[str, str]] = deque()
        self.done: set[tuple[str, str]] = set()

    def digest(self) -> str:
        """The digest of the words of the walk."""
        self.number(self.code.contract.class_name)
        while self.queue:
            at = self.queue.popleft()
            if at not in self.done:
                self.done.add(at)
                self.definition(*at)
        return hashlib.md5("\n".join(self.words).encode("utf-8", "surrogatepass")).hexdigest()

    def number(self, name: str) -> str:
        """A top-level name's number; what it stands for comes later in the walk."""
        if name not in self.numbers:
            self.numbers[name] = len(self.numbers)
            self.queue.append((name, ""))
        return f"top {self.numbers[name]}"

    def attribute(self, name: str) -> str:
        """An attribute's number, if it is one that the file itself makes."""
        if name not in self.own_attributes:
            return f"attribute {name}"
        if name not in self.attributes:
            self.attributes[name] = len(self.attributes)
            self.queue.extend((cls, name) for cls in self.visited if name in self.methods[cls])
        return f"attribute {self.attributes[name]}"

    def definition(self, name: str, method: str) -> None:
        """The words of one top-level definition, or of one method of a class."""
        node = self.top[name]
        if method:
            self.words.append(f"method {self.attribute(method)} of {self.number(name)}")
            self.function(self.methods[name][method])
        elif isinstance(node, ast.ClassDef):
            self.visited.append(name)
            self.words.append(f"class {self.number(name)}")
            scope: dict[str, int] = {}
            for part in (*node.bases, *node.keywords, *node.decorator_list):
                self.walk(part, scope)
            for part in node.body:
                if not isinstance(part, ast.FunctionDef) and not _is_text(part):
                    self.walk(part, scope)
            for known in _KNOWN:
                if known in self.methods[name]:
                    self.words.append(f"method {known}")
                    self.function(self.methods[name][known])
            called = sorted((self.attributes[m], m) for m in self.methods[name] if m in self.attributes)
            self.queue.extend((name, m) for _, m in called)
        elif isinstance(node, ast.FunctionDef):
            self.words.append(f"function {self.number(name)}")
            self.function(node)
        else:
            self.words.append(f"value {self.number(name)}")
            self.walk(getattr(node, "value", node), {})

    def function(self, node: ast.FunctionDef) -> None:
        """The words of a function, its arguments and variables numbered as they come."""
        scope: dict[str, int] = {}
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)} | {
            n.arg for n in ast.walk(node) if isinstance(n, ast.arg)
        }
        self.walk(node.args, scope, stored)
        for part in (*node.decorator_list, *node.body):
            if not _is_text(part):
                self.walk(part, scope, stored)

    def walk(self, node: ast.AST, scope: dict[str, int], local: set[str] | None = None) -> None:
        """The words of any piece of code."""
        local = local or set()
        if isinstance(node, ast.Name):
            self.words.append(self.name(node.id, scope, local))
            return
        if isinstance(node, ast.arg):
            self.words.append(f"argument {scope.setdefault(node.arg, len(scope))}")
            return
        if isinstance(node, ast.Attribute):
            if meant := self.code.meant(node):
                self.words.append(meant)
                return
            self.words.append(self.attribute(node.attr))
            self.walk(node.value, scope, local)
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)) or _is_text(node):
            return
        self.words.append(type(node).__name__)
        order = self.parameters(node.func) if isinstance(node, ast.Call) else []
        for field, value in ast.iter_fields(node):
            if field in _NO_MATTER:
                continue
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.keyword) and item.arg in order:
                    self.words.append(f"keyword {order.index(item.arg)}")
                    self.walk(item.value, scope, local)
                elif isinstance(item, ast.AST):
                    self.walk(item, scope, local)
                else:
                    self.plain(item)

    def plain(self, value: Any) -> None:
        """A value that is no code."""
        self.words.append(f"{type(value).__name__} {value!r}")

    def name(self, name: str, scope: dict[str, int], local: set[str]) -> str:
        """What stands for a name: a number within its function or file, or what was imported, or itself."""
        if name in scope or name in local:
            return f"local {scope.setdefault(name, len(scope))}"
        if name in self.top:
            return self.number(name)
        return self.code.imports.get(name, name)

    def parameters(self, callee: ast.AST) -> list[str]:
        """The arguments of a class or function of the file, in order."""
        if not isinstance(callee, ast.Name):
            return []
        function = self.code.functions.get(callee.id) or self.methods.get(callee.id, {}).get("__init__")
        if function is None:
            return []
        arguments = function.args
        return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _is_text(node: ast.AST) -> bool:
    """True for a text that stands alone, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

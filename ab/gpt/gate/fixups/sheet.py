"""Code that parses, laid out for the fix-ups."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cached_property

from ab.gpt.gate.check.catalogue import Catalogue
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.check.promises import Lineage, lineage
from ab.gpt.gate.contract import Contract
from ab.gpt.gate.source import Edit, Source


class Sheet:
    """The code, the places of its nodes, the contract, and what torch has where that is known."""

    def __init__(self, code: Code, torch: Catalogue | None) -> None:
        self.code = code
        self.torch = torch
        self.source = Source(code.text, code.tree)
        self.contract: Contract = code.contract

    @cached_property
    def net(self) -> ast.ClassDef | None:
        """The network's class."""
        return self.code.classes.get(self.contract.class_name)

    @cached_property
    def family(self) -> Lineage | None:
        """What the network's class has, and what it inherits within the file."""
        return lineage(self.code, self.net) if self.net else None

    @cached_property
    def indent(self) -> str:
        """By what the network's methods are indented."""
        if self.net is None:
            return "    "
        first = self.net.body[0]
        return self.source.indent(first) if first.lineno > self.net.lineno else "    "

    def method(self, name: str) -> ast.FunctionDef | None:
        """A method of the network's class, its ancestors' in the file included."""
        return self.family.methods.get(name) if self.family else None

    def used_names(self) -> dict[str, int]:
        """Every name and attribute of the file, with how often it stands there."""
        counts: dict[str, int] = {}
        for node in self.code.nodes:
            word = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if word:
                counts[word] = counts.get(word, 0) + 1
        return counts

    def name_edit(self, node: ast.FunctionDef | ast.ClassDef, new: str) -> Edit:
        """The edit that renames a definition at its own place."""
        start = self.source.text.index(node.name, self.source.start(node) + len("def "))
        return start, start + len(node.name), new


TreeFix = Callable[[Sheet], list[Edit]]

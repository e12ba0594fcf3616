"""A network's source, read and parsed, or the finding that says why it cannot be."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ab.gpt.gate.contract import Contract
from ab.gpt.gate.finding import Finding, Severity

LARGEST_FILE = 1 << 20
DEEPEST = 150
_MODULE_NAMES = frozenset(
    {"__name__", "__file__", "__doc__", "__annotations__", "__qualname__", "__module__", "__class__"}
)


def read_code(file: Path, contract: Contract) -> str | Finding:
    """The text of a file, or why it cannot be a network."""
    rule = contract.rule("N002")

    def finding(why: str) -> Finding:
        return Finding(rule.code, 0, why, rule.advice, outcome=rule.outcome)

    try:
        if not file.is_file():
            return finding(f"{file} is no file." if file.exists() else f"{file} is not there.")
        if file.stat().st_size > LARGEST_FILE:
            return finding(f"{file} holds {file.stat().st_size:,} bytes.")
        data = file.read_bytes()
    except OSError as error:
        return finding(f"{file} cannot be read: {error.strerror}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return finding(f"{file} is not text in UTF-8: {error.reason} at byte {error.start}.")
    if "\0" in text:
        return finding(f"{file} is not text: it holds zero bytes.")
    if not text.strip():
        return finding(f"{file} is empty.")
    return text


@dataclass(frozen=True)
class Code:
    """Parsed source, with what every check wants to know of it."""

    text: str
    tree: ast.Module
    contract: Contract

    @classmethod
    def parse(cls, text: str, contract: Contract) -> Code | Finding:
        """The parsed source, or why it is none."""
        if len(text) > LARGEST_FILE:
            rule = contract.rule("N002")
            return Finding(rule.code, 0, f"The code has {len(text):,} characters.", rule.advice, outcome=rule.outcome)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd escapes and comparisons, which a run would show
                tree = ast.parse(text)
                if _depth(tree) > DEEPEST:
                    return _too_deep(contract)
                # Some mistakes, such as a return outside of a function, only the compiler sees. Nothing is run.
                compile(text, "network", "exec", dont_inherit=True)
        except SyntaxError as error:
            line = (error.text or "").strip()[:120]
            at = error.lineno or 0
            rule = contract.rule("S002" if "too many nested" in str(error.msg) else "S001")
            said = f"{error.msg}: `{line}`" if line else f"{error.msg}"
            return Finding(rule.code, at, f"{said}.", rule.advice, outcome=rule.outcome)
        except (ValueError, OverflowError) as error:  # zero bytes, lone surrogates, endless numbers
            rule = contract.rule("S001")
            return Finding(rule.code, 0, f"{error}.", rule.advice, outcome=rule.outcome)
        except (RecursionError, MemoryError):
            return _too_deep(contract)
        return cls(text, tree, contract)

    def finding(self, code: str, line: int | ast.AST, sentence: str = "", advice: str = "") -> Finding:
        """A finding by one of the contract's rules, with its own words where given."""
        rule = self.contract.rule(code)
        at = line if isinstance(line, int) else getattr(line, "lineno", 0)
        severity = Severity.NOTE if rule.note else Severity.ERROR
        return Finding(code, at, sentence or rule.sentence, advice or rule.advice, severity, rule.outcome)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the top level, by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """The functions at the top level, by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for: `nn` for `torch.nn`, `Linear` for `torch.nn.Linear`."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.partition(".")[0]
                    found[alias.asname or root] = alias.name if alias.asname else root
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    def meant(self, node: ast.AST) -> str:
        """The full name that an expression such as `nn.functional.relu` stands for; empty for what is not imported."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.imports:
            return ""
        return ".".join([self.imports[node.id], *reversed(parts)])

    @cached_property
    def named_values(self) -> list[tuple[str, ast.expr]]:
        """What stands behind a name: assignments, defaults of arguments, and arguments by keyword."""
        found: list[tuple[str, ast.expr]] = []
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef):
                plain = [*node.args.posonlyargs, *node.args.args][::-1]
                found += zip((argument.arg for argument in plain), node.args.defaults[::-1], strict=False)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, (ast.Name, ast.Attribute)):
                        found.append((target.id if isinstance(target, ast.Name) else target.attr, node.value))
            elif isinstance(node, ast.keyword) and node.arg:
                found.append((node.arg, node.value))
        return found

    @cached_property
    def unbound(self) -> dict[str, int]:
        """Names that are used and nowhere bound, with the first line of each."""
        return {name: line for name, line in self._from_outside.items() if not hasattr(builtins, name)}

    @cached_property
    def used_builtins(self) -> dict[str, int]:
        """Python's own names that are used and not bound to something else, with the first line of each."""
        return {name: line for name, line in self._from_outside.items() if hasattr(builtins, name)}

    @cached_property
    def _from_outside(self) -> dict[str, int]:
        """Names that no scope of the file binds, with the first line of each."""
        if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in self.nodes):
            return {}  # anything may come with a star
        top = symtable.symtable(self.text, "network", "exec")
        bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
        bound |= {symbol.get_name() for symbol in top.get_symbols() if symbol.is_namespace()} | _MODULE_NAMES
        wanted: set[str] = set()
        scopes = [top]
        while scopes:
            scope = scopes.pop()
            scopes += scope.get_children()
            for symbol in scope.get_symbols():
                if symbol.is_declared_global() and symbol.is_assigned():
                    bound.add(symbol.get_name())
                if symbol.is_referenced() and (symbol.is_global() or scope is top):
                    wanted.add(symbol.get_name())
        lines: dict[str, int] = {}
        for node in self.nodes:
            if isinstance(node, ast.Name) and node.id in wanted - bound:
                lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
        return dict(sorted(lines.items(), key=lambda item: item[1]))


def _too_deep(contract: Contract) -> Finding:
    rule = contract.rule("S002")
    return Finding(rule.code, 0, rule.sentence, rule.advice, outcome=rule.outcome)


def _depth(tree: ast.AST) -> int:
    """How deep the tree is, without recursion."""
    depth, level = 0, [tree]
    while level and depth <= DEEPEST:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth

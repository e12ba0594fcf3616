"""A classifier's definitions, what each of them needs of the others, and which of them are blocks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from ab.gpt.gate.check.code import Code
from ab.gpt.propose.plain import is_text
from ab.gpt.propose.snippets.statement import Statement, import_name
from ab.gpt.propose.snippets.stem import stem_of

_HEAD = re.compile(
    r"(?i)num_?class|n_?classes|class_num|nclass|classifier|out_shape|logits|cross_?entropy|\Alearn\Z|label"
)
"""Names that show a classifier's head or its training."""
_MODULES = re.compile(r"(?:Module|Sequential|ModuleDict|ModuleList|Conv\dd|Linear)\Z")
_ATTENTION_NAMES = re.compile(r"(?i)att(?:n|ention)|squeeze|excit|cbam|\A_?(?:se|eca)[A-Z_]?|gate\Z")
_ATTENTION_CALLS = frozenset({"MultiheadAttention", "softmax", "Softmax", "scaled_dot_product_attention"})
_CONVOLUTION = re.compile(r"Conv\w*[12]d|Conv2dNormActivation")
_STEM_NAMES = re.compile(r"(?i)stem|patch_?embed|init_?block")
_WEIGHTED = re.compile(r"Conv|Linear|Norm|Parameter|Embedding|Attention|LSTM|GRU|MLP|Excitation")
_LEAST_LAYERS = 2


class Source:
    """A parsed classifier, of which blocks can be taken. What it was parsed into is changed."""

    def __init__(self, code: Code) -> None:
        self._contract = code.contract
        self._net = code.classes.get(self._contract.class_name)
        self._statements: list[Statement] = []
        self._binders: dict[str, list[int]] = {}
        for node in code.tree.body:
            if node is not self._net and not is_text(node):
                self._add(Statement(node))
        self._classes = {one.raw.name: one.raw for one in self._statements if isinstance(one.raw, ast.ClassDef)}

    def by_role(self) -> Iterator[list[str]]:
        """The names of the blocks of each role, those with the most in them first."""
        roles: dict[str, list[tuple[int, int, str]]] = {"attention": [], "convolution": [], "other": [], "stem": []}
        for number, statement in enumerate(self._statements):
            node = statement.raw
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef)) or not self._makes_layers(statement):
                continue
            parts = [self._statements[part] for part in self._closure([node.name])]
            if _has_ideas(parts) and not _has_head(parts):
                roles[_role(node.name, parts)].append((-self.size([node.name]), number, node.name))
        attention, convolution, other, stems = ([name for *_, name in sorted(blocks)] for blocks in roles.values())
        yield attention
        yield convolution
        # What is neither attention nor convolution is of interest only where there is nothing else.
        if not attention and not convolution:
            yield other
        yield [*stems, *self._stem()]

    def _add(self, statement: Statement) -> None:
        for name in statement.binds:
            self._binders.setdefault(name, []).append(len(self._statements))
        self._statements.append(statement)

    def _stem(self) -> list[str]:
        """The name of the first layers of the network itself, which are added as one more definition."""
        stem = stem_of(self._net, _HEAD) if self._net is not None else None
        if stem is None or stem.name in self._binders or not _has_ideas([Statement(stem)]):
            return []
        self._add(Statement(stem))
        return [stem.name]

    def covers(self, chosen: Iterable[str], name: str) -> bool:
        """True where the blocks that were chosen bring this one with them."""
        return set(self._binders[name]) <= self._closure(chosen)

    def size(self, names: Iterable[str]) -> int:
        """How many bytes the blocks have at least, with all that they need."""
        return sum(len(self._statements[n].text) for n in self._closure(names) if not self._statements[n].is_import)

    def join(self, names: Iterable[str]) -> str:
        """The blocks with all that they need; empty where that does not stand alone or breaks the contract."""
        within = [self._statements[number] for number in sorted(self._closure(names))]
        needed = set().union(*(statement.needs for statement in within))
        lines: dict[str, None] = {}
        for statement in within:
            if isinstance(statement.raw, (ast.Import, ast.ImportFrom)):
                lines[_cut_import(statement.raw, needed)] = None
        text = "\n".join([*lines, *(statement.text for statement in within if not statement.is_import)]) + "\n"
        code = Code.parse(text, self._contract)
        return text if isinstance(code, Code) and not code.unbound and _allowed(code) else ""

    def _closure(self, names: Iterable[str]) -> set[int]:
        """The numbers of the statements that these names need, through all that they need in turn."""
        found: set[int] = set()
        waiting = list(names)
        while waiting:
            for number in self._binders.get(waiting.pop(), ()):
                if number not in found:
                    found.add(number)
                    if not self._statements[number].is_import:
                        waiting += sorted(self._statements[number].needs)
        return found

    def _makes_layers(self, statement: Statement) -> bool:
        """True for a module, and for a function that makes layers."""
        node = statement.raw
        return self._is_module(node) if isinstance(node, ast.ClassDef) else _has_ideas([statement])

    def _is_module(self, node: ast.ClassDef, seen: tuple[str, ...] = ()) -> bool:
        """True for a class that is, or is made from, one of torch's modules."""
        bases = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases]
        ours = [self._classes[base] for base in bases if base in self._classes and base not in (*seen, node.name)]
        return any(map(_MODULES.search, bases)) or any(self._is_module(base, (*seen, node.name)) for base in ours)


def _role(name: str, parts: list[Statement]) -> str:
    if _STEM_NAMES.search(name):
        return "stem"
    words = set().union(*(part.words for part in parts))
    if words & _ATTENTION_CALLS or _ATTENTION_NAMES.search(name):
        return "attention"
    return "convolution" if any(map(_CONVOLUTION.fullmatch, words)) else "other"


def _has_ideas(parts: list[Statement]) -> bool:
    """True where there are two layers at least, and one of them has weights."""
    layers = [layer for part in parts for layer in part.layers]
    return len(layers) >= _LEAST_LAYERS and any(map(_WEIGHTED.search, layers))


def _has_head(parts: list[Statement]) -> bool:
    return any(_HEAD.search(word) for part in parts for word in part.words)


def _cut_import(node: ast.Import | ast.ImportFrom, needed: set[str]) -> str:
    """An import of nothing but what is needed."""
    names = [one for one in node.names if import_name(one) in needed]
    kept = ast.Import(names) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, names, node.level)
    return ast.unparse(ast.fix_missing_locations(kept))


def _allowed(code: Code) -> bool:
    """True where a network may hold this code: its imports, its names, its attributes."""
    contract = code.contract
    if {name.partition(".")[0] for name in code.imports.values()} - contract.imports:
        return False
    attributes = {one.attr for one in code.nodes if isinstance(one, ast.Attribute)}
    return not contract.forbidden_names & code.used_builtins.keys() and not contract.forbidden_attributes & attributes

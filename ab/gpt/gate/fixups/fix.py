"""All fix-ups one after the other, until nothing changes any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ab.gpt.gate.check.catalogue import Catalogue
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import CAPTIONING, Contract
from ab.gpt.gate.fixups.brackets import with_brackets, with_colons
from ab.gpt.gate.fixups.ending import (
    without_broken_try_out,
    without_cut_end,
    without_prose_lines,
    without_shared_indent,
)
from ab.gpt.gate.fixups.hyperparameters import real_keys, right_hyperparameters
from ab.gpt.gate.fixups.imports import missing_imports, one_import_of_nn
from ab.gpt.gate.fixups.methods import restored_methods
from ab.gpt.gate.fixups.names import named_after_contract, own_names, real_arguments, real_names
from ab.gpt.gate.fixups.sheet import Sheet, TreeFix
from ab.gpt.gate.fixups.signatures import class_of_module, right_signatures, with_super
from ab.gpt.gate.fixups.text import MENDS
from ab.gpt.gate.source import edited, parsed

_MOST_ROUNDS = 6
_LARGEST_MENDED = 1 << 18
"""Twenty times a large network; mending takes seconds for a megabyte."""


@dataclass(frozen=True)
class Fixed:
    """The code after all fix-ups, and the names of those that changed it."""

    code: str
    applied: tuple[str, ...] = ()


@dataclass
class Bench:
    """What the fix-ups go by: the contract, torch where it is known, and the code as it was laid out last."""

    contract: Contract
    torch: Catalogue | None
    _sheets: dict[str, Sheet | None] = field(default_factory=dict)

    def sheet(self, text: str) -> Sheet | None:
        """The code laid out; None where it is no Python."""
        if text not in self._sheets:
            code = Code.parse(text, self.contract)
            self._sheets = {text: Sheet(code, self.torch) if isinstance(code, Code) else None}
        return self._sheets[text]


Fix = Callable[[str, Bench], str]


def _on_text(mend: Callable[[str], str]) -> Fix:
    """A fix-up of text that is no Python yet."""
    return lambda text, bench: mend(text) if bench.sheet(text) is None and parsed(text) is None else text


def _on_tree(mend: TreeFix) -> Fix:
    """A fix-up of code that parses; what it would break it leaves alone."""

    def fix_tree(text: str, bench: Bench) -> str:
        sheet = bench.sheet(text)
        edits = mend(sheet) if sheet else []
        new = edited(text, edits) if edits else text
        return new if new != text and isinstance(Code.parse(new, bench.contract), Code) else text

    return fix_tree


def _brackets(text: str, bench: Bench) -> str:
    return text if parsed(text) is not None else with_brackets(text, bench.contract, bench.torch)


def _cut_end(text: str, bench: Bench) -> str:
    return text if parsed(text) is not None else without_cut_end(text, bench.contract)


def _try_out(text: str, bench: Bench) -> str:
    return text if parsed(text) is not None else without_broken_try_out(text, bench.contract)


FIXES: tuple[tuple[str, Fix], ...] = (
    *((name, _on_text(mend)) for name, mend in MENDS),
    ("shared indentation", _on_text(without_shared_indent)),
    ("prose", _on_text(without_prose_lines)),
    ("colons", _on_text(with_colons)),
    ("unfinished try-out", _try_out),
    ("brackets", _brackets),
    ("cut-off end", _cut_end),
    ("class name", _on_tree(named_after_contract)),
    ("module class", _on_tree(class_of_module)),
    ("one import of torch.nn", _on_tree(one_import_of_nn)),
    ("torch names", _on_tree(real_names)),
    ("torch arguments", _on_tree(real_arguments)),
    ("self", _on_tree(own_names)),
    ("signatures", _on_tree(right_signatures)),
    ("super().__init__()", _on_tree(with_super)),
    ("hyper-parameters", _on_tree(right_hyperparameters)),
    ("hyper-parameter keys", _on_tree(real_keys)),
    ("missing methods", _on_tree(restored_methods)),
    ("missing imports", _on_tree(missing_imports)),
)
"""Each from code to code, in the order in which they are tried: first what makes it parse, then what it means."""


def fix(code: str, torch: Catalogue | None = None, contract: Contract = CAPTIONING) -> Fixed:
    """The code after the fix-ups; as it was where nothing is wrong with it that is certain to be mended."""
    if len(code) > _LARGEST_MENDED or not code.strip():
        return Fixed(code)
    bench = Bench(contract, torch)
    applied: list[str] = []
    for _ in range(_MOST_ROUNDS):
        before = code
        for name, mend in FIXES:
            try:
                mended = mend(code, bench)
            except RecursionError:  # nested too deeply for anybody; the check says so
                continue
            if mended != code:
                code = mended
                applied.append(name)
        if code == before:
            break
    return Fixed(code, tuple(dict.fromkeys(applied)))

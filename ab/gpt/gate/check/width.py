"""How wide a captioner's decoder is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ab.gpt.gate.check.code import Code
from ab.gpt.gate.finding import Finding

_NAMES = ("hidden_size", "hidden_dim", "hidden", "d_model", "embed_dim", "dim", "width")


def check_width(code: Code) -> Iterator[Finding]:
    """A note where every width that the file names is below the contract's."""
    widths = [
        (value.value, value)
        for name, value in code.named_values
        if name in _NAMES and isinstance(value, ast.Constant) and type(value.value) is int and value.value > 1
    ]
    if widths and max(width for width, _ in widths) < code.contract.least_width:
        width, node = max(widths, key=lambda item: item[0])
        yield code.finding("T011", node, f"The widest decoder that the file names is {width} wide.")

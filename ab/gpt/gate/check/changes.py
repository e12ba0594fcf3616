"""What a network changes against its baseline, counted and named."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from ab.gpt.gate.check.code import Code
from ab.gpt.gate.finding import Finding

_LAYERS = ("torch.nn.", "torchvision.models.", "torchvision.ops.", "torch.optim.")
_CONTAINERS = {"Module", "Sequential", "ModuleList", "ModuleDict", "Parameter", "Identity"}


def check_changes(code: Code, baseline: Code) -> Iterator[Finding]:
    """How many changes of structure there are, each named: a note, or an error where they are too few."""
    changes = structural_changes(baseline, code)
    named = f": {'; '.join(changes)}" if changes else ""
    few = len(changes) < code.contract.least_changes
    yield code.finding(
        "D004" if few else "D005", 0, f"There are {len(changes)} structural changes against the baseline{named}."
    )


def structural_changes(before: Code, after: Code) -> list[str]:
    """Each change of structure in a few words: kinds of layers, their number and sizes, classes, training, decoding."""
    old, new = _layers(before), _layers(after)
    changes = []
    for kind in sorted(new.keys() | old.keys()):
        if kind not in old:
            changes.append(f"new: {kind}")
        elif kind not in new:
            changes.append(f"without {kind}")
        elif len(new[kind]) != len(old[kind]):
            changes.append(f"{kind} {len(old[kind])} → {len(new[kind])} times")
        elif Counter(new[kind]) != Counter(old[kind]):
            changes.append(f"{kind} with other sizes")
    old_numbers, new_numbers = _sizes(before), _sizes(after)
    for name in sorted(old_numbers.keys() & new_numbers.keys()):
        if old_numbers[name] != new_numbers[name]:
            changes.append(f"{name} {old_numbers[name]} → {new_numbers[name]}")
    known = {_shape(cls) for cls in before.classes.values()}
    for cls in after.classes.values():
        if cls.name != after.contract.class_name and _shape(cls) not in known and _makes_layers(after, cls):
            changes.append(f"another class {cls.name}")
    return changes


def _layers(code: Code) -> dict[str, list[str]]:
    """Each kind of layer with the arguments of every one."""
    found: dict[str, list[str]] = {}
    for node in code.nodes:
        if isinstance(node, ast.Call) and (meant := code.meant(node.func)).startswith(_LAYERS):
            kind = meant.rpartition(".")[2]
            if (kind[:1].isupper() and kind not in _CONTAINERS) or meant.startswith("torchvision.models."):
                arguments = [ast.unparse(argument) for argument in node.args]
                named = sorted(f"{keyword.arg}={ast.unparse(keyword.value)}" for keyword in node.keywords)
                found.setdefault(kind, []).append(", ".join([*arguments, *named]))
    return found


def _sizes(code: Code) -> dict[str, float]:
    """Numbers that are given to a name or as a default: `hidden_size = 640`."""
    found: dict[str, float] = {}
    for name, value in code.named_values:
        if isinstance(value, ast.Constant) and type(value.value) in (int, float):
            found.setdefault(name, float(value.value))  # type: ignore[arg-type]
    return found


def _shape(cls: ast.ClassDef) -> str:
    """A class without its name."""
    return "\n".join(ast.dump(node) for node in cls.body)


def _makes_layers(code: Code, cls: ast.ClassDef) -> bool:
    return any(isinstance(node, ast.Call) and code.meant(node.func).startswith(_LAYERS) for node in ast.walk(cls))

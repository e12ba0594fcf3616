"""Mandatory methods that were forgotten, written in LEMUR's standard form where that is certain to fit."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable

from ab.gpt.gate.contract import Function
from ab.gpt.gate.fixups.sheet import Sheet
from ab.gpt.gate.source import Edit

_SCALER = "self.{name} = torch.amp.GradScaler({device}.type)"


def restored_methods(sheet: Sheet) -> list[Edit]:
    """Writes `train_setup` and `learn` into a network that can be built and can write captions."""
    net, family = sheet.net, sheet.family
    if net is None or family is None or not family.known_module or not family.complete:
        return []
    if not {"__init__", "forward"} <= family.methods.keys() or len(family.methods["forward"].args.args) < 3:
        return []
    missing = [f for f in sheet.contract.functions if f.in_class and f.standard and f.name not in family.methods]
    written = [text for function in missing if (text := _written(sheet, function))]
    if not written or len(written) < len(missing):
        return []
    last = net.body[-1]
    place = sheet.source.after(last)
    before = "" if sheet.source.text[:place].endswith("\n") else "\n"
    block = "".join("\n" + textwrap.indent(text, sheet.indent) + "\n" for text in written)
    return [(place, place, before + block)]


def _written(sheet: Sheet, function: Function) -> str:
    """The method's text, or nothing where it is not certain what belongs into it."""
    parts = _Parts(sheet)
    values = {
        "criterion": parts.criterion_used(),
        "optimizer": f"self.{parts.optimizer}",
        "device": parts.device,
        "targets": parts.targets(),
    }
    body = function.standard
    if function.name == "train_setup":
        values["criterion"] = f"self.{parts.criterion}"
        if unknown := parts.unset - {parts.criterion, parts.optimizer, parts.scaler}:
            return "" if unknown else body
        body = parts.setup(body)
    elif not parts.has_optimizer and "train_setup" in (sheet.family.methods if sheet.family else ()):
        return ""  # what is there makes no optimizer that could be found
    lines = body.format(**values) if body else "pass"
    return f"{function.signature}:\n" + textwrap.indent(lines, "    ")


class _Parts:
    """What the network calls its loss, its optimizer and its device."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.values: dict[str, list[ast.expr]] = {}
        self.read: dict[str, ast.Attribute] = {}
        for node in ast.walk(sheet.net) if sheet.net else ():
            for target, value in _assigned(node):
                if isinstance(target, ast.Attribute) and _is_self(target.value):
                    self.values.setdefault(target.attr, []).append(value)
            if isinstance(node, ast.Attribute) and _is_self(node.value) and isinstance(node.ctx, ast.Load):
                self.read.setdefault(node.attr, node)
        self.set = {name for name, values in self.values.items() if not all(map(_is_none, values))}
        methods = set(sheet.family.methods) if sheet.family else set()
        of_module = sheet.torch.module if sheet.torch else _MODULE
        self.unset = set(self.read) - self.set - methods - of_module
        self.criterion = self._named(("crit", "loss"), "Loss", "criterion")
        self.optimizer = self._named(("optim",), "torch.optim.", "optimizer")
        self.scaler = next((name for name in self.unset if "scaler" in name), "")
        self.device = "self.device" if "device" in self.set else "next(self.parameters()).device"

    @property
    def has_optimizer(self) -> bool:
        return self.optimizer in self.set

    def _named(self, words: Iterable[str], kind: str, usual: str) -> str:
        """The attribute that is made as that kind, or that is read under such a name; else its usual name."""
        for name, values in self.values.items():
            if name in self.set and any(self._makes(value, kind) for value in values):
                return name
        likely = [name for name in sorted(self.unset) if any(word in name.lower() for word in words)]
        return usual if not likely or usual in likely else likely[0]

    def _makes(self, value: ast.expr, kind: str) -> bool:
        made = [self.sheet.code.meant(node.func) for node in ast.walk(value) if isinstance(node, ast.Call)]
        return any(kind in name for name in made)

    def criterion_used(self) -> str:
        """The loss as it is called."""
        values = self.values.get(self.criterion, [])
        if self.criterion not in self.set and self._has("train_setup"):
            return "nn.CrossEntropyLoss(ignore_index=0)"
        in_tuple = any(isinstance(value, (ast.Tuple, ast.List)) for value in values) or self.is_subscripted()
        return f"self.{self.criterion}[0]" if in_tuple else f"self.{self.criterion}"

    def is_subscripted(self) -> bool:
        """True where the loss is read as `self.criteria[0]`."""
        return any(
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == self.criterion
            for node in self.sheet.code.nodes
        )

    def _has(self, method: str) -> bool:
        return self.sheet.family is not None and method in self.sheet.family.methods

    def targets(self) -> str:
        """What the logits are scored against: what `forward` returns for it, or the words that come next."""
        forward = self.sheet.method("forward")
        for node in ast.walk(forward) if forward else ():
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
                second = node.value.elts[1]
                if isinstance(second, ast.Name) and second.id in ("target", "targets", "labels"):
                    return "outputs[1]"
        return "captions[:, 1:]"

    def setup(self, body: str) -> str:
        """The body of train_setup with what is not yet there."""
        lines = body.split("\n")
        if "device" not in self.set:
            lines = [line for line in lines if "{device}" not in line]
        if self.criterion in self.set:
            lines = [line for line in lines if not line.startswith("{criterion}")]
        elif self.is_subscripted():
            lines = [line.replace("= nn", "= (nn") + ",)" if line.startswith("{criterion}") else line for line in lines]
        if self.has_optimizer:
            lines = [line for line in lines if not line.startswith("{optimizer}")]
        if self.scaler:
            lines.append(_SCALER.format(name=self.scaler, device="{device}"))
        return "\n".join(lines)


_MODULE = frozenset({
    "training", "parameters", "named_parameters", "children", "named_children", "modules", "named_modules",
    "buffers", "named_buffers", "to", "cpu", "cuda", "half", "float", "double", "train", "eval", "zero_grad",
    "state_dict", "load_state_dict", "requires_grad_", "apply", "register_buffer", "register_parameter",
    "add_module", "forward", "type", "extra_repr", "share_memory", "__class__", "_modules", "_parameters",
    "_buffers",
})  # fmt: skip
"""What every module has, as far as it is known without asking torch."""


def _assigned(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """Targets with their values; of unpacked values each gets the whole."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign):
        return []
    found: list[tuple[ast.expr, ast.expr]] = []
    for target in node.targets:
        parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        found += [(part, node.value) for part in parts]
    return found


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"

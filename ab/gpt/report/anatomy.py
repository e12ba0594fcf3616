"""A network's parts for a drawing: what takes the image in, what it is remembered as, what writes the caption."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

_WRITERS = frozenset({
    "Embedding", "LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell", "TransformerDecoder",
    "TransformerDecoderLayer",
})  # fmt: skip
_WRITER_NAMES = ("dec", "embed", "word", "lstm", "gru", "rnn", "vocab", "token", "out", "fc", "logit", "classifier")
_SEER_NAMES = (
    "enc",
    "backbone",
    "cnn",
    "stem",
    "stage",
    "patch",
    "conv",
    "resnet",
    "visual",
    "image",
    "feature",
    "proj",
)
_NO_PART = frozenset({
    "CrossEntropyLoss", "NLLLoss", "MSELoss", "AdamW", "Adam", "SGD", "NAdam", "RAdam", "GradScaler", "StepLR",
    "LambdaLR", "CosineAnnealingLR", "OneCycleLR", "int", "float", "bool", "str", "len", "list", "dict", "set", "tuple",
    "max", "min", "device", "get", "getattr", "zeros", "ones", "arange", "tensor", "empty", "randn", "normal_", "to",
    "print", "round",
})  # fmt: skip
_SHORT = 34


@dataclass(frozen=True)
class Part:
    """One box of the drawing: what it is, its sizes, and what is in it."""

    label: str
    detail: str = ""
    inside: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Anatomy:
    """The two sides of a captioning network."""

    encoder: list[Part] = field(default_factory=list)
    decoder: list[Part] = field(default_factory=list)
    memory: str = ""

    def __bool__(self) -> bool:
        return bool(self.encoder or self.decoder)


def of_tree(tree: ast.Module) -> Anatomy:
    """The parts that the `Net` of a file assigns to itself, in their order; none where there is no `Net`."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    net = classes.get("Net")
    if net is None:
        return Anatomy()
    reader = _Reader(classes)
    anatomy = Anatomy()
    for attribute, part, writes in reader.parts(net, ()):
        (anatomy.decoder if _is_writer(attribute, part, writes, bool(anatomy.decoder)) else anatomy.encoder).append(
            part
        )
    return Anatomy(_opened(anatomy.encoder), _opened(anatomy.decoder))


def _opened(parts: list[Part]) -> list[Part]:
    """What is in the one box, where there is but one: `Encoder` alone says nothing."""
    while len(parts) == 1 and len(parts[0].inside) > 1:
        parts = list(parts[0].inside)
    return parts


class _Reader:
    """Reads what the classes of one file are made of."""

    def __init__(self, classes: dict[str, ast.ClassDef]) -> None:
        self.classes = classes
        self.backbones: dict[str, str] = {}
        """Networks of torchvision that are kept in a variable before parts of them are used."""

    def parts(self, owner: ast.ClassDef, above: tuple[str, ...]) -> list[tuple[str, Part, bool]]:
        """Attribute, part, and whether a writer is in it, for each module that the constructor assigns."""
        constructor = next((n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
        found = []
        for node in ast.walk(constructor) if constructor else ():
            if not isinstance(node, ast.Assign):
                continue
            target = node.targets[0]
            if isinstance(target, ast.Name):
                self.remember(target.id, node.value)
            call = node.value
            if isinstance(target, ast.Attribute) and isinstance(call, ast.Call) and (part := self.part(call, above)):
                found.append((node.lineno, target.attr, part, self.writes(call, above)))
        return [(attribute, part, writes) for _, attribute, part, writes in sorted(found, key=lambda one: one[0])]

    def remember(self, variable: str, value: ast.expr) -> None:
        """Keeps in mind that a variable holds a network of torchvision's, or a part of one."""
        if isinstance(value, ast.Call) and _is_backbone(value):
            self.backbones[variable] = _last_name(value.func)
        elif borrowed := self.borrowed(value):
            self.backbones[variable] = borrowed

    def borrowed(self, value: ast.expr) -> str:
        """The network of torchvision's that an expression takes parts of."""
        names = (node.id for node in ast.walk(value) if isinstance(node, ast.Name))
        return next((self.backbones[name] for name in names if name in self.backbones), "")

    def part(self, call: ast.Call, above: tuple[str, ...]) -> Part | None:
        name = _last_name(call.func)
        own = name in self.classes and isinstance(call.func, ast.Name)
        if not name or name in _NO_PART or (own and name in above):
            return None
        if name in ("Sequential", "ModuleList", "ModuleDict"):
            calls = [node for node in _inner_calls(call) if _last_name(node.func) not in _NO_PART]
            inside = [part for node in calls if (part := self.part(node, above))]
            if borrowed := self.borrowed(call):
                return Part(borrowed, "of torchvision", tuple(inside[:12]))
            return Part(f"{len(inside)} in a row" if len(inside) > 1 else name, _repeats(call), tuple(inside[:12]))
        if own and len(above) < 3:
            inner = tuple(part for _, part, _ in self.parts(self.classes[name], (*above, name)))
            return Part(name, _arguments(call), inner[:12])
        if name[:1].islower() and not _is_backbone(call):
            return None
        return Part(name, _arguments(call))

    def writes(self, call: ast.Call, above: tuple[str, ...]) -> bool:
        """True where the call makes something that writes words."""
        for node in ast.walk(call):
            if isinstance(node, ast.Call):
                name = _last_name(node.func)
                if name in _WRITERS:
                    return True
                if isinstance(node.func, ast.Name) and name in self.classes and name not in above:
                    inner = self.parts(self.classes[name], (*above, name))
                    if any(writes for _, _, writes in inner):
                        return True
        return False


def _is_writer(attribute: str, part: Part, writes: bool, after_writer: bool) -> bool:
    name = attribute.lower()
    if writes:
        return True
    if part.label == "Linear" and ("vocab" in part.detail or "out_shape" in part.detail):
        return True
    if any(name.startswith(word) or f"_{word}" in name for word in _SEER_NAMES):
        return False
    return any(word in name for word in _WRITER_NAMES) or after_writer


def _is_backbone(call: ast.Call) -> bool:
    """True for `models.resnet50(weights=...)`: lower case, and a network all the same."""
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, (ast.Name, ast.Attribute)):
        return False
    asks_for_weights = any(keyword.arg in ("weights", "pretrained") for keyword in call.keywords)
    return asks_for_weights or _last_name(call.func.value) in ("models", "torchvision")


def _inner_calls(call: ast.Call) -> list[ast.Call]:
    """The modules that a container is given, through lists and comprehensions."""
    waiting: list[ast.AST] = list(call.args)
    found = []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Call) and _last_name(node.func) not in ("list", "children", "OrderedDict", "range"):
            found.append(node)
        elif isinstance(node, (ast.List, ast.Tuple)):
            waiting = [*node.elts, *waiting]
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            waiting.insert(0, node.elt)
        elif isinstance(node, ast.Starred):
            waiting.insert(0, node.value)
    return found


def _repeats(call: ast.Call) -> str:
    """`× range(4)` where a container is made by a comprehension."""
    for node in ast.walk(call):
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return _cut(f"for each of {ast.unparse(node.generators[0].iter)}")
    return ""


def _arguments(call: ast.Call) -> str:
    said = [ast.unparse(argument).replace("self.", "") for argument in call.args]
    said += [
        f"{keyword.arg}={ast.unparse(keyword.value)}".replace("self.", "")
        for keyword in call.keywords
        if keyword.arg and keyword.arg not in ("bias", "batch_first", "device", "dtype", "inplace")
    ]
    return _cut(", ".join(said))


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def of_blueprint(blueprint: dict[str, Any]) -> Anatomy:
    encoder, memory, decoder = (blueprint.get(part) or {} for part in ("encoder", "memory", "decoder"))
    seen: list[Part] = []
    if stem := encoder.get("stem"):
        seen.append(Part(f"{stem.get('kind')} stem", f"{stem.get('width')} wide"))
    for stage in encoder.get("stages") or ():
        gate = "" if stage.get("gate") in (None, "none") else f", {stage['gate']}"
        sizes = f"{stage.get('width')} wide, stride {stage.get('stride')}{gate}"
        seen.append(Part(f"{stage.get('depth')} × {stage.get('block')}", sizes))
    if backbone := encoder.get("backbone"):
        seen.append(Part(str(backbone), f"{encoder.get('weights')} weights, {encoder.get('trained')}"))
    side = memory.get("side")
    remembered = "one vector" if memory.get("form") == "pooled" else f"{memory.get('form')} tokens, {side} × {side}"
    written = [Part("words", f"embedding, {decoder.get('width')} wide")]
    if decoder.get("family") == "Transformer":
        detail = f"{decoder.get('heads')} heads, {decoder.get('norm')}-norm, feed-forward × {decoder.get('expand')}"
    else:
        detail = f"attention: {decoder.get('attention')}, image: {decoder.get('feature')}"
    written.append(Part(f"{decoder.get('layers')} × {decoder.get('family')}", detail))
    written.append(Part("next word", "tied to the embedding" if decoder.get("tied") else "a layer of its own"))
    return Anatomy(seen, written, remembered)

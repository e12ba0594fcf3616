"""What a network is made of, read from its code or its blueprint: decoder, attention, gates, training tricks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_CALLED: tuple[tuple[str, str], ...] = (
    (r"TransformerDecoder(Layer)?", "decoder: Transformer"),
    (r"LSTM(Cell)?", "decoder: LSTM"),
    (r"GRU(Cell)?", "decoder: GRU"),
    (r"MultiheadAttention|TransformerDecoder(Layer)?", "multi-head attention"),
    (r"TransformerEncoder(Layer)?", "Transformer encoder"),
    (r"ConvNeXt\w*|convnext\w*", "ConvNeXt blocks"),
    (r"resnet\d+|resnext\w*|wide_resnet\w*", "ResNet of torchvision"),
    (r"(efficientnet|mobilenet|shufflenet|regnet|squeezenet|densenet|vgg|vit_|swin)\w*",
     "another backbone of torchvision"),
    (r"LayerNorm", "layer norm"),
    (r"BatchNorm2d", "batch norm"),
    (r"GroupNorm", "group norm"),
    (r"GELU|gelu", "GELU"),
    (r"SiLU|silu|Hardswish", "SiLU"),
    (r"AdamW", "AdamW"),
    (r"(CosineAnnealing\w*|OneCycleLR|LambdaLR|StepLR|MultiStepLR|ExponentialLR|ReduceLROnPlateau|LinearLR|SequentialLR)",
     "rate schedule"),
    (r"clip_grad_norm_|clip_grad_value_", "gradient clipping"),
    (r"autocast|GradScaler", "half precision"),
    (r"topk", "beam search"),
)  # fmt: skip
_DEFINED: tuple[tuple[str, str], ...] = (
    (r"^SE([A-Z_]|$)|(?i:squeeze.?(and.?)?excit)", "squeeze and excitation"),
    (r"(?i)cbam|channelattention|spatialattention", "CBAM"),
    (r"^ECA", "ECA"),
    (r"(?i)(additive|bahdanau|soft).*att|^attention$", "additive attention"),
    (r"(?i)position", "positional encoding"),
    (r"(?i)fire", "fire blocks"),
    (r"(?i)inception", "inception blocks"),
    (r"(?i)dense(block|layer)", "dense blocks"),
    (r"(?i)inverted|mbconv", "inverted bottlenecks"),
    (r"(?i)^bottleneck", "bottlenecks"),
    (r"(?i)convnext", "ConvNeXt blocks"),
    (r"(?i)(residual|basic)block", "residual blocks"),
    (r"(?i)patch_?embed", "image patches"),
)
_BLOCKS = {
    "plain": "residual blocks", "bottleneck": "bottlenecks", "inverted": "inverted bottlenecks",
    "convnext": "ConvNeXt blocks", "dense": "dense blocks", "inception": "inception blocks", "fire": "fire blocks",
    "vit": "Transformer encoder", "swin": "windowed attention",
}  # fmt: skip
_GATES = {"se": "squeeze and excitation", "cbam": "CBAM", "eca": "ECA"}


def of_tree(tree: ast.Module) -> frozenset[str]:
    """The ingredients that a Net file's syntax tree shows."""
    return frozenset(_of_tree(tree))


@lru_cache(maxsize=4096)
def _called(name: str) -> tuple[str, ...]:
    """What a call of this name says of a network."""
    by_call = [word for pattern, word in _CALLED if re.fullmatch(pattern, name)]
    return (*by_call, *_defined(name))


@lru_cache(maxsize=4096)
def _defined(name: str) -> tuple[str, ...]:
    """What a class of this name says of a network."""
    return tuple(word for pattern, word in _DEFINED if re.search(pattern, name))


@lru_cache(maxsize=4096)
def _is_position(name: str) -> bool:
    return re.search(r"pos(ition)?(al)?_?(emb|enc)", name) is not None


def _of_tree(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = _last_name(node.func)
            yield from _called(called)
            yield from _of_arguments(called, node.keywords)
        elif isinstance(node, ast.ClassDef):
            yield from _defined(node.name)
        elif isinstance(node, ast.Attribute) and _is_position(node.attr):
            yield "positional encoding"
        elif isinstance(node, ast.Assign) and _is_tied(node):
            yield "tied weights"


def _of_arguments(called: str, keywords: list[ast.keyword]) -> Iterator[str]:
    for keyword in keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else ...
        if keyword.arg == "label_smoothing" and value not in (0, 0.0, None):
            yield "label smoothing"
        if keyword.arg in ("weights", "pretrained") and value not in (None, False):
            yield "pretrained weights"
        if keyword.arg == "num_layers" and called in ("LSTM", "GRU") and isinstance(value, int) and value > 1:
            yield "more than one recurrent layer"


def _is_tied(node: ast.Assign) -> bool:
    """True for `self.out.weight = self.embed.weight`."""
    sides = (node.targets[0], node.value)
    return all(isinstance(side, ast.Attribute) and side.attr == "weight" for side in sides)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def of_blueprint(blueprint: dict[str, Any]) -> frozenset[str]:
    """The same ingredients, of a blueprint."""
    return frozenset(_of_blueprint(blueprint))


def _of_blueprint(blueprint: dict[str, Any]) -> Iterator[str]:
    encoder, memory, decoder = (blueprint.get(part) or {} for part in ("encoder", "memory", "decoder"))
    training, decoding = blueprint.get("training") or {}, blueprint.get("decoding") or {}
    for stage in encoder.get("stages") or ():
        yield from (word for word in (_BLOCKS.get(stage.get("block")), _GATES.get(stage.get("gate"))) if word)
    if backbone := encoder.get("backbone"):
        yield "ResNet of torchvision" if str(backbone).startswith("resnet") else "another backbone of torchvision"
        if encoder.get("weights") == "imagenet":
            yield "pretrained weights"
    yield f"memory: {memory.get('form', 'pooled')}"
    yield f"decoder: {decoder.get('family')}"
    attention = str(decoder.get("attention", ""))
    if decoder.get("family") == "Transformer" or attention.startswith("multihead"):
        yield "multi-head attention"
    elif attention in ("additive", "dot"):
        yield f"{attention} attention"
    if decoder.get("tied"):
        yield "tied weights"
    if decoder.get("family") != "Transformer" and decoder.get("layers", 1) > 1:
        yield "more than one recurrent layer"
    if training.get("smoothing"):
        yield "label smoothing"
    if training.get("schedule") not in (None, "constant"):
        yield "rate schedule"
    if training.get("optimizer") == "adamw":
        yield "AdamW"
    if training.get("amp"):
        yield "half precision"
    if decoding.get("beams", 1) > 1:
        yield "beam search"

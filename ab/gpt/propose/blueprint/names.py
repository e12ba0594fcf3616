"""What a blueprint's network is called, and what it is made of, in words."""

from __future__ import annotations

from ab.gpt.propose.blueprint.blueprint import (
    Backbone,
    Beam,
    Blueprint,
    Recurrent,
    Stages,
    Tokens,
)

FAMILIES = ("BlueprintLSTM", "BlueprintGRU", "BlueprintTransformer")

BLOCKS = {
    "plain": "plain residual",
    "bottleneck": "bottleneck",
    "inverted": "inverted bottleneck",
    "convnext": "ConvNeXt",
    "dense": "dense",
    "inception": "inception",
    "fire": "fire",
    "vit": "ViT attention",
    "swin": "Swin attention",
}
GATES = {"se": "squeeze and excitation", "cbam": "CBAM", "eca": "ECA"}
SCHEDULES = {"constant": "a constant rate", "cosine": "a cosine", "sqrt": "an inverse root", "stairs": "stairs"}


def family(blueprint: Blueprint) -> str:
    """The second part of the family's prefix: `BlueprintLSTM`."""
    return f"Blueprint{blueprint.decoder.family}"


def describe(blueprint: Blueprint) -> list[str]:
    """The ingredients, a line each, for reports and for the head of the rendered file."""
    training, decoding = blueprint.training, blueprint.decoding
    beam = f"beam search, {decoding.beams} wide, penalty {decoding.penalty}" if isinstance(decoding, Beam) else "greedy"
    captions = "1 caption" if training.captions == 1 else f"{training.captions} captions"
    return [
        *_encoder(blueprint.encoder),
        _memory(blueprint),
        *_decoder(blueprint),
        f"dropout: {blueprint.dropout}",
        f"training: {training.optimizer}, {SCHEDULES[training.schedule]}, warm-up {training.warmup} epochs",
        f"loss: smoothing {training.smoothing}, clipped at {training.clip}, {captions} an image and step",
        *(["half precision where the device is made for it"] if training.amp else []),
        f"decoding: {beam}, at most {decoding.length} tokens",
    ]


def _encoder(encoder: Stages | Backbone) -> list[str]:
    if isinstance(encoder, Backbone):
        weights = "ImageNet's weights" if encoder.weights == "imagenet" else "random weights"
        return [
            f"encoder: {encoder.backbone}, {weights}, {encoder.trained}" + " trained" * (encoder.trained != "frozen")
        ]
    lines = [f"stem: {encoder.stem.kind}, {encoder.stem.width} wide"]
    for number, stage in enumerate(encoder.stages, 1):
        gate = f", {GATES[stage.gate]}" if stage.gate in GATES else ""
        blocks = f"{stage.depth} {BLOCKS[stage.block]} block{'s' * (stage.depth > 1)}"
        lines.append(f"stage {number}: {blocks}, {stage.width} wide, stride {stage.stride}{gate}")
    return lines


def _memory(blueprint: Blueprint) -> str:
    memory = blueprint.memory
    if not isinstance(memory, Tokens):
        return "memory: the image as one vector"
    what = "places" if memory.form == "grid" else "patches"
    positions = "no" if memory.positions == "none" else memory.positions
    return f"memory: at most {memory.side} x {memory.side} {what}, {positions} positions"


def _decoder(blueprint: Blueprint) -> list[str]:
    decoder = blueprint.decoder
    tied = ", tied weights" if decoder.tied else ""
    layers = f"{decoder.layers} layer{'s' * (decoder.layers > 1)}"
    head = f"decoder: {decoder.family}, {layers}, {decoder.width} wide{tied}"
    if isinstance(decoder, Recurrent):
        feature = {"init": "starts it", "feed": "is fed", "both": "starts it and is fed"}[decoder.feature]
        return [head, f"attention: {decoder.attention}; the image's mean {feature}"]
    return [
        head,
        f"attention: {decoder.heads} heads; {decoder.norm}-norm, feed-forward x {decoder.expand},"
        f" {decoder.positions} positions",
    ]

"""An encoder of its own as code: a stem and stages, [B, C, H, W] to a feature map."""

from __future__ import annotations

from ab.gpt.propose.blueprint.blueprint import Stages, Stem
from ab.gpt.propose.blueprint.render.blocks import BLOCKS, CONVOLUTION, STAGE
from ab.gpt.propose.blueprint.render.gates import GATES
from ab.gpt.propose.blueprint.render.text import Part, indented

STANDARD = "self.standard = nn.BatchNorm2d(channels, eps=1e-8, momentum=None, affine=False)"


def own_encoder(encoder: Stages) -> Part:
    """The classes of the encoder and of its blocks, and how it is built."""
    needed: list[str] = [CONVOLUTION] if encoder.stem.kind == "deep" else []
    layers: list[str] = []
    width: int = encoder.stem.width
    for stage in encoder.stages:
        name, code = BLOCKS[stage.block]
        needed += code
        layers.append(f"stage({name}, {width}, {stage.width}, {stage.depth}, {stage.stride}),")
        if stage.gate in GATES:
            name, source = GATES[stage.gate]
            needed.append(source)
            layers.append(f"{name}({stage.width}),")
        width = stage.width
    return Part(
        code=(*dict.fromkeys((*needed, STAGE)), _encoder(_stem(encoder.stem), layers)),
        build="Encoder(int(in_shape[1]))",
        width=width,
    )


def _stem(stem: Stem) -> list[str]:
    width = stem.width
    norm = [f"nn.BatchNorm2d({width}),", "nn.ReLU(inplace=True),"]
    if stem.kind == "conv":
        return [f"nn.Conv2d(channels, {width}, 5, 2, 2, bias=False),", *norm]
    if stem.kind == "pool":
        return [f"nn.Conv2d(channels, {width}, 7, 2, 3, bias=False),", *norm, "nn.MaxPool2d(3, 2, 1),"]
    if stem.kind == "patch":
        return [f"nn.Conv2d(channels, {width}, 4, 4, bias=False),", *norm]
    return [
        f"convolution(channels, {width // 2}, 3, 2),",
        f"convolution({width // 2}, {width // 2}, 3),",
        f"convolution({width // 2}, {width}, 3),",
    ]


def _encoder(stem: list[str], layers: list[str]) -> str:
    return f'''
class Encoder(nn.Module):
    """Images [B, channels, H, W] as a feature map, trained from the first step on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Transforms differ in how they scale pixels: here every channel gets mean 0
        # and variance 1 over the training images, whatever they were.
        {STANDARD}
        self.stem = nn.Sequential(
{indented(stem, 3)}
        )
        self.stages = nn.Sequential(
{indented(layers, 3)}
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.stages(self.stem(self.standard(images)))
'''

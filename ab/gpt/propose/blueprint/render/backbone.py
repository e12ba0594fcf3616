"""An encoder of torchvision's as code: the layers of a classifier before its head."""

from __future__ import annotations

from typing import NamedTuple

from ab.gpt.propose.blueprint.blueprint import Backbone
from ab.gpt.propose.blueprint.render.text import Part, lines


class Layers(NamedTuple):
    """Where a classifier keeps its layers, how wide their result is, and how many parts a partial training takes."""

    layers: str
    width: int
    tail: int


_CHILDREN = "nn.Sequential(*list({0}.children())[:{1}])"
BACKBONES = {
    "resnet18": Layers(_CHILDREN.format("classifier", -2), 512, 1),
    "resnet34": Layers(_CHILDREN.format("classifier", -2), 512, 1),
    "resnet50": Layers(_CHILDREN.format("classifier", -2), 2048, 1),
    "mobilenet_v2": Layers("classifier.features", 1280, 5),
    "mobilenet_v3_small": Layers("classifier.features", 576, 4),
    "mobilenet_v3_large": Layers("classifier.features", 960, 4),
    "efficientnet_b0": Layers("classifier.features", 1280, 3),
    "shufflenet_v2_x1_0": Layers(_CHILDREN.format("classifier", -1), 1024, 2),
    "regnet_y_400mf": Layers("nn.Sequential(classifier.stem, *classifier.trunk_output)", 440, 1),
    "squeezenet1_1": Layers("classifier.features", 512, 4),
    "densenet121": Layers("classifier.features", 1024, 2),
    "convnext_tiny": Layers("classifier.features", 768, 2),
}

IMAGENET = '''
def as_imagenet(images: Tensor) -> Tensor:
    """Images as ImageNet's weights expect them, small ones enlarged to 64 pixels.

    Some of LEMUR's transforms give pixels in [0, 1], others scale them by the means and
    deviations of bytes, which leaves all of them below -1.
    """
    mean = images.new_tensor([104.01362025, 114.03422265, 119.9165958])[:, None, None]
    deviation = images.new_tensor([73.6027665, 69.89082075, 70.9150767])[:, None, None]
    scaled = images.amin((1, 2, 3), keepdim=True) < -1
    pixels = torch.where(scaled, images * deviation + mean, images).clamp(0, 1)
    if min(pixels.shape[2:]) < 64:
        pixels = F.interpolate(pixels, (64, 64), mode="bilinear")
    mean = images.new_tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = images.new_tensor([0.229, 0.224, 0.225])[:, None, None]
    return (pixels - mean) / deviation
'''


def backbone(encoder: Backbone) -> Part:
    """The class around the classifier's layers, and how it is built."""
    layers, width, tail = BACKBONES[encoder.backbone]
    weights = '"DEFAULT"' if encoder.weights == "imagenet" else "None"
    make = f"classifier = torchvision.models.{encoder.backbone}(weights={weights})"
    code = {"frozen": _frozen, "partly": _partly, "wholly": _wholly}[encoder.trained](make, layers, tail)
    return Part((IMAGENET, code), "Encoder()", width)


_HEAD = '''
class Encoder(nn.Module):
    """{what}"""

    def __init__(self) -> None:
        super().__init__()
        {make}
        self.layers = {layers}
'''


def _wholly(make: str, layers: str, _tail: int) -> str:
    what = "A classifier's layers before its head, all of which go on learning."
    forward = """
    def forward(self, images: Tensor) -> Tensor:
        return self.layers(as_imagenet(images))
"""
    return lines(_HEAD.format(what=what, make=make, layers=layers), "", forward)


def _frozen(make: str, layers: str, _tail: int) -> str:
    what = "A classifier's layers before its head, which stay as they are."
    head = _HEAD.format(what=what, make=make, layers=layers)
    rest = """
        self.layers.requires_grad_(False)

    def train(self, mode: bool = True) -> nn.Module:
        return super().train(False)  # its normalisation stays as it is as well

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return self.layers(as_imagenet(images))
"""
    return lines(head, rest)


def _partly(make: str, layers: str, tail: int) -> str:
    what = "A classifier's layers before its head, of which only the last learn."
    head = _HEAD.format(what=what, make=make, layers="layers[:-TAIL]").replace(
        "        self.layers =", f"        layers = {layers}\n        self.frozen ="
    )
    head = head.replace("TAIL", str(tail))
    rest = f"""
        self.layers = layers[-{tail}:]
        self.frozen.requires_grad_(False)

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self.frozen.eval()  # its normalisation stays as it is as well
        return self

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            features = self.frozen(as_imagenet(images))
        return self.layers(features)
"""
    return lines(head, rest)

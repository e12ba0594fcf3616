"""What the tests of this room know of LEMUR."""

from __future__ import annotations

from ab.gpt.gate.contract import CAPTIONING as CONTRACT

CLASSIFIERS = (
    "AirNet", "AirNext", "AlexNet", "BagNet", "ConvNeXt", "ComplexNet", "DPN107", "DPN131", "DPN68",
    "DarkNet", "DenseNet", "EfficientNet", "GoogLeNet", "ICNet", "InceptionV3-1", "MNASNet", "MaxVit", "MobileNetV2",
    "MobileNetV3", "RegNet", "ResNet", "ShuffleNet", "SqueezeNet-1", "VGG", "VisionTransformer",
)  # fmt: skip
"""LEMUR's classifiers that people wrote and that have blocks of a size for a prompt."""
BASELINES = ("RESNETLSTM", "ResNetTransformer")

__all__ = ["BASELINES", "CLASSIFIERS", "CONTRACT"]

"""What makes training faster inside the child: what never changes results beyond noise, and what is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

_CAN_BE_FUSED = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)


def tune_device(speed: Sequence[str]) -> None:
    """On a GPU: matrix products in TF32, and cuDNN measures its algorithms, since all batches but one are alike."""
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    if "compile" in speed:
        from torch import _dynamo

        _dynamo.config.suppress_errors = True  # what cannot be compiled runs as it was written


def tune_model(trainer: Any, speed: Sequence[str]) -> None:
    """Takes the network of a trainer to the formats that were asked for."""
    model = trainer.model
    if "channels-last" in speed:
        model.to(memory_format=torch.channels_last)
        trainer.train_loader = _Formatted(trainer.train_loader)
        trainer.test_loader = _Formatted(trainer.test_loader)
    if "compile" in speed:
        model.compile(dynamic=True)
    if "bf16" in speed:
        kind = trainer.device.type if hasattr(trainer.device, "type") else str(trainer.device)
        for name in ("learn", "forward"):
            setattr(model, name, _in_bfloat16(getattr(model, name), kind))


def tune_optimizer(model: Any, speed: Sequence[str]) -> None:
    """One kernel for the step of the network's optimizer where it has one of torch's: on GPUs, and where asked for."""
    optimizer: Any = getattr(model, "optimizer", None)
    if type(optimizer) not in _CAN_BE_FUSED or optimizer.state:
        return
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    alike = all(parameter.is_floating_point() and not parameter.is_sparse for parameter in parameters)
    on_gpu = all(parameter.is_cuda for parameter in parameters)
    if not alike or not (on_gpu or "fused" in speed) or _asks_for_more(optimizer):
        return
    for group in optimizer.param_groups:
        group["fused"], group["foreach"] = True, False


def _asks_for_more(optimizer: Any) -> bool:
    """True where the network has chosen a way of stepping itself."""
    groups = optimizer.param_groups
    return any(group.get(name) for group in groups for name in ("differentiable", "foreach", "fused", "capturable"))


class _Formatted:
    """A loader whose images lie with their channels last."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __iter__(self) -> Any:
        for images, captions in self.loader:
            yield images.contiguous(memory_format=torch.channels_last), captions


def _in_bfloat16(method: Any, kind: str) -> Any:
    """The method in bfloat16. Weights are converted anew at each use: what autocast keeps of them it keeps until the
    context ends, and this one lasts for an epoch, over many steps of the optimizer."""

    def call(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast(kind, dtype=torch.bfloat16, cache_enabled=False):
            return method(*args, **kwargs)

    return call

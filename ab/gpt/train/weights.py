"""Where a network's pretrained weights come from inside a child, which has no network: torch's cache, or nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


class WeightsMissing(Exception):
    """A Net file asks for pretrained weights that are not in torch's cache, and there is no network."""


def weights_policy(pretrained: bool) -> None:
    """Pretrained weights come from torch's cache, or not at all where training from scratch was asked for."""
    from torchvision.models import _api

    if not pretrained:
        _api.WeightsEnum.verify = classmethod(lambda _cls, _weights: None)
        return

    real = torch.hub.load_state_dict_from_url

    def from_cache(url: str, model_dir: str | None = None, *args: Any, **kwargs: Any) -> Any:
        name = kwargs.get("file_name") or url.rpartition("/")[2]
        folder = Path(model_dir or Path(torch.hub.get_dir()) / "checkpoints")
        if not (folder / name).exists():
            raise WeightsMissing(
                f"the network asks for {name}, which is not in {folder}: fetch {url} and put it there,"
                " or train from scratch with --no-pretrained"
            )
        return real(url, model_dir, *args, **kwargs)

    torch.hub.load_state_dict_from_url = from_cache
    _api.load_state_dict_from_url = from_cache

"""The job that decodes pictures: trusted code on pictures of whoever made the data set, behind the same walls."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol


class Channel(Protocol):
    """Where the child says how far it is."""

    def send(self, event: dict[str, Any]) -> None:
        """Passes one event to the parent."""


def work(order: dict[str, Any], channel: Channel) -> bool:
    """True when all pictures are kept; false where they cannot be, or would take more room than there may be."""
    os.chdir(order["folder"])
    from ab.gpt.train.data.head import split_transform
    from ab.gpt.train.data.pictures import as_array, build
    from ab.gpt.train.data.transforms import lemur_transform, validation_transform

    transform = lemur_transform(order["transform"])
    for name, files in order["files"].items():
        parts = split_transform(transform if name == "train" else validation_transform(transform))
        if parts is None:
            return False
        if as_array(Path(files[0]), parts).size * len(files) > order["most_bytes"]:
            return False

        def tell(done: int, of: int, name: str = name) -> None:
            channel.send({"split": name, "done": done, "of": of})

        build([Path(file) for file in files], parts, Path(order["out"][name]), tell)
    return True

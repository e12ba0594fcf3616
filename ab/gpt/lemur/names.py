"""LEMUR's names: of models, of configurations, and the hash they are made from."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.home import Home

SPLITTER = "_"
"""LEMUR joins the four parts of a configuration with it and splits on it, so no part may hold one."""

_SHORTENED = re.compile(r"-[0-9a-f]{6,31}\Z")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")
_LONGEST = 200


class BadName(NNCaptionError):
    """A name that LEMUR could not use as a file, a module or a part of a configuration."""


class Config(NamedTuple):
    """What was trained on what: the four parts of LEMUR's configuration name."""

    task: str
    dataset: str
    metric: str
    nn: str

    def __str__(self) -> str:
        return SPLITTER.join(self)

    @classmethod
    def checked(cls, task: str, dataset: str, metric: str, nn: str) -> Config:
        """A configuration whose parts are safe to make a path, a module and an SQL value from."""
        for kind, part in (("task", task), ("dataset", dataset), ("metric", metric), ("model", nn)):
            check_name(part, kind)
        return cls(task, dataset, metric, nn)


def check_name(name: str, kind: str = "model") -> str:
    """The name itself, if it can be a file, a module and a part of a configuration; otherwise `BadName`."""
    if not _PART.match(name) or len(name) > _LONGEST:
        raise BadName(
            f"{name!r} cannot be the name of a {kind}.",
            f"Use up to {_LONGEST} letters, digits and '-', beginning with a letter or digit: no path, '_' or '.'.",
        )
    return name


def full_name(home: Home, name: str) -> str:
    """A model's whole name for the beginning that tables show, where it is that of one model; else the name itself."""
    place = home.code_dir("nn")
    if (place / f"{name}.py").is_file() or not _SHORTENED.search(name):
        return name
    found = [file.stem for file in place.glob(f"{name}*.py")]
    return found[0] if len(found) == 1 else name


def lemur_hash(thing: object) -> str:
    """The md5 that LEMUR calls uuid4: of the text of a thing without its white space."""
    return hashlib.md5("".join(str(thing).split()).encode()).hexdigest()


def model_name(prefix: str, code: str) -> str:
    """The name that LEMUR gives to a network of a family: the family's prefix and the hash of the code."""
    return check_name(f"{prefix}-{lemur_hash(code)}")

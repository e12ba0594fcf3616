"""What torch really has: names, and how its classes and functions are called. Asked of torch itself, once a version."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.files import write_whole

MODULES = (
    "torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.nn.utils.rnn", "torch.optim",
    "torch.optim.lr_scheduler", "torchvision", "torchvision.models", "torchvision.ops",
)  # fmt: skip
_EDITION = 2
"""Changes when what is asked does, so that what was kept is asked anew."""
_ASK = """
import importlib, inspect, json, sys
found = {"names": {}, "calls": {}, "module": sorted(dir(importlib.import_module("torch.nn").Module()))}
for module in sys.argv[1:]:
    try:
        names = dir(importlib.import_module(module))
    except ImportError:
        continue
    found["names"][module] = names
    if module.startswith(("torch.nn", "torch.optim")):
        for name in names:
            value = getattr(sys.modules[module], name, None)
            if not callable(value) or name.startswith("_"):
                continue
            try:
                parameters = list(inspect.signature(value).parameters.values())
                if name in ("LSTM", "GRU", "RNN"):  # they take anything and pass it on
                    parameters = list(inspect.signature(sys.modules[module].RNNBase).parameters.values())[1:]
                    nonlinearity = inspect.Parameter("nonlinearity", inspect.Parameter.KEYWORD_ONLY, default="tanh")
                    parameters += [nonlinearity] if name == "RNN" else []
            except (AttributeError, TypeError, ValueError):
                continue
            found["calls"][module + "." + name] = [
                [p.name, p.kind.name, p.default is not p.empty] for p in parameters
            ]
print(json.dumps(found))
"""


class NoTorch(NNCaptionError):
    """Torch cannot be asked for what it has."""


@dataclass(frozen=True)
class Call:
    """How something may be called."""

    positional: tuple[str, ...]
    required: frozenset[str]
    keywords: frozenset[str]
    any_positional: bool
    any_keyword: bool


@dataclass(frozen=True)
class Catalogue:
    """Torch's modules with their names, and the calls that are known."""

    names: dict[str, frozenset[str]]
    calls: dict[str, Call]
    module: frozenset[str]
    """What every nn.Module has."""


def load_catalogue(folder: Path) -> Catalogue:
    """The catalogue of the torch that is installed, kept in the folder."""
    file = folder / f"torch-{_version('torch')}-{_version('torchvision')}-{_EDITION}.json"
    try:
        return _read(json.loads(file.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there yet, or not whole: it is made anew
    command = [sys.executable, "-c", _ASK, *MODULES]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise NoTorch(
            f"Torch cannot be imported: {done.stderr.strip().splitlines()[-1:] or done.returncode}.",
            "See `nncaption doctor`.",
        )
    with contextlib.suppress(OSError):  # where nothing can be kept it is asked each time
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(file, done.stdout)
    return _read(json.loads(done.stdout))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _read(found: dict[str, Any]) -> Catalogue:
    return Catalogue(
        {module: frozenset(names) for module, names in found["names"].items()},
        {name: call_of(parameters) for name, parameters in found["calls"].items()},
        frozenset(found["module"]),
    )


def call_of(parameters: list[tuple[str, str, bool]]) -> Call:
    """A call from parameters given as name, kind (as `inspect` calls it) and whether there is a default."""
    plain = [name for name, kind, _ in parameters if kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    named = [name for name, kind, _ in parameters if kind in ("KEYWORD_ONLY", "POSITIONAL_OR_KEYWORD")]
    kinds = {kind for _, kind, _ in parameters}
    required = [name for name, kind, default in parameters if not default and not kind.startswith("VAR_")]
    return Call(tuple(plain), frozenset(required), frozenset(named), "VAR_POSITIONAL" in kinds, "VAR_KEYWORD" in kinds)

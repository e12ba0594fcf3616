"""Which model is meant by `--llm`, and several of them in one run."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from urllib.parse import urldefrag

from ab.gpt.errors import UsageError
from ab.gpt.propose.blueprint.propose import Evolving, Uniform
from ab.gpt.propose.blueprint.shape import EVERYTHING, Space
from ab.gpt.propose.llm.embedded import open_embedded
from ab.gpt.propose.llm.llama_cpp import LlamaCpp
from ab.gpt.propose.llm.patience import Patience
from ab.gpt.propose.llm.protocol import LLM
from ab.gpt.propose.llm.replay import Replay
from ab.gpt.propose.llm.server import Price, Server
from ab.gpt.propose.llm.transformers_llm import TransformersLLM

DEFAULT_LLM = "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"
SPECS = (
    "'embedded', 'uniform' or 'evolution' (blueprints without a model), 'replay:FILE', the address of a server"
    " (http://localhost:8000/v1#MODEL), a GGUF file, a folder with safetensors, or a hub id such as " + DEFAULT_LLM
)
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+\Z")
_WEIGHTED = re.compile(r"(.+)=([0-9]*\.?[0-9]+)\Z")


@dataclass(frozen=True)
class Options:
    """What can be said about any model beside its name; each backend takes what concerns it."""

    context: int | None = None
    price: Price | None = None
    patience: Patience | None = None
    four_bit: bool | None = None
    batch: int = 8
    """Replies at a time: the rows of a batch, or the requests that a server gets together."""
    threads: int = 0
    space: Space = EVERYTHING
    """Of the blueprints, for what draws them without a model."""


def open_llm(spec: str, options: Options | None = None) -> LLM:
    """The model that a value of `--llm` names. Weights are loaded when it is first asked."""
    given = options or Options()
    if spec == "uniform":
        return Uniform(given.space)
    if spec == "evolution":
        return Evolving(list, given.space)
    if spec == "embedded":
        return open_embedded(context=given.context, threads=given.threads)
    if spec.startswith("replay:"):
        return Replay(Path(spec.removeprefix("replay:")).expanduser(), context=given.context or 32768)
    if spec.startswith(("http://", "https://")):
        url, model = urldefrag(spec)
        return Server(
            url, model, context=given.context, price=given.price, patience=given.patience, parallel=given.batch
        )
    path = Path(spec).expanduser()
    if path.suffix == ".gguf":
        return _open_gguf(path, given)
    if not spec.strip() or (not path.is_dir() and not _HUB_ID.match(spec)):
        raise UsageError(f"--llm: {spec!r} names no model.", f"It takes {SPECS}.")
    return TransformersLLM(spec, context=given.context, four_bit=given.four_bit, batch=given.batch)


class Mixture:
    """Several models, each with its weight."""

    def __init__(self, weighted: Sequence[tuple[LLM, float]]) -> None:
        if not weighted or any(weight < 0 for _, weight in weighted) or not sum(weight for _, weight in weighted) > 0:
            raise UsageError("--llm: the weights of the models must not be negative, nor all 0.", "One is a=2,b=1.")
        self._weighted = list(weighted)

    @property
    def llms(self) -> list[LLM]:
        return [llm for llm, _ in self._weighted]

    def pick(self, chance: random.Random) -> LLM:
        """One of the models, as often as its weight says."""
        return chance.choices(self.llms, [weight for _, weight in self._weighted])[0]

    def close(self) -> None:
        for llm in self.llms:
            llm.close()


def open_mixture(specs: Sequence[str], options: Options | None = None) -> Mixture:
    """The models that values of `--llm` name, each with a weight behind `=` or with weight 1: `embedded=2`."""
    weighted = [_weighted(spec.strip()) for spec in specs if spec.strip()] or [(DEFAULT_LLM, 1.0)]
    return Mixture([(open_llm(spec, options), weight) for spec, weight in weighted])


def _weighted(spec: str) -> tuple[str, float]:
    found = _WEIGHTED.match(spec)
    return (found[1], float(found[2])) if found else (spec, 1.0)


def _open_gguf(path: Path, given: Options) -> LLM:
    """llama.cpp's build for CPUs beats Transformers there, and not on a GPU."""
    if not path.is_file():
        raise UsageError(f"--llm: there is no file {path}.", f"It takes {SPECS}.")
    if util.find_spec("xllamacpp") is not None:
        import torch

        if not torch.cuda.is_available():
            return LlamaCpp(path, context=given.context, threads=given.threads)
    return TransformersLLM(str(path), context=given.context, four_bit=given.four_bit, batch=given.batch)

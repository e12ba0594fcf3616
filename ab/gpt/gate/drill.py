"""The smoke run inside the child: a network is built, learns two steps and writes captions, on made-up batches."""

from __future__ import annotations

import hashlib
import importlib
import io
import math
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

SEED = 5


class Channel(Protocol):
    """Where the child says how far it is."""

    def send(self, event: dict[str, Any]) -> None:
        """Passes one event to the parent."""


def drill(order: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """What was seen: parameters, memory, seconds, the structure, and everything that failed."""
    os.chdir(order["folder"])
    import torch

    from ab.gpt.train.weights import weights_policy

    torch.set_num_threads(order["threads"])
    weights_policy(pretrained=False)
    return Drill(order, channel).seen()


class Drill:
    """One network under examination. Each stage that fails is told, and those that do not depend on it still run."""

    def __init__(self, order: dict[str, Any], channel: Channel) -> None:
        self.order = order
        self.channel = channel
        self.failed: list[dict[str, str]] = []
        self.notes: list[dict[str, str]] = []
        self.seconds: dict[str, float] = {}
        self.vocabulary = int(order["vocabulary"])
        self.eos = int(order["tokens"]["EOS"])
        self.prm = dict(order["prm"])
        self.device: Any = None

    def seen(self) -> dict[str, Any]:
        """Everything that was seen."""
        import torch

        from ab.gpt.isolate.foreign import peak_memory

        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        parameters, structure = 0, ""
        with self.stage("build"):
            _seed()
            module = importlib.import_module(self.order["module"])
            self.fill_vocabulary()
            self.check_hyperparameters(module)
            images, _ = self.batch(4)
            net = module.Net(tuple(images.shape), (self.vocabulary,), self.prm, self.device)
            net = net.to(self.device)
            parameters = sum(parameter.numel() for parameter in net.parameters())
            structure = structure_of(net)
        if not self.failed:
            with self.stage("train_setup"):
                net.train_setup(self.prm)
            if not self.failed:
                self.learn(net)
            self.teacher_forcing(net)
            self.captions(net)
            self.save_and_load(module, net)
        return {
            "failed": self.failed,
            "notes": self.notes,
            "parameters": parameters,
            "structure": structure,
            "memory": peak_memory(),
            "seconds": self.seconds,
        }

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tells the stage, takes its time, and writes down how it fails."""
        self.channel.send({"stage": name})
        started = time.perf_counter()
        try:
            yield
        except Exception as error:  # noqa: BLE001 (whatever a network raises is what is looked for)
            text = "".join(traceback.format_exception(error))
            self.failed.append(
                {"stage": name, "error": type(error).__name__, "reason": str(error)[:2000], "traceback": text[-20_000:]}
            )
        self.seconds[name] = time.perf_counter() - started

    def fail(self, code: str, sentence: str) -> None:
        """Writes down a breach of the contract that raised nothing."""
        self.failed.append({"code": code, "reason": sentence})

    def note(self, code: str, sentence: str) -> None:
        """Writes down what is worth knowing."""
        self.notes.append({"code": code, "reason": sentence})

    def batch(self, size: int, first: int = 0) -> tuple[Any, Any]:
        """Images and captions as LEMUR's loader makes them: five captions an image, of unequal length, padded."""
        import torch

        made = torch.Generator().manual_seed(SEED)
        side = int(self.order["side"])
        images = torch.randn(first + size, 3, side, side, generator=made)[first:]
        lengths = torch.randint(4, 12, (first + size, 5), generator=made)[first:]
        longest = int(lengths.max()) + 2
        words = torch.randint(4, self.vocabulary, (first + size, 5, longest), generator=made)[first:]
        place = torch.arange(longest)
        end = lengths.unsqueeze(-1) + 1
        captions = torch.where(place < end, words, torch.zeros_like(words))
        captions[..., 0] = self.order["tokens"]["SOS"]
        captions.scatter_(-1, end, self.eos)
        return images, captions

    def fill_vocabulary(self) -> None:
        """LEMUR's vocabulary as its loader leaves it, for networks that have imported it."""
        lemur = sys.modules.get("ab.nn.loader.coco_.Caption")
        if lemur is not None:
            special = {f"<{name}>": number for name, number in self.order["tokens"].items()}
            words = {f"word{number}": number for number in range(len(special), self.vocabulary)}
            word2idx = {**special, **words}
            lemur.GLOBAL_CAPTION_VOCAB.update(
                word2idx=word2idx, idx2word={number: word for word, number in word2idx.items()}
            )

    def check_hyperparameters(self, module: Any) -> None:
        """A breach where LEMUR would not give the network what it takes."""
        given = set(module.supported_hyperparameters())
        wanted = set(self.order["hyperparameters"])
        if missing := wanted - given:
            self.fail("C005", f"supported_hyperparameters() lacks {', '.join(sorted(missing))}")

    def learn(self, net: Any) -> None:
        """Two steps of learning: the loss stays finite, the weights change."""
        import torch

        losses: list[float] = []

        def took(_module: Any, _inputs: Any, loss: Any) -> None:
            if isinstance(loss, torch.Tensor) and loss.numel() == 1:
                losses.append(float(loss.detach()))

        hooks = [
            part.register_forward_hook(took) for part in net.modules() if isinstance(part, torch.nn.modules.loss._Loss)
        ]
        before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
        failures = len(self.failed)
        with self.stage("learn"):
            data = [self.batch(4), self.batch(4, first=4)]
            net.learn(torch.utils.data.DataLoader(data, batch_size=None))  # type: ignore[arg-type, var-annotated]
        for hook in hooks:
            hook.remove()
        if len(self.failed) > failures:
            return
        after = dict(net.named_parameters())
        if wrong := [loss for loss in losses if not math.isfinite(loss)]:
            self.fail("R004", f"the loss is {wrong[0]}")
        elif broken := [name for name, value in after.items() if not bool(torch.isfinite(value).all())]:
            self.fail("R004", f"after two steps the weight {broken[0]} is not finite")
        elif not any(name in before and not torch.equal(before[name], value) for name, value in after.items()):
            self.fail("R005", "two steps of learn change no weight")

    def teacher_forcing(self, net: Any) -> None:
        """With captions: logits over the vocabulary. One caption an image or five, whichever the network takes."""
        import torch

        net.eval()
        images, captions = (part.to(self.device) for part in self.batch(2))
        failures = len(self.failed)
        with self.stage("forward with captions"), torch.no_grad():
            try:
                given = net(images, captions)
            except Exception:  # noqa: BLE001 (then one caption an image, and what that raises counts)
                given = net(images, captions[:, 0, :])
        if len(self.failed) > failures:
            return
        logits = given[0] if isinstance(given, (tuple, list)) and given else given
        if not isinstance(logits, torch.Tensor) or logits.dim() != 3:
            self.note("T010", f"forward(images, captions) returns {_described(given)}")
        elif logits.shape[-1] != self.vocabulary:
            self.note("T010", f"the logits are {_described(logits)} where the vocabulary has {self.vocabulary} words")

    def captions(self, net: Any) -> None:
        """Without captions: token ids for each image, in any batch size, whatever the batch mates are."""
        net.eval()
        images, _ = self.batch(3)
        images = images.to(self.device)
        two = self.written(net, "forward", images[:2])
        one = self.written(net, "forward with one image", images[:1])
        if two is None or one is None:
            return
        if _cut(one[0], self.eos) != _cut(two[0], self.eos):
            # Rounding differs between batch sizes, and nearly equal beams may change places: the same size again.
            again = self.written(net, "forward with other batch mates", images[::2])
            if again and _cut(again[0], self.eos) != _cut(two[0], self.eos):
                self.note("T007", "an image's caption is another one when other images are in its batch")
        if any(token for caption in two for token in _after(caption, self.eos)):
            self.note("T008", "a caption goes on after EOS")

    def written(self, net: Any, stage: str, images: Any) -> list[list[int]] | None:
        """The token ids that the network writes; None where it fails."""
        import torch

        failures = len(self.failed)
        with self.stage(stage), torch.no_grad():
            given = net(images)
        if len(self.failed) > failures:
            return None
        if not isinstance(given, torch.Tensor) or given.dim() not in (2, 3):
            self.fail("T003", f"forward(images) returns {_described(given)}")
            return None
        if given.dim() == 3:
            if given.shape[-1] != self.vocabulary:
                self.fail(
                    "T009", f"forward(images) returns {_described(given)}; the vocabulary has {self.vocabulary} words"
                )
                return None
            given = given.argmax(-1)
        elif given.is_floating_point():
            self.note("T012", f"forward(images) returns {_described(given)}")
        if given.shape[0] != images.shape[0]:
            self.fail("T005", f"{given.shape[0]} captions for {images.shape[0]} images")
            return None
        ids = [[int(token) for token in caption] for caption in given.tolist()]
        wrong = [token for caption in ids for token in caption if not 0 <= token < self.vocabulary]
        if wrong:
            self.fail("T004", f"the token id {wrong[0]} where the vocabulary has {self.vocabulary} words")
            return None
        return ids

    def save_and_load(self, module: Any, net: Any) -> None:
        """The state can be written and read into another network of the same kind."""
        import torch

        with self.stage("save and load"):
            file = io.BytesIO()
            torch.save(net.state_dict(), file)
            file.seek(0)
            images, _ = self.batch(4)
            other = module.Net(tuple(images.shape), (self.vocabulary,), dict(self.prm), self.device)
            other.load_state_dict(torch.load(file, map_location=self.device, weights_only=True))


def structure_of(net: Any) -> str:
    """A digest of the tree of modules with the shapes of their weights, whatever anything is called."""

    def described(module: Any) -> str:
        kind = type(module).__name__ if type(module).__module__.startswith("torch") else "own"
        extra = module.extra_repr() if kind != "own" else ""
        weights = [f"{tuple(weight.shape)}" for weight in module.parameters(recurse=False)]
        return f"{kind}({extra})[{','.join(weights)}]{{{';'.join(map(described, module.children()))}}}"

    return hashlib.md5(described(net).encode()).hexdigest()


def _seed() -> None:
    import random

    import torch

    random.seed(SEED)
    torch.manual_seed(SEED)


def _cut(caption: list[int], eos: int) -> list[int]:
    """A caption up to its first EOS, without padding."""
    return [token for token in (caption[: caption.index(eos)] if eos in caption else caption) if token]


def _after(caption: list[int], eos: int) -> list[int]:
    return caption[caption.index(eos) + 1 :] if eos in caption else []


def _described(value: Any) -> str:
    """What something is, for a sentence."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"a tensor {list(shape)} of {str(getattr(value, 'dtype', '')).removeprefix('torch.')}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"

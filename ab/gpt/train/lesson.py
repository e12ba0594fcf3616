"""One training inside the child. LEMUR does the work; here it is seeded, watched, and kept on fixed ground."""

from __future__ import annotations

import importlib
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch

import ab
import ab.nn.util.Train as lemur_train
from ab.gpt.isolate.foreign import peak_memory
from ab.gpt.train.data.ahead import Ahead, pinned
from ab.gpt.train.data.captioned import captioned
from ab.gpt.train.data.features import FeatureFile, skip_encoder
from ab.gpt.train.data.transforms import Fixed, validation_transform
from ab.gpt.train.scores.metric import LemurBleu
from ab.gpt.train.speed import tune_device, tune_model, tune_optimizer
from ab.gpt.train.tamper import Seal
from ab.gpt.train.weights import weights_policy
from ab.gpt.train.worker import Channel
from ab.nn.loader.coco_ import Caption
from ab.nn.metric.bleu import BLEUMetric
from ab.nn.util.Loader import load_dataset
from ab.nn.util.Util import test_loader_f

HEARTBEAT_SECONDS = 1.0
ANY_SCORE = -1.0
"""LEMUR refuses models below a minimum; against decoys nothing can be refused, the parent decides on the true score."""


SLOW_STARTS, LOOKED_AT = 3, 10
"""Steps that also make ready what later ones find there, and steps after which it is said how long an epoch takes.

LEMUR says it after six, the first included: on a busy machine networks were lost that take a third of their limit.
"""
NO_LIMIT_MINUTES = 1e9


class TooLong(Exception):
    """The epoch would take longer than it may."""


class Diverged(Exception):
    """The loss or a weight is not a finite number any more."""


def give(order: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Trains as ordered; the summary of it."""
    channel.send({"phase": "load"})
    seed_everything(order["seed"])
    show_our_parts()
    torch.set_num_threads(order["threads"])
    tune_device(order["speed"])
    out_shape, train_set, val_set = kept_data(order) if order["cache"] else lemur_data(order)
    features = {split: FeatureFile(Path(file)) for split, file in order["features"].items()}
    weights_policy(order["pretrained"])
    seal = Seal()
    task, _, metric, _ = order["config"]
    channel.send({"phase": "build", "float32": no_emulated_bfloat16()})
    seed_everything(order["seed"])
    limit = order["epoch_limit_minutes"]
    watched = watched_train(channel, seal, len(train_set), order["speed"], order["at_once"], limit)
    trainer = watched(
        tuple(order["config"]),
        out_shape,
        ANY_SCORE,
        order["prm"]["batch"],
        order["module"],
        task,
        train_set,
        val_set,
        metric,
        order["loader_workers"],
        dict(order["prm"]),
        save_to_db=False,
    )
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    if features:
        skip_encoder(trainer.model, features, {"train": train_set, "val": val_set})
    channel.send({"phase": "learn", "parameters": parameters, "device": str(trainer.device)})
    trainer.train_n_eval(order["epochs"], NO_LIMIT_MINUTES, False, False, train_set)
    return {"parameters": parameters, "tampered": seal.broken(), "device": str(trainer.device)}


def lemur_data(order: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The shape of what is predicted, and both data sets, from LEMUR's own loader on fixed validation images."""
    _no_network_for_nltk(order["tokenizer"])
    task, dataset, _, _ = order["config"]
    _write_vocabulary(order["words"], dataset)
    out_shape, _, train_set, val_set = load_dataset(task, dataset, order["prm"]["transform"])
    val_set.ids = list(order["image_ids"])
    val_set.transform = Fixed(validation_transform(val_set.transform), order["seed"])
    return out_shape, train_set, val_set


def kept_data(order: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The same from what was made ready once for all trainings."""
    words = json.loads(Path(order["words"]).read_text())
    train_set, val_set = (
        captioned(
            Path(order["cache"]), split, order["files"].get(split), words, order["prm"]["transform"], order["seed"]
        )
        for split in ("train", "val")
    )
    Caption.GLOBAL_CAPTION_VOCAB.update(word2idx=train_set.word2idx, idx2word=train_set.idx2word)
    return (len(words),), train_set, val_set


def show_our_parts() -> None:
    """Lets LEMUR find the loaders and metrics of this project where it runs from a clone and is not installed."""
    for kind in ("loader", "metric"):
        package = importlib.import_module(f"ab.nn.{kind}")
        for entry in ab.__path__:
            folder = str(Path(entry) / "nn" / kind)
            if Path(folder).is_dir() and folder not in package.__path__:
                package.__path__.append(folder)


def seed_everything(seed: int) -> None:
    """The same numbers from Python, numpy and torch; loader workers take theirs from torch."""
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False


def no_emulated_bfloat16() -> bool:
    """True where this CPU has no bfloat16, and `autocast` that names no type therefore leaves float32 as it is.

    LEMUR's RESNETLSTM and its descendants ask for it; without the instructions their convolutions take twenty times
    as long, in less precision.
    """
    if torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    torch.set_autocast_dtype("cpu", torch.float32)
    return True


def watched_train(
    channel: Channel,
    seal: Seal,
    train_images: int,
    speed: Sequence[str] = (),
    at_once: int = 0,
    limit_minutes: float = NO_LIMIT_MINUTES,
) -> type:
    """LEMUR's `Train`, with each epoch's predictions kept and told; `at_once` images are captioned at once, or more."""

    class Watched(lemur_train.Train):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            tune_model(self, speed)
            self.epoch = 0
            if at_once > self.batch:
                self.test_loader = test_loader_f(self.test_dataset, at_once, self.num_workers)
            metric, loader, model = self.metric_function, self.train_loader, self.model  # type: ignore[has-type]
            if torch.device(self.device).type == "cuda":
                loader = Ahead(loader, pinned)
            self.metric_function: Any = Recorder(metric)
            self.losses = Losses(model)
            self.train_loader: Any = Watch(loader, channel, self._at_start, limit_minutes)
            self.began = time.time_ns()
            self.since = time.perf_counter()

        def eval(self, test_loader: Any) -> float:
            self.epoch += 1
            learned = time.perf_counter() - self.since
            channel.send({"phase": "eval", "epoch": self.epoch})
            self.losses.check(self.model)
            with torch.inference_mode(bool(at_once)):  # a network that is not known might keep what it made
                accuracy = float(super().eval(test_loader))
            predictions = f"predictions-{self.epoch}.json"
            Path(predictions).write_text(json.dumps(self.metric_function.predicted))
            evaluated = time.perf_counter() - self.since - learned
            channel.send(
                {
                    "epoch": self.epoch,
                    "lemur_bleu": accuracy,
                    "predictions": predictions,
                    "train_loss": self.losses.mean(),
                    "lr": self._learning_rate(),
                    "learn_seconds": learned,
                    "eval_seconds": evaluated,
                    "images_per_second": train_images / max(learned, 1e-9),
                    "duration": time.time_ns() - self.began,
                    "peak_memory": peak_memory(),
                    "tampered": seal.broken(),
                }
            )
            channel.send({"phase": "learn", "epoch": self.epoch + 1})
            self.since = time.perf_counter()
            return accuracy

        def _at_start(self) -> None:
            self.losses.watch()
            tune_optimizer(self.model, speed)

        def _learning_rate(self) -> float | None:
            optimizer = getattr(self.model, "optimizer", None)
            groups = getattr(optimizer, "param_groups", None)
            return float(groups[0]["lr"]) if groups else None

    return Watched


class Recorder:
    """LEMUR's metric, and beside it the token ids that it was shown.

    LEMUR's BLEU computes four figures of which one is asked for; that one is computed here, equal to the last digit.
    """

    def __init__(self, metric: Any) -> None:
        self.metric = LemurBleu() if type(metric) is BLEUMetric else metric
        self.predicted: list[list[int]] = []

    def reset(self) -> None:
        self.predicted = []
        self.metric.reset()

    def __call__(self, outputs: Any, labels: Any) -> Any:
        ids = outputs.argmax(-1) if outputs.dim() == 3 else outputs
        self.predicted += [[int(token) for token in caption] for caption in ids.cpu().tolist()]
        return self.metric(outputs, labels)

    def result(self) -> float:
        return float(self.metric.result())


class Losses:
    """The losses of an epoch, as the network's own criterion computes them, where it keeps one."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.total = 0.0
        self.count = 0
        self.steps = 0
        self.model = model
        self.watched: set[int] = set()

    def watch(self) -> None:
        """Looks at every criterion that the network has by now; `train_setup` usually makes it."""
        for part in self.model.modules():
            if isinstance(part, torch.nn.modules.loss._Loss) and id(part) not in self.watched:
                self.watched.add(id(part))
                part.register_forward_hook(self._took)

    def _took(self, _module: Any, _inputs: Any, loss: Any) -> None:
        if not self.model.training or not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            return
        self.steps += 1
        value = float(loss.detach())
        if not math.isfinite(value):
            raise Diverged(f"the loss is {value} at step {self.steps}")
        self.total += value
        self.count += 1

    def mean(self) -> float | None:
        """The mean since the last call, or None where no criterion was seen at work."""
        mean = self.total / self.count if self.count else None
        self.total, self.count = 0.0, 0
        return mean

    def check(self, model: torch.nn.Module) -> None:
        """Raises `Diverged` where a weight is not finite."""
        for name, parameter in model.named_parameters():
            if not torch.isfinite(parameter).all():
                raise Diverged(f"the weight {name} is not finite after the epoch")


class Watch:
    """The training loader, which tells now and then how far it is, and ends an epoch that would take too long."""

    def __init__(
        self, loader: Any, channel: Channel, at_start: Callable[[], None], limit_minutes: float = NO_LIMIT_MINUTES
    ) -> None:
        self.loader = loader
        self.channel = channel
        self.at_start = at_start
        self.limit_minutes = limit_minutes

    def __len__(self) -> int:
        return len(self.loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __iter__(self) -> Iterator[Any]:
        self.at_start()
        began = told = swung_in = time.monotonic()
        for done, batch in enumerate(self.loader):
            now = time.monotonic()
            if done == SLOW_STARTS:
                swung_in = now
            elif done >= LOOKED_AT:
                step = (now - swung_in) / (done - SLOW_STARTS)
                minutes = (now - began + step * (len(self.loader) - done)) / 60
                if minutes > self.limit_minutes:
                    raise TooLong(
                        f"an epoch would take {minutes:.1f} minutes; --epoch-minutes is {self.limit_minutes:g}"
                    )
            if now - told > HEARTBEAT_SECONDS:
                told = now
                self.channel.send({"batch": done, "of": len(self.loader)})
            yield batch


def _no_network_for_nltk(tokenizer: str) -> None:
    """NLTK's downloader would wait for a network that the child does not have."""
    Caption.nltk.download = lambda *_args, **_kwargs: False
    if tokenizer == "words":
        from nltk.tokenize import word_tokenize

        Caption.word_tokenize = lambda text: word_tokenize(text, preserve_line=True)


def _write_vocabulary(words_file: str, dataset: str) -> None:
    """LEMUR's vocabulary where its loader looks for it; without it every image would be opened."""
    words = json.loads(Path(words_file).read_text())
    word2idx = {word: number for number, word in enumerate(words)}
    file = Path(Caption.data_dir) / dataset / "vocab.pth"
    torch.save({"word2idx": word2idx, "idx2word": dict(enumerate(words))}, file)

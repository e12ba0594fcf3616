"""LEMUR's Optuna study inside the child: LEMUR's `train` does all of it, on fixed ground, and is told the true scores.

The captions that count are not in this process. After each epoch the predictions go out, the parent answers with the
true score, and LEMUR goes on with that: Optuna's choices and LEMUR's minimum stand on it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import torch

import ab.nn.train as lemur
import ab.nn.util.Train as lemur_train
import ab.nn.util.Util as lemur_util
from ab.gpt.contribute.study_worker import answer_name
from ab.gpt.train.lesson import kept_data, lemur_data, seed_everything, show_our_parts, watched_train
from ab.gpt.train.tamper import Seal
from ab.gpt.train.weights import weights_policy
from ab.gpt.train.worker import Channel
from ab.nn.loader.coco_ import Caption

ANSWER_SECONDS = 600.0
_PRM = 10
"""The place of the hyper-parameters among what LEMUR's `Train` is given."""


def hold(order: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Does the trials that LEMUR's database, here in small, says are lacking."""
    channel.send({"phase": "load"})
    seed_everything(order["seed"])
    show_our_parts()
    torch.set_num_threads(order["threads"])
    weights_policy(order["pretrained"])
    lemur_util.stat_train_dir = Path("stat").absolute()  # LEMUR's own files; the parent writes those that count
    lemur_util.stat_train_dir.mkdir()
    seal = Seal()
    lemur_train.load_dataset = _data(order)
    lemur_train.get_ab_nn_attr = _in_order(lemur_train.get_ab_nn_attr)
    lemur_train.Train = _answered(order, channel, seal)
    _seed_studies(order["seed"] + order["done"])
    seal.renew()
    study = order["study"]
    lemur.main(
        "_".join(order["config"]),
        n_epochs=order["epochs"],
        n_optuna_trials=study["trials"],
        min_batch_binary_power=study["batches"][0],
        max_batch_binary_power=study["batches"][1],
        min_learning_rate=study["lr"][0],
        max_learning_rate=study["lr"][1],
        transform=tuple(study["transforms"]),
        nn_fail_attempts=study["failures"],
        num_workers=order["loader_workers"],
        pretrained=1 if order["pretrained"] else None,
        epoch_limit_minutes=order["epoch_limit_minutes"],
    )
    return {"tampered": seal.broken()}


def _data(order: dict[str, Any]) -> Callable[..., Any]:
    """LEMUR's `load_dataset` on the fixed ground of the exam, with each transform's data made ready once."""

    def load_dataset(_task: str, _dataset: str, transform: str, *_: Any) -> Any:
        own = {**order, **order["study"]["transforms"][transform], "prm": {"transform": transform}}
        out_shape, train_set, val_set = kept_data(own) if own["cache"] else lemur_data(own)
        return out_shape, Caption.MINIMUM_ACCURACY, train_set, val_set

    return load_dataset


def _in_order(get_attribute: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """Has LEMUR go through a model's hyper-parameters by name: a set's order differs from process to process."""

    def get(module: str, name: str) -> Any:
        found = get_attribute(module, name)
        return (lambda: sorted(found())) if name == "supported_hyperparameters" else found

    return get


def _seed_studies(seed: int) -> None:
    """Has Optuna draw the same hyper-parameters for the same seed."""
    create = optuna.create_study

    def create_study(**named: Any) -> Any:
        return create(**{"sampler": optuna.samplers.TPESampler(seed=seed), **named})

    optuna.create_study = create_study


def _answered(order: dict[str, Any], channel: Channel, seal: Seal) -> type:
    """LEMUR's `Train` that tells of each trial and epoch, and takes the parent's figure for its own."""
    number = 0

    class Answered(watched_train(channel, seal, order["train_images"])):  # type: ignore[misc]
        def __init__(self, *given: Any) -> None:
            nonlocal number
            number += 1
            self.trial = number
            channel.send({"trial": number, "prm": dict(given[_PRM])})
            channel.send({"phase": "build"})
            seed_everything(order["seed"])
            try:
                super().__init__(*given)
            except Exception as error:
                _tell(channel, error)
                raise
            channel.send({"phase": "learn", "parameters": sum(p.numel() for p in self.model.parameters())})

        def train_n_eval(self, *given: Any, **named: Any) -> Any:
            try:
                return super().train_n_eval(*given, **named)
            except Exception as error:
                _tell(channel, error)
                raise

        def eval(self, test_loader: Any) -> float:
            super().eval(test_loader)  # against decoys
            return _answer(self.trial, self.epoch)

    return Answered


def _tell(channel: Channel, error: Exception) -> None:
    """Says why a trial ends: LEMUR only prints it."""
    channel.send({"failed": type(error).__name__, "reason": str(getattr(error, "message", "") or error)[:500]})


def _answer(trial: int, epoch: int) -> float:
    file = Path(answer_name(trial, epoch))
    until = time.monotonic() + ANSWER_SECONDS
    while not file.exists():
        if time.monotonic() > until:
            raise TimeoutError("the parent has not answered")
        time.sleep(0.01)
    return float(json.loads(file.read_text()))

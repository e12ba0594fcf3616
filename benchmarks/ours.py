"""What this toolkit does for the same work, each function in a process of its own, in a LEMUR root."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.ground import TRANSFORM
from benchmarks.stock import epochs, over_batches


def vocabulary() -> dict[str, Any]:
    """Seconds for the vocabulary: made from the captions, and found again."""
    import nltk.tokenize  # noqa: F401 (before the clock starts, as it is for stock, whose loader imports it)

    from ab.gpt.lemur.home import find_home
    from ab.gpt.train.words import kept_vocabulary

    home = find_home()
    seconds, words = [], []
    for _ in range(2):
        started = time.perf_counter()
        words = kept_vocabulary(home, home.coco)
        seconds.append(time.perf_counter() - started)
    return {"seconds": seconds[0], "again": seconds[1], "words": words}


def batches(workers: int) -> dict[str, Any]:
    """Seconds of one epoch of training batches: the first with all that is made for it and kept, and the second."""
    import torch
    from ab.nn.util.Train import train_loader_f

    from ab.gpt.isolate.job import Job
    from ab.gpt.isolate.run import run
    from ab.gpt.lemur.home import find_home
    from ab.gpt.train.cache import prepare
    from ab.gpt.train.data.captioned import captioned
    from ab.gpt.train.exam import make_exam
    from ab.gpt.train.settings import Settings
    from ab.gpt.train.trainer import warm_trainer

    home = find_home()
    settings = Settings(transform=TRANSFORM)
    exam = make_exam(home, home.coco)
    with warm_trainer() as warm:
        idle = Job("benchmarks.ours:nothing", {}, Path("out/nothing").resolve())
        idle.folder.mkdir(parents=True)
        run(idle, warm=warm)  # so that torch is imported before the clock starts, as it is for stock
        started = time.perf_counter()
        prepared = prepare(home, exam, settings, warm)
        made = time.perf_counter() - started
    assert prepared is not None
    train = captioned(prepared.folder, "train", prepared.files.get("train"), exam.words, TRANSFORM, 0)
    torch.manual_seed(0)
    measured = epochs(train_loader_f(train, 32, workers))
    return {**measured, "first": measured["first"] + made, "made": made}


def nothing(_order: dict[str, Any], _channel: object) -> None:
    """A job without work."""


def bleu(ids: str) -> dict[str, Any]:
    """Seconds of our BLEU over the same batches as LEMUR's, and its figure."""
    from ab.gpt.train.scores.metric import LemurBleu

    return over_batches(LemurBleu(), **json.loads(Path(ids).read_bytes()))


def exam_ids(images: int) -> dict[str, Any]:
    """References of validation images as ids, and captions to be scored: another image's, cut and mixed."""
    from ab.gpt.lemur.home import find_home
    from ab.gpt.train.exam import make_exam

    home = find_home()
    exam = make_exam(home, home.coco, images)
    said = [captions[0] for captions in exam.references]
    predicted = [
        one[: len(one) // 2] + other[len(other) // 2 :] for one, other in zip(said, said[1:] + said[:1], strict=True)
    ]
    return {"references": exam.references, "predicted": predicted}


def candidates(files: list[str], prefix: str, workers: int) -> dict[str, Any]:
    """What `nncaption train` does: the command itself, with its defaults, and when each candidate was done."""
    from ab.gpt.NNCaption import main

    began = time.time()
    code = main(
        ["train", *files, "--prefix", prefix, "--epochs", "1", "--transform", TRANSFORM, "--workers", str(workers),
         "--json"]
    )  # fmt: skip
    if code:
        raise RuntimeError("not every candidate was trained")
    details = sorted(Path("out/nncaption/trained").glob("*/*.json"), key=lambda file: file.stat().st_mtime_ns)
    logs = "".join(json.loads(file.read_bytes())["log"] for file in details)
    return {"ended": [file.stat().st_mtime - began for file in details], "log": logs}


def weights_by_chance(folder: str) -> None:
    """Leaves weights where torch would keep ImageNet's of a backbone."""
    import torch
    import torchvision

    from ab.gpt.propose.blueprint.at_hand import FILES

    file = Path(folder) / "hub" / "checkpoints" / FILES["mobilenet_v2"]
    file.parent.mkdir(parents=True)
    torch.save(torchvision.models.mobilenet_v2().state_dict(), file)


def frozen(weights: str, transform: str, networks: int, epochs: int, kept: bool) -> dict[str, Any]:
    """Seconds of networks with one frozen backbone: of their epochs, and of everything from the first to the last."""
    from ab.gpt.lemur.home import find_home
    from ab.gpt.propose.blueprint.blueprint import Backbone, Blueprint, Greedy, Recurrent, Tokens, Training
    from ab.gpt.propose.blueprint.known import known_by
    from ab.gpt.propose.blueprint.reading import to_json
    from ab.gpt.propose.blueprint.render import render
    from ab.gpt.train.exam import make_exam
    from ab.gpt.train.pool import Pool, Task, make_slots
    from ab.gpt.train.settings import Settings

    os.environ["TORCH_HOME"] = weights
    home = find_home()
    settings = Settings(epochs=epochs, transform=transform, features=kept)
    exam = make_exam(home, home.coco)
    tasks = []
    for number in range(networks):
        blueprint = Blueprint(
            Backbone("mobilenet_v2", "imagenet", "frozen"), Tokens("grid", 4, "learned"),
            Recurrent("GRU", 640, 1, "dot", ("init", "feed", "both")[number % 3], tied=True), 0.1,
            Training("adamw", "constant", 0.1, 0.0, 1.0, 1, amp=False), Greedy(1, 20),
        )  # fmt: skip
        code = render(blueprint)
        tasks.append(Task(f"Bench-frozen-{number}", code, known=known_by(to_json(blueprint), code)))
    started = time.perf_counter()
    ended = [trained for _, trained in Pool(home, exam, settings, make_slots(1, [])).train_all(tasks)]
    seconds = time.perf_counter() - started
    scores = [epoch for trained in ended for epoch in trained.epochs]
    if len(scores) != networks * epochs:
        raise RuntimeError(f"not every network was trained: {[str(trained.ending) for trained in ended]}")
    return {
        "whole": [seconds],
        "learn": [epoch.learn_seconds for epoch in scores],
        "eval": [epoch.eval_seconds for epoch in scores],
    }


def learning(speed: str, epochs: int) -> dict[str, Any]:
    """Of rendered networks the seconds of each epoch's learning with a setting of `--speed`, and its loss."""
    from ab.gpt.lemur.home import find_home
    from ab.gpt.propose.blueprint import blueprint as parts
    from ab.gpt.propose.blueprint.render import render
    from ab.gpt.train.exam import make_exam
    from ab.gpt.train.pool import Pool, Task, make_slots
    from ab.gpt.train.settings import Settings

    home = find_home()
    settings = Settings(epochs=epochs, transform=TRANSFORM, speed=frozenset([speed] if speed else []))
    exam = make_exam(home, home.coco)
    encoder = parts.Stages(
        parts.Stem("conv", 32), (parts.Stage("plain", 64, 1, 2, "se"), parts.Stage("inverted", 128, 1, 2, "none"))
    )
    how = parts.Training("adamw", "constant", 0.1, 0.0, 1.0, 2, amp=True)
    tasks = [
        Task(
            decoder.family,
            render(
                parts.Blueprint(encoder, parts.Tokens("grid", 4, "learned"), decoder, 0.1, how, parts.Greedy(1, 20))
            ),
        )
        for decoder in (
            parts.Recurrent("GRU", 640, 1, "dot", "init", tied=True),
            parts.Transformer("Transformer", 640, 8, 3, 4, "pre", "learned", tied=True),
        )
    ]
    trained = {task.name: one for task, one in Pool(home, exam, settings, make_slots(1, [])).train_all(tasks)}
    if any(len(one.epochs) != epochs for one in trained.values()):
        raise RuntimeError(f"not every network was trained: {[str(one.ending) for one in trained.values()]}")
    return {
        name: {
            "seconds": [epoch.learn_seconds for epoch in one.epochs],
            "loss": [round(epoch.train_loss or 0.0, 4) for epoch in one.epochs],
        }
        for name, one in trained.items()
    }

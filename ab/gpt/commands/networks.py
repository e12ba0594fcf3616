"""What is done with Net files: `check`, `train`, `score`."""

from __future__ import annotations

from typing import Annotated


def check(
    *files: Annotated[str, "Net files, or names of LEMUR's models"],
    fix: Annotated[bool, "write what can be fixed beside the original, as NAME.fixed.py, and check that"] = False,
    run: Annotated[bool, "build the network and let it learn and write for two steps, behind walls"] = True,
    against: Annotated[str, "a baseline, file or model, against which changes are counted"] = "",
    seconds: Annotated[float, "limit of a run"] = 120.0,
    memory_gb: Annotated[float, "main memory for a run"] = 8.0,
    walls: Annotated[list[str] | None, "demand these walls (namespaces, root, Landlock), or run nothing"] = None,
    contract: Annotated[bool, "print what a network owes to LEMUR, and check nothing"] = False,
    json: Annotated[bool, "print the findings as JSON"] = False,
) -> int:
    """Says what is wrong with Net files, where, and what to do instead, whoever wrote them.

    Exit code 0 when every file passes.
    """
    from ab.gpt.gate import command
    from ab.gpt.gate.smoke import SmokeLimits

    if contract:
        print(command.contract_page())  # noqa: T201
        return 0
    limits = SmokeLimits(seconds=seconds, memory_gb=memory_gb, walls=frozenset(walls or ()))
    return command.check_files(list(files), fix, run, limits, against, json)


def train(
    *networks: Annotated[str, "Net files ending in .py, or names of LEMUR's models"],
    epochs: Annotated[int, "how often the training images are seen"] = 5,
    lr: Annotated[float, "learning rate"] = 1e-3,
    momentum: Annotated[float, "momentum"] = 0.9,
    batch: Annotated[int, "images a step; halved, twice at most, where memory is too small"] = 32,
    transform: Annotated[str, "one of LEMUR's transforms"] = "echo_256_flip",
    dataset: Annotated[str, "what data/NAME holds in COCO's layout; coco is downloaded if it is not there"] = "coco",
    val_images: Annotated[int, "validation images to score on, a fixed choice; 0 for all"] = 300,
    seed: Annotated[int, "the same seed gives the same score on a CPU"] = 0,
    pretrained: Annotated[bool, "let networks load pretrained weights from torch's cache"] = True,
    prefix: Annotated[str | None, "family prefix for Net files; their own name if not given"] = None,
    record: Annotated[bool, "register what was trained and record it in LEMUR's statistics and database"] = True,
    workers: Annotated[int, "trainings at once; 0 for one a GPU, or one"] = 0,
    gpus: Annotated[list[int] | None, "numbers of the GPUs to use; all that there are if not given"] = None,
    loader_workers: Annotated[int, "processes that load images for each training"] = 0,
    cache_gb: Annotated[float, "room for pictures kept between trainings; 0 opens them anew every epoch"] = 20.0,
    speed: Annotated[list[str] | None, "of bf16, channels-last, compile, fused: faster, may change results"] = None,
    stop_early: Annotated[str, "stop trainings that cannot win: none, median or halving"] = "none",
    memory_gb: Annotated[float, "main memory for each training"] = 16.0,
    epoch_minutes: Annotated[float, "limit of an epoch's learning"] = 30.0,
    eval_minutes: Annotated[float, "limit of an epoch's evaluation"] = 10.0,
    walls: Annotated[list[str] | None, "demand these walls (namespaces, root, Landlock), or run nothing"] = None,
    json: Annotated[bool, "print the reports as JSON"] = False,
) -> int:
    """Trains Net files in isolation through LEMUR's loader, `Train` and metric, and records them.

    The score that is recorded is computed from the predictions, outside of the process that made them.
    Exit code 0 when every network was trained.
    """
    from ab.gpt.train.command import train_networks
    from ab.gpt.train.settings import Settings

    settings = Settings(
        epochs=epochs,
        lr=lr,
        momentum=momentum,
        batch=batch,
        transform=transform,
        dataset=dataset,
        val_images=val_images or None,
        seed=seed,
        pretrained=pretrained,
        epoch_minutes=epoch_minutes,
        eval_minutes=eval_minutes,
        cache_gb=cache_gb,
        speed=frozenset(speed or ()),
        stop_early=stop_early,
        memory_gb=memory_gb,
        loader_workers=loader_workers,
        walls=frozenset(walls or ()),
    )
    return train_networks(list(networks), settings, prefix, record, workers, gpus, json)


def score(
    name: Annotated[str, "a model of LEMUR's with a recorded training"],
    *,
    dataset: Annotated[str, "the data set to train and to be scored on, as for train"] = "coco",
    epochs: Annotated[int, "as many as its best recorded training if 0"] = 0,
    seed: Annotated[int, "the same seed gives the same score on a CPU"] = 0,
    pretrained: Annotated[bool, "let the network load pretrained weights from torch's cache"] = True,
    cache_gb: Annotated[float, "room for pictures kept between trainings; 0 opens them anew every epoch"] = 20.0,
    memory_gb: Annotated[float, "main memory for the training"] = 16.0,
    epoch_minutes: Annotated[float, "limit of an epoch's learning"] = 120.0,
    eval_minutes: Annotated[float, "limit of an epoch's evaluation"] = 120.0,
    gpus: Annotated[list[int] | None, "number of the GPU to use; the first if not given"] = None,
    json: Annotated[bool, "print the report as JSON"] = False,
) -> int:
    """Scores a model on all validation images: trains it anew as in its best record, and records nothing.

    LEMUR keeps no weights, so the training is repeated with the hyper-parameters of the best recorded one.
    """
    from ab.gpt.train.command import score_network
    from ab.gpt.train.settings import Settings

    settings = Settings(
        dataset=dataset,
        val_images=None,
        seed=seed,
        pretrained=pretrained,
        epoch_minutes=epoch_minutes,
        eval_minutes=eval_minutes,
        cache_gb=cache_gb,
        memory_gb=memory_gb,
    )
    return score_network(name, settings, epochs, gpus, json)

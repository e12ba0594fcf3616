"""From a trained family to a pull request: `trials`, `contribute`, `ship`, and the maintainer's `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated


def trials(
    *names: Annotated[str, "models of LEMUR's"],
    trials: Annotated[int, "how many LEMUR is to have in the end; 100 where a release asks so"] = 10,
    epochs: Annotated[int, "how often each trial sees the training images"] = 5,
    dataset: Annotated[str, "what data/NAME holds in COCO's layout; coco is downloaded if it is not there"] = "coco",
    transform: Annotated[list[str] | None, "LEMUR's transforms to choose from (echo_256_flip)"] = None,
    min_lr: Annotated[float, "learning rates from"] = 1e-5,
    max_lr: Annotated[float, "to; LEMUR's own default is 1"] = 1e-2,
    min_batch: Annotated[int, "images a step from, a power of two"] = 16,
    max_batch: Annotated[int, "to; halved where memory is too small"] = 64,
    val_images: Annotated[int, "validation images to score on, a fixed choice; 0 for all"] = 300,
    seed: Annotated[int, "the same seed tries and gives the same on a CPU"] = 0,
    pretrained: Annotated[bool, "let networks load pretrained weights from torch's cache"] = True,
    workers: Annotated[int, "models at once; 0 for one a GPU, or one"] = 0,
    gpus: Annotated[list[int] | None, "numbers of the GPUs to use; all that there are if not given"] = None,
    loader_workers: Annotated[int, "processes that load images for each training"] = 0,
    cache_gb: Annotated[float, "room for pictures kept between trainings; 0 opens them anew every epoch"] = 20.0,
    memory_gb: Annotated[float, "main memory for each model"] = 16.0,
    epoch_minutes: Annotated[float, "limit of an epoch's learning"] = 30.0,
    eval_minutes: Annotated[float, "limit of an epoch's evaluation"] = 10.0,
    walls: Annotated[list[str] | None, "demand these walls (namespaces, root, Landlock), or run nothing"] = None,
    json: Annotated[bool, "print the trials as JSON"] = False,
) -> int:
    """Makes the statistics that LEMUR asks for: LEMUR's own `train` with Optuna, behind walls, recorded trial by trial.

    Trials that LEMUR has already are counted, so a command that was stopped goes on where it stood.
    Exit code 0 when every model has its trials.
    """
    from ab.gpt.contribute.command import study_networks
    from ab.gpt.contribute.study import Space, power_of_two
    from ab.gpt.train.settings import Settings

    settings = Settings(
        epochs=epochs, dataset=dataset, val_images=val_images or None, seed=seed, pretrained=pretrained,
        epoch_minutes=epoch_minutes, eval_minutes=eval_minutes, cache_gb=cache_gb, memory_gb=memory_gb,
        loader_workers=loader_workers, walls=frozenset(walls or ()),
    )  # fmt: skip
    batches = power_of_two("--min-batch", min_batch), power_of_two("--max-batch", max_batch)
    space = Space(trials, (min_lr, max_lr), batches)
    return study_networks(list(names), settings, space, transform, workers, gpus, json)


def contribute(
    *what: Annotated[str, "runs, or models of LEMUR's"],
    repo: Annotated[Path, "a clone of LEMUR's repository, or of your fork of it"],
    branch: Annotated[str, "the branch that is made or continued"] = "nncaption",
    base: Annotated[str | None, "the branch that it begins at (main or master)"] = None,
    upstream: Annotated[str | None, "LEMUR's own remote, with which the base is compared (upstream or origin)"] = None,
    all_trained: Annotated[bool, "take all that was trained, whatever its score; never what collapsed"] = False,
    epochs: Annotated[int, "as many epochs must the statistics have"] = 5,
    code: Annotated[bool, "have the gate read the code of what is new"] = True,
    run: Annotated[bool, "and run it for two steps behind walls"] = True,
    dry_run: Annotated[bool, "show all of it and do nothing"] = False,
    push: Annotated[str | None, "push the branch to this remote of the clone"] = None,
    open: Annotated[bool, "open the pull request with `gh`, once it is pushed"] = False,
    json: Annotated[bool, "print what was done as JSON"] = False,
) -> int:
    """Makes a branch in a clone of LEMUR with networks and their statistics, and the words of its pull request.

    By default what beats the baseline or the blind caption beyond the interval goes in, where it is new to the clone
    and its statistics are full. The work tree stays as it is; nothing is pushed or opened unless asked for.
    """
    from ab.gpt.contribute.command import contribute_networks
    from ab.gpt.contribute.contribute import Wishes

    wishes = Wishes(
        branch=branch, base=base, remote=upstream, all_trained=all_trained, full_epochs=epochs, dry_run=dry_run,
        push=push, open_request=open,
    )  # fmt: skip
    return contribute_networks(list(what), repo, wishes, code, run, json)


def ship(
    *runs: Annotated[str, "runs"],
    into: Annotated[Path, "a package laid out like LEMUR's, such as this project's: the folder of its setup.cfg"],
    page: Annotated[Path | None, "the page on how each came about (docs/families.md in the package)"] = None,
    all_trained: Annotated[bool, "take all that was trained, whatever its score; never what collapsed"] = False,
    epochs: Annotated[int, "as many epochs must the statistics have"] = 5,
    json: Annotated[bool, "print what was done as JSON"] = False,
) -> int:
    """Puts networks of runs with their statistics into a package that extends LEMUR, and writes how they were made.

    Once the package is installed they are LEMUR's, as if they had come with it. The page names the networks of the runs
    that are given; files of other networks stay as they are.
    """
    from ab.gpt.contribute.command import ship_networks

    return ship_networks(list(runs), into, page or into / "docs" / "families.md", all_trained, epochs, json)


def verify(
    *,
    repo: Annotated[Path, "a clone of LEMUR's repository"],
    base: Annotated[str | None, "look only at what the work tree changes since it left this branch"] = None,
    code: Annotated[bool, "have the gate read the captioners' code"] = True,
    run: Annotated[bool, "and run it for two steps behind walls"] = False,
    database: Annotated[bool, "build a LEMUR database from it and ask LEMUR for its rows"] = True,
    json: Annotated[bool, "print the findings as JSON"] = False,
) -> int:
    """Says what a maintainer would send back of a clone or of a pull request's branch, whoever made it.

    Findings name file and line. Nothing of the clone is changed or run, but what --run asks for.
    Exit code 0 when there is no error.
    """
    from ab.gpt.contribute.command import verify_clone

    return verify_clone(repo, base, code, run, database, json)

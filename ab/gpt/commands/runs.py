"""Runs: `search`, `resume`, `runs`, `show`."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from pathlib import Path

    from ab.gpt.plan import Budget


def search(
    *,
    candidates: Annotated[int | None, "end after so many proposals (10 if no other limit is given)"] = None,
    trained: Annotated[int | None, "end after so many trained networks"] = None,
    minutes: Annotated[float | None, "end after so many minutes"] = None,
    tokens: Annotated[int | None, "end after so many tokens, prompts included"] = None,
    max_cost: Annotated[float | None, "end after so much money, in the currency of --prices"] = None,
    snippets: Annotated[list[int], "how many classifiers a prompt shows"] = [5, 10],  # noqa: B006
    baseline: Annotated[list[str], "LEMUR's captioners to start from"] = ["RESNETLSTM", "ResNetTransformer"],  # noqa: B006
    mode: Annotated[list[str], "code, blueprint, or both"] = ["code"],  # noqa: B006
    llm: Annotated[
        list[str] | None,
        "language models, each with a weight if you like: embedded=2,http://…; the papers' 8B model if not given",
    ] = None,
    context: Annotated[int | None, "tokens of prompt and reply together; the model's own if not given"] = None,
    reply_tokens: Annotated[int, "tokens of a reply, thinking included"] = 6144,
    temperature: Annotated[float, "how freely the model draws"] = 0.8,
    top_p: Annotated[float, "of how much of the chances it draws"] = 0.95,
    four_bit: Annotated[bool | None, "load the model in 4 bits; by itself where it would not fit otherwise"] = None,
    prices: Annotated[list[float] | None, "what a server asks for a million tokens: of prompt, of reply"] = None,
    narrow: Annotated[
        bool, "hold each blueprint to half of the values, drawn anew; small models repeat themselves"
    ] = True,
    encoder: Annotated[list[str] | None, "only blueprints with these backbones of torchvision's: mobilenet_v2"] = None,
    frozen: Annotated[bool, "only blueprints with a pretrained backbone that stays as it is"] = False,
    light: Annotated[bool, "only small blueprints, which a processor trains in minutes an epoch"] = False,
    repairs: Annotated[int, "how often a model may mend a network"] = 2,
    feedback: Annotated[bool, "tell the model what failed, and the best so far"] = True,
    epochs: Annotated[int, "how often the training images are seen"] = 3,
    lr: Annotated[float, "learning rate, where the model suggests none"] = 1e-3,
    momentum: Annotated[float, "momentum, where the model suggests none"] = 0.9,
    batch: Annotated[int, "images a step, where the model suggests none"] = 32,
    transform: Annotated[str, "one of LEMUR's transforms"] = "echo_256_flip",
    dataset: Annotated[str, "a captioning data set of LEMUR's"] = "coco",
    val_images: Annotated[int, "validation images to score on, a fixed choice; 0 for all"] = 300,
    pretrained: Annotated[bool, "let networks load pretrained weights from torch's cache"] = True,
    cache_gb: Annotated[float, "room for pictures kept between trainings; 0 opens them anew every epoch"] = 20.0,
    features: Annotated[bool, "run a frozen encoder once for all networks that have it"] = True,
    speed: Annotated[list[str] | None, "of bf16, channels-last, compile, fused: faster, may change results"] = None,
    stop_early: Annotated[str, "stop trainings that cannot win: none, median or halving"] = "none",
    with_baselines: Annotated[bool, "train the baselines first, with the same budget"] = True,
    record: Annotated[bool, "register what was trained and record it in LEMUR's statistics and database"] = True,
    quality: Annotated[bool, "have pylint judge each network's code beside the training"] = True,
    prefix: Annotated[str | None, "family prefix; C5C for five snippets, and so on, if not given"] = None,
    seed: Annotated[int, "decides every choice that the run makes"] = 0,
    name: Annotated[str | None, "of the run; the time if not given"] = None,
    workers: Annotated[int, "trainings at once; 0 for one a GPU, or one"] = 0,
    gpus: Annotated[list[int] | None, "numbers of the GPUs to train on; all that there are if not given"] = None,
    memory_gb: Annotated[float, "main memory for each training"] = 16.0,
    epoch_minutes: Annotated[float, "limit of an epoch's learning"] = 30.0,
    eval_minutes: Annotated[float, "limit of an epoch's evaluation"] = 10.0,
    smoke_seconds: Annotated[float, "limit of a network's smoke run"] = 120.0,
    walls: Annotated[list[str] | None, "demand these walls (namespaces, root, Landlock), or run nothing"] = None,
    json: Annotated[bool, "print the tables as JSON"] = False,
) -> int:
    """Has a language model propose networks, checks, trains and records them, until the budget is used.

    Also what `python -m ab.gpt.NNCaption` does where flags come first. It may be stopped, or killed, at any time:
    `nncaption resume` goes on.
    """
    from ab.gpt import launch
    from ab.gpt.lemur.home import find_home
    from ab.gpt.plan import Plan
    from ab.gpt.train.settings import Settings

    settings = Settings(
        epochs=epochs, lr=lr, momentum=momentum, batch=batch, transform=transform, dataset=dataset,
        val_images=val_images or None, seed=seed, pretrained=pretrained, epoch_minutes=epoch_minutes,
        eval_minutes=eval_minutes, cache_gb=cache_gb, features=features, memory_gb=memory_gb,
        speed=frozenset(speed or ()), stop_early=stop_early, walls=frozenset(walls or ()),
    )  # fmt: skip
    plan = Plan(
        budget=_budget(candidates, trained, minutes, tokens, max_cost),
        snippets=tuple(snippets), baselines=tuple(baseline), modes=tuple(mode), llm=tuple(llm or ()), repairs=repairs,
        feedback=feedback, prefix=prefix, seed=seed, temperature=temperature, top_p=top_p, reply_tokens=reply_tokens,
        context=context, prices=_prices(prices), four_bit=four_bit, narrow=narrow,
        encoders=tuple(encoder or ()), frozen=frozen, light=light, with_baselines=with_baselines,
        record=record, quality=quality, smoke_seconds=smoke_seconds, workers=workers,
        gpus=None if gpus is None else tuple(gpus), train=settings,
    )  # fmt: skip
    return _end(launch.start(find_home(), plan, name), json)


def resume(
    run: Annotated[str, "its name, the beginning of it, or `latest`"],
    *,
    candidates: Annotated[int | None, "a new limit of proposals, the earlier ones included"] = None,
    trained: Annotated[int | None, "a new limit of trained networks"] = None,
    minutes: Annotated[float | None, "a new limit of minutes"] = None,
    tokens: Annotated[int | None, "a new limit of tokens"] = None,
    max_cost: Annotated[float | None, "a new limit of money"] = None,
    json: Annotated[bool, "print the tables as JSON"] = False,
) -> int:
    """Goes on with a run that was stopped or killed, or that is to have a larger budget."""
    from ab.gpt import launch
    from ab.gpt.lemur.home import find_home
    from ab.gpt.runs import find_run

    home = find_home()
    folder = find_run(home, run)
    budget = {"candidates": candidates, "trained": trained, "minutes": minutes, "tokens": tokens, "cost": max_cost}
    if any(value is not None for value in budget.values()):
        launch.extend(folder, **budget)
    return _end(launch.resume(home, folder), json)


def runs(*, json: Annotated[bool, "print the list as JSON"] = False) -> int:
    """Lists the runs, the latest first."""
    from ab.gpt.lemur.home import find_home
    from ab.gpt.runs import list_runs
    from ab.gpt.show import show_runs

    listed = list_runs(find_home())
    if json:
        print(json_format.dumps([vars(one) for one in listed], indent=2))  # noqa: T201
    else:
        show_runs(listed)
    return 0


def show(
    run: Annotated[str, "its name, the beginning of it, or `latest`"],
    candidate: Annotated[str, "a candidate's number, or the beginning of its network's name"] = "",
    *,
    json: Annotated[bool, "print it as JSON"] = False,
) -> int:
    """Shows a run's tables, or one candidate from prompt to score; also while the run goes on."""
    from ab.gpt import show as screen
    from ab.gpt.ledger import Ledger
    from ab.gpt.lemur.home import find_home
    from ab.gpt.report.tables import make_tables
    from ab.gpt.runs import find_run

    with Ledger(find_run(find_home(), run)) as ledger:
        if candidate:
            row = screen.find_candidate(ledger, candidate)
            if json:
                print(json_format.dumps(screen.candidate_as_json(ledger, row), indent=2))  # noqa: T201
            else:
                screen.show_candidate(ledger, row)
        elif json:
            print(json_format.dumps({**screen.about(ledger), **make_tables(ledger).as_json()}, indent=2))  # noqa: T201
        else:
            screen.show_run(ledger)
    return 0


def _end(folder: Path, json: bool) -> int:
    from ab.gpt.ledger import Ledger
    from ab.gpt.report.tables import make_tables
    from ab.gpt.show import about, show_run

    with Ledger(folder) as ledger:
        if json:
            print(json_format.dumps({**about(ledger), **make_tables(ledger).as_json()}, indent=2))  # noqa: T201
        else:
            show_run(ledger)
    return 0


def _budget(
    candidates: int | None, trained: int | None, minutes: float | None, tokens: int | None, cost: float | None
) -> Budget:
    from ab.gpt.plan import Budget

    if all(limit is None for limit in (candidates, trained, minutes, tokens, cost)):
        candidates = 10
    return Budget(candidates, trained, minutes, tokens, cost)


def _prices(prices: list[float] | None) -> tuple[float, float] | None:
    from ab.gpt.errors import UsageError

    if prices is None:
        return None
    if len(prices) != 2 or min(prices) < 0:
        raise UsageError(
            "--prices: two numbers are wanted.", "One is 0.5,1.5: of a million tokens of prompt, of reply."
        )
    return prices[0], prices[1]

"""A study as it is written down: what is varied, what all arms have in common, and the arms that follow."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Set
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ab.gpt.errors import UsageError
from ab.gpt.lemur.home import Home
from ab.gpt.plan import Budget, Plan
from ab.gpt.train.settings import Settings

AXES = {"snippets": "snippets", "llm": "llm", "mode": "modes", "baseline": "baselines", "seed": "seed"}
"""What a grid may vary, and the plan's name for it. An arm has one value of each."""
_SHORT = {"snippets": "n", "llm": "", "mode": "", "baseline": "", "seed": "s"}
_TOP = ("name", "question", "grid", "budget", "plan", "train")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}\Z")
_APART = {*AXES.values(), "budget", "train", "prefix"}

Value = str | int


@dataclass(frozen=True)
class Arm:
    """One run of a study: its name, where it stands in the grid, and its plan."""

    name: str
    at: dict[str, Value]
    plan: Plan


@dataclass(frozen=True)
class Study:
    """A question, the grid that is to answer it, and the arms."""

    name: str
    question: str
    grid: dict[str, list[Value]]
    arms: list[Arm]
    file: Path

    @property
    def varied(self) -> list[str]:
        """The axes with more than one value; seeds are repetitions and no question."""
        return [axis for axis, values in self.grid.items() if len(values) > 1 and axis != "seed"]


def read_study(file: Path) -> Study:
    """The study in a YAML file; `UsageError` names the file and the field that is wrong."""
    import yaml

    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The study {file} cannot be read: {error.strerror}.", "Give a YAML file.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"The study {file} is not YAML: {error}.", "See docs/studies for examples.") from error
    try:
        return _study(loaded, file)
    except UsageError as error:
        raise UsageError(f"{file}: {error.what}", error.way_out) from None


def check_study(study: Study, home: Home) -> Study:
    """The study itself; `UsageError` for the first arm that could not be run here."""
    for arm in study.arms:
        arm.plan.check()
        arm.plan.train.check(home)
        for baseline in arm.plan.baselines:
            if not (home.code_dir("nn") / f"{baseline}.py").is_file():
                raise UsageError(f"{study.file}: LEMUR has no model {baseline!r}.", "Name one as grid.baseline.")
    return study


def _study(loaded: Any, file: Path) -> Study:
    top = _object(loaded, "the study")
    _known(top, _TOP, "")
    name = str(top.get("name", file.stem))
    if not _NAME.match(name):
        raise UsageError(f"name: {name!r} is not allowed.", "It takes up to 40 letters, digits and dashes.")
    grid = _grid(_object(top.get("grid"), "grid"))
    limits = _values(Budget, _object(top.get("budget"), "budget"), "budget")
    budget = Budget(**(limits if "candidates" in limits else {"candidates": None, **limits}))
    train = Settings(**{"pretrained": False, **_values(Settings, _object(top.get("train") or {}, "train"), "train")})
    # Arms that were recorded in LEMUR would be duplicates to those that come after them.
    plan = {
        "record": False,
        "quality": False,
        **_values(Plan, _object(top.get("plan") or {}, "plan"), "plan", without=_APART),
    }
    common = Plan(budget=budget, train=train, **plan)
    return Study(name, " ".join(str(top.get("question", "")).split()), grid, list(_arms(name, grid, common)), file)


def _grid(given: dict[str, Any]) -> dict[str, list[Value]]:
    _known(given, tuple(AXES), "grid.")
    grid: dict[str, list[Value]] = {}
    for axis in AXES:
        values = given.get(axis, [0] if axis == "seed" else None)
        values = values if isinstance(values, list) else [values]
        wanted = int if axis in ("snippets", "seed") else str
        if wrong := [value for value in values if type(value) is not wanted]:
            word = "whole numbers" if wanted is int else "names"
            what = "is missing" if wrong == [None] else f"{wrong[0]!r} is not allowed"
            raise UsageError(f"grid.{axis}: {what}.", f"It takes {word}.")
        if not values or len(set(values)) < len(values):
            raise UsageError(f"grid.{axis}: values are wanted, each once.", "Give at least one.")
        grid[axis] = values
    return grid


def _arms(study: str, grid: dict[str, list[Value]], common: Plan) -> list[Arm]:
    """One arm for each place in the grid; each baseline is trained once, by the first arm that starts from it."""
    arms: list[Arm] = []
    trained: set[Value] = set()
    for place in itertools.product(*grid.values()):
        at = dict(zip(grid, place, strict=True))
        changes: dict[str, Any] = {AXES[axis]: value if axis == "seed" else (value,) for axis, value in at.items()}
        first = at["baseline"] not in trained
        trained.add(at["baseline"])
        plan = replace(common, with_baselines=first and common.with_baselines, **changes)
        if "blueprint" not in plan.modes:  # what narrows blueprints says nothing to who writes code
            plan = replace(plan, encoders=(), frozen=False, light=False)
        arms.append(Arm(_name(study, grid, at, {arm.name for arm in arms}), at, plan))
    return arms


def _name(study: str, grid: dict[str, list[Value]], at: dict[str, Value], taken: set[str]) -> str:
    """`<study>-<arm>`: the arm by what tells it from the others."""
    telling = [axis for axis in grid if len(grid[axis]) > 1]
    parts = [f"{_SHORT[axis]}{re.sub(r'[^A-Za-z0-9.]+', '-', str(at[axis])).strip('-.')[-30:]}" for axis in telling]
    name = "-".join([study, *parts]) if parts else f"{study}-only"
    numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    return next(one for one in numbered if one not in taken)


def _values(kind: type, given: dict[str, Any], where: str, without: Set[str] = frozenset()) -> dict[str, Any]:
    """The fields of a dataclass that are given, in their own types."""
    defaults = kind()
    names = [field.name for field in fields(kind) if field.name not in without]
    _known(given, tuple(names), f"{where}.")
    return {name: _typed(value, getattr(defaults, name), f"{where}.{name}") for name, value in given.items()}


def _typed(value: Any, default: Any, where: str) -> Any:
    if isinstance(value, list):
        return frozenset(value) if isinstance(default, frozenset) else tuple(value)
    if type(default) is float and type(value) is int:
        return float(value)
    if default is not None and value is not None and type(value) is not type(default):
        raise UsageError(f"{where}: {value!r} is not allowed.", f"It takes a value such as {default!r}.")
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        missing = "is missing" if value is None else "has no fields"
        raise UsageError(f"{what} {missing}.", "Write `field: value` lines under it; see docs/studies for examples.")
    return {str(key): one for key, one in value.items()}


def _known(given: dict[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"There is no field {where}{name}.{hint}", f"Fields are: {', '.join(names)}.")

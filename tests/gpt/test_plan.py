"""A plan says what each candidate is to be, the same whenever it is asked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from ab.gpt.errors import UsageError
from ab.gpt.lemur.names import BadName
from ab.gpt.plan import Budget, Plan
from ab.gpt.propose.hyper import suggested
from ab.gpt.train.settings import Settings


def test_every_combination_comes_equally_often():
    plan = Plan(modes=("code", "blueprint"))
    choices = [plan.choose(number) for number in range(80)]
    assert set(Counter((c.mode, c.baseline, c.n) for c in choices).values()) == {10}
    assert len({c.seed for c in choices}) == 80
    assert choices == [plan.choose(number) for number in range(80)]
    assert plan.choose(0).prefix == "C5C-RESNETLSTM" and plan.choose(3).prefix == "C10C-ResNetTransformer"
    assert replace(plan, seed=1).choose(0).seed != plan.choose(0).seed
    assert replace(plan, prefix="Mine").choose(0).prefix == "Mine-RESNETLSTM"


def test_a_plan_can_be_written_down():
    plan = Plan(
        Budget(None, 3, 1.5),
        llm=("a=2", "b"),
        gpus=(0, 1),
        train=Settings(lr=0.1, walls=frozenset({"root", "Landlock"}), speed=frozenset({"fused"})),
    )
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan
    assert plan.random("x", 1).random() == plan.random("x", 1).random() != plan.random("x", 2).random()


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"budget": Budget(None)}, "no end"),
        ({"budget": Budget(0)}, "--candidates"),
        ({"budget": Budget(1, cost=-1)}, "--max-cost"),
        ({"snippets": ()}, "--snippets"),
        ({"snippets": (5, -1)}, "--snippets"),
        ({"modes": ("poem",)}, "--mode"),
        ({"repairs": -1}, "--repairs"),
        ({"temperature": 9.0}, "--temperature"),
    ],
)
def test_what_cannot_be_done_is_named(changes, flag):
    with pytest.raises(UsageError, match=flag):
        replace(Plan(), **changes).check()
    assert Plan().check() == Plan()


def test_names_are_names():
    with pytest.raises(BadName):
        replace(Plan(), baselines=("../etc",)).check()


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("I suggest lr = 5e-4 and momentum: 0.95.\n```python\nlr = 0.1\n```", {"lr": 5e-4, "momentum": 0.95}),
        ('```python\nx\n```\n{"lr": 0.0005, "momentum": 0.9, "batch": 64}', {"lr": 5e-4, "momentum": 0.9, "batch": 64}),
        ("Learning rate is **0.002**, batch size of 16", {"lr": 0.002, "batch": 16}),
        ("learning_rate=0.002", {"lr": 0.002}),
        ("lr=0.1 or lr=0.01", {}),
        ("lr = 1000, momentum = 7", {}),
        ("no numbers, self.lr=0.5", {}),
        ("```python\nlr = 0.1", {}),
        ("", {}),
    ],
)
def test_suggestions(reply, found):
    assert suggested(reply) == found


def test_suggestions_take_no_time():
    suggested("lr" * 10**6 + "`" * 10**6)

"""Hyper-parameters are taken from what a reply says, not from its code, and only within LEMUR's ranges."""

from __future__ import annotations

import pytest

from ab.gpt.propose.hyper import suggested


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("", {}),
        ("lr: 0.0005, momentum: 0.9, batch: 32", {"lr": 0.0005, "momentum": 0.9, "batch": 32}),
        ("```python\nlr = 0.5\n```\nUse lr=3e-4.", {"lr": 3e-4}),
        ("```python\nlr = 0.001\nmomentum = 0.9\n```", {}),
        ("```python\nlr = 0.001\n", {}),
        ("A learning rate of 1e-3 and a batch size of 16 suit it.", {"lr": 1e-3, "batch": 16}),
        ('{"lr": 0.002, "momentum": .8}', {"lr": 0.002, "momentum": 0.8}),
        ("**Learning rate**: `0.0003`", {"lr": 0.0003}),
        ("lr is 0.01, or lr is 0.001", {}),
        ("lr: 0.01 … lr: 0.01", {"lr": 0.01}),
        ("lr: 7, momentum: 1.5, batch: 100000", {}),
        ("lr: 0.1, momentum: 0, batch: 1", {"lr": 0.1, "momentum": 0.0, "batch": 1}),
        ("min_lr: 0.01, my.lr = 0.02, batch_size_of_8", {}),
        ("batch: 2.6", {"batch": 3}),
        ("x" * 300_000 + " lr: 0.01", {"lr": 0.01}),
    ],
)
def test_suggestions(reply, found):
    assert suggested(reply) == found


def test_a_batch_is_a_whole_number():
    assert isinstance(suggested("batch: 16")["batch"], int)

"""Short candidates: small captioners that differ in size and kind, and that say how long they computed."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

_NET = '''\
import time

import torch
import torch.nn as nn

NUMBER = {number}


def supported_hyperparameters():
    return {{"lr", "momentum"}}


class Net(nn.Module):
    """A small convolutional encoder and a recurrent decoder that begins with what it saw."""

    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.device = device
        self.vocab_size = out_shape[0]
        self.seconds = 0.0
        self.encoder = nn.Sequential(
            nn.Conv2d(in_shape[1], {width}, 3, 2, 1), nn.BatchNorm2d({width}), nn.ReLU(),
            nn.Conv2d({width}, {wide}, 3, 2, 1), nn.BatchNorm2d({wide}), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        )
        self.start = nn.Linear({wide}, {hidden})
        self.embed = nn.Embedding(self.vocab_size, {hidden})
        self.rnn = nn.{kind}({hidden}, {hidden}, batch_first=True)
        self.out = nn.Linear({hidden}, self.vocab_size)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(ignore_index=0)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=prm["lr"])

    def learn(self, train_data):
        for images, captions in train_data:
            images, captions = images.to(self.device), captions.to(self.device)[:, 0, :]
            began = time.perf_counter()
            logits, _ = self._run(images, captions[:, :-1])
            loss = self.criterion(logits.reshape(-1, self.vocab_size), captions[:, 1:].reshape(-1))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.seconds += time.perf_counter() - began

    def forward(self, images, captions=None, hidden_state=None):
        began = time.perf_counter()
        said = self._run(images, captions)
        self.seconds += time.perf_counter() - began
        print(f"computed {{NUMBER}} {{self.seconds:.6f}}", flush=True)
        return said

    def _run(self, images, captions=None):
        hidden = torch.tanh(self.start(self.encoder(images).flatten(1))).unsqueeze(0)
        {state}
        if captions is not None:
            states, _ = self.rnn(self.embed(captions), hidden)
            return self.out(states), None
        token = torch.full((images.size(0), 1), 1, dtype=torch.long, device=images.device)
        done = torch.zeros_like(token, dtype=torch.bool)
        said = []
        for _ in range(16):
            states, hidden = self.rnn(self.embed(token), hidden)
            token = self.out(states[:, -1]).argmax(-1, keepdim=True).masked_fill(done, 0)
            done = done | (token == 2)
            said.append(token)
        return torch.cat(said, 1)
'''


def write_nets(folder: Path, count: int) -> list[Path]:
    """As many Net files, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        kind = ("GRU", "LSTM")[number % 2]
        width, hidden = 16 + 4 * (number % 3), 96 + 16 * (number % 5)
        state = "hidden = (hidden, torch.zeros_like(hidden))" if kind == "LSTM" else "hidden = hidden.contiguous()"
        code = _NET.format(number=number, width=width, wide=2 * width, hidden=hidden, kind=kind, state=state)
        file = folder / f"bench{number}.py"
        file.write_text(code)
        files.append(file)
    return files


def computed(text: str) -> dict[int, float]:
    """For each network in a log the seconds of forward, backward and optimizer."""
    return {int(number): float(seconds) for number, seconds in re.findall(r"computed (\d+) ([\d.]+)", text)}


def share_of_the_rest(ended: list[float], seconds: dict[int, float]) -> list[float]:
    """For each candidate but the first, the share of its wall time in which it did not compute."""
    walls = [end - before for before, end in itertools.pairwise(ended)]
    return [1 - seconds[number] / wall for number, wall in enumerate(walls, start=1)]

"""Batches made ready ahead are the very batches that there would be without, in the same order."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from torchvision import transforms

from ab.gpt.train.data.ahead import Ahead, Pinned, pinned
from ab.gpt.train.data.captioned import Captioned, Kept, Opened
from ab.gpt.train.data.captions import CaptionTable, save
from ab.gpt.train.data.head import Parts

PICTURES = 50
FLIP = transforms.RandomHorizontalFlip()
TAILS = {
    "whole batches": (FLIP, transforms.ToTensor()),
    "one by one": (transforms.RandomRotation(20), transforms.ToTensor()),
}


@pytest.fixture
def make_loader(tmp_path):
    """Loaders over made-up pictures with captions, as LEMUR makes them."""
    save([[[1, 4 + place, 2]] for place in range(PICTURES)], tmp_path / "captions.npz")
    pictures = torch.randint(0, 256, (PICTURES, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))

    def make(tail: str = "whole batches", workers: int = 0):
        source = Kept(pictures.numpy(), Parts((), TAILS[tail]))
        data = Captioned(source, CaptionTable.load(tmp_path / "captions.npz"), ["<PAD>"])
        return torch.utils.data.DataLoader(data, 8, shuffle=True, num_workers=workers, collate_fn=data.collate_fn)

    return make


def as_it_is(batch):
    return batch


def same(one, other) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) for first, second in zip(one, other, strict=True) for a, b in zip(first, second, strict=True)
    )


def ahead_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_batches_and_the_same_chance_afterwards(make_loader, tail, workers):
    seen = []
    for loader in (make_loader(tail, workers), Ahead(make_loader(tail, workers), as_it_is)):
        torch.manual_seed(7)
        epochs = [batch for _ in range(3) for batch in loader]
        seen.append((epochs, torch.rand(3)))
    assert same(seen[0][0], seen[1][0]) and torch.equal(seen[0][1], seen[1][1])
    assert len(seen[0][0]) == 3 * len(make_loader()) and not ahead_threads()


def test_whoever_leaves_early_finds_chance_as_without(make_loader):
    drawn = []
    for loader in (make_loader(), Ahead(make_loader(), as_it_is)):
        torch.manual_seed(7)
        for number, _ in enumerate(loader):
            if number == 2:
                break
        drawn.append(torch.rand(3))
        assert not ahead_threads()
    assert torch.equal(*drawn)


def test_a_network_that_draws_by_itself_changes_no_picture_and_gets_the_same_every_time(make_loader):
    def epochs(draws: bool):
        torch.manual_seed(7)
        own, batches = [], []
        for batch in Ahead(make_loader(), as_it_is):
            batches.append(batch)
            if draws:
                own.append(float(torch.rand(1)))
            time.sleep(0.002)
        return batches, own

    quiet, (batches, own), again = epochs(False), epochs(True), epochs(True)
    assert same(quiet[0], batches) and same(batches, again[0])
    assert own == again[1] and len(set(own)) == len(own)


def test_batches_are_made_while_the_one_before_is_looked_at(make_loader):
    made: list[tuple[float, str]] = []

    def ready(batch):
        made.append((time.perf_counter(), threading.current_thread().name))
        return batch

    batches = iter(Ahead(make_loader(), ready, most=2))
    next(batches)
    next(batches)
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(made) == 4, "the one in hand, the one before it, and two that wait"
    assert {name for _, name in made[1:]} == {"ahead"}
    batches.close()
    assert not ahead_threads()


@pytest.mark.parametrize("where", [1, 4])
def test_errors_come_out_where_the_batch_was_asked_for(make_loader, where):
    loader = make_loader()
    real, count = loader.dataset.source.images, []

    def images(places):
        count.append(places)
        if len(count) == where:
            raise ValueError(f"picture {where}")
        return real(places)

    loader.dataset.source.images = images
    got = []
    with pytest.raises(ValueError, match=f"picture {where}") as caught:
        for batch in Ahead(loader, as_it_is):
            got.append(batch)
    assert len(got) == where - 1 and not ahead_threads()
    assert "images" in [entry.name for entry in caught.traceback]


def test_what_cannot_be_drawn_apart_is_made_when_it_is_asked_for(tmp_path):
    """Pictures that are opened each time draw from torch's own chance: nothing may run beside them."""
    names = []

    class Few(torch.utils.data.Dataset):
        source = Opened([], None)

        def __len__(self):
            return 6

        def __getitem__(self, place):
            names.append(threading.current_thread().name)
            return torch.rand(2)

    seen = []
    for make in (lambda loader: loader, lambda loader: Ahead(loader, as_it_is)):
        torch.manual_seed(3)
        seen.append(list(make(torch.utils.data.DataLoader(Few(), 2, shuffle=True))))
    assert all(torch.equal(*pair) for pair in zip(*seen, strict=True)) and "ahead" not in names


def test_an_empty_loader_gives_nothing():
    assert list(Ahead(torch.utils.data.DataLoader([], 2), as_it_is)) == []


def test_a_pinned_batch_is_a_tensor_like_any_other(monkeypatch):
    """Without a GPU there is nothing to pin: what is looked at is how it is copied."""
    asked = []
    real = torch.Tensor.to

    def to(self, *args, **kwargs):
        asked.append(kwargs.get("non_blocking", args[2] if len(args) > 2 else None))
        return real(self, *args, **kwargs)

    batch = torch.arange(6.0).reshape(2, 3).as_subclass(Pinned)
    monkeypatch.setattr(torch.Tensor, "to", to)
    assert torch.equal(batch.to("cpu"), batch) and batch.to(torch.float64).dtype == torch.float64
    batch.to("cpu", torch.float32, False)
    batch.to("cpu", non_blocking=False)
    assert asked == [True, True, False, False]
    assert type(batch[:, 0]) is torch.Tensor and type(batch + 1) is torch.Tensor
    assert isinstance(batch, torch.Tensor) and batch.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert torch.cat([batch, batch]).shape == (4, 3) and batch.numpy().sum() == 15


def test_where_nothing_can_be_pinned_the_batch_stays_as_it_is(monkeypatch):
    def refuse(_tensor):
        raise RuntimeError("no pinned memory")

    monkeypatch.setattr(torch.Tensor, "pin_memory", refuse)
    batch = (torch.zeros(2), torch.ones(2))
    with pytest.warns(UserWarning, match="no pinned memory"):
        assert pinned(batch) is batch

"""Tables over all images from which the counts of a caption that is said of every image are looked up.

Of a constant caption, BLEU counts for each image how often the image's references hold each of its n-grams. Added up
over the images, the k-th occurrence of an n-gram counts for as many images as have a reference that holds it at least
k times. That number is made once for each n-gram and k (a slot), and a caption's matches are a sum over its slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ab.gpt.train.scores.captions import ORDERS, Caption, References, check_images

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class _Order:
    """All n-grams of one length that some reference holds."""

    codes: Ints
    """Sorted: the number of an n-gram's first n-1 tokens and of its last token in one."""
    first_slot: Ints
    """Of each n-gram the slot of its first occurrence; one more entry ends the last."""
    slot_start: Ints
    """Of each slot the place in `images` where its images begin; one more entry ends the last."""
    images: Ints
    """The images of all slots, slot by slot."""


class ReferenceTables:
    """What the references of all images hold, made ready to score very many constant captions."""

    def __init__(self, references: References) -> None:
        check_images(references, references)
        self.images = len(references)
        captions = [caption for image in references for caption in image]
        tokens = list(dict.fromkeys(chain.from_iterable(captions)))
        self._number = {token: number for number, token in enumerate(tokens)}
        flat = np.array([self._number[token] for token in chain.from_iterable(captions)], dtype=np.int64)
        lengths = np.array([len(caption) for caption in captions], dtype=np.int64)
        self._lengths = lengths
        self._first_caption = np.cumsum([0, *(len(image) for image in references[:-1])])
        caption_of = np.repeat(np.arange(len(captions)), lengths)
        left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(flat))
        image_of = np.repeat(np.arange(self.images), [len(image) for image in references])
        self._orders: list[_Order] = []
        grams = np.zeros(len(flat), dtype=np.int64)
        for n in ORDERS:
            starts = np.flatnonzero(left >= n)
            codes, numbers = np.unique(self._code(grams[starts], flat[starts + n - 1]), return_inverse=True)
            grams[starts] = numbers
            self._orders.append(_order(codes, numbers, caption_of[starts], image_of))
        self.image_counts = self.sums(np.ones(self.images))

    def closest_lengths(self, length: int) -> Ints:
        """For each image the length of the reference that is nearest to a caption of this length."""
        # doubled, and one more where the reference is longer: of two that are as near the shorter is the smaller
        distance = 2 * np.abs(self._lengths - length) + (self._lengths > length)
        nearest = np.minimum.reduceat(distance, self._first_caption)
        return np.where(nearest % 2, length + nearest // 2, length - nearest // 2)

    def slots(self, captions: Sequence[Caption], length: int) -> list[Ints]:
        """For each order the slots of captions that all have this length: a row a place, a column a caption.

        What no reference holds so often is the slot after the last.
        """
        flat = (self._number.get(token, -1) for token in chain.from_iterable(captions))
        tokens = np.fromiter(flat, dtype=np.int64, count=len(captions) * length).reshape(-1, length).T
        found = []
        grams = np.zeros_like(tokens)
        for n, order in zip(ORDERS, self._orders, strict=True):
            if n > length:
                break
            ends = tokens[n - 1 :]
            grams = grams[: len(ends)]
            possible = (grams >= 0) & (ends >= 0)
            grams = np.where(possible, _find(order.codes, self._code(grams, ends)), -1)
            slot = order.first_slot[grams] + _occurrences(grams)
            found.append(np.where((grams >= 0) & (slot < order.first_slot[grams + 1]), slot, len(order.slot_start) - 1))
        return found

    def sums(self, image_weights: Floats) -> list[Floats]:
        """For each order and slot the added weight of its images; 0 for the slot after the last."""
        return [
            np.append(np.add.reduceat(image_weights[order.images], order.slot_start[:-1]), 0.0)
            if len(order.images)
            else np.zeros(1)
            for order in self._orders
        ]

    def matches(self, n: int, slots: Ints) -> Ints:
        """For each image how many of a caption's n-grams are matched, given the caption's slots of that order."""
        order = self._orders[n - 1]
        starts, ends = order.slot_start[:-1], order.slot_start[1:]
        lists = [order.images[starts[slot] : ends[slot]] for slot in slots.tolist() if slot < len(starts)]
        return np.bincount(np.concatenate(lists), minlength=self.images) if lists else np.zeros(self.images, np.int64)

    def _code(self, grams: Ints, ends: Ints) -> Ints:
        return grams * (len(self._number) + 1) + ends


def _order(codes: Ints, numbers: Ints, caption_of: Ints, image_of: Ints) -> _Order:
    """One order's table from the n-gram's number and the caption at each place."""
    held, counts = np.unique(caption_of * len(codes) + numbers, return_counts=True)
    captions, grams = np.divmod(held, max(1, len(codes)))
    image_gram = image_of[captions] * len(codes) + grams
    ascending = np.lexsort((counts, image_gram))
    image_gram, counts = image_gram[ascending], counts[ascending]
    most = np.append(image_gram[1:] != image_gram[:-1], True)[: len(image_gram)]
    images, grams = np.divmod(image_gram[most], max(1, len(codes)))
    counts = counts[most]  # the most that one reference of the image holds of the n-gram

    levels = np.zeros(len(codes), dtype=np.int64)
    np.maximum.at(levels, grams, counts)
    first_slot = np.concatenate([[0], np.cumsum(levels)])
    occurrence = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    slot = np.repeat(first_slot[grams], counts) + occurrence
    by_slot = np.argsort(slot, kind="stable")
    sizes = np.bincount(slot, minlength=int(first_slot[-1]))
    slot_start = np.concatenate([[0], np.cumsum(sizes)])
    return _Order(codes, first_slot, slot_start, np.repeat(images, counts)[by_slot])


def _find(codes: Ints, wanted: Ints) -> Ints:
    """The place of each wanted code among the sorted codes, or -1."""
    if not len(codes):
        return np.full_like(wanted, -1)
    place = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    return np.where(codes[place] == wanted, place, -1)


def _occurrences(grams: Ints) -> Ints:
    """At each place how often the caption had the same n-gram before."""
    before = np.zeros_like(grams)
    for place in range(1, len(grams)):
        before[place] = (grams[:place] == grams[place]).sum(axis=0)
    return before

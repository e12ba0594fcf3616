"""The best score that can be had without looking at the image: by saying one and the same caption of all of them.

A captioner that does not beat it has learned nothing from the images, whatever its figure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ab.gpt.train.scores.bleu import CLOSEST, GUESSED, LENGTH, MATCHED, bleu_figures, bleu_of, guesses
from ab.gpt.train.scores.captions import ORDERS, Caption, References, ScoringError
from ab.gpt.train.scores.lemur import EPSILON, counted_references, lemur_bleu, without_padding
from ab.gpt.train.scores.tables import ReferenceTables

Floats: TypeAlias = NDArray[np.float64]
Tokens: TypeAlias = tuple[Hashable, ...]

_NEAR = 1e-9
"""Figures from whole arrays may differ in the last digits; the best ones that are this near are computed one by one."""


@dataclass(frozen=True)
class BlindCaption:
    """One caption for all images, and what it scores."""

    tokens: Tokens
    score: float


def best_blind_caption(candidates: Iterable[Caption], references: References) -> BlindCaption:
    """The candidate with the highest corpus BLEU-4 when it is said of every image; of equals the one given first.

    Every candidate is scored, exactly.
    """
    captions = _distinct(candidates)
    tables = ReferenceTables(references)
    scores = _length_by_length(captions, lambda group, length: bleu_figures(_counts(tables, group, length))[:, 3])

    def exact(place: int) -> float:
        caption = captions[place]
        return bleu_of(_counts(tables, [caption], len(caption))[0])[3]

    best = max(np.flatnonzero(scores >= scores.max() - _NEAR).tolist(), key=exact)
    return BlindCaption(captions[best], exact(best))


def best_blind_by_lemur(candidates: Iterable[Caption], references: References) -> BlindCaption:
    """The candidate with the highest `lemur_bleu` when it is said of every image; of equals the one given first.

    Candidates and references are as LEMUR compares them, SOS and EOS included. The search goes through the candidates
    by a bound that their score cannot exceed, and ends where the bound falls below the best score: nothing that it
    leaves out can be better.
    """
    captions = _distinct(map(without_padding, candidates))
    tables = ReferenceTables(counted_references(references))
    bounds = _length_by_length(captions, lambda group, length: _lemur_bounds(tables, group, length))
    scores: dict[int, float] = {}
    best = 0.0
    for place in np.argsort(-bounds, kind="stable").tolist():
        if bounds[place] < best - _NEAR:
            break
        scores[place] = _lemur_mean(tables, captions[place])
        best = max(best, scores[place])

    def exact(place: int) -> float:
        return lemur_bleu([captions[place]] * len(references), references)

    winner = max(sorted(place for place, score in scores.items() if score >= best - _NEAR), key=exact)
    return BlindCaption(captions[winner], exact(winner))


def _distinct(candidates: Iterable[Caption]) -> list[Tokens]:
    captions = list(dict.fromkeys(tuple(caption) for caption in candidates if len(caption)))
    if not captions:
        raise ScoringError("No candidate for the blind caption.", "Give the training captions.")
    return captions


def _length_by_length(captions: list[Tokens], figure: Callable[[list[Tokens], int], Floats]) -> Floats:
    """The figure of every caption, computed for all captions of one length at once."""
    lengths = np.array([len(caption) for caption in captions])
    figures = np.empty(len(captions))
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        figures[places] = figure([captions[place] for place in places.tolist()], length)
    return figures


def _counts(tables: ReferenceTables, captions: list[Tokens], length: int) -> Floats:
    """For each caption the row of counts (see `bleu.bleu_counts`), added up over all images."""
    counts = np.zeros((len(captions), 10))
    counts[:, LENGTH] = tables.images * length
    counts[:, CLOSEST] = tables.closest_lengths(length).sum()
    counts[:, GUESSED] = tables.images * np.array(guesses(length))
    for order, (slots, images) in enumerate(zip(tables.slots(captions, length), tables.image_counts, strict=False)):
        counts[:, MATCHED.start + order] = images[slots].sum(axis=0)
    return counts


def _lemur_bounds(tables: ReferenceTables, captions: list[Tokens], length: int) -> Floats:
    """What no mean sentence BLEU of these captions can exceed.

    An image's score is the geometric mean of four precisions, each times the brevity penalty. By Hölder's inequality
    the mean of geometric means is at most the geometric mean of the four means, and those are sums over slots. Only of
    the smoothing a bound must do: at most the images that even the commonest of its n-grams is missing from.
    """
    penalties = _penalties(tables, length)
    all_images = float(penalties.sum())
    sums = tables.sums(penalties)
    slots = tables.slots(captions, length)
    product = np.ones(len(captions))
    for n, guessed in zip(ORDERS, guesses(length), strict=True):
        if not guessed:
            product *= EPSILON * all_images
            continue
        matched = sums[n - 1][slots[n - 1]]
        unmatched = all_images - matched.max(axis=0) if n > 1 else 0.0  # an image without a matched token scores 0
        product *= (matched.sum(axis=0) + EPSILON * unmatched) / guessed
    return np.asarray(product**0.25 / tables.images, dtype=np.float64)


def _lemur_mean(tables: ReferenceTables, caption: Tokens) -> float:
    """The mean sentence BLEU, but for its last digits."""
    length = len(caption)
    slots = tables.slots([caption], length)
    product = np.ones(tables.images)
    for n, guessed in zip(ORDERS, guesses(length), strict=True):
        matched = tables.matches(n, slots[n - 1][:, 0]) if guessed else np.zeros(tables.images)
        nothing = EPSILON if n > 1 else 0.0
        product *= np.where(matched > 0, matched, nothing) / max(1, guessed)
    return float((_penalties(tables, length) * product**0.25).mean())


def _penalties(tables: ReferenceTables, length: int) -> Floats:
    """NLTK's brevity penalty of each image for a caption of this length."""
    return np.asarray(np.exp(np.minimum(0, 1 - tables.closest_lengths(length) / length)), dtype=np.float64)

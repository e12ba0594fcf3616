"""What a child claims, checked against what it predicted. The parent's figures are the only ones that count."""

from __future__ import annotations

import ast
import json
import math
from dataclasses import dataclass
from typing import Any

from ab.gpt.gate.check.policy import bulk_data
from ab.gpt.train.exam import Exam
from ab.gpt.train.scores import Scores

LONGEST_CAPTION = 2_000
COPIED = 0.5
"""Above this share of captions that repeat a true one word for word, nobody wrote them from looking."""
PEEKED = 0.1


class Forged(Exception):
    """What the child says cannot be, or shows that it looked where it should not."""


_MOST = 2**53
"""Nanoseconds and bytes from which no epoch can be: a hundred days, and a thousand times the largest machine."""


@dataclass(frozen=True)
class EpochScore:
    """One epoch as the parent has checked it."""

    number: int
    lemur_bleu: float
    """LEMUR's figure against the true captions; the one that is recorded."""
    scores: Scores
    train_loss: float | None
    lr: float | None
    learn_seconds: float
    eval_seconds: float
    images_per_second: float
    duration: int
    peak_memory: int
    predicted: list[list[int]]

    def as_json(self) -> dict[str, Any]:
        """Everything but the captions themselves."""
        own = {key: value for key, value in vars(self).items() if key not in ("scores", "predicted")}
        return {**own, "scores": self.scores.to_dict()}


def judge_epoch(exam: Exam, claim: dict[str, Any], predictions: bytes, expected: int) -> EpochScore:
    """The checked epoch; `Forged` where claim and predictions do not fit, or the predictions were looked up."""
    if tampered := claim.get("tampered"):
        raise Forged(f"it replaced {', '.join(map(str, tampered)) if isinstance(tampered, list) else 'something'}")
    predicted = read_predictions(exam, predictions)
    try:
        number, claimed = int(claim["epoch"]), float(claim["lemur_bleu"])
        numbers = {key: float(claim[key]) for key in ("learn_seconds", "eval_seconds", "images_per_second")}
        duration, memory = int(claim["duration"]), int(claim["peak_memory"])
        loss, rate = (None if claim[key] is None else float(claim[key]) for key in ("train_loss", "lr"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Forged(f"a report of an epoch that the worker does not write: {error!r}") from error
    if number != expected:
        raise Forged(f"a report of epoch {number} where epoch {expected} was due")
    if not (0 <= duration < _MOST and 0 <= memory < _MOST) or not all(
        math.isfinite(value) and value >= 0 for value in numbers.values()
    ):
        raise Forged("times that cannot be")
    honest = exam.on_decoys(predicted)
    if claimed != honest and not (math.isnan(claimed) and math.isnan(honest)):
        raise Forged(
            f"it reported a BLEU of {claimed:.4f}, its predictions give {honest:.4f}: the metric was tampered with"
        )
    true_share, decoy_share = exam.shares(predicted)
    if decoy_share > PEEKED and decoy_share > 2 * true_share:
        raise Forged(f"{decoy_share:.0%} of its captions are the answers planted in its process: it looked them up")
    if true_share > COPIED:
        raise Forged(f"{true_share:.0%} of its captions repeat a validation caption word for word: they were memorised")
    scores = exam.score(predicted)
    return EpochScore(
        number,
        scores.lemur_bleu,
        scores,
        loss,
        rate,
        numbers["learn_seconds"],
        numbers["eval_seconds"],
        numbers["images_per_second"],
        duration,
        memory,
        predicted,
    )


def read_predictions(exam: Exam, text: bytes) -> list[list[int]]:
    """One list of known token ids for each validation image, or `Forged`."""
    try:
        predicted = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Forged("predictions that are not JSON") from error
    if not isinstance(predicted, list) or len(predicted) != len(exam.image_ids):
        raise Forged(f"not one caption for each of the {len(exam.image_ids)} validation images")
    for caption in predicted:
        if not isinstance(caption, list) or len(caption) > LONGEST_CAPTION:
            raise Forged(f"a caption that is no list of up to {LONGEST_CAPTION} token ids")
        for token in caption:
            if type(token) is not int or not 0 <= token < len(exam.words):
                raise Forged(f"the token id {token!r}, which the vocabulary of {len(exam.words)} words does not have")
    return predicted


def carried_answers(exam: Exam, code: str) -> str:
    """Why the code cannot be a network alone: it carries validation captions or bulk data; empty if it is fine."""
    tree = ast.parse(code)
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = [" ".join(str(value).lower().split()) for value in constants if isinstance(value, (str, bytes))]
    if carried := bulk_data(tree):
        return f"it carries {carried}"
    vocabulary = exam.ground.vocabulary
    joined = "\n".join(texts)
    known = {
        text
        for captions in exam.references
        for caption in captions
        if len(words := vocabulary.sentence(caption)) > 5 and (text := vocabulary.text(words).rstrip(" ."))
    }
    found = sum(text in joined for text in known)
    return f"it carries {found} validation captions" if found >= 3 else ""

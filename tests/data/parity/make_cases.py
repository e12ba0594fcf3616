"""Writes `cases.json`: invented captions about drawn scenes, with the figures that pycocoevalcap gives them.

    pip install --no-deps --target /tmp/pce pycocoevalcap==1.2
    PYTHONPATH=/tmp/pce python tests/data/parity/make_cases.py

The captions come from a small grammar and a fixed seed, so they belong to this project. They are words already, so
pycocoevalcap's scorers are called directly, and its tokenizer (Java) is not needed.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

SIZES = ("small", "large", "tiny", "big")
COLOURS = ("red", "blue", "green", "yellow", "white")
THINGS = ("circle", "square", "boat", "house", "tree", "ball", "kite", "dog")
PLACES = ("on a hill", "in the water", "under the sun", "in front of a house", "on the green grass", "in the sky")
DOINGS = ("is floating", "stands", "is lying", "can be seen", "rolls along")

Case = dict[str, Any]


def caption(rng: random.Random, colour: str, thing: str, place: str) -> str:
    """One way to describe a scene."""
    shapes = (
        f"a {colour} {thing} {place}",
        f"a {rng.choice(SIZES)} {colour} {thing} {rng.choice(DOINGS)} {place}",
        f"there is a {thing} {place} and a {rng.choice(COLOURS)} {rng.choice(THINGS)} beside it",
        f"the {thing} is {colour} and it {rng.choice(DOINGS)} {place}",
        f"{colour} {thing}",
        f"a drawing of a {thing} and a {thing} {place}",
    )
    return rng.choice(shapes)


def mutated(rng: random.Random, text: str) -> str:
    """The caption with words left out, doubled, exchanged or replaced."""
    words = text.split()
    for _ in range(rng.randint(0, 4)):
        place = rng.randrange(len(words))
        kind = rng.choice(("drop", "double", "swap", "replace"))
        if kind == "drop" and len(words) > 1:
            del words[place]
        elif kind == "double":
            words.insert(place, words[place])
        elif kind == "swap":
            other = rng.randrange(len(words))
            words[place], words[other] = words[other], words[place]
        else:
            words[place] = rng.choice(COLOURS + THINGS + ("a", "the", "zebra"))
    return " ".join(words)


def drawn(rng: random.Random, images: int, references: tuple[int, int]) -> Case:
    """Images with so many references each, and a hypothesis that is more or less right."""
    hypotheses, written = [], []
    for _ in range(images):
        scene = rng.choice(COLOURS), rng.choice(THINGS), rng.choice(PLACES)
        written.append([caption(rng, *scene) for _ in range(rng.randint(*references))])
        hypotheses.append(mutated(rng, caption(rng, *scene)))
    return {"hypotheses": hypotheses, "references": written}


def edges(rng: random.Random) -> Case:
    """What a broken captioner says, one kind an image."""
    scenes = [[caption(rng, "red", "boat", "in the water") for _ in range(4)] for _ in range(12)]
    hypotheses = [
        "",
        "boat",
        "zebra",
        scenes[3][0],
        "a a a a a a a",
        "a red boat in the water " * 4,
        "a red",
        "a red boat",
        "the the boat the the boat in in the water",
        "zebra zebra giraffe",
        "",
        "boat a red water the in",
    ]
    scenes[10].append("")  # an empty reference, which an empty hypothesis matches
    scenes[11] = ["boat"]
    return {"hypotheses": [text.strip() for text in hypotheses], "references": scenes}


def with_figures(case: Case) -> Case:
    """The case with pycocoevalcap's figures, for all images and for each."""
    hypotheses = {image: [text] for image, text in enumerate(case["hypotheses"])}
    references = dict(enumerate(case["references"]))
    bleu, _ = Bleu(4).compute_score(references, hypotheses, verbose=0)
    rouge, rouges = Rouge().compute_score(references, hypotheses)
    cider, ciders = Cider().compute_score(references, hypotheses)
    return {
        **case,
        "bleu": [float(figure) for figure in bleu],
        "rouge_l": float(rouge),
        "rouge_l_of_images": [float(figure) for figure in rouges],
        "cider_d": float(cider),
        "cider_d_of_images": [float(figure) for figure in ciders],
    }


def cases() -> dict[str, Case]:
    """All cases by name."""
    rng = random.Random(20)
    scenes = drawn(rng, 60, (5, 5))
    collapsed = {**drawn(rng, 20, (5, 5)), "hypotheses": ["a red boat on a hill"] * 20}
    silent = {**drawn(rng, 6, (2, 5)), "hypotheses": [""] * 6}
    return {
        "drawn scenes": scenes,
        "fewer references": drawn(rng, 30, (1, 4)),
        "one reference": drawn(rng, 25, (1, 1)),
        "edges": edges(rng),
        "collapsed to one caption": collapsed,
        "silent": silent,
        "a single image": drawn(rng, 1, (5, 5)),
    }


if __name__ == "__main__":
    note = "Made by make_cases.py with pycocoevalcap 1.2; the captions are invented."
    made = {"note": note, "cases": {name: with_figures(case) for name, case in cases().items()}}
    target = Path(__file__).with_name("cases.json")
    target.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"{target}: {len(made['cases'])} cases")

"""`demo`: the whole system in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated


def demo(
    *,
    folder: Annotated[Path | None, "where everything goes; out/demo under LEMUR's root if not given"] = None,
    llm: Annotated[str, "the language model that proposes"] = "embedded",
    candidates: Annotated[int, "how many networks are proposed"] = 8,
    minutes: Annotated[float, "after these nothing new is begun"] = 3.0,
    epochs: Annotated[int, "how often the training pictures are seen"] = 2,
    data: Annotated[Path | None, "a folder of real pictures in COCO's layout, instead of drawn ones"] = None,
    transform: Annotated[str, "one of LEMUR's transforms"] = "echo_64_flip",
    workers: Annotated[int, "trainings at once; 0 for one a GPU, or one"] = 0,
    seed: Annotated[int, "decides every choice that the run makes"] = 0,
) -> int:
    """Shows the whole system at work: proposals, checks, trainings, records, a table, captions beside pictures.

    Offline, without a GPU, in a LEMUR of its own; nothing outside of its folder is changed.
    """
    from ab.gpt.demo import Wishes, run_demo
    from ab.gpt.lemur.home import find_home

    wishes = Wishes(llm, candidates, minutes, epochs, data, transform, workers, seed)
    return run_demo(find_home(), folder, wishes)

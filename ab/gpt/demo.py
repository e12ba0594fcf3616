"""The whole system in a few minutes on any machine: offline, without a GPU, on drawn pictures, in its own LEMUR."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ab.gpt import launch
from ab.gpt.errors import UsageError
from ab.gpt.ledger import Ledger
from ab.gpt.lemur import bootstrap
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.own import own_lemur
from ab.gpt.plan import Budget, Plan
from ab.gpt.progress import Progress
from ab.gpt.report.gallery import Gallery, gallery_of
from ab.gpt.runs import new_folder, runs_folder
from ab.gpt.scenes import draw_scenes
from ab.gpt.train.settings import Settings
from ab.gpt.view import View

if TYPE_CHECKING:
    from rich.console import Console

DRAWN = "drawn practice pictures, not photographs: these figures say that the system works, not how good a network is"
TRAIN_PICTURES, VAL_PICTURES, SIDE = 400, 100, 96
MODES = ("blueprint", "blueprint", "blueprint", "code")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """What can be said about a demo."""

    llm: str = "embedded"
    candidates: int = 8
    minutes: float = 4.0
    """After these nothing new is begun."""
    epochs: int = 2
    data: Path | None = None
    """Real pictures in COCO's layout, instead of drawn ones."""
    transform: str = "echo_64_flip"
    workers: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Shown:
    """Where a demo has put what it made."""

    home: Home
    run: Path
    data: str


def demo(home: Home, folder: Path | None, wishes: Wishes, say: Say, progress: Progress) -> Shown:
    """A run in a LEMUR of its own under `out/demo`, from the drawing of the pictures to the records."""
    own = own_lemur(home, (folder or home.out / "demo").absolute())
    say(f"a LEMUR of its own in {own.root}: nothing outside of it is changed")
    data = _pictures(own, wishes, say, progress)
    built = bootstrap.ensure(own, progress)
    say(f"its database: {built}")
    plan = Plan(
        budget=Budget(wishes.candidates, minutes=wishes.minutes),
        snippets=(5,),
        baselines=("RESNETLSTM",),
        modes=MODES,
        llm=(wishes.llm,),
        repairs=1,
        reply_tokens=800,
        quality=False,
        seed=wishes.seed,
        workers=wishes.workers,
        train=Settings(
            epochs=wishes.epochs, transform=wishes.transform, batch=16, pretrained=False, memory_gb=6, val_images=100
        ),
    )
    return Shown(own, launch.start(own, plan, _free_name(own), View()), data)


def _pictures(own: Home, wishes: Wishes, say: Say, progress: Progress) -> str:
    """Puts the pictures where LEMUR looks for COCO; what they are, in words."""
    if wishes.data is None:
        if own.coco.is_symlink():
            own.coco.unlink()
        report = draw_scenes(
            own.coco, train=TRAIN_PICTURES, val=VAL_PICTURES, size=SIDE,
            progress=lambda done, of: progress("drawing scenes", done, of),
        )  # fmt: skip
        say(f"{report.train} + {report.val} drawn scenes in {report.folder}")
        return DRAWN
    real = wishes.data.resolve()
    if not (real / "annotations").is_dir():
        raise UsageError(f"--data: {wishes.data} is not in COCO's layout.", "It takes a folder with annotations/.")
    if own.coco.is_symlink():
        own.coco.unlink()
    elif own.coco.exists():
        shutil.rmtree(own.coco)
    own.coco.parent.mkdir(parents=True, exist_ok=True)
    own.coco.symlink_to(real)
    return str(real)


def _free_name(own: Home) -> str:
    """`demo`, or `demo-2` and so on where there was one before."""
    number = 1
    while (runs_folder(own) / (name := "demo" if number == 1 else f"demo-{number}")).exists():
        number += 1
    return new_folder(own, name).name


def run_demo(home: Home, folder: Path | None, wishes: Wishes) -> int:
    """The exit code of a demo that is shown on the terminal: its tables, some captions, and what to type next."""
    from rich.console import Console

    from ab.gpt.progress import bar
    from ab.gpt.report.reading import read_facts
    from ab.gpt.report.report import write_report
    from ab.gpt.show import show_run

    console = Console(soft_wrap=True, highlight=False)
    with bar() as progress:
        shown = demo(home, folder, wishes, lambda text: console.print(text, markup=False), progress)
    with bar() as progress:
        facts = read_facts([shown.run])
        report = write_report(shown.home, facts, shown.run / "report", progress)
    with Ledger(shown.run) as ledger:
        show_run(ledger)
    _say_captions(console, gallery_of(shown.home, facts))
    console.print(f"\nOn {shown.data}.", style="yellow")
    console.print("\nCaptions beside their pictures, and everything else:", style="bold")
    console.print(f"  {report.page}")
    console.print("What to type next, in this folder:", style="bold")
    console.print(f"  cd {shown.home.root}", markup=False)
    for command in (
        f"nncaption show {shown.run.name} 0          # one candidate, from prompt to score",
        f"nncaption resume {shown.run.name} --candidates {2 * wishes.candidates} --minutes {4 * wishes.minutes:g}",
        "nncaption demo --data FOLDER    # the same on photographs in COCO's layout",
        "nncaption search --help         # a real search: COCO, a GPU, a larger model",
    ):
        console.print(f"  {command}", markup=False)
    return 0


def _say_captions(console: Console, gallery: Gallery) -> None:
    """Some pictures of each group by name, with what the best network and a person say."""
    if not gallery.groups:
        console.print(gallery.note, markup=False)
        return
    for group, pictures in gallery.groups:
        console.print(f"\n{group} captions of the best network", style="bold")
        for picture in pictures[:2]:
            console.print(f"  {picture.title}: {picture.captions[0].text}", markup=False)
            console.print(f"    a person says: {picture.alternative}", markup=False, style="dim")

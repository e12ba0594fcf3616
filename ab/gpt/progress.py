"""Progress on the screen: what is being done now, how far it is, and a log line where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]


@contextmanager
def bar() -> Iterator[Progress]:
    """A function to call with what is being done, how much is done and how much there is (0: unknown)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    console = Console(file=sys.stderr)
    last = ""
    if not console.is_terminal:

        def tell(doing: str, _done: int, _of: int) -> None:
            nonlocal last
            if doing != last:
                console.print(doing, markup=False, highlight=False)
            last = doing

        yield tell
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=None, visible=False)

        def show(doing: str, done: int, of: int) -> None:
            shown.update(task, description=doing, completed=done, total=of or None, visible=True)

        yield show

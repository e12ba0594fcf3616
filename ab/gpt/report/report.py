"""A report, whole: the page, and beside it the figures and tables as files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.home import Home
from ab.gpt.progress import Progress
from ab.gpt.report.details import details_of
from ab.gpt.report.draw.png import png_bytes
from ab.gpt.report.draw.svg import svg_file
from ab.gpt.report.facts import Facts
from ab.gpt.report.figures import draw_figures
from ab.gpt.report.from_lemur import LemurFacts, collapsed_rows, collapsed_table
from ab.gpt.report.funnel import examples_of, funnel_of
from ab.gpt.report.gallery import gallery_of
from ab.gpt.report.origin import origins_of
from ab.gpt.report.page import METHOD, Content, render
from ab.gpt.report.shared import common_of
from ab.gpt.report.summary import Said, sentences_of, tiles_of
from ab.gpt.report.table import Table
from ab.gpt.report.tables import Tables, tables_of
from ab.gpt.report.tabulate import candidates_table, epochs_table, tables_in_page

PAGE = "report.html"


class CannotWrite(NNCaptionError):
    """The folder of the report cannot be written."""


@dataclass(frozen=True)
class Extra:
    """What a special report says first: sentences, and tables that are written like the others."""

    title: str
    sentences: list[Said]
    tables: list[Table]


@dataclass(frozen=True)
class Report:
    """What was written."""

    page: Path
    files: list[Path]
    tables: Tables
    said: list[Said] = field(default_factory=list)
    """What was found, in sentences."""

    @property
    def bytes(self) -> int:
        return self.page.stat().st_size


def write_report(
    home: Home,
    facts: Facts,
    folder: Path,
    progress: Progress | None = None,
    method: str = METHOD,
    source: str = "",
    extra: Extra | None = None,
) -> Report:
    """Writes page, figures and tables into a folder; files of an earlier report there are replaced."""
    say = progress or (lambda _doing, _done, _of: None)
    say("counting", 0, 0)
    tables, steps, common = tables_of(facts), funnel_of(facts), common_of(facts)
    figures = draw_figures(facts, tables, steps, common)
    shown = tables_in_page(facts, tables, common)
    long = [candidates_table(facts), epochs_table(facts)]
    if isinstance(facts, LemurFacts):
        shown["collapsed"] = collapsed_table(facts)
        long.append(collapsed_rows(facts))
    say("packing the networks' details", 0, 0)
    details = details_of(facts, lambda name: baseline_code(home, name))
    say("choosing pictures", 0, 0)
    gallery = gallery_of(home, facts)
    content = Content(
        facts, tiles_of(facts, tables), sentences_of(facts, tables), shown, figures, examples_of(facts), details,
        gallery, origins_of(facts), source or _source(facts), extra, method,
    )  # fmt: skip
    files: dict[str, bytes] = {PAGE: render(content).encode("utf-8", "replace")}
    for table in (*shown.values(), *(extra.tables if extra else ()), *long):
        files |= _table_files(table, only_csv=table in long)
    for number, drawing in enumerate(figures.all):
        say("drawing figures", number, len(figures.all))
        files[f"figures/{drawing.name}.svg"] = svg_file(drawing).encode()
        files[f"figures/{drawing.name}.png"] = png_bytes(drawing)
    said = extra.sentences if extra else content.sentences
    return Report(folder / PAGE, [_write(folder / name, data) for name, data in files.items()], tables, said)


def baseline_code(home: Home, name: str) -> str:
    """A baseline's code as LEMUR has it now; empty where it has none."""
    file = home.code_dir("nn") / f"{name}.py"
    if Path(name).name != name or not file.is_file():
        return ""
    return file.read_text(encoding="utf-8", errors="replace")


def _source(facts: Facts) -> str:
    return ", ".join(str(run.file) for run in facts.runs if run.file)


def _table_files(table: Table, only_csv: bool) -> dict[str, bytes]:
    """The table as files. Thousands of rows with full names are data for a program and no table for a paper."""
    texts = {"csv": table.csv()}
    if not only_csv:
        texts |= {"md": table.markdown(), "tex": table.latex()}
    return {f"tables/{table.name}.{kind}": text.encode("utf-8", "replace") for kind, text in texts.items()}


def _write(file: Path, content: bytes) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        temporary.write_bytes(content)
        temporary.replace(file)
    except OSError as error:
        raise CannotWrite(
            f"{file} cannot be written: {error.strerror}.", "Name a folder that you may write to: --out DIR"
        ) from error
    return file

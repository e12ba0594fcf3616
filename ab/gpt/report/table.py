"""Tables as one thing, written as HTML by the page and as CSV, Markdown and LaTeX beside it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field, replace

from ab.gpt.candidate import plain

NOTHING = "–"
Value = str | int | float | bool | None


@dataclass(frozen=True)
class Cell:
    """What is shown, the value behind it, and the ids of the rows that it comes from."""

    text: str
    value: Value = None
    row: str = ""

    @property
    def raw(self) -> Value:
        return self.text if self.value is None else self.value


@dataclass(frozen=True)
class Column:
    """A column's head; `wide` holds text, the others numbers."""

    name: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a name for its files, a title, and a line on what is in it."""

    name: str
    title: str
    columns: list[Column]
    rows: list[list[Cell]] = field(default_factory=list)
    note: str = ""

    def without_empty_columns(self) -> Table:
        """The table without the columns in which nobody has anything."""
        nothing = (NOTHING, "")
        used = [n for n in range(len(self.columns)) if any(row[n].text not in nothing for row in self.rows)] or [0]
        rows = [[row[n] for n in used] for row in self.rows]
        return replace(self, columns=[self.columns[n] for n in used], rows=rows) if self.rows else self

    def csv(self) -> str:
        """The values in full, for programs; a text that a spreadsheet would take for a formula is quoted."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*(column.name for column in self.columns), "rows"])
        for row in self.rows:
            ids = " ".join(dict.fromkeys(cell.row for cell in row if cell.row))
            writer.writerow([*(_csv(cell.raw) for cell in row), ids])
        return out.getvalue()

    def markdown(self) -> str:
        """The table as it is shown, for a README."""
        head = "| " + " | ".join(_markdown(column.name) for column in self.columns) + " |"
        rule = "|" + "|".join("---" if column.wide else "--:" for column in self.columns) + "|"
        lines = ["| " + " | ".join(_markdown(cell.text) for cell in row) + " |" for row in self.rows]
        note = ["", _markdown(self.note)] if self.note else []
        return "\n".join([f"**{self.title}**", "", head, rule, *lines, *note, ""])

    def latex(self) -> str:
        """The table as it is shown, for a paper; it needs the package booktabs."""
        shape = "".join("l" if column.wide else "r" for column in self.columns)
        head = " & ".join(_latex(column.name) for column in self.columns)
        lines = [" & ".join(_latex(cell.text) for cell in row) + r" \\" for row in self.rows]
        caption = _latex(f"{self.title}. {self.note}".strip().rstrip("."))
        return "\n".join(
            [
                r"\begin{table}", r"  \centering", rf"  \caption{{{caption}.}}", rf"  \label{{tab:{self.name}}}",
                rf"  \begin{{tabular}}{{{shape}}}", r"    \toprule", rf"    {head} \\", r"    \midrule",
                *(f"    {line}" for line in lines), r"    \bottomrule", r"  \end{tabular}", r"\end{table}", "",
            ]
        )  # fmt: skip


def _csv(value: Value) -> str | int | float:
    if isinstance(value, bool):
        return int(value)
    if value is None:
        return ""
    if isinstance(value, str):
        text = plain(value)
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") and len(text) > 1 else text
    return value


def _markdown(text: str) -> str:
    return re.sub(r"([\\|`*_<\[])", r"\\\1", plain(text)).replace("\n", " ")


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "–": "--", "×": r"$\times$", "…": r"\ldots{}", "\n": " ",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in plain(text))

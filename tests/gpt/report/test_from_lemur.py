"""The report on LEMUR's own families: all models, all rows, and which of them are collapsed."""

from __future__ import annotations

import csv
import sqlite3

import pytest

from ab.gpt.report.from_lemur import COLLAPSED, METHOD, read_facts
from ab.gpt.report.report import write_report
from tests.gpt.report.pages import Page


@pytest.fixture
def written(home):
    return write_report(home, read_facts(home), home.root / "report", method=METHOD)


def test_collapsed_rows_are_counted_and_listed(home, written):
    db = sqlite3.connect(home.db_file)
    page = Page(written.page.read_text(encoding="utf-8"))
    [table] = [title for title in (node.text for node in page.root.all("caption")) if title.startswith("Collapsed")]
    assert str(COLLAPSED) in table and str(COLLAPSED) in page.root.text
    where = "FROM stat WHERE task = 'img-captioning'"
    rows, collapsed, *_ = page.table(table)["All"]
    assert int(rows[0].replace(",", "")) == db.execute(f"SELECT count(*) {where}").fetchone()[0]
    below = {row for (row,) in db.execute(f"SELECT id {where} AND accuracy < ?", (COLLAPSED,))}
    assert int(collapsed[0].partition(" ")[0].replace(",", "")) == len(below) > 0
    with (home.root / "report" / "tables" / "collapsed-rows.csv").open() as file:
        assert {row["Row"].removeprefix("stat:") for row in csv.DictReader(file)} == below


def test_families_and_baselines(home, written):
    db = sqlite3.connect(home.db_file)
    page = Page(written.page.read_text(encoding="utf-8"))
    table = page.table("BLEU by family against the baselines")
    models = [name for (name,) in db.execute("SELECT DISTINCT nn FROM stat WHERE task = 'img-captioning'")]
    assert len(page.networks) == len(models) > 8
    best, row = db.execute(
        "SELECT max(accuracy), id FROM stat WHERE task = 'img-captioning' AND nn LIKE 'C5C-RESNETLSTM-%'"
    ).fetchone()
    assert table["C5C-RESNETLSTM"][0] == (f"{best:.4f}", f"stat:{row}")
    assert "Baseline RESNETLSTM" in table and "LEMUR keeps no captions" in page.root.text
    assert not page.root.all("section", id="funnel")

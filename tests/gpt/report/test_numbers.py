"""The page's numbers, computed again from the ledger with SQL of the test's own."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.gpt.report.pages import Page, ids

GATE = "('extract', 'parse', 'check', 'novelty', 'smoke')"


@pytest.fixture(scope="module")
def page(mixed: Path) -> Page:
    return Page((mixed / "report" / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sql(mixed: Path):
    db = sqlite3.connect(mixed / "ledger.db")

    def ask(question: str, *values: Any) -> Any:
        rows = db.execute(question, values).fetchall()
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows

    yield ask
    db.close()


COUNTS = {
    "networks proposed": "kind = 'proposed'",
    "run": f"kind = 'proposed' AND outcome IS NOT NULL AND parameters IS NOT NULL AND stage NOT IN {GATE}",
    "trained": "kind = 'proposed' AND outcome = 'trained'",
    "beat the best blind caption": "kind = 'proposed' AND outcome = 'trained' AND collapsed = 0",
}


@pytest.mark.parametrize("label", COUNTS)
def test_the_tiles_count_the_candidates_whose_rows_they_name(page, sql, label):
    text, rows = page.tile(label)
    wanted = {row for (row,) in sql(f"SELECT id FROM candidate WHERE {COUNTS[label]}")}
    assert int(text) == len(wanted) and ids(rows) == wanted


def test_the_best_score_is_that_of_the_row_it_names(page, sql):
    text, row = page.tile("best LEMUR BLEU")
    best = sql(
        "SELECT max(lemur_bleu) FROM epoch e JOIN candidate c ON c.id = e.candidate"
        " WHERE c.kind = 'proposed' AND c.outcome = 'trained'"
    )
    [epoch] = ids(row, "epoch")
    assert text == f"{best:.4f}" and sql("SELECT lemur_bleu FROM epoch WHERE id = ?", epoch) == best


def test_all_tokens_are_counted(page, sql):
    text, _ = page.tile("tokens, prompts included")
    tokens = sql("SELECT sum(tokens + prompt_tokens) FROM reply")
    assert text == f"{tokens / 1000:.3g} k"


@pytest.mark.parametrize("n", [5, 10])
def test_success_by_number_of_snippets(page, sql, n):
    proposed, run, trained, *_ = page.table("Success by number of snippets")[str(n)]
    where = "FROM candidate WHERE kind = 'proposed' AND outcome IS NOT NULL AND n = ?"
    assert int(proposed[0]) == sql(f"SELECT count(*) {where}", n)
    for cell, condition in ((run, COUNTS["run"]), (trained, COUNTS["trained"])):
        assert int(cell[0].partition(" ")[0]) == sql(f"SELECT count(*) {where} AND {condition}", n)
    assert ids(trained[1]) == {row for (row,) in sql(f"SELECT id {where}", n)}


def test_scores_of_families_and_baselines(page, sql):
    table = page.table("BLEU by family against the baselines")
    families = sql(
        "SELECT c.prefix, c.kind, max(e.lemur_bleu), e.bleu4, e.id FROM epoch e JOIN candidate c ON c.id = e.candidate"
        " WHERE c.outcome = 'trained' GROUP BY c.kind, c.prefix"
    )
    assert len(families) >= 5
    for prefix, kind, lemur_bleu, bleu4, epoch in families:
        cells = table[prefix if kind == "proposed" else f"Baseline {prefix}"]
        assert cells[0] == (f"{lemur_bleu:.4f}", f"epoch:{epoch}")
        assert cells[2] == (f"{bleu4:.4f}", f"epoch:{epoch}")


def test_counts_of_outcomes(page, sql):
    table = page.table("How candidates ended")
    outcomes = sql("SELECT outcome, count(*) FROM candidate WHERE kind = 'proposed' GROUP BY outcome, stage")
    shown: dict[str, list[int]] = {}
    for outcome, count in outcomes:
        shown.setdefault(outcome.replace("_", " "), []).append(count)
    for outcome, counts in shown.items():
        assert int(table[outcome][1][0]) in counts
    assert sum(map(sum, shown.values())) == sql("SELECT count(*) FROM candidate WHERE kind = 'proposed'")


def test_the_table_of_networks_has_every_row_with_its_figures(page, sql):
    networks = {int(network["row"].partition(":")[2]): network for network in page.networks}
    rows = sql(
        "SELECT id, parameters, train_seconds, (SELECT sum(tokens) FROM reply WHERE candidate = c.id),"
        " (SELECT max(lemur_bleu) FROM epoch WHERE candidate = c.id AND c.outcome = 'trained'),"
        " (SELECT count(*) FROM reply WHERE candidate = c.id AND attempt > 0), outcome FROM candidate c"
    )
    assert set(networks) == {row[0] for row in rows}
    for row, parameters, seconds, tokens, bleu, repairs, outcome in rows:
        network = networks[row]
        assert (network["parameters"], network["tokens"], network["repairs"]) == (parameters, tokens, repairs)
        assert network["bleu"] == pytest.approx(bleu, abs=1e-6) and network["outcome"] == outcome
        assert (network["seconds"] or 0) == pytest.approx(seconds, abs=1e-6)


def test_the_funnel_counts_attempts(page, sql):
    [funnel] = [svg for svg in page.root.all("svg") if svg.all("title")[0].text == "From reply to trained network"]
    said = funnel.all("desc")[0].text
    passed = sql(
        "SELECT count(*) FROM attempt a JOIN candidate c ON c.id = a.candidate"
        " WHERE counts AND a.stage = 'passed' AND c.outcome IS NOT NULL"
    )
    parsed = sql("SELECT count(*) FROM attempt WHERE counts AND stage NOT IN ('extract', 'parse')")
    assert f"it is new and runs: {passed}" in said and f"the code parses: {parsed}" in said


def test_the_blind_caption_and_a_family_count(page, sql):
    blind = page.table("BLEU by family against the baselines")["The best blind caption"]
    assert blind[0][0] == f"{sql('SELECT json_extract(scores, ?) FROM epoch LIMIT 1', '$.blind.lemur_bleu'):.4f}"
    total = page.table("Generated models by prefix and decoder")["Total"]
    assert int(total[1][0]) == sql(f"SELECT count(*) FROM candidate WHERE {COUNTS['trained']}")

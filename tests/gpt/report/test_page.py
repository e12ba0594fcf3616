"""Pages on runs of every kind: empty, of failures only, of one, running, hostile; damaged ledgers are told."""

from __future__ import annotations

import json
import re
import xml.dom.minidom
from pathlib import Path

import pytest
from PIL import Image

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.commands.reports import report
from ab.gpt.ledger import DamagedLedger, Ledger, NoSuchRun
from ab.gpt.report.reading import read_facts
from ab.gpt.report.report import write_report
from tests.gpt.report.conftest import report_on
from tests.gpt.report.made import HOSTILE, Maker, make
from tests.gpt.report.pages import Page

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_everything_that_was_promised_is_there(mixed):
    folder = mixed / "report"
    names = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    for table in ("counts", "bleu", "success-snippets", "success-model", "outcomes", "ingredients", "fronts"):
        assert {f"tables/{table}.{kind}" for kind in ("csv", "md", "tex")} <= names
    assert {"tables/candidates.csv", "tables/epochs.csv"} <= names
    figures = {name.partition(".")[0] for name in names if name.startswith("figures/")}
    for figure in ("success-snippets", "success-model", "families", "spread-family", "curves", "funnel", "ingredients"):
        assert f"figures/{figure}" in figures
    assert {f"figures/cost-{price}" for price in ("parameters", "seconds", "tokens")} <= figures
    for figure in figures:
        xml.dom.minidom.parse(str(folder / f"{figure}.svg"))
        with Image.open(folder / f"{figure}.png") as picture:
            assert picture.width >= 600 and len(picture.convert("RGB").getcolors(1 << 24) or []) > 3


def test_the_page_needs_no_network_and_says_how_it_was_made(mixed):
    html = (mixed / "report" / "report.html").read_text(encoding="utf-8")
    links = re.findall(r"""(?:src|href)=["']?([^"'> ]+)""", html)
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert "nncaption search --candidates 30 --snippets 5,10" in html and "nn-dataset" in html


def test_pictures_are_shown_with_what_was_said_of_them(mixed, scenes_exam):
    page = Page((mixed / "report" / "report.html").read_text(encoding="utf-8"))
    pictures = page.root.all("img")
    assert len(pictures) >= 9
    truth = json.loads((Path(scenes_exam.folder) / "annotations" / "captions_val2017.json").read_text())
    captions = {annotation["caption"] for annotation in truth["annotations"]}
    for picture in pictures:
        assert picture.attributes["src"].startswith("data:image/jpeg;base64,")
        assert picture.attributes["alt"].partition(": ")[2] in captions
    [card, *_] = page.root.all("article", class_="picture")
    assert len(card.all("dt")) == 6  # three networks, two baselines, people
    assert {name.text for name in page.root.all("h3")} >= {"Best", "Median", "Worst"}


def test_the_gallery_says_so_where_the_data_is_gone(reading_home, tmp_path, scenes_exam):
    maker = Maker(tmp_path / "run", exam=scenes_exam)
    maker.trained(0, 0.2)
    maker.ledger.note(exam={"folder": str(tmp_path / "gone"), "image_ids": [1], "tokenizer": "words"})
    assert "is no longer in" in report_on(reading_home, tmp_path / "run")
    maker.ledger.note(exam={"folder": scenes_exam.folder, "image_ids": [1], "tokenizer": scenes_exam.tokenizer})
    html = report_on(reading_home, tmp_path / "run")
    assert "has changed since" in html and not Page(html).root.all("img")
    maker.ledger.close()


@pytest.mark.parametrize(("size", "only_failures"), [(0, False), (1, False), (1, True), (6, True)])
def test_small_runs(reading_home, tmp_path, size, only_failures):
    folder = make(tmp_path / "run", size, only_failures, seed=2)
    page = Page(report_on(reading_home, folder))
    assert page.tile("networks proposed")[0] == str(size)
    assert len([n for n in page.networks if n["kind"] == "proposed"]) == size
    if not size:
        assert "Nothing has been proposed yet." in page.root.text
    if only_failures:
        assert "No proposed network has been trained yet." in page.root.text
        assert page.root.all("article", class_="card")


def test_a_run_that_goes_on(reading_home, tmp_path):
    """The writer holds its lock and is in the middle of a transaction; what is written so far is shown."""
    maker = Maker(tmp_path / "run")
    maker.trained(0, 0.2)
    waiting, _ = maker.passed(1)
    maker.begin(2)
    with maker.ledger.working():
        maker.ledger.db.execute("BEGIN IMMEDIATE")
        maker.ledger.db.execute("UPDATE candidate SET reason = 'half' WHERE id = ?", (waiting,))
        page = Page(report_on(reading_home, tmp_path / "run"))
        maker.ledger.db.execute("ROLLBACK")
    assert "not at its end yet (2 under way)" in page.root.text
    assert [network["outcome"] for network in page.networks] == ["trained", "waiting", "under way"]
    assert page.tile("networks proposed")[0] == "3"
    maker.ledger.close()


def test_nothing_is_written_to_the_ledger(mixed):
    before = (mixed / "ledger.db").read_bytes()
    read_facts([mixed])
    assert (mixed / "ledger.db").read_bytes() == before


def damaged(folder: Path, kind: str) -> None:
    file = folder / "ledger.db"
    whole = file.read_bytes()
    if kind == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif kind == "zeros":
        file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    elif kind == "text":
        file.write_bytes(b"no database at all, whatever the name says" * 200)
    elif kind == "empty":
        file.write_bytes(b"")
    elif kind == "json":
        with Ledger(folder) as ledger:
            ledger.db.execute("UPDATE epoch SET scores = 'no json'")
    else:
        with Ledger(folder) as ledger:
            ledger.db.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("kind", ["cut", "zeros", "text", "empty", "json", "future"])
def test_a_damaged_ledger_is_told_with_its_name(tmp_path, kind):
    folder = make(tmp_path / "run", 4)
    damaged(folder, kind)
    with pytest.raises(DamagedLedger, match=r"ledger\.db") as told:
        read_facts([folder])
    assert told.value.way_out


def hostile_run(folder: Path, exam=None) -> Path:
    """A run in which whatever is foreign tries to be more than text."""
    maker = Maker(folder, exam=exam)
    candidate, about = maker.begin(0, text=HOSTILE + "A" * 300_000 + "\n" + "line\r\n" * 9_000)
    ending = Ending(Outcome.TRAIN_ERROR, HOSTILE, HOSTILE, HOSTILE * 50)
    maker.ledger.failed(candidate, ending)
    maker.ledger.db.execute(
        "UPDATE candidate SET model = ?, name = ?, code = ?, log = ?, snippets = json_array(?),"
        " hyper = json_object(?, 1)",
        (HOSTILE, HOSTILE, f"{about['code']}\n# {HOSTILE}\nclass Net:\n  '''{HOSTILE}'''\n", *[HOSTILE] * 3),
    )
    trained = maker.trained(1, 0.2)
    maker.ledger.db.execute("UPDATE candidate SET prefix = ?, model = ? WHERE id = ?", (HOSTILE, HOSTILE, trained))
    maker.failed(2, evidence=HOSTILE)
    maker.ledger.db.execute(f"UPDATE attempt SET findings = replace(findings, 'mandatory', '{HOSTILE_JSON}')")
    maker.ledger.note(command=["search", HOSTILE], versions={HOSTILE: HOSTILE})
    maker.ledger.close()
    return folder


HOSTILE_JSON = json.dumps(HOSTILE)[1:-1].replace("'", "''")


def test_hostile_content_is_text(reading_home, tmp_path):
    html = report_on(reading_home, hostile_run(tmp_path / "run"))
    page = Page(html)
    assert not CONTROL.search(html)
    assert "window.hacked=1" in page.root.text  # it is shown
    scripts = page.root.all("script")
    assert [node.attributes.get("type", "") for node in scripts].count("") == 1
    assert not any("hacked" in node.text for node in scripts if not node.attributes.get("type"))
    assert not page.root.all("img") and not any("onerror" in node.attributes for node in page.root.all())
    assert "49" not in page.tile("networks proposed")[0] and "{{7*7}}" in page.root.text
    for file in (tmp_path / "run" / "report").rglob("*.svg"):
        drawn = xml.dom.minidom.parse(str(file))
        assert not drawn.getElementsByTagName("script") and not drawn.getElementsByTagName("img")
    details = page.details(0)
    reply = page.text(details["replies"][0]["text"])
    assert "window.hacked=1" in reply and "more signs are in the ledger" in reply and "more lines" in reply
    assert not CONTROL.search(reply) and len(reply) < 100_000
    assert len(html) < 1_000_000


def test_tables_for_a_spreadsheet_carry_no_formula(tmp_path, reading_home):
    maker = Maker(tmp_path / "run")
    candidate = maker.trained(0, 0.2)
    maker.ledger.db.execute("UPDATE candidate SET model = '=cmd|calc' WHERE id = ?", (candidate,))
    maker.ledger.close()
    report_on(reading_home, tmp_path / "run")
    assert "'=cmd|calc" in (tmp_path / "run" / "report" / "tables" / "candidates.csv").read_text()


def test_several_runs_on_one_page(reading_home, tmp_path):
    folders = [make(tmp_path / name, 4, seed=seed) for seed, name in enumerate(("first", "second"))]
    page = Page(write_report(reading_home, read_facts(folders), tmp_path / "report").page.read_text())
    assert page.tile("networks proposed")[0] == "8"
    assert {network["row"].partition("/")[0] for network in page.networks} == {"first", "second"}
    assert set(page.table("Success by run")) == {"first", "second"}


def test_the_command(mixed, reading_home, monkeypatch, capsys):
    (reading_home.root / "ab").mkdir(exist_ok=True)
    (reading_home.root / "README.md").touch()
    monkeypatch.chdir(reading_home.root)
    assert report("mixed", json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert Path(said["page"]) == mixed / "report" / "report.html" and said["overall"]["proposed"] == 30
    with pytest.raises(NoSuchRun):
        report("nothing-of-that-name")

"""The page in a real browser: no errors, sorting, filtering, keyboard, contrast, and how fast a large one opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ab.gpt.report.reading import read_facts
from ab.gpt.report.report import write_report
from tests.gpt.report.chromium import Tab, chromium, find_chromium
from tests.gpt.report.conftest import report_on
from tests.gpt.report.made import make
from tests.gpt.report.test_page import hostile_run

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with chromium(tmp_path_factory.mktemp("browser")) as opened:
        opened.size(1280, 900)
        yield opened


@pytest.fixture(scope="module")
def page(mixed: Path) -> Path:
    return mixed / "report" / "report.html"


NAMES = "[...document.querySelectorAll('#table tbody tr')].map(row => row.dataset.candidate)"
TABS = "[...document.querySelectorAll('[role=tab]')]"

REACHABLE = """[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
    .filter(node => !node.disabled && node.checkVisibility() && !node.closest('dialog'))"""


def column(name: str) -> str:
    """A column's cells as they are shown."""
    at = f"[...document.querySelectorAll('#table thead th')].findIndex(th => th.dataset.column === '{name}')"
    return f"(at => [...document.querySelectorAll('#table tbody tr')].map(row => row.children[at].textContent))({at})"


def sort_by(tab: Tab, name: str) -> str:
    tab.ask(f"document.querySelector('#table th[data-column={name}] button').click()")
    return tab.ask(f"document.querySelector('#table th[data-column={name}]').getAttribute('aria-sort')")


def choose(tab: Tab, select: str, value: str) -> None:
    tab.ask(f"""(() => {{ const field = document.querySelector('{select}'); field.value = {value!r};
      field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input', {{bubbles: true}})); }})()""")


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 900, False), (1280, 900, True), (390, 844, False)])
def test_it_opens_without_a_complaint_and_fits(tab, page, width, height, dark):
    tab.size(width, height, dark)
    tab.open(page)
    assert tab.complaints == [] and tab.requests == []
    # Only tables and drawings may be wider than the window, in their own frames.
    assert tab.ask("document.documentElement.scrollWidth") <= width
    tab.size(1280, 900)


def test_sorting(tab, page):
    tab.open(page)
    assert tab.ask("document.querySelectorAll('#table tbody tr').length") == 32
    scores = [float(text) for text in tab.ask(column("bleu")) if text]
    assert scores == sorted(scores, reverse=True) and len(scores) > 10
    assert sort_by(tab, "bleu") == "ascending"
    scores = [float(text) for text in tab.ask(column("bleu")) if text]
    assert scores == sorted(scores)
    assert tab.ask(column("bleu"))[-1] == ""  # what has no score comes last either way
    assert sort_by(tab, "title") == "ascending"
    names = tab.ask(column("title"))
    assert len(names) == 32 and names[0] < names[-1] and names != tab.ask(f"[...{NAMES}]")
    assert tab.ask("document.querySelectorAll('#table th[aria-sort]').length") == 1


def test_filtering(tab, page):
    tab.open(page)
    everything = set(tab.ask(NAMES))
    choose(tab, "#by-outcome", "trained")
    trained = set(tab.ask(NAMES))
    assert trained < everything and all("trained" in text for text in tab.ask(column("outcome")))
    choose(tab, "#search", "a-coder-7b")
    both = set(tab.ask(NAMES))
    assert both < trained and set(tab.ask(column("model"))) == {"a-coder-7b"}
    assert tab.ask("document.querySelector('#count').textContent") == f"{len(both)} of 32 networks"
    choose(tab, "#search", "nothing like it")
    assert tab.ask(NAMES) == []


def test_details_of_a_network(tab, page, mixed):
    tab.open(page)
    choose(tab, "#search", "a-coder-7b")
    tab.ask("document.querySelector('#table tbody button').click()")
    tab.wait("document.querySelector('[role=tab]')")
    names = tab.ask(f"{TABS}.map(tab => tab.textContent)")
    assert {"Overview", "Code", "Difference", "Architecture", "Prompts and replies", "Log"} <= set(names)
    shown = {}
    for name in names:
        tab.ask(f"{TABS}.find(tab => tab.textContent === {name!r}).click()")
        shown[name] = tab.ask("document.querySelector('#panel').textContent")
        unnamed = "[...document.querySelectorAll('#panel svg')].filter(svg => !svg.querySelector('title'))"
        assert tab.ask(f"{unnamed}.length") == 0
    row = tab.ask("decodeURIComponent(location.hash.slice(1))")
    facts = next(network for network in read_facts([mixed]).networks if network.row == row)
    lines = [line.strip() for line in facts.code.splitlines()]
    assert all(line in shown["Code"] for line in lines)
    assert f"# variant {facts.number}" in shown["Difference"] and "lines added" in shown["Difference"]
    assert "Let me see." in shown["Prompts and replies"] and "You write networks." in shown["Prompts and replies"]
    assert tab.ask("document.querySelectorAll('#panel pre').length") >= 1
    tab.ask("document.querySelector('#after').click()")
    tab.wait(f"decodeURIComponent(location.hash.slice(1)) !== {row!r}")
    tab.press("Escape")
    assert not tab.ask("document.querySelector('#network').open")
    assert tab.complaints == []


def test_a_link_opens_a_network(tab, page):
    tab.open(page, "#candidate%3A5")
    tab.wait("document.querySelector('#network').open && document.querySelector('[role=tab]')")
    assert tab.ask("document.querySelector('#panel dd').dataset.row") == "candidate:5"


def test_the_keyboard_reaches_everything(tab, page):
    tab.open(page)
    wanted = tab.ask(f"{REACHABLE}.length")
    tab.ask("document.activeElement.blur(); window.reached = new Set()")
    tab.ask("document.addEventListener('focusin', event => window.reached.add(event.target))")
    for _ in range(wanted + 5):
        tab.press("Tab")
    assert wanted > 60
    left = f"{REACHABLE}.filter(node => !window.reached.has(node)).map(node => node.outerHTML.slice(0, 120))"
    assert tab.ask(left) == []
    # And it does what the mouse does: a network opens, its tabs turn, it closes, and one is where one was.
    tab.ask("document.querySelector('#table tbody button').focus()")
    tab.press("Enter")
    tab.wait("document.querySelector('[role=tab]')")
    tab.ask("document.querySelector('[role=tab]').focus()")
    tab.press("ArrowRight")
    assert tab.ask(f"{TABS}.findIndex(tab => tab.getAttribute('aria-selected') === 'true')") == 1
    tab.press("Escape")
    assert tab.ask("document.activeElement === document.querySelector('#table tbody button')")


def test_each_picture_has_a_text(tab, page):
    tab.open(page)
    assert tab.ask("document.querySelectorAll('img').length") >= 9
    assert tab.ask("[...document.querySelectorAll('img')].filter(img => img.alt.length < 10).length") == 0
    assert tab.ask("document.querySelectorAll('svg[role=img]').length") >= 12
    unnamed = """[...document.querySelectorAll('svg')].filter(svg => {
        const names = (svg.getAttribute('aria-labelledby') || '').split(' ').map(id => document.getElementById(id));
        return names.length !== 2 || names.some(node => !node || node.textContent.trim().length < 5);
    }).length"""
    assert tab.ask(unnamed) == 0
    silent = """[...document.querySelectorAll('button, a, input, select')].filter(node =>
        !(node.textContent.trim() || node.getAttribute('aria-label') || node.labels?.length)).length"""
    assert tab.ask(silent) == 0


CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True])
def test_contrast_is_enough_everywhere(tab, page, dark):
    tab.size(1280, 900, dark)
    tab.open(page)
    tab.ask("document.querySelector('#sources').click()")
    assert tab.ask(CONTRAST) == []
    tab.ask("document.querySelector('#table tbody button').click()")
    tab.wait("document.querySelector('[role=tab]')")
    for place in range(tab.ask(f"{TABS}.length")):
        tab.ask(f"{TABS}[{place}].click()")
        assert tab.ask(CONTRAST) == []
    tab.size(1280, 900)


def test_the_theme_can_be_chosen(tab, page):
    tab.open(page)
    before = tab.ask("getComputedStyle(document.body).backgroundColor")
    while tab.ask("document.querySelector('#theme').textContent") != "Theme: dark":
        tab.ask("document.querySelector('#theme').click()")
    assert tab.ask("getComputedStyle(document.body).backgroundColor") != before
    tab.open(page)
    assert tab.ask("document.documentElement.dataset.theme") == "dark"  # remembered
    tab.ask("document.querySelector('#theme').click()")


def test_hostile_content_stays_text_when_it_is_unpacked(tab, reading_home, tmp_path):
    report_on(reading_home, hostile_run(tmp_path / "run"))
    tab.open(tmp_path / "run" / "report" / "report.html")
    for place in range(tab.ask("document.querySelectorAll('#table tbody tr').length")):
        tab.ask(f"document.querySelectorAll('#table tbody button')[{place}].click()")
        tab.wait("document.querySelector('[role=tab]')")
        for at in range(tab.ask(f"{TABS}.length")):
            tab.ask(f"{TABS}[{at}].click()")
            assert tab.ask("document.querySelectorAll('dialog img, dialog script').length") == 0
        tab.ask("document.querySelector('#close').click()")
    assert tab.ask("window.hacked") is None
    assert tab.complaints == [] and tab.requests == []


@pytest.mark.slow
def test_a_thousand_candidates_are_small_and_open_at_once(tab, reading_home, tmp_path):
    folder = make(tmp_path / "run", 1000)
    written = write_report(reading_home, read_facts([folder]), folder / "report")
    assert written.bytes < 15_000_000
    seconds = min(tab.open(written.page) for _ in range(3))
    print(f"{written.bytes / 1e6:.2f} MB, opened in {seconds:.2f} s")
    assert seconds < 2
    assert tab.ask("document.querySelector('#count').textContent") == "1,002 of 1,002 networks"
    tab.ask("document.querySelector('#table tbody button').click()")
    tab.wait("document.querySelector('[role=tab]')")
    assert tab.complaints == []

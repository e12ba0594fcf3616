"""The recipes are what the command takes, and the documents point to what is there."""

from __future__ import annotations

import re

import pytest

from ab.gpt.commands.runs import search
from ab.gpt.flags import _yaml_values, options_of
from ab.gpt.plan import MODES
from tests.conftest import REPO

RECIPES = sorted((REPO / "docs" / "recipes").glob("*.yaml"))
PAGES = [REPO / "README.md", REPO / "CONTRIBUTING.md", *sorted((REPO / "docs").rglob("*.md"))]


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_recipes_hold_options_of_search(file):
    values = _yaml_values(options_of(search), file)
    assert values["llm"] and values["epochs"] >= 1
    assert set(values["mode"]) <= set(MODES)
    assert values.get("candidates") or values.get("trained") or values.get("minutes")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_links_lead_somewhere(page):
    text = re.sub(r"(?s)```.*?```", "", page.read_text())
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", text):
        assert (page.parent / target).exists(), target


def test_every_command_is_in_the_readme():
    from ab.gpt.NNCaption import COMMANDS

    text = (REPO / "README.md").read_text()
    assert [name for name in COMMANDS if f"nncaption {name}" not in text] == []

"""Every blueprint becomes a Net file that anybody could have written with care, and that the gate lets through."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from ab.gpt.gate.check import check_code
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.smoke import smoke
from ab.gpt.propose.blueprint.blueprint import Backbone, Blueprint, Recurrent
from ab.gpt.propose.blueprint.names import describe
from ab.gpt.propose.blueprint.reading import from_json, to_json
from ab.gpt.propose.blueprint.render import render
from ab.gpt.propose.blueprint.settle import settle
from ab.gpt.propose.blueprint.shape import Either, Many, Record, Shape, Values, record
from tests.gpt.propose.blueprint.samples import SMALL, choices, cover, drawn

HUNDREDS = drawn(300)


def test_hundreds_are_rendered_and_pass_the_static_check(torch_catalogue):
    for blueprint in HUNDREDS:
        assert settle(blueprint).blueprint == blueprint
        code = render(blueprint)
        assert check_code(code, CAPTIONING, torch_catalogue) == [], to_json(blueprint)
        assert max(map(len, code.splitlines())) <= 100
        assert code.isascii() and "\t" not in code and code.endswith("\n") and not code.endswith("\n\n")


def test_a_file_holds_what_it_needs_and_nothing_else():
    for blueprint in HUNDREDS:
        code = render(blueprint)
        tree = ast.parse(code)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        defined = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        imported = {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        assert defined - used == {"Net", "supported_hyperparameters"}, to_json(blueprint)
        assert imported <= used
        assert {name for name in named if name.isupper()} <= {
            node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        } | {"UNK", "SIDE"}
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                assert ast.get_docstring(node), node.name
            if isinstance(node, ast.FunctionDef):
                typed = [argument for argument in node.args.args if argument.arg != "self"]
                assert node.returns is not None and all(argument.annotation for argument in typed), node.name


def test_the_head_says_what_it_is():
    for blueprint in HUNDREDS[:50]:
        head = ast.get_docstring(ast.parse(render(blueprint))) or ""
        assert f"Blueprint{blueprint.decoder.family}" in head
        assert all(f"- {line}" in head for line in describe(blueprint))


def test_the_same_blueprint_is_the_same_file(tmp_path):
    texts = [to_json(blueprint) for blueprint in HUNDREDS[:40]]
    again = "\0".join(render(from_json(text)) for text in texts)
    program = (
        "import sys, json; from ab.gpt.propose.blueprint.reading import from_json;"
        "from ab.gpt.propose.blueprint.render import render;"
        r"print('\0'.join(render(from_json(text)) for text in json.load(sys.stdin)), end='')"
    )
    for seed in ("0", "7"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(texts), env={"PYTHONHASHSEED": seed}, cwd=str(_repository()),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout == again


def test_different_blueprints_are_different_files():
    assert len({render(blueprint) for blueprint in HUNDREDS}) == len(set(HUNDREDS))
    # Each choice shows in the file, one by one.
    for blueprint in HUNDREDS[:40]:
        for field in ("dropout", "training", "decoding"):
            other = next(b for b in HUNDREDS if getattr(b, field) != getattr(blueprint, field))
            assert render(replace(blueprint, **{field: getattr(other, field)})) != render(blueprint)


def test_files_are_formatted(tmp_path):
    pytest.importorskip("ruff")
    for number, blueprint in enumerate(cover(HUNDREDS) + HUNDREDS[:40]):
        (tmp_path / f"n{number}.py").write_text(render(blueprint))
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length", "100", str(tmp_path)]
    for command in (["format", "--check"], ["check", "--select", "E,F,W,I,UP,B,SIM,C4"]):
        done = subprocess.run([*ruff, *command, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_cover_holds_every_choice():
    """What is smoke-run is all that can be chosen, by the classes themselves and not by what was drawn."""
    possible = set(_possible(record(Blueprint)))
    assert possible == {choice for blueprint in cover(HUNDREDS) for choice in choices(blueprint)}
    assert len(cover(HUNDREDS)) < 25


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(len(cover(HUNDREDS))))
def test_every_choice_runs(number, gate_home, warm_network):
    blueprint = cover(HUNDREDS)[number]
    seen = smoke(gate_home, render(blueprint), CAPTIONING, None, warm_network)
    assert seen.passed and seen.findings == [], (to_json(blueprint), seen)


def test_one_of_each_family_runs(gate_home, warm_network):
    for decoder in ("LSTM", "Transformer"):
        blueprint = next(b for b in HUNDREDS if b.decoder.family == decoder and not isinstance(b.encoder, Backbone))
        seen = smoke(gate_home, render(blueprint), CAPTIONING, None, warm_network)
        assert seen.passed and seen.findings == [], (to_json(blueprint), seen)


def test_what_does_not_fit_is_settled_before(torch_catalogue):
    """Any combination of values at all, settled, is rendered and checked."""
    rng = random.Random(5)
    changed = 0
    for _ in range(100):
        wild = _wild(record(Blueprint), rng)
        assert isinstance(wild, Blueprint)
        settled = settle(wild)
        changed += bool(settled.changes)
        assert settle(settled.blueprint).changes == ()
        assert check_code(render(settled.blueprint), CAPTIONING, torch_catalogue) == []
    assert changed > 50


def test_attention_over_one_vector_is_left_out():
    transformer = next(b for b in HUNDREDS if not isinstance(b.decoder, Recurrent))
    pooled = render(replace(SMALL, decoder=transformer.decoder, memory=next(_pooled())))
    assert "query, keys, values" in pooled and "(query,)" not in pooled
    assert "(query,)" in render(replace(SMALL, decoder=transformer.decoder))


def _pooled():
    return (blueprint.memory for blueprint in HUNDREDS if blueprint.memory.form == "pooled")


def _repository():
    from tests.conftest import REPO

    return REPO


def _possible(shape: Shape, place: str = ""):
    """Every choice that the classes allow."""
    if isinstance(shape, Values):
        yield from ((place, value) for value in shape.values)
    elif isinstance(shape, Many):
        yield from _possible(shape.item, place)
    elif isinstance(shape, Either):
        for option in shape.options:
            yield from _possible(option, place)
    else:
        if place:
            yield place, shape.of.__name__
        for name, inner in shape.fields:
            yield from _possible(inner, f"{shape.of.__name__}.{name}")


def _wild(shape: Shape, rng: random.Random):
    """Any values, whether they go together or not."""
    if isinstance(shape, Values):
        return rng.choice(shape.values)
    if isinstance(shape, Either):
        return _wild(rng.choice(shape.options), rng)
    if isinstance(shape, Many):
        return tuple(_wild(shape.item, rng) for _ in range(rng.randint(shape.least, shape.most)))
    assert isinstance(shape, Record)
    return shape.of(**{name: _wild(inner, rng) for name, inner in shape.fields})

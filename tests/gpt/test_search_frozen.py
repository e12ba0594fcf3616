"""A search among networks with one frozen encoder: others are refused, and the encoder runs once for all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

from ab.gpt import launch
from ab.gpt.ledger import Ledger
from ab.gpt.plan import Budget, Plan
from ab.gpt.propose.blueprint.at_hand import FILES
from ab.gpt.propose.blueprint.blueprint import Backbone
from ab.gpt.propose.blueprint.reading import from_json, to_json
from ab.gpt.propose.blueprint.render import render
from ab.gpt.scenes import draw_scenes
from tests.conftest import child_environment
from tests.gpt.propose.blueprint.samples import GRU, SMALL
from tests.gpt.train.conftest import QUICK

NAME = "mobilenet_v3_small"
MAKE = f"import sys, torch, torchvision; torch.save(torchvision.models.{NAME}().state_dict(), sys.argv[1])"


def test_a_search_among_frozen_encoders(home, tmp_path, monkeypatch, caplog):
    draw_scenes(home.coco, train=32, val=12, size=32)
    weights = tmp_path / "hub" / "checkpoints" / FILES[NAME]
    weights.parent.mkdir(parents=True)
    subprocess.run([sys.executable, "-c", MAKE, str(weights)], check=True, cwd="/")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    frozen = replace(SMALL, encoder=Backbone(NAME, "imagenet", "frozen"), decoder=replace(GRU, layers=1))
    said = [
        frozen,
        SMALL,
        replace(frozen, encoder=replace(frozen.encoder, trained="wholly")),
        replace(frozen, dropout=0.1),
    ]
    replies = tmp_path / "replies.jsonl"
    replies.write_text("".join(json.dumps({"text": to_json(blueprint)}) + "\n" for blueprint in said))
    plan = Plan(
        Budget(len(said)), snippets=(2,), baselines=("RESNETLSTM",), modes=("blueprint",), llm=(f"replay:{replies}",),
        with_baselines=False, quality=False, encoders=(NAME,), frozen=True,
        train=replace(QUICK, pretrained=True, transform="echo_32_flip", val_images=12),
    )  # fmt: skip
    folder = launch.start(home, plan, "frozen")
    with Ledger(folder) as ledger:
        rows = ledger.candidates("kind = 'proposed'")
        assert Plan.from_json(ledger.about["plan"]) == plan
    assert [row["outcome"] for row in rows] == ["trained", "no_code", "no_code", "trained"], [dict(row) for row in rows]
    assert "not one that was asked for" in rows[1]["reason"] and f"{NAME}, frozen" in rows[1]["evidence"]
    for row in (rows[0], rows[3]):
        assert "ran once" in row["notes"]
        assert (
            row["code"]
            == render(from_json(row["blueprint"]))
            == (home.code_dir("nn") / f"{row['name']}.py").read_text()
        )
    assert len([entry for entry in (home.out / "nncaption" / "cache").glob("features-*") if entry.is_dir()]) == 1
    assert not list((home.out / "nncaption" / "cache").glob("features-*.user-*")) and not caplog.text


def test_weights_that_are_not_at_hand_are_named_before_anything_is_begun(home, site, tmp_path):
    asked = [
        "search",
        "--mode",
        "blueprint",
        "--llm",
        "uniform",
        "--encoder",
        "mobilenet_v2",
        "--frozen",
        "--no-with-baselines",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "nncaption", *asked],
        cwd=home.root, env={**child_environment(site), "TORCH_HOME": str(tmp_path)}, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert str(tmp_path / "hub" / "checkpoints" / "mobilenet_v2-7ebf99e0.pth") in done.stderr
    assert "https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth" in done.stderr
    assert not (home.out / "nncaption" / "runs").exists()

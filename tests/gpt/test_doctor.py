"""The doctor says what is there, what is not and what to do, and its exit code can be trusted."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from ab.gpt import doctor
from ab.gpt.doctor import Verdict
from ab.gpt.lemur.bootstrap import ensure
from ab.gpt.lemur.home import Home
from ab.gpt.propose.llm import reach
from tests.conftest import child_environment

PROBE = {"torch": "2.11.0", "torchvision": "0.26.0", "punkt": "/nltk/tokenizers/punkt_tab/english"}
"""What the heavy libraries say of themselves on a machine without a GPU; asking them takes seconds."""


@pytest.fixture
def look(home, monkeypatch):
    """The doctor's checks by name, in the root of the small LEMUR, with the libraries' answer given."""
    monkeypatch.setattr(doctor, "find_home", lambda: home)

    def examine(**probe: object) -> dict[str, doctor.Check]:
        monkeypatch.setattr(doctor, "_probe", lambda: {**PROBE, **probe})
        return {check.name: check for check in doctor.examine()}

    return examine


def ask(home: Home, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The doctor as a person calls it."""
    return subprocess.run(
        [sys.executable, "-m", "nncaption", "doctor", *arguments],
        cwd=home.root,
        env=child_environment(site),
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_a_fresh_machine_can_work(home, site):
    """With torch and NLTK asked for real, and every line that is not ok says what to do."""
    done = ask(home, site, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    checks = {check["name"]: check for check in said["checks"]}
    assert said["can_work"] is True
    assert checks["LEMUR"]["verdict"] == "ok" and str(home.package) in checks["LEMUR"]["says"]
    assert checks["database"]["verdict"] == "note" and "nncaption bootstrap" in checks["database"]["advice"]
    assert "nncaption scenes" in checks["COCO"]["advice"]
    assert checks["torch"]["verdict"] == "ok" and "torchvision" in checks["torch"]["says"]
    assert {"root", "disk", "records", "GPU", "punkt_tab", "ImageNet", "models", "pylint"} <= set(checks)
    assert {"wall: namespaces", "wall: Landlock", "wall: limits", "wall: bubblewrap"} <= set(checks)
    for check in checks.values():
        if check["verdict"] != "ok" and check["name"] != "wall: bubblewrap":
            assert check["advice"], check
    assert not home.db_file.exists()


def test_on_one_screen(home, look, capsys):
    ensure(home)
    doctor.show(list(look().values()))
    said = capsys.readouterr().out
    assert "whole:" in said and "NN-Caption can work here" in said
    assert len(said.splitlines()) < 60


def test_an_unknown_lemur_cannot_work(home, site):
    (site / "nn_dataset-2.1.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: nn-dataset\nVersion: 9.0\n"
    )
    done = ask(home, site, "--json")
    assert done.returncode == 1
    [check] = json.loads(done.stdout)["checks"]
    assert check["name"] == "LEMUR" and check["verdict"] == "no" and "pip install" in check["advice"]
    shown = ask(home, site)
    assert shown.returncode == 1 and "cannot work here yet" in shown.stdout


def test_a_broken_database_is_told(home, look):
    home.db_file.parent.mkdir()
    home.db_file.write_bytes(b"garbage" * 2000)
    checks = look()
    assert doctor.can_work(checks.values())
    assert checks["database"].says.startswith("corrupt") and "kept aside" in checks["database"].advice
    assert home.db_file.read_bytes().startswith(b"garbage")


def test_practice_data_and_weights_are_seen(home, look, tmp_path, monkeypatch):
    from ab.gpt.scenes import draw_scenes

    draw_scenes(home.coco, train=3, val=2)
    weights = tmp_path / "torch" / "hub" / "checkpoints"
    weights.mkdir(parents=True)
    (weights / "resnet50-11ad3fa6.pth").touch()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    checks = look()
    assert checks["COCO"].verdict is Verdict.OK and "3 training images" in checks["COCO"].says
    assert checks["ImageNet"].verdict is Verdict.OK
    (home.coco / "annotations" / "captions_val2017.json").unlink()
    coco = look()["COCO"]
    assert coco.verdict is Verdict.NOTE and "captions_val2017.json is missing" in coco.says


def test_what_the_libraries_say(look, tmp_path, monkeypatch):
    nltk_data = tmp_path / "nltk" / "tokenizers" / "punkt_tab" / "english"
    nltk_data.mkdir(parents=True)
    monkeypatch.setenv("NLTK_DATA", str(tmp_path / "nltk"))
    no_torch = doctor._PROBE.replace("import torch", "raise ImportError('no torch')\n    import torch")
    asked = subprocess.run([sys.executable, "-c", no_torch], capture_output=True, text=True, cwd="/", check=True)
    found = json.loads(asked.stdout)
    assert found["torch_error"] == "ImportError: no torch" and found["punkt"].startswith(str(nltk_data))
    gpus = look(gpus=[["NVIDIA H100", 80 << 30]], punkt="")
    assert gpus["GPU"].verdict is Verdict.OK and "H100 (80 GB)" in gpus["GPU"].says
    assert gpus["punkt_tab"].verdict is Verdict.NOTE and "NLTK_DATA" in gpus["punkt_tab"].advice
    assert look(nltk_error="ValueError: x")["punkt_tab"].verdict is Verdict.OK  # punkt was found all the same
    assert look(punkt="", nltk_error="ValueError: x")["punkt_tab"].verdict is Verdict.NO


class Models(BaseHTTPRequestHandler):
    """A server of language models that wants no key, and notes whether it was sent one."""

    keys: ClassVar[list[str | None]] = []

    def do_GET(self):
        self.keys.append(self.headers.get("Authorization"))
        text = json.dumps({"data": [{"id": f"tiny-{number}"} for number in range(5)]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def test_language_models_in_reach(look, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    snapshot = tmp_path / "hub" / "models--deepseek-ai--DeepSeek-R1" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").touch()
    (tmp_path / "hub" / "models--half--downloaded").mkdir()
    monkeypatch.setattr(reach, "_embedded_runs", lambda: False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Models) as server, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound, and nobody listens
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(reach, "LOCAL_SERVERS", {"Ollama": server.server_port, "vLLM": silent.getsockname()[1]})
        check = look()["models"]
        server.shutdown()
    url = f"http://localhost:{server.server_port}/v1"
    assert check.verdict is Verdict.OK
    assert check.says.splitlines() == [
        "deepseek-ai/DeepSeek-R1", f"{url}#tiny-0", f"{url}#tiny-1", f"{url}#tiny-2", f"2 more at {url}"
    ]  # fmt: skip
    assert Models.keys == [None]
    monkeypatch.setattr(reach, "LOCAL_SERVERS", {})
    monkeypatch.setenv("HF_HOME", str(tmp_path / "nowhere"))
    nothing = look()["models"]
    assert nothing.verdict is Verdict.NOTE and "nn-caption[embedded]" in nothing.advice


def test_a_torch_that_does_not_import_cannot_work(monkeypatch):
    check = doctor._torch({"torch_error": "RuntimeError: operator torchvision::nms does not exist"})
    assert check.verdict is Verdict.NO and "same build" in check.advice
    assert not doctor.can_work([check])


def test_places_that_cannot_be_written(home, look, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, _mode: home.root not in (Path(place), *Path(place).parents))
    checks = look()
    assert checks["root"].verdict is Verdict.NO and str(home.root) in checks["root"].says
    assert not doctor.can_work(checks.values())
    monkeypatch.setattr(os, "access", lambda place, _mode: home.package not in (Path(place), *Path(place).parents))
    assert look()["records"].verdict is Verdict.NO and "virtual environment" in look()["records"].advice


@pytest.mark.parametrize(("free", "verdict"), [(100, Verdict.OK), (3, Verdict.NOTE), (0.5, Verdict.NO)])
def test_room_on_the_disk(look, monkeypatch, free, verdict):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=free * 1e9))
    disk = look()["disk"]
    assert disk.verdict is verdict and bool(disk.advice) is (verdict is not Verdict.OK)

"""Hostile Net files: each is stopped, named, and has had no effect outside its folder."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.isolate.probe import available_walls
from ab.gpt.isolate.tree import descendants
from ab.gpt.lemur.bootstrap import ensure
from ab.gpt.train.trainer import Trained, train
from tests.conftest import left_running
from tests.gpt.train.conftest import QUICK
from tests.gpt.train.nets import hostile, net

SECRET = "NNCAPTION_TEST_TOKEN"
NAMES = list(
    hostile(dict.fromkeys(
        ("inside proof", "secret name", "ssh key", "parent", "port", "unix", "abstract", "site file", "database",
         "stat file", "outside", "images", "captions", "answers"), "0"))
)  # fmt: skip
IN_TIME = replace(QUICK, start_seconds=20, epoch_minutes=6 / 60, eval_minutes=4 / 60)
PATIENT = replace(QUICK, start_seconds=60, epoch_minutes=0.5, eval_minutes=0.5)
"""For what stops for another reason than time, which a busy machine must not overtake."""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not all(wall.active for wall in available_walls() if wall.name != "bubblewrap"),
    reason="this kernel lacks the walls",
)


class Surroundings:
    """What a hostile file might touch, and whether it has."""

    def __init__(self, home, exam, folder: Path) -> None:
        self.home, self.exam, self.folder = home, exam, folder
        ensure(home)
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "id_rsa").write_text("a key\n")
        self.site_file = home.package / "nn" / "AlexNet.py"
        self.stat_file = home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / "1.json"
        self.heard: list[bytes] = []
        self.servers = [socket.socket(), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
        self.servers[0].bind(("127.0.0.1", 0))
        self.unix = f"/tmp/nncaption-{os.getpid()}.sock"
        self.servers[1].bind(self.unix)
        self.abstract = f"nncaption-{os.getpid()}"
        self.servers[2].bind("\0" + self.abstract)
        for server in self.servers:
            server.listen()
            threading.Thread(target=self._listen, args=(server,), daemon=True).start()
        references = [exam.ground.vocabulary.text(exam.ground.vocabulary.sentence(r[0])) for r in exam.references]
        self.files = hostile(
            {
                "inside proof": str(self.outside / "proof"),
                "secret name": SECRET,
                "ssh key": str(self.outside / "id_rsa"),
                "parent": str(os.getpid()),
                "port": str(self.servers[0].getsockname()[1]),
                "unix": self.unix,
                "abstract": self.abstract,
                "site file": str(self.site_file),
                "database": str(home.db_file),
                "stat file": str(self.stat_file),
                "outside": str(self.outside),
                "images": str(len(exam.image_ids)),
                "captions": str(home.coco / "annotations" / "captions_val2017.json"),
                "answers": repr(references),
            }
        )
        self.before = self.state()

    def _listen(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self.heard.append(connection.recv(100))

    def state(self) -> dict[str, str]:
        """The contents of everything that is none of a network's business."""
        places = [
            self.outside,
            self.home.package / "nn",
            self.home.stat_train,
            self.home.db_file.parent,
            self.home.coco,
        ]
        files = [file for place in places for file in sorted(place.rglob("*")) if file.is_file()]
        return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    def close(self) -> None:
        for server in self.servers:
            server.close()
        os.unlink(self.unix)


@pytest.fixture(scope="module")
def surroundings(ground, tmp_path_factory):
    os.environ[SECRET] = "hunter2"
    made = Surroundings(*ground, tmp_path_factory.mktemp("surroundings"))
    yield made
    made.close()
    del os.environ[SECRET]


@pytest.fixture(scope="module", autouse=True)
def warm_process(surroundings, warm):
    """Foreign code runs in forks of one process, as in a pool; it is started when the secret is there to be seen."""
    run.warm, run.ended = warm, {}


def run(surroundings: Surroundings, code: str, watch=None, settings=QUICK) -> Trained:
    return train(surroundings.home, surroundings.exam, "Hostile", code, settings, watch, warm=run.warm)


def test_there_are_thirty():
    assert len(NAMES) >= 30


def test_the_net_they_are_made_of_trains(surroundings):
    trained = run(surroundings, net())
    assert trained.ending.outcome is Outcome.TRAINED, trained
    assert trained.walls == ("namespaces", "root", "Landlock")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
def test_is_stopped_and_named_and_touches_nothing(surroundings, name):
    file = surroundings.files[name]
    before = set(descendants(os.getpid()))
    started = time.monotonic()
    phases: dict[str, float] = {}
    settings = IN_TIME if "timeout" in file.outcomes else PATIENT
    if name == "endless loop in __init__":
        settings = replace(settings, start_seconds=10)

    def watch(event) -> None:
        phases[event.get("phase", "")] = time.monotonic()

    trained = run(surroundings, file.code, watch, settings)
    run.ended[name] = ended = time.monotonic()
    said = f"{trained.ending}\n{trained.ending.evidence}\n{trained.log}"
    assert trained.ending.outcome.value in file.outcomes, said
    assert re.search(file.reason, trained.ending.reason), said
    assert not (trained.ending.outcome is Outcome.FORBIDDEN and trained.epochs)
    assert ended - started < 60
    if trained.ending.outcome is Outcome.TIMEOUT:
        assert ended - phases[trained.ending.stage] < settings.phase_seconds(trained.ending.stage) + 2
    assert "hunter2" not in said and "a key" not in said
    assert surroundings.state() == surroundings.before
    assert surroundings.heard == []
    assert left_running(before, run.warm.pid) == []
    jobs = surroundings.home.out / "nncaption" / "jobs"
    assert list(jobs.iterdir()) == []


def test_the_grandchild_is_gone(surroundings):
    time.sleep(max(0.0, run.ended["grandchild"] + 7 - time.monotonic()))  # longer than it wanted to sleep
    assert not (surroundings.outside / "proof").exists()

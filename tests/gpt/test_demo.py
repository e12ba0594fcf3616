"""The demo, with a recorded reply and few pictures: it ends, shows what it found, and stays in its folder."""

from __future__ import annotations

import hashlib
import json

from ab.gpt import demo
from ab.gpt.lemur.home import find_home
from ab.gpt.propose.blueprint.reading import to_json
from ab.gpt.runs import list_runs
from tests.gpt.propose.blueprint.samples import SMALL


def test_a_demo_shows_what_it_found_and_stays_in_its_folder(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "TRAIN_PICTURES", 120)
    monkeypatch.setattr(demo, "VAL_PICTURES", 16)
    replies = tmp_path / "replies.jsonl"
    replies.write_text(json.dumps({"text": to_json(SMALL)}) + "\n")

    def package() -> dict[str, str]:
        files = (file for file in home.package.rglob("*") if file.is_file() and file.suffix != ".pyc")
        return {str(file): hashlib.md5(file.read_bytes()).hexdigest() for file in files}

    before = package()
    folder = tmp_path / "demo"
    assert (
        demo.run_demo(home, folder, demo.Wishes(f"replay:{replies}", candidates=1, epochs=2, transform="echo_32_flip"))
        == 0
    )
    said = capsys.readouterr().out
    for words in (
        "a LEMUR of its own",
        "drawn practice pictures",
        "What to type next",
        "nncaption show demo 0",
        "resume demo --candidates 2 --minutes 16",
    ):
        assert words in said
    assert package() == before
    own = find_home(folder)  # where the next commands are typed
    assert own.package == folder / "ab" / "nn"
    [run] = list_runs(own)
    assert (run.name, run.state, run.candidates, run.trained) == ("demo", "done", 1, 1)
    assert list(own.stat_train.glob("img-captioning_coco_bleu_C5C-Blueprint*/1.json"))
    assert (folder / "out" / "nncaption" / "demo" / "report" / "report.html").is_file()

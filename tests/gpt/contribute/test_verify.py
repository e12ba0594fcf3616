"""Every kind of defect is found where it is, and what LEMUR ships is not called one."""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from ab.gpt.contribute.finding import RULES, Severity
from ab.gpt.contribute.layout import NotLemur
from ab.gpt.contribute.verify import verify
from ab.gpt.errors import UsageError
from ab.gpt.gate.finding import Finding as GateFinding
from ab.gpt.lemur.names import lemur_hash, model_name
from tests.gpt.contribute.clones import CONFIG, commit_all, git, net_code, network, stat_files, write_tree

OLD = network(101, "C5C-Old").name
FOLDER = f"ab/nn/stat/train/{CONFIG.format(OLD)}"


def errors(findings) -> list[tuple[str, str, int]]:
    return [(finding.code, finding.file, finding.line) for finding in findings if finding.is_error]


def edit(tree: Path, epoch: int, change) -> None:
    """Changes the first trial of an epoch of a network."""
    file = tree / FOLDER / f"{epoch}.json"
    trials = json.loads(file.read_text())
    change(trials)
    file.write_text(json.dumps(trials, indent=4))


def put(tree: Path, epoch: int, /, **values) -> None:
    edit(tree, epoch, lambda trials: trials[0].update(values))


def remove_key(tree: Path) -> None:
    edit(tree, 2, lambda trials: trials[0].pop("duration"))


def repeat_trial(tree: Path) -> None:
    edit(tree, 5, lambda trials: trials.append(trials[0]))


def other_trial(tree: Path) -> None:
    prm = {"batch": 8, "lr": 0.5, "momentum": 0.5, "transform": "norm_256"}
    extra = {**prm, "accuracy": 0.1, "duration": 5, "uid": lemur_hash(prm)}
    edit(tree, 3, lambda trials: trials.append(extra))
    for epoch in (4, 5):
        edit(tree, epoch, lambda trials, epoch=epoch: trials.append({**extra, "duration": 5 * epoch}))


def orphan(tree: Path) -> None:
    (tree / f"ab/nn/nn/{OLD}.py").unlink()


def no_statistics(tree: Path) -> None:
    shutil.rmtree(tree / FOLDER)


def other_code(tree: Path) -> None:
    (tree / f"ab/nn/nn/{OLD}.py").write_text(net_code(999))


def broken_code(tree: Path) -> None:
    code = net_code(5) + "\nif True print\n"
    name = model_name("C5C-Old", code)
    (tree / f"ab/nn/nn/{OLD}.py").rename(tree / f"ab/nn/nn/{name}.py")
    (tree / f"ab/nn/nn/{name}.py").write_text(code)
    (tree / FOLDER).rename(tree / FOLDER.replace(OLD, name))


def no_learn(tree: Path) -> None:
    code = net_code(5).replace("def learn", "def lean")
    name = model_name("C5C-Old", code)
    (tree / f"ab/nn/nn/{OLD}.py").unlink()
    (tree / f"ab/nn/nn/{name}.py").write_text(code)
    (tree / FOLDER).rename(tree / FOLDER.replace(OLD, name))


DEFECTS = {
    "orphaned statistics": (orphan, "S002", FOLDER, 0),
    "a model without statistics": (no_statistics, "M005", f"ab/nn/nn/{OLD}.py", 0),
    "other code under the name": (other_code, "M003", f"ab/nn/nn/{OLD}.py", 0),
    "code that is no Python": (broken_code, "M002", None, 19),
    "no learn": (no_learn, "M004", None, 8),
    "a missing epoch": (lambda tree: (tree / FOLDER / "3.json").unlink(), "S005", f"{FOLDER}/5.json", 0),
    "a stray file": (lambda tree: (tree / FOLDER / "notes.txt").touch(), "S004", f"{FOLDER}/notes.txt", 0),
    "an epoch with a leading zero": (
        lambda tree: shutil.copy(tree / FOLDER / "5.json", tree / FOLDER / "06.json"), "S004", f"{FOLDER}/06.json", 0
    ),
    "a folder that LEMUR cannot split": (
        lambda tree: shutil.copytree(tree / FOLDER, tree / f"{FOLDER}_2"), "S001", f"{FOLDER}_2", 0
    ),
    "no such metric": (
        lambda tree: (tree / FOLDER).rename(tree / FOLDER.replace("_bleu_", "_blue_")),
        "S003", FOLDER.replace("_bleu_", "_blue_"), 0,
    ),
    "names that differ in case": (
        lambda tree: shutil.copy(tree / f"ab/nn/nn/{OLD}.py", tree / f"ab/nn/nn/{OLD.lower()}.py"),
        "M006", f"ab/nn/nn/{OLD}.py", 0,
    ),
    "no JSON": (lambda tree: (tree / FOLDER / "2.json").write_text("[\n{\n"), "T001", f"{FOLDER}/2.json", 3),
    "no list": (lambda tree: (tree / FOLDER / "2.json").write_text("{}"), "T001", f"{FOLDER}/2.json", 1),
    "a missing key": (remove_key, "T002", f"{FOLDER}/2.json", 2),
    "a text for a number": (lambda tree: put(tree, 4, accuracy="0.1"), "T003", f"{FOLDER}/4.json", 3),
    "true for a number": (lambda tree: put(tree, 4, batch=True), "T003", f"{FOLDER}/4.json", 4),
    "a list for a value": (lambda tree: put(tree, 4, heads=[1, 2]), "T003", f"{FOLDER}/4.json", 10),
    "an accuracy above 1": (lambda tree: put(tree, 5, accuracy=15.2), "T004", f"{FOLDER}/5.json", 3),
    "an accuracy of nothing": (lambda tree: put(tree, 5, accuracy=float("nan")), "T004", f"{FOLDER}/5.json", 3),
    "no time at all": (lambda tree: put(tree, 1, duration=0), "T004", f"{FOLDER}/1.json", 5),
    "no such transform": (lambda tree: put(tree, 1, transform="norm_7"), "T006", f"{FOLDER}/1.json", 8),
    "a uid of other hyper-parameters": (lambda tree: put(tree, 3, lr=0.5), "T007", f"{FOLDER}/3.json", 9),
    "a trial that begins at epoch 3": (other_trial, "T009", f"{FOLDER}/3.json", 18),
    "a trial twice": (repeat_trial, "T010", f"{FOLDER}/5.json", 11),
    "a hyper-parameter that is not recorded": (
        lambda tree: edit(tree, 2, lambda trials: trials[0].pop("momentum")), "T011", f"{FOLDER}/2.json", 2
    ),
    "time that runs back": (lambda tree: put(tree, 4, duration=7), "T012", f"{FOLDER}/4.json", 5),
}  # fmt: skip


def test_nothing_is_found_in_a_sound_tree(tree):
    assert verify(tree) == []


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found_at_its_place(tree, name):
    plant, code, file, line = DEFECTS[name]
    plant(tree)
    findings = verify(tree)
    hits = [finding for finding in findings if finding.code == code]
    assert hits, findings
    assert file is None or hits[0].file == file
    assert hits[0].line == line
    assert hits[0].advice and hits[0].is_error


def test_twelve_defects_at_once_are_all_found_and_nothing_else(captioners, tmp_path):
    """On LEMUR's own captioners, whose own defects are known and stay the same."""
    before = Counter(errors(verify(captioners)))
    broken = Path(shutil.copytree(captioners, tmp_path / "broken"))
    twelve = [network(number, f"C{number}C-Planted") for number in range(12)]
    write_into(broken, twelve)
    names = ["orphaned statistics", "a model without statistics", "other code under the name", "a missing epoch",
             "a stray file", "no JSON", "a missing key", "a text for a number", "an accuracy above 1",
             "no such transform", "a uid of other hyper-parameters", "a trial twice"]  # fmt: skip
    for name, one in zip(names, twelve, strict=True):
        plant_in(broken, one.name, name)
    found = Counter(errors(verify(broken))) - before
    found_by_network = {one.name: {code for code, file, _ in found if one.name in file} for one in twelve}
    assert [DEFECTS[name][1] in found_by_network[one.name] for name, one in zip(names, twelve, strict=True)] == [
        True
    ] * 12
    assert all(any(one.name in file for one in twelve) for _, file, _ in found)


def write_into(tree: Path, networks) -> None:
    for one in networks:
        (tree / f"ab/nn/nn/{one.name}.py").write_text(one.code)
        for place, content in one.stat_files.items():
            file = tree / "ab/nn/stat/train" / place
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)


def plant_in(tree: Path, network_name: str, defect: str) -> None:
    """The same defect in another network: its files take the old one's places while it is planted."""
    pairs = [
        (f"ab/nn/nn/{network_name}.py", f"ab/nn/nn/{OLD}.py"),
        (FOLDER.replace(OLD, network_name), FOLDER),
    ]
    for own, old in pairs:
        (tree / own).rename(tree / old)
    DEFECTS[defect][0](tree)
    for own, old in pairs:
        if (tree / old).exists():
            (tree / old).rename(tree / own)


def test_lemurs_own_captioners_have_the_defects_that_are_known_and_no_others(captioners):
    findings = verify(captioners)
    assert {finding.file for finding in findings if finding.code == "M003"} == {
        "ab/nn/nn/C10C-RESNETLSTM-8f7ac9c241d5b9546f8cd3484e0e100b.py",
        "ab/nn/nn/C10C-ResNetTransformer-0370e8d7135a3ac5a6917c5f15739115.py",
        "ab/nn/nn/C5C-ResNetTransformer-2a01510b5bf49095cb6befe6098baa74.py",
    }
    later = Counter(Path(finding.file).parent.name for finding in findings if finding.code == "T009")
    assert later == {"img-captioning_coco_bleu_RESNETLSTM": 13, "img-captioning_coco_bleu_ResNetTransformer": 1}
    assert {finding.code for finding in findings} == {"M003", "T009"}
    late = next(finding for finding in findings if finding.file.endswith("_RESNETLSTM/10.json"))
    line = (captioners / late.file).read_text().splitlines()[late.line - 1]
    uid = line.split('"')[3]
    earlier = json.loads((captioners / late.file).with_name("9.json").read_text())
    assert uid not in {trial["uid"] for trial in earlier}


def test_what_lemur_ships_and_lives_with_is_no_error(tree):
    file = tree / FOLDER / "1.json"
    trial = json.loads(file.read_text())[0]
    prm = {name: trial[name] for name in ("transform", "momentum", "batch", "lr")}  # hashed as a program held them
    for epoch in range(1, 6):
        put(tree, epoch, uid=lemur_hash(prm), epoch=5)
    empty = tree / "ab/nn/stat/train/img-captioning_coco_bleu_Empty"
    empty.mkdir()
    (empty / "1.json").write_text("[]")
    (tree / "ab/nn/nn/Empty.py").write_text(net_code(3))
    twice = tree / "ab/nn/stat/train/img-captioning_flickr8k_bleu_Empty"
    shutil.copytree(empty, twice)
    findings = verify(tree)
    assert errors(findings) == []
    assert {finding.code for finding in findings} == {"S007"}


def test_the_gate_is_asked_and_its_findings_name_the_file(tree):
    asked = []

    def gate(code: str):
        asked.append(code)
        yield GateFinding("C001", 7, "The sentence.", "The advice.", Severity.NOTE)

    findings = verify(tree, check_code=gate)
    assert len(asked) == 2
    assert {(one.code, one.line, one.severity) for one in findings} == {("gate-C001", 7, Severity.NOTE)}
    assert {one.file for one in findings} == {
        f"ab/nn/nn/{one.name}.py" for one in (network(101, "C5C-Old"), network(102, "C10C-Old"))
    }


def test_links_are_not_followed(tree):
    (tree / FOLDER / "6.json").symlink_to("/dev/zero")
    assert ("S004", f"{FOLDER}/6.json", 0) in errors(verify(tree))


def test_control_characters_in_names_are_shown_and_not_sent_to_the_terminal(tree):
    (tree / FOLDER / "\x1b[31mred.json").touch()
    [finding] = verify(tree)
    assert "\x1b" not in str(finding) and "\\x1b" in finding.file


def test_many_alike_are_counted(tree):
    for epoch in range(1, 6):
        rows = [{**trial, "accuracy": 2 + trial["accuracy"]} for trial in json.loads(stat_file(epoch))]
        (tree / FOLDER / f"{epoch}.json").write_text(json.dumps(rows))
    findings = [finding for finding in verify(tree) if finding.file.endswith("/1.json")]
    assert len(findings) == 21
    assert "30 more of T004" in " ".join(finding.sentence for finding in findings)


def stat_file(epoch: int) -> bytes:
    return stat_files(OLD, count=50)[f"{CONFIG.format(OLD)}/{epoch}.json"]


def test_every_rule_has_an_advice():
    assert all(rule.advice for rule in RULES.values())


def test_another_repository_is_refused(tmp_path):
    with pytest.raises(NotLemur, match="no clone of LEMUR"):
        verify(tmp_path)


class TestAgainstABase:
    """Only what a branch brings is looked at, and what it does to the base."""

    @pytest.fixture
    def branch(self, clone):
        git(clone, "switch", "--quiet", "-c", "work")
        return clone

    def test_old_defects_are_not_the_branchs(self, tree, branch):
        (branch / FOLDER / "3.json").unlink()
        git(branch, "switch", "--quiet", "main")
        commit_all(branch, "a defect of LEMUR's own")
        git(branch, "switch", "--quiet", "-c", "more")
        write_into(branch, [network(1)])
        assert verify(branch, "main") == []
        assert errors(verify(branch)) != []

    def test_a_new_network_is_looked_at_committed_or_not(self, branch):
        one = network(1)
        write_into(branch, [one])
        (branch / "ab/nn/stat/train" / CONFIG.format(one.name) / "2.json").unlink()
        assert [code for code, _, _ in errors(verify(branch, "main"))] == ["S005"]
        commit_all(branch)
        assert [code for code, _, _ in errors(verify(branch, "main"))] == ["S005"]

    def test_a_deleted_model_leaves_an_orphan(self, branch):
        (branch / f"ab/nn/nn/{OLD}.py").unlink()
        commit_all(branch)
        assert {code for code, _, _ in errors(verify(branch, "main"))} == {"S002", "B002"}

    def test_a_conflict_with_the_base_is_found(self, branch):
        put(branch, 5, accuracy=0.3)
        commit_all(branch)
        git(branch, "switch", "--quiet", "main")
        put(branch, 5, accuracy=0.4)
        commit_all(branch)
        git(branch, "switch", "--quiet", "work")
        objects = git(branch, "count-objects")
        found = {(code, file) for code, file, _ in errors(verify(branch, "main"))}
        assert found == {("B001", f"{FOLDER}/5.json"), ("B004", f"{FOLDER}/5.json")}
        assert git(branch, "count-objects") == objects, "a look has written into the clone"

    def test_lost_trials_changed_code_and_other_files_are_told(self, branch):
        edit(branch, 5, lambda trials: trials.clear())
        (branch / f"ab/nn/nn/{OLD}.py").write_text(net_code(77))
        (branch / "README.md").write_text("mine")
        commit_all(branch)
        found = {(one.code, one.file) for one in verify(branch, "main")}
        assert {("B004", f"{FOLDER}/5.json"), ("B003", f"ab/nn/nn/{OLD}.py"), ("B005", "README.md")} <= found

    @pytest.mark.parametrize("base", ["nowhere", "--upload-pack=x", "main:README.md"])
    def test_a_base_that_is_none_is_refused(self, branch, base):
        with pytest.raises(UsageError, match="--base"):
            verify(branch, base)


@pytest.mark.slow
def test_twenty_thousand_folders_take_less_than_a_minute(tmp_path):
    one = network(1)
    tree = write_tree(tmp_path / "large", [])
    for number in range(20_000):
        name = f"Net-{number}"
        (tree / f"ab/nn/nn/{name}.py").write_text(one.code)
        folder = tree / "ab/nn/stat/train" / CONFIG.format(name)
        folder.mkdir()
        for place, content in one.stat_files.items():
            (folder / Path(place).name).write_bytes(content)
    (tree / "ab/nn/stat/train" / CONFIG.format("Net-19999") / "4.json").unlink()
    began, used = time.monotonic(), processor_seconds()
    findings = verify(tree)
    seconds, used = time.monotonic() - began, processor_seconds() - used
    assert [finding.code for finding in findings] == ["S005"]
    # On a machine that is busy with other things the clock says little; the work is shared among the cores.
    assert min(seconds, used / (os.cpu_count() or 1)) < 60, f"{seconds:.1f} s, {used:.1f} s of processor time"


def processor_seconds() -> float:
    """What this process and its ended children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)

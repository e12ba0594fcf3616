"""A branch appears with all that is worth it, or the clone is as it was."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.contribute import clone as clone_room
from ab.gpt.contribute import commit as commit_room
from ab.gpt.contribute.clone import CloneNotReady
from ab.gpt.contribute.commit import BranchNotSet
from ab.gpt.contribute.contribute import Conflict, Wishes, contribute
from ab.gpt.contribute.contribution import BadContribution, worth
from ab.gpt.contribute.layout import NotLemur
from ab.gpt.contribute.publish import NotOpened, NotPushed
from ab.gpt.contribute.repository import NoRepository, without_credentials
from ab.gpt.contribute.verify import verify
from ab.gpt.errors import NNCaptionError, UsageError
from ab.gpt.gate.finding import Finding as GateFinding
from ab.gpt.train.scores.intervals import Interval
from tests.conftest import REPO
from tests.gpt.contribute.clones import (
    CONFIG,
    commit_all,
    git,
    net_code,
    network,
    stat_files,
    state,
    trials,
)

TWO = [network(1), network(2, "C10C-Test")]


def on_branch(clone: Path, branch: str = "nncaption") -> set[str]:
    """The files that the branch adds or changes."""
    return set(git(clone, "diff", "--name-only", f"main...{branch}").splitlines())


def files_of(*networks) -> set[str]:
    models = {f"ab/nn/nn/{one.name}.py" for one in networks}
    return models | {f"ab/nn/stat/train/{place}" for one in networks for place in one.stat_files}


def checked_out(clone: Path, tmp_path: Path, branch: str = "nncaption") -> Path:
    git(tmp_path, "clone", "--quiet", "--branch", branch, str(clone), "checked-out")
    return tmp_path / "checked-out"


class TestTheBranch:
    def test_it_holds_the_networks_and_nothing_else_and_is_the_users(self, clone, tmp_path):
        before = state(clone)
        done = contribute(clone, TWO)
        assert on_branch(clone) == files_of(*TWO) == set(done.files)
        assert git(clone, "log", "-1", "--format=%an <%ae>%n%cn", "nncaption") == (
            "Ada Contributor <ada@example.org>\nAda Contributor"
        )
        assert git(clone, "log", "-1", "--format=%s", "nncaption") == done.title
        after = state(clone)
        assert {**after, "refs": ""} == {**before, "refs": ""}, "more than a branch was made"
        copy = checked_out(clone, tmp_path)
        assert (copy / f"ab/nn/nn/{TWO[0].name}.py").read_text() == TWO[0].code
        assert verify(copy, "origin/main") == []
        assert git(clone, "fsck", "--strict") == ""

    def test_nothing_is_pushed_and_the_next_command_pushes_to_the_fork(self, clone, fork):
        done = contribute(clone, TWO)
        assert not done.pushed and git(fork, "branch", "--list", "nncaption") == ""
        command = done.next_commands[0].split()
        assert command[-3:] == ["push", "origin", "nncaption"]
        subprocess.run(command, check=True, capture_output=True)
        assert git(fork, "rev-parse", "nncaption") == done.commit

    def test_a_clone_without_remotes_is_told_how_it_gets_one(self, clone, fork):
        for remote in git(clone, "remote").split():
            git(clone, "remote", "remove", remote)
        adding, pushing = (shlex.split(command) for command in contribute(clone, TWO).next_commands[:2])
        assert adding[-4:-1] == ["remote", "add", "fork"]
        for command in ([*adding[:-1], str(fork)], pushing):
            subprocess.run(command, check=True, capture_output=True)
        assert git(fork, "rev-parse", "nncaption") == git(clone, "rev-parse", "nncaption")

    def test_the_request_says_what_how_how_good_and_what_was_checked(self, clone):
        done = contribute(clone, TWO)
        assert done.title.startswith("Add 2 image-captioning networks")
        for words in (
            "Proposed by a small language model",
            "0.1500 [0.1400, 0.1600]",
            "0.1100",
            f"nncaption train {TWO[0].name} --epochs 5",
            f"python -m ab.nn.train -c img-captioning_coco_bleu_{TWO[1].name}",
            "- [x] The trials cover 5 epochs",
            "- [ ] 100 Optuna trials",
            "merges into `main`",
        ):
            assert words in done.text
        assert done.text_file.read_text() == done.text

    def test_a_dry_run_shows_all_and_does_nothing(self, clone):
        before, objects = state(clone), git(clone, "count-objects", "-v")
        done = contribute(clone, TWO, Wishes(dry_run=True))
        assert set(done.files) == files_of(*TWO) and done.commit and done.text
        assert state(clone) == before
        assert git(clone, "count-objects", "-v") == objects
        assert not (clone / ".git" / "nncaption").exists()

    def test_the_second_run_adds_only_what_is_new(self, clone, tmp_path):
        first = contribute(clone, TWO)
        again = contribute(clone, TWO)
        assert (again.commit, again.files) == (None, [])
        assert git(clone, "rev-parse", "nncaption") == first.commit
        third = network(3)
        more = replace(TWO[0], stat_files=stat_files(TWO[0].name, count=2))
        done = contribute(clone, [more, TWO[1], third])
        assert set(done.files) == files_of(third) | {f"ab/nn/stat/train/{place}" for place in more.stat_files}
        assert git(clone, "rev-parse", "nncaption^") == first.commit
        copy = checked_out(clone, tmp_path)
        place = copy / "ab/nn/stat/train" / CONFIG.format(TWO[0].name) / "3.json"
        assert json.loads(place.read_text()) == trials(3, count=2)
        assert verify(copy, "origin/main") == []

    def test_trials_are_added_to_those_that_lemur_has_already(self, clone, tmp_path):
        old = network(101, "C5C-Old")
        other = replace(old, stat_files=stat_files(old.name, count=3))
        done = contribute(clone, [other])
        assert set(done.files) == {f"ab/nn/stat/train/{place}" for place in other.stat_files}
        assert verify(checked_out(clone, tmp_path), "origin/main") == []

    def test_a_branch_that_was_merged_begins_anew(self, clone, upstream):
        contribute(clone, TWO)
        git(clone, "merge", "--quiet", "--no-ff", "-m", "merge", "nncaption")
        git(clone, "push", "--quiet", "upstream", "main")
        third = network(3)
        assert contribute(clone, TWO).commit is None
        done = contribute(clone, [*TWO, third])
        assert set(done.files) == files_of(third)
        assert git(clone, "rev-parse", "nncaption^") == git(clone, "rev-parse", "main")

    def test_a_work_tree_beside_the_clone_will_do(self, clone, tmp_path):
        git(clone, "worktree", "add", "--quiet", str(tmp_path / "beside work"), "-b", "other")
        done = contribute(tmp_path / "beside work", TWO)
        assert git(clone, "rev-parse", "nncaption") == done.commit

    def test_files_that_git_does_not_track_are_left_alone_and_told_of(self, clone):
        (clone / f"ab/nn/nn/{TWO[0].name}.py").write_text("my own")
        done = contribute(clone, TWO)
        assert (clone / f"ab/nn/nn/{TWO[0].name}.py").read_text() == "my own"
        assert any("not tracked" in note for note in done.notes)


class TestWhatGoesIn:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"collapsed": True}, "collapsed"),
            ({"score": Interval(0.10, 0.13, 0.16), "baseline": None}, "does not beat the blind caption"),
            ({"score": Interval(0.10, 0.105, 0.11)}, "does not beat the baseline (0.1100) and the blind"),
            ({"score": None}, "no score"),
            ({"baseline": None, "blind": None}, "neither a baseline nor a blind caption"),
            ({"stat_files": {}}, "no statistics"),
            ({"stat_files": stat_files(network(1).name, epochs=4)}, "4 epochs"),
            (
                {"stat_files": {k: v for k, v in stat_files(network(1).name).items() if not k.endswith("2.json")}},
                "not complete",
            ),
            (
                {"stat_files": {**stat_files(network(1).name), f"{CONFIG.format(network(1).name)}/1.json": b"[]"}},
                "not complete",
            ),
        ],
    )
    def test_the_rest_stays_out_with_a_reason(self, clone, changes, reason):
        one = replace(TWO[0], **changes)
        assert reason in worth(one)
        done = contribute(clone, [one, TWO[1]])
        assert done.chosen == [TWO[1].name]
        assert [name for name, _ in done.left_out] == [one.name] and reason in done.left_out[0][1]

    def test_beating_one_of_the_two_marks_is_enough(self):
        assert worth(replace(TWO[0], score=Interval(0.115, 0.13, 0.15))) is None
        assert worth(replace(TWO[0], baseline=0.5)) is None

    def test_all_trained_takes_the_weak_but_never_the_collapsed(self, clone):
        weak = replace(TWO[0], score=Interval(0.01, 0.02, 0.03))
        fallen = replace(TWO[1], collapsed=True)
        done = contribute(clone, [weak, fallen], Wishes(all_trained=True))
        assert done.chosen == [weak.name]
        assert on_branch(clone) == files_of(weak)

    def test_code_that_lemur_has_under_another_name_stays_out(self, clone):
        old = network(101, "C5C-Old")
        same = network(101, "C8C-New")
        assert same.code == old.code
        done = contribute(clone, [same])
        assert done.left_out == [(same.name, f"it is the same code as {old.name}")]
        assert done.commit is None

    def test_a_name_that_lemur_has_for_other_code_stays_out(self, clone):
        taken = replace(network(101, "C5C-Old"), code=net_code(55))
        assert "another network under this name" in contribute(clone, [taken]).left_out[0][1]

    @pytest.mark.parametrize(
        "name", ["../../evil", "C5C_Under-Score", "-rf", "a b", "C5C-é", "x\ny", "", "C5C-Test.py", "a" * 300]
    )
    def test_names_with_odd_characters_are_refused(self, clone, name):
        before = state(clone)
        with pytest.raises(BadContribution):
            contribute(clone, [replace(TWO[0], name=name, stat_files=stat_files(name))])
        assert state(clone) == before

    @pytest.mark.parametrize("place", ["../x/1.json", "img-captioning_coco_bleu_Other/1.json", "1.json", "{}/0.json"])
    def test_statistics_that_belong_elsewhere_are_refused(self, clone, place):
        place = place.format(CONFIG.format(TWO[0].name))
        with pytest.raises(BadContribution, match="no place for statistics"):
            contribute(clone, [replace(TWO[0], stat_files={**TWO[0].stat_files, place: b"[]"})])

    def test_defects_stop_it_before_anything_changes(self, clone):
        before = state(clone)
        rows = [{**trials(3)[0], "lr": 0.7}]
        files = {**TWO[0].stat_files, f"{CONFIG.format(TWO[0].name)}/3.json": json.dumps(rows).encode()}
        with pytest.raises(BadContribution, match="T007"):
            contribute(clone, [replace(TWO[0], stat_files=files), TWO[1]])
        renamed = TWO[0].name.replace(TWO[0].name[-4:], "0000")
        with pytest.raises(BadContribution, match="M003"):
            contribute(clone, [replace(TWO[0], name=renamed, stat_files=stat_files(renamed))])
        assert state(clone) == before

    def test_the_gate_has_a_say(self, clone):
        before = state(clone)
        with pytest.raises(BadContribution, match="never ends"):
            contribute(clone, TWO, check_code=lambda code: [GateFinding("X001", 3, "It never ends.")])
        assert state(clone) == before
        assert "runs it for two steps" in contribute(clone, TWO, check_code=lambda code: []).text


def no_identity(clone: Path) -> None:
    git(clone, "config", "--unset", "user.email")


def dirty(clone: Path) -> None:
    (clone / "README.md").write_text("changed")


def staged(clone: Path) -> None:
    (clone / "new.py").write_text("new")
    git(clone, "add", "new.py")


def detached(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")


def merging(clone: Path) -> None:
    for branch, text in (("a", "one"), ("b", "two")):
        git(clone, "switch", "--quiet", "-c", branch, "main")
        (clone / "README.md").write_text(text)
        commit_all(clone)
    git(clone, "merge", "a", check=False)


def no_base(clone: Path) -> None:
    git(clone, "branch", "--quiet", "-m", "main", "trunk")
    git(clone, "remote", "set-head", "origin", "--delete", check=False)


def behind(clone: Path) -> None:
    git(clone, "switch", "--quiet", "-c", "ahead")
    (clone / "README.md").write_text("LEMUR went on")
    commit_all(clone)
    git(clone, "push", "--quiet", "upstream", "ahead:main")
    git(clone, "switch", "--quiet", "main")


def taken_by_checkout(clone: Path) -> None:
    git(clone, "switch", "--quiet", "-c", "nncaption")


def branch_in_the_way(clone: Path) -> None:
    git(clone, "branch", "nncaption/deeper")


IN_THE_WAY = {
    "no identity": (no_identity, CloneNotReady, "user.email is not set"),
    "a dirty tree": (dirty, CloneNotReady, "README.md"),
    "a staged file": (staged, CloneNotReady, "new.py"),
    "a detached head": (detached, CloneNotReady, "detached"),
    "a merge under way": (merging, CloneNotReady, "merge is under way"),
    "no base": (no_base, CloneNotReady, "--base"),
    "a base that is behind": (behind, CloneNotReady, "git pull --ff-only upstream main"),
    "the branch is checked out": (taken_by_checkout, CloneNotReady, "git switch main"),
    "a branch in the way": (branch_in_the_way, BranchNotSet, "nncaption/deeper"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_what_is_in_the_way_is_said_and_the_clone_left_as_it_was(clone, name):
    spoil, error, words = IN_THE_WAY[name]
    spoil(clone)
    before = state(clone)
    with pytest.raises(error) as raised:
        contribute(clone, TWO)
    assert words in str(raised.value) and raised.value.way_out
    assert state(clone) == before


@pytest.mark.parametrize("branch", ["--force", "a..b", "a b", "x.lock", "main", "", "refs/heads/~1"])
def test_branches_that_cannot_be_are_refused(clone, branch):
    before = state(clone)
    with pytest.raises(UsageError, match="--branch"):
        contribute(clone, TWO, Wishes(branch=branch))
    assert state(clone) == before


def test_wrong_repositories_are_told_apart(clone, upstream, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(NoRepository, match="not the top folder"):
        contribute(other, TWO)
    with pytest.raises(NoRepository, match="no folder"):
        contribute(tmp_path / "nowhere", TWO)
    with pytest.raises(NoRepository, match="bare"):
        contribute(upstream, TWO)
    with pytest.raises(NoRepository, match="not the top folder"):
        contribute(clone / "ab", TWO)
    git(other, "init", "--quiet", "--initial-branch=main")
    with pytest.raises(NotLemur):
        contribute(other, TWO)
    (other / "a").touch()
    git(other, "-c", "user.name=x", "-c", "user.email=y", "commit", "--quiet", "--allow-empty", "-m", "x")
    with pytest.raises(NotLemur, match="ab/nn/api.py"):
        contribute(other, TWO)
    assert not (other / ".git" / "nncaption").exists()


def test_missing_rights_are_said_before_anything_happens(clone, monkeypatch):
    before = state(clone)
    monkeypatch.setattr(clone_room.os, "access", lambda place, mode: "objects" not in str(place))
    with pytest.raises(CloneNotReady, match="cannot be written"):
        contribute(clone, TWO)
    monkeypatch.undo()
    assert state(clone) == before


def test_a_full_disk_changes_nothing(clone, monkeypatch):
    before = state(clone)

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(commit_room.os, "replace", full)
    with pytest.raises(CloneNotReady, match="No space left"):
        contribute(clone, TWO)
    monkeypatch.undo()
    assert state(clone) == before
    assert contribute(clone, TWO).commit


def test_a_silent_remote_is_a_note(clone, upstream):
    shutil.rmtree(upstream)
    done = contribute(clone, TWO)
    assert done.commit and any("not compared with upstream" in note for note in done.notes)
    assert "compared with no remote" in done.text


def test_a_conflict_upstream_is_named_and_changes_nothing(clone, upstream):
    contribute(clone, TWO)
    other = replace(TWO[0], stat_files=stat_files(TWO[0].name, best=0.3))
    for place, content in {f"ab/nn/stat/train/{place}": data for place, data in other.stat_files.items()}.items():
        (clone / place).parent.mkdir(exist_ok=True)
        (clone / place).write_bytes(content)
    commit_all(clone, "somebody else's statistics of the same network")
    git(clone, "push", "--quiet", "upstream", "main")
    before = state(clone)
    with pytest.raises(Conflict) as raised:
        contribute(clone, [*TWO, network(3)])
    assert f"{CONFIG.format(TWO[0].name)}/1.json" in str(raised.value)
    assert state(clone) == before


def test_two_at_once_do_not_mix(clone):
    with commit_room.workplace(clone_room.Repository(clone)), pytest.raises(CloneNotReady, match="at work"):
        contribute(clone, TWO)


def test_a_branch_that_moved_meanwhile_is_not_overwritten(clone, monkeypatch):
    real = commit_room._move_objects

    def meanwhile(source, target):
        real(source, target)
        git(clone, "branch", "nncaption", "main")

    monkeypatch.setattr(commit_room, "_move_objects", meanwhile)
    with pytest.raises(BranchNotSet):
        contribute(clone, TWO)
    assert git(clone, "rev-parse", "nncaption") == git(clone, "rev-parse", "main")


class TestPush:
    def test_it_is_pushed_when_asked_for(self, clone, fork, upstream):
        done = contribute(clone, TWO, Wishes(push="origin"))
        assert done.pushed and git(fork, "rev-parse", "nncaption") == done.commit
        assert git(upstream, "branch", "--list", "nncaption") == ""

    def test_a_refusal_is_told_and_leaves_the_clone_as_it_was(self, clone, fork):
        hook = fork / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho 'permission to write denied' >&2\nexit 1\n")
        hook.chmod(hook.stat().st_mode | stat.S_IEXEC)
        before = state(clone)
        with pytest.raises(NotPushed, match="denied") as raised:
            contribute(clone, TWO, Wishes(push="origin"))
        assert "fork" in raised.value.way_out
        assert state(clone) == before
        hook.unlink()
        assert contribute(clone, TWO, Wishes(push="origin")).pushed

    def test_other_commits_on_the_remote_are_not_overwritten(self, clone, fork):
        git(clone, "switch", "--quiet", "-c", "foreign")
        (clone / "README.md").write_text("x")
        foreign = commit_all(clone)
        git(clone, "push", "--quiet", "origin", "foreign:nncaption")
        git(clone, "switch", "--quiet", "main")
        with pytest.raises(NotPushed, match="other commits"):
            contribute(clone, TWO, Wishes(push="origin"))
        assert git(fork, "rev-parse", "nncaption") == foreign

    def test_what_was_made_before_can_be_pushed_later(self, clone, fork):
        first = contribute(clone, TWO)
        later = contribute(clone, TWO, Wishes(push="origin"))
        assert later.commit is None and later.pushed
        assert git(fork, "rev-parse", "nncaption") == first.commit

    @pytest.mark.parametrize("remote", ["nowhere", "https://me:secret@example.org/x.git", "--mirror"])
    def test_only_remotes_of_the_clone_are_pushed_to(self, clone, remote):
        with pytest.raises(UsageError, match="no remote") as raised:
            contribute(clone, TWO, Wishes(push=remote))
        assert "secret" not in str(raised.value)

    def test_credentials_in_a_remotes_url_are_never_said(self, clone):
        git(clone, "remote", "set-url", "upstream", "http://ada:s3cr3t@127.0.0.1:9/x.git")
        git(clone, "remote", "set-url", "origin", "http://ada:s3cr3t@127.0.0.1:9/y.git")
        done = contribute(clone, TWO)
        with pytest.raises(NotPushed) as raised:
            contribute(clone, [*TWO, network(3)], Wishes(push="origin"))
        said = "\n".join([*done.notes, *done.next_commands, done.text, str(raised.value)])
        assert "127.0.0.1" in said and "s3cr3t" not in said
        for file in (clone / ".git" / "nncaption").rglob("*"):
            assert not file.is_file() or "s3cr3t" not in file.read_text()

    def test_credentials_are_cut_out_wherever_they_stand(self):
        text = "fatal: 'https://a:p@ss@h/x?access_token=abc' and ssh://git@h/y and git@h:z"
        assert without_credentials(text) == "fatal: 'https://***@h/x?access_token=***' and ssh://***@h/y and git@h:z"


class TestGh:
    @pytest.fixture
    def gh(self, tmp_path, monkeypatch):
        """A `gh` that writes down what it is told."""
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "gh"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/told\necho https://example.org/pull/1\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return tmp_path / "told"

    def test_it_opens_the_request_when_asked_to(self, clone, gh):
        done = contribute(clone, TWO, Wishes(push="origin", open_request=True))
        assert done.request_url == "https://example.org/pull/1"
        told = gh.read_text().splitlines()
        assert told[:2] == ["pr", "create"] and done.title in told and str(done.text_file) in told

    def test_it_is_not_called_unasked(self, clone, gh):
        contribute(clone, TWO, Wishes(push="origin"))
        assert not gh.exists()

    def test_without_it_nothing_begins(self, clone, monkeypatch):
        monkeypatch.setattr("ab.gpt.contribute.publish.shutil.which", lambda name: None)
        before = state(clone)
        with pytest.raises(NotOpened, match="not installed"):
            contribute(clone, TWO, Wishes(push="origin", open_request=True))
        with pytest.raises(UsageError, match="--push"):
            contribute(clone, TWO, Wishes(open_request=True))
        assert state(clone) == before

    def test_a_fork_on_github_is_named_to_it(self, clone):
        git(clone, "remote", "set-url", "upstream", "https://t:k@github.com/Lemur/nn-dataset.git")
        git(clone, "remote", "set-url", "origin", "git@github.com:ada/nn-dataset.git")
        from ab.gpt.contribute.clone import Clone, Repository
        from ab.gpt.contribute.publish import gh_arguments

        ready = Clone(Repository(clone), "main", "x", "nncaption", None, None, "upstream")
        told = gh_arguments(ready, "origin", "T", Path("f"))
        assert told[2:8] == ["--repo", "Lemur/nn-dataset", "--base", "main", "--head", "ada:nncaption"]


KILLED = """
import os, signal, sys
sys.path[:0] = [{repo!r}]
import nncaption; nncaption.light_ab()
from pathlib import Path
from tests.gpt.contribute.clones import network
from ab.gpt.contribute import commit, contribute as room
from ab.gpt.contribute.contribute import contribute
where, clone = sys.argv[1], Path(sys.argv[2])

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

def half(source, target, real=commit._move_objects):
    for file in sorted(source.rglob("*"))[6:]:
        if file.is_file() and file.parent.name != "info":
            file.unlink()
    real(source, target)
    die()

def locked(*arguments):
    (clone / ".git/refs/heads/nncaption.lock").touch()
    die()

match where:
    case "while it builds": room.build = die
    case "when it is built": room._check_merges = die
    case "while objects move": commit._move_objects = half
    case "before the branch": commit.set_branch = die
    case "inside git": commit.set_branch = locked
    case "after the branch": room._sent = die
contribute(clone, [network(1), network(2, "C10C-Test")])
"""


@pytest.mark.parametrize(
    "where",
    [
        "while it builds",
        "when it is built",
        "while objects move",
        "before the branch",
        "inside git",
        "after the branch",
    ],
)
def test_killed_half_way_the_clone_is_as_it_was_and_the_next_run_does_all(clone, where, tmp_path):
    before = state(clone)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(repo=str(REPO)), where, str(clone)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    after = state(clone)
    if where == "after the branch":
        assert {**after, "refs": ""} == {**before, "refs": ""}
        assert on_branch(clone) == files_of(*TWO)
    else:
        assert {**after, "locks": []} == before
    done = contribute(clone, TWO)
    assert (done.commit is None) == (where == "after the branch")
    assert on_branch(clone) == files_of(*TWO)
    assert state(clone)["locks"] == []
    assert not (clone / ".git" / "nncaption" / "work").exists()
    assert "missing" not in git(clone, "fsck", "--connectivity-only")
    assert verify(checked_out(clone, tmp_path), "origin/main") == []


@pytest.mark.slow
def test_killed_at_any_moment_there_is_a_whole_branch_or_none(clone, tmp_path):
    """Not at chosen places but by the clock, over the whole length of a run."""
    program = [sys.executable, "-c", KILLED.format(repo=str(REPO)), "nowhere", str(clone)]
    whole = []
    for step in range(24):
        running = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            running.wait(timeout=0.15 + 0.05 * step)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        there = git(clone, "branch", "--list", "nncaption") != ""
        whole.append(there)
        if there:
            assert on_branch(clone) == files_of(*TWO)
            git(clone, "branch", "--quiet", "-D", "nncaption")
        assert git(clone, "status", "--porcelain") == ""
    assert contribute(clone, TWO).commit
    assert True in whole and False in whole, whole


def test_errors_are_all_for_the_user(clone):
    """Whatever git does, what comes out is an error with a way out, never git's own exception."""
    (clone / ".git" / "refs" / "heads" / "main").write_text("0123\n")
    (clone / ".git" / "packed-refs").unlink(missing_ok=True)
    with pytest.raises(NNCaptionError):
        contribute(clone, TWO)


def test_inside_a_hook_of_another_repository_nothing_is_done(clone, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))
    with pytest.raises(NoRepository, match="GIT_DIR is set"):
        contribute(clone, TWO)

"""Places that are read-only or full, and LEMURs that cannot be used: one clear error each, and nothing is changed.

The places are real ones, mounted in a namespace of the child's own, so that root meets the refusal too.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ab.gpt.ledger import Ledger
from ab.gpt.lemur.bootstrap import ensure
from ab.gpt.lemur.home import Home
from ab.gpt.plan import Plan
from ab.gpt.runs import runs_folder
from tests.conftest import REPO, child_environment

NET = "def supported_hyperparameters():\n    return {'lr', 'momentum'}\n\n\nclass Net:\n    pass\n"


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not _can_mount(), reason="this system does not let a user mount in a namespace")


@pytest.fixture
def among_mounts(home: Home, site: Path):
    """Runs Python in the root after some shell commands that mount, where nobody else sees the mounts."""

    def run(mounts: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        script = f'set -e\n{mounts}\ncd {home.root}\nexec "$@"'
        return subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *command],
            cwd=REPO, env=child_environment(site), capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    return run


def everything(home: Home) -> dict[str, str]:
    """The contents of the root and of the package, but for the locks."""
    files = [*home.root.rglob("*"), *home.package.rglob("*")]
    return {
        str(file): hashlib.md5(file.read_bytes()).hexdigest() if file.is_file() else "folder"
        for file in files
        if not file.name.endswith((".lock", ".pyc"))
    }


def one_clear_error(done: subprocess.CompletedProcess[str], *named: str) -> None:
    """Exit code 1, no traceback, and after what was being done two lines: what was wrong, and the way out."""
    assert done.returncode == 1, done.stdout + done.stderr
    *doing, what, way_out = done.stderr.splitlines()
    assert set(doing) <= {"importing statistics", "sorting indexes"}, done.stderr
    assert what.startswith("nncaption: ") and way_out.startswith("  "), done.stderr
    for word in named:
        assert word in done.stderr, done.stderr


def read_only(place: Path) -> str:
    return f"mount --bind {place} {place}; mount -o remount,bind,ro {place}"


@needs_mounts
@pytest.mark.parametrize("built", [False, True])
def test_a_root_that_is_read_only(home, among_mounts, built):
    if built:
        ensure(home)
    before = everything(home)
    done = among_mounts(read_only(home.root), "-m", "nncaption", "bootstrap", *(["--rebuild"] if built else []))
    one_clear_error(done, str(home.db_file.parent), "Read-only", "nearest folder upwards")
    assert everything(home) == before


@needs_mounts
def test_a_whole_database_in_a_read_only_root_is_read(home, among_mounts):
    ensure(home)
    done = among_mounts(read_only(home.root), "-m", "nncaption", "bootstrap", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["action"] == "already whole"


@needs_mounts
def test_a_run_in_a_read_only_place_is_read(home, among_mounts):
    folder = runs_folder(home) / "kept"
    Ledger.create(folder, {"plan": Plan().as_json(), "began": 1.0}).close()
    with Ledger(folder).working():
        pass  # leaves its lock behind, as a run does
    listed = among_mounts(read_only(home.root), "-m", "nncaption", "runs", "--json")
    assert json.loads(listed.stdout)[0]["name"] == "kept", listed.stderr
    shown = among_mounts(read_only(home.root), "-m", "nncaption", "show", "kept", "--json")
    assert shown.returncode == 0 and json.loads(shown.stdout), shown.stderr
    resumed = among_mounts(read_only(home.root), "-m", "nncaption", "resume", "kept", "--candidates", "5")
    one_clear_error(resumed, "kept", "Read-only")
    begun = among_mounts(read_only(home.root), "-m", "nncaption", "demo")
    one_clear_error(begun, "demo", "Read-only")


@needs_mounts
@pytest.mark.parametrize("megabytes", [1, 17])
def test_a_disk_that_is_full(home, among_mounts, megabytes):
    """One that is too small from the start, and one on which only SQLite notices."""
    mounts = f"mount -t tmpfs -o size={megabytes}m none {home.root}; trap 'find {home.root} -type f' EXIT"
    fill = f"head -c 17400000 /dev/zero > {home.root}/filler" if megabytes > 1 else ""
    code = "from ab.gpt.lemur import bootstrap; bootstrap._check_room = lambda *a: None\n" if fill else ""
    main = code + "import sys; from ab.gpt.NNCaption import main; sys.exit(main(['bootstrap']))"
    done = among_mounts(f"{mounts}\n{fill}", "-c", main)
    one_clear_error(done, str(home.db_file.parent), "full", "Free some room")
    assert not home.db_file.exists()


RECORD = """
import hashlib, sys
from pathlib import Path
from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.bootstrap import ensure
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config
from ab.gpt.lemur.records import Epoch, record_trial, recover
from ab.gpt.lemur.registry import place
from tests.gpt.lemur.test_bad_places import NET, everything

home = Home(Path(sys.argv[1]), Path(sys.argv[2]), "2.1.2")
disk = Path(sys.argv[3])
ensure(home)
place(home, NET, name="Mine")
config = Config("img-captioning", "coco", "bleu", "Mine")
record_trial(home, config, {"lr": 1.0, "transform": "norm_32"}, [Epoch(1, 0.1, 5)])
filler = disk / "filler"
seen = []
for kilobytes in (0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512):
    with filler.open("wb", buffering=0) as handle:  # fills the disk, then leaves some room
        try:
            while handle.write(bytes(4096)):
                pass
        except OSError:
            pass
        handle.truncate(max(0, handle.tell() - 1024 * kilobytes))
    before = everything(home)
    prm = {"lr": 0.001 * kilobytes, "note": "x" * 20_000, "transform": "norm_32"}
    try:
        record_trial(home, config, prm, [Epoch(n, 0.1 + n / 100, n) for n in (1, 2, 3)])
        seen.append("done")
    except NNCaptionError as error:
        assert "full" in str(error) and str(disk) in str(error) and error.way_out, error
        assert everything(home) == before, set(everything(home)) ^ set(before)
        seen.append("full")
    filler.unlink()
assert recover(home) == 0
print(seen)
"""


@needs_mounts
@pytest.mark.parametrize("full", ["root", "package"])
def test_a_record_on_a_disk_with_a_little_room_is_there_or_not(home, among_mounts, full):
    """Between no room and enough of it, a trial is in both stores or the error says so and nothing is changed."""
    disk = home.root if full == "root" else home.package
    mounts = f"""
cp -a {disk} {disk}.before
mount -t tmpfs -o size=24m none {disk}
cp -a {disk}.before/. {disk}
rm -r {disk}.before"""
    done = among_mounts(mounts, "-c", RECORD, str(home.root), str(home.package), str(disk))
    assert done.returncode == 0, done.stderr[-3000:]
    seen = eval(done.stdout)
    assert seen[0] == "full" and seen[-1] == "done", seen


@needs_mounts
def test_a_package_that_is_read_only(home, among_mounts):
    ensure(home)
    code = """
import sys
from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.home import find_home
from ab.gpt.lemur.names import Config
from ab.gpt.lemur.records import Epoch, record_trial
from ab.gpt.lemur.registry import place
config = Config("img-captioning", "coco", "bleu", "RESNETLSTM")
for change in (
    lambda: place(find_home(), "class Net: pass", name="Mine"),
    lambda: record_trial(find_home(), config, {"lr": 1.0, "transform": "norm_32"}, [Epoch(1, 0.1, 5)]),
):
    try:
        change()
    except NNCaptionError as error:
        print(error.what, "->", error.way_out)
"""
    before = everything(home)
    done = among_mounts(read_only(home.package), "-c", code)
    placing, recording = done.stdout.splitlines()
    for said in (placing, recording):
        assert str(home.package) in said and "cannot be written" in said and "virtual environment" in said
    (home.db_file.parent / "nncaption-pending").rmdir()
    assert everything(home) == before


def nncaption(home: Home, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nncaption", *arguments],
        cwd=home.root, env=child_environment(site), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_statistics_file_that_is_corrupt(home, site):
    (home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / "1.json").write_text('[{"accuracy": 0.')
    before = everything(home)
    one_clear_error(nncaption(home, site, "bootstrap"), "RESNETLSTM/1.json", "not JSON", "Restore the file")
    shutil.rmtree(home.db_file.parent)  # the folder for the lock
    assert everything(home) == before


@pytest.mark.parametrize("version", ["2.2.4", "1.0"])
def test_a_lemur_of_an_unknown_version(home, site, version):
    about = site / "nn_dataset-2.1.2.dist-info" / "METADATA"
    about.write_text(f"Metadata-Version: 2.1\nName: nn-dataset\nVersion: {version}\n")
    before = everything(home)
    for command in ("bootstrap", "train"):
        one_clear_error(nncaption(home, site, command), f"LEMUR {version}", str(home.package), "pip install")
    assert everything(home) == before


@pytest.mark.parametrize("name", ["../RESNETLSTM", "a/b", "/etc/passwd", "RESNET.LSTM", "RESNET_LSTM"])
def test_a_model_name_with_a_path_in_it(home, site, name):
    before = everything(home)
    for command in ("train", "score"):
        one_clear_error(nncaption(home, site, command, name), repr(name), "letters, digits")
    assert everything(home) == before


def test_a_corrupt_database_under_a_record(home):
    """Damage that only a write meets: the error names the file, and no statistics are left without their rows."""
    from ab.gpt.errors import NNCaptionError
    from ab.gpt.lemur.names import Config
    from ab.gpt.lemur.records import Epoch, record_trial

    ensure(home)
    with home.db_file.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * (home.db_file.stat().st_size - 4096 * 4))
    before = everything(home)
    with pytest.raises(NNCaptionError, match=r"ab\.nn\.db") as caught:
        record_trial(
            home,
            Config("img-captioning", "coco", "bleu", "AlexNet"),
            {"lr": 0.5, "transform": "norm_32"},
            [Epoch(1, 0.1, 5)],
        )
    assert caught.value.way_out
    (home.db_file.parent / "nncaption-pending").rmdir()
    assert everything(home) == before

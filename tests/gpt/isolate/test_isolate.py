"""A job has its folder and nothing else, ends when it should, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.isolate import tree
from ab.gpt.isolate.job import GIB, BadResultFile, How, Job, Limits, NoWalls, Result, read_result_file
from ab.gpt.isolate.probe import available_walls
from ab.gpt.isolate.run import run as run_job
from ab.gpt.isolate.warm import Warm, can_be_warm
from tests.conftest import REPO, left_running

HERE = str(Path(__file__).parent)
WALLS = {wall.name: wall.active for wall in available_walls()}

needs_walls = pytest.mark.skipif(
    not (WALLS["namespaces"] and WALLS["Landlock"]), reason="this kernel has no namespaces or no Landlock"
)


@pytest.fixture(scope="module", autouse=True, params=["cold", "warm", "bubblewrap"])
def start(request):
    """Each test starts its jobs all ways."""
    if request.param == "warm" and not can_be_warm():
        pytest.skip("this system has no warm start")
    wrapped = request.param == "bubblewrap"
    if wrapped and not WALLS["bubblewrap"]:
        pytest.skip("bubblewrap is not installed")
    with Warm(["json"]) as warm, pytest.MonkeyPatch.context() as patch:
        patch.setattr("ab.gpt.isolate.run.needs_bubblewrap", lambda: wrapped)
        run.warm = warm if request.param == "warm" else None
        yield request.param


def run(*arguments, **named):
    return run_job(*arguments, **named, warm=run.warm)


@pytest.fixture(autouse=True)
def before(start):
    """What ran before a test, the warm processes of other tests among it."""
    run.before = set(tree.descendants(os.getpid()))


def nothing_runs_on() -> bool:
    return not left_running(run.before, run.warm.pid if run.warm else None)


@pytest.fixture
def job(tmp_path):
    """Makes a job of a function in `jobs.py`, with limits that keep a failing test short."""
    folder = tmp_path / "job"
    folder.mkdir()

    def make(name: str, limits: Limits | None = None, **payload) -> Job:
        limits = limits or Limits(wall_seconds=20, memory_bytes=1 * GIB, processes=32)
        return Job(f"jobs:{name}", payload, folder, path=(HERE,), limits=limits)

    return make


def refused(result: Result) -> bool:
    return result.how is How.RAISED and result.error_type in (
        "PermissionError", "FileNotFoundError", "OSError", "ConnectionRefusedError", "ProcessLookupError",
        "NotADirectoryError",
    )  # fmt: skip


def test_returns_tells_and_prints(job):
    heard = []
    result = run(job("echo", events=3, text="ä"), heard.append)
    assert (result.how, result.value) == (How.RETURNED, {"events": 3, "text": "ä"})
    assert heard == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert "said aloud" in result.log


@needs_walls
def test_all_walls_are_up(job, start):
    outer = ("bubblewrap",) if start == "bubblewrap" else ("namespaces", "root")
    assert run(job("echo")).walls == (*outer, "Landlock")


def test_an_error_has_its_traceback(job):
    result = run(job("fail"))
    assert (result.how, result.error_type, result.reason) == (How.RAISED, "ValueError", "no good")
    assert "jobs.py" in result.traceback


def test_ways_to_leave(job):
    assert run(job("leave", code=0)).error_type == "SystemExit"
    result = run(job("leave_at_once", code=3))
    assert result.how is How.EXITED and "exit(3)" in result.reason
    assert run(job("leave_at_once", code=0)).how is How.EXITED
    result = run(job("kill_itself"))
    assert result.how is How.KILLED and "SIGSEGV" in result.reason


@pytest.mark.parametrize("name", ["spin", "stop_itself"])
def test_a_time_out_kills_within_two_seconds(job, name):
    started = time.monotonic()
    result = run(job(name, Limits(wall_seconds=1.5)))
    assert result.how is How.TIMEOUT
    assert time.monotonic() - started < 1.5 + 2
    assert nothing_runs_on()


@needs_walls
def test_of_the_folder_in_which_one_works_nothing_is_seen(job, tmp_path, monkeypatch):
    """`python -m` puts it first on the path; the data, the true captions and secrets of a user lie there."""
    work = tmp_path / "work"
    for folder in ("data", "torch"):  # whatever its folders are called
        (work / folder).mkdir(parents=True)
        (work / folder / "secret").write_text("secret")
    monkeypatch.chdir(work)
    monkeypatch.syspath_prepend(str(work))
    for folder in ("data", "torch"):
        assert refused(run(job("read", file=str(work / folder / "secret"))))


def test_a_stop_from_outside(job):
    stop = threading.Event()
    result = run(job("spin"), lambda _event: stop.set(), stop)
    assert result.how is How.STOPPED


def test_an_error_of_the_listener_ends_the_job(job):
    def listen(_event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job("spin"), listen)
    assert nothing_runs_on()


def test_no_secret_in_the_environment(job, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    seen = run(job("environment")).value
    assert "hunter2" not in str(seen)
    folder = str(job("environment").folder.resolve())
    assert seen["HOME"].startswith(folder) and seen["TMPDIR"].startswith(folder)


@needs_walls
@pytest.mark.parametrize(
    "file", ["secret", "/etc/passwd", "/etc/shadow", "/root/.ssh/id_rsa", "/proc/{parent}/environ"]
)
def test_files_outside_cannot_be_read(job, tmp_path, file):
    (tmp_path / "secret").write_text("secret")
    path = str(tmp_path / "secret") if file == "secret" else file.format(parent=os.getpid())
    assert refused(run(job("read", file=path)))


def test_what_is_listed_can_be_read_and_not_written(job, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").write_text("data")
    asked = replace(job("read", file=str(data / "file")), readable=(data,))
    assert run(asked).value == "data"
    if WALLS["Landlock"]:
        assert refused(run(replace(job("write", file=str(data / "file")), readable=(data,))))
        assert (data / "file").read_text() == "data"


@needs_walls
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this system has no /dev/shm")
def test_shared_memory_is_its_own_and_what_is_listed_there_stays_as_it_is(job):
    """Landlock lets the job write into /dev/shm, which is another one for it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        data = Path(place, "data")
        data.mkdir()
        (data / "file").write_text("data")
        assert run(replace(job("read", file=str(data / "file")), readable=(data,))).value == "data"
        assert refused(run(replace(job("write", file=str(data / "file")), readable=(data,))))
        assert (data / "file").read_text() == "data"
        run(job("write", file=f"{place}-beside"))
        assert not Path(f"{place}-beside").exists()
        inside = replace(job("write", file="mine"), folder=Path(place, "job"))
        inside.folder.mkdir()
        assert run(inside).how is How.RETURNED and (inside.folder / "mine").read_text() == "written"


@needs_walls
def test_only_its_folder_can_be_written(job, tmp_path):
    assert run(job("write", file="mine")).how is How.RETURNED
    for place in (tmp_path / "outside", Path(pytest.__file__), Path("/tmp/nncaption-outside"), Path("/dev/sda")):
        before = place.read_bytes() if place.is_file() else None
        assert refused(run(job("write", file=str(place)))), place
        assert (place.read_bytes() if place.is_file() else None) == before
    assert refused(run(job("through_a_link", to=str(tmp_path))))
    assert not (tmp_path / "file").exists()


@needs_walls
def test_there_is_little_to_see(job):
    seen = run(job("look_around", places=["/proc", "/home", "/root", "/var", "/run", "/tmp"])).value
    pids = [name for name in seen["/proc"] if name.isdecimal()]
    assert len(pids) <= 4  # with bubblewrap's own
    way_to_the_folder = str(job("look_around").folder)
    for place in ("/home", "/root", "/var", "/run", "/tmp"):
        assert all(way_to_the_folder.startswith(f"{place}/{name}/") for name in seen[place]), seen


@needs_walls
def test_a_new_namespace_does_not_open_anything(job, tmp_path):
    (tmp_path / "secret").write_text("secret")
    assert refused(run(job("new_namespaces", file=str(tmp_path / "secret"))))


@needs_walls
@pytest.mark.parametrize("kind", ["tcp", "udp", "unix", "abstract"])
def test_no_sockets(job, tmp_path, kind):
    path = f"/tmp/nncaption-test-{os.getpid()}.sock"
    family = socket.AF_INET if kind in ("tcp", "udp") else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as server:
        address = {"tcp": ("127.0.0.1", 0), "udp": ("127.0.0.1", 0), "unix": path, "abstract": "\0" + path}[kind]
        server.bind(address)
        if kind != "udp":
            server.listen()
        name = server.getsockname() if family == socket.AF_INET else address
        result = run(job("connect", kind="unix" if kind == "abstract" else kind, address=name))
        Path(path).unlink(missing_ok=True)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):  # a datagram may be sent to nobody
            server.recv(100) if kind == "udp" else server.accept()
    assert refused(result) or kind == "udp", result


@needs_walls
def test_the_parent_cannot_be_reached(job):
    for number in (signal.SIGSTOP, signal.SIGKILL, 0):
        assert refused(run(job("signal_to", pid=os.getpid(), signal=int(number))))
    assert refused(run(job("trace", pid=os.getpid())))
    everybody = run(job("signal_to", pid=-1, signal=int(signal.SIGKILL)))
    assert everybody.how in (How.RETURNED, How.RAISED, How.KILLED)


@needs_walls
def test_a_grandchild_does_not_outlive_its_job(job):
    made = job("grandchild", file="alive")
    assert run(made).value == "left"
    time.sleep(3.5)
    assert not (made.folder / "alive").exists()


def test_a_fork_bomb_is_counted(job):
    result = run(job("fork_bomb"))
    assert result.how is How.PROCESSES and "32 processes" in result.reason
    assert nothing_runs_on()


def test_memory(job):
    assert run(job("allocate", bytes=100 * GIB)).how is How.MEMORY
    assert run(job("allocate", bytes=50 << 20)).value == 50 << 20
    result = run(job("fill_memory", Limits(wall_seconds=20, memory_bytes=256 << 20)))
    assert result.how is How.MEMORY and result.peak_memory > 200 << 20


def test_files_are_bounded(job):
    limits = Limits(wall_seconds=20, file_bytes=32 << 20, folder_bytes=64 << 20)
    for sparse in (True, False):
        result = run(job("big_file", limits, sparse=sparse))
        assert result.how is How.RAISED and "too large" in result.reason
    result = run(job("many_files", limits))
    assert result.how is How.DISK


@pytest.mark.parametrize("text", ["66616b65" * 30, "ffffffff" * 30, "00" * 100, "01" * 4_000_000])
def test_bytes_of_others_on_the_channel_are_noticed(job, text):
    result = run(job("shout_into_everything", hex=text))
    assert result.how is How.FORBIDDEN and "channel" in result.reason


def test_a_huge_event_is_refused_by_its_sender(job):
    assert run(job("huge_event", bytes=2 << 20)).error_type == "ValueError"


def test_the_log_keeps_its_end_only(job):
    result = run(job("flood_the_log", Limits(wall_seconds=30, log_bytes=10_000), lines=20_000))
    assert result.value == "flooded" and len(result.log) <= 10_000


def test_processes_of_its_own_work(job):
    assert run(job("with_children")).value == [1, 2, 3]
    assert run(job("run_a_program", argv=[sys.executable, "-c", "print('hello')"])).value == "hello\n"


def test_walls_can_be_demanded(job):
    assert run(replace(job("echo"), require=frozenset())).how is How.RETURNED
    with pytest.raises(NoWalls, match="moat"):
        run(replace(job("echo"), require=frozenset({"moat"})))


def test_result_files_are_read_with_care(tmp_path):
    (tmp_path / "good").write_bytes(b"good")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "hard").hardlink_to(tmp_path / "good")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(bytes(1000))
    (tmp_path / "fine").write_bytes(b"fine")
    assert read_result_file(tmp_path, "fine", 100) == b"fine"
    for name in ("link", "hard", "pipe", "folder", "large", "absent", "../x", "folder/../fine"):
        with pytest.raises(BadResultFile):
            read_result_file(tmp_path, name, 100)


def own_memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(180)
def test_a_hundred_jobs_leave_nothing(job):
    made = job("echo", events=1)
    run(made)
    handles = len(os.listdir("/proc/self/fd"))
    memory = own_memory()
    for _ in range(100):
        assert run(made).how is How.RETURNED
    assert len(os.listdir("/proc/self/fd")) == handles
    assert nothing_runs_on()
    assert own_memory() - memory < 50 << 20
    assert {entry.name for entry in made.folder.iterdir()} <= {"home", "tmp", ".root"}
    assert not list((made.folder / "tmp").iterdir())


def test_the_child_dies_with_its_parent(job, tmp_path):
    made = job("spin")
    code = f"""
import sys
sys.path[:0] = [{str(REPO)!r}]
from pathlib import Path
from ab.gpt.isolate.job import Job
from ab.gpt.isolate.run import run
from ab.gpt.isolate.warm import Warm
run(
    Job("jobs:spin", {{}}, Path({str(made.folder)!r}), path=({HERE!r},)),
    lambda event: print("spinning", flush=True),
    warm={"Warm([])" if run.warm else "None"},
)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None and parent.stdout.readline() == "spinning\n"
    doomed = [pid for pid in tree.descendants(parent.pid) if pid != parent.pid]
    assert doomed
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in doomed):
        time.sleep(0.05)
    assert not [pid for pid in doomed if Path(f"/proc/{pid}").exists()]

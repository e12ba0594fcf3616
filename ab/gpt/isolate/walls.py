"""The walls, put up from the inside by a child that has not run any foreign code yet."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ab.gpt.isolate import landlock

NEW_USER, NEW_NET, NEW_PID, NEW_MOUNT, NEW_IPC = 0x10000000, 0x40000000, 0x20000000, 0x00020000, 0x08000000
_BIND, _REC, _PRIVATE, _NOSUID, _NODEV, _NOEXEC = 0x1000, 0x4000, 1 << 18, 2, 4, 8
_DETACH = 2
_PDEATHSIG, _NO_NEW_PRIVS, _DUMPABLE = 1, 38, 4
_MOUNT_SETATTR, _READ_ONLY, _HERE, _RECURSIVE = 442, 1, -100, 0x8000
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}

NAMES = ("namespaces", "root", "Landlock", "bubblewrap")
"""Every wall that a job may demand; bubblewrap stands where a process may not make namespaces itself."""
SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin")
SYSTEM_PARTS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/certs", "/etc/alternatives", "/etc/mime.types")
DEVICES = ("null", "zero", "full", "random", "urandom")


def libc() -> ctypes.CDLL:
    """The C library with errno kept."""
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def check(result: int, what: str) -> None:
    """Raises `OSError` for a call that failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def die_with_parent() -> None:
    """Has the kernel kill this process when the one that started it dies."""
    if sys.platform == "linux":
        libc().prctl(_PDEATHSIG, 9, 0, 0, 0)


def limit(memory: int | None, cpu: int, processes: int, open_files: int, file_bytes: int) -> None:
    """Bounds of the kernel on this process and its children."""
    try:
        import resource
    except ImportError:
        return
    bounds = {"CORE": 0, "CPU": cpu, "NOFILE": open_files, "FSIZE": file_bytes, "NPROC": processes, "AS": memory}
    for name, bound in bounds.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None or bound is None:
            continue
        _, hard = resource.getrlimit(which)
        if name == "NPROC":
            continue  # counts all processes of the user; the parent counts those of the job instead
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (bound, bound))


def leave_namespaces() -> list[str]:
    """Leaves the host's users, network, processes, mounts and IPC behind; the names of what was left.

    The next child that this process forks is the first of the new process namespace.
    """
    if sys.platform != "linux":
        return []
    uid, gid = os.getuid(), os.getgid()
    library = libc()
    if library.unshare(NEW_USER | NEW_NET | NEW_PID | NEW_MOUNT | NEW_IPC) != 0:
        return []
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return ["namespaces"]


def new_root(folder: Path, readable: Iterable[Path], gpu: bool, shared_bytes: int) -> bool:
    """Makes a root that holds only these places; False where the kernel does not let us, and nothing has changed.

    Sockets, files and programs of the host that are not in it cannot even be named.
    """
    library = libc()
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        return False

    def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
        check(
            library.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()),
            f"mount {target}",
        )

    def show(source: str, target: str, kind: str, flags: int) -> None:
        mount(source, target, kind, flags)
        _make_read_only(library, target)

    root = folder / ".root"
    root.mkdir(exist_ok=True)
    try:
        mount("none", "/", "none", _REC | _PRIVATE)
        mount("tmpfs", str(root), "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
    except OSError:
        return False
    # First of all, because the job's folder may lie in the host's.
    (root / "dev" / "shm").mkdir(parents=True)
    mount("tmpfs", str(root / "dev" / "shm"), "tmpfs", _NOSUID | _NODEV, f"size={shared_bytes}")
    seen: set[str] = set()
    devices = [Path("/dev") / device for device in DEVICES]
    system = [Path("/sys"), *gpu_devices()] if gpu else [Path("/sys/devices/system")]
    for path in [*readable, *devices, *system]:
        _show(root, path, show, seen)
    own = root / folder.relative_to("/")
    own.mkdir(parents=True, exist_ok=True)
    mount(str(folder), str(own), "none", _BIND)  # without what is mounted in it: the new root
    (root / "tmp").mkdir(exist_ok=True)
    (root / "proc").mkdir(exist_ok=True)
    try:
        mount("proc", str(root / "proc"), "proc", _NOSUID | _NODEV | _NOEXEC)
    except OSError:
        pass  # a system that hides parts of /proc from us; the child does without it
    old = root / ".old"
    old.mkdir()
    check(int(library.syscall(number, str(root).encode(), str(old).encode())), "pivot_root")
    os.chdir("/")
    check(library.umount2(b"/.old", _DETACH), "umount the old root")
    os.rmdir("/.old")
    return True


def _make_read_only(library: ctypes.CDLL, target: str) -> None:
    """A second lock beside Landlock's, where the kernel has it (5.12); device nodes work all the same."""
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY, 0, 0, 0)
    library.syscall(
        _MOUNT_SETATTR, ctypes.c_int(_HERE), target.encode(), ctypes.c_uint(_RECURSIVE), attributes, ctypes.c_size_t(32)
    )


def gpu_devices() -> list[Path]:
    """The device nodes of GPUs."""
    return [*Path("/dev").glob("nvidia*"), *(path for path in (Path("/dev/dri"), Path("/dev/kfd")) if path.exists())]


def bubblewrap(folder: Path, readable: Iterable[Path], gpu: bool) -> list[str]:
    """The command in front of a child's that puts up the same walls from outside, where a process may not unshare."""
    command = ["bwrap", "--die-with-parent", "--unshare-all", "--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev"]
    for place in readable:
        command += ["--ro-bind", str(place), str(place)]
    for device in gpu_devices() if gpu else []:
        command += ["--dev-bind", str(device), str(device)]
    return [*command, "--bind", str(folder), str(folder), "--chdir", str(folder), "--"]


def _show(root: Path, path: Path, mount: Callable[[str, str, str, int], None], seen: set[str]) -> None:
    """Makes one place of the host visible under the same name in the new root."""
    if str(path) in seen or not os.path.lexists(path):
        return
    seen.add(str(path))
    place = root / path.relative_to("/")
    if os.path.lexists(place) and not path.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        if not os.path.lexists(place):
            place.symlink_to(os.readlink(path))
        _show(root, path.parent / os.readlink(path), mount, seen)
        return
    if path.is_dir():
        place.mkdir(exist_ok=True)
    else:
        place.touch()
    mount(str(path), str(place), "none", _BIND | _REC)


def close_for_good(readable: Iterable[Path], writable: Iterable[Path]) -> list[str]:
    """Gives up capabilities, new privileges and, by Landlock, every place but these; the names of the walls put up."""
    if sys.platform != "linux":
        return []
    library = libc()
    library.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    _drop_capabilities(library)
    return ["Landlock"] if landlock.restrict(readable, writable) else []


def _drop_capabilities(library: ctypes.CDLL) -> None:
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        return
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    check(int(library.syscall(number, header, none)), "capset")

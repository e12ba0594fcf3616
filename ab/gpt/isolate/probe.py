"""Which walls against foreign code this system offers, tried out in a child that is thrown away."""

from __future__ import annotations

import functools
import json
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

PROBE_SECONDS = 20


@dataclass(frozen=True)
class WallFinding:
    """One wall: whether it can be put up here, what it keeps out, and what to do where it cannot."""

    name: str
    active: bool
    says: str
    advice: str = ""


# Each namespace is tried in a fork of its own, because a failed attempt may leave the process half in another one.
_TRY = r"""
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
found = {}

def holds(attempt):
    child = os.fork()
    if child == 0:
        try:
            code = 0 if attempt() else 1
        except Exception:
            code = 1
        os._exit(code)
    return os.waitpid(child, 0)[1] == 0

USER, NEW = 0x10000000, {"net": 0x40000000, "pid": 0x20000000, "mount": 0x00020000, "ipc": 0x08000000}
found["user"] = holds(lambda: libc.unshare(USER) == 0)
for name, flag in NEW.items():
    found[name] = holds(lambda: libc.unshare(USER | flag) == 0)
found["landlock"] = max(0, libc.syscall(444, None, 0, 1))  # landlock_create_ruleset asked for its version
found["seccomp"] = os.path.exists("/proc/sys/kernel/seccomp/actions_avail")
json.dump(found, sys.stdout)
"""


def available_walls() -> list[WallFinding]:
    """What isolation can put between foreign code and this machine."""
    found = _try_out() if sys.platform == "linux" else {}
    abi = int(found.get("landlock", 0))
    spaces = [name for name in ("user", "net", "pid", "mount", "ipc") if found.get(name)]
    missing = [name for name in ("user", "net", "pid", "mount", "ipc") if not found.get(name)]
    return [
        WallFinding(
            "namespaces",
            not missing,
            f"{', '.join(spaces)}: no network, no sight of other processes, a root of its own"
            if spaces
            else f"none on {platform.system()}",
            f"Not to be had: {', '.join(missing)}. Allow user namespaces (kernel.unprivileged_userns_clone=1,"
            " kernel.apparmor_restrict_unprivileged_userns=0)."
            if missing
            else "",
        ),
        WallFinding(
            "Landlock",
            abi > 0,
            f"ABI {abi}: files outside the job's folder are out of reach" if abi else "not in this kernel",
            "" if abi else "Linux 5.13 and later have it; without it the other walls still stand.",
        ),
        WallFinding(
            "limits",
            _has_rlimits(),
            "memory, CPU time, processes, open files and file size are bounded"
            if _has_rlimits()
            else f"none on {platform.system()}; only wall-clock time is bounded",
        ),
        WallFinding(
            "bubblewrap",
            shutil.which("bwrap") is not None,
            (shutil.which("bwrap") or "not installed") + ("" if missing else "; not needed, the namespaces are used"),
        ),
    ]


@functools.cache
def needs_bubblewrap() -> bool:
    """True where a process may not make namespaces itself and bubblewrap, which may have leave to, is installed."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return False
    found = _try_out()
    return not all(found.get(name) for name in ("user", "net", "pid", "mount"))


def _try_out() -> dict[str, int]:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _TRY], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
        found: dict[str, int] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return found


def _has_rlimits() -> bool:
    try:
        import resource
    except ImportError:
        return False
    return hasattr(resource, "RLIMIT_AS")

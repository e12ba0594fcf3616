"""What the isolation tests have a child do. Functions of a payload and a channel, as a job calls them."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def echo(payload, channel):
    for number in range(payload.get("events", 0)):
        channel.send({"number": number})
    print("said aloud")
    return payload


def fail(payload, channel):
    raise ValueError("no good")


def leave(payload, channel):
    sys.exit(payload["code"])


def leave_at_once(payload, channel):
    os._exit(payload["code"])


def spin(payload, channel):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel.send({"spinning": True})
    while True:
        pass


def stop_itself(payload, channel):
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)


def kill_itself(payload, channel):
    os.kill(os.getpid(), signal.SIGSEGV)


def environment(payload, channel):
    return dict(os.environ)


def read(payload, channel):
    return Path(payload["file"]).read_text()


def write(payload, channel):
    Path(payload["file"]).write_text("written")


def through_a_link(payload, channel):
    os.symlink(payload["to"], "way")
    Path("way/file").write_text("written")


def look_around(payload, channel):
    seen = {}
    for place in payload["places"]:
        try:
            seen[place] = sorted(os.listdir(place))
        except OSError:
            seen[place] = []
    return seen


def connect(payload, channel):
    family = {"tcp": socket.AF_INET, "udp": socket.AF_INET, "unix": socket.AF_UNIX}[payload["kind"]]
    kind = socket.SOCK_DGRAM if payload["kind"] == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as s:
        s.settimeout(3)
        address = payload["address"]
        s.connect(tuple(address) if isinstance(address, list) else address)
        s.send(b"out")


def signal_to(payload, channel):
    os.kill(payload["pid"], payload["signal"])


def trace(payload, channel):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, payload["pid"], 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def grandchild(payload, channel):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3)
            Path(payload["file"]).write_text("alive")
            os._exit(0)
        os._exit(0)
    return "left"


def fork_bomb(payload, channel):
    for _ in range(2000):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    return "forked"


def allocate(payload, channel):
    return len(bytearray(payload["bytes"]))


def fill_memory(payload, channel):
    kept = []
    while True:
        kept.append(os.urandom(1 << 22) * 4)


def big_file(payload, channel):
    with open("big", "wb") as file:
        if payload["sparse"]:
            file.truncate(1 << 40)
        while True:
            file.write(bytes(1 << 22))


def many_files(payload, channel):
    number = 0
    while True:
        Path(f"file-{number}").write_bytes(bytes(1 << 20))
        number += 1


def shout_into_everything(payload, channel):
    data = bytes.fromhex(payload["hex"])
    for handle in range(3, 256):
        try:
            os.write(handle, data)
        except OSError:
            continue
    time.sleep(1)
    return "shouted"


def huge_event(payload, channel):
    channel.send({"huge": "x" * payload["bytes"]})


def flood_the_log(payload, channel):
    line = "x" * 1000
    for _ in range(payload["lines"]):
        print(line)
    return "flooded"


def new_namespaces(payload, channel):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(0x10000000 | 0x00020000)
    libc.mount(b"none", b"/", b"none", 0x4000 | 1 << 18, b"")
    return Path(payload["file"]).read_text()


def run_a_program(payload, channel):
    return subprocess.run(payload["argv"], capture_output=True, text=True, check=True).stdout


def with_children(payload, channel):
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, 2, -3])

"""Net files for the tests: a small one that learns, and hostile ones that differ from it in a line or two."""

from __future__ import annotations

from typing import NamedTuple

TEMPLATE = """\
import os, sys, time, json, socket, signal, subprocess, threading, ctypes, gc, pathlib
import torch
import torch.nn as nn


def supported_hyperparameters():
    return {{'lr', 'momentum'}}


{top}


class Net(nn.Module):
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.device = device
        self.vocab_size = out_shape[0]
        self.encoder = nn.Sequential(
            nn.Conv2d(in_shape[1], 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        self.start = nn.Linear(32, 64)
        self.embed = nn.Embedding(self.vocab_size, 64)
        self.rnn = nn.GRU(64, 64, batch_first=True)
        self.out = nn.Linear(64, self.vocab_size)
        {init}

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(ignore_index=0)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=prm['lr'])
        {setup}

    def learn(self, train_data):
        {learn}
        for images, captions in train_data:
            images, captions = images.to(self.device), captions.to(self.device)[:, 0, :]
            logits, _ = self.forward(images, captions[:, :-1])
            loss = self.criterion(logits.reshape(-1, self.vocab_size), captions[:, 1:].reshape(-1))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def forward(self, images, captions=None, hidden_state=None):
        {forward}
        hidden = torch.tanh(self.start(self.encoder(images).flatten(1))).unsqueeze(0)
        if captions is not None:
            states, hidden = self.rnn(self.embed(captions), hidden)
            return self.out(states), hidden
        token = torch.full((images.size(0), 1), 1, dtype=torch.long, device=images.device)
        done = torch.zeros_like(token, dtype=torch.bool)
        said = []
        for _ in range(12):
            states, hidden = self.rnn(self.embed(token), hidden)
            token = self.out(states[:, -1]).argmax(-1, keepdim=True).masked_fill(done, 0)
            done = done | (token == 2)
            said.append(token)
        return torch.cat(said, 1)
"""


def net(top: str = "", init: str = "", setup: str = "", learn: str = "", forward: str = "") -> str:
    """The small network with lines put into its methods."""

    def block(lines: str, indent: int) -> str:
        return ("\n" + " " * indent).join((lines or "pass").strip("\n").split("\n"))

    return TEMPLATE.format(
        top=top.strip("\n"),
        init=block(init, 8),
        setup=block(setup, 8),
        learn=block(learn, 8),
        forward=block(forward, 8),
    )


class Hostile(NamedTuple):
    """A Net file, the outcomes that may stop it, and a word that the reason must hold."""

    code: str
    outcomes: set[str]
    reason: str


WALK_FRAMES = """
frame = sys._getframe()
while frame is not None:
    labels = frame.f_locals.get('labels')
    if captions is None and labels is not None and getattr(labels, 'dim', lambda: 0)() == 3:
        return labels[:, 0, :]
    frame = frame.f_back
"""
WALK_HEAP = """
if captions is None:
    from ab.nn.loader.coco_.Caption import GLOBAL_CAPTION_VOCAB
    words = GLOBAL_CAPTION_VOCAB['word2idx']
    sets = [o for o in gc.get_objects() if type(o).__name__ == 'COCOCaptionDataset' and o.split == 'val']
    from ab.nn.loader.coco_.Caption import word_tokenize
    self.at = getattr(self, 'at', 0) % len(sets[0].ids)
    said = torch.zeros(images.size(0), 40, dtype=torch.long)
    for row in range(images.size(0)):
        text = sets[0].coco.imgToAnns[sets[0].ids[self.at]][0]['caption']
        ids = [1] + [words.get(w, 3) for w in word_tokenize(text.lower())][:38] + [2]
        said[row, :len(ids)] = torch.tensor(ids)
        self.at += 1
    return said
"""
FORK_BOMB = """
children = 0
while True:
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    children += 1
    if children > 3000:
        raise SystemExit('forked 3000 times')
"""
GRANDCHILD = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(6)
        open({proof!r}, 'w').write('alive')
        os._exit(0)
    os._exit(0)
raise RuntimeError('left a grandchild behind')
"""
CLOCK = """
import time
real = time.time_ns
def once():
    time.time_ns = real
    return 10 ** 30
"""
EVERY_FD = """
for fd in range(3, 256):
    try:
        os.write(fd, {bytes})
    except OSError:
        pass
"""
SEALED = """
import gc
[sender] = [thing for thing in gc.get_objects() if type(thing).__name__ == 'Sender']
sender.send({message})
"""
FAKE = 'b\'{"epoch": 1, "lemur_bleu": 0.99}\\n\' * 3'
REWRITE = """
real = pathlib.Path.write_text
pathlib.Path.write_text = lambda self, text, *a, **k: real(self, json.dumps([[1, 4, 5, 6, 2]] * {images}))
"""


def hostile(places: dict[str, str]) -> dict[str, Hostile]:
    """The hostile files, aimed at places that the test has prepared (paths and ports by name)."""
    p = places

    def send(kind: str, family: str, address: str) -> str:
        return (
            f"s = socket.socket(socket.{family}, socket.{kind})\ns.settimeout(3)\n"
            f"s.connect({address})\ns.send(b'secret')\nraise RuntimeError('the socket went through')"
        )

    errors = {"train_error"}
    stopped = {"train_error", "forbidden"}
    return {
        "patched metric at import": Hostile(
            net(top="import ab.nn.metric.bleu as b\nb.BLEUMetric.result = lambda self: 0.99"), {"forbidden"}, r"BLEUMetric\.result|BLEU of 0.99"
        ),
        "patched metric while learning": Hostile(
            net(learn="import ab.nn.metric.bleu as b\nb.sentence_bleu = lambda *a, **k: 1.0"), {"forbidden"}, "sentence_bleu|BLEU of 1.0"
        ),
        "patched torch": Hostile(
            net(learn="torch.no_grad = torch.enable_grad"), {"forbidden"}, r"torch\.no_grad"
        ),
        "patched trainer": Hostile(
            net(learn="import ab.nn.util.Train as t\nt.Train.eval = lambda self, loader: 0.9"), {"forbidden"}, r"Train\.eval"
        ),
        "patched builtins": Hostile(net(learn="import builtins\nbuiltins.float = lambda x: 0.7"), stopped, "."),
        "walks the frames for labels": Hostile(net(forward=WALK_FRAMES), {"forbidden"}, "looked them up"),
        "walks the heap for captions": Hostile(net(forward=WALK_HEAP), {"forbidden"}, "looked them up"),
        "sys.exit at import": Hostile(net(top="sys.exit(0)"), errors, "SystemExit|exit"),
        "sys.exit while learning": Hostile(net(learn="sys.exit(0)"), errors, "SystemExit|exit"),
        "os._exit while learning": Hostile(net(learn="os._exit(0)"), errors, "exit"),
        "os._exit in forward": Hostile(net(forward="os._exit(3)"), errors, "exit"),
        "a clock of its own": Hostile(
            net(top=CLOCK, forward="if captions is None:\n    time.time_ns = once"), {"forbidden"}, "times that cannot be"
        ),
        "endless loop in __init__": Hostile(net(init="while True:\n    pass"), {"timeout"}, "build"),
        "endless loop in learn": Hostile(net(learn="while True:\n    pass"), {"timeout"}, "learn"),
        "endless loop in forward": Hostile(
            net(forward="while captions is None:\n    pass"), {"timeout"}, "eval"
        ),
        "ignores SIGTERM and loops": Hostile(
            net(learn="signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    pass"), {"timeout"}, "learn"
        ),
        "stops itself": Hostile(net(learn="os.kill(os.getpid(), signal.SIGSTOP)"), {"timeout"}, "learn"),
        "fork bomb": Hostile(net(learn=FORK_BOMB), stopped | {"smoke"}, "process|Resource|fork"),
        "grandchild": Hostile(net(learn=GRANDCHILD.format(proof=p["inside proof"])), errors, "grandchild"),
        "100 GB": Hostile(net(init="self.big = torch.ones(100 * 2**30 // 4)"), {"smoke"}, "memory"),
        "1 TB file, sparse": Hostile(net(init="open('big', 'wb').truncate(2**40)"), stopped, "large|File|file"),
        "1 TB file, written": Hostile(
            net(init="f = open('big', 'wb')\nwhile True:\n    f.write(bytes(2**24))"), stopped, "large|File|file|disk"
        ),
        "reads a secret from the environment": Hostile(net(init=f"print(os.environ[{p['secret name']!r}])"), errors, "KeyError"),
        "reads ~/.ssh": Hostile(net(init=f"print(open({p['ssh key']!r}).read())"), errors, "Permission|NotFound"),
        "reads the parent's environment": Hostile(
            net(init=f"print(open('/proc/{p['parent']}/environ', 'rb').read())"), errors, "Permission|NotFound"
        ),
        "TCP": Hostile(net(init=send("SOCK_STREAM", "AF_INET", f"('127.0.0.1', {p['port']})")), errors, "Error|error"),
        "UDP": Hostile(net(init=send("SOCK_DGRAM", "AF_INET", "('192.0.2.1', 53)")), errors, "Error|error"),
        "Unix socket": Hostile(net(init=send("SOCK_STREAM", "AF_UNIX", repr(p["unix"]))), errors, "Error|error"),
        "abstract Unix socket": Hostile(
            net(init=send("SOCK_STREAM", "AF_UNIX", repr("\0" + p["abstract"]))), errors, "Error|error"
        ),
        "writes into site-packages": Hostile(net(init=f"open({p['site file']!r}, 'w').write('x')"), errors, "Permission|Read-only"),
        "writes into LEMUR's database": Hostile(net(init=f"open({p['database']!r}, 'r+b').write(b'x')"), errors, "Permission|Read-only|NotFound"),
        "writes into a stat file": Hostile(net(init=f"open({p['stat file']!r}, 'w').write('[]')"), errors, "Permission|Read-only"),
        "symlink out of the folder": Hostile(
            net(init=f"os.symlink({p['outside']!r}, 'way')\nopen('way/file', 'w').write('x')"), errors, "Permission|Read-only|NotFound"
        ),
        "predictions as a symlink": Hostile(
            net(setup="os.symlink('/etc/passwd', 'predictions-1.json')"), stopped, "."
        ),
        "stops the parent": Hostile(
            net(init="for pid in (os.getppid(), " + p["parent"] + "):\n    os.kill(pid, signal.SIGSTOP)"), stopped, "Permission|Lookup|."
        ),
        "kills everything": Hostile(net(init="os.kill(-1, signal.SIGKILL)"), stopped | {"infrastructure"}, "."),
        "fake event on the channel": Hostile(net(learn=EVERY_FD.format(bytes=FAKE)), {"forbidden"}, "channel|event|message"),
        "sealed score of its own": Hostile(
            net(learn=SEALED.format(message="{'event': {'epoch': 1, 'lemur_bleu': 0.99, 'predictions': 'words.json'}}")),
            {"forbidden"}, "."
        ),
        "sealed progress that is markup": Hostile(
            net(learn=SEALED.format(message="{'event': {'batch': '[red]\\x1b[2J', 'of': 3}}")), {"forbidden"}, "does not write"
        ),
        "sealed phase that is none": Hostile(
            net(learn=SEALED.format(message="{'event': {'phase': ['learn'], 'parameters': 'many'}}")), {"forbidden"}, "does not write"
        ),
        "sealed event that is none": Hostile(
            net(learn=SEALED.format(message="{'event': ['x'], 'up': 7}")), {"forbidden"}, "no worker writes"
        ),
        "endless event on the channel": Hostile(
            net(learn=EVERY_FD.format(bytes="b'x' * 2**22")), {"forbidden", "timeout"}, "channel|event|message|learn"
        ),
        "rewrites its predictions": Hostile(net(init=REWRITE.format(images=p["images"])), {"forbidden"}, "tampered with"),
        "reads the validation captions": Hostile(net(init=f"print(open({p['captions']!r}).read())"), errors, "Permission|NotFound"),
        "memorised validation captions": Hostile(net(top=f"ANSWERS = {p['answers']}"), {"forbidden"}, "validation captions"),
        "bulk data in the file": Hostile(net(top="DATA = '" + "x" * 30_000 + "'"), {"forbidden"}, "characters of data"),
    }  # fmt: skip

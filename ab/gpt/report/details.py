"""What the page tells of each network when one opens it: packed small, and unpacked by the browser when asked for.

Prompts repeat each other and replies repeat the baseline, so every line of text is kept once for the whole page.
"""

from __future__ import annotations

import base64
import difflib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ab.gpt.candidate import plain
from ab.gpt.report.charts.architecture import architecture
from ab.gpt.report.charts.curves import network_curve
from ab.gpt.report.draw.scale import duration
from ab.gpt.report.draw.svg import svg_in_page
from ab.gpt.report.facts import Attempt, Facts, Network, Reply
from ab.gpt.report.inside import decoder, inside_of

A_CHUNK = 40
_FINDING = ("code", "line", "sentence", "advice", "severity", "evidence")
_LONGEST_LINE, _MOST_LINES, _LONGEST_DIFF = 1_000, 4_000, 4_000

BaselineCode = Callable[[str], str]


@dataclass
class Lines:
    """Every line of text once; texts are lists of their numbers."""

    known: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    """The numbers of lines as they came, which saves looking through each again."""

    def text(self, text: str) -> list[int]:
        """The numbers of a text's lines, as they may be shown; what is monstrous is cut and says so."""
        lines = text.replace("\r\n", "\n").split("\n")
        cut = len(lines) - _MOST_LINES
        if cut > 0:
            lines = [*lines[:_MOST_LINES], f"… {cut:,} more lines are in the ledger"]
        return [self._line(line) for line in lines]

    def _line(self, line: str) -> int:
        number = self._seen.get(line)
        if number is None:
            number = self._seen[line] = self._shown(line)
        return number

    def _shown(self, line: str) -> int:
        if len(line) > _LONGEST_LINE:
            line = f"{line[:_LONGEST_LINE]}… {len(line) - _LONGEST_LINE:,} more signs are in the ledger"
        return self.known.setdefault(plain(line), len(self.known))


@dataclass(frozen=True)
class Details:
    """The page's data: the rows of the table of networks, and packed texts for when one is opened."""

    rows: list[list[Any]]
    lines: str
    chunks: list[str]
    baselines: str


ROW_FIELDS = (
    "row", "title", "name", "run", "kind", "number", "prefix", "decoder", "model", "mode", "n", "outcome", "stage",
    "bleu", "low", "high", "bleu4", "epoch", "collapsed", "parameters", "seconds", "tokens", "cost", "repairs",
    "quality", "reason",
)  # fmt: skip


def details_of(facts: Facts, baseline_code: BaselineCode) -> Details:
    """The details of all networks."""
    lines = Lines()
    names = sorted({network.baseline for network in facts.networks})
    own = {network.baseline: network.code for network in facts.networks if not network.proposed and network.code}
    codes = {name: own.get(name) or baseline_code(name) for name in names}
    packed = [_one(network, codes, lines) for network in facts.networks]
    chunks = [_pack(packed[start : start + A_CHUNK]) for start in range(0, len(packed), A_CHUNK)]
    baselines = _pack({plain(name): lines.text(code) for name, code in codes.items()})
    return Details([_row(network) for network in facts.networks], _pack(list(lines.known)), chunks, baselines)


def _row(network: Network) -> list[Any]:
    best = network.best
    state = {"gated": "waiting", "trained": "recording"}.get(network.state, "under way")
    seconds = network.train_seconds or None
    values = (
        network.row, network.title, network.name, network.run, network.kind, network.number, network.prefix,
        decoder(network) if network.code else "", network.model, network.mode, network.n, network.outcome or state,
        network.stage, *((best.lemur_bleu, best.low, best.high, best.bleu4, best.row) if best else (None,) * 5),
        network.collapsed if network.trained else None, network.parameters, seconds, network.tokens or None,
        network.cost or None, network.repairs, network.quality, network.reason[:200],
    )  # fmt: skip
    return [plain(value) if isinstance(value, str) else _rounded(value) for value in values]


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _one(network: Network, codes: dict[str, str], lines: Lines) -> dict[str, Any]:
    code = network.code or (network.counted.code if network.counted else "")
    anatomy = inside_of(network).anatomy
    base = codes.get(network.baseline, "") if network.proposed else ""
    return {
        "row": network.row,
        "about": [[label, plain(str(value)), row] for label, value, row in _about(network) if value not in ("", None)],
        "reason": plain(network.reason),
        "evidence": lines.text(network.evidence) if network.evidence else None,
        "notes": [plain(note) for note in network.notes],
        "log": lines.text(network.log) if network.log else None,
        "attempts": [_attempt(attempt, lines) for attempt in network.attempts],
        "replies": [_reply(reply, lines) for reply in network.replies],
        "code": lines.text(code) if code else None,
        "base": plain(network.baseline),
        "diff": _opcodes(base, code) if code and base else None,
        "blueprint": lines.text(json.dumps(network.blueprint, indent=2)) if network.blueprint else None,
        "drawing": lines.text(svg_in_page(architecture(network, anatomy, "arch"))) if anatomy else None,
        "curve": lines.text(svg_in_page(network_curve(network))) if network.epochs else None,
        "epochs": [
            [epoch.row, epoch.number, *map(_rounded, (
                epoch.lemur_bleu, epoch.low, epoch.high, epoch.bleu4, epoch.cider_d, epoch.rouge_l, epoch.distinct,
                epoch.train_loss, epoch.lr, epoch.learn_seconds, epoch.eval_seconds,
            ))]
            for epoch in network.epochs
        ],
    }  # fmt: skip


def _about(network: Network) -> list[tuple[str, Any, str]]:
    row = network.row
    hyper = ", ".join(f"{name} {value}" for name, value in network.hyper.items())
    memory = f"{network.peak_memory / 1e6:,.0f} MB" if network.peak_memory else ""
    cost = f"{network.cost:.4f}" if network.cost else ""
    trained = network.trained
    return [
        ("Name", network.name, row), ("Family", network.prefix, row), ("Baseline", network.baseline, row),
        ("Run", network.run, row), ("Proposed by", network.model, row), ("Mode", network.mode, row),
        ("Snippets shown", ", ".join(network.snippets), row), ("Prompt", network.prompt_version, row),
        ("Seed", network.seed, row), ("Outcome", (network.outcome or network.state).replace("_", " "), row),
        ("Stage", network.stage, row), ("Collapsed", ("yes" if network.collapsed else "no") if trained else "", row),
        ("Parameters", f"{network.parameters:,}" if network.parameters else "", row),
        ("Decoder", decoder(network) if network.code else "", row), ("Hyper-parameters", hyper, row),
        ("Batch that fitted", network.batch, row), ("Peak memory", memory, row), ("LEMUR's uid", network.uid, row),
        ("Proposing", _took(network.propose_seconds), row), ("Gate", _took(network.gate_seconds), row),
        ("Training", _took(network.train_seconds), row),
        ("Tokens", f"{network.tokens:,} written, {network.prompt_tokens:,} read" if network.replies else "", row),
        ("Cost", cost, row), ("Code quality", network.quality, row),
    ]  # fmt: skip


def _took(seconds: float) -> str:
    return duration(seconds) if seconds else ""


def _attempt(attempt: Attempt, lines: Lines) -> dict[str, Any]:
    return {
        "row": attempt.row,
        "number": attempt.number,
        "stage": attempt.stage,
        "counts": attempt.counts,
        "extracted": [plain(how) for how in attempt.extracted],
        "fixes": [plain(fix) for fix in attempt.fixes],
        "findings": [
            {key: plain(str(finding.get(key, ""))) for key in _FINDING}
            for finding in attempt.findings
        ],
        "code": lines.text(attempt.code) if attempt.code and not attempt.counts else None,
        "smoke": attempt.smoke and {key: attempt.smoke.get(key) for key in ("seconds", "memory", "side", "parameters")},
    }  # fmt: skip


def _reply(reply: Reply, lines: Lines) -> dict[str, Any]:
    return {
        "row": reply.row,
        "attempt": reply.attempt,
        "model": plain(reply.model),
        "finish": plain(reply.finish),
        "tokens": reply.tokens,
        "prompt_tokens": reply.prompt_tokens,
        "seconds": round(reply.seconds, 2),
        "left_out": [plain(str(part)) for part in reply.left_out],
        "prompt": [[plain(str(role)), lines.text(str(content))] for role, content in reply.prompt],
        "text": lines.text(reply.text),
    }


def _opcodes(base: str, code: str) -> list[list[Any]] | None:
    """How the baseline's lines become the network's; None where they are too many to compare."""
    before, after = (text.replace("\r\n", "\n").split("\n") for text in (base, code))
    if max(len(before), len(after)) > _LONGEST_DIFF:
        return None
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=len(after) > 1_000)
    return [[tag[0], *places] for tag, *places in matcher.get_opcodes()]


def _pack(value: Any) -> str:
    """The value as compressed JSON in letters, which a browser unpacks by itself."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    return base64.b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), 9)).decode()

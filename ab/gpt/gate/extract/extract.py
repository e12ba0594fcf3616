"""The code in a model's reply, whatever stands around it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ab.gpt.gate.contract import CAPTIONING, Contract
from ab.gpt.gate.extract.blocks import DIFF, PYTHON, Block, fenced_blocks
from ab.gpt.gate.extract.patch import looks_like_diff, new_side, patched
from ab.gpt.gate.extract.thoughts import split_thoughts, without_tags
from ab.gpt.gate.fixups.text import plain_text
from ab.gpt.gate.prose import SIGNS, without_prose
from ab.gpt.gate.source import LARGEST, parsed

_BEFORE_CLASS, _AFTER_CLASS = LARGEST // 16, LARGEST // 8
"""How much is looked at around the class in a text that is too long for a network."""
_MOST_BLOCKS = 200
_MOST_PARSED = 6


@dataclass(frozen=True)
class Extracted:
    """The code of a reply, empty where there is none, and what was done to get at it."""

    code: str
    how: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Find:
    """A piece of a reply that may be the file."""

    text: str
    how: tuple[str, ...] = ()


def extract(reply: str, baseline: str = "", contract: Contract = CAPTIONING) -> Extracted:
    """The piece of a reply that is most likely the whole file; a diff is applied to the baseline."""
    if not reply or reply.isspace():
        return Extracted("")
    text, how = reply, []
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        how.append("line ends")
    judge = _Judge(contract)
    if len(text) <= LARGEST and judge.has_class(text) and parsed(text) is not None:
        return Extracted(text, tuple(how))
    if inner := _unpacked(text, contract.class_name):
        text = inner
        how.append("packed text")
    found = _best(text, baseline, judge)
    if found is None:
        return Extracted("")
    code, done = plain_text(_trimmed(found.text))
    if parsed(code) is None and len(code) <= LARGEST and "without prose" not in found.how:
        spoken = without_prose(code)
        if spoken and spoken != code.rstrip() and judge.has_class(spoken) >= judge.has_class(code):
            code, found = _trimmed(spoken), _Find("", (*found.how, "without prose"))
    return Extracted(code, tuple(dict.fromkeys([*how, *found.how, *done])))


class _Judge:
    """Knows how much a text looks like the whole file."""

    def __init__(self, contract: Contract) -> None:
        self.name = contract.class_name
        self._class = re.compile(rf"^[ \t]*class[ \t]+{self.name}\b", re.MULTILINE)
        self._functions = [
            re.compile(rf"^[ \t]*def[ \t]+{function.name}[ \t]*\(", re.MULTILINE) for function in contract.functions
        ]
        self.most = len(self._functions)

    def has_class(self, text: str) -> bool:
        """True where the network's class is in the text."""
        return self.name in text and self._class.search(text) is not None

    def score(self, text: str) -> tuple[int, int]:
        """The class first, then how many of the mandatory functions there are."""
        functions = sum(function.search(text) is not None for function in self._functions) if "def" in text else 0
        return int(self.has_class(text)), functions

    def is_whole(self, find: _Find | None) -> bool:
        """True where nothing that is mandatory is missing."""
        return find is not None and self.score(find.text) == (1, self.most)

    def class_at(self, text: str) -> int:
        """Where the class begins, or -1."""
        found = self._class.search(text) if self.name in text else None
        return found.start() if found else -1


def _best(text: str, baseline: str, judge: _Judge) -> _Find | None:
    """The likeliest of all ways to read a reply: its answer first, its thoughts where that holds less."""
    best: _Find | None = None
    for find in _ways(text, baseline, judge):
        if find is not None and (best is None or judge.score(find.text) > judge.score(best.text)):
            best = find
        if judge.is_whole(best):
            break
    return best


def _ways(text: str, baseline: str, judge: _Judge) -> Iterator[_Find | None]:
    answer, thoughts = split_thoughts(text)
    blocks = fenced_blocks(answer)
    names = ("without thoughts",) if thoughts.strip() else ()
    yield _named(_from_blocks(blocks, judge), *names)
    yield _named(_from_diff(answer, blocks, baseline, judge), *names)
    yield _named(_without_fences(answer, judge), *names)
    if names:
        yield _named(_from_blocks(fenced_blocks(thoughts), judge), "from a thought")
        yield _named(_without_fences(thoughts, judge), "from a thought")
        yield _named(_from_blocks(fenced_blocks(without_tags(text)), judge), "from a thought")


def _named(find: _Find | None, *names: str) -> _Find | None:
    return _Find(find.text, (*names, *find.how)) if find else None


def _from_blocks(found: list[Block], judge: _Judge) -> _Find | None:
    """The best of the fenced blocks, or several where the file is spread over them."""
    blocks = [block for block in found if block.language in PYTHON]
    # Text without a language may be anything; it counts when it has a line that only code has.
    blocks = [block for block in blocks if block.language.startswith("py") or SIGNS.search(block.text[:LARGEST])]
    if not blocks:
        return None
    scored = sorted(
        ((judge.score(block.text), len(block.text), number) for number, block in enumerate(blocks)), reverse=True
    )
    ties = [number for score, _, number in scored if score == scored[0][0]][:_MOST_PARSED]
    # Of equals the one that is Python, then the longest, then the last.
    chosen = max(ties, key=lambda number: (parsed(_trimmed(blocks[number].text)) is not None, -ties.index(number)))
    block = blocks[chosen]
    how = ["fence" if len(blocks) == 1 else f"block {chosen + 1} of {len(blocks)}"]
    joined = _joined(blocks, block, judge) if 1 < len(blocks) <= _MOST_BLOCKS else ""
    if joined:
        return _Find(joined, (f"{len(blocks)} blocks joined",))
    if not block.closed:
        how.append("fence without an end")
    return _Find(block.text, tuple(how))


def _joined(blocks: list[Block], best: Block, judge: _Judge) -> str:
    """All blocks as one file, where the best lacks what others define and nothing is defined twice; else nothing."""
    names = [_defined(block.text) for block in blocks]
    if sum(map(len, names)) > len(set().union(*names)) or sum(len(block.text) for block in blocks) > LARGEST:
        return ""
    others = set().union(*names) - _defined(best.text)
    lacks = any(re.search(rf"\b{re.escape(name)}\b", best.text) for name in others)
    whole = "\n\n".join(_trimmed(block.text) for block in blocks)
    return whole if lacks or judge.score(whole) > judge.score(best.text) else ""


def _defined(text: str) -> set[str]:
    return set(re.findall(r"^(?:class|def)[ \t]+(\w+)", text, re.MULTILINE))


def _from_diff(answer: str, blocks: list[Block], baseline: str, judge: _Judge) -> _Find | None:
    """The baseline with the reply's diff applied to it, or the file that the diff makes."""
    diffs = [block.text for block in blocks if block.language in DIFF or looks_like_diff(block.text)]
    if not diffs and not blocks and looks_like_diff(answer):
        diffs = [answer]
    if not diffs:
        return None
    text = baseline
    for diff in diffs if baseline else ():
        text = patched(diff, text)
        if not text:
            break
    if text and text != baseline:
        return _Find(text, ("diff applied",))
    made = new_side(max(diffs, key=len))
    return _Find(made, ("new side of a diff",)) if judge.has_class(made) else None


def _without_fences(text: str, judge: _Judge) -> _Find | None:
    """The code of a text without fences, around the class where the text is long."""
    at = judge.class_at(text)
    if len(text) > LARGEST:
        if at < 0:
            return None
        first = text.rfind("\n", 0, max(0, at - _BEFORE_CLASS)) + 1
        last = text.rfind("\n", at, at + _AFTER_CLASS) + 1
        text = text[first : last or at + _AFTER_CLASS]
    if not SIGNS.search(text):
        return None
    text = re.sub(r"^[ \t]*(?:`{3,}|~{3,})[^\n]*$", "", text, flags=re.MULTILINE)
    code = without_prose(_trimmed(text), whole=True)
    return _Find(code, ("without prose",) if code != text.strip() else ("no fence",)) if code.strip() else None


def _unpacked(text: str, name: str) -> str:
    """What a JSON text carries, or a text whose line ends are written out; nothing for a usual reply."""
    if f"\\nclass {name}" not in text or f"\nclass {name}" in text:
        return ""
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        body = text.strip().strip('"')
        return body.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t").replace("\\\\", "\\")
    texts = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (list, dict)):
            waiting += value.values() if isinstance(value, dict) else value
    return max(texts, key=lambda found: (f"class {name}" in found, len(found)), default="")


def _trimmed(text: str) -> str:
    """The text without empty lines around it and without what all lines are indented by."""
    if len(text) > LARGEST:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and all(line.startswith(">") or not line.strip() for line in lines):
        lines = [re.sub(r"^> ?", "", line) for line in lines]
    if lines and lines[0].startswith((" ", "\t")):
        margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
        if all(line.startswith(margin) or not line.strip() for line in lines):
            lines = [line[len(margin) :] for line in lines]
    return "\n".join(lines) + "\n" if lines else ""

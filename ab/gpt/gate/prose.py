"""Code and prose told apart, where no fence does it."""

from __future__ import annotations

import re

from ab.gpt.gate.source import masked

_MODULE = r"[A-Za-z_][\w.]*(?:[ \t]+as[ \t]+\w+)?"
_STRONG = re.compile(
    rf"[ \t]*(?:import[ \t]+{_MODULE}(?:[ \t]*,[ \t]*{_MODULE})*[ \t]*(?:\#.*)?$"
    r"|from[ \t]+\.*[A-Za-z_][\w.]*[ \t]+import[ \t]+[(*\w]"
    r"|class[ \t]+[A-Za-z_]\w*[ \t]*[(:]|(?:async[ \t]+)?def[ \t]+[A-Za-z_]\w*[ \t]*\("
    r"|@[A-Za-z_][\w.]*[ \t]*(?:\(.*)?$)"
)
"""A line that only code has."""
_CODE = re.compile(
    r"[ \t]*(?:$|\#|[)\]}@]|[rbfu]{0,2}[\"']"
    r"|(?:if|for|while|with|try|except|finally|else|elif|return|raise|assert|pass|break|continue|del|global|nonlocal"
    r"|yield|async|await|lambda|print)\b.*[:()\[\]=]"
    r"|(?:try|else|finally)[ \t]*:|(?:return|pass|break|continue)[ \t]*(?:\#.*)?$"
    r"|[A-Za-z_][\w.]*(?:\[[^\]\n]*\])*(?:[ \t]*,[ \t]*[A-Za-z_*][\w.]*)*[ \t]*(?::[^=\n]{0,80})?"
    r"(?:[-+*/%@&|^]|//|\*\*)?=[^=]"
    r"|[A-Za-z_][\w.]*\(|[A-Za-z_][\w.]*\[|\.\.\.)"
)
"""A line that may be code."""
_WORDS = re.compile(r"[^\W\d_]{2,}[,;:.!?*]*[ \t]+[^\W\d_]+|[A-Za-z]+[^\w\s]*[.!:]\*{0,2}\s*$|\d+[.)]\s|[-*]\s")
SIGNS = re.compile(
    r"^[ \t]*(?:import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b|class[ \t]+\w+[ \t]*[(:]|def[ \t]+\w+[ \t]*\()",
    re.MULTILINE,
)
"""Where code begins, if there is any."""


def is_prose(line: str) -> bool:
    """True for a line that is a sentence, a heading or an item of a list."""
    return not _STRONG.match(line) and not _CODE.match(line) and bool(_WORDS.search(line))


def without_prose(text: str, whole: bool = False) -> str:
    """The lines of code. With `whole`, also without what comes before the first line that only code has."""
    lines = text.split("\n")
    hidden = masked(text).split("\n")
    kept: list[str] = []
    talking = whole
    depth = 0
    for line, bare in zip(lines, hidden, strict=True):
        inside = depth > 0 or bare.lstrip()[:1] == '"'
        if talking:
            # A comment, a string or a call may stand in prose: only what is sure to be code ends it.
            if _STRONG.match(line):
                talking, depth = False, 0
                kept.append(line)
                depth += _opened(bare)
            continue
        if not inside and is_prose(line) and (line[:1] not in " \t" or not _in_suite(kept)):
            talking = True
            continue
        kept.append(line)
        depth = max(0, depth + _opened(bare))
    return "\n".join(kept).rstrip()


def _opened(bare: str) -> int:
    return sum(bare.count(mark) for mark in "([{") - sum(bare.count(mark) for mark in ")]}")


def _in_suite(kept: list[str]) -> bool:
    """True where a line is indented as a part of what stands before it."""
    before = next((known for known in reversed(kept) if known.strip()), "")
    return before[:1] in " \t" or before.rstrip().endswith((":", ",", "(", "[", "{", "\\"))

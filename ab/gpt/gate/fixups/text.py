"""Mends the characters of a text that is no Python as it stands: what chats and web pages did to it."""

from __future__ import annotations

import html
import re

from ab.gpt.gate.source import LARGEST, indent_of, masked, parsed, pieces

_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
_INVISIBLE = "".join(map(chr, [*range(9), 11, *range(14, 32), 0x7F, 0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF]))
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_LIKES = {
    "“”„‟″«»＂": '"', "‘’‚‛′´＇": "'", "–—−‐‑－": "-", "×＊": "*", "（": "(", "）": ")", "［【": "[", "］】": "]",
    "｛": "{", "｝": "}", "：": ":", "；": ";", "，": ",", "．": ".", "＝": "=", "＋": "+", "／": "/", "…": "...",
    "≤": "<=", "≥": ">=", "≠": "!=", "→": "->",
}  # fmt: skip
_TABLE = str.maketrans({char: plain for chars, plain in _LIKES.items() for char in chars})
_FENCE = re.compile(r"[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:python3?|py|diff|text)?[ \t]*")
_THOUGHT = re.compile(r"</?(?:think|thinking|thought|reasoning|reflection|scratchpad)>", re.IGNORECASE)
_TAG_LINE = re.compile(
    r"[ \t]*(?:</?(?:pre|code|python|answer|output|response|file|solution|html|body|div|p|s)(?: [^<>\n]{0,80})?>"
    r"|<\|[\w|:-]{1,40}\|>|\[/?(?:INST|PYTHON|CODE|ANSWER)\]|<[｜|][^<>\n]{1,40}[｜|]>)+[ \t]*",
    re.IGNORECASE,
)
_CHAT_TAG = re.compile(r"<\|[\w:-]{1,40}\|>|<｜[^<>\n]{1,40}｜>|</?s>")


def without_fences(text: str) -> str:
    """Without lines that are a fence, and without a fence at the end of a line."""
    lines = [line for line in text.split("\n") if not _FENCE.fullmatch(line)]
    bare = masked("\n".join(lines)).split("\n")
    return "\n".join(
        line[:-3].rstrip() if line.endswith("```") and hidden.endswith("```") else line
        for line, hidden in zip(lines, bare, strict=True)
    )


def without_tags(text: str) -> str:
    """Without thoughts, and without the tags of chats and web pages."""
    parts, at, began = [], 0, -1
    for tag in _THOUGHT.finditer(text):
        closes = tag[0][1] == "/"
        if closes and began >= 0:
            at, began = tag.end(), -1
        elif began < 0:
            parts.append(text[at : tag.start()])
            at = tag.end()
            began = -1 if closes else tag.start()
    text = "".join([*parts, text[at:]])
    text = "\n".join(line for line in text.split("\n") if not _TAG_LINE.fullmatch(line))
    bare = masked(text)
    # In a string such a tag may be a word of a vocabulary.
    return _CHAT_TAG.sub(lambda found: found[0] if bare[found.start()] == '"' else "", text)


def without_entities(text: str) -> str:
    """With `<` for `&lt;` and the like."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def plain_characters(text: str) -> str:
    """With straight quotes, plain spaces and plain signs in the code; strings and comments keep theirs."""
    text = text.translate(dict.fromkeys(map(ord, _INVISIBLE)))
    text = "".join(char for char in text if not "\ud800" <= char <= "\udfff")
    # Curly quotes are marks of strings only where no straight ones stand around them.
    parts = []
    for kind, start, end in pieces(text):
        piece = text[start:end]
        if kind == "code":
            piece = piece.translate(_TABLE).translate(dict.fromkeys(map(ord, _SPACES), " "))
        elif kind == "comment":
            piece = piece.translate(dict.fromkeys(map(ord, _SPACES), " "))
        parts.append(piece)
    return "".join(parts)


def plain_line_ends(text: str) -> str:
    """With one kind of line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def spaces_for_tabs(text: str) -> str:
    """Indented by spaces alone: a tab is as wide as makes the file Python, four where none does."""
    if "\t" not in text:
        return text
    lines = text.split("\n")
    bare = masked(text).split("\n")
    by_width = []
    for width in (4, 8, 2):
        new = [
            line
            if hidden.lstrip()[:1] == '"' and hidden[:1] == '"'
            else indent_of(line).expandtabs(width) + line.lstrip()
            for line, hidden in zip(lines, bare, strict=True)
        ]
        by_width.append("\n".join(new))
        if parsed(by_width[-1]) is not None:
            return by_width[-1]
    return by_width[0]


MENDS = (
    ("line ends", plain_line_ends),
    ("fences", without_fences),
    ("tags", without_tags),
    ("entities", without_entities),
    ("characters", plain_characters),
    ("tabs", spaces_for_tabs),
)


def plain_text(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with its characters mended, and what was done; unchanged where it is Python already."""
    done: list[str] = []
    for name, mend in MENDS:
        if len(text) > LARGEST or parsed(text) is not None:
            break
        mended = mend(text)
        if mended != text:
            text = mended
            done.append(name)
    return text, tuple(done)

"""Captions cut into words as LEMUR's loader cuts them, and the vocabulary of a data set, made once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from ab.gpt.lemur.home import Home
from ab.gpt.train.dataset import read_split, vocabulary

EDITION = 1
"""Raised when words would come out differently for the same captions, so that kept ones are made anew."""

PUNKT = "tokenizers/punkt_tab/english"
_PREFIXES = (sys.prefix, "/usr", "/usr/local")

Tokenize = Callable[[str], list[str]]

_PLAIN = re.compile(r"[a-z0-9-]*(?:(?: +(?:, +)?|, +)[a-z0-9-]+)* *\.?")
"""Words, commas before a space, and at most one full stop, at the end: NLTK has no rule for them but the obvious."""
_NOT_PLAIN = re.compile(r"--|cannot|gimme|gonna|gotta|lemme|wanna")
"""What NLTK cuts in two even so."""


def tokenizer() -> tuple[str, Tokenize]:
    """The name and the function by which captions are cut into words: LEMUR's, or without sentences where it fails.

    LEMUR's loader uses NLTK's `word_tokenize`, which needs the data package punkt_tab and raises without it. Most
    captions are so plain that the same words come out of a split, in a twentieth of the time.
    """
    has_punkt = punkt_is_here()

    def tokenize(text: str) -> list[str]:
        return plain_words(text) or _nltk_words(text, preserve_line=not has_punkt)

    return "punkt_tab" if has_punkt else "words", tokenize


def punkt_is_here() -> bool:
    """True where NLTK will find its sentence splitter; NLTK itself, slow to import, is asked only where in doubt."""
    if any((place / PUNKT).is_dir() for place in nltk_places()):
        return True
    import nltk.data

    try:
        nltk.data.find(f"{PUNKT}/")
    except LookupError:
        return False
    return True


def nltk_places() -> list[Path]:
    """The folders that are there of those in which NLTK looks for its data."""
    if sys.platform == "win32":
        import nltk.data

        places = list(nltk.data.path)
    else:
        own = [entry for entry in os.environ.get("NLTK_DATA", "").split(os.pathsep) if entry]
        shared = [f"{prefix}/{part}nltk_data" for prefix in _PREFIXES for part in ("share/", "lib/")]
        places = [*own, "~/nltk_data", f"{sys.prefix}/nltk_data", *shared]
    return [place for place in (Path(entry).expanduser() for entry in places) if place.is_dir()]


def _nltk_words(text: str, preserve_line: bool) -> list[str]:
    from nltk.tokenize import word_tokenize

    return list(word_tokenize(text, preserve_line=preserve_line))


def plain_words(text: str) -> list[str] | None:
    """The words of a text in small letters that needs no rules; None for any other."""
    bare = text.strip(" ")
    if not _PLAIN.fullmatch(bare) or _NOT_PLAIN.search(bare):
        return None
    if bare.endswith("."):
        return [*bare[:-1].replace(",", " ,").split(), "."]
    return bare.replace(",", " ,").split()


def tokens_of(texts: Iterable[str], tokenize: Tokenize) -> dict[str, list[str]]:
    """The words of every distinct text, in small letters as LEMUR takes them."""
    return {text: tokenize(text.lower()) for text in dict.fromkeys(texts)}


def kept_vocabulary(home: Home, folder: Path) -> list[str]:
    """All words of a data set in the order of their ids, from what was kept of it or made now.

    It is kept under the contents of the annotations and the tokenizer, so no other data set can be mistaken for it.
    """
    name, tokenize = tokenizer()
    file = home.out / "nncaption" / "vocabularies" / f"{vocabulary_key(folder, name)}.json"
    words = _read(file)
    if words is None:
        train = read_split(folder, "train")
        captions = (caption for captions in train.captions.values() for caption in captions)
        words = vocabulary(folder, train, tokens_of(captions, tokenize))
        keep(words, file)
    return words


def vocabulary_key(folder: Path, tokenizer_name: str) -> str:
    """The name of what belongs to these captions, this tokenizer and the vocabulary that LEMUR has made, if any."""
    digest = hashlib.blake2b(f"{EDITION}\0{tokenizer_name}\0{metadata.version('nltk')}\0".encode(), digest_size=12)
    for file in (folder / "annotations" / "captions_train2017.json", folder / "vocab.pth"):
        digest.update(hashlib.blake2b(file.read_bytes()).digest() if file.exists() else b"none")
    return digest.hexdigest()


def keep(words: list[str], file: Path) -> None:
    """Writes the words beside their place and renames them; a disk that is full costs only the saving."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(words))
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)


def _read(file: Path) -> list[str] | None:
    try:
        words = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None  # not there, or cut off
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None

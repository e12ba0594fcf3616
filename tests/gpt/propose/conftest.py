"""A LEMUR with a database for those who only read, and models that count without being there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pytest

import ab
from ab.gpt.lemur.bootstrap import ensure
from ab.gpt.lemur.home import Home, find_package
from ab.gpt.propose.llm.embedded import embedded_file
from ab.gpt.propose.llm.protocol import Backend, Completion, Message, ModelMissing, Request, estimated_tokens
from ab.gpt.propose.snippets import Snippet
from ab.gpt.propose.snippets.cut import cut
from ab.gpt.propose.snippets.family import family_of
from tests.gpt.propose.known import CLASSIFIERS, CONTRACT


@pytest.fixture(scope="session")
def lemur(lemur_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The small LEMUR with a database, which tests of this room share and only read."""
    site = Path(shutil.copytree(lemur_template, tmp_path_factory.mktemp("propose") / "site"))
    root = site.parent / "root"
    root.mkdir()
    home = Home(root, site / "ab" / "nn", "2.1.2")
    ensure(home)
    return home


@pytest.fixture(scope="session")
def installed_code() -> Path:
    """The folder of all model files of the installed LEMUR."""
    return find_package(ab.__path__) / "nn"


@pytest.fixture(scope="session")
def blocks(installed_code: Path) -> list[Snippet]:
    """Fifty blocks of LEMUR's classifiers of about the size that a sample of ten has in a short context."""
    found: list[Snippet] = []
    for file in chain((installed_code / f"{name}.py" for name in CLASSIFIERS), installed_code.glob("alt-nn1-*.py")):
        part = cut(file.read_text(encoding="utf-8"), CONTRACT, 200 if len(found) < 12 else 300)
        if part is not None:
            found.append(Snippet(file.stem, family_of(file.stem), part.code, part.tokens, part.blocks, 0.5))
        if len(found) == 50:
            break
    return found


@dataclass
class Counting(Backend):
    """A model that estimates tokens, gives one reply to whatever it is asked, and keeps what it was asked."""

    context: int = 8192
    name: str = "counting"
    text: str = "said"
    asked: list[Request] = field(default_factory=list)

    def count(self, messages: Sequence[Message]) -> int:
        return estimated_tokens(messages)

    def answer(self, request: Request, on_token: object = None, stop: object = None) -> Completion:
        self.asked.append(request)
        return Completion(self.text, self.count(request.messages), 1, 0.1, "stop", self.name)


@pytest.fixture(scope="session")
def smollm_file() -> Path:
    """The embedded model's file; skips where its package is not installed."""
    try:
        return embedded_file()
    except ModelMissing as missing:
        pytest.skip(str(missing))

"""The gate as a check of code for `contribute` and `verify`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ab.gpt.contribute.models import CheckCode
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.finding import Finding
from ab.gpt.gate.gate import Gate
from ab.gpt.gate.smoke import SmokeLimits, warm_smoke
from ab.gpt.lemur.home import Home


@contextmanager
def gatekeeper(home: Home, run: bool, limits: SmokeLimits | None = None) -> Iterator[CheckCode]:
    """A check that reads a network's code and, where `run` is true, runs it for two steps behind walls."""
    with warm_smoke() as warm:
        gate = Gate(home, CAPTIONING, None, warm, limits)

        def check(code: str) -> Iterable[Finding]:
            return gate.examine(code, run=run).findings

        yield check

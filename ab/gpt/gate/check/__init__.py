"""Everything that can be known of a network without running it."""

from __future__ import annotations

from ab.gpt.gate.check.code import Code, read_code
from ab.gpt.gate.check.static import check_code

__all__ = ["Code", "check_code", "read_code"]

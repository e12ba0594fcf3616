"""Small certain mends of code, in a fixed order, each with a name that the record keeps."""

from __future__ import annotations

from ab.gpt.gate.fixups.fix import FIXES, Fixed, fix

__all__ = ["FIXES", "Fixed", "fix"]

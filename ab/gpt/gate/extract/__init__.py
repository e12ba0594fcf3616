"""From a model's reply to the code in it."""

from __future__ import annotations

from ab.gpt.gate.extract.extract import Extracted, extract

__all__ = ["Extracted", "extract"]

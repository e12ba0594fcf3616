"""Blueprints as Net files."""

from __future__ import annotations

from ab.gpt.propose.blueprint.render.network import render

__all__ = ["render"]

"""Blueprints as Net files."""

from __future__ import annotations

from ab.gpt.propose.blueprint.render.network import render, render_encoder

__all__ = ["render", "render_encoder"]

"""Blocks of LEMUR's image classifiers, to be shown to a language model as ideas."""

from ab.gpt.propose.snippets.sample import Snippet, sample

__all__ = ["Snippet", "sample"]

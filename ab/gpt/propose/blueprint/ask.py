"""What a model is told that is to write a blueprint: short, since a small model reads little and slowly."""

from __future__ import annotations

from collections.abc import Sequence

from ab.gpt.propose.blueprint.shape import EVERYTHING, Space

SYSTEM = (
    "You are an expert in neural networks that describe pictures in words. You design a new network as a blueprint:"
    " one JSON object and nothing else."
)
PARTS = (
    "encoder: {encoder}",
    "memory: what the decoder sees of the image: pooled, or grid or patch with `side` rows and columns",
    "decoder: LSTM, GRU or Transformer, at least 640 wide; tied shares the word vectors with the output layer",
    "dropout, training (optimizer, schedule, warm-up, smoothing, clipping, captions of an image in one step) and"
    " decoding (beams)",
)
OWN = "a stem and two to four stages of blocks, each with depth, width, stride and channel attention (gate)"
BACKBONE = "a torchvision backbone, frozen, partly or wholly trained"
FROZEN = "a torchvision backbone, frozen"
LONGEST_SNIPPET = 1200
"""Characters; a block's head tells what it is."""


def messages(
    space: Space = EVERYTHING,
    snippets: Sequence[str] = (),
    baseline: str = "",
    feedback: str = "",
    hints: Sequence[str] = (),
) -> tuple[str, str]:
    """The system's and the user's text: from texts alone, and the same for the same ones."""
    encoders = [OWN] * space.own + [FROZEN if space.trained == ("frozen",) else BACKBONE] * bool(space.backbones)
    parts = "\n".join(f"- {part}" for part in PARTS).format(encoder=", or ".join(encoders))
    sections = [f"A blueprint has these parts:\n{parts}"]
    if snippets:
        shown = "\n\n".join(f"```python\n{_short(snippet)}\n```" for snippet in snippets)
        sections.append(f"Blocks of good image classifiers, as ideas for the encoder:\n\n{shown}")
    if baseline.strip():
        sections.append(f"The network to improve on:\n{baseline.strip()}")
    if feedback.strip():
        sections.append(f"What was learned so far:\n{feedback.strip()}")
    wish = f" Try {_listed(hints)}." if hints else ""
    sections.append(f"Write the blueprint of a network that describes pictures better.{wish} JSON only.")
    return SYSTEM, "\n\n".join(sections)


def _short(snippet: str) -> str:
    """A snippet's first whole lines."""
    text = snippet.strip("\n")
    if len(text) <= LONGEST_SNIPPET:
        return text
    return f"{text[:LONGEST_SNIPPET].rpartition(chr(10))[0]}\n..."


def _listed(items: Sequence[str]) -> str:
    """The items as they stand in a sentence."""
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else items[0]

"""The page: everything of a report in one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from ab.gpt.candidate import plain
from ab.gpt.report.details import A_CHUNK, ROW_FIELDS, Details
from ab.gpt.report.draw.drawing import LIGHT, Drawing
from ab.gpt.report.draw.svg import svg_in_page
from ab.gpt.report.facts import Facts
from ab.gpt.report.figures import Figures
from ab.gpt.report.funnel import Example
from ab.gpt.report.gallery import Gallery
from ab.gpt.report.origin import Made, state_of
from ab.gpt.report.summary import Said, Tile
from ab.gpt.report.table import Table
from ab.gpt.version import __version__

_FOLDER = Path(__file__).parent / "page"

DARK = {
    "ink": "#e7ecf2", "muted": "#9eabb8", "grid": "#2b333d", "axis": "#5d6976", "paper": "#161c23", "soft": "#212934",
    "s0": "#74b0f4", "s1": "#f0a06a", "s2": "#6bc492", "s3": "#c3a1ea", "s4": "#5fc4cc", "s5": "#f08fb2",
    "s6": "#cfca5c", "s7": "#a9b6cc", "good": "#6bc492", "bad": "#f28b82", "base": "#aab6c3",
}  # fmt: skip
_AROUND = {
    "light": {"page": "#f7f8fa", "link": "#1f5fa8", "focus": "#d97706", "added": "#dff3e5", "removed": "#fbe3e1"},
    "dark": {"page": "#0f1419", "link": "#7ab5f7", "focus": "#f5b04c", "added": "#173626", "removed": "#43211f"},
}
METHOD = (
    "Shares carry 95% intervals after Wilson; BLEU carries 95% intervals by bootstrap over the validation images."
    " A network is collapsed where the BLEU-4 of its best epoch does not exceed the best blind caption's by more than"
    " the interval."
    " Faults of the machine count neither for nor against a candidate. Every number carries the ids of the rows that it"
    " comes from: point at it, or press “Row ids”."
)


@dataclass(frozen=True)
class Content:
    """Everything that stands on the page."""

    facts: Facts
    tiles: list[Tile]
    sentences: list[Said]
    tables: dict[str, Table]
    figures: Figures
    examples: list[Example]
    details: Details
    gallery: Gallery
    origins: list[Made]
    source: str
    extra: Any
    """What a special report says first: it has a title, sentences and tables."""
    method: str = METHOD


def render(content: Content) -> str:
    """The page's HTML."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    facts = content.facts
    data = {"fields": ROW_FIELDS, "rows": content.details.rows, "chunk": A_CHUNK}
    return environment.get_template("page.html").render(
        **{name: value for name, value in vars(content).items() if name != "facts"},
        title=facts.title,
        state=state_of(facts),
        from_lemur=facts.from_lemur,
        made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        version=__version__,
        sections=_sections(content),
        style=Markup(_style()),
        script=Markup(script),
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        data=Markup(_json(data)),
        svg=_svg,
    )


def _shown(value: Any) -> Any:
    """A text as it may be shown; escaping follows."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sections(content: Content) -> list[tuple[str, str]]:
    sections = [("extra", "Study")] if content.extra else []
    sections += [("summary", "Found"), ("families", "Families")]
    if not content.facts.from_lemur:
        sections += [("success", "Success"), ("funnel", "Funnel")]
    sections.append(("networks", "Networks"))
    if content.figures.architectures:
        sections.append(("architectures", "Architectures"))
    return [*sections, ("gallery", "Gallery"), ("cost", "Cost"), ("ingredients", "Ingredients"), ("made", "Made")]


def _svg(drawing: Drawing) -> Markup:
    return Markup(svg_in_page(drawing))


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _style() -> str:
    """The style sheet with both palettes, and a class for each colour that drawings use."""
    light = _variables({**LIGHT, **_AROUND["light"]}, "light")
    dark = _variables({**DARK, **_AROUND["dark"]}, "dark")
    classes = "\n".join(f".f-{name}{{fill:var(--{name})}}.k-{name}{{stroke:var(--{name})}}" for name in LIGHT)
    return "\n".join([
        f":root{{{light}}}",
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}",
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}",
        classes,
        (_FOLDER / "page.css").read_text(encoding="utf-8"),
    ])  # fmt: skip


def _variables(colours: dict[str, str], scheme: str) -> str:
    return f"color-scheme:{scheme};" + "".join(f"--{name}:{value};" for name, value in colours.items())

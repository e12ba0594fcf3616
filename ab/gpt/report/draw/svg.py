"""Drawings as SVG: with the page's classes inside a page, with colours of its own as a file."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from ab.gpt.candidate import plain
from ab.gpt.report.draw.drawing import LIGHT, About, Circle, Drawing, Line, Point, Polygon, Rect, Shape

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def svg_in_page(drawing: Drawing) -> str:
    """The drawing as a part of the page, whose style sheet gives it its colours, light or dark."""
    label = f'role="img" aria-labelledby="{drawing.name}-t {drawing.name}-d"'
    head = (
        f'<svg class="drawing" viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}" width="{_n(drawing.width)}"'
        f' height="{_n(drawing.height)}" {label}>'
    )
    names = (
        f'<title id="{drawing.name}-t">{_text(drawing.title)}</title>'
        f'<desc id="{drawing.name}-d">{_text(drawing.description)}</desc>'
    )
    return "\n".join([head, names, *(_shape(shape, None) for shape in drawing.shapes), "</svg>"])


def svg_file(drawing: Drawing) -> str:
    """The drawing as a file that stands for itself, on white."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}"'
        f' width="{_n(drawing.width)}" height="{_n(drawing.height)}" font-family={quoteattr(FONT)} role="img">'
    )
    names = f"<title>{_text(drawing.title)}</title>\n<desc>{_text(drawing.description)}</desc>"
    paper = Rect(0, 0, drawing.width, drawing.height, "paper")
    return "\n".join([head, names, *(_shape(shape, LIGHT) for shape in (paper, *drawing.shapes)), "</svg>\n"])


def _shape(shape: Shape, colours: dict[str, str] | None) -> str:
    tag, attributes, inner = _parts(shape)
    fill = getattr(shape, "fill", "")
    stroke = getattr(shape, "stroke", "")
    if isinstance(shape, Line):
        fill = ""
    if colours is None:
        classes = [*([f"f-{fill}"] if fill else ["f-no"]), *([f"k-{stroke}"] if stroke else [])]
        if shape.about.network:
            classes.append("go")
        paint = f' class="{" ".join(classes)}"'
    else:
        paint = f' fill="{colours[fill] if fill else "none"}"' + (f' stroke="{colours[stroke]}"' if stroke else "")
    faint = getattr(shape, "opacity", 1)
    if faint != 1:
        paint += f' opacity="{faint:g}"'
    return (
        f"<{tag}{attributes}{paint}{_data(shape.about) if colours is None else ''}>{inner}{_told(shape.about)}</{tag}>"
    )


def _parts(shape: Shape) -> tuple[str, str, str]:
    if isinstance(shape, Rect):
        at = f' x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(max(0, shape.width))}" height="{_n(shape.height)}"'
        return "rect", at + (f' rx="{_n(shape.round)}"' if shape.round else ""), ""
    if isinstance(shape, Circle):
        return "circle", f' cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.r)}"', ""
    if isinstance(shape, Polygon):
        return "polygon", f' points="{_points(shape.points)}"', ""
    if isinstance(shape, Line):
        dash = ' stroke-dasharray="5 4"' if shape.dash else ""
        return "polyline", f' points="{_points(shape.points)}" stroke-width="{_n(shape.width)}"{dash}', ""
    at = f' x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}"'
    if shape.anchor != "start":
        at += f' text-anchor="{shape.anchor}"'
    if shape.bold:
        at += ' font-weight="600"'
    if shape.upright:
        at += f' transform="rotate(-90 {_n(shape.x)} {_n(shape.y)})"'
    return "text", at, _text(shape.text)


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _data(about: About) -> str:
    text = f" data-row={quoteattr(plain(about.row))}" if about.row else ""
    return text + (f" data-network={quoteattr(plain(about.network))}" if about.network else "")


def _told(about: About) -> str:
    """What is shown when one points at it."""
    return f"<title>{_text(about.title)}</title>" if about.title else ""


def _text(text: str) -> str:
    return escape(plain(text))


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")

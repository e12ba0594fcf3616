"""A page read back: its tiles, tables, pictures and packed details, for tests."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "img", "input", "br", "link"}


@dataclass
class Node:
    """One element."""

    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag: str = "", **attributes: str) -> list[Node]:
        """The elements below with this tag and these attributes; `class_` for a class among others."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                if child.is_a(tag, attributes):
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def is_a(self, tag: str, attributes: dict[str, str]) -> bool:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return tag in ("", self.tag) and all(
            value in self.attributes.get(name, "").split() if name == "class" else self.attributes.get(name) == value
            for name, value in wanted.items()
        )


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)


class Page:
    """What a reader finds on the page."""

    def __init__(self, html: str) -> None:
        tree = _Tree()
        tree.feed(html)
        assert [node.tag for node in tree.open] == [""], "an element is not closed"
        self.root = tree.root

    def tile(self, label: str) -> tuple[str, str]:
        """A number at the top, and its rows."""
        [tiles] = self.root.all("ul", class_="tiles")
        for tile in tiles.all("li"):
            if tile.all("span")[0].text == label:
                [number] = tile.all("b")
                return number.text, number.attributes.get("data-row", "")
        raise AssertionError(f"no tile {label!r}")

    def table(self, title: str) -> dict[str, list[tuple[str, str]]]:
        """The rows of a table by their first cell: text and rows of each further cell."""
        for table in self.root.all("table"):
            if [caption.text for caption in table.all("caption")] == [title]:
                [body] = table.all("tbody")
                return {
                    row.all("th")[0].text: [(cell.text, _row(cell)) for cell in row.all("td")]
                    for row in body.all("tr")
                    if row.all("th")
                }
        raise AssertionError(f"no table {title!r}")

    def script(self, name: str) -> str:
        """The text of a script element."""
        [found] = [node for node in self.root.all("script") if node.attributes.get("id") == name]
        return found.text

    @property
    def networks(self) -> list[dict[str, Any]]:
        """The rows of the table that the script builds."""
        data = json.loads(self.script("data"))
        return [dict(zip(data["fields"], row, strict=True)) for row in data["rows"]]

    def details(self, place: int) -> dict[str, Any]:
        """What is packed about a network."""
        each = json.loads(self.script("data"))["chunk"]
        return unpacked(self.script(f"chunk-{place // each}"))[place % each]

    def text(self, numbers: list[int]) -> str:
        """A text whose lines are given by number."""
        lines = unpacked(self.script("lines"))
        return "\n".join(lines[number] for number in numbers)


def _row(cell: Node) -> str:
    return next((node.attributes["data-row"] for node in cell.all() if "data-row" in node.attributes), "")


def unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def ids(rows: str, table: str = "candidate") -> set[int]:
    """The numbers in `candidate:1-4,7`."""
    found: set[int] = set()
    for part in rows.split():
        if part.startswith(f"{table}:"):
            for span in re.findall(r"\d+(?:-\d+)?", part.partition(":")[2]):
                first, _, last = span.partition("-")
                found |= set(range(int(first), int(last or first) + 1))
    return found

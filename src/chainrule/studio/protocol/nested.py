"""Our own HTML, SVG and MathML as nested lists, of which a page builds elements without reading any text as HTML.

An element is ``[tag, {attribute: value}, child, …]``, a child an element or a text. Only what is listed here gets through; what
isn't raises ValueError, as it would be a mistake of ours: no text of a user's is read here as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any, TypeAlias
from xml.parsers import expat

Node: TypeAlias = "list[Any] | str"

_HTML = """
a article aside b br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 header hr i ins
kbd li main mark nav ol p pre s samp section small span strong sub summary sup table tbody td tfoot th thead tr u ul var wbr
"""
_SVG = """
svg g path line rect circle ellipse polyline polygon text tspan title desc defs linearGradient radialGradient stop clipPath
marker use
"""
_MATHML = """
math mrow mi mn mo mtext ms mspace msub msup msubsup munder mover munderover mfrac msqrt mroot mtable mtr mtd mstyle menclose
mpadded mphantom mmultiscripts mprescripts semantics none
"""
HTML, SVG, MATHML = (frozenset(names.split()) for names in (_HTML, _SVG, _MATHML))
TAGS = HTML | SVG | MATHML
"""The elements that a page builds; in another namespace where they are SVG's or MathML's."""

_VOID = frozenset(["br", "col", "hr", "wbr"])
_CASED = {name.lower(): name for name in TAGS} | {
    name.lower(): name
    for name in (
        "viewBox", "preserveAspectRatio", "gradientUnits", "gradientTransform", "clipPathUnits", "markerWidth", "markerHeight",
        "markerUnits", "refX", "refY", "textLength", "lengthAdjust", "spreadMethod", "pathLength", "patternUnits",
    )
}  # fmt: skip
_MANY = """
class id title form displaystyle lspace rspace role tabindex data-address data-value data-engine data-name data-in data-line
x y x1 x2 y1 y2 cx cy r d fill width height transform
"""
_HARMLESS = frozenset(_MANY.split())
"""Attributes that are many, and neither act nor lead anywhere."""
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9:-]*", re.IGNORECASE)
_LINK = re.compile(r"#[^\s]*")
_DROPPED = frozenset(["style", "script"])
"""What has no place in a page that has its own sheet and its own script: left out with all it holds."""


def nested(markup: str) -> list[Node]:
    """Return what a piece of markup holds; a style sheet in it is left out, as pages have their own.

    >>> nested('<p class="a">x &lt; <b>2</b></p>')
    [['p', {'class': 'a'}, 'x < ', ['b', {}, '2']]]
    """
    found = _read_as_xml(markup)
    if found is not None:
        return found
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    if len(reader.open) > 1:
        raise ValueError(f"<{reader.open[-1][0]}> is not closed")
    return reader.open[0][2:]


_LOOSE = re.compile(r"<(br|col|hr|wbr)>|(<details[^<>]*?) open>")
_KEPT_BY_HTML = re.compile(r"""=(?:"[^"<>]*|'[^'<>]*)[\r\n\t]|\r""")
"""Signs that XML reads otherwise than HTML."""


def _read_as_xml(markup: str) -> list[Node] | None:
    """Return what markup holds that is XML but for elements without an end; None for other: a quick way to the same."""
    if _KEPT_BY_HTML.search(markup):
        return None
    reader, depth = _Reader(), 0

    def starts(tag: str, given: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > 1:
            reader.handle_starttag(tag.lower(), given.items())

    def ends(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if depth:
            reader.handle_endtag(tag.lower())

    parser = expat.ParserCreate()
    parser.buffer_text, parser.buffer_size = True, max(1, len(markup.encode()))
    parser.StartElementHandler, parser.EndElementHandler = starts, ends
    parser.CharacterDataHandler = reader.handle_data
    try:
        parser.Parse(f"<nodes>{_LOOSE.sub(_tightened, markup)}</nodes>", True)
    except expat.ExpatError:
        return None
    return reader.open[0][2:]


def _tightened(match: re.Match[str]) -> str:
    return f"<{match[1]}/>" if match[1] else f'{match[2]} open="">'


def text_of(nodes: list[Node]) -> str:
    """Return the text in nodes."""
    return "".join(node if isinstance(node, str) else text_of(node[2:]) for node in nodes)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[list[Any]] = [["", {}]]
        self._dropped = 0

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropped += 1
            return
        name = _CASED.get(tag, tag)
        if name not in TAGS:
            raise ValueError(f"<{tag}> is no element of our pages")
        kept: dict[str, str] = {}
        for key, value in attrs:
            if key in _HARMLESS:
                kept[key] = value or ""
            elif key != "style":  # the policy of the page applies none that stands in an attribute
                kept[_CASED.get(key, key)] = _value(key, value or "")
        node: list[Any] = [name, kept]
        self.open[-1].append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropped -= 1
            return
        if tag in _VOID:
            return
        name = _CASED.get(tag, tag)
        if self.open[-1][0] != name:
            raise ValueError(f"</{tag}> closes <{self.open[-1][0]}>")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            self.open[-1].append(data)


def _value(name: str, value: str) -> str:
    """Return the value of an attribute; raises ValueError for one that does something, or leads away."""
    if not _ATTRIBUTE.fullmatch(name) or name.startswith("on"):
        raise ValueError(f"{name} is no attribute of our pages")
    if name in ("href", "xlink:href", "src") and not _LINK.fullmatch(value):
        raise ValueError(f"{name}={value!r} leads away")
    return value

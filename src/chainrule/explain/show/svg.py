"""A document's picture alone, as a file that any program draws."""

from __future__ import annotations

from chainrule._numbers import visible
from chainrule.errors import SettingsError
from chainrule.explain.show.document import Document, pictures
from chainrule.plots.svg.draw import to_svg


def render(document: Document) -> str:
    """Return the first picture of a document as SVG; raises SettingsError where it has none."""
    found = next(pictures(document.blocks), None)
    if found is None:
        raise SettingsError(f"there is no picture in {document.title!r}; choose another format, such as html")
    return visible(to_svg(found.chart, found.width, alone=True)) + "\n"

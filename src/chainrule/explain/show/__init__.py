"""Documents as text, LaTeX, HTML, JSON and Markdown: a format is a module with a function ``render`` and a row here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chainrule.explain.show.document import Document


class Format(NamedTuple):
    """The module of this folder whose ``render`` writes a document, and the ending of its files."""

    module: str
    ending: str


RENDERERS = {
    "text": Format("terminal", ".txt"),
    "latex": Format("latex", ".tex"),
    "html": Format("html", ".html"),
    "json": Format("json", ".json"),
    "md": Format("markdown", ".md"),
}
"""What a document can be written as."""


DRAWINGS = {"svg": Format("svg", ".svg")}
"""What a document with a picture can be written as besides: the picture alone."""


def format_named(name: str) -> Format:
    """Return a format of `RENDERERS` or `DRAWINGS`."""
    return {**DRAWINGS, **RENDERERS}[name]


def render(document: Document, name: str) -> str:
    """Return a document in a format of `RENDERERS` or `DRAWINGS`."""
    text: str = import_module(f"{__name__}.{format_named(name).module}").render(document)
    return text

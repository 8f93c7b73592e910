"""How a notebook shows what is `Shown`: for each kind of object its texts by MIME type, made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import escape

from chainrule.equations.network import Network
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.derive.walk import walk
from chainrule.explain.show import html
from chainrule.explain.show.document import Document
from chainrule.explain.show.explanation import explanation
from chainrule.explain.show.html import html_fragment
from chainrule.explain.show.latex import latex_body
from chainrule.explain.show.network import network_html, network_latex
from chainrule.explain.show.terminal import render
from chainrule.explain.trace.trace import Trace

Drawn = Mapping[str, Callable[[], str]]


def network(shown: Network) -> Drawn:
    """Return a network's layers with their formulas."""
    return {
        "text/plain": lambda: repr(shown),
        "text/html": lambda: network_html(shown),
        "text/latex": lambda: network_latex(shown),
    }


def derivation(shown: Derivation) -> Drawn:
    """Return a derivation's lines."""
    return {
        "text/plain": lambda: render(explanation(shown)),
        "text/html": lambda: html_fragment(shown),
        "text/latex": lambda: latex_body(shown),
    }


def trace(shown: Trace) -> Drawn:
    """Return the way from the first row's inputs to its answer."""
    rows = shown.steps[-1].rows
    return derivation(walk(shown, row=rows[0] if len(rows) > 1 else None))


def document(shown: Any) -> Drawn:
    """Return what has a ``document``: as a page in a frame of its own, whose styles touch nothing else."""
    return {
        "text/plain": lambda: render(shown.document),
        "text/html": lambda: in_a_frame(shown.document),
    }


def in_a_frame(shown: Document) -> str:
    """Return a document's page as a frame for notebooks."""
    page = escape(html.render(shown))
    return f'<iframe title="{escape(shown.title)}" srcdoc="{page}" style="width:100%;height:80vh;border:0"></iframe>'

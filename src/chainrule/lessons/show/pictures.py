"""A drawn network in LaTeX's own ``picture``, for sheets: edges, neurons, and what is written at them; it needs pict2e."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from itertools import groupby
from unicodedata import decomposition, normalize

from chainrule.explain.show.latex import latex_text
from chainrule.plots.all_marks import AnyMark
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.marks import Writing
from chainrule.plots.network.marks import Boxes, Edges, Neurons

WIDE = 0.46
"""The width of a drawing, in the widths of the page's text."""
PLATE = r"\colorbox{white}"


def chart_latex(chart: Chart | Charts) -> str:
    r"""Return the drawing of a network, as `plots.network.network_chart` makes it; y counts from below here."""
    assert isinstance(chart, Chart)  # a network is one
    wide, tall = chart.x.high, chart.y.low
    lines = [line for mark in chart.marks for line in _mark(mark, tall)]
    head = rf"{{\setlength{{\unitlength}}{{{WIDE / wide:.6f}\textwidth}}"
    return "\n".join(
        [
            rf"\par\noindent{head}",
            rf"\begin{{picture}}({_at(wide)},{_at(tall)})",
            *lines,
            r"\end{picture}}\par",
        ]
    )


def _at(value: float) -> str:
    return f"{value:.1f}"


@singledispatch
def _mark(mark: AnyMark, tall: float) -> Iterator[str]:
    yield from ()


@_mark.register
def _edges(mark: Edges, tall: float) -> Iterator[str]:
    for i, place in enumerate(zip(mark.x, mark.y, mark.x2, mark.y2, strict=True)):
        x, y, x2, y2 = place
        ends = f"({_at(x)},{_at(tall - y)})({_at(x2)},{_at(tall - y2)})"
        yield rf"\linethickness{{{max(0.3, 0.25 * mark.width(i)):.2f}pt}}\Line{ends}"


@_mark.register
def _neurons(mark: Neurons, tall: float) -> Iterator[str]:
    yield r"\linethickness{0.5pt}"
    texts = mark.texts or ("",) * len(mark)
    for x, y, text in zip(mark.x, mark.y, texts, strict=True):
        across = 2 * mark.radius
        if mark.square:
            corner = f"{_at(x - mark.radius)},{_at(tall - y - mark.radius)}"
            box = rf"\framebox({_at(across)},{_at(across)}){{\scriptsize {_written(text)}}}"
            yield rf"\put({corner}){{{box}}}"
        else:
            yield rf"\put({_at(x)},{_at(tall - y)}){{\circle{{{_at(across)}}}}}"
            yield _text(x, tall - y, text, "", r"\scriptsize")


@_mark.register
def _boxes(mark: Boxes, tall: float) -> Iterator[str]:
    for x, y, x2, y2, text in zip(mark.x, mark.y, mark.x2, mark.y2, mark.texts, strict=True):
        words = latex_text(text.replace("\n", " "))
        yield rf"\put({_at(x)},{_at(tall - y2)}){{\framebox({_at(x2 - x)},{_at(y2 - y)}){{\tiny {words}}}}}"


@_mark.register
def _writing(mark: Writing, tall: float) -> Iterator[str]:
    side = {"start": "[l]", "middle": "", "end": "[r]"}[mark.anchor]
    size = r"\scriptsize" if mark.size >= 11 else r"\tiny"
    for x, y, text in zip(mark.x, mark.y, mark.texts, strict=True):
        yield _text(x + mark.dx, tall - y - mark.dy, text, side, size, plate=mark.plate)


def _text(x: float, y: float, text: str, side: str, size: str, *, plate: bool = False) -> str:
    words = rf"{size} {_written(text)}"
    if plate:
        words = rf"\setlength{{\fboxsep}}{{0.6pt}}{PLATE}{{{words}}}"
    return rf"\put({_at(x)},{_at(y)}){{\makebox(0,0){side}{{{words}}}}}"


def _written(text: str) -> str:
    """Return a text as LaTeX prints it; small signs below and above, as names in pictures have them, become scripts."""
    made = []
    for kind, signs in groupby(text, lambda sign: decomposition(sign).partition(" ")[0]):
        plain = "".join(signs)
        mark = {"<sub>": "_", "<super>": "^"}.get(kind)
        made.append(latex_text(plain) if mark is None else f"${mark}{{{normalize('NFKC', plain)}}}$")
    return "".join(made)

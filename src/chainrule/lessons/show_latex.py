r"""A lesson as a LaTeX document; derivations as `explain.render_latex` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chainrule.equations.formula import Symbol
from chainrule.equations.render import latex
from chainrule.explain.render_latex import HEAD, TAIL, latex_body, latex_text
from chainrule.explain.showing import address_of, number_text
from chainrule.lessons.blocks import Block, Checked, Erratum, Grid, Plot, Shown, Words, Worked
from chainrule.lessons.lesson import Lesson

WIDEST = 92
"""The most signs of a table's row that fit on the page; wider tables are printed smaller."""


def lesson_latex(lesson: Lesson, steps: Iterable[Shown]) -> str:
    """Return a complete document with the given steps."""
    lines = [HEAD + rf"{{\LARGE\bfseries {latex_text(lesson.title)}\par}}"]
    if lesson.source:
        lines.append(rf"\emph{{After: {latex_text(lesson.source)}}}")
    for shown in steps:
        title = f"Step {shown.number} of {shown.count}" + (f": {shown.title}" if shown.title else "")
        lines.append(rf"\section*{{{latex_text(title)}}}")
        for block in shown.blocks:
            lines += _block(block)
    return "\n".join(lines) + "\n" + TAIL


def _block(block: Block) -> Iterator[str]:
    match block:
        case Words(words):
            yield rf"{latex_text(words)}\par"
        case Worked(derivation, digits):
            yield latex_body(derivation, digits=digits).replace(r"\section*", r"\subsection*", 1)
        case Grid():
            yield grid_latex(block)
        case Plot(lines, key):
            yield r"\begin{footnotesize}\begin{verbatim}"
            yield from lines
            yield r"\end{verbatim}\end{footnotesize}"
            yield rf"{{\small {latex_text(key)}\par}}"
        case Erratum(printed, right, why):
            yield r"\begin{quote}\textbf{Erratum.}"
            yield rf"Printed: {latex_text(printed)}\\ Right: {latex_text(right)}\\ Why: {latex_text(why)}"
            yield r"\end{quote}"
        case Checked(items):
            rows = tuple(
                (
                    item.name,
                    item.expected,
                    number_text(item.found, 10 if item.ok else 17),
                    "✓" if item.ok else "wrong",
                )
                for item in items
            )
            yield grid_latex(Grid(("number", "expected", "found", ""), rows, ("number", "")))


def latex_name(name: str) -> str:
    """Return an address as the formulas write it; any other text as text."""
    if address_of(name) is None or not ("[" in name or name in ("C", "C_new", "loss")):
        return latex_text(name)
    return f"${latex(Symbol(name))}$"


def grid_latex(grid: Grid) -> str:
    """Return a table as a tabular."""
    columns = "".join("l" if header in grid.words else "r" for header in grid.headers)
    widest = max(sum(len(cell) + 2 for cell in row) for row in (grid.headers, *grid.rows))
    size = r"\tiny" if widest > 1.3 * WIDEST else r"\scriptsize" if widest > WIDEST else r"\small"
    lines = [rf"{{{size}"]
    if grid.caption:
        lines.append(rf"{latex_text(grid.caption)}\par")
    lines.append(rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}")
    lines.append(" & ".join(latex_name(header) for header in grid.headers) + r" \\ \hline")
    lines += [" & ".join(map(latex_name, row)) + r" \\" for row in grid.rows]
    return "\n".join([*lines, r"\end{tabular}\par}", r"\medskip"])

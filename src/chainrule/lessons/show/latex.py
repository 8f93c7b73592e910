r"""A lesson as a LaTeX document; derivations as `explain.render_latex` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chainrule._numbers import number_text
from chainrule.explain.derive.grid import Grid
from chainrule.explain.show.latex import HEAD, TAIL, grid_latex, latex_body, latex_name, latex_text
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.show.blocks import Block, Checked, Erratum, Plot, Shown, Words, Worked


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
            yield grid_latex(block, latex_name)
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
            yield grid_latex(Grid(("number", "expected", "found", ""), rows, ("number", "")), latex_name)

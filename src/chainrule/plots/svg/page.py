"""A plot on a page: two drawings, one for narrow screens, of which the style sheet shows one, and its table."""

import re

from chainrule._numbers import number_text
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.svg.draw import NARROW, WIDE, to_svg
from chainrule.plots.svg.element import element, escaped, exact
from chainrule.plots.twin import Cell

MOST_ROWS = 200


def figure(
    plot: Chart | Charts, narrow: Chart | Charts | None = None, *, width: float = WIDE, rows: int = MOST_ROWS
) -> str:
    """Return a plot as an HTML figure: drawn for a page and for a telephone, with its table twin folded away.

    ``narrow`` is another plot for the telephone, for pictures whose layout is part of the data: a network. The page holds
    `svg.sheet.SHEET` once. What is as small as a telephone is drawn once, for both. The table has at most so many ``rows``, and
    says what it leaves out.
    """
    drawn = [element("div", to_svg(plot, width), class_="plot-wide")]
    if narrow is not None or width > NARROW:
        small = without_spots(to_svg(narrow or plot, NARROW))
        drawn.insert(0, element("div", small, class_="plot-narrow"))
    return element(
        "figure",
        *drawn,
        element(
            "details",
            element("summary", "As a table"),
            element(
                "div",
                table(plot, rows),
                class_="plot-table",
                tabindex="0",
                role="group",
                aria_label=f"Table: {plot.title}",
            ),
        ),
        class_="plot-figure",
    )


def without_spots(drawn: str) -> str:
    """Return a drawing without what only a pointer finds: telephones have none, and a third of a page would be that.

    Addresses stay, and the values of what has one; the other drawing has all. What it shows is said by its label alone.
    """
    head, sign, rest = drawn.partition("</title>")
    rest = re.sub(r'<g fill-opacity="0">.*?</g>', "", rest, flags=re.DOTALL)
    rest = re.sub(r'<(?![^>]*data-address)([^>]*?) data-value="[^"]*"', r"<\1", rest)
    return head + sign + re.sub(r"<title>[^<]*</title>", "", rest)


def table(plot: Chart | Charts, most: int = MOST_ROWS) -> str:
    """Return a plot's table twin as HTML; numbers are short, and exact in ``data-value``."""
    found = plot.table()
    head = "".join(element("th", escaped(name), scope="col") for name in found.header)
    rows = [element("tr", *map(_cell, row)) for row in found.rows[:most]]
    left_out = len(found.rows) - most
    if left_out > 0:
        words = f"{left_out} more rows are not shown."
        rows.append(element("tr", element("td", words, colspan=str(len(found.header)), class_="words")))
    return element("table", element("thead", element("tr", head)), "<tbody>", *rows, "</tbody>")


def _cell(cell: Cell) -> str:
    if not cell and isinstance(cell, str):
        return "<td></td>"
    if isinstance(cell, str):
        return f'<td class="words">{escaped(cell)}</td>'
    return element("td", escaped(number_text(cell)), data_value=exact(cell))

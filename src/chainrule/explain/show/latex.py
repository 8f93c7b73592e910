r"""A document in LaTeX that compiles as it is: amsmath and amssymb, long sums broken over lines.

It compiles with pdflatex, xelatex, lualatex and tectonic; `latex_body` is the part between ``\begin{document}`` and
``\end{document}``, for a document of one's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any

from chainrule._numbers import DIGITS, number_text, visible
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import (
    Derivation,
    Factor,
    Instances,
    Line,
    LineCheck,
    Matrix,
    MatrixLine,
    Range,
    RuleLine,
    Shaped,
    Statement,
)
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show import document as doc
from chainrule.explain.show.formulas import formula_latex, side_names
from chainrule.explain.show.showing import Piece, Showing, address_of, is_shown_as_name, split_at
from chainrule.formula.latex import latex
from chainrule.formula.names import split_name
from chainrule.formula.nodes import Node, Symbol
from chainrule.formula.stated import Stated
from chainrule.formula.text import Substitute

MARGINS = "margin=22mm"
BESIDE_MARGINS = "landscape,margin=15mm,left=108mm,marginparwidth=86mm,marginparsep=8mm"
"""The page where one thing stands beside another: the left column is a wide margin, so that the right one may be long."""

HEAD = rf"""\documentclass[11pt,a4paper]{{article}}
\usepackage[T1]{{fontenc}}
\usepackage[utf8]{{inputenc}}
\usepackage{{amsmath,amssymb}}
\usepackage[{MARGINS}]{{geometry}}
\allowdisplaybreaks
\setlength{{\parindent}}{{0pt}}
\setlength{{\parskip}}{{4pt plus 2pt}}
\begin{{document}}
"""
"""What comes before the explanation; all of it is in every installation of LaTeX."""

TAIL = "\\end{document}\n"

WIDEST = 70
"""The most signs of a formula, as printed, that fit on a line of the page beside its left side."""

_SECTIONS = (r"\section*", r"\subsection*", r"\subsubsection*", r"\paragraph*")
_GREEK = (
    "α=alpha β=beta γ=gamma δ=delta ε=varepsilon η=eta θ=theta λ=lambda μ=mu σ=sigma τ=tau Δ=Delta Σ=Sigma"
)
_SIGNS = (
    r"∂=\partial ∇=\nabla ·=\cdot ×=\times ⊙=\odot √=\surd ∑=\sum ∞=\infty ≈=\approx ≤=\le ≥=\ge ≠=\ne →=\to "
    r"−=- ‖=\| ²=^{2} ³=^{3} ′=' ✓=\checkmark ∈=\in ±=\pm"
)
_WRITTEN = (
    r"{=\{ }=\} $=\$ &=\& #=\# _=\_ %=\% \=\textbackslash{} ~=\textasciitilde{} ^=\textasciicircum{} <=\textless{} "
    r">=\textgreater{} |=\textbar{} `=\textasciigrave{} "
    "\"=\\textquotedbl{} “=`` ”='' ’=' –=-- —=--- …=\\dots{}"
)
_ESCAPES = {
    **{sign: f"$\\{name}$" for sign, name in (pair.split("=") for pair in _GREEK.split())},
    **{sign: f"${name}$" for sign, name in (pair.split("=") for pair in _SIGNS.split())},
    **{pair[0]: pair[2:] for pair in _WRITTEN.split()},
}

OURS = Showing()
"""Our own names, with all that they say."""


def render(document: doc.Document) -> str:
    """Return a document as a complete LaTeX document."""
    head = HEAD
    if any(isinstance(block, doc.Beside) for block in _inner_blocks(document.blocks)):
        head = HEAD.replace(MARGINS, BESIDE_MARGINS).replace(
            r"\begin{document}", r"\reversemarginpar" "\n" r"\begin{document}"
        )
    return head + "\n".join(_document(document)) + "\n" + TAIL


def _inner_blocks(blocks: Iterable[doc.Block]) -> Iterator[doc.Block]:
    """Yield blocks, and those within sections."""
    for block in blocks:
        yield block
        if isinstance(block, doc.Section):
            yield from _inner_blocks(block.blocks)


def _document(document: doc.Document) -> Iterator[str]:
    worked = document.worked
    if worked is None:
        yield rf"{{\LARGE\bfseries {latex_text(document.title)}\par}}"
        if document.source:
            yield rf"\emph{{After: {latex_text(document.source)}}}"
    lead, blocks = document.parts
    for block in blocks:
        if worked is not None and block is worked:
            how: dict[str, Any] = {"digits": worked.digits, "naming": worked.naming}
            how["lead"] = [line for each in lead for line in _block(each, 1)]
            yield latex_body(worked.derivation, origin=document.origin, **how)[:-1]
        else:
            yield from _block(block, 0)
    if document.verdict is not None:
        yield rf"\par\textbf{{{latex_text(document.verdict.text)}}}"


def _heading(depth: int) -> str:
    """Return the command of a heading, the least one where sections lie deeper than LaTeX has headings for."""
    return _SECTIONS[min(depth, len(_SECTIONS) - 1)]


def latex_block(block: doc.Block) -> str:
    """Return a block that stands in a document of one's own."""
    return "\n".join(_block(block, 0))


def _block(block: doc.Block, depth: int) -> Iterator[str]:
    match block:
        case doc.Section(_, blocks, _, naming):
            if block.heading:
                yield f"{_heading(depth)}{{{latex_text(block.heading, Showing(naming=naming))}}}"
            for inner in blocks:
                yield from _block(inner, depth + bool(block.heading))
        case doc.Words(words, style, label):
            text = latex_text(f"{label}: {words}" if label else words, block.showing)
            yield rf"\textbf{{{text}}}\par" if style == "title" else rf"{text}\par"
        case doc.Facts(rows):
            yield from _facts(rows)
        case doc.TableBlock(headers, rows, naming=naming) if naming is not None:
            yield r"\par{\small\begin{tabular}{@{}llp{88mm}@{}}"
            yield " & ".join(map(latex_text, headers)) + r" \\ \hline"
            showing = Showing(naming=naming)
            yield from (" & ".join(_cell(cell, showing) for cell in row) + r" \\" for row in rows)
            yield r"\end{tabular}\par}"
            if block.more:
                yield rf"{latex_text(block.more)}\par"
        case doc.TableBlock():
            table = block.without_bars
            texts = tuple(name for place, name in enumerate(table.headers) if place not in table.right)
            # A text of several lines is as many rows.
            cells = ((doc.styled(cell).plain.split("\n") for cell in row) for row in table.rows)
            written = tuple(line for row in cells for line in zip_longest(*row, fillvalue=""))
            yield grid_latex(Grid(table.headers, written, texts))
            if block.more:
                yield rf"{latex_text(block.more)}\par"
        case doc.Worked(derivation, digits, naming):
            body = latex_body(derivation, digits=digits, naming=naming)
            yield body.replace(r"\section*", _heading(depth), 1)
        case Grid():
            yield grid_latex(block, latex_name)
        case doc.GridBlock(grid, naming):
            showing, names = Showing(naming=naming), block.names
            yield grid_latex(
                grid, lambda text: latex_name(text, showing) if text in names else latex_text(text)
            )
        case doc.Plot(lines, key):
            yield from _verbatim("\n".join(lines))
            yield from _small(latex_text(key))
        case doc.Listing(text):
            yield from _verbatim(text)
        case doc.FindingBlock(what, said):
            yield f"{_heading(depth)}{{{latex_text(what)}}}"
            yield from _facts(said)
        case doc.Erratum(printed, right, why, naming):
            yield r"\begin{quote}\textbf{Erratum.}"
            told = [latex_text(words, Showing(naming=naming)) for words in (right, why)]
            yield rf"Printed: {latex_text(printed, doc.PRINTED)}\\ Right: {told[0]}\\ Why: {told[1]}"
            yield r"\end{quote}"
        case doc.Checked(items, naming):
            checked = tuple((i.name, i.expected, i.shown, "✓" if i.ok else "wrong") for i in items)
            write = partial(latex_name, showing=Showing(naming=naming))
            yield grid_latex(Grid(("number", "expected", "found", ""), checked, ("number", "")), write)
        case doc.Formulas(items):
            yield from _formulas(items)
        case doc.Beside(left, right, names):
            if left:
                margin = "\n".join(line for each in left for line in _block(each, depth))
                yield rf"\leavevmode\marginpar{{\raggedright\textit{{{latex_text(names[0])}}}\par"
                yield f"{margin}}}%"
                yield rf"\textit{{{latex_text(names[1])}}}\par"
            for each in right:
                yield from _block(each, depth)
        case doc.SeeAlso(words, sections):
            yield rf"{latex_text(words)} {latex_text('; '.join(heading for _, heading in sections))}\par"
        case doc.Cells() | doc.Picture():
            pass


def _formulas(items: Iterable[Stated]) -> Iterator[str]:
    for item in items:
        if item.words:
            yield rf"\par {latex_text(item.words)}"
        yield from _aligned([_spelled(row) for row in formula_latex(item)], "")


def _verbatim(text: str) -> Iterator[str]:
    """Yield text as it stands; what would end it is broken in two."""
    yield r"\begin{footnotesize}\begin{verbatim}"
    yield text.replace(r"\end{verbatim}", r"\end {verbatim}")
    yield r"\end{verbatim}\end{footnotesize}"


def _cell(cell: doc.Cell, showing: Showing) -> str:
    """Return a cell whose addresses have the names of a notation, or stay as one types them."""
    shown = doc.styled(cell)
    if shown.as_typed:
        return rf"\texttt{{{_escaped(shown.text)}}}"
    return latex_name(shown.text, showing) if shown.is_name else _words(shown)


def _words(cell: doc.Styled) -> str:
    return latex_text(cell.text, doc.PRINTED if cell.formulas else OURS)


def _facts(rows: Sequence[Sequence[doc.Cell]]) -> Iterator[str]:
    """Yield rows of a name and what there is to say, which may take several lines."""
    yield r"\par\begin{tabular}{@{}lp{120mm}@{}}"
    for name, *said in rows:
        cells = ". ".join(_words(doc.styled(cell)) for cell in said)
        yield rf"{latex_text(doc.styled(name).text)} & {cells} \\[2pt]"
    yield r"\end{tabular}\par\medskip"


def latex_body(
    derivation: Derivation,
    *,
    digits: int = DIGITS,
    origin: Mapping[str, str] | None = None,
    naming: Naming | None = None,
    lead: Iterable[str] = (),
) -> str:
    r"""Return a derivation in LaTeX without the document around it; it needs amsmath and amssymb. ``lead`` comes below its title.

    >>> from chainrule.formula.parse import parse
    >>> from chainrule.explain.derive.lines import Line
    >>> line = Line("half the squared error", "loss", parse("(a-y)^2/2").root, {"a": 0.5, "y": 1.0}, 0.125)
    >>> print(latex_body(Derivation("loss", "The loss", (line,))), end="")
    \section*{The loss}
    \par half the squared error
    \begin{align*}
    \mathrm{loss} &= \frac{\left(a - y\right)^{2}}{2} \\
    &= \frac{\left(0.5 - 1\right)^{2}}{2} \\
    &= 0.125
    \end{align*}
    """
    writer = _Latex(Showing.of(derivation, digits, naming), origin or {})
    return "\n".join([*writer.heading(derivation, 0), *lead, *writer.body(derivation, 0)]) + "\n"


def latex_text(words: str, showing: Showing = OURS) -> str:
    """Return words as LaTeX prints them, the addresses among them as formulas have them."""
    return "".join(_piece(piece, showing) for piece in showing.pieces(words))


def _piece(piece: Piece, showing: Showing) -> str:
    if piece.formula is not None:
        found = [name for side in piece.formula.sides for name in side_names(side)]
        shown = {name: showing.written(name) for name in found if address_of(name) is not None}
        made = replace(piece.formula, names={**piece.formula.names, **shown})
        return f"${_spelled(' '.join(formula_latex(made)).replace('&', ''))}$"
    if not piece.is_name:
        return _escaped(piece.text)
    name = piece.text
    return f"${_math(Symbol(name), {name: name if showing.naming is None else showing.written(name)})}$"


def _escaped(text: str) -> str:
    """Return a text as LaTeX prints it, sign by sign."""
    return _spelled("".join(_ESCAPES.get(sign, sign) for sign in text))


def _math(node: Node, shown: Substitute | None = None) -> str:
    """Return a formula in math mode; names from tables may hold any letter."""
    return _spelled(latex(node, shown))


def _spelled(text: str) -> str:
    """Return a text with controls, and every letter beyond Europe's, spelled as codes: pdflatex has none of them."""
    return "".join(
        sign if ord(sign) < 0x250 and visible(sign) == sign else rf"\texttt{{U+{ord(sign):04X}}}"
        for sign in text
    )


def _small(words: str) -> Iterator[str]:
    """Yield a paragraph in small letters; the words are LaTeX's."""
    if words:
        yield rf"{{\small {words}\par}}"


def _aligned(rows: Iterable[str], note: str) -> Iterator[str]:
    """Yield formulas below each other, and a note."""
    yield r"\begin{align*}"
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"
    yield from _small(note)


class _Latex:
    def __init__(self, showing: Showing, origin: Mapping[str, str]) -> None:
        self.showing = showing
        self.origin = origin

    def derivation(self, derivation: Derivation, depth: int) -> Iterator[str]:
        yield from self.heading(derivation, depth)
        yield from self.body(derivation, depth)

    def heading(self, derivation: Derivation, depth: int) -> Iterator[str]:
        """Yield a derivation's title, and where it comes from."""
        title = derivation.title
        if depth == 0 and self.showing.dropped:
            title += f" ({self.showing.where()})"
        yield f"{_heading(depth)}{{{self.told(title)}}}"
        if depth == 0 and self.origin:
            yield self.told(", ".join(map(" ".join, self.origin.items()))) + r"\par"

    def body(self, derivation: Derivation, depth: int) -> Iterator[str]:
        """Yield what stands below a derivation's title."""
        if derivation.hand:
            yield rf"\emph{{{self.told(derivation.hand)}}}"
        rule = ""
        for line in derivation.lines:
            yield from self.line(line, line.rule != rule)
            rule = line.rule
        for matrix in derivation.matrices:
            yield from self.matrix_line(matrix)
        yield from self.calculus(derivation.calculus)
        for statement in derivation.statements:
            yield from self.statement(statement)
        if derivation.factors:
            yield from self.factors(derivation.factors)
        for grid in derivation.grids:
            yield "\\par"
            yield grid_latex(grid, number=self.showing.number)
        for note in derivation.notes:
            yield f"\\par {self.told(note)}"
        for part in derivation.parts:
            yield from self.derivation(part, depth + 1)

    def told(self, words: str) -> str:
        """Return words."""
        return latex_text(words, self.showing)

    def name(self, name: str) -> str:
        """Return a symbol's name in math mode."""
        return _math(Symbol(name), {name: self.showing.written(name)})

    def number(self, value: float) -> str:
        """Return a number in math mode."""
        return _math(Symbol("v"), {"v": self.showing.number(value)})

    def left(self, line: Line) -> str:
        if line.address or split_name(line.label) is not None:
            return self.name(line.left)
        return rf"\text{{{self.told(line.label)}}}"

    def line(self, line: Line, with_rule: bool) -> Iterator[str]:
        if with_rule:
            yield rf"\par {self.told(line.rule)}"
        result = _math(Symbol("v"), {"v": self.showing.result(line)})
        rows = [row for side in self.showing.sides(line, _math, result) for row in self.rows(side)]
        rows.append(f"&= {result}{self.check(line.check)}")
        rows[0] = f"{self.left(line)} {rows[0]}"
        yield from _aligned(rows, self.told(line.note))

    def rows(self, side: str) -> Iterator[str]:
        for number, piece in enumerate(wrap_latex(side)):
            yield f"&= {piece}" if number == 0 else rf"&\quad {piece}"

    def check(self, check: LineCheck | Instances | None) -> str:
        if check is None:
            return ""
        if isinstance(check, Instances) and check.ok:
            return rf"\quad\checkmark\text{{ {latex_text(check.words)}}}"
        if not check.words:
            return r"\quad\checkmark"
        if check.ok:
            return rf"\quad\text{{ {latex_text(check.words)}}}"
        return rf"\quad\boldsymbol{{\times}}\text{{ {latex_text(check.words.partition(':')[0])}}}"

    def matrix_line(self, line: MatrixLine) -> Iterator[str]:
        line = self.showing.oriented(line)
        left = self.name(line.address)
        yield rf"\par {self.told(line.rule)}"
        rows = [f"{left} &= {_math(line.symbols, self.showing.names(line.operands))}"]
        rows += [f"{self.name(name)} &= {self.matrix(matrix)}" for name, matrix in line.operands.items()]
        rows.append(f"{left} &= {self.matrix(line.result)}{self.check(line.check)}")
        yield from _aligned(rows, self.told(line.note))

    def matrix(self, matrix: Matrix) -> str:
        """Return a matrix with its shape below; dots stand for the rows and columns that aren't shown."""
        columns = matrix.shape[-1] if matrix.shape else 1
        rows = [
            " & ".join([*map(self.number, row), *([r"\cdots"] if columns > len(row) else [])])
            for row in matrix.rows
        ]
        if len(matrix.shape) > 1 and matrix.shape[0] > len(rows):
            rows.append(r"\vdots")
        size = r" \times ".join(map(str, matrix.shape)) or "1"
        return r"\begin{bmatrix} " + r" \\ ".join(rows) + rf" \end{{bmatrix}}_{{{size}}}"

    def calculus(self, lines: Sequence[RuleLine]) -> Iterator[str]:
        for line in lines:
            law = f" ({line.law})" if line.law else ""
            yield rf"\par {self.told(line.rule + law)}"
            rows = list(self.rows(_math(line.symbols)))
            rows[-1] += self.check(line.check)
            yield from _aligned(rows, self.told(line.convention))

    def statement(self, line: Statement) -> Iterator[str]:
        yield rf"\par {self.told(line.rule)}"
        rows = [row for side in line.sides for row in self.rows(_math(side))]
        rows[0] = f"{_math(line.left)} {rows[0]}"
        rows[-1] += self.check(line.check)
        yield from _aligned(rows, "")
        ranges = ", ".join(map(_range, line.ranges))
        where = [f"for {ranges}"] if ranges else []
        where += map(_shaped, line.shapes)
        if where:
            yield rf"{{\small {'; '.join(where)}\par}}"
        yield from _small(self.told(line.why))

    def factors(self, factors: Sequence[Factor]) -> Iterator[str]:
        yield r"\par\begin{tabular}{@{}lrp{88mm}@{}}"
        for factor in factors:
            words = self.told(factor.words + (f". {factor.blame}" if factor.blame else ""))
            yield rf"${self.name(factor.address)}$ & ${self.number(factor.value)}$ & {words} \\[2pt]"
        yield r"\end{tabular}\par"


def _range(given: Range) -> str:
    index, first, last = (_math(node) for node in (Symbol(given.index), given.first, given.last))
    return f"${index} = {first}" + (rf",\dots,{last}$" if given.first != given.last else "$")


def _shaped(given: Shaped) -> str:
    array, rows, columns = (_math(node) for node in (given.array, given.rows, given.columns))
    return rf"${array}$: ${rows} \times {columns}$"


def latex_name(name: str, showing: Showing = OURS) -> str:
    """Return an address as the formulas write it; any other text as text."""
    shown = {name: showing.written(name)}
    return f"${latex(Symbol(name), shown)}$" if is_shown_as_name(name) else latex_text(name)


WIDEST_GRID = 92
"""The most signs of a table's row that fit on the page; wider tables are printed smaller."""


def grid_latex(
    grid: Grid, cell: Callable[[str], str] = latex_text, number: Callable[[float], str] = number_text
) -> str:
    """Return a table as a tabular; ``cell`` prints a text, and ``number`` writes a number."""
    rows = [grid.headers, *grid.texts(number)]
    columns = "".join("l" if header in grid.words else "r" for header in grid.headers)
    widest = max(sum(len(text) + 2 for text in row) for row in rows)
    size = r"\tiny" if widest > 1.3 * WIDEST_GRID else r"\scriptsize" if widest > WIDEST_GRID else r"\small"
    caption = [rf"{latex_text(grid.caption)}\par"] if grid.caption else []
    lines = [" & ".join(map(cell, row)) + r" \\" for row in rows]
    lines[0] += r" \hline"
    begin = rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
    return "\n".join([rf"{{{size}", *caption, begin, *lines, r"\end{tabular}\par}", r"\medskip"])


def wrap_latex(formula: str, width: int = WIDEST) -> list[str]:
    r"""Break a formula before the + and - of its outermost sum where it is wider than a line.

    >>> wrap_latex(r"w_{1} \cdot x_{1} + \left(a + b\right) - c", 7)
    ['w_{1} \\cdot x_{1}', '+ \\left(a + b\\right)', '- c']
    """
    rows: list[str] = []
    terms = split_at(formula, _cuts(formula))
    for term in (piece.strip() for whole in terms for piece in _inner(whole, width)):
        if rows and printed_width(rows[-1]) + printed_width(term) + 1 <= width:
            rows[-1] += f" {term}"
        else:
            rows.append(term)
    return rows


def _inner(term: str, width: int) -> list[str]:
    r"""Break a wide term: a sum in ``\left( … \right)`` or above a fraction's bar, then (…)/n, else before ``\cdot``."""
    if printed_width(term) <= width:
        return [term]
    sign = _SIGN.match(term)
    start = sign.end() if sign else 0
    if term.startswith(r"\left(", start):
        stop = _closing(term, start)
        inner, after = term[start + len(r"\left(") : stop - len(r"\right)")], term[stop:]
    elif term.startswith(r"\frac{", start):
        middle = _closing(term, start + len(r"\frac"))
        stop = _closing(term, middle)
        inner, below = term[start + len(r"\frac{") : middle - 1], term[middle + 1 : stop - 1]
        after = f" / {below if _ONE.fullmatch(below) else f'({below})'}{term[stop:]}"
    else:
        inner = after = ""
    pieces = split_at(inner, _cuts(inner))
    if len(pieces) == 1:
        return split_at(term, _cuts(term, (r"\cdot ",)))
    return [f"{term[:start]}({pieces[0]}", *pieces[1:-1], f"{pieces[-1]}){after}"]


_SIGN = re.compile(r"\s*[+-] ")
_ONE = re.compile(r"[0-9.]+|[A-Za-z]")


def _closing(formula: str, place: int) -> int:
    r"""Return where the group or ``\left`` that begins at a place ends."""
    depth = 0
    while True:
        depth += formula[place] == "{" or formula.startswith(r"\left", place)
        depth -= formula[place] == "}" or formula.startswith(r"\right", place)
        if depth == 0:
            return place + (1 if formula[place] == "}" else len(r"\right)"))
        place += 1


_SILENT = re.compile(r"\\(?:left|right|mathrm|text|frac|,)(?![A-Za-z])")
_SYMBOL = re.compile(r"\\[A-Za-z]+")
_SCRIPT = re.compile(r"[\^_]\{([^{}]*)\}(?:_\{([^{}]*)\})?")
_BETWEEN = re.compile(r" [+-] ")


def printed_width(formula: str) -> int:
    r"""Return about how many digits wide a formula is in print: scripts are small, most commands are one sign.

    A + or - between two terms has room on both sides, and is as wide as two and a half digits; a ``\cdot`` as one and
    a half.
    """
    signs = 3 * len(_BETWEEN.findall(formula)) + formula.count(r"\cdot ")
    bare = _SYMBOL.sub("x", _SILENT.sub("", formula))
    # A superscript and a subscript stand one above the other.
    bare = _SCRIPT.sub(lambda match: "i" * ((2 * max(map(len, match.groups(""))) + 2) // 3), bare)
    return len(bare.translate(_UNSEEN)) + signs // 2


_UNSEEN = str.maketrans("", "", "{} ")


def _cuts(formula: str, signs: tuple[str, ...] = ("+ ", "- ")) -> list[int]:
    r"""Return where the terms of a formula's outermost sum begin; braces, brackets and environments are inner.

    With other ``signs`` than + and - it is where these stand.
    """
    depth, cuts, place = 0, [], 0
    while place < len(formula):
        if formula.startswith((r"\begin{", r"\left"), place) and not formula.startswith(r"\leftarrow", place):
            depth += 1
        elif formula.startswith((r"\end{", r"\right"), place):
            depth -= 1
        sign = formula[place]
        depth += (sign == "{") - (sign == "}")
        if depth == 0 and formula[place - 1 : place] == " " and formula.startswith(signs, place):
            cuts.append(place)
        place += 1
    return cuts

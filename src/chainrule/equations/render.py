"""Formulas as text, LaTeX and MathML, with as few brackets as precedence allows.

The text can be parsed again. LaTeX and MathML print fractions, roots, powers and cases as in a book.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import NamedTuple, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from chainrule.equations.formula import (
    FUNCTIONS,
    Binary,
    Call,
    Compare,
    Constant,
    Derivative,
    Negate,
    Node,
    Number,
    Symbol,
    children,
)
from chainrule.equations.names import split_name
from chainrule.equations.render_names import LatexNames, MathMLNames, NameLayout

Substitute: TypeAlias = Mapping[str, str | float]
"""How a symbol is to be shown: a number, or a name or number as plain text, which is escaped as needed."""

Attributes: TypeAlias = Callable[[str], Mapping[str, str]]
"""The XML attributes of a symbol's element, such as ``{"data-address": "z[2][1]"}``."""

_GREEK: Mapping[str, str] = dict(
    alpha="α",
    beta="β",
    gamma="γ",
    delta="δ",
    epsilon="ε",
    zeta="ζ",
    eta="η",
    theta="θ",
    iota="ι",
    kappa="κ",
    mu="μ",
    nu="ν",
    xi="ξ",
    pi="π",
    rho="ρ",
    sigma="σ",
    tau="τ",
    upsilon="υ",
    phi="φ",
    chi="χ",
    psi="ψ",
    omega="ω",
    Gamma="Γ",
    Delta="Δ",
    Theta="Θ",
    Lambda="Λ",
    Xi="Ξ",
    Pi="Π",
    Sigma="Σ",
    Upsilon="Υ",
    Phi="Φ",
    Psi="Ψ",
    Omega="Ω",
    **{"lambda": "λ"},
)
_LATEX_FUNCTIONS = frozenset(
    {"exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "max", "min"}
)
_LATEX_OPERATORS = {"*": r"\cdot", "@": r"\,", "⊙": r"\odot"}
_MATHML_OPERATORS = {"-": "−", "*": "·", "@": "\u2062"}
_LATEX_RELATIONS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "="}
_MATHML_RELATIONS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "="}
_LATEX_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: "\\" + sign for sign in "{}$&#_%"},
    }
)
_NUMBER = re.compile(r"([-−+]?)((?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]+))?")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SUBSCRIPTED = re.compile(r"([A-Za-z]+)_?((?<=_)[A-Za-z0-9]+|[0-9]+)")
_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def text(node: Node, substitute: Substitute | None = None) -> str:
    """Return the formula in the formula language, such as ``1/(1 + exp(-z))``.

    ``parse`` reads it again, unless it holds a ``Derivative`` or a substituted name that isn't one.

    >>> from chainrule.equations.formula import parse
    >>> text(parse("alpha*z^2").root, {"z": -3})
    'alpha*(-3)^2'
    """
    return _Text(substitute).piece(node).markup


def latex(node: Node, substitute: Substitute | None = None) -> str:
    r"""Return the formula in LaTeX's math mode, without dollar signs.

    >>> from chainrule.equations.formula import parse
    >>> latex(parse("alpha/(1+exp(-z))").root)
    '\\frac{\\alpha}{1 + e^{-z}}'
    """
    return _Latex(substitute).piece(node).markup


def mathml(
    node: Node,
    substitute: Substitute | None = None,
    attributes: Attributes | None = None,
    *,
    block: bool = False,
) -> str:
    """Return the formula as a complete ``<math>`` element of MathML Core; ``block``: on a line of its own.

    >>> from chainrule.equations.formula import parse
    >>> mathml(parse("z^2").root)
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><msup><mi>z</mi><mn>2</mn></msup></math>'
    """
    display = ' display="block"' if block else ""
    content = mathml_content(node, substitute, attributes)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{display}>{content}</math>'


def mathml_content(
    node: Node, substitute: Substitute | None = None, attributes: Attributes | None = None
) -> str:
    """Return one element of MathML, to be placed in a larger ``<math>`` element.

    Raises ValueError for an attribute whose name XML doesn't allow.
    """
    return _MathML(substitute, attributes).piece(node).markup


class _Level(IntEnum):
    """How tightly a piece holds together; an operand below what its place asks for gets brackets."""

    LOOSE = 0
    SUM = 1
    PRODUCT = 2
    FRACTION = 3
    POWER = 4
    ATOM = 5


class _Piece(NamedTuple):
    markup: str
    level: _Level
    minus: bool = False
    """It begins with a minus sign, so it can only stand first."""


class _Renderer(ABC):
    """The precedence rules, which are the same in every format; subclasses know the marks."""

    shows_association = True
    """Print the brackets of a + (b + c), which change how it is computed but not what it means."""

    def __init__(self, substitute: Substitute | None) -> None:
        self.substitute = substitute or {}

    def piece(self, node: Node) -> _Piece:
        match node:
            case Number(value):
                return self.number(_digits(value))
            case Symbol(name):
                return self.symbol(name)
            case Constant(name):
                return _Piece(self.name(name), _Level.ATOM)
            case Negate(operand):
                body = self.fit(self.piece(operand), _Level.PRODUCT)
                return _Piece(self.negate(body), _Level.PRODUCT, minus=True)
            case Binary(op, left, right):
                return self.binary(op, self.piece(left), self.piece(right))
            case Compare(op, left, right):
                sides = (self.fit(self.piece(side), _Level.SUM, first=True) for side in (left, right))
                return _Piece(self.relation(op, *sides), _Level.LOOSE)
            case Derivative(symbol, operand):
                return _Piece(self.derivative(self.name(symbol), self.markup(operand)), _Level.FRACTION)
            case Call():
                return self.call(node)

    def binary(self, op: str, left: _Piece, right: _Piece) -> _Piece:
        match op:
            case "+" | "-":
                idle = op == "+" and not self.shows_association
                body = self.infix(
                    op,
                    self.fit(left, _Level.SUM, first=True),
                    self.fit(right, _Level.SUM if idle else _Level.PRODUCT),
                )
                return _Piece(body, _Level.SUM, left.minus)
            case "*" | "@" | "⊙":
                loosest = _Level.FRACTION if self.shows_association else _Level.PRODUCT
                body = self.infix(op, self.fit(left, _Level.PRODUCT, first=True), self.fit(right, loosest))
                return _Piece(body, _Level.PRODUCT, left.minus)
            case "/":
                return self.quotient(left, right)
            case _:
                return _Piece(self.power(self.fit(left, _Level.ATOM), self.exponent(right)), _Level.POWER)

    def markup(self, node: Node) -> str:
        """Return the markup of a node whose place needs no brackets."""
        return self.piece(node).markup

    def fit(self, piece: _Piece, level: _Level, *, first: bool = False) -> str:
        """Return the markup of an operand, in brackets unless it holds together at ``level``.

        ``first``: it is the first of its expression, so it may begin with a minus sign.
        """
        if piece.level < level or (piece.minus and not first):
            return self.fence("(", piece.markup, ")")
        return piece.markup

    def symbol(self, name: str) -> _Piece:
        shown = self.substitute.get(name, name)
        if isinstance(shown, str) and not _NUMBER.fullmatch(shown):
            return self.named(shown)
        return self.number(shown if isinstance(shown, str) else _digits(shown))

    def named(self, name: str) -> _Piece:
        """Return a symbol shown by its name."""
        return _Piece(self.name(name), _Level.ATOM)

    def number(self, digits: str) -> _Piece:
        """Return a number from its digits, ``inf`` or ``nan``, with or without a sign."""
        match = _NUMBER.fullmatch(digits)
        if match is None:
            sign = "-" if digits.startswith("-") else ""
            piece = _Piece(self.not_finite(digits.removeprefix("-")), _Level.ATOM)
        else:
            sign, mantissa, exponent = match.groups()
            piece = self.unsigned(mantissa, None if exponent is None else int(exponent))
        return (
            _Piece(self.negate(piece.markup), _Level.PRODUCT, minus=True) if sign in "-−" and sign else piece
        )

    @abstractmethod
    def name(self, name: str) -> str: ...

    @abstractmethod
    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece: ...

    @abstractmethod
    def not_finite(self, digits: str) -> str: ...

    @abstractmethod
    def fence(self, opening: str, body: str, closing: str) -> str: ...

    @abstractmethod
    def negate(self, body: str) -> str: ...

    @abstractmethod
    def infix(self, op: str, left: str, right: str) -> str: ...

    @abstractmethod
    def relation(self, op: str, left: str, right: str) -> str: ...

    @abstractmethod
    def quotient(self, above: _Piece, below: _Piece) -> _Piece: ...

    @abstractmethod
    def power(self, base: str, exponent: str) -> str: ...

    @abstractmethod
    def exponent(self, exponent: _Piece) -> str: ...

    @abstractmethod
    def call(self, node: Call) -> _Piece: ...

    @abstractmethod
    def derivative(self, symbol: str, body: str) -> str: ...


class _Text(_Renderer):
    """The formula language itself."""

    def name(self, name: str) -> str:
        return name

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        return _Piece(mantissa if exponent is None else f"{mantissa}e{exponent}", _Level.ATOM)

    def not_finite(self, digits: str) -> str:
        return digits

    def fence(self, opening: str, body: str, closing: str) -> str:
        return f"{opening}{body}{closing}"

    def negate(self, body: str) -> str:
        return f"-{body}"

    def infix(self, op: str, left: str, right: str) -> str:
        return f"{left}{op}{right}" if op in "*/" else f"{left} {op} {right}"

    def relation(self, op: str, left: str, right: str) -> str:
        return f"{left} {op} {right}"

    def quotient(self, above: _Piece, below: _Piece) -> _Piece:
        body = self.infix("/", self.fit(above, _Level.PRODUCT, first=True), self.fit(below, _Level.POWER))
        return _Piece(body, _Level.PRODUCT, above.minus)

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}"

    def exponent(self, exponent: _Piece) -> str:
        return self.fit(exponent, _Level.POWER)

    def call(self, node: Call) -> _Piece:
        return _Piece(f"{node.name}({', '.join(self.markup(arg) for arg in node.args)})", _Level.ATOM)

    def derivative(self, symbol: str, body: str) -> str:
        return f"d/d{symbol}[{body}]"


class _Book(_Renderer, NameLayout):
    """The layout of a book: fractions, raised exponents, roots, cases."""

    shows_association = False

    def named(self, name: str) -> _Piece:
        parts = split_name(name)
        if parts is None or not (
            parts.brackets or parts.by or parts.qualifiers or parts.base.endswith("_new")
        ):
            return _Piece(self.name(name), _Level.ATOM)
        return _Piece(self.address(parts), _Level.FRACTION if self.is_raised(parts) else _Level.ATOM)

    def letter(self, name: str) -> str:
        return self.name(name)

    def quotient(self, above: _Piece, below: _Piece) -> _Piece:
        return _Piece(self.fraction(above.markup, below.markup), _Level.FRACTION)

    def exponent(self, exponent: _Piece) -> str:
        return exponent.markup

    def call(self, node: Call) -> _Piece:
        match node.name, node.args:
            case "exp", (u,) if not _is_tall(u):
                return _Piece(self.power(self.name("e"), self.markup(u)), _Level.POWER)
            case "sqrt", (u,):
                return _Piece(self.root(self.markup(u)), _Level.ATOM)
            case "abs", (u,):
                return _Piece(self.fence("|", self.markup(u), "|"), _Level.ATOM)
            case "floor", (u,):
                return _Piece(self.fence("⌊", self.markup(u), "⌋"), _Level.ATOM)
            case "sum", (u,):
                return _Piece(self.total(self.fit(self.piece(u), _Level.PRODUCT)), _Level.LOOSE)
            case "transpose", (u,):
                return _Piece(
                    self.power(self.fit(self.piece(u), _Level.ATOM), self.letter("T")), _Level.POWER
                )
            case "where", _:
                return _Piece(self.cases(self.rows(node)), _Level.LOOSE)
        shown, _, subscript = (FUNCTIONS[node.name].shown or node.name).partition("_")
        return _Piece(self.function(shown, subscript, [self.markup(arg) for arg in node.args]), _Level.ATOM)

    def rows(self, node: Node) -> list[tuple[str, str]]:
        """Return (value, condition) of each case; a ``where`` as the alternative continues the list."""
        rows = []
        while isinstance(node, Call) and node.name == "where":
            condition, value, node = node.args
            rows.append((self.markup(value), self.markup(condition)))
        return [*rows, (self.markup(node), "")]

    @abstractmethod
    def root(self, body: str) -> str: ...

    @abstractmethod
    def total(self, body: str) -> str: ...

    @abstractmethod
    def cases(self, rows: list[tuple[str, str]]) -> str: ...

    @abstractmethod
    def function(self, name: str, subscript: str, args: list[str]) -> str: ...


class _Latex(LatexNames, _Book):
    def name(self, name: str) -> str:
        base, subscript = _split_name(name)
        if base in _GREEK:
            shown = r"\varepsilon" if base == "epsilon" else f"\\{base}"
        elif len(base) == 1 and base.isalpha():
            shown = base
        elif _IDENTIFIER.fullmatch(base):
            shown = rf"\mathrm{{{base.translate(_LATEX_ESCAPES)}}}"
        else:
            shown = rf"\text{{{base.translate(_LATEX_ESCAPES)}}}"
        return (
            f"{shown}_{{{subscript if subscript.isdigit() else self.name(subscript)}}}"
            if subscript
            else shown
        )

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        if exponent is None:
            return _Piece(mantissa, _Level.ATOM)
        return _Piece(rf"{mantissa} \times 10^{{{exponent}}}", _Level.PRODUCT)

    def not_finite(self, digits: str) -> str:
        return r"\infty" if digits == "inf" else r"\mathrm{NaN}"

    def fence(self, opening: str, body: str, closing: str) -> str:
        floor = {"⌊": r"\lfloor ", "⌋": r"\rfloor "}
        return rf"\left{floor.get(opening, opening)}{body}\right{floor.get(closing, closing).rstrip()}"

    def negate(self, body: str) -> str:
        return f"-{body}"

    def infix(self, op: str, left: str, right: str) -> str:
        return f"{left} {_LATEX_OPERATORS.get(op, op)} {right}"

    def relation(self, op: str, left: str, right: str) -> str:
        return f"{left} {_LATEX_RELATIONS[op]} {right}"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def root(self, body: str) -> str:
        return rf"\sqrt{{{body}}}"

    def total(self, body: str) -> str:
        return rf"\sum {body}"

    def cases(self, rows: list[tuple[str, str]]) -> str:
        lines = [rf"{value} & \text{{{'if ' if when else 'otherwise'}}}{when}" for value, when in rows]
        return r"\begin{cases}" + r" \\ ".join(lines) + r"\end{cases}"

    def function(self, name: str, subscript: str, args: list[str]) -> str:
        command = f"\\{name}" if name in _LATEX_FUNCTIONS else rf"\operatorname{{{name}}}"
        lower = f"_{{{subscript}}}" if subscript else ""
        return command + lower + self.fence("(", ", ".join(args), ")")

    def derivative(self, symbol: str, body: str) -> str:
        return rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}}{symbol}}}\left[{body}\right]"


class _MathML(MathMLNames, _Book):
    """Every method returns exactly one element, as fractions and powers need of their parts."""

    def __init__(self, substitute: Substitute | None, attributes: Attributes | None) -> None:
        super().__init__(substitute)
        self.attributes = attributes

    def symbol(self, name: str) -> _Piece:
        piece = super().symbol(name)
        given = self.attributes(name) if self.attributes else {}
        for attribute in given:
            if not _XML_NAME.fullmatch(attribute):
                raise ValueError(f"{attribute!r} can't be the name of an XML attribute")
        marks = "".join(f" {attribute}={quoteattr(_printable(value))}" for attribute, value in given.items())
        return piece._replace(markup=piece.markup.replace(">", f"{marks}>", 1))

    def name(self, name: str) -> str:
        base, subscript = _split_name(name)
        shown = f"<mi>{escape(_printable(_GREEK.get(base, base)))}</mi>"
        if not subscript:
            return shown
        lower = f"<mn>{subscript}</mn>" if subscript.isdigit() else self.name(subscript)
        return f"<msub>{shown}{lower}</msub>"

    def unsigned(self, mantissa: str, exponent: int | None) -> _Piece:
        if exponent is None:
            return _Piece(f"<mn>{mantissa}</mn>", _Level.ATOM)
        raised = f"<mn>{exponent}</mn>" if exponent >= 0 else self.negate(f"<mn>{-exponent}</mn>")
        scale = self.power("<mn>10</mn>", raised)
        return _Piece(f"<mrow><mn>{mantissa}</mn><mo>×</mo>{scale}</mrow>", _Level.PRODUCT)

    def not_finite(self, digits: str) -> str:
        return "<mi>∞</mi>" if digits == "inf" else "<mi>NaN</mi>"

    def fence(self, opening: str, body: str, closing: str) -> str:
        return f'<mrow><mo form="prefix">{opening}</mo>{body}<mo form="postfix">{closing}</mo></mrow>'

    def negate(self, body: str) -> str:
        return f"<mrow><mo>−</mo>{body}</mrow>"

    def infix(self, op: str, left: str, right: str) -> str:
        return f"<mrow>{left}<mo>{_MATHML_OPERATORS.get(op, op)}</mo>{right}</mrow>"

    def relation(self, op: str, left: str, right: str) -> str:
        return f"<mrow>{left}<mo>{escape(_MATHML_RELATIONS[op])}</mo>{right}</mrow>"

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{above}{below}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{exponent}</msup>"

    def root(self, body: str) -> str:
        return f"<msqrt>{body}</msqrt>"

    def total(self, body: str) -> str:
        return f"<mrow><mo>∑</mo>{body}</mrow>"

    def cases(self, rows: list[tuple[str, str]]) -> str:
        def line(value: str, when: str) -> str:
            words = f"<mrow><mtext>if\u00a0</mtext>{when}</mrow>" if when else "<mtext>otherwise</mtext>"
            return f"<mtr><mtd>{value}</mtd><mtd>{words}</mtd></mtr>"

        table = "".join(line(value, when) for value, when in rows)
        return f'<mrow><mo form="prefix">{{</mo><mtable columnalign="left">{table}</mtable></mrow>'

    def function(self, name: str, subscript: str, args: list[str]) -> str:
        shown = f"<mi>{name}</mi>"
        if subscript:
            shown = f"<msub>{shown}<mn>{subscript}</mn></msub>"
        inside = "<mo>,</mo>".join(args)
        if len(args) > 1:
            inside = f"<mrow>{inside}</mrow>"
        return f"<mrow>{shown}<mo>\u2061</mo>{self.fence('(', inside, ')')}</mrow>"

    def derivative(self, symbol: str, body: str) -> str:
        bar = f"<mfrac><mi>d</mi><mrow><mi>d</mi>{symbol}</mrow></mfrac>"
        return f"<mrow>{bar}{self.fence('[', body, ']')}</mrow>"


def _digits(value: float) -> str:
    """Return the shortest digits that give the number back; whole numbers without a point."""
    value = float(value)
    if value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return re.sub(r"e([+-])0*", lambda match: "e" + match[1].replace("+", ""), repr(value))


def _split_name(name: str) -> tuple[str, str]:
    """Return (base, subscript): ``w5`` and ``w_5`` are w with 5 below; other long names stay whole."""
    match = _SUBSCRIPTED.fullmatch(name)
    if match and (len(match[1]) == 1 or match[1] in _GREEK):
        return match[1], match[2]
    return name, ""


def _is_tall(node: Node) -> bool:
    """Tell whether a node is too tall to be read as an exponent."""
    tall = isinstance(node, Derivative) or (isinstance(node, Binary) and node.op == "/")
    tall = tall or (isinstance(node, Call) and node.name in ("where", "sum"))
    return tall or any(_is_tall(child) for child in children(node))


def _printable(text: str) -> str:
    """Return the text without the control signs that XML can't hold."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)

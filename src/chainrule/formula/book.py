"""Formulas as text, LaTeX and MathML, with as few brackets as precedence allows.

The text can be parsed again. LaTeX and MathML print fractions, roots, powers and cases as in a book.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping

from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.names import Name, split_name
from chainrule.formula.nodes import (
    Call,
    Node,
)
from chainrule.formula.text import _is_tall, _Level, _Piece, _Renderer

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
_SUBSCRIPTED = re.compile(r"([A-Za-z]+)_?((?<=_)[A-Za-z0-9]+|[0-9]+)")


class NameLayout(ABC):
    """Lays out the parts of an address; a format's renderer knows the marks."""

    def address(self, parts: Name) -> str:
        """Return the markup of an address.

        A weight's letter is small and a whole array's is large; ``m/dW[2][1,3]`` is m with the weight in brackets;
        ``f'[2][1]`` the slope at that neuron's z; rows, steps and members are named in the index.
        """
        if parts.is_partial:
            by = parts._replace(base=parts.by, by="", qualifiers=())
            what = self.scripts(self.letter(parts.base[1:]), "", self.qualified(parts))
            return self.fraction(self.partial(what), self.partial(self.address(by)))
        if parts.by:
            inside = self.address(parts._replace(base=parts.by, by="", qualifiers=()))
            return self.beside(
                self.marked(parts.base, [], self.qualified(parts)), self.fence("[", inside, "]")
            )
        if parts.base == "f'" and parts.brackets:
            own = self.scripts(self.letter("f"), self.beside(self.prime(), self.layer(parts)), "")
            return self.beside(own, self.fence("(", self.address(parts._replace(base="z")), ")"))
        has_index = len(parts.brackets) == 2
        base = parts.base
        if base.partition("_")[0] in ("W", "b") and has_index:
            base = base[0].lower() + base[1:]
        above = [self.layer(parts)] if self.has_layer(parts) else []
        below = parts.brackets[-1] if parts.brackets and not (self.has_layer(parts) and not has_index) else ()
        index = self.row([*(self.digits(number) for number in below), *self.words(parts)])
        return self.marked(base, above, index)

    def marked(self, base: str, above: list[str], index: str) -> str:
        """Return a letter with what follows its ``_`` as a mark: ``W_new`` raised, ``m_hat`` a hat, ``mean_a`` a bar."""
        letter, _, mark = base.partition("_")
        body = self.letter(letter)
        if mark == "hat":
            body = self.hat(body)
        elif letter == "mean":
            body = self.bar(self.letter(mark))
        elif mark:
            above = [*above, self.word(mark)]
        return self.scripts(body, self.row(above), index)

    @classmethod
    def is_raised(cls, parts: Name) -> bool:
        """Tell whether the markup is a fraction or has a superscript, and needs brackets to be raised to a power."""
        return bool(parts.by) or cls.has_layer(parts) or "_" in parts.base

    @staticmethod
    def has_layer(parts: Name) -> bool:
        """Tell whether the first bracket is a layer: of two, or where a whole array is meant."""
        return len(parts.brackets) == 2 or (len(parts.brackets) == 1 and parts.base not in WITHOUT_LAYER)

    def layer(self, parts: Name) -> str:
        """Return the layer in brackets."""
        return self.small_fence(self.digits(parts.brackets[0][0]))

    def qualified(self, parts: Name) -> str:
        """Return the qualifiers as an index."""
        return self.row(self.words(parts))

    def words(self, parts: Name) -> list[str]:
        """Return each qualifier in words: row 4."""
        return [self.word(f"{key} {value}") for key, value in parts.qualifiers]

    @abstractmethod
    def letter(self, name: str) -> str:
        """Return a simple name."""

    @abstractmethod
    def digits(self, number: int) -> str:
        """Return a whole number."""

    @abstractmethod
    def small_fence(self, body: str) -> str:
        """Return a superscript's body in brackets."""

    @abstractmethod
    def word(self, text: str) -> str:
        """Return upright words."""

    @abstractmethod
    def row(self, parts: list[str]) -> str:
        """Return parts with commas between; empty for none."""

    @abstractmethod
    def scripts(self, body: str, above: str, below: str) -> str:
        """Return a body with a superscript and a subscript, either of which may be empty."""

    @abstractmethod
    def hat(self, body: str) -> str:
        """Return a body under a hat."""

    @abstractmethod
    def bar(self, body: str) -> str:
        """Return a body under a bar."""

    @abstractmethod
    def partial(self, body: str) -> str:
        """Return the sign of a partial derivative before a body."""

    @abstractmethod
    def prime(self) -> str:
        """Return the sign of a derivative."""

    @abstractmethod
    def beside(self, left: str, right: str) -> str:
        """Return two parts side by side, as a function and its argument."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """Return a fraction."""

    @abstractmethod
    def fence(self, opening: str, body: str, closing: str) -> str:
        """Return a body in brackets."""


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


def _split_name(name: str) -> tuple[str, str]:
    """Return (base, subscript): ``w5`` and ``w_5`` are w with 5 below; other long names stay whole."""
    match = _SUBSCRIPTED.fullmatch(name)
    if match and (len(match[1]) == 1 or match[1] in _GREEK):
        return match[1], match[2]
    return name, ""


WITHOUT_LAYER = frozenset({"x", "y", "y_smooth", "mean_a", "probability"})
"""Names whose one bracket counts inputs, outputs or classes; that of others is a layer."""

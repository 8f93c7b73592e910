"""What LaTeX and MathML have in common: they print fractions, roots, powers and cases as in a book.

With as few brackets as precedence allows.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping

from chainrule.formula import written
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.names import Name, split_name
from chainrule.formula.nodes import Call, Indexed, Node
from chainrule.formula.text import _is_tall, _Level, _Piece, _Renderer, accented

_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi "
    "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK: Mapping[str, str] = dict(zip(_GREEK_NAMES.split(), "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
_SUBSCRIPTED = re.compile(r"([A-Za-z]+)_?((?<=_)[A-Za-z0-9]+|[0-9]+)")


class _Book(_Renderer):
    """The layout of a book: fractions, raised exponents, roots, cases, and names with indices."""

    shows_association = False

    def named(self, name: str) -> _Piece:
        parts = split_name(name)
        if parts is None or not (
            parts.brackets or parts.by or parts.qualifiers or parts.base.endswith("_new")
        ):
            return _Piece(self.name(name), _Level.ATOM)
        # A fraction, or what has a superscript, needs brackets to be raised to a power.
        is_raised = bool(parts.by) or self.has_layer(parts) or "_" in parts.base
        return _Piece(self.address(parts), _Level.FRACTION if is_raised else _Level.ATOM)

    def laid_out(self, name: written.Name) -> _Piece:
        """Return a name that is given by its parts: with scripts, as a fraction of two ∂, or before brackets."""
        is_raised = not isinstance(name, written.Lettered) or bool(name.above)
        return _Piece(self._laid_out(name), _Level.FRACTION if is_raised else _Level.ATOM)

    def _laid_out(self, name: written.Name) -> str:
        match name:
            case written.Partial(of, by):
                return self.mark("/", *(self.mark("partial", self._laid_out(part)) for part in (of, by)))
            case written.Applied(function, to, square):
                return self.mark(
                    "beside", self._laid_out(function), self.mark("[" if square else "(", self._laid_out(to))
                )
        body = self.letter(name.letter, has_index=bool(name.below))
        if name.accent:
            body = self.mark(name.accent, body)
        words = [self.mark("word", f"{key} {value}") for key, value in name.qualifiers]
        below = [self.script(name.below)] if name.below else []
        return self.scripts(body, self.script(name.above) if name.above else "", self.row([*below, *words]))

    def letter(self, letter: str, *, has_index: bool) -> str:
        """Return a letter or a word; a number at its end stands below where nothing else does: w5."""
        if letter == "′":
            return self.mark("prime")
        base = letter.removesuffix("'")
        greek = next((name for name, sign in GREEK.items() if sign == base), base)
        shown = self.word(greek) if has_index and _split_name(greek)[1] else self.name(greek)
        return self.scripts(shown, self.mark("prime"), "") if base != letter else shown

    def address(self, parts: Name) -> str:
        """Return the markup of an address.

        A weight's letter is small and a whole array's is large; ``m/dW[2][1,3]`` is m with the weight in brackets;
        ``f'[2][1]`` the slope at that neuron's z; rows, steps and members are named in the index.
        """
        qualified = self.row(self.words(parts))
        if parts.is_partial:
            by = parts._replace(base=parts.by, by="", qualifiers=())
            what = self.scripts(self.name(parts.base[1:]), "", qualified)
            return self.mark("/", self.mark("partial", what), self.mark("partial", self.address(by)))
        if parts.by:
            inside = self.address(parts._replace(base=parts.by, by="", qualifiers=()))
            return self.mark("beside", self.marked(parts.base, [], qualified), self.mark("[", inside))
        if parts.base == "f'" and parts.brackets:
            prime = self.mark("beside", self.mark("prime"), self.layer(parts))
            z = self.mark("(", self.address(parts._replace(base="z")))
            return self.mark("beside", self.scripts(self.name("f"), prime, ""), z)
        has_index = len(parts.brackets) == 2
        base = parts.base
        if base.partition("_")[0] in ("W", "b") and has_index:
            base = base[0].lower() + base[1:]
        above = [self.layer(parts)] if self.has_layer(parts) else []
        below = parts.brackets[-1] if parts.brackets and not (self.has_layer(parts) and not has_index) else ()
        index = self.row([*(self.mark("digits", number) for number in below), *self.words(parts)])
        return self.marked(base, above, index)

    def marked(self, base: str, above: list[str], index: str) -> str:
        """Return a letter with what follows its ``_`` as a mark: ``W_new`` raised, ``m_hat`` a hat, ``mean_a`` a bar."""
        letter, _, mark = base.partition("_")
        body = self.name(letter)
        if mark == "hat":
            body = self.mark("hat", body)
        elif letter == "mean":
            body = self.mark("bar", self.name(mark))
        elif mark:
            above = [*above, self.mark("word", mark)]
        return self.scripts(body, self.row(above), index)

    @staticmethod
    def has_layer(parts: Name) -> bool:
        """Tell whether the first bracket is a layer: of two, or where a whole array is meant."""
        return len(parts.brackets) == 2 or (len(parts.brackets) == 1 and parts.base not in WITHOUT_LAYER)

    def layer(self, parts: Name) -> str:
        """Return the layer in brackets."""
        return self.mark("layer", self.mark("digits", parts.brackets[0][0]))

    def words(self, parts: Name) -> list[str]:
        """Return each qualifier in words: row 4."""
        return [self.mark("word", f"{key} {value}") for key, value in parts.qualifiers]

    def indexed(self, node: Indexed) -> _Piece:
        accent, letter = accented(node.letter.removesuffix("'"))
        prime, body = node.letter.endswith("'"), self.letter(letter, has_index=bool(node.below))
        if accent:
            body = self.mark(accent, body)
        sides = [list(map(self.markup, side)) for side in (node.above, node.below)]
        above, below = self.row(sides[0]), self.beside(sides[1]) if node.close else self.row(sides[1])
        if above and node.bracketed:
            above = self.mark("layer", above)
        if prime:
            above = self.mark("beside", self.mark("prime"), above) if above else self.mark("prime")
        return _Piece(self.scripts(body, above, below), _Level.FRACTION if above else _Level.ATOM)

    def quotient(self, above: _Piece, below: _Piece) -> _Piece:
        return _Piece(self.mark("/", above.markup, below.markup), _Level.FRACTION)

    def exponent(self, exponent: _Piece) -> str:
        return exponent.markup

    def call(self, node: Call) -> _Piece:
        match node.name, node.args:
            case "exp", (u,) if not _is_tall(u):
                return _Piece(self.mark("^", self.name("e"), self.markup(u)), _Level.POWER)
            case ("sqrt" | "abs" | "floor") as name, (u,):
                return _Piece(self.mark(name, self.markup(u)), _Level.ATOM)
            case "sum", (u,):
                return _Piece(self.mark("sum", self.fit(self.piece(u), _Level.PRODUCT)), _Level.LOOSE)
            case "transpose", (u,):
                raised = self.mark("^", self.fit(self.piece(u), _Level.ATOM), self.name("T"))
                return _Piece(raised, _Level.POWER)
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
    def word(self, name: str) -> str:
        """Return a name whose number is a part of it, as W1 is of W1_{23}."""

    @abstractmethod
    def script(self, text: str) -> str:
        """Return what stands raised or below: words, numbers and signs."""

    @abstractmethod
    def row(self, parts: list[str]) -> str:
        """Return parts with commas between; empty for none."""

    @abstractmethod
    def beside(self, parts: list[str]) -> str:
        """Return parts without commas between; empty for none."""

    @abstractmethod
    def scripts(self, body: str, above: str, below: str) -> str:
        """Return a body with a superscript and a subscript, either of which may be empty."""

    @abstractmethod
    def cases(self, rows: list[tuple[str, str]]) -> str: ...

    @abstractmethod
    def function(self, name: str, subscript: str, args: list[str]) -> str: ...


def _split_name(name: str) -> tuple[str, str]:
    """Return (base, subscript): ``w5`` and ``w_5`` are w with 5 below; other long names stay whole."""
    match = _SUBSCRIPTED.fullmatch(name)
    if match and (len(match[1]) == 1 or match[1] in GREEK):
        return match[1], match[2]
    return name, ""


WITHOUT_LAYER = frozenset({"x", "y", "y_smooth", "mean_a", "probability", "answer"})
"""Names whose one bracket counts inputs, outputs or classes; that of others is a layer."""

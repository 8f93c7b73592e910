"""Addresses as a book prints them: ``W[2][1,3]`` with raised layer and lowered neurons, ``dC/dW[2][1,3]`` as a fraction."""

from __future__ import annotations

from abc import ABC, abstractmethod

from chainrule.equations.names import Name

WITHOUT_LAYER = frozenset({"x", "y", "y_smooth", "mean_a", "probability"})
"""Names whose one bracket counts inputs, outputs or classes; that of others is a layer."""


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


class LatexNames(NameLayout):
    """The marks of LaTeX."""

    def digits(self, number: int) -> str:
        """Return a whole number."""
        return str(number)

    def small_fence(self, body: str) -> str:
        """Return a body in brackets of plain size."""
        return f"({body})"

    def word(self, text: str) -> str:
        """Return upright words."""
        return rf"\text{{{text}}}"

    def row(self, parts: list[str]) -> str:
        """Return parts with commas between."""
        return (r",\," if any("\\" in part for part in parts) else ",").join(parts)

    def scripts(self, body: str, above: str, below: str) -> str:
        """Return a body with superscript and subscript."""
        return body + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")

    def hat(self, body: str) -> str:
        """Return a body under a hat."""
        return rf"\hat{{{body}}}"

    def bar(self, body: str) -> str:
        """Return a body under a bar."""
        return rf"\bar{{{body}}}"

    def partial(self, body: str) -> str:
        """Return ∂ before a body."""
        return rf"\partial {body}"

    def prime(self) -> str:
        """Return the prime, as a superscript."""
        return r"\prime"

    def beside(self, left: str, right: str) -> str:
        """Return two parts side by side."""
        return left + right


class MathMLNames(NameLayout):
    """The marks of MathML; each method returns one element, or nothing for nothing."""

    def digits(self, number: int) -> str:
        """Return a whole number."""
        return f"<mn>{number}</mn>"

    def small_fence(self, body: str) -> str:
        """Return a body in brackets."""
        return self.fence("(", body, ")")

    def word(self, text: str) -> str:
        """Return upright words."""
        return f"<mtext>{text}</mtext>"

    def row(self, parts: list[str]) -> str:
        """Return parts with commas between."""
        if len(parts) < 2:
            return "".join(parts)
        return f"<mrow>{'<mo>,</mo>'.join(parts)}</mrow>"

    def scripts(self, body: str, above: str, below: str) -> str:
        """Return a body with superscript and subscript."""
        if above and below:
            return f"<msubsup>{body}{below}{above}</msubsup>"
        if above:
            return f"<msup>{body}{above}</msup>"
        return f"<msub>{body}{below}</msub>" if below else body

    def hat(self, body: str) -> str:
        """Return a body under a hat."""
        return f'<mover accent="true">{body}<mo>^</mo></mover>'

    def bar(self, body: str) -> str:
        """Return a body under a bar."""
        return f'<mover accent="true">{body}<mo>¯</mo></mover>'

    def partial(self, body: str) -> str:
        """Return ∂ before a body."""
        return f"<mrow><mi>∂</mi>{body}</mrow>"

    def prime(self) -> str:
        """Return the prime."""
        return "<mo>′</mo>"

    def beside(self, left: str, right: str) -> str:
        """Return two parts side by side."""
        return f"<mrow>{left}{right}</mrow>"

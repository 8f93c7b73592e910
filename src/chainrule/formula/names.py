"""How a name is made up: ``w5``, ``z[2][1]``, ``dC/dW[2][1,3]@row=4``.

Symbols of formulas are names. Those with brackets are addresses of single numbers in a network; the parts found
here are what renderers lay out as indices and fractions, and what `explain.address` gives a meaning.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Name(NamedTuple):
    """A name's parts: ``dC/dW[2][1,3]@row=4`` is C by W, with brackets ((2,), (1, 3)), at row 4.

    ``by`` is empty where nothing follows a ``/d``; ``m/dW[2][1,3]`` is m by W: what the optimizer keeps as m for
    that weight.
    """

    base: str
    by: str
    brackets: tuple[tuple[int, ...], ...]
    qualifiers: tuple[tuple[str, int], ...]

    @property
    def is_partial(self) -> bool:
        """Whether it is a partial derivative: dC/dW, dloss/da."""
        return bool(self.by) and self.base.startswith("d") and len(self.base) > 1


_BEGIN = r"(?P<base>[A-Za-z_][A-Za-z_0-9]*'?)(?:/d(?P<by>[A-Za-z_][A-Za-z_0-9]*))?"
_COUNT = "[0-9]{1,18}"
_BRACKET = rf"(?:\[{_COUNT}(?:,{_COUNT})*\])"
_END = rf"(?P<qualifiers>(?:@[a-z]+={_COUNT})*)"
_NAME = re.compile(rf"{_BEGIN}(?P<brackets>{_BRACKET}{{0,2}}){_END}")
_IN_WORDS = re.compile(rf"(?<![A-Za-z_0-9/]){_BEGIN}{_BRACKET}{{1,2}}{_END}")


def split_name(name: str) -> Name | None:
    """Return the parts of a name, or None where it is none.

    >>> split_name("delta[2][1]")
    Name(base='delta', by='', brackets=((2,), (1,)), qualifiers=())
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    inside = re.findall(r"\[([^]]*)\]", match["brackets"])
    brackets = tuple(tuple(map(int, numbers.split(","))) for numbers in inside)
    pairs = (part.split("=") for part in match["qualifiers"].split("@")[1:])
    return Name(match["base"], match["by"] or "", brackets, tuple((key, int(value)) for key, value in pairs))


def names_in_words(words: str) -> list[tuple[str, bool]]:
    """Return a text in pieces, and of each whether it is a name with brackets.

    >>> names_in_words("saturated at z[1][3] = 4.6")
    [('saturated at ', False), ('z[1][3]', True), (' = 4.6', False)]
    """
    pieces, end = [], 0
    for match in _IN_WORDS.finditer(words):
        pieces += [(words[end : match.start()], False), (match[0], True)]
        end = match.end()
    return [(piece, is_name) for piece, is_name in [*pieces, (words[end:], False)] if piece]


def join_name(name: Name) -> str:
    """Return the text of a name's parts, which `split_name` reads back."""
    by = f"/d{name.by}" if name.by else ""
    brackets = "".join(f"[{','.join(str(number) for number in inside)}]" for inside in name.brackets)
    return f"{name.base}{by}{brackets}" + "".join(f"@{key}={value}" for key, value in name.qualifiers)


def spoken(name: str) -> str:
    """Return the name of a formula that one types as words say it: half_squared_error is half squared error."""
    return name.replace("_", " ")

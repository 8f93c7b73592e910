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


_NAME = re.compile(
    r"(?P<base>[A-Za-z_][A-Za-z_0-9]*'?)(?:/d(?P<by>[A-Za-z_][A-Za-z_0-9]*))?"
    r"(?P<brackets>(?:\[[0-9]+(?:,[0-9]+)*\]){0,2})(?P<qualifiers>(?:@[a-z]+=[0-9]+)*)"
)


def split_name(name: str) -> Name | None:
    """Return the parts of a name, or None where it is none.

    >>> split_name("delta[2][1]")
    Name(base='delta', by='', brackets=((2,), (1,)), qualifiers=())
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    brackets = tuple(
        tuple(int(number) for number in inside.split(","))
        for inside in re.findall(r"\[([^]]*)\]", match["brackets"])
    )
    pairs = (part.split("=") for part in match["qualifiers"].split("@")[1:])
    return Name(match["base"], match["by"] or "", brackets, tuple((key, int(value)) for key, value in pairs))


def join_name(name: Name) -> str:
    """Return the text of a name's parts, which `split_name` reads back."""
    by = f"/d{name.by}" if name.by else ""
    brackets = "".join(f"[{','.join(str(number) for number in inside)}]" for inside in name.brackets)
    return f"{name.base}{by}{brackets}" + "".join(f"@{key}={value}" for key, value in name.qualifiers)

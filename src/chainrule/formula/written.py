"""A name as somebody writes it: a letter with scripts and an accent, a partial derivative, a letter of something else.

A renderer takes one in the place of a symbol's name and lays it out in its own format; nothing is replaced in what it
has written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TypeAlias

COMBINING = {"hat": "\u0302", "bar": "\u0304", "vec": "\u20d7"}
"""The signs that plain text sets over a letter."""


@dataclass(frozen=True)
class Lettered:
    """A letter or word with an accent and scripts: ``a_2^1``, ``h^{(1)}_2``, ``ŷ``, ``net_h1``.

    ``accent`` is ``hat``, ``bar``, ``vec`` or nothing.
    ``raised_first`` says in which order plain text writes the scripts; ``qualifiers`` are what is said of row and step.
    """

    letter: str
    above: str = ""
    below: str = ""
    accent: str = ""
    raised_first: bool = False
    qualifiers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Partial:
    """A partial derivative: of what, by what."""

    of: Name
    by: Name


@dataclass(frozen=True)
class Applied:
    """A letter of something else, in round brackets, ``σ'(z)``, or in square ones, ``m[w5]``."""

    function: Lettered
    to: Name
    square: bool = False


Name: TypeAlias = Lettered | Partial | Applied

_SCRIPT = r"(?:\{([^{}]+)\}|((?:<[^<>]+>)+|[A-Za-z]+[0-9]*|[0-9]+|\+))"
_LETTERED = re.compile(
    rf"(?:(hat|bar|vec)\(([^()]+)\)|([^{{}}^_()\[\]\s/@]+))(?:([_^]){_SCRIPT})?(?:([_^]){_SCRIPT})?"
)


def lettered(text: str) -> Lettered | None:
    """Return a name written as a letter and scripts, ``w^{l}_{jk}`` or ``hat(y)_2``; None for anything else.

    >>> lettered("a_2^{1,3}")
    Lettered(letter='a', above='1,3', below='2', accent='', raised_first=False, qualifiers=())
    """
    match = _LETTERED.fullmatch(text)
    if match is None:
        return None
    accent, inside, letter, first, *one, second, third, fourth = match.groups("")
    scripts = {first: "".join(one), second: third + fourth}
    if first and first == second:
        return None
    raised, below = scripts.get("^", ""), scripts.get("_", "")
    return Lettered(inside or letter, raised, below, accent, raised_first=first == "^")


def plain(name: Name) -> str:
    """Return a name in plain text: a script of a single number or word stands without braces."""
    match name:
        case Partial(of, by):
            said = _qualified(of) if isinstance(of, Lettered) else ""
            return f"∂{plain(of).removesuffix(said)}/∂{plain(by)}{said}"
        case Applied(function, to, square):
            opening, closing = "[]" if square else "()"
            return f"{plain(replace(function, qualifiers=()))}{opening}{plain(to)}{closing}{_qualified(function)}"
    scripts = [_script("_", name.below), _script("^", name.above)]
    letter = name.letter + COMBINING.get(name.accent, "")
    composed = {"y\u0302": "ŷ"}.get(letter, letter)
    return composed + "".join(reversed(scripts) if name.raised_first else scripts) + _qualified(name)


def small(name: Name) -> str:
    """Return a name with small signs for its scripts, as pictures have it: w₁₂⁽¹⁾; in plain text where there are none.

    >>> small(Lettered("a", above="(1)", below="2")), small(Lettered("w", below="i,j"))
    ('a₂⁽¹⁾', 'wᵢ,ⱼ')
    """
    if not isinstance(name, Lettered) or name.qualifiers:
        return plain(name)
    numbered = re.fullmatch(r"([A-Za-z])([0-9]+)", name.letter)
    if numbered and not name.below:
        name = replace(name, letter=numbered[1], below=numbered[2])
    below, above = _single(name.below), _single(name.above)
    if not (set(below) <= _LOWERED.keys() and set(above) <= _RAISED.keys()):
        return plain(name)
    bare = plain(replace(name, above="", below=""))
    return bare + "".join(map(_LOWERED.__getitem__, below)) + "".join(map(_RAISED.__getitem__, above))


def _single(script: str) -> str:
    """Return a script; between single numbers there need be no comma."""
    return script.replace(",", "") if re.fullmatch(r"[0-9](,[0-9])*", script) else script


_LOWERED = dict(zip("0123456789aehijklmnoprstuvx,+-()", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ,₊₋₍₎", strict=True))
_RAISED = dict(zip("0123456789ni+-(),", "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿⁱ⁺⁻⁽⁾,", strict=True))


def _qualified(name: Lettered) -> str:
    return "".join(f"@{key}={value}" for key, value in name.qualifiers)


def _script(sign: str, inside: str) -> str:
    if not inside:
        return ""
    if sign == "^" and inside == "+":
        return "⁺"
    return f"{sign}{inside}" if _ONE.fullmatch(inside) else f"{sign}{{{inside}}}"


_ONE = re.compile(r"[A-Za-z]+[0-9]*|[0-9]")
TOKENS = re.compile(r"[A-Za-z]+|[0-9]+|\s+|.")
"""What a script is made of: words, numbers, and signs."""

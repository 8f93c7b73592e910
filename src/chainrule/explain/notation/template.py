"""Templates of names: ``a_<j>^<l>`` is filled in for an address, and read back from what somebody wrote.

``<l>`` is the layer as the notation counts it, ``<l-1>`` the one before, ``<i>`` where a weight comes from (or the
input), ``<j>`` the neuron, ``<n>`` the neuron by its kind and number over all layers of that kind, ``<w>`` the weight's
number over the whole network, all weights into a neuron after each other. What is in square brackets is left out where
none of its fields tells anything apart: ``z[^<l>][_<j>]`` is z where the network is one neuron.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from chainrule._kept import cached_property
from chainrule.errors import SettingsError
from chainrule.formula.written import Lettered, lettered

FIELDS = ("l", "l-1", "i", "j", "n", "w")

_FIELD = re.compile(r"<([^<>]*)>")
_OPTIONAL = re.compile(r"\[([^][]*)\]")
_TOKENS = re.compile(r"<[^<>]*>|[0-9]+|[^<0-9]+")
_INNER = re.compile(r"(.+)\(<z>\)")


@dataclass(frozen=True)
class Template:
    """The template of one quantity's names; raises SettingsError for a text that is none, or has other fields."""

    text: str

    def __post_init__(self) -> None:
        if self.inner:
            return
        for field in self.fields:
            if field not in FIELDS:
                raise SettingsError(f"<{field}> is no field; there are {', '.join(f'<{f}>' for f in FIELDS)}")
        for always in (True, False):
            found = lettered(_kept(self.text, partial(_answer, always)))
            if found is None or found.accent not in ("", "hat", "bar", "vec"):
                raise SettingsError(
                    f"{self.text!r} is no template: write a letter and its scripts, as in 'a_<j>^<l>' or 'hat(y)_<j>'"
                )

    @cached_property
    def inner(self) -> str:
        """The function of one that is written as a function of z, ``σ'(<z>)``; empty for others."""
        match = _INNER.fullmatch(self.text)
        return "" if match is None else match[1]

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields in it."""
        return frozenset(_FIELD.findall(self.text))

    def shape(self, varies: Callable[[str], bool]) -> Lettered:
        """Return its letter and scripts with the fields still in them; ``varies`` says which tell anything apart."""
        found = lettered(_kept(self.text, varies))
        assert found is not None
        return found


def fields_in(shape: Lettered) -> frozenset[str]:
    """Return the fields of a template's shape."""
    return frozenset(_FIELD.findall(f"{shape.letter} {shape.above} {shape.below}"))


def filled(shape: Lettered, values: Mapping[str, object]) -> Lettered:
    """Return a name: a template's shape with values for its fields."""
    letter, above, below = (_filled(part, values) for part in (shape.letter, shape.above, shape.below))
    return replace(shape, letter=letter, above=above, below=below)


def matched(shape: Lettered, name: Lettered) -> dict[str, str] | None:
    """Return the values of a shape's fields in a name, or None where it is no such name."""
    if shape.accent != name.accent:
        return None
    found: dict[str, str] = {}
    for part in ("letter", "above", "below"):
        pattern, fields = _pattern(getattr(shape, part))
        match = re.fullmatch(pattern, getattr(name, part))
        if match is None:
            return None
        for field, value in zip(fields, match.groups(), strict=True):
            if value is not None and found.setdefault(field, value) != value:
                return None
    return found


def _answer(answer: bool, _: str) -> bool:
    return answer


def _kept(text: str, varies: Callable[[str], bool]) -> str:
    return _OPTIONAL.sub(lambda part: part[1] if any(map(varies, _FIELD.findall(part[1]))) else "", text)


def _runs(part: str) -> list[list[str]]:
    """Return the pieces of a part: each alone, but numbers and fields that follow each other together."""
    runs: list[list[str]] = []
    for token in _TOKENS.findall(part):
        is_number = token[0] == "<" or token.isdigit()
        if is_number and runs and (runs[-1][-1][0] == "<" or runs[-1][-1].isdigit()):
            runs[-1].append(token)
        else:
            runs.append([token])
    return runs


def _filled(part: str, values: Mapping[str, object]) -> str:
    """Return a part with values; numbers that follow each other get commas as soon as one has two digits."""
    made = []
    for run in _runs(part):
        texts = [str(values[token[1:-1]]) if token[0] == "<" else token for token in run]
        made.append(("," if len(texts) > 1 and any(len(text) > 1 for text in texts) else "").join(texts))
    return "".join(made)


def _pattern(part: str) -> tuple[str, list[str]]:
    """Return the pattern of a part, and for each of its groups the field."""
    pattern, fields = "", []

    def one(token: str, digits: str) -> str:
        if token[0] != "<":
            return re.escape(token)
        fields.append(token[1:-1])
        return f"([A-Za-z]*{digits})" if token == "<n>" else f"({digits})"

    for run in _runs(part):
        apart = ",".join(one(token, "[0-9]{1,9}") for token in run)
        pattern += apart if len(run) == 1 else f"(?:{apart}|{''.join(one(token, '[0-9]') for token in run)})"
    return pattern, fields

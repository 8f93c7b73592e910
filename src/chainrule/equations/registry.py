"""Names with parameters, as text: ``relu``, ``leaky_relu(alpha=0.2)``, ``quantile(q=0.9)``."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from chainrule._kept import cached_property
from chainrule.errors import SettingsError
from chainrule.formula.evaluate import Formula, shorten
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.parse import parse

_CALL = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_ -]*?)\s*(?:\((.*)\))?\s*", re.DOTALL)
_ASSIGNMENT = re.compile(r"\s*(\w+\s*=(?!=)|$)")


class Entry:
    """What the records of registries have in common: a name, parameters that can't be changed, a text to be found by.

    A dataclass with the fields ``name``, ``text`` and ``parameters`` derives from it; ``listed`` is its registry, which
    `records` makes.
    """

    listed: ClassVar[Mapping[str, Any]] = {}
    name: str
    parameters: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __hash__(self) -> int:
        return hash(self.spec)

    @property
    def spec(self) -> str:
        """The text that finds this record again, such as ``leaky_relu(alpha=0.2)``; a formula of the user's is its own."""
        if self.name not in self.listed:
            return str(vars(self)["text"])
        return format_spec(self.name, self.parameters, self.listed[self.name].parameters)


@dataclass(frozen=True)
class FormulaEntry(Entry):
    """An entry whose ``text`` is a formula in the ``symbols`` and the parameters."""

    symbols: ClassVar[frozenset[str]] = frozenset()

    name: str
    text: str
    parameters: Mapping[str, float] = field(default_factory=dict, kw_only=True)

    @property
    def slope(self) -> Formula:
        """The derivative that runs beside the formula."""
        raise NotImplementedError

    @cached_property
    def operations(self) -> int:
        """What a formula of the user's comes to, with its derivative, as machine code; 0 of what is listed."""
        return 0 if self.name in self.listed else self.formula.operations(self.slope)

    @cached_property
    def formula(self) -> Formula:
        """The text as a formula in the ``symbols`` and the parameters."""
        return parse(self.text, self.symbols | self.parameters.keys())


R = TypeVar("R", bound=Entry)


def records(*made: R) -> Mapping[str, R]:
    """Return the registry of a class, its records by name, in this order."""
    registry = {record.name: record for record in made}
    type(made[0]).listed = registry
    return registry


def find_record(spec: str | R, registry: Mapping[str, R], what: str) -> R | None:
    """Return the record of a name with or without parameters, None where the text is no name (it may be a formula).

    A record is returned as it is. Raises SettingsError for a parameter that the record doesn't have.
    """
    if isinstance(spec, Entry):
        return spec
    name, parameters = read_spec(spec, registry, what)
    if name is None:
        return None
    record: Any = registry[name]
    made: R = replace(record, parameters={**record.parameters, **parameters}) if parameters else record
    return made


def named(spec: str | R, registry: Mapping[str, R], what: str) -> R:
    """Return the record of a name with or without parameters; raises SettingsError for an unknown name or parameter."""
    if (record := find_record(spec, registry, what)) is None:
        raise unknown_name(what, str(spec), registry)
    return record


def read_spec(text: str, registry: Mapping[str, Any], what: str) -> tuple[str | None, dict[str, float]]:
    """Split ``name(parameter=value, …)`` into a registry's name and its parameters.

    Returns (None, {}) where the text doesn't begin with a name of the registry (it may be a formula). Dashes
    and blanks in names are read as underscores. Raises SettingsError for a parameter the record doesn't have.

    >>> read_spec("leaky-relu(alpha=0.2)", {"leaky_relu": None}, "activation")
    Traceback (most recent call last):
    ...
    chainrule.errors.SettingsError: activation leaky_relu has no parameter 'alpha': it has none
    """
    if not isinstance(text, str):
        raise SettingsError(f"{what} must be a name or a formula, not {shorten(repr(text))}")
    match = _CALL.fullmatch(text)
    if match is None:
        return None, {}
    name, given = re.sub(r"[ -]+", "_", match[1].lower()), match[2] or ""
    # A formula may begin with a function, such as tanh(z).
    if name not in registry or (name in FUNCTIONS and not _ASSIGNMENT.match(given)):
        return None, {}
    known: Mapping[str, float] = getattr(registry[name], "parameters", {})
    parameters: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in given.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in known:
            has = ", ".join(f"{k}={v:g}" for k, v in known.items()) or "none"
            raise SettingsError(f"{what} {name} has no parameter {shorten(key)!r}: it has {has}")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SettingsError(f"{what} {name}: {key}={shorten(value)} is not a finite number")
        parameters[key] = number
    return name, parameters


def check_choice(what: str, value: str, choices: Sequence[str]) -> None:
    """Raise SettingsError for a value that is none of the choices."""
    if value not in choices:
        raise SettingsError(f"{what} {shorten(repr(value))} is unknown: choose {', '.join(choices)}")


def rate_factors(
    rates: Mapping[str, float] | Sequence[tuple[str, float]],
    names: Collection[str],
    whose: str,
    remedy: str = "",
) -> dict[str, float]:
    """Return factors of the learning rate by parameter, in the order of ``names``.

    Raises SettingsError for a name that isn't among them, or no number above 0; ``remedy`` has {} for its parameter.
    """
    try:
        found = dict(rates)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"rates {rates!r} must be factors by name, such as {{'b': 0.1}}") from error
    for name, factor in found.items():
        if name not in names:
            has = ", ".join(names) or "no parameters"
            raise SettingsError(f"rates: there is no parameter {name!r}; {whose} has {has}")
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor <= 1e300:
            told = f"the factor {factor!r} of {name} must be a number above 0"
            raise SettingsError(f"rates: {told}{remedy.format(name)}")
    return {name: float(found[name]) for name in names if name in found}


def format_spec(name: str, parameters: Mapping[str, float], defaults: Mapping[str, float]) -> str:
    """Return the text `read_spec` reads back: parameters at their defaults are left out."""
    changed = ", ".join(f"{key}={value!r}" for key, value in parameters.items() if value != defaults.get(key))
    return f"{name}({changed})" if changed else name


def unknown_name(
    what: str, text: str, registry: Mapping[str, Any], otherwise: str = "", error: Exception | None = None
) -> SettingsError:
    """Return the error for a text that is no name of a registry: the nearest name, or all of them."""
    close = difflib.get_close_matches(text.lower().replace("-", "_"), registry, n=1)
    hint = f"did you mean {close[0]}?" if close else f"choose {', '.join(registry)}"
    reason = f" ({error})" if error is not None and not text.isidentifier() else ""
    return SettingsError(
        f"unknown {what} {shorten(text)!r}: {hint}{f', or write {otherwise}' if otherwise else ''}{reason}"
    )

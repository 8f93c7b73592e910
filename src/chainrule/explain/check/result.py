"""What a check found: comparisons, kinks, mistakes, and the certificate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chainrule._plain import Plain
from chainrule._types import FloatArray, IntArray


@dataclass(frozen=True)
class Worst(Plain):
    """The comparison nearest to its limit, or beyond it: two numbers, their difference, and what it may be."""

    address: str
    found: float
    expected: float
    error: float
    allowed: float


@dataclass(frozen=True)
class Kink(Plain):
    """A parameter whose step crosses a kink, where there is no derivative to compare with.

    ``crossed`` is the number that changes branch; ``left`` and ``right`` are the one-sided differences.
    """

    address: str
    crossed: str
    left: float
    right: float
    found: float


@dataclass(frozen=True)
class Mistake(Plain):
    """A known mistake that a wrong gradient looks like; ``explains`` is the share of the deviation it accounts for."""

    name: str
    sentence: str
    explains: float


class About(NamedTuple):
    """A check's name, what is compared in it, and how near it must be."""

    name: str
    rule: str
    tolerance: str

    def skipped(self, why: str) -> Check:
        """Return the check where it can't be made."""
        return Check(*self, skipped=why)


@dataclass(frozen=True)
class Check(Plain, names=(..., "outcome")):
    """One check: how many numbers were compared, how many failed, the worst of them.

    ``rule`` and ``tolerance`` say what is compared and how near it must be. ``skipped`` says why nothing was compared.
    """

    name: str
    rule: str
    tolerance: str
    compared: int = 0
    failed: int = 0
    worst: Worst | None = None
    kinks: tuple[Kink, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing failed; a skipped check fails nothing."""
        return not self.failed

    @property
    def outcome(self) -> str:
        """``ok``, ``failed`` or ``skipped``."""
        if self.skipped:
            return "skipped"
        return "ok" if self.passed else "failed"


@dataclass(frozen=True)
class Comparison:
    """Numbers found and expected, (m,), with what their difference may be and their addresses."""

    found: FloatArray
    expected: FloatArray
    allowed: FloatArray
    addresses: Callable[[int], str]

    @property
    def errors(self) -> FloatArray:
        """The differences without sign; infinite where one of the two is not a number."""
        with np.errstate(all="ignore"):
            difference = np.abs(self.found - self.expected)
        difference[self.found == self.expected] = 0.0
        return np.where(np.isnan(difference), np.inf, difference)

    @property
    def bad(self) -> IntArray:
        """The places where the difference is too large."""
        return np.flatnonzero(self.errors > self.allowed)

    @property
    def worst(self) -> Worst | None:
        """The place where the difference is largest beside what is allowed."""
        if not len(self.found):
            return None
        errors = self.errors
        with np.errstate(all="ignore"):
            place = int(np.argmax(np.where(errors > 0, errors / self.allowed, 0.0)))
        numbers = (float(each[place]) for each in (self.found, self.expected, errors, self.allowed))
        return Worst(self.addresses(place), *numbers)

    def check(self, about: About, kinks: Sequence[Kink] = (), notes: Sequence[str] = ()) -> Check:
        """Return the check that this comparison makes."""
        return Check(*about, len(self.found), len(self.bad), self.worst, tuple(kinks), notes=tuple(notes))


def joined(parts: Sequence[Comparison]) -> Comparison:
    """Return several comparisons as one."""
    starts = np.cumsum([0, *(len(part.found) for part in parts)])

    def address(place: int) -> str:
        which = int(np.searchsorted(starts, place, side="right")) - 1
        return parts[which].addresses(place - int(starts[which]))

    found, expected, allowed = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("found", "expected", "allowed")
    )
    return Comparison(found, expected, allowed, address)

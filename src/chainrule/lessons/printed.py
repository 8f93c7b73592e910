"""Expected numbers: compared with as many digits as were printed, or with a bound."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias, cast

from chainrule.lessons.fields import Where, Written, shown_value

Relation: TypeAlias = Literal["", "<", "<=", ">", ">="]

_RELATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_BOUND = re.compile(rf"(<=|>=|<|>)\s*({_NUMBER.pattern})")


@dataclass(frozen=True)
class Printed:
    """A number as it was printed, or a bound: ``0.57``, ``< 0.01``.

    >>> Printed("", "0.57").holds(0.5744), Printed("", "0.57").holds(0.5756), Printed("<", "1e-3").holds(2e-4)
    (True, False, True)
    """

    relation: Relation
    digits: str

    @property
    def value(self) -> float:
        """The number itself."""
        return float(self.digits)

    def holds(self, found: float) -> bool:
        """Tell whether a number rounds to the printed digits (a tie may go either way), or keeps the bound."""
        if self.relation:
            return bool(_RELATIONS[self.relation](found, self.value))
        if not math.isfinite(found):
            return False
        # The billionth part lets a tie such as 0.125 printed as 0.13 be one in spite of binary fractions.
        shown = Decimal(self.digits)
        half = Decimal("0.5000000005").scaleb(int(shown.as_tuple().exponent))
        return abs(Decimal(found) - shown) <= half

    def __str__(self) -> str:
        return f"{self.relation} {self.digits}".strip()


def printed(value: Any, where: Where) -> Printed:
    """Read an expected number: 0.57 as printed, or a bound in quotes such as "< 0.01"."""
    if isinstance(value, str):
        bound = _BOUND.fullmatch(value.strip())
        if bound is not None:
            return Printed(cast("Relation", bound[1]), bound[2])  # the pattern allows these four only
        if _NUMBER.fullmatch(value.strip()):
            return Printed("", value.strip())
    elif isinstance(value, Written) and math.isfinite(value):
        return Printed("", value.text)
    elif isinstance(value, int) and not isinstance(value, bool):
        return Printed("", str(value))
    remedy = 'write it as printed, such as 0.57, or a bound such as "< 0.01"'
    raise where.wrong(f"{shown_value(value)} is no expected number; {remedy}")

"""Where ticks stand and what is written at them: 1, 2 and 5 times powers of ten, whole powers on logarithmic axes."""

import itertools
import math
from collections.abc import Sequence

from chainrule.plots.axes import Axis

THIN = "\N{THIN SPACE}"
MINUS = "\N{MINUS SIGN}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN_POWERS = range(-3, 5)
"""The powers of ten that an axis writes out: 0.001 to 10 000."""


def ticks(axis: Axis, most: int) -> tuple[float, ...]:
    """Return at most ``most`` ticks (at least 2) within an axis, rising."""
    low, high = sorted((axis.low, axis.high))
    if axis.ticks:
        return tuple(sorted(value for value in axis.ticks if low <= value <= high))
    if axis.scale == "names":
        return tuple(float(i) for i in range(len(axis.names)))
    most = max(2, most)
    if axis.scale == "log":
        return _log_ticks(low, high, most)
    if axis.scale == "symlog":
        return _symlog_ticks(low, high, axis.threshold, most)
    return linear_ticks(low, high, most, whole=axis.whole)


def linear_ticks(low: float, high: float, most: int, *, whole: bool = False) -> tuple[float, ...]:
    """Return the multiples in a range of the smallest step of 1, 2 or 5 times a power of ten of which there are at most ``most``.

    Where that leaves one alone, those of the step before it: one tick doesn't tell how long anything is.
    """
    found: tuple[float, ...] = ()
    power = math.floor(math.log10((high - low) / most)) - 1
    while True:
        for digit in (1, 2, 5):
            step = digit * 10.0**power if power >= 0 else digit / 10.0**-power
            if whole and (step < 1 or step % 1):
                continue
            slack = 1e-9 * (high - low) / step
            first, last = math.ceil(low / step - slack), math.floor(high / step + slack)
            made = [
                i * digit * 10.0**power if power >= 0 else i * digit / 10.0**-power
                for i in range(first, min(last, first + 1000) + 1)
            ]
            finer, found = found, tuple(min(max(value, low), high) + 0.0 for value in made)
            if last - first < most:
                return found if len(found) > 1 or len(finer) < 2 else finer
        power += 1


def _log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = range(first, last + 1)
    if len(decades) >= 3 or len(decades) == most == 2:
        every = math.ceil(len(decades) / most)
        chosen = [power for power in decades if power % every == 0] if every > 1 else list(decades)
        return tuple(min(max(10.0**power, low), high) for power in chosen)
    for digits in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3), (1,)):
        values = [digit * 10.0**power for power in range(first - 1, last + 1) for digit in digits]
        found = tuple(value for value in values if low <= value <= high)
        if 2 <= len(found) <= most:
            return found
    return linear_ticks(low, high, most)


def _symlog_ticks(low: float, high: float, threshold: float, most: int) -> tuple[float, ...]:
    first = math.floor(math.log10(threshold) + 1e-9)
    last = math.floor(math.log10(max(abs(low), abs(high))) + 1e-9)
    for every in range(1, max(last - first, 0) + 2):
        sizes = [10.0**power for power in range(first, last + 1, every)]
        values = [-size for size in reversed(sizes)] + [0.0] + sizes
        found = tuple(value for value in values if low <= value <= high)
        if 2 <= len(found) <= most:
            return found
    return linear_ticks(low, high, most)


def tick_texts(axis: Axis, values: Sequence[float]) -> tuple[str, ...]:
    r"""Return what is written at ticks: all with the same decimals, or all as powers of ten.

    >>> tick_texts(Axis(0, 1), (0.0, 0.5, 1.0)), tick_texts(Axis(-2e4, 2e4), (-20000.0, 0.0, 20000.0))
    (('0.0', '0.5', '1.0'), ('−20\u2009000', '0', '20\u2009000'))
    """
    if axis.texts:
        told = dict(zip(axis.ticks, axis.texts, strict=True))
        return tuple(told[value] for value in values)
    if axis.scale == "names":
        return tuple(axis.names[int(value)] for value in values)
    if axis.percent:
        return tuple(text + THIN + "%" for text in _even([100 * value for value in values]))
    if axis.scale != "linear":
        powers = [math.log10(abs(value)) for value in values if value]
        if any(abs(power - round(power)) > 1e-9 for power in powers):
            return tuple(_short(value) for value in values)
        if all(round(power) in _PLAIN_POWERS for power in powers):
            return tuple(_short(value) for value in values)
        return tuple(_power_text(value) for value in values)
    return _even(values)


def _power_text(value: float) -> str:
    if value == 0:
        return "0"
    raised = str(round(math.log10(abs(value)))).translate(_RAISED)
    return (MINUS if value < 0 else "") + "10" + raised


def _even(values: Sequence[float]) -> tuple[str, ...]:
    """Return numbers with as many decimals as all of them need, or with one power of ten behind them."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return tuple("0" for _ in values)
    power = math.floor(math.log10(largest))
    if power >= 7 or power < -4:
        finest = math.floor(math.log10(_gap(values)) + 1e-9)
        power = finest if power - finest < 3 else power
        scaled = _even([value / 10.0**power for value in values])
        behind = "×10" + str(power).translate(_RAISED)
        return tuple(text + behind if value else "0" for text, value in zip(scaled, values, strict=True))
    for decimals in range(max(0, 12 - power)):
        if all(abs(round(value, decimals) - value) <= 1e-6 * _gap(values) for value in values):
            break
    return tuple(_grouped(f"{value:.{decimals}f}") for value in values)


def _gap(values: Sequence[float]) -> float:
    ordered = sorted(values)
    gaps = [b - a for a, b in itertools.pairwise(ordered) if b > a]
    return min(gaps, default=abs(ordered[0]))


def _short(value: float) -> str:
    return _grouped(f"{value:.12g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.3e}")


def _grouped(text: str) -> str:
    """Return digits of a number with a thin space between thousands from 10 000 on, and a true minus sign."""
    sign, digits = (MINUS, text[1:]) if text.startswith("-") else ("", text)
    whole, dot, rest = digits.partition(".")
    if len(whole) > 4 and whole.isdigit():
        whole = f"{int(whole):,}".replace(",", THIN)
    made = whole + dot + rest
    return made if not made.strip("0.") else sign + made


def count_text(count: int) -> str:
    """Return a count with its thousands apart."""
    return _grouped(str(count))


def _bare(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def short_number(value: float, digits: int = 3) -> str:
    r"""Return a number for a label in a plot, with so many digits that count; zeros at its end only where it isn't exact.

    >>> short_number(-0.12345), short_number(0.5), short_number(12345.6), short_number(0.00001234)
    ('−0.123', '0.5', '12\u2009346', '1.23×10⁻⁵')
    """
    if not math.isfinite(value):
        return str(value).replace("-", MINUS)
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if -4 <= power < 7:
        text = f"{value:.{max(0, digits - 1 - power)}f}"
        return _grouped(_bare(text) if float(text) == value else text)
    mantissa, _, raised = f"{value:.{digits - 1}e}".partition("e")
    return (
        _grouped(_bare(mantissa) if float(f"{value:.{digits - 1}e}") == value else mantissa)
        + "×10"
        + str(int(raised)).translate(_RAISED)
    )

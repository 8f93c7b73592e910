"""SVG and HTML as text: elements whose attributes have an order, short numbers, and escaped texts; the same bytes each time."""

import math
from collections.abc import Iterable

from chainrule._numbers import number_to_data
from chainrule.plots.colors import COLORS, Color, Ramp, ramp

Attribute = str | float | None
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_ESCAPED |= dict.fromkeys(map(ord, "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")


def escaped(text: str) -> str:
    """Return a text as it stands in XML and HTML; control characters, which could turn it around, are replaced."""
    kept = (sign if sign.isprintable() or sign.isspace() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return "".join(kept).translate(_ESCAPED)


def short(value: float) -> str:
    """Return a length in pixels with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(tag: str, *children: str, **attributes: Attribute) -> str:
    """Return an element; ``None`` leaves an attribute out, and ``_`` in a name stands for ``-`` (at its end for nothing)."""
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value) if isinstance(value, str) else short(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(children)
    return f"<{tag}{told}>{inside}</{tag}>" if inside else f"<{tag}{told}/>"


def group(children: Iterable[str], **attributes: Attribute) -> str:
    """Return a group of elements, or nothing if there are none."""
    inside = "".join(children)
    return element("g", inside, **attributes) if inside else ""


def title(text: str) -> str:
    """Return what is shown when an element is pointed at, or nothing."""
    return element("title", escaped(text)) if text else ""


def paint(fill: Color | None = None, stroke: Color | None = None) -> dict[str, Attribute]:
    """Return the attributes of a color: the light one, and the class by which `sheet` makes it dark where the page is."""
    light = COLORS["light"]
    classes = ([f"f-{fill}"] if fill else []) + ([f"s-{stroke}"] if stroke else [])
    return {
        "class_": " ".join(classes) or None,
        "fill": light[fill] if fill else "none",
        "stroke": light[stroke] if stroke else None,
    }


def shade(kind: Ramp, step: int) -> dict[str, Attribute]:
    """Return the attributes of a color of a ramp."""
    return {"class_": f"{kind[0]}{step}", "fill": ramp(kind)[step]}


def exact(value: float) -> str:
    """Return a number with all its digits, as JSON writes it."""
    return str(number_to_data(value))


def path(x: Iterable[float], y: Iterable[float], *, closed: bool = False) -> str:
    """Return the ``d`` of straight lines through points in pixels, interrupted where one is not finite."""
    made, pen = [], "M"
    for a, b in zip(x, y, strict=True):
        if not (math.isfinite(a) and math.isfinite(b)):
            pen = "M"
            continue
        made.append(f"{pen}{short(a)} {short(b)}")
        pen = "L"
    return "".join(made) + ("Z" if closed and made else "")

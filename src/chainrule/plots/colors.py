"""The colors of plots: a palette that the color-blind can tell apart, and ramps of even steps, for light and dark.

Ramps are computed in OKLab (B. Ottosson, "A perceptual color space for image processing", 2020,
https://bottosson.github.io/posts/oklab/), where equal distances look equal. The palettes were found by a search over
hues for the largest distance between any two of six in normal sight and as seen without red, green or blue cones
(G. Machado, M. Oliveira, L. Fernandes, "A physiologically-based model for simulation of color vision deficiency",
2009); `tests/plots/test_colors.py` measures that distance, each contrast with the paper (WCAG 2.2: 3 to 1 for marks,
4.5 for text), and that ramps go one way in lightness.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal, TypeAlias

import numpy as np

from chainrule._types import FloatArray

Theme = Literal["light", "dark"]
Ramp = Literal["sequential", "diverging"]

Color: TypeAlias = Literal[
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "ink",
    "quiet",
    "line",
    "paper",
    "good",
    "bad",
    "plus",
    "minus",
    "over",
    "under",
]
"""A color by what it is for: ``1`` to ``6`` are series, ``plus`` and ``minus`` signs; ``over`` and ``under`` are texts on the
strong and the quiet colors of a ramp."""

COLORS: Mapping[Theme, Mapping[str, str]] = {
    "light": {
        **dict(zip("123456", ["#285fc9", "#c9681f", "#05614c", "#6a2482", "#4498be", "#4f1509"], strict=True)),
        "ink": "#1d2025", "quiet": "#5b606b", "line": "#dcd8ce", "paper": "#fbfaf6", "good": "#1c6638", "bad": "#a3201b",
        "plus": "#285fc9", "minus": "#c9681f", "over": "#ffffff", "under": "#000000",
    },
    "dark": {
        **dict(zip("123456", ["#5b88d6", "#e58428", "#3fb794", "#dd9cf6", "#c4eaf9", "#a3555f"], strict=True)),
        "ink": "#e7e4dd", "quiet": "#a5a9b3", "line": "#34383f", "paper": "#17191d", "good": "#7fcb9b", "bad": "#ff9d95",
        "plus": "#5b88d6", "minus": "#e58428", "over": "#000000", "under": "#ffffff",
    },
}  # fmt: skip
STEPS = 21
"""The colors of a ramp: an odd number, so that a diverging one has a middle."""

# Lightness and chroma at the ends (OKLCH), and the hue in degrees: from the paper to a strong color.
_SEQUENTIAL = {"light": ((0.965, 0.012), (0.29, 0.125), 258.0), "dark": ((0.245, 0.02), (0.79, 0.11), 250.0)}
_DIVERGING = {
    "light": ((0.955, 0.006), (0.405, 0.14), (48.0, 258.0)),
    "dark": ((0.27, 0.012), (0.69, 0.12), (58.0, 250.0)),
}

_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OPPONENT = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear_rgb(color: str) -> FloatArray:
    """Return red, green and blue as shares of light, (3,), of a color like ``#285fc9``."""
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def oklab(light: FloatArray) -> FloatArray:
    """Return lightness, green to red and blue to yellow, (…, 3), of shares of light (…, 3)."""
    return np.asarray(np.cbrt(light @ _CONES.T) @ _OPPONENT.T)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colors, from 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted(float(linear_rgb(color) @ [0.2126, 0.7152, 0.0722]) for color in (first, second))
    return (high + 0.05) / (low + 0.05)


@cache
def ramp(kind: Ramp, theme: Theme = "light") -> tuple[str, ...]:
    """Return the `STEPS` colors of a ramp: from little to much, or from minus over nothing to plus."""
    if kind == "sequential":
        start, end, hue = _SEQUENTIAL[theme]
        return tuple(_between(start, end, hue, i / (STEPS - 1)) for i in range(STEPS))
    start, end, (minus, plus) = _DIVERGING[theme]
    half = STEPS // 2
    found = [_between(start, end, minus if i < half else plus, abs(i - half) / half) for i in range(STEPS)]
    return tuple(found)


def step_of(value: float, low: float, high: float) -> int:
    """Return which color of a ramp a value has whose ends are ``low`` and ``high``; outside of them, the end's."""
    if high == low:
        return STEPS // 2
    return round(float(np.clip((value - low) / (high - low), 0, 1)) * (STEPS - 1))


def text_on(kind: Ramp, step: int) -> Literal["over", "under"]:
    """Return the color of text on a color of a ramp; the same in both themes, whose ramps cross middle gray at the same step."""
    strong = step >= 12 if kind == "sequential" else abs(step - STEPS // 2) >= 8
    return "over" if strong else "under"


def _between(start: Sequence[float], end: Sequence[float], hue: float, share: float) -> str:
    lightness, chroma = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    angle = np.radians(hue)
    while True:  # less chroma until the screen has that color
        opponent = np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)])
        light = np.linalg.solve(_CONES, np.linalg.solve(_OPPONENT, opponent) ** 3)
        if (light >= -1e-9).all() and (light <= 1 + 1e-9).all():
            break
        chroma *= 0.98
    light = np.clip(light, 0, 1)
    parts = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in parts)

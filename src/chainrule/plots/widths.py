"""How wide a text is, without a font: the widths of Helvetica's signs, which Arial and Liberation Sans share.

They are from Adobe's font metrics ("Core 14 AFM"), in thousandths of the size.
"""

import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

BOLD = 1.1
"""How much wider bold text is at most."""
SAFETY = 1.04
"""Room for fonts that are a little wider than Helvetica."""

_BY_WIDTH = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-`r·", 334: "{}", 355: '"', 389: "*", 469: "^",
    500: "Jckvsxyz", 556: "#$?0123456789L_abdeghnopqu–", 584: "+<=>~−×±÷", 611: "FTZ", 667: "&ABEKPSVXY",
    722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1000: "—…→←", 1015: "@", 200: "\N{THIN SPACE}",
}  # fmt: skip
_WIDTHS = {sign: width for width, signs in _BY_WIDTH.items() for sign in signs}
_WIDTHS |= dict.fromkeys("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", 345)
ELLIPSIS = "…"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in pixels.

    >>> round(text_width("W[1][2,3]", 12), 1)
    49.9
    """
    return sum(map(_sign_width, text)) * size / 1000 * SAFETY * (BOLD if bold else 1)


@cache
def _sign_width(sign: str) -> int:
    known = _WIDTHS.get(sign)
    if known is not None:
        return known
    if unicodedata.combining(sign) or unicodedata.category(sign) == "Cf":
        return 0
    if unicodedata.east_asian_width(sign) in "WF":
        return 1000
    base = unicodedata.normalize("NFD", sign)[0]
    return _WIDTHS.get(base, 722 if sign.isupper() else 620)


def cut(text: str, most: float, size: float, *, bold: bool = False) -> str:
    """Return a text of at most so many pixels: itself, or its beginning and an ellipsis."""
    unit = size / 1000 * SAFETY * (BOLD if bold else 1)
    ends = list(accumulate(map(_sign_width, text)))
    if not ends or ends[-1] * unit <= most:
        return text
    kept = bisect_right(ends, most / unit - _sign_width(ELLIPSIS))
    return text[:kept].rstrip() + ELLIPSIS


def cut_apart(texts: Sequence[str], most: float, size: float) -> list[str]:
    """Return texts of at most so many pixels that still differ where the whole ones do.

    Texts that begin alike keep their ends: ``bill_length…`` twice would say nothing.
    """
    made = [cut(text, most, size) for text in texts]
    alike = Counter(dict(zip(texts, made, strict=True)).values())
    return [
        _cut_middle(text, most, size) if short != text and alike[short] > 1 else short
        for text, short in zip(texts, made, strict=True)
    ]


def _cut_middle(text: str, most: float, size: float) -> str:
    head, tail = len(text) // 2, len(text) // 2
    while head + tail > 2:
        made = text[:head] + ELLIPSIS + text[len(text) - tail :]
        if text_width(made, size) <= most:
            return made
        if head > tail:
            head -= 1
        else:
            tail -= 1
    return cut(text, most, size)


def wrap(text: str, most: float, size: float, *, bold: bool = False) -> list[str]:
    """Return the lines of a text that are at most so many pixels wide; a longer word is cut."""
    lines: list[str] = []
    for word in map(str.strip, text.replace("\n", " ").split(" ")):
        if not word:
            continue
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= most:
            lines[-1] = longer
        else:
            lines.append(cut(word, most, size, bold=bold))
    return lines

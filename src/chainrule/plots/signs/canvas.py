"""A canvas of signs: dots in Braille, two by four to a sign, and signs over them; in ASCII one dot a sign."""

from collections.abc import Iterator

import numpy as np

from chainrule._types import FloatArray

BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

PATTERNS = {"solid": "1", "dashed": "11110000", "dotted": "1000"}
"""Which of the dots along a line are set, again and again."""


class Canvas:
    """Signs in ``rows`` of ``columns``; places are shares of both sides, from below on the left."""

    def __init__(self, columns: int, rows: int, *, ascii_only: bool) -> None:
        self.columns, self.rows, self.ascii_only = columns, rows, ascii_only
        self.dots = np.zeros((rows, columns), np.int64)
        self.behind: list[list[str]] = [[""] * columns for _ in range(rows)]
        self.signs = [[""] * columns for _ in range(rows)]
        self.grain = (1, 1) if ascii_only else (2, 4)

    def sign(self, x: float, y: float, sign: str) -> None:
        """Write a sign over whatever is there; what is outside is left out."""
        if 0 <= x <= 1 and 0 <= y <= 1:
            row = self.rows - 1 - min(int(y * self.rows), self.rows - 1)
            self.signs[row][min(int(x * self.columns), self.columns - 1)] = sign

    def faint(self, x: FloatArray, y: FloatArray, sign: str) -> None:
        """Draw a line in the background, of signs that dots and other signs cover."""
        behind = Canvas(self.columns, self.rows, ascii_only=True)
        behind.line(x, y, sign=sign)
        self.behind = behind.signs

    def line(self, x: FloatArray, y: FloatArray, dash: str = "solid", sign: str = "*") -> None:
        """Draw a line through places (n,); NaN interrupts it. ``sign`` is what it is made of in ASCII."""
        wide, tall = self.columns * self.grain[0] - 1, self.rows * self.grain[1] - 1
        pattern, done = PATTERNS[dash], 0
        for one in range(len(x) - 1):
            ends = np.array([x[one], y[one], x[one + 1], y[one + 1]])
            if not np.isfinite(ends).all():
                continue
            length = max(abs(ends[2] - ends[0]) * wide, abs(ends[3] - ends[1]) * tall)
            for t in np.linspace(0, 1, max(2, round(float(length)) + 1)).tolist():
                if pattern[done % len(pattern)] == "1" or self.ascii_only:
                    across, up = ends[:2] + t * (ends[2:] - ends[:2])
                    self._dot(float(across), float(up), sign)
                done += 1

    def _dot(self, x: float, y: float, sign: str) -> None:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            return
        if self.ascii_only:
            self.sign(x, y, sign)
            return
        column = round(x * (self.columns * 2 - 1))
        row = round((1 - y) * (self.rows * 4 - 1))
        self.dots[row // 4, column // 2] |= _DOTS[row % 4][column % 2]

    def lines(self) -> Iterator[str]:
        """Yield the rows from above."""
        for dots, signs, behind in zip(self.dots.tolist(), self.signs, self.behind, strict=True):
            layers = zip(signs, dots, behind, strict=True)
            yield "".join(
                sign or (chr(BRAILLE + dot) if dot else other or " ") for sign, dot, other in layers
            )

"""Made tables whose short texts say the answer: job titles of 2 to 4 words that add up, whole and misspelled."""

from __future__ import annotations

from typing import Any

import numpy as np

Generator = np.random.Generator
Drawn = tuple[dict[str, Any], np.ndarray[Any, Any]]

_STEMS = (
    "account audit bank brand budget build care chain claim cloud coast data debt design drive energy estate field film "
    "fleet food freight fund garden glass grain grid harbor health hotel lab land law legal loan market media metal mine "
    "music network nurse oil paper park pay plant policy port print rail risk road safety school ship store supply tax test "
    "tool tour trade train travel tunnel vehicle water wood"
)
_ROLES = (
    "administrator advisor agent analyst architect buyer clerk consultant coordinator designer director driver editor engineer "
    "inspector instructor keeper manager officer operator painter planner reporter technician trainer worker"
)
LEVELS = ("", "junior", "senior", "lead", "chief", "deputy", "assistant", "principal")
STEMS, ROLES = _STEMS.split(), _ROLES.split()


def _titles(rng: Generator, n: int) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Draw job titles and what their words add up to: a level, one or two fields, a role."""
    worth = np.random.default_rng(14)
    levels, stems, roles = (
        worth.normal(0, sd, len(words)) for sd, words in ((8, LEVELS), (10, STEMS), (14, ROLES))
    )
    a, b, c, d = (rng.integers(len(words), size=n) for words in (LEVELS, STEMS, STEMS, ROLES))
    second = rng.random(n) < 0.4
    rows = zip(a.tolist(), b.tolist(), c.tolist(), d.tolist(), second.tolist(), strict=True)
    texts = [
        " ".join(w for w in (LEVELS[i], STEMS[j], STEMS[k] * two, ROLES[m]) if w) for i, j, k, m, two in rows
    ]
    return texts, levels[a] + stems[b] + second * stems[c] + roles[d]


def salary(rng: Generator, n: int) -> Drawn:
    """Draw titles, years that say nothing, and salaries."""
    texts, worth = _titles(rng, n)
    return {"title": texts, "years": rng.integers(40, size=n)}, 60 + worth + rng.normal(0, 2.5, n)


def misspelled(rng: Generator, n: int) -> Drawn:
    """Draw the same, with a letter left out of three titles in ten."""
    columns, y = salary(rng, n)
    texts = []
    for text in columns["title"]:
        at = int(rng.integers(1, len(text)))
        texts.append(text[: at - 1] + text[at:] if rng.random() < 0.3 else text)
    return columns | {"title": texts}, y


def band(rng: Generator, n: int) -> Drawn:
    """Draw titles, years, and whether the salary is high."""
    texts, worth = _titles(rng, n)
    high = worth + rng.normal(0, 6, n) > 0
    return {"title": texts, "years": rng.integers(40, size=n)}, np.array(["low", "high"], object)[
        high.astype(int)
    ]

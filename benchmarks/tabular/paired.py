"""One method against another, seed by seed: whether it is worse by more than chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import fmean, stdev
from typing import Any

from benchmarks.tabular.ranking import METRICS, collect, of_seed

ERRORS = 2.0
"""The standard errors that a difference has to exceed."""


def against(results: Iterable[Mapping[str, Any]], ours: Iterable[str], baseline: str) -> list[dict[str, Any]]:
    """Return for each metric, table and method of ours how its score differs from the baseline's.

    ``difference``: the mean over the seeds d_1 … d_n of (ours - baseline), above 0 where ours is worse. ``error``: its
    standard error, sqrt(sum over i of (d_i - mean)² / (n-1) / n). ``verdict``: "worse" or "better" beyond two of
    them, else "no difference". Both are taken on the same rows, so what makes a seed's rows hard for all cancels. The
    seeds' training rows overlap, which the error knows nothing of: it is rather too small, and worse is said too soon.
    A baseline that ran once stands with that. Where ours failed it is worse, and has neither number.
    """
    results, ours = list(results), set(ours)
    rows = []
    for metric in METRICS:
        for table, methods in collect(results, metric).items():
            for name in (method for method in methods if method in ours and method != baseline):
                seeds = sorted(seed for seed in methods[name] if seed is not None)
                if baseline in methods and len(seeds) > 1:
                    found = [of_seed(methods, seed) for seed in seeds]
                    pairs = [(each[name], each[baseline]) for each in found]
                    rows.append({"metric": metric, "table": table, "method": name, **_compared(pairs)})
    return rows


def _compared(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    own, other = (fmean(values) for values in zip(*pairs, strict=True))
    found: dict[str, Any] = {"seeds": len(pairs), "ours": own, "baseline": other}
    if not math.isfinite(own):
        return {**found, "ours": None, "difference": None, "error": None, "verdict": "worse"}
    differences = [mine - theirs for mine, theirs in pairs]
    mean, error = fmean(differences), stdev(differences) / math.sqrt(len(differences))
    beyond = "worse" if mean > 0 else "better"
    verdict = beyond if abs(mean) > ERRORS * error else "no difference"
    return {**found, "difference": mean, "error": error, "verdict": verdict}

"""Ranks, gaps, wins and seconds, from scores by table, method and seed; smaller is better throughout."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import fmean, median
from typing import Any

PRIMARY = {"class": "error", "reg": "nrmse"}
"""The score of each task that a method is judged by first."""
METRICS = ("primary", "logloss")
DIGITS = 12
"""Scores that agree in so many decimals are ties: means over seeds differ by their rounding."""

Scores = dict[str, dict[str, dict[int | None, float]]]
"""Scores by table, method and seed; None stands for a result that names no seed."""


def collect(results: Iterable[Mapping[str, Any]], metric: str) -> Scores:
    """Return one metric's scores; a failed run is infinitely bad, a result without the metric is left out."""
    found: Scores = {}
    for entry in results:
        name = PRIMARY[entry["task"]] if metric == "primary" else metric
        if "failed" in entry and (metric == "primary" or entry["task"] == "class"):
            score = math.inf
        elif entry.get(name) is None:
            continue
        else:
            score = float(entry[name])
        found.setdefault(entry["table"], {}).setdefault(entry["method"], {})[entry.get("seed")] = score
    return found


def ranks(scores: Mapping[str, float]) -> dict[str, float]:
    """Return each one's rank, 1 for the least; ties share the mean of their ranks: #less + (#equal + 1)/2."""
    rounded = {name: round(score, DIGITS) for name, score in scores.items()}
    values = list(rounded.values())
    return {
        name: sum(other < score for other in values) + (values.count(score) + 1) / 2
        for name, score in rounded.items()
    }


def gaps(scores: Mapping[str, float]) -> dict[str, float | None]:
    """Return (score - best) / best; None where the best is 0, and where the score is infinite."""
    best = min(scores.values())
    return {
        name: (score - best) / best if best > 0 and math.isfinite(score) else None
        for name, score in scores.items()
    }


def means(scores: Scores) -> dict[str, dict[str, float]]:
    """Return the mean over the seeds, by table and method."""
    return {
        table: {method: fmean(by_seed.values()) for method, by_seed in methods.items()}
        for table, methods in scores.items()
    }


def of_seed(methods: Mapping[str, Mapping[int | None, float]], seed: int) -> dict[str, float]:
    """Return one table's scores with one seed; who was not run with it stands with its mean."""
    return {method: by_seed.get(seed, fmean(by_seed.values())) for method, by_seed in methods.items()}


def summarize(scores: Scores, ours: Iterable[str]) -> dict[str, Any]:
    """Return what the tables come to, the best mean rank first, and how often ours beat each peer.

    ``methods``: on how many tables, the mean rank of the means over the seeds, the mean of the ranks within each seed,
    wins (a shared first place counts for each), the mean and the median of the relative gap to the best.
    ``beats``: for each of ours and each other method, tables on which it is better, equal, worse.
    """
    mean = means(scores)
    ranked = {table: ranks(methods) for table, methods in mean.items()}
    apart = {table: gaps(methods) for table, methods in mean.items()}
    seeds = sorted({seed for m in scores.values() for by in m.values() for seed in by if seed is not None})
    by_seed = {table: [ranks(of_seed(m, seed)) for seed in seeds] for table, m in scores.items()}
    names = list(dict.fromkeys(method for methods in mean.values() for method in methods))
    rows = []
    for name in names:
        tables = [table for table in mean if name in mean[table]]
        found = [gap for table in tables if (gap := apart[table][name]) is not None]
        rows.append(
            {
                "method": name,
                "tables": len(tables),
                "mean_rank": fmean(ranked[table][name] for table in tables),
                "mean_rank_by_seed": fmean(
                    rank[name] for table in tables for rank in (by_seed[table] or [ranked[table]])
                ),
                "wins": sum(
                    round(mean[table][name], DIGITS) == round(min(mean[table].values()), DIGITS)
                    for table in tables
                ),
                "mean_gap": fmean(found) if found else None,
                "median_gap": median(found) if found else None,
            }
        )
    rows.sort(key=lambda row: (row["mean_rank"], row["method"]))
    mine = [name for name in names if name in set(ours)]
    return {
        "methods": rows,
        "beats": {own: {peer: _duel(mean, own, peer) for peer in names if peer != own} for own in mine},
    }


def seconds(results: Iterable[Mapping[str, Any]], ours: Iterable[str]) -> list[dict[str, Any]]:
    """Return for each of ours and each other method the fit seconds (means over seeds) summed over tables both have.

    ``elsewhere``: the seconds of one of the two were given, not measured in this run.
    """
    taken: dict[str, dict[str, list[float]]] = {}
    given = set()
    for entry in results:
        if entry.get("fit_s") is not None:
            taken.setdefault(entry["method"], {}).setdefault(entry["table"], []).append(entry["fit_s"])
            if entry.get("given"):
                given.add(entry["method"])
    rows = []
    for own in (name for name in taken if name in set(ours)):
        for peer in (name for name in taken if name != own):
            common = sorted(set(taken[own]) & set(taken[peer]))
            if common:
                rows.append(
                    {
                        "ours": own,
                        "peer": peer,
                        "tables": len(common),
                        "ours_s": sum(fmean(taken[own][table]) for table in common),
                        "peer_s": sum(fmean(taken[peer][table]) for table in common),
                        "elsewhere": bool({own, peer} & given),
                    }
                )
    return rows


def _duel(mean: Mapping[str, Mapping[str, float]], own: str, peer: str) -> dict[str, int]:
    pairs = [(round(m[own], DIGITS), round(m[peer], DIGITS)) for m in mean.values() if own in m and peer in m]
    return {
        "better": sum(a < b for a, b in pairs),
        "equal": sum(a == b for a, b in pairs),
        "worse": sum(a > b for a, b in pairs),
    }

"""Interleaved rounds of measurements, and what they come to."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

PAUSE = 0.1
"""Seconds before a measurement: threads of OpenMP and OpenBLAS spin for up to 30 ms after their last work, in others' way."""


class AbsentError(Exception):
    """A peer can't take part; the message says why, and is what the results show."""


@dataclass
class Contestant:
    """One way of one library to do the work: ``measure`` does it once and returns seconds per unit.

    ``check`` returns a number that shows that the work was done: the final loss, or the largest error of a prediction.
    """

    peer: str
    variant: str
    measure: Callable[[], float]
    check: Callable[[], float] | None = None
    samples: list[float] = field(default_factory=list)
    checked: float | None = None
    absent: str | None = None

    @property
    def median(self) -> float:
        """The median of the samples, in seconds per unit."""
        return float(np.median(self.samples))


def interleave(contestants: Sequence[Contestant], repeats: int, pause: float = PAUSE) -> None:
    """Measure all in rounds (A B C, B C A, …), after one round that is not counted and in which peers may compile.

    The order is turned by one in each round, so that nobody always follows the same neighbor.
    """
    for contestant in contestants:
        try:
            contestant.measure()
        except AbsentError as reason:
            contestant.absent = str(reason)
    present = [contestant for contestant in contestants if contestant.absent is None]
    for number in range(repeats):
        turn = number % max(1, len(present))
        for contestant in present[turn:] + present[:turn]:
            gc.collect()
            gc.disable()
            time.sleep(pause)
            try:
                contestant.samples.append(contestant.measure())
            finally:
                gc.enable()
    for contestant in present:
        if contestant.check is not None:
            contestant.checked = contestant.check()


def best_of_each_peer(contestants: Sequence[Contestant]) -> dict[str, Contestant]:
    """Return for each peer the variant with the smallest median."""
    best: dict[str, Contestant] = {}
    for contestant in contestants:
        if contestant.samples and (
            contestant.peer not in best or contestant.median < best[contestant.peer].median
        ):
            best[contestant.peer] = contestant
    return best


def ratios(medians: dict[str, float], ours: str) -> dict[str, float]:
    """Return each peer's median divided by ours: how many times as long it takes."""
    return {peer: median / medians[ours] for peer, median in medians.items() if peer != ours}


def quartiles(samples: Sequence[float]) -> dict[str, float]:
    """Return the median, the least and the quartiles of the samples."""
    q1, median, q3 = np.percentile(samples, [25, 50, 75])
    return {"median": float(median), "min": float(min(samples)), "q1": float(q1), "q3": float(q3)}


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun

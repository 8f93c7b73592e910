"""The ratios that a release of chainrule should show: peer's time divided by ours, and our part of the sgemm peak."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.cases import TRAINING_CASES

PEAK = "sgemm peak"
MANY_ROWS_NAME = "predict 100,000 rows, 54-256-256-256-7"
ONE_ROW_NAME = "predict one row, 20-64-64-4"


class Target(NamedTuple):
    """At least ``at_least``: a ratio to a peer, or a fraction of `PEAK`."""

    work: str
    peer: str
    at_least: float


def _name(shape: str, batch: int) -> str:
    (case,) = (c for c in TRAINING_CASES if (c.shape, c.batch, c.activation) == (shape, batch, "relu"))
    return case.name


def _targets(work: str, **at_least: float) -> list[Target]:
    peers = {
        "sklearn": "scikit-learn",
        "torch": "PyTorch",
        "jax": "JAX",
        "onnx": "ONNX Runtime",
        "peak": PEAK,
    }
    return [Target(work, peers[short], number) for short, number in at_least.items()]


TARGETS = (
    *_targets(_name("3-4-2", 32), sklearn=40, torch=40, jax=10),
    *_targets(_name("20-64-64-4", 32), sklearn=9, torch=12, jax=1.5),
    *_targets(_name("20-64-64-4", 256), sklearn=5, torch=5, jax=1.8),
    *_targets(_name("784-256-128-10", 128), sklearn=2.5, torch=1.35, jax=1.0, peak=0.70),
    *_targets(_name("100-512-512-512-10", 256), sklearn=1.9, torch=1.25, jax=1.0, peak=0.75),
    *_targets(MANY_ROWS_NAME, sklearn=1.5, torch=1.1, jax=1.0, peak=0.70),
    *_targets(ONE_ROW_NAME, sklearn=20, torch=5, onnx=1.0),
)


def target_of(work: str, peer: str) -> float | None:
    """Return the target of one cell of the table, or None."""
    for target in TARGETS:
        if (target.work, target.peer) == (work, peer):
            return target.at_least
    return None


def judge(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for every target what was measured and whether it was reached; None where it was not measured."""
    by_name = {result["work"]: result for result in results}
    verdicts = []
    for work, peer, at_least in TARGETS:
        result = by_name.get(work, {})
        measured = result.get("of_peak") if peer == PEAK else result.get("ratios", {}).get(peer)
        reached = None if measured is None else measured >= at_least
        verdicts.append(
            {"work": work, "peer": peer, "at_least": at_least, "measured": measured, "reached": reached}
        )
    return verdicts

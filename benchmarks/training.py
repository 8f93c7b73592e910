"""Training and prediction: the same work for every library, checked and timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.cases import (
    MANY_ROWS,
    ONE_ROW,
    CaseData,
    TrainingCase,
    cross_entropy,
    forward,
    make_data,
    make_parameters,
    prediction_flops,
    training_flops,
)
from benchmarks.peers import MODULES, forms
from benchmarks.peers.base import Predictor, Trainer
from benchmarks.targets import MANY_ROWS_NAME, ONE_ROW_NAME
from benchmarks.timing import AbsentError, Contestant, interleave, seconds_of

CALLS = 2000
"""Calls of a measurement of one row, each with another row."""


def measure_training(case: TrainingCase, repeats: int, peers: Sequence[str]) -> dict[str, Any]:
    """Train one case with every peer; seconds are per step of all members, the check is the final loss."""
    data = make_data(case)
    contestants: list[Contestant] = []
    for peer in peers:
        contestants += _contestants(
            peer, "trainers", (case, data), partial(_trainer, peer=peer, case=case, data=data)
        )
    interleave(contestants, repeats)
    first = np.mean(
        [cross_entropy(forward(data.x, p, case.activation), data.labels) for p in data.initial]
    ).item()
    return {
        "work": case.name,
        "unit": "step",
        "flops": case.members * training_flops(case.sizes, case.batch),
        "steps": case.steps * case.epochs,
        "check": "final loss",
        "loss_before": first,
        "contestants": contestants,
        "problems": loss_problems(contestants, first),
    }


def measure_many_rows(repeats: int, peers: Sequence[str], rows: int | None = None) -> dict[str, Any]:
    """Predict a table's rows at once; seconds are per table, the check is the largest error of a probability."""
    sizes, usual = MANY_ROWS
    rows = rows or usual
    result = _measure_prediction("batch_predictors", sizes, rows, repeats, peers)
    name = MANY_ROWS_NAME if rows == usual else MANY_ROWS_NAME.replace(f"{usual:,}", f"{rows:,}")
    return {"work": name, "unit": "table", "flops": prediction_flops(sizes, rows), **result}


def measure_one_row(repeats: int, peers: Sequence[str]) -> dict[str, Any]:
    """Predict one row after the other from Python; seconds are per row, the check is as above."""
    result = _measure_prediction("row_predictors", ONE_ROW, 1, repeats, peers)
    return {"work": ONE_ROW_NAME, "unit": "row", **result}


def loss_problems(contestants: Sequence[Contestant], before: float) -> list[str]:
    """Say who didn't learn, and who ended elsewhere than the median of all.

    Learned: the loss fell by at least 5 %. Elsewhere: farther from the median than a tenth of its fall and 0.02.
    (All begin with the same weights, but everybody shuffles differently, so the losses are similar and never the same.)
    """
    checked = {
        f"{c.peer} {c.variant}".strip(): c.checked for c in contestants if c.samples and c.checked is not None
    }
    if not checked:
        return []
    middle = float(np.median(list(checked.values())))
    allowed = max(0.02, 0.1 * abs(before - middle))
    problems = []
    for name, loss in checked.items():
        if not loss < 0.95 * before:
            problems.append(f"{name} did not learn: loss {before:.4g} before, {loss:.4g} after")
        elif abs(loss - middle) > allowed:
            problems.append(f"{name} ended at loss {loss:.4g}, the others around {middle:.4g}")
    return problems


def error_problems(contestants: Sequence[Contestant], allowed: float = 1e-4) -> list[str]:
    """Say whose predictions differ from the float64 judge's."""
    return [
        f"{c.peer} {c.variant}: a probability is wrong by {c.checked:.2g}"
        for c in contestants
        if c.checked is not None and not c.checked <= allowed
    ]


def _contestants(
    peer: str, kind: str, arguments: tuple[Any, ...], make: Callable[[Any], Contestant]
) -> list[Contestant]:
    try:
        return [make(form) for form in forms(peer, kind, *arguments)]
    except AbsentError as reason:
        return [Contestant(peer, "", lambda: 0.0, absent=str(reason))]


def _trainer(trainer: Trainer, peer: str, case: TrainingCase, data: CaseData) -> Contestant:
    return Contestant(
        peer,
        trainer.variant,
        lambda: trainer.seconds(case.epochs) / (case.steps * case.epochs),
        lambda: cross_entropy(trainer.probabilities(data.x), data.labels),
    )


def _measure_prediction(
    kind: str, sizes: Sequence[int], rows: int, repeats: int, peers: Sequence[str]
) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    parameters = make_parameters(sizes, "relu", rng)
    x = rng.standard_normal((max(rows, CALLS), sizes[0])).astype(np.float32)
    expected = forward(x[:1000], parameters, "relu")

    def contestant(predictor: Predictor, peer: str) -> Contestant:
        if rows > 1:
            native = predictor.native(x)
            return Contestant(
                peer,
                predictor.variant,
                lambda: seconds_of(lambda: predictor(native)),
                lambda: float(np.abs(predictor.result(predictor(native))[:1000] - expected).max()),
            )
        single = [predictor.native(x[i : i + 1]) for i in range(CALLS)]

        def all_rows() -> None:
            for row in single:
                predictor(row)

        def error() -> float:
            found = np.concatenate([predictor.result(predictor(row)) for row in single[:100]])
            return float(np.abs(found - expected[:100]).max())

        return Contestant(peer, predictor.variant, lambda: seconds_of(all_rows) / CALLS, error)

    contestants: list[Contestant] = []
    for peer in peers:
        contestants += _contestants(peer, kind, (sizes, parameters), partial(contestant, peer=peer))
    interleave(contestants, repeats)
    return {
        "check": "largest error",
        "contestants": contestants,
        "problems": error_problems(contestants),
    }


def peers_for(kind: str) -> list[str]:
    """Return the peers that are measured in a kind of work: ``train``, ``members``, ``rows``, ``row``."""
    left_out = {
        "train": {"ONNX Runtime"},
        "members": {"torch.compile", "Keras", "ONNX Runtime"},
        "rows": {"torch.compile", "Keras"},
        "row": {"torch.compile", "Keras"},
    }[kind]
    return [peer for peer in MODULES if peer not in left_out]

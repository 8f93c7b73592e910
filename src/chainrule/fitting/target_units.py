"""Metrics of numbers in the units of the table, rather than as the network has them."""

from __future__ import annotations

from dataclasses import replace

from chainrule._types import FloatArray
from chainrule.tables.encoding.targets import Target
from chainrule.training.scores.watch import Watch


def in_units(watch: Watch, target: Target) -> Watch:
    """Return what watches a metric of numbers in the table's units; any other watch as it is."""
    if watch.answers.kind != "number":
        return watch
    function = watch.metric.function

    def compared(y: FloatArray, outputs: FloatArray, weights: FloatArray | None) -> float:
        # Watched rows that are a table of their own may lie outside the clamp: it is for answers only.
        return function(target.undo(y), target.inverse(outputs), weights)

    return replace(watch, metric=replace(watch.metric, function=compared))

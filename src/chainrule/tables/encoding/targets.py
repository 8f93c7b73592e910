"""Several targets of one network: an encoder for each, in the order of the outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule._plain import Plain, read_record
from chainrule._types import Array, FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.tables.cells import known_rows
from chainrule.tables.encoding.target import Label, TargetEncoder, fit_one
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table, listed_names


@dataclass(frozen=True)
class Targets(Plain, place="target"):
    """Several targets, each with its own encoder: all numbers, or all of two classes each (labels).

    Output j of the network answers target j. Raises SettingsError for targets of two kinds, of one name, or of more
    than two classes.
    """

    parts: tuple[TargetEncoder, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise SettingsError("parts: two or more targets are expected")
        if len(set(self.names)) < len(self.parts):
            raise SettingsError("parts: two targets have the same name")
        if len({part.task for part in self.parts}) > 1 or any(part.n_classes > 2 for part in self.parts):
            raise SettingsError("parts: the targets are all numbers, or all of two classes")

    @property
    def names(self) -> tuple[str, ...]:
        """The column of each target."""
        return tuple(part.name for part in self.parts)

    @property
    def name(self) -> str:
        """The targets' names in words."""
        return listed_names(self.names)

    @property
    def task(self) -> str:
        """``classification`` or ``regression``, the same of all."""
        return self.parts[0].task

    @property
    def labels(self) -> tuple[Label, ...]:
        """The classes of a target: several have none in common."""
        return ()

    @property
    def n_classes(self) -> int:
        """The number of classes that an answer is one of: 0, for there are labels or numbers."""
        return 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many outputs a network may have: one for each target."""
        return (len(self.parts),)

    @property
    def clamp(self) -> Mapping[str, float] | None:
        """The clamp of the first target; all have one, or none has."""
        return self.parts[0].clamp

    def known(self, table: Table) -> IntArray:
        """Return the rows that have all targets, in order."""
        return known_rows(table, self.names)

    def trained(self, table: Table) -> IntArray:
        """Return the rows whose classes are all such as were trained, in order; of numbers all."""
        rows = np.arange(table.n_rows)
        for part in self.parts:
            rows = np.intersect1d(rows, part.trained(table))
        return rows

    def numbers(self, table: Table) -> FloatArray:
        """Return the rows' numbers (n, targets) in the units of the table; raises TableError for a cell that is none."""
        return np.stack([part.numbers(table) for part in self.parts], axis=-1)

    def transform(self, table: Table, *, single: bool = False) -> FloatArray:
        """Return what the output neurons should say (n, targets): a scaled number each, or 1 for its second class.

        ``single`` changes nothing: a target has one output. Raises what `TargetEncoder.transform` raises.
        """
        labels = self.task == "classification"
        return np.concatenate([part.transform(table, single=labels) for part in self.parts], axis=1)

    def codes(self, table: Table) -> IntArray:
        """Return the place of every row's class among each target's labels: shape (n, targets)."""
        return np.stack([part.codes(table) for part in self.parts], axis=-1)

    def named(self, codes: IntArray) -> Array:
        """Return the labels (n, targets) of places among them, as objects."""
        columns = [np.array(part.labels, dtype=object)[codes[:, j]] for j, part in enumerate(self.parts)]
        return np.stack(columns, axis=-1)

    def inverse(self, values: Array) -> FloatArray:
        """Return the answers that outputs (…, targets) stand for, each in its target's units."""
        return self._each(values, TargetEncoder.inverse)

    def undo(self, values: Array) -> FloatArray:
        """Return scaled numbers (…, targets) in the units of the table, without the clamp."""
        return self._each(values, TargetEncoder.undo)

    def drawn_in(self, values: Array) -> FloatArray:
        """Return scaled numbers (…, targets) drawn in to where the clamp lets answers be."""
        return self._each(values, TargetEncoder.drawn_in)

    def clamped_at(self, values: Array) -> FloatArray:
        """Return for each output the bound that its answer was drawn in to, of the same shape; NaN where it wasn't."""
        return self._each(values, TargetEncoder.clamped_at)

    def _each(self, values: Array, function: Any) -> FloatArray:
        given = np.asarray(values, dtype=np.float64)
        if given.shape[-1:] != (len(self.parts),):
            raise SettingsError(f"outputs of shape {given.shape} don't fit {len(self.parts)} targets")
        return np.stack([function(part, given[..., j]) for j, part in enumerate(self.parts)], axis=-1)


Target: TypeAlias = TargetEncoder | Targets
"""The target of a model: one, or several."""


def read_target(data: object) -> Target:
    """Return the target of a description; raises ModelFileError for anything else."""
    if isinstance(data, dict) and "parts" in data:
        return Targets.from_dict(read_record(data, "target", ("parts",)))
    return TargetEncoder.from_dict(data)


def fit_targets(
    table: Table,
    schema: Schema,
    *,
    scaling: str | None = None,
    rows: Sequence[int] | IntArray | None = None,
    clamp: bool = False,
    weights: str | None = None,
) -> Target:
    """Fit the encoder of each target of a schema to the training ``rows``, as `fit_target` does that of one.

    >>> from chainrule.tables.schema import infer_schema
    >>> from chainrule.tables.table import from_frame
    >>> table = from_frame({"a": [1.5, 2, 4, 3], "y": [0.5, 1, 2, 0], "z": [10.5, 20, 40, 30]})
    >>> found = fit_targets(table, infer_schema(table, target=("y", "z")), scaling="minmax")
    >>> found.transform(table)[:, 0].tolist(), found.inverse([[0.5, 1.0]]).tolist()
    ([0.25, 0.5, 1.0, 0.0], [[1.0, 40.0]])
    """
    task = schema.task
    if task is None:
        raise SettingsError("the schema has no target")
    how: dict[str, Any] = {"clamp": clamp, "weights": weights}
    named = zip(schema.targets, schema.target_dresses, strict=True)
    made = tuple(fit_one(table, name, task, scaling, rows, **how, dress=dress) for name, dress in named)
    return made[0] if len(made) == 1 else Targets(made)

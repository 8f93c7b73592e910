"""From a table to what a training needs: columns understood, rows split, cells encoded, settings chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from chainrule._doors import setting, word
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.rows import TEST_STREAM, VALIDATION_STREAM, dealt, divided
from chainrule.fitting.target_units import in_units
from chainrule.model.source import Reading, Source
from chainrule.tables.cells import located, number_cells
from chainrule.tables.encode import Encoder, fit_encoder
from chainrule.tables.schema import Schema, infer_schema, labeled_rows
from chainrule.tables.split import Folds
from chainrule.tables.table import Table, suggestion
from chainrule.tables.target import TargetEncoder, fit_target
from chainrule.training.budget import Budget
from chainrule.training.scores.temperature import check_calibrates
from chainrule.training.settings.record import InputGroup, Problem, Settings, Task
from chainrule.training.settings.resolve import Resolved, resolve

TEST_SHARE = 0.2
"""The share of the rows that is held out for the score where nothing else is asked for."""


class Arrays(NamedTuple):
    """What the network sees: training rows followed by validation rows, and the rows of the score.

    ``x`` (n, d), ``y`` (n, n_out), ``weights`` (n,) or None, ``x_test`` (m, d).
    """

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None
    x_test: FloatArray


@dataclass(frozen=True)
class Prepared:
    """A table read and understood, before training: what the command line reports first.

    ``fitted`` are the training rows followed by the validation rows that were split off, ``watched`` the validation
    rows where they are a table of their own, ``tested`` the rows of the score, which are ``test_share`` of the table's
    or a table of their own. ``budget`` is the time that is left, where it is limited; ``notes`` say what it has cost.
    """

    table: Table
    schema: Schema
    encoder: Encoder
    target: TargetEncoder
    fitted: Table
    tested: Table
    arrays: Arrays
    n_validation: int
    resolved: Resolved
    weights: str | None = None
    reading: Reading = field(default_factory=Reading)
    watched: Table | None = None
    test_share: float = 0.0
    budget: Budget | None = None
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """How many rows are used for what."""
        return {
            "training": len(self.arrays.x) - self.n_validation,
            "validation": self.n_validation,
            "test": self.tested.n_rows,
        }

    @cached_property
    def folds(self) -> Folds | None:
        """The folds of the fitted rows, one for each member with bagging, else None."""
        if not self.resolved.bagging:
            return None
        return dealt(self.fitted, self.target, self.resolved.members, self.resolved.steps.seed)


def prepare(
    table: Source,
    target: str,
    settings: Settings | None = None,
    *,
    task: Task | None = None,
    inputs: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weights: str | None = None,
    scaling: str = "robust",
    target_scaling: str | None = None,
    test_share: float | None = None,
    test_file: Source | None = None,
    validation: Source | None = None,
    kinds: Mapping[str, str] | None = None,
    reading: Reading | None = None,
    test_seed: int | None = None,
) -> Prepared:
    """Read and understand a table: columns, split, encoders, and the training that the recipe chooses.

    ``test_share`` of the rows are held out (for classes, that share of each), or the score is on ``test_file``.
    ``weights`` names a column of row weights for training; it is no input, and rows of weight 0 are left out.
    ``validation`` is a table of the validation rows, which all weigh 1, instead of a share of this one. ``kinds`` sets
    the kinds of columns, as `infer_schema` has them. ``test_seed`` draws the rows held out for the score, instead of the
    settings' seed. Raises TableError or SettingsError for what can't be trained on.
    """
    settings, reading = settings or Settings(), reading or Reading()
    budget = None if settings.time_limit is None else Budget(settings.time_limit)
    if validation is not None:
        if settings.refit:
            raise SettingsError(
                f"{setting('refit')} trains again on the validation rows of this table, and others are given: "
                "leave one of them out"
            )
        if settings.bagging:
            raise SettingsError(
                f"validation rows are given, and with {setting('bagging')} each member holds out its own fold of the "
                "others: leave one of them out"
            )
        if settings.validation_share is not None:
            raise SettingsError(
                f"validation rows are given, and a {setting('validation_share')} of the others: leave one of them out"
            )
        settings = replace(settings, validation_share=0.0)
    share = _test_share(test_share, test_file)
    table = reading.table(table)
    schema = _schema(table, target, inputs, drop, task, weights, kinds)
    known = labeled_rows(table, schema)
    row_weights = None
    if weights is not None:
        row_weights, known, schema = _weighed(table, weights, known, schema)
    by_class = schema.task == "classification"
    test_seed = settings.seed if test_seed is None else test_seed
    rows, test = divided(table, target, known, share, test_seed, TEST_STREAM, by_class=by_class)
    encoder = fit_encoder(table, schema, scaling=scaling, rows=rows)
    if encoder.n_inputs == 0:
        raise TableError(f"{table.name}: no column is left as input; name some with {setting('inputs')}")
    groups, given = input_groups(encoder, table, rows), validation is not None
    if schema.task == "classification":
        clamp = bool(settings.clamp)
        encoded = fit_target(table, schema, scaling=target_scaling, rows=rows, clamp=clamp)
        n_classes = encoded.n_classes
        problem = Problem("classification", len(rows), encoder.n_inputs, n_classes, groups, given)
        resolved = resolve(settings, problem)
    else:
        resolved = resolve(settings, Problem("regression", len(rows), encoder.n_inputs, 0, groups, given))
        how = target_scaling or _target_scaling(resolved)
        encoded = fit_target(table, schema, scaling=how, rows=rows, clamp=resolved.clamp)
    if resolved.plan.watch is not None:
        plan = replace(resolved.plan, watch=in_units(resolved.plan.watch, encoded))
        resolved = replace(resolved, plan=plan)
    training, split_off = divided(
        table, target, rows, resolved.validation_share, settings.seed, VALIDATION_STREAM, by_class=by_class
    )
    if resolved.calibrate:
        validates = given or resolved.bagging or len(split_off) > 0
        if settings.calibrate is None and not validates:
            resolved = replace(resolved, calibrate=False)  # the recipe's, for a table with no row to spare
        else:
            _check_calibrates(resolved, schema, validates)
    if resolved.refit and not len(split_off):
        raise SettingsError(
            f"{setting('refit')} trains again on the validation rows, and there are none: "
            f"set {setting('validation_share')}, or leave it out"
        )
    fitted = np.concatenate([training, split_off])
    tested = table.take(test)
    if test_file is not None:
        tested, notes = _labeled(reading.table(test_file), target)
        schema = replace(schema, notes=(*schema.notes, *notes))
    watched = None
    if validation is not None:
        watched, notes = _labeled(reading.table(validation), target)
        schema = replace(schema, notes=(*schema.notes, *notes))
    parts = [table.take(fitted), *([] if watched is None else [watched])]
    n_watched = 0 if watched is None else watched.n_rows
    arrays = Arrays(
        _joined([encoder.transform(part) for part in parts]),
        _joined([encode_target(part, encoded, resolved) for part in parts]),
        None if row_weights is None else _joined([row_weights[fitted], np.ones(n_watched)]),
        encoder.transform(tested),
    )
    encode_target(
        tested, encoded, resolved
    )  # raises now, rather than after training, where they can't be scored
    return Prepared(
        table,
        schema,
        encoder,
        encoded,
        parts[0],
        tested,
        arrays,
        len(split_off) + n_watched,
        resolved,
        weights,
        reading,
        watched,
        share,
        budget,
    )


def input_groups(encoder: Encoder, table: Table, rows: IntArray) -> tuple[InputGroup, ...]:
    """Return what the inputs are, in their order: numbers, parts of dates, categories, and plain flags.

    A number of at most two values in the ``rows`` is plain: there is nothing between them.
    """
    groups: list[InputGroup] = []
    for column in encoder.columns:
        flags = len(column.inputs)
        if column.kind == "category":
            groups.append(InputGroup("category", flags, len(column.levels)))
            continue
        is_number = column.kind == "number" and _has_many_values(number_cells(table, column.name)[rows])
        if is_number or column.kind == "datetime":
            groups += [InputGroup("number")] * len(column.parts)
            flags -= len(column.parts)
        if flags:
            groups.append(InputGroup("plain", flags))
    return tuple(groups)


def _has_many_values(values: FloatArray) -> bool:
    """Tell whether there are more than two different numbers, missing ones aside."""
    known = values[~np.isnan(values)]
    rest = known[known != known[0]] if len(known) else known
    return bool(len(rest) and (rest != rest[0]).any())


def _check_calibrates(resolved: Resolved, schema: Schema, validates: bool) -> None:
    """Raise SettingsError where there is no temperature to be fitted."""
    if schema.task != "classification":
        raise SettingsError(
            f"{setting('calibrate')} is for probabilities of classes, and the target is a number: leave it out"
        )
    if not validates:
        raise SettingsError(
            f"{setting('calibrate')} needs validation rows: set {setting('validation_share')}"
        )
    check_calibrates(resolved.network, 1)


def _joined(parts: list[FloatArray]) -> FloatArray:
    """Return the parts one after the other; a single one is not copied, for it may be large."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _test_share(test_share: float | None, test_file: Source | None) -> float:
    if test_file is not None:
        if test_share is not None:
            raise SettingsError(
                f"the score is on {setting('test_share')} of the rows or on {setting('test_file')}: leave one of them out"
            )
        return 0.0
    share = TEST_SHARE if test_share is None else test_share
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise SettingsError(f"{word('test_share')} {share!r} must be at least 0 and less than 1, such as 0.2")
    return share


def _schema(
    table: Table,
    target: str,
    inputs: Sequence[str] | None,
    drop: Sequence[str],
    task: Task | None,
    weights: str | None,
    kinds: Mapping[str, str] | None,
) -> Schema:
    """Return the table's schema, the column of row weights left out of the inputs."""
    if weights is None:
        return infer_schema(table, target=target, inputs=inputs, drop=drop, task=task, kinds=kinds)
    if weights not in table.columns:
        raise TableError(
            f"{table.name}: the column of weights {weights!r} is not there; {suggestion(weights, table.columns)}"
        )
    if weights == target or weights in (inputs or ()):
        role = "the target" if weights == target else "an input"
        raise SettingsError(f"{weights!r} is {role}, so it can't hold the rows' weights as well")
    schema = infer_schema(table, target=target, inputs=inputs, drop=[*drop, weights], task=task, kinds=kinds)
    reason = "it holds the weights of the rows"
    columns = tuple(replace(c, reason=reason) if c.name == weights else c for c in schema.columns)
    return replace(schema, columns=columns)


def _weighed(table: Table, name: str, known: IntArray, schema: Schema) -> tuple[FloatArray, IntArray, Schema]:
    """Return the weights of all rows (n,), the ``known`` rows that have one above 0, and the schema with a note.

    Raises TableError for a weight that is missing or negative, and where all are 0.
    """
    weights = number_cells(table, name)
    wrong = ~(weights >= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        what = "the weight is missing" if np.isnan(weights[row]) else "is negative, which no weight can be"
        raise TableError(f"{located(table, row, name)} {what}; write 0 to leave the row out")
    left = known[weights[known] > 0]
    if not len(left):
        raise TableError(
            f"{table.name}: column {name!r}: every weight is 0, so there is nothing to learn from; "
            "give rows that count a weight above 0"
        )
    lost = len(known) - len(left)
    if lost:
        has = "row has" if lost == 1 else "rows have"
        note = f"{lost} {has} the weight 0, and are left out of training and score"
        schema = replace(schema, notes=(*schema.notes, note))
    return weights, left, schema


def _labeled(table: Table, target: str) -> tuple[Table, list[str]]:
    """Return the rows that have a target, and notes about the table; raises TableError where there are none."""
    rows = np.flatnonzero(table.column(target).is_not_null().to_numpy())
    if not len(rows):
        raise TableError(f"{table.name}: no row has a value in the target {target!r}")
    notes = [f"{table.name}: {note}" for note in table.notes]
    lost = table.n_rows - len(rows)
    if lost:
        has = "row has" if lost == 1 else "rows have"
        notes.append(f"{table.name}: {lost} {has} no target, and can't be scored on")
    return table.take(rows), notes


def _target_scaling(resolved: Resolved) -> str:
    """Scale a number to what the output activation can reach."""
    if resolved.network.loss.targets == "nonnegative":
        return "none"
    reach = {"(0, 1)": "minmax", "[0, inf)": "minmax", "{0, 1}": "minmax", "(0, inf)": "none"}
    return reach.get(resolved.network.output.activation.range, "standard")


def encode_target(rows: Table, target: TargetEncoder, resolved: Resolved) -> FloatArray:
    """Return what the outputs should say (n, n_out); raises TableError for targets that the loss can't take."""
    network = resolved.network
    single = target.task == "classification" and network.output.n_out == 1
    y = target.transform(rows, single=single)
    if network.loss.targets == "nonnegative" and (y < 0).any():
        row = int(np.argmax(y.min(axis=1) < 0))
        raise TableError(
            f"{located(rows, row, target.name)} is negative, and the loss {network.loss.name} is for numbers "
            f"of at least 0; choose another {setting('loss')}"
        )
    return y

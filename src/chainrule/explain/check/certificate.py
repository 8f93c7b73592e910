"""The certificate: a network's numbers checked against independent ways to get them.

``certify`` runs the checks of `CHECKS`; each compares many numbers and keeps the worst. A gradient that is not
chainrule's own can be given to be checked; what is wrong with it is named where it is a known mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule._plain import Plain
from chainrule._random import Purpose, generator
from chainrule._types import Array, FloatArray, IntArray
from chainrule.engines import ENGINES
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network, Parameters
from chainrule.errors import SettingsError, TableError
from chainrule.explain.check.agreement import check_attributions, check_engines, check_rows
from chainrule.explain.check.batch import Batch, GradientFunction, flat_gradient, network_gradient
from chainrule.explain.check.differences import check_differences
from chainrule.explain.check.mistakes import name_mistakes
from chainrule.explain.check.result import Check, Mistake
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.cells import no_row
from chainrule.tables.kinds import weight_cells
from chainrule.tables.table import Table

ROWS = 32
"""The rows of the batch where nothing else is said."""

SAMPLE = 200
"""The weights that are checked where nothing else is said; all, if there are no more."""

EXPLAINED_ROWS = 3
"""The rows whose attributions are checked."""

CHECKS = ("differences", "exact", "engines", "rows", "attributions")
"""The groups of checks, in the order in which they run."""


@dataclass(frozen=True)
class Certificate(Plain, names=("passed", ...)):
    """The checks of one member network on a batch of rows.

    ``subject`` says what was checked: the network's sizes, the member, the rows (from 1) of how many,
    how many weights of how many.
    """

    subject: Mapping[str, Any]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.passed for check in self.checks)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The known mistakes that a wrong gradient looks like, each once."""
        return tuple(dict.fromkeys(mistake for check in self.checks for mistake in check.mistakes))

    def __getitem__(self, name: str) -> Check:
        """Return the check of a name."""
        return {check.name: check for check in self.checks}[name]


@one_blas_thread()
@np.errstate(all="ignore")
def certify(
    subject: Model | Network,
    table: Source | None = None,
    *,
    parameters: Parameters | Array | None = None,
    x: Array | None = None,
    y: Array | None = None,
    weights: Array | None = None,
    rows: Sequence[int] | None = None,
    n_rows: int | None = None,
    member: int = 0,
    sample: int | None = None,
    seed: int = 0,
    gradient: GradientFunction | None = None,
    checks: Sequence[str] = CHECKS,
) -> Certificate:
    """Check a model on the rows of a table that have a target, or a network on the rows ``x`` (n, d), ``y`` (n, n_out).

    ``rows`` (from 0) are the rows of the table, or ``n_rows`` are drawn with ``seed`` (`ROWS` if neither is given).
    ``sample`` weights are drawn, all if it is 0; `SAMPLE` if None. A network takes its ``parameters`` as arrays by
    layer number and name, or flat (p,). ``gradient`` is the gradient to check instead of chainrule's own. Dropout and
    penalties are left out. Raises SettingsError or TableError for what doesn't fit together.

    >>> import numpy as np
    >>> from chainrule import Dense, Network
    >>> network = Network([2, Dense(2, "sigmoid"), Dense(1, "sigmoid")])
    >>> p = {1: {"W": [[0.1, -0.2], [0.3, 0.4]], "b": [0.1, 0.2]}, 2: {"W": [[0.5], [-0.6]], "b": [0.3]}}
    >>> x, y = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [0.0]])
    >>> certify(network, parameters=p, x=x, y=y, checks=["differences", "exact"]).passed
    True
    """
    for name in checks:
        if name not in CHECKS:
            raise SettingsError(f"there is no check {name!r}: choose {', '.join(CHECKS)}")
    read = None
    if isinstance(subject, Model):
        if any(given is not None for given in (parameters, x, y, weights)):
            raise SettingsError("a model is checked on a table: leave out parameters, x, y and weights")
        if table is None:
            raise SettingsError("a model is checked on a table: give one")
        read = subject.table(table)
        batch = batch_of(subject, read, rows=rows, n_rows=n_rows, member=member, seed=seed)
    else:
        batch = _given(subject, parameters, x, y, weights)
    chosen = _chosen(batch, sample, seed)
    trained_by = subject.engine if isinstance(subject, Model) else ENGINES[0]
    made = _checks(batch, chosen, gradient or network_gradient, checks, trained_by)
    if isinstance(subject, Model) and read is not None and "attributions" in checks:
        made += check_attributions(subject, read, [row - 1 for row in batch.rows[:EXPLAINED_ROWS]], member)
    about = {
        "sizes": list(batch.network.sizes),
        "loss": batch.network.loss.spec,
        "member": member + 1,
        "rows": list(batch.rows),
        "of_rows": len(batch.rows) if read is None else read.n_rows,
        "weights": len(chosen),
        "of_weights": batch.layout.size,
    }
    return Certificate(about, tuple(made))


def _checks(
    batch: Batch, chosen: IntArray, function: GradientFunction, names: Sequence[str], trained_by: str
) -> list[Check]:
    from chainrule.explain.check.exact import check_exact

    gradient, odd = flat_gradient(batch, function(batch.network, batch.p, batch.x, batch.y, batch.weights))
    makers: dict[str, Callable[[], Check]] = {
        "differences": lambda: check_differences(batch, gradient, chosen, odd),
        "exact": lambda: check_exact(batch, function, chosen),
        "engines": lambda: check_engines(batch, trained_by),
        "rows": lambda: check_rows(batch, function, gradient),
    }
    made = [make() for name, make in makers.items() if name in names]
    if any(not check.passed for check in made):
        mistakes = name_mistakes(batch, gradient)
        made = [check if check.passed else replace(check, mistakes=mistakes) for check in made]
    return made


def batch_of(
    model: Model,
    table: Table,
    *,
    rows: Sequence[int] | None = None,
    n_rows: int | None = None,
    member: int = 0,
    seed: int = 0,
) -> Batch:
    """Return the batch of a model's member (from 0) and rows of a table (from 0; else ``n_rows`` drawn with a seed).

    The row weights of the training are used where the table has their column. Raises TableError where rows or targets
    are not there, SettingsError where the member isn't.
    """
    one = model.member(member)
    known = model.target.known(table)
    if not len(known):
        raise TableError(no_row(table, model.target.names))
    if rows is None:
        wanted = ROWS if n_rows is None else n_rows
        if wanted < 1:
            raise SettingsError(f"{setting('rows')} {wanted} must be at least 1")
        order = generator(seed, Purpose.SPLIT, 0).random(len(known)).argsort(kind="stable")
        rows = sorted(known[order[:wanted]].tolist())
    for row in rows:
        if not 0 <= row < table.n_rows:
            raise TableError(f"{table.name}: there is no row {row + 1}; it has {table.n_rows:,} rows")
    part = table.take(list(rows))
    single = model.task == "classification" and model.output.n_out == 1
    name = model.card.get("weights")
    weights = None
    if name is not None and name in part.columns:
        weights = weight_cells(part, name)
        if not np.nansum(weights) > 0 or not (weights >= 0).all():
            raise TableError(
                f"{table.name}: the weights in column {name!r} must be at least 0, and some above 0"
            )
    flat = np.asarray(one.parameters[0], np.float64)
    x, y = model.encoder.transform(part), model.target.transform(part, single=single)
    return _finite(Batch(one.network, flat, x, y, weights, tuple(row + 1 for row in rows)))


def _given(
    network: Network,
    parameters: Parameters | Array | None,
    x: Array | None,
    y: Array | None,
    weights: Array | None,
) -> Batch:
    if parameters is None or x is None or y is None:
        raise SettingsError("a network is checked with its parameters, rows x and targets y: give all three")
    flat = Layout(network).flat(parameters)
    rows, targets = np.asarray(x, np.float64), np.asarray(y, np.float64)
    n_out = network.output.n_out
    if rows.ndim != 2 or not len(rows) or targets.shape != (len(rows), n_out):
        raise SettingsError(
            f"x of shape {rows.shape} and y of shape {targets.shape}: (n, {network.n_inputs}) and (n, {n_out}) are "
            "expected"
        )
    each = None if weights is None else np.asarray(weights, np.float64)
    return _finite(Batch(network, flat, rows, targets, each, tuple(range(1, len(rows) + 1))))


def _finite(batch: Batch) -> Batch:
    if not np.isfinite(batch.gradients.cost):
        raise SettingsError(
            "the cost of these rows is not a finite number, so there is nothing to compare with"
        )
    return batch


def _chosen(batch: Batch, sample: int | None, seed: int) -> IntArray:
    """Return the flat indices of the weights to check, sorted; every array has some where all have place."""
    wanted = SAMPLE if sample is None else sample
    if wanted < 0:
        raise SettingsError(f"{setting('sample')} {wanted} must be at least 1, or 0 for all weights")
    size = batch.layout.size
    if wanted == 0 or wanted >= size:
        return np.arange(size)
    order: FloatArray = generator(seed, Purpose.SPLIT, 1).random(size)
    # One of each array first, so that no layer goes unchecked, then by chance.
    for slot in batch.layout.slots:
        order[slot.start + int(np.argmin(order[slot.start : slot.stop]))] = -1.0
    return np.sort(np.argsort(order, kind="stable")[:wanted])

"""The doctor, live: what is wrong at the place shown, on which neuron, by which numbers, and edits that may help.

It looks with the eyes of `explain.diagnose` at the parameters shown, on rows that are trained on; each way out is a list of
edits, which make a branch. A single dead neuron is a remark: networks that work have such, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import FORM, through
from chainrule._numbers import number_text
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import of_member
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.advice import Advice, rounded
from chainrule.explain.diagnose.answers import input_findings, overfitted, overfitted_by_loss
from chainrule.explain.diagnose.finding import Finding, addresses
from chainrule.explain.diagnose.neurons import flat_neurons, neuron_findings, sides_and_slope
from chainrule.explain.diagnose.steps import gradient_findings
from chainrule.explain.trace.address import Address
from chainrule.model.group import Group
from chainrule.model.model import Model, Prediction
from chainrule.studio.shown.looking import Look
from chainrule.studio.training.course import Course
from chainrule.tables.encoding.targets import Targets
from chainrule.tables.table import Table
from chainrule.training.scores.metrics import PRIMARY, metric

MOST_ROWS = 1000
"""The most rows of each kind that are looked at; of more, so many are taken, evenly."""

MOST_WORK = 8_000_000
"""The most products of parameters and rows that a look takes; a larger network is looked at on fewer rows."""

FEWEST_ROWS = 32
"""The fewest rows that say something."""

REMARKS = ("dead_neuron",)
"""What is told though nothing need be wrong."""

Way = dict[str, Any]


@one_blas_thread()
@np.errstate(all="ignore")
def found_live(look: Look) -> list[dict[str, Any]]:
    """Return what is wrong where one looks, as plain data; nothing where the network is too large to be looked at."""
    course = look.course
    most = min(MOST_ROWS, MOST_WORK // max(1, course.layout.size))
    rows = some_of(of_member(course.data.train, look.member), most)
    if most < FEWEST_ROWS or not len(rows):
        return []
    flat = np.asarray(look.state.parameters, np.float64)
    if not np.isfinite(flat).all():
        return []
    weights = None if course.data.weights is None else course.data.weights[rows]
    batch = Batch(
        course.network,
        flat,
        course.data.x[rows],
        course.data.y[rows],
        weights,
        tuple(course.numbers[rows].tolist()),
    )
    advice = _advice(course)
    with through(FORM):
        return [
            finding_shown(finding, _ways(finding, look, batch))
            for finding in _findings(look, batch, rows, advice)
        ]


def some_of(rows: IntArray, most: int) -> IntArray:
    """Return at most so many rows, evenly taken."""
    if len(rows) <= most:
        return rows
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.int64))]


def finding_shown(finding: Finding, ways: list[Way]) -> dict[str, Any]:
    """Return a finding as a page has it."""
    numbers = [
        {"name": name, "value": number_text(value) if isinstance(value, int | float) else str(value)}
        for name, value in finding.evidence.items()
    ]
    return {
        "kind": finding.kind,
        "grave": finding.kind not in REMARKS,
        "what": finding.what,
        "where": [str(Address.parse(place)) for place in finding.where],
        "numbers": numbers,
        "why": finding.why,
        "remedy": finding.remedy,
        "ways": ways,
    }


def _findings(look: Look, batch: Batch, rows: IntArray, advice: Advice) -> Iterator[Finding]:
    course = look.course
    if course.reads is not None and course.reads.encoder.n_inputs == batch.x.shape[1]:
        yield from input_findings(course.reads, batch.x)
    layers = []
    # All rows are looked at, so what is inactive on a batch alone is left to the diagnosis of the trained model.
    for finding in neuron_findings(batch, np.ones(len(rows), np.bool_), advice):
        if finding.kind == "dead_neurons":
            layers.append(finding.layer)
        yield finding
    yield from _single_dead(batch, layers)
    yield from gradient_findings(batch, advice)
    yield from _overfitted(look, rows, advice)


def _single_dead(batch: Batch, told_of: list[int | None]) -> Iterator[Finding]:
    """Return a finding for each neuron that is flat on every row, in layers of which it isn't told already."""
    for index, layer in enumerate(batch.network.layers[:-1]):
        low, high, _ = sides_and_slope(layer.activation)
        if low == high or index + 1 in told_of:
            continue
        z = batch.record.layers[index].z
        for j in np.flatnonzero(flat_neurons(batch, index).all(axis=0)).tolist():
            yield Finding(
                "dead_neuron",
                f"neuron {j + 1} of layer {index + 1} ({layer.activation.name}) is dead: flat on all {len(z):,} rows looked at",
                addresses("a", index + 1, [j]),
                {"largest z": float(z[:, j].max()), "smallest z": float(z[:, j].min()), "rows": len(z)},
                "where z stays on the flat side, f'(z) is next to 0, so no gradient reaches its weights to bring it back; "
                "a few such neurons are common in networks that work",
                "raise its bias so that rows reach it, or choose an activation that is flat nowhere",
                index + 1,
            )


def _overfitted(look: Look, rows: IntArray, advice: Advice) -> Iterator[Finding]:
    """Compare the scores of the member shown on rows that it is trained on and on rows that are watched."""
    course, held = look.course, some_of(of_member(look.course.data.validation, look.member), MOST_ROWS)
    prepared, reads = course.prepared, course.reads
    if prepared is None or reads is None or prepared.watched is not None or len(held) < 2 or look.t == 0:
        return
    own = rows[rows < prepared.fitted.n_rows]
    model = Model(
        (Group(course.network, np.asarray(look.state.parameters, np.float64)[None]),),
        reads.encoder,
        reads.target,
    )
    here, there = (
        _primary_score(model, model.answer(prepared.arrays.x[part]), prepared.fitted.take(part))
        for part in (own, held)
    )
    found = (
        list(overfitted(reads.task, here, there, len(held), advice))
        if np.isfinite((here, there)).all()
        else []
    )
    yield from found
    if not found and reads.task == "classification" and course.network.loss.name.endswith("cross_entropy"):
        here_losses, held_losses = (row_losses_of(look, part) for part in (own, held))
        yield from overfitted_by_loss(here_losses, held_losses, _ignorant(course, own), advice)


def _ignorant(course: Course, rows: IntArray) -> float:
    """Return the cross-entropy of an answer that knows nothing but the shares of the classes, of several targets all together."""
    y = np.asarray(course.data.y[rows], np.float64)
    single = y.shape[1] == 1 or len(course.reads.target.parts if course.reads is not None else ()) > 1
    p = np.clip(y.mean(axis=0), 1e-12, 1 - 1e-12)
    each = -(p * np.log(p)) - ((1 - p) * np.log(1 - p) if single else 0.0)
    return float(each.sum())


def row_losses_of(look: Look, rows: IntArray) -> FloatArray:
    """Return the loss (n,) of each of some rows at the place shown."""
    course = look.course
    p = course.layout.unflatten(np.asarray(look.state.parameters, np.float64))
    record = course.network.forward(p, course.data.x[rows], np)
    return np.asarray(course.network.row_losses(record, course.data.y[rows], np))


def _primary_score(model: Model, answer: Prediction, table: Table) -> float:
    """Return the one score that is compared, without all others, some of which take long; of several targets their mean."""
    name, target = PRIMARY[model.task], model.target
    if isinstance(target, Targets):
        return model.score(answer, table).scores.get(name, float("nan"))
    if answer.codes is None:
        return metric(name).function(target.numbers(table), answer.labels, None)
    return metric(name).function(target.codes(table), answer.codes, None)


def _advice(course: Course) -> Advice:
    settings, plan = course.settings, course.plan
    card: Mapping[str, Any] = {
        "optimizer": settings.optimizer.spec, "clip_norm": settings.clip_norm, "l1": settings.l1, "l2": settings.l2,
        "weight_decay": settings.weight_decay, "early_stopping": plan.early_stopping,
    }  # fmt: skip
    return Advice(card)


# ---- ways out, as edits


def _ways(finding: Finding, look: Look, batch: Batch) -> list[Way]:
    """Return what may be tried against a finding: words and the edits that do it."""
    course, layer = look.course, finding.layer
    found: list[Way] = []
    if finding.kind == "dead_neuron" and layer is not None:
        found += _bias_raised(finding, course, batch, layer)
    if finding.kind in ("dead_neuron", "dead_neurons", "inactive_on_batch") and layer is not None:
        found.append(_activation(layer, "leaky_relu"))
    if finding.kind == "saturated_neurons" and layer is not None:
        found.append(_activation(layer, "relu"))
    if finding.kind == "vanishing_gradient":
        curved = [
            number
            for number, one in enumerate(course.network.layers[:-1], 1)
            if all(sides_and_slope(one.activation)[:2])
        ]
        edits = [_activation(number, "relu")["edits"][0] for number in curved]
        found += (
            [{"words": "relu in the layers that are flat on both sides", "edits": edits}] if edits else []
        )
    if finding.kind in ("exploding_gradient", "exploding_weights") and not course.settings.clip_norm:
        found.append(_setting("clip the gradient at length 1", "clip_norm", 1))
    if finding.kind in ("exploding_weights", "overfitting"):
        decay = max(1e-3, 3 * course.settings.weight_decay)
        found.append(_setting(f"weight decay {number_text(decay)}", "weight_decay", decay))
    if finding.kind == "overfitting" and len(course.network.layers) > 1:
        found.append(_setting("dropout 0.2 in the hidden layers", "dropout", 0.2))
    if finding.kind in ("dead_neurons", "saturated_neurons", "exploding_gradient", "exploding_weights"):
        rate = rounded(course.plan.learning_rate / 10)
        way = _setting(f"a tenth of the learning rate: {number_text(rate)}", "learning_rate", rate)
        if finding.kind == "dead_neurons" and look.t:
            # No smaller step brings back what no gradient reaches.
            way = {**way, "words": f"{way['words']}, from the beginning", "anew": True}
        found.append(way)
    return found


def _activation(layer: int, name: str) -> Way:
    edit = {"kind": "activation", "layer": layer, "name": name}
    return {"words": f"{name} in layer {layer}", "edits": [edit]}


def _setting(words: str, name: str, value: float) -> Way:
    return {"words": words, "edits": [{"kind": "setting", "name": name, "value": value}]}


def _bias_raised(finding: Finding, course: Course, batch: Batch, layer: int) -> list[Way]:
    """Return the bias with which half of the rows reach a neuron, where it has one of its own."""
    place = Address.parse(finding.where[0])
    arrays = batch.p[layer]
    if "b" not in arrays or arrays["b"].shape[-1] != course.network.layers[layer - 1].n_out or course.shares:
        return []
    j = place.index[0] - 1
    z: FloatArray = batch.record.layers[layer - 1].z[:, j]
    bias = float(f"{float(arrays['b'][j]) - float(np.median(z)):.4g}")
    edit = {"kind": "number", "address": f"b[{layer}][{j + 1}]", "value": bias}
    return [{"words": f"its bias {number_text(bias)}, with which half of the rows reach it", "edits": [edit]}]

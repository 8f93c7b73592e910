"""The diagnosis: what is wrong with a trained network, where, by which numbers, why, and what to try.

It looks at a model and a table alone: forward and backward over the rows, and some trial steps of the reference
engine with the settings of the training card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._plain import Plain
from chainrule._random import Purpose, generator
from chainrule._types import IntArray
from chainrule.engines.base import StepSettings
from chainrule.errors import TableError
from chainrule.explain.check.batch import Batch
from chainrule.explain.check.certificate import batch_of
from chainrule.explain.diagnose.advice import Advice
from chainrule.explain.diagnose.answers import answer_findings, input_findings, overfit_findings
from chainrule.explain.diagnose.finding import Finding, merged, told_of_member
from chainrule.explain.diagnose.neurons import flat_neurons, neuron_findings, sides_and_slope, stretch
from chainrule.explain.diagnose.steps import (
    Trial,
    cost_of_rows,
    gradient_findings,
    lengths_of_delta,
    rate_findings,
    trial,
)
from chainrule.explain.diagnose.thresholds import THRESHOLDS
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.table import Table

MOST_ROWS = 5000
"""The rows that are looked at; of more, so many are drawn."""

LEAST_BATCH = 32
"""The least rows of the batch on which neurons may be inactive: on a few rows half of all ReLUs are."""

KINDS = (
    "unscaled_inputs",
    "dead_neurons",
    "inactive_on_batch",
    "saturated_neurons",
    "identical_neurons",
    "exploding_weights",
    "vanishing_gradient",
    "exploding_gradient",
    "learning_rate_high",
    "learning_rate_low",
    "constant_predictor",
    "class_collapse",
    "overfitting",
)
"""All kinds of findings, in the order in which they are reported: causes before effects."""


@dataclass(frozen=True)
class LayerFacts(Plain):
    """What was seen in one layer of one member, whether or not it is a finding.

    ``dead`` are neurons flat on every row and ``flat`` the share of neurons times rows that is; both None for softmax.
    ``delta`` is the length of a row's delta (root mean square), ``ratio`` that beside the next layer's (None in the
    last); ``weights`` is rms(W) sqrt(n_in), and ``update`` the median |step| / |W| of the trial, where there was one.
    """

    layer: int
    activation: str
    neurons: int
    dead: int | None
    flat: float | None
    delta: float
    ratio: float | None
    weights: float
    update: float | None


@dataclass(frozen=True)
class Diagnosis(Plain, names=("rows", ..., "thresholds")):
    """The findings, and the facts of every layer of each member that was looked at (by its number, from 1).

    ``rows`` is how many rows were looked at; ``trial`` what the trial steps did, None where there is no learning rate.
    """

    findings: tuple[Finding, ...]
    rows: int
    layers: Mapping[int, tuple[LayerFacts, ...]]
    trial: Trial | None

    def __getitem__(self, kind: str) -> Finding:
        """Return the first finding of a kind."""
        return {finding.kind: finding for finding in reversed(self.findings)}[kind]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that were found, each once, in the order of `KINDS`."""
        return tuple(dict.fromkeys(finding.kind for finding in self.findings))

    @property
    def thresholds(self) -> dict[str, float]:
        """The limits that findings are beyond, by name."""
        return {name: threshold.value for name, threshold in THRESHOLDS.items()}


@one_blas_thread()
@np.errstate(all="ignore")
def diagnose(model: Model, table: Source, *, member: int | None = None, seed: int = 0) -> Diagnosis:
    """Look for what is wrong with a model, on the rows of a table that have a target (best: its training table).

    ``member`` (from 0): this network alone; all if None. ``seed`` draws the rows, of a large table, and the batch.
    Raises TableError or SettingsError for what doesn't fit the model.

    >>> import chainrule
    >>> rows = {"x": [i / 40 for i in range(80)], "y": [(i / 40) ** 2 for i in range(80)]}
    >>> model = chainrule.train(rows, "y", hidden=[8], activation="tanh", init="zeros", members=1, epochs=5).model
    >>> diagnose(model, rows)["identical_neurons"].where[:2]
    ('z[1][1]', 'z[1][2]')
    """
    if member is not None:
        model.member(member)
    read = model.table(table)
    known, draws = rows_looked_at(model, read, seed)
    part = read.take(known)
    some = np.zeros(len(known), dtype=np.bool_)
    some[draws.permutation(len(known))[: max(LEAST_BATCH, _settings(model).batch_size)]] = True
    found: list[Finding] = []
    facts: dict[int, tuple[LayerFacts, ...]] = {}
    tried: Trial | None = None
    rated: list[Finding] = []
    advice = Advice(model.card)
    for one in range(model.members) if member is None else (member,):
        batch = batch_of(model, read, rows=known.tolist(), member=one)
        if not facts:
            found += input_findings(model, batch.x)
            rated, tried = _rate(model, batch, one, read, known)
            advice = _advice(model, rated)
        own = [*neuron_findings(batch, some, advice), *gradient_findings(batch, advice)]
        found += told_of_member(own if facts else [*own, *rated], one, model.members > 1)
        facts[one + 1] = layer_facts(batch, tried if not facts else None)
    found += answer_findings(model, part, model.predict(part), advice)
    if model.card and model.card["rows"]["test"]:
        found += _overfitting(model, read, known)
    ordered = sorted(merged(found), key=lambda finding: (KINDS.index(finding.kind), finding.layer or 0))
    return Diagnosis(tuple(ordered), len(known), facts, tried)


def rows_looked_at(model: Model, table: Table, seed: int) -> tuple[IntArray, np.random.Generator]:
    """Return the rows (from 0) of a table that a diagnosis looks at, and the generator for what else it draws.

    Raises TableError where fewer than two rows have a target.
    """
    known = model.target.known(table)
    if len(known) < 2:
        raise TableError(
            f"{table.name}: {len(known)} row{'s have' if len(known) != 1 else ' has'} a value in the target "
            f"{model.target.name!r}; at least 2 are needed"
        )
    draws = generator(seed, Purpose.SPLIT, 2)
    if len(known) > MOST_ROWS:
        known = np.sort(draws.permutation(known)[:MOST_ROWS])
    return known, draws


def layer_facts(batch: Batch, tried: Trial | None) -> tuple[LayerFacts, ...]:
    """Return the facts of every layer."""
    lengths = lengths_of_delta(batch)
    facts = []
    for index, layer in enumerate(batch.network.layers):
        dead = share = None
        if layer.activation.elementwise:
            flat = flat_neurons(batch, index)
            low, high, _ = sides_and_slope(layer.activation)
            dead = int(flat.all(axis=0).sum()) if low != high else None
            share = float(flat.mean())
        follows = index + 1 < len(lengths) and lengths[index + 1] > 0
        facts.append(
            LayerFacts(
                index + 1,
                layer.activation.spec,
                layer.n_out,
                dead,
                share,
                float(lengths[index]),
                float(lengths[index] / lengths[index + 1]) if follows else None,
                stretch(batch, index),
                None if tried is None else tried.ratios[index],
            )
        )
    return tuple(facts)


def _settings(model: Model) -> StepSettings:
    """Return the settings of the training card; the defaults where a model has no card."""
    from chainrule.fitting.card import settings_of

    # What is tried is a step of one member alone, which is an ordinary network.
    return replace(settings_of(model.card)[0], sharing="none") if model.card else StepSettings()


def _overfitting(model: Model, table: Table, known: IntArray) -> Iterator[Finding]:
    """Compare the training rows' scores with those held out; of another table none are known to be training rows."""
    if len(rows := _learned(model, table, known)):
        part = table.take(rows)
        yield from overfit_findings(model, model.score(model.predict(part), part))


def _learned(model: Model, table: Table, known: IntArray) -> IntArray:
    """Return which of the rows the model was trained on; none of another table."""
    from chainrule.fitting.replay import training_rows

    try:
        rows: IntArray = np.intersect1d(training_rows(model, table), known)
    except TableError:
        return known[:0]
    return rows


def _rate(
    model: Model, batch: Batch, member: int, table: Table, known: IntArray
) -> tuple[list[Finding], Trial | None]:
    """Try the training's learning rate; L-BFGS has none, and without a card none is known."""
    from chainrule.fitting.card import settings_of

    card, settings = model.card, _settings(model)
    if not card or settings.optimizer.searches:
        return [], None
    strength = settings_of(card)[1].strength(max(0, card["epochs_run"] - 1))
    made = trial(batch, settings, card["learning_rate"], strength=strength)
    begin, way = _begun(model, batch, member), None
    if len(rows := _learned(model, table, known)):
        learned = batch_of(model, table, rows=rows.tolist(), member=member)
        ends = (replace(learned, flat=flat) for flat in (begin.flat, learned.flat))
        first, last = (cost_of_rows(end, settings) for end in ends)
        way = first, last
    return list(rate_findings(batch, settings, made, card["stopped"], strength, begin, way)), made


def _begun(model: Model, batch: Batch, member: int) -> Batch:
    """Return the batch with weights as they were drawn for the member's training, before any were fitted to rows."""
    from chainrule.fitting.replay import drawn_again

    return replace(batch, flat=drawn_again(model, batch.network, batch.x, member))


def _advice(model: Model, rated: Sequence[Finding]) -> Advice:
    """Return what may be advised after what was found of the learning rate."""
    for finding in rated:
        better = finding.evidence.get("better rate")
        return Advice(
            model.card,
            "high" if finding.kind == "learning_rate_high" else "low",
            None if better is None else float(better),
        )
    return Advice(model.card)

"""A prediction walked through from its inputs to its answer: a derivation with one part for each layer.

Layers of a few neurons are worked out whole. Of a larger one it is the neuron that adds most to what comes after, so
that the way from the inputs to the answer stays whole, and every sum on it is exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._kept import cached_property
from chainrule._numbers import number_text
from chainrule._types import FloatArray
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.equal import equal_once
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.stage_numbers import span_of_output
from chainrule.explain.trace.trace import Trace
from chainrule.formula.names import spoken
from chainrule.tables.encoding.targets import Target

MOST_WORKED_OUT = 12
"""The most neurons of a layer that are worked out one by one."""

MOST_INPUTS = 40
"""The most inputs that are all shown with the cells they come from."""


def answer_place(trace: Trace, row: int | None = None) -> Address:
    """Return the address of what a trace's rows lead to: the prediction, the likeliest class, else an output."""
    return _Walk(trace, row).answer_place()


@np.errstate(all="ignore")
def walk(trace: Trace, *, row: int | None = None) -> Derivation:
    """Return the way from a row's inputs through every layer to the answer, or to the cost where that is known.

    ``row`` is the row's number, needed where the trace has several. Raises SettingsError for a row it doesn't have.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.trace.steps import trace_network
    >>> trace = trace_network(Network([2, Dense(1, "tanh")]), {1: {"W": [[0.5], [-1.0]], "b": [0.25]}}, [[2.0, 1.0]])
    >>> [part.title for part in walk(trace).parts]
    ['Inputs', 'Layer 1, the output: 1 neuron, tanh']
    """
    return _Walk(trace, row).derivation()


@np.errstate(all="ignore")
def walk_step(trace: Trace) -> Derivation:
    """Return what a training step did: its cost, the weight that it changed most, and the cost after it.

    Raises SettingsError for a trace without an update.
    """
    step = trace.steps[-1]
    number = step.number if len(trace.steps) > 1 else None
    trace.resolve(Address("C_new", step=number))
    weight = _most_changed(trace, number)
    by_weight, new = (replace(weight, name=form.format(weight.name)) for form in ("dC/d{}", "{}_new"))
    about = {
        "The cost before the step": Address("C", step=number),
        f"The gradient of {weight}, the weight that the step changes most": by_weight,
        f"The update of {weight}": new,
        "The cost after the step": Address("C_new", step=number),
    }
    parts = tuple(replace(derive(trace, place), title=title) for title, place in about.items())
    rows = f"{len(step.rows)} rows" if len(step.rows) > 1 else "1 row"
    return Derivation(parts[-1].address, f"Step {step.number} of the training, on {rows}", parts=parts)


def _most_changed(trace: Trace, step: int | None) -> Address:
    """Return the address of the weight that a step changes most."""
    changes = []
    for number, layer in enumerate(trace.network.layers, 1):
        place = Address(layer.product.name, number, (), step)
        change = np.abs(trace.array(replace(place, name=f"{place.name}_new")) - trace.array(place))
        at = np.unravel_index(int(np.argmax(change)), change.shape)
        changes.append((float(change[at]), replace(place, index=tuple(int(i) + 1 for i in at))))
    return max(changes, key=lambda each: each[0])[1]


def _named(part: Derivation) -> set[str]:
    """Return the names in the lines of a part."""
    return {name for line in part.lines for name in line.values}


class _Walk:
    def __init__(self, trace: Trace, row: int | None) -> None:
        self.trace = trace
        self.row = trace.resolve(Address("x", row=row)).row if row is not None else None
        if row is None and len(trace.steps[-1].rows) > 1:
            trace.resolve(Address("x", None, (1,)))  # says which rows there are to choose from
        self.step = trace.steps[-1].number if len(trace.steps) > 1 else None
        self.last = len(trace.network.layers)
        self.members = trace.steps[-1].members is not None

    def at(self, name: str, layer: int | None = None, *index: int) -> Address:
        place = Address(name, layer, tuple(index), self.step)
        return place.at(row=self.row) if place.quantity.per_row else place

    def line(self, name: str, layer: int | None = None, *index: int) -> Line:
        """Return the line of a number by itself, without those that lead to it."""
        return derive(self.trace, self.at(name, layer, *index)).lines[-1]

    def answer_place(self) -> Address:
        """Return the address of the answer."""
        output = self.chosen[self.last]
        both = [self.at("probability", None, c) for c in (1, 2)]
        if self.trace.has(both[0]) and self.trace.network.output.n_out == 1:
            return max(both, key=lambda place: self.trace[place])
        names = ("answer", "probability", "mean_a")
        places = [self.at("prediction"), *(self.at(name, None, output) for name in names), self.at("C")]
        return next(filter(self.trace.has, places), self.at("a", self.last, output))

    def title(self) -> str:
        """Say what is predicted: species = Gentoo, with probability 0.998."""
        target, place = self.trace.target, self.answer_place()
        if target is not None and place.name == "answer":
            return f"Predicted: {self._answers_of(target)}"
        if target is None or place.name not in ("prediction", "probability"):
            return f"From the inputs to {place}: {place.words_in(self.trace.network)}"
        value = self.trace[place]
        if place.name == "prediction":
            return f"Predicted: {target.name} = {number_text(value)}"
        shown = number_text(value, 4)
        if shown == "1" and value < 1:
            shown = "above 0.9999"
        return f"Predicted: {target.name} = {target.labels[place.index[0] - 1]}, with probability {shown}"

    def _answers_of(self, target: Target) -> str:
        """Say the predictions for several targets: o1 = 0.751, o2 = 0.773."""
        said = []
        for j, part in enumerate(target.parts[:MOST_WORKED_OUT], 1):
            value = number_text(self.trace[self.at("answer", None, j)])
            said.append(
                f"{part.name} = {value}"
                if part.task == "regression"
                else f"P({part.name} = {part.labels[1]}) = {value}"
            )
        rest = len(target.parts) - len(said)
        return ", ".join(said) + (f" and {rest} more" if rest else "")

    def derivation(self) -> Derivation:
        count = self.trace.network.n_inputs
        parts = [self.layer(number) for number in range(1, self.last + 1)]
        if self.trace.network.features is not None:
            parts.insert(0, self.stage(_named(parts[0])))
        inputs = range(1, count + 1)
        shown = [i for i in inputs if count <= MOST_INPUTS or str(self.at("x", None, i)) in _named(parts[0])]
        parts.insert(0, self.inputs(shown))
        place, answer = self.answer_place(), self.answer()
        if answer:
            parts.append(Derivation(str(place), "The answer" if self.members else "The cost", answer))
        return Derivation(str(place), self.title(), parts=tuple(parts), notes=self.notes())

    def notes(self) -> tuple[str, ...]:
        """Return what is worth knowing of the whole way."""
        unknown = self.trace.source.get("target_unknown")
        return (f"There is no loss and no gradient here: {unknown}.",) if unknown else ()

    @cached_property
    def chosen(self) -> dict[int, int]:
        """Return for each layer the neuron (from 1) on the way that is followed, from the largest output back."""
        outputs = self.trace.array(self.at("mean_a") if self.members else self.at("a", self.last))
        chosen = {self.last: int(np.argmax(outputs)) + 1}
        for layer in range(self.last, 1, -1):
            adds = np.abs(self._weights(layer, chosen[layer]) * self.trace.array(self.at("h", layer - 1)))
            chosen[layer - 1] = int(np.argmax(adds)) + 1
        return chosen

    def _weights(self, number: int, j: int) -> FloatArray:
        """Return what each number that enters a layer is multiplied by on its way to neuron j (from 1)."""
        p = self.trace.layout.unflatten(self.trace.steps[-1].parameters)[number]
        return np.asarray(self.trace.network.layers[number - 1].weights(p)[:, j - 1])

    def inputs(self, shown: list[int]) -> Derivation:
        count, first = self.trace.network.n_inputs, 1 if self.trace.network.features is None else 0
        lines = tuple(self.line("x", None, i) for i in shown)
        these = f"These are {len(shown)}" if shown else "None"
        notes = (f"{these} of {count} inputs, those that the lines of layer {first} name.",)
        return Derivation(str(self.at("x")), "Inputs", lines, notes=notes if len(shown) < count else ())

    def stage(self, named: set[str]) -> Derivation:
        """Return the feature stage's part: the outputs that the lines of layer 1 name, the cosines of the most important."""
        features = self.trace.network.features
        assert features is not None
        outputs = [j for j in range(1, features.n_outputs + 1) if str(self.at("a", 0, j)) in named]
        adds = np.abs(self._weights(1, self.chosen[1]) * self.trace.array(self.at("a", 0)))
        shown = sorted(sorted(outputs, key=lambda j: -adds[j - 1])[:MOST_WORKED_OUT])
        lines = [self.line(name, 0, j) for name in ("e", "a") for j in shown]
        parts: tuple[Derivation, ...] = ()
        if shown:
            most = max(shown, key=lambda j: float(adds[j - 1]))
            span = span_of_output(features, most)
            if span.kind == "number" and most > span.outputs[0]:
                group, waves = span.before + 1, features.waves
                cosines = tuple(self.line("u", 0, group, k) for k in range(1, waves + 1))
                ends = [number_text(end(line.result for line in cosines), 3) for end in (min, max)]
                title = f"The {waves} cosines u[0][{group},1] to u[0][{group},{waves}], from {ends[0]} to {ends[1]}"
                parts = (Derivation(str(self.at("u", 0)), title, cosines, folded=True),)
        told = f"{len(shown)} are worked out, those that layer 1 makes most of"
        told = told if shown else "none is worked out: layer 1 makes nothing of them"
        notes = (f"Of its {features.n_outputs} outputs {told}.",) if len(shown) < features.n_outputs else ()
        title = f"Layer 0, the feature stage: {features.words}"
        return Derivation(str(self.at("a", 0)), title, tuple(lines), notes=notes, parts=parts)

    def layer(self, number: int) -> Derivation:
        layer, chosen, last = self.trace.network.layers[number - 1], self.chosen, self.last
        size = layer.n_out
        shown = range(1, size + 1) if size <= MOST_WORKED_OUT else [chosen[number]]
        dropped = self.trace.has(self.at("r", number))
        names = ["z", "a", *(["h"] if dropped else [])]
        lines = equal_once(self.line(name, number, j) for name in names for j in shown)
        output = ", the output" if number == last else ""
        neurons = f"{size} neuron{'s' * (size > 1)}"
        why = "whose activation is largest"
        if number < last:
            why = f"which adds most to neuron {chosen[number + 1]} of layer {number + 1}"
        told = f"Of its {size} neurons one is worked out: neuron {chosen[number]}, {why}."
        title = f"Layer {number}{output}: {neurons}, {spoken(layer.activation.name)}"
        notes = (told,) if size > len(shown) else ()
        return Derivation(str(self.at("a", number)), title, lines, notes=notes)

    def answer(self) -> tuple[Line, ...]:
        """Return the lines from the outputs to the answer, or to the cost where there is none."""
        place, n_out = self.answer_place(), self.trace.network.output.n_out
        if place.name == "a":
            return ()
        if place.name == "C":
            return self.line("loss"), self.line("C")
        outputs = range(1, n_out + 1) if n_out <= MOST_WORKED_OUT else [self.chosen[self.last]]
        means = [self.line("mean_a", None, j) for j in outputs]
        if place.name == "prediction":
            return *means, self.line("prediction")
        if place.name == "answer":
            return *means, *(self.line("answer", None, j) for j in outputs)
        if place.name == "probability":
            classes = (1, 2) if n_out == 1 else outputs
            return *means, *(self.line("probability", None, c) for c in classes)
        return tuple(means)

"""The derivation of backpropagation in symbols, every line put to the test on random networks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chainrule._doors import naming, setting
from chainrule._types import FloatArray
from chainrule.equations.activations import Activation
from chainrule.equations.activations import activation as activation_of
from chainrule.equations.dense import BIAS_MODES, BiasMode, Dense
from chainrule.equations.losses import Loss
from chainrule.equations.losses import loss as loss_of
from chainrule.equations.network import Network, Parameters
from chainrule.equations.registry import check_choice
from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Derivation, Statement
from chainrule.explain.derive.symbolic.chain import chain_rule, forward, links_of_the_chain
from chainrule.explain.derive.symbolic.instances import instance_of, instances, tried
from chainrule.explain.derive.symbolic.interpreter import Instance
from chainrule.explain.derive.symbolic.letters import Letters, letters_of
from chainrule.explain.derive.symbolic.matrices import matrices
from chainrule.explain.derive.symbolic.recursion import many_rows, recursion
from chainrule.explain.derive.symbolic.subject import Subject
from chainrule.explain.derive.symbolic.written_out import written_out
from chainrule.explain.notation.record import Notation
from chainrule.formula.names import spoken

MOST_LAYERS = 8
"""The most layers of a chain that is written out: it has a sum for each, and a line of it fills a page."""


def derive_backprop(
    layers: int = 4,
    loss: str | Loss = "half_squared_error",
    activation: str | Activation = "sigmoid",
    output_activation: str | Activation | None = None,
    bias: BiasMode = "neuron",
    notation: str | os.PathLike[str] | Notation = "ours",
) -> Derivation:
    """Return backpropagation derived: from the cost to its derivatives by any weight and any bias of any layer.

    Indexed sums first, then the recursion of delta, then matrices with their shapes, then many rows. Each line is
    worked out on random networks for every layer and neuron, and compared with the engine's numbers to 1e-12.
    ``layers`` counts the inputs too: of a network of so many layers the whole chain is written out; everything else holds
    for any number. The output layer's activation is that which the loss goes together with, where there is one, else that of
    the hidden layers. Raises SettingsError for what can't be derived.

    >>> derived = derive_backprop(3, "categorical_cross_entropy", notation="article-4")
    >>> derived.ok, derived.parts[3].statements[2].text
    (True, '∂C/∂z_j^n = a_j^n - y_j')
    """
    letters = letters_of(notation)
    if isinstance(layers, bool) or not isinstance(layers, int) or not 2 <= layers <= MOST_LAYERS:
        raise SettingsError(
            f"{setting('layers', layers)} must be a whole number from 2, the inputs and the outputs, to {MOST_LAYERS}"
        )
    check_choice(setting("bias"), bias, BIAS_MODES)
    with naming("loss"):
        cost = loss_of(loss)
    with naming("activation"):
        hidden = activation_of(activation)
    if hidden.output_only:
        raise SettingsError(f"{setting('activation', hidden.spec)} is for the output layer: choose another")
    output = _output(cost, hidden, output_activation)
    subject = Subject(letters, layers, cost, hidden, output, bias)

    def network_of(sizes: Sequence[int]) -> Network:
        inner = [Dense(size, hidden, bias=bias) for size in sizes[1:-1]]
        return Network([sizes[0], *inner, Dense(sizes[-1], output, bias=bias)], cost)

    made = list(instances(network_of, layers))
    if not made:
        raise SettingsError(
            f"{cost.spec} has no finite value after {output.spec}: choose another {setting('output_activation')}"
        )
    return Derivation(
        "", _title(subject), parts=_parts(subject, letters, made), notes=_notes(subject, letters, made)
    )


def derive_backprop_on(
    network: Network,
    p: Parameters,
    x: FloatArray,
    y: FloatArray,
    notation: str | os.PathLike[str] | Notation = "ours",
) -> Derivation:
    """Return backpropagation derived for a network's layers, every line put to the test on its own numbers.

    ``p`` are its parameters by layer, ``x`` (n, d) and ``y`` (n, n_out) rows. Raises SettingsError for a network that can't be
    told in general: one whose hidden layers have several activations, or whose layers count biases in several ways.

    >>> import numpy as np
    >>> network = Network([1, Dense(1, "sigmoid")])
    >>> p = {1: {"W": np.array([[0.5]]), "b": np.zeros(1)}}
    >>> derived = derive_backprop_on(network, p, np.ones((1, 1)), np.zeros((1, 1)))
    >>> derived.ok, len(derived.parts), derived.parts[2].statements[0].check.count
    (True, 6, 1)
    """
    letters = letters_of(notation)
    *hidden, output = network.layers
    if output.linear_path:
        raise SettingsError(
            "the network has a linear path from the inputs to the outputs, which is in no derivation of layers in general: "
            f"derive one of its numbers instead, such as dC/dS[{len(network.layers)}][1,1]"
        )
    for what, found in (
        ("hidden activations", {layer.activation.spec for layer in hidden}),
        ("kinds of bias", {layer.bias for layer in network.layers}),
    ):
        if len(found) > 1:
            raise SettingsError(f"the network has several {what}, {' and '.join(sorted(found))}: choose one")
    if len(network.sizes) > MOST_LAYERS:
        raise SettingsError(f"a chain of {len(network.sizes)} layers is too long: at most {MOST_LAYERS}")
    inner = hidden[0].activation if hidden else output.activation
    _output(network.loss, inner, output.activation)
    subject = Subject(letters, len(network.sizes), network.loss, inner, output.activation, output.bias)
    made = [instance_of(network, p, x, y)]
    notes = (
        f"The letters of {letters.name}: {letters.words}.",
        f"Put to the test on this network ({'-'.join(map(str, network.sizes))} neurons) with the numbers that it has now: an "
        "instance is a line at one layer and its neurons, its right side worked out from those numbers and its left the "
        "engine's, which must agree to 1e-12.",
    )
    return Derivation("", _title(subject), parts=_parts(subject, letters, made), notes=notes)


def _output(cost: Loss, hidden: Activation, asked: str | Activation | None) -> Activation:
    if asked is not None:
        with naming("output_activation"):
            output = activation_of(asked)
    else:
        output = activation_of(next(iter(cost.links))) if cost.links else hidden
    link = cost.links.get(output.name)
    if link is not None and not link.why:
        raise SettingsError(
            f"{setting('loss', cost.name)} with {output.name} is a rule of its own and no derivative: choose another "
            f"{setting('output_activation')} or {setting('loss')}"
        )
    return output


def _title(subject: Subject) -> str:
    return f"Backpropagation derived, in the letters of {subject.letters.name}"


def _parts(subject: Subject, letters: Letters, made: Sequence[Instance]) -> tuple[Derivation, ...]:
    def part(title: str, statements: Iterable[Statement], *, of_batch: bool = False) -> Derivation:
        checked = (replace(line, check=tried(line, letters, made, of_batch=of_batch)) for line in statements)
        return Derivation("", title, statements=tuple(checked))

    return (
        part("1. What is computed", forward(subject)),
        part("2. The chain rule", (*links_of_the_chain(subject), *chain_rule(subject))),
        part(f"3. The whole chain, written out for {subject.layers} layers", written_out(subject)),
        part(f"4. The recursion of {subject.delta_words}", recursion(subject)),
        part("5. As matrices", matrices(subject)),
        part("6. Many rows", many_rows(subject), of_batch=True),
    )


def _notes(subject: Subject, letters: Letters, made: Sequence[Instance]) -> tuple[str, ...]:
    start, end = letters.weight_indices
    ends = {"i": (start, "comes from"), "j": (end, "leads to")}
    weight = letters.shape("W")
    assert weight is not None
    (first, one), (second, other) = (ends[field] for field in weight.fields if field in ends)
    indices = f"{first}, {second} are the neuron it {one} and the one it {other}"
    if letters.names_each:
        indices += (
            f". {letters.name} has a name for each number of one network; here any is meant, so the layer is raised "
            "and the neurons stand below"
        )
    sizes = "; ".join("-".join(map(str, each.network.sizes)) for each in made)
    return (
        f"The letters of {letters.name}: {letters.words}. A weight's indices {indices}.",
        f"Put to the test on {len(made)} random networks of {subject.layers} layers ({sizes} neurons) with "
        f"{subject.activations}, and {spoken(subject.loss.spec)}: an instance is a line at one layer and its neurons, its "
        "right side worked out from the network's numbers and its left the engine's, which must agree to 1e-12.",
    )

"""A network as plain Python: its layers one after the other, over lists, or each weight by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._numbers import printable
from chainrule._types import FloatArray
from chainrule.equations.activations import Activation
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.explain.program.plain import PlainFunction, function_of, literal

WEIGHTED_SUMS = PlainFunction(
    """def weighted_sums(h, W, b):
    # z[j]: every number that enters times its weight to neuron j, summed, plus the bias
    return [sum(h_i * row[j] for h_i, row in zip(h, W)) + b_j for j, b_j in enumerate(b)]
""",
    frozenset(),
)
EMBEDDED = PlainFunction(
    """def embedded(x, f, phi, V, c):
    # a number as it is, and learned sums of its cosines
    u = [math.cos(2 * math.pi * f_k * x + phi_k) for f_k, phi_k in zip(f, phi)]
    return [x] + weighted_sums(u, V, c)
""",
    frozenset(),
)

IDENTITY = "identity"


class Names:
    """The functions of a program, each once: activations by what they compute, others by name."""

    def __init__(self) -> None:
        self.functions: dict[str, PlainFunction] = {}
        self._activations: dict[str, str] = {}

    def add(self, name: str, function: PlainFunction) -> str:
        """Take a function in, and return its name."""
        self.functions.setdefault(name, function)
        return name

    def activation(self, record: Activation) -> str:
        """Return the name of an activation's function; one with other parameters has a name of its own."""
        if record.spec not in self._activations:
            name = "activation" if record.name == "formula" else record.name
            many = sum(other == name or other.startswith(f"{name}_") for other in self._activations.values())
            name = f"{name}_{many + 1}" if many else name
            told = "".join(f", {key} = {value:g}" for key, value in record.parameters.items())
            formula = printable(f"{record.formula.text}{told}")
            made = function_of(
                name,
                ("z",),
                lambda graph, z: record(z, graph),
                formula,
                of_list=not record.elementwise,
                stable=record.function is not None,
            )
            self._activations[record.spec] = self.add(name, made)
        return self._activations[record.spec]


def applied(layer: Dense, z: str, names: Names, alpha: str = "alpha") -> str:
    """Return the expression of a neuron's output from its weighted sum; of a mix with its alpha."""
    a = z if layer.activation.name == IDENTITY else f"{names.activation(layer.activation)}({z})"
    return f"{z} + {alpha} * ({a} - {z})" if layer.mix else a


def network_function(name: str, network: Network, names: Names) -> PlainFunction:
    """Return the function of a member's parameters p and a row x that gives the outputs, layer by layer."""
    lines = ["h = x"]
    if network.features is not None:
        lines = list(_stage_lines(network.features, names))
    for layer_number, layer in enumerate(network.layers, 1):
        names.add("weighted_sums", WEIGHTED_SUMS)
        n_in = network.sizes[layer_number - 1]
        what = printable(layer.activation.spec)
        lines.append(f"# layer {layer_number}: {n_in} → {layer.n_out}, {what}")
        entering = "h"
        if layer.parametrization != "standard":
            entering = f"[{literal(layer.scale(n_in))} * h_i for h_i in h]"
        biases = {
            "neuron": f'p["b{layer_number}"]',
            "layer": f'p["b{layer_number}"] * {layer.n_out}',
            "none": f"[0] * {layer.n_out}",
        }[layer.bias]
        lines.append(f'z = weighted_sums({entering}, p["W{layer_number}"], {biases})')
        if layer.linear_path:
            lines.append("# the linear path: the inputs by weights of their own, past all hidden layers")
            lines.append(f'z = weighted_sums(x, p["S{layer_number}"], z)')
        if not layer.activation.elementwise:
            lines.append(f"h = {names.activation(layer.activation)}(z)")
        elif layer.mix:
            each = applied(layer, "z_j", names, "alpha_j")
            lines.append(f'h = [{each} for z_j, alpha_j in zip(z, p["alpha{layer_number}"])]')
        elif layer.activation.name == IDENTITY:
            lines.append("h = z")
        else:
            lines.append(f"h = [{applied(layer, 'z_j', names)} for z_j in z]")
    body = "".join(f"    {line}\n" for line in [*lines, "return h"])
    return PlainFunction(f"def {name}(x, p):\n{body}", frozenset())


def _stage_lines(features: Features, names: Names) -> Iterator[str]:
    yield f"# {printable(features.words)}"
    yield "h = []"
    column = numbers = levels = 0
    for group in features.groups:
        columns = f"x[{column}:{column + group.size}]"
        if group.kind == "number":
            names.add("weighted_sums", WEIGHTED_SUMS)
            names.add("embedded", EMBEDDED)
            own = ", ".join(f'p["{name}0"][{numbers}]' for name in ("f", "phi", "V", "c"))
            yield f"h += embedded(x[{column}], {own})"
            numbers += 1
        elif group.kind == "category":
            names.add("weighted_sums", WEIGHTED_SUMS)
            rows = f'p["E0"][{levels}:{levels + group.size}]'
            yield f"h += weighted_sums({columns}, {rows}, [0] * {features.level_width})"
            levels += group.size
        else:
            yield f"h += {columns}"
        column += group.size
    if features.scale:
        yield 'h = [s_i * h_i for s_i, h_i in zip(p["s0"], h)]'


def member_arrays(network: Network, flat: FloatArray) -> Iterator[tuple[str, Any]]:
    """Yield a member's parameters by name, "W1", as nested lists."""
    p = Layout(network).unflatten(np.asarray(flat, np.float64))
    for layer, arrays in p.items():
        for name, array in arrays.items():
            yield f"{name}{layer}", array.tolist()


def unrolled(
    network: Network, flat: FloatArray, entering: Sequence[str], names: Names
) -> tuple[list[str], list[str]]:
    """Return a line for each sum and each output of a small network without a feature stage, and the outputs' names."""
    lines: list[str] = []
    p: Mapping[int, Mapping[str, FloatArray]] = Layout(network).unflatten(np.asarray(flat, np.float64))
    h = list(entering)
    for layer_number, layer in enumerate(network.layers, 1):
        own, n_in = p[layer_number], len(h)
        biases = np.broadcast_to(own["b"], (layer.n_out,)) if "b" in own else None
        lines.append(f"# layer {layer_number}: {n_in} → {layer.n_out}, {printable(layer.activation.spec)}")
        sums = [f"z{layer_number}_{j}" for j in range(1, layer.n_out + 1)]
        for j, z in enumerate(sums):
            total = " + ".join(f"{literal(own['W'][i, j])} * {name}" for i, name in enumerate(h))
            if layer.parametrization != "standard":
                total = f"{literal(layer.scale(n_in))} * ({total})"
            if layer.linear_path:
                total += "".join(f" + {literal(own['S'][i, j])} * {name}" for i, name in enumerate(entering))
            lines.append(f"{z} = {total}" + ("" if biases is None else f" + {literal(biases[j])}"))
        h = [f"a{layer_number}_{j}" for j in range(1, layer.n_out + 1)]
        if layer.activation.elementwise:
            alphas = own["alpha"] if layer.mix else np.zeros(layer.n_out)
            pairs = zip(h, sums, alphas, strict=True)
            lines += [f"{a} = {applied(layer, z, names, literal(alpha))}" for a, z, alpha in pairs]
        else:
            lines.append(f"{', '.join(h)} = {names.activation(layer.activation)}([{', '.join(sums)}])")
    return lines, h

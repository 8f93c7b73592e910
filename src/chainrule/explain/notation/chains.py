"""What a notation writes before a line's own right side: the chain of factors of a derivative, a sum as a dot product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chainrule.explain.derive.lines import Line
from chainrule.explain.notation.naming import Naming
from chainrule.explain.trace.address import TERMS, Address
from chainrule.formula.nodes import Binary, Node, Symbol
from chainrule.formula.text import Substitute
from chainrule.formula.written import Lettered, Partial


def sides_before(line: Line, place: Address, naming: Naming) -> Iterator[tuple[Node, Substitute]]:
    """Yield right sides in symbols, each as a tree and what stands for its symbols."""
    if place.name == "z" and naming.notation.sum == "dot":
        yield from _dot_product(line, place, naming)
    if naming.notation.delta == "factors" and place.name.removeprefix("dC/d") in TERMS:
        yield from _chain(line, place, naming)


def _chain(line: Line, place: Address, naming: Naming) -> Iterator[tuple[Node, Substitute]]:
    """Yield ∂C/∂a · ∂a/∂z · ∂z/∂w of one weight on one row; of softmax, whose outputs share all of z, ∂C/∂z · ∂z/∂w."""
    layer, parameter = naming.network.layers[place.number - 1], place.by.plain
    shares = place.name == "dC/db" and layer.bias == "layer" and layer.n_out > 1
    # On several rows it is a sum of such products, and so it is where paths are added up.
    own = [
        name for name in line.values if name.startswith((f"delta[{place.layer}]", f"dC/da[{place.layer}]"))
    ]
    if not place.index or shares or len(own) != 1:
        return
    z = Address("z", place.layer, place.index[-1:])
    written = [naming.write(each) for each in (replace(z, name="a"), z, parameter, Address("C"))]
    a, by, weight, cost = (Lettered("C") if each == "C" else each for each in written)
    if isinstance(a, str) or isinstance(by, str) or isinstance(weight, str) or isinstance(cost, str):
        return
    factors = [Partial(cost, a), Partial(a, by)] if layer.activation.elementwise else [Partial(cost, by)]
    shown: dict[str, Partial] = {f"∂{n}": each for n, each in enumerate([*factors, Partial(by, weight)])}
    first, *others = map(Symbol, shown)
    node: Node = first
    for other in others:
        node = Binary("*", node, other)
    yield node, shown


def _dot_product(line: Line, place: Address, naming: Naming) -> Iterator[tuple[Node, Substitute]]:
    """Yield x · w + b, where all terms of the sum are products of weights."""
    layer = place.number
    kinds = naming.shapes[layer]
    entering = Address("x") if layer == 1 else Address("a", layer - 1)
    x, w = naming.write(entering), naming.write(Address("W", layer))
    if not kinds.keys() <= {"W", "b"} or any(
        name.startswith(("h[", "scale", "a[0]")) for name in line.values
    ):
        return
    if not isinstance(x, Lettered) or not isinstance(w, Lettered):
        return
    if naming.network.sizes[layer] > 1:
        w = replace(w, below=str(place.index[0]))
    shown: dict[str, Lettered] = {"entering": x, "weights": w}
    node: Node = Binary("*", Symbol("entering"), Symbol("weights"))
    if "b" in kinds:
        bias = next(name for name in line.values if name.startswith("b["))
        found = naming.write(Address.parse(bias).plain)
        node = Binary("+", node, Symbol(bias))
        if isinstance(found, Lettered):
            shown[bias] = found
    yield node, shown

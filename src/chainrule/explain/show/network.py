"""A network as notebooks show it: its layers, each with its formulas and shapes, and its cost."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from chainrule.formula.latex import latex
from chainrule.formula.mathml import mathml
from chainrule.formula.nodes import Node, Symbol

if TYPE_CHECKING:
    from chainrule.equations.network import Network


def formulas(network: Network) -> Iterator[tuple[int, Node, Node, str]]:
    """Return every layer's number, formulas of z[l] and a[l], whose symbols are addresses of whole arrays, and settings."""
    for number, layer in enumerate(network.layers, 1):
        entering = Symbol(f"a[{number - 1}]" if number > 1 or network.features else "x")
        n_in = network.sizes[number - 1]
        words = f"{n_in} → {layer.n_out}, {layer.words}"
        yield number, *layer.formulas(number, entering, n_in), words


def network_html(network: Network) -> str:
    """Return the network as a table of HTML with formulas in MathML.

    >>> from chainrule.equations.dense import Dense
    >>> from chainrule.equations.network import Network
    >>> network_html(Network([2, Dense(1, "sigmoid")])).count("<tr>")
    3
    """
    rows = [
        f"<tr><th scope=row>{number}</th><td>{_equation(f'z[{number}]', z)}</td>"
        f"<td>{_equation(f'a[{number}]', a)}</td><td>{escape(words)}</td></tr>"
        for number, z, a, words in formulas(network)
    ]
    cost = f"cost: the {network.reduction} of {network.loss.spec} over the rows"
    words = f"{network.n_inputs} inputs, {escape(cost)}"
    if network.features is not None:
        words += f"; layer 0, the feature stage: {escape(network.features.words)}"
    return (
        "<style>.chainrule-network :is(th, td, caption) {text-align: left; padding: 0.2em 0.8em 0.2em 0}</style>"
        f"<table class=chainrule-network><caption>{words}</caption>"
        "<thead><tr><th scope=col>layer</th><th scope=col>weighted sum</th><th scope=col>activation</th>"
        f"<th scope=col>of</th></tr></thead><tbody>{''.join(rows)}</tbody>"
        f"<tfoot><tr><th scope=row>loss</th><td colspan=3>{mathml(network.loss.formula.root)}</td></tr></tfoot></table>"
    )


def network_latex(network: Network) -> str:
    r"""Return the network's formulas in LaTeX, in display mode.

    >>> from chainrule.equations.dense import Dense
    >>> from chainrule.equations.network import Network
    >>> print(network_latex(Network([2, Dense(1, "tanh", bias="none")])))
    $$\begin{aligned}
    z^{(1)} &= x \, W^{(1)} & a^{(1)} &= \tanh\left(z^{(1)}\right)
    \end{aligned}$$
    """
    rows = [
        f"{latex(Symbol(f'z[{n}]'))} &= {latex(z)} & {latex(Symbol(f'a[{n}]'))} &= {latex(a)}"
        for n, z, a, _ in formulas(network)
    ]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def _equation(left: str, right: Node) -> str:
    return f"{mathml(Symbol(left))} = {mathml(right)}"

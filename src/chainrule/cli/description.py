"""How a model is shown: what it is, its layers, its inputs and their arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console

from chainrule.cli.console import printable
from chainrule.cli.report import (
    MOST_COLUMNS,
    MOST_NAMES,
    SCORE_NAMES,
    STOPPED,
    bold,
    clamp_words,
    facts,
    more,
    number,
    plain,
    shape_of,
    table_of,
)

if TYPE_CHECKING:
    from chainrule.equations.network import Network
    from chainrule.model.model import Model
    from chainrule.tables.columns import Input


def print_description(console: Console, model: Model, path: str) -> None:
    """Show what a model file holds."""
    console.print(bold(path))
    _print_facts(console, model)
    for place, group in enumerate(model.groups, 1):
        console.print()
        console.print(bold("Layers" if len(model.groups) == 1 else f"Layers of group {place}"))
        _print_layers(console, group.network)
    _print_inputs(console, model)


def _print_layers(console: Console, network: Network) -> None:
    grid = table_of("layer", "neurons", "activation", "a = f(z)", "W", "b", right=[0, 1])
    shapes = network.shapes()[: len(network.layers)]
    for index, (layer, arrays) in enumerate(zip(network.layers, shapes, strict=True)):
        if index >= MOST_COLUMNS:
            break
        weights, bias = (" × ".join(map(str, arrays.get(name, ("none",)))) for name in ("W", "b"))
        spec, text = layer.activation.spec, layer.activation.text
        text = f"z + alpha*({text} - z)" if layer.mix else text
        weights += " / sqrt(n_in)" if layer.parametrization != "standard" else ""
        grid.add_row(str(index + 1), str(layer.n_out), plain(spec), plain(text), weights, bias)
    console.print(grid)
    more(console, len(network.layers) - MOST_COLUMNS, "layers")
    if network.features is not None:
        console.print(plain(f"layer 0: {network.features.words}"))
        console.print()


def _print_facts(console: Console, model: Model) -> None:
    target, card = model.target, model.card
    grid = facts()
    grid.add_row("task", plain(f"{model.task} of {target.name}"))
    if model.task == "classification":
        grid.add_row("classes", plain(_listed(target.labels)))
    elif target.formula != "v":
        grid.add_row("target", plain(f"y = {target.formula}, {_values(target.parameters)}"))
    if target.clamp is not None:
        grid.add_row("answers", clamp_words(target))
    for place, (group, share) in enumerate(zip(model.groups, model.shares, strict=True), 1):
        if len(model.groups) > 1:
            grid.add_row(f"group {place}", f"{share:.3g} of the answer")
        network = group.network
        grid.add_row("network", plain(shape_of(network, group.members)))
        grid.add_row("loss", plain(f"{network.loss.text}, {network.reduction} over rows"))
        grid.add_row("parameters", f"{group.parameters.shape[1]:,} in each network, {group.parameters.dtype}")
    if card:
        rows = ", ".join(f"{n:,} {what}" for what, n in _in_order(card["rows"]) if n)
        grid.add_row("trained on", plain(f"{card['table']}: {rows}"))
        if card["weights"] is not None:
            grid.add_row("weights", plain(f"of the rows, from column {card['weights']}"))
        grid.add_row("training", plain(", ".join(_how(card, model))))
        kept = sorted(set(card["best_epochs"]))
        ending = f", {STOPPED[card['stopped']]}" if card["stopped"] in STOPPED else ""
        span = f"{kept[0]:,} to {kept[-1]:,}" if len(kept) > 1 else ", ".join(map(str, kept))
        grid.add_row("epochs", plain(f"{card['epochs_run']:,} run{ending}, kept {span}"))
        scores = card["scores"] or {}
        shown = [f"{name} {number(scores[key])}" for key, name in SCORE_NAMES.items() if key in scores]
        if shown:
            grid.add_row("held-out score", ", ".join(shown))
    console.print(grid)


def _how(card: Mapping[str, Any], model: Model) -> Iterator[str]:
    """Say how a model was trained, in the words of the report of training."""
    yield from (card["optimizer"], f"learning rate {card['learning_rate']:g}")
    if card["schedule"] != "constant":
        yield f"schedule {card['schedule']}"
    yield "row by row" if card["batch_size"] == 1 else f"batches of {card['batch_size']:,} rows"
    dropout = max(layer.dropout for group in model.groups for layer in group.network.layers)
    amounts = {"weight decay": card["weight_decay"], "L1": card["l1"], "L2": card["l2"], "dropout": dropout}
    yield from (f"{name} {amount:g}" for name, amount in amounts.items() if amount)
    if card.get("regularization_schedule"):
        yield f"regularization schedule {card['regularization_schedule']}"
    if card["clip_norm"] is not None:
        yield f"gradients no longer than {card['clip_norm']:g}"
    if "sharing" in card:
        yield f"members share the hidden layers' weights ({card['sharing']})"
    if "stop_together" in card:
        yield "members ended together"
    if "bagging" in card:
        yield f"each member held out its own fold of {card['bagging']}"
    if card.get("refit"):
        yield "trained again on all rows when the best epoch was known"
    if "watch" in card:
        yield f"early stopping by {card['watch']}"
    if card["temperature"] is not None:
        yield f"temperature {card['temperature']:.4g}"
    yield f"seed {card['seed']}"


def _in_order(rows: dict[str, int]) -> Iterable[tuple[str, int]]:
    words = {"training": "training", "validation": "validation", "test": "held-out rows"}
    return ((word, rows[key]) for key, word in words.items())


def _print_inputs(console: Console, model: Model) -> None:
    """Show the inputs; a formula is written once, and for each input the numbers in it."""
    console.print(bold("Inputs"))
    grid = table_of("neuron", "name", "value")
    inputs = model.encoder.inputs
    formulas: dict[str, str] = {}
    for index, neuron in enumerate(inputs[:MOST_COLUMNS]):
        grid.add_row(f"x[{index + 1}]", plain(neuron.name), plain(_arithmetic(neuron, formulas)))
    console.print(grid)
    more(console, len(inputs) - MOST_COLUMNS, "inputs (--json has all)")
    for name, formula in formulas.items():
        console.print(plain(f"{name}(v) = {formula}"))
    console.print("v: the cell of the table, or the part of its date; \\[…]: 1 if that is so, else 0")


def _arithmetic(neuron: Input, formulas: dict[str, str]) -> str:
    """Write ``robust(v), median 43.6, scale 8.6`` and remember the formula that ``robust`` stands for."""
    from chainrule.tables.scalings import ARITHMETIC

    if not neuron.parameters:
        return neuron.formula
    scaling = next(scaling for scaling in ARITHMETIC.values() if scaling.formula == neuron.formula)
    formulas[scaling.name] = neuron.formula
    return f"{scaling.name}(v), {_values({name: neuron.parameters[name] for name in scaling.parameters})}"


def _values(parameters: Any) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in parameters.items())


def _listed(labels: Iterable[object]) -> str:
    names = [printable(label) for label in labels]
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest:,} more" if rest > 0 else "")

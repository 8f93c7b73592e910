"""What there is to say of a model: what it is, its layers, its inputs and their arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.explain.show.document import (
    Block,
    Cell,
    Document,
    Facts,
    Section,
    Styled,
    TableBlock,
    Words,
    more,
    with_formulas,
)
from chainrule.model.card import CardSearch
from chainrule.reports.search import verdict_of
from chainrule.reports.training import MOST_COLUMNS, answer_facts
from chainrule.reports.words import (
    class_weight_words,
    score_words,
    shape_of,
    start_words,
    stopped_words,
    threshold_words,
    training_words,
)
from chainrule.tables.rows.parting import SplitRule

if TYPE_CHECKING:
    from chainrule.equations.network import Network
    from chainrule.model.model import Model
    from chainrule.tables.encoding.columns import Input

MOST_NAMES = 20


def description_document(model: Model, path: str, *, drawn: bool = False) -> Document:
    """Return what a model file holds; ``drawn``: with pictures of its networks and their activations."""
    each, several = [group.parameters.shape[1] for group in model.groups], len(model.groups) > 1
    sizes = {"members": model.members, "parameters_per_member": each if several else each[0]}
    blocks: list[Block] = [Facts(tuple(model_facts(model)))]
    first = 0
    for place, group in enumerate(model.groups, 1):
        title = f"Layers of group {place}" if several else "Layers"
        pictures = tuple(_pictures(model, first)) if drawn else ()
        blocks.append(Section(title, (*pictures, *_layers(group.network))))
        first += group.members
    return Document(path, (*blocks, _inputs(model)), data={**sizes, **model.to_dict()})


def _pictures(model: Model, member: int) -> Iterator[Block]:
    """Yield a member (from 0) drawn, and the activations of its layers with their derivatives."""
    from chainrule.explain.show.document import Picture
    from chainrule.explain.show.drawn import model_layers, picture
    from chainrule.explain.show.layers import activation_charts

    title = "The network" if model.members == 1 else f"The network of member {member + 1}"
    yield picture(model_layers(model, member), title)
    if (curves := activation_charts(model.member(member).network.layers)) is not None:
        yield Picture(curves)


def _layers(network: Network) -> Iterator[Block]:
    rows = []
    layers, shapes = network.layers, network.shapes()
    for number, layer in enumerate(layers[:MOST_COLUMNS], 1):
        weights, bias = (" × ".join(map(str, shapes[number].get(name, ("none",)))) for name in ("W", "b"))
        spec, text = layer.activation.spec, layer.activation.text
        text = f"z + alpha*({text} - z)" if layer.mix else text
        weights += " / $sqrt(n_in)$" if layer.parametrization != "standard" else ""
        shown = Styled(spec, as_typed=True), with_formulas(f"${text}$"), with_formulas(weights)
        path = (
            (" × ".join(map(str, shapes[number].get("S", ("none",)))),) if network.output.linear_path else ()
        )
        rows.append((str(number), str(layer.n_out), *shown, *path, bias))
    headers = (
        *("layer", "neurons", "activation", "a = f(z)", "W"),
        *(("S",) if network.output.linear_path else ()),
        "b",
    )
    yield TableBlock(headers, tuple(rows), (0, 1), more(len(layers) - MOST_COLUMNS, "layers"))
    if network.features is not None:
        yield Words(f"layer 0: {network.features.words}")
    if network.output.linear_path:
        yield Words(
            "S: the linear path, weights from every input straight to every output, past all hidden layers"
        )


def model_facts(model: Model) -> Iterator[tuple[str, Cell]]:
    """Yield what a model is, by name: task, classes, network, parameters, training."""
    target, card = model.target, model.card
    yield "task", f"{model.task} of {target.name}"
    for part in target.parts:
        which = "" if len(target.parts) == 1 else f", {part.name}"
        if model.task == "classification":
            yield f"classes{which}", _listed(part.labels)
        elif part.formula != "v":
            yield f"target{which}", with_formulas(f"$y = {part.formula}$, {_values(part.parameters)}")
    if target.clamp is not None:
        yield from answer_facts(target)
    for place, (group, share) in enumerate(zip(model.groups, model.shares, strict=True), 1):
        network, parameters = group.network, group.parameters
        if len(model.groups) > 1:
            yield f"group {place}", f"{share:.3g} of the answer"
        yield "network", shape_of(network, group.members)
        yield "loss", with_formulas(f"${network.loss.text}$, {network.reduction} over rows")
        yield "parameters", f"{parameters.shape[1]:,} in each network, {parameters.dtype}"
        if begins := start_words(group.card or card or {}, network):
            yield "start", begins
        if group.card:
            yield "training", ", ".join(_how(group.card, network))
            yield "epochs", _epochs(group.card)
    if card:
        words = {"training": "training", "validation": "validation", "test": "held-out rows"}
        rows = ", ".join(f"{n:,} {word}" for key, word in words.items() if (n := card["rows"][key]))
        yield "trained on", f"{card['table']}: {rows}"
        if card["weights"] is not None:
            yield "weights", f"of the rows, from column {card['weights']}"
        strongest = max(
            (g.network for g in model.groups), key=lambda net: max(one.dropout for one in net.layers)
        )
        if "split" in card:
            yield "split", SplitRule.from_dict(card["split"]).words
        if "class_weights" in card:
            yield "classes", class_weight_words(card["class_weights"].keys(), card["class_weights"].values())
        if not any(group.card for group in model.groups):
            yield "training", ", ".join(_how(card, strongest))
            yield "epochs", _epochs(card)
        if "search" in card:
            found = CardSearch.from_dict(card["search"])
            yield "search", verdict_of(found)
        if model.threshold is not None:
            yield "threshold", threshold_words(model)
        if scores := score_words(card["scores"] or {}):
            yield "held-out score", scores


def _epochs(card: Mapping[str, Any]) -> str:
    """Say how many epochs there were, and which are kept."""
    kept = sorted(set(card["best_epochs"]))
    why = stopped_words(card["stopped"], card.get("watch", "loss"))
    ending = f", {why}" if why else ""
    span = f"{kept[0]:,} to {kept[-1]:,}" if len(kept) > 1 else ", ".join(map(str, kept))
    return f"{card['epochs_run']:,} run{ending}, kept {span}"


def _how(card: Mapping[str, Any], network: Network) -> Iterator[str]:
    """Say how a model was trained."""
    yield from training_words(card, network, card["rows"]["training"])
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


def _inputs(model: Model) -> Section:
    """Return the inputs; a formula is written once, and for each input the numbers in it."""
    formulas: dict[str, str] = {}
    inputs = model.encoder.inputs
    rows = tuple(
        (Styled(f"x[{index}]", is_name=True), neuron.name, _arithmetic(neuron, formulas))
        for index, neuron in enumerate(inputs[:MOST_COLUMNS], 1)
    )
    rest = more(len(inputs) - MOST_COLUMNS, "inputs (JSON has all)")
    told = [Words(f"${name}(v) = {formula}$", formulas=True) for name, formula in formulas.items()]
    told.append(Words("v: the cell of the table, or the part of its date; […]: 1 if that is so, else 0"))
    return Section("Inputs", (TableBlock(("neuron", "name", "value"), rows, more=rest), *told))


def _arithmetic(neuron: Input, formulas: dict[str, str]) -> str:
    """Write ``robust(v), median 43.6, scale 8.6`` and remember the formula that ``robust`` stands for."""
    from chainrule.tables.encoding.scalings import ARITHMETIC

    if not neuron.parameters:
        return neuron.formula
    scaling = next(scaling for scaling in ARITHMETIC.values() if scaling.formula == neuron.formula)
    formulas[scaling.name] = neuron.formula
    return f"{scaling.name}(v), {_values({name: neuron.parameters[name] for name in scaling.parameters})}"


def _values(parameters: Any) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in parameters.items())


def _listed(labels: Iterable[object]) -> str:
    names = [str(label) for label in labels]
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest:,} more" if rest > 0 else "")

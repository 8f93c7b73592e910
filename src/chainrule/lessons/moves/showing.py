"""Moves that show the numbers of one moment: derivations, the next update, gradients by layer, errata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from chainrule.errors import SettingsError
from chainrule.explain.derive.derivation import Form, derive
from chainrule.explain.derive.equal import equal_once
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.diagnose.diagnosis import KINDS, diagnose
from chainrule.explain.show.document import Block, Erratum, Words, Worked
from chainrule.explain.show.drawn import drawn_layers, network_layers, picture
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.formula.names import spoken
from chainrule.lessons.fields import Field, listing, toml_choice, toml_flag, toml_table, toml_text, toml_whole
from chainrule.lessons.moves.base import Move, MoveResult, Scene
from chainrule.lessons.printed import printed

MOST_PLACES = 6
"""The most addresses of a finding that are listed."""

MOST_PARAMETERS = 40
"""The most parameters that are listed one by one."""


def say(scene: Scene) -> MoveResult:
    """Show words and checks only."""
    return MoveResult([])


def erratum(scene: Scene) -> MoveResult:
    """Show what a text prints and what is right; that the numbers in ``wrong`` don't come out is checked after it."""
    return MoveResult([Erratum(scene["printed"], scene["right"], scene["why"])])


def describe(scene: Scene) -> MoveResult:
    """Show the layers with their formulas and shapes, and the parameters."""
    setup = scene.setup
    parameters = setup.layout.unflatten(setup.flat)
    drawn = picture(network_layers(setup.network, parameters, **end_names(scene)))
    return MoveResult([drawn, *described(scene)])


def described(scene: Scene) -> list[Block]:
    """Return the layers with their formulas and shapes, and the parameters, without a drawing."""
    setup = scene.setup
    network = setup.network
    layers = tuple(
        (
            scene.layer(number),
            str(layer.n_out),
            spoken(layer.activation.name),
            _formula_of(scene, number),
            " × ".join(
                map(str, network.sizes[number - 1 : number + 1][:: -1 if scene.notation.columns else 1])
            ),
            {"none": "none", "layer": "1, shared"}.get(layer.bias, str(layer.n_out)),
        )
        for number, layer in enumerate(network.layers, 1)
    )
    loss_text = scene.written(network.loss.formula, last=True)
    words = f"{network.n_inputs} input{'s' * (network.n_inputs > 1)}; loss of a row: ${loss_text}$"
    over = {"sum": "summed", "mean": "averaged"}
    words += f", {over[network.loss.over_outputs]} over the outputs" * (network.output.n_out > 1)
    words += f"; cost: the {network.reduction} over the rows" * (setup.settings.batch_size > 1)
    words += _classes(scene)
    headers = ("layer", "neurons", "activation", "formula", "W", "biases")
    grid = Grid(headers, layers, ("activation", "formula"), formulas=("formula",))
    return [Words(f"{words}."), grid, *_parameters(scene)]


def _classes(scene: Scene) -> str:
    """Say what the outputs stand for, where they are a table's classes."""
    setup = scene.setup
    names = setup.class_names
    if not names or setup.cells is None:
        return ""
    if len(setup.output_names) < len(names):
        said = f"0 is {names[0]}, 1 is {names[1]}"
    else:
        said = ", ".join(f"output {j} is {name}" for j, name in enumerate(names, 1))
    return f"; {setup.cells.target.name}: {said}"


def end_names(scene: Scene) -> dict[str, Any]:
    """Return how a drawing of the network is to name its ends and count its layers."""
    network = scene.setup.network
    inputs = [scene.small(f"x[{i}]") for i in range(1, network.n_inputs + 1)]
    if scene.setup.cells is not None:
        inputs = list(scene.setup.input_names)
    outputs: Sequence[str] = scene.setup.output_names or [
        scene.small(f"a[{len(network.layers)}][{j}]") for j in range(1, network.output.n_out + 1)
    ]
    return {"inputs": inputs, "outputs": outputs, "first_layer": scene.notation.first_layer}


DRAWN = {
    "values": ("a", "The network with the row in it"),
    "deltas": ("delta", "The network with the deltas on it"),
}
"""What a derivation's network may be drawn with: the letter of the numbers in its neurons, and the title."""


def _drawn(scene: Scene, trace: Trace) -> Iterator[Block]:
    """Yield the network with a row's numbers in it, where the step asks for that."""
    if scene["drawn"] is not None:
        kind, title = DRAWN[scene["drawn"]]
        yield picture(drawn_layers(trace, kind=kind, **end_names(scene)), title)


def _formula_of(scene: Scene, number: int) -> str:
    """Return the formula of a layer's activation."""
    layers = scene.setup.network.layers
    return scene.written(layers[number - 1].activation.formula, last=number == len(layers))


def _parameters(scene: Scene) -> list[Block]:
    """Return a table of the parameters, in as many columns as 80 signs hold."""
    values, frozen = scene.setup.parameters(), scene.setup.layout.free == 0
    kept = {name for name, stays in zip(values, frozen, strict=True) if stays}
    cells = [
        (name, scene.number(values[name]) + (" frozen" if name in kept else ""))
        for name in scene.naming.in_order(values)
    ]
    if len(cells) > MOST_PARAMETERS:
        return [Words(f"{len(cells)} parameters.")]
    columns = 3 if len(cells) > 6 else 1
    height = -(-len(cells) // columns)
    padded = [*cells, *[("", "")] * (columns * height - len(cells))]
    rows = tuple(
        tuple(part for column in range(columns) for part in padded[column * height + row])
        for row in range(height)
    )
    return [Grid(("parameter", "value") * columns, rows, ("parameter",))]


def show_derivations(scene: Scene) -> MoveResult:
    """Show how numbers come about."""
    trace = scene.setup.trace(scene["rows"])
    only: Sequence[str] | None = scene["only"]
    blocks: list[Block] = list(_drawn(scene, trace))
    known: dict[str, float] = {}
    for address in scene["addresses"]:
        trace.array(address)  # says what is missing, such as targets
        made = derive(trace, address, form=scene["form"], hand=scene["hand"], from_start=scene["from_start"])
        # What was worked out a moment ago needn't be worked out again.
        fresh = tuple(line for line in made.lines if not line.address or line.address not in known)
        known.update({line.address: line.result for line in made.lines if line.address})
        begun = any(isinstance(block, Worked) for block in blocks)
        lines = equal_once(fresh or made.lines[-1:]) if only is None else fresh or made.lines[-1:]
        shown = replace(made, lines=lines, hand="" if begun else made.hand)
        blocks.append(Worked(shown if only is None else _excerpt(shown, only), scene.digits))
    there = {_plain(name) for name in known}
    if missing := [name for name in only or () if name not in there]:
        raise SettingsError(
            f"only: no line has the address {missing[0]}; there are {', '.join(sorted(there))}"
        )
    return MoveResult(blocks, known if scene["hand"] is not None else {})


def _excerpt(made: Derivation, only: Sequence[str]) -> Derivation:
    """Return the lines of some addresses and those without one, or else the last, and nothing that explains the others."""
    lines = tuple(line for line in made.lines if not line.address or _plain(line.address) in only)
    return replace(made, lines=lines or made.lines[-1:], calculus=(), hand="")


def _plain(address: str) -> str:
    """Return an address without the row it is of."""
    return str(Address.parse(address).plain)


def update(scene: Scene) -> MoveResult:
    """Show every parameter before and after the next update, with its gradient; the update isn't made."""
    trace = scene.setup.trace(scene["rows"])
    made = trace.steps[0].update
    if made is None:
        raise SettingsError("an update needs targets: give y")
    places = {name: place for place, name in enumerate(scene.setup.parameters())}
    rows = []
    for name in scene.naming.in_order(places)[:MOST_PARAMETERS]:
        i = places[name]
        gradient = scene.number(made.stages["g"][i]) if scene.setup.layout.free[i] else "frozen"
        before, after = scene.number(trace.steps[0].parameters[i]), scene.number(made.parameters[i])
        rows.append((name, before, gradient, after))
    rows.append(("C", scene.number(trace["C"]), "", scene.number(trace["C_new"])))
    return MoveResult([Grid(("parameter", "before", "gradient", "after"), tuple(rows), ("parameter",))])


def gradients(scene: Scene) -> MoveResult:
    """Show for each layer the largest gradient, the largest slope, and how it compares with the layer after it."""
    trace = scene.setup.trace(scene["rows"])
    layers = range(1, len(scene.setup.network.layers) + 1)
    step = trace.steps[0]
    if step.gradients is None:
        raise SettingsError("gradients need targets: give y")
    largest = {n: float(np.max(np.abs(trace.array(f"dC/dW[{n}]")))) for n in layers}
    known: dict[str, float] = {}
    rows = []
    for layer in layers:
        slope = step.slopes[layer - 1]
        steepest = "" if slope is None else scene.number(float(np.max(np.abs(slope))))
        known[f"largest[{layer}]"] = largest[layer]
        share = ""
        if following := largest.get(layer + 1):
            known[f"ratio[{layer}]"] = largest[layer] / following
            share = scene.number(known[f"ratio[{layer}]"])
        rows.append((scene.layer(layer), steepest, scene.number(largest[layer]), share))
    headers = ("layer", "steepest slope", "largest gradient", "ratio to the next layer")
    return MoveResult([Grid(headers, tuple(rows))], known)


def show_diagnosis(scene: Scene) -> MoveResult:
    """Show what a diagnosis of the network on its rows finds."""
    found = diagnose(*scene.setup.model())
    blocks: list[Block] = []
    for finding in found.findings:
        where = ", ".join(finding.where[:MOST_PLACES]) + ", …" * (len(finding.where) > MOST_PLACES)
        why, remedy = f"Why it matters: {finding.why}", f"What to try: {finding.remedy}"
        blocks.append(Words(_sentence(f"{finding.what} ({where})" if where else finding.what)))
        blocks.append(Words(f"{_sentence(why)} {_sentence(remedy)}"))
    known = dict.fromkeys(KINDS, 0.0)
    known |= {finding.kind: float(len(finding.where)) for finding in found.findings}
    return MoveResult(blocks or [Words(f"Nothing is wrong on the {found.rows} rows.")], known)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")


SHOWING: dict[str, Move] = {
    "say": Move(say),
    "erratum": Move(
        erratum,
        {
            "printed": Field(toml_text, "what the text prints", required=True),
            "right": Field(toml_text, "what is right", required=True),
            "why": Field(toml_text, "why", required=True),
            "wrong": Field(toml_table(printed), "names with printed numbers that must not come out", {}),
        },
    ),
    "describe": Move(describe),
    "derive": Move(
        show_derivations,
        {
            "addresses": Field(listing(toml_text), "of the numbers, in the order of showing", required=True),
            "form": Field(
                toml_choice(get_args(Form)), "of a derivative: short, paths, recursive, matrix", "short"
            ),
            "hand": Field(
                toml_whole(1, 15),
                "by hand: activations to so many decimal places, other lines to one digit more",
            ),
            "from_start": Field(toml_flag, "a line for every number on the way, from the inputs on", False),
            "drawn": Field(
                toml_choice(tuple(DRAWN)),
                "the network, drawn with the first row's values or its deltas in the neurons",
            ),
            "only": Field(
                listing(toml_text),
                "of all lines those of these addresses, without the rules of a slope and of rounding",
            ),
        },
    ),
    "update": Move(update),
    "gradients": Move(gradients, numbers=r"(largest|ratio)\[\d+\]"),
    "diagnose": Move(show_diagnosis, numbers="|".join(KINDS)),
}

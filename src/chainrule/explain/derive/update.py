"""Lines of the update: penalties, clipping, weight decay, the optimizer's own lines, and the change of the cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chainrule.engines.base import StepSettings
from chainrule.equations.features import DECAYED as STAGE_WEIGHTS
from chainrule.equations.regularizers import CLIP, DECAY, PENALTY, PENALTY_SLOPE
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Rule, Writer, multiplied, names_in, put
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.explain.trace.records import Update
from chainrule.formula.nodes import Binary, Call, Negate, Node, Number, Symbol
from chainrule.formula.rounding import UNIT
from chainrule.formula.simplify import simplify


def update_of(writer: Writer) -> Update:
    """Return the step's update, which the address has made sure of."""
    assert writer.step.update is not None
    return writer.step.update


def about(place: Address, name: str) -> Address:
    """Return the address of another quantity of the same parameter: ``about(W_new[2][1,3], "g")`` is g/dW[2][1,3].

    A name that ends in _new or is w, decayed or C is written as it is addressed.
    """
    own = place.by.name.partition("_")[0]
    names = {"w": own, "w_new": f"{own}_new", "w_decayed": f"{own}_decayed"}
    return replace(place, name=names.get(name, f"{name}/d{own}"), row=None)


def is_frozen(writer: Writer, place: Address) -> bool:
    """Tell whether training leaves a parameter alone."""
    own = place.by.name.partition("_")[0]
    slot = writer.trace.layout.slot(place.number, own)
    at = slot.start + int(np.ravel_multi_index([i - 1 for i in place.index], slot.shape))
    return not writer.trace.layout.free[at]


def is_weight(place: Address) -> bool:
    """Tell whether penalties and decay are about the parameter: weights have them, biases don't."""
    return place.quantity.place == "weight" or place.parameter in STAGE_WEIGHTS


def rate_of(writer: Writer, place: Address) -> Node:
    """Return the learning rate of a parameter: eta, times its factor where that isn't 1."""
    slot = writer.trace.layout.slot(place.number, place.by.name.partition("_")[0])
    factor = float(writer.trace.layout.rates[slot.start])
    eta = writer.symbol("eta")
    return eta if factor == 1 else Binary("*", Number(factor), eta)


def symbol(writer: Writer, place: Address, name: str) -> Symbol:
    """Return the symbol of another quantity of the same parameter."""
    return writer.symbol_of(about(place, name))


def learning_rate(writer: Writer, place: Address) -> Line:
    """Return eta by its schedule."""
    rate = update_of(writer).rate
    assert rate is not None
    made = rate.schedule
    node = put(made.formula.root, {"eta": Symbol("eta_0"), "t": Symbol("made")})
    words = f"learning rate: schedule {made.name}"
    values = {
        "eta_0": rate.base,
        "made": float(rate.made),
        "T": float(max(rate.total, 1)),
        "epoch": float(rate.epoch),
        "plateaus": float(rate.plateaus),
        "warmup": float(rate.warmup),
        **made.parameters,
    }
    if rate.warmup:
        above = Binary("*", Symbol("eta_0"), Binary("+", Symbol("made"), Number(1.0)))
        node = Call("min", (node, Binary("/", above, Symbol("warmup"))))
        words += ", in the warm-up at most its share"
    told = {
        "eta_0": "the base rate",
        "made": "the number of updates before this one",
        "T": "the number of updates in the whole training",
    }
    note = ", ".join(f"{name} is {text}" for name, text in told.items() if name in names_in(node))
    return writer.line(words, place, node, values, note=note)


def penalized_gradient(writer: Writer, place: Address) -> Line:
    """Return the gradient with the penalty's slope, 0 where the parameter is frozen."""
    settings = update_of(writer).settings
    if is_frozen(writer, place):
        return writer.line("frozen: training leaves it alone", place, Number(0.0))
    g = symbol(writer, place, "dC")
    if not is_weight(place) or not (settings.l1 or settings.l2):
        return writer.line("no penalty is about it", place, g)
    slope = _without_zero(PENALTY_SLOPE.root, settings, symbol(writer, place, "w"))
    values = {"l1": settings.l1, "l2": settings.l2}
    return writer.line("gradient, plus the slope of the penalty", place, Binary("+", g, slope), values)


def _without_zero(node: Node, settings: StepSettings, w: Symbol) -> Node:
    """Return a penalty's formula for one weight, without the part that is not in use."""
    unused: dict[str, Node] = {name: Number(0.0) for name in ("l1", "l2") if not getattr(settings, name)}
    return put(simplify(put(node, unused)), {"w": w})


def length(writer: Writer, place: Address) -> Line:
    """Return the length of the whole gradient, before clipping."""
    update, layout = update_of(writer), writer.trace.layout

    def square(i: int) -> Node:
        name = Address.parse(layout.address(i)).at(step=writer.place.step)
        return Binary("^", symbol(writer, name, _before_clipping(writer)), Number(2.0))

    total = writer.total(square, update.penalized**2, "parameters")
    node = Call("sqrt", (total.node,))
    slack = len(update.penalized) * UNIT * float(np.linalg.norm(update.penalized))
    return writer.line(
        "length of the gradient over all parameters", place, node, total.values, slack=slack, note=total.note
    )


def _before_clipping(writer: Writer) -> str:
    settings = update_of(writer).settings
    changed = settings.l1 or settings.l2 or not writer.trace.layout.free.all()
    return "penalized" if changed else "dC"


def used_gradient(writer: Writer, place: Address) -> Line:
    """Return the gradient that the optimizer gets: clipped where it is longer than the limit."""
    settings = update_of(writer).settings
    g = symbol(writer, place, _before_clipping(writer))
    if settings.clip_norm is None:
        return writer.line("nothing is clipped", place, g)
    norm = writer.at("norm")
    length_now = writer.value(str(norm))
    if length_now <= settings.clip_norm:
        words = f"the gradient is no longer than clip_norm = {settings.clip_norm:g}, and stays"
        return writer.line(words, place, g)
    node = put(CLIP.root, {"g": g, "norm": writer.symbol_of(norm)})
    # The engine takes the length of a scaled gradient, whose squares can't overflow.
    slack = len(update_of(writer).raw) * UNIT * abs(writer.trace[about(place, "g")])
    words = "clipping: a gradient longer than the limit is shortened to it"
    return writer.line(words, place, node, {"limit": settings.clip_norm}, slack=slack)


def decayed(writer: Writer, place: Address) -> Line:
    """Return the parameter after weight decay."""
    settings = update_of(writer).settings
    w = symbol(writer, place, "w")
    if is_frozen(writer, place):
        return writer.line("frozen: nothing decays", place, w)
    if not is_weight(place) or not settings.weight_decay:
        others = {"bias": "biases don't decay", "mix": "a mix doesn't decay"}
        return writer.line(others.get(place.quantity.noun, "nothing decays"), place, w)
    decay: Node = Symbol("decay")
    if update_of(writer).regularization is not None:
        decay = Binary("*", decay, writer.symbol("strength"))
    node = put(DECAY.root, {"w": w, "eta": rate_of(writer, place), "decay": decay})
    return writer.line("weight decay: the weight shrinks", place, node, {"decay": settings.weight_decay})


def strength_of(writer: Writer, place: Address) -> Line:
    """Return the factor of dropout and weight decay by its schedule."""
    made = update_of(writer).regularization
    assert made is not None
    share = Binary("/", Symbol("epoch"), Symbol("epochs"))
    values = {"epoch": float(made.epoch), "epochs": float(made.epochs)}
    node = put(made.schedule.formula.root, {"t": share})
    note = "epoch is the number of epochs before this one, epochs that of the whole training"
    return writer.line(f"strength of regularization: {made.schedule.name}", place, node, values, note=note)


def updated(writer: Writer, place: Address) -> Line:
    """Return the new parameter by the optimizer's last line; a frozen one stays."""
    return optimizer_line(writer, place, "w")


def optimizer_number(writer: Writer, place: Address) -> Line:
    """Return one of the optimizer's numbers of a parameter: the result of one of its lines."""
    return optimizer_line(writer, place, place.name.partition("/d")[0].removesuffix("_new"))


def optimizer_line(writer: Writer, place: Address, wanted: str) -> Line:
    """Return the line of the optimizer that sets ``wanted``, its names put as addresses of the parameter."""
    update = update_of(writer)
    method, settings = update.settings.optimizer, update.settings
    if is_frozen(writer, place) and wanted == "w":
        return writer.line("frozen: training leaves it alone", place, symbol(writer, place, "w"))
    decays = bool(settings.weight_decay) and is_weight(place) and not is_frozen(writer, place)
    changes = settings.clip_norm is not None or _before_clipping(writer) == "penalized"
    names: dict[str, Node] = {
        "w": symbol(writer, place, "w_decayed" if decays else "w"),
        "g": symbol(writer, place, "g" if changes else "dC"),
        "eta": rate_of(writer, place),
        "t": writer.symbol("t"),
        **{name: symbol(writer, place, name) for name in method.state},
    }
    for name, made in method.formulas:
        if name == wanted:
            words = f"{method.name}: {name} = {made}"
            return writer.line(words, place, put(made.root, names), method.parameters)
        names[name] = symbol(writer, place, f"{name}_new" if name in method.state else name)
    raise AssertionError(f"{method.name} has no line {wanted}")


def penalty_of(writer: Writer, place: Address) -> Line:
    """Return what the penalties add to the cost, summed over the weights."""
    update, layout = update_of(writer), writer.trace.layout
    settings = update.settings
    counted = np.flatnonzero(layout.decayed * layout.free)
    flat = writer.step.parameters[counted]
    values = {"l1": settings.l1, "l2": settings.l2}

    def term(i: int) -> Node:
        name = Address.parse(layout.address(int(counted[i]))).at(step=writer.place.step)
        return _without_zero(PENALTY.root, settings, writer.symbol_of(name))

    terms = PENALTY.evaluate_like({"w": flat, **values}, flat, np)
    total = writer.total(term, terms, "weights", values=values)
    return writer.line(
        "penalties, summed over all weights",
        place,
        total.node,
        {**values, **total.values},
        slack=total.slack,
        note=total.note,
    )


def change_of_cost(writer: Writer) -> tuple[list[Line], list[str]]:
    """Return the lines of the predicted and the actual change of the cost, and notes.

    To first order the cost changes by the gradient times the change of the parameters, which is -eta |dC|^2 where the
    update is w - eta g and nothing else.
    """
    update, layout = update_of(writer), writer.trace.layout
    raw = np.where(layout.free > 0, update.raw, 0.0)
    moved = update.parameters - writer.step.parameters

    def name(i: int, what: str) -> Symbol:
        return symbol(writer, Address.parse(layout.address(i)).at(step=writer.place.step), what)

    lines = []
    settings = update.settings
    is_plain = (
        [text for _, text in settings.optimizer.lines] == ["w - eta*g"]
        and settings.clip_norm is None
        and not (settings.l1 or settings.l2 or settings.weight_decay)
        and not layout.rated
    )
    if is_plain:
        squares = writer.total(lambda i: Binary("^", name(i, "dC"), Number(2.0)), raw**2, "parameters")
        line = writer.line(
            "squared length of the gradient", None, squares.node, squares.values, note=squares.note, label="S"
        )
        node = Binary("*", Symbol("eta"), Symbol("S"))
        rule = (
            "predicted change of the cost: minus the learning rate times the squared length of the gradient"
        )
        values = {"S": line.result, "eta": update.eta}
        lines += [line, writer.line(rule, None, Negate(node), values, label="predicted")]
    else:
        total = writer.total(
            lambda i: multiplied([name(i, "dC"), Binary("-", name(i, "w_new"), name(i, "w"))]),
            raw * moved,
            "parameters",
        )
        rule = "predicted change of the cost, to first order: the gradient times the change of the parameters"
        lines.append(writer.line(rule, None, total.node, total.values, note=total.note, label="predicted"))
    before, after = writer.at("C"), writer.at("C_new")
    node = Binary("-", writer.symbol_of(after), writer.symbol_of(before))
    lines.append(writer.line("actual change of the cost on the same rows", None, node, label="actual"))
    notes = _told(lines[-2].result, lines[-1].result, writer)
    return [
        *lines,
        writer.given(after, "the cost after the update, by a forward pass of the same rows"),
    ], notes


def _told(predicted: float, actual: float, writer: Writer) -> list[str]:
    notes = []
    if predicted:
        notes.append(
            f"The cost changed by {actual:.6g}; {predicted:.6g} was predicted. The difference is the curvature, which the "
            "gradient doesn't see."
        )
    settings = update_of(writer).settings
    if settings.l1 or settings.l2:
        notes.append("Both are about the cost without its penalties.")
    if any(layer.mask is not None for layer in writer.step.record.layers):
        notes.append("Both with the same neurons dropped out.")
    return notes


UPDATE: Mapping[str, Rule] = {
    "eta": learning_rate,
    "strength": strength_of,
    "norm": length,
    "penalty": penalty_of,
    **{f"{name}_decayed": decayed for name in PARAMETERS},
    **{f"{name}_new": updated for name in PARAMETERS},
    **{f"penalized/d{name}": penalized_gradient for name in PARAMETERS},
    **{f"g/d{name}": used_gradient for name in PARAMETERS},
}
"""Rules by name; the optimizer's own numbers have the rule `optimizer_number`."""

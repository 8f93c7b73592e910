"""Lines of the update: penalties, clipping, weight decay, the optimizer's own lines, and the change of the cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chainrule.equations.layout import Slot
from chainrule.equations.regularizers import PENALTY
from chainrule.equations.update import KEEP, Stage, chain, measuring, results, stages_before, stages_of
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Rule, Writer, multiplied
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.records import Update
from chainrule.formula.nodes import Binary, Call, Negate, Node, Number, Symbol, names_in, put
from chainrule.formula.rounding import UNIT
from chainrule.formula.simplify import simplify


def update_of(writer: Writer) -> Update:
    """Return the step's update, which the address has made sure of."""
    assert writer.step.update is not None
    return writer.step.update


def about(place: Address, name: str) -> Address:
    """Return the address of another quantity of the same parameter: ``about(W_new[2][1,3], "g")`` is g/dW[2][1,3].

    ``w`` is the parameter itself, and names of what becomes of it begin so: ``w_new``.
    """
    own = place.parameter
    start, _, result = name.partition("_")
    is_own = start == "w" and result in ("", "new", *results("w"))
    return replace(place, name=f"{own}{name[1:]}" if is_own else f"{name}/d{own}", row=None)


def slot_of(writer: Writer, place: Address) -> Slot:
    """Return where the parameter that an address is about lies in the flat layout."""
    return writer.trace.layout.slot(place.number, place.parameter)


def is_frozen(writer: Writer, place: Address) -> bool:
    """Tell whether training leaves a parameter alone."""
    slot = slot_of(writer, place)
    at = slot.start + int(np.ravel_multi_index([i - 1 for i in place.index], slot.shape))
    return not writer.trace.layout.free[at]


def rate_of(writer: Writer, place: Address) -> Node:
    """Return the learning rate of a parameter: eta, times its factor where that isn't 1."""
    factor = float(writer.trace.layout.rates[slot_of(writer, place).start])
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
    counts = {name: float(getattr(rate, name)) for name in ("made", "epoch", "plateaus", "warmup")}
    values = {"eta_0": rate.base, "T": float(max(rate.total, 1)), **counts, **made.parameters}
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


def stage_line(writer: Writer, place: Address) -> Line:
    """Return the line of a stage's result for a parameter: of the last stage that does something to it, or why none does."""
    stages = stages_of(_result_of(place))
    given = _symbol_before(writer, place, stages[0].sets, stages[0].result)
    made = [(stage, _formula_of(writer, place, stage)) for stage in stages]
    stage, node = next(((s, n) for s, n in reversed(made) if n != Symbol(s.sets)), made[0])
    named: dict[str, Node] = {**dict.fromkeys(("w", "start"), symbol(writer, place, "w")), stage.sets: given}
    if node == Symbol(stage.sets):
        words = dict(stage.idle_at).get(place.quantity.noun, stage.idle)
        return writer.line(stage.frozen if is_frozen(writer, place) and stage.frozen else words, place, given)
    values, slack = stage.values(update_of(writer).settings), 0.0
    if stage.measures:
        norm = writer.at("norm")
        if writer.exactly(writer.symbol_of(norm)) <= values["limit"]:
            return writer.line(stage.within.format(**values), place, given)
        named["norm"] = writer.symbol_of(norm)
        # The engine takes the length of a scaled gradient, whose squares can't overflow.
        slack = len(update_of(writer).raw) * UNIT * abs(writer.trace[about(place, stage.result)])
    if update_of(writer).regularization is not None:
        named.update({n: Binary("*", Symbol(n), writer.symbol("strength")) for n in stage.scheduled})
    if "eta" in names_in(node):
        named["eta"] = rate_of(writer, place)
    return writer.line(stage.words, place, put(node, named), values, slack=slack)


def _result_of(place: Address) -> str:
    """Return the name of the result that an address is of: g of g/dW, decayed of W_decayed."""
    what, _, by = place.name.partition("/d")
    return what if by else place.name.partition("_")[2]


def _formula_of(writer: Writer, place: Address, stage: Stage) -> Node:
    """Return a stage's formula for one parameter, without the parts that are not in use or not about it."""
    freed = 0.0 if is_frozen(writer, place) else 1.0
    # What doesn't change doesn't decay either.
    decays = float(slot_of(writer, place).decays) * (freed if stage.sets == "w" else 1.0)
    unused = {name: value for name, value in stage.values(update_of(writer).settings).items() if not value}
    if stage.numbers and len(unused) == len(stage.numbers):
        return Symbol(stage.sets)
    known: dict[str, Node] = {
        name: Number(value) for name, value in {**unused, "free": freed, "decayed": decays}.items()
    }
    return simplify(put(stage.formula.root, known))


def _symbol_before(writer: Writer, place: Address, sets: str, result: str = "") -> Symbol:
    """Return the symbol of ``g`` or ``w`` as a stage with this result gets it, or the optimizer's lines if it is empty."""
    settings, freezes = update_of(writer).settings, not writer.trace.layout.free.all()
    before = stages_before(result)
    acted = [stage for stage in before if stage.sets == sets and stage.acts(settings, freezes=freezes)]
    if sets == "w":
        acted = [stage for stage in acted if _formula_of(writer, place, stage) != Symbol("w")]
    if not acted:
        return symbol(writer, place, "dC" if sets == "g" else "w")
    name = acted[-1].result if result or sets == "w" else results("g")[-1]
    return symbol(writer, place, name if sets == "g" else f"w_{name}")


def length(writer: Writer, place: Address) -> Line:
    """Return the length of the whole gradient, before the stage that measures it."""
    measured, result = update_of(writer).measured, measuring().result

    def square(i: int) -> Node:
        return Binary("^", _symbol_before(writer, _parameter(writer, i), "g", result), Number(2.0))

    total = writer.total(square, measured**2, "parameters")
    total.node = Call("sqrt", (total.node,))
    total.slack = len(measured) * UNIT * float(np.linalg.norm(measured))
    return writer.line("length of the gradient over all parameters", place, total)


def _parameter(writer: Writer, index: int) -> Address:
    """Return the address of a parameter of the flat layout."""
    return Address.parse(writer.trace.layout.address(index)).at(step=writer.place.step)


def strength_of(writer: Writer, place: Address) -> Line:
    """Return the factor of dropout and weight decay by its schedule."""
    made = update_of(writer).regularization
    assert made is not None
    share = Binary("/", Symbol("epoch"), Symbol("epochs"))
    values = {"epoch": float(made.epoch), "epochs": float(made.epochs)}
    node = put(made.schedule.formula.root, {"t": share})
    note = "epoch is the number of epochs before this one, epochs that of the whole training"
    return writer.line(f"strength of regularization: {made.schedule.name}", place, node, values, note=note)


def number_of_update(writer: Writer, place: Address) -> Line:
    """Return the line of a parameter's number in an update: a stage's result, or that of one of the optimizer's lines."""
    result = _result_of(place)
    if stages_of(result) and (result != KEEP.result or is_frozen(writer, place)):
        return stage_line(writer, place)
    wanted = place.name.partition("/d")[0].removesuffix("_new") if "/d" in place.name else "w"
    update = update_of(writer)
    method = update.settings.optimizer
    names: dict[str, Node] = {
        "w": _symbol_before(writer, place, "w"),
        "g": _symbol_before(writer, place, "g"),
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
    settings, layout = update_of(writer).settings, writer.trace.layout
    counted = np.flatnonzero(layout.decayed * layout.free)
    flat = writer.step.parameters[counted]
    values = {"l1": settings.l1, "l2": settings.l2}
    unused: dict[str, Node] = {name: Number(0.0) for name, value in values.items() if not value}
    node = simplify(put(PENALTY.root, unused))

    def term(i: int) -> Node:
        return put(node, {"w": writer.symbol_of(_parameter(writer, int(counted[i])))})

    terms = PENALTY.evaluate_like({"w": flat, **values}, flat, np)
    total = writer.total(term, terms, "weights", values=values)
    return writer.line("penalties, summed over all weights", place, total, values)


def change_of_cost(writer: Writer) -> tuple[list[Line], list[str]]:
    """Return the lines of the predicted and the actual change of the cost, and notes.

    To first order the cost changes by the gradient times the change of the parameters, which is -eta |dC|^2 where the
    update is w - eta g and nothing else.
    """
    update, layout = update_of(writer), writer.trace.layout
    raw = np.where(layout.free > 0, update.raw, 0.0)
    moved = update.parameters - writer.step.parameters

    def name(i: int, what: str) -> Symbol:
        return symbol(writer, _parameter(writer, i), what)

    lines = []
    settings = update.settings
    is_plain = (
        chain(settings, freezes=False) == (settings.optimizer,)
        and [text for _, text in settings.optimizer.lines] == ["w - eta*g"]
        and not layout.rated
    )
    if is_plain:
        squares = writer.total(lambda i: Binary("^", name(i, "dC"), Number(2.0)), raw**2, "parameters")
        line = writer.line("squared length of the gradient", None, squares, label="S")
        node = Binary("*", Symbol("eta"), Symbol("S"))
        rule = (
            "predicted change of the cost: minus the learning rate times the squared length of the gradient"
        )
        lines += [line, writer.line(rule, None, Negate(node), {"eta": update.eta}, label="predicted")]
    else:
        total = writer.total(
            lambda i: multiplied([name(i, "dC"), Binary("-", name(i, "w_new"), name(i, "w"))]),
            raw * moved,
            "parameters",
        )
        rule = "predicted change of the cost, to first order: the gradient times the change of the parameters"
        lines.append(writer.line(rule, None, total, label="predicted"))
    before, after = writer.at("C"), writer.at("C_new")
    node = Binary("-", writer.symbol_of(after), writer.symbol_of(before))
    lines.append(writer.line("actual change of the cost on the same rows", None, node, label="actual"))
    notes = _told(lines[-2].result, lines[-1].result, writer)
    last = writer.given(after, "the cost after the update, by a forward pass of the same rows")
    return [*lines, last], notes


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
}
"""Rules by name; every number of a parameter has the rule `number_of_update`."""

"""Derivations: for any address the lines that lead to it, each with symbols, numbers, result and check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule.equations.features import PARAMETERS as STAGE_PARAMETERS
from chainrule.errors import SettingsError
from chainrule.explain.derive.answers import UNITS
from chainrule.explain.derive.backward import BACKWARD
from chainrule.explain.derive.cancel import why_it_cancels
from chainrule.explain.derive.factors import factor_lines
from chainrule.explain.derive.forward import FORWARD
from chainrule.explain.derive.hand import TICKS, Hand
from chainrule.explain.derive.lines import Derivation, Factor, Line, RuleLine
from chainrule.explain.derive.matrices import matrix_lines
from chainrule.explain.derive.paths import path_lines
from chainrule.explain.derive.stage import LEADS as STAGE_LEADS
from chainrule.explain.derive.stage import RULES as STAGE_RULES
from chainrule.explain.derive.update import UPDATE, change_of_cost, number_of_update
from chainrule.explain.derive.writer import Rule, Writer
from chainrule.explain.trace.address import LAYER_PARAMETERS, TERMS, Address
from chainrule.explain.trace.records import StepTrace
from chainrule.explain.trace.trace import Trace
from chainrule.formula.differentiate import differentiate
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Number, Symbol

Form = Literal["short", "paths", "recursive", "matrix"]
"""How a derivative is written: delta times what enters; all paths; back layer by layer; whole arrays."""

MOST_NEURONS, MOST_LAYERS = 1000, 30
"""The neurons and layers of the largest network that is written out from the beginning, or by hand."""

RULES: Mapping[str, Rule] = {**FORWARD, **BACKWARD, **UPDATE, **UNITS}

LEADS: Mapping[str, frozenset[str]] = {
    name: frozenset(leads.split())
    for name, leads in {
        "z": "x",
        "a": "z",
        "h": "z a",
        "f'": "z a",
        "loss": "a y_smooth",
        "C": "loss share",
        "dC/da": "a dC/dh y_smooth share",
        "dC/dh": "",
        "delta": "a f' dC/da y_smooth share",
        **{f"dC/d{name}": "delta" for name in TERMS},
        "dC/dalpha": "dC/da",
        "prediction": "mean_a",
        "answer": "mean_a",
        "probability": "mean_a",
    }.items()
}
"""The quantities that get lines of their own on the way to one; the rest is taken from the trace."""

AS_LEFT = ", as training left it or as it was given"
GIVEN: Mapping[str, str] = {
    "x": "given",
    "y": "given: the target",
    "r": "drawn by chance: dropped out, or kept and scaled up",
    **{n: f"{each.text}{AS_LEFT}" for n, each in LAYER_PARAMETERS.items()},
    **{n: f"{each.text}{AS_LEFT}" for n, each in STAGE_PARAMETERS.items()},
    "eta": "given",
    "t": "counted",
    "loss_new": "by a forward pass of the same row with the new parameters",
}
"""What nothing leads to, in words; other such numbers are the optimizer's memory."""

AFTER_STEP = ("C_new", "loss_new")
OF_UPDATES = ("eta", "norm", "strength")
STAGE_GRADIENTS = tuple(f"dC/d{name}" for name in STAGE_PARAMETERS)
PATH_QUANTITIES = (*(f"dC/d{name}" for name in TERMS), "dC/dx", "delta", *STAGE_GRADIENTS)


def rules_of(step: StepTrace) -> Callable[[Address], Rule | None]:
    """Return how each quantity's line is made in a step; None for what is given."""

    def rule_of(place: Address) -> Rule | None:
        if place.member is not None or (place.name == "x" and step.inputs is None):
            return None
        through_stage = step.record.stage is not None and (place.layer == 0 or place.name == "dC/dx")
        if through_stage and place.name in STAGE_RULES:
            return STAGE_RULES[place.name]
        if step.update is not None:
            if place.name == "eta" and step.update.rate is None:
                return None
            if place.name not in RULES and place.name != place.parameter and place.parameter:
                what = place.name.partition("/d")[0]
                return None if what in step.update.before.arrays else number_of_update
        return RULES.get(place.name)

    return rule_of


@one_blas_thread()
@np.errstate(all="ignore")
def derive(
    trace: Trace,
    address: str | Address,
    *,
    form: Form = "short",
    hand: int | None = None,
    from_start: bool = False,
) -> Derivation:
    """Return the derivation of the number at an address, or of a whole array such as ``dC/dW[2]``.

    ``form`` is for derivatives of the cost: ``short`` (delta times what enters), ``paths`` (every path from there to
    the cost as a product of local derivatives; of many the largest, and an exact rest), ``recursive`` (the deltas
    from the output back), ``matrix`` (whole arrays with shapes). ``hand``: every line is rounded as on paper, see
    `Hand`. ``from_start``: every number that was computed gets its line, from the inputs on; so it is by hand.
    Raises SettingsError for an address that isn't there, or a form it doesn't have.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.trace.steps import trace_network
    >>> trace = trace_network(Network([2, Dense(1, "sigmoid")]), {1: {"W": [[0.5], [-1.0]], "b": [0.25]}}, [[2.0, 1.0]])
    >>> [(line.left, line.result, line.check.ok) for line in derive(trace, "z[1][1]").lines]
    [('z[1][1]', 0.25, True)]
    """
    place = trace.resolve(address)
    trace.array(place)  # raises where there is no such number
    _check_form(trace, place, form, hand, from_start)
    if form == "matrix" or place.is_whole:
        return _as_matrix(trace, place)
    writer = _writer(trace, place, form, hand, from_start)
    found: tuple[Factor, ...] = ()
    notes: Sequence[str] = ()
    part = None
    if form == "paths":
        own = path_lines(writer, place)
    elif place.name == "C_new":
        own, notes = change_of_cost(writer)
    else:
        own = [_line_of(writer, place)]
    if place.name in PATH_QUANTITIES and hand is None:
        found, notes = factor_lines(_plain(trace, place), place)
    if place.name == "delta" and place.layer == len(trace.network.layers) and hand is None:
        part = why_it_cancels(_plain(trace, place), place)
    return Derivation(
        str(place),
        f"{place}: {place.words_in(trace.network)}",
        (*writer.lines, *own),
        calculus=slope_rules(trace, place) if place.name == "f'" else (),
        factors=found,
        parts=() if part is None else (part,),
        notes=tuple(dict.fromkeys(notes)),
        hand="" if writer.hand is None else f"{writer.hand} {TICKS}",
    )


@one_blas_thread()
@np.errstate(all="ignore")
def path_factors(trace: Trace, address: str | Address) -> tuple[Factor, ...]:
    """Return the factors of a derivative of the cost along its largest path, without its lines; none of another number."""
    place = trace.resolve(address)
    return factor_lines(_plain(trace, place), place)[0] if place.name in PATH_QUANTITIES else ()


def _check_form(trace: Trace, place: Address, form: str, hand: int | None, from_start: bool) -> None:
    if form not in get_args(Form):
        raise SettingsError(f"{setting('form')} {form!r} is unknown: choose {', '.join(get_args(Form))}")
    if form in ("paths", "recursive") and place.name not in PATH_QUANTITIES:
        only_stage = () if trace.network.features else STAGE_GRADIENTS
        known = [name for name in PATH_QUANTITIES if name not in only_stage]
        raise SettingsError(f"{place}: the form {form} is for {', '.join(known)}; leave it out")
    if form in ("paths", "recursive") and place.is_whole:
        raise SettingsError(f"{place} is a whole array: name one of its numbers, or choose the form matrix")
    in_full = hand is not None or from_start
    if (form == "matrix" or place.is_whole) and in_full:
        raise SettingsError(
            f"{place}: whole arrays are not written out by hand or from the start; name one number"
        )
    if hand is not None and place.name in AFTER_STEP:
        first = Address.parse(trace.layout.address(next(s.start for s in trace.layout.slots if s.layer == 1)))
        new = replace(first, name=f"{first.name}_new", step=place.step)
        raise SettingsError(
            f"{place}: the forward pass after the step is not worked out by hand; name a new parameter, such as {new}"
        )
    neurons, layers = sum(trace.network.sizes), len(trace.network.layers)
    if in_full and (neurons > MOST_NEURONS or layers > MOST_LAYERS):
        raise SettingsError(
            f"{place}: a network of {neurons} neurons in {layers} layer{'s' * (layers > 1)} is too large to be "
            f"written out line by line: at most {MOST_NEURONS} neurons in {MOST_LAYERS} layers; train a smaller one "
            f"with {setting('hidden')}"
        )


def _writer(trace: Trace, place: Address, form: Form, hand: int | None, from_start: bool) -> Writer:
    """Return the writer that gives lines of their own to what the form asks for."""
    rule_of = rules_of(trace.step(place))
    if hand is not None or from_start:
        return Writer(trace, place, rule_of, hand=None if hand is None else Hand(hand), chain=True)
    if form == "paths":
        return _plain(trace, place)
    if form == "recursive":

        def back(other: Address) -> Rule | None:
            through_stage = other.layer == 0 and other.name in ("dC/da", "dC/de", "dC/du")
            return rule_of(other) if other.name == "delta" or through_stage else None

        return Writer(trace, place, back, chain=True, most_lines=MOST_LINES)

    def leading(other: Address) -> Rule | None:
        """Return the rule of what gets a line on the way: for an update also the same parameter's numbers."""
        if other.layer == 0 and place.layer in (0, None) and place.name in STAGE_LEADS:
            wanted = other.name in STAGE_LEADS[place.name]
        elif place.name == "z" and place.layer == 1 and other.layer == 0:
            wanted = other.name == "a"
        elif place.name in LEADS and not (place.layer == 0 or other.layer == 0):
            wanted = other.name in LEADS[place.name]
            if place.name.removeprefix("dC/d") in LAYER_PARAMETERS:
                wanted = wanted and other.layer == place.layer
        else:
            same = _own(other) == _own(place)
            changed = other.parameter not in ("", other.name) or "/" in other.name or other.name in OF_UPDATES
            wanted = changed and (same or other.layer is None)
        return rule_of(other) if wanted else None

    return Writer(trace, place, leading, chain=True, most_lines=MOST_LINES)


def _own(place: Address) -> tuple[int | None, tuple[int, ...], str]:
    """Return the place and the name of what an address is about: of W[1][2,3] for g/dW[1][2,3]."""
    return place.layer, place.index, place.by.name.partition("_")[0]


MOST_LINES = 40
"""The most lines that lead to one, where lines are not asked for from the start."""


def _plain(trace: Trace, place: Address) -> Writer:
    """Return a writer that takes every number from the trace."""
    return Writer(trace, place, rules_of(trace.step(place)))


def _line_of(writer: Writer, place: Address) -> Line:
    made = rules_of(writer.step)(place)
    if made is not None:
        return made(writer, place)
    if place.member is not None:
        return writer.given(place, f"the output of member {place.member}, whose numbers are another trace's")
    return writer.given(place, GIVEN.get(place.name, "the optimizer's memory, from the updates before"))


def slope_rules(trace: Trace, place: Address) -> tuple[RuleLine, ...]:
    """Return the derivation of a layer's f' from its formula, rule by rule."""
    layer = trace.network.layers[place.number - 1]
    record = layer.activation
    steps = differentiate(record.formula, "z").steps
    found = [RuleLine(f"the activation {spoken(record.name)}", record.formula.root)]
    if steps:
        found.append(RuleLine("its derivative", steps[0].before))
        found += [RuleLine(step.rule, step.after, step.law, step.convention) for step in steps]
    if steps and layer.mix:
        alpha = Symbol(str(Address("alpha", place.layer, place.index)))
        inner = Binary("-", record.slope.root, Number(1.0))
        node = Binary("+", Number(1.0), Binary("*", alpha, inner))
        found.append(RuleLine("the derivative of z + alpha (f(z) - z)", node))
    return tuple(found)


def _as_matrix(trace: Trace, place: Address) -> Derivation:
    whole = Address(place.name, place.layer, (), place.step)
    rows = len(trace.step(place).rows)
    return Derivation(
        str(whole),
        f"{whole}: {whole.words_in(trace.network)}, as matrices",
        matrices=tuple(matrix_lines(_plain(trace, whole), whole)),
        notes=(f"Over the {rows} rows of the step.",) if rows > 1 else (),
    )

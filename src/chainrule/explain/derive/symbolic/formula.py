"""The derivative of any formula, rule by rule, each line put to the test, and its value at a point."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chainrule._doors import setting
from chainrule._numbers import number_text
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.losses import LOSSES
from chainrule.equations.registry import find_record, unknown_name
from chainrule.errors import FormulaError, SettingsError
from chainrule.explain.derive.exact import mpf, one_at_a_time
from chainrule.explain.derive.lines import Derivation, Line, LineCheck, RuleLine
from chainrule.explain.derive.symbolic.joined import derive_softmax
from chainrule.explain.derive.symbolic.points import compared, slope_at
from chainrule.formula.differentiate import Differentiation, differentiate
from chainrule.formula.evaluate import Formula
from chainrule.formula.nodes import Node, Number, Symbol, nodes_in, put
from chainrule.formula.parse import parse
from chainrule.formula.rounding import evaluate_rounded


@dataclass(frozen=True)
class _Asked:
    """A formula, what it is called, by which symbol it is differentiated, and the values of its parameters.

    ``steps`` are the record's own steps on to the derivative in its output ``a``, the last of them ``slope_in_a``.
    """

    formula: Formula
    name: str
    by: str
    parameters: Mapping[str, float]
    steps: tuple[tuple[str, str], ...] = ()
    slope_in_a: str = ""

    @property
    def title(self) -> str:
        return f"The derivative of {self.name or self.formula.text} by {self.by}"


def derive_formula(formula: str, by: str | None = None, at: Mapping[str, float] | None = None) -> Derivation:
    """Return the derivative of a formula by one of its symbols, rule by rule.

    ``formula`` is one of your own, or the name of an activation or a loss, with or without parameters; ``by`` may be left
    out where it has one symbol, or is a name. Every line is compared with the one before at points, in arithmetic of 50
    digits, the first with the formula's difference quotient. With ``at``, the numbers of its symbols, comes the value there.
    Raises FormulaError for a formula that can't be read or differentiated, SettingsError for a symbol it doesn't have.

    >>> derived = derive_formula("sin(x^2)", at={"x": 0.5})
    >>> [line.text for line in derived.calculus][-1], derived.ok
    ('cos(x^2)*(2*x)', True)
    >>> derived.parts[0].result
    0.9689124217106447
    """
    joined = find_record(formula, ACTIVATIONS, "activation")
    if joined is not None and not joined.elementwise:
        if at is not None or by not in (None, "z"):
            raise SettingsError(
                f"{joined.name} has as many z as outputs, and is derived by all of them: leave {setting('by')} and "
                f"{setting('at')} out"
            )
        return derive_softmax()
    asked = _asked(formula, by)
    taken = differentiate(asked.formula, asked.by)
    lines = tuple(_checked(_rules(asked, taken), asked))
    if asked.slope_in_a:
        lines = (*lines, *_in_output(asked, lines[-1].symbols))
    parts = () if at is None else (_at_point(asked, taken, at),)
    return Derivation("", asked.title, calculus=lines, parts=parts)


def _asked(text: str, by: str | None) -> _Asked:
    activation, loss = find_record(text, ACTIVATIONS, "activation"), find_record(text, LOSSES, "loss")
    if activation is not None:
        by = _symbol(activation.formula, by or "z")
        if by == "z":
            more = (activation.slope_steps, activation.slope_in_a)
            return _Asked(activation.formula, activation.spec, by, activation.parameters, *more)
    record = activation or loss
    if record is not None:
        own = {name: value for name, value in record.parameters.items() if name in record.formula.symbols}
        return _Asked(record.formula, record.spec, _symbol(record.formula, by or "a"), own)
    try:
        formula = parse(text)
    except FormulaError as error:
        if text.strip().replace("-", "_").isidentifier():
            raise _no_name(text) from error
        raise
    if by is None and (text.strip(),) == formula.symbols:
        raise _no_name(text)
    return _Asked(formula, "", _symbol(formula, by), {})


def _no_name(text: str) -> SettingsError:
    """Return the error for a name that says nothing."""
    return unknown_name(
        "formula", text.strip(), {**ACTIVATIONS, **LOSSES}, "one of more than a name, such as sin(x^2)"
    )


def _symbol(formula: Formula, by: str | None) -> str:
    """Return by what is differentiated; raises SettingsError where it isn't in the formula, or could be several."""
    known = ", ".join(formula.symbols)
    if not known:
        raise SettingsError(
            f"the formula {formula.text} has no symbol to differentiate by: write one, such as x"
        )
    if by is None:
        if len(formula.symbols) > 1:
            raise SettingsError(f"the formula {formula.text} has {known}: name one with {setting('by')}")
        return formula.symbols[0]
    if by not in formula.symbols:
        raise SettingsError(f"{setting('by', by)}: the formula {formula.text} has no {by}; it has {known}")
    return by


def _rules(asked: _Asked, taken: Differentiation) -> Iterator[RuleLine]:
    yield RuleLine("the formula", asked.formula.root)
    if taken.steps:
        yield RuleLine("its derivative, still to be taken", taken.steps[0].before)
    for step in taken.steps:
        yield RuleLine(step.rule, step.after, step.law, step.convention)


def _checked(lines: Iterator[RuleLine], asked: _Asked) -> Iterator[RuleLine]:
    """Yield the lines, each after the derivative compared with it."""
    first, wanted, *others = lines
    names = [name for name in asked.formula.symbols if name not in asked.parameters]
    yield first
    yield wanted
    for line in others:
        yield _with_check(line, wanted.symbols, names, asked.parameters)


def _with_check(line: RuleLine, wanted: Node, names: list[str], fixed: Mapping[str, float]) -> RuleLine:
    check = compared(wanted, line.symbols, names, fixed)
    return RuleLine(line.rule, line.symbols, line.law, line.convention, check)


def _in_output(asked: _Asked, slope: Node) -> Iterator[RuleLine]:
    """Yield the steps from the simplified derivative on to the one in the output a, as the record names it."""
    names = [name for name in asked.formula.symbols if name not in asked.parameters]
    for rule, text in asked.steps:
        yield _with_check(RuleLine(rule, parse(text).root), slope, names, asked.parameters)
    named = parse(asked.slope_in_a).root
    check = compared(slope, put(named, {"a": asked.formula.root}), names, asked.parameters)
    yield RuleLine(f"write a for {asked.formula.text}", named, check=check)


def _at_point(asked: _Asked, taken: Differentiation, at: Mapping[str, float]) -> Derivation:
    """Return the value of the formula and of its derivative at a point, the latter beside the difference quotient."""
    values = {**asked.parameters, **at}
    known = asked.formula.symbols
    for name in at:
        if name not in known:
            raise SettingsError(
                f"{setting('at')} {name}={at[name]:g}: the formula {asked.formula.text} has no {name}; it has "
                f"{', '.join(known)}"
            )
    if missing := [name for name in known if name not in values]:
        raise SettingsError(
            f"{setting('at')} has no number for {', '.join(missing)}: write such as {missing[0]}=0.5"
        )
    values = {name: float(values[name]) for name in known}
    place = ", ".join(f"{name} = {number_text(at[name])}" for name in known if name in at)
    letter = next(name for name in ("f", "g", "h", "F", "G", "H") if name not in known)
    own, slope = asked.formula.root, taken.result.root
    rounded = evaluate_rounded(own, values), evaluate_rounded(slope, values)
    if not math.isfinite(rounded[0].value):
        raise SettingsError(
            f"{setting('at')} {place.replace(' ', '')}: the formula {asked.formula.text} has no finite value there; "
            "choose another point"
        )
    with one_at_a_time:
        quotient = slope_at(own, asked.by, {name: mpf(value) for name, value in values.items()})
    check: LineCheck | None = None
    notes: tuple[str, ...] = ()
    if quotient is not None and quotient.is_kink:
        sides = [number_text(float(side)) for side in quotient]
        notes = (
            f"At {place} the formula has a kink or jump: its slope is {sides[0]} from the left and {sides[1]} from the "
            f"right. Agreed: {'; '.join(taken.conventions) or 'nothing, there is no derivative'}.",
        )
    elif quotient is not None:
        expected = float(quotient.middle)
        off = abs(rounded[1].value - expected)
        tolerance = rounded[1].bound + 1e-15 * abs(expected) + 1e-25
        check = LineCheck(expected, off, tolerance, off <= tolerance, "the difference quotient")
    lines = (
        _line("the value of the formula", letter, own, values, rounded[0].value),
        _line(
            "the value of its derivative", f"d{letter}/d{asked.by}", slope, values, rounded[1].value, check
        ),
    )
    return Derivation("", f"At {place}", lines=lines, notes=notes)


def _line(
    rule: str,
    label: str,
    node: Node,
    values: Mapping[str, float],
    result: float,
    check: LineCheck | None = None,
) -> Line:
    shown = {name: value for name, value in values.items() if Symbol(name) in nodes_in(node)}
    return Line(rule, "", node if shown else Number(result), shown, result, check, label=label)

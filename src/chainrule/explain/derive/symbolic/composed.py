"""The chain rule on functions one inside the other: link by link, with numbers, then put together in symbols."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import pairwise

from chainrule.errors import SettingsError
from chainrule.explain.derive.exact import mpf, one_at_a_time
from chainrule.explain.derive.lines import Derivation, Line, LineCheck, RuleLine
from chainrule.explain.derive.symbolic.points import compared, slope_at
from chainrule.formula.differentiate import Differentiation, differentiate
from chainrule.formula.evaluate import Formula
from chainrule.formula.nodes import Binary, Derivative, Node, Number, Symbol, names_in, put
from chainrule.formula.parse import parse
from chainrule.formula.rounding import evaluate_rounded


def derive_composed(links: Mapping[str, str], by: str, at: Mapping[str, float]) -> Derivation:
    """Return the derivative of composed functions as the product of the derivatives of the links of their chain.

    ``links`` are formulas by name, the innermost, in ``by``, first: each of the others is a function of the one before, and of
    constants. ``at`` are the numbers of ``by`` and of every constant. Each derivative is compared with the difference quotient
    there, in arithmetic of 50 digits, and the product with everything put in at twelve more points. Raises FormulaError for a
    formula that can't be read, SettingsError for links that make no chain, and for numbers that are missing.

    >>> derived = derive_composed({"u": "3*x + 1", "y": "u^2"}, "x", {"x": 2})
    >>> [(line.left, line.result) for line in derived.lines][2:]
    [('dy/du', 14.0), ('du/dx', 3.0), ('dy/dx', 42.0)]
    >>> derived.calculus[-1].text, derived.ok
    ('2*(3*x + 1)*3', True)
    """
    formulas = {name: parse(text) for name, text in links.items()}
    constants = _constants(formulas, by)
    values = _numbers(at, [by, *constants])
    chain = [by, *formulas]
    slopes = {after: differentiate(formulas[after], before) for before, after in pairwise(chain)}
    lines = []
    for name, formula in formulas.items():
        values[name] = evaluate_rounded(formula.root, values).value
        if not math.isfinite(values[name]):
            raise SettingsError(f"{name} = {formula.text} has no finite value there; choose other numbers")
        rule = "the inner function" if name != chain[-1] else f"the outer function, of {chain[-2]}"
        lines.append(_line(rule, name, formula.root, values))
    for before, after in reversed(list(pairwise(chain))):
        check = _quotient(formulas[after].root, before, values)
        label = f"d{after}/d{before}"
        lines.append(_line(_rules(slopes[after]), label, slopes[after].result.root, values, check))
        values[label] = lines[-1].result
    whole = reduce(
        lambda inner, name: put(formulas[name].root, {chain[chain.index(name) - 1]: inner}),
        list(formulas)[1:],
        formulas[chain[1]].root,
    )
    if len(formulas) > 1:
        first, *others = (Symbol(f"d{after}/d{before}") for before, after in reversed(list(pairwise(chain))))
        product: Node = first
        for other in others:
            product = Binary("*", product, other)
        check = _quotient(whole, by, values)
        words = "chain rule: the derivatives of the links, multiplied"
        lines.append(_line(words, f"d{chain[-1]}/d{by}", product, values, check))
    symbols = tuple(_in_symbols(formulas, slopes, whole, by))
    through = f" through {', then '.join(reversed(chain[1:-1]))}" if len(chain) > 2 else ""
    return Derivation(
        "", f"The derivative of {chain[-1]} by {by}{through}", lines=tuple(lines), calculus=symbols
    )


def _constants(formulas: Mapping[str, Formula], by: str) -> list[str]:
    """Return the constants of a chain; raises SettingsError where it is none."""
    if not formulas:
        raise SettingsError("there is no function: give one or more by name, the innermost first")
    before, chain, constants = by, {by, *formulas}, []
    for name, formula in formulas.items():
        if parse(name).symbols != (name,) or name == by:
            raise SettingsError(f"{name!r} can't be a function's name: choose letters and digits such as u1")
        if before not in formula.symbols:
            raise SettingsError(
                f"{name} = {formula.text} has no {before}: each function is one of the function before it"
            )
        others = [each for each in formula.symbols if each != before]
        if inner := [each for each in others if each in chain]:
            raise SettingsError(
                f"{name} = {formula.text} has {inner[0]} beside {before}: in a chain each function is one of the function "
                "before it alone"
            )
        constants += [each for each in others if each not in constants]
        before = name
    return constants


def _numbers(at: Mapping[str, float], needed: list[str]) -> dict[str, float]:
    if missing := [name for name in needed if name not in at]:
        raise SettingsError(f"at has no number for {', '.join(missing)}: write such as {missing[0]} = 0.5")
    if more := [name for name in at if name not in needed]:
        raise SettingsError(
            f"at: {more[0]} stands in no formula, or is worked out; numbers are for {', '.join(needed)}"
        )
    return {name: float(value) for name, value in at.items()}


def _rules(taken: Differentiation) -> str:
    """Return the rules of calculus that a derivative took, each once."""
    rules = (step.rule for step in taken.steps if not step.rule.startswith("work out"))
    return "; ".join(dict.fromkeys(rules))


def _quotient(node: Node, by: str, values: Mapping[str, float]) -> LineCheck | None:
    """Return the difference quotient of a formula at a point, to compare with; None at a kink."""
    with one_at_a_time:
        found = slope_at(node, by, {name: mpf(value) for name, value in values.items()})
    if found is None or found.is_kink:
        return None
    expected = float(found.middle)
    return LineCheck(expected, 0.0, 1e-12 * (1 + abs(expected)), True, "the difference quotient")


def _line(
    rule: str, label: str, node: Node, values: Mapping[str, float], check: LineCheck | None = None
) -> Line:
    found = evaluate_rounded(node, values).value
    if check is not None:
        off = abs(found - check.value)
        check = LineCheck(check.value, off, check.tolerance, off <= check.tolerance, check.against)
    shown = {name: values[name] for name in names_in(node)}
    return Line(rule, "", node if shown else Number(found), shown, found, check, label=label)


def _in_symbols(
    formulas: Mapping[str, Formula], slopes: Mapping[str, Differentiation], whole: Node, by: str
) -> Iterator[RuleLine]:
    """Yield the composed function, its derivative to be taken, and the product with the inner functions put in."""
    inner: dict[str, Node] = {}
    before, factors = by, []
    for name, formula in formulas.items():
        factors.append(put(slopes[name].result.root, inner))
        inner[name] = put(formula.root, {before: inner.get(before, Symbol(before))})
        before = name
    product = reduce(lambda right, left: Binary("*", left, right), factors[1:], factors[0])
    wanted = Derivative(by, whole)
    yield RuleLine("the functions, one inside the other", whole)
    yield RuleLine("the derivative that is asked for", wanted)
    check = compared(wanted, product, names_in(whole), {})
    words = "chain rule, with the inner functions put in" if len(formulas) > 1 else "the rules of calculus"
    yield RuleLine(words, product, check=check)

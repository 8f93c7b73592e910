"""Moves of calculus: a derivative rule by rule, and the chain rule on functions one inside the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.equations.activations import activation
from chainrule.equations.losses import loss
from chainrule.errors import SettingsError
from chainrule.explain.derive.exact import mpf, one_at_a_time
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.symbolic.composed import derive_composed
from chainrule.explain.derive.symbolic.formula import derive_formula
from chainrule.explain.derive.symbolic.points import slope_at
from chainrule.explain.show.document import Block, Words, Worked
from chainrule.explain.trace.address import Address
from chainrule.formula.differentiate import differentiate
from chainrule.formula.evaluate import Formula
from chainrule.formula.parse import parse
from chainrule.lessons.fields import Field, Where, listing, toml_flag, toml_number, toml_table, toml_text
from chainrule.lessons.moves.base import Move, MoveResult, Scene


def calculus(scene: Scene) -> MoveResult:
    """Show a derivative rule by rule, of a named activation down to the form its record names, and its value at places."""
    spec, formula, symbol, settings = _formula(scene)
    blocks: list[Block] = [Worked(derive_formula(spec, symbol), scene.digits)]
    if not scene["at"]:
        return MoveResult(blocks)
    slope = differentiate(formula, symbol).result
    known: dict[str, float] = {}
    rows, kinks = [], []
    for place in scene["at"]:
        values = {**settings, symbol: np.float64(place)}
        found = [float(f.evaluate(values, np)) for f in (formula, slope)]
        known |= zip((f"f({place:g})", f"f'({place:g})"), found, strict=True)
        rows.append((f"{place:g}", *map(scene.number, found)))
        with one_at_a_time:
            sides = slope_at(
                formula.root, symbol, {name: mpf(float(value)) for name, value in values.items()}
            )
        if sides is not None and sides.is_kink:
            # The quotients' own error is about their step, 1e-15.
            left, right = round(float(sides.left), 12), round(float(sides.right), 12)
            known |= {f"f'({place:g}-)": left, f"f'({place:g}+)": right}
            kinks.append(
                f"At {symbol} = {place:g} there is a kink: the slope is {scene.number(left)} on the left and "
                f"{scene.number(right)} on the right, so there is no derivative; {scene.number(found[1])} is agreed."
            )
    blocks += [Grid((symbol, "f", "f'"), tuple(rows)), *map(Words, kinks)]
    return MoveResult(blocks, known)


def _formula(scene: Scene) -> tuple[str, Formula, str, Mapping[str, float]]:
    """Return what is differentiated as it was written and as a formula, by which symbol, and its settings' values."""
    given = [key for key in ("activation", "loss", "formula") if scene[key]]
    if len(given) != 1:
        raise SettingsError("give one of activation, loss and formula")
    by = scene["by"] or ("a" if given == ["loss"] else "z")
    spec = scene[given[0]]
    if given == ["formula"]:
        formula, settings = parse(spec), dict[str, float]()
    else:
        record = activation(spec) if given == ["activation"] else loss(spec)
        formula, settings = record.formula, dict(record.parameters)
    others = sorted(set(formula.symbols) - {by, *settings})
    if others and scene["at"]:
        lacking = f"f can't be worked out, as {', '.join(others)} has no value"
        raise SettingsError(f"at: {lacking}; leave out at")
    return spec, formula, by, settings


def show_chain(scene: Scene) -> MoveResult:
    """Show the chain rule: every function and its derivative with numbers, their product, and it in symbols."""
    at = {name: _number(scene, place) for name, place in scene["at"].items()}
    derived = derive_composed(scene["functions"], scene["by"], at)
    shown = derived if scene["put_in"] else replace(derived, calculus=())
    return MoveResult([Worked(shown, scene.digits)], {line.left: line.result for line in derived.lines})


def _number(scene: Scene, given: float | str) -> float:
    return given if isinstance(given, float) else scene.setup.trace(scene["rows"])[given]


def _number_or_address(value: Any, where: Where) -> float | str:
    if isinstance(value, str):
        try:
            return str(Address.parse(value))
        except SettingsError as error:
            raise where.wrong(f"{error}; or write a number") from error
    return toml_number(value, where)


CALCULUS: dict[str, Move] = {
    "calculus": Move(
        calculus,
        {
            "activation": Field(toml_text, "the name of an activation, or its formula in z"),
            "loss": Field(toml_text, "the name of a loss, or its formula in a and y"),
            "formula": Field(toml_text, "any formula"),
            "by": Field(toml_text, "the symbol; z, of a loss a, if not given"),
            "at": Field(listing(toml_number), "places to work out f and f' at", ()),
        },
        r"f'?\(.+\)",
    ),
    "chain": Move(
        show_chain,
        {
            "functions": Field(
                toml_table(toml_text),
                "formulas by name, the innermost first, each of the one before",
                required=True,
            ),
            "by": Field(toml_text, "the symbol that the innermost is a function of", "x"),
            "at": Field(
                toml_table(_number_or_address),
                "the numbers of that symbol and of all constants, or addresses of them",
                required=True,
            ),
            "put_in": Field(toml_flag, "also the product in symbols, with the inner functions put in", False),
        },
        r"\w+|d\w+/d\w+",
    ),
}

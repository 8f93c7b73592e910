"""What a derivative by a parameter says, in plain sentences: which way the cost goes, by which rows, what the update makes of it.

All numbers are the trace's; a step is the run's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._numbers import number_text
from chainrule._types import FloatArray
from chainrule.equations.update import STAGES
from chainrule.explain.derive.derivation import path_factors
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.notation.naming import Naming
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.explain.trace.records import Update
from chainrule.explain.trace.trace import Trace
from chainrule.studio.shown.looking import Look
from chainrule.studio.training.course import Course

MOST_NAMED = 6
"""The most rows that a sentence names."""

MOST_REASONS = 4
"""The most edits, the newest, of which it is told why the answer for a row stayed."""

FIRST_STEPS = 10
"""The most updates after which a step of Adam can be told to be one of its first."""

ACTED = {
    "penalize": "The penalty ({settings}) adds {added} to the derivative, which makes it {after}.",
    "clip": "The whole gradient is longer than {settings}, and clipping it makes this part {after}.",
    "decay": "Weight decay ({settings}) by itself adds {added} to {name}.",
}
"""What a stage of the update did to a parameter, by the stage's name."""


def parts_of_rows(trace: Trace, about: Address) -> FloatArray:
    """Return the part (n,) of each row in a derivative by a parameter."""
    step, layer = trace.steps[0], trace.network.layers[about.number - 1]
    assert step.gradients is not None
    back = step.gradients.layers[about.number - 1]
    term, slot = layer.term(about.name), trace.layout.slot(about.number, about.name)
    j = about.index[-1]
    if term.enters == "x":
        return np.asarray(back.delta[:, j - 1] * step.record.x[:, about.index[0] - 1])
    if term.enters:
        h = step.record.entering(about.number)
        return np.asarray(back.delta[:, j - 1] * h[:, about.index[0] - 1] * layer.scale(h.shape[1]))
    if term.enters is None:
        mixed = step.record.layers[about.number - 1].mixed
        assert mixed is not None
        return np.asarray(back.da[:, j - 1] * mixed[:, j - 1])
    return np.asarray(back.delta[:, j - 1] if slot.shape == (layer.n_out,) else back.delta.sum(axis=1))


def parameter_of(place: Address) -> Address | None:
    """Return the parameter of a layer that a derivative is by, None for any other number."""
    name = place.name.removeprefix("dC/d")
    if name == place.name or name not in PARAMETERS or not place.layer or place.is_whole:
        return None
    return Address(name, place.layer, place.index)


def gradient_told(
    look: Look, trace: Trace, place: Address, naming: Naming | None, *, tells_update: bool = True
) -> list[str]:
    """Return what a derivative by a parameter says; nothing for any other number. ``tells_update``: with what the update does."""
    about, step = parameter_of(place), trace.steps[0]
    if about is None or step.gradients is None:
        return []
    value = trace.number(trace.resolve(place))
    name = str(about) if naming is None else naming.text(about)
    said = (
        []
        if not (entering := input_of(look.course, about))
        else [f"{name} is the weight that {entering} enters by."]
    )
    whole, n = place.row is None, len(step.rows)
    of = f"row {place.row or int(step.rows[0])}" if not whole or n == 1 else f"these {n} rows"
    cost = f"the cost of {of}" if whole or n == 1 else f"what {of} adds to the cost"
    if value:
        way = f"{'rises' if value > 0 else 'falls'} by about {number_text(abs(value), 4)}·h"
        said.append(f"Raise {name} a little, by h, and {cost} {way}.")
    else:
        said.append(f"Raise {name} a little, and {cost} stays as it is, to first order.")
    if whole and n > 1:
        said += rows_told(look, trace, about)
    if whole and tells_update and trace is look.batch:
        said += update_told(look, about, name, value)
    return said


def rows_told(look: Look, trace: Trace, about: Address) -> Iterator[str]:
    """Yield which rows of a batch have a part in a derivative, and what they have in common."""
    step, course = trace.steps[0], look.course
    parts = parts_of_rows(trace, about)
    order = np.argsort(-np.abs(parts), kind="stable")
    count = int((parts != 0).sum())
    rows = [int(step.rows[at]) for at in order[: min(count, MOST_NAMED)]]
    of_input = term_enters_input(course, about)
    has = step.record.x[:, about.index[0] - 1] != 0 if of_input else np.ones(len(parts), np.bool_)
    statement = of_input and statement_of(course, about.index[0])
    where = f", where {statement}" if statement else ""
    if not count:
        if of_input and not has.any():
            entering = course.inputs[about.index[0] - 1]
            nothing = f"{'Input ' if course.encoded else ''}{entering} is 0 in all of these rows"
            nothing = nothing[0].upper() + nothing[1:]
            if has_or_not(course, about.index[0]):
                nothing = f"None of these rows has anything in {entering}"
            yield f"{nothing}, so the weight has no part in them."
    elif count == len(parts):
        return
    elif count <= MOST_NAMED:
        which = f"row{'s' * (count > 1)} {', '.join(map(str, rows))} alone{where}"
        yield f"That comes from {which}; the other {len(parts) - count} add nothing to it."
    else:
        yield f"That comes from {count} of the {len(parts)} rows{where}, most from rows {', '.join(map(str, rows[:3]))}."


def update_told(look: Look, about: Address, name: str, value: float) -> Iterator[str]:
    """Yield what the next update makes of a parameter, and why that is so long."""
    assert look.batch is not None
    update = look.batch.steps[0].update
    if update is None:
        return
    trace, new = look.batch, replace(about, name=f"{about.name}_new")
    change = trace.number(trace.resolve(new)) - trace.number(trace.resolve(about))
    if str(about) in look.course.frozen:
        yield f"{name} is frozen, so the update leaves it alone."
        return
    if not change:
        yield f"The update leaves {name} as it is."
        return
    verb, size = ("lowers" if change < 0 else "raises"), number_text(abs(change), 4)
    spec = update.settings.optimizer
    at = look.course.layout.place(about.number, f"{about.name}[{','.join(map(str, about.index))}]", "address")
    assert isinstance(at, int)
    acted = list(stages_told(update, look.batch.steps[0].parameters, at, name))
    yield from acted
    # What the optimizer gets, and what its own lines make of that.
    got, decayed = float(update.stages["g"][at]), float(update.stages["decayed"][at])
    own = float(update.parameters[at]) - decayed
    # What is made in float32 is rounded, by no line.
    moved = abs(own) > np.finfo(np.float32).eps * abs(decayed)
    if moved and not (got and (own < 0) == (got > 0)):
        given = "that" if acted else "the derivative"
        yield f"The update {verb} it all the same, by {size}: other parts of the lines of {spec.name} outweigh {given}."
    else:
        yield f"{'With that' if acted else 'So'} the update {verb} it, by {size}."
    if is_about_rate(look, own):
        what = "derivative" if got == value else "derivative as it gets it"
        yield (
            f"That is about the rate, {number_text(look.eta, 4)}: {spec.name} divides the {what} by the root of its own mean "
            "square, so that its first steps are as long as the rate, however small the derivative is."
        )


def stages_told(update: Update, flat: FloatArray, at: int, name: str) -> Iterator[str]:
    """Yield what each stage before the optimizer's lines did to one of the parameters ``flat`` (p,), where it did anything.

    Of a frozen one that is nothing.
    """
    known = {"g": update.raw[at], "w": flat[at]}
    for stage in STAGES:
        before, after = float(known[stage.sets]), float(update.stages[stage.result][at])
        known[stage.sets] = after
        if after == before or stage.name not in ACTED:
            continue
        given = (
            f"{setting} = {getattr(update.settings, setting):g}"
            for _, setting in stage.numbers
            if getattr(update.settings, setting)
        )
        yield ACTED[stage.name].format(
            settings=", ".join(given),
            name=name,
            after=number_text(after, 4),
            added=number_text(after - before, 4),
        )


def is_about_rate(look: Look, change: float) -> bool:
    """Tell whether what the optimizer's lines change is one of Adam's first steps, and about as long as the rate."""
    assert look.batch is not None
    update = look.batch.steps[0].update
    adam = update is not None and update.settings.optimizer.name.startswith("adam")
    return adam and look.t < FIRST_STEPS and 0.8 < abs(change) / look.eta < 1.25 if look.eta else False


def term_enters_input(course: Course, about: Address) -> bool:
    """Tell whether a parameter is a weight on an input of the network."""
    layer = course.network.layers[about.number - 1]
    enters = layer.term(about.name).enters
    return len(about.index) == 2 and (
        enters == "x" or (enters == "i" and about.number == 1 and course.network.features is None)
    )


def input_of(course: Course, about: Address) -> str:
    """Return the name of the input that a weight is on, "" where it is on none that has a name of its own."""
    if not course.encoded or not term_enters_input(course, about):
        return ""
    return course.inputs[about.index[0] - 1]


def statement_of(course: Course, place: int) -> str:
    """Return what the rows have in common that an input (from 1) is 1 of: "Stadt is Aachen"; "" where it is no statement."""
    if course.reads is None or not course.encoded:
        return ""
    neuron = course.reads.encoder.inputs[place - 1]
    if not neuron.formula.startswith("["):
        return ""
    if neuron.part == "other":
        return f"{neuron.column} is none of those that have an input of their own"
    return re.sub(r' = "(.*)"$', r" is \1", neuron.formula[1:-1])


def has_or_not(course: Course, place: int) -> bool:
    """Tell whether a 0 of an input (from 1) says that a row has nothing of it: a class, a gap or a word, and no number."""
    if course.reads is None or not course.encoded:
        return False
    neuron = course.reads.encoder.inputs[place - 1]
    return neuron.formula.startswith("[") or neuron.part == "count"


def with_inputs_named(made: Derivation, course: Course) -> Derivation:
    """Return a derivation that calls the inputs by their names, too: "the value of input 1, Stadt: Aachen"."""
    if not course.encoded:
        return made

    def named(words: str) -> str:
        return re.sub(
            r"\binput (\d+)\b", lambda found: f"input {found[1]} ({course.inputs[int(found[1]) - 1]})", words
        )

    direct = course.network.features is None
    factors = tuple(
        replace(one, words=named(one.words)) if direct or one.address.startswith("x[") else one
        for one in made.factors
    )
    return replace(made, title=named(made.title) if direct else made.title, factors=factors)


def paragraphs(said: Sequence[str]) -> list[Any]:
    """Return sentences as the nested list of a paragraph; nothing for none."""
    return [["p", {"class": "meaning"}, " ".join(said)]] if said else []


def steady_told(look: Look, old: Look, addresses: Sequence[str]) -> list[str]:
    """Return why the answer for the row that is looked at stayed by parameters that were set; nothing where it didn't.

    ``old`` is the same row before. It is told where no output is another one, and the derivative is 0 before and after.
    """
    if look.course.layout.size != old.course.layout.size:
        return []
    if not np.array_equal(look.step.record.a[look.index], old.step.record.a[old.index]):
        return []
    steady: list[Address] = []
    for address in addresses:
        about = Address.parse(address)
        if about.name not in PARAMETERS or not about.layer:
            return []
        for one in (old, look):
            if one.step.gradients is None or one.picked.number(one.picked.resolve(_of_row(one, about))):
                return []
        steady.append(about)
    found = []
    for about in steady[-MOST_REASONS:]:
        blamed = [
            one.blame.replace(f"@row={look.row}", "")
            for one in path_factors(look.picked, _of_row(look, about))
            if one.blame
        ]
        found += blamed or [f"The derivative by {about} is 0 for this row."]
    if not found:
        return []
    return [f"Row {look.row} doesn't feel it, so its answer stays as it was.", *dict.fromkeys(found)]


def _of_row(look: Look, about: Address) -> Address:
    """Return the address of the part that the row that is looked at has in a derivative."""
    several = len(look.step.rows) > 1
    return Address(f"dC/d{about.name}", about.layer, about.index, row=look.row if several else None)

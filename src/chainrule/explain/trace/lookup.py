"""Where each number of a trace is: an address is resolved, checked against the network, and looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule._types import Array, FloatArray
from chainrule.engines.base import StepSettings
from chainrule.equations.regularizers import penalty
from chainrule.equations.update import results
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.explain.trace.records import Steps, StepTrace, Update
from chainrule.explain.trace.stage_numbers import limits_of, stage_array


def resolve_address(trace: Steps, given: Address) -> Address:
    """Return the address as a trace writes it: with step and row where there are several.

    Raises SettingsError for a place that isn't there, and says what is.
    """
    if given.layer == 0 and trace.network.features is None:
        if given.name not in ("a", "dC/da"):
            raise SettingsError(f"{given}: the network has no feature stage; layer 0 is the input x")
        given = replace(given, name="x" if given.name == "a" else "dC/dx", layer=None)
    _check_place(trace, given)
    step = _step_of(trace, given)
    place = replace(given, step=step.number if len(trace.steps) > 1 else None)
    return replace(place, row=_row_of(given, step), member=_member_of(trace, given, step))


def _step_of(trace: Steps, given: Address) -> StepTrace:
    steps = {step.number: step for step in trace.steps}
    if given.step is None and len(trace.steps) == 1:
        return trace.steps[0]
    if given.step in steps:
        return steps[given.step]
    told = (
        f"steps {span([*steps])}"
        if trace.steps[0].number
        else f"a prediction, which is no training step; {_of_a_step()}"
    )
    what = "which step?" if given.step is None else f"there is no step {given.step};"
    raise SettingsError(f"{given}: {what} this trace holds {told}")


def _of_a_step() -> str:
    return f"for a step of the training add {setting('step')}"


def _row_of(given: Address, step: StepTrace) -> int | None:
    kind, told = given.quantity, f"the step has rows {span(step.rows)}"
    if given.row is not None and given.row not in step.rows:
        raise SettingsError(f"{given}: there is no row {given.row}; {told}")
    if len(step.rows) == 1:
        return None
    if kind.per_row and given.row is None and not given.is_whole:
        raise SettingsError(f"{given}: which row? {told}; write {given}@row={step.rows[0]}")
    if not kind.per_row and kind.name not in _GRADIENTS and given.row is not None:
        raise SettingsError(f"{given}: {kind.words} is the same for all rows; leave out @row")
    return given.row


def _member_of(trace: Steps, given: Address, step: StepTrace) -> int | None:
    if given.member is None or given.member == trace.member:
        return None
    is_output = given.name == "a" and given.layer == len(trace.network.layers)
    if step.members is None or not is_output:
        raise SettingsError(f"{given}: this trace is of member {trace.member}")
    if given.member > len(step.members):
        told = f"members are 1 to {len(step.members)}"
        raise SettingsError(f"{given}: there is no member {given.member}; {told}")
    return given.member


def _check_place(trace: Steps, place: Address) -> None:
    last, layer = len(trace.network.layers), "" if place.layer is None else f"[{place.layer}]"
    if place.layer is not None and place.layer > last:
        layers = f"layers 1 to {last}" if last > 1 else "one layer"
        raise SettingsError(f"{place}: there is no layer {place.layer}; the network has {layers}")
    limits = _limits(trace, place)
    for number, limit in zip(place.index, limits, strict=bool(place.index)):
        if number > limit:
            has = f"the network has {place.name}{layer}{_ranges(limits)}"
            raise SettingsError(f"{place}: there is no {number} there; {has}")


def _limits(trace: Steps, place: Address) -> tuple[int, ...]:
    """Return the largest index of each kind that a place can have."""
    sizes = trace.network.sizes
    match place.quantity.place:
        case "input":
            return (trace.network.n_inputs,)
        case "stage":
            if trace.network.features is None:
                raise SettingsError(f"{place}: the network has no feature stage")
            if place.layer:
                raise SettingsError(f"{place}: the feature stage is layer 0")
            return limits_of(trace.network.features, place)
        case "output":
            return (sizes[-1],)
        case "class":
            if trace.target is not None and len(trace.target.parts) > 1:
                raise SettingsError(f"{place}: there are several targets; see answer[1]")
            if trace.target is None or not trace.target.n_classes:
                raise SettingsError(f"{place}: the target has no classes; see prediction")
            return (trace.target.n_classes,)
        case "neuron":
            return (sizes[place.number],)
        case "weight" | "bias":
            shape = trace.network.shapes()[place.number].get(place.parameter)
            if shape is None:
                raise SettingsError(f"{place}: layer {place.layer} has no {place.quantity.noun}")
            return shape
        case "layer":
            if trace.network.layers[place.number - 1].parametrization == "standard":
                raise SettingsError(f"{place}: layer {place.layer} is not in the parametrization ntk")
    return ()


@one_blas_thread()
def find_array(trace: Steps, place: Address) -> Array:
    """Return the array or number of an address without its index."""
    step = trace.step(place)
    name, features = place.name, trace.network.features
    if place.member is not None and step.members is not None:
        return step.members[place.member - 1][_row_index(place, step)]
    if place.quantity.per_row:
        if place.layer == 0 and features is not None:
            found = stage_array(features, step, trace.layout.unflatten(step.parameters)[0], name)
        else:
            found = _ROWS[name](step, (place.layer or 0) - 1)
        if found is None:
            raise SettingsError(_missing(place, step))
        whole = place.is_whole and place.row is None and len(step.rows) > 1
        return found if whole else found[_row_index(place, step)]
    if name == "scale":
        at = place.number - 1
        return np.float64(trace.network.layers[at].scale(trace.network.sizes[at]))
    if name in _GRADIENTS and step.gradients is not None:
        return _gradient(trace, place, step)
    flat = _flat(place, step)
    if flat is not None:
        slot = trace.layout.slot(place.number, place.parameter)
        return flat[slot.start : slot.stop].reshape(slot.shape)
    if name == "C" and step.gradients is not None:
        return step.gradients.cost
    if name in _OF_UPDATES and step.update is not None:
        number = _OF_UPDATES[name](trace, step, step.update)
        if number is not None:
            return np.float64(number)
    raise SettingsError(_missing(place, step))


def _row_index(place: Address, step: StepTrace) -> int:
    return 0 if place.row is None else step.rows.index(place.row)


def _gradient(trace: Steps, place: Address, step: StepTrace) -> FloatArray:
    assert step.gradients is not None
    found = step.gradients.parameters[place.number]
    if place.row is not None:
        p, at = trace.layout.unflatten(step.parameters), _row_index(place, step)
        found = trace.network.gradients_of_rows(
            p, step.record, step.gradients, place.number, slice(at, at + 1), np
        )
    return np.asarray(found[place.by.name])


def _flat(place: Address, step: StepTrace) -> FloatArray | None:
    """Return the flat array (p,) that a number of a parameter's is in, None where there is none."""
    own, update = place.parameter, step.update
    if own == place.name:
        return step.parameters if own else None
    if update is None or not own:
        return None
    what = place.name.removeprefix(f"{own}_").removesuffix(f"/d{own}")
    if place.name.startswith(f"{own}_"):
        return update.parameters if what == "new" else update.stages[what]
    return update.numbers.get(what)


def _missing(place: Address, step: StepTrace) -> str:
    if place.name == "f'" and step.slopes[place.number - 1] is None:
        return f"{place}: softmax has no slope per neuron: its outputs share all of z; see delta"
    if place.name == "r":
        return f"{place}: layer {place.layer} dropped nothing"
    if place.name == "y_smooth":
        return f"{place}: the loss does not smooth labels; see y"
    if place.name in ("mean_a", "prediction", "probability", "answer"):
        if step.each is not None:
            return f"{place}: there are several targets; see answer[1]"
        if step.answers is None:
            return f"{place}: only a trace of a model's prediction has it"
        return f"{place}: see {'prediction' if step.answers.ndim == 1 else 'probability[1]'}"
    if step.y is None:
        changed = place.parameter and place.name not in (*PARAMETERS, *_GRADIENTS)
        of_update = changed or place.name in (*_OF_UPDATES, "loss_new")
        remedy = f"; {_of_a_step()}" if of_update else ""
        return f"{place}: the row's target isn't known, so there is no loss and no gradient{remedy}"
    if step.update is None and step.shared:
        return (
            f"{place}: the members share their layers' weights, so an update is of all members and can't be shown for "
            "one; its own part of the step ends with dC/dW and dC/db"
        )
    if step.update is None:
        return f"{place}: this trace holds no update, only the numbers before it; {_of_a_step()}"
    if place.name == "strength":
        return f"{place}: dropout and weight decay are the same in the whole training"
    own = [
        f"{name}/dW"
        for name in (*results("g"), *step.update.before.arrays, *step.update.lines)
        if name != "w"
    ]
    return f"{place}: not among the numbers of {step.update.settings.optimizer.name}; it has {', '.join(own)}"


_GRADIENTS = tuple(f"dC/d{name}" for name in PARAMETERS)
_ROWS: Mapping[str, Callable[[StepTrace, int], Array | None]] = {
    "x": lambda step, _: step.record.x,
    "y": lambda step, _: step.y,
    "y_smooth": lambda step, _: step.y_smooth,
    "z": lambda step, index: step.record.layers[index].z,
    "a": lambda step, index: step.record.layers[index].a,
    "h": lambda step, index: step.record.layers[index].h,
    "r": lambda step, index: step.record.layers[index].mask,
    "f'": lambda step, index: step.slopes[index],
    "delta": lambda step, index: step.gradients and step.gradients.layers[index].delta,
    "dC/da": lambda step, index: step.gradients and step.gradients.layers[index].da,
    "dC/dh": lambda step, index: step.gradients and step.gradients.layers[index].dh,
    "dC/dx": lambda step, _: step.gradients and step.gradients.x,
    "loss": lambda step, _: step.losses,
    "share": lambda step, _: step.shares,
    "loss_new": lambda step, _: step.update and step.update.losses,
    "mean_a": lambda step, _: step.mean_output,
    "prediction": lambda step, _: _answers(step, 1),
    "probability": lambda step, _: _answers(step, 2),
    "answer": lambda step, _: step.each,
}


def _answers(step: StepTrace, axes: int) -> FloatArray | None:
    """Return the answers where they are numbers (1 axis) or probabilities (2)."""
    return step.answers if step.answers is not None and step.answers.ndim == axes else None


_OF_UPDATES: Mapping[str, Callable[[Steps, StepTrace, Update], float | None]] = {
    "C_new": lambda trace, step, update: update.cost,
    "eta": lambda trace, step, update: update.eta,
    "t": lambda trace, step, update: float(update.t),
    "norm": lambda trace, step, update: _length(update.measured),
    "strength": lambda trace, step, update: getattr(update.regularization, "value", None),
    "penalty": lambda trace, step, update: _penalty(trace, step.parameters, update.settings),
}


def _length(flat: FloatArray) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(flat))


def _penalty(trace: Steps, flat: FloatArray, settings: StepSettings) -> float:
    decayed = trace.layout.decayed * trace.layout.free
    return float(penalty(flat, decayed, settings.l1, settings.l2, np))


def span(numbers: Sequence[int]) -> str:
    """Return numbers in words: 1 to 8, or 3, 17, 4, … (32 of them)."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    if len(numbers) <= 6:
        return ", ".join(str(number) for number in numbers)
    return f"{', '.join(str(number) for number in numbers[:5])}, … ({len(numbers)} of them)"


def _ranges(limits: Sequence[int]) -> str:
    return f"[{','.join(f'1 to {limit}' if limit > 1 else '1' for limit in limits)}]"

"""A trace as JSON that a program in another language can read, and back: the same numbers to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from chainrule._numbers import number_from_data, number_to_data
from chainrule._plain import form_of
from chainrule._types import Array, FloatArray
from chainrule._version import __version__
from chainrule.engines.base import StepSettings
from chainrule.equations.activations import Activation
from chainrule.equations.dense import LayerGradients, LayerRecord
from chainrule.equations.features import PARAMETERS as STAGE_PARAMETERS
from chainrule.equations.features import Features, StageGradients, StageRecord
from chainrule.equations.layout import Layout
from chainrule.equations.losses import Loss
from chainrule.equations.network import Gradients, Network, Record
from chainrule.equations.optimizers import Optimizer, OptimizerState, optimizer
from chainrule.equations.update import results
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.explain.trace.records import Rate, Regularization, StepTrace, Update
from chainrule.explain.trace.schema import FORMAT, TRACE_SCHEMA, VERSION, validate
from chainrule.explain.trace.trace import Trace
from chainrule.tables.encoding.encode import InputValue
from chainrule.tables.encoding.targets import read_target

MOST_ROW_GRADIENTS = 20_000
"""The most numbers of rows' own gradients that are written: each is h times delta, which are there."""

_PER_LAYER = ("z", "a", "h", "r", "f'", "delta", "dC/da", "dC/dh", *(f"dC/d{name}" for name in PARAMETERS))
_OF_STAGE = (
    *("u", "du/dphi", "e", "a", "dC/da", "dC/de", "dC/du"),
    *(f"dC/d{name}" for name in STAGE_PARAMETERS),
)
_PER_STEP = (
    *("x", "y", "y_smooth", "dC/dx", "loss", "share"),
    *("loss_new", "mean_a", "prediction", "probability", "answer"),
)
_ENCODING = form_of(tuple[tuple[InputValue, ...], ...] | None)
_NUMBERS = ("C", "C_new", "eta", "t", "norm", "penalty", "strength")
_SETTINGS = ("batch_size", "l1", "l2", "weight_decay", "clip_norm", "shuffle", "seed")


def trace_to_json(trace: Trace) -> str:
    """Return the trace as JSON, by the schema of docs/trace.md."""
    return json.dumps(trace_to_data(trace), allow_nan=False, ensure_ascii=False)


def trace_from_json(text: str) -> Trace:
    """Return the trace of `trace_to_json`; raises SettingsError for anything else."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"this is not JSON: {error}") from error
    return trace_from_data(data)


def trace_to_data(trace: Trace) -> dict[str, Any]:
    """Return the trace as plain data: what `TRACE_SCHEMA` describes."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "chainrule": __version__,
        "member": trace.member,
        "network": json.loads(json.dumps(trace.network.to_dict())),
        "formulas": _formulas(trace),
        "target": None if trace.target is None else trace.target.to_dict(),
        "source": dict(trace.source),
        "steps": [_step_to_data(trace, step) for step in trace.steps],
    }


def trace_from_data(data: Any) -> Trace:
    """Return the trace of `trace_to_data`; raises SettingsError where data doesn't fit the schema or the network."""
    if isinstance(data, dict) and data.get("format") == FORMAT and data.get("version") != VERSION:
        raise SettingsError(f"the trace has version {data.get('version')!r}, and version {VERSION} is read")
    validate(data, TRACE_SCHEMA)
    network = Network.from_dict(data["network"])
    layout = Layout(network)
    try:
        target = None if data["target"] is None else read_target(data["target"])
        steps = tuple(_step_from_data(layout, step) for step in data["steps"])
    except ModelFileError as error:
        raise SettingsError(f"trace.{error}") from error
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        raise SettingsError(f"the trace's arrays don't fit its network: {error}") from error
    return Trace(network, steps, data["member"], target, data["source"])


def _formulas(trace: Trace) -> dict[str, Any]:
    loss, output = trace.network.loss, trace.network.output.activation
    link = loss.links.get(output.name)
    method = next((step.update.settings.optimizer for step in trace.steps if step.update is not None), None)

    def told(record: Activation | Loss | Optimizer, **more: Any) -> dict[str, Any]:
        return {"name": record.name, **more, "parameters": dict(record.parameters)}

    return {
        "layers": [
            told(record, text=record.text, slope=str(record.slope) if record.elementwise else None)
            for record in (layer.activation for layer in trace.network.layers)
        ],
        "loss": {
            **told(loss, text=loss.text, slope=str(loss.slope)),
            "over_outputs": loss.over_outputs,
            "delta": None if link is None else link.delta,
        },
        "optimizer": None if method is None else told(method, lines=[list(line) for line in method.lines]),
    }


def _step_to_data(trace: Trace, step: StepTrace) -> dict[str, Any]:
    one = Trace(trace.network, (step,), trace.member, trace.target)

    def arrays(names: Iterable[str], layer: int | None = None) -> dict[str, Any]:
        found = ((name, _array(one, step, name, layer)) for name in names)
        return {name: array for name, array in found if array is not None}

    own = () if step.update is None else tuple(step.update.numbers)
    layers = []
    for number, kinds in _numbered(trace.network.shapes()):
        of_update = (f"{name}/d{kind}" for name in own for kind in kinds)
        changed = (f"{kind}_{mark}" for kind in kinds for mark in (*results("w"), "new"))
        names = (*kinds, *(_PER_LAYER if number else _OF_STAGE), *of_update, *changed)
        layers.append(arrays(names, number))
    return {
        "number": step.number,
        "rows": list(step.rows),
        "encoding": _ENCODING.write(step.inputs),
        "numbers": {name: number_to_data(one[name]) for name in _NUMBERS if one.has(name)},
        "arrays": arrays(_PER_STEP),
        "layers": layers,
        "row_gradients": _row_gradients(one, step),
        "weights": None if step.weights is None else _numbers(step.weights),
        "members": None if step.members is None else _numbers(step.members),
        **({} if step.member_shares is None else {"member_shares": _numbers(step.member_shares)}),
        "update": None if step.update is None else _update_to_data(step.update),
    }


def _array(one: Trace, step: StepTrace, name: str, layer: int | None = None) -> Any:
    """Return an array of a step as nested lists, rows first where each row has its own; None where there is none."""
    place = Address(name, layer)
    if place.quantity.place == "scalar":
        places = [place.at(row=row) for row in step.rows]
        return [number_to_data(one[each]) for each in places] if one.has(places[0]) else None
    if not one.has(place):
        return None
    found = np.asarray(one.array(place))
    per_row = place.quantity.per_row and len(step.rows) == 1
    return _numbers(found[None] if per_row else found)


def _row_gradients(one: Trace, step: StepTrace) -> Any:
    if step.gradients is None or len(step.rows) == 1 or len(step.rows) * one.layout.size > MOST_ROW_GRADIENTS:
        return None
    return [
        [
            {
                name: _numbers(one.array(Address(name, number, (), None, row)))
                for name in (f"dC/d{kind}" for kind in made)
            }
            for number, made in _numbered(step.gradients.parameters)
        ]
        for row in step.rows
    ]


def _numbered(parameters: Mapping[int, Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the layers' arrays with the layers' numbers in the order of the file: a feature stage, layer 0, comes last."""
    return sorted(parameters.items(), key=lambda item: item[0] or len(parameters))


def _update_to_data(update: Update) -> dict[str, Any]:
    settings, rate, made = update.settings, update.rate, update.regularization
    return {
        "optimizer": settings.optimizer.spec,
        **{name: getattr(settings, name) for name in _SETTINGS},
        "rate": None if rate is None else rate.to_dict(),
        **({} if made is None else {"regularization": made.to_dict()}),
    }


def _numbers(array: Array) -> Any:
    """Return an array as nested lists that JSON can hold."""
    array = np.asarray(array, np.float64)
    if np.isfinite(array).all():
        return array.tolist()
    return [number_to_data(item) if np.ndim(item) == 0 else _numbers(item) for item in array]


def _read(data: Any) -> FloatArray:
    """Return nested lists as an array; raises ValueError where their lengths differ."""
    try:
        return np.array(data, np.float64)
    except ValueError:
        return np.array([_read(item) if isinstance(item, list) else number_from_data(item) for item in data])


class _Arrays:
    """The arrays of one step in plain data, checked against the shapes of the network."""

    def __init__(self, layout: Layout, data: Mapping[str, Any]) -> None:
        self.layout, self.network, self.layers = layout, layout.network, data["layers"]
        self.n = len(data["rows"])
        if len(self.layers) != len(self.network.shapes()):
            raise ValueError(f"{len(self.layers)} layers")

    def rows(self, number: int, name: str) -> FloatArray | None:
        """Return an array (n, n_out) of a layer (from 1), None where the trace has none."""
        given = self.layers[number - 1].get(name)
        shape = (self.n, self.network.layers[number - 1].n_out)
        return None if given is None else _shaped(_read(given), shape, name)

    def record(self, number: int) -> LayerRecord:
        """Return what forward computed in a layer; raises KeyError where it isn't all there."""
        z, a, h = (_sure(self.rows(number, name)) for name in ("z", "a", "h"))
        layer = self.network.layers[number - 1]
        return LayerRecord(z, a, h, self.rows(number, "r"), layer.mixed_part(z, np) if layer.mix else None)

    def gradients(self, number: int, parameters: dict[str, Array]) -> LayerGradients:
        """Return what backward computed in a layer; raises KeyError where it isn't all there."""
        da, dh, delta = (_sure(self.rows(number, name)) for name in ("dC/da", "dC/dh", "delta"))
        return LayerGradients(da, dh, delta, self.rows(number, "f'"), parameters)

    def of_stage(self, features: Features, name: str) -> Any:
        """Return an array of the feature stage: rows first in the trace, (G, n, K) where they are cosines'; None if none."""
        of_cosines = name in ("u", "du/dphi", "dC/du")
        if of_cosines and "f" not in self.layers[-1]:
            return None
        numbers = features.columns_of("number")
        shape = (self.n, numbers, features.waves) if of_cosines else (self.n, features.n_outputs)
        array = _shaped(_read(self.layers[-1][name]), shape, name)
        return np.moveaxis(array, -3, -2) if of_cosines else array

    def flat(self, name: str) -> FloatArray:
        """Return a flat array of a name that has W, b or alpha in it as {}."""
        made: dict[int, dict[str, FloatArray]] = {number: {} for number in self.network.shapes()}
        for slot in self.layout.slots:
            array = _read(self.layers[slot.layer - 1][name.format(slot.name)])
            made[slot.layer][slot.name] = _shaped(array, slot.shape, name)
        return self.layout.flatten(made)


def _step_from_data(layout: Layout, data: Mapping[str, Any]) -> StepTrace:
    network, of = layout.network, _Arrays(layout, data)
    features, numbers = network.features, range(1, len(network.layers) + 1)
    arrays = {name: _read(array) for name, array in data["arrays"].items()}
    x = _shaped(arrays["x"], (of.n, network.n_inputs), "x")
    layers = tuple(of.record(number) for number in numbers)
    record, gradients = Record(x, layers), None
    if features is not None:
        stage = StageRecord(*(of.of_stage(features, name) for name in ("u", "du/dphi", "e", "a")))
        record = record._replace(stage=stage)
    if "y" in arrays:
        parameters, by_x = layout.unflatten(of.flat("dC/d{}")), arrays["dC/dx"]
        back = tuple(of.gradients(number, parameters[number]) for number in numbers)
        gradients = Gradients(np.float64(number_from_data(data["numbers"]["C"])), back, by_x)
        if features is not None:
            da, de, du = (of.of_stage(features, name) for name in ("dC/da", "dC/de", "dC/du"))
            gradients = gradients._replace(stage=StageGradients(da, de, du, parameters[0], by_x))
    return StepTrace(
        data["number"],
        tuple(data["rows"]),
        of.flat("{}"),
        record,
        tuple(of.rows(number, "f'") for number in numbers),
        arrays.get("y"),
        arrays.get("y_smooth"),
        None if data["weights"] is None else _shaped(_read(data["weights"]), (of.n,), "weights"),
        arrays.get("share"),
        arrays.get("loss"),
        gradients,
        None if data["update"] is None else _update_from_data(data, arrays, of.flat),
        None if data["members"] is None else _read(data["members"]),
        arrays.get("prediction", arrays.get("probability")),
        _ENCODING.read(data["encoding"], "encoding"),
        member_shares=_read(data["member_shares"]) if "member_shares" in data else None,
        each=arrays.get("answer"),
    )


def _update_from_data(
    data: Mapping[str, Any], arrays: Mapping[str, FloatArray], flat: Callable[[str], FloatArray]
) -> Update:
    given, numbers = data["update"], data["numbers"]
    method = optimizer(given["optimizer"])
    settings = StepSettings(method, **{name: given[name] for name in _SETTINGS})
    t, states = int(numbers["t"]), method.state
    lines = {
        name: flat("{}_new" if name == "w" else f"{name}{'_new' * (name in states)}/d{{}}")
        for name, _ in method.lines
    }
    stages = {name: f"{name}/d{{}}" for name in results("g")} | {
        name: f"{{}}_{name}" for name in results("w")
    }
    rate, made = given["rate"], given.get("regularization")
    return Update(
        settings,
        number_from_data(numbers["eta"]),
        OptimizerState(t - 1, {name: flat(f"{name}/d{{}}") for name in states}),
        flat("dC/d{}"),
        {name: flat(place) for name, place in stages.items()},
        lines,
        OptimizerState(t, {name: lines[name] for name in states}),
        flat("{}_new"),
        arrays["loss_new"],
        number_from_data(numbers["C_new"]),
        None if rate is None else Rate.from_dict(rate),
        None if made is None else Regularization.from_dict(made),
    )


def _shaped(array: FloatArray, shape: tuple[int, ...], name: str) -> FloatArray:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, but {shape} is expected")
    return array


def _sure(array: FloatArray | None) -> FloatArray:
    if array is None:
        raise KeyError("an array of a layer is not there")
    return array

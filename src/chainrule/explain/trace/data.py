"""A trace as JSON that a program in another language can read, and back: the same numbers to the last bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._numbers import number_from_data, number_to_data
from chainrule._plain import form_of
from chainrule._types import Array, FloatArray
from chainrule._version import __version__
from chainrule.engines.base import StepSettings
from chainrule.equations.dense import LayerGradients, LayerRecord
from chainrule.equations.features import PARAMETERS as STAGE_PARAMETERS
from chainrule.equations.features import Features, StageGradients, StageRecord
from chainrule.equations.layout import Layout
from chainrule.equations.network import Gradients, Network, Record
from chainrule.equations.optimizers import OptimizerState, optimizer
from chainrule.equations.update import results
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.trace.address import PARAMETERS, Address
from chainrule.explain.trace.records import Rate, Regularization, StepTrace, Update
from chainrule.explain.trace.schema import FORMAT, TRACE_SCHEMA, VERSION, validate
from chainrule.explain.trace.trace import Trace
from chainrule.tables.encode import InputValue
from chainrule.tables.target import TargetEncoder

MOST_ROW_GRADIENTS = 20_000
"""The most numbers of rows' own gradients that are written: each is h times delta, which are there."""

_PER_LAYER = ("z", "a", "h", "r", "f'", "delta", "dC/da", "dC/dh", *(f"dC/d{name}" for name in PARAMETERS))
_OF_STAGE = (
    *("u", "du/dphi", "e", "a", "dC/da", "dC/de", "dC/du"),
    *(f"dC/d{name}" for name in STAGE_PARAMETERS),
)
_PER_STEP = (
    "x",
    "y",
    "y_smooth",
    "dC/dx",
    "loss",
    "share",
    "loss_new",
    "mean_a",
    "prediction",
    "probability",
)
_ENCODING = form_of(tuple[tuple[InputValue, ...], ...] | None)
_NUMBERS = ("C", "C_new", "eta", "t", "norm", "penalty", "strength")


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
        target = None if data["target"] is None else TargetEncoder.from_dict(data["target"])
        steps = tuple(_step_from_data(layout, step) for step in data["steps"])
    except ModelFileError as error:
        raise SettingsError(f"trace.{error}") from error
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        raise SettingsError(f"the trace's arrays don't fit its network: {error}") from error
    return Trace(network, steps, data["member"], target, data["source"])


def _formulas(trace: Trace) -> dict[str, Any]:
    loss, output = trace.network.loss, trace.network.output.activation
    link = loss.links.get(output.name)
    updates = [step.update for step in trace.steps if step.update is not None]
    method = updates[0].settings.optimizer if updates else None
    return {
        "layers": [
            {
                "name": record.name,
                "text": record.text,
                "slope": str(record.slope) if record.elementwise else None,
                "parameters": dict(record.parameters),
            }
            for record in (layer.activation for layer in trace.network.layers)
        ],
        "loss": {
            "name": loss.name,
            "text": loss.text,
            "slope": str(loss.slope),
            "parameters": dict(loss.parameters),
            "over_outputs": loss.over_outputs,
            "delta": None if link is None else link.delta,
        },
        "optimizer": None
        if method is None
        else {
            "name": method.name,
            "lines": [list(line) for line in method.lines],
            "parameters": dict(method.parameters),
        },
    }


def _step_to_data(trace: Trace, step: StepTrace) -> dict[str, Any]:
    one = Trace(trace.network, (step,), trace.member, trace.target)
    own = _update_names(step)
    layers = []
    for number, shapes in _numbered(trace.network.shapes()):
        kinds = list(shapes)
        names = [
            *kinds,
            *(_PER_LAYER if number else _OF_STAGE),
            *(f"{name}/d{kind}" for name in own for kind in kinds),
        ]
        names += [f"{kind}_{mark}" for kind in kinds for mark in (*results("w"), "new")]
        layers.append(
            {name: array for name in names if (array := _array(one, step, name, number)) is not None}
        )
    return {
        "number": step.number,
        "rows": list(step.rows),
        "encoding": _ENCODING.write(step.inputs),
        "numbers": {name: number_to_data(one[name]) for name in _NUMBERS if one.has(name)},
        "arrays": {name: array for name in _PER_STEP if (array := _array(one, step, name)) is not None},
        "layers": layers,
        "row_gradients": _row_gradients(one, step),
        "weights": None if step.weights is None else _numbers(step.weights),
        "members": None if step.members is None else _numbers(step.members),
        **({} if step.member_shares is None else {"member_shares": _numbers(step.member_shares)}),
        "update": None if step.update is None else _update_to_data(step.update),
    }


def _update_names(step: StepTrace) -> list[str]:
    """Return the names of what an update has for each parameter: g, m, m_new, m_hat and so on."""
    if step.update is None:
        return []
    states = [*step.update.before.arrays]
    lines = [name for name in step.update.lines if name != "w" and name not in states]
    return [*results("g"), *states, *(f"{name}_new" for name in states), *lines]


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
        "batch_size": settings.batch_size,
        "l1": settings.l1,
        "l2": settings.l2,
        "weight_decay": settings.weight_decay,
        "clip_norm": settings.clip_norm,
        "shuffle": settings.shuffle,
        "seed": settings.seed,
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


def _step_from_data(layout: Layout, data: Mapping[str, Any]) -> StepTrace:
    network, layers, n = layout.network, data["layers"], len(data["rows"])
    arrays = {name: _read(array) for name, array in data["arrays"].items()}
    if len(layers) != len(network.shapes()):
        raise ValueError(f"{len(layers)} layers")

    def rows(number: int, name: str) -> FloatArray | None:
        """Return an array (n, n_out) of a layer, None where the trace has none."""
        if name not in layers[number]:
            return None
        return _shaped(_read(layers[number][name]), (n, network.layers[number].n_out), name)

    def flat(name: str) -> FloatArray:
        """Return a flat array of a name that has W, b or alpha in it as {}."""
        made: dict[int, dict[str, FloatArray]] = {number: {} for number in network.shapes()}
        for slot in layout.slots:
            array = _read(layers[slot.layer - 1][name.format(slot.name)])
            made[slot.layer][slot.name] = _shaped(array, slot.shape, name)
        return layout.flatten(made)

    count = range(len(network.layers))
    record = Record(
        _shaped(arrays["x"], (n, network.n_inputs), "x"),
        tuple(
            LayerRecord(
                _sure(rows(i, "z")),
                _sure(rows(i, "a")),
                _sure(rows(i, "h")),
                rows(i, "r"),
                network.layers[i].mixed_part(_sure(rows(i, "z")), np) if network.layers[i].mix else None,
            )
            for i in count
        ),
        None if network.features is None else _stage_from_data(network.features, layers[-1], n),
    )
    gradients = None
    if "y" in arrays:
        parameters = layout.unflatten(flat("dC/d{}"))
        back = tuple(
            LayerGradients(
                _sure(rows(i, "dC/da")),
                _sure(rows(i, "dC/dh")),
                _sure(rows(i, "delta")),
                rows(i, "f'"),
                parameters[i + 1],
            )
            for i in count
        )
        cost = np.float64(number_from_data(data["numbers"]["C"]))
        gradients = Gradients(cost, back, arrays["dC/dx"])
        if network.features is not None:
            of_stage = _stage_gradients(network.features, layers[-1], n, parameters[0], arrays["dC/dx"])
            gradients = gradients._replace(stage=of_stage)
    return StepTrace(
        data["number"],
        tuple(data["rows"]),
        flat("{}"),
        record,
        tuple(rows(i, "f'") for i in count),
        arrays.get("y"),
        arrays.get("y_smooth"),
        None if data["weights"] is None else _shaped(_read(data["weights"]), (n,), "weights"),
        arrays.get("share"),
        arrays.get("loss"),
        gradients,
        None if data["update"] is None else _update_from_data(data, arrays, flat),
        None if data["members"] is None else _read(data["members"]),
        arrays.get("prediction", arrays.get("probability")),
        _ENCODING.read(data["encoding"], "encoding"),
        member_shares=_read(data["member_shares"]) if "member_shares" in data else None,
    )


def _of_stage(features: Features, data: Mapping[str, Any], n: int, name: str) -> FloatArray:
    """Return an array of the feature stage: rows first in the trace, (G, n, K) where they are cosines'."""
    if name not in ("u", "du/dphi", "dC/du"):
        return _shaped(_read(data[name]), (n, features.n_outputs), name)
    shape = (n, features.columns_of("number"), features.waves)
    return np.moveaxis(_shaped(_read(data[name]), shape, name), -3, -2)


def _stage_from_data(features: Features, data: Mapping[str, Any], n: int) -> StageRecord:
    u, v = (_of_stage(features, data, n, name) if "f" in data else None for name in ("u", "du/dphi"))
    return StageRecord(u, v, _of_stage(features, data, n, "e"), _of_stage(features, data, n, "a"))


def _stage_gradients(
    features: Features, data: Mapping[str, Any], n: int, parameters: dict[str, Array], x: FloatArray
) -> StageGradients:
    da, de = (_of_stage(features, data, n, name) for name in ("dC/da", "dC/de"))
    du = _of_stage(features, data, n, "dC/du") if "f" in data else None
    return StageGradients(da, de, du, parameters, x)


def _update_from_data(data: Mapping[str, Any], arrays: Mapping[str, FloatArray], flat: Any) -> Update:
    given = data["update"]
    method = optimizer(given["optimizer"])
    names = ("batch_size", "l1", "l2", "weight_decay", "clip_norm", "shuffle", "seed")
    settings = StepSettings(method, **{name: given[name] for name in names})
    t = int(data["numbers"]["t"])
    lines = {
        name: flat("{}_new") if name == "w" else flat(f"{name}{'_new' * (name in method.state)}/d{{}}")
        for name, _ in method.lines
    }
    rate, made = given["rate"], given.get("regularization")
    return Update(
        settings,
        number_from_data(data["numbers"]["eta"]),
        OptimizerState(t - 1, {name: flat(f"{name}/d{{}}") for name in method.state}),
        flat("dC/d{}"),
        {
            **{name: flat(f"{name}/d{{}}") for name in results("g")},
            **{name: flat(f"{{}}_{name}") for name in results("w")},
        },
        lines,
        OptimizerState(t, {name: lines[name] for name in method.state}),
        flat("{}_new"),
        arrays["loss_new"],
        number_from_data(data["numbers"]["C_new"]),
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

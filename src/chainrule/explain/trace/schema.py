"""The schema of a trace in JSON, and a validator for as much of JSON Schema as it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import SettingsError

FORMAT, VERSION = "chainrule trace", 1

_NUMBER: Mapping[str, Any] = {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}]}
_COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_TEXT: Mapping[str, Any] = {"type": "string"}
_NULL: Mapping[str, Any] = {"type": "null"}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _map(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, _NULL]}


def _record(
    more: Mapping[str, Mapping[str, Any]] | None = None, **properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the schema of an object with these properties; those in ``more`` may be left out."""
    return {
        "type": "object",
        "properties": {**properties, **(more or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


_VECTOR = _list(_NUMBER)
_MATRIX = _list(_VECTOR)
_TENSOR = _list(_MATRIX)
_ARRAY: Mapping[str, Any] = {"anyOf": [_TENSOR, _VECTOR, _MATRIX]}
_ANY: Mapping[str, Any] = {}

_ENCODING = _record(
    input=_TEXT, column=_TEXT, cell=_or_null(_TEXT), formula=_TEXT, parameters=_map(_NUMBER), value=_NUMBER
)
_UPDATE = _record(
    {"regularization": _record(schedule=_TEXT, value=_NUMBER, epoch=_COUNT, epochs=_COUNT)},
    optimizer=_TEXT,
    batch_size=_COUNT,
    l1=_NUMBER,
    l2=_NUMBER,
    weight_decay=_NUMBER,
    clip_norm=_or_null(_NUMBER),
    shuffle={"type": "boolean"},
    seed=_COUNT,
    rate=_or_null(
        _record(
            schedule=_TEXT,
            base=_NUMBER,
            **dict.fromkeys(("made", "total", "epoch", "plateaus", "warmup"), _COUNT),
        )
    ),
)
_STEP = _record(
    {"member_shares": _VECTOR},
    number=_COUNT,
    rows=_list(_COUNT),
    encoding=_or_null(_list(_list(_ENCODING))),
    numbers=_map(_NUMBER),
    arrays=_map(_ARRAY),
    layers=_list(_map(_ARRAY)),
    row_gradients=_or_null(_list(_list(_map(_ARRAY)))),
    weights=_or_null(_VECTOR),
    members=_or_null(_list(_MATRIX)),
    update=_or_null(_UPDATE),
)
_FORMULAS = _record(
    layers=_list(_record(name=_TEXT, text=_TEXT, slope=_or_null(_TEXT), parameters=_map(_NUMBER))),
    loss=_record(
        name=_TEXT,
        text=_TEXT,
        slope=_TEXT,
        parameters=_map(_NUMBER),
        over_outputs={"enum": ["sum", "mean"]},
        delta=_or_null(_TEXT),
    ),
    optimizer=_or_null(_record(name=_TEXT, lines=_list(_list(_TEXT)), parameters=_map(_NUMBER))),
)

TRACE_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A chainrule trace",
    **_record(
        format={"enum": [FORMAT]},
        version={"enum": [VERSION]},
        chainrule=_TEXT,
        member={"type": "integer", "minimum": 1},
        network=_map(_ANY),
        formulas=_FORMULAS,
        target=_or_null(_map(_ANY)),
        source=_map(_ANY),
        steps={**_list(_STEP), "minItems": 1},
    ),
}
"""The schema, in the words of JSON Schema, draft 2020-12."""

_TYPES: Mapping[str, Any] = {
    "string": str,
    "array": list,
    "object": dict,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}


def validate(data: Any, schema: Mapping[str, Any], where: str = "trace") -> None:
    """Raise SettingsError where data doesn't fit a schema, naming the place."""
    if "anyOf" in schema:
        # Of several kinds the one of the data's own type is meant, so that its error is the one told.
        problem = SettingsError(f"{where}: {_shown(data)} is not what belongs here")
        for option in (option for option in schema["anyOf"] if _is_of(data, option)):
            try:
                return validate(data, option, where)
            except SettingsError as error:
                problem = error
        raise problem
    if not _is_of(data, schema):
        raise SettingsError(f"{where}: {_shown(data)} is not what belongs here")
    if isinstance(data, int) and not isinstance(data, bool) and data < schema.get("minimum", data):
        raise SettingsError(f"{where}: {data} is less than {schema['minimum']}")
    if isinstance(data, list):
        if len(data) < schema.get("minItems", 0):
            raise SettingsError(f"{where}: at least {schema['minItems']} is needed")
        items = schema.get("items", {})
        if items is not _NUMBER or not all(type(item) is float for item in data):
            for number, item in enumerate(data):
                validate(item, items, f"{where}[{number}]")
    if isinstance(data, dict):
        missing = next((name for name in schema.get("required", ()) if name not in data), None)
        if missing is not None:
            raise SettingsError(f"{where}: {missing!r} is not there")
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        for name, value in data.items():
            own = properties.get(name, others)
            if own is False:
                raise SettingsError(f"{where}: {name!r} is not known here")
            validate(value, own, f"{where}.{name}")
    return None


def _is_of(data: Any, schema: Mapping[str, Any]) -> bool:
    """Tell whether data is of a schema's own type or among its values."""
    if "anyOf" in schema:
        return any(_is_of(data, option) for option in schema["anyOf"])
    if "enum" in schema:
        return any(data == value and type(data) is type(value) for value in schema["enum"])
    kind = schema.get("type")
    if kind is None:
        return True
    if isinstance(data, bool):
        return bool(kind == "boolean")
    return isinstance(data, _TYPES[kind])


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 40 else f"{text[:40]}…"

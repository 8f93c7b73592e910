"""Records as plain data that JSON can hold, and back, by the types of their fields; what is read is strictly checked.

A dataclass is an object of its fields by name, a NamedTuple a list of them in order, a tuple or an array a list, a mapping
an object; an optional value may be null, and a union of records is told by their ``kind``. What a type alone doesn't say
is an annotation: ``Annotated[str, one_of(SCALINGS)]``, `Count`, `AnyNumber`, `IF_SET`, or a `Form` of its own. What must
hold between the fields is the record's ``__post_init__``, which raises SettingsError(f"{field}: what is wrong"). Whatever
is not a record's plain data is refused by a ModelFileError of one line that begins with the place.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Point(Plain):
...     x: float
...     name: Annotated[str, IF_SET] = ""
>>> Point(1.0).to_dict(), Point.from_dict({"x": 2, "name": "b"})
({'x': 1.0}, Point(x=2.0, name='b'))
>>> Point.from_dict({"x": "2"})
Traceback (most recent call last):
...
chainrule.errors.ModelFileError: point.x: a finite number was expected, not '2'
"""

import math
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    NamedTuple,
    Self,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from chainrule._numbers import number_to_data
from chainrule._types import FloatArray
from chainrule.errors import ModelFileError, SettingsError

_Part = TypeVar("_Part")

IF_SET: Final = "written where it differs from the default"
"""The annotation of a field that is in plain data only where it isn't its default."""


class Form(NamedTuple):
    """How a value is written as plain data, and read back by ``read(data, where)``, which raises ModelFileError."""

    write: Callable[[Any], Any]
    read: Callable[[object, str], Any]


class Plain:
    """A dataclass with `to_dict` and `from_dict` by the types of its fields.

    Class keywords: ``place`` begins the errors (the class's name if empty). ``names`` is what is written, in this order, if
    it isn't all fields: a property among them is written and not read, ``...`` are all other fields, and a field that is
    left out has its default when it is read. ``kind`` is written first, ``("block", "words")`` for another key than
    ``kind``, and tells the members of a union.
    """

    _place: ClassVar[str] = ""
    _names: ClassVar[tuple[Any, ...]] = (...,)
    _kind: ClassVar[tuple[str, str] | None] = None

    def __init_subclass__(
        cls, *, place: str = "", names: Sequence[Any] = (...,), kind: str | tuple[str, str] | None = None
    ) -> None:
        super().__init_subclass__()
        cls._place = place or cls.__name__.lower()
        cls._names = tuple(names)
        cls._kind = ("kind", kind) if isinstance(kind, str) else kind

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, which `from_dict` reads back."""
        data: dict[str, Any] = to_plain(self)
        return data

    @classmethod
    def from_dict(cls, value: object, **others: Any) -> Self:
        """Return what `to_dict` wrote; raises ModelFileError, naming the place, for anything else.

        ``others`` are fields that plain data doesn't have.
        """
        made: Self = _read_record(cls, value, cls._place, **others)
        return made


def to_plain(value: Any) -> Any:
    """Return a dataclass or a NamedTuple as plain data."""
    kind: Any = type(value)
    return form_of(kind).write(value)


def from_plain(cls: type[_Part], data: object, where: str) -> _Part:
    """Return the record of `to_plain`'s data; raises ModelFileError, naming the place, for anything else."""
    kind: Any = cls
    made: _Part = form_of(kind).read(data, where)
    return made


def form_of(kind: Any) -> Form:
    """Return the form of a type; raises TypeError for one that plain data doesn't have."""
    return _form_of(kind, repr(kind))


@cache
def _form_of(kind: Any, _told: str) -> Form:
    """Return the form of a type, told apart by its text too: ``int | float`` and ``float | int`` are equal."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        own = [mark for mark in kind.__metadata__ if isinstance(mark, Form)]
        return own[-1] if own else form_of(args[0])
    if origin is Literal:
        return one_of(args)
    if origin in (Union, types.UnionType):
        return _union_form(args)
    if origin is tuple and (len(args) != 2 or args[1] is not Ellipsis):
        return _row_form(tuple, [form_of(arg) for arg in args], len(args))
    if origin in (tuple, list, Sequence):
        part, made = form_of(args[0]), list if origin is list else tuple
        return Form(
            lambda value: [part.write(item) for item in value],
            lambda data, where: made(read_list(data, where, part.read)),
        )
    if origin in (dict, Mapping):
        return _mapping_form(args[0], form_of(args[1]))
    if kind == FloatArray:  # which NumPy spells in its own way from one version, and one Python, to another
        return Form(lambda value: value.tolist(), _read_array)
    if is_dataclass(kind) and isinstance(kind, type):
        return Form(partial(_write_record, kind), partial(_read_record, kind))
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        hints = get_type_hints(kind, include_extras=True)
        row: Any = kind
        forms = [form_of(hints[name]) for name in row._fields]
        return _row_form(lambda items: row(*items), forms, len(forms) - len(row._field_defaults))
    if kind not in _SCALARS:
        raise TypeError(f"{kind!r} has no form in plain data")
    return _SCALARS[kind]


def one_of(choices: Collection[str]) -> Form:
    """Return the form of a text that is one of some."""
    return Form(_itself, lambda data, where: read_choice(data, where, choices))


def between(
    read: Callable[[object, str], _Part], least: float, below: float = math.inf, *, above: bool = False
) -> Form:
    """Return the form of a number, read by ``read``, from ``least`` (``above``: more than that) to less than ``below``."""
    words = f"{'more than' if above else 'at least'} {least:g}"
    words += f" and less than {below:g}" if below < math.inf else ""

    def bounded(value: object, where: str) -> Any:
        number: Any = read(value, where)
        if number < least or number >= below or (above and number == least):
            raise ModelFileError(f"{where}: a number of {words} was expected, not {_name(value)}")
        return number

    return Form(_itself, bounded)


def made_by(make: Callable[[Any], _Part]) -> Callable[[object, str], _Part]:
    """Return the reader that calls a function, whose SettingsError is told with the place."""

    def read(data: object, where: str) -> _Part:
        if isinstance(data, int) and abs(data) >= _HUGE:  # too long for a message, or for a float
            raise ModelFileError(f"{where}: {_name(data)} stands where none can")
        try:
            return make(data)
        except SettingsError as error:
            raise ModelFileError(f"{where}: {error}") from error

    return read


# ---- records


class _Field(NamedTuple):
    name: str
    form: Form
    is_read: bool
    default: Any
    """`MISSING`, or where it may be left out what it is then."""


@cache
def _fields(cls: Any) -> tuple[_Field, ...]:
    hints, known = get_type_hints(cls, include_extras=True), {field.name: field for field in fields(cls)}
    found = []
    names = getattr(cls, "_names", (...,))
    others = [name for name in known if name not in names]
    for name in (one for given in names for one in (others if given is ... else [given])):
        if name not in known:
            hint = get_type_hints(getattr(cls, name).fget, include_extras=True)["return"]
            found.append(_Field(name, form_of(hint), False, MISSING))
            continue
        default, field = MISSING, known[name]
        if IF_SET in getattr(hints[name], "__metadata__", ()):
            default = field.default if field.default_factory is MISSING else field.default_factory()
        found.append(_Field(name, form_of(hints[name]), True, default))
    return tuple(found)


def _write_record(cls: Any, value: Any) -> dict[str, Any]:
    kind = getattr(cls, "_kind", None)
    data: dict[str, Any] = {} if kind is None else {kind[0]: kind[1]}
    for name, form, _, default in _fields(cls):
        part = getattr(value, name)
        if default is MISSING or part != default:
            data[name] = form.write(part)
    return data


def _read_record(cls: Any, value: object, where: str, **others: Any) -> Any:
    known, kind = _fields(cls), getattr(cls, "_kind", None)
    needed = [field.name for field in known if field.is_read and field.default is MISSING]
    optional = {field.name for field in known} - set(needed)
    data = read_record(value, where, needed if kind is None else [kind[0], *needed], optional)
    if kind is not None:
        read_choice(data[kind[0]], f"{where}.{kind[0]}", kind[1:])
    found = {}
    for name, form, is_read, default in known:
        if is_read and name in data:
            if data[name] is None and default is None:
                raise ModelFileError(f"{where}.{name}: null is not what belongs here: leave it out")
            found[name] = form.read(data[name], f"{where}.{name}")
    try:
        return cls(**found, **others)
    except SettingsError as error:
        raise ModelFileError(f"{where}.{error}") from error


def _row_form(make: Callable[[Any], Any], forms: Sequence[Form], least: int) -> Form:
    """Return the form of a list whose items differ in type; those after the first ``least`` may be left out."""

    def read(data: object, where: str) -> Any:
        items = read_list(data, where, lambda item, _: item)
        if not least <= len(items) <= len(forms):
            raise ModelFileError(f"{where}: {len(forms)} items were expected, not {len(items)}")
        found = enumerate(zip(forms, items, strict=False))
        return make(tuple(form.read(item, f"{where}[{i}]") for i, (form, item) in found))

    return Form(lambda value: [form.write(item) for form, item in zip(forms, value, strict=True)], read)


def _mapping_form(key: Any, form: Form) -> Form:
    if key not in (str, int):
        raise TypeError(f"{key!r} has no form as a key in plain data")

    def read(data: object, where: str) -> Any:
        data = read_record(data, where, (), data if isinstance(data, dict) else ())
        for name in data if key is int else ():
            if not (isinstance(name, str) and name.isdecimal() and name == str(int(name[:19]))):
                raise ModelFileError(f"{where}: {_name(name)} is not a count")
        return {key(name): form.read(item, f"{where}.{name}") for name, item in data.items()}

    return Form(lambda value: {str(name): form.write(item) for name, item in value.items()}, read)


def _union_form(kinds: Sequence[Any]) -> Form:
    """Return the form of one of several types: None, records told by their kind, and texts and numbers."""
    forms = {kind: form_of(kind) for kind in kinds if kind is not types.NoneType}
    if len(forms) < len(kinds):
        form = form_of(Union[tuple(forms)])  # noqa: UP007
        return Form(
            lambda value: None if value is None else form.write(value),
            lambda data, where: None if data is None else form.read(data, where),
        )

    def read(data: object, where: str) -> Any:
        for kind, form in forms.items():
            told_by = getattr(kind, "_kind", None)
            if told_by and isinstance(data, dict) and data.get(told_by[0]) == told_by[1]:
                return form.read(data, where)
            if type(data) in _JSON_TYPES.get(kind, (str,) if get_origin(kind) is Literal else ()):
                return form.read(data, where)
        told = [kind._kind for kind in forms if getattr(kind, "_kind", None)]
        if isinstance(data, dict) and told:
            raise ModelFileError(f"{where}: its {told[0][0]} is none of {', '.join(tag for _, tag in told)}")
        raise ModelFileError(f"{where}: {_name(data)} is not what belongs here")

    return Form(lambda value: forms[type(value)].write(value) if type(value) in forms else value, read)


# ---- values


def read_record(
    value: object, where: str, keys: Collection[str], optional: Collection[str] = ()
) -> dict[str, Any]:
    """Return a JSON object that has exactly these keys, and perhaps some of the ``optional`` ones."""
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: an object was expected, not {_name(value)}")
    try:
        check_keys(value, where, keys, optional)
    except SettingsError as error:
        raise ModelFileError(str(error)) from error
    return value


def check_keys(
    value: Mapping[str, Any], where: str, keys: Collection[str], optional: Collection[str] = ()
) -> None:
    """Raise SettingsError unless a mapping has exactly these keys, and perhaps some of the ``optional`` ones."""
    for key in keys:
        if key not in value:
            raise SettingsError(f"{where}: {key!r} is not there")
    for key in value:
        if key not in keys and key not in optional:
            raise SettingsError(f"{where}: {key!r} is not known here")


def read_list(value: object, where: str, part: Callable[[object, str], _Part]) -> tuple[_Part, ...]:
    """Return a JSON array, each part read by ``part(value, where)``."""
    if not isinstance(value, list | tuple):
        raise ModelFileError(f"{where}: a list was expected, not {_name(value)}")
    return tuple(part(item, f"{where}[{i}]") for i, item in enumerate(value))


def _typed(kind: type[_Part], words: str) -> Callable[[object, str], _Part]:
    def read(value: object, where: str) -> _Part:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ModelFileError(f"{where}: {words} was expected, not {_name(value)}")
        return value

    return read


read_text = _typed(str, "text")


def read_choice(value: object, where: str, choices: Collection[str]) -> str:
    """Return a string that is one of ``choices``."""
    text = read_text(value, where)
    if text not in choices:
        raise ModelFileError(f"{where}: {text!r} is not one of {', '.join(sorted(choices))}")
    return text


read_whole = _typed(int, "a whole number")


def read_count(value: object, where: str) -> int:
    """Return a whole number that is not negative."""
    count = _typed(int, "a count")(value, where)
    if count < 0:
        raise ModelFileError(f"{where}: a count was expected, not {_name(value)}")
    return count


def read_number(value: object, where: str) -> float:
    """Return a finite number."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise ModelFileError(f"{where}: a finite number was expected, not {_name(value)}")


def read_any_number(value: object, where: str) -> float:
    """Return a number that need not be finite, as `number_to_data` writes it."""
    if isinstance(value, float) or (isinstance(value, str) and value in ("inf", "-inf", "nan")):
        return float(value)
    return read_number(value, where)


def _read_array(value: object, where: str) -> Any:
    def numbers(item: object, place: str) -> Any:
        return read_list(item, place, numbers) if isinstance(item, list) else read_number(item, place)

    try:
        return np.array(read_list(value, where, numbers), np.float64)
    except ValueError as error:
        raise ModelFileError(f"{where}: lists of the same length were expected") from error


_HUGE = 10**30
"""Whole numbers from here on are not printed: Python doesn't print those of thousands of digits."""


def _name(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and abs(value) >= _HUGE:
        return "a huge number"
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))


def _itself(value: Any) -> Any:
    return value


_SCALARS: Mapping[Any, Form] = {
    str: Form(_itself, read_text),
    bool: Form(bool, _typed(bool, "true or false")),
    int: Form(_itself, read_whole),
    float: Form(_itself, read_number),
    Any: Form(_itself, lambda data, where: data),
}
_JSON_TYPES: Mapping[Any, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (float, int)}

Count: TypeAlias = Annotated[int, Form(_itself, read_count)]
"""A whole number that is not negative."""

AnyNumber: TypeAlias = Annotated[float, Form(number_to_data, read_any_number)]
"""A number that need not be finite: ``"inf"``, ``"-inf"`` and ``"nan"`` in plain data."""


def number_or_null(otherwise: float = math.nan) -> Form:
    """Return the form of a number that is null where it isn't finite, and then read back as ``otherwise``."""
    return Form(
        lambda value: (
            None if not math.isfinite(value) else value.item() if isinstance(value, np.generic) else value
        ),
        lambda data, where: otherwise if data is None else read_number(data, where),
    )

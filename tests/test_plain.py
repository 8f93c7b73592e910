"""Records as plain data: what is written is read back as it was, and whatever else is there is refused in one line."""

import copy
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule._plain import (
    IF_SET,
    AnyNumber,
    Count,
    Form,
    Plain,
    form_of,
    from_plain,
    made_by,
    number_or_null,
    one_of,
    to_plain,
)
from chainrule._types import FloatArray
from chainrule.equations.activations import Activation, activation
from chainrule.errors import ModelFileError, SettingsError

COLORS = {"red": 1, "blue": 2}


class Line(NamedTuple):
    epoch: Count
    loss: Annotated[float, number_or_null()]
    watched: Annotated[float, number_or_null(math.inf)] = math.inf


@dataclass(frozen=True)
class Square(Plain, kind="square"):
    side: float


@dataclass(frozen=True)
class Circle(Plain, kind="circle"):
    radius: float
    words: str = ""


@dataclass(frozen=True)
class Everything(
    Plain,
    place="all",
    names=[
        "color",
        "text",
        "whole",
        "flag",
        "count",
        "real",
        "rest",
        "first",
        "shape",
        "lines",
        "table",
        "label",
        "inner",
        "pair",
        "activation",
        "twice",
        "note",
    ],
):
    text: str
    whole: int
    flag: bool
    count: Count
    color: Annotated[str, one_of(COLORS)]
    real: float
    rest: AnyNumber
    first: Literal["one", "two"] | None
    shape: Square | Circle
    lines: tuple[Line, ...]
    table: Mapping[str, list[float]]
    label: str | bool | int | float
    inner: "Everything | None"
    pair: tuple[int, str]
    activation: Annotated[Activation, Form(lambda made: made.spec, made_by(activation))]
    note: Annotated[str | None, IF_SET] = None
    left_out: int = 7

    def __post_init__(self) -> None:
        if self.whole == 13:
            raise SettingsError("whole: 13 brings bad luck")

    @property
    def twice(self) -> int:
        return 2 * self.whole


FINITE = st.floats(allow_nan=False, allow_infinity=False)
REST = st.one_of(FINITE, st.just(math.inf), st.just(-math.inf))
LINES = st.builds(
    Line, st.integers(0), REST.filter(lambda v: v < 1e300), st.one_of(FINITE, st.just(math.inf))
)
ALL = st.deferred(
    lambda: st.builds(
        Everything,
        text=st.text(),
        whole=st.integers().filter(lambda number: number != 13),
        flag=st.booleans(),
        count=st.integers(0),
        color=st.sampled_from(sorted(COLORS)),
        real=FINITE,
        rest=REST,
        first=st.sampled_from(["one", "two", None]),
        shape=st.one_of(st.builds(Square, FINITE), st.builds(Circle, FINITE, st.text())),
        lines=st.lists(LINES.filter(lambda line: math.isfinite(line.loss))).map(tuple),
        table=st.dictionaries(st.text(), st.lists(FINITE)),
        label=st.one_of(st.text(), st.booleans(), st.integers(), FINITE),
        inner=st.one_of(st.none(), st.just(ONE)),
        pair=st.tuples(st.integers(), st.text()),
        activation=st.sampled_from(["relu", "leaky_relu(alpha=0.2)", "z/(1+abs(z))"]).map(activation),
        note=st.one_of(st.none(), st.text()),
    )
)


def one(**changes: Any) -> Everything:
    given = {
        "text": "a", "whole": -1, "flag": True, "count": 2, "color": "red", "real": 0.5, "rest": math.inf,
        "first": None, "shape": Square(2.0), "lines": (Line(1, 0.5), Line(2, 0.25, 1.5)), "table": {"a": [1.0]},
        "label": 3, "inner": None, "pair": (1, "b"), "activation": activation("tanh"),
    }  # fmt: skip
    return Everything(**{**given, **changes})


ONE = one()
DATA = json.loads(json.dumps(one(inner=ONE, note="here").to_dict(), allow_nan=False))


@given(ALL)
def test_what_is_written_is_read_back_as_it_was(record):
    written = json.dumps(record.to_dict(), allow_nan=False)
    again = Everything.from_dict(json.loads(written))
    assert again == record
    assert type(again.label) is type(record.label)
    assert json.dumps(again.to_dict(), allow_nan=False) == written


def test_the_form_is_that_of_the_types():
    assert ONE.to_dict() == {
        "color": "red",
        "text": "a",
        "whole": -1,
        "flag": True,
        "count": 2,
        "real": 0.5,
        "rest": "inf",
        "first": None,
        "shape": {"kind": "square", "side": 2.0},
        "lines": [[1, 0.5, None], [2, 0.25, 1.5]],
        "table": {"a": [1.0]},
        "label": 3,
        "inner": None,
        "pair": [1, "b"],
        "activation": "tanh",
        "twice": -2,
    }
    assert list(ONE.to_dict()) == [name for name in Everything._names if name != "note"]
    assert one(note="").to_dict()["note"] == ""


def test_what_may_be_left_out():
    data = {name: part for name, part in DATA.items() if name not in ("note", "twice")}
    assert Everything.from_dict(data) == one(inner=ONE)
    assert Everything.from_dict({**data, "lines": [[1, None]]}).lines[0].watched == math.inf
    assert math.isnan(Everything.from_dict({**data, "lines": [[1, None]]}).lines[0].loss)


def test_arrays_are_nested_lists():
    @dataclass(frozen=True)
    class Numbers(Plain):
        them: FloatArray

    data = Numbers(np.array([[1.0, 2.5], [0.0, -1.0]])).to_dict()
    assert data == {"them": [[1.0, 2.5], [0.0, -1.0]]}
    assert Numbers.from_dict(data).them.tolist() == data["them"]
    assert Numbers.from_dict({"them": []}).them.shape == (0,)
    for bad in ([[1.0], [1.0, 2.0]], [math.nan], ["1"], [True], 1.0, None, [[1.0], 2.0]):
        with pytest.raises(ModelFileError, match=r"^numbers\.them"):
            Numbers.from_dict({"them": bad})


def test_keys_of_a_mapping_may_be_numbers():
    @dataclass(frozen=True)
    class Members(Plain):
        found: Mapping[int, Line] = field(default_factory=dict)

    made = Members({1: Line(3, 0.5, 2.0), 12: Line(4, 0.5)})
    assert made.to_dict() == {"found": {"1": [3, 0.5, 2.0], "12": [4, 0.5, None]}}
    assert Members.from_dict(made.to_dict()) == made
    for key in ("one", "-1", "1.0", "", "9" * 30, "²"):
        with pytest.raises(ModelFileError, match="is not a count"):
            Members.from_dict({"found": {key: [1, 1.0]}})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"text": 3}, "all.text: text was expected, not 3"),
        ({"whole": 2.0}, "all.whole: a whole number was expected, not 2.0"),
        ({"whole": True}, "all.whole: a whole number was expected, not true"),
        ({"whole": 13}, "all.whole: 13 brings bad luck"),
        ({"flag": 1}, "all.flag: true or false was expected, not 1"),
        ({"count": -1}, "all.count: a count was expected, not -1"),
        ({"color": "green"}, "all.color: 'green' is not one of blue, red"),
        ({"real": math.inf}, "all.real: a finite number was expected, not inf"),
        ({"real": 10**400}, "all.real: a finite number was expected, not a huge number"),
        ({"real": True}, "all.real: a finite number was expected, not true"),
        ({"rest": "infinity"}, "all.rest: a finite number was expected, not 'infinity'"),
        ({"first": "three"}, "all.first: 'three' is not one of one, two"),
        ({"shape": {"kind": "cube"}}, "all.shape: its kind is none of square, circle"),
        ({"shape": {"kind": ["square"]}}, "all.shape: its kind is none of square, circle"),
        ({"shape": {"kind": "square"}}, "all.shape: 'side' is not there"),
        ({"shape": None}, "all.shape: null is not what belongs here"),
        ({"lines": [[1, 2.0], [2]]}, "all.lines[1]: 3 items were expected, not 1"),
        ({"lines": [[1, 2.0, 3.0, 4.0]]}, "all.lines[0]: 3 items were expected, not 4"),
        ({"lines": [[1, "nan"]]}, "all.lines[0][1]: a finite number was expected, not 'nan'"),
        ({"lines": {}}, "all.lines: a list was expected, not an object"),
        ({"table": {"a": [None]}}, "all.table.a[0]: a finite number was expected, not null"),
        ({"table": []}, "all.table: an object was expected, not a list"),
        ({"label": None}, "all.label: null is not what belongs here"),
        ({"label": math.nan}, "all.label: a finite number was expected, not nan"),
        ({"pair": [1]}, "all.pair: 2 items were expected, not 1"),
        ({"inner": {}}, "all.inner: 'color' is not there"),
        ({"activation": "eval(z)"}, "all.activation: unknown activation"),
        ({"activation": 3}, "all.activation: activation must be a name or a formula, not 3"),
        ({"more": 1}, "all: 'more' is not known here"),
        ({"left_out": 1}, "all: 'left_out' is not known here"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_with_its_place(change, told):
    with pytest.raises(ModelFileError) as caught:
        Everything.from_dict({**DATA, **change})
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("value", [None, [], "text", 3, True, math.nan], ids=str)
def test_a_record_is_an_object(value):
    with pytest.raises(ModelFileError, match=r"^there: an object was expected"):
        from_plain(Everything, value, "there")


def test_the_order_of_a_union_is_kept_whichever_comes_first():
    assert [type(form_of(kind).read(2, "x")) for kind in (int | float, float | int, int | float)] == [
        int,
        float,
        int,
    ]
    assert [type(form_of(kind).read([3], "x")[0]) for kind in (list[float | int], list[int | float])] == [
        float,
        int,
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


NASTY = [
    None, True, 0, -1, 2, 10**300, 1e308, math.nan, -math.inf, 0.5, "", "inf", "z" * 50, [], [[]], [1], {}, {"a": 1},
    {"kind": "circle"}, "\ud800", "\x1b[2J", "red", {"kind": {}}, 10**5000,
]  # fmt: skip


def attempt(data: Any) -> tuple[Everything | None, str]:
    """What comes of it, or the message; any other error is let through."""
    try:
        return Everything.from_dict(data), ""
    except ModelFileError as error:
        return None, str(error)


@given(st.sampled_from([path for path in places(DATA) if path]), st.sampled_from(NASTY), st.booleans())
def test_a_hostile_value_is_refused_in_one_line_or_comes_back(path, nasty, is_gone):
    hostile = copy.deepcopy(DATA)
    parent = hostile
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = copy.deepcopy(nasty)
    if is_gone:
        del parent[path[-1]]
    made, told = attempt(hostile)
    if made is None:
        assert told.startswith("all")
        assert "\n" not in told
        assert len(told) < 400
        return
    again = Everything.from_dict(made.to_dict())
    assert again.to_dict() == made.to_dict()


def test_a_type_without_a_form_is_a_mistake_of_the_program():
    for kind in (complex, Mapping[float, str], object, set[int]):
        with pytest.raises(TypeError, match="has no form"):
            form_of(kind)
    assert to_plain(Line(1, math.nan)) == [1, None, None]
    assert form_of(Any).read([1, {"a": None}], "here") == [1, {"a": None}]


def test_keys_that_are_counts_are_written_one_way():
    form = form_of(dict[int, int])
    assert form.read({"1": 2, "20": 3}, "p") == {1: 2, 20: 3}
    for keys in ({"01": 1, "1": 2}, {"-1": 1}, {"1.0": 1}, {"\u0663": 1}, {1: 2}, {"9" * 30: 1}):
        with pytest.raises(ModelFileError, match=r"^p"):
            form.read(keys, "p")

"""Weights set and frozen by hand, in a file or in Python: each begins where it was put, and every mistake is named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule.equations.dense import BIAS_MODES, BiasMode, Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import ChainruleError
from chainrule.explain.notation.naming import Naming, address_read
from chainrule.explain.notation.record import notation, notation_names
from chainrule.fitting.by_hand import with_weights_from
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.timing import start_of
from chainrule.fitting.train import prepare
from chainrule.model.model import Model
from chainrule.training.settings.by_hand import parameter_named, set_by_hand
from chainrule.training.settings.record import Settings
from effort import many

HAS = "write one of W[1][1,1], b[2][1], or a whole array such as W[2]"
TWICE = "W[1][1,1] is set twice, by 'W[1]' and by 'W[1][1,1]': leave one of them out"
BOTH = "weights are given by weights_from and by initial: leave one of them out"
TABLE = {"x": [0.0, 1.0, 2.0, 3.0], "z": [1.0, 0.0, 1.0, 2.0], "y": [0.5, 1.0, 0.0, 2.0]}
QUICK: dict[str, Any] = {
    "hidden": [2], "members": 1, "engine": "reference", "optimizer": "sgd", "epochs": 2, "test_share": 0.0,
}  # fmt: skip


def start(**words: Any) -> tuple[Layout, np.ndarray]:
    """The layout and the parameters that a training begins with, (k, p)."""
    chosen = Settings(**{"hidden": [2], "members": 2, **words})
    prepared = prepare(Question(TABLE, "y", test_share=0.0), chosen)
    return Layout(prepared.resolved.network), start_of(prepared)[0]


@settings(max_examples=many(25))
@given(st.dictionaries(st.integers(0, 8), st.floats(-5, 5), max_size=9), st.booleans())
def test_what_is_named_begins_there_and_the_rest_as_ever(values: dict[int, float], zeros: bool) -> None:
    init = "zeros" if zeros else None
    layout, drawn = start(init=init)
    initial = {layout.address(place): value for place, value in values.items()}
    _, found = start(init=init, initial=initial)
    named = list(values)
    assert (found[:, named] == list(values.values())).all()
    rest = [place for place in range(layout.size) if place not in values]
    assert (found[:, rest] == drawn[:, rest]).all()


@settings(max_examples=many(25))
@given(st.sets(st.integers(0, 8)))
def test_what_is_frozen_stays_and_the_rest_moves(places: set[int]) -> None:
    layout, begun = start(init="constant(value=0.3)", members=1, bias="neuron", activation="tanh")
    frozen = [layout.address(place) for place in sorted(places)]
    words = {
        **QUICK,
        "init": "constant(value=0.3)",
        "activation": "tanh",
        "early_stopping": False,
        "frozen": frozen,
    }
    model = chainrule.train(TABLE, "y", **words).model
    moved = model.parameters[0] != begun[0]
    assert not moved[sorted(places)].any()
    assert moved[[place for place in range(9) if place not in places]].all()


def test_a_whole_array_is_set_and_a_shared_bias_has_one_number() -> None:
    layout, found = start(bias="layer", initial={"W[1]": 0.1, "b[2]": 0.6, "b[1][1]": 0.35})
    p = layout.unflatten(found[0])
    assert (p[1]["W"] == 0.1).all()
    assert p[1]["b"].tolist() == [0.35]
    assert p[2]["b"].tolist() == [0.6]


def test_the_file_keeps_what_was_set(tmp_path: Path) -> None:
    model = chainrule.train(
        TABLE, "y", **QUICK, initial={"W[1][1,2]": 0.25}, frozen=["b[1][2]", "W[2]"]
    ).model
    model.save(tmp_path / "m.safetensors")
    back = Model.load(tmp_path / "m.safetensors")
    assert back.network == model.network
    assert back.network.layers[0].initial == (("W[1,2]", 0.25),)
    assert [layer.frozen for layer in back.network.layers] == [("b[2]",), ("W",)]


def test_a_replay_begins_with_them() -> None:
    model = chainrule.train(TABLE, "y", **QUICK, initial={"W[1][1,2]": 0.25}).model
    (found,) = replay(model, TABLE, 1)
    assert found.state.parameters[0, Layout(model.network).place(1, "W[1,2]", "")] == 0.25


CSV = 'address,value,frozen\n"W[1][1,1]",.15,\n"W[1][2,2]",-.3,yes\n\nb[1],0.35,no\n'
JSON = [
    {"address": "W[1][1,1]", "value": 0.15},
    {"address": "W[1][2,2]", "value": -0.3, "frozen": True},
    {"address": "b[1]", "value": 0.35, "frozen": False},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [("w.csv", CSV), ("w.csv", CSV.partition("\n")[2]), ("w.json", json.dumps(JSON))],
)
def test_lines_are_read(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    found = with_weights_from(Settings(weights_from=str(tmp_path / name)))
    assert found.initial == {"W[1][1,1]": 0.15, "W[1][2,2]": -0.3, "b[1]": 0.35}
    assert found.frozen == ("W[1][2,2]",)


def test_an_object_of_values_is_read(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text('{"W[1][1,1]": 0.15, "b[1]": 1}')
    found = with_weights_from(Settings(weights_from=str(tmp_path / "w.json")))
    assert found.initial == {"W[1][1,1]": 0.15, "b[1]": 1.0}


WRONG = [
    (
        "w.csv",
        '"W[1][1,1]",x\n',
        "w.csv: line 1: the value of W[1][1,1] 'x' is not a finite number: write one such as 0.15",
    ),
    ("w.csv", '"W[1][1,1]",\n', "w.csv: line 1: the value of W[1][1,1] is missing: write one such as 0.15"),
    (
        "w.csv",
        "b[1],nan\n",
        "w.csv: line 1: the value of b[1] 'nan' is not a finite number: write one such as 0.15",
    ),
    (
        "w.csv",
        "W[1][1,1],.1\n",
        "w.csv: line 1: the value of W[1][1 '1]' is not a finite number: write one such as 0.15",
    ),
    (
        "w.csv",
        "W[1][1,1],.1,yes\n",
        "w.csv: line 1: 4 cells are too many: put the address in quotes, as it has a comma",
    ),
    (
        "w.csv",
        "b[1],1\nb[1],2\n",
        "w.csv: line 2: b[1] was set already, in w.csv: line 1: leave one of the two out",
    ),
    ("w.csv", "b[1],1,maybe\n", "w.csv: line 1: whether b[1] is frozen is said by yes or no, not by 'maybe'"),
    (
        "w.csv",
        "address,weight\n",
        "w.csv: line 1: the column 'weight' is none of address, value, frozen: leave it out",
    ),
    (
        "w.csv",
        "address,frozen\n",
        "w.csv: line 1: the columns are address, value, frozen, each once; the last can be left out",
    ),
    ("w.csv", "\n", "w.csv: there is no weight in it: write lines such as W[1][1,2],0.15"),
    ("w.csv", ",1\n", "w.csv: line 1: the address is missing: write one such as W[1][1,2]"),
    ("w.json", "{", "w.json is not JSON at line 1: correct it"),
    ("w.json", '{"b[1]": 1, "b[1]": 2}', "w.json: b[1] is there twice: leave one of the two out"),
    (
        "w.json",
        '{"b[1]": true}',
        "w.json: entry 1: the value of b[1] True is not a finite number: write one such as 0.15",
    ),
    (
        "w.json",
        '{"b[1]": 1' + "0" * 400 + "}",
        "w.json: entry 1: the value of b[1] 1" + "0" * 39 + " is not a finite number: write one such as 0.15",
    ),
    ("w.json", "[1]", "w.json: entry 1: an object with address, value, frozen is expected"),
    ("w.json", "1", 'w.json: values by address are expected, such as {"W[1][1,2]": 0.15}'),
    ("w.csv", None, "w.csv is not there: check the name of the file of weights"),
]


@pytest.mark.parametrize(("name", "text", "line"), WRONG)
def test_a_mistake_in_a_file_is_named(
    name: str, text: str | None, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ChainruleError) as caught:
        with_weights_from(Settings(weights_from=name))
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            {"initial": {"W[3]": 1}},
            f"initial: there is no parameter 'W[3]': {HAS}",
        ),
        (
            {"initial": {"W[1][9,1]": 1}},
            "initial: there is no parameter 'W[1][9,1]': layer 1 has W[1] of 2 × 2, b[1] of 2",
        ),
        (
            {"frozen": ["b"]},
            f"frozen: there is no parameter 'b': {HAS}",
        ),
        (
            {"initial": {"W[1]": 1, "W[1][1,1]": 2}},
            f"initial: {TWICE}",
        ),
        ({"initial": {"W[1]": float("nan")}}, "initial {'W[1]': nan} must be finite numbers by address"),
        (
            {"initial": {"W[1]": 1}, "weights_from": "w.csv"},
            "weights are given by weights_from and by initial: leave one of them out",
        ),
        (
            {"initial": {"W[1]": 1}, "sharing": "tabm", "members": 2},
            "initial 'W' of layer 1: members that share begin with shared weights; leave initial or sharing out",
        ),
    ],
)
def test_a_mistake_in_python_is_named(words: dict[str, Any], line: str) -> None:
    with pytest.raises(ChainruleError) as caught:
        start(**words)
    assert str(caught.value) == line


@pytest.mark.parametrize("name", notation_names())
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.sampled_from(BIAS_MODES), st.data())
@settings(max_examples=many(8), deadline=None)
def test_a_name_in_any_notation_sets_the_same_number(
    name: str, sizes: list[int], bias: BiasMode, data: Any
) -> None:
    """A law: an address survives the way to its name and back to the parameter that is set."""
    network = Network([sizes[0], *(Dense(size, "tanh", bias=bias) for size in sizes[1:])])
    layout, own = Layout(network), notation(name)
    places = [layout.address(place) for place in range(layout.size)]
    chosen = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=5, unique=True))
    numbers = {place: float(number) for number, place in enumerate(chosen)}
    named = {Naming(own, network).text(place): number for place, number in numbers.items()}
    made = set_by_hand(network, named, list(named)[:1], address_read(own))
    assert made == set_by_hand(network, numbers, list(numbers)[:1])


def test_names_are_read_in_one_place() -> None:
    layout, _ = start()
    found = parameter_named(" W[2] [ 2, 1 ] ", layout)
    assert (found.layer, found.name, [layout.address(place) for place in found.places]) == (
        2,
        "W[2,1]",
        ["W[2][2,1]"],
    )
    assert set_by_hand(layout.network, {}, ()) is layout.network


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('b[1],1\n"W[3][1,1]",.5\n', f"w.csv: line 2: there is no parameter 'W[3][1,1]': {HAS}"),
        (
            "b[1],1\nb[1][2],2\n",
            "w.csv: line 2: b[1][2] is set twice, by 'b[1]' and by 'b[1][2]': leave one of them out",
        ),
        (
            '"W[1][3,1]",.5\n',
            "w.csv: line 1: there is no parameter 'W[1][3,1]': layer 1 has W[1] of 2 × 2, b[1] of 2",
        ),
    ],
)
def test_an_address_that_leads_nowhere_is_named_with_its_line(
    text: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.csv").write_text(text)
    with pytest.raises(ChainruleError) as caught:
        start(weights_from="w.csv")
    assert str(caught.value) == line

"""JSON: all of a derivation, with all digits, and nothing else is read back."""

import json
import math

import pytest
from tests.explain.samples import ALL
from tests.explain.shown import as_json

from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.show.json import VERSION, read_json
from chainrule.formula.nodes import Symbol


def test_it_is_read_back_as_it_was():
    assert read_json(as_json(ALL, {"table": "t.csv"})) == ALL


def test_what_another_language_finds():
    data = json.loads(as_json(ALL, {"table": "t.csv", "rows": [3]}))
    assert data["explanation_version"] == VERSION == 1
    assert data["source"] == {"table": "t.csv", "rows": [3]}
    line = data["derivation"]["lines"][0]
    assert line["address"] == "z[1][1]"
    assert line["text"] == "W[1][1,1]*x[1] + W[1][2,1]*x[2] + b[1][1]"
    assert line["values"]["W[1][1,1]"] == 0.15
    assert line["result"] == 0.3775
    assert line["check"]["ok"] is True
    assert data["derivation"]["ok"] is False  # one of its checks is wrong


def test_numbers_that_json_lacks_are_words():
    values = {"a": math.inf, "b": -math.inf, "c": math.nan}
    lines = tuple(
        Line("r", "", Symbol(name), {name: value}, value, label=name) for name, value in values.items()
    )
    text = as_json(Derivation("C", "t", lines))
    assert [line["result"] for line in json.loads(text)["derivation"]["lines"]] == ["inf", "-inf", "nan"]
    again = read_json(text)
    assert again.lines[0].result == math.inf
    assert math.isnan(again.lines[2].result)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: '{"explanation_version": 1}',
        lambda text: text.replace('"explanation_version": 1', '"explanation_version": 2'),
        lambda text: text.replace('"result": 0.3775', '"result": "many"', 1),
        lambda text: text.replace('"lines"', '"rows"', 1),
    ],
    ids=["cut", "list", "empty", "version", "word", "missing"],
)
def test_nothing_else_is_read(change):
    with pytest.raises(SettingsError):
        read_json(change(as_json(ALL)))

"""What page and studio say to each other: shapes, their words, and the page's types made from them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.studio.fake_studio import FakeStudio

import chainrule.studio
from chainrule.studio.protocol.messages import (
    COMMANDS,
    ENVELOPE,
    EVENTS,
    QUERIES,
    SHAPES,
    MessageError,
    read_command,
    read_query,
    types,
    wrong_event,
)
from chainrule.studio.protocol.shapes import shape_tree, shape_words, wrong, wrong_fields
from effort import many

PAGE = Path(chainrule.studio.__file__).parent / "page"
GOOD = {"protocol": 1, "client": "c", "n": 1}


def test_the_pages_types_are_made_from_the_shapes():
    """Make them anew: python -c "from chainrule.studio.protocol.messages import types; print(types(), end='')" > …/types.js"""
    assert (PAGE / "types.js").read_text("utf-8") == types()


def test_every_type_is_in_the_language():
    every = [*SHAPES.values(), *COMMANDS.values(), *QUERIES.values(), ENVELOPE]
    for fields in every:
        for text in fields.values():
            shape = shape_tree(text)
            stack = [shape]
            while stack:
                one = stack.pop()
                stack += one.parts
                known = one.name in SHAPES or one.name in (
                    "number",
                    "whole",
                    "string",
                    "boolean",
                    "null",
                    "unknown",
                    "Nested",
                )
                assert one.kind != "name" or known, (text, one)
    assert set(EVENTS.values()) <= set(SHAPES)


@pytest.mark.parametrize(
    "text", ["", "number |", "(number", "number]", "Record<number, x>", '"a', "a b", "[a"]
)
def test_what_is_no_type_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        shape_tree(text)


def test_a_fake_studios_events_fit_their_shapes():
    told = []
    made = FakeStudio(lambda name, data: told.append((name, data)))
    made.command({"do": "take_over", "client": "a"})
    assert {name for name, _ in told} == {"hello", "status", "frame"}
    for name, data in told:
        assert wrong_event(name, json.loads(json.dumps(data))) == ""


def test_a_planted_fault_of_a_shape_is_seen():
    frame = FakeStudio(lambda *_: None).frame()
    assert wrong_event("frame", {**frame, "t": 1.5}) == "frame.t: a whole number was expected, not 1.5"
    assert wrong_event("frame", {**frame, "nix": 1}).startswith("frame: there is no 'nix'; known are seq, ")
    assert (
        wrong_event("frame", {name: value for name, value in frame.items() if name != "t"})
        == "frame: 't' is missing"
    )
    place = {**frame["place"], "layer": "one"}
    assert (
        wrong_event("frame", {**frame, "place": place})
        == "frame.place.layer: a whole number or null was expected, not 'one'"
    )
    stage = {**frame["stage"], "lit": [1]}
    assert wrong_event("frame", {**frame, "stage": stage}) == "frame.stage.lit[0]: a text was expected, not 1"
    assert wrong_event("frame", {**frame, "cost": float("nan")}).startswith(
        "frame.cost: a number or null was expected"
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"do": "step", "grain": "term", "by": 1}, ""),
        ({"do": "step", "grain": "term", "by": -3}, ""),
        ({"do": "step", "grain": "weight", "by": 1}, "step.grain: 'term' or 'neuron' or"),
        ({"do": "step", "grain": "term", "by": 1.5}, "step.by: a whole number was expected, not 1.5"),
        ({"do": "step", "grain": "term", "by": True}, "step.by: a whole number was expected, not True"),
        ({"do": "step", "grain": "term"}, "step: 'by' is missing"),
        ({"do": "step", "grain": "term", "by": 10**30}, "step: 1000000000000000000000000000000 is too large"),
        ({"do": "pause", "x": 1}, "pause: there is no 'x'; known are protocol, client, n, do"),
        ({"do": "nix"}, "there is no command 'nix'; there are build, step, "),
        ({"do": ["step"]}, "there is no command ['step']"),
        ({"do": "pause", "protocol": 2}, "this studio speaks protocol 1: load the page again"),
        ({"do": "pause", "n": -1}, "pause: n counts commands"),
        ({"do": "pause", "n": "1"}, "pause.n: a whole number was expected, not '1'"),
        ({"do": "notation", "name": "x" * 3000}, "notation: a text has at most 2000 letters"),
        ({"do": "build", "settings": {"a": [[[[[[[[[[[[[1]]]]]]]]]]]]]}}, "build: a text has at most"),
        ({"do": "build", "settings": []}, "build.settings: an object was expected, not []"),
        ({"do": "build", "target": [1]}, "build.target[0]: a text was expected, not 1"),
        ({"do": "build", "inputs": None, "target": None, "settings": {"hidden": "8,4", "dropout": None}}, ""),
        ({"do": "row", "number": None}, ""),
        ({"do": "seek", "t": 3, "place": {"pass": "forward", "layer": 1}}, ""),
    ],
)
def test_a_command_is_checked(words, problem):
    body = json.dumps({**GOOD, **words}).encode()
    if problem == "":
        assert read_command(body)["do"] == words["do"]
        return
    with pytest.raises(MessageError) as failed:
        read_command(body)
    assert str(failed.value).startswith(problem)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b"null", b'{"n": NaN}', b"\xff", b"[" * 60_000, b'{"protocol": 1}']
)
def test_what_is_no_command_is_refused(body):
    with pytest.raises(MessageError):
        read_command(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=many(200), deadline=None)
@given(
    st.sampled_from(sorted(COMMANDS)),
    st.dictionaries(st.sampled_from(["grain", "by", "t", "place", "settings", "n"]), JSON),
)
def test_any_command_is_taken_or_refused_in_a_line(do, words):
    body, problem = json.dumps({**GOOD, "do": do, **words}).encode(), ""
    try:
        found = read_command(body)
    except MessageError as error:
        problem = str(error)
    if problem:
        assert "\n" not in problem
    else:
        assert wrong_fields(found, {**ENVELOPE, **COMMANDS[do]}, SHAPES, do) == ""


def test_a_query_is_checked():
    assert read_query("number", {"address": "W[1][1,2]", "t": "12"}) == {"address": "W[1][1,2]", "t": 12}
    assert read_query("picture", {"kind": "score", "part": "test"})["part"] == "test"
    for name, pairs, problem in [
        ("number", {}, "number: 'address' is missing"),
        ("number", {"address": "x[1]", "t": "1.5"}, "number.t: a whole number was expected, not '1.5'"),
        ("number", {"address": "x[1]", "t": "9" * 30}, "number.t: a whole number was expected"),
        ("picture", {"kind": "nix"}, "picture.kind: 'curves' or"),
        ("take", {"what": "model", "path": "/etc/passwd"}, "take: there is no 'path'; known are what"),
    ]:
        with pytest.raises(MessageError) as failed:
            read_query(name, pairs)
        assert str(failed.value).startswith(problem)


def test_shapes_are_said_in_words():
    assert shape_words(shape_tree("(number | null)[]")) == "a list"
    assert wrong([1, "x"], shape_tree("[whole, string]"), {}, "pair") == ""
    assert wrong([1], shape_tree("[whole, string]"), {}, "pair") == "pair: a list was expected, not [1]"
    assert (
        wrong({"a": 1}, shape_tree("Record<string, string>"), {}, "it") == "it.a: a text was expected, not 1"
    )

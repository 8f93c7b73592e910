"""The answer before the calculation: its numbers are the model's, its words hold for the table, its picture is the network."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.explain.test_attribution import PENGUINS, trained

import chainrule
from chainrule.errors import SettingsError
from chainrule.explain.attribute.answer import FEWEST_ROWS, answer, standing, sureness
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.attribute.outcome import Outcome
from chainrule.explain.derive.walk import walk
from chainrule.explain.show import render
from chainrule.explain.show.answer import answer_section
from chainrule.explain.show.drawn import drawn_layers, drawn_network, output_names
from chainrule.explain.show.explanation import explanation
from chainrule.explain.trace.sources import trace_rows
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame


@pytest.fixture(scope="module")
def species():
    return trained("species")


def test_its_numbers_are_the_model_s(species):
    table = species.table(PENGUINS)
    found = answer(species, table, 16)
    said = species.predict(PENGUINS)
    place = list(species.target.labels).index(said.labels[16])
    assert (found.predicted, found.row, found.target) == (said.labels[16], 17, "species")
    assert found.value == pytest.approx(said.probabilities[16, place], rel=1e-5)
    shares = {share.column: share.value for share in integrated_gradients(species, table, 16).columns}
    assert {reason.column: reason.adds for reason in found.reasons} == shares
    assert [abs(r.adds) for r in found.reasons] == sorted(map(abs, shares.values()), reverse=True)
    assert sum(shares.values()) == pytest.approx(found.value - found.typical_value, abs=1e-6)
    assert found.holds


def test_a_number_says_how_far_off_the_model_was():
    rng = np.random.default_rng(3)
    rows = {"a": rng.normal(size=60), "b": rng.normal(size=60)}
    rows["y"] = 3 * rows["a"] - rows["b"]
    model = chainrule.train(rows, "y", hidden=[4], members=1, epochs=3).model
    found = answer(model, model.table(rows), 2)
    assert float(found.predicted) == pytest.approx(model.predict(rows).labels[2], rel=1e-5)
    assert f"off by {model.card['scores']['mae']:.3g} on average" in found.words
    assert "off by" not in answer(model, model.table(rows), 2, member=0).words


def test_several_targets_have_an_answer_each():
    rng = np.random.default_rng(3)
    rows = {"a": rng.normal(size=40)}
    rows |= {"y": 2 * rows["a"], "z": -rows["a"]}
    model = chainrule.train(rows, ["y", "z"], hidden=[3], members=1, epochs=3).model
    table = model.table(rows)
    answers = tuple(answer(model, table, 0, target=name) for name in ("y", "z"))
    assert [found.target for found in answers] == ["y", "z"]
    titles = [block.title for block in answer_section(answers).blocks]
    assert titles == [f"{found.target} = {found.predicted}" for found in answers]
    assert output_names(model) == ("y", "z")


def encoder_of(cells, **more):
    table = from_frame({"v": cells, "y": list(range(len(cells)))})
    return fit_encoder(table, infer_schema(table, target="y", **more)).columns[0], table


@given(
    st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=FEWEST_ROWS, max_size=30).filter(
        lambda cells: len(set(cells) - {None}) > 1
    )
)
def test_where_a_number_stands_is_true_of_the_table(cells):
    column, table = encoder_of([None if cell is None else float(cell) + 0.5 for cell in cells])
    known = [cell for cell in cells if cell is not None]
    for row, cell in enumerate(cells):
        told = standing(column, table, row)
        if cell is None:
            assert told.startswith("missing, as in ")
        elif cell == max(known):
            assert told.startswith("the largest")
        elif cell == min(known):
            assert told.startswith("the smallest")
        else:
            word, share = told.split()[:2]
            count = sum(other < cell if word == "above" else other > cell for other in known)
            assert share == f"{count / len(known):.0%}"
            assert count >= sum(other > cell if word == "above" else other < cell for other in known)


def test_where_other_cells_stand():
    column, table = encoder_of(["u"] * 9 + ["v"] * 2 + [None])
    assert standing(column, table, 0) == "as in 75% of the rows"
    assert standing(column, table, 11) == "missing, as in 8% of the rows"
    column, table = encoder_of([f"2024-01-{day:02}" for day in range(1, 13)])
    assert standing(column, table, 0) == "the earliest"
    assert standing(column, table, 9) == "later than 75% of the rows"
    column, table = encoder_of([1.5, 2.5, 3.5])
    assert standing(column, table, 0) == ""


@pytest.mark.parametrize(
    ("probability", "told"),
    [
        (0.5, "50 of 100"),
        (0.994, "99 of 100"),
        (0.9972, "997 of 1,000"),
        (0.99991, "9,999 of 10,000"),
        (1.0, "more than"),
    ],
)
def test_a_probability_in_plain_words_is_never_certain(species, probability, told):
    said = sureness(Outcome(species, "probability", 0), probability)
    assert told in said
    assert "100 of 100" not in said


def test_the_drawing_has_the_numbers_of_the_trace(species):
    trace = trace_rows(species, PENGUINS, 17)
    layers = drawn_layers(trace, outputs=output_names(species))
    assert layers[0].names == tuple(value.input for value in trace.steps[0].inputs[0])
    assert layers[-1].names == species.target.labels
    edges = {}
    for mark in drawn_network(trace).chart.marks:
        addresses = getattr(mark, "addresses", ())
        values = getattr(mark, "values", ())
        edges |= {a: v for a, v in zip(addresses, values, strict=False) if a}
    assert len(edges) > 100
    for address, value in edges.items():
        assert value == trace[address], address
    with pytest.raises(SettingsError):
        drawn_layers(trace, row=3)


def test_the_deltas_on_it():
    rng = np.random.default_rng(0)
    rows = {"a": rng.normal(size=30), "y": ["u", "v"] * 15}
    model = chainrule.train(rows, "y", hidden=[3], members=1, epochs=2).model
    trace = trace_rows(model, rows, 1)
    layers = drawn_layers(trace, kind="delta", outputs=output_names(model))
    assert [layer.values for layer in layers[-2:]] == [tuple(trace.array(f"delta[{n}]")) for n in (1, 2)]
    assert layers[-1].names == ("v",)


def shown(species, **how):
    table = species.table(PENGUINS)
    trace = trace_rows(species, PENGUINS, 17)
    answers = (answer(species, table, 16),)
    return explanation(walk(trace), trace, answers=answers, drawn=drawn_network(trace), **how)


def test_it_comes_first_wherever_it_is_shown(species):
    document = shown(species)
    text = render(document, "text")
    title = text.splitlines()[0]
    assert title.startswith("Predicted: species = ")
    assert text.index(title) < text.index("The answer, and what pushed it") < text.index("── Inputs ")
    assert text.count(title) == 1
    page = render(document, "html")
    order = [
        "<h1",
        "What pushed P(species",
        "The network with this row in it",
        "<nav",
        '<details class="part"',
    ]
    assert [page.index(each) for each in order] == sorted(page.index(each) for each in order)
    data = json.loads(render(document, "json"))
    assert data["source"]["answers"][0]["predicted"] == answer(species, species.table(PENGUINS), 16).predicted


def test_a_long_sum_begins_with_its_largest_products(species):
    trace = trace_rows(species, PENGUINS, 17)
    long = [line for part in walk(trace).parts for line in part.lines if "rest" in line.values]
    assert long
    for line in long:
        _, products = line.products()
        numbers = list(products.values())
        assert sum(numbers) == pytest.approx(line.result, rel=1e-9, abs=1e-12)
        rest = list(products).index(next(name for name, v in products.items() if v == line.values["rest"]))
        terms = [abs(number) for number in numbers[:rest]]
        assert terms == sorted(terms, reverse=True)
        assert len(terms) >= 3

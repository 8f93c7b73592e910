"""What is said of a gradient and between updates: each sentence is held against the equations."""

import re

import numpy as np
import pytest
from tests.studio.studio_browser import PENGUINS
from tests.studio.watched import watched

from chainrule.errors import SettingsError
from chainrule.explain.diagnose.answers import overfitted_by_loss
from chainrule.studio.training.edited_rows import cells_set
from chainrule.studio.training.opening import opened_table


@pytest.fixture(scope="module")
def birds():
    course = opened_table(PENGUINS, {"target": "species"}, {"epochs": 3, "hidden": (3,), "optimizer": "adam"})
    with watched(course) as made:
        yield made


def texts(node) -> str:
    return node if isinstance(node, str) else "".join(texts(child) for child in node[2:])


def meaning(made, address: str) -> str:
    nodes = made.studio.number({"address": address})["nodes"]
    return next(
        (texts(node) for node in nodes if not isinstance(node, str) and node[1].get("class") == "meaning"), ""
    )


def input_named(made, name: str) -> int:
    return made.studio.made.course.inputs.index(name) + 1


def cost(course, flat, rows) -> float:
    p = course.layout.unflatten(flat)
    record = course.network.forward(p, course.data.x[rows], np)
    return float(course.network.cost(record, course.data.y[rows], np, None))


def test_a_gradient_says_how_the_cost_of_its_rows_moves(birds):
    birds.do("seek", t=2)
    course, made = birds.studio.made.course, birds.studio.made
    i = input_named(birds, "island: Dream")
    j = next(j for j in (1, 2, 3) if birds.studio.number({"address": f"dC/dW[1][{i},{j}]"})["value"])
    said = meaning(birds, f"dC/dW[1][{i},{j}]")
    flat, rows = np.array(made.tape.state(2, 0).parameters), made.lookout.batch(2, 0)
    at, h = course.layout.place(1, f"W[{i},{j}]", "address"), 1e-6
    up, down = flat.copy(), flat.copy()
    up[at] += h
    down[at] -= h
    slope = (cost(course, up, rows) - cost(course, down, rows)) / (2 * h)
    way, size = re.search(
        rf"the cost of these {len(rows)} rows (rises|falls) by about ([\d.e-]+)·h", said
    ).groups()
    assert way == ("rises" if slope > 0 else "falls")
    assert float(size) == pytest.approx(abs(slope), rel=1e-3)
    verb, by = re.search(r"So the update (lowers|raises) it, by ([\d.e-]+)\.", said).groups()
    change = made.tape.state(3, 0).parameters[at] - flat[at]
    assert verb == ("lowers" if change < 0 else "raises") != {"rises": "raises", "falls": "lowers"}[way]
    assert float(by) == pytest.approx(abs(change), rel=1e-3)
    assert "the weight that island: Dream enters by" in said
    # The rows that count are of that island.
    assert "where island is Dream" in said
    table = course.rows
    for number in (
        re.search(r"rows? ([\d, ]+)(?: alone|, where|\.)", said.partition("most from")[2] or said)
        .group(1)
        .split(",")
    ):
        assert table.cell(course.places[int(number)], "island") == "Dream"


def test_first_steps_of_adam_are_about_the_rate_and_so_it_is_said(birds):
    birds.do("seek", t=0)
    assert "That is about the rate, 0.001: adam divides" in meaning(birds, "dC/db[2][1]")
    birds.do("seek", t=1)
    assert "about the rate" not in meaning(birds, "a[2][1]")


def test_an_edit_that_a_row_does_not_feel_says_why(birds):
    birds.do("seek", t=2)
    course, row = birds.studio.made.course, birds.frame["row"]
    x = course.data.x[course.places[row]]
    i = next(k for k, name in enumerate(course.inputs, 1) if name.startswith("island: ") and x[k - 1] == 0)
    birds.do("edit", edits=[{"kind": "number", "address": f"W[1][{i},2]", "value": 0.5}])
    frame = birds.frame
    if frame["row"] != row:
        frame = birds.do("row", number=row)
    said = " ".join(frame["told"])
    assert f"Row {row} doesn't feel it" in said
    assert f"x[{i}] = 0: the input is 0" in said
    assert frame["answer"]["each"] == frame["was"]["answer"]["each"]
    birds.do("undo")


def test_at_rest_the_last_update_and_the_next_batch_are_told_apart(birds):
    frame = birds.do("seek", t=2)
    made, course = birds.studio.made, birds.studio.made.course
    rows = made.lookout.batch(1, 0)
    before, after = (cost(course, np.array(made.tape.state(t, 0).parameters), rows) for t in (1, 2))
    first, second = frame["told"]
    found = re.search(r"^Update 2 took the cost of its own 32 rows from ([\d.]+) to ([\d.]+)\.$", first)
    assert [float(text) for text in found.groups()] == pytest.approx([before, after], rel=1e-3)
    assert second.startswith("All numbers shown now are those of the next update")


@pytest.mark.slow
def test_the_end_says_why_and_which_epoch_is_kept():
    course = opened_table(
        PENGUINS, {"target": "species"}, {"epochs": 60, "patience": 2, "learning_rate": 0.1, "hidden": (8,)}
    )
    with watched(course) as made:
        frame = made.train()
        result = made.studio.made.worker.result
        ran, kept = len(result.history), result.best_epochs[0]
        assert frame["kept"] == kept < ran
        said = " ".join(frame["told"])
        assert f"ended after epoch {ran}, stopped as the watched loss no longer fell" in said
        assert f"is epoch {kept}, where" in said


def test_a_loss_far_above_that_of_the_training_is_overfitting():
    low, high = np.full(40, 0.01), np.array([0.01] * 30 + [4.0] * 10)
    assert [one.kind for one in overfitted_by_loss(low, high, 0.69)] == ["overfitting"]
    # Few rows of a heavy tail: within 3 standard errors, but worse than knowing nothing.
    assert [one.kind for one in overfitted_by_loss(low, np.array([0.01] * 33 + [9.0] * 3), 0.69)] == [
        "overfitting"
    ]
    assert not list(overfitted_by_loss(np.full(40, 0.6), np.full(40, 0.75), 0.69))
    assert not list(
        overfitted_by_loss(np.full(40, 0.05), np.full(40, 0.09) + np.linspace(-0.05, 0.05, 40) * 4, 0.69)
    )


def in_euro(number: float) -> str:
    return f"{number:,.2f} €".translate(str.maketrans(",.", ".,"))


def test_a_cell_of_a_dressed_column_is_set_in_its_dress_or_plain():
    rents = [310.5 + 37.25 * i for i in range(40)]
    table = {"rent": list(map(in_euro, rents)), "y": [float(i % 7) for i in range(40)]}
    course = opened_table(table, {"target": "y"}, {"epochs": 1, "hidden": (2,)})
    known = [cells_set(course, 0, {"rent": "1.310,50 €"})[0].data.x[0]]
    for given in ("1310.5", "1310,5", 1310.5):
        known.append(cells_set(course, 0, {"rent": given})[0].data.x[0])
    assert all(np.array_equal(one, known[0]) for one in known)
    # What is dragged comes as a number, of which 1.310 is none of the thousands.
    assert cells_set(course, 0, {"rent": 1.31})[1][0][2] == "1,31"
    with pytest.raises(SettingsError, match="can be read in two ways"):
        cells_set(course, 0, {"rent": "1.310"})
    with pytest.raises(
        SettingsError, match=r"'much' is not a number; give one such as 12,5, or nothing for a missing cell"
    ):
        cells_set(course, 0, {"rent": "much"})


@pytest.mark.parametrize(
    ("address", "forms"),
    [
        ("dC/dW[1][1,2]", ["short", "paths", "matrix"]),
        ("W[1][1,2]", ["short"]),
        ("C", ["short"]),
        ("eta", ["short"]),
    ],
)
def test_only_the_forms_that_a_number_has_are_offered(birds, address, forms):
    birds.do("seek", t=1)
    told = birds.studio.number({"address": address})
    assert told["forms"] == forms
    for form in forms:
        birds.studio.number({"address": address, "form": form})
    assert birds.studio.number({"address": address, "form": "paths"})["nodes"]

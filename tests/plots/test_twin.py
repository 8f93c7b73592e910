"""The table twin has every number that is drawn, and says what it is."""

import pytest
from tests.plots.gallery import MAZUR, gallery

from chainrule.plots.kinds.classes import confusion_chart
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.kinds.scores import slices_chart
from chainrule.plots.network.draw import network_chart

PLOTS = gallery()


@pytest.mark.parametrize("name", PLOTS)
def test_every_row_has_a_cell_for_each_name(name):
    table = PLOTS[name].table()
    assert len(set(table.header)) == len(table.header) > 1
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_curves_over_the_same_x_are_beside_each_other():
    bands = {"train": ([0.5, 0.5], [2.0, 2.0])}
    table = curves_chart({"train": [1.0, 0.75], "validation": [2.0, 1.5]}, bands=bands).table()
    assert table.header == ("epoch", "train, low", "train, high", "train", "validation")
    assert table.rows == ((1.0, 0.5, 2.0, 1.0, 2.0), (2.0, 0.5, 2.0, 0.75, 1.5))


def test_what_only_helps_the_eye_is_left_out():
    assert PLOTS["curves"].table().header == (
        "epoch",
        "validation, low",
        "validation, high",
        "train",
        "validation",
    )
    learning = PLOTS["learning"].table()
    assert learning.header == (
        "rows",
        "train, low",
        "train, high",
        "validation, low",
        "validation, high",
        "train",
        "validation",
    )
    above = PLOTS["calibration"].charts[0].table()
    assert len(above.rows) == 20  # an interval and a point for each of ten bins
    assert len(PLOTS["waterfall"].table().rows) == 3 + 2


def test_a_grid_of_cells_is_a_table():
    table = confusion_chart([0, 0, 1], [0, 1, 1], ["no", "yes"]).table()
    assert table == (("true \\ predicted", "no", "yes"), (("no", 1.0, 1.0), ("yes", 0.0, 1.0)))


def test_names_stand_for_their_places():
    table = slices_chart(
        ["a", "b"], [0.9, 0.5], [0.8, 0.4], [1.0, 0.6], overall=0.7, score="accuracy"
    ).table()
    low, high = table.header.index("accuracy, low"), table.header.index("accuracy, high")
    assert [(row[table.header.index("name")], row[low], row[high]) for row in table.rows[:2]] == [
        ("a", 0.8, 1.0),
        ("b", 0.4, 0.6),
    ]


def test_a_network_is_told_by_addresses():
    table = network_chart(MAZUR).table()
    address, value = table.header.index("address"), table.header.index("value")
    told = {row[address]: row[value] for row in table.rows if row[address]}
    assert told["W[1][1,2]"] == 0.25
    assert told["W[2][2,1]"] == 0.45
    assert told["b[2][1]"] == 0.6
    assert told["a[1][2]"] == 0.596884378
    assert told["x[2]"] == 0.1


def test_the_plots_of_small_multiples_stand_below_each_other():
    table = PLOTS["search"].table()
    assert table.header[0] == "plot"
    assert {row[0] for row in table.rows} == {"rate", "hidden", "activation"}
    assert len(table.rows) == 3 * 24

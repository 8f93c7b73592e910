"""An ablation on its way from one command to the other: what was found comes back the same, with its pictures, or is refused."""

import json
from dataclasses import replace

import pytest

from chainrule.errors import SettingsError
from chainrule.explain.show.document import Picture
from chainrule.fitting.studies.ablation_records import Ablation, Ablations, Difference
from chainrule.plots.marks import Bars, Intervals
from chainrule.reports.ablation import ablation_charts, ablation_document, read_ablation
from chainrule.training.settings.recipe import Ingredient

MADE = (
    Ablation(
        Ingredient("dropout", "hidden outputs are dropped", {"dropout": 0.0}),
        {
            "error": Difference(0.1, 0.125, 0.025, 0.01, 0.02),
            "log_loss": Difference(0.5, 0.25, -0.25, None, 0.0625),
        },
        2,
        1.5,
        1.25,
    ),
    Ablation(
        Ingredient("leak", "a hundredth", {"activation": "relu"}), {}, reason="activation is relu already"
    ),
)
FOUND = Ablations("classification", {"error": 0.1, "log_loss": 0.5}, 1.5, 2, 40, MADE, interrupted=True)


def test_what_was_printed_comes_back(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"table": "t.csv", "target": "y", **FOUND.to_dict()}), "utf-8")
    assert read_ablation(path) == replace(FOUND, ingredients=(MADE[0], read_ablation(path).ingredients[1]))
    assert read_ablation(path).to_dict() == FOUND.to_dict()


def test_the_pictures_have_the_changes_and_two_standard_errors():
    charts = ablation_charts(FOUND)
    assert [chart.title for chart in charts.charts] == ["error", "log-loss"]
    for chart, value, error in zip(charts.charts, (0.025, -0.25), (0.02, 0.0625), strict=True):
        (bars,) = [mark for mark in chart.marks if isinstance(mark, Bars)]
        (ends,) = [mark for mark in chart.marks if isinstance(mark, Intervals)]
        assert (bars.names, bars.stop) == (("dropout",), (value,))
        assert (ends.low[0], ends.high[0]) == pytest.approx((value - 2 * error, value + 2 * error))
    assert ablation_charts(FOUND, ["error"]).title == "What each ingredient adds"
    assert any(isinstance(block, Picture) for block in ablation_document(FOUND).blocks)
    assert ablation_charts(replace(FOUND, ingredients=MADE[1:])) is None


def changed(**keys):
    return {**FOUND.to_dict(), **keys}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([1], "it: names with values are expected"),
        ({}, "there is no 'full'"),
        (changed(full=3), "full: names with values"),
        (changed(task="poetry"), "'poetry' is no task"),
        (changed(seeds=-1), "-1 is no count"),
        (changed(ingredients={}), "ingredients: a list is expected"),
        (changed(ingredients=[5]), "an ingredient: names with values"),
        (changed(full={"scores": {"error": "many"}, "seconds": 1.0}), "error"),
        (changed(full={"scores": {"error": 0.1}, "seconds": 1.0}), "dropout has other scores"),
    ],
)
def test_what_is_no_ablation_is_refused(tmp_path, data, said):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(SettingsError) as caught:
        read_ablation(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "ablate" in str(caught.value)


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("epoch,loss\n", "utf-8")
    with pytest.raises(SettingsError, match="this is not JSON"):
        read_ablation(tmp_path / "a.json")
    with pytest.raises(SettingsError, match="can't be read"):
        read_ablation(tmp_path / "none.json")

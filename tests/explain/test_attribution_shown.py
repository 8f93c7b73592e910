"""What is shown of attributions is what was found, adds up, and comes back from JSON."""

import numpy as np
import pytest
from tests.explain.shown import as_html, as_json, as_latex, as_text
from tests.explain.test_attribution import LINEAR, PENGUINS, linear, trained

import chainrule
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.errors import SettingsError
from chainrule.explain.attribute.cells import column_effects
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.attribute.shown import attribution_derivation
from chainrule.explain.check.agreement import check_attributions
from chainrule.explain.derive.derivation import derive
from chainrule.explain.show.json import read_json
from chainrule.explain.trace.data import trace_from_json, trace_to_json
from chainrule.explain.trace.sources import trace_rows
from chainrule.formula.text import text


def test_a_linear_prediction_is_shared_out_by_its_coefficients():
    # y = 3 a - 2 b + 1/2 at row 5 (a = 5, b = 5) is 5.5, and at the baseline (a = 3, b = 4) it is 1.5.
    model = linear()
    baseline = {"a": 3, "b": 4}
    made = attribution_derivation(model, model.table(LINEAR), 5, baseline=baseline)
    by_label = {line.left: line for line in made.lines}
    assert by_label["answer"].result == pytest.approx(3 * 5 - 2 * 5 + 0.5)
    assert by_label["baseline"].result == pytest.approx(3 * 3 - 2 * 4 + 0.5)
    assert by_label["change"].result == pytest.approx(4)
    assert by_label["shares"].values == pytest.approx({"s_1": 3 * 2, "s_2": -2 * 1})
    assert by_label["shares"].check.ok
    shares, slopes = made.grids
    assert [(row[1], *row[3:]) for row in shares.rows] == [("a", "5", "3"), ("b", "5", "4")]
    assert [row[-1] for row in slopes.rows] == pytest.approx([3, -2])


@pytest.fixture(scope="module")
def species():
    return trained("species")


def test_every_number_is_the_one_found(species):
    table = species.table(PENGUINS)
    made = attribution_derivation(species, table, 16, member=1, baseline="missing")
    found = integrated_gradients(species, table, 16, member=1, baseline="missing")
    effects = column_effects(species, table, 16, member=1)
    shares, slopes, swaps = made.grids
    assert [row[2] for row in shares.rows] == [share.value for share in found.columns]
    assert {row[4] for row in shares.rows} == {"missing"}
    assert made.result == found.total
    assert made.checks[-1].value == found.difference
    assert {row[0]: row[2] for row in slopes.rows} == {
        e.column: e.slope for e in effects.columns if e.slope is not None
    }
    told = {(row[0], row[2]): row[3] for row in swaps.rows}
    assert told == {(e.column, other): change for e in effects.columns for other, change in e.changes.items()}


def test_of_many_columns_the_largest_and_an_exact_rest():
    rows = {f"c{i}": [float((i * j) % 17) for j in range(40)] for i in range(1, 16)}
    rows["y"] = [sum(rows[f"c{i}"][j] for i in range(1, 16)) for j in range(40)]
    model = trained("y", rows, members=1)
    made = attribution_derivation(model, model.table(rows), 3)
    line = made.lines[-1]
    assert len(line.values) == 11
    assert sum(line.values.values()) == pytest.approx(line.result, rel=1e-12)
    assert line.note == "rest: the sum of the other 5 columns"
    assert len(made.grids[0].rows) == 15


def test_a_jump_is_told_and_the_check_fails():
    model = trained("species", activation="where(z > 0.001, 1, 0)", hidden=[3], members=1)
    table = model.table(PENGUINS)
    made = attribution_derivation(model, table, 200)
    found = integrated_gradients(model, table, 200)
    assert made.ok == found.holds
    assert bool(found.jump) == any("jumps by" in note for note in made.notes)
    assert found.jump > 0


def test_every_renderer_shows_the_tables(species):
    made = attribution_derivation(species, species.table(PENGUINS), 0)
    value = made.grids[0].rows[0][2]
    assert read_json(as_json(made)) == made
    assert f"{value:.6g}" in as_text(made)
    assert repr(value) in as_html(made)
    assert r"bill\_length\_mm" in as_latex(made)


def test_a_row_that_is_not_there_is_one_line(species):
    with pytest.raises(SettingsError, match="there is no row 345; it has rows 1 to 344"):
        attribution_derivation(species, species.table(PENGUINS), 344)


def test_a_clamped_answer_is_explained_as_what_it_is():
    rows = {"x": [i / 10 for i in range(40)], "y": [2 * (i / 10) + i % 3 for i in range(40)]}
    words = {"hidden": [], "members": 2, "epochs": 40, "learning_rate": 0.1, "scaling": "standard"}
    model = chainrule.train(rows, "y", clamp=True, **words).model
    new = {"x": [-30.0, 1.5, 30.0]}
    low, high = model.target.clamp["lowest"], model.target.clamp["highest"]
    answers = model.predict(new).labels
    assert (answers[0], answers[2]) == (low, high)
    assert low < answers[1] < high
    for row, side in enumerate(("below the lowest", "", "above the highest")):
        derivation = derive(trace_rows(model, new, row + 1), "prediction")
        line = derivation.lines[-1]
        assert derivation.ok
        assert line.result == pytest.approx(answers[row], rel=1e-6)  # training was in float32
        assert text(line.symbols) == "min(max(mean_a[1]*std + mean, lowest), highest)"
        assert line.note.startswith(
            f"clamped: {model.target.undo(_mean(model, new, row)):.6g} lies {side}" if side else ""
        )
        assert bool(line.note) is bool(side)
        shown = attribution_derivation(model, model.table(new), row)
        slope = column_effects(model, model.table(new), row).columns[0].slope
        assert shown.ok
        assert any("every slope is 0" in note for note in shown.notes) is bool(side)
        assert (slope == 0) is bool(side)
    for check in check_attributions(model, model.table(new), (0, 1, 2), 0):
        assert check.compared == 3
        assert check.passed, check
    trace = trace_rows(model, new, 3)
    again = trace_from_json(trace_to_json(trace))
    assert again.target == model.target
    assert derive(again, "prediction").lines[-1] == derive(trace, "prediction").lines[-1]


def _mean(model, new, row):
    x = model.encoder.transform(model.table(new))[[row]]
    flat = np.asarray(model.parameters, np.float64)
    return float(ReferenceEngine().predict(model.network, flat, x).mean(axis=0)[0, 0])

"""Attributions add up, agree with closed forms, and slopes are differences in the table's own units."""

import datetime
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule.equations.layout import Layout
from chainrule.errors import SettingsError
from chainrule.explain.attribute.cells import column_effects
from chainrule.explain.attribute.gradients import baseline_row, integrated_gradients
from chainrule.explain.attribute.outcome import Outcome, outcome_of
from effort import many

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


def trained(target, table=PENGUINS, **how):
    how = {"members": 2, "epochs": 10, "engine": "reference", "hidden": [6], **how}
    return chainrule.train(table, target, **how).model


@pytest.fixture(scope="module")
def species():
    return trained("species")


@pytest.fixture(scope="module")
def mass():
    return trained("body_mass_g", activation="tanh")


@pytest.fixture(scope="module")
def sex():
    return trained("sex")


LINEAR = {
    "a": [float(i % 7) for i in range(80)],
    "b": [float(i % 11) for i in range(80)],
    "y": [3 * (i % 7) - 2 * (i % 11) + 0.5 for i in range(80)],
}


def linear():
    """y = 3 a - 2 b + 1/2 exactly, as a network without hidden layer on standardized inputs and target."""
    model = trained("y", LINEAR, hidden=[], scaling="standard", members=1, epochs=1)
    parts = [column.parts[0].parameters for column in model.encoder.columns]
    target = model.target.parameters
    # y = 3 a - 2 b + 1/2 with a = mean + std x, y = mean + std a[1].
    w = [3 * parts[0]["std"] / target["std"], -2 * parts[1]["std"] / target["std"]]
    bias = (3 * parts[0]["mean"] - 2 * parts[1]["mean"] + 0.5 - target["mean"]) / target["std"]
    return model.with_parameters(lambda group: np.array([[*w, bias]]))


def test_a_linear_model_gets_its_coefficients_and_their_products():
    """dy/da = 3 and dy/db = -2 in original units; from medians 3 and 5 to a = 6, b = 1: 3 (6-3) and -2 (1-5)."""
    model = linear()
    table = model.table({"a": [6.0], "b": [1.0], "y": [0.0]})
    effects = column_effects(model, table, 0)
    assert effects.value == pytest.approx(3 * 6 - 2 * 1 + 0.5)
    assert [effect.slope for effect in effects.columns] == pytest.approx([3, -2])
    found = integrated_gradients(model, table, 0)
    medians = [column.parts[0].fill for column in model.encoder.columns]
    assert [share.value for share in found.columns] == pytest.approx(
        [3 * (6 - medians[0]), -2 * (1 - medians[1])]
    )
    assert found.baseline_value == pytest.approx(3 * medians[0] - 2 * medians[1] + 0.5)
    assert found.holds


def test_a_product_is_shared_out_as_its_integral_says():
    """One input, activation z^2: Q = z^2 has dQ/dx = 2 z w, whose integral along the way is the whole difference."""
    model = trained(
        "y", LINEAR, hidden=[1], activation="z^2", scaling="none", target_scaling="none", members=1
    )
    flat = np.array([[0.5, 0.25, 1.0, 2.0, 0.0]])  # z = a/2 + b/4 + 1, Q = 2 z^2
    model = model.with_parameters(lambda group: flat)
    table = model.table({"a": [4.0], "b": [8.0], "y": [0.0]})
    found = integrated_gradients(model, table, 0, baseline={"a": 0.0, "b": 0.0})
    # z goes from 1 to 5 linearly, so the mean slope is 2 · 2 · (1 + 5)/2 = 12; times w (x - x'): 12 · 2 and 12 · 2.
    assert [share.value for share in found.columns] == pytest.approx([24.0, 24.0], rel=1e-9)
    assert found.difference == pytest.approx(2 * 25 - 2 * 1)


@pytest.mark.parametrize("row", [0, 3, 100, 343])
@pytest.mark.parametrize("of", ["probability", "logit"])
def test_attributions_add_up_to_the_difference(species, row, of):
    table = species.table(PENGUINS)
    for how in ({}, {"member": 1}, {"label": "Gentoo"}, {"baseline": "missing"}):
        found = integrated_gradients(species, table, row, of=of, **how)
        assert found.holds
        assert math.fsum(share.value for share in found.columns) == pytest.approx(found.total, abs=1e-12)
        assert found.total == pytest.approx(found.value - found.baseline_value, abs=2 * found.tolerance)
        assert found.error == abs(found.total - found.difference)


def test_the_value_is_the_prediction_of_the_model(species, mass, sex):
    frame = species.prediction_frame(PENGUINS)
    table = species.table(PENGUINS)
    for row in (0, 200, 300):
        label = frame["species"][row]
        found = integrated_gradients(species, table, row)
        assert found.quantity == f"P(species = {label})"
        assert found.value == pytest.approx(frame[f"P({label})"][row], rel=1e-12)
        logit = integrated_gradients(species, table, row, of="logit", label=label).value
        p = frame[f"P({label})"][row]
        assert logit == pytest.approx(math.log(p / (1 - p)), rel=1e-9)
        number = integrated_gradients(mass, mass.table(PENGUINS), row)
        assert number.value == pytest.approx(mass.prediction_frame(PENGUINS)["body_mass_g"][row], rel=1e-12)
        both = [
            integrated_gradients(sex, sex.table(PENGUINS), row, label=c, of="logit")
            for c in ("male", "female")
        ]
        assert both[0].value == pytest.approx(-both[1].value)
        assert [share.value for share in both[0].columns] == pytest.approx(
            [-s.value for s in both[1].columns]
        )


def test_the_mean_of_the_members_attributions_is_that_of_the_mean(mass):
    """The prediction of a number is linear in the members' outputs, so attributions are, too."""
    table = mass.table(PENGUINS)
    whole = integrated_gradients(mass, table, 5, tolerance=1e-9)
    each = [integrated_gradients(mass, table, 5, member=member, tolerance=1e-9) for member in (0, 1)]
    mean = np.mean([[share.value for share in one.columns] for one in each], axis=0)
    assert [share.value for share in whole.columns] == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_a_smaller_tolerance_takes_more_points_and_holds(species, tolerance):
    table = species.table(PENGUINS)
    coarse = integrated_gradients(species, table, 7, tolerance=1e-2)
    fine = integrated_gradients(species, table, 7, tolerance=tolerance)
    assert fine.holds
    assert fine.error <= tolerance * max(abs(fine.value), abs(fine.baseline_value), 1)
    assert fine.points >= coarse.points


def test_a_jump_cannot_be_shared_out_and_is_reported():
    model = trained("sex", activation="binary_step", epochs=2, members=1)
    table = model.table(PENGUINS)
    found = [integrated_gradients(model, table, row) for row in range(4, 9)]
    jumps = [one for one in found if one.jump > 0]
    assert jumps
    assert all(one.total == 0 and not one.holds for one in jumps if one.difference)


def test_a_column_that_stays_as_it_is_gets_nothing(species):
    table = species.table(PENGUINS)
    cells = {name: table.cell(0, name) for name in ("island", "sex")}
    found = integrated_gradients(species, table, 0, baseline={**cells, "bill_length_mm": None})
    shares = {share.column: share for share in found.columns}
    assert shares["island"].value == shares["sex"].value == 0
    assert shares["island"].cell == shares["island"].baseline == "Torgersen"
    assert shares["bill_length_mm"].baseline is None
    assert found.baseline.startswith("island = Torgersen, sex = ")


def test_typical_is_the_median_and_the_most_frequent_level(species):
    table = species.table(PENGUINS)
    x, cells, words = baseline_row(species, table, "typical")
    # penguins.csv has 168 penguins on Biscoe, 124 on Dream, 52 on Torgersen.
    assert cells["island"] == "Biscoe"
    column = next(c for c in species.encoder.columns if c.name == "bill_length_mm")
    assert cells["bill_length_mm"] == f"{column.parts[0].fill:g}"
    assert words == "medians of the training rows, most frequent levels of the table"
    names = [neuron.name for neuron in species.encoder.inputs]
    assert x[names.index("island: Biscoe")] == 1
    assert x[names.index("bill_length_mm")] == pytest.approx(0, abs=1e-12)


# ---- slopes and swaps


@settings(max_examples=many(20))
@given(row=st.integers(0, 343), step=st.sampled_from([1e-4, 1e-3]))
def test_slopes_are_differences_of_the_prediction_in_original_units(mass, row, step):
    """The network is smooth (tanh), so the central difference is right to about step^2."""
    table = mass.table(PENGUINS)
    for effect in column_effects(mass, table, row).columns:
        if effect.slope is None:
            continue
        frame = table.frame[[row]]
        value = frame[effect.column].cast(float)
        ends = [
            mass.predict(frame.with_columns((value + sign * step).alias(effect.column))).labels[0]
            for sign in (-1, 1)
        ]
        assert effect.slope == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-4, abs=1e-5)


def test_swaps_are_the_change_of_the_prediction(species):
    table = species.table(PENGUINS)
    effects = column_effects(species, table, 0, label="Gentoo")
    by_name = {effect.column: effect for effect in effects.columns}
    island = by_name["island"]
    assert island.slope is None
    assert set(island.changes) == {"Biscoe", "Dream"}
    before = species.prediction_frame(table.frame[[0]])["P(Gentoo)"][0]
    for level, change in island.changes.items():
        frame = table.frame[[0]].with_columns(island=chainrule_literal(level))
        assert species.prediction_frame(frame)["P(Gentoo)"][0] - before == pytest.approx(change, abs=1e-12)
    # sex is missing in some training rows, so that is tried, too.
    assert set(by_name["sex"].changes) == {"female", "missing"}


def chainrule_literal(level):
    import polars as pl

    return pl.lit(level)


def test_dates_times_booleans_and_missing_cells_have_changes():
    day = datetime.date(2024, 1, 1)
    rows = {
        "n": [None, *(float(i % 5) for i in range(59))],
        "t": [True, False, None] * 20,
        "d": [day + datetime.timedelta(days=3 * i) for i in range(60)],
        "h": [datetime.time(i % 24, 5) for i in range(60)],
        "y": [float(i) for i in range(60)],
    }
    model = trained("y", rows)
    table = model.table(rows)
    changes = {effect.column: dict(effect.changes) for effect in column_effects(model, table, 0).columns}
    assert set(changes["t"]) == {"false"}
    assert set(changes["d"]) == {"a day later"}
    assert set(changes["h"]) == {"an hour later"}
    assert set(changes["n"]) == {"the value that stands in"}
    later = {**{name: [cells[0]] for name, cells in rows.items()}, "d": [day + datetime.timedelta(days=1)]}
    before = model.predict(table.take([0])).labels[0]
    assert model.predict(later).labels[0] - before == pytest.approx(changes["d"]["a day later"], abs=1e-9)
    missing = {effect.column: dict(effect.changes) for effect in column_effects(model, table, 2).columns}
    assert set(missing["t"]) == {"false", "true"}
    found = integrated_gradients(model, table, 1, baseline={"d": "2024-05-05", "t": None})
    assert found.holds


def test_a_number_beyond_all_bounds_has_the_slope_0():
    model = linear()
    (effect, _) = column_effects(model, model.table({"a": [1e300], "b": [1.0], "y": [0.0]}), 0).columns
    assert effect.slope == 0


# ---- the outcome's own gradient


@pytest.mark.parametrize("of", ["probability", "logit", "output"])
@pytest.mark.parametrize("target", ["species", "sex"])
def test_the_gradient_by_the_inputs_is_a_difference(of, target):
    model = trained(target, activation="tanh")
    x = model.encoder.transform(model.table(PENGUINS).take([10, 200]))
    outcome = outcome_of(model, x[0], of=of)
    gradient = outcome.gradients(x)
    h = 1e-6
    for place in range(x.shape[1]):
        moved = np.eye(x.shape[1])[place] * h
        want = (outcome.values(x + moved) - outcome.values(x - moved)) / (2 * h)
        np.testing.assert_allclose(gradient[:, place], want, rtol=1e-6, atol=1e-9)


def test_the_logit_of_a_nearly_certain_class_does_not_cancel(sex):
    """At z = 40, 1 - p is 4e-18, which 1 - sigmoid(40) loses; the logit of one member is z itself."""
    model = sex.with_parameters(lambda group: np.array(group.parameters[:1], np.float64))
    Layout(model.network).unflatten(model.parameters[0])[len(model.network.layers)]["b"][:] = 40.0
    Layout(model.network).unflatten(model.parameters[0])[len(model.network.layers)]["W"][:] = 0.0
    x = model.encoder.transform(model.table(PENGUINS).take([10]))
    for label, sign in ((1, 1), (0, -1)):
        assert Outcome(model, "logit", label).values(x)[0] == pytest.approx(sign * 40.0, rel=1e-14)
    assert Outcome(model, "probability", 0).values(x)[0] == pytest.approx(math.exp(-40), rel=1e-12)


def test_a_signed_loss_has_outputs_only():
    model = trained("sex", loss="hinge")
    table = model.table(PENGUINS)
    assert integrated_gradients(model, table, 0).quantity.startswith("output for sex = ")
    with pytest.raises(SettingsError, match="are no probabilities: choose output"):
        integrated_gradients(model, table, 0, of="probability")


def test_results_are_plain_data(species):
    table = species.table(PENGUINS)
    data = json.loads(json.dumps(integrated_gradients(species, table, 0, member=1).to_dict()))
    assert data["holds"] is True
    assert data["row"] == 1
    assert data["member"] == 2
    assert data["columns"][0].keys() == {"column", "cell", "baseline", "value"}
    assert json.loads(json.dumps(column_effects(species, table, 0).to_dict()))["row"] == 1


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"row": 344}, "there is no row 345"),
        ({"of": "units"}, "'units' is unknown for classes: choose probability, logit or output"),
        ({"label": "Emperor"}, "'Emperor' is no class of 'species': choose Adelie, Chinstrap, Gentoo"),
        ({"member": 2}, "there is no member 3: the model has 2 members"),
        ({"baseline": "mean"}, "baseline 'mean' is unknown: choose typical or missing"),
        ({"baseline": {"bill": 3}}, "baseline: 'bill' is no input of the model"),
        ({"baseline": {"bill_length_mm": "long"}}, "'long' is not a number"),
        ({"tolerance": 0}, "tolerance 0 must be between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(species, how, said):
    how = {"row": 0, **how}
    with pytest.raises(SettingsError) as raised:
        integrated_gradients(species, species.table(PENGUINS), **how)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_classes_are_refused_for_numbers(mass):
    table = mass.table(PENGUINS)
    with pytest.raises(SettingsError, match="is a number: leave out the class 'x'"):
        column_effects(mass, table, 0, label="x")
    with pytest.raises(SettingsError, match="'logit' is for classes"):
        column_effects(mass, table, 0, of="logit")

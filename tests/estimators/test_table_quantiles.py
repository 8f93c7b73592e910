"""Quantiles and intervals hold the share of new rows that they say, whatever the noise."""

import numpy as np
import pytest

from chainrule import TableRegressor
from chainrule.errors import ModelFileError, SettingsError
from chainrule.estimators.table.intervals import MOST_KEPT, Errors

WORDS = {"hidden": [32], "members": 3, "epochs": 60, "patience": 10, "learning_rate": 0.01, "threads": 1}


def noisy(kind, n, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 2))
    noise = {
        "normal": 0.5 * random.normal(size=n),
        "skewed": 0.5 * (random.exponential(size=n) - 1),
        "growing": (0.2 + 0.5 * np.abs(x[:, 0])) * random.normal(size=n),
    }[kind]
    return x, np.sin(2 * x[:, 0]) + x[:, 1] + noise


@pytest.mark.parametrize("kind", ["normal", "skewed", "growing"])
def test_an_80_percent_interval_holds_80_percent_of_new_rows(kind):
    """Over 8 tables the mean coverage's standard deviation is about sqrt(0.8·0.2/(8·90)) = 0.015, of the ends 0.011."""
    covered, below = [], []
    for seed in range(8):
        made = TableRegressor(**WORDS, random_state=seed).fit(*noisy(kind, 600, seed))
        x, y = noisy(kind, 2000, 100 + seed)
        low, high = made.predict_interval(x, coverage=0.8).T
        covered.append(np.mean((low <= y) & (y <= high)))
        below.append(np.mean(y < low))
    assert np.mean(covered) == pytest.approx(0.8, abs=0.045)
    assert np.mean(below) == pytest.approx(0.1, abs=0.035)
    assert min(covered) > 0.65


def test_rows_that_nothing_has_looked_at_make_small_tables_exact():
    """Early stopping on 30 rows flatters them; 100 others don't: their mean coverage over 12 tables is exact to 0.02."""
    watched, other = [], []
    for seed in range(12):
        made = TableRegressor(**{**WORDS, "hidden": [64, 64]}, random_state=seed).fit(
            *noisy("normal", 200, seed)
        )
        x, y = noisy("normal", 2000, 100 + seed)
        for found in (watched, other):
            low, high = made.predict_interval(x, coverage=0.8).T
            found.append(np.mean((low <= y) & (y <= high)))
            before = made.predict(x)
            made.fit_intervals(*noisy("normal", 100, 200 + seed))
            assert np.array_equal(made.predict(x), before)
    assert np.mean(other) == pytest.approx(0.8, abs=0.04)
    assert np.mean(watched) < np.mean(other)


def test_the_members_alone_would_hold_far_fewer():
    """Why the errors on validation rows are needed: members agree on the mean, and know nothing of the noise."""
    made = TableRegressor(**WORDS, random_state=0).fit(*noisy("normal", 600, 0))
    x, y = noisy("normal", 2000, 100)
    outputs = made.model_.outputs(made.model_.encoder.transform(made._table(x)))[:, :, 0]
    low, high = made.model_.target.inverse(np.quantile(outputs, [0.1, 0.9], axis=0))
    assert np.mean((low <= y) & (y <= high)) < 0.4


def test_without_disagreement_a_quantile_is_the_mean_and_the_quantile_of_the_errors():
    """By hand: errors -2, 0, 1, 5 of one member stand at places 1/5 … 4/5; noise = sqrt(30/4)."""
    y, output = np.array([1.0, 3.0, 2.0, 7.0]), np.array([[3.0, 3.0, 1.0, 2.0]])
    errors = Errors.of(y, output, None)
    assert errors.noise == pytest.approx(np.sqrt(30 / 4))
    found = errors.quantiles(np.array([[10.0]]), np.array([0.2, 0.3, 0.4, 0.6, 0.8]))
    assert found[0] == pytest.approx([8.0, 9.0, 10.0, 11.0, 15.0])
    # NumPy's own method for places i/(n + 1).
    theirs = np.quantile(y - output[0], [0.25, 0.5, 0.75], method="weibull")
    assert errors.quantiles(np.array([[0.0]]), np.array([0.25, 0.5, 0.75]))[0] == pytest.approx(theirs)


def test_intervals_are_wider_where_members_disagree():
    """By hand: two members 1 apart have the variance 1/4 each; sigma = sqrt(noise² + 1/4)."""
    y, outputs = np.array([-1.0, 1.0, 0.5]), np.zeros((2, 3))
    errors = Errors.of(y, outputs, None)
    noise = np.sqrt(2.25 / 3)
    assert errors.noise == pytest.approx(noise)
    found = errors.quantiles(np.array([[0.0, 0.5], [0.0, -0.5]]), np.array([0.75]))[:, 0]
    assert found == pytest.approx([1.0, np.sqrt(noise**2 + 0.25) / noise])


def test_a_weight_of_two_is_about_two_validation_rows():
    random = np.random.default_rng(0)
    y, weights = random.normal(size=400), random.integers(1, 4, 400)
    weighed = Errors.of(y, np.zeros((1, 400)), weights.astype(float))
    repeated = Errors.of(y.repeat(weights), np.zeros((1, weights.sum())), None)
    assert weighed.noise == pytest.approx(repeated.noise)
    wanted, one = np.array([0.1, 0.5, 0.9]), np.zeros((1, 1))
    assert weighed.quantiles(one, wanted) == pytest.approx(repeated.quantiles(one, wanted), abs=0.02)
    one_sided = Errors.of(y, np.zeros((1, 400)), np.where(y > 0, 1.0, 1e-9))
    assert one_sided.quantiles(one, wanted)[0, 0] > 0


def test_a_row_of_weight_zero_is_not_there():
    random = np.random.default_rng(0)
    y, outputs = random.normal(size=30), random.normal(size=(2, 30))
    weights = np.where(np.arange(30) % 3 == 0, 0.0, 1.0)
    one, other = Errors.of(y, outputs, weights), Errors.of(y[weights > 0], outputs[:, weights > 0], None)
    assert np.allclose(one.errors, other.errors)
    assert np.allclose(one.places, other.places)
    Errors.from_dict(one.to_dict())


def test_many_errors_are_kept_as_their_quantiles():
    random = np.random.default_rng(0)
    y = random.normal(size=20 * MOST_KEPT)
    errors = Errors.of(y, np.zeros((1, len(y))), None)
    assert errors.errors.shape == errors.places.shape == (MOST_KEPT,)
    wanted = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    found = errors.quantiles(np.zeros((1, 1)), wanted)[0]
    assert found == pytest.approx(np.quantile(y, wanted, method="weibull"), abs=2e-2)


def test_quantiles_come_in_the_shapes_and_units_of_y():
    x, y = noisy("normal", 300, 1)
    made = TableRegressor(**WORDS, random_state=0).fit(x, 1000 + 50 * y)
    found = made.predict(x[:5], quantiles=[0.1, 0.5, 0.9])
    assert found.shape == (5, 3)
    assert (np.diff(found, axis=1) > 0).all()
    assert np.array_equal(made.predict(x[:5], quantiles=0.5), found[:, 1])
    assert made.predict_interval(x[:5], coverage=0.8) == pytest.approx(found[:, [0, 2]])
    assert np.abs(found[:, 1] - made.predict(x[:5])).max() < 25
    assert np.median(made.predict_interval(x)[:, 1] - made.predict_interval(x)[:, 0]) == pytest.approx(
        64, rel=0.4
    )


def test_what_cannot_be_known_is_refused():
    x, y = noisy("normal", 100, 0)
    made = TableRegressor(**WORDS, random_state=0).fit(x, y)  # 15 validation rows
    with pytest.raises(
        SettingsError, match=r"the quantile 0\.01 is further out than the validation rows tell: they "
    ):
        made.predict(x, quantiles=[0.5, 0.01])
    assert np.isfinite(made.predict(x, quantiles=[1 / 16, 15 / 16])).all()
    for quantiles in (0, 1.0, [0.5, 1.5], [[0.5]], float("nan")):
        with pytest.raises(SettingsError, match="must be numbers between 0 and 1"):
            made.predict(x, quantiles=quantiles)
    with pytest.raises(SettingsError, match=r"coverage 80 must be a number between 0 and 1, such as 0\.8"):
        made.predict_interval(x, coverage=80)
    without = (
        TableRegressor(**WORDS, early_stopping=False, validation_share=0.0)
        .set_params(patience=None)
        .fit(x, y)
    )
    assert without.intervals_ is None
    with pytest.raises(
        SettingsError, match="quantiles come from the errors on validation rows, and there were none"
    ):
        without.predict_interval(x)


@pytest.mark.parametrize(
    "change",
    [
        {"noise": -1.0}, {"noise": "1"}, {"errors": []}, {"errors": [1.0], "places": [0.5, 0.6]},
        {"places": [0.5, 0.25]}, {"errors": [1.0, 0.0]}, {"places": [0.5, 1.5]}, {"errors": [0.0, None]}, {"more": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_nonsense_in_a_file_is_refused(change):
    good = {"noise": 1.0, "errors": [0.0, 1.0], "places": [0.25, 0.5]}
    assert Errors.from_dict(good).to_dict() == good
    with pytest.raises(ModelFileError):
        Errors.from_dict({**good, **change})


def test_quantiles_begin_from_the_clamped_answer_and_are_not_clamped_themselves():
    x, y = noisy("normal", 200, 5)
    words = {
        **WORDS,
        "hidden": [],
        "epochs": 30,
        "random_state": 0,
        "scaling": "none",
        "target_scaling": "none",
    }
    plain, made = (TableRegressor(**words, clamp=clamp).fit(x, y) for clamp in (False, True))
    far = np.array([[0.0, 50.0], [0.1, 0.2]])
    raw, answers = plain.predict(far), made.predict(far)
    assert raw[0] > y.max() == answers[0]
    assert answers[1] == raw[1]
    rows, true = np.array([[0.0, 50.0]] * 3), np.array([y.max() - 4, y.max(), y.max() + 1])
    # Errors of the clamped answer: -4, 0 and 1; the noise sqrt(17/3) is not what 50 would have given.
    made.fit_intervals(rows, true)
    assert made.intervals_.noise == pytest.approx((17 / 3) ** 0.5)
    # The quantiles 1/4, 2/4 and 3/4 of three errors are the errors.
    found = made.predict(rows[:1], quantiles=[0.25, 0.5, 0.75])
    np.testing.assert_allclose(found[0], true, rtol=1e-12)
    assert made.predict_interval(rows[:1], coverage=0.5)[0, 1] > y.max()

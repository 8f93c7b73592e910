"""Both Table estimators with a search: predictions, quantiles and files of models of several groups."""

import numpy as np
import pytest

from chainrule import TableClassifier, TableRegressor
from chainrule.errors import SettingsError
from chainrule.estimators.callbacks import SaveCheckpoint
from chainrule.fitting.search.weights import Picked

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
NUMBERS = X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=80)
WORDS = {
    "hidden": [6],
    "recipe": True,
    "epochs": 5,
    "members": 3,
    "engine": "reference",
    "numeric_embedding": "none",
    "random_state": 0,
}


@pytest.fixture(autouse=True)
def two_of_three(monkeypatch):
    """Weights of 3/4 and 1/4 for the first and the last of three trials."""
    monkeypatch.setattr(
        "chainrule.fitting.search.search.picked",
        lambda answers, judge, seed, parts: Picked((0.75, 0.0, 0.25), 4, 0.1, 0.05, ()),
    )


def test_a_searched_classifier_answers_with_the_weighted_mean(tmp_path):
    made = TableClassifier(search=3, **WORDS).fit(X, NUMBERS > 0)
    assert made.model_.shares == (0.75, 0.25)
    assert made.model_.card["search"]["asked"] == 3
    outputs = made.model_.outputs(made.model_.encoder.transform(made._table(X)))[:, :, 0]
    mean = 0.75 * outputs[:3].mean(axis=0) + 0.25 * outputs[3:].mean(axis=0)
    np.testing.assert_allclose(made.predict_proba(X)[:, 1], mean, rtol=1e-12)
    made.save(tmp_path / "m.safetensors")
    again = TableClassifier.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict_proba(X), made.predict_proba(X))
    assert again.search == 3


def test_quantiles_know_what_each_member_counts():
    made = TableRegressor(search=3, **WORDS).fit(X, NUMBERS)
    found = made.predict(X, quantiles=[0.1, 0.5, 0.9])
    assert (np.diff(found, axis=1) > 0).all()
    inside = np.mean((found[:, 0] <= NUMBERS) & (found[:, 2] >= NUMBERS))
    assert 0.6 < inside <= 1
    # By hand: the mean and the spread of the outputs, each member by its share.
    model = made.model_
    outputs = model.outputs(model.encoder.transform(made._table(X)))[:, :, 0]
    shares = np.repeat([0.75 / 3, 0.25 / 3], 3)
    mean = shares @ outputs
    spread = np.sqrt(shares @ (outputs - mean) ** 2)
    errors = made.intervals_
    sigma = np.hypot(errors.noise, spread)
    shift = np.interp(0.9, errors.places, errors.errors)
    np.testing.assert_allclose(
        found[:, 2], model.target.undo(model.target.drawn_in(mean) + sigma * shift), rtol=1e-9
    )


def test_a_search_goes_on_from_no_checkpoint(tmp_path):
    path = tmp_path / "c.safetensors"
    TableClassifier(**WORDS, callbacks=[SaveCheckpoint(path)]).fit(X, NUMBERS > 0)
    with pytest.raises(SettingsError, match="no checkpoint"):
        TableClassifier(search=3, **WORDS).fit(X, NUMBERS > 0, resume=path)

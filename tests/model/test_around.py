"""What happens around the epochs of a training on a table: calibration."""

from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.errors import SettingsError
from chainrule.explain.check import certify
from chainrule.model.replay import replay
from chainrule.training.temperature import at_temperature, fitted_temperature
from chainrule.training.watch import Answers

N = 120
RNG = np.random.default_rng(8)
A, B = RNG.normal(size=(2, N)).round(3)
CLASSES = {"a": A.tolist(), "b": B.tolist(), "y": np.where(A * B + RNG.normal(size=N) > 0, "u", "v").tolist()}
NUMBERS = {"a": A.tolist(), "b": B.tolist(), "y": (50 * A - B**2).tolist()}
QUICK: dict[str, Any] = {
    "hidden": [12],
    "epochs": 12,
    "members": 2,
    "learning_rate": 0.03,
    "batch_size": 16,
    "seed": 3,
}


def train(table, **words):
    return chainrule.train(table, "y", **{**QUICK, **words})


# ---- temperature


def test_a_calibrated_model_is_the_plain_one_at_the_temperature_of_its_card():
    plain, made = train(CLASSES, test_share=0.3), train(CLASSES, test_share=0.3, calibrate=True)
    n, (x, y, _, _) = plain.prepared.rows["training"], plain.prepared.arrays
    network, flat = plain.model.network, plain.model.parameters
    want = fitted_temperature(network, flat, x[n:], y[n:], Answers("class"))
    assert made.model.card["temperature"] == want != 1.0
    assert made.model.parameters.tobytes() == at_temperature(network, flat, want).tobytes()
    assert plain.model.card == {**made.model.card, "temperature": None, "scores": plain.model.card["scores"]}
    # The score is that of the calibrated probabilities.
    assert made.evaluation.scores["log_loss"] != plain.evaluation.scores["log_loss"]
    assert (
        made.evaluation.scores["accuracy"] == plain.evaluation.scores["accuracy"] or network.output.n_out == 1
    )
    # Its training can be replayed, and its numbers checked.
    one, other = (replay(model, CLASSES, 3, 2)[0] for model in (plain.model, made.model))
    assert one.state.parameters.tobytes() == other.state.parameters.tobytes()
    assert certify(made.model, CLASSES, n_rows=4, sample=9, checks=("differences",)).passed


def test_calibration_is_refused_where_there_is_nothing_to_calibrate():
    for table, words, message in (
        (NUMBERS, {}, "--calibrate is for probabilities of classes, and the target is a number"),
        (CLASSES, {"validation_share": 0.0}, "--calibrate needs validation rows: set --validation-share"),
        (CLASSES, {"loss": "hinge"}, "gives no probabilities to calibrate"),
        (CLASSES, {"calibrate": 1}, "calibrate 1 must be True or False"),
    ):
        with pytest.raises(SettingsError, match=message):
            train(table, **{"calibrate": True, **words})

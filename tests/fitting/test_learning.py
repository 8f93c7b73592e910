"""Learning curves: which rows are trained on, whose scores these are, what is said of them."""

import json

import numpy as np
import pytest

import chainrule
from chainrule.errors import SettingsError
from chainrule.explain.show.document import Picture, Words
from chainrule.fitting.question import Question
from chainrule.fitting.studies.learning import LearningCurve, LearningPoint, learning_curve
from chainrule.fitting.train import prepare
from chainrule.plots.marks import Band, Curve
from chainrule.reports.learning import learning_charts, learning_document, read_learning
from chainrule.training.settings.record import Settings

RNG = np.random.default_rng(8)
X = RNG.normal(size=(200, 2))
CLASSES = {"x1": X[:, 0], "x2": X[:, 1], "y": np.where(X[:, 0] + X[:, 1] > 0, "a", "b")}
QUICK = {"hidden": [4], "members": 1, "epochs": 3, "engine": "reference"}


def test_all_rows_are_the_training_itself():
    """The last point's first draw is `train` with the same seed; fewer rows are scored on the same rows held out."""
    seen = []
    found = learning_curve(CLASSES, "y", draws=2, shares=[1.0, 0.25], seed=5, on_run=seen.append, **QUICK)
    assert [point.rows for point in found.points] == [40, 160]
    assert [(run.rows, run.draw, run.place, run.of) for run in seen] == [
        (40, 0, 1, 4), (40, 1, 2, 4), (160, 0, 3, 4), (160, 1, 4, 4)
    ]  # fmt: skip
    assert found.tested == 40
    trained = chainrule.train(CLASSES, "y", seed=5, **QUICK)
    last = found.points[-1]
    assert last.held_out["log_loss"][0] == trained.evaluation.scores["log_loss"]
    assert last.held_out["accuracy"][0] == trained.evaluation.scores["accuracy"]
    own = trained.model.evaluate(trained.prepared.fitted.frame).scores
    assert last.learned["log_loss"][0] == pytest.approx(own["log_loss"], rel=1e-12)
    # Another draw has another seed, and the same rows of the score.
    second = prepare(Question(CLASSES, "y", test_seed=5), Settings(seed=6))
    assert second.tested.frame.equals(trained.prepared.tested.frame)
    assert last.held_out["log_loss"][1] != last.held_out["log_loss"][0]


def test_too_few_rows_are_said():
    few = {"x": [float(i) for i in range(24)], "y": ["a", "b"] * 12}
    found = learning_curve(few, "y", draws=1, shares=[0.01, 1.0], **QUICK)
    assert found.points[0].reason
    assert not found.points[1].reason


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"draws": 0}, "draws 0 must be a whole number"),
        ({"shares": []}, "shares"),
        ({"shares": [0.5, 2]}, "shares"),
        ({"time_limit": 3.0}, "learning_curve compares whole trainings"),
        ({"test_share": 0.0}, "learning_curve compares scores on rows held out, and there are 0"),
    ],
)
def test_what_makes_no_curve_is_refused(words, said):
    with pytest.raises(SettingsError, match=said):
        learning_curve(CLASSES, "y", **{**QUICK, **words})


MADE = LearningCurve(
    "regression",
    20,
    (
        LearningPoint(3, {}, {}, "there is no validation row"),
        LearningPoint(10, {"rmse": (3.0, 5.0)}, {"rmse": (1.0, 1.0)}),
        LearningPoint(40, {"rmse": (1.0, 1.5)}, {"rmse": (0.5, 1.0)}),
    ),
)


def test_what_was_printed_comes_back_and_is_drawn(tmp_path):
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"table": "t.csv", "target": "y", **MADE.to_dict()}), "utf-8")
    assert read_learning(path) == MADE
    chart = learning_charts(MADE)
    (learned, held_out) = [mark for mark in chart.marks if isinstance(mark, Curve)]
    assert (held_out.x, held_out.y) == ((10.0, 40.0), (4.0, 1.25))
    assert learned.y == (1.0, 0.75)
    assert [(band.low, band.high) for band in chart.marks if isinstance(band, Band)][1] == (
        (3.0, 1.0),
        (5.0, 1.5),
    )
    blocks = learning_document(MADE).blocks
    assert any(isinstance(block, Picture) for block in blocks)
    # From 4 to 1.25, and draws of 10 rows differ by 2.
    said = [block.text for block in blocks if isinstance(block, Words)][-1]
    assert said.endswith("more than draws of the same size differ by: it still falls with more rows.")
    for text in ("{", "[]", '{"task": "regression"}', '{"task": "regression", "tested": "x", "points": []}'):
        path.write_text(text, "utf-8")
        with pytest.raises(SettingsError, match=r"l\.json: .*; give what learning_curve printed as JSON"):
            read_learning(path)

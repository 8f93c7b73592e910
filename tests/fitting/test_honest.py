"""What a training says of its own result: rows that it has seen, what is bad about it first, classes that are uneven."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as judges

import chainrule
from chainrule.cli import main
from chainrule.errors import ChainruleError, ModelFileError, SettingsError, TableError
from chainrule.estimators.table.classifier import TableClassifier
from chainrule.fitting.replay import replay
from chainrule.model.model import Model
from chainrule.model.threshold import DecisionThreshold
from chainrule.training.scores.metrics import METRICS, class_scores, confusion, rarer, scores, uneven
from chainrule.training.scores.threshold import best_threshold
from effort import many

PLAIN: dict[str, Any] = {"hidden": [4], "members": 1, "epochs": 5, "engine": "reference", "seed": 1}


def table(n: int, seed: int = 0, columns: int = 3, share: float = 0.5) -> dict[str, Any]:
    """A table of numbers with a class that the first column tells in part."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns))
    y = x[:, 0] + rng.normal(size=n) > np.quantile(x[:, 0], 1 - share) * 1.4
    return {**{f"x{j}": x[:, j].tolist() for j in range(columns)}, "y": np.where(y, "yes", "no").tolist()}


def rows_of(source: dict[str, Any], rows: Any) -> dict[str, Any]:
    return {name: [column[i] for i in rows] for name, column in source.items()}


# ---- rows that training has seen


def test_a_test_table_that_is_the_training_table_is_told():
    own = table(80)
    trained = chainrule.train(own, "y", test_file=own, **PLAIN)
    assert trained.shared is not None
    assert (trained.shared.rows, trained.shared.of, trained.shared.without) == (80, 80, None)
    assert trained.verdict == (
        "all 80 rows of the score are equal to rows it was trained on, so the score says nothing of new rows: score on others"
    )
    # In another order, too, and where rows coincide as a matter of course.
    few = {"a": [0, 0, 1, 1] * 10, "b": [0, 1, 0, 1] * 10, "y": ["n", "y", "y", "n"] * 10}
    trained = chainrule.train(few, "y", test_file=rows_of(few, range(39, -1, -1)), **PLAIN)
    assert trained.shared is not None
    # A table of the same few kinds of rows is no copy.
    assert chainrule.train(few, "y", test_file=rows_of(few, range(10)), **PLAIN).shared is None


@pytest.mark.parametrize("words", [{"test_file": True}, {"groups": "g"}, {"split": "s"}])
def test_rows_in_both_are_counted_and_the_score_is_there_without_them(words: dict[str, Any]):
    own, other = table(100), table(40, seed=9)
    if words.get("test_file"):
        words = {"test_file": {name: other[name] + own[name][:15] for name in other}}
    else:
        own = {name: own[name] + other[name] + own[name][:15] for name in own}
        own["g"] = ["a"] * 50 + ["b"] * 50 + ["c"] * 55
        own["s"] = ["train"] * 100 + ["test"] * 55
    if "groups" in words:
        words |= {"seed": 0, "test_share": 0.35}
    trained = chainrule.train(own, "y", **{**PLAIN, **words, "drop": [c for c in ("g", "s") if c in own]})
    if "groups" in words and trained.prepared.tested.n_rows != 55:
        assert trained.shared is not None
        return
    if "split" in words:  # equal rows stay together in folds, and the given split is as it is
        assert trained.prepared.tested.n_rows == 55
    shared = trained.shared
    assert shared is not None
    assert shared.without is not None
    assert (shared.rows, shared.of, shared.without.rows) == (15, 55, 40)
    alone = trained.model.evaluate(other)
    assert shared.without.scores == pytest.approx(alone.scores)
    assert trained.verdict.startswith("15 of 55 rows of the score are equal to rows it was trained on: ")


@pytest.mark.slow
def test_equal_rows_are_no_help_for_a_target_that_nothing_tells():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 2)), rng.integers(0, 2, 60)
    copies = {
        "a": np.tile(x[:, 0], 4).tolist(),
        "b": np.tile(x[:, 1], 4).tolist(),
        "y": np.tile(y, 4).astype(str).tolist(),
    }
    trained = chainrule.train(copies, "y", hidden=[32], members=1, epochs=300, learning_rate=0.03, early_stopping=False,
        optimizer="adam", seed=0, engine="reference")  # fmt: skip
    assert trained.model.evaluate(copies).scores["accuracy"] > 0.75  # it knows by heart what it has seen
    assert trained.evaluation.scores["accuracy"] < 0.7
    assert trained.model.card["split"] == {"by": "rows", "together": True}
    assert trained.shared is None


def test_nothing_in_the_file_is_of_a_single_row(tmp_path: Any):
    own = table(60)
    trained = chainrule.train(own, "y", groups=None, **PLAIN)
    trained.model.save(tmp_path / "m.safetensors")
    text = json.dumps(trained.model.to_dict())
    assert not any(repr(value) in text for value in own["x1"][5:20])


# ---- the first sentence


def first(source: Any, target: str = "y", **words: Any) -> str:
    return chainrule.train(source, target, **{**PLAIN, **words}).verdict


def test_a_score_on_few_rows_is_told():
    assert first({"x": [1.0, 2.0, 4.0], "y": [1.0, 2.5, 3.5]}).startswith(
        "a score on one row says next to nothing: "
    )
    assert first(rows_of(table(30), range(30))).startswith("a score on 6 rows says next to nothing: ")


@pytest.mark.slow
def test_a_network_behind_a_baseline_is_told_with_what_to_try():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    line = {"x": x.tolist(), "y": (3 * x + rng.normal(size=400) * 0.1).tolist()}
    said = first(line, optimizer="sgd", learning_rate=1e-6)
    assert said.startswith(("the network is worse than linear regression (RMSE ", "the network is no better"))
    assert said.endswith((", for the default recipe", ", so use more epochs"))
    noise = {"x": x.tolist(), "z": rng.normal(size=400).tolist(), "y": rng.normal(size=400).tolist()}
    assert first(noise, epochs=60, learning_rate=0.05, early_stopping=False).startswith(
        "the network is no better than always answering the mean (RMSE "
    )
    assert first(line, epochs=200, learning_rate=0.02, hidden=[8]) == ""


def test_a_class_that_is_never_predicted_is_told():
    uneven_one = table(400, share=0.08)
    said = first(uneven_one, epochs=60)
    assert said.startswith("no row is predicted as yes, which ")
    assert said.endswith("try class_weight='balanced' or threshold='f1'")
    assert not first(uneven_one, epochs=60, threshold="f1").startswith("no row is predicted")
    # A class as large as the others is lost by ending early, not by being rare.
    said = first(table(400, share=0.35), epochs=1, init="normal(std=0.001)")
    assert said.startswith("no row is predicted as ")
    assert said.endswith("its loss was still falling, so use more epochs")


def test_equal_neurons_are_told():
    said = first(table(100), init="constant(value=0.1)", hidden=[3], activation="sigmoid")
    assert said.startswith(
        "all 3 neurons of layer 1 are equal, as they began with equal weights and stay equal"
    )
    assert "init" in said
    assert "are equal" not in first(table(100), hidden=[3])


def test_nothing_is_said_of_a_training_that_is_good():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2))
    good = {
        "a": x[:, 0].tolist(),
        "b": x[:, 1].tolist(),
        "y": np.where(x[:, 0] * x[:, 1] > 0, "p", "q").tolist(),
    }
    words = {
        "hidden": [16],
        "members": 1,
        "epochs": 120,
        "early_stopping": False,
        "learning_rate": 0.02,
        "seed": 0,
        "engine": "reference",
    }
    trained = chainrule.train(good, "y", **words)
    assert trained.evaluation.scores["accuracy"] > 0.85
    assert trained.verdict == ""


# ---- uneven classes


def test_metrics_are_those_of_scikit_learn(rng: np.random.Generator):
    for _ in range(many(10)):
        k, n = int(rng.integers(2, 5)), int(rng.integers(5, 60))
        y, guess = rng.integers(0, k, n), rng.integers(0, k, n)
        y[:k] = np.arange(k)
        weights = None if rng.random() < 0.5 else rng.random(n) + 0.1
        p = rng.dirichlet(np.ones(k), n)
        labels = np.unique(y)
        how = (
            {"pos_label": rarer(y), "average": "binary"} if k == 2 else {"labels": labels, "average": "macro"}
        )
        for name in ("precision", "recall", "f1"):
            wanted = getattr(judges, f"{name}_score")(y, guess, sample_weight=weights, zero_division=0, **how)
            assert METRICS[name].function(y, guess, weights) == pytest.approx(wanted)
        each = [judges.average_precision_score(y == c, p[:, c], sample_weight=weights) for c in range(k)]
        wanted = each[rarer(y)] if k == 2 else np.mean(each)
        assert METRICS["average_precision"].function(y, p, weights) == pytest.approx(wanted)
        table_of = class_scores(confusion(y, guess, k))
        judged = judges.precision_recall_fscore_support(y, guess, labels=range(k), zero_division=0)
        for c in range(k):
            assert list(table_of[c].values()) == pytest.approx([column[c] for column in judged])


def test_they_are_shown_where_classes_are_uneven():
    y = np.array([0] * 90 + [1] * 10)
    assert uneven(y)
    assert not uneven(np.array([0] * 74 + [1] * 26))
    assert not uneven(np.array([0, 0, 0]))
    assert uneven(np.array([0] * 60 + [1] * 30 + [2] * 10))
    rare = {"f1", "precision", "recall"}
    assert rare <= set(scores(y, labels=y))
    assert not rare & set(scores(np.array([0, 1] * 10), labels=np.array([0, 1] * 10)))


@pytest.mark.parametrize("rule", ["f1", "balanced_accuracy", "accuracy"])
def test_the_threshold_is_the_best_there_is(rule: str, rng: np.random.Generator):
    score = {
        "f1": judges.f1_score,
        "balanced_accuracy": judges.balanced_accuracy_score,
        "accuracy": judges.accuracy_score,
    }[rule]
    for _ in range(many(6)):
        n = int(rng.integers(4, 40))
        has = rng.random(n) < 0.3
        has[:2] = True, False
        p = rng.random(n).round(1) * 0.9 + 0.05
        found = best_threshold(rule, has, p)
        best = max(score(has, p >= t) for t in np.concatenate([np.unique(p), np.unique(p) / 2]))
        assert score(has, p >= found) == pytest.approx(best)
    assert best_threshold(rule, np.zeros(3, bool), np.array([0.2, 0.4, 0.9])) == 0.5


def test_a_threshold_is_kept_in_the_model_and_is_found_out_of_fold(tmp_path: Any):
    own = table(400, share=0.12)
    words = {"hidden": [8], "members": 3, "bagging": True, "epochs": 12, "engine": "reference", "seed": 2}
    plain = chainrule.train(own, "y", **words)
    trained = chainrule.train(own, "y", threshold="f1", **words)
    found = trained.model.threshold
    assert found is not None
    assert trained.model.target.labels[found.place] == "yes"
    assert np.array_equal(trained.model.parameters, plain.model.parameters)
    assert trained.out_of_fold is not None
    assert plain.out_of_fold is not None
    assert trained.out_of_fold.scores["f1"] >= plain.out_of_fold.scores["f1"]
    trained.model.save(tmp_path / "t.safetensors")
    read = chainrule.load(tmp_path / "t.safetensors")
    assert read.threshold == found
    assert read.to_dict()["model_version"] == 5
    new = table(50, seed=7)
    p = plain.model.predict(new).probabilities
    assert p is not None
    answered = read.predict(new).labels
    assert answered.tolist() == np.where(p[:, 1] >= found.least, "yes", "no").tolist()
    assert plain.model.to_dict()["model_version"] == 2
    # It is the best of all for the rows that each member held out.
    given = chainrule.train(own, "y", threshold=0.3, **words)
    assert given.model.threshold == DecisionThreshold(1, 0.3, "given")
    assert given.out_of_fold is not None
    assert trained.out_of_fold.scores["f1"] >= given.out_of_fold.scores["f1"]


def test_a_threshold_that_can_not_be_is_refused():
    own = table(60)
    for words, said in (
        ({"threshold": "best"}, "threshold 'best' is unknown: choose f1, balanced_accuracy, accuracy"),
        ({"threshold": 1.5}, "must be a probability between 0 and 1"),
        (
            {"threshold": "f1", "validation_share": 0.0},
            "found by rows that weren't trained on, and there are none",
        ),
        (
            {"threshold": 0.5, "loss": "hinge"},
            "needs one output that is a probability, and loss hinge makes 1 × ",
        ),
        ({"class_weight": {"maybe": 2}}, "class_weight names the class 'maybe', but the classes are no, yes"),
        ({"class_weight": {"no": -1}}, "must have weights of at least 0"),
    ):
        with pytest.raises(SettingsError, match=said):
            chainrule.train(own, "y", **{**PLAIN, **words})
    numbers = {"x": own["x0"], "y": own["x1"]}
    for words in ({"threshold": 0.5}, {"class_weight": "balanced"}):
        with pytest.raises(SettingsError, match="is for classes, and the target is a number: leave it out"):
            chainrule.train(numbers, "y", **PLAIN, **words)
    three = {**own, "y": (["a", "b", "c"] * 20)}
    with pytest.raises(SettingsError, match="threshold is for two classes, and there are 3"):
        chainrule.train(three, "y", **PLAIN, threshold=0.4)
    model = chainrule.train(own, "y", **PLAIN).model
    with pytest.raises(ModelFileError, match=r"threshold\.least"):
        Model.from_dict(
            {**model.to_dict(), "model_version": 5, "threshold": {"place": 1, "least": 7, "rule": "f1"}},
            model.arrays(),
        )
    with pytest.raises(ChainruleError):
        replace(chainrule.train(three, "y", **PLAIN).model, threshold=DecisionThreshold(1, 0.5, "given"))


def test_weights_of_classes_are_those_of_the_estimator_and_of_rows():
    own = table(120, share=0.2)
    n = np.array(own["y"])
    words = {"hidden": [4], "members": 2, "epochs": 4, "engine": "reference", "validation_share": 0.2}
    trained = chainrule.train(own, "y", class_weight="balanced", test_share=0.0, seed=3, **words)
    x = {name: own[name] for name in ("x0", "x1", "x2")}
    estimator = TableClassifier(class_weight="balanced", random_state=3, **words).fit(x, own["y"])
    assert np.array_equal(estimator.model_.parameters, trained.model.parameters)
    # 2 n_c of each class c are as many rows: n / (2 n_c) for each.
    fitted = n[trained.prepared.places]
    wanted = {label: len(fitted) / (2 * int((fitted == label).sum())) for label in ("no", "yes")}
    assert trained.model.card["class_weights"] == pytest.approx(wanted)
    weighed = {**own, "w": [wanted[label] for label in own["y"]]}
    rows = chainrule.train(weighed, "y", weights="w", test_share=0.0, seed=3, **words)
    assert np.allclose(rows.model.parameters, trained.model.parameters, atol=1e-9)
    (step,) = replay(trained.model, own, 3)
    assert step.data.weights is not None
    assert set(np.round(step.data.weights, 9)) == set(np.round(list(wanted.values()), 9))


# ---- unknown classes


def test_an_unknown_class_leaves_the_others_to_be_scored(tmp_path: Any, capsys: pytest.CaptureFixture[str]):
    own = table(80)
    model = chainrule.train(own, "y", **PLAIN).model
    new = table(20, seed=3)
    odd = {**new, "y": ["maybe", *new["y"][1:19], "never"]}
    assert model.evaluate(odd).rows == 18
    assert model.evaluate(odd).scores == model.evaluate(rows_of(new, range(1, 19))).scores
    with pytest.raises(TableError, match="'maybe' is none of the classes that were trained"):
        model.evaluate({**new, "y": ["maybe"] * 20})
    for labels in ([0, 1], [True, False], [1.5, 2.5]):
        numbers = {**own, "y": [labels[y == "yes"] for y in own["y"]]}
        one = chainrule.train(numbers, "y", task="classification", **PLAIN).model
        asked = {
            **new,
            "y": [str(labels[0]).lower(), "x", *[str(labels[y == "yes"]).lower() for y in new["y"][2:]]],
        }
        assert one.evaluate(asked).rows == 19
    trained = chainrule.train(own, "y", test_file=odd, **PLAIN)
    assert trained.evaluation.rows == 18
    (note,) = (note for note in trained.notes if "of a class" in note)
    assert "2 rows are of a class that training did not have ('maybe' and 1 more; the first is row 1)" in note


# ---- at the command line


def test_evaluate_says_that_a_table_is_the_one_it_was_trained_on(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    own = table(100, share=0.15)
    lines = zip(*own.values(), strict=True)
    (tmp_path / "t.csv").write_text("\n".join([",".join(own), *(",".join(map(str, line)) for line in lines)]))
    words = ["--hidden", "4", "--epochs", "3", "--engine", "reference", "--quiet"]
    assert main(["train", "t.csv", "--target", "y", *words]) == 0
    capsys.readouterr()
    assert main(["evaluate", "t.safetensors", "t.csv", "--by-class"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "t.csv is the table that the model was trained on, 80 of its 100 rows" in said
    assert "on the 20 that it never saw" in said
    assert "class precision recall F1 rows" in said
    (tmp_path / "new.csv").write_text("\n".join((tmp_path / "t.csv").read_text().splitlines()[:60]))
    assert main(["evaluate", "t.safetensors", "new.csv", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert not any("trained on" in note for note in data["notes"])


def test_a_program_answers_by_the_threshold(tmp_path: Any):
    own = table(60)
    model = chainrule.train(own, "y", **PLAIN, threshold=0.35).model
    from chainrule.exports.program import Program

    p = model.predict(own).probabilities
    assert p is not None
    assert model.threshold is not None
    place = model.threshold.place
    assert model.predict(own).codes.tolist() == np.where(p[:, place] >= 0.35, place, 1 - place).tolist()
    limit = Program(model).limit
    assert (p[:, 1] > limit).tolist() == (model.predict(own).codes == 1).tolist()

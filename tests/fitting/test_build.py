"""From a table to a trained model: the score is honest, the same seed gives the same bits, bad endings are told."""

import inspect
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule
from chainrule.cli.commands.train import parser
from chainrule.engines.base import Divergence
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.honest.verdicts import no_finite_outputs, separability, trained_members, training_notes
from chainrule.fitting.question import Question
from chainrule.fitting.score import Trained
from chainrule.fitting.train import prepare, train
from chainrule.training.monitor import Epoch
from chainrule.training.result import FitResult
from chainrule.training.settings.fields import listed
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import resolve

EXAMPLES = Path(__file__).parents[2] / "examples"
PENGUINS = EXAMPLES / "penguins.csv"
QUICK: dict[str, Any] = {"hidden": [4], "epochs": 3, "members": 2, "engine": "reference"}


def penguins(**words: Any) -> Trained:
    return train(PENGUINS, "species", **{**QUICK, **words})


# ---- the score is honest


def test_the_rows_of_the_score_are_not_trained_on():
    prepared = prepare(Question(PENGUINS, "species"), Settings(hidden=[4]))
    everything = {prepared.table.place(row) for row in range(344)}
    fitted = {prepared.fitted.place(row) for row in range(prepared.fitted.n_rows)}
    tested = {prepared.tested.place(row) for row in range(prepared.tested.n_rows)}
    assert fitted | tested == everything
    assert not fitted & tested
    assert prepared.rows == {"training": 234, "validation": 41, "test": 69}
    shares = [
        prepared.tested.frame.filter(pl.col("species") == name).height for name in prepared.target.labels
    ]
    assert shares == [30, 14, 25]  # a fifth of 152, 68 and 124


def test_what_is_held_out_changes_nothing_in_the_model(tmp_path):
    """Absurd numbers in the rows held out: encoder, network and parameters stay the same to the bit."""
    frame = pl.read_csv(PENGUINS, null_values="NA")
    prepared = prepare(Question(frame, "species"))
    held_out = np.zeros(344, bool)
    keys = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "island", "year"]
    tested = {tuple(row) for row in prepared.tested.frame.select(keys).iter_rows()}
    for i, row in enumerate(frame.select(keys).iter_rows()):
        held_out[i] = tuple(row) in tested
    absurd = frame.with_columns(
        pl.when(pl.Series(held_out)).then(pl.lit(9000)).otherwise(pl.col("body_mass_g")).alias("body_mass_g")
    )
    one, other = train(frame, "species", **QUICK), train(absurd, "species", **QUICK)
    assert held_out.sum() == 69
    assert one.model.encoder == other.model.encoder
    assert one.model.parameters.tobytes() == other.model.parameters.tobytes()
    assert one.evaluation.scores != other.evaluation.scores


def test_the_score_is_that_of_the_model_on_those_rows():
    trained = penguins()
    tested = trained.prepared.tested
    predicted = trained.model.predict(tested).labels
    truth = tested.frame.get_column("species").to_numpy()
    assert trained.held_out
    assert trained.evaluation.scores["accuracy"] == np.mean(predicted == truth)
    assert trained.evaluation.rows == 69
    assert trained.model.evaluate(tested).scores == trained.evaluation.scores
    assert trained.model.card["scores"] == trained.evaluation.scores


def test_the_baselines_are_those_of_scikit_learn():
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    trained = penguins()
    arrays, target = trained.prepared.arrays, trained.prepared.target
    y, y_test = target.codes(trained.prepared.fitted), target.codes(trained.prepared.tested)
    for name, judge in {
        "majority class": DummyClassifier(strategy="prior"),
        "logistic regression": LogisticRegression(max_iter=1000),
    }.items():
        judge.fit(arrays.x, y)
        assert trained.baselines[name]["accuracy"] == pytest.approx(judge.score(arrays.x_test, y_test))


def test_without_rows_held_out_the_score_is_on_the_training_rows():
    trained = penguins(test_share=0)
    assert not trained.held_out
    assert trained.evaluation.rows == 344
    assert trained.baselines == {}
    assert trained.model.card["scores"] is None


# ---- same words, same seed


def test_python_has_the_words_of_the_command_line():
    options = {action.dest for action in parser()._actions} - {"help"}
    words = set(inspect.signature(train).parameters) | set(Settings.__dataclass_fields__)
    only_there = {
        "out",
        "history",
        "report",
        "overwrite",
        "json",
        "quiet",
        "ablate",
        "cross_validate",
        "learning_curve",
        "small",  # `small_of`
        "notation",  # in which parameters are named on the command line
    }  # where results go: `save`, `fit.history`, …
    assert options - only_there == words - {"settings", "on_epoch_end", "on_trial"}
    assert {one.name for one in listed(Settings)} == set(Settings.__dataclass_fields__)


def test_the_same_seed_gives_the_same_bits(tmp_path):
    files = []
    for i, seed in enumerate((7, 7, 8)):
        words = {"seed": seed, "dropout": 0.2, "batch_size": 16}
        penguins(**words).model.save(tmp_path / f"{i}.safetensors")
        files.append((tmp_path / f"{i}.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_frame_and_its_file_give_the_same_network(tmp_path):
    frame = pl.read_csv(PENGUINS, null_values="NA")
    from_frame, from_file = train(frame, "species", **QUICK), penguins()
    assert from_frame.model.parameters.tobytes() == from_file.model.parameters.tobytes()
    assert from_frame.evaluation.scores == from_file.evaluation.scores


def test_the_public_names():
    assert set(dir(chainrule)) >= set(chainrule.__all__)
    for name in chainrule.__all__:
        assert getattr(chainrule, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = chainrule.trian


def test_a_misspelled_setting_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="there is no setting 'epoch'; did you mean 'epochs'"):
        train({"x": [1, 2], "y": [1, 2]}, "y", epoch=3)


def test_a_callback_sees_every_epoch_and_can_end_training():
    seen = []

    def stop_at_two(state: Any) -> bool:
        seen.append((state.line.epoch, len(state.losses)))
        return state.line.epoch == 2

    trained = penguins(epochs=50, on_epoch_end=stop_at_two)
    assert seen == [(1, 2), (2, 2)]
    assert trained.fit.stopped == "callback"


# ---- weights

LINE = {"x": [0.0, 1.0, 2.0, 3.0] * 10, "y": [1.5, 3.5, 5.5, 7.5] * 10}


def test_a_row_of_weight_two_counts_as_two_rows():
    """Least squares on the whole table, from both tables: the same optimum, that of the normal equations."""
    weights = [1, 2, 1, 3] * 10
    noisy = {"x": LINE["x"], "y": [y + (i % 7 - 3) / 5 for i, y in enumerate(LINE["y"])]}
    words: dict[str, Any] = {
        "hidden": [],
        "optimizer": "lbfgs",
        "test_share": 0,
        "early_stopping": False,
        "epochs": 500,
        "members": 1,
        "scaling": "none",
        "target_scaling": "none",
        "engine": "reference",
    }
    weighted = train({**noisy, "w": weights}, "y", weights="w", **words).model
    repeated = {name: np.repeat(cells, weights).tolist() for name, cells in noisy.items()}
    twice = train(repeated, "y", **words).model
    slope, intercept = np.polyfit(noisy["x"], noisy["y"], 1, w=np.sqrt(weights))
    for model in (weighted, twice):
        (layer,) = model.layers()
        np.testing.assert_allclose([layer["W"][0, 0], layer["b"][0]], [slope, intercept], rtol=1e-5)
    unweighted = train(noisy, "y", **words).model.layers()[0]
    assert abs(unweighted["W"][0, 0] - slope) > 1e-3


def test_rows_of_weight_zero_are_not_there():
    weights = [0 if i % 4 == 3 else 1 for i in range(40)]
    wrong = [1e6 if w == 0 else y for y, w in zip(LINE["y"], weights, strict=True)]
    trained = train({"x": LINE["x"], "y": wrong, "w": weights}, "y", weights="w", **QUICK)
    assert sum(trained.prepared.rows.values()) == 30
    assert trained.evaluation.scores["rmse"] < 100
    assert (
        "10 rows have the weight 0, and are left out of training and score" in trained.prepared.schema.notes
    )


def test_weights_reach_the_baselines():
    labels = ["a"] * 30 + ["b"] * 10
    heavy_b = {"x": list(range(40)), "y": labels, "w": [1.0] * 30 + [9.0] * 10}
    trained = train(heavy_b, "y", weights="w", **QUICK)
    # Weighted, b is the majority: 8 rows of 9 against 24 of 1. It has 2 of the 8 rows held out.
    assert trained.baselines["majority class"]["accuracy"] == 0.25
    assert train(heavy_b, "y", drop=["w"], **QUICK).baselines["majority class"]["accuracy"] == 0.75


# ---- bad endings


def test_divergence_names_step_layer_gradient_and_rate_and_keeps_the_start():
    words = {
        "optimizer": "sgd",
        "learning_rate": 1e6,
        "loss": "mean_squared_error",
        "output_activation": "identity",
    }
    trained = penguins(**{**words, "epochs": 5})
    assert trained.fit.stopped == "diverged"
    assert trained.notes[0].startswith("2 of 2 members diverged, member ")
    for part in (
        "training diverged in step ",
        "layer ",
        "largest gradient ",
        "learning rate 1e+06",
        "learning_rate",
    ):
        assert part in trained.notes[0]
    assert "the network has learned nothing" in trained.notes[1]
    assert np.isfinite(trained.model.parameters).all()


def test_divergence_later_keeps_the_best_epoch():
    """A learning rate that explodes in epoch 4: what epochs 1 to 3 learned is kept."""
    words = {"schedule": "step(every=3, gamma=1e9)", "optimizer": "sgd", "learning_rate": 0.05, "epochs": 9}
    words |= {"loss": "mean_squared_error", "output_activation": "identity"}
    trained = penguins(**words)
    assert trained.fit.stopped == "diverged"
    assert len(trained.fit.history) == 4
    assert all(1 <= epoch <= 3 for epoch in trained.model.card["best_epochs"])
    assert trained.fit.diverged[0].learning_rate == pytest.approx(5e7)
    up_to_three = penguins(**{**words, "epochs": 3})
    assert up_to_three.model.parameters.tobytes() == trained.model.parameters.tobytes()


def test_outputs_that_are_never_finite_are_an_error():
    with pytest.raises(
        SettingsError, match="with its initial weights the network's numbers are not finite from layer"
    ):
        penguins(activation="log(-abs(z)-1)")


def test_ctrl_c_in_training_keeps_what_there_is(monkeypatch):
    from chainrule.engines.reference.run import ReferenceRun

    real = ReferenceRun.train_epoch

    def interrupted(self: ReferenceRun, epoch: int, *rest: Any) -> Any:
        if epoch == 2:
            raise KeyboardInterrupt
        return real(self, epoch, *rest)

    full = penguins(epochs=2)
    monkeypatch.setattr(ReferenceRun, "train_epoch", interrupted)
    trained = penguins(epochs=100)
    assert trained.fit.stopped == "interrupted"
    assert len(trained.fit.history) == 2
    assert trained.model.parameters.tobytes() == full.model.parameters.tobytes()


def test_ctrl_c_before_the_first_epoch_goes_on(monkeypatch):
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.engines.reference.run.ReferenceRun.train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        penguins()


def test_ctrl_c_while_scoring_leaves_out_the_baselines_alone(monkeypatch):
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    scores = penguins().evaluation.scores
    monkeypatch.setattr("chainrule.fitting.score.class_answers", interrupted)
    trained = penguins()
    assert trained.baselines == {}
    assert trained.evaluation.scores == scores == trained.model.card["scores"]
    assert trained.notes[-1] == "the baselines were interrupted, and are left out"


def result(best: list[int], *, stopped: str = "epochs", epochs: int = 9, diverged: Any = None) -> FitResult:
    line = Epoch(1, 0.5, 0.5, 0.1, 0.0)
    parameters = np.zeros((len(best), 1))
    history = (line,) * epochs
    return FitResult(parameters, tuple(best), np.zeros(len(best)), history, stopped, diverged or {}, 0.0)  # type: ignore[arg-type]


def test_members_that_learned_nothing_are_left_out_where_others_did():
    plan = resolve(Settings(members=3), Problem("regression", 100, 2))
    assert trained_members(result([4, 0, 2])) == [0, 2]
    assert trained_members(result([0, 0])) == [0, 1]
    assert training_notes(result([4, 0, 2]), plan) == [
        "1 of 3 members never got better than their initial weights, and are left out"
    ]
    assert training_notes(result([4, 3, 2], stopped="early stopping"), plan) == []
    assert training_notes(result([9, 9, 9]), plan) == [
        "the loss was still falling at the last epoch: more epochs may help"
    ]
    assert training_notes(result([9, 9, 8]), plan) == []


def test_endings_without_a_finite_network():
    late, first = Divergence(40, 2, 1e9, 0.1), Divergence(1, 2, 0.0, 0.1)
    assert (
        no_finite_outputs(result([0, 0], diverged={0: late}))
        == f"{late}; no epoch before it left a network to keep"
    )
    assert "with its initial weights" in no_finite_outputs(result([0, 0], diverged={0: late, 1: first}))
    assert "choose another activation" in no_finite_outputs(result([0]))


@pytest.mark.parametrize(
    ("answers", "y", "sentence"),
    [
        ([0, 0, 0, 1], [0, 0, 0, 1], "the perceptron separates all 4 training rows"),
        ([0, 0, 1, 1], [0, 0, 0, 1], "1 of 4 training rows are wrong, though a plane separates the classes: use more epochs"),
        ([1, 1, 1, 1], [0, 1, 1, 0], "2 of 4 training rows are wrong, and no plane separates the classes, so no perceptron "
         "can: use a hidden layer (optimizer='adam', hidden=[8])"),
    ],
)  # fmt: skip
def test_separability_of_gates(answers, y, sentence):
    corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    assert separability(corners, np.array(y), np.array(answers)) == sentence


def test_separability_is_not_checked_where_it_takes_too_long():
    x = np.zeros((1001, 2000))
    assert "is not checked for so large a table" in separability(x, np.ones(1001, int), np.zeros(1001, int))


# ---- tables


def test_targets_of_a_loss_for_counts():
    counts = {"x": list(range(40)), "y": [i % 7 * 1.5 for i in range(40)]}
    trained = train(counts, "y", loss="poisson", **QUICK)
    assert trained.model.target.scaling == "none"
    assert (trained.model.predict(counts).labels > 0).all()
    # Rows keep their place in the user's frame, whichever part of it they are in.
    for wrong in (3, 17, 31):
        negative = {**counts, "y": [-2.0 if i == wrong else y for i, y in enumerate(counts["y"])]}
        with pytest.raises(
            TableError, match=rf"row {wrong + 1}, column 'y': '-2' is negative, and the loss poisson"
        ):
            train(negative, "y", loss="poisson", **QUICK)


@pytest.mark.parametrize(
    ("output", "scaling"),
    [
        ("identity", "standard"),
        ("sigmoid", "minmax"),
        ("relu", "minmax"),
        ("softplus", "none"),
        ("tanh", "standard"),
    ],
)
def test_a_number_is_scaled_to_what_the_output_reaches(output, scaling):
    trained = train(LINE, "y", output_activation=output, **QUICK)
    assert trained.model.target.scaling == scaling


def test_classes_are_counted_by_what_they_are_not_by_how_they_are_written(tmp_path):
    spellings = ["1", "1.0", "2", "2.0", "01"]
    rows = [f"{i % 9},{spellings[i % 5]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    trained = train(tmp_path / "t.csv", "y", **QUICK)
    assert trained.model.target.labels == (1.0, 2.0)
    assert trained.model.network.output.n_out == 1
    assert trained.prepared.rows["test"] == 12


def test_missing_words_and_decimal_signs_in_frames():
    frame = {"x": ["1,5", "2,5", "-", "4,5"] * 10, "y": ["a", "b"] * 20}
    trained = train(frame, "y", missing=["-"], decimal=",", **QUICK)
    assert trained.model.reading.to_dict() == {"decimal": ",", "missing": ["-"]}
    assert trained.prepared.table.frame.get_column("x").null_count() == 10


def test_huge_numbers_are_trained_on_without_a_warning():
    huge = {
        "x": [1e308 if i == 3 else i / 7 for i in range(40)],
        "y": [1e308 if i == 5 else float(i) for i in range(40)],
    }
    trained = train(huge, "y", **QUICK)
    assert np.isfinite(trained.model.predict(huge).labels).all()


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 9])
def test_tiny_tables_are_trained_on(rows):
    tiny = {"x": [i * 1.5 for i in range(rows)], "y": [i * 0.5 + 0.1 * (i % 2) for i in range(rows)]}
    trained = train(tiny, "y", **{**QUICK, "test_share": 0})
    assert trained.prepared.rows["training"] >= 1
    assert trained.model.predict(tiny).labels.shape == (rows,)


@pytest.mark.slow
def test_wide_tables_take_a_time_that_grows_with_their_columns():
    """5,000 columns: some ten seconds of reading and encoding; what is quadratic in them would take hours."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 5000))
    frame = pl.DataFrame({f"c{i}": x[:, i] for i in range(5000)}).with_columns(y=pl.Series(x[:, 0] > 0))
    begun = time.process_time()
    trained = train(frame, "y", **QUICK)
    assert trained.model.network.n_inputs == 5000
    assert time.process_time() - begun < 600


def test_ten_thousand_categories():
    generator = np.random.default_rng(0)
    cells = [f"k{i}" for i in generator.permutation(20_000) // 2]
    trained = train({"c": cells, "x": generator.normal(size=20_000), "y": [1.0, 2.0] * 10_000}, "y", **QUICK)
    assert len(trained.model.encoder.inputs) < 100
    assert any("10000 levels" in note for note in trained.prepared.schema.notes)

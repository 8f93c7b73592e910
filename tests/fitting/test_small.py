"""The small network learns what the large one answers, out of fold where it can, and says how it scores."""

import json

import numpy as np
import pytest

import chainrule
from chainrule.cli import main
from chainrule.errors import SettingsError
from chainrule.fitting import replay as replaying
from chainrule.fitting.studies.small import NEURONS, small_of
from chainrule.model.model import Model


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 90))
    return {
        "a": a,
        "b": b,
        "y": 40 + 7 * a - 3 * b,
        "c": np.where(a + rng.normal(size=90) / 2 > 0, "up", "down"),
    }


def without(table, name):
    return {key: values for key, values in table.items() if key != name}


@pytest.mark.parametrize(("target", "other"), [("y", "c"), ("c", "y")])
def test_it_is_taught_by_the_answers_and_not_by_the_target(table, target, other, monkeypatch):
    from chainrule.fitting.studies import small as module

    rows = without(table, other)
    trained = chainrule.train(rows, target, hidden=[6], members=3, bagging=True, epochs=4, seed=3)
    seen = []
    fit = module.fit_prepared
    monkeypatch.setattr(module, "fit_prepared", lambda made, **how: seen.append(made) or fit(made, **how))
    small = small_of(trained)
    (made,) = seen
    own = trained.prepared
    for row in (0, 7, 30):
        place = int(np.flatnonzero((own.arrays.x == made.arrays.x[row]).all(axis=1))[0])
        member = int(own.folds.own[place])
        one = trained.model.outputs(made.arrays.x[row : row + 1])[member]
        answer = trained.model.answer_of(one)
        if target == "c":
            told = answer.probabilities[0, 1:] if made.arrays.y.shape[1] == 1 else answer.probabilities[0]
            np.testing.assert_allclose(made.arrays.y[row], told, rtol=1e-6)
        else:
            np.testing.assert_allclose(
                made.target.inverse(made.arrays.y[row : row + 1, 0]), answer.labels, rtol=1e-6
            )
    network = small.model.network
    assert (small.model.members, network.features) == (1, None)
    assert [layer.n_out for layer in network.layers][:-1] == [NEURONS]
    assert (
        replaying.tested_rows(small.model, rows).tolist()
        == replaying.tested_rows(trained.model, rows).tolist()
    )
    said = small.model.score(small.model.answer(small.prepared.arrays.x_test), small.prepared.tested)
    assert said.scores == small.evaluation.scores


def test_its_training_has_no_steps_to_replay(table):
    rows = without(table, "c")
    small = small_of(chainrule.train(rows, "y", hidden=[4], members=1, epochs=2))
    assert small.model.card["taught"] is True
    with pytest.raises(SettingsError, match="taught by another model's answers"):
        replaying.replay(small.model, rows, 1)


def test_outputs_that_are_no_probabilities_teach_nothing(table):
    trained = chainrule.train(without(table, "y"), "c", hidden=[4], members=1, epochs=2, loss="hinge")
    with pytest.raises(SettingsError, match="learns from probabilities, and the outputs of loss hinge"):
        small_of(trained)


def test_the_command_writes_both_and_says_both_scores(table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = ["a,b,y", *(f"{a},{b},{y}" for a, b, y in zip(table["a"], table["b"], table["y"], strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
    words = ["train", "t.csv", "--target", "y", "--hidden", "4", "--epochs", "3", "--small"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["small"]["model"] == "t-small.safetensors"
    small = Model.load("t-small.safetensors")
    assert small.card["scores"] == pytest.approx(told["small"]["scores"])
    assert main([*words, "--out", "t.safetensors"]) == 2  # both are there
    assert "t.safetensors exists" in capsys.readouterr().err
    (tmp_path / "t.safetensors").unlink()
    assert main(words) == 2
    assert "t-small.safetensors exists" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    out = capsys.readouterr().out
    assert "small network" in out
    assert "t-small.safetensors" in out

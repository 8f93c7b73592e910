"""Pruning: the smallest weights are 0 and stay 0, the others are trained again, and the scores say what it did."""

import numpy as np
import pytest

import chainrule
from chainrule.cli import main
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.replay import replay
from chainrule.fitting.studies.pruning import frozen_at, prune, smallest_weights
from chainrule.model.model import load
from chainrule.training.loop import fit

RNG = np.random.default_rng(3)
TABLE = {"a": RNG.normal(size=160).round(3), "b": RNG.normal(size=160).round(3)}
TABLE["y"] = np.where(TABLE["a"] * TABLE["b"] > 0, "same", "other")
PLAIN = {"hidden": [12], "epochs": 60, "learning_rate": 0.02}


@pytest.fixture(scope="module")
def model():
    return chainrule.train(TABLE, "y", **PLAIN, members=2, seed=1).model


def weights_of(model):
    """Each member's weights (k, all)."""
    slots = [slot for slot in Layout(model.network).slots if slot.name == "W"]
    return np.concatenate([model.parameters[:, slot.start : slot.stop] for slot in slots], axis=1)


def test_the_smallest_weights_of_each_member_go_but_the_largest_of_a_layer_stays():
    network = Network([2, Dense(2, "tanh"), Dense(1)])
    flat = np.array([[1.0, -0.1, 3.0, 2.0, 9, 9, 0.01, -0.02, 9], [-0.1, 1.0, 2.0, 3.0, 9, 9, 5.0, 4.0, 9]])
    masks = smallest_weights(network, flat, 0.5)
    # W[2] of the first keeps its larger one, though it is among the three smallest of all.
    assert np.flatnonzero(masks[0]).tolist() == [0, 1, 6]
    assert np.flatnonzero(masks[1]).tolist() == [0, 1, 2]
    frozen = frozen_at(network, masks[0])
    assert [layer.frozen for layer in frozen.layers] == [("W[1,1]", "W[1,2]"), ("W[1,1]",)]
    assert np.flatnonzero(Layout(frozen).free == 0).tolist() == [0, 1, 6]


def test_what_was_cut_stays_0_and_the_rest_learns_again(model, tmp_path):
    found = prune(model, TABLE, 0.6)
    assert (found.weights, found.zeros, found.share) == (36, 22, 0.6)
    assert ((weights_of(found.model) == 0).sum(axis=1) == 22).all()
    assert ((weights_of(found.model) == 0) != (weights_of(found.model) == 0)[::-1]).any()
    assert found.held_out
    assert found.after.rows == 32
    assert found.after.scores["log_loss"] < found.cut.scores["log_loss"]
    found.model.save(tmp_path / "p.safetensors")
    again = load(tmp_path / "p.safetensors")
    np.testing.assert_array_equal(again.parameters, found.model.parameters)
    assert again.card["pruned"] == 0.6
    assert again.network == model.network
    with pytest.raises(SettingsError, match="the network was pruned"):
        replay(again, TABLE, 1)


def test_the_same_bits_again(model):
    one, other = (prune(model, TABLE, 0.5).model.parameters for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_more_waves_are_not_added_to_the_epochs_that_were_best(monkeypatch):
    waves = {"schedule": "coslog4", "more_waves": 2, "patience": 40}
    model = chainrule.train(TABLE, "y", **{**PLAIN, "epochs": 15}, **waves, members=1, seed=1).model
    seen = []

    def counted(*words, **more):
        seen.append(fit(*words, **more))
        return seen[-1]

    monkeypatch.setattr("chainrule.fitting.studies.pruning.fit", counted)
    prune(model, TABLE, 0.5)
    assert [len(one.history) for one in seen] == model.card["best_epochs"]


def test_a_planted_fault_is_seen(model, monkeypatch):
    monkeypatch.setattr("chainrule.fitting.studies.pruning.frozen_at", lambda network, mask: network)
    assert (weights_of(prune(model, TABLE, 0.6).model) == 0).mean() < 0.3  # dead neurons' alone


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_that_is_none_is_refused(model, share):
    with pytest.raises(SettingsError, match=r"share=.* must be between 0 and 1"):
        prune(model, TABLE, share)


@pytest.mark.slow
def test_what_cannot_be_trained_again_is_refused(model):
    with pytest.raises(TableError, match="is not the table that the model was trained on"):
        prune(model, {**TABLE, "a": TABLE["b"]})
    shared = chainrule.train(TABLE, "y", hidden=[4], epochs=2, members=2, sharing="tabm").model
    with pytest.raises(SettingsError, match="members that share their weights"):
        prune(shared, TABLE)


@pytest.mark.slow
def test_folds_are_calibrated_anew():
    whole = chainrule.train(TABLE, "y", epochs=4, members=2, hidden=[8], seed=1)
    recipe = chainrule.train(TABLE, "y", epochs=6, members=2, seed=1).model
    assert whole.model.card["temperature"] is None
    assert recipe.card["temperature"] is not None
    found = prune(recipe, TABLE, 0.5)
    assert found.model.card["temperature"] > 0
    assert ((weights_of(found.model) == 0).mean(axis=1) >= 0.499).all()
    assert np.isfinite(found.after.scores["log_loss"])


def test_the_command_says_what_it_did(model, tmp_path, capsys):
    lines = [",".join(TABLE), *(",".join(map(str, row)) for row in zip(*TABLE.values(), strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    made = chainrule.train(tmp_path / "t.csv", "y", **PLAIN, members=1, seed=1).model
    made.save(tmp_path / "m.safetensors")
    command = ["prune", str(tmp_path / "m.safetensors"), str(tmp_path / "t.csv"), "--share", "0.75"]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "27 of the 36 weights of each network are 0." in said.out
    assert "Scores on 32 rows held out:" in said.out
    assert "cut, not trained again: accuracy" in said.out
    assert "packed (zlib)" in said.out
    assert load(tmp_path / "m-pruned.safetensors").card["pruned"] == 0.75
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err
    assert main([*command[:-1], "2", "--overwrite"]) == 2
    assert "--share 2.0 must be between 0 and 1" in capsys.readouterr().err

"""The order of an epoch's rows: both engines', that of a replay, and what is learned from a large table that was sorted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule._random import row_order_in_blocks
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.step import batches
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.fitting.replay import replay
from chainrule.training.initial import initial_parameters

NETWORK = Network([1, Dense(1)], "mean_squared_error")


def limits(patch, whole, block=8, mixed=3):
    for name, value in {"WHOLE": whole, "ROWS_OF_A_BLOCK": block, "MIXED_BLOCKS": mixed}.items():
        patch.setattr(f"chainrule._random.{name}", value)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 120),
    block=st.integers(1, 9),
    mixed=st.integers(1, 4),
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 99),
    own=st.booleans(),
)
def test_the_compiled_order_is_the_one_of_the_equations(n, block, mixed, seed, epoch, own):
    """Row by row, at a rate of 0: the order that the loop left in its table is the one that `batches` tells."""
    with pytest.MonkeyPatch.context() as patch:
        limits(patch, 0, block, mixed)
        x = np.arange(n + 7.0)[:, None]
        rows = np.arange(n) if not own else np.stack([np.arange(n), np.arange(n) + 7])
        data, how = Data(x, x, rows, np.arange(0)), StepSettings(optimizer("sgd"), batch_size=5, seed=seed)
        start = initial_parameters(NETWORK, 2, 0)
        run = CpuEngine(np.float64, 1).start(NETWORK, start, data, how)
        rates = np.full(run.steps_per_epoch, 0.0)
        for member in range(2):
            run.train_epoch(epoch, rates, [member])
            want = np.concatenate(batches(data, how, epoch, member))
            assert run.crews[1][0].table.order.tolist() == want.tolist()
            assert sorted(want) == list(rows if not own else rows[member])


@pytest.mark.parametrize("sharing", ["none", "tabm"])
def test_the_engines_agree_on_a_large_table(monkeypatch, sharing):
    limits(monkeypatch, 400)
    rng = np.random.default_rng(0)
    network = Network([5, Dense(4, "tanh"), Dense(1)], "mean_squared_error")
    x, y = rng.normal(size=(200, 5)), rng.normal(size=(200, 1))
    data = Data(x, y, np.arange(180), np.arange(180, 200))
    how = StepSettings(optimizer("adam"), batch_size=16, sharing=sharing, seed=4)
    start = initial_parameters(network, 3, 0, sharing=sharing)
    runs = [
        engine.start(network, start, data, how) for engine in (CpuEngine(np.float64, 2), ReferenceEngine())
    ]
    for epoch in range(3):
        for run in runs:
            run.train_epoch(epoch, np.full(run.steps_per_epoch, 0.01), range(3))
    np.testing.assert_allclose(runs[0].updated, runs[1].updated, rtol=1e-10, atol=1e-12)


def errors(seed, dtype=np.float32):
    """The error on fresh rows after three epochs on a table that is sorted by its target."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6000, 6))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=6000)
    order = np.concatenate([np.argsort(y[:4000]), np.arange(4000, 6000)])
    x, y = x[order], y[order, None]
    network = Network([6, Dense(32, "tanh"), Dense(1)], "mean_squared_error")
    data, fresh = Data(x, y, np.arange(4000), np.arange(0)), np.arange(4000, 6000)
    start = initial_parameters(network, 1, seed)
    run = CpuEngine(dtype, 1).start(network, start, data, StepSettings(optimizer("adam"), batch_size=32))
    for epoch in range(6):
        run.train_epoch(epoch, np.full(run.steps_per_epoch, 0.01), [0])
    return float(run.losses(fresh)[0])


def test_a_sorted_table_is_learned_in_blocks_as_it_is_shuffled_as_a_whole(monkeypatch):
    whole = [errors(seed) for seed in range(4)]
    # 62 blocks, 8 of them mixed: an eighth of the table at a time.
    limits(monkeypatch, 0, 64, 8)
    blocks = [errors(seed) for seed in range(4)]
    assert np.mean(blocks) < 1.05 * np.mean(whole)
    # Without the table's own random order it is another matter, or this would show nothing.
    monkeypatch.setattr("chainrule._random.table_order", lambda rows, seed: rows)
    assert np.mean([errors(seed) for seed in range(4)]) > 1.2 * np.mean(whole)


@pytest.mark.parametrize("options", [{}, {"engine": "reference"}, {"bagging": True}, {"refit": True}])
def test_a_large_table_s_training_is_replayed_to_its_bits(monkeypatch, options):
    limits(monkeypatch, 60)
    rng = np.random.default_rng(1)
    table = {"a": rng.normal(size=90).tolist(), "b": rng.normal(size=90).tolist()}
    table["y"] = (np.array(table["a"]) * 2 + np.array(table["b"]) ** 2).tolist()
    options = {"hidden": [5], "epochs": 40, "members": 3, "batch_size": 8, "patience": 4, **options}
    model = chainrule.train(table, "y", learning_rate=0.05, **options).model
    assert model.card["order"] == "blocks-1"
    per_epoch = -(-replay(model, table, 1)[0].data.train.shape[0] // 8)
    seen = 0
    for member, best in enumerate(model.card["best_epochs"], 1):
        if best < model.card["epochs_run"]:
            (found,) = replay(model, table, best * per_epoch + 1, member)
            assert found.state.parameters[0].tobytes() == model.parameters[member - 1].tobytes()
            seen += 1
    assert seen
    (found,) = replay(model, table, 2, 1)
    assert set(found.rows) <= set(found.data.train)


def test_a_small_table_s_card_says_nothing_of_blocks():
    table = {"a": [0.0, 1.0] * 20, "y": ["no", "yes"] * 20}
    assert "order" not in chainrule.train(table, "y", hidden=[2], epochs=1, members=1).model.card


def test_blocks_are_dealt_out_with_the_limits_as_they_are():
    """4,096 rows a block, 64 of them mixed: of 300,000 rows the last blocks are mixed among themselves."""
    order = row_order_in_blocks(300_000, 1, 0, 0)
    first = np.unique(order[: 64 * 4096 - 4096] // 4096)
    assert len(first) == 64
    assert len(np.unique(order // 4096)) == 74
    assert (np.bincount(order) == 1).all()

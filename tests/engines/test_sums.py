"""A batch is summed by one tree of 16 leaves: however many workers share it, each with its subtree, the bits are the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.kernels import columns as at
from chainrule.engines.cpu.kernels.loops import add_tree
from chainrule.engines.cpu.kernels.steps import _weight_of
from chainrule.engines.cpu.slices import rows_of_a_block
from chainrule.equations.dense import Dense
from chainrule.equations.layout import TabMLayout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.training.initial import initial_parameters

LEAVES = 16
WORKERS = [1, 2, 4, 8, 16]
GRADIENT = optimizer("adam(beta1=0)")
"""Its first moment is the last step's gradient, to the bit."""


def leaf_of(place, count):
    """At which of the leaves the ``place``-th of ``count`` blocks, or members, sits."""
    return LEAVES * place // count


def tree(parts):
    """((0+1)+(2+3))+… of a power of two of parts, of which some may be None: left out."""
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [b if a is None else a if b is None else a + b for a, b in pairs]
    return parts[0]


def summed(values):
    """The tree over values that sit at their leaves, each leaf's own in order."""
    at_leaves = [None] * LEAVES
    for place, value in enumerate(values):
        leaf = leaf_of(place, len(values))
        at_leaves[leaf] = value if at_leaves[leaf] is None else at_leaves[leaf] + value
    return tree(at_leaves)


def a_step(network, data, dtype, threads=1, sharing="none", start=None):
    """The gradient and the cost of one step on all rows."""
    how = StepSettings(GRADIENT, batch_size=len(data.x), shuffle=False, sharing=sharing)
    start = initial_parameters(network, 1, 3) if start is None else start
    run = CpuEngine(dtype, threads).start(network, start, data, how)
    report = run.train_epoch(0, np.array([0.001]), range(len(run.parameters)))
    return run.state().arrays["m"], report.losses


@njit
def weight_of(*what):
    return _weight_of(*what)


@njit
def add(lines, count, start, stop):
    add_tree(lines, count, start, stop)


SMALL = Network([3, Dense(4, "tanh"), Dense(2, "softmax")], "categorical_cross_entropy", "sum")
SPLIT = Network([20, Dense(64, "tanh"), Dense(64, "relu"), Dense(2)], "mean_squared_error", "sum")


def check_workers(network, rows, dtype, seed, *, split):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, network.n_inputs)), rng.normal(size=(rows, 2))
    if network is SMALL:
        y = np.eye(2)[rng.integers(0, 2, rows)]
    weights = rng.uniform(0.1, 3, rows)
    block = rows_of_a_block(rows, split=split)
    leaf = leaf_of(np.arange(rows) // block, -(-rows // block))
    everything = (np.arange(rows), np.arange(0))
    (gradient,), (cost,) = a_step(network, Data(x, y, *everything, weights), dtype)
    for threads in (2, 3):
        (again,), (cost_again,) = a_step(network, Data(x, y, *everything, weights), dtype, threads)
        assert again.tobytes() == gradient.tobytes()
        assert cost_again == cost
    for workers in WORKERS:
        parts, costs = [], []
        for worker in range(workers):
            # Rows of weight 0 bring nothing: this worker has only the rows of its own subtree.
            mine = leaf * workers // LEAVES == worker
            part, of_part = a_step(network, Data(x, y, *everything, np.where(mine, weights, 0)), dtype)
            parts.append(part[0] if mine.any() else None)
            costs.append(of_part[0] if mine.any() else None)
        np.testing.assert_array_equal(tree(parts), gradient)
        assert tree(costs) == cost


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6500), st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]))
def test_workers_with_a_subtree_each_give_the_engine_s_bits(rows, seed, dtype):
    check_workers(SMALL, rows, dtype, seed, split=False)


@pytest.mark.parametrize(("rows", "dtype"), [(300, np.float32), (1000, np.float64), (2500, np.float32)])
def test_so_do_those_of_steps_that_threads_share(rows, dtype):
    check_workers(SPLIT, rows, dtype, rows, split=True)


@pytest.mark.parametrize("rows", [700, 5000])
def test_the_whole_gradient_is_the_same_tree(rows):
    rng = np.random.default_rng(rows)
    x, y, weights = rng.normal(size=(rows, 3)), np.eye(2)[rng.integers(0, 2, rows)], rng.uniform(0.5, 2, rows)
    flat, found = initial_parameters(SMALL, 1, 0), []
    leaf = leaf_of(np.arange(rows) // 256, -(-rows // 256))
    for mine in (np.ones(rows, bool), leaf < 8, leaf >= 8):
        data = Data(x, y, np.arange(rows), np.arange(0), np.where(mine, weights, 0))
        run = CpuEngine(np.float64, 1).start(SMALL, flat, data, StepSettings(optimizer("lbfgs")))
        found.append(run.loss_and_gradient(0, flat[0]))
    whole, left, right = found
    assert whole[0] == left[0] + right[0]
    np.testing.assert_array_equal(whole[1], left[1] + right[1])


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_tree_is_the_one_that_is_stated(count, size, seed):
    lines = np.random.default_rng(seed).normal(size=(count, size))
    want = summed(list(lines))
    got = lines.copy()
    add(got, count, 0, size)
    assert got[0].tobytes() == want.tobytes()
    if count == 1:
        assert got.tobytes() == lines.tobytes()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_weights_of_a_batch_are_summed_so_too(rows, block, seed):
    weights = np.random.default_rng(seed).uniform(0, 1, rows + 5)
    order = np.random.default_rng(seed).permutation(rows + 5).astype(np.int32)
    constants = np.zeros(at.ORDER_MIXED + 1, np.int64)
    constants[[at.BLOCK, at.MOST_LEAVES, at.MEAN, at.WEIGHTED]] = block, LEAVES, 1, 1
    empty = np.zeros((1, 1))
    table = at.RowTable(empty, empty, weights, empty, order)
    mine = weights[order[5:]]
    blocks = [mine[first : first + block] for first in range(0, rows, block)]
    at_leaves = [np.concatenate([b for i, b in enumerate(blocks) if leaf_of(i, len(blocks)) == leaf] or [[]])
                 for leaf in range(LEAVES)]  # fmt: skip
    want = tree([float(np.cumsum(leaf)[-1]) if len(leaf) else None for leaf in at_leaves])
    assert weight_of(constants, table, order, 5, rows, np.zeros((LEAVES, 1))) == want


@pytest.mark.parametrize("members", [2, 3, 5, 16, 19])
def test_members_that_share_are_the_tree_s_leaves(members):
    rng = np.random.default_rng(members)
    network = Network([3, Dense(6, "tanh"), Dense(2)], "mean_squared_error")
    layout = TabMLayout(network, members)
    theta = rng.normal(size=(1, layout.size)).astype(np.float32)
    data = Data(rng.normal(size=(50, 3)), rng.normal(size=(50, 2)), np.arange(50), np.arange(0))
    (gradient,), _ = a_step(network, data, np.float32, sharing="tabm", start=theta)
    for threads in (2, 4):
        assert a_step(network, data, np.float32, threads, "tabm", theta)[0].tobytes() == gradient.tobytes()
    alone, _ = a_step(network, data, np.float32, start=layout.expand(theta[0]).astype(np.float32))
    W = layout.ordinary.slot(1, "W")
    r, s = (
        theta[0, layout.slot(1, name).start : layout.slot(1, name).stop].reshape(members, -1) for name in "rs"
    )
    share = np.float32(1 / members)
    parts = [
        (r[m] * share)[:, None] * alone[m, W.start : W.stop].reshape(3, 6) * s[m] for m in range(members)
    ]
    mine = layout.slot(1, "W")
    assert gradient[mine.start : mine.stop].tobytes() == summed(parts).ravel().tobytes()

"""The cpu engine against reference, from the registries: a new activation, loss or optimizer is covered by being there."""

import copy
import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
from agreement import (
    CHOICES,
    HIDDEN,
    STEPPING,
    TOLERANCE,
    Case,
    assert_steps_agree,
    both_runs,
    covering,
    targets,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numba.core import event
from numba.core.runtime import _nrt_python as runtime
from numba.core.runtime import rtsys

from chainrule.engines import engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.evaluate import CpuRowPredictor
from chainrule.engines.cpu.kernels import columns as at
from chainrule.engines.cpu.run import CpuRun
from chainrule.engines.cpu.warm_up import ENTRIES
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.losses import LOSSES
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OPTIMIZERS, optimizer
from chainrule.errors import SettingsError
from effort import many, one_in

DTYPES = [np.float64, np.float32]
DTYPE_NAMES = ["float64", "float32"]
both = pytest.mark.parametrize("dtype", DTYPES, ids=DTYPE_NAMES)

FORMULAS = [
    "z/(1+abs(z))",
    "sin(z) + 0.1*cos(3*z)",
    "z*(1+erf(z/sqrt(2)))/2",
    "where(z > 0, log(1+z^2), 0.1*z)",
    "atan(z)*erfc(z)",
    "max(z, 0)^1.5",
    "tanh(log1p(exp(-abs(z))))*sinh(z/4)",
    "expm1(min(z, 1)) + 2^z",
    "sign(z)*sqrt(abs(z) + 0.01)",
    "log2(3+floor(abs(z)))*z + step(z)*tan(z/9)*cosh(z/7)",
    "2.5*z + pi/e",
]
LOSS_FORMULAS = [
    "log(1+exp(a-y)) + 0.1*(a-y)^2",
    "where(a > y, 2*(a-y), y-a)",
    "1 - exp(-(a-y)^2/2)",
    "abs(a-y)^1.5",
    "a + 0*y",
]


# ---- one step


@both
@pytest.mark.parametrize("name", HIDDEN)
def test_every_activation_in_a_hidden_layer(name, dtype):
    assert_steps_agree(Case(activation=name, members=2), dtype)


@pytest.mark.parametrize("name", one_in(3, ACTIVATIONS))
def test_every_activation_as_output(name):
    """In one dtype, in turn; with every loss, and so in both, it is one of the slow tests."""
    assert_steps_agree(Case(output=name), DTYPES[list(ACTIVATIONS).index(name) % 2])


@both
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name, dtype):
    assert_steps_agree(Case(loss=name, members=2), dtype)
    assert_steps_agree(Case(loss=name, smoothing=0.1, weighted=True, outputs=4), dtype)


@both
@pytest.mark.parametrize("name", STEPPING)
def test_every_optimizer(name, dtype):
    assert_steps_agree(Case(optimizer=name, rate=OPTIMIZERS[name].learning_rate), dtype)


@both
@pytest.mark.parametrize("bias", ["neuron", "layer", "none"])
@pytest.mark.parametrize("members", [1, 2, 5])
def test_every_bias_mode_and_number_of_members(bias, members, dtype):
    assert_steps_agree(Case(bias=bias, members=members, hidden=(4, 1, 3)), dtype)


PAIRS = list(covering(CHOICES))


@pytest.mark.parametrize("row", PAIRS, ids=range(len(PAIRS)))
def test_every_pair_of_choices(row):
    row = dict(row)
    dtype = row.pop("dtype")
    assert_steps_agree(Case(**row), dtype)


def test_the_pairs_are_all_there():
    wanted = {
        (a, repr(u), b, repr(v))
        for a, b in itertools.combinations(CHOICES, 2)
        for u in CHOICES[a]
        for v in CHOICES[b]
    }
    for row in PAIRS:
        wanted -= {(a, repr(row[a]), b, repr(row[b])) for a, b in itertools.combinations(CHOICES, 2)}
    assert not wanted


@pytest.mark.slow
@pytest.mark.parametrize("output", ACTIVATIONS)
def test_every_loss_with_every_output(output):
    """Each pair in one dtype, in turn; each loss and each output meets both."""
    for place, name in enumerate(LOSSES, list(ACTIVATIONS).index(output)):
        assert_steps_agree(Case(loss=name, output=output, weighted=True), (np.float32, np.float64)[place % 2])


@both
@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_as_activation(formula, dtype):
    assert_steps_agree(Case(activation=formula, members=2), dtype)


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_as_output(formula):
    assert_steps_agree(Case(activation=formula, output=formula), DTYPES[FORMULAS.index(formula) % 2])


@pytest.mark.parametrize("formula", LOSS_FORMULAS)
def test_formulas_as_loss(formula):
    """Of one output in one dtype, of four in the other."""
    one, four = DTYPES[:: 1 if LOSS_FORMULAS.index(formula) % 2 else -1]
    assert_steps_agree(Case(loss=formula), one)
    assert_steps_agree(Case(loss=formula, output="softmax", outputs=4, weighted=True), four)


@both
def test_activations_with_parameters_and_a_different_one_in_each_layer(dtype):
    for name in ("leaky_relu(alpha=0.3)", "elu(alpha=0.5)", "selu(scale=1.5)"):
        assert_steps_agree(Case(activation=name), dtype)
    for spec in ("huber(delta=0.3)", "quantile(q=0.9)"):
        assert_steps_agree(Case(loss=spec), dtype)
    for spec in ("adam(beta1=0.5, epsilon=0.001)", "momentum(mu=0.3)", "rmsprop(rho=0.5)"):
        assert_steps_agree(Case(optimizer=spec), dtype)


@both
@pytest.mark.parametrize("rows", [1, 2, 63, 64, 65, 130, 1000])
def test_batches_around_the_size_of_a_tile(rows, dtype):
    for output in ("softmax", "identity"):
        case = Case(
            loss="categorical_cross_entropy" if output == "softmax" else "huber", output=output, rows=rows
        )
        assert_steps_agree(replace(case, batch_size=rows, weighted=True), dtype)


@both
@pytest.mark.parametrize(
    ("hidden", "rows"), [((160, 70), 77), ((300, 300), 77), ((160, 70), 300), ((40, 30), 2500)]
)
def test_steps_that_are_split_among_threads(hidden, rows, dtype):
    case = Case(
        hidden=hidden, inputs=90, rows=rows, batch_size=2500, clip_norm=0.5, l1=1e-3, l2=0.01, dropout=0.2
    )
    case = replace(case, rate=0.01, frozen=("W[3,2]",), activation="relu", loss="categorical_cross_entropy")
    assert CpuEngine(dtype, 1).start(case.network, *case.arrays(dtype), case.settings).splits
    assert_steps_agree(case, dtype)
    assert_steps_agree(replace(case, optimizer="adam", weight_decay=0.1, bias="layer", clip_norm=None), dtype)


@hypothesis_settings(max_examples=many(60))
@given(
    hidden=st.lists(st.integers(1, 9), max_size=4).map(tuple),
    inputs=st.integers(1, 9),
    outputs=st.integers(1, 9),
    rows=st.integers(1, 70),
    members=st.integers(1, 4),
    bias=st.sampled_from(["neuron", "layer", "none"]),
    dropout=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**64 - 1),
    dtype=st.sampled_from(DTYPES),
)
def test_networks_of_any_shape(dtype, rows, **choices):
    assert_steps_agree(
        Case(rows=rows, batch_size=rows + 3, loss="categorical_cross_entropy", **choices), dtype
    )


@both
def test_the_comparison_sees_planted_errors(dtype):
    right = Case(optimizer="momentum", l2=0.01, rate=0.05)
    assert_steps_agree(right, dtype)
    assert_steps_agree(right, dtype, planted=replace(right))
    for wrong in (
        {"activation": "tanh(1.001*z)"},
        {"loss": "0.5005*(a-y)^2"},
        {"l2": 0.02},
        {"output": "z+0.001"},
        {"frozen": ("b",)},
        {"reduction": "sum"},
    ):
        planted = replace(right, **wrong)
        with pytest.raises(AssertionError):
            assert_steps_agree(right, dtype, planted=planted)


@both
def test_the_comparison_sees_one_parameter_that_is_off(dtype, monkeypatch):
    """Also under Adam, where rounding in a gradient of 0 may turn the step around: no other parameter may hide in that."""
    case = Case(optimizer="adam", rate=0.01)
    original = CpuRun.train_epoch

    def off(self, *args):
        report = original(self, *args)
        self.parameters[0, 3] += 20 * TOLERANCE[dtype] * np.abs(self.parameters[0]).max()
        return report

    monkeypatch.setattr(CpuRun, "train_epoch", off)
    with pytest.raises(AssertionError, match="allowed"):
        assert_steps_agree(case, dtype)


# ---- many steps

CURVE = {np.float64: 1e-9, np.float32: 2e-3}
"""How far a loss may be off after up to 50 steps, relative: rounding grows with every step."""


@both
@pytest.mark.parametrize("name", STEPPING)
@pytest.mark.parametrize("schedule", [1.0, 0.5])
def test_the_same_curve_over_fifty_steps(name, schedule, dtype):
    """Ten epochs of five steps, the last one on a smaller batch; dropout, clipping, decay, a rate that changes in every step."""
    case = Case(
        hidden=(8, 6), optimizer=name, rows=37, batch_size=8, members=2, dropout=0.2, clip_norm=0.7, l2=0.01
    )
    case = replace(
        case, weight_decay=0.05, weighted=True, smoothing=0.1, loss="categorical_cross_entropy", l1=1e-3
    )
    mine, judge = both_runs(case, dtype)
    rate = min(0.05, OPTIMIZERS[name].learning_rate)
    assert mine.steps_per_epoch == judge.steps_per_epoch == 5
    for epoch in range(10):
        rates = rate * schedule ** np.linspace(0, 1, 5)
        got, want = (run.train_epoch(epoch, rates, [0, 1]) for run in (mine, judge))
        np.testing.assert_allclose(got.losses, want.losses, rtol=CURVE[dtype])
        rows = judge.data.validation
        np.testing.assert_allclose(mine.losses(rows), judge.losses(rows), rtol=CURVE[dtype])
    assert want.losses[0] > 0
    np.testing.assert_allclose(mine.parameters, judge.parameters, rtol=0, atol=20 * CURVE[dtype])


@both
def test_members_that_are_left_out_stay_as_they_are(dtype):
    mine, judge = both_runs(Case(members=3, rows=20, optimizer="adam"), dtype)
    for epoch, active in enumerate([(0, 1, 2), (2, 0), (2,), ()]):
        before = mine.parameters.copy()
        got, want = (run.train_epoch(epoch, np.full(3, 0.01), active) for run in (mine, judge))
        np.testing.assert_allclose(got.losses, want.losses, rtol=1e-4)
        assert np.isnan(got.losses).sum() == 3 - len(active)
        changed = (mine.parameters != before).any(axis=1)
        assert changed.tolist() == [member in active for member in range(3)]


# ---- what a run can be asked


@both
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", LOSSES)
def test_outputs_losses_and_predictions(name, reduction, dtype):
    case = Case(
        hidden=(7,), loss=name, reduction=reduction, rows=300, members=3, weighted=True, smoothing=0.3
    )
    case = replace(case, dropout=0.4, activation="gelu")
    mine, judge = both_runs(case, dtype)
    close = {"rtol": 1e-11, "atol": 1e-12} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-5}
    for rows in (np.arange(305), np.array([7]), np.array([3, 3, 304, 0]), np.arange(300, 0, -3)):
        np.testing.assert_allclose(mine.losses(rows), judge.losses(rows), **close)
        np.testing.assert_allclose(mine.outputs(rows), judge.outputs(rows), **close)
    got = CpuEngine(dtype, 1).predict(case.network, mine.parameters, judge.data.x)
    assert got.dtype == dtype
    np.testing.assert_allclose(
        got, ReferenceEngine().predict(case.network, judge.parameters, judge.data.x), **close
    )
    row = judge.data.x[5].astype(dtype)
    predicted = CpuRowPredictor(case.network, mine.parameters, dtype)
    np.testing.assert_allclose(
        predicted(row), got[:, 5].mean(axis=0), rtol=5e-6 if dtype == np.float32 else 1e-14
    )
    assert predicted(row) is not predicted(row)


def test_a_predictor_s_copy_outlives_it():
    """It holds addresses of arrays: a copy must have arrays of its own."""
    case = Case(members=2)
    flat, data = case.arrays(np.float32)
    row = data.x[0].astype(np.float32)
    first = CpuRowPredictor(case.network, flat)
    want = first(row).tobytes()
    copies = [copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))]
    first._arrays[at.AT_W][:] = np.nan
    assert np.isnan(first(row)).all()
    for other in copies:
        assert other(row).tobytes() == want


def test_no_rows_have_outputs_and_no_loss():
    mine, judge = both_runs(Case(members=2), np.float64)
    none = np.zeros(0, np.int64)
    assert mine.outputs(none).shape == judge.outputs(none).shape == (2, 0, 3)
    assert mine.losses(none).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "changes", [{}, {"l1": 0.01, "l2": 0.1}, {"weighted": True}, {"reduction": "sum"}, {"smoothing": 0.2}]
)
@pytest.mark.parametrize("batch_size", [1000, 50, 7])
def test_the_whole_gradient(changes, batch_size):
    """The cost and gradient that L-BFGS asks for; whatever the batch, and never with dropout."""
    case = Case(
        hidden=(6, 5),
        optimizer="lbfgs",
        loss="categorical_cross_entropy",
        rows=50,
        batch_size=batch_size,
        **changes,
    )
    case = replace(case, members=2, dropout=0.3, frozen=("b[1]",), bias="layer")
    mine, judge = both_runs(case, np.float32)
    assert mine.dtype == np.float64, "its line search compares costs"
    # Dropout does nothing here; reference has none in loss_and_gradient.
    for member, flat in enumerate(judge.parameters):
        for scale in (1.0, 0.3):
            cost, gradient = mine.loss_and_gradient(member, scale * flat)
            true_cost, true_gradient = judge.loss_and_gradient(member, scale * flat)
            assert cost == pytest.approx(true_cost, rel=1e-12)
            np.testing.assert_allclose(
                gradient, true_gradient, rtol=0, atol=1e-12 * np.abs(true_gradient).max()
            )
            assert (gradient[Layout(case.network).free == 0] == 0).all()


@pytest.mark.parametrize("name", ["adam", "lbfgs"])
@pytest.mark.parametrize("rows", [9001, 300])
def test_the_whole_gradient_of_many_blocks(name, rows):
    """A batch has few groups of rows, the whole table more: each needs a gradient of its own, on any thread."""
    case = Case(hidden=(40, 30), optimizer=name, rows=rows, batch_size=16, inputs=20)
    judge = both_runs(case, np.float64)[1]
    flat, data = case.arrays(np.float64)
    found = []
    for threads in (1, 2, 4):
        run = CpuEngine(np.float64, threads).start(case.network, flat, data, case.settings)
        run.train_epoch(0, np.array([0.01]), [0]) if name == "adam" else None
        found.append(run.loss_and_gradient(0, flat[0]))
    cost, gradient = judge.loss_and_gradient(0, flat[0])
    assert found[0][0] == pytest.approx(cost, rel=1e-12)
    np.testing.assert_allclose(found[0][1], gradient, rtol=1e-10, atol=1e-12)
    for other in found[1:]:
        assert other[0] == found[0][0]
        assert other[1].tobytes() == found[0][1].tobytes()


def test_the_whole_gradient_is_that_of_central_differences():
    case = Case(
        hidden=(6,),
        optimizer="lbfgs",
        loss="binary_cross_entropy",
        rows=30,
        batch_size=8,
        weighted=True,
        l2=0.1,
    )
    mine, _ = both_runs(case, np.float64)
    flat = mine.parameters[0].copy()
    _, gradient = mine.loss_and_gradient(0, flat)
    direction = np.random.default_rng(1).normal(size=flat.shape)
    h = 1e-5
    slope = (
        mine.loss_and_gradient(0, flat + h * direction)[0]
        - mine.loss_and_gradient(0, flat - h * direction)[0]
    ) / (2 * h)
    assert gradient @ direction == pytest.approx(slope, rel=1e-8)


# ---- divergence


def diverging(dtype=np.float64, epochs=6, **changes):
    """Where each engine notices that member 0 and 1 diverge: (step, layer) or None."""
    case = Case(**{"rows": 32, "batch_size": 4, "members": 2, **changes})
    found = []
    for run in both_runs(case, dtype):
        places, active = {0: None, 1: None}, [0, 1]
        for epoch in range(epochs):
            report = run.train_epoch(epoch, np.full(8, case.rate), active)
            for member, where in report.diverged.items():
                assert np.isnan(report.losses[member])
                assert where.learning_rate == case.rate
                assert f"step {where.step}: layer {where.layer}" in str(where)
                places[member] = (where.step, where.layer)
            active = [member for member in active if places[member] is None]
            assert np.isfinite(report.losses[active]).all()
        found.append(places)
    return found


@pytest.mark.parametrize("name", ["identity", "relu", "tanh", "softplus", "exponential"])
@pytest.mark.parametrize("rate", [1e2, 1e30, 1e200])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_divergence_is_noticed_in_the_same_step(name, rate, dropout):
    """Two epochs: later, rounding of numbers of any size has made the two trainings two."""
    changes = {"activation": name, "rate": rate, "dropout": dropout, "epochs": 2}
    for loss, method in itertools.product(
        ("mean_squared_error", "poisson", "half_squared_error"), ("sgd", "adam")
    ):
        mine, judge = diverging(loss=loss, optimizer=method, **changes)
        assert {m: p and p[0] for m, p in mine.items()} == {m: p and p[0] for m, p in judge.items()}


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "exponential", "inputs": 1, "rate": 1e3},
        {"activation": "identity", "rate": 1e120},
        {"activation": "tanh", "output": "exponential", "loss": "poisson", "rate": 1e6},
        {"activation": "identity", "loss": "poisson", "optimizer": "adam", "rate": 1e30, "dropout": 0.5},
    ],
)
def test_the_layer_that_diverged_is_named(changes):
    mine, judge = diverging(**changes)
    assert mine == judge
    assert any(judge.values()), "these are to diverge"


def test_the_layer_that_diverged_by_hand():
    """x = 1, weights 1e200, 1e200, 1: z is 1e200 in layer 1 and overflows in layer 2, in the first step."""
    network = Network([1, *(Dense(1, bias="none") for _ in range(3))])
    data = Data(np.ones((2, 1)), np.zeros((2, 1)), np.arange(2), np.arange(0))
    run = CpuEngine(np.float64, 1).start(network, np.array([[1e200, 1e200, 1.0]]), data, StepSettings())
    where = run.train_epoch(0, np.array([0.1]), [0]).diverged[0]
    assert (where.step, where.layer, where.learning_rate) == (1, 2, 0.1)


def test_an_overflow_in_float32_only_is_noticed_too():
    mine, judge = diverging(np.float32, activation="identity", rate=1e25, epochs=1)
    assert mine[0] is not None
    assert judge[0] is None or judge[0][0] >= mine[0][0]


# ---- nothing is compiled twice


class _Count(event.Listener):
    def __init__(self):
        self.compiled = []

    def on_start(self, event):
        function = event.data["dispatcher"].py_func
        self.compiled.append(f"{function.__module__}.{function.__name__}")

    def on_end(self, event):
        pass


def use_everything(case: Case, dtype=np.float32, **arrays):
    flat, data = case.arrays(dtype)
    flat, data = arrays.get("flat", lambda a: a)(flat), arrays.get("data", lambda a: a)(data)
    run = CpuEngine(dtype, 2).start(case.network, flat, data, case.settings)
    if optimizer(case.optimizer).lines:
        run.train_epoch(0, np.full(run.steps_per_epoch, case.rate), range(case.members))
    run.losses(data.validation)
    run.outputs(data.validation)
    run.loss_and_gradient(0, np.asarray(run.parameters[0], np.float64))
    CpuEngine(dtype, 2).predict(case.network, flat, data.x)
    CpuRowPredictor(case.network, flat, dtype)(np.ascontiguousarray(data.x[0], dtype))
    return run.parameters


def test_nothing_is_compiled_for_a_new_shape():
    use_everything(Case())
    known = {entry.py_func.__name__: len(entry.signatures) for entry in ENTRIES}
    count = _Count()
    with event.install_listener("numba:compile", count):
        use_everything(
            Case(hidden=(3,), activation="relu", loss="huber", optimizer="adam", members=3, weighted=True)
        )
        use_everything(
            Case(hidden=(), frozen=("W",), clip_norm=1.0, l1=0.1, weight_decay=0.1, loss="hinge", inputs=1)
        )
        use_everything(
            Case(
                hidden=(200, 90, 80), inputs=60, rows=200, batch_size=128, dropout=0.1, activation="z*sin(z)"
            )
        )
        use_everything(
            Case(loss="categorical_cross_entropy", output="softmax", smoothing=0.1, outputs=9, bias="none")
        )
    assert [name for name in count.compiled if name.startswith("chainrule.engines.cpu.kernels")] == []
    assert {entry.py_func.__name__: len(entry.signatures) for entry in ENTRIES} == known
    assert max(known.values()) <= 2, "one for float32, one for float64"


def _locked(array):
    array = np.array(array)
    array.flags.writeable = False
    return array


def _unaligned(array):
    return np.frombuffer(b"-" + array.tobytes(), array.dtype, array.size, 1).reshape(array.shape)


def _strided(array):
    return np.repeat(array, 2, axis=0)[::2]


@pytest.mark.parametrize("changed", [_locked, _unaligned, _strided, np.asfortranarray])
def test_arrays_that_lie_otherwise_give_the_same_bits_and_compile_nothing(changed):
    case = Case(members=3, weighted=True, rows=20)
    want = use_everything(case)
    known = {entry.py_func.__name__: len(entry.signatures) for entry in ENTRIES}

    def data(plain):
        return Data(
            changed(plain.x.astype(np.float32)),
            changed(plain.y.astype(np.float32)),
            changed(plain.train),
            changed(plain.validation),
            changed(plain.weights.astype(np.float32)),
        )

    got = use_everything(case, flat=lambda flat: changed(flat.astype(np.float32)), data=data)
    assert (got == want).all()
    assert {entry.py_func.__name__: len(entry.signatures) for entry in ENTRIES} == known


# ---- memory


def test_no_memory_is_asked_for_in_the_loop_of_an_epoch():
    """Numba counts what compiled code allocates; sixteen times as many steps allocate no more."""
    case = Case(
        hidden=(9, 9),
        rows=640,
        members=2,
        dropout=0.2,
        clip_norm=1.0,
        l2=0.1,
        optimizer="adam",
        weighted=True,
    )
    case = replace(case, loss="categorical_cross_entropy", weight_decay=0.1)
    runtime.memsys_enable_stats()
    try:
        asked = {}
        for batch in (640, 40):
            run, _ = both_runs(replace(case, batch_size=batch), np.float32)
            rates = np.full(run.steps_per_epoch, 0.01)
            run.train_epoch(0, rates, [0, 1])
            before = rtsys.get_allocation_stats()
            run.train_epoch(1, rates, [0, 1])
            after = rtsys.get_allocation_stats()
            asked[len(rates)] = after.alloc - before.alloc
            assert after.alloc - before.alloc == after.free - before.free, "what was asked for is given back"
    finally:
        runtime.memsys_disable_stats()
    assert asked[16] <= asked[1]


# ---- mistakes

CASE = Case(members=2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": np.zeros((13, 4))}, r"inputs of shape \(13, 4\) .* \(13, 3\)"),
        ({"x": np.zeros(13)}, "inputs of shape"),
        ({"y": np.zeros((13, 2))}, r"targets of shape \(13, 2\)"),
        ({"y": np.zeros((12, 3))}, r"targets of shape \(12, 3\)"),
        ({"weights": np.ones(5)}, r"weights of shape \(5,\)"),
        ({"train": np.array([0, 13])}, "rows 0 to 13 .* a table of 13"),
        ({"train": np.array([-1, 3])}, "rows -1 to 3"),
    ],
)
def test_data_that_don_t_fit_are_refused(changes, words):
    flat, data = CASE.arrays(np.float64)
    with pytest.raises(SettingsError, match=words):
        CpuEngine(np.float64, 1).start(CASE.network, flat, replace(data, **changes), CASE.settings)


def test_parameters_rows_and_inputs_that_don_t_fit_are_refused():
    flat, data = CASE.arrays(np.float64)
    engine = CpuEngine(np.float64, 1)
    with pytest.raises(SettingsError, match="parameters of shape"):
        engine.start(CASE.network, flat[:, :-1], data, CASE.settings)
    with pytest.raises(SettingsError, match="parameters of shape"):
        engine.predict(CASE.network, flat[:, :-1], data.x)
    with pytest.raises(SettingsError, match="inputs of shape"):
        engine.predict(CASE.network, flat, data.x[:, :2])
    run = engine.start(CASE.network, flat, data, CASE.settings)
    for ask in (run.losses, run.outputs):
        for rows in ([13], [-1]):
            with pytest.raises(SettingsError, match="a table of 13"):
                ask(np.array(rows))
    with pytest.raises(SettingsError, match="parameters of shape"):
        run.loss_and_gradient(0, flat[0, 1:])


@pytest.mark.parametrize(
    "row",
    [
        np.zeros(2, np.float32),
        np.zeros(4, np.float32),
        np.zeros((1, 3), np.float32),
        np.zeros(3),
        [0.0, 0.0, 0.0],
        None,
    ],
)
def test_a_row_that_doesn_t_fit_is_refused(row):
    flat, _ = CASE.arrays(np.float32)
    with pytest.raises(SettingsError, match="a row of 3 numbers in float32 is needed, not"):
        CpuRowPredictor(CASE.network, flat)(row)


def test_a_strided_row_is_read_right():
    flat, _ = CASE.arrays(np.float32)
    predict = CpuRowPredictor(CASE.network, flat)
    table = np.random.default_rng(3).normal(size=(3, 5)).astype(np.float32)
    assert (predict(table[:, 2]) == predict(np.ascontiguousarray(table[:, 2]))).all()


def test_engines_by_name():
    assert engine_named("cpu", threads=2).threads == 2
    assert isinstance(engine_named("reference"), ReferenceEngine)
    with pytest.raises(SettingsError, match="unknown engine 'gpu': choose cpu, reference"):
        engine_named("gpu")
    with pytest.raises(SettingsError, match="must be float32 or float64"):
        CpuEngine(np.float16)


def test_targets_of_every_kind_are_known_to_the_tests():
    for record in LOSSES.values():
        assert targets(record.targets, np.random.default_rng(0), 5, 3).shape == (5, 3)


def test_a_batch_of_all_rows_learns():
    """One input, one output, a batch of all rows: the buffers are as long as the table."""
    network = Network([1, Dense(1, "tanh")], "mean_squared_error")
    draws = np.random.default_rng(0)
    x = draws.normal(size=(10_000, 1)).astype(np.float32)
    data = Data(x, np.tanh(x), np.arange(10_000), np.arange(0))
    settings = StepSettings(optimizer=optimizer("sgd"), batch_size=10_000)
    run = CpuEngine(threads=1).start(network, np.array([[0.1, 0.0]]), data, settings)
    losses = [run.train_epoch(epoch, np.array([0.5]), [0]).losses[0] for epoch in range(30)]
    assert (np.diff(losses) < 0).all()
    assert losses[-1] < losses[0] / 20

"""Categories of many inputs, held as codes by the compiled engine, against reference, which has a 0 or 1 for each."""

import numpy as np
import pytest
from agreement import TOLERANCE

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.packed import FEWEST_CODED, Packed, packed, spread_out
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.training.initial import initial_parameters

GROUPS = [("plain", 1), ("category", 70), ("number", 1), ("category", 5), ("category", 80), ("plain", 2)]


def a_run(dtype, *, scale=False, path=True, n=37):
    """A network with two categories of many inputs, with or without a linear path, and rows that it can hold as codes."""
    stage = Features(GROUPS, scale=scale, std=0.5)
    network = Network([stage.n_inputs, Dense(6, "tanh"), Dense(2, linear_path=path)], features=stage)
    draws = np.random.default_rng(7)
    x = draws.normal(size=(n, stage.n_inputs))
    for first, size in ((1, 70), (72, 5), (77, 80)):
        x[:, first : first + size] = np.eye(size)[draws.integers(0, size, n)]
    x, y = (array.astype(dtype).astype(float) for array in (x, draws.normal(size=(n, 2))))
    flat = initial_parameters(network, 2, 3)
    flat += 0.1 * draws.normal(size=flat.shape)
    return network, flat.astype(dtype).astype(float), Data(x, y, np.arange(30), np.arange(30, n))


@pytest.mark.parametrize(("scale", "path"), [(False, True), (True, False)])
def test_a_step_by_codes_is_that_of_reference(scale, path):
    network, flat, data = a_run(np.float64, scale=scale, path=path)
    settings = StepSettings(optimizer("sgd"), 11, weight_decay=0.02)
    near = {"rtol": 0, "atol": TOLERANCE[np.float64] * float(np.abs(flat).max())}
    runs = [
        engine.start(network, flat, data, settings)
        for engine in (CpuEngine(np.float64, 1), ReferenceEngine())
    ]
    cpu, reference = runs
    assert cpu.packed.codes == (1, 4)
    assert cpu.x.shape == (37, 11)
    whole, wanted = (run.loss_and_gradient(1, flat[1]) for run in runs)
    np.testing.assert_allclose(whole[1], wanted[1], **near)
    for run in runs:
        run.train_epoch(0, np.full(3, 0.05), range(2))
    np.testing.assert_allclose(cpu.parameters, reference.parameters, **near)
    np.testing.assert_allclose(cpu.losses(data.validation), reference.losses(data.validation), **near)
    np.testing.assert_allclose(
        cpu.weighted_sums(data.validation), reference.weighted_sums(data.validation), **near
    )
    found = CpuEngine(np.float64, 1).predict(network, reference.parameters, data.x)
    np.testing.assert_allclose(
        found, ReferenceEngine().predict(network, reference.parameters, data.x), **near
    )


@pytest.mark.parametrize("block", [2**21, 1000])
def test_a_category_that_no_code_says_stays_as_it_is(block, monkeypatch):
    """Alone: the other one is a code. Its odd row is in the last block."""
    monkeypatch.setattr("chainrule.engines.cpu.packed.BLOCK", block)
    network, flat, data = a_run(np.float64)
    for change in ({1: 0.5}, {2: 1.0, 3: 1.0}):
        x = data.x.copy()
        x[36, 1:71] = 0
        for column, value in change.items():
            x[36, column] = value
        rows = packed(network, x, np.float64)
        assert rows.codes == (4,)
        assert rows.x.shape == (37, 11 + 69)
        np.testing.assert_array_equal(spread_out(network, rows), x)
        odd = Data(x, data.y, np.arange(37), np.arange(0))
        runs = [
            engine.start(network, flat, odd, StepSettings(optimizer("sgd"), 11))
            for engine in (CpuEngine(np.float64, 1), ReferenceEngine())
        ]
        (_, own), (_, wanted) = (run.loss_and_gradient(1, flat[1]) for run in runs)
        np.testing.assert_allclose(own, wanted, rtol=0, atol=TOLERANCE[np.float64] * np.abs(flat).max())
        found = CpuEngine(np.float64, 1).predict(network, flat, x)
        np.testing.assert_allclose(found, ReferenceEngine().predict(network, flat, x), rtol=1e-12)


def test_where_no_category_has_codes_rows_stay_as_they_are():
    network, _, data = a_run(np.float64)
    x = data.x.copy()
    x[3, 1:71], x[20, 77:157] = 0.5, 0.0
    rows = packed(network, x, np.float64)
    assert rows.codes == ()
    assert rows.x.shape == x.shape


def test_what_was_packed_can_be_written_out(monkeypatch):
    monkeypatch.setattr("chainrule.engines.cpu.packed.BLOCK", 1000)
    network, _, data = a_run(np.float32)
    found = packed(network, data.x, np.float32)
    assert found.codes == (1, 4)
    np.testing.assert_array_equal(spread_out(network, found), data.x)
    planted = Packed(found.x.copy(), found.codes)
    planted.x[3, 1] += 1
    assert not np.array_equal(spread_out(network, planted), data.x)


def test_small_categories_stay_as_they_are():
    stage = Features([("category", FEWEST_CODED - 1), ("number", 1)])
    network = Network([stage.n_inputs, Dense(1)], features=stage)
    x = np.eye(stage.n_inputs)[:5]
    assert packed(network, x, np.float64).x is x


def test_a_step_that_diverges_is_told_of_rows_in_codes():
    network, flat, data = a_run(np.float64)
    y = data.y.copy()
    y[4] = 1e200
    run = CpuEngine(np.float64, 1).start(
        network, flat, Data(data.x, y, data.train, data.validation), StepSettings(optimizer("sgd"), 11)
    )
    report = run.train_epoch(0, np.full(3, 0.05), range(2))
    assert set(report.diverged) == {0, 1}
    assert report.diverged[0].step >= 1

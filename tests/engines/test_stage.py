"""The feature stage in the compiled engine against reference, and its cosines against NumPy's long double."""

import numpy as np
import pytest
from agreement import TOLERANCE
from numba import njit

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.evaluate import CpuRowPredictor
from chainrule.engines.cpu.pieces import math32, math64
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.training.initial import initial_parameters

GROUPS = [("plain", 1), ("number", 1), ("category", 5), ("number", 1), ("plain", 2)]


def a_run(scale, dtype, members, batch_size, *, parametrization="standard", rates=(), wide=6):
    """A network behind a stage, its parameters and rows in the dtype, and settings with most switches on."""
    stage = Features(GROUPS, scale=scale, std=0.5, rates=rates)
    layers = [Dense(wide, "tanh", dropout=0.3, parametrization=parametrization), Dense(2)]
    network = Network([stage.n_inputs, *layers], features=stage)
    draws = np.random.default_rng(members)
    x = draws.normal(size=(37, stage.n_inputs))
    x[:, 2:7] = np.eye(5)[draws.integers(0, 5, 37)]
    x, y = (array.astype(dtype).astype(float) for array in (x, draws.normal(size=(37, 2))))
    flat = initial_parameters(network, members, 3).astype(dtype).astype(float)
    data = Data(x, y, np.arange(30), np.arange(30, 37))
    settings = StepSettings(optimizer("sgd"), batch_size, l2=0.01, weight_decay=0.02, clip_norm=5.0)
    return network, flat, data, settings


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize(
    ("scale", "members", "batch_size", "parametrization"),
    [(True, 1, 7, "standard"), (True, 3, 30, "ntk"), (False, 2, 11, "standard")],
)
def test_a_step_is_that_of_reference(scale, members, batch_size, parametrization, dtype):
    network, flat, data, settings = a_run(scale, dtype, members, batch_size, parametrization=parametrization)
    cpu = CpuEngine(dtype, 1).start(network, flat, data, settings)
    reference = ReferenceEngine().start(network, flat, data, settings)
    near = {"rtol": 0, "atol": TOLERANCE[dtype] * max(1.0, float(np.abs(flat).max()))}
    whole, wanted = (run.loss_and_gradient(0, flat[0]) for run in (cpu, reference))
    np.testing.assert_allclose(whole[1], wanted[1], **near)
    for run in (cpu, reference):
        run.train_epoch(0, np.array([0.05]), range(members))
    np.testing.assert_allclose(cpu.parameters, reference.parameters, **near)
    np.testing.assert_allclose(cpu.losses(data.validation), reference.losses(data.validation), **near)
    outputs = reference.outputs(data.validation)
    np.testing.assert_allclose(cpu.outputs(data.validation), outputs, **near)
    one = CpuRowPredictor(network, reference.parameters, dtype)(data.x[30].astype(dtype))
    np.testing.assert_allclose(one, outputs[:, 0].mean(axis=0), **near)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_the_number_of_threads_changes_no_bit(dtype, monkeypatch):
    monkeypatch.setattr("chainrule.engines.cpu.run.SMALL_STEP", 1)
    network, flat, data, settings = a_run(True, dtype, 1, 17)
    found = []
    for threads in (1, 2):
        run = CpuEngine(dtype, threads).start(network, flat, data, settings)
        for epoch in range(3):
            run.train_epoch(epoch, np.full(run.steps_per_epoch, 0.05), [0])
        found.append(run.parameters)
    assert not np.array_equal(found[0], flat.astype(dtype))
    assert np.array_equal(found[0], found[1])


def test_each_parameter_has_its_own_rate():
    # By plain descent the step is rate · eta · gradient: f moves by a tenth, s by six times what a rate of 1 gives.
    moved = {}
    for name, rates in (("own", {}), ("one", dict.fromkeys(("f", "phi", "V", "c", "E", "s"), 1.0))):
        network, flat, data, _ = a_run(True, np.float64, 1, 30, rates=rates)
        run = CpuEngine(np.float64, 1).start(network, flat, data, StepSettings(optimizer("sgd"), 30))
        run.train_epoch(0, np.array([0.1]), [0])
        moved[name] = run.layout.unflatten((run.parameters - flat)[0])[0]
    for name, factor in {"f": 0.1, "phi": 0.1, "V": 0.1, "c": 0.1, "E": 1.0, "s": 6.0}.items():
        np.testing.assert_allclose(moved["own"][name], factor * moved["one"][name], rtol=1e-6, atol=1e-15)
        assert np.abs(moved["one"][name]).max() > 1e-6


def test_initial_numbers_are_spread_as_said():
    stage = Features([("number", 1)] * 40 + [("category", 200)], scale=True)
    network = Network([stage.n_inputs, Dense(1)], features=stage)
    unseen = [40 + 7]
    from chainrule.equations.layout import Layout

    own = Layout(network).unflatten(initial_parameters(network, 1, 0, unseen)[0])[0]
    assert abs(own["f"].std() - 0.1) < 0.01
    assert np.pi - 0.1 < np.abs(own["phi"]).max() <= np.pi
    for name in ("V", "c"):
        assert 0.24 < np.abs(own[name]).max() <= 0.25
    assert abs(own["E"].std() - 1) < 0.05
    assert (own["E"][7] == 0).all()
    assert (own["E"] == 0).sum() == 8
    assert (own["s"] == 1).all()


@pytest.mark.parametrize(
    ("module", "dtype"), [(math32, np.float32), (math64, np.float64)], ids=["float32", "float64"]
)
def test_turns_are_within_two_units_in_the_last_place(module, dtype):
    """The judge folds the whole turns away and takes NumPy's long double, which has 11 bits more than float64."""
    turn = module.turn

    @njit
    def run(t, cosines, sines):
        for i in range(len(t)):
            cosines[i], sines[i] = turn(t[i])

    draws = np.random.default_rng(4)
    eighths = (np.arange(-4000, 4001) / 8).astype(dtype)
    near = [np.nextafter(eighths, dtype(to)) for to in (np.inf, -np.inf)]
    usual = [
        draws.normal(size=50_000),
        draws.uniform(-4000, 4000, 50_000),
        [1e-30, -0.0, 2.0**22 + 1, 2.0**25],
    ]
    t = np.concatenate([eighths, *near, *usual]).astype(dtype)
    made = np.empty_like(t), np.empty_like(t)
    run(t, *made)
    wide = np.longdouble
    part = t.astype(wide) - np.rint(t.astype(wide))
    size = np.abs(part)
    folded = np.copysign(np.where(size < 0.25, size, wide(0.5) - size), part)
    pi = 2 * np.arcsin(wide(1))
    for found, angle in zip(made, (wide(0.25) - size, folded), strict=True):
        true = np.sin(2 * pi * angle)
        errors = np.abs(found.astype(wide) - true) / np.spacing(np.abs(true.astype(dtype)))
        # Where the cosine or sine is 0 so is the angle's distance from there, and both are exact.
        assert float(errors.max()) <= 2.0
    run(np.array([np.nan, np.inf], dtype), *made)
    assert np.isnan(made[0][:2]).all()


@pytest.mark.parametrize("engine", [CpuEngine(np.float64, 1), ReferenceEngine()], ids=["cpu", "reference"])
def test_a_stage_that_is_no_longer_finite_is_named(engine):
    network, flat, data, _ = a_run(True, np.float64, 1, 30)
    run = engine.start(network, flat, data, StepSettings(optimizer("sgd"), 30))
    diverged = run.train_epoch(0, np.array([1e308]), [0]).diverged
    assert "step 1: layer 0 is no longer finite" in str(diverged[0])


@pytest.mark.parametrize("sharing", ["none", "tabm"])
@pytest.mark.parametrize("engine", [CpuEngine(np.float64, 1), ReferenceEngine()], ids=["cpu", "reference"])
def test_an_overflow_inside_a_stage_is_told_of_the_stage(engine, sharing):
    """Its parameters are finite, and so is the first layer's W: it is the stage's own sum that overflows."""
    network, flat, data, _ = a_run(True, np.float64, 2, 30)
    if sharing == "tabm":
        flat = np.full((1, TabMLayout(network, 2).size), 0.5)
    layout = Layout(network) if sharing == "none" else TabMLayout(network, 2)
    v = next(slot for slot in layout.slots if slot.name == "V")
    flat[:, v.start : v.stop] = 1e308
    run = engine.start(network, flat, data, StepSettings(optimizer("sgd"), 30, sharing=sharing))
    with np.errstate(over="ignore", invalid="ignore"):
        diverged = run.train_epoch(0, np.array([0.1]), [0, 1]).diverged
    assert [where.layer for where in diverged.values()] == [0, 0]

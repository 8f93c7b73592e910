"""Layer 0 explained: every number of a feature stage has an address, a line that its own check holds, and paths."""

import math
from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule import Dense, Network
from chainrule.engines.base import StepSettings
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.check.certificate import certify
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.walk import walk
from chainrule.explain.show import render
from chainrule.explain.show.explanation import explanation
from chainrule.explain.trace.data import trace_from_json, trace_to_json
from chainrule.explain.trace.steps import trace_network
from chainrule.training.initial import initial_parameters
from effort import one_in

STAGE = Features(
    [("number", 1), ("category", 3), ("plain", 1), ("number", 1)],
    scale=True, waves=3, width=2, level_width=2, std=0.5,
)  # fmt: skip
NETWORK = Network([6, Dense(2, "tanh", parametrization="ntk"), Dense(1)], features=STAGE)
WIDE = Network([6, Dense(2, "tanh"), Dense(1)], features=replace(STAGE, width=6, level_width=7))
FLAT = initial_parameters(NETWORK, 1, 5)[0] + 0.1
X = np.array([[0.5, 0.0, 1.0, 0.0, 0.3, -1.2], [-0.7, 1.0, 0.0, 0.0, 1.5, 0.4]])
Y = np.array([[1.0], [-1.0]])
ADAM = StepSettings(optimizer("adam"), weight_decay=0.01, l2=0.01, clip_norm=0.1)
ONE = trace_network(NETWORK, FLAT, X[:1], Y[:1], settings=ADAM, learning_rate=0.1)
TWO = trace_network(NETWORK, FLAT, X, Y, settings=ADAM, learning_rate=0.1)
PLACES = [Layout(NETWORK).address(i) for i in range(Layout(NETWORK).size)]


def held(trace, place, **how):
    """The derivation at a place, whose every check holds."""
    made = derive(trace, place, **how)
    assert made.lines
    for line in made.lines:
        assert line.check is None or line.check.ok, (place, line)
    return made


@pytest.mark.parametrize("trace", [ONE, TWO], ids=["one row", "two rows"])
@pytest.mark.parametrize("name", ["f", "phi", "V", "c", "E", "s"])
def test_every_parameter_s_numbers_are_derived(trace, name):
    row = "" if trace is ONE else "@row=2"
    for place in [place for place in PLACES if place.startswith(f"{name}[0]")][::4]:
        for form in ("short", "recursive", "paths"):
            assert held(trace, f"dC/d{place}", form=form).lines[-1].check is not None
        bracket = place.removeprefix(name)
        for other in ("g/d", "penalized/d", "m_new/d", "dC/d"):
            held(trace, f"{other}{place}{row if other == 'dC/d' else ''}")
        held(trace, f"{name}_decayed{bracket}")
        held(trace, f"{name}_new{bracket}")


@pytest.mark.parametrize("trace", [ONE, TWO], ids=["one row", "two rows"])
def test_every_number_of_a_row_is_derived(trace):
    row = "" if trace is ONE else "@row=2"
    for j in range(1, NETWORK.sizes[0] + 1):
        for name in ("e", "a", "dC/de", "dC/da"):
            held(trace, f"{name}[0][{j}]{row}")
    for name in ("u", "dC/du", "du/dx", "du/df", "du/dphi"):
        held(trace, f"{name}[0][2,3]{row}")
    for i in range(1, 7):
        for form in ("short", "recursive", "paths"):
            held(trace, f"dC/dx[{i}]{row}", form=form)
    assert [line.left for line in held(trace, f"z[1][1]{row}").lines if line.left.startswith("a[0]")]


def test_numbers_by_hand():
    # u = cos(2 pi f x + phi) and its slope by x, -sin(2 pi f x + phi) 2 pi f, of the second number, x[6] = -1.2
    f, phi = ONE["f[0][2,1]"], ONE["phi[0][2,1]"]
    angle = 2 * math.pi * f * -1.2 + phi
    assert ONE["u[0][2,1]"] == pytest.approx(math.cos(angle), abs=1e-15)
    assert ONE["du/dx[0][2,1]"] == pytest.approx(-math.sin(angle) * 2 * math.pi * f, abs=1e-14)
    # outputs 1-3 are the first number's, 4-5 the category's; its second level is E's second row
    assert ONE["a[0][4]"] == ONE["s[0][4]"] * ONE["E[0][2,1]"]
    assert ONE["a[0][6]"] == pytest.approx(ONE["s[0][6]"] * 0.3, abs=1e-16)
    # a rate of 0.1 and Adam's first step, whose size is the rate
    moved = TWO["f_new[0][1,1]"] - TWO["f_decayed[0][1,1]"]
    assert abs(moved) == pytest.approx(0.1 * 0.1, rel=1e-4)


def test_a_gradient_is_the_sum_of_its_rows():
    for place in PLACES:
        rows = sum(TWO[f"dC/d{place}@row={row}"] for row in (1, 2))
        assert TWO[f"dC/d{place}"] == pytest.approx(rows, abs=1e-14)


@pytest.mark.parametrize("number", [0.0, -0.5, 3e300])
@pytest.mark.parametrize("names", one_in(3, ["s", "E", "c V", "f phi", "W", "W b", "f phi V c E s W b"]))
def test_a_stage_whose_parameters_are_all_alike_is_explained(names, number):
    layout = Layout(WIDE)
    flat = initial_parameters(WIDE, 1, 5)[0] + 0.1
    for slot in layout.slots:
        if slot.name in names.split():
            flat[slot.start : slot.stop] = number
    for trace in (trace_network(WIDE, flat, X[:1]), trace_network(WIDE, flat, X[:1], Y[:1])):
        assert [part.title[:7] for part in walk(trace).parts][:3] == ["Inputs", "Layer 0", "Layer 1"]
        render(explanation(walk(trace), trace), "html")
        for place in ("dC/df[0][2,1]", "dC/dE[0][3,1]", "dC/dW[1][2,1]", "dC/dx[6]") * (
            trace.steps[0].y is not None
        ):
            for form in ("short", "paths", "recursive"):
                derive(trace, place, form=form)


def test_what_layer_1_makes_nothing_of_is_told():
    flat, slot = initial_parameters(WIDE, 1, 5)[0], Layout(WIDE).slot(1, "W")
    flat[slot.start : slot.stop] = 0
    _, stage, *_ = walk(trace_network(WIDE, flat, X[:1])).parts
    assert stage.lines == ()
    assert stage.notes == ("Of its 22 outputs none is worked out: layer 1 makes nothing of them.",)


def test_by_hand_and_from_the_start():
    for place in ("z[1][1]", "dC/df[0][1,2]", "dC/dx[1]"):
        held(ONE, place, from_start=True)
        held(ONE, place, hand=4)
    titles = [part.title for part in walk(ONE).parts]
    assert titles[1].startswith("Layer 0, the feature stage: 6 → 9: 2 numbers")


def test_whole_arrays_as_matrices():
    assert derive(TWO, "z[1]", form="matrix").matrices[0].check.ok
    assert derive(TWO, "dC/da[0]", form="matrix").matrices[0].check.ok
    with pytest.raises(SettingsError, match="there is no matrix form"):
        derive(TWO, "dC/dx", form="matrix")


@pytest.mark.parametrize("trace", [ONE, TWO], ids=["one row", "two rows"])
def test_json_keeps_every_number(trace):
    again = trace_from_json(trace_to_json(trace))
    assert trace_to_json(again) == trace_to_json(trace)
    row = "" if trace is ONE else "@row=1"
    for place in ("du/df[0][1,1]", "dC/du[0][2,2]", "a[0][9]", "dC/dx[6]", "dC/dV[0][2,3,2]"):
        assert again[place + row] == trace[place + row]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("u[0][3,1]", "there is no 3 there; the network has u[0][1 to 2,1 to 3]"),
        ("V[0][1,1]", "is written as V[0][1,2,3]"),
        ("V[1][1,1,1]", "the feature stage is layer 0"),
        ("z[0][1]", "layers are counted from 1"),
        ("a[0][10]", "there is no 10 there"),
        ("f[0][1,1]@row=1", "leave out @row"),
    ],
)
def test_what_the_stage_doesn_t_have_is_told(text, told):
    with pytest.raises(SettingsError) as caught:
        TWO[text]
    assert told in str(caught.value)


def test_without_a_stage_layer_0_is_the_input():
    plain = trace_network(
        Network([2, Dense(1)]), {1: {"W": [[0.5], [1.0]], "b": [0.0]}}, [[2.0, 3.0]], [[1.0]]
    )
    assert plain["a[0][2]"] == plain["x[2]"] == 3.0
    assert plain["dC/da[0][1]"] == plain["dC/dx[1]"]
    for text in ("u[0][1,1]", "s[0][1]", "dC/dV[0][1,1,1]"):
        with pytest.raises(SettingsError, match="has no feature stage"):
            plain[text]


def a_table(n: int = 150) -> dict[str, list[object]]:
    """A target that bends with one number and depends on a category of 12 levels; a flag and a level that is rare."""
    draws = np.random.default_rng(2)
    a, b, k = draws.normal(size=n), draws.normal(size=n), draws.integers(0, 12, n)
    y = np.sin(3 * a) + b + np.linspace(-1, 1, 12)[k]
    flags = [bool(v) for v in draws.integers(0, 2, n)]
    return {"a": a.tolist(), "b": b.tolist(), "k": [f"L{i}" for i in k], "t": flags, "y": y.tolist()}


def test_a_table_from_training_to_checks(tmp_path):
    rows = a_table()
    result = chainrule.train(
        rows, "y", hidden=[8], members=2, epochs=12, numeric_embedding="periodic",
        category_embedding="learned", scaling_layer=True, learning_rate=0.02,
    )  # fmt: skip
    stage = result.model.network.features
    assert [group.kind for group in stage.groups] == ["number", "number", "category", "plain"]
    assert stage.groups[2].size == 13
    result.model.save(tmp_path / "m.safetensors")
    model = chainrule.load(tmp_path / "m.safetensors")
    assert model.network == result.model.network
    table = model.table(rows)
    assert np.array_equal(model.parameters, result.model.parameters)
    found = integrated_gradients(model, table, 3)
    assert found.holds
    assert [share.column for share in found.columns if share.cell != share.baseline and not share.value] == []
    checks = certify(
        model, table=rows, sample=25, n_rows=2, checks=("differences", "exact", "engines", "rows")
    ).checks
    assert [check.outcome for check in checks] == ["ok"] * len(checks)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"numeric_embedding": "periodic"}, "no input is a number of more than two values"),
        ({"category_embedding": "learned"}, "no category has more than 9 levels"),
        ({"numeric_embedding": "plr"}, "numeric_embedding 'plr' is unknown: choose none, periodic"),
    ],
)
def test_an_embedding_of_nothing_is_refused(settings, told):
    rows = {"k": ["u", "v"] * 20, "n": [0.0, 1.0, 1.0, 0.0] * 10, "y": [float(i) for i in range(40)]}
    with pytest.raises(SettingsError) as caught:
        chainrule.train(rows, "y", **settings)
    assert told in str(caught.value)

"""Predictions as programs in plain Python: what each prints is what the engine says, without any package."""

import math
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule.engines import JUDGE
from chainrule.equations.activations import ACTIVATIONS, activation
from chainrule.equations.dense import BIAS_MODES, PARAMETRIZATIONS, Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError, TableError
from chainrule.explain.program import plain
from chainrule.explain.program.plain import HELPERS, formula_function, function_of
from chainrule.explain.program.program import MOST_PARAMETERS, program_of
from chainrule.explain.trace.sources import trace_rows
from chainrule.formula.parse import parse
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.encoding.target import fit_target
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame
from networks import HIDDEN, specs

FORMULAS = [
    "z/(1+abs(z))",
    "max(z, 0)^1.5 - log(1 + z*z)",
    "where(z > 1, 1/z, sin(3*z))",
    "exp(z)/(2 + sqrt(abs(z)))",
]
SPECS = [spec for spec in [*specs(ACTIVATIONS), *HIDDEN, *FORMULAS] if not spec.startswith("softmax")]


def run(source: str) -> dict[str, str]:
    """What a program prints, by what stands before the colon; no package can be imported where it runs."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=source, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^[ \t]*(?:import|from) .*", source, re.MULTILINE) == ["import math"]
    return dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())


def function(source: plain.PlainFunction, name: str = "f"):
    """The function itself, for its values at many places."""
    space = {"math": math}
    exec("\n".join([*(HELPERS[helper] for helper in source.helpers), source.source]), space)
    return space[name]


TABLE = {
    "a": [1.5, 2.0, 4.0, 3.0, 0.5, None],
    "b": ["u", "v", "u", None, "w", "v"],
    "c": [True, False, True, True, False, True],
    "when": ["2024-05-01", "2024-06-11", "2024-01-30", "2023-05-02", "2024-12-24", "2024-03-03"],
    "number": [10.0, 20.0, 15.0, 30.0, 12.0, 11.0],
    "two": ["no", "yes", "no", "no", "yes", "yes"],
    "three": ["x", 'y "quoted"', "z\\", "x", "z\\", 'y "quoted"'],
}
TABLES = {
    key: {n: column for n, column in TABLE.items() if n in ("a", "b", "c", "when", key)} for key in TABLE
}


def model_of(
    target, *layers, loss, rng, members=1, weight=1.0, features=None, clamp=False, big=1.0, scaling="robust"
):
    """A model with parameters drawn by chance, and its table."""
    table = from_frame(TABLES[target], "small.csv")
    schema = infer_schema(table, target=target)
    encoder = fit_encoder(table, schema, scaling=scaling)
    stage = None if features is None else features(encoder.n_inputs)
    network = Network([encoder.n_inputs, *layers], loss, features=stage)
    parameters = rng.normal(size=(members, Layout(network).size)) * big
    fitted = fit_target(table, schema, clamp=clamp)
    return Model((Group(network, parameters, weight),), encoder, fitted), table


def agrees(model: Model, table, row: int, member: int | None = None) -> dict[str, str]:
    """Assert that the program of a row says what the judge says, to 1e-12."""
    printed = run(program_of(model, table, row, member))
    one = model if member is None else replace(model, groups=(model.member(member - 1),))
    mean = one.mean(one.outputs(model.encoder.transform(table), JUDGE))[row - 1 : row]
    said = one.answer_of(mean)
    answer = printed[model.target.name]
    if model.task == "regression":
        np.testing.assert_allclose(float(answer), said.labels[0], rtol=1e-12)
        return printed
    assert answer == str(said.labels[0])
    if said.probabilities is not None:
        found = [float(printed[f"P({label})"]) for label in model.target.labels]
        np.testing.assert_allclose(found, said.probabilities[0], rtol=1e-12)
    return printed


@pytest.mark.parametrize("spec", SPECS)
def test_every_activation_as_a_function(spec):
    record = activation(spec)
    z = np.concatenate([np.linspace(-6, 6, 241), [0.0, -0.0, -40.0, 40.0, -800.0, 700.0, 1e-9, -1e-9]])
    made = function_of("f", ("z",), lambda graph, z: record(z, graph), stable=record.function is not None)
    f = function(made)
    found = np.array([f(float(each)) for each in z])
    np.testing.assert_allclose(found, record(z, np), rtol=1e-12, atol=1e-300)


def test_softmax_as_a_function_of_a_list():
    record = activation("softmax")
    f = function(function_of("f", ("z",), lambda graph, z: record(z, graph), of_list=True, stable=True))
    for z in ([0.5, -1.0, 3.0], [1000.0, 999.0], [-800.0, 0.0], [2.0]):
        np.testing.assert_allclose(f(z), record(np.array(z), np), rtol=1e-14)


@pytest.mark.parametrize(
    ("formula", "z"),
    [
        ("exp(z)", 800), ("1/z", 0), ("-1/z", 0), ("log(z)", 0), ("log(z)", -1), ("sqrt(z)", -4), ("z^-1", 0), ("z^0.5", -1),
        ("z^301", 1e200), ("z^301", -1e200), ("sinh(z)", -900), ("cosh(z)", 900), ("log1p(z)", -1), ("expm1(z)", 800),
        ("sin(exp(z))", 800), ("0/z", 0), ("floor(exp(z))", 800), ("log2(z)", 0), ("sign(z)", -3), ("floor(z)", -1.5),
        ("where(z > 0, log(z), z)", -2), ("erf(z) + erfc(z)", 0.3), ("step(z) + min(z, 2)", 5), ("atan(tan(z))", 1),
    ],
)  # fmt: skip
def test_what_math_raises_for_is_inf_or_nan(formula, z):
    made = parse(formula)
    with np.errstate(all="ignore"):
        wanted = float(made.evaluate({"z": np.array(float(z))}, np))
    assert function(formula_function("f", made, ("z",)))(float(z)) == pytest.approx(
        wanted, rel=1e-14, nan_ok=True
    )


@pytest.mark.parametrize("spec", SPECS)
def test_every_activation_in_a_network(spec, rng):
    layers = Dense(3, spec), Dense(2, spec, mix=True, parametrization="ntk"), Dense(1)
    agrees(*model_of("number", *layers, loss="mean_squared_error", rng=rng, big=0.3), row=2)


@pytest.mark.parametrize("bias", BIAS_MODES)
@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
@pytest.mark.parametrize("mix", [False, True])
@pytest.mark.parametrize("neurons", [1, 9])
def test_every_switch_of_a_layer_weight_by_weight_and_as_lists(neurons, mix, parametrization, bias, rng):
    switches = {"bias": bias, "parametrization": parametrization}
    layers = Dense(neurons, "tanh", mix=mix, **switches), Dense(2, "softmax", **switches)
    model, table = model_of("two", *layers, loss="categorical_cross_entropy", rng=rng)
    agrees(model, table, row=3)
    assert ("weighted_sums" in program_of(model, table, 1)) is (neurons == 9)


@pytest.mark.parametrize("row", range(1, 7))
@pytest.mark.parametrize("scaling", ["robust", "standard", "minmax", "none"])
def test_every_kind_of_cell(scaling, row, rng):
    model, table = model_of("number", Dense(1), loss="mean_squared_error", rng=rng, scaling=scaling)
    agrees(model, table, row)


def test_two_classes_in_one_output_and_a_loss_that_looks_at_signs(rng):
    for loss, output in (
        ("binary_cross_entropy", "sigmoid"),
        ("hinge", "identity"),
        ("perceptron", "binary_step"),
    ):
        model, table = model_of("two", Dense(2, "relu"), Dense(1, output), loss=loss, rng=rng)
        printed = agrees(model, table, row=4)
        assert ("P(yes)" in printed) is (loss == "binary_cross_entropy")


def test_labels_with_signs_that_programs_use(rng):
    model, table = model_of("three", Dense(3, "softmax"), loss="categorical_cross_entropy", rng=rng)
    for row in (1, 2, 3):
        agrees(model, table, row)


def test_an_answer_drawn_in(rng):
    model, table = model_of("number", Dense(1), loss="mean_squared_error", rng=rng, clamp=True, big=1e3)
    assert float(agrees(model, table, row=1)["number"]) in (10.0, 30.0)


@pytest.mark.parametrize("scale", [False, True])
def test_the_feature_stage(scale, rng):
    def stage(n):
        groups = [("number", 1), ("plain", 1), ("category", 5), ("number", 1), ("plain", 2)]
        groups.append(("category", n - sum(size for _, size in groups)))
        return Features(groups, scale=scale, waves=3, width=2, level_width=2)

    layers = Dense(4, "selu", mix=True), Dense(3, "softmax")
    agrees(
        *model_of("three", *layers, loss="categorical_cross_entropy", rng=rng, features=stage, members=2),
        row=5,
    )


def test_members_one_of_them_and_groups_of_unequal_weight(rng):
    one, table = model_of(
        "two", Dense(2, "tanh"), Dense(1, "sigmoid"), loss="binary_cross_entropy", rng=rng, members=3
    )
    other, _ = model_of(
        "two", Dense(1, "relu"), Dense(1, "sigmoid"), loss="binary_cross_entropy", rng=rng, weight=2.5
    )
    model = replace(one, groups=(*one.groups, *other.groups))
    said = {member: agrees(model, table, 2, member)["P(yes)"] for member in (None, 1, 2, 3, 4)}
    assert len(set(said.values())) == 5
    with pytest.raises(SettingsError, match="there is no member 5"):
        program_of(model, table, 1, 5)
    with pytest.raises(TableError, match="there is no row 7; it has rows 1 to 6"):
        program_of(model, table, 7)


def test_a_model_as_it_is_trained():
    table = {
        "x": [float(i) for i in range(40)],
        "g": ["p", "q"] * 20,
        "y": [i * 0.5 + (i % 2) for i in range(40)],
    }
    model = chainrule.train(table, "y", epochs=2, members=2).model
    printed = run(program_of(model, table, 7))
    assert float(printed["y"]) == pytest.approx(model.predict(table).labels[6], rel=1e-5)
    trace = trace_rows(model, table, 7)
    assert float(printed["y"]) == pytest.approx(trace["prediction"], rel=1e-12)
    assert "single precision" in program_of(model, table, 7)


def test_several_targets(rng):
    a, b = rng.normal(size=(2, 24))
    numbers = {"a": a, "b": b, "sum": a + b, "product": 40 * a * b}
    model = chainrule.train(numbers, ["sum", "product"], epochs=2).model
    printed = run(program_of(model, numbers, 5))
    said = model.predict(numbers).labels[4]
    assert [float(printed[name]) for name in ("sum", "product")] == pytest.approx(said, rel=1e-5)
    labels = {"a": a, "b": b, "u": np.where(a > 0, "yes", "no"), "v": np.where(a < b, "up", "down")}
    model = chainrule.train(labels, ["u", "v"], epochs=2).model
    printed, answer = run(program_of(model, labels, 5)), model.predict(labels)
    assert [printed["u"], printed["v"]] == list(answer.labels[4])
    found = [float(printed[name]) for name in ("P(u = yes)", "P(v = up)")]
    assert found == pytest.approx(answer.probabilities[4], rel=1e-5)


def test_names_from_a_table_can_t_add_lines_to_a_program(rng):
    evil = "a\nprint('evil')\r\u2028x\x85\x0c"
    table = from_frame({evil: ["1\nprint('worse')", "b"] * 3, "y": [f"n\n{evil}", "m"] * 3}, f"t\n{evil}.csv")
    schema = infer_schema(table, target="y", kinds={evil: "category"})
    encoder, target = fit_encoder(table, schema), fit_target(table, schema)
    network = Network([encoder.n_inputs, Dense(2, "softmax")], "categorical_cross_entropy")
    model = Model((Group(network, rng.normal(size=(1, Layout(network).size))),), encoder, target)
    source = program_of(model, table, 1)
    assert "evil" in source
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=True
    )
    assert "P(n\n" in done.stdout
    assert not re.search(r"^\s*print\('", source, re.MULTILINE)
    assert all(line.isprintable() for line in source.splitlines())


def test_a_large_network_is_refused_with_the_way_round(rng):
    layers = Dense(400, "relu"), Dense(400, "relu"), Dense(1)
    model, table = model_of("number", *layers, loss="mean_squared_error", rng=rng, members=2)
    size = model.network.n_parameters
    assert size < MOST_PARAMETERS < 2 * size
    with pytest.raises(SettingsError, match=r"the 2 members have .* choose one of them, as in member=1"):
        program_of(model, table, 1)
    agrees(model, table, 1, 2)
    model, table = model_of("number", Dense(500), *layers, loss="mean_squared_error", rng=rng)
    with pytest.raises(SettingsError, match=r"the network has .* explain single numbers by their address"):
        program_of(model, table, 1)


def test_a_wrong_row_of_the_table_of_operations_is_seen(monkeypatch, rng):
    monkeypatch.setitem(plain.PLAIN.code, "tanh", "math.tanh({0}) * 1.000001")
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        agrees(*model_of("number", Dense(2, "tanh"), Dense(1), loss="mean_squared_error", rng=rng), row=1)

"""Exports: what each language's program says of hostile rows of cells is what the model's own engine says."""

import importlib.util
import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from small_models import MODELS, ODD_NAME, any_models, certificate, periodic, small_model

from chainrule.engines import JUDGE
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import Dense
from chainrule.errors import OutputError, SettingsError
from chainrule.exports.export import check_export, export, exported_model
from chainrule.exports.program import Program, model_hash, network_graph, parameter_slots
from chainrule.exports.reference import answers_from, encoded, run_graph
from chainrule.exports.run.base import ExportError
from chainrule.exports.run.made_rows import made_rows
from chainrule.exports.run.native import c_driver, c_rows
from chainrule.exports.smaller import int8_program
from chainrule.exports.targets import IN_DIALECTS, LANGUAGES
from chainrule.exports.written.identifiers import identifiers
from chainrule.exports.written.languages import PYTHON_HELPERS
from chainrule.tables.encoding.steps import parts_read
from effort import many
from networks import specs

FORMULAS = ["z/(1+abs(z))", "max(z, 0)^1.5 - log(1 + z*z)", "where(z > 1, 1/z, sin(3*z))"]
SPECS = [spec for spec in [*specs(ACTIVATIONS), *FORMULAS] if not spec.startswith("softmax")]
NEEDS = {"c": ["gcc", "clang", "cc"], "javascript": ["node", "nodejs"], "wasm": ["wasm-ld"]}
PACKAGES = {"onnx": "onnx", "duckdb": "duckdb", "xlsx": "formulas"}


def needs(name: str) -> None:
    """Skip a test of a language that nothing here runs."""
    if name in NEEDS and not any(map(shutil.which, NEEDS[name])):
        pytest.skip(f"{name} can't be run here")
    if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{name} is not installed")


def ran(source: str, rows) -> list[dict]:
    """What an export in plain Python says of rows, without any package."""
    lines = "\n".join(map(json.dumps, rows))
    command = [sys.executable, "-I", "-S", "-c", source]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def tiny():
    """The program of a model with a column of each kind, and its made rows."""
    return Program(
        small_model("kind", Dense(3, "silu"), Dense(4, "softmax"), loss="categorical_cross_entropy")
    )


@pytest.fixture
def few_rows(monkeypatch):
    """Few made rows for each language, for tests about something else."""
    for name in ("python", "javascript"):
        monkeypatch.setitem(LANGUAGES, name, replace(LANGUAGES[name], rows=150))


def test_the_graphs_say_what_the_model_says(tiny):
    rows = made_rows(tiny, 200)
    read = {}
    for cell in tiny.cells:
        found = parts_read(cell.steps.reads, rows.table, cell.name)
        for part, name in cell.inputs.items():
            read[name] = found[part]
    for cell in tiny.cells:  # places behind the levels are those of missing cells and of all others
        if "value" in cell.inputs and hasattr(cell.steps.reads, "levels"):
            codes, n = read[cell.inputs["value"]], len(cell.steps.reads.levels)
            last = len(cell.steps.inputs) - 1
            read[cell.inputs["value"]] = np.where(codes == -1, min(n, last), np.where(codes < 0, last, codes))
    x = tiny.model.encoder.transform(rows.table)
    np.testing.assert_array_equal(encoded(tiny, read), x)
    (group,) = tiny.groups
    graph, output = network_graph(group, rows="rows")
    flat = group.parameters[0]
    own = {n: flat[s.start : s.stop].reshape(s.shape) for n, s in parameter_slots(group).items()}
    outputs = run_graph(graph, {"x": x, **own})[output]
    np.testing.assert_allclose(outputs, tiny.model.outputs(x, JUDGE)[0], rtol=1e-14)
    said = tiny.model.answer_of(outputs)
    np.testing.assert_array_equal(answers_from(tiny, outputs), said.probabilities)


def test_made_rows_are_hostile_and_the_same_again(tiny):
    rows = made_rows(tiny, 300)
    assert len(rows) >= 300
    assert rows.cells == made_rows(tiny, 300).cells
    cells = {name: [row[name] for row in rows.cells] for name in rows.cells[0]}
    assert {None, "", " \t", "NA", "?", "u", " u\t", "U", "never seen"} <= set(cells["island"])
    assert {"1", "1.0", "+1", "10.0", 1} <= set(cells["code"])
    assert {"5e-324", "1.7976931348623157e308", "1e400", "-inf"} <= set(cells["width"])
    assert {"2024-02-29 23:59", "2000-02-29 00:00"} <= set(cells["when"])
    assert {"TRUE", "no", True} <= set(cells["wet"])


def test_plain_python_is_certified(tiny):
    made = certificate(tiny.model, "python", 200)
    assert made.wrong == ()
    assert made.largest_double < 1e-12
    assert made.passed
    assert "Python" in made.words[0]


@pytest.mark.slow
@pytest.mark.parametrize("to", [*LANGUAGES, "duckdb"])
@pytest.mark.parametrize("which", MODELS)
def test_each_kind_of_model_in_each_language(which, to):
    needs(to)
    made = certificate(MODELS[which](), to, 600)
    assert made.wrong == ()
    assert made.ties == 0


@pytest.mark.slow
@pytest.mark.parametrize("to", [*LANGUAGES, "duckdb"])
@pytest.mark.parametrize("spec", SPECS)
def test_each_activation_in_each_language(spec, to):
    needs(to)
    model = small_model(
        "price", Dense(4, spec), Dense(1), loss="mean_squared_error", columns=("width", "code")
    )
    assert certificate(model, to, 300).wrong == ()


@pytest.mark.slow
@pytest.mark.parametrize("to", ["python", "javascript", "c", "onnx", "wasm"])
@pytest.mark.parametrize("which", ["classes by softmax", "a number"])
def test_weights_of_8_bits_are_a_quarter_of_the_size_and_said(which, to, tmp_path):
    needs(to)
    model = MODELS[which]()
    language = LANGUAGES[to]
    suffix = language.suffixes[0]
    made = export(model, path=tmp_path / f"small{suffix}", precision="int8")
    assert made.certificate.passed
    assert "Weights of 8 bits change" in made.words[1]
    assert check_export(tmp_path / f"small{suffix}", model).passed


@pytest.mark.slow
def test_files_of_8_bits_are_less_than_a_third():
    layers = (Dense(128, "relu"), Dense(64, "relu"), Dense(4, "softmax"))
    model = small_model(
        "kind", *layers, loss="categorical_cross_entropy", members=5, dtype=np.float32, features=periodic,
        columns=("width", "island", "code", ODD_NAME),
    )  # fmt: skip
    whole, small = Program(model), int8_program(model)
    for to in ("python", "javascript", "c", "onnx"):
        if to != "onnx" or importlib.util.find_spec("onnx"):
            sizes = [len(LANGUAGES[to].content(program)) for program in (whole, small)]
            # The frame, in text, counts more the smaller a network is.
            assert sizes[1] <= (0.3 if to in ("c", "onnx") else 0.305) * sizes[0], to


def test_8_bits_are_near_the_weights_and_exact_where_they_are_theirs(tiny):
    small = int8_program(tiny.model)
    (before,), (after,), (weights,) = tiny.model.groups, small.model.groups, small.weights
    for name, slot in parameter_slots(before).items():
        one, other = before.parameters[:, slot.start : slot.stop], after.parameters[:, slot.start : slot.stop]
        numbers = weights[name]
        if numbers.scales is None:
            assert (np.abs(one - other) <= 0.5001 * numbers.units[:, None]).all()
            assert np.abs(numbers.whole).max() in (0, 32767)
            continue
        step = np.repeat((numbers.scales * numbers.units[:, None])[:, None, :], slot.shape[-2], axis=1)
        assert (np.abs(one - other) <= 0.5001 * step.reshape(one.shape)).all()
        # A scale is at most a 32,767th of the largest too coarse.
        assert (step.reshape(one.shape) <= np.abs(one).max() / 127 * 1.0001).all()
        assert np.abs(numbers.whole).max() == 127
        assert numbers.scales.min() >= 1
    assert small.sha256 == tiny.sha256
    with pytest.raises(SettingsError, match="precision='int8': sql writes every weight out"):
        export(tiny.model, "sql", precision="int8")
    with pytest.raises(SettingsError, match="precision 'int4' is unknown: choose int8"):
        export(tiny.model, "c", precision="int4")


@pytest.mark.slow
@settings(max_examples=many(15))
@given(any_models(6, SPECS))
def test_any_small_model_in_plain_python(model):
    assert certificate(model, "python", 120).wrong == ()


def test_a_neuron_that_nothing_enters_stays_alone_with_8_bits():
    model = small_model(
        "price", Dense(2, "tanh"), Dense(1), loss="mean_squared_error", columns=("width", "code")
    )
    flat = model.parameters.copy()
    flat[:, 0:-5:2] = 0.0
    small = int8_program(model.with_parameters(lambda group: flat))
    assert np.isfinite(small.groups[0].parameters).all()
    assert (small.groups[0].parameters[flat == 0] == 0).all()
    assert certificate(small.model, "python", 50).wrong == ()


def test_a_file_has_only_the_readers_that_its_columns_need():
    model = small_model("price", Dense(1), loss="mean_squared_error", columns=("width",))
    for to, kept, left in (("javascript", "readNumber", "readDate"), ("python", "number_in", "read_date")):
        text = LANGUAGES[to].content(Program(model)).decode()
        assert kept in text
        assert left not in text
        assert not re.search(r"readPlace|read_place|daysOf|def spelled|READERS = \{ ?\}", text)


def test_two_exports_are_the_same_bytes(tiny):
    for language in (*LANGUAGES.values(), IN_DIALECTS["postgres"]):
        if language.name not in ("onnx", "wasm") or (
            language.name == "onnx" and importlib.util.find_spec("onnx")
        ):
            assert language.content(tiny) == language.content(Program(tiny.model))


def test_the_hash_is_that_of_what_answers(tiny):
    model = tiny.model
    other = model.with_parameters(lambda group: group.parameters + 1e-12)
    assert model_hash(other) != model_hash(model)
    told = type(model)(model.groups, model.encoder, model.target, model.reading, {"engine": "reference"})
    assert model_hash(told) == model_hash(model)


def test_plain_python_answers_cells_of_any_kind_and_refuses_others(tiny):
    source = LANGUAGES["python"].content(tiny).decode()
    space: dict = {"__name__": "model"}
    exec(source, space)
    row = {
        "width": 2.0,
        ODD_NAME: "3",
        "island": "v",
        "code": 2,
        "wet": True,
        "when": datetime(2024, 5, 1, 10),
    }
    first = space["predict"](row)
    same = {
        "width": " 2.0 ",
        ODD_NAME: 3,
        "island": " v",
        "code": "2.0",
        "wet": "YES",
        "when": "2024-05-01 10:00",
    }
    assert space["predict"](same) == first
    assert first["kind"]["label"] in tiny.model.target.labels
    assert math.isclose(sum(first["kind"]["probabilities"].values()), 1)
    assert space["predict"]({**row, "when": date(2024, 5, 1)}) != first
    for name, cell in {"width": "wide", "wet": "perhaps", "when": "soon", ODD_NAME: "1,5"}.items():
        with pytest.raises(ValueError, match=r"column .*: .* is not a"):
            space["predict"]({**row, name: cell})
    with pytest.raises(ValueError, match="the row has no column 'width'"):
        space["predict"]({"island": "u"})


def test_an_export_is_written_checked_and_refused(tmp_path, tiny, few_rows):
    model = tiny.model
    path = tmp_path / "small.py"
    made = export(model, path=path)
    assert made.language == "python"
    assert made.certificate.passed
    text = path.read_text()
    assert model_hash(model) in text
    assert "under any licence" in text
    assert "Checked with Python" in text
    assert ran(text, [dict.fromkeys(("width", ODD_NAME, "island", "code", "wet", "when"))])
    assert check_export(path, model).passed
    with pytest.raises(OutputError, match="exists"):
        export(model, path=path)
    other = small_model("sold", Dense(1, "sigmoid"), loss="binary_cross_entropy")
    with pytest.raises(SettingsError, match="is an export of another model"):
        check_export(path, other)
    path.write_text(text.replace("'NA', ", ""))
    assert not check_export(path, model).passed
    (tmp_path / "own.py").write_text("print()")
    with pytest.raises(SettingsError, match="is no export of chainrule's"):
        check_export(tmp_path / "own.py", model)
    with pytest.raises(SettingsError, match="can't be read"):
        check_export(tmp_path / "none.py", model)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"to": "js"}, "to 'js' is unknown: did you mean javascript?"),
        ({"to": "cobol"}, "to 'cobol' is unknown: choose python, javascript, c, onnx, sql, wasm, xlsx"),
        ({}, "no language is named: choose .py"),
        ({"path": "model.txt"}, "model.txt: the ending says no language"),
        ({"to": "c", "dialect": "duckdb"}, "dialect='duckdb' is about sql, not c"),
        ({"to": "sql", "dialect": "oracle"}, "dialect 'oracle' is unknown: choose sqlite, duckdb, postgres"),
    ],
)
def test_what_is_no_language_is_refused(tiny, how, message):
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        export(tiny.model, **how)


def test_what_is_no_model_is_refused():
    with pytest.raises(SettingsError, match="model: a Model, a training"):
        export(3, "python")


def test_columns_that_would_be_one_field_are_refused():
    assert identifiers(["a b", "Größe", "3rd", "int", "!"], "C") == {
        "a b": "a_b", "Größe": "groe", "3rd": "n3rd", "int": "int_", "!": "column",
    }  # fmt: skip
    with pytest.raises(SettingsError, match="'a b' and 'A_b' would both be a_b in C: rename one"):
        identifiers(["a b", "A_b"], "C")


def test_a_failed_run_writes_nothing(tmp_path, tiny, few_rows, monkeypatch):
    monkeypatch.setitem(PYTHON_HELPERS, "exp", "def exp(x):\n    return 1.001 * math.exp(x)\n")
    with pytest.raises(
        ExportError, match=r"doesn't say what the model says: .* rows are too far off, first made row"
    ):
        export(tiny.model, "python", tmp_path / "a.py")
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_runs_it_the_file_says_so(tmp_path, tiny, few_rows, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    made = export(tiny.model, path=tmp_path / "a.mjs")
    assert made.certificate is None
    assert "Not checked where it was written: node or nodejs is not installed" in made.text.replace(
        "\n// ", " "
    )
    with pytest.raises(ExportError, match="can't be run here"):
        check_export(tmp_path / "a.mjs", tiny.model)


def test_trainings_estimators_and_files_have_a_model(tmp_path, tiny):
    tiny.model.save(tmp_path / "m.safetensors")
    for whole in (
        tiny.model,
        tmp_path / "m.safetensors",
        SimpleNamespace(model=tiny.model),
        SimpleNamespace(model_=tiny.model),
    ):
        assert LANGUAGES["python"].content(Program(exported_model(whole))) == LANGUAGES["python"].content(
            tiny
        )


# ---- C


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("which", MODELS)
def test_c_is_clean_under_sanitizers_and_needs_no_library_but_that_of_mathematics(which, compiler, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = Program(MODELS[which]())
    (tmp_path / "model.h").write_bytes(LANGUAGES["c"].content(program))
    (tmp_path / "run.c").write_text(c_driver(program, "model"))
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g"]
    # Where clang is, its sanitizers needn't be.
    sane = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] if compiler == "gcc" else []
    subprocess.run([compiler, *strict, *sane, "run.c", "-o", "run", "-lm"], cwd=tmp_path, check=True)
    rows = b"".join(c_rows(program, made_rows(program, 300)))
    done = subprocess.run([tmp_path / "run"], input=rows, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "only.c").write_text(
        '#include "model.h"\nint ask(const model_row *row, model_answer *answer);\n'
        "int ask(const model_row *row, model_answer *answer) { return model_predict(row, answer); }\n"
    )
    subprocess.run([compiler, *strict, "-O0", "-c", "only.c"], cwd=tmp_path, check=True)
    named = subprocess.run(["nm", "-u", "only.o"], cwd=tmp_path, check=True, capture_output=True, text=True)
    wanted = {line.split()[-1] for line in named.stdout.splitlines()} - {"_GLOBAL_OFFSET_TABLE_"}
    known = ["exp", "expm1", "log", "log1p", "sin", "cos", "erfc", "erf", "sqrt", "tanh", "pow", "fabs"]
    mathematics = {f"{name}{kind}" for name in known for kind in ("", "f")}
    assert wanted <= mathematics | {"memset", "memcpy", "__stack_chk_fail"}


def test_c_counts_the_last_word_of_a_text_that_is_cut_off_in_a_sign(tmp_path):
    """The first byte of a sign of three or four, and nothing behind it but the text's end."""
    needs("c")
    program = Program(small_model("price", Dense(1), loss="mean_squared_error", columns=("title",)))
    (tmp_path / "m.h").write_bytes(LANGUAGES["c"].content(program, (), "m"))
    (tmp_path / "m.c").write_text(
        '#include <stdio.h>\n#include "m.h"\nint main(void)\n{\n    m_sign sign;\n    int k;\n'
        '    for (k = 1; k < 5; k++) {\n        printf("%d ", m_sign_at("\\xF0\\x9F\\x98\\x80z", k, 0, &sign));\n    }\n'
        '    printf("%d\\n", m_sign_at("ab\\xE2", 3, 2, &sign));\n    return 0;\n}\n'
    )
    compiler = next(filter(None, map(shutil.which, NEEDS["c"])))
    subprocess.run([compiler, "-std=c99", "m.c", "-o", "m", "-lm"], cwd=tmp_path, check=True)
    assert subprocess.check_output([tmp_path / "m"], text=True) == "1 2 3 4 3\n"


def test_c_answers_with_the_number_of_the_column_in_the_way(tmp_path):
    needs("c")
    program = Program(
        small_model("price", Dense(1), loss="mean_squared_error", columns=("width", "when", "wet"))
    )
    (tmp_path / "m.h").write_bytes(LANGUAGES["c"].content(program, (), "m"))
    (tmp_path / "m.c").write_text(
        '#include <stdio.h>\n#include "m.h"\nint main(void)\n{\n    m_row row = {0};\n    m_answer a;\n'
        '    int first = m_predict(&row, &a), second, third;\n    row.when = "soon";\n    second = m_predict(&row, &a);\n'
        '    row.when = " 2024-02-30 10:00";\n    third = m_predict(&row, &a) * 10;\n    row.when = "2024-02-29 10:00 ";\n'
        '    row.wet = 2;\n    printf("%d %d %d %d\\n", first, second, third, m_predict(&row, &a));\n    return 0;\n}\n'
    )
    compiler = next(filter(None, map(shutil.which, NEEDS["c"])))
    subprocess.run([compiler, "-std=c99", "m.c", "-o", "m", "-lm"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "m"], capture_output=True, text=True, check=True).stdout
    assert said == "0 2 20 3\n"


# ---- ONNX


@pytest.mark.parametrize("which", ["classes by softmax", "one number in"])
def test_a_stage_by_products_is_the_stage(which):
    model = MODELS[which]()
    stage = model.network.features or periodic([("number", 0, 2), ("category", 3, 0), ("number", 0, 1)])
    rng = np.random.default_rng(1)
    p = {name: rng.normal(size=shape) for name, shape in stage.shapes().items()}
    x = rng.normal(size=(7, stage.n_inputs))
    np.testing.assert_allclose(stage.by_products(p, x, np), stage.forward(p, x, np).a, rtol=1e-12, atol=1e-13)


@pytest.mark.slow
def test_onnx_multiplies_once_and_leaves_out_what_nothing_needs():
    onnx = pytest.importorskip("onnx")
    program = Program(MODELS["classes by softmax"]())
    graph = onnx.load_from_string(LANGUAGES["onnx"].content(program)).graph
    used = {name for node in graph.node for name in node.input} | {one.name for one in graph.output}
    assert all(set(node.output) & used for node in graph.node)
    assert len({node.SerializeToString() for node in graph.node}) == len(graph.node)
    members = program.model.members
    counts = [sum(node.op_type == kind for node in graph.node) for kind in ("Cos", "MatMul", "Transpose")]
    # Of each member: angles, embedded numbers, two categories, two layers (a runtime adds their biases at once), the linear path.
    assert counts == [members, 7 * members, 0]


@pytest.mark.slow
@pytest.mark.parametrize("opset", [15, 18, 23])
@pytest.mark.parametrize("which", MODELS)
def test_onnx_of_old_and_new_versions_by_both_judges(which, opset):
    onnx = pytest.importorskip("onnx")
    from chainrule.exports.certificate import certify_export
    from chainrule.exports.run.onnx import run_onnx, run_onnx_reference
    from chainrule.exports.written.onnx_model import write_onnx

    program = Program(MODELS[which]())
    content = write_onnx(program, ["checked"], opset=opset)
    model = onnx.load_from_string(content)
    assert [entry.name for entry in model.graph.input] == [cell.name for cell in program.cells]
    assert {entry.key: entry.value for entry in model.metadata_props}["sha256"] == program.sha256
    assert not {node.op_type for node in model.graph.node} & {
        "Relu",
        "Sigmoid",
        "Softmax",
        "Elu",
        "Selu",
        "Gelu",
    }
    for run in (run_onnx, run_onnx_reference):
        made = certify_export(
            program, lambda rows, run=run: run(program, content, rows), None, double=False,
            made=made_rows(program, 200),
        )  # fmt: skip
        assert made.wrong == ()


def test_onnx_says_how_dates_go_in(tiny):
    from chainrule.exports.written.onnx_model import onnx_usage

    assert any("seconds since 1970-01-01" in line for line in onnx_usage(tiny))

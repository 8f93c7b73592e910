"""Explanations that an export carries: attributions and formulas are those of chainrule on networks made by chance."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from small_models import MODELS, any_models, certificate, small_model
from test_exports import SPECS, needs

from chainrule.equations.dense import Dense
from chainrule.errors import SettingsError
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.derive.derivation import derive
from chainrule.explain.trace.sources import trace_rows
from chainrule.exports.explaining import formula_forms, quantity_graph, slopes_graph, typical_row
from chainrule.exports.export import check_export, explaining, export
from chainrule.exports.program import Program, parameter_slots
from chainrule.exports.reference import run_graph
from chainrule.exports.run.base import ExportError
from chainrule.exports.run.explained import certify_explanations, said_of
from chainrule.exports.run.made_rows import made_rows, table_rows
from chainrule.exports.targets import LANGUAGES
from effort import many

JAVASCRIPT = LANGUAGES["javascript"]


def explained(model, rows=60):
    """The program with explanations, its text, and the table that it explains rows of."""
    table = made_rows(Program(model), rows).table
    program = explaining(Program(model), JAVASCRIPT, table)
    return program, JAVASCRIPT.content(program), table


def test_slopes_are_those_that_attributions_are_made_of():
    model = MODELS["classes by softmax"]()
    program, table = Program(model), made_rows(Program(model), 30).table.take(np.arange(30))
    x, chosen = model.encoder.transform(table), np.eye(4)[[2] * 30]
    from chainrule.explain.attribute.outcome import outcome_of

    outcome = outcome_of(model, x[0], label="z\\")
    q = run_graph(quantity_graph(program, "probability"), {"outputs": outcome.outputs(x), "chosen": chosen})[
        "quantity"
    ]
    np.testing.assert_array_equal(q[:, 0], outcome.values(x))
    (group,) = program.groups
    total = 0.0
    for flat in np.asarray(group.parameters, np.float64):
        own = {n: flat[s.start : s.stop].reshape(s.shape) for n, s in parameter_slots(group).items()}
        graph = slopes_graph(group, rows=30)
        total = total + run_graph(graph, {"x": x, "y": q[:, 1:], **own})["slopes"] / group.members
    np.testing.assert_allclose(total, outcome.gradients(x), rtol=1e-12, atol=1e-15)


def test_forms_are_the_formulas_of_explain():
    model = MODELS["a number"]()
    program = Program(model)
    forms = dict(formula_forms(program, 1))
    assert forms["z[1]"][1].formula == "Σ_1 + b[1][2]"
    assert forms["z[2]"][0].formula == "scale[2]*Σ_1 + b[2][1]"
    assert forms["z[2]"][0].sums[0][3] == "W[2][4,1]*a[1][4]"
    assert forms["mean_a"][0].sums[0][0].endswith("*a[3][1]@member=1")


@pytest.mark.slow
@pytest.mark.parametrize("which", MODELS)
def test_each_kind_of_model_explains_itself(which):
    needs("javascript")
    program, content, table = explained(MODELS[which]())
    found = certify_explanations(program, content, table)
    assert found.wrong == ()
    assert found.attributed < 1e-4
    assert certificate(program.model, "javascript", 150, content).wrong == ()


@pytest.mark.slow
@settings(max_examples=many(15))
@given(any_models(15, SPECS, columns=("width", "island", "code", "wet")))
def test_any_small_model_explains_itself_as_chainrule_does(model):
    needs("javascript")
    table = model.table(
        {
            "width": [1.5, None, 2.0],
            "island": ["u", "v", "v"],
            "code": ["1", "2", "7"],
            "wet": [True, False, None],
        }
    )
    program = explaining(Program(model), JAVASCRIPT, table)
    cells = table_rows(program, table).cells
    asked = [{"row": cells[0], "member": model.members, "asked": [{}]}]
    (said,) = said_of(JAVASCRIPT.content(program), asked)
    right = integrated_gradients(model, table, 0)
    assert said["attributions"][0]["quantity"] == right.quantity
    # The way itself may be cut elsewhere, by rounding; both are then within the tolerance.
    found = [share["value"] for share in said["attributions"][0]["columns"]]
    np.testing.assert_allclose(
        found, [share.value for share in right.columns], rtol=1e-6, atol=2 * right.tolerance
    )
    trace = trace_rows(model, table, 1, model.members)
    for line in said["formulas"]:
        own = derive(trace, line["address"]).lines[-1]
        assert math.isclose(line["result"], own.result, rel_tol=1e-9, abs_tol=1e-12)
        if "rest" not in own.values:
            assert line["formula"] == own.text
        else:
            # Of equal terms another may be shown.
            assert len(re.findall(r" \+ ", line["formula"])) == len(re.findall(r" \+ ", own.text))


@pytest.mark.slow
def test_an_export_explains_and_says_so(tmp_path):
    needs("javascript")
    model = MODELS["two classes of one output"]()
    _, _, table = explained(model, 20)
    made = export(model, path=tmp_path / "m.mjs", explain=table)
    assert "Explanations checked on 5 rows" in made.words[-1]
    text = made.text.replace("\n// ", " ")
    assert "It explains its answers:" in text
    assert "most frequent levels of a table" in text
    assert "eval(" not in text
    assert check_export(tmp_path / "m.mjs", model, table).passed
    broken = made.text.replace('"W[1][%,#]*', '"W[1][#,#]*')
    assert broken != made.text
    (tmp_path / "m.mjs").write_text(broken)
    assert not check_export(tmp_path / "m.mjs", model, table).passed
    with pytest.raises(SettingsError, match="explain: only javascript carries explanations, not python"):
        export(model, "python", explain=table)


@pytest.mark.slow
def test_it_is_checked_on_a_table_with_other_frequent_levels(tmp_path):
    """The typical row is that of the table of the export, whatever the levels of the one that it is checked on."""
    needs("javascript")
    model = MODELS["several labels"]()
    table = made_rows(Program(model), 40).table
    (category,) = [column for column in model.encoder.columns if column.kind == "category"][:1]
    cells = table.text(category.name).to_list()
    for level in category.levels[:2]:
        own = table.take([i for i, cell in enumerate(cells) if cell == level][:3])
        made = export(model, "javascript", explain=own)
        (tmp_path / "m.mjs").write_bytes(made.content)
        assert check_export(tmp_path / "m.mjs", model, table.take(range(6))).passed


FAULTS = {
    "a slope with another sign": lambda text: re.sub(r"(slopes1\(.*\(mean\[j\] \+= )", r"\1-", text),
    "a weight in another's place": lambda text: text.replace('"W[1][%,#]*x[%]"', '"W[1][1,#]*x[%]"'),
    "a bias left out": lambda text: text.replace(" + b[1][#]", ""),
    "another typical row": lambda text: text.replace("const TYPICAL = [", "const TYPICAL = [9 + "),
    "no halves": lambda text: text.replace("* width * step[i]", "* width"),
    "a logit of another member": lambda text: text.replace("nets.firsts?.(inputs)", "ALL.firsts(inputs)"),
    "a logit without its other share": lambda text: text.replace("(1.0 / outputs[0]) + (1.0 / firsts[0])", "1.0 / outputs[0]"),
    "one network's slopes by another": lambda text: text.replace("group.slopes(x, p, y)", "group.slopes(x, group.members[0], y)"),
    "another middle": lambda text: text.replace("first, middle)", "first, last)"),
    "a way that is cut too early": lambda text: text.replace("unsure <= allowed", "unsure <= 1e3 * allowed"),
    "the other class": lambda text: text.replace("several || c ? 1 : -1", "several || c ? -1 : 1"),
    "numbers before they are filled in": lambda text: text.replace("v: unscaled(read)", "v: read"),
    "another network's numbers": lambda text: text.replace("group.members[k]", "group.members[0]"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_explanations_is_found(fault):
    needs("javascript")
    model = small_model("sold", Dense(4, "tanh"), Dense(1, "sigmoid"), loss="binary_cross_entropy", members=2)
    program, content, table = explained(model)
    right = content.decode().replace("MOST_POINTS = 200000", "MOST_POINTS = 3000")
    wrong = FAULTS[fault](right)
    assert wrong != right
    assert certify_explanations(program, wrong.encode(), table).wrong


@pytest.mark.slow
def test_a_fault_in_explanations_stops_an_export(tmp_path, monkeypatch):
    needs("javascript")
    model = MODELS["one number in"]()
    table = made_rows(Program(model), 20).table
    right = JAVASCRIPT.content(replace(Program(model), typical=typical_row(model, table))).decode()
    wrong = right.replace("width * step[i]", "width").replace("MOST_POINTS = 200000", "MOST_POINTS = 3000")
    broken = replace(JAVASCRIPT, write=lambda *_: wrong, rows=100)
    monkeypatch.setitem(LANGUAGES, "javascript", broken)
    with pytest.raises(ExportError, match="the attributions of size differ by"):
        export(model, "javascript", tmp_path / "a.mjs", explain=table)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_is_not_there_is_a_type_error():
    needs("javascript")
    model = MODELS["one number in"]()
    _, content, table = explained(model, 20)
    row = table_rows(Program(model), table).cells[0]
    options = [{"target": "no"}, {"baseline": {"no": 1}}, {"of": "logit"}, {"member": 2}, {"member": 0.5}]
    asked = [{"row": row, "asked": [one]} for one in options] + [{"row": row, "member": 2, "asked": []}]
    said = [one["error"] for one in said_of(content, json.loads(json.dumps(asked)))]
    assert said == [
        'no target "no"', 'no column "no"', "logit is none of units", "there is no network 2", "there is no network 0.5",
        "there is no network 2",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("to", ["javascript", "c"])
def test_layers_of_one_neuron_follow_each_other(to):
    needs(to)
    layers = (Dense(1, "tanh"), Dense(1, "tanh"), Dense(1))
    model = small_model("price", *layers, loss="mean_squared_error", columns=("width",))
    assert certificate(model, to, 50).wrong == ()

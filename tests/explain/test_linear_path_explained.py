"""A model with a linear path: trained, replayed, derived number by number, checked, written, read and described."""

import json

import numpy as np
import pytest
from tests.explain.shown import as_text

import chainrule
from chainrule import Dense, Network
from chainrule.errors import SettingsError
from chainrule.explain.check.certificate import certify
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.symbolic.backprop import derive_backprop_on
from chainrule.explain.show.drawn import drawn_model
from chainrule.explain.show.terminal import document_rows, plain_text
from chainrule.explain.show.text import UNICODE
from chainrule.explain.trace.data import trace_from_json, trace_to_json
from chainrule.explain.trace.sources import trace_rows, trace_steps
from chainrule.explain.trace.steps import trace_network
from chainrule.plots.marks import Curve
from chainrule.reports.description import description_document

N = 90


def table() -> dict[str, list]:
    draws = np.random.default_rng(5)
    u, v, kind = draws.normal(size=N), draws.normal(size=N), draws.choice(list("pqr"), N)
    y = 3 * u - v + 2 * (kind == "p") + 0.4 * np.sin(3 * u) + 0.1 * draws.normal(size=N)
    return {"u": u.tolist(), "v": v.tolist(), "kind": kind.tolist(), "y": y.tolist()}


@pytest.fixture(scope="module")
def trained():
    settings = {"hidden": [5, 4], "recipe": True, "linear_path": True, "members": 2, "epochs": 6}
    return chainrule.train(table(), "y", **settings)


def test_it_learns_what_is_linear_and_more(trained):
    assert trained.model.network.output.linear_path
    assert trained.evaluation.scores["rmse"] < 1.05 * trained.baselines["linear regression"]["rmse"]


ADDRESSES = (
    "z[3][1]", "a[3][1]", "delta[2][2]", "dC/dx[1]", "dC/dx[3]", "dC/dx[5]", "dC/dS[3][1,1]", "dC/dW[1][1,2]", "dC/df[0][1,2]",
    "S_new[3][2,1]", "W_new[3][2,1]", "m_new/dS[3][1,1]",
)  # fmt: skip


def test_every_kind_of_number_is_derived(trained):
    model, rows = trained.model, table()
    trace = trace_steps(model, rows, [3], member=2)
    row = trace.steps[0].rows[1]
    for address in ADDRESSES:
        for place in (address, f"{address}@row={row}"):
            if trace.has(place):
                assert derive(trace, place).ok, place
    for address in ("dC/dS[3][1,1]", "dC/dx[1]", "dC/dx[3]"):
        assert derive(trace, f"{address}@row={row}", form="paths").ok
        assert derive(trace, f"{address}@row={row}", form="recursive").ok
    for whole in ("z[3]", "dC/dS[3]"):
        assert derive(trace, whole).ok
    text = trace_to_json(trace)
    assert trace_to_json(trace_from_json(text)) == text
    shown = as_text(derive(trace, f"z[3][1]@row={row}"))
    assert "plus the linear path: the weighted sum of the inputs" in shown
    words = "the weight of the linear path from input 2 to neuron 1 of layer 3"
    assert words in " ".join(as_text(derive(trace, f"dC/dS[3][2,1]@row={row}")).split())


def test_without_a_stage_the_inputs_have_a_matrix_form_of_both_ways(rng):
    network = Network([2, Dense(3, "tanh"), Dense(2, linear_path=True)])
    p = {n: {k: rng.normal(size=s) for k, s in own.items()} for n, own in network.shapes().items()}
    trace = trace_network(network, p, rng.normal(size=(4, 2)), rng.normal(size=(4, 2)))
    assert derive(trace, "dC/dx").ok
    line = derive(trace, "dC/dx").matrices[-1]
    assert {"S[2]", "W[1]", "delta[1]", "delta[2]"} <= line.operands.keys()
    with pytest.raises(SettingsError, match=r"linear path .* such as dC/dS\[2\]\[1,1\]"):
        derive_backprop_on(network, p, np.ones((1, 2)), np.zeros((1, 2)))


@pytest.mark.slow
def test_it_is_replayed_and_checked(trained):
    model = trained.model
    each = 2  # steps of an epoch: 36 rows of 72 in batches of 32
    last = trace_steps(model, table(), [each * model.card["best_epochs"][0]], member=1).steps[-1]
    np.testing.assert_allclose(last.update.parameters, model.parameters[0], rtol=0, atol=2e-6)
    assert certify(model, table(), n_rows=12).passed


def test_the_file_says_that_it_needs_a_newer_chainrule_and_reads_back(trained, tmp_path):
    trained.model.save(tmp_path / "m.safetensors")
    again = chainrule.load(tmp_path / "m.safetensors")
    assert again.to_dict() == trained.model.to_dict()
    # The recipe's feature stage begins by the rows, which a card tells from version 8 on; the path alone needs 6.
    assert again.to_dict()["model_version"] == 8
    path = chainrule.train(table(), "y", hidden=[3], epochs=2, linear_path=True).model
    assert path.to_dict()["model_version"] == 6
    np.testing.assert_array_equal(again.predict(table()).labels, trained.model.predict(table()).labels)
    plain = chainrule.train(table(), "y", hidden=[3], epochs=2).model
    assert plain.to_dict()["model_version"] == 2
    assert "linear_path" not in json.dumps(plain.to_dict())


def test_it_is_described(trained):
    shown = plain_text(document_rows(description_document(trained.model, "m"), 100, UNICODE))
    shown = " ".join(shown.split())
    assert "a linear path from the inputs to the output" in shown
    assert "S: the linear path, weights from every input straight to every output" in shown


def test_attributions_and_predictions_add_up(trained):
    trace = trace_rows(trained.model, table(), [2])
    assert derive(trace, "prediction").ok


def test_it_is_drawn_as_a_line_below_the_layers(trained):
    chart = drawn_model(trained.model).chart
    (label,) = [mark for mark in chart.marks if getattr(mark, "texts", ()) == ("linear path S[3], 6 × 1",)]
    (line,) = [mark for mark in chart.marks if isinstance(mark, Curve)]
    assert line.x[0] == line.x[1] < label.x[0] < line.x[2] == line.x[3]
    assert line.y[1] == line.y[2] == max(line.y)
    plain = drawn_model(chainrule.train(table(), "y", hidden=[3], epochs=1).model).chart
    assert not [mark for mark in plain.marks if isinstance(mark, Curve)]

"""A third engine is a folder and a row of the registry: the package trains, predicts, explains and replays with it."""

import ast
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.cli import main
from chainrule.engines import REGISTRY, EngineRow, engine_named
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.check.certificate import certify
from chainrule.explain.derive.derivation import derive
from chainrule.explain.trace.sources import trace_rows, trace_steps
from chainrule.fitting.replay import replay

TABLE = {"x": [0.1 * i for i in range(40)], "y": ["no", "yes"] * 20}


def third():
    from tests.engines.third.engine import ThirdEngine

    return ThirdEngine


@pytest.fixture
def calls(monkeypatch):
    from tests.engines.third import engine

    monkeypatch.setitem(REGISTRY, "third", EngineRow("third", third, "a planted one"))
    engine.CALLS.clear()
    return engine.CALLS


def trained(**options):
    options = {"hidden": [4], "epochs": 3, "batch_size": 8, "members": 2, "optimizer": "adam", **options}
    return chainrule.train(TABLE, "y", engine="third", early_stopping=False, **options)


def test_it_trains_and_predicts(calls, tmp_path):
    made = trained()
    assert made.model.engine == "third"
    assert {"start", "train", "predict"} <= set(calls)
    path = tmp_path / "m.safetensors"
    made.model.save(path)
    model = chainrule.load(path)
    calls.clear()
    probabilities = model.predict({"x": [0.0, 3.0]}).probabilities
    assert calls == ["predict"]
    judged = engine_named("reference").predict(
        model.network, model.parameters, model.encoder.transform(model.table({"x": [0.0, 3.0]}))
    )
    np.testing.assert_allclose(probabilities[:, 1], judged.mean(axis=0)[:, -1], rtol=1e-5)
    # Its numbers are its own: float32 after every step.
    assert (model.parameters == model.parameters.astype(np.float32)).all()


@pytest.mark.parametrize("sharing", ["none", "tabm"])
def test_it_replays_to_the_bit(calls, sharing):
    """Before the first step of a third epoch stands what two epochs left, to the last bit."""
    model = trained(sharing=sharing, epochs=3).model
    per_epoch = -(-model.card["rows"]["training"] // 8)
    calls.clear()
    (found,) = replay(model, TABLE, 2 * per_epoch + 1, member=2)
    assert calls == ["start", "train", "train"]
    shorter = trained(sharing=sharing, epochs=2).model
    np.testing.assert_array_equal(found.state.parameters[0], shorter.parameters[1])


def test_its_steps_and_predictions_are_explained(calls):
    model = trained().model
    trace = trace_steps(model, TABLE, [4, 5], member=2)
    assert "train" in calls
    made = derive(trace, "W_new[1][1,2]@step=4")
    assert made.ok
    # The step that is explained leads to the numbers that the engine goes on with, which it rounds.
    np.testing.assert_allclose(
        trace.array("W_new[1]@step=4"), trace.array("W[1]@step=5"), rtol=1e-6, atol=1e-7
    )
    assert derive(trace_rows(model, {"x": [1.0]}, 1), "a[2][1]").ok


def test_it_is_held_against_the_judge(calls):
    model = trained().model
    calls.clear()
    certificate = certify(model, TABLE, checks=["engines"])
    assert set(calls) == {"start", "predict"}
    (check,) = certificate.checks
    assert (check.name, check.passed) == ("third and reference engine", True)
    assert check.compared == len(TABLE["x"][:32]) + 1 + 13


def test_threads_and_names_are_checked_by_the_registry(calls, capsys):
    with pytest.raises(SettingsError, match="the third engine works on one thread"):
        engine_named("third", threads=2)
    with pytest.raises(SettingsError, match="unknown engine 'fourth': choose cpu, reference, third"):
        engine_named("fourth")
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "cpu (the default), reference or third" in " ".join(capsys.readouterr().out.split())


def test_without_its_row_its_models_are_refused(calls, tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    trained().model.save(path)
    monkeypatch.delitem(REGISTRY, "third")
    with pytest.raises(ModelFileError, match="engine"):
        chainrule.load(path)


ENGINES_ROOM = Path(chainrule.__file__).parent / "engines"
FOLDERS = sorted(path.parent.name for path in ENGINES_ROOM.glob("*/engine.py"))


def names_of_engines(source):
    """The modules of an engine's own folder that a source imports."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found += [
            name
            for name in names
            if any(name.startswith(f"chainrule.engines.{folder}") for folder in FOLDERS)
        ]
    return found


def test_nothing_outside_of_the_room_imports_an_engine():
    assert sorted(REGISTRY) == FOLDERS
    outside = [path for path in ENGINES_ROOM.parent.rglob("*.py") if ENGINES_ROOM not in path.parents]
    assert len(outside) > 100
    assert not {str(path): found for path in outside if (found := names_of_engines(path.read_text("utf-8")))}
    assert names_of_engines("def f():\n    from chainrule.engines.cpu import run") == [
        "chainrule.engines.cpu.run"
    ]


def test_one_engine_knows_nothing_of_another():
    for folder in FOLDERS:
        for path in (ENGINES_ROOM / folder).rglob("*.py"):
            named = names_of_engines(path.read_text("utf-8"))
            assert all(name.startswith(f"chainrule.engines.{folder}.") for name in named), path

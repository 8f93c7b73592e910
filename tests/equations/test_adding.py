"""One more record in a registry is all it takes: trained by both engines, kept, predicted, explained, checked, listed."""

import json

import numpy as np
import pytest

import chainrule
from chainrule.cli import main
from chainrule.equations.activations import ACTIVATIONS, Activation
from chainrule.equations.losses import LOSSES, Loss
from chainrule.equations.optimizers import OPTIMIZERS, Optimizer
from chainrule.explain.check.certificate import certify
from chainrule.explain.derive.derivation import derive
from chainrule.explain.trace.sources import trace_steps

TABLE = {"x": [0.1 * i for i in range(40)], "c": ["u", "v"] * 20, "y": [0.05 * i**1.5 for i in range(40)]}

PLANTED = {
    "activation": (ACTIVATIONS, Activation("softsign", "z/(1+abs(z))", "(-1, 1)")),
    "loss": (LOSSES, Loss("pseudo_huber", "sqrt(1+(a-y)^2)-1")),
    "optimizer": (
        OPTIMIZERS,
        Optimizer(
            "sign_momentum",
            (("m", "beta*m + (1-beta)*g"), ("w", "w - eta*sign(m)")),
            ("m",),
            {"beta": 0.8},
            learning_rate=0.02,
        ),
    ),
}


@pytest.mark.parametrize("engine", ["cpu", "reference"])
@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_record_works_everywhere(kind, engine, monkeypatch, tmp_path, capsys):
    registry, record = PLANTED[kind]
    words = {"hidden": [4], "epochs": 3, "batch_size": 8, "members": 1, "engine": engine, kind: record.name}
    with pytest.raises(chainrule.ChainruleError, match=f"unknown {kind} '{record.name}'"):
        chainrule.train(TABLE, "y", **words)

    monkeypatch.setitem(registry, record.name, record)
    model = chainrule.train(TABLE, "y", **words).model
    path = tmp_path / "planted.safetensors"
    model.save(path)
    again = chainrule.load(path)
    np.testing.assert_array_equal(again.predict(TABLE).labels, model.predict(TABLE).labels)

    trace = trace_steps(again, TABLE, 3)
    for address in (f"a[1][2]@row={trace.steps[0].rows[0]}", "dC/dW[1][1,2]", "W_new[2][1,1]"):
        derivation = derive(trace, address)
        assert derivation.ok
        assert derivation.checks
    assert certify(again, TABLE, sample=20, n_rows=6).passed

    capsys.readouterr()
    main(["formulas", f"{kind}{'es' if kind == 'loss' else 's'}"])
    assert record.name in capsys.readouterr().out
    main(["describe", str(path), "--json"])
    assert record.name in json.dumps(json.loads(capsys.readouterr().out))

"""A new kind of layer, planted before anything of explain is loaded: run as a program by `equations/test_layers.py`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from chainrule.equations.dense import Dense, LayerRecord, Parameter
from chainrule.equations.layers import KINDS
from chainrule.formula.nodes import Binary, Node, Symbol
from chainrule.model.group import Group


@dataclass(frozen=True, init=False)
class Scale(Dense):
    """Each number that enters, times a factor of its own: z[j] = k[j] h[j] + b[j]."""

    kind: ClassVar[str] = "scale"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "k", "j", "factor", "a factor", "j", "what enters, times its factor", "what enters", start=1.0
        ),
        *Dense.parameters[1:],
    )

    def shapes(self, n_in: int) -> dict[str, tuple[int, ...]]:
        shapes = super().shapes(n_in)
        return {"k": (self.n_out,)} | {name: shapes[name] for name in shapes if name != "W"}

    def weighted_sum(self, p: Mapping[str, Any], h: Any, xp: Any) -> Any:
        z = h * xp.expand_dims(p["k"], axis=-2)
        return z + xp.expand_dims(p["b"], axis=-2) if "b" in p else z

    def by_parameters(self, h: Any, record: LayerRecord, da: Any, delta: Any, xp: Any) -> dict[str, Any]:
        rest = super().by_parameters(h, record, da, delta, xp)
        return {"k": xp.sum(h * delta, axis=-2)} | {name: rest[name] for name in rest if name != "W"}

    def by_entering(self, p: Mapping[str, Any], delta: Any, xp: Any) -> Any:
        return delta * xp.expand_dims(p["k"], axis=-2)

    def weights(self, p: Mapping[str, Any]) -> Any:
        return np.diag(p["k"])

    def formulas(self, number: int, entering: Symbol, n_in: int) -> tuple[Node, Node]:
        own: Node = Binary("⊙", entering, Symbol(f"k[{number}]"))
        return Binary("+", own, Symbol(f"b[{number}]")), super().formulas(number, entering, n_in)[1]


KINDS["scale"] = Scale  # type: ignore[index]


def main(folder: str) -> None:
    """Train, save, load, predict, explain, check and show networks with the planted kind."""
    import chainrule
    from chainrule import Network
    from chainrule.engines.base import Data, StepSettings
    from chainrule.engines.cpu.engine import CpuEngine
    from chainrule.engines.reference.engine import ReferenceEngine
    from chainrule.equations.optimizers import optimizer
    from chainrule.equations.sharing import tabm_shapes
    from chainrule.errors import SettingsError
    from chainrule.explain.check.certificate import certify
    from chainrule.explain.derive.derivation import derive
    from chainrule.explain.derive.walk import walk, walk_step
    from chainrule.explain.diagnose.diagnosis import diagnose
    from chainrule.explain.show.network import network_latex
    from chainrule.explain.trace.data import trace_from_json, trace_to_json
    from chainrule.explain.trace.steps import trace_network
    from chainrule.formula.text import text
    from chainrule.training.initial import initial_parameters

    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3))
    y = np.stack([x.sum(axis=1), x[:, 0] * x[:, 1]], axis=1)
    data, adam = Data(x, y, np.arange(20), np.arange(0)), StepSettings(optimizer("adam"), 20)
    for layers, n in (
        ([3, Dense(4, "tanh"), Scale(4, "sigmoid"), Dense(2)], 2),
        ([3, Scale(3, "tanh", dropout=0.2), Dense(2, "tanh", mix=True), Scale(2)], 1),
    ):
        network = Network(layers)
        assert Network.from_dict(network.to_dict()) == network
        flat = initial_parameters(network, 1, 0)
        run = ReferenceEngine().start(network, flat, data, adam)
        losses = [run.train_epoch(epoch, np.array([0.05]), [0]).losses[0] for epoch in range(100)]
        assert losses[-1] < losses[0] / 3
        with pytest.raises(SettingsError, match=f"layer {n} is of kind scale"):
            CpuEngine(np.float64, 1).start(network, flat, data, adam)
        with pytest.raises(SettingsError, match=f"layer {n} is of kind scale"):
            tabm_shapes(network, 2)
        trace = trace_network(network, run.parameters[0], x[:3], y[:3], settings=adam)
        gradients = [
            f"dC/dk[{n}][2]",
            f"dC/dk[{n}][2]@row=2",
            f"dC/db[{n}][1]",
            "dC/dx[2]@row=1",
            "delta[1][1]@row=1",
        ]
        for address in [*gradients, f"z[{n}][2]@row=1", f"k_new[{n}][1]", f"v/dk[{n}][1]"]:
            for form in ("short", "paths", "recursive") if address in gradients else ("short",):
                assert derive(trace, address, form=form).ok, (address, form)
        for whole in (f"z[{n}]", f"dC/dk[{n}]", f"dC/db[{n}]", "delta[1]", "dC/dx"):
            assert derive(trace, whole).ok, whole
        before = "a[1][2]" if n == 2 else "x[2]"
        line = derive(trace, f"z[{n}][2]@row=1").lines[-1]
        assert text(line.symbols) == f"k[{n}][2]*{before}@row=1 + b[{n}][2]"
        assert line.rule == "what enters, times its factor, plus the bias"
        paths = derive(trace, f"dC/dk[{n}][2]@row=1", form="paths").lines
        # Through a layer that scales there is one way on from each neuron.
        assert len(paths) == 3
        assert walk(trace, row=1).ok
        assert walk_step(trace).ok
        assert f"k^{{({n})}}" in network_latex(network)
        assert trace_from_json(trace_to_json(trace))[f"dC/dk[{n}][2]"] == trace[f"dC/dk[{n}][2]"]
        made = certify(network, parameters=run.parameters[0], x=x, y=y)
        assert made.passed
        skipped = [check.name for check in made.checks if check.skipped]
        assert skipped == ["50-digit arithmetic", "cpu and reference engine"]
    table = {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "y": y[:, 0].tolist()}
    model = chainrule.train(table, "y", hidden=[4], members=1, epochs=2, engine="reference").model
    network = Network([model.network.n_inputs, Scale(model.network.n_inputs, "tanh"), Dense(1)])
    model = replace(model, groups=(Group(network, initial_parameters(network, 1, 0)),))
    model.save(f"{folder}/scale.safetensors")
    again = chainrule.load(f"{folder}/scale.safetensors")
    assert again.network == network
    assert np.array_equal(again.predict(table).labels, model.predict(table).labels)
    assert certify(again, table).passed
    diagnose(again, table)


if __name__ == "__main__":
    main(sys.argv[1])

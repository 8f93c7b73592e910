"""A studio with canned answers, for tests of the server: it speaks the protocol and computes nothing.

``python tests/studio/fake_studio.py [PORT]`` serves the page with it.
"""

import base64
import sys
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import SettingsError
from chainrule.studio.protocol.nested import nested

SIZES = (2, 2, 2)
NAMES = (("weight", "height"), ("", ""), ("yes", "no"))


def packed(values: Any) -> dict[str, Any]:
    array = np.asarray(values, dtype="<f8")
    return {
        "dtype": "float64",
        "shape": list(array.shape),
        "base64": base64.b64encode(array.tobytes()).decode(),
    }


def drawn() -> dict[str, Any]:
    neurons, edges = [], []
    for layer, size in enumerate(SIZES):
        for index in range(1, size + 1):
            name = f"a[{layer}][{index}]" if layer else f"x[{index}]"
            hidden = (
                {"z": f"z[{layer}][{index}]", "bias": f"b[{layer}][{index}]"}
                if layer
                else {"z": None, "bias": None}
            )
            neurons.append({"address": name, "layer": layer, "index": index, "x": 100.0 + 300 * layer,
                            "y": 80.0 + 160 * (index - 1),
                            "name": NAMES[layer][index - 1],
                            **hidden})  # fmt: skip
    for layer in (1, 2):
        for i in range(2):
            edges += [[2 * (layer - 1) + i, 2 * layer + j, f"W[{layer}][{i + 1},{j + 1}]"] for j in range(2)]
    layers = [{"number": k, "title": ("inputs", "layer 1", "answer")[k], "size": 2, "x": 100.0 + 300 * k,
               "formula": "" if not k else "1 / (1 + exp(-z))", "hidden": 0} for k in range(3)]  # fmt: skip
    return {"width": 800, "height": 320, "radius": 22.0, "layers": layers, "neurons": neurons,
            "edges": {"drawn": len(edges), "of": len(edges), "list": edges}, "blocks": [], "more": []}  # fmt: skip


class FakeStudio:
    """Counts where it was told to go to, and draws numbers that say so."""

    def __init__(self, publish: Any) -> None:
        self.publish = publish
        self.asked: list[Mapping[str, Any]] = []
        self.driver: str | None = None
        self.t = 0
        self.seq = 0
        self.playing = False
        self.closed = threading.Event()
        publish("hello", self.hello())
        publish("status", {"phase": "ready", "words": "ready"})
        self.tell()

    def tell(self) -> None:
        self.seq += 1
        self.publish("frame", self.frame())

    def hello(self) -> dict[str, Any]:
        field = {
            "name": "learning_rate",
            "label": "learning rate",
            "kind": "number",
            "value": 0.5,
            "unset": "",
            "help": "the step",
        }
        return {
            "protocol": 1, "version": "0", "title": "a fake", "generation": 1,
            "source": {"kind": "lesson", "name": "fake", "rows": 2, "command": None},
            "columns": [{"name": "weight", "kind": "number", "gaps": 0, "used": True, "why": "", "note": ""}],
            "target": {"names": ["answer"], "task": "classification", "classes": ["yes", "no"]},
            "rows": {"training": 2, "validation": 0, "test": 0, "numbers": [1, 2]},
            "form": [{"group": "training", "fields": [field]}], "network": drawn(), "cells": True,
            "grains": ["term", "neuron", "layer", "pass", "update", "epoch"],
            "notations": [{"name": "ours", "title": "chainrule"}],
            "members": 1, "steps_per_epoch": 1, "epochs": 100, "unit": "", "limits": {}, "notes": [],
        }  # fmt: skip

    def frame(self) -> dict[str, Any]:
        rng = np.random.default_rng(self.t)
        neurons = {name: packed(rng.normal(size=6)) for name in ("a", "z", "delta", "slope")}
        arrays = {"neurons": neurons, **{kind: {name: packed(rng.normal(size=count)) for name in ("weight", "gradient", "change")}
                  for kind, count in (("edges", 8), ("biases", 4))}}  # fmt: skip
        place = {"pass": "forward", "layer": 1, "neuron": 1, "term": 1, "index": self.t, "of": 100}
        stage = {
            "title": "the sum of neuron 1", "said": "Each input times its weight.", "lit": ["z[1][1]", "x[1]", "W[1][1,1]"],
            "terms": [{"address": "W[1][1,1]",
                       "factors": [["x[1]", 0.05], ["W[1][1,1]", 0.15]], "product": 0.0075, "done": True}],
            "rest": None, "sum": {"address": "z[1][1]", "so_far": 0.0075, "value": 0.3775, "done": False},
            "nodes": nested('<p class="line">z = <b>0.3775</b></p>'), "curve": None,
        }  # fmt: skip
        return {
            "seq": self.seq, "generation": 1, "t": self.t, "frontier": 100, "updates": 100, "epoch": self.t,
            "steps_per_epoch": 1,
            "phase": "training" if self.playing else "paused", "playing": self.playing, "direction": 1, "speed": 4.0,
            "grain": "term", "driver": self.driver, "member": 1, "notation": "ours", "row": 1, "row_in_batch": 1,
            "batch": {"size": 2, "rows": [1, 2]},
            "eta": 0.5, "cost": 0.25, "cost_new": 0.24, "row_loss": 0.3,
            "answer": {"words": "yes", "value": "yes", "truth": "no", "right": False, "each": [{"name": "yes", "value": 0.7}]},
            "cells": [{"column": "weight", "cell": "<b>5</b>", "steps": [{"words": "5 kg"}], "inputs": ["x[1]"]}],
            "place": place, "stage": stage, "arrays": arrays,
        }  # fmt: skip

    def command(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(asked)
        if asked["do"] == "take_over":
            self.driver = asked["client"]
        elif asked["client"] != self.driver:
            return {"problem": "another window steers; take over there first"}
        if asked["do"] == "step":
            self.t += asked["by"]
        elif asked["do"] == "seek":
            self.t = asked["t"]
        elif asked["do"] == "build":
            raise SettingsError("the fake\n builds nothing")
        elif asked["do"] in ("play", "pause"):
            self.playing = asked["do"] == "play"
        self.tell()
        return {"ok": True}

    def may(self, what: str, query: Mapping[str, Any]) -> None:
        pass

    def number(self, query: Mapping[str, Any]) -> dict[str, Any]:
        nodes = nested("<math><mi>z</mi><mo>=</mo><mn>1</mn></math>")
        return {"address": query["address"], "title": "a number", "value": 1.0, "nodes": nodes, "ok": True}

    def picture(self, query: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "title": query["kind"],
            "nodes": nested('<svg viewBox="0 0 9 9"></svg>'),
            "table": nested("<table></table>"),
        }

    def plane(self, query: Mapping[str, Any]) -> dict[str, Any]:
        raise SettingsError("no plane here")

    def mountain(self, query: Mapping[str, Any]) -> dict[str, Any]:
        raise SettingsError("no mountain here")

    def take(self, what: str) -> tuple[str, str, bytes]:
        if what == "model":
            return "fake.safetensors", "application/octet-stream", b"\x00\x01"
        return f"{what}.txt", "text/plain", f"chainrule {what}".encode()

    def close(self) -> None:
        self.closed.set()


if __name__ == "__main__":
    from chainrule.studio.web.assets import assets
    from chainrule.studio.web.server import Server

    server = Server(FakeStudio, assets(), int(sys.argv[1]) if len(sys.argv) > 1 else None)
    server.start()
    print(server.address(), flush=True)
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()

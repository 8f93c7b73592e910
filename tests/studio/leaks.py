"""Looks for a number in all that a page was told: in JSON, in packed arrays, in texts; and asks for all that a page can ask."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.studio.protocol.messages import QUERIES
from chainrule.studio.studio import Studio

NUMBER = re.compile(r"[-−]?\d+\.\d+(?:e[-−]?\d+)?")
FEWEST = 5
"""The digits that a number must have to be told from another by chance."""


def numbers_in(data: Any) -> Iterator[tuple[str, float]]:
    """Yield every number in data, as it is written and as it is; of texts those with a point."""
    if isinstance(data, bool) or data is None:
        return
    if isinstance(data, int | float):
        yield repr(data), float(data)
    elif isinstance(data, str):
        for found in NUMBER.findall(data):
            yield found, float(found.replace("−", "-"))
    elif isinstance(data, Mapping):
        if {"dtype", "shape", "base64"} <= set(data):
            kind = {"float64": "<f8", "float32": "<f4"}.get(data["dtype"])
            if kind is not None:
                for value in np.frombuffer(base64.b64decode(data["base64"]), kind).tolist():
                    yield repr(value), value
            return
        for item in data.values():
            yield from numbers_in(item)
    elif isinstance(data, Iterable):
        for item in data:
            yield from numbers_in(item)


def digits_of(text: str) -> int:
    """Return how many digits of a written number count."""
    mantissa = re.split("e", text.lstrip("-−"))[0]
    return len(mantissa.replace(".", "").strip("0"))


def tells(data: Any, truth: float) -> str:
    """Return the number in data that is the truth, "" where there is none; numbers of few digits say nothing."""
    if not math.isfinite(truth) or digits_of(f"{truth:.17g}") < FEWEST:
        return ""
    for written, value in numbers_in(data):
        if abs(value - truth) <= 1e-9 * abs(truth):
            return written
        many = digits_of(written)
        if many >= 4 and f"{truth:.{many}g}" == f"{value:.{many}g}" and abs(value) < 1e15:
            return written
    return ""


def kinds_of(query: str, field: str) -> list[str]:
    """Return what a field of a query may say."""
    return re.findall(r'"(\w+)"', QUERIES[query][field])


def all_that_can_be_asked(studio: Studio) -> list[Any]:
    """Return the answers to all that a page can ask where it stands, and the frames of all places that it can go to."""
    found: list[Any] = [studio.hello(), studio.frame(), studio.curve()]
    network = studio.hello()["network"]
    addresses = [one[key] for one in network["neurons"] for key in ("address", "z", "bias") if one[key]]
    addresses += [edge[2] for edge in network["edges"]["list"]]
    addresses += [f"dC/d{name}" for name in addresses if name.startswith(("W", "b"))]
    addresses += [name.replace("[", "_new[", 1) for name in addresses if name.startswith(("W", "b"))]
    addresses += [f"delta{name[1:]}" for name in addresses if name.startswith("z")]
    addresses += ["C", "C_new", "loss", "loss_new", "eta"]
    queries: list[tuple[str, dict[str, Any]]] = [
        ("number", {"address": name, "form": form}) for name in addresses for form in ("short", "paths")
    ]
    t = studio.frame()["t"]
    queries += [("number", {"address": name, "t": t + 1}) for name in ("C", *addresses[:6])]
    queries += [
        ("picture", {"kind": kind}) for kind in ("curves", "gradients", "score", "confusion", "residuals")
    ]
    queries += [("picture", {"kind": "curves", "t": t + 1}), ("plane", {}), ("mountain", {})]
    queries += [("take", {"what": what}) for what in ("model", "command", "python")]
    for name, query in queries:
        try:
            studio.may(name, query)
            answer = getattr(studio, name)(query["what"] if name == "take" else query)
        except (ChainruleError, AttributeError, KeyError, TypeError):
            continue
        found.append(answer if name != "take" else answer[2].decode("utf-8", "replace"))
    for grain, by in (("pass", 1), ("neuron", 1), ("term", 1), ("update", 1), ("epoch", 1)):
        for _ in range(12):
            if "problem" in studio.command({"do": "step", "grain": grain, "by": by}):
                break
            found.append(studio.frame())
        studio.command({"do": "seek", "t": t})
    found += [studio.command({"do": do, **words}) for do, words in FORBIDDEN]
    found.append(studio.frame())
    return found


FORBIDDEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("train", {}),
    ("run_to", {"t": 5}),
    ("play", {"grain": "epoch", "speed": 0, "direction": 1}),
    ("edit", {"edits": [{"kind": "number", "address": "W[1][1,1]", "value": 0.5}]}),
    ("build", {"settings": {}}),
    ("open_test", {}),
)
"""Commands that would lead behind what is withheld."""

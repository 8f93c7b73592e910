"""Frames, explanations and pictures packed for a file that is mailed: what changes from frame to frame, deflated in pieces.

A piece is deflated text of JSON in base64. Numbers are kept bit by bit: those of a frame as the exclusive or with the same of
the frame before, byte planes together, so that what is alike takes no room. `page/lines/packed.js` undoes it.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._types import IntArray

Frame = Mapping[str, Any]

LEVEL = 6
"""How hard a piece is deflated: more takes four times as long for a twentieth less."""

LONGEST_PIECE = 48
"""The most frames of a piece, of which the first is whole."""

NODES_PIECE = 120_000
"""About the letters of a piece of explanations."""


def piece_of(data: Any) -> str:
    """Return plain data as a piece."""
    return _deflated(_text_of(data))


def _text_of(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _deflated(text: str) -> str:
    return b64encode(zlib.compress(text.encode(), LEVEL)).decode("ascii")


def data_of(piece: str) -> Any:
    """Return what a piece holds.

    >>> data_of(piece_of({"a": [1, None]}))
    {'a': [1, None]}
    """
    return json.loads(zlib.decompress(b64decode(piece)))


class NodePool:
    """Explanations as nested lists, each kept once and called by its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []

    def number(self, nodes: Any) -> int:
        """Return the number of nodes, which are taken in where they are new."""
        text = _text_of(nodes)
        if text not in self._numbers:
            self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return self._numbers[text]

    def pieces(self) -> list[tuple[int, str]]:
        """Return the pieces with the number of the first in each."""
        made: list[tuple[int, str]] = []
        begin, size = 0, 0
        for number, text in enumerate(self._texts):
            size += len(text)
            if size > NODES_PIECE or number + 1 == len(self._texts):
                made.append((begin, _deflated(f"[{','.join(self._texts[begin : number + 1])}]")))
                begin, size = number + 1, 0
        return made


class FramePieces:
    """Frames one after the other, each as what differs from the one before."""

    def __init__(self, nodes: NodePool) -> None:
        self.pieces: list[str] = []
        self.places: list[tuple[int, int]] = []
        """Of each frame the number of its piece, and its place in it."""
        self._nodes = nodes
        self._open: list[Any] = []
        self._before: dict[str, Any] = {}

    @property
    def bytes(self) -> int:
        """The letters of the pieces that are closed."""
        return sum(map(len, self.pieces))

    def add(self, frame: Frame) -> int:
        """Take a frame in, and return its number."""
        if len(self._open) == LONGEST_PIECE:
            self.close()
        flat = self._flat(frame)
        changed = {
            path: _packed(value, self._before.get(path)) if _is_packed(value) else value
            for path, value in flat.items()
            if path not in self._before or self._before[path] != value
        }
        gone = [path for path in self._before if path not in flat]
        self._open.append([changed, gone] if gone else [changed])
        self._before = flat
        self.places.append((len(self.pieces), len(self._open) - 1))
        return len(self.places) - 1

    def close(self) -> None:
        """Close the piece; the next frame begins another."""
        if self._open:
            self.pieces.append(piece_of(self._open))
        self._open, self._before = [], {}

    def _flat(self, frame: Frame) -> dict[str, Any]:
        """Return a frame with the numbers of its arrays by their paths, and its explanations by their numbers."""
        flat = {name: value for name, value in frame.items() if name not in ("arrays", "stage")}
        stage = frame.get("stage")
        if stage is not None:
            # Of a long sum what changes from term to term is little: each of its parts by itself.
            flat |= {
                f"stage.{name}": value for name, value in stage.items() if name not in ("nodes", "curve")
            }
            flat["stage.nodes"] = {"$": self._nodes.number(stage["nodes"])}
            curve = stage["curve"]
            flat["stage.curve"] = (
                None if curve is None else {"nodes": {"$": self._nodes.number(curve["nodes"])}}
            )
        else:
            flat["stage"] = None
        for group, arrays in frame["arrays"].items():
            flat |= {f"arrays.{group}.{name}": packed for name, packed in arrays.items()}
        return flat


def _is_packed(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"dtype", "shape", "base64"}


def _packed(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an array's bytes against those before, byte planes together."""
    own: IntArray = np.frombuffer(b64decode(now["base64"]), np.uint8)
    size = {"float64": 8, "float32": 4}.get(now["dtype"], 1)
    like = before is not None and (before["dtype"], before["shape"]) == (now["dtype"], now["shape"])
    told = {} if like else {"dtype": now["dtype"], "shape": now["shape"]}
    if like:
        assert before is not None
        own = own ^ np.frombuffer(b64decode(before["base64"]), np.uint8)
    planes = own.reshape(-1, size).T.tobytes()
    return {**told, "x": b64encode(planes).decode("ascii")}

"""ONNX Runtime: predictions of the same network as an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.cases import Array, Parameters
from benchmarks.peers.base import Predictor
from chainrule.engines.threads import thread_count

CHUNK = 5000


def model_of(sizes: Sequence[int], parameters: Parameters) -> bytes:
    """Return the network as an ONNX model: Gemm and Relu for each layer, Softmax at the end."""
    nodes, arrays, name = [], [], "x"
    for number, (w, b) in enumerate(parameters, 1):
        arrays += [numpy_helper.from_array(w, f"w{number}"), numpy_helper.from_array(b, f"b{number}")]
        nodes.append(helper.make_node("Gemm", [name, f"w{number}", f"b{number}"], [f"z{number}"]))
        last = number == len(parameters)
        name = "y" if last else f"a{number}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{number}"], [name]))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", sizes[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", sizes[-1]])],
        arrays,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return bytes(model.SerializeToString())


def session_of(sizes: Sequence[int], parameters: Parameters, threads: int) -> onnxruntime.InferenceSession:
    """Return a session on the processor with so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model_of(sizes, parameters), options, providers=["CPUExecutionProvider"]
    )


class _Predictor(Predictor):
    def __init__(
        self, sizes: Sequence[int], parameters: Parameters, threads: int, chunk: int | None = None
    ) -> None:
        self.session = session_of(sizes, parameters, threads)
        self.chunk = chunk
        self.variant = "session.run" if chunk is None else f"{chunk} rows at a time"

    def __call__(self, rows: Any) -> Any:
        if self.chunk is None:
            return self.session.run(None, {"x": rows})[0]
        parts = range(0, len(rows), self.chunk)
        return np.concatenate([self.session.run(None, {"x": rows[at : at + self.chunk]})[0] for at in parts])


class _Bound(Predictor):
    """Input and output bound once; each row is copied into the input."""

    variant = "io_binding"

    def __init__(self, sizes: Sequence[int], parameters: Parameters) -> None:
        self.session = session_of(sizes, parameters, 1)
        self.input = np.zeros((1, sizes[0]), np.float32)
        self.output = np.zeros((1, sizes[-1]), np.float32)
        self.binding = self.session.io_binding()
        for bind, name, array in (
            (self.binding.bind_input, "x", self.input),
            (self.binding.bind_output, "y", self.output),
        ):
            bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def __call__(self, rows: Any) -> Any:
        self.input[:] = rows
        self.session.run_with_iobinding(self.binding)
        return self.output.copy()

    def result(self, output: Any) -> Array:
        return np.asarray(output)


def batch_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return the whole table at once and in chunks, on all threads."""
    return [_Predictor(sizes, parameters, thread_count(), chunk) for chunk in (None, CHUNK)]


def row_predictors(sizes: Sequence[int], parameters: Parameters) -> list[Predictor]:
    """Return session.run and bound arrays, on one thread."""
    return [_Predictor(sizes, parameters, 1), _Bound(sizes, parameters)]

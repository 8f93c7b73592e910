"""torch.compile: forward, loss and backward compiled by Inductor to C++, fused Adam behind it."""

from __future__ import annotations

import os

# One process compiles: idle helpers are none, and the measurements that follow have the processor for themselves.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import torch  # after the setting that it reads

from benchmarks.cases import CaseData, TrainingCase
from benchmarks.peers.base import Trainer
from benchmarks.peers.pytorch import EagerTrainer, thread_counts
from benchmarks.timing import AbsentError


class _Trainer(EagerTrainer):
    def __init__(self, case: TrainingCase, data: CaseData, threads: int) -> None:
        super().__init__(case, data, threads)
        self.loss = torch.compile(self._loss, fullgraph=True, dynamic=False)
        self.compiled = False

    def train(self, epochs: int) -> None:
        if self.compiled:
            super().train(epochs)
            return
        try:
            super().train(epochs)
        except RuntimeError as error:  # what Dynamo and Inductor raise, as where there is no C++ compiler
            lines = [line for line in str(error).splitlines() if line.strip()]
            reason = lines[0] if lines else "no reason given"
            raise AbsentError(f"can't compile: {type(error).__name__}: {reason}"[:300]) from error
        self.compiled = True


def trainers(case: TrainingCase, data: CaseData) -> list[Trainer]:
    """Return the compiled loop on one thread and on all."""
    if case.members > 1:
        raise AbsentError("measured with one member only")
    # Each of our functions is compiled for its case and threads; without this the limit on recompiling a function is reached.
    torch.compiler.reset()
    return [_Trainer(case, data, threads) for threads in thread_counts()]

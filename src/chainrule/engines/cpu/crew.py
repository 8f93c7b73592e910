"""The buffers of the threads that train one member at a time."""

from __future__ import annotations

import numpy as np

from chainrule.engines.cpu.kernels import places as at
from chainrule.engines.cpu.slices import _rows_of_a_group, _shared_out
from chainrule.engines.cpu.tables import LaidOut


class _Crew:
    """The buffers of the threads that train one member at a time."""

    def __init__(self, run: LaidOut, threads: int, rows: int) -> None:
        groups = -(-rows // _rows_of_a_group(rows, run.tables.rows))
        self.spaces = [run.tables.space() for _ in range(threads)]
        self.numbers = [run.numbers.copy() for _ in range(threads)]
        self.table = at.Rows(run.x, run.smooth_y, run.weights, run.train, np.zeros(run.n_train, np.int32))
        g = np.zeros((groups, run.layout.size), run.dtype)
        bits = run.bits
        self.state = at.State(
            run.parameters, g, run.states, run.free, run.parameters.view(bits), g.view(bits)
        )
        self.shared = at.Shared(
            parts=np.zeros(groups),
            squares=np.zeros((len(run.slices), 2)),
            largest=np.zeros((len(run.slices), 2), np.int64),
            meeting=np.zeros(at.MEETING_SIZE, np.int64),
            progress=np.zeros(2, np.int64),
        )
        self.bounds = _shared_out(run.slices, threads)

    def stop(self) -> None:
        """Have its threads leave out what is left of the step they are in."""
        self.shared.meeting[at.STOP_WANTED] = 1

"""The buffers of the threads that train one member at a time, or all that are made of one row."""

from __future__ import annotations

import numpy as np

from chainrule._types import IntArray
from chainrule.engines.cpu.kernels import columns as at
from chainrule.engines.cpu.slices import shared_out
from chainrule.engines.cpu.tables import LaidOut
from chainrule.engines.member_rows import OneRow
from chainrule.equations.layout import TabMLayout


class Crew:
    """The buffers of the threads that train one member at a time, or in each step all that are made of one row."""

    def __init__(self, run: LaidOut, threads: int, rows: int) -> None:
        leaves, members = min(-(-rows // run.tables.rows), at.LEAVES), len(run.parameters)
        parts = np.zeros(leaves)
        self.expansion: at.Expansion | None = None
        if isinstance(run.made_of, OneRow):
            leaves, parts = 1, np.zeros((members, 1))
            each = np.zeros((members, 1, run.layout.size), run.dtype)
            self.expansion = at.Expansion(
                *_tables(run.made_of.layout),
                run.parameters,
                each,
                each[:, 0],
                np.zeros((members, run.n_train), np.int32),
            )
        self.spaces = [run.tables.space() for _ in range(threads)]
        self.numbers = [run.numbers.copy() for _ in range(threads)]
        self.table = at.RowTable(run.x, run.smooth_y, run.weights, run.train, np.zeros(run.n_train, np.int32))
        g = np.zeros((leaves, run.made_of.layout.size), run.dtype)
        w, bits = run.updated, run.bits
        self.state = at.State(w, g, run.states, run.free, w.view(bits), g.view(bits))
        self.exchange = at.Exchange(
            parts=parts,
            squares=np.zeros((len(run.slices), 2)),
            largest=np.zeros((len(run.slices), 2), np.int64),
            meeting=np.zeros(at.MEETING_SIZE, np.int64),
            progress=np.zeros(2, np.int64),
        )
        self.bounds = shared_out(run.slices, threads)

    def stop(self) -> None:
        """Have its threads leave out what is left of the step they are in."""
        self.exchange.meeting[at.STOP_WANTED] = 1


def _tables(layout: TabMLayout) -> tuple[IntArray, IntArray, IntArray]:
    """Return where the shared layers' arrays lie, and the members' own, in members' parameters and in theta."""
    layers, own, common = [], [], []
    for slot in layout.slots:
        number, name = slot.layer, slot.name
        if number and name in ("r", "s"):
            continue
        place = layout.ordinary.slot(number, name)
        if number == 0:
            common.append((place.stop - place.start, place.start, slot.start))
        elif slot.shape == place.shape:
            r, s = (layout.slot(number, each).start for each in ("r", "s"))
            layers.append((*slot.shape, place.start, slot.start, r, s))
        else:
            own.append((place.stop - place.start, place.start, slot.start))
    return np.array(layers, np.int64), np.array(own, np.int64), np.array(common, np.int64).reshape(-1, 3)

"""What a page asks of a studio: numbers, pictures, planes and mountains, each at the place shown or at another one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.studio.shown.curves import CurveRecord
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.numbers import inspected, member_named
from chainrule.studio.training.made import Made
from chainrule.studio.training.runs import Runs, begins_at, update_at
from chainrule.studio.training.session import SessionState
from chainrule.studio.training.turns import Turns


class StudioQuestions:
    """The questions that a studio answers of what it has: what is shown (``made``), where (``state``), and beside what."""

    made: Made
    runs: Runs
    state: SessionState
    generation: int
    _lock: threading.RLock
    _framing: threading.RLock
    _turns: Turns
    _curves: CurveRecord

    def number(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return what there is to say of an address, at the place shown or at the one that is asked for."""
        with self._turns.asked(), self._framing:
            look = self._look_of({**member_named(str(query["address"])), **query})
            return inspected(look, query, self.state.notation, tells_update=not self.withholds)

    @property
    def withholds(self) -> bool:
        """Whether something is withheld of what is shown now; here nothing is."""
        return False

    def picture(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a picture as nested lists, with its table."""
        with self._turns.asked():
            return self._pictured(query)

    def _pictured(self, query: Mapping[str, Any]) -> dict[str, Any]:
        from chainrule.studio.shown.pictures import Now

        if query.get("kind") == "gradients":
            return self._gradients(query)
        if query.get("kind") == "compare":
            return self._compared(query)
        if query.get("kind") in ("weight", "line"):
            from chainrule.studio.views.lines import line_picture

            with self._framing:
                return line_picture(
                    self._look_of({"t": query["t"]} if "t" in query else {}), query, self.state.notation
                )
        with self._framing:
            with self._lock:
                state, made = self.state, self.made
            curves = self.curve()
            t = min(query.get("t", state.t), made.tape.frontier)
            members = range(made.course.members)
            parameters = np.stack([made.tape.state(t, member).parameters for member in members])
        ended = made.tape.last is not None
        result = made.worker.result if ended else None
        at_end = ended and t >= (made.tape.last or 0)
        return made.pictures.picture(
            query, Now(parameters, f"after update {t:,}", curves, result, at_end, state.opened)
        )

    def plane(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the network answers over two columns, as plain data."""
        with self._turns.asked():
            with self._framing:
                with self._lock:
                    state, made, generation = self.state, self.made, self.generation
                t, parameters, member = self._parameters(state, made, query)
            return {"generation": generation, **made.planes.plane(query, parameters, t, member)}

    def mountain(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cost over two weights, or over the plane of the path, as plain data."""
        with self._turns.asked():
            with self._framing:
                look, made = self._look_of(query), self.made
                steps = made.mountain.steps(look)
            return {"generation": self.generation, **made.mountain.hill(query, look, steps)}

    def curve(self) -> dict[str, Any]:
        """Return the curve so far, of all epochs."""
        with self._framing:
            return {"generation": self.generation, **self._curves.all}

    # ---- inside

    def _look_of(self, query: Mapping[str, Any]) -> Look:
        state, made = self.state, self.made
        t, member = query.get("t"), query.get("member")
        row = query.get("row", state.row)
        if row is not None and row not in made.course.places:
            raise SettingsError(f"row {row} is none of the rows that are trained on or watched")
        if member is not None and not 1 <= member <= made.course.members:
            raise SettingsError(f"there is no member {member}: there are {made.course.members}")
        return made.lookout.look(state.t if t is None else t, (member or state.member) - 1, row)

    def _parameters(
        self, state: SessionState, made: Made, query: Mapping[str, Any]
    ) -> tuple[int, FloatArray, int]:
        """Return the updates ``t``, the parameters (k, p) of all members then, or of the one that is asked for, and its place."""
        t, one = min(query.get("t", state.t), made.tape.frontier), query.get("member", 0)
        if not 0 <= one <= made.course.members:
            raise SettingsError(f"there is no member {one}: there are {made.course.members}")
        members = range(made.course.members) if not one else (one - 1,)
        found = np.stack([np.asarray(made.tape.state(t, m).parameters, np.float64) for m in members])
        return t, found, 0 if one else state.member - 1

    def _compared(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return the runs side by side; those that aren't as far as the one that is shown are trained on to its epoch."""
        from chainrule.studio.shown.compare import comparison, same_split

        with self._framing:
            with self._lock:
                shown, state = self.runs.current, self.state
                epoch = begins_at(shown) + state.epoch
                for run in self.runs.all.values():
                    if run is not shown and same_split(run, shown):
                        run.made.worker.bring(update_at(run, begins_at(shown) + shown.made.tape.epochs))
            return comparison(
                self.runs, epoch, str(query.get("name") or "validation"), float(query.get("width") or 420)
            )

    def _gradients(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sizes of each layer's derivatives in the batch."""
        from chainrule.explain.show.layers import flow
        from chainrule.plots.svg.draw import to_svg
        from chainrule.plots.svg.page import table
        from chainrule.studio.protocol.nested import nested

        with self._framing:
            look = self._look_of({name: query[name] for name in ("t",) if name in query})
            step = (look.batch or look.picked).steps[0]
            if step.gradients is None:
                raise SettingsError("there is no gradient without targets")
            network = look.course.network
            each = [
                step.gradients.parameters[n][layer.product.name].reshape(-1)
                for n, layer in enumerate(network.layers, 1)
            ]
            chart = flow(network, each)
            width = float(query.get("width") or 420)
            return {
                "title": chart.title,
                "nodes": nested(to_svg(chart, width)),
                "table": nested(table(chart)),
            }

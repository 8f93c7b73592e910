"""The thread that trains: it records each epoch on the tape, waits where the training is to stop, and ends when it is told to."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from chainrule.errors import ChainruleError
from chainrule.studio.training.course import Course
from chainrule.studio.training.tape import EpochNote, Tape
from chainrule.training.checkpoint import Epoch
from chainrule.training.result import EpochState, FitResult

Told = Callable[[str], None]


class Worker:
    """Makes a course's training as far as it is told to (`go`); ``told`` is called with what happened.

    It hears ``epoch`` after each of them, ``ended`` when the training is over, and ``failed``; ``problem`` then is one line
    about it.
    """

    def __init__(self, course: Course, tape: Tape, told: Told) -> None:
        self.course, self.tape, self.told = course, tape, told
        self.history: list[Epoch] = []
        self.result: FitResult | None = None
        self.problem = ""
        self._target = 0.0
        self._stop = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="studio training", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def go(self, updates: float) -> None:
        """Let the training come as far as so many updates, or further by what is missing to a whole epoch."""
        with self._wake:
            self._target = updates
            self._wake.notify_all()

    def bring(self, updates: float) -> None:
        """Let the training come as far as so many updates, if it was to stop before that; begin it where it hasn't."""
        if not self.started and not self.closed:
            self.start()
        self.go(max(updates, self._target))

    def close(self, seconds: float = 1.0) -> None:
        """End the training, and wait for that."""
        with self._wake:
            self._stop = True
            self._wake.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    @property
    def started(self) -> bool:
        """Whether it was begun."""
        return self._thread.ident is not None

    @property
    def closed(self) -> bool:
        """Whether it was told to end."""
        return self._stop

    def _wait(self) -> bool:
        """Wait until there is something to do; return whether to go on."""
        with self._wake:
            self._wake.wait_for(lambda: self._stop or self._target > self.tape.frontier)
            return not self._stop

    def _after(self, state: EpochState) -> bool:
        plan = self.course.plan
        plateaus = state.checkpoint().plateaus if plan.schedule.waits_for_plateau and plan.met is None else 0
        if plan.met is not None:
            plateaus = sum(at <= state.line.epoch for at in plan.met)
        if len(state.active) < len(self.tape.active):
            for member, found in state.checkpoint().diverged.items():
                self.tape.diverges(member, found.step - 1)
        self.history.append(state.line)
        self.tape.record(state.run.state(), EpochNote(state.active, plateaus))
        if state.line.epoch < state.epochs and state.active:
            self.told("epoch")
            return not self._wait()
        return False

    def _run(self) -> None:
        try:
            if not self._wait():
                return
            self.result = self.course.train(self._after)
            if self._stop:
                return
            self._ends(self.result)
            self.told("ended")
        except ChainruleError as error:
            self._fails(str(error))
        except KeyboardInterrupt:
            self._fails("the training was interrupted before the end of its first epoch")
        except (ArithmeticError, MemoryError, ValueError) as error:
            self._fails(f"the training failed: {error}")

    def _ends(self, result: FitResult) -> None:
        made = len(result.history) * self.tape.steps_per_epoch
        if result.diverged and len(result.diverged) == self.course.members:
            first = min(result.diverged.values(), key=lambda found: found.step)
            self.problem = str(first)
            made = max(found.step for found in result.diverged.values()) - 1
        self.tape.ends(made)

    def _fails(self, words: str) -> None:
        self.problem = words
        if self.tape.last is None:
            self.tape.ends(self.tape.frontier if math.isfinite(self.tape.frontier) else 0)
        self.told("failed")

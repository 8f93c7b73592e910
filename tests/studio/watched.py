"""A studio that is asked in Python, with what it published, and small trainings for it."""

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.engines import JUDGE, engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.equations.network import Network
from chainrule.studio.protocol.messages import wrong_event
from chainrule.studio.studio import Studio
from chainrule.studio.training.course import Course
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan


def course_of_network(
    network: Network, x: np.ndarray, y: np.ndarray, seed: int = 0, **settings: Any
) -> Course:
    """Return the training of any network on rows of numbers, by the reference engine, two epochs in batches of three."""
    start = initial_parameters(network, 1, seed)
    engine, how = engine_named(JUDGE), StepSettings(**{"batch_size": 3, "shuffle": False, **settings})
    data, plan = (
        Data(x, y, np.arange(len(x)), np.arange(0)),
        Plan(epochs=2, early_stopping=False, keep="last"),
    )
    return Course(
        "lesson", "a network", "a network", network, engine, start, data, how, plan, 1, np.arange(len(x)) + 1, len(x),
        lambda after: fit(engine, network, start, data, how, plan, after),
        tuple(f"input {i}" for i in range(1, network.n_inputs + 1)),
        tuple(f"output {j}" for j in range(1, network.output.n_out + 1)),
    )  # fmt: skip


class Watched:
    """A studio, and the events that it published; each has its shape."""

    def __init__(self, course: Course) -> None:
        self.events: list[tuple[str, Any]] = []
        self._lock = threading.Lock()
        self.studio = Studio(course, self._hear)

    def _hear(self, kind: str, data: Any) -> None:
        with self._lock:
            self.events.append((kind, data))

    def do(self, what: str, **words: Any) -> dict[str, Any]:
        """Give a command, wait until what it wants is there, and return the frame."""
        answer = self.studio.command({"do": what, **words})
        assert "problem" not in answer, answer
        self.wait(lambda: self.studio.state.wanted is None)
        return self.frame

    def problem(self, what: str, **words: Any) -> str:
        """Give a command that can't be followed, and return what is said."""
        return str(self.studio.command({"do": what, **words})["problem"])

    @property
    def frame(self) -> dict[str, Any]:
        frame = self.studio.frame()
        assert not wrong_event("frame", frame)
        return frame

    def train(self) -> dict[str, Any]:
        """Train to the end, and return the frame there."""
        self.do("train")
        self.wait(lambda: not self.studio.state.playing)
        return self.frame

    @staticmethod
    def wait(is_so: Any, seconds: float = 60.0) -> None:
        """Wait until something is so."""
        until = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.002)

    def told(self, kind: str) -> list[Any]:
        """Return what was published of a kind."""
        with self._lock:
            return [data for name, data in self.events if name == kind]


@contextmanager
def watched(course: Course) -> Iterator[Watched]:
    """A studio on a course that is closed in the end."""
    made = Watched(course)
    try:
        yield made
    finally:
        made.studio.close()


def numbers_of(packed: dict[str, Any]) -> np.ndarray:
    """Return the numbers of an array as it is sent."""
    raw = np.frombuffer(base64.b64decode(packed["base64"]), "<f8")
    return raw.reshape(packed["shape"])

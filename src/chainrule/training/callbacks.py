"""What can be called at the end of every epoch: several callbacks as one, a progress bar, a metric's curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import KW_ONLY, dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from chainrule._types import FloatArray
from chainrule._waiting import listening
from chainrule.errors import SettingsError
from chainrule.training.result import Callback, EpochState
from chainrule.training.scores.watch import Watch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def combined(callbacks: Sequence[Callback]) -> Iterator[Callback | None]:
    """Enter the callbacks that are context managers; yield one that calls all, None where there are none.

    Training ends if any of them says so; the others are called all the same.
    """
    with ExitStack() as stack:
        for callback in callbacks:
            if isinstance(callback, AbstractContextManager):
                stack.enter_context(callback)

        def call_all(state: EpochState) -> bool:
            said = [callback(state) for callback in callbacks]
            return any(said)

        yield call_all if callbacks else None


class ProgressBar:
    """A bar on standard error with epoch, losses and time left, gone when training ends.

    ``shown``: None shows it where standard error is a terminal or a notebook.
    """

    def __init__(self, *, shown: bool | None = None) -> None:
        self.shown = shown
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._around = ExitStack()

    def __enter__(self) -> ProgressBar:
        # rich takes a tenth of a second to import, and most trainings are done by then.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True, highlight=False, force_terminal=self.shown or None)
        self._task = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not (console.is_terminal or console.is_jupyter if self.shown is None else self.shown),
        )
        self._bar.start()
        if not self._bar.disable:
            self._around.enter_context(listening(self._waits))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._around.close()
        # Up to 14.2 rich ended the line of a bar that it never showed.
        if self._bar is not None and not self._bar.disable:
            self._bar.stop()
        self._bar = None

    def __call__(self, state: EpochState) -> None:
        """Show the end of an epoch."""
        if self._bar is None:
            how = "`with ProgressBar() as bar: fit(…, bar)`"
            raise SettingsError(f"the progress bar is a context manager: {how}")
        line = state.line
        losses = f"loss {line.training_loss:.4g}"
        if not math.isnan(line.validation_loss):
            losses += f", validation {line.validation_loss:.4g}"
        if self._task is None:
            self._task = self._bar.add_task("", total=state.epochs, losses=losses, left="left")
        what = f"epoch {line.epoch}/{state.epochs}"
        self._bar.update(
            self._task, description=what, total=state.epochs, completed=line.epoch, losses=losses
        )

    def _waits(self, text: str) -> None:
        """Show what is compiled before, in a line of its own that goes again."""
        if self._bar is not None and text:
            self._compiled = self._bar.add_task(text, total=None, losses="", left="")
        elif self._bar is not None:
            self._bar.remove_task(self._compiled)


@dataclass(eq=False, repr=False)
class NetworkMonitor:
    """Computes a metric of the members' mean output on rows of its own after every epoch.

    ``x`` (n, d) and ``y`` (n, n_out) are inputs and targets as the network has them, ``weights`` (n,) or None.
    ``curve`` holds the values. With ``patience`` training ends when the metric has not got better by more than
    ``tolerance`` for that many epochs; raises SettingsError for rows of which the metric says nothing.
    """

    x: FloatArray
    y: FloatArray
    watch: Watch
    _: KW_ONLY
    weights: FloatArray | None = None
    patience: int | None = None
    tolerance: float = 0.0
    curve: list[float] = field(default_factory=list, init=False)
    _waited: int = field(default=0, init=False)
    _mark: float = field(default=math.inf, init=False)

    def __post_init__(self) -> None:
        if self.patience is not None:
            self.watch.check(self.y, self.weights, "given")

    def __call__(self, state: EpochState) -> bool:
        """Add the metric's value of now; return whether training is to end."""
        outputs = state.engine.predict(state.network, state.run.parameters, self.x)
        self.curve.append(self.watch(self.y, outputs.mean(axis=0), self.weights))
        value = -self.curve[-1] if self.watch.metric.greater_is_better else self.curve[-1]
        if value < self._mark - self.tolerance:
            self._mark, self._waited = value, 0
        else:
            self._waited += 1
        return self.patience is not None and self._waited >= self.patience


def as_callbacks(callbacks: Any) -> list[Callable[[EpochState], bool | None]]:
    """Return one callback, several, or None as a list; raises SettingsError for what can't be called."""
    if callbacks is None:
        return []
    found = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    for callback in found:
        if isinstance(callback, type) and issubclass(callback, AbstractContextManager):
            raise SettingsError(f"callback {callback.__name__} is a class: give an object of it")
        if not callable(callback):
            raise SettingsError(f"callback {callback!r} can't be called: give functions of the epoch's state")
    return found

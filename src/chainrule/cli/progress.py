"""The progress bar of training."""

from __future__ import annotations

import math
import sys
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from chainrule.training.monitor import EpochState


class Progress:
    """A bar on standard error with epoch, losses and time left, where that is a terminal.

    It is a callback of the training loop, and gone when training ends.
    """

    def __init__(self, epochs: int, *, shown: bool) -> None:
        self.bar = Bar(
            TextColumn("epoch {task.completed}/{task.total}"),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=Console(stderr=True, highlight=False),
            transient=True,
            disable=not (shown and sys.stderr.isatty()),
        )
        self.task = self.bar.add_task("training", total=epochs, losses="")

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, state: EpochState) -> None:
        """Show the end of an epoch."""
        line = state.line
        losses = f"loss {line.training_loss:.4g}"
        if not math.isnan(line.validation_loss):
            losses += f", validation {line.validation_loss:.4g}"
        self.bar.update(self.task, completed=line.epoch, losses=losses)

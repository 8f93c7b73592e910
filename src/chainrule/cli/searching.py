"""How ``chainrule train --search`` is shown while it goes on, and where what it has finished is kept."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule._aside import tell
from chainrule.reports.search import changes_told, gain_told, trial_name
from chainrule.reports.words import number_shown

if TYPE_CHECKING:
    from chainrule.fitting.prepared import Prepared
    from chainrule.fitting.score import Ensemble
    from chainrule.fitting.search.stored import SearchFile
    from chainrule.model.card import CardTrial
    from chainrule.training.result import Callback


@dataclass(frozen=True)
class KeptSearch:
    """The file that keeps a search while it goes on."""

    file: SearchFile

    def done(self, ended: str, *, kept: bool) -> None:
        """Remove the file of a search that came to its end, unless it is to be ``kept``; say that another can be gone on with."""
        path = self.file.path
        if ended:
            if path.exists():
                tell(f"the finished trials are in {path}: the same command goes on from there")
        elif not kept:
            path.unlink(missing_ok=True)


def search(
    prepared: Prepared, path: Path, options: argparse.Namespace, training: dict[str, Any], progress: Callback
) -> tuple[Ensemble, KeptSearch | None]:
    """Search, with a line for each trial on standard error; return the model and what keeps the search, if anything does."""
    from chainrule.fitting.search.search import check_searches, search_prepared
    from chainrule.fitting.search.stored import search_file_of

    check_searches(prepared)
    where = options.search_file
    if where is None and prepared.budget is None:
        where = search_path(path)
    file = search_file_of(where, prepared, training["engine"], training["dtype"])
    if file is not None and file.found_trials and not options.quiet:
        n = file.found_trials
        tell(f"going on from {file.path}, in which {n} trial{' is' if n == 1 else 's are'} finished")

    def say(trial: CardTrial, most: int) -> None:
        if not options.quiet:
            tell(trial_line(trial, most))

    made = search_prepared(prepared, **training, on_epoch_end=progress, on_trial=say, file=file)
    return made, None if file is None else KeptSearch(file)


def search_path(path: Path) -> Path:
    """Return the file of a search beside its model's: penguins-search.safetensors."""
    return path.with_name(f"{path.stem}-search{path.suffix}")


def trial_line(trial: CardTrial, most: int) -> str:
    """Say in a line what came of a trial."""
    told = f"trial {trial_name(trial)} (of {most} at most): "
    if trial.score is not None:
        told += number_shown(trial.score)
        if trial.gain is not None:
            told += f", gain {gain_told(trial.gain, trial.error)}"
        told += ", "
    return told + changes_told(trial)

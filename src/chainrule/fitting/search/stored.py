"""The file of a search: the trainings of its finished trials, so that the same search goes on where it ended.

It is a model file (`chainrule.model.file`) whose description is of another kind, so it can't run code. What trials answer out
of fold is made again from their parameters, to the same bits.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._files import PathLike, ensure_writable
from chainrule._plain import Count, Plain
from chainrule._types import Stopped
from chainrule._version import __version__
from chainrule.engines import engine_named
from chainrule.engines.base import Divergence
from chainrule.errors import ModelFileError, SettingsError
from chainrule.fitting.bits import bits_told
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.rows import data_digest
from chainrule.fitting.search.space import SearchTrial
from chainrule.model.file import AnyArray, read_model_file, write_model_file
from chainrule.tables.rows.split import Folds
from chainrule.training.checkpoint import from_bits, history_from_bits, history_to_bits, to_bits
from chainrule.training.result import FitResult
from chainrule.training.settings.fields import listed
from chainrule.training.settings.record import Settings

KIND = "search"
"""What the description of such a file says it is of."""

FILE_VERSION = 1
"""The version of the description."""

_ELSEWHERE = ("search", "time_limit")


@dataclass(frozen=True, kw_only=True)
class _Stored(Plain, place="trial"):
    """A finished trial without its arrays."""

    number: Count
    length: float
    best_epochs: tuple[Count, ...]
    stopped: Stopped
    diverged: Mapping[int, Divergence]
    seconds: float


class SearchFile:
    """The finished trials of a search in a file, which goes with one table, one way of training it, and one version.

    Raises OutputError where the file can't be written, before anything is trained.
    """

    def __init__(self, path: PathLike, prepared: Prepared, engine: str, dtype: Any = None) -> None:
        ensure_writable(path, overwrite=True, out="search_file")
        self.path = Path(path)
        self.key = key_of(prepared, engine, dtype)
        self.found_trials = 0
        self._data: list[dict[str, Any]] = []
        self._arrays: dict[str, AnyArray] = {}
        if self.path.exists():
            self._read()

    def found(self, trial: SearchTrial, prepared: Prepared) -> FitResult | None:
        """Return the training of a trial, None where it isn't finished; raises ModelFileError for one that isn't its own."""
        name = _name(trial.number, trial.length)
        for data in self._data:
            one = _Stored.from_dict(data)
            if _name(one.number, one.length) == name:
                return self._result(one, name, prepared)
        return None

    def add(self, trial: SearchTrial, result: FitResult) -> None:
        """Write the file with another finished trial."""
        name = _name(trial.number, trial.length)
        one = _Stored(
            number=trial.number, length=trial.length, best_epochs=result.best_epochs, stopped=result.stopped,
            diverged=result.diverged, seconds=result.seconds,
        )  # fmt: skip
        self._data.append(one.to_dict())
        self._arrays |= _arrays(name, result)
        words = {"kind": KIND, "file_version": FILE_VERSION, "key": dict(self.key), "trials": self._data}
        write_model_file(self.path, self._arrays, words, overwrite=True)

    def _read(self) -> None:
        arrays, words = read_model_file(self.path)
        shown = os.fspath(self.path)
        if words.get("kind") != KIND:
            raise ModelFileError(
                f"{shown} is not the file of a search: choose another {setting('search_file')}"
            )
        key = words.get("key")
        if words.get("file_version") != FILE_VERSION or not isinstance(key, dict):
            raise ModelFileError(
                f"{shown} is the file of a search by another version: remove it, or choose another {setting('search_file')}"
            )
        other = [name for name in self.key if key.get(name) != self.key[name]]
        if other:
            raise SettingsError(
                f"{shown} is the file of another search, whose {other[0]} is not this one's: remove it, or choose another "
                f"{setting('search_file')}"
            )
        trials = words.get("trials")
        if not isinstance(trials, list) or not all(isinstance(one, dict) for one in trials):
            raise ModelFileError(f"{shown}: trials: a list is expected")
        self._data, self._arrays, self.found_trials = trials, arrays, len(trials)

    def _result(self, one: _Stored, name: str, prepared: Prepared) -> FitResult:
        shown, resolved = os.fspath(self.path), prepared.resolved
        try:
            parameters, losses, history = (
                self._arrays[f"{name}.{key}"] for key in ("parameters", "losses", "history")
            )
        except KeyError as error:
            raise ModelFileError(f"{shown}: the array {error} is missing: remove the file") from None
        shape = (resolved.members, resolved.network.n_parameters)
        if parameters.shape != shape or parameters.dtype.kind != "f" or len(one.best_epochs) != shape[0]:
            raise ModelFileError(
                f"{shown}: {name}: parameters of shape {shape} are expected: remove the file"
            )
        lines = history_from_bits(history, f"{name}.history")
        lowest = from_bits(losses, f"{name}.losses")
        return FitResult(
            parameters, one.best_epochs, lowest, lines, one.stopped, dict(one.diverged), one.seconds
        )


def search_file_of(
    path: PathLike | None, prepared: Prepared, engine: str, dtype: Any = None
) -> SearchFile | None:
    """Return the file that a search goes on from, None where it has none.

    Raises SettingsError for one without a search, or where a clock decides what is tried.
    """
    if path is None:
        return None
    if (prepared.settings.search or 1) < 2:
        raise SettingsError(
            f"{setting('search_file')} is for a search: add {setting('search', 8)}, or leave it out"
        )
    if prepared.budget is not None:
        raise SettingsError(
            f"under a {setting('time_limit')} the clock says which trials are made, so none can be gone on with: leave out "
            f"{setting('search_file')}, or the limit"
        )
    return SearchFile(path, prepared, engine, dtype)


def key_of(prepared: Prepared, engine: str, dtype: Any = None) -> dict[str, str]:
    """Return what a search goes with: version, machine, settings, table, and how its rows are parted, each as text."""
    arrays = prepared.arrays
    settings = [one.name for one in listed(Settings) if one.name not in _ELSEWHERE]
    told = {name: repr(getattr(prepared.settings, name)) for name in settings}
    made = engine_named(engine, dtype=dtype)
    bits = bits_told(made, np.zeros(0, made.dtype))
    return {
        "version": __version__,
        "engine": engine,
        "machine": repr(sorted(bits["machine"].items())),
        **told,
        "table": data_digest(arrays.x, arrays.y, arrays.weights),
        "teacher": "none" if arrays.taught is None else data_digest(arrays.taught, arrays.taught, None),
        "split": repr(sorted(prepared.parting.rule.to_dict().items())),
        "number of training rows": str(arrays.n_training),
        "dealing of the rows to folds": _folds_digest(prepared.folds),
        "kind of inputs and targets": repr(prepared.problem),
    }


def _folds_digest(folds: Folds | None) -> str:
    """Return the SHA-256 of which row is whose, and which rows each fold leaves out; "none" without folds."""
    if folds is None:
        return "none"
    found = hashlib.sha256()
    for array in folds:
        found.update(repr(array.shape).encode())
        found.update(np.ascontiguousarray(array, np.int64).data)
    return found.hexdigest()


def _arrays(name: str, result: FitResult) -> dict[str, AnyArray]:
    """Return the arrays of a training by their names in the file; kept parameters that overflowed are of no use to anyone."""
    parameters = np.where(np.isfinite(result.parameters), result.parameters, 0).astype(
        result.parameters.dtype
    )
    return {
        f"{name}.parameters": parameters,
        f"{name}.losses": to_bits(np.asarray(result.losses).tolist()),
        f"{name}.history": history_to_bits(result.history),
    }


def _name(number: int, length: float) -> str:
    return f"trials.{number}.{'short' if length < 1 else 'full'}"

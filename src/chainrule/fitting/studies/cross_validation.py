"""Cross-validation: each row of a table is scored by a training that hasn't seen it, and the scores of the folds stand together.

The folds are dealt by the rule that parts all rows (`tables.parting`): by chance with each class's share, whole groups, blocks
of time each tested by what is before it, or of a given split the training rows alone, its test rows left unseen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._plain import Plain
from chainrule.engines import ENGINES
from chainrule.engines.threads import limited_threads
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.choose import choose
from chainrule.fitting.encode import encode
from chainrule.fitting.fit import check_no_search, fit_whole
from chainrule.fitting.prepared import Prepared, Split
from chainrule.fitting.question import Question, asked
from chainrule.fitting.read import read
from chainrule.fitting.rows import CROSS_STREAM, strata_of
from chainrule.fitting.score import Trained, score_prepared
from chainrule.fitting.split import parted
from chainrule.model.source import Source
from chainrule.tables.rows.parting import SplitRule
from chainrule.training.scores.metrics import METRICS, Scores, standard_error
from chainrule.training.settings.record import Settings, Task

FOLDS = 5
"""The folds of a cross-validation where no other number is given."""


@dataclass(frozen=True)
class CrossScore(Plain):
    """A score over the folds that have it: their mean, and its standard error, s / sqrt(folds) with s by folds - 1.

    The folds' trainings share rows, so the error is too small rather than too large (Bengio and Grandvalet, "No unbiased
    estimator of the variance of k-fold cross-validation", 2004).
    """

    mean: float
    standard_error: float


@dataclass(frozen=True)
class CrossRun:
    """A fold that is done, the ``fold``-th ``of`` all: its scores on ``rows`` rows, and the seconds of its training."""

    fold: int
    of: int
    rows: int
    scores: Scores
    baselines: Mapping[str, Scores]
    seconds: float


@dataclass(frozen=True)
class CrossValidation:
    """The scores of a cross-validation by name, and those of the baselines, each over its folds.

    ``rule`` is how rows were dealt out; ``rows`` is how many were scored in all. ``interrupted``: Ctrl-C came before the last
    fold; ``notes`` say what a user should know.
    """

    task: Task
    rule: SplitRule
    runs: tuple[CrossRun, ...]
    folds: int
    notes: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def rows(self) -> int:
        """How many rows were scored in all."""
        return sum(run.rows for run in self.runs)

    @property
    def scores(self) -> dict[str, CrossScore]:
        """The network's scores."""
        return _over([run.scores for run in self.runs])

    @property
    def baselines(self) -> dict[str, dict[str, CrossScore]]:
        """The baselines' scores by their names, of those that each fold has."""
        names = [name for name in self.runs[0].baselines if all(name in run.baselines for run in self.runs)]
        return {name: _over([run.baselines[name] for run in self.runs]) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""

        def plain(scores: Mapping[str, CrossScore]) -> dict[str, Any]:
            return {name: score.to_dict() for name, score in scores.items()}

        return {
            "task": self.task,
            "split": self.rule.to_dict(),
            "folds": self.folds,
            "rows": self.rows,
            "scores": plain(self.scores),
            "baselines": {name: plain(scores) for name, scores in self.baselines.items()},
            "runs": [
                {"rows": run.rows, "scores": dict(run.scores), "seconds": run.seconds} for run in self.runs
            ],
            "notes": list(self.notes),
            "interrupted": self.interrupted,
        }


def _over(each: Sequence[Scores]) -> dict[str, CrossScore]:
    """Return the mean and its standard error of each score that all folds have."""
    found = {}
    for name in METRICS:
        if each and all(name in scores for scores in each):
            values = np.array([scores[name] for scores in each])
            error = standard_error(values) if len(values) > 1 else math.nan
            found[name] = CrossScore(float(np.mean(values)), error)
    return found


def cross_validate(
    table: Source,
    target: str | Sequence[str],
    *,
    folds: int = FOLDS,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_run: Callable[[CrossRun], None] | None = None,
    **words: Any,
) -> CrossValidation:
    """Train on a table as often as there are folds, each time without one, and score that one beside the baselines.

    The ``words`` are those of `train`; ``on_run`` is called after each training. Ctrl-C returns what is done so far; before the
    first fold is done KeyboardInterrupt goes on. Raises TableError or SettingsError as `train` does, for a test that is given
    otherwise, and for fewer rows, groups or times than folds.

    >>> import chainrule
    >>> table = {"x": [0, 1] * 20, "y": ["a", "b"] * 20}
    >>> found = chainrule.cross_validate(table, "y", folds=2, hidden=[4], members=2, epochs=200)
    >>> found.scores["accuracy"], found.rows
    (CrossScore(mean=1.0, standard_error=0.0), 40)
    """
    question, settings = asked(table, target, words)
    return cross_validate_asked(
        question, settings, folds=folds, engine=engine, threads=threads, on_run=on_run
    )


def check_crosses(question: Question, folds: object) -> None:
    """Raise SettingsError for a number of folds that is none, and where the rows of the score are given otherwise."""
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise SettingsError(f"{setting('folds')} {folds!r} must be a whole number of folds, at least 2")
    for name in ("test_share", "test_file"):
        if getattr(question, name) is not None:
            raise SettingsError(
                f"{setting('folds', folds)} scores on each fold of the table, and {setting(name)} on other rows: leave one "
                "of them out"
            )


def cross_validate_asked(
    question: Question,
    settings: Settings,
    *,
    folds: int = FOLDS,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_run: Callable[[CrossRun], None] | None = None,
) -> CrossValidation:
    """Cross-validate the trainings of a question with these settings; see `cross_validate`."""
    check_no_search(settings, "cross_validate")
    check_crosses(question, folds)
    runs: list[CrossRun] = []
    notes: dict[str, None] = {}
    interrupted, rule, task, shared = False, SplitRule(), None, 0
    with limited_threads(threads):
        try:
            for number, prepared in enumerate(prepared_folds(question, settings, folds), 1):
                rule, task = prepared.parting.rule, prepared.schema.task
                notes.update(dict.fromkeys((*prepared.schema.notes, *prepared.notes)))
                trained = _trained(prepared, engine, threads)
                run = CrossRun(
                    number, folds, trained.evaluation.rows, trained.evaluation.scores, trained.baselines,
                    trained.fit.seconds,
                )  # fmt: skip
                runs.append(run)
                shared += 0 if trained.shared is None else trained.shared.rows
                if on_run is not None:
                    on_run(run)
        except KeyboardInterrupt:
            if not runs:
                raise
            interrupted = True
    if shared:
        notes[
            f"{shared:,} of the rows that were scored are equal to rows of their training: the scores flatter"
        ] = None
    known: Task = "classification" if task == "classification" else "regression"
    return CrossValidation(known, rule, tuple(runs), folds, tuple(notes), interrupted)


def prepared_folds(question: Question, settings: Settings, folds: int) -> Iterator[Prepared]:
    """Yield for each fold the training on the other rows, prepared, with the fold as the rows of its score."""
    found, rule = parted(read(question, settings))
    rows, table = found.usable, found.table
    if rule.uses is not None:
        rows = rows[rule.uses[rows] != "test"]
    strata = strata_of(table, question.targets, rows, by_class=found.by_class)
    for left, test in rule.crossed(rows, folds, settings.seed, strata, CROSS_STREAM):
        made = Split(**vars(replace(found)), parting=rule, tested=table.take(test), left=left)
        yield choose(encode(made))


def _trained(prepared: Prepared, engine: str, threads: int | None) -> Trained:
    result = fit_whole(prepared, engine=engine, threads=threads)
    if not prepared.tested.n_rows:
        raise TableError(f"{prepared.table.name}: a fold has no row that can be scored: give fewer folds")
    return score_prepared(prepared, result, engine=engine)

"""What more rows would bring: the training again on shares of its rows, scored on the same rows held out (a learning curve)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from chainrule._doors import setting
from chainrule._plain import IF_SET, AnyNumber, Count, Plain
from chainrule.engines import ENGINES
from chainrule.engines.threads import limited_threads
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.choose import choose
from chainrule.fitting.encode import encode
from chainrule.fitting.fit import check_no_search, fit_whole
from chainrule.fitting.prepared import Prepared, Split
from chainrule.fitting.question import Question, asked
from chainrule.fitting.read import read
from chainrule.fitting.rows import LEARNING_STREAM, strata_of
from chainrule.fitting.score import trained_model
from chainrule.fitting.split import split
from chainrule.model.model import check_finite
from chainrule.model.source import Source
from chainrule.training.scores.metrics import Scores
from chainrule.training.settings.record import Settings, Task

DRAWS = 3
"""How often the rows of each share are drawn, where no other number is given."""
SHARES = (0.125, 0.25, 0.5, 1.0)
"""The shares of the rows that aren't held out which are trained on."""
NAMES: Mapping[Task, tuple[str, ...]] = {
    "classification": ("log_loss", "accuracy"),
    "regression": ("rmse", "r2"),
}
"""The scores that are kept."""


@dataclass(frozen=True)
class LearningPoint(Plain):
    """The trainings on so many rows: each score on the rows ``held_out`` and on those ``learned`` from, a number for each draw.

    Where there are none, ``reason`` says why.
    """

    rows: Count
    held_out: Mapping[str, tuple[AnyNumber, ...]]
    learned: Mapping[str, tuple[AnyNumber, ...]]
    reason: Annotated[str, IF_SET] = ""


@dataclass(frozen=True)
class LearningCurve(Plain, place="learning curve"):
    """Scores by the number of rows trained on, the fewest first; ``tested`` rows are held out.

    ``interrupted``: Ctrl-C came before all was trained; what had been is here.
    """

    task: Task
    tested: Count
    points: tuple[LearningPoint, ...]
    interrupted: bool = False


@dataclass(frozen=True)
class LearningRun:
    """One training of a learning curve, the ``place``-th ``of`` all: its ``rows``, and its scores on the rows held out."""

    rows: int
    draw: int
    scores: Scores
    place: int
    of: int


def learning_curve(
    table: Source,
    target: str | Sequence[str],
    *,
    draws: int = DRAWS,
    shares: Sequence[float] = SHARES,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_run: Callable[[LearningRun], None] | None = None,
    **words: Any,
) -> LearningCurve:
    """Train on shares of a table's rows, ``draws`` times each with other rows and seeds, and score on the same rows held out.

    The ``words`` are those of `train`; ``on_run`` is called after each training. Of classes each share has as many of each.
    Ctrl-C returns what is done so far. Raises TableError or SettingsError as `train` does.
    """
    how: dict[str, Any] = {"draws": draws, "shares": shares, "engine": engine, "threads": threads}
    return learn_asked(*asked(table, target, words), **how, on_run=on_run)


def learn_asked(
    question: Question,
    settings: Settings,
    *,
    draws: int = DRAWS,
    shares: Sequence[float] = SHARES,
    engine: str = ENGINES[0],
    threads: int | None = None,
    on_run: Callable[[LearningRun], None] | None = None,
) -> LearningCurve:
    """Train on shares of the rows of a question with these settings; see `learning_curve`.

    The seeds are the settings' and those that follow it; the rows of the score are those of the settings' own.
    """
    check_learns(settings, draws, shares)
    question = replace(question.opened(), test_seed=settings.seed)
    whole = split(read(question, settings))
    n = whole.tested.n_rows
    if n < 2:
        why = f"{setting('learning_curve')} compares scores on rows held out, and there are {n}"
        raise SettingsError(f"{why}: give a larger {setting('test_share')}, or a {setting('test_file')}")
    points: list[LearningPoint] = []
    interrupted = False
    with limited_threads(threads):
        for index, share in enumerate(sorted(shares)):
            found: list[tuple[Scores, Scores]] = []
            size, reason = len(_some_of(whole, share, settings.seed)), ""
            try:
                for draw in range(draws):
                    part = replace(whole, settings=replace(settings, seed=settings.seed + draw))
                    part = replace(part, left=_some_of(part, share, part.settings.seed))
                    found.append(_scored(choose(encode(part)), engine, threads))
                    if on_run is not None:
                        place = index * draws + draw + 1
                        on_run(LearningRun(size, draw, found[-1][0], place, len(shares) * draws))
            except (SettingsError, TableError) as error:
                # Few rows may lack a class, or be none for validation.
                found, reason = [], str(error)
            except KeyboardInterrupt:
                if not points and not found:
                    raise
                interrupted = True
            if found:
                held_out, learned = (_by_name(scores) for scores in zip(*found, strict=True))
                points.append(LearningPoint(size, held_out, learned))
            elif reason:
                points.append(LearningPoint(size, {}, {}, reason))
            if interrupted:
                break
    task: Task = "classification" if whole.by_class else "regression"
    return LearningCurve(task, n, tuple(points), interrupted)


def check_learns(settings: Settings, draws: int, shares: Sequence[float] = SHARES) -> None:
    """Raise SettingsError where there are no trainings that can be compared."""
    check_no_search(settings, "learning_curve")
    if settings.time_limit is not None:
        raise SettingsError(
            f"{setting('learning_curve')} compares whole trainings, and a {setting('time_limit')} would end each at another "
            f"epoch: give {setting('epochs')} and {setting('members')} instead"
        )
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise SettingsError(
            f"{setting('draws')} {draws!r} must be a whole number of trainings each, at least 1"
        )
    if not len(shares) or not all(0 < share <= 1 for share in shares):
        raise SettingsError(f"{setting('shares')} {list(shares)} must be some above 0, and 1 at most")


def _some_of(whole: Split, share: float, seed: int) -> Any:
    """Return a share of the rows that are left for training, of each class that share."""
    if share == 1:
        return whole.left
    strata = strata_of(whole.table, whole.question.targets, whole.left, by_class=whole.by_class)
    return whole.parting.drawn(whole.left, share, seed, strata, LEARNING_STREAM)


def _scored(prepared: Prepared, engine: str, threads: int | None) -> tuple[Scores, Scores]:
    """Train, and score on the rows held out and on those that were learned from."""
    result = fit_whole(prepared, engine=engine, threads=threads)
    model = trained_model(prepared, result, engine=engine)[0]
    sides = ((prepared.arrays.x_test, prepared.tested), (prepared.arrays.fitted.x, prepared.fitted))
    found = [model.score(check_finite(model.answer(x), rows), rows).scores for x, rows in sides]
    names = NAMES["classification" if prepared.by_class else "regression"]
    held_out, learned = ({name: scores[name] for name in names if name in scores} for scores in found)
    return held_out, learned


def _by_name(scores: Sequence[Scores]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(float(each[name]) for each in scores) for name in scores[0]}

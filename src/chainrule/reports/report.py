"""The report: parts made from a model and a table, one document of them, and the same numbers as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, ClassVar

from chainrule._doors import setting
from chainrule._files import write_atomically
from chainrule._notebook import Shown
from chainrule._version import __version__
from chainrule.engines.threads import limited_threads
from chainrule.errors import SettingsError, TableError
from chainrule.explain.show import RENDERERS, format_named, render
from chainrule.explain.show.document import Document, Words
from chainrule.fitting.score import Trained
from chainrule.fitting.studies.ablation_records import Ablations
from chainrule.fitting.studies.learning import LearningCurve
from chainrule.model.model import Model, load
from chainrule.model.source import Source
from chainrule.reports.history import read_history
from chainrule.reports.intervals import Interval
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.search import search_part
from chainrule.reports.sections.card import card_part, carried_part, limits_part, metadata
from chainrule.reports.sections.classes import classes_part
from chainrule.reports.sections.data import data_part
from chainrule.reports.sections.mountain import mountain_part
from chainrule.reports.sections.needs import dependence_part, first_columns, importance_part, needed
from chainrule.reports.sections.network import curves_part, network_part, splits_part
from chainrule.reports.sections.numbers import numbers_part
from chainrule.reports.sections.plane import plane_part
from chainrule.reports.sections.rows import rows_part
from chainrule.reports.sections.scores import score_intervals, scores_part
from chainrule.reports.sections.slices import slices_part
from chainrule.reports.sections.summary import summary
from chainrule.reports.sections.trust import ablation_part, certificate_part, diagnosis_part, learning_part
from chainrule.training.scores.metrics import PRIMARY

VERSION = 1
"""The version of a report's JSON; it rises when what is there changes its meaning."""


@dataclass(frozen=True, eq=False)
class Report(Shown):
    """A report: the ``document`` that every format is made of; its ``data`` are the same numbers for programs."""

    document: Document

    _shown_by: ClassVar[str] = "chainrule.explain.show.notebook:document"

    @property
    def data(self) -> Mapping[str, Any]:
        """The numbers as plain data, by part."""
        return self.document.data or {}

    def render(self, form: str = "html") -> str:
        """Return the report as ``html``, ``markdown``, ``text``, ``latex`` or ``json``."""
        return render(self.document, form)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the report in the format of the file's ending; raises OutputError where it can't be written or exists."""
        ending = Path(path).suffix.lower()
        form = next((name for name in RENDERERS if format_named(name).ending == ending), None)
        if form is None:
            endings = ", ".join(format_named(name).ending for name in RENDERERS)
            raise SettingsError(f"{fspath(path)}: the ending says no format; use {endings}")
        with write_atomically(Path(path), overwrite=overwrite) as file:
            file.write(self.render(form).encode())

    def __repr__(self) -> str:
        return f"Report({self.document.title!r}, {len(self.document.blocks)} parts)"


def report(
    model: Model | Trained | str | PathLike[str],
    table: Source = None,
    *,
    history: str | PathLike[str] | None = None,
    ablation: Ablations | None = None,
    learning: LearningCurve | None = None,
    seed: int = 0,
    threads: int | None = None,
    **reading: Any,
) -> Report:
    """Return the report of a model on a table, or of a training (what `train` returns), which knows its table and its curves.

    ``history`` is the CSV that ``chainrule train --history`` writes; ``ablation`` what `ablate` found, ``learning`` what
    `learning_curve` found; ``seed`` draws the rows
    of what works on some. Raises TableError for a table that doesn't fit the model, SettingsError for what is missing.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(60)], "b": ["u", "v", "w"] * 20, "y": ["no", "yes"] * 30}
    >>> trained = chainrule.train(rows, "y", hidden=[4], members=1, epochs=5)
    >>> made = chainrule.report(trained)
    >>> made.data["parts"]["scores"]["scores"] == trained.evaluation.scores
    True
    """
    epochs = () if history is None else read_history(history)
    how: dict[str, Any] = {"seed": seed, "ablation": ablation, "learning": learning}
    name, command = "the model", "chainrule.report(model, table)"
    if isinstance(model, Trained):
        if table is not None:
            raise SettingsError(
                f"{setting('table')}: a training knows its table; leave it out, or give its model"
            )
        epochs = epochs or model.fit.watched.history
        command = "chainrule.report(chainrule.train(table, target, …))"
        subject = Reported(
            model.model, model.prepared.table, name, command, trained=model, epochs=epochs, **how
        )
    else:
        if table is None:
            raise SettingsError(f"{setting('table')} is missing: a model is reported on a table")
        if not isinstance(model, Model):
            name = fspath(model)
            model = load(model)
            command = f"chainrule.report({name!r}, table)"
        subject = Reported(model, model.table(table, **reading), name, command, epochs=epochs, **how)
    with limited_threads(threads):
        return made(subject)


def made(subject: Reported, more: Mapping[str, Any] | None = None) -> Report:
    """Return the report of a subject; ``more`` is what its JSON tells besides."""
    intervals = score_intervals(subject)
    parts = _parts(subject, intervals)
    first = summary(subject, parts, intervals.get(PRIMARY[subject.model.task]))
    data = {
        "report_version": VERSION,
        "chainrule": __version__,
        "model": subject.name,
        "table": subject.table.name,
        "command": subject.command,
        "seed": subject.seed,
        **(more or {}),
        "doubts": list(dict.fromkeys(doubt for part in parts for doubt in part.doubts)),
        "parts": {part.key: dict(part.data) for part in parts},
    }
    title = f"{subject.model.target.name}: a report on {subject.table.name}"
    blocks = (*first, *(part.section for part in parts))
    return Report(Document(title, blocks, data=data, contents=True, metadata=metadata(subject)))


def _parts(subject: Reported, intervals: Mapping[str, Interval]) -> Sequence[ReportPart]:
    """Return the parts that there are, in the order in which they are read."""
    found, columns = None, [column.name for column in subject.model.encoder.columns]

    def importances() -> ReportPart | None:
        nonlocal found, columns
        found = needed(subject)
        columns = first_columns(subject, found)
        return importance_part(subject, found)

    # The order of the columns comes from their importance, so that is worked out first.
    importance = _made_or_said("importance", importances)
    makers: dict[str, Callable[[], ReportPart | None]] = {
        "scores": lambda: scores_part(subject, intervals),
        "classes": lambda: classes_part(subject),
        "numbers": lambda: numbers_part(subject),
        "slices": lambda: slices_part(subject, columns),
        "importance": lambda: importance,
        "dependence": lambda: dependence_part(subject, columns),
        "plane": lambda: plane_part(subject, columns),
        "rows": lambda: rows_part(subject),
        "table": lambda: data_part(subject),
        "splits": lambda: splits_part(subject),
        "network": lambda: network_part(subject),
        "curves": lambda: curves_part(subject),
        "mountain": lambda: mountain_part(subject),
        "diagnosis": lambda: diagnosis_part(subject),
        "certificate": lambda: certificate_part(subject),
        "search": lambda: search_part(subject),
        "learning": lambda: learning_part(subject),
        "ablation": lambda: ablation_part(subject),
        "limits": lambda: limits_part(subject),
        "carried": lambda: carried_part(subject),
        "card": lambda: card_part(subject),
    }
    parts = (_made_or_said(name, make) for name, make in makers.items())
    return [part for part in parts if part is not None]


def _made_or_said(name: str, make: Callable[[], ReportPart | None]) -> ReportPart | None:
    """Return a part, or one that says why it can't be made: one that fails is to cost neither the others nor the model."""
    try:
        return make()
    except (SettingsError, TableError) as error:
        reason = str(error)
        what = f"{name}: not made"
        return ReportPart(
            name,
            what[0].upper() + what[1:],
            (Words(reason),),
            {"reason": reason},
            (f"there is no {name} part: {reason}",),
        )

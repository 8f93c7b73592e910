"""From a model to a file in another language, checked at once against the model's own engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._files import ensure_writable, write_atomically
from chainrule.equations.registry import check_choice
from chainrule.errors import SettingsError
from chainrule.exports.certificate import ExportCertificate, certify_export, not_run
from chainrule.exports.explaining import typical_row
from chainrule.exports.program import Program
from chainrule.exports.run.base import CantRun, ExportError
from chainrule.exports.run.explained import certify_explanations
from chainrule.exports.run.made_rows import made_rows
from chainrule.exports.smaller import int8_program
from chainrule.exports.targets import TargetLanguage, language_named, language_of, written_as
from chainrule.exports.written.head import EXPLAINS_WORDS, HASH_WORDS, INT8_WORDS
from chainrule.model.model import Model, Prediction, load
from chainrule.model.source import Source
from chainrule.tables.table import Table


@dataclass(frozen=True)
class Exported:
    """An export: its ``content``, and the certificate of its run; None where nothing here runs it, which ``words`` then say."""

    language: str
    content: bytes
    certificate: ExportCertificate | None
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8")

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the file; raises OutputError where it can't be written or exists."""
        with write_atomically(path, overwrite=overwrite) as file:
            file.write(self.content)


def export(
    model: Any,
    to: str | None = None,
    path: str | PathLike[str] | None = None,
    *,
    dialect: str | None = None,
    precision: str | None = None,
    check: Source | None = None,
    explain: Source | None = None,
    overwrite: bool = False,
) -> Exported:
    """Return a model as a program in another language, from cells to answers, and write it to ``path`` if given.

    ``model`` is a `Model`, what a training gave, a fitted Table estimator, or the path of a model file; ``to`` is one of
    `LANGUAGES`, which the ending of ``path`` says too; SQL is in a ``dialect``, sqlite if none is named. With the ``precision``
    int8 weights are whole numbers of 8 bits. With the table ``explain`` JavaScript carries explanations, as of that table's
    rows. The program is run at once, where it can be, on 2,000 made rows and on the table
    ``check``, and what it says is compared with the model's own engine; raises ExportError where it differs, and then nothing
    is written.

    >>> import chainrule
    >>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, "y", hidden=[2], epochs=30, members=1)
    >>> chainrule.export(trained, "python").certificate.passed
    True
    """
    language = language_named(to, path, dialect)
    if path is not None:
        ensure_writable(path, overwrite)
    program = in_precision(exported_model(model), language, precision)
    explained = None if explain is None else program.model.table(explain)
    if explained is not None:
        program = explaining(program, language, explained)
    table = None if check is None else program.model.table(check)
    name = "model" if path is None else Path(fspath(path)).stem
    certificate: ExportCertificate | None = None
    try:
        content = language.content(program, (), name)
        certificate = certified(language, program, content, table)
        words = (*certificate.words, *changed(program, table))
        if explained is not None:
            of_rows = certify_explanations(program, content, explained)
            certificate = replace(certificate, wrong=(*certificate.wrong, *of_rows.wrong))
            words = (*words, of_rows.words)
    except CantRun as reason:
        words = not_run(reason)
    if certificate is not None and not certificate.passed:
        wrong = "; ".join(certificate.wrong)
        raise ExportError(f"the export to {language.name} doesn't say what the model says: {wrong}")
    made = Exported(language.name, language.content(program, words, name), certificate, words)
    if path is not None:
        made.save(path, overwrite=overwrite)
    return made


def check_export(
    path: str | PathLike[str], model: Any, source: Source | None = None, **reading: Any
) -> ExportCertificate:
    """Return the certificate of an export in a file, run again on made rows and on a table if one is given.

    Raises SettingsError for a file of another model, or that is no export, and ExportError where nothing here runs it.
    """
    named, program = language_of(path), Program(exported_model(model))
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{fspath(path)}: can't be read: {error.strerror}") from error
    own = _HASH.search(said := named.said(content))
    if own is None:
        raise SettingsError(
            f"{fspath(path)} is no export of chainrule's: its first lines name no model; export it again"
        )
    if own[1].decode() != program.sha256:
        raise SettingsError(
            f"{fspath(path)} is an export of another model: of the one with SHA-256 {own[1].decode()[:12]}…, and this one has "
            f"{program.sha256[:12]}…; name that one, or export this one again"
        )
    table = None if source is None else program.model.table(source, **reading)
    language = written_as(named, content)
    if INT8_WORDS.encode() in b" ".join(said.split()):
        program = int8_program(program.model)
    try:
        certificate = certified(language, program, content, table)
        if table is not None and EXPLAINS_WORDS.encode() in b" ".join(said.split()):
            of_rows = certify_explanations(program, content, table, as_written=True)
            certificate = replace(certificate, wrong=(*certificate.wrong, *of_rows.wrong))
        return certificate
    except CantRun as reason:
        raise ExportError(f"{fspath(path)} can't be run here: {reason}; check it where it can be") from reason


_HASH = re.compile(HASH_WORDS.encode() + b"([0-9a-f]{64})", re.IGNORECASE)


def certified(
    language: TargetLanguage, program: Program, content: bytes, table: Table | None
) -> ExportCertificate:
    """Return the certificate of an export's content; raises CantRun where nothing here runs it."""
    exact = None if language.exact is None else partial(language.exact, program, content)
    made = made_rows(program, language.rows)
    if table is not None and table.n_rows > language.rows:
        table = table.take(np.linspace(0, table.n_rows - 1, language.rows).astype(np.int64))
    return certify_export(
        program,
        partial(language.run, program, content),
        table,
        double=language.double,
        exact=exact,
        made=made,
    )


def explaining(program: Program, language: TargetLanguage, table: Table) -> Program:
    """Return the program with explanations as of a table's rows; raises SettingsError for a language that can't carry them."""
    if language.name != "javascript":
        raise SettingsError(
            f"{setting('explain')}: only javascript carries explanations, not {language.name}; leave it out"
        )
    return replace(program, typical=typical_row(program.model, table))


def in_precision(model: Model, language: TargetLanguage, precision: str | None) -> Program:
    """Return the program of a model in a precision; raises SettingsError for one that the language can't have."""
    if precision is None:
        return Program(model)
    check_choice(setting("precision"), precision, ("int8",))
    if language.name in ("sql", "xlsx"):
        raise SettingsError(
            f"{setting('precision', precision)}: {language.name} writes every weight out, so it gets no smaller; leave it out"
        )
    return int8_program(model)


def changed(program: Program, table: Table | None) -> tuple[str, ...]:
    """Say what weights of 8 bits change: the answers for made rows, and the scores on a table that has the target."""
    if program.source is None:
        return ()
    rows = made_rows(program).table
    x = program.model.encoder.transform(rows)
    with np.errstate(all="ignore"):
        before, after = program.source.answer(x), program.model.answer(x)
    if before.probabilities is not None and after.probabilities is not None:
        off = float(np.nanmax(np.abs(before.probabilities - after.probabilities)))
        said = f"Weights of 8 bits change probabilities for made rows by at most {off:.2g}"
    else:
        said = (
            f"Weights of 8 bits change answers for made rows by at most {_largest_change(before, after):.2g}"
        )
    if table is None or not set(program.model.target.names) <= set(table.columns):
        return (f"{said}.",)
    one, other = program.source.evaluate(table).scores, program.model.evaluate(table).scores
    scores = ", ".join(f"{name} {one[name]:.4g} → {other[name]:.4g}" for name in one)
    return (f"{said}; scores on the table: {scores}.",)


def _largest_change(before: Prediction, after: Prediction) -> float:
    known = before.finite & after.finite
    if before.codes is not None and after.codes is not None:
        return float(np.abs(before.codes - after.codes)[known].max())
    return float(np.abs(before.labels - after.labels)[known].max())


def exported_model(given: Any) -> Model:
    """Return the model of what a caller has: itself, a training's, an estimator's, or a file's."""
    if isinstance(given, Model):
        return given
    if isinstance(given, str | PathLike):
        return load(given)
    for name in ("model", "model_"):
        if isinstance(found := getattr(given, name, None), Model):
            return found
    raise SettingsError(
        f"{setting('model')}: a Model, a training, a fitted Table estimator or the path of a model file is expected, not "
        f"{type(given).__name__}"
    )

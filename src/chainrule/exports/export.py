"""From a model to a file in another language, checked at once against the model's own engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from chainrule._doors import setting
from chainrule._files import ensure_writable, write_atomically
from chainrule.equations.registry import check_choice
from chainrule.errors import SettingsError
from chainrule.exports.c99 import write_c
from chainrule.exports.certificate import Certificate, certify_export, not_run
from chainrule.exports.javascript import write_javascript
from chainrule.exports.plain_python import write_python
from chainrule.exports.program import Program
from chainrule.exports.runners import CantRun, ExportError, Runner, run_c, run_javascript, run_python
from chainrule.model.model import Model, load
from chainrule.model.source import Source


@dataclass(frozen=True)
class TargetLanguage:
    """A language that models are exported to: how it is written and run, and in which precision it computes."""

    name: str
    suffix: str
    write: Callable[..., str]
    run: Runner
    double: bool = True
    exact: Runner | None = None
    named: bool = False


LANGUAGES = {
    language.name: language
    for language in (
        TargetLanguage("python", ".py", write_python, run_python),
        TargetLanguage("javascript", ".mjs", write_javascript, run_javascript),
        TargetLanguage(
            "c", ".h", write_c, run_c, double=False, exact=partial(run_c, double=True), named=True
        ),
    )
}
"""The languages by name."""


@dataclass(frozen=True)
class Exported:
    """An export: its text, and the certificate of its run, None where it could not be run here, which ``note`` then says."""

    language: str
    text: str
    certificate: Certificate | None
    note: str = ""

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the file; raises OutputError where it can't be written or exists."""
        with write_atomically(path, overwrite=overwrite, mode="w") as file:
            file.write(self.text)


def export(
    model: Any,
    to: str,
    path: str | PathLike[str] | None = None,
    *,
    check: Source | None = None,
    overwrite: bool = False,
) -> Exported:
    """Return a model as a program in another language, from cells to answers, and write it to ``path`` if given.

    ``model`` is a `Model`, what a training gave, a fitted Table estimator, or the path of a model file; ``to`` is one of
    `LANGUAGES`. The program is run at once, where it can be, on 2,000 made rows and on the table ``check``, and what it says is
    compared with the model's own engine; raises ExportError where it differs, and then nothing is written.

    >>> import chainrule
    >>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, "y", hidden=[2], epochs=30, members=1)
    >>> chainrule.export(trained, "python").certificate.passed
    True
    """
    check_choice("to", to, tuple(LANGUAGES))
    if path is not None:
        ensure_writable(path, overwrite)
    language, program = LANGUAGES[to], Program(model_of(model))
    name = "model" if path is None else Path(fspath(path)).stem
    table = None if check is None else program.model.table(check)
    try:
        certificate = certified(language, program, _written(language, program, [], "model"), table)
    except CantRun as reason:
        made = Exported(to, _written(language, program, not_run(reason), name), None, " ".join(not_run(reason)))
    else:
        if not certificate.passed:
            raise ExportError(f"the export to {to} doesn't say what the model says: {'; '.join(certificate.wrong)}")
        made = Exported(to, _written(language, program, certificate.words, name), certificate)
    if path is not None:
        made.save(path, overwrite=overwrite)
    return made


def certified(language: TargetLanguage, program: Program, text: str, table: Any) -> Certificate:
    """Return the certificate of an export's text; raises CantRun where nothing here runs it."""
    exact = None if language.exact is None else partial(language.exact, program, text)
    return certify_export(
        program, partial(language.run, program, text), table, double=language.double, exact=exact
    )


def _written(language: TargetLanguage, program: Program, certificate: Sequence[str], name: str) -> str:
    if language.named:
        return language.write(program, certificate, name)
    return language.write(program, certificate)


def model_of(given: Any) -> Model:
    """Return the model of what a caller has: itself, a training's, an estimator's, or a file's."""
    if isinstance(given, Model):
        return given
    if isinstance(given, str | PathLike):
        return load(given)
    found = getattr(given, "model", None) or getattr(given, "model_", None)
    if isinstance(found, Model):
        return found
    raise SettingsError(
        f"{setting('model')}: a Model, a training, a fitted Table estimator or the path of a model file is expected, not "
        f"{type(given).__name__}"
    )

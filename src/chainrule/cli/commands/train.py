"""``chainrule train``: a table in, a trained network out."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from chainrule._aside import tell
from chainrule._doors import through
from chainrule._numbers import printable
from chainrule.cli.console import print_json, screen, warn
from chainrule.cli.documents import format_of, print_document
from chainrule.cli.parsing import (
    Parser,
    names_among,
    reading,
    reading_options,
    setting_option,
    settings_given,
    thread_option,
    whole,
)
from chainrule.engines import in_words
from chainrule.errors import OutputError, SettingsError
from chainrule.explain.show import render
from chainrule.training.settings.fields import listed

if TYPE_CHECKING:
    from chainrule.cli.searching import KeptSearch
    from chainrule.fitting.question import Question
    from chainrule.fitting.score import Trained
    from chainrule.model.model import Model
    from chainrule.training.settings.by_hand import ReadName

EXAMPLES = """
chainrule train penguins.csv --target species
chainrule train penguins.csv --target species --ablate
chainrule train penguins.csv --target species --time year --cross-validate 2
chainrule train penguins.csv --target species --learning-curve
chainrule train penguins.csv --target species --search 8
chainrule train houses.parquet --target price --hidden 128,64 --activation mish
chainrule train abc.csv --target Target --hidden 4 --activation sigmoid \\
    --bias none --scaling minmax --optimizer sgd --batch-size 1
zcat big.csv.gz | chainrule train - --target label --out big.safetensors
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "train",
        "TABLE --target COLUMN [options]",
        "Train a network on a table, score it on rows it never saw, and write the model file. What is not given is "
        "chosen from the table, and the choice is shown.",
        EXAMPLES,
    )
    from chainrule.fitting.question import Question
    from chainrule.training.settings.record import Settings

    formats = "CSV, TSV, JSON, Parquet, Arrow or Excel, also compressed"
    made.options("table", {"TABLE": f"{formats}; a folder or a 'pattern*' of parts; - is standard input"})
    for one in listed(Question):
        setting_option(made, one)
    reading_options(made, trained=False)
    for one in listed(Settings):
        setting_option(made, one)
    said = "whose names --initial, --frozen and --weights-from have: a notation such as article-5, or a file of your own"
    made.option("network", "--as", dest="notation", metavar="NOTATION", help=said)
    made.options("training", {"--engine NAME": f"what runs the equations: {in_words()}"})
    made.options(
        "training",
        {"--dtype {float32,float64}": "of the numbers in training (default float32, of reference float64)"},
    )
    thread_option(made, "training")
    output = {
        "--out FILE": "the model file; if not given, the table's name with .safetensors",
        "--history FILE": "also write the loss of every epoch, as CSV",
        "--report FILE": "also write a report; the ending says how: .html, .md, .tex, .txt or .json",
        "--small": "also write a network of four neurons, taught by the answers of the model: small enough to be followed whole",
        "--overwrite": "replace files that exist",
    }
    output["--search-file FILE"] = (
        "keep what a search has finished in it, and go on from it; if not given, only until it is done"
    )
    made.options("output", output)
    made.option(
        "output",
        "--ablate",
        metavar="N",
        nargs="?",
        const=3,
        type=whole,
        help="say what each ingredient of the recipe adds, by N trainings (3 if not given) with and without it; writes no model",
    )
    made.option(
        "output",
        "--cross-validate",
        metavar="K",
        nargs="?",
        const=5,
        type=whole,
        help="score K times (5 if not given) on another Kth of the rows, each time by a training on the others; writes no model",
    )
    made.option(
        "output",
        "--learning-curve",
        metavar="N",
        nargs="?",
        const=3,
        type=whole,
        help="say what more rows bring, by N trainings (3 if not given) on 1/8, 1/4, 1/2 and all of them; writes no model",
    )
    made.options("output", {"--json": "print the result as JSON, for programs"})
    made.option("output", "--quiet", "-q", action="store_true", help="print nothing but notes and errors")
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    path = Path(options.out or f"{_stem(options.table)}.safetensors")
    report_format = format_of(options.report, option="--report")
    history = None if options.history is None else Path(options.history)
    study = _study(options)
    if study is None:
        refused = _check_outputs(path, history, options)
    elif given := next(filter(vars(options).get, ("out", "history", "small", "search_file")), None):
        raise SettingsError(
            f"--{given.replace('_', '-')} would have no effect: {study} writes no model; leave one of them out"
        )
    elif options.report is not None:
        refused = _check_outputs(None, None, options)
    elif options.overwrite:
        raise SettingsError(
            f"--overwrite would have no effect: {study} writes nothing but a --report; leave it out"
        )
    else:
        refused = None
    from chainrule._files import write_atomically
    from chainrule.engines import ENGINES, engine_named
    from chainrule.engines.threads import limited_threads
    from chainrule.fitting.fit import fit_prepared
    from chainrule.fitting.question import Question
    from chainrule.fitting.score import score_made, score_prepared
    from chainrule.fitting.studies.ablation import check_ablates
    from chainrule.fitting.studies.cross_validation import check_crosses
    from chainrule.fitting.studies.learning import check_learns
    from chainrule.fitting.timing import within_time
    from chainrule.fitting.train import prepare, score_without
    from chainrule.model.source import Reading
    from chainrule.reports.history import history_text
    from chainrule.reports.training import found_document
    from chainrule.training.callbacks import ProgressBar
    from chainrule.training.settings.record import Settings

    settings = Settings(**settings_given(options, Settings))
    if options.ablate is not None:
        check_ablates(settings, options.ablate)
    elif options.learning_curve is not None:
        check_learns(settings, options.learning_curve)
    engine = options.engine or ENGINES[0]
    engine_named(
        engine, threads=options.threads, dtype=options.dtype
    )  # what is unknown is refused before the table is read
    how = Reading().changed(**reading(options))
    table = how.table(options.table)
    if options.target is None:
        columns = f"{table.name} has {', '.join(table.columns[:20])}"
        raise SettingsError(f"--target is missing: name the column to predict; {columns}")
    asked = settings_given(options, Question)
    targets = names_among(asked["target"], table.columns)
    asked["target"] = targets[0] if len(targets) == 1 else targets
    for name in ("inputs", "drop"):
        if name in asked:
            asked[name] = names_among(asked[name], table.columns)
    if "kinds" in asked:
        asked["kinds"] = dict(asked["kinds"])
    question = Question(table, reading=how, names=_names_of_parameters(options), **asked)
    if options.cross_validate is not None:
        check_crosses(question, options.cross_validate)
    if study is not None:
        question = question.opened()
    prepared = prepare(question if options.cross_validate is None else _without_test(question), settings)
    if refused is not None:
        raise refused
    talks = not (options.json or options.quiet)
    if talks:
        print_document(found_document(prepared))
        print(flush=True)
    if study is not None:
        from chainrule.cli.ablation import ablation
        from chainrule.cli.cross_validation import cross_validation
        from chainrule.cli.learning import learning

        look = ablation if options.ablate is not None else learning
        look = look if options.cross_validate is None else cross_validation
        found = look(question, settings, options, engine)
        if options.report is not None:
            with write_atomically(options.report, overwrite=options.overwrite) as file:
                file.write(render(found, report_format).encode())
            tell(f"wrote {options.report}")
        return
    prepared = within_time(prepared, engine=engine, threads=options.threads)
    training: dict[str, Any] = {"engine": engine, "threads": options.threads, "dtype": options.dtype}
    searches = (settings.search or 1) > 1
    kept_search: KeptSearch | None = None
    with ProgressBar(shown=False if options.quiet else None) as progress, limited_threads(options.threads):
        if searches:
            from chainrule.cli.searching import search

            made, kept_search = search(prepared, path, options, training, progress)
        elif options.search_file is not None:
            raise SettingsError("--search-file is for a search: add --search 8, or leave it out")
        else:
            result = fit_prepared(prepared, **training, on_epoch_end=progress)
    with limited_threads(options.threads):
        again = partial(score_without, prepared, **training)
        if searches:
            trained = score_made(made, engine=engine, without=again)
        else:
            trained = score_prepared(prepared, result, engine=engine, without=again)
    texts = {} if history is None else {history: history_text(trained.fit.watched.history)}
    if options.report is not None:
        texts[Path(options.report)] = _report(trained, path, report_format, options)
    small = None
    if options.small:
        from chainrule.fitting.studies.small import small_of

        small = small_of(trained, engine=engine, threads=options.threads)
    _write(trained, path, texts, options.overwrite, small)
    if kept_search is not None:
        kept_search.done(trained.model.card["search"].get("ended", ""), kept=options.search_file is not None)
    if talks:
        other = None if small is None else (small, small_path(path))
        _print_result(trained, path, list(texts), options.table, other)
        return
    warn(
        [
            *([trained.verdict] if trained.verdict else []),
            *(note for note in trained.notes if note not in trained.verdict),
        ]
    )
    if options.json:
        print_json(_result(trained, path, small))


def _study(options: argparse.Namespace) -> str | None:
    """Return the option that trains to compare, instead of writing a model, or None; raises SettingsError for two."""
    given = [
        name for name in ("ablate", "cross_validate", "learning_curve") if getattr(options, name) is not None
    ]
    named = [f"--{name.replace('_', '-')}" for name in given]
    if len(named) > 1:
        raise SettingsError(
            f"{' and '.join(named)} are about trainings of their own each: give one at a time"
        )
    return named[0] if named else None


def _without_test(question: Question) -> Question:
    """Return the question with no rows set aside for the score: each fold is, in its turn."""
    return question if question.split is not None else replace(question, test_share=0.0)


def _names_of_parameters(options: argparse.Namespace) -> ReadName | None:
    """Return what reads the names of the parameters that are set by hand, None where these are addresses."""
    if options.notation is None:
        return None
    if not (options.initial or options.frozen or options.weights_from):
        raise SettingsError(
            "--as says whose names --initial, --frozen and --weights-from have: give one of them"
        )
    from chainrule.explain.notation.naming import address_read
    from chainrule.explain.notation.record import notation

    return address_read(notation(options.notation))


def small_path(path: Path) -> Path:
    """Return the file of the small network beside a model's: penguins-small.safetensors."""
    return path.with_name(f"{path.stem}-small{path.suffix}")


def _stem(table: str) -> str:
    """Return the name of the model: ``data/a.csv.gz`` and ``data/a-*.csv`` make ``a``, standard input makes ``model``."""
    name = "" if table == "-" else Path(table).name.split(".")[0]
    return name.translate(dict.fromkeys(map(ord, "*?[]"))).strip(" -_") or "model"


def _check_outputs(
    path: Path | None, history: Path | None, options: argparse.Namespace
) -> OutputError | None:
    """Raise OutputError before any work for a file that can't be written, or is one of those to be read.

    That one exists is returned: it is told after what is wrong with the table, as it is mended last.
    """
    from chainrule._files import ensure_writable

    outputs = {"out": path, "history": history, "report": options.report}
    outputs["search-file"] = options.search_file
    outputs["small"] = small_path(path) if options.small and path is not None else None
    written = {name: Path(output) for name, output in outputs.items() if output is not None}
    existing: OutputError | None = None
    for name, output in written.items():
        try:
            with through(renamed={"out": name}):
                # The file of a search is gone on with, where there is one.
                ensure_writable(output, options.overwrite or name == "search-file")
        except OutputError as error:
            if options.overwrite or not output.is_file():
                raise
            existing = existing or error
    for one, other in combinations(written, 2):
        if _same(written[one], written[other]):
            raise OutputError(f"--{one} and --{other} are the same file, {written[one]}; choose another name")
    for name, output in written.items():
        for table in filter(None, (options.table, options.test_file, options.teacher)):
            if _same(output, Path(table)):
                what = f"{output} is a table to be read, and would be lost"
                raise OutputError(f"{what}; choose another --{name}")
    return existing


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _write(
    trained: Trained, path: Path, texts: Mapping[Path, str], overwrite: bool, small: Trained | None
) -> None:
    """Write the model, and what else is asked for: all or none."""
    from chainrule._files import write_atomically

    with ExitStack() as files:
        for name, text in texts.items():
            file = files.enter_context(write_atomically(name, overwrite=overwrite))
            file.write(text.encode())
            # A disk that is full shows here, before the model has its name.
            file.flush()
            os.fsync(file.fileno())
        if small is not None:
            small.model.save(small_path(path), overwrite=overwrite)
        trained.model.save(path, overwrite=overwrite)


def _report(trained: Trained, path: Path, form: str, options: argparse.Namespace) -> str:
    """Return the report of a training in a format."""
    from chainrule.engines.threads import limited_threads
    from chainrule.reports.report import made
    from chainrule.reports.reported import Reported

    curves = trained.fit.watched.history
    about = Reported(
        trained.model, trained.prepared.table, str(path), options.typed, trained=trained, epochs=curves
    )
    with limited_threads(options.threads):
        return made(about, _result(trained, path)).render(form)


NEXT = (
    "evaluate {model} NEW.csv",
    "predict {model} NEW.csv --out predictions.csv",
    "explain {model} {table} --row 1",
    "diagnose {model} {table}",
    "report {model} {table} --out report.html",
    "describe {model}",
    "lesson article-5",
)
"""What one may type after a training."""


def _print_result(
    trained: Trained,
    path: Path,
    others: Sequence[Path],
    table: str,
    small: tuple[Trained, Path] | None = None,
) -> None:
    """Show how training went, and what to type next.

    ``table`` is the file that rows were read from, ``small`` the small network and its file, if there is one.
    """
    from chainrule.reports.training import result_document, small_document

    print_document(result_document(trained))
    if small is not None:
        print()
        print_document(small_document(small[0], trained))
        others = (small[1], *others)
    console = screen()
    if trained.out_of_fold is None and trained.evaluation.confusion is None:
        console.print()
    *names, last = map(printable, (path, *others))
    written = f"{', '.join(names)} and {last}" if names else last
    console.print(Text.assemble("wrote ", (written, "bold"), "; next:"), soft_wrap=True)
    read = "NEW.csv" if table == "-" else table  # standard input can't be read again
    files = {"model": shlex.quote(printable(path)), "table": shlex.quote(printable(read))}
    for line in (*(("search {model}",) if "search" in trained.model.card else ()), *NEXT):
        console.print(Text(f"  chainrule {line.format(**files)}", "cyan"), soft_wrap=True)


def _shared(trained: Trained) -> dict[str, Any] | None:
    """Return what is said of rows of the score that training saw: how many, and the scores without them."""
    found = trained.shared
    if found is None:
        return None
    without = found.without
    return {"rows": found.rows, "scores_without": None if without is None else without.scores}


def _networks(model: Model) -> dict[str, Any]:
    """Return what programs are told of the network, or of those of several groups and what they count in the answer."""
    if len(model.groups) == 1:
        return {"network": model.network.to_dict()}
    return {"networks": [group.network.to_dict() for group in model.groups], "weights": list(model.shares)}


def _result(trained: Trained, path: Path, small: Trained | None = None) -> dict[str, Any]:
    from chainrule.reports.training import scores_data, target_data

    model, prepared, fit = trained.model, trained.prepared, trained.fit
    return {
        "model": str(path),
        "task": model.task,
        **target_data(model.target),
        "rows": prepared.rows,
        "held_out": trained.held_out,
        **scores_data(trained.evaluation),
        "verdict": trained.verdict,
        "shared": _shared(trained),
        "leaks": [leak.column for leak in trained.prepared.leaks],
        "scores_without_leaks": None if trained.without_leaks is None else trained.without_leaks.scores,
        "baselines": dict(trained.baselines),
        "out_of_fold": None if trained.out_of_fold is None else trained.out_of_fold.scores,
        **_networks(model),
        "members": model.members,
        "training": {
            **{name: value for name, value in model.card.items() if name != "seen"},
            "seconds": round(fit.seconds, 3),
        },
        "columns": prepared.schema.to_dict()["columns"],
        "notes": [*prepared.schema.notes, *trained.notes],
        **(
            {}
            if small is None
            else {"small": {"model": str(small_path(path)), **scores_data(small.evaluation)}}
        ),
    }

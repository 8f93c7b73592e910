"""``chainrule train``: a table in, a trained network out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.console import print_json, screen, warn
from chainrule.cli.parsing import (
    Parser,
    factors,
    layer_sizes,
    number,
    reading,
    reading_options,
    rows_per_batch,
    thread_option,
    whole,
    words,
)
from chainrule.engines import in_words
from chainrule.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from chainrule.fitting.score import Trained

EXAMPLES = """
chainrule train penguins.csv --target species
chainrule train penguins.csv --target species --ablate
chainrule train houses.parquet --target price --hidden 128,64 --activation mish
chainrule train abc.csv --target Target --hidden 4 --activation sigmoid \\
    --bias none --scaling minmax --optimizer sgd --batch-size 1
zcat big.csv.gz | chainrule train - --target label --out big.safetensors
"""

SETTINGS = (
    "hidden", "activation", "output_activation", "loss", "label_smoothing", "optimizer", "learning_rate", "schedule",
    "rate_factors", "warmup", "momentum", "batch_size", "epochs", "weight_decay", "l1", "l2", "dropout", "clip_norm",
    "bias", "init",
    "numeric_embedding", "category_embedding", "scaling_layer",
    "activation_mix", "parametrization", "regularization_schedule",
    "early_stopping", "patience", "tolerance", "stop_together", "watch", "validation_share", "members", "sharing",
    "calibrate", "clamp", "bagging", "refit", "recipe", "fast", "time_limit", "seed",
)  # fmt: skip
"""The options that are fields of `Settings`; those not given are left to it."""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "train",
        "TABLE --target COLUMN [options]",
        "Train a network on a table, score it on rows it never saw, and write the model file. "
        "What is not "
        "given is chosen from the table, and the choice is shown.",
        EXAMPLES,
    )
    _table_options(made)
    _network_options(made)
    _training_options(made)
    _output_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    path = Path(options.out or f"{_stem(options.table)}.safetensors")
    history = None if options.history is None else Path(options.history)
    if options.ablate is None:
        _check_outputs(path, history, options)
    else:
        _check_no_outputs(options)
    from chainrule.cli.report import print_found, print_result
    from chainrule.engines import ENGINES, engine_named
    from chainrule.engines.threads import limited_threads
    from chainrule.fitting.ablation import check_ablates
    from chainrule.fitting.prepare import prepare
    from chainrule.fitting.score import score_prepared
    from chainrule.fitting.timing import within_time
    from chainrule.fitting.train import fit_prepared
    from chainrule.model.source import Reading
    from chainrule.training.callbacks import ProgressBar
    from chainrule.training.settings.record import Settings

    asked = {name: getattr(options, name) for name in SETTINGS if getattr(options, name) is not None}
    settings = Settings(**asked)
    if options.ablate is not None:
        check_ablates(settings, options.ablate)
    engine = options.engine or ENGINES[0]
    engine_named(engine, threads=options.threads)  # what is unknown is refused before the table is read
    how = Reading().changed(**reading(options))
    table = how.table(options.table)
    if options.target is None:
        raise SettingsError(
            f"--target is missing: name the column to predict; {table.name} has {', '.join(table.columns[:20])}"
        )
    test_file = options.test_file
    if options.ablate is not None and test_file is not None:
        test_file = how.table(test_file)  # it is looked at in each training, and may be standard input
    prepared_as = partial(
        prepare,
        table,
        options.target,
        task=options.task,
        inputs=_names(options.inputs, table.columns),
        drop=_names(options.drop, table.columns) or (),
        weights=options.weights,
        scaling=options.scaling,
        target_scaling=options.target_scaling,
        test_share=options.test_share,
        test_file=test_file,
        reading=how,
        test_seed=settings.seed,
    )
    prepared = prepared_as(settings)
    console = screen()
    talks = not (options.json or options.quiet)
    if talks:
        print_found(console, prepared)
        sys.stdout.flush()
    if options.ablate is not None:
        from chainrule.cli.ablation import ablation

        ablation(prepared_as, settings, options, engine)
        return
    prepared = within_time(prepared, engine=engine, threads=options.threads)
    with ProgressBar(shown=False if options.quiet else None) as progress:
        result = fit_prepared(prepared, engine=engine, threads=options.threads, on_epoch_end=progress)
    with limited_threads(options.threads):
        trained = score_prepared(prepared, result, engine=engine)
    _write(trained, path, history, options.overwrite)
    if talks:
        print_result(console, trained, path, history)
        return
    warn(trained.notes)
    if options.json:
        print_json(_result(trained, path))


def _table_options(made: Parser) -> None:
    group = "table"
    made.option(
        group,
        "table",
        metavar="TABLE",
        help="CSV, TSV, NDJSON or Parquet; text also as .gz; - is standard input",
    )
    made.option(group, "--target", metavar="COLUMN", help="the column to predict")
    made.option(
        group,
        "--task",
        metavar="TASK",
        help="classification or regression; found from the target if not given",
    )
    made.option(
        group,
        "--inputs",
        metavar="A,B",
        action="append",
        help="the columns to learn from; all that are fit if not given",
    )
    made.option(group, "--drop", metavar="A,B", action="append", help="columns to leave out")
    made.option(
        group,
        "--weights",
        metavar="COLUMN",
        help="a column with the rows' weights in training; it is no input",
    )
    made.option(
        group,
        "--test-share",
        metavar="SHARE",
        type=number,
        help="of the rows, held out for the score (default 0.2)",
    )
    made.option(group, "--test-file", metavar="TABLE", help="a table to score on instead of held-out rows")
    made.option(
        group,
        "--scaling",
        metavar="NAME",
        default="robust",
        help="of number inputs (default robust); see formulas scalings",
    )
    made.option(
        group,
        "--target-scaling",
        metavar="NAME",
        help="of a number target; what suits the output if not given",
    )
    reading_options(made, trained=False)


def _network_options(made: Parser) -> None:
    group = "network"
    made.option(
        group, "--hidden", metavar="N,N", type=layer_sizes, help="neurons of the hidden layers, or none"
    )
    made.option(
        group,
        "--activation",
        metavar="F,F",
        type=_one_or_more,
        help="of the hidden layers: one for all or one for each; a name (see formulas activations) or a formula in z",
    )
    made.option(
        group,
        "--output-activation",
        metavar="F",
        help="of the output layer; what suits the loss if not given",
    )
    made.option(group, "--bias", metavar="WHICH", help="one for each neuron, layer, or none (default neuron)")
    made.option(
        group,
        "--init",
        metavar="NAME",
        help="initial weights; what suits the activation if not given; see formulas initializers; data fits them to the rows",
    )
    made.option(
        group,
        "--activation-mix",
        action=argparse.BooleanOptionalAction,
        help="let each hidden neuron learn how much of the activation it takes: z + alpha (f(z) - z)",
    )
    made.option(
        group,
        "--parametrization",
        metavar="NAME",
        help="of the weighted sums: standard (the default), or ntk, which divides them by sqrt(n_in)",
    )
    made.option(
        group,
        "--numeric-embedding",
        metavar="NAME",
        help="periodic: numbers also enter as learned sums of cosines; or none",
    )
    made.option(
        group,
        "--category-embedding",
        metavar="NAME",
        help="learned: categories of more than 9 levels enter as 8 learned numbers; or none",
    )
    made.option(
        group,
        "--scaling-layer",
        action=argparse.BooleanOptionalAction,
        help="give each number that enters layer 1 a learned factor",
    )
    made.option(
        group, "--members", metavar="N", type=whole, help="how many networks are trained and averaged"
    )
    made.option(
        group,
        "--sharing",
        metavar="HOW",
        help="tabm: members share the hidden layers' weights, each with scalings of its own (default none)",
    )


def _training_options(made: Parser) -> None:
    group = "training"
    made.option(group, "--loss", metavar="F", help="a name (see formulas losses), or a formula in a and y")
    made.option(
        group,
        "--label-smoothing",
        metavar="X",
        type=number,
        help="the part of a row's target that is spread evenly over all classes",
    )
    made.option(group, "--optimizer", metavar="NAME", help="adam if not given; see formulas optimizers")
    made.option(group, "--learning-rate", metavar="ETA", type=number, help="the base learning rate")
    made.option(group, "--schedule", metavar="NAME", help="of the learning rate; see formulas schedules")
    made.option(
        group,
        "--rate-factors",
        metavar="NAME=X,…",
        type=factors,
        help="of the learning rate, by parameter: b=0.1 gives all biases a tenth of it",
    )
    made.option(
        group, "--warmup", metavar="N", type=number, help="epochs in which the learning rate rises from 0"
    )
    made.option(
        group, "--momentum", metavar="MU", type=number, help="of sgd, momentum and nesterov; beta1 of adam"
    )
    made.option(
        group,
        "--batch-size",
        metavar="N",
        type=rows_per_batch,
        help="rows in each update; 1: row by row, all: the whole table",
    )
    made.option(group, "--epochs", metavar="N", type=whole, help="most passes over the table")
    made.option(
        group,
        "--early-stopping",
        action=argparse.BooleanOptionalAction,
        help="stop when the watched loss no longer falls, and keep the best epoch",
    )
    made.option(
        group, "--patience", metavar="N", type=whole, help="epochs without a better loss before stopping"
    )
    made.option(
        group, "--tolerance", metavar="X", type=number, help="how much lower a better loss is (default 0)"
    )
    made.option(
        group,
        "--stop-together",
        action=argparse.BooleanOptionalAction,
        help="watch the members' mean: they end together and keep the same epoch",
    )
    made.option(
        group,
        "--watch",
        metavar="WHAT",
        help="what early stopping looks at: loss (the default), error, or refinement, the log-loss at the best temperature",
    )
    made.option(
        group,
        "--validation-share",
        metavar="SHARE",
        type=number,
        help="of the training rows, watched by early stopping",
    )
    made.option(
        group,
        "--bagging",
        action=argparse.BooleanOptionalAction,
        help="each member holds out and watches its own fold of the rows, instead of one share for all",
    )
    made.option(
        group,
        "--refit",
        action="store_true",
        default=None,
        help="train again on all rows for the best epoch's number of epochs",
    )
    made.option(
        group,
        "--recipe",
        action=argparse.BooleanOptionalAction,
        help="choose what isn't given by the default recipe, or a plain network (default: plain with --hidden or --optimizer)",
    )
    made.option(
        group,
        "--fast",
        action="store_true",
        default=None,
        help="a small form of the recipe, for about a tenth of the time",
    )
    made.option(
        group,
        "--calibrate",
        action=argparse.BooleanOptionalAction,
        help="divide the outputs' weighted sums by the temperature that is best for the validation rows",
    )
    made.option(
        group,
        "--clamp",
        action=argparse.BooleanOptionalAction,
        help="draw predicted numbers in to the range of the training rows' target",
    )
    made.option(
        group, "--seed", metavar="N", type=whole, help="same seed, same network, bit for bit (default 0)"
    )
    made.option(
        group,
        "--time-limit",
        metavar="SECONDS",
        type=number,
        help="fewer members and epochs where all don't fit into it; the schedule ends with them",
    )
    made.option(group, "--engine", metavar="NAME", help=f"what runs the equations: {in_words()}")
    thread_option(made, group)
    group = "regularization"
    made.option(
        group,
        "--weight-decay",
        metavar="X",
        type=number,
        help="shrinks each weight in every step, decoupled from the loss",
    )
    made.option(group, "--l1", metavar="X", type=number, help="adds l1 · Σ|w| to the cost")
    made.option(group, "--l2", metavar="X", type=number, help="adds l2/2 · Σw² to the cost")
    made.option(
        group, "--dropout", metavar="SHARE", type=number, help="of the hidden outputs, dropped in each step"
    )
    made.option(
        group,
        "--regularization-schedule",
        metavar="NAME",
        help="of dropout and weight decay; constant if not given, flat_cosine ends them by and by; see formulas strengths",
    )
    made.option(
        group, "--clip-norm", metavar="X", type=number, help="the longest gradient; a longer one is shortened"
    )


def _output_options(made: Parser) -> None:
    group = "output"
    made.option(
        group,
        "--out",
        metavar="FILE",
        help="the model file; if not given, the table's name with .safetensors",
    )
    made.option(group, "--history", metavar="FILE", help="also write the loss of every epoch, as CSV")
    made.option(group, "--overwrite", action="store_true", help="replace files that exist")
    made.option(
        group,
        "--ablate",
        metavar="N",
        nargs="?",
        const=3,
        type=whole,
        help="say what each ingredient of the recipe adds, by N trainings (3 if not given) with and without it; writes no file",
    )
    made.option(group, "--json", action="store_true", help="print the result as JSON, for programs")
    made.option(group, "--quiet", "-q", action="store_true", help="print nothing but notes and errors")


def _one_or_more(text: str) -> str | tuple[str, ...]:
    parts = words(text)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _names(values: list[str] | None, columns: Sequence[str]) -> list[str] | None:
    """Return the columns of ``--inputs a,b --inputs c``; a name that holds a comma can stand alone."""
    if values is None:
        return None
    return [name for value in values for name in ([value] if value in columns else words(value))]


def _stem(table: str) -> str:
    """Return the name of the model: ``data/a.csv.gz`` makes ``a``, standard input makes ``model``."""
    return "model" if table == "-" else Path(table).name.split(".")[0] or "model"


def _check_outputs(path: Path, history: Path | None, options: argparse.Namespace) -> None:
    """Raise OutputError before any work for a file that can't be written, or is one of those to be read."""
    from chainrule._files import ensure_writable

    ensure_writable(path, options.overwrite)
    if history is not None:
        with _about("--history"):
            ensure_writable(history, options.overwrite)
        if _same(path, history):
            raise OutputError(f"--out and --history are the same file, {path}; choose another name")
    for output in filter(None, (path, history)):
        for table in filter(None, (options.table, options.test_file)):
            if _same(output, Path(table)):
                raise OutputError(f"{output} is a table to be read, and would be lost; choose another --out")


def _check_no_outputs(options: argparse.Namespace) -> None:
    """Raise SettingsError for an option about files that an ablation doesn't write."""
    for name in ("out", "history", "overwrite"):
        if getattr(options, name):
            raise SettingsError(
                f"--{name} would have no effect: --ablate writes no file; leave one of them out"
            )


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


@contextmanager
def _about(option: str) -> Iterator[None]:
    """Let the remedy of OutputError name the option that the file comes from."""
    try:
        yield
    except OutputError as error:
        raise OutputError(str(error).replace("--out", option)) from error


def _write(trained: Trained, path: Path, history: Path | None, overwrite: bool) -> None:
    """Write the model, and the history if asked for: both or none."""
    from chainrule._files import write_atomically

    if history is None:
        trained.model.save(path, overwrite=overwrite)
        return
    with write_atomically(history, overwrite=overwrite) as file:
        file.write(_curves(trained).encode())
        # A disk that is full shows here, before the model has its name.
        file.flush()
        os.fsync(file.fileno())
        trained.model.save(path, overwrite=overwrite)


def _curves(trained: Trained) -> str:
    lines = ["epoch,training_loss,validation_loss,learning_rate,seconds"]
    for line in (trained.fit.first or trained.fit).history:
        cells = (line.training_loss, line.validation_loss, line.learning_rate)
        numbers = ",".join("" if cell != cell else repr(float(cell)) for cell in cells)
        lines.append(f"{line.epoch},{numbers},{line.seconds:.6f}")
    return "\n".join(lines) + "\n"


def _result(trained: Trained, path: Path) -> dict[str, Any]:
    model, prepared, fit = trained.model, trained.prepared, trained.fit
    return {
        "model": str(path),
        "task": model.task,
        "target": model.target.name,
        "classes": list(model.target.labels) if model.task == "classification" else None,
        "rows": prepared.rows,
        "held_out": trained.held_out,
        "scores": trained.evaluation.scores,
        "baselines": dict(trained.baselines),
        "out_of_fold": None if trained.out_of_fold is None else trained.out_of_fold.scores,
        "confusion": trained.evaluation.confusion,
        "network": model.network.to_dict(),
        "members": model.members,
        "training": {**model.card, "seconds": round(fit.seconds, 3)},
        "columns": prepared.schema.to_dict()["columns"],
        "notes": [*prepared.schema.notes, *trained.notes],
    }

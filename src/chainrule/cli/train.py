"""``chainrule train``: a table in, a trained network out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.console import (
    AsJson,
    Decimal,
    Delimiter,
    Encoding,
    Missing,
    load_table,
    names,
    print_json,
    screen,
    split_commas,
    stem,
)

if TYPE_CHECKING:
    from chainrule.model.build import Trained

COLUMNS, NETWORK, TRAINING, REGULARIZATION, OUTPUT = (
    "Columns and rows",
    "Network",
    "Training",
    "Regularization",
    "Output",
)

EXAMPLES = """[bold]Examples[/bold]

[cyan]chainrule train penguins.csv --target species[/cyan]

[cyan]chainrule train houses.parquet --target price --hidden 128,64 --activation mish --members 8[/cyan]

[cyan]chainrule train abc.csv --target Target --hidden 4 --activation sigmoid --bias none --scaling minmax --optimizer sgd --batch-size 1[/cyan]

[cyan]zcat big.csv.gz | chainrule train - --target label --out big.safetensors --json[/cyan]
"""


def command(
    table: Annotated[str, typer.Argument(help="CSV, TSV, Parquet or NDJSON; .gz too; - for standard input.")],
    target: Annotated[str, typer.Option(help="The column to predict.", rich_help_panel=COLUMNS)],
    task: Annotated[
        str | None,
        typer.Option(
            help="classification or regression; found from the target if not given.", rich_help_panel=COLUMNS
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns to learn from, such as a,b,c; all that are fit if not given.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Columns to leave out, such as id,comment.", rich_help_panel=COLUMNS),
    ] = None,
    test_share: Annotated[
        float, typer.Option(help="Share of the rows held out for the score.", rich_help_panel=COLUMNS)
    ] = 0.2,
    test_file: Annotated[
        str | None,
        typer.Option(help="A table to score on instead of held-out rows.", rich_help_panel=COLUMNS),
    ] = None,
    scaling: Annotated[
        str, typer.Option(help="Of number inputs: robust, standard, minmax or none.", rich_help_panel=COLUMNS)
    ] = "robust",
    target_scaling: Annotated[
        str | None,
        typer.Option(
            help="Of a number target: standard, minmax or none; what suits the output if not given.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            help="Neurons of the hidden layers, such as 64,32; none for no layer.", rich_help_panel=NETWORK
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            help="Of the hidden layers: one or one per layer (one more: the output's); a name or a formula in z.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    output_activation: Annotated[
        str | None,
        typer.Option(help="Of the output layer; what suits the loss if not given.", rich_help_panel=NETWORK),
    ] = None,
    bias: Annotated[
        str, typer.Option(help="One per neuron, per layer, or none.", rich_help_panel=NETWORK)
    ] = "neuron",
    init: Annotated[
        str,
        typer.Option(
            help="Initial weights: auto, he_normal, glorot_uniform, constant(value=0.1) …",
            rich_help_panel=NETWORK,
        ),
    ] = "auto",
    members: Annotated[
        int | None, typer.Option(help="How many networks are trained and averaged.", rich_help_panel=NETWORK)
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="A name, such as huber(delta=2), or a formula in a and y.", rich_help_panel=TRAINING
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            help="adam, adamw, sgd, momentum, nesterov, rmsprop, lbfgs, gradient_descent or perceptron.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Base learning rate.", rich_help_panel=TRAINING)
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="constant, step, inverse_scaling, cosine, coslog4 or plateau.", rich_help_panel=TRAINING
        ),
    ] = None,
    warmup: Annotated[
        float, typer.Option(help="Epochs in which the learning rate rises from 0.", rich_help_panel=TRAINING)
    ] = 0.0,
    momentum: Annotated[
        float | None,
        typer.Option(help="Momentum of sgd and nesterov; beta1 of adam.", rich_help_panel=TRAINING),
    ] = None,
    batch_size: Annotated[
        str | None,
        typer.Option(
            help="Rows per update: a number, 1 = row by row, all = the whole table.", rich_help_panel=TRAINING
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Most passes over the table.", rich_help_panel=TRAINING)
    ] = None,
    early_stopping: Annotated[
        bool | None,
        typer.Option(
            "--early-stopping/--no-early-stopping",
            help="Stop when the watched loss no longer falls, and keep the best epoch.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Epochs without a better loss before stopping.", rich_help_panel=TRAINING),
    ] = None,
    validation_share: Annotated[
        float | None,
        typer.Option(
            help="Share of the training rows that early stopping watches.", rich_help_panel=TRAINING
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same network, bit for bit.", rich_help_panel=TRAINING)
    ] = 0,
    engine: Annotated[
        str | None, typer.Option(help="What runs the equations.", rich_help_panel=TRAINING)
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="Decoupled weight decay.", rich_help_panel=REGULARIZATION)
    ] = None,
    l1: Annotated[
        float, typer.Option(help="Adds l1 · Σ|w| to the cost.", rich_help_panel=REGULARIZATION)
    ] = 0.0,
    l2: Annotated[
        float, typer.Option(help="Adds l2/2 · Σw² to the cost.", rich_help_panel=REGULARIZATION)
    ] = 0.0,
    dropout: Annotated[
        float | None,
        typer.Option(help="Share of hidden outputs dropped in training.", rich_help_panel=REGULARIZATION),
    ] = None,
    clip_norm: Annotated[
        float | None,
        typer.Option(help="Longest gradient; a longer one is shortened.", rich_help_panel=REGULARIZATION),
    ] = None,
    delimiter: Delimiter = None,
    decimal: Decimal = ".",
    encoding: Encoding = None,
    missing: Missing = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The model file; the table's name with .safetensors if not given.", rich_help_panel=OUTPUT
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=OUTPUT)
    ] = False,
    history: Annotated[
        Path | None, typer.Option(help="Write the loss curves to this CSV file.", rich_help_panel=OUTPUT)
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Train a network on a table, score it on rows it never saw, and write the model file.

    Whatever is not given is chosen from the table, and the choice is printed.
    """
    from chainrule._files import ensure_writable
    from chainrule.cli.report import Progress, print_found, print_result
    from chainrule.engines import ENGINES
    from chainrule.model.build import prepare, train_prepared
    from chainrule.training.settings import Settings

    path = out or Path(f"{stem(table)}.safetensors")
    ensure_writable(path, overwrite)
    if history is not None:
        ensure_writable(history, overwrite)
    settings = Settings(
        hidden=_hidden(hidden),
        activation=_activation(activation),
        output_activation=output_activation,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        warmup=warmup,
        momentum=momentum,
        batch_size=_batch_size(batch_size),
        epochs=epochs,
        weight_decay=weight_decay,
        l1=l1,
        l2=l2,
        dropout=dropout,
        clip_norm=clip_norm,
        bias=bias,  # type: ignore[arg-type]  # Settings checks it and names the choices
        init=init,
        early_stopping=early_stopping,
        patience=patience,
        validation_share=validation_share,
        members=members,
        seed=seed,
    )
    read = load_table(table, delimiter, decimal, encoding, missing)
    tested = None if test_file is None else load_table(test_file, delimiter, decimal, encoding, missing)
    prepared = prepare(
        read,
        target,
        settings,
        task=task,  # type: ignore[arg-type]  # infer_schema checks it and names the choices
        inputs=names(inputs),
        drop=names(drop) or (),
        scaling=scaling,
        target_scaling=target_scaling,
        test_share=test_share,
        test_table=tested,
    )
    console = screen()
    talks = not (as_json or quiet)
    if talks:
        print_found(console, prepared)
    with Progress(prepared.resolved.plan.epochs, shown=not quiet) as progress:
        trained = train_prepared(prepared, engine=engine or ENGINES[0], on_epoch_end=progress)
    trained.model.save(path, overwrite=overwrite)
    if history is not None:
        _write_history(trained, history, overwrite)
    if as_json:
        print_json(_result(trained, path))
    elif talks:
        print_result(console, trained, path)


def _hidden(text: str | None) -> tuple[int, ...] | None:
    from chainrule.errors import SettingsError

    if text is None:
        return None
    if text.strip().lower() in ("", "none", "0"):
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(
            f"--hidden {text!r} must be whole numbers with commas, such as 64,32, or none"
        ) from error


def _activation(text: str | None) -> str | tuple[str, ...] | None:
    if text is None:
        return None
    parts = split_commas(text)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _batch_size(text: str | None) -> Any:
    from chainrule.errors import SettingsError

    if text is None or text == "all":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise SettingsError(f"--batch-size {text!r} must be a whole number of rows, or all") from error


def _write_history(trained: Trained, path: Path, overwrite: bool) -> None:
    from chainrule._files import write_atomically

    lines = ["epoch,training_loss,validation_loss,learning_rate,seconds"]
    for line in trained.fit.history:
        cells = (line.training_loss, line.validation_loss, line.learning_rate)
        numbers = ",".join("" if cell != cell else repr(float(cell)) for cell in cells)
        lines.append(f"{line.epoch},{numbers},{line.seconds:.6f}")
    with write_atomically(path, overwrite=overwrite) as file:
        file.write(("\n".join(lines) + "\n").encode())


def _result(trained: Trained, path: Path) -> dict[str, Any]:
    model = trained.model
    evaluation = trained.evaluation
    return {
        "model": str(path),
        "task": model.task,
        "target": model.target.name,
        "classes": list(model.target.labels) if model.task == "classification" else None,
        "network": model.network.to_dict(),
        "members": model.members,
        "rows": trained.prepared.rows,
        "scores": None if evaluation is None else evaluation.scores,
        "confusion": None if evaluation is None else evaluation.confusion,
        "baselines": dict(trained.baselines),
        "training": {
            "stopped": trained.fit.stopped,
            "epochs_run": len(trained.fit.history),
            "best_epochs": list(trained.fit.best_epochs),
            "seconds": round(trained.fit.seconds, 3),
            "learning_rate": trained.prepared.resolved.plan.learning_rate,
            "optimizer": trained.prepared.resolved.steps.optimizer.spec,
            "batch_size": trained.prepared.resolved.steps.batch_size,
            "seed": trained.prepared.resolved.steps.seed,
        },
        "columns": trained.prepared.schema.to_dict()["columns"],
        "notes": [*trained.prepared.schema.notes, *trained.notes],
    }

"""How results are shown: columns, plan, scores, confusion; no number is computed here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from chainrule.cli.console import printable
from chainrule.training.scores.metrics import METRICS

if TYPE_CHECKING:
    from chainrule.equations.network import Network
    from chainrule.fitting.prepared import Prepared
    from chainrule.fitting.score import Trained
    from chainrule.model.model import Evaluation, Model
    from chainrule.tables.target import TargetEncoder
    from chainrule.training.result import FitResult
    from chainrule.training.scores.metrics import Scores

MOST_COLUMNS = 30
MOST_CLASSES = 12
MOST_NAMES = 20
SCORE_NAMES = {name: record.words for name, record in METRICS.items()}
"""Every metric by its name in words, in the order in which they are shown."""

STOPPED = {
    "early stopping": "stopped as the watched loss no longer fell",
    "converged": "converged",
    "callback": "stopped by a callback",
    "interrupted": "interrupted",
    "diverged": "diverged",
    "time limit": "ended by the time limit",
}


def print_found(console: Console, prepared: Prepared) -> None:
    """Say what the table holds, what is left out and why, and how it will be trained."""
    schema, table = prepared.schema, prepared.table
    console.print(bold(table.name), f"has {table.n_rows:,} rows and {len(schema.columns):,} columns")
    used = [column for column in schema.columns if column.role != "left out"]
    used.sort(key=lambda column: column.role != "target")
    grid = table_of("column", "kind", "role", "missing", "values", right=[3])
    for column in used[:MOST_COLUMNS]:
        missing = f"{column.n_missing:,}" if column.n_missing else ""
        grid.add_row(plain(column.name), column.kind, column.role, missing, plain(column.summary))
    console.print(grid)
    more(console, len(used) - MOST_COLUMNS, "columns")
    left_out = facts()
    for column in schema.left_out[:MOST_COLUMNS]:
        left_out.add_row("left out:", plain(column.name), plain(column.reason))
    if schema.left_out:
        console.print(left_out)
        more(console, len(schema.left_out) - MOST_COLUMNS, "columns left out")
    notes(console, schema.notes)
    if schema.left_out or schema.notes:
        console.print()
    _print_plan(console, prepared)


def _print_plan(console: Console, prepared: Prepared) -> None:
    resolved, rows = prepared.resolved, prepared.rows
    steps, plan = resolved.steps, resolved.plan
    shown = f"{rows['training']:,} for training"
    shown += f", {rows['validation']:,} for validation" if rows["validation"] else ""
    shown += f", {rows['test']:,} held out for the score" if rows["test"] else ", none held out for a score"
    how = [steps.optimizer.spec, f"learning rate {plan.learning_rate:g}"]
    if plan.schedule.name != "constant":
        how.append(f"schedule {plan.schedule.spec}")
    if steps.batch_size >= rows["training"]:
        how.append("all rows in each step")
    else:
        how.append("row by row" if steps.batch_size == 1 else f"batches of {steps.batch_size:,} rows")
    for name, value in (("weight decay", steps.weight_decay), ("L1", steps.l1), ("L2", steps.l2)):
        if value:
            how.append(f"{name} {value:g}")
    dropout = max(layer.dropout for layer in resolved.network.layers)
    if dropout:
        how.append(f"dropout {dropout:g}")
    if plan.regularization.name != "constant":
        how.append(f"regularization schedule {plan.regularization.name}")
    if steps.clip_norm is not None:
        how.append(f"gradients no longer than {steps.clip_norm:g}")
    if steps.sharing != "none":
        how.append(f"members share the hidden layers' weights ({steps.sharing})")
    how.append(f"at most {plan.epochs:,} epochs" if plan.early_stopping else f"{plan.epochs:,} epochs")
    if plan.early_stopping:
        watched = "loss" if plan.watch is None else SCORE_NAMES[plan.watch.metric.name]
        how.append(f"until {plan.patience} in a row bring no better {watched}")
    if plan.together:
        how.append("members end together")
    grid = facts()
    grid.add_row("task", plain(prepared.schema.task_reason))
    grid.add_row("rows", shown)
    if resolved.bagging:
        does = "each stopped by" if plan.early_stopping else "each holding out"
        grid.add_row(
            "bagging", f"{resolved.members} members, {does} its own {_share(resolved.members)} of the rows"
        )
    weights = prepared.question.weights
    if weights is not None:
        grid.add_row("weights", plain(f"of the rows in training, from column {weights}"))
    grid.add_row("network", plain(shape_of(resolved.network, resolved.members)))
    grid.add_row("training", plain(", ".join(how)))
    if prepared.target.clamp is not None:
        grid.add_row("answers", clamp_words(prepared.target))
    console.print(grid)
    console.print()


def clamp_words(target: TargetEncoder) -> str:
    """Say what a target's answers are clamped to."""
    low, high = (f"{(target.clamp or {})[name]:.6g}" for name in ("lowest", "highest"))
    return f"clamped to {low} … {high}, the range of the training rows"


def _share(parts: int) -> str:
    """Say one of so many parts in a word."""
    words = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return words[parts - 2] if parts - 2 < len(words) else f"1/{parts}"


def print_result(console: Console, trained: Trained, path: Path, history: Path | None) -> None:
    """Show how training went, the scores beside the baselines, and what to type next."""
    console.print(_ending(trained.fit, trained.model.card["best_epochs"]))
    if trained.model.card["temperature"] is not None:
        console.print(f"probabilities at the temperature {trained.model.card['temperature']:.4g}")
    notes(console, trained.notes)
    rows = f"{trained.evaluation.rows:,} rows"
    title = f"Score on {rows} it never saw"
    if not trained.held_out:
        title = f"Score on the {rows} it was trained on: it flatters, as none were held out"
    print_evaluation(console, trained.model, trained.evaluation, trained.baselines, title)
    if trained.out_of_fold is not None:
        shown = [
            f"{name} {number(trained.out_of_fold.scores[key])}"
            for key, name in SCORE_NAMES.items()
            if key in trained.out_of_fold.scores
        ]
        console.print(f"out of fold, each row by the member that held it out: {', '.join(shown)}")
    where = shlex.quote(printable(path))
    written = f"{printable(path)} and {printable(history)}" if history is not None else printable(path)
    console.print(f"wrote [bold]{escaped(written)}[/bold]; next:", soft_wrap=True)
    for line in (
        f"chainrule evaluate {where} NEW.csv",
        f"chainrule predict {where} NEW.csv --out predictions.csv",
        f"chainrule describe {where}",
    ):
        console.print(Text(f"  {line}", "cyan"), soft_wrap=True)


def _ending(fit: FitResult, best: Sequence[int]) -> str:
    epochs = len(fit.watched.history)
    line = f"trained {epochs:,} epoch{'s' * (epochs != 1)} in {fit.seconds:.1f} s"
    if fit.stopped in STOPPED:
        line += f", {STOPPED[fit.stopped]}"
    low, high = min(best), max(best)
    if high == 0:
        return line
    if fit.first is not None:
        span = f"{low:,}" if low == high else f"{low:,} to {high:,}, each member's best"
        return f"{line}; then again on all rows, for {span}"
    return (
        f"{line}; kept epoch {low:,}"
        if low == high
        else f"{line}; kept epochs {low:,} to {high:,}, each member's best"
    )


def print_evaluation(
    console: Console,
    model: Model,
    evaluation: Evaluation,
    baselines: Mapping[str, Scores],
    title: str,
    more_notes: Sequence[str] = (),
) -> None:
    """Show scores, the baselines' beside them, and the confusion matrix or what the errors are measured in."""
    console.print()
    console.print(bold(title))
    notes(console, more_notes)
    grid = table_of("", "network", *baselines, right=range(1, 2 + len(baselines)))
    for name in SCORE_NAMES:
        if name in evaluation.scores:
            others = [number(scores[name]) if name in scores else "–" for scores in baselines.values()]
            grid.add_row(SCORE_NAMES[name], f"[bold]{number(evaluation.scores[name])}[/bold]", *others)
    console.print(grid)
    if evaluation.confusion is not None:
        _print_confusion(
            console, [printable(name) for name in model.target.labels], evaluation.confusion.tolist()
        )
    else:
        console.print(
            f"errors are in the units of {escaped(printable(model.target.name))}; R² is 1 if perfect, 0 if as good "
            "as the mean"
        )
        console.print()


def _print_confusion(console: Console, classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> None:
    if len(classes) <= MOST_CLASSES:
        grid = table_of("true \\ predicted", *classes, right=range(1, 1 + len(classes)))
        for i, (name, row) in enumerate(zip(classes, matrix, strict=True)):
            cells = [f"[bold]{n:,}[/bold]" if i == j else (f"{n:,}" if n else "·") for j, n in enumerate(row)]
            grid.add_row(Text(name), *cells)
        console.print(grid)
        return
    wrong = sorted(((-n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n))
    console.print(f"{len(wrong):,} different confusions among {len(classes):,} classes; the most frequent:")
    grid = table_of("true", "predicted", "rows", right=[2])
    for n, i, j in wrong[:10]:
        grid.add_row(Text(classes[i]), Text(classes[j]), f"{-n:,}")
    console.print(grid)


def shape_of(network: Network, members: int) -> str:
    """Say in words what a network is: its sizes, activations, biases and loss, and how many there are."""
    sizes = "-".join(str(size) for size in network.sizes)
    if network.features is not None and network.n_inputs != network.sizes[0]:
        sizes = f"{network.n_inputs} inputs embedded as {network.sizes[0]}; {sizes}"
    activations = ", ".join(layer.activation.spec for layer in network.layers)
    bias = {layer.bias for layer in network.layers}
    special = {"layer": ", a bias for each layer", "none": ", no biases"}
    biases = "".join(special[which] for which in sorted(bias & set(special)))
    inits = {layer.init for layer in network.layers if isinstance(layer.init, str)} - {"auto"}
    biases += "".join(f", initial weights {init}" for init in sorted(inits))
    times = f"; {members} members, averaged" if members > 1 else ""
    return f"{sizes}, {activations}{biases}; loss {network.loss.spec}{times}"


def table_of(*headers: str, right: Sequence[int] = ()) -> Grid:
    """Return an empty table with a header; the columns ``right`` are aligned to the right."""
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        grid.add_column(Text(header), justify="right" if index in right else "left", overflow="fold")
    return grid


def facts() -> Grid:
    """Return an empty table without header or lines."""
    return Grid(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)


def notes(console: Console, lines: Sequence[str]) -> None:
    """Show notes, one paragraph each."""
    for line in lines:
        console.print(Text.assemble(("note: ", "yellow"), printable(line)))


def more(console: Console, n: int, what: str) -> None:
    """Say how many were not shown, if any."""
    if n > 0:
        console.print(f"… and {n:,} more {what}")


def plain(text: object) -> Text:
    """Return a user's text as it is shown: no markup in it is obeyed."""
    return Text(printable(text))


def bold(text: str) -> Text:
    """Return a title."""
    return Text(printable(text), "bold")


def escaped(text: str) -> str:
    """Return a text whose brackets are not read as markup."""
    from rich.markup import escape

    return escape(text)


def number(value: float) -> str:
    """Write a score with four decimals; large ones with fewer, tiny ones with two digits that count."""
    if abs(value) >= 1e12:
        return f"{value:.4g}"
    if value and abs(value) < 1e-3:
        return f"{value:.2g}"
    return f"{value:,.4f}" if abs(value) < 1e5 else f"{value:,.0f}"

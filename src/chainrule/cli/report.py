"""How results are printed: tables of columns, scores, confusion, layers; no number is computed here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid
from rich.text import Text

if TYPE_CHECKING:
    from chainrule.equations.network import Network
    from chainrule.model.build import Prepared, Trained
    from chainrule.model.model import Evaluation, Model
    from chainrule.training.metrics import Scores
    from chainrule.training.monitor import EpochState

MOST_COLUMNS = 30
MOST_CLASSES = 12
SCORE_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss",
    "auc": "AUC",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "median_absolute_error": "median absolute error",
    "r2": "R²",
}


class Progress:
    """A progress bar on standard error: epoch, losses, time left; a callback of the training loop."""

    def __init__(self, epochs: int, *, shown: bool) -> None:
        console = Console(stderr=True)
        self.bar = Bar(
            TextColumn("epoch {task.completed}/{task.total}"),
            BarColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self.task = self.bar.add_task("training", total=epochs, losses="")

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, state: EpochState) -> None:
        """Show the end of an epoch."""
        if self.bar.disable:
            return
        line = state.line
        losses = f"training {line.training_loss:.4g}"
        if not math.isnan(line.validation_loss):
            losses += f"  validation {line.validation_loss:.4g}"
        self.bar.update(self.task, completed=line.epoch, losses=losses)


def print_found(console: Console, prepared: Prepared) -> None:
    """Say what the table holds, what was left out and why, and how it will be trained."""
    schema, table = prepared.schema, prepared.table
    console.print(f"[bold]{table.name}[/bold]: {table.n_rows:,} rows, {len(schema.columns)} columns")
    used = [column for column in schema.columns if column.role != "left out"]
    grid = _grid("column", "kind", "role", "missing", "values")
    for column in used[:MOST_COLUMNS]:
        missing = f"{column.n_missing:,}" if column.n_missing else ""
        grid.add_row(Text(column.name), column.kind, column.role, missing, Text(column.summary))
    console.print(grid)
    if len(used) > MOST_COLUMNS:
        console.print(f"  … and {len(used) - MOST_COLUMNS} more columns")
    for column in [column for column in schema.columns if column.role == "left out"][:MOST_COLUMNS]:
        console.print(f"  left out: [bold]{_plain(column.name)}[/bold], {_plain(column.reason)}")
    _notes(console, [*schema.notes])
    _print_plan(console, prepared)


def _print_plan(console: Console, prepared: Prepared) -> None:
    schema, resolved = prepared.schema, prepared.resolved
    rows = prepared.rows
    shown = f"{rows['training']:,} for training"
    shown += f", {rows['validation']:,} for validation" if rows["validation"] else ""
    shown += f", {rows['test']:,} held out for the score" if rows["test"] else ""
    steps, plan = resolved.steps, resolved.plan
    how = [f"{steps.optimizer.spec}, learning rate {plan.learning_rate:g}", f"batches of {steps.batch_size}"]
    how.append(f"at most {plan.epochs} epochs")
    if plan.schedule.name != "constant":
        how.append(f"schedule {plan.schedule.spec}")
    for name, value in (("weight decay", steps.weight_decay), ("L1", steps.l1), ("L2", steps.l2)):
        if value:
            how.append(f"{name} {value:g}")
    if plan.early_stopping:
        how.append(f"early stopping after {plan.patience} epochs without a better loss")
    facts = Grid(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_row("task", Text(schema.task_reason))
    facts.add_row("rows", shown)
    facts.add_row("network", _shape(resolved.network) + _times(resolved.members))
    facts.add_row("training", "; ".join(how))
    console.print(facts)
    console.print()


def print_result(console: Console, trained: Trained, path: Path) -> None:
    """Print how training went, the scores beside the baselines, and what to type next."""
    fit = trained.fit
    best = sorted(set(fit.best_epochs))
    kept = f"epoch {best[0]}" if len(best) == 1 else f"epochs {best[0]} to {best[-1]}"
    console.print(
        f"trained {len(fit.history)} epochs in {fit.seconds:.1f} s, stopped by {fit.stopped}; kept {kept}"
        if fit.stopped != "epochs"
        else f"trained {len(fit.history)} epochs in {fit.seconds:.1f} s; kept {kept}"
    )
    _notes(console, trained.notes)
    if trained.evaluation is not None:
        title = f"Score on {trained.evaluation.rows:,} rows it never saw"
        print_evaluation(console, trained.model, trained.evaluation, trained.baselines, title)
    where = _quoted(str(path))
    console.print(f"\nwrote [bold]{_plain(str(path))}[/bold]; next:")
    for line in (
        f"chainrule predict {where} NEW.csv --out predictions.csv",
        f"chainrule evaluate {where} NEW.csv",
        f"chainrule describe {where}",
    ):
        console.print(f"  [cyan]{_plain(line)}[/cyan]", soft_wrap=True)


def print_evaluation(
    console: Console, model: Model, evaluation: Evaluation, baselines: Mapping[str, Scores], title: str
) -> None:
    """Print scores, the baselines' beside them, and the confusion matrix or the target's units."""
    console.print(f"\n[bold]{_plain(title)}[/bold]")
    grid = _grid("", "network", *baselines, numbers_from=1)
    for name, value in evaluation.scores.items():
        others = [_number(scores[name]) if name in scores else "–" for scores in baselines.values()]
        grid.add_row(SCORE_NAMES[name], f"[bold]{_number(value)}[/bold]", *others)
    console.print(grid)
    if evaluation.confusion is not None:
        _print_confusion(console, [str(name) for name in model.target.labels], evaluation.confusion.tolist())
    else:
        console.print(
            f"  in units of {_plain(model.target.name)}; R² = 1 is perfect, 0 is as good as the mean"
        )


def _print_confusion(console: Console, classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> None:
    if len(classes) <= MOST_CLASSES:
        grid = _grid("true \\ predicted", *classes, numbers_from=1)
        for i, (name, row) in enumerate(zip(classes, matrix, strict=True)):
            cells = [f"[bold]{n}[/bold]" if i == j else (str(n) if n else "·") for j, n in enumerate(row)]
            grid.add_row(Text(name), *cells)
        console.print(grid)
        return
    wrong = sorted(
        ((n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n), reverse=True
    )
    grid = _grid("true", "predicted", "rows", numbers_from=2)
    for n, i, j in wrong[:10]:
        grid.add_row(Text(classes[i]), Text(classes[j]), str(n))
    console.print(f"  the most frequent of {len(wrong)} confusions among {len(classes)} classes:")
    console.print(grid)


def print_description(console: Console, model: Model, path: str) -> None:
    """Print what a model file holds."""
    target, network, card = model.target, model.network, model.card
    console.print(f"[bold]{_plain(path)}[/bold]: {model.task} of {_plain(target.name)!r}")
    facts = Grid(box=None, show_header=False, padding=(0, 2, 0, 0))
    if model.task == "classification":
        facts.add_row("classes", Text(", ".join(str(name) for name in target.labels)))
    facts.add_row("network", _shape(network) + _times(model.members))
    facts.add_row("loss", f"{network.loss.spec}: {network.loss.text}")
    facts.add_row("parameters", f"{model.parameters.shape[1]:,} per network, {model.parameters.dtype}")
    for key in ("table", "rows", "optimizer", "learning_rate", "batch_size", "epochs_run", "stopped", "seed"):
        if card.get(key) is not None:
            facts.add_row(key.replace("_", " "), Text(_card_value(card[key])))
    for name, value in (card.get("scores") or {}).items():
        facts.add_row(f"held-out {SCORE_NAMES.get(name, name)}", _number(value))
    console.print(facts)
    console.print("\n[bold]Layers[/bold]")
    grid = _grid("layer", "neurons", "activation", "formula", "W", "b")
    for number, (layer, shapes) in enumerate(zip(network.layers, network.shapes(), strict=True), 1):
        bias = " × ".join(str(n) for n in shapes["b"]) if "b" in shapes else "none"
        weights = " × ".join(str(n) for n in shapes["W"])
        formula = f"a = {layer.activation.text}"
        grid.add_row(str(number), str(layer.n_out), Text(layer.activation.spec), Text(formula), weights, bias)
    console.print(grid)
    console.print("\n[bold]Inputs[/bold]: v is the cell of the table")
    grid = _grid("neuron", "name", "column", "arithmetic")
    inputs = model.encoder.inputs
    for number, neuron in enumerate(inputs[:MOST_COLUMNS], 1):
        grid.add_row(f"x[{number}]", Text(neuron.name), Text(neuron.column), Text(neuron.formula))
    console.print(grid)
    if len(inputs) > MOST_COLUMNS:
        console.print(f"  … and {len(inputs) - MOST_COLUMNS} more inputs (--json lists all)")


def _grid(*headers: str, numbers_from: int | None = None) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=True, header_style="bold")
    for index, header in enumerate(headers):
        right = numbers_from is not None and index >= numbers_from
        grid.add_column(Text(header), justify="right" if right else "left", overflow="fold")
    return grid


def _notes(console: Console, notes: Sequence[str]) -> None:
    for note in notes:
        console.print(f"  note: {_plain(note)}")


def _shape(network: Network) -> str:
    sizes = "-".join(str(size) for size in network.sizes)
    return f"{sizes}, {', '.join(_plain(layer.activation.spec) for layer in network.layers)}; loss {network.loss.spec}"


def _times(members: int) -> str:
    return f"; {members} members, averaged" if members > 1 else ""


def _card_value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{amount:,} {name}" for name, amount in value.items() if amount)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return f"{value:,.4f}" if abs(value) < 1e5 else f"{value:,.0f}"


def _plain(text: str) -> str:
    """Keep brackets in a user's text from being read as markup."""
    from rich.markup import escape

    return escape(text)


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)

"""What there is to say of a training: columns, plan, scores, confusion; no number is computed here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from chainrule._numbers import printable
from chainrule.cli.console import screen
from chainrule.cli.documents import print_document
from chainrule.equations.layout import Layout
from chainrule.explain.show.document import (
    Block,
    Cell,
    Document,
    Facts,
    Section,
    Styled,
    TableBlock,
    Words,
    more,
    notes,
)
from chainrule.training.scores.metrics import METRICS

if TYPE_CHECKING:
    from chainrule.equations.network import Network
    from chainrule.fitting.prepared import Prepared
    from chainrule.fitting.score import Trained
    from chainrule.model.model import Evaluation, Model
    from chainrule.tables.target import TargetEncoder
    from chainrule.tables.targets import Target
    from chainrule.training.result import FitResult
    from chainrule.training.scores.metrics import Scores

MOST_COLUMNS = 30
MOST_CLASSES = 12
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


def found_document(prepared: Prepared) -> Document:
    """Return what the table holds, what is left out and why, and how it will be trained."""
    schema, table = prepared.schema, prepared.table
    used = [column for column in schema.columns if column.role != "left out"]
    used.sort(key=lambda column: column.role != "target")
    rows = tuple(
        (one.name, one.kind, one.role, f"{one.n_missing:,}" if one.n_missing else "", one.summary)
        for one in used[:MOST_COLUMNS]
    )
    headers = ("column", "kind", "role", "missing", "values")
    blocks: list[Block] = [TableBlock(headers, rows, (3,), more(len(used) - MOST_COLUMNS, "columns"))]
    if schema.left_out:
        left_out = schema.left_out[:MOST_COLUMNS]
        blocks.append(Facts(tuple(("left out:", column.name, column.reason) for column in left_out)))
    if len(schema.left_out) > MOST_COLUMNS:
        blocks.append(Words(more(len(schema.left_out) - MOST_COLUMNS, "columns left out")))
    blocks += notes(schema.notes)
    blocks.append(Section("", (Facts(tuple(_plan(prepared))),)))
    what = f"{rows_shown(table.n_rows)} and {len(schema.columns):,} columns"
    return Document(f"{table.name} has {what}", tuple(blocks))


def rows_shown(n: int) -> str:
    """Say how many rows: 1 row, 1,024 rows."""
    return f"{n:,} row{'s' * (n != 1)}"


def _plan(prepared: Prepared) -> Iterator[tuple[str, str]]:
    resolved, rows = prepared.resolved, prepared.rows
    steps, plan = resolved.steps, resolved.plan
    shown = f"{rows['training']:,} for training"
    shown += f", {rows['validation']:,} for validation" if rows["validation"] else ""
    shown += f", {rows['test']:,} held out for the score" if rows["test"] else ", none held out for a score"
    told = {
        **vars(steps),
        "optimizer": steps.optimizer.spec,
        "learning_rate": plan.learning_rate,
        "schedule": plan.schedule.spec,
        "regularization_schedule": plan.regularization.name,
    }
    how = list(training_words(told, resolved.network, rows["training"]))
    how.append(f"at most {plan.epochs:,} epochs" if plan.early_stopping else f"{plan.epochs:,} epochs")
    if plan.early_stopping:
        watched = "loss" if plan.watch is None else SCORE_NAMES[plan.watch.metric.name]
        how.append(f"until {plan.patience} in a row bring no better {watched}")
    if plan.together:
        how.append("members end together")
    yield "task", prepared.schema.task_reason
    yield "rows", shown
    if resolved.bagging:
        does = "each stopped by" if plan.early_stopping else "each holding out"
        yield "bagging", f"{resolved.members} members, {does} its own {_share(resolved.members)} of the rows"
    if prepared.question.weights is not None:
        yield "weights", f"of the rows in training, from column {prepared.question.weights}"
    yield "network", shape_of(resolved.network, resolved.members)
    yield "training", ", ".join(how)
    if prepared.target.clamp is not None:
        yield from answer_facts(prepared.target)


def training_words(told: Mapping[str, Any], network: Network, n: int) -> Iterator[str]:
    """Say how a network is trained on ``n`` rows: what a card has, before the training or after it."""
    yield from (told["optimizer"], f"learning rate {told['learning_rate']:g}")
    if told["schedule"] != "constant":
        yield f"schedule {told['schedule']}"
    if told["batch_size"] >= n:
        yield "all rows in each step"
    else:
        yield "row by row" if told["batch_size"] == 1 else f"batches of {told['batch_size']:,} rows"
    dropout = max(layer.dropout for layer in network.layers)
    amounts = {"weight decay": told["weight_decay"], "L1": told["l1"], "L2": told["l2"], "dropout": dropout}
    yield from (f"{name} {amount:g}" for name, amount in amounts.items() if amount)
    if told.get("regularization_schedule", "constant") != "constant":
        yield f"regularization schedule {told['regularization_schedule']}"
    if told["clip_norm"] is not None:
        yield f"gradients no longer than {told['clip_norm']:g}"
    if told.get("sharing", "none") != "none":
        yield f"members share the hidden layers' weights ({told['sharing']})"


def answer_facts(target: Target) -> Iterator[tuple[str, str]]:
    """Say what the answers of each target are clamped to."""
    for part in target.parts:
        name = "answers" if len(target.parts) == 1 else f"answers, {part.name}"
        yield name, clamp_words(part)


def target_data(target: Target) -> dict[str, Any]:
    """Return what programs are told of the target: its name and classes, or those of each of several."""
    classes = target.task == "classification"
    if len(target.parts) == 1:
        return {"target": target.name, "classes": list(target.labels) if classes else None}
    each = [list(part.labels) for part in target.parts]
    return {"target": list(target.names), "classes": each if classes else None}


def scores_data(evaluation: Evaluation) -> dict[str, Any]:
    """Return what programs are told of scores; of several targets also those of each."""
    each = {} if evaluation.by_target is None else {"scores_by_target": dict(evaluation.by_target)}
    return {"scores": evaluation.scores, **each, "confusion": evaluation.confusion}


def clamp_words(target: TargetEncoder) -> str:
    """Say what a target's answers are clamped to."""
    low, high = (f"{(target.clamp or {})[name]:.6g}" for name in ("lowest", "highest"))
    return f"clamped to {low} … {high}, the range of the training rows"


def _share(parts: int) -> str:
    """Say one of so many parts in a word."""
    words = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return words[parts - 2] if parts - 2 < len(words) else f"1/{parts}"


def result_document(trained: Trained) -> Document:
    """Return how training went, and the scores beside the baselines."""
    model, evaluation = trained.model, trained.evaluation
    blocks: list[Block] = [Words(_ending(trained.fit, model.card["best_epochs"]))]
    if model.card["temperature"] is not None:
        blocks.append(Words(f"probabilities at the temperature {model.card['temperature']:.4g}"))
    blocks += notes(trained.notes)
    title = f"Score on {rows_shown(evaluation.rows)} it never saw"
    if not trained.held_out:
        rows = f"{rows_shown(evaluation.rows)} it was trained on"
        title = f"Score on the {rows}: it flatters, as none were held out"
    blocks.append(Section(title, evaluation_blocks(model, evaluation, trained.baselines)))
    if trained.out_of_fold is not None:
        told = (
            f"out of fold, each row by the member that held it out: {score_words(trained.out_of_fold.scores)}"
        )
        blocks.append(Section("", (Words(told),)))
    return Document("", tuple(blocks))


def report_document(trained: Trained, data: Mapping[str, Any]) -> Document:
    """Return what was found and what came out, for a file; ``data`` is what programs get."""
    found = found_document(trained.prepared)
    parts = (
        Section("The table and the plan", found.blocks),
        Section("The training", result_document(trained).blocks),
    )
    title = f"{trained.model.target.name}: a network trained on {trained.prepared.table.name}"
    return Document(title, (Words(found.title), *parts), data=data)


def small_document(small: Trained, trained: Trained) -> Document:
    """Return how the small network predicts beside the model that has taught it."""
    network = small.model.network
    parameters = f"{network.n_parameters:,} parameters"
    words = f"{shape_of(network, 1)}; {parameters}, taught by the model's answers instead of the target"
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (SCORE_NAMES[name], number_shown(value), number_shown(trained.evaluation.scores[name]))
        for name, value in small.evaluation.scores.items()
        if name in trained.evaluation.scores
    )
    table = TableBlock(("", "small network", "network"), rows, (1, 2))
    return Document("", (Section("The small network", (Words(words), table)),))


NEXT = (
    "evaluate {model} NEW.csv",
    "predict {model} NEW.csv --out predictions.csv",
    "explain {model} {table} --row 1",
    "describe {model}",
    "lesson article-5",
)
"""What one may type after a training."""


def print_result(
    trained: Trained,
    path: Path,
    others: Sequence[Path],
    table: str,
    small: tuple[Trained, Path] | None = None,
) -> None:
    """Show how training went, and what to type next.

    ``table`` is the file that rows were read from, ``small`` the small network and its file, if there is one.
    """
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
    for line in NEXT:
        console.print(Text(f"  chainrule {line.format(**files)}", "cyan"), soft_wrap=True)


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
    return f"{line}; kept epoch" + (
        f" {low:,}" if low == high else f"s {low:,} to {high:,}, each member's best"
    )


def evaluation_blocks(
    model: Model, evaluation: Evaluation, baselines: Mapping[str, Scores]
) -> tuple[Block, ...]:
    """Return scores, the baselines' beside them, and the confusion matrix or what the errors are measured in."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            words,
            Styled(number_shown(evaluation.scores[name]), "result"),
            *(number_shown(scores[name]) if name in scores else "–" for scores in baselines.values()),
        )
        for name, words in SCORE_NAMES.items()
        if name in evaluation.scores
    )
    scores = TableBlock(("", "network", *baselines), rows, tuple(range(1, 2 + len(baselines))))
    if evaluation.confusion is not None:
        return (scores, *_confusion(model.target.labels, evaluation.confusion.tolist()))
    if evaluation.by_target is not None:
        return _scores_of_each(model, evaluation.by_target, scores)
    units = f"errors are in the units of {model.target.name}; R² is 1 if perfect, 0 if as good as the mean"
    return scores, Words(units)


def _scores_of_each(model: Model, by_target: Mapping[str, Scores], means: Block) -> tuple[Block, ...]:
    """Return the means over several targets, and the scores of each."""
    names = [name for name in SCORE_NAMES if any(name in each for each in by_target.values())]
    rows = tuple(
        (target, *(number_shown(each[name]) if name in each else "–" for name in names))
        for target, each in by_target.items()
    )
    table = TableBlock(
        ("target", *(SCORE_NAMES[name] for name in names)), rows, tuple(range(1, 1 + len(names)))
    )
    said = f"above: means over the {len(by_target)} targets"
    if model.task == "regression":
        said += "; errors are in each target's own units"
    return means, Words(said), table


def _confusion(labels: Sequence[object], matrix: Sequence[Sequence[int]]) -> Iterator[Block]:
    classes = [str(label) for label in labels]
    if len(classes) <= MOST_CLASSES:
        cells = [
            [Styled(f"{n:,}", "result") if i == j else f"{n:,}" if n else "·" for j, n in enumerate(row)]
            for i, row in enumerate(matrix)
        ]
        rows = tuple((name, *row) for name, row in zip(classes, cells, strict=True))
        yield TableBlock(("true \\ predicted", *classes), rows, tuple(range(1, 1 + len(classes))))
        return
    wrong = sorted((-n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n)
    yield Words(f"{len(wrong):,} different confusions among {len(classes):,} classes; the most frequent:")
    most = tuple((classes[i], classes[j], f"{-n:,}") for n, i, j in wrong[:10])
    yield TableBlock(("true", "predicted", "rows"), most, (2,))


def score_words(scores: Mapping[str, float]) -> str:
    """Say scores in a line, those that there are."""
    return ", ".join(
        f"{words} {number_shown(scores[name])}" for name, words in SCORE_NAMES.items() if name in scores
    )


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
    biases += _by_hand(network)
    times = f"; {members} members, averaged" if members > 1 else ""
    return f"{sizes}, {activations}{biases}; loss {network.loss.spec}{times}"


def _by_hand(network: Network) -> str:
    """Say how many parameters are set by hand, and how many training leaves alone."""
    layout = Layout(network)
    frozen = int((layout.free == 0).sum())
    found = f", {layout.n_initial} parameters set by hand" if layout.n_initial else ""
    return found + (f", {frozen} frozen" if frozen else "")


def number_shown(value: float) -> str:
    """Write a score with four decimals; large ones with fewer, tiny ones with two digits that count."""
    value += 0.0  # no -0
    if abs(value) >= 1e12:
        return f"{value:.4g}"
    if value and abs(value) < 1e-3:
        return f"{value:.2g}"
    return f"{value:,.4f}" if abs(value) < 1e5 else f"{value:,.0f}"

"""What there is to say of a training: columns, plan, scores, confusion; no number is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
from chainrule.model.card import CardSearch
from chainrule.reports.search import search_blocks
from chainrule.reports.words import (
    SCORE_NAMES,
    clamp_words,
    class_weight_words,
    number_shown,
    rarer_words,
    rows_shown,
    score_words,
    scores_shown,
    shape_of,
    start_words,
    stopped_words,
    threshold_words,
    training_words,
)
from chainrule.tables.rows.parting import SplitRule

if TYPE_CHECKING:
    from chainrule.fitting.prepared import Prepared
    from chainrule.fitting.score import Trained
    from chainrule.model.model import Evaluation, Model
    from chainrule.tables.encoding.targets import Target
    from chainrule.training.result import FitResult
    from chainrule.training.scores.metrics import Scores

MOST_COLUMNS = 30
MOST_CLASSES = 12


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
    if plan.more_waves:
        how.append(f"or {plan.longest:,} where each wave is worth it")
    if plan.early_stopping:
        watched = "loss" if plan.watch is None else SCORE_NAMES[plan.watch.metric.name]
        how.append(f"until {plan.patience} in a row bring no better {watched}")
    if plan.together:
        how.append("members end together")
    yield "task", prepared.schema.task_reason
    yield "rows", shown
    if prepared.parting.rule != SplitRule():
        yield "split", prepared.parting.rule.words
    if resolved.bagging:
        does = "each stopped by" if plan.early_stopping else "each holding out"
        yield "bagging", f"{resolved.members} members, {does} its own {_share(resolved.folds)} of the rows"
    if prepared.question.weights is not None:
        yield "weights", f"of the rows in training, from column {prepared.question.weights}"
    if prepared.arrays.class_weights is not None:
        yield "classes", class_weight_words(prepared.target.labels, prepared.arrays.class_weights)
    yield "network", shape_of(resolved.network, resolved.members)
    if begins := start_words(vars(resolved.settings), resolved.network):
        yield "start", begins
    yield "training", ", ".join(how)
    if prepared.target.clamp is not None:
        yield from answer_facts(prepared.target)


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


def _share(parts: int) -> str:
    """Say one of so many parts in a word."""
    words = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return words[parts - 2] if parts - 2 < len(words) else f"1/{parts}"


def result_document(trained: Trained) -> Document:
    """Return how training went, and the scores beside the baselines."""
    model, evaluation = trained.model, trained.evaluation
    blocks: list[Block] = []
    if trained.verdict:
        blocks.append(Words(f"{trained.verdict[0].upper()}{trained.verdict[1:]}.", "warn"))
    search = model.card.get("search")
    if search is not None:
        blocks.append(Section("The search", search_blocks(CardSearch.from_dict(search))))
    if len(model.groups) == 1:
        blocks.append(Words(_ending(trained.fit, model.card)))
    if len(model.groups) == 1 and model.card["temperature"] is not None:
        blocks.append(Words(f"probabilities at the temperature {model.card['temperature']:.4g}"))
    if model.threshold is not None:
        blocks.append(Words(threshold_words(model)))
    blocks += notes([note for note in trained.notes if note not in trained.verdict])
    title = f"Score on {rows_shown(evaluation.rows)} it never saw"
    if trained.shared is not None:
        title = f"Score on {rows_shown(evaluation.rows)}, {trained.shared.part} of which it was trained on"
    if not trained.held_out:
        rows = f"{rows_shown(evaluation.rows)} it was trained on"
        title = f"Score on the {rows}: it flatters, as none were held out"
    blocks.append(Section(title, evaluation_blocks(model, evaluation, trained.baselines)))
    if trained.shared is not None and trained.shared.without is not None:
        without = trained.shared.without
        told = f"without those, on {rows_shown(without.rows)}: {score_words(without.scores)}"
        blocks.append(Section("", (Words(told),)))
    if trained.out_of_fold is not None:
        told = f"out of fold, each row by members that held it out: {score_words(trained.out_of_fold.scores)}"
        blocks.append(Section("", (Words(told),)))
    return Document("", tuple(blocks))


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


def _ending(fit: FitResult, card: Mapping[str, Any]) -> str:
    best, why = card["best_epochs"], stopped_words(fit.stopped, card.get("watch", "loss"))
    epochs = len(fit.watched.history)
    line = f"trained {epochs:,} epoch{'s' * (epochs != 1)} in {fit.seconds:.1f} s"
    line += f", {why}" if why else ""
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
        for name, words in scores_shown(evaluation.scores)
    )
    scores = TableBlock(("", "network", *baselines), rows, tuple(range(1, 2 + len(baselines))))
    if evaluation.confusion is not None:
        told = rarer_words(model, evaluation.scores, evaluation.confusion)
        said = (Words(told),) if told else ()
        return (scores, *said, *_confusion(model.target.labels, evaluation.confusion.tolist()))
    if evaluation.by_target is not None:
        return _scores_of_each(model, evaluation.by_target, scores)
    units = f"errors are in the units of {model.target.name}; R² is 1 if perfect, 0 if as good as the mean"
    return scores, Words(units)


def class_data(model: Model, evaluation: Evaluation) -> dict[str, Scores]:
    """Return precision, recall, F1 and rows of each class by its name."""
    from chainrule.training.scores.metrics import class_scores

    assert evaluation.confusion is not None
    each = class_scores(evaluation.confusion)
    return {str(label): one for label, one in zip(model.target.labels, each, strict=True)}


def class_table(model: Model, evaluation: Evaluation) -> TableBlock:
    """Return the same as a table."""
    names = ("precision", "recall", "f1")
    rows = tuple(
        (label, *(number_shown(one[name]) for name in names), f"{int(one['rows']):,}")
        for label, one in class_data(model, evaluation).items()
    )
    return TableBlock(("class", *(SCORE_NAMES[name] for name in names), "rows"), rows, (1, 2, 3, 4))


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

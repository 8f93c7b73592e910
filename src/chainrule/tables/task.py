"""Which task a target sets: classes to tell apart, or a number to predict."""

from collections.abc import Mapping, Sequence

import polars as pl

from chainrule._doors import setting
from chainrule._types import IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.tables.cells import number_cells, shown
from chainrule.tables.kinds import FEW_NUMBERS, ColumnKind
from chainrule.tables.spelling.dressing import DressFinding
from chainrule.tables.spelling.values import one_spelling
from chainrule.tables.table import Table, listed_names

TASKS = ("classification", "regression")

MOST_NUMBER_CLASSES = 10
"""A whole-number target with more different values than this is a number, not a class."""

ROWS_PER_NUMBER_CLASS = 10
"""A whole-number target needs this many rows for each value, on average, to be taken for classes."""

MANY_CLASSES = 100


def find_task(
    table: Table, target: str, finding: ColumnKind, rows: IntArray, task: str | None
) -> tuple[str, str]:
    """Return the task of a target and the sentence that says why; raises TableError where it can't be done.

    ``rows``: the rows whose target is there. Text, truth values and categories are classes. Whole numbers are
    classes if there are two of them in more than two rows, or at most MOST_NUMBER_CLASSES with
    ROWS_PER_NUMBER_CLASS rows for each on average; every other number is a quantity.
    """
    if task is not None and task not in TASKS:
        raise SettingsError(f"the task is {task!r}; it is classification or regression")
    where = f"{table.name}: the target {target!r}"
    if finding.kind == "nested":
        raise TableError(f"{where} can't be predicted: {finding.reason}")
    if not len(rows):
        raise TableError(f"{where} is missing in every row; choose another target")
    present = one_spelling(table.column(target))[rows]
    n_unique = present.n_unique()
    if n_unique == 1 and table.n_rows == 1:
        if finding.kind != "number" or task == "classification":
            raise TableError(
                f"{where} is one class in the only row, so there is none to tell it from; add other rows"
            )
        return "regression", "regression: the target is the number of the only row"
    if n_unique == 1:
        every = "every row" if len(rows) == table.n_rows else "every row that has one"
        same = f"{shown(table, int(rows[0]), target)} in {every}"
        raise TableError(f"{where} is {same}, so there is nothing to learn; choose another target")
    if finding.kind == "number" and finding.dress is not None:
        refuse_doubt(table.name, target, finding.found, task)
        present = finding.dress.read(present if present.dtype == pl.String else table.text(target)[rows])
    if finding.found is not None and finding.found.several and task is None and n_unique > FEW_NUMBERS:
        units = ", ".join(finding.found.several)
        raise TableError(
            f"{where} is numbers with several units or currencies ({units}): write them in one, or ask for "
            f"{setting('task', 'classification')}, which makes {n_unique:,} classes of them"
        )
    chosen, reason = _choose(present, finding, n_unique)
    if task is not None:
        chosen, reason = task, f"{task}, as asked for"
    elif finding.kind == "datetime":
        asked = setting("task", "classification")
        raise TableError(f"{where} is a date or time; choose a number or a class, or ask for {asked}")
    if finding.odd and finding.odd_is_error and task != "classification":
        raise TableError(f"{finding.odd}; {finding.remedy}")
    if chosen == "regression":
        number_cells(table, target, finding.dress)
    elif n_unique == len(present):
        values = f"a different value in every row ({shown(table, int(rows[0]), target)}, …)"
        raise TableError(f"{where} has {values}, so its classes can't be learned; choose another target")
    return chosen, reason


def refuse_doubt(where: str, target: str, found: DressFinding | None, task: str | None) -> None:
    """Raise TableError where a target's numbers have two readings, and nothing says which is meant."""
    if found is None or found.dress is None or found.other is None or task == "classification":
        return
    readings = [
        f"{setting(name, sign)}, then it is {found.read(dress)}"
        for name, sign, dress in (
            ("thousands", found.dress.thousands, found.dress),
            ("decimal", found.other.decimal, found.other),
        )
    ]
    what = f"{found.example!r} may be two numbers, and no cell says which; name the sign: {' or '.join(readings)}"
    raise TableError(f"{where}: the target {target!r}: {what}")


def find_tasks(
    table: Table,
    targets: Sequence[str],
    findings: Mapping[str, ColumnKind],
    rows: IntArray,
    task: str | None,
) -> tuple[str, str]:
    """Return the task that one target or several set, and why; raises SettingsError for several that no network has.

    Those are all numbers, or all of two classes each.
    """
    found = [find_task(table, name, findings[name], rows, task) for name in targets]
    if len(targets) == 1:
        return found[0]
    each = "train a model for each"
    tasks = {name: task for name, (task, _) in zip(targets, found, strict=True)}
    numbers = [name for name, task in tasks.items() if task == "regression"]
    if 0 < len(numbers) < len(targets):
        other = next(name for name in targets if name not in numbers)
        raise SettingsError(
            f"the target {numbers[0]!r} is a number and {other!r} a class, and several targets are of one kind: {each}, "
            f"or ask for {setting('task', 'regression')} where classes are numbers, too"
        )
    if numbers:
        return "regression", f"regression: each of {len(targets)} targets is a number"
    for name in targets:
        if (count := table.column(name)[rows].n_unique()) > 2:
            raise SettingsError(
                f"the target {name!r} has {count} classes, and several targets have two each, such as yes and no: {each}"
            )
    return "classification", f"classification: each of {len(targets)} targets is one of two classes"


def class_notes(table: Table, target: str, rows: IntArray) -> tuple[str, ...]:
    """Say what is worth knowing of the classes: single rows, very many."""
    column = table.column(target)
    counts = one_spelling(column)[rows].value_counts(sort=True)
    notes = []
    if counts.height < column[rows].n_unique():
        words = ", ".join(map(repr, sorted(column[rows].unique().to_list())))
        notes.append(f"the target is true or false, and in such words case doesn't count: {words}")
    single = counts.filter(pl.col(counts.columns[1]) == 1).get_column(target).sort()
    if len(single):
        names = listed_names(
            [repr(label) if isinstance(label, str) else str(label) for label in single], most=5
        )
        what = "1 class has" if len(single) == 1 else f"{len(single)} classes have"
        notes.append(f"{what} one row only ({names}): learned from, but not tested")
    if counts.height > MANY_CLASSES:
        notes.append(f"the target has {counts.height} classes; is it the column you meant?")
    return tuple(notes)


def _choose(present: pl.Series, finding: ColumnKind, n_unique: int) -> tuple[str, str]:
    values = f"{n_unique} different values in {len(present)} rows"
    if finding.kind == "boolean" or present.dtype == pl.Boolean:
        return "classification", "classification: the target is either true (yes) or false (no)"
    if finding.dress is not None:
        return (
            "regression",
            f"regression: the target is a number with {finding.found.words if finding.found else ''}",
        )
    if not present.dtype.is_numeric() or finding.kind == "category":
        return "classification", f"classification: the target names {n_unique} classes"
    if not bool((present.cast(pl.Float64) == present.cast(pl.Float64).round()).all()):
        return "regression", f"regression: the target is a number with {values}"
    few = n_unique <= MOST_NUMBER_CLASSES and len(present) >= ROWS_PER_NUMBER_CLASS * n_unique
    if few or (n_unique == 2 and len(present) > 2):
        return "classification", f"classification: the target is a whole number with only {values}"
    return "regression", f"regression: the target is a whole number with {values}"

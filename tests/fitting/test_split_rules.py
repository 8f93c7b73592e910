"""Every rule that parts rows, in every place where rows are parted: no row, group, copy or later time crosses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import chainrule
import chainrule.estimators.table.base as estimators
import chainrule.fitting.studies.ablation as ablation
from chainrule.errors import ChainruleError, SettingsError, TableError
from chainrule.estimators.table.classifier import TableClassifier
from chainrule.estimators.table.regressor import TableRegressor
from chainrule.fitting.held_out import held_out, held_out_rows
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.question import Question, asked
from chainrule.fitting.replay import replay, rows_by_use
from chainrule.fitting.score import score_prepared
from chainrule.fitting.studies.cross_validation import prepared_folds
from chainrule.fitting.timing import start_of
from chainrule.fitting.train import fit_prepared, prepare
from chainrule.model.model import Model
from chainrule.reports.cross_validation import cross_validation_document
from chainrule.tables.rows.parting import Parting
from chainrule.training.settings.record import Settings
from effort import one_in

N = 120


def made(seed: int = 0) -> dict[str, list[Any]]:
    """A table with patients of several visits, days in no order, a given split, and rows that are copies of others."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, 2))
    target = (x[:, 0] + 0.5 * rng.normal(size=N) > 0).astype(int)
    origin = np.arange(N)
    copied = rng.choice(N, size=30, replace=False)
    origin[copied] = rng.choice(np.setdiff1d(origin, copied), size=30)
    x, target = x[origin], target[origin]
    return {
        "a": x[:, 0].tolist(),
        "b": x[:, 1].tolist(),
        "patient": [f"p{k}" for k in rng.integers(0, 24, N)],
        "day": rng.permutation(np.repeat(np.arange(N // 2), 2)).tolist(),
        "part": rng.permutation(["train"] * 80 + ["Validation"] * 20 + ["test"] * 20).tolist(),
        "y": [("no", "yes")[k] for k in target],
        "z": (x[:, 0] * 3 + 0.1).tolist(),
    }


TABLE = made()
ORIGIN = [(a, b) for a, b in zip(TABLE["a"], TABLE["b"], strict=True)]
INPUTS = ["a", "b"]

RULES: dict[str, dict[str, Any]] = {
    "rows": {},
    "equal": {},
    "groups": {"groups": "patient"},
    "time": {"time": "day"},
    "split": {"split": "part"},
}
"""The words of each rule. By ``rows`` none are equal, as days are inputs; ``equal`` rows stay together, as in a split."""


def inputs_of(rule: str) -> list[str]:
    """The inputs of a rule's trainings."""
    return [*INPUTS, "patient", "day"] if rule == "rows" else INPUTS


BOTH = one_in(2, [(rule, target) for rule in RULES for target in ("y", "z")])
"""Each rule with a target of classes at each edit, with one of numbers in the slow tests."""

SMALL: dict[str, Any] = {"hidden": [3], "members": 3, "epochs": 2, "batch_size": 16, "seed": 1}


def crossing(rule: str, learned: Any, scored: Any) -> str:
    """What crosses from the rows (from 0) of TABLE that are learned from to those that are scored, "" if nothing does."""
    learned, scored = list(map(int, learned)), list(map(int, scored))
    if set(learned) & set(scored):
        return "a row"
    if rule == "groups" and {TABLE["patient"][i] for i in learned} & {TABLE["patient"][i] for i in scored}:
        return "a group"
    if (
        rule == "time"
        and scored
        and max(TABLE["day"][i] for i in learned) >= min(TABLE["day"][i] for i in scored)
    ):
        return "a later time"
    if rule == "equal" and {ORIGIN[i] for i in learned} & {ORIGIN[i] for i in scored}:
        return "a copy"
    if rule == "split":
        uses = {TABLE["part"][i] for i in learned}, {TABLE["part"][i] for i in scored}
        if "test" in uses[0] or uses[1] not in ({"Validation"}, {"test"}, set()):
            return "a given part"
    return ""


def check(rule: str, prepared: Prepared) -> None:
    """Nothing crosses from what is learned to what is scored, nor from what each member learns to what it watches."""
    places = prepared.places
    tested = np.arange(0) if prepared.tested.rows is None else prepared.tested.rows
    assert crossing(rule, prepared.left, tested) == ""
    assert sorted(places) == sorted(prepared.left)
    data = start_of(prepared)[1]
    for train, held in zip(np.atleast_2d(data.train), np.atleast_2d(data.validation), strict=True):
        assert len(held) == 0 or crossing(rule, places[train], places[held]) == ""
        assert set(places[train]) <= set(prepared.left)
        assert set(places[held]) <= set(prepared.left)


def prepared_by(rule: str, target: str, **settings: Any) -> Prepared:
    words = {**SMALL, "inputs": inputs_of(rule), **RULES[rule], **settings}
    return prepare(*asked(TABLE, target, words))


def inner(rule: str) -> Iterator[dict[str, Any]]:
    """The settings of the inner parts that a rule has."""
    yield {"validation_share": 0.25}
    yield {"validation_share": 0.25, "refit": True}
    yield {"recipe": True, "calibrate": True}
    yield {"early_stopping": False}
    if rule in ("rows", "equal", "groups"):
        yield {"bagging": True}


@pytest.mark.parametrize(("rule", "target"), BOTH)
def test_nothing_crosses_in_a_training(rule: str, target: str):
    for seed in range(2):
        for words in inner(rule):
            if (target == "z" and "calibrate" in words) or (rule == "split" and "validation_share" in words):
                words = {
                    name: value
                    for name, value in words.items()
                    if name not in ("calibrate", "validation_share")
                }
            check(rule, prepared_by(rule, target, seed=seed, **words))


@pytest.mark.parametrize(("rule", "target"), BOTH)
def test_nothing_crosses_in_a_cross_validation(rule: str, target: str):
    question, settings = asked(TABLE, target, {**SMALL, "inputs": inputs_of(rule), **RULES[rule]})
    scored: list[int] = []
    for prepared in prepared_folds(question, settings, 4):
        tested = prepared.tested.rows
        assert tested is not None
        if (
            rule == "split"
        ):  # the rows for the test stay unseen in all folds, and those for validation are watched
            assert {TABLE["part"][i] for i in tested} == {"train"}
            assert "test" not in {TABLE["part"][i] for i in prepared.left}
            assert not {ORIGIN[i] for i in tested} & {
                ORIGIN[i] for i in prepared.left if TABLE["part"][i] == "train"
            }
        else:
            check(rule, prepared)
        scored += tested.tolist()
    assert len(scored) == len(set(scored))
    whole = {"rows": N, "equal": N, "groups": N, "split": 80}
    assert rule == "time" or len(scored) == whole[rule]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_crosses_in_an_ablation(rule: str, monkeypatch: pytest.MonkeyPatch):
    seen: list[Prepared] = []

    def spied(*asked_for: Any) -> Prepared:
        seen.append(prepare(*asked_for))
        return seen[-1]

    monkeypatch.setattr(ablation, "prepare", spied)
    words = {"inputs": inputs_of(rule), **RULES[rule], "members": 2, "epochs": 1, "fast": True}
    chosen = [one for one in ablation.INGREDIENTS if one.name in ("bagging", "members")]
    chainrule.ablate(TABLE, "y", seeds=1, ingredients=chosen, engine="reference", **words)
    assert len(seen) >= 3
    for one in seen:
        check(rule, one)
        assert one.tested.rows.tolist() == seen[0].tested.rows.tolist()


@pytest.mark.parametrize(
    ("estimator", "rule"), one_in(3, [(e, r) for e in (TableClassifier, TableRegressor) for r in RULES])
)
def test_nothing_crosses_in_an_estimator(estimator: Any, rule: str, monkeypatch: pytest.MonkeyPatch):
    seen: list[Prepared] = []

    def spied(*asked_for: Any) -> Prepared:
        seen.append(prepare(*asked_for))
        return seen[-1]

    monkeypatch.setattr(estimators, "prepare", spied)
    column = RULES[rule]
    target = "y" if estimator is TableClassifier else "z"
    names = [*inputs_of(rule), *column.values()]
    words = {name: value for name, value in SMALL.items() if name != "seed"}
    for more in ({"validation_share": 0.2}, {"bagging": True}) if rule != "split" else ({},):
        if rule == "time" and "bagging" in more:
            continue
        made = estimator(**words, **column, **more, random_state=1, engine="reference")
        made.fit({name: TABLE[name] for name in names}, TABLE[target])
        check(rule, seen[-1])
        assert (
            made.predict({name: TABLE[name] for name in inputs_of(rule)}).shape == (N,)
            if rule != "time"
            else True
        )
    if rule == "split":
        assert "test" not in {TABLE["part"][i] for i in seen[-1].left}


@pytest.mark.parametrize("rule", RULES)
def test_the_card_tells_it_and_a_replay_parts_alike(rule: str, tmp_path: Any):
    for words in ({"refit": True}, {"recipe": True, "calibrate": True, "hidden": [3]}):
        prepared = prepared_by(rule, "y", **words)
        result = fit_prepared(prepared, engine="reference")
        model = score_prepared(prepared, result, engine="reference").model
        path = tmp_path / f"{len(words)}.safetensors"
        model.save(path)
        read = Model.load(path)
        told: dict[str, Any] = {"by": "rows" if rule == "equal" else rule}
        told |= dict(zip(("column",), RULES[rule].values(), strict=False))
        told |= {"together": True} if rule in ("equal", "split") else {}
        assert read.card.get("split", {"by": "rows"}) == told
        used = rows_by_use(read, TABLE)
        assert used.test.tolist() == prepared.tested.rows.tolist()
        n = prepared.arrays.n_training
        assert used.training.tolist() == prepared.places[:n].tolist()
        assert used.validation.tolist() == prepared.places[n:].tolist()
        (step,) = replay(read, TABLE, 2, member=1)
        assert crossing(rule, np.array(step.numbers) - 1, prepared.tested.rows) == ""
        # What a member is asked about that it has not seen, as the temperature and the quantiles are by it.
        asked_about: list[tuple[int, Any]] = []
        members = {result.watched.parameters[k].tobytes(): k for k in range(3)}

        def answer(parameters: Any, x: Any, asked_about: Any = asked_about, members: Any = members) -> Any:
            asked_about.extend((members.get(one.tobytes(), 0), x) for one in parameters)
            return np.zeros((len(parameters), len(x), 1))

        held_out(prepared, result, answer)
        data = start_of(prepared)[1]
        lines = np.atleast_2d(data.train)
        by_bytes = {prepared.arrays.x[i].tobytes(): i for i in range(len(prepared.arrays.x))}
        assert len(held_out_rows(prepared, result)) > 0
        for member, x in asked_about:
            held = [by_bytes[row.tobytes()] for row in x]
            line = lines[member if len(lines) > 1 else 0]
            own = {prepared.arrays.x[i].tobytes() for i in line}
            if rule == "equal":
                assert not own & {row.tobytes() for row in x}
            elif rule != "split":
                assert crossing(rule, prepared.places[line], prepared.places[held]) in ("", "a row")


def shuffled(parts: Callable[..., Any]) -> Callable[..., Any]:
    """The same parts with a row of each exchanged."""

    def wrong(self: Parting, rows: Any, *more: Any) -> Any:
        first, second = parts(self, rows, *more)
        if not len(second):
            return first, second
        late = np.argmax(np.array(TABLE["day"])[second])
        twice = [
            place for place, row in enumerate(second) if sum(ORIGIN[row] == ORIGIN[i] for i in second) > 1
        ]
        late = twice[0] if self.rule.together and twice else late
        early = np.argmin(np.array(TABLE["day"])[first])
        if self.rule.by == "rows" and not self.rule.together:
            first[early] = second[late]
            return first, second
        first[early], second[late] = second[late], first[early]
        return first, second

    return wrong


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("place", ["tested", "validated"])
def test_a_row_that_crosses_is_seen(rule: str, place: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Parting, place, shuffled(getattr(Parting, place)))
    if rule == "equal" and place == "validated":
        words = {"validation_share": 0.25, "seed": 3}
    else:
        words = {} if rule == "split" else {"validation_share": 0.25}

    def several() -> None:
        for seed in range(6):
            check(rule, prepared_by(rule, "y", **{**words, "seed": seed}))

    with pytest.raises(AssertionError):
        several()


def test_a_table_without_copies_is_parted_as_ever():
    rng = np.random.default_rng(3)
    table = {"x": rng.normal(size=50).tolist(), "y": [("a", "b")[k] for k in rng.integers(0, 2, 50)]}
    trained = chainrule.train(table, "y", **SMALL, engine="reference")
    assert "split" not in trained.model.card
    # Rows that coincide, as in a table of few levels, are no copies.
    table = {"x": [0, 1] * 20, "y": ["a", "b"] * 20}
    assert "split" not in chainrule.train(table, "y", **SMALL, engine="reference").model.card


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({"groups": "patients"}, TableError, "did you mean 'patient'"),
        ({"groups": "y"}, SettingsError, "is the target"),
        ({"groups": "patient", "time": "day"}, SettingsError, "groups or by time: leave one of them out"),
        ({"split": "part", "test_share": 0.3}, SettingsError, "split says which rows the score is on"),
        ({"split": "patient"}, TableError, r"column 'patient': 'p\d+' is none of train, validation and test"),
        ({"time": "patient"}, TableError, "is not a number"),
        (
            {"time": "day", "bagging": True},
            SettingsError,
            "bagging rows are dealt out to folds.*: leave it out",
        ),
        ({"groups": "one"}, TableError, "all rows are of one group in column 'one'"),
        ({"time": "one"}, TableError, "all rows have one time in column 'one'"),
        ({"split": "alltest"}, TableError, "no row is for training by column 'alltest'"),
        ({"groups": "perclass"}, TableError, "each group of column 'perclass' has all rows of some class"),
        (
            {"groups": "few", "bagging": True},
            SettingsError,
            "bagging needs groups for 3 folds, and there are 2",
        ),
        ({"split": "part", "validation_share": 0.2}, SettingsError, "leave one of them out"),
    ],
)
def test_what_a_rule_can_not_part_is_refused(words: dict[str, Any], error: type[ChainruleError], said: str):
    table = {
        **TABLE,
        "one": ["1"] * N,
        "alltest": ["test"] * N,
        "perclass": TABLE["y"],
        "few": [("u", "v", "w")[i % 3] for i in range(N)],
    }
    with pytest.raises(error, match=said):
        prepare(*asked(table, "y", {**SMALL, "inputs": INPUTS, **words}))


def test_rows_that_the_column_says_nothing_of_are_left_out():
    table = {**TABLE, "patient": [None if i < 5 else p for i, p in enumerate(TABLE["patient"])]}
    for by in ("groups", "time", "split"):
        column = {"groups": "patient", "time": "day", "split": "part"}[by]
        table[column] = [None if i < 5 else p for i, p in enumerate(TABLE[column])]
        prepared = prepare(*asked(table, "y", {**SMALL, "inputs": INPUTS, by: column}))
        assert not set(range(5)) & {*prepared.left.tolist(), *prepared.tested.rows.tolist()}
        assert (
            f"5 rows have no value in {column!r}, by which rows are split, and are left out"
            in prepared.schema.notes
        )


def test_the_column_is_no_input_but_a_time_may_be():
    for by, column in (("groups", "patient"), ("split", "part")):
        schema = prepare(Question(TABLE, "y", **{by: column}), Settings(**SMALL)).schema
        assert column not in {one.name for one in schema.inputs}
        assert f"rows are split by it ({by})" in {one.reason for one in schema.columns}
    assert "day" in {
        one.name for one in prepare(Question(TABLE, "y", time="day"), Settings(**SMALL)).schema.inputs
    }


def test_dates_are_times_too():
    days = [f"2024-{1 + d // 28:02}-{1 + d % 28:02}" for d in TABLE["day"]]
    by_date = prepare(Question({**TABLE, "day": days}, "y", time="day"), Settings(**SMALL))
    assert by_date.tested.rows.tolist() == prepared_by("time", "y").tested.rows.tolist()


def test_equal_settings_of_a_question_part_alike():
    one, other = prepared_by("groups", "y"), prepared_by("groups", "y")
    assert one.tested.rows.tolist() == other.tested.rows.tolist()
    again = prepare(*asked(TABLE, "y", {**SMALL, "inputs": INPUTS, **RULES["groups"], "seed": 9}))
    assert one.tested.rows.tolist() != again.tested.rows.tolist()
    assert replace(one.parting.rule).words == "by groups: rows of one patient stay together"


def noted(table: dict[str, Any], target: str = "y", **words: Any) -> list[str]:
    notes = prepare(*asked(table, target, {**SMALL, **words})).schema.notes
    return [note for note in notes if "looks like" in note]


def test_columns_that_look_like_groups_or_time_are_named():
    rng = np.random.default_rng(5)
    g = rng.integers(0, 25, N)
    x, y = rng.normal(size=N).tolist(), [("u", "v")[k] for k in rng.integers(0, 2, N)]
    (said,) = noted({"x": x, "patientID": (g + 100).tolist(), "y": y})
    assert said.startswith("column 'patientID' looks like groups of rows, 25 in 120 rows: ")
    assert "groups='patientID' scores on such as training never saw" in said
    # Whatever its name: each value has one target, which no column of this many values has by chance.
    (said,) = noted({"x": x, "code": [f"c{k}" for k in g], "y": [("u", "v")[k % 2] for k in g]})
    assert "'code' looks like groups" in said
    assert noted({"x": x, "code": [f"c{k}" for k in g], "y": y}) == []
    # A class that nearly all rows have is that of each value by chance.
    rare = ["u"] * (N - 1) + ["v"]
    assert noted({"x": x, "code": [f"c{k}" for k in rng.permutation(N) // 3], "y": rare}) in ([],)
    days = [f"2023-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(N)]
    (said,) = noted({"x": x, "when": days, "y": y})
    assert "column 'when' looks like the time of rows: " in said
    assert noted({"x": x, "birth date": days, "y": y}) == []
    (said,) = noted({"x": x, "week": list(range(N)), "y": y})
    assert "time='week' scores on the latest" in said
    assert noted({"x": x, "week": rng.permutation(N).tolist(), "y": y}) == []
    # Who has said how rows are split is told nothing.
    assert noted({"x": x, "patient": g.tolist(), "week": list(range(N)), "y": y}, groups="patient") == []
    assert noted({"x": x, "y": y}) == []


def test_a_cross_validation_says_means_and_standard_errors():
    words = {**SMALL, "inputs": INPUTS, "engine": "reference"}
    found = chainrule.cross_validate(TABLE, "y", folds=4, groups="patient", **words)
    assert found.rows == N
    assert [run.fold for run in found.runs] == [1, 2, 3, 4]
    each = [run.scores["accuracy"] for run in found.runs]
    assert found.scores["accuracy"].mean == pytest.approx(np.mean(each))
    assert found.scores["accuracy"].standard_error == pytest.approx(np.std(each, ddof=1) / 2)
    assert set(found.baselines) == {"majority class", "logistic regression"}
    said = cross_validation_document(found)
    shown = json.dumps(found.to_dict())
    assert '"split": {"by": "groups", "column": "patient"}' in shown
    assert said.title == "Scores over 4 folds, on 120 rows, each by a network that never saw it"
    for folds, wrong in (
        (1, "at least 2"),
        (True, "at least 2"),
        (25, "25 folds need as many groups, and there are 24"),
    ):
        with pytest.raises(SettingsError, match=wrong):
            chainrule.cross_validate(TABLE, "y", folds=folds, groups="patient", **words)
    with pytest.raises(SettingsError, match="test_share on other rows: leave one of them out"):
        chainrule.cross_validate(TABLE, "y", folds=3, test_share=0.2, **words)

"""Searches on small tables: the model is the weighted mean of its trials, resumable to the same bits, and every door is open."""

import json
from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule.cli import main
from chainrule.engines import engine_named
from chainrule.equations.layout import Layout
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.check.certificate import certify
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.derive.walk import walk
from chainrule.explain.trace.sources import trace_rows
from chainrule.exports.export import export
from chainrule.fitting.fit import fit_prepared
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.search import search as searching
from chainrule.fitting.search.stored import SearchFile, key_of
from chainrule.fitting.studies.small import small_of
from chainrule.fitting.train import prepare
from chainrule.model.card import CardSearch
from chainrule.model.model import Model
from chainrule.reports.search import search_document
from chainrule.tables.rows.parting import SplitRule
from chainrule.training.scores.temperature import at_temperature
from chainrule.training.settings.record import Settings
from effort import one_in

N = 90
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=N), RNG.normal(size=N)
TABLE = {
    "a": A,
    "b": B,
    "c": RNG.choice(["u", "v"], N),
    "y": np.where(A * B + 0.3 * RNG.normal(size=N) > 0, "yes", "no"),
    "n": A * B + 0.1 * RNG.normal(size=N),
}
SMALL = {
    "hidden": [6],
    "recipe": True,
    "epochs": 6,
    "members": 3,
    "engine": "reference",
    "numeric_embedding": "none",
}


def searched(target: str, **more):
    """A search on the small table, of networks so small that a reference engine trains them at once."""
    other = {"y": "n", "n": "y"}[target]
    return chainrule.train(TABLE, target, drop=[other], **{**SMALL, "search": 4, **more})


@pytest.fixture(autouse=True)
def small_portfolio(monkeypatch):
    """Trials that are cheap and different, the last of them far better than the default."""
    trials = ({"learning_rate": 0.05}, {"activation": "tanh"}, {"learning_rate": 0.1, "activation": "tanh"})
    monkeypatch.setattr("chainrule.fitting.search.space.PORTFOLIO", trials)
    monkeypatch.setattr("chainrule.fitting.search.search.PORTFOLIO", trials)


@pytest.fixture(scope="module")
def mixed() -> dict[str, chainrule.Trained]:
    """A searched model of each task of which two groups at least count."""
    trials = ({"learning_rate": 0.05}, {"activation": "tanh", "learning_rate": 0.06}, {"learning_rate": 0.1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.fitting.search.space.PORTFOLIO", trials)
        patch.setattr("chainrule.fitting.search.search.PORTFOLIO", trials)
        patch.setattr("chainrule.fitting.search.search.picked", _three_of_four)
        return {target: searched(target) for target in ("y", "n")}


@pytest.mark.parametrize("target", ["y", "n"])
def test_the_answer_is_the_weighted_mean_of_the_trials_networks(mixed, target):
    model = mixed[target].model
    assert len(model.groups) > 1
    found = CardSearch.from_dict(model.card["search"])
    weights = [trial.weight for trial in found.trials if trial.weight > 0]
    assert sum(weights) == pytest.approx(1)
    assert [group.weight for group in model.groups] == weights
    x = model.encoder.transform(model.table(TABLE))
    total = np.zeros((N, 1))
    for group in model.groups:
        for flat in np.asarray(group.parameters, np.float64):
            p = Layout(group.network).unflatten(flat)
            total += group.weight / group.members * group.network.forward(p, x, np).a
    answer = model.predict(TABLE)
    if target == "y":
        np.testing.assert_allclose(answer.probabilities[:, 1], total[:, 0], rtol=1e-9)
    else:
        np.testing.assert_allclose(answer.labels, model.target.inverse(total[:, 0]), rtol=1e-9)
    again = Model.from_dict(json.loads(json.dumps(model.to_dict())), model.arrays())
    assert again.card == model.card


@pytest.mark.parametrize("target", ["y", "n"])
def test_scores_are_those_of_out_of_fold_answers_made_by_hand(mixed, target):
    trained = mixed[target]
    found = CardSearch.from_dict(trained.model.card["search"])
    by = engine_named("reference")
    outputs = 0.0
    n = trained.prepared.arrays.n_fitted
    for group, share, part in zip(trained.model.groups, trained.model.shares, trained.parts, strict=True):
        own = np.empty((n, 1))
        for member in range(group.members):
            mine = part.prepared.folds.own == member
            x = part.prepared.arrays.x[:n][mine]
            own[mine] = by.predict(group.network, group.parameters[member : member + 1], x)[0]
        outputs = outputs + share * own
    table = trained.prepared.fitted
    scores = trained.model.score(trained.model.answer_of(outputs), table).scores
    name = "log_loss" if target == "y" else "rmse"
    assert found.metric == name
    assert trained.out_of_fold.scores[name] == pytest.approx(scores[name], rel=1e-9)


@pytest.mark.slow
def test_the_default_alone_is_the_training_without_a_search(monkeypatch):
    monkeypatch.setattr("chainrule.fitting.search.search.picked", _only_first)
    model = searched("y").model
    alone = searched("y", search=None).model
    np.testing.assert_array_equal(model.parameters, alone.parameters)
    card = {name: value for name, value in model.card.items() if name != "search"}
    assert card == dict(alone.card)


def _only_first(answers, judge, seed, parts):
    return searching.Picked(tuple(float(t == 0) for t in range(len(answers))), 1, 0.0, 1.0, ())


def _three_of_four(answers, judge, seed, parts):
    assert len(answers) == 4
    return searching.Picked((0.5, 0.25, 0.0, 0.25), 4, 0.1, 0.05, ())


def prepared_search(**more):
    settings = {name: value for name, value in {**SMALL, "search": 4, **more}.items() if name != "engine"}
    return prepare(Question(TABLE, "y", drop=["n"]), Settings(**settings))


@pytest.mark.slow
def test_a_search_that_is_gone_on_with_ends_with_the_same_bits(tmp_path, monkeypatch):
    path = tmp_path / "s.safetensors"
    whole = searched("y").model
    calls = []

    def stops(prepared, **how):
        calls.append(prepared)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit_prepared(prepared, **how)

    monkeypatch.setattr("chainrule.fitting.search.search.fit_prepared", stops)
    cut = searched("y", search_file=path)
    record = CardSearch.from_dict(cut.model.card["search"])
    assert record.ended == "interrupted"
    assert [trial.state for trial in record.trials] == ["done", "done", "not begun", "not begun"]
    assert any("interrupted" in note for note in cut.notes)
    calls.clear()
    monkeypatch.setattr(
        "chainrule.fitting.search.search.fit_prepared",
        lambda p, **how: calls.append(p) or fit_prepared(p, **how),
    )
    model = searched("y", search_file=path).model
    assert len(calls) == 2
    assert model.to_dict() == whole.to_dict()
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(model.arrays()[name], array)
    # A search of more trials goes on from it, too.
    calls.clear()
    searched("y", search_file=path, search=5)
    assert len(calls) <= 2


@pytest.mark.slow
def test_the_file_of_another_search_is_refused(tmp_path):
    path = tmp_path / "s.safetensors"
    prepared = prepared_search()
    file = SearchFile(path, prepared, "reference")
    trial = searching.trial_of(prepared.settings, prepared.problem, 0)
    file.add(trial, fit_prepared(prepared, engine="reference"))
    assert SearchFile(path, prepared, "reference").found_trials == 1
    with pytest.raises(SettingsError, match="whose seed is not this one's"):
        SearchFile(path, prepared_search(seed=1), "reference")
    other = prepare(Question({**TABLE, "a": -A}, "y", drop=["n"]), prepared.settings)
    with pytest.raises(SettingsError, match="whose table is not this one's"):
        SearchFile(path, other, "reference")
    with pytest.raises(SettingsError, match="whose engine is not this one's"):
        SearchFile(path, prepared, "cpu")
    model = tmp_path / "m.safetensors"
    searched("y", search=None).model.save(model)
    with pytest.raises(ModelFileError, match="is not the file of a search"):
        SearchFile(model, prepared, "reference")
    wrong = replace(prepared, resolved=replace(prepared.resolved, members=2))
    with pytest.raises(ModelFileError, match="parameters of shape"):
        SearchFile(path, prepared, "reference").found(trial, wrong)


@pytest.mark.parametrize(
    ("question", "settings", "said"),
    [
        ({"groups": "g", "drop": ["n"]}, {}, "whose split is not"),
        ({}, {"seed": 1}, "whose seed is not"),
        ({"kinds": {"c": "text"}}, {}, "whose table is not"),
    ],
)
def test_the_file_of_rows_parted_otherwise_is_refused(question, settings, said, tmp_path):
    path, groups = tmp_path / "s.safetensors", np.arange(N) // 9
    table = {**TABLE, "g": groups}
    words = {"drop": ["n", "g"], "test_file": TABLE}
    chosen = Settings(**{name: value for name, value in SMALL.items() if name != "engine"}, search=2)
    first = prepare(Question(table, "y", **words), chosen)
    file = SearchFile(path, first, "reference")
    result = fit_prepared(first, engine="reference")
    file.add(searching.trial_of(chosen, first.problem, 0), result)
    assert SearchFile(path, first, "reference").found_trials == 1
    other = prepare(Question(table, "y", **{**words, **question}), replace(chosen, **settings))
    with pytest.raises(SettingsError, match=said) as caught:
        SearchFile(path, other, "reference")
    assert "\n" not in str(caught.value)


def test_a_search_file_knows_each_way_that_rows_are_dealt():
    first = prepared_search()
    key = key_of(first, "reference")
    moved = prepared_search()
    moved.__dict__["folds"] = first.folds._replace(own=first.folds.own[::-1].copy())
    held = prepared_search()
    held.__dict__["folds"] = first.folds._replace(held=first.folds.held[::-1].copy())
    for other in (moved, held):
        assert [name for name in key if key_of(other, "reference")[name] != key[name]] == [
            "dealing of the rows to folds"
        ]
    fewer = replace(first, arrays=replace(first.arrays, n_training=first.arrays.n_training - 1))
    assert "number of training rows" in [
        name for name in key if key_of(fewer, "reference")[name] != key[name]
    ]
    ruled = replace(first, parting=replace(first.parting, rule=SplitRule("groups", "g")))
    assert "split" in [name for name in key if key_of(ruled, "reference")[name] != key[name]]
    assert key_of(prepared_search(), "reference") == key


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"initial": {"W[1][1,1]": 0.5}}, "initial is about parameters of these"),
        ({"early_stopping": False}, "compares epochs that were kept"),
        (
            {"optimizer": "lbfgs", "recipe": None, "numeric_embedding": None, "members": 1},
            "compares epochs that were kept",
        ),
        ({"bagging": False, "validation_share": 0.2, "refit": True}, "refit trains on those"),
        ({"time_limit": 60.0, "search_file": "x"}, "none can be gone on with"),
        ({"search": 1, "search_file": "x"}, "is for a search"),
    ],
)
def test_what_has_no_meaning_with_a_search_is_refused(words, said):
    with pytest.raises(SettingsError, match=said):
        searched("y", **words)


def test_ctrl_c_in_the_first_trial_keeps_it_or_goes_on(monkeypatch):
    def at_once(prepared, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.fitting.search.search.fit_prepared", at_once)
    with pytest.raises(KeyboardInterrupt):
        searched("y")


def test_no_trial_is_begun_that_has_no_room_in_the_time(monkeypatch):
    seconds = iter([100.0, 1.0])
    monkeypatch.setattr(
        "chainrule.fitting.search.search.fit_prepared",
        lambda p, **how: replace(fit_prepared(p, **how), seconds=next(seconds)),
    )
    monkeypatch.setattr("chainrule.fitting.train.within_time", lambda prepared, **how: prepared)
    trained = searched("y", time_limit=60.0)
    record = CardSearch.from_dict(trained.model.card["search"])
    assert record.ended == "time"
    assert [trial.state for trial in record.trials] == ["done", "not begun", "not begun", "not begun"]


def test_a_trial_that_fails_is_left_out_and_told(monkeypatch):
    def fails(prepared, **how):
        if prepared.resolved.network.layers[0].activation.name == "tanh":
            raise SettingsError("no")
        return fit_prepared(prepared, **how)

    monkeypatch.setattr("chainrule.fitting.search.search.fit_prepared", fails)
    record = CardSearch.from_dict(searched("y").model.card["search"])
    assert [(trial.state, trial.why) for trial in record.trials[2:]] == [("failed", "no")] * 2


@pytest.mark.slow
def test_drawn_trials_are_short_first_and_the_best_go_on():
    record = CardSearch.from_dict(searched("y", search=9, activation="tanh").model.card["search"])
    lengths = [(trial.number, trial.length) for trial in record.trials]
    short = [(number, 0.25) for number in range(4, 9)]
    assert lengths[4:9] == short
    drawn = sorted((t for t in record.trials[4:9] if t.score is not None), key=lambda t: t.score)
    assert lengths[9:] == sorted((trial.number, 1.0) for trial in drawn[:2])


def test_validation_rows_weigh_where_there_are_no_folds():
    trained = searched("y", bagging=False, members=1, validation_share=0.3, seed=3)
    record = CardSearch.from_dict(trained.model.card["search"])
    assert record.rows == trained.prepared.arrays.n_fitted - trained.prepared.arrays.n_training
    assert trained.out_of_fold is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [{"watch": "auc"}, {"loss": "hinge", "bagging": False}, {"threshold": "f1"}]
)
def test_the_watched_metric_compares_where_one_is_given(words):
    trained = searched("y", **words)
    record = CardSearch.from_dict(trained.model.card["search"])
    wanted = {"watch": "auc", "loss": "accuracy", "threshold": "log_loss"}[next(iter(words))]
    assert record.metric == wanted
    assert all(trial.score > 0 for trial in record.trials if trial.score is not None)


@pytest.mark.parametrize(
    ("target", "words"),
    one_in(
        3,
        [
            (["n", "b"], {}),
            (["y", "c"], {}),
            ("n", {"weights": "w"}),
            ("y", {"weights": "w", "class_weight": "balanced"}),
            ("y", {"time": "a"}),
            ("n", {"sharing": "tabm", "bagging": False, "validation_share": 0.3}),
            ("k", {"loss": "binary_cross_entropy"}),
        ],
    ),
)
def test_a_search_is_made_for_every_kind_of_question(target, words, monkeypatch):
    monkeypatch.setattr("chainrule.fitting.search.search.picked", _three_of_four)
    table = {**TABLE, "w": RNG.integers(1, 4, N), "k": np.digitize(A, [-0.5, 0.5]).astype(str)}
    given = {**SMALL, "search": 4, "task": None, **words}
    targets = target if isinstance(target, list) else [target]
    unused = [name for name in ("y", "n", "w", "k") if name not in (*targets, words.get("weights"))]
    trained = chainrule.train(table, target, drop=unused, **given)
    assert trained.model.shares == (0.5, 0.25, 0.25)
    record = CardSearch.from_dict(trained.model.card["search"])
    assert all(trial.state == "done" and trial.score is not None for trial in record.trials)
    mean = trained.model.mean(trained.model.outputs(trained.prepared.arrays.x_test))
    found, answer = trained.model.answer_of(mean), trained.model.answer(trained.prepared.arrays.x_test)
    np.testing.assert_array_equal(found.labels, answer.labels)


# ---- every member of every group is an ordinary network


@pytest.mark.slow
def test_a_member_of_the_second_group_is_explained_checked_and_replayed(mixed):
    trained = mixed["y"]
    member = trained.model.groups[0].members + 1
    lines = all_lines(walk(trace_rows(trained.model, TABLE, 2, member)))
    assert all(line.check is None or line.check.ok for line in lines)
    assert certify(trained.model, TABLE, member=member).passed
    made = replay(trained.model, TABLE, [1, 4], member)
    assert [one.member for one in made] == [member] * 2
    # What is replayed is what was trained: the state at the kept epoch, at the temperature of its card, is the member.
    group = trained.model.groups[1]
    step = group.card["best_epochs"][0] * made[0].steps_per_epoch + 1
    if step <= group.card["epochs_run"] * made[0].steps_per_epoch:
        (state,) = replay(trained.model, TABLE, step, member)
        kept = at_temperature(group.network, state.state.parameters, group.card["temperature"])
        np.testing.assert_allclose(kept[0], group.parameters[0], rtol=1e-12)


def all_lines(derivation: Derivation) -> list[Line]:
    """The lines of a derivation and of all in it."""
    return [*derivation.lines, *(line for part in derivation.parts for line in all_lines(part))]


@pytest.mark.slow
def test_it_is_described_and_shown_as_a_table_and_a_picture(mixed, tmp_path):
    path = tmp_path / "m.safetensors"
    mixed["n"].model.save(path)
    document = search_document(mixed["n"].model, "m", drawn=True)
    assert document.data["trials"][0]["number"] == 0
    out = tmp_path / "s.html"
    assert main(["search", str(path), "--out", str(out)]) == 0
    assert "learning rate" in out.read_text()
    assert main(["describe", str(path)]) == 0


@pytest.mark.slow
def test_the_exported_program_answers_the_same(mixed, tmp_path):
    made = export(mixed["y"].model, "python", tmp_path / "m.py")
    assert made.certificate.passed


@pytest.mark.slow
def test_the_small_network_is_taught_by_the_weighted_mean(mixed):
    small = small_of(mixed["n"], engine="reference")
    assert small.model.card["taught"]
    assert len(small.model.groups) == 1


def test_a_model_without_a_search_has_none_to_show():
    with pytest.raises(SettingsError, match="comes from a single training"):
        search_document(searched("y", search=None).model, "m")

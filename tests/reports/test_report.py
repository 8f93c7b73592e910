"""Reports of trainings and models: every number is the engine's or the metric's, in every kind of task."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

import chainrule
from chainrule.errors import OutputError, SettingsError, TableError
from chainrule.explain.attribute.answer import answer
from chainrule.explain.check.certificate import batch_of, certify
from chainrule.explain.costs import place_of_parameter
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.slice import TRIED
from chainrule.reports.history import history_text, read_history
from chainrule.reports.reported import Reported
from chainrule.reports.sections.rows import TOLERANCE
from chainrule.reports.sections.trust import CERTIFIED_ROWS, CERTIFIED_WEIGHTS

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
FAST = {"engine": "reference", "members": 1, "hidden": [3], "epochs": 6}


def plain(report):
    """A report's numbers as its JSON has them."""
    return json.loads(report.render("json"))


@pytest.fixture(scope="module")
def species():
    trained = chainrule.train(PENGUINS, "species", **FAST)
    return trained, chainrule.report(trained)


@pytest.fixture(scope="module")
def mass():
    trained = chainrule.train(PENGUINS, "body_mass_g", **FAST)
    return trained, chainrule.report(trained.model, PENGUINS)


def test_scores_are_those_of_the_training_and_of_sklearn(species):
    trained, made = species
    data = plain(made)["parts"]["scores"]
    assert data["scores"] == trained.evaluation.scores
    assert data["baselines"] == {name: dict(scores) for name, scores in trained.baselines.items()}
    part = trained.prepared.tested
    truth, found = part.column("species").to_list(), trained.model.predict(part)
    assert data["scores"]["accuracy"] == metrics.accuracy_score(truth, found.labels)
    assert data["scores"]["balanced_accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(truth, found.labels)
    )
    assert data["scores"]["log_loss"] == pytest.approx(metrics.log_loss(truth, found.probabilities))
    expected = metrics.roc_auc_score(truth, found.probabilities, multi_class="ovr")
    assert data["scores"]["auc"] == pytest.approx(expected)
    for name, interval in data["intervals"].items():
        if interval["low"] is not None:
            assert interval["low"] <= data["scores"][name] <= interval["high"]


def test_numbers_are_those_of_the_training_and_of_sklearn(mass):
    trained, made = mass
    data = plain(made)["parts"]
    assert data["scores"]["scores"] == trained.evaluation.scores
    assert data["scores"]["held_out"]
    # Learned again from the rows of the training, which the model's card finds in the table.
    assert data["scores"]["baselines"] == {name: dict(each) for name, each in trained.baselines.items()}
    part = trained.prepared.tested
    truth, found = part.column("body_mass_g").to_numpy(), trained.model.predict(part).labels
    assert data["scores"]["scores"]["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, found))
    assert data["scores"]["scores"]["r2"] == pytest.approx(metrics.r2_score(truth, found))
    quantiles = dict(map(tuple, data["numbers"]["body_mass_g"]["error_quantiles"]))
    assert quantiles[0.5] == metrics.median_absolute_error(truth, found)
    assert quantiles[1.0] == metrics.max_error(truth, found)


def test_classes_are_counted_as_sklearn_counts_them(species):
    trained, made = species
    data = plain(made)["parts"]["classes"]["species"]
    part = trained.prepared.tested
    truth, found = part.column("species").to_list(), trained.model.predict(part).labels.tolist()
    matrix = metrics.confusion_matrix(truth, found)
    sparse = np.zeros_like(matrix)
    for row, column, count in data["confusion"]:
        sparse[row, column] = count
    assert (sparse == matrix).all()
    precision, recall, _, rows = metrics.precision_recall_fscore_support(truth, found, zero_division=0)
    for place, one in enumerate(data["by_class"]):
        assert one["rows"] == rows[place]
        assert one["right"] / one["rows"] == recall[place]
        assert one["right"] == (precision[place] * one["predicted"] if one["predicted"] else 0)


def test_slices_are_the_metric_on_these_rows(species, mass):
    for (trained, made), column in ((species, "species"), (mass, "body_mass_g")):
        frame = trained.prepared.tested.frame
        found = trained.model.predict(trained.prepared.tested).labels
        frame = frame.with_columns(found=pl.Series(found), truth=pl.col(column))
        slices = plain(made)["parts"]["slices"]["slices"]
        assert len(slices) > 5
        for one in slices:
            cells = pl.col(one["column"])
            if one["cells"] == "missing":
                rows = frame.filter(cells.is_null())
            elif one["cells"].startswith("= "):
                rows = frame.filter(cells.cast(pl.String) == one["cells"][2:])
            else:
                continue
            assert one["rows"] == rows.height
            expected = (
                metrics.accuracy_score(rows["truth"], rows["found"])
                if column == "species"
                else metrics.root_mean_squared_error(rows["truth"], rows["found"])
            )
            assert one["score"] == pytest.approx(expected)
        numbers = [one for one in slices if "…" in one["cells"]]
        each = {
            one["column"]: sum(n["rows"] for n in numbers if n["column"] == one["column"]) for one in numbers
        }
        for name, rows in each.items():
            missing = sum(
                one["rows"] for one in slices if one["column"] == name and one["cells"] == "missing"
            )
            # The quartiles hold every row that has a number, once.
            assert frame[name].is_not_null().sum() == rows
            assert missing <= frame[name].null_count()


def test_columns_and_rows_are_what_the_functions_say(species):
    trained, made = species
    data = made.data["parts"]
    expected = chainrule.importance(trained.model, PENGUINS)
    assert {one["name"]: one["drop"] for one in data["importance"]["columns"]} == {
        one.name: one.drop for one in expected.columns
    }
    order = [expected.names[i] for i in np.argsort(-expected.values, kind="stable")]
    assert list(data["dependence"]) == order[:2]
    for name, found in data["dependence"].items():
        asked = chainrule.dependence(trained.model, PENGUINS, name)
        assert [one["mean"] for one in found["curves"]] == [list(one.mean) for one in asked.curves]
    table = trained.model.table(PENGUINS)
    for one in data["rows"]["rows"]:
        again = answer(trained.model, table, one["row"] - 1, tolerance=TOLERANCE)
        assert {name: one[name] for name in again.to_dict()} == again.to_dict()
        assert one["truth"] == table.cell(one["row"] - 1, "species")


def test_the_rows_are_the_typical_the_surest_wrong_and_the_least_sure(species):
    trained, made = species
    rows = {one["why"]: one for one in made.data["parts"]["rows"]["rows"]}
    part = trained.prepared.tested
    found, truth = trained.model.predict(part), part.column("species").to_numpy()
    surest = found.probabilities.max(axis=1)
    wrong = np.flatnonzero(found.labels != truth)
    numbers = part.rows + 1
    assert rows["The surest mistake"]["row"] == numbers[wrong[surest[wrong].argmax()]]
    assert rows["The surest mistake"]["predicted"] != rows["The surest mistake"]["truth"]
    least = numbers[surest.argmin()]
    assert least in {one["row"] for one in rows.values()}
    assert rows["A typical one"]["predicted"] == rows["A typical one"]["truth"]


def test_checks_are_the_functions_own(mass):
    trained, made = mass
    data = made.data["parts"]
    assert data["diagnosis"] == diagnose(trained.model, PENGUINS).to_dict()
    found = certify(trained.model, PENGUINS, n_rows=CERTIFIED_ROWS, sample=CERTIFIED_WEIGHTS)
    assert data["certificate"] == found.to_dict()
    assert found.passed


def test_the_page_has_the_numbers_and_its_contents_lead_somewhere(species):
    trained, made = species
    page = made.render("html")
    assert page.count("<script") == 0
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in page
    assert "unsafe" not in page
    targets = re.findall(r'<a href="#([^"]+)"', page)
    assert len(targets) > 12
    assert all(f'id="{target}"' in page for target in targets)
    confusion = next(figure for figure in page.split("<figure")[1:] if "True and predicted classes" in figure)
    wide = confusion[confusion.index("plot-wide") :]
    drawn = [float(value) for value in re.findall(r'<rect[^>]*data-value="([^"]+)"', wide)]
    assert drawn == trained.evaluation.confusion.ravel().tolist()
    for value in trained.evaluation.scores.values():
        assert f"{value:.4f}" in page


@pytest.mark.slow
def test_a_report_is_the_same_twice(mass):
    trained, made = mass
    again = chainrule.report(trained.model, PENGUINS)
    assert again.render("html") == made.render("html")
    assert again.render("json") == made.render("json")


def test_curves_are_those_of_the_history(species, tmp_path):
    trained, made = species
    (tmp_path / "h.csv").write_text(history_text(trained.fit.watched.history), "utf-8")
    read = read_history(tmp_path / "h.csv")
    assert [line.training_loss for line in read] == [
        line.training_loss for line in trained.fit.watched.history
    ]
    assert made.data["parts"]["curves"]["training_loss"] == [line.training_loss for line in read]
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(
        TableError, match=r"other.csv: there is no column 'epoch': give the CSV of losses that .* wrote"
    ):
        read_history(tmp_path / "other.csv")


def test_without_a_target_it_says_what_is_left_out(mass):
    trained, _ = mass
    frame = pl.read_csv(PENGUINS, null_values="NA").drop("body_mass_g")
    made = chainrule.report(trained.model, frame)
    assert not {"scores", "numbers", "slices", "importance", "diagnosis", "certificate"} & set(
        made.data["parts"]
    )
    assert {"dependence", "rows", "table", "network", "limits", "card"} <= set(made.data["parts"])
    assert "has no column body_mass_g, nothing is scored here" in " ".join(made.render("text").split())
    assert all(one["truth"] is None for one in made.data["parts"]["rows"]["rows"])


def test_what_it_distrusts(species, mass):
    trained, _ = species
    rows = pl.read_csv(PENGUINS, null_values="NA")
    other = chainrule.report(trained.model, rows.head(160))  # other rows, nearly all of one class
    told = " ".join(other.data["doubts"])
    assert "whether the rows of the score were among those of the training isn't known" in told
    assert "fewer than 10 of these rows are of the class" in told
    text = mass[1].render("text")
    assert "linear regression is better on these rows" in " ".join(mass[1].data["doubts"])
    assert "Linear regression is better on these rows" in " ".join(text.split())


@pytest.mark.slow
def test_a_report_is_saved_by_its_ending(species, tmp_path):
    _, made = species
    for ending, start in (
        (".html", "<!DOCTYPE html>"),
        (".md", "---\nlibrary_name: chainrule"),
        (".json", "{"),
    ):
        made.save(tmp_path / f"r{ending}")
        assert (tmp_path / f"r{ending}").read_text("utf-8").startswith(start)
    with pytest.raises(OutputError, match="exists"):
        made.save(tmp_path / "r.html")
    with pytest.raises(
        SettingsError, match=r"r.pdf: the ending says no format; use .txt, .tex, .html, .json, .md"
    ):
        made.save(tmp_path / "r.pdf")
    assert made._repr_html_().startswith("<iframe")
    assert "srcdoc" in made._repr_mimebundle_()["text/html"]


def test_a_part_that_fails_costs_no_other(mass, monkeypatch):
    def fails(subject):
        raise SettingsError("the cost is not a finite number")

    monkeypatch.setattr("chainrule.reports.report.certificate_part", fails)
    made = chainrule.report(mass[0].model, PENGUINS)
    assert set(made.data["parts"]) == set(mass[1].data["parts"])
    assert made.data["parts"]["certificate"] == {"reason": "the cost is not a finite number"}
    assert "there is no certificate part: the cost is not a finite number" in made.data["doubts"]


def test_what_can_not_be_reported_is_said(species):
    trained, _ = species
    with pytest.raises(SettingsError, match="table is missing: a model is reported on a table"):
        chainrule.report(trained.model)
    with pytest.raises(SettingsError, match="a training knows its table; leave it out"):
        chainrule.report(trained, PENGUINS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    [["bill_length_mm", "body_mass_g"], ["sex", "heavy"], "code", "sex"],
    ids=["numbers", "labels", "many classes", "two classes"],
)
def test_other_tasks_have_their_reports_in_every_format(target):
    rows = pl.read_csv(PENGUINS, null_values="NA").drop_nulls()
    rows = rows.with_columns(
        heavy=pl.when(pl.col("body_mass_g") > 4000).then(pl.lit("heavy")).otherwise(pl.lit("light")),
        code=pl.format("c{}", pl.int_range(pl.len()) % 20),
    )
    trained = chainrule.train(rows, target, **FAST)
    made = chainrule.report(trained)
    for form in ("html", "md", "text", "latex", "json"):
        assert made.render(form)
    data = made.data["parts"]
    assert data["scores"]["scores"] == trained.evaluation.scores
    if isinstance(target, list):
        each = data["scores"]["by_target"]
        assert each == {name: dict(scores) for name, scores in trained.evaluation.by_target.items()}
        assert set(data["classes" if "sex" in target else "numbers"]) == set(target)


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_the_plane_has_the_models_answers_over_the_two_numbers_it_needs_most(target):
    names = ["bill_length_mm", "bill_depth_mm"]
    rows = pl.read_csv(PENGUINS, null_values="NA").drop_nulls().select([*names, "island", target])
    trained = chainrule.train(rows, target, **FAST)
    made = chainrule.report(trained.model, rows)
    data = plain(made)["parts"]
    order = [one["name"] for one in sorted(data["importance"]["columns"], key=lambda one: -one["drop"])]
    plane = data["plane"]
    assert plane["columns"] == [name for name in order if name in names]
    first, second = plane["places"]
    island = trained.model.encoder.columns[-1]
    found = np.array(plane["probabilities" if target == "species" else "answers"])
    for i, j in ((0, 0), (3, 20), (24, 11)):
        # Held at the most frequent island, which is said.
        row = {plane["columns"][0]: [first[j]], plane["columns"][1]: [second[i]], "island": ["Biscoe"]}
        answer = trained.model.predict(row)
        expected = answer.labels if answer.probabilities is None else answer.probabilities
        np.testing.assert_allclose(found[i, j], expected[0], rtol=1e-5)
    assert island.name == "island"
    assert "held at" in plane["held"]
    assert f"Over {plane['columns'][0]} and {plane['columns'][1]}" in made.render("text")


def test_a_plane_of_classes_without_probabilities_has_the_classes():
    draw = np.random.default_rng(4)
    table = {"a": draw.normal(size=30), "b": draw.normal(size=30)}
    table["y"] = ["no" if a + b < 0 else "yes" for a, b in zip(table["a"], table["b"], strict=True)]
    trained = chainrule.train(table, "y", hidden=[], loss="hinge", epochs=3, engine="reference")
    assert not trained.model.gives_probabilities
    plane = plain(chainrule.report(trained.model, table))["parts"]["plane"]
    assert "probabilities" not in plane
    first, second = plane["places"]
    rows = {plane["columns"][0]: [first[3]], plane["columns"][1]: [second[20]]}
    assert plane["answers"][20][3] == trained.model.predict(rows).labels[0]


def test_without_two_numbers_there_is_no_plane():
    rows = {"a": [float(i % 7) for i in range(60)], "b": ["u", "v", "w"] * 20, "y": ["no", "yes"] * 30}
    rows["c"] = [2.0] * 60
    made = chainrule.report(chainrule.train(rows, "y", **FAST))
    assert "plane" not in made.data["parts"]


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_the_mountain_is_an_exact_slice_over_the_two_weights_that_are_needed_most(target):
    rows = pl.read_csv(PENGUINS, null_values="NA").drop_nulls().select(["bill_length_mm", "island", target])
    trained = chainrule.train(rows, target, **{**FAST, "hidden": (3,), "members": 1})
    made = chainrule.report(trained.model, rows)
    found = plain(made)["parts"]["mountain"]
    subject = Reported(trained.model, trained.model.table(rows), "m", "c")
    batch = batch_of(trained.model, subject.sample.part, n_rows=found["rows"])
    assert found["rows"] == min(200, subject.sample.part.n_rows)
    first, second = (place_of_parameter(batch.layout, name) for name in found["weights"])

    def cost(**changed):
        """Return the cost with one weight or both set by hand, by the equations of the checks."""
        flat = batch.flat.copy()
        for name, value in changed.items():
            flat[{"first": first, "second": second}[name]] = value
        return batch.costs(flat[None])[0]

    assert found["cost"] == pytest.approx(cost(), rel=1e-12)
    assert found["without"] == pytest.approx([cost(first=0.0), cost(second=0.0)], rel=1e-12)
    x, y = found["places"]
    assert (x[len(x) // 2], y[len(y) // 2]) == tuple(found["at"])
    assert min(x) < 0 < max(x)
    for i, j in ((0, 0), (3, 20), (24, 11)):
        assert found["costs"][i][j] == pytest.approx(cost(first=x[j], second=y[i]), rel=1e-9)
    # Fewer than are tried, so all are: no other weight raises the cost as much.
    weights = [s for s in batch.layout.slots if s.decays]
    each = []
    for place in (k for s in weights for k in range(s.start, s.stop)):
        flat = batch.flat.copy()
        flat[place] = 0.0
        each.append(batch.costs(flat[None])[0])
    assert len(each) <= TRIED
    assert sorted(each)[-2:] == pytest.approx(found["without"][::-1], rel=1e-12)
    assert "An exact slice" in made.render("text")


def test_a_network_of_one_weight_has_no_mountain_and_no_doubt_about_that():
    rows = {"a": [float(i % 7) for i in range(40)], "y": [2.0 * (i % 7) + i % 3 for i in range(40)]}
    made = chainrule.report(chainrule.train(rows, "y", **{**FAST, "hidden": []}))
    assert "mountain" not in made.data["parts"]
    assert not any("mountain" in doubt for doubt in made.data["doubts"])


@pytest.mark.slow
def test_the_page_of_the_penguins_is_small(tmp_path):
    made = chainrule.report(chainrule.train(PENGUINS, "species"))
    made.save(tmp_path / "r.html")
    assert (tmp_path / "r.html").stat().st_size <= 400_000


@pytest.mark.slow
def test_an_ablation_is_in_it(species):
    trained, _ = species
    found = chainrule.ablate(PENGUINS, "species", seeds=1, members=2, epochs=3, fast=True, engine="reference")
    made = chainrule.report(trained.model, PENGUINS, ablation=found)
    assert made.data["parts"]["ablation"] == found.to_dict()
    assert "What each ingredient adds" in made.render("text")

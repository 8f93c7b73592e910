"""Feature 19: the doctor, live: what is planted is told at its address, its way out makes a branch; a healthy run has nothing."""

import numpy as np
import pytest
from tests.studio.studio_browser import PENGUINS
from tests.studio.watched import course_of_network, watched

from chainrule import Dense, Network
from chainrule.equations.optimizers import optimizer
from chainrule.explain.diagnose import thresholds
from chainrule.studio.training.opening import opened_table


def penguins(target="species", **given):
    return opened_table(PENGUINS, {"target": target}, {"epochs": 12, "hidden": (6,), "seed": 3, **given})


def of_kind(frame, kind):
    return [one for one in frame["findings"] if one["kind"] == kind]


@pytest.fixture(scope="module")
def birds():
    with watched(penguins()) as made:
        yield made


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_feature_19_a_healthy_run_has_nothing_at_any_epoch(target):
    with watched(penguins(target)) as made:
        made.train()
        per_epoch = made.frame["steps_per_epoch"]
        for epoch in range(13):
            frame = made.do("seek", t=min(epoch * per_epoch, made.studio.made.tape.frontier))
            assert frame["findings"] == []


def test_feature_19_a_planted_dead_neuron_is_named_within_an_epoch_at_its_address(birds):
    birds.do("seek", t=3)
    frame = birds.do("edit", edits=[{"kind": "number", "address": "b[1][4]", "value": -40}])
    for _ in range(2):
        (one,) = of_kind(frame, "dead_neuron")
        assert one["where"] == ["a[1][4]"]
        assert not one["grave"]
        assert frame["flags"] == {"a[1][4]": "dead"}
        numbers = {each["name"]: each["value"] for each in one["numbers"]}
        course = birds.studio.made.course
        flat = np.asarray(birds.studio.made.tape.state(frame["t"]).parameters)
        z = (
            course.network.forward(course.layout.unflatten(flat), course.data.x[course.data.train], np)
            .layers[0]
            .z[:, 3]
        )
        assert float(numbers["largest z"]) == pytest.approx(z.max(), rel=1e-5)
        assert int(numbers["rows"]) == len(z)
        frame = birds.do("step", grain="epoch", by=1)
    birds.do("undo")


def test_feature_19_the_way_out_makes_a_branch_that_brings_it_back(birds):
    birds.do("seek", t=3)
    frame = birds.do("edit", edits=[{"kind": "number", "address": "b[1][4]", "value": -40}])
    (one,) = of_kind(frame, "dead_neuron")
    bias, leaky = one["ways"]
    for way in (bias, leaky):
        frame = birds.do("edit", edits=way["edits"])
        assert of_kind(frame, "dead_neuron") == []
        assert frame["flags"] == {}
        assert frame["branch"]["number"] != 1
        if way is bias:  # as it says, half of the rows reach the neuron
            course = birds.studio.made.course
            flat = np.asarray(birds.studio.made.tape.state(0).parameters)
            z = (
                course.network.forward(course.layout.unflatten(flat), course.data.x[course.data.train], np)
                .layers[0]
                .z[:, 3]
            )
            assert abs(float((z > 0).mean()) - 0.5) < 0.02
        before = birds.studio.made.tape.state(0).parameters
        at = birds.studio.made.course.layout.place(1, "W[5,4]", "")
        birds.do("step", grain="epoch", by=1)
        assert birds.studio.made.tape.state(birds.frame["t"]).parameters[at] != before[at]
        birds.do("reset")
        birds.do("undo")
    birds.do("undo")


def test_feature_19_most_of_a_layer_dead_is_a_finding(birds):
    birds.do("seek", t=3)
    edits = [{"kind": "number", "address": f"b[1][{j}]", "value": -40} for j in (1, 2, 5)]
    frame = birds.do("edit", edits=edits)
    (one,) = of_kind(frame, "dead_neurons")
    assert one["grave"]
    assert one["where"] == ["a[1][1]", "a[1][2]", "a[1][5]"]
    assert of_kind(frame, "dead_neuron") == []
    ways = [way["words"] for way in one["ways"]]
    assert ways == ["leaky_relu in layer 1", "a tenth of the learning rate: 0.0001"]
    birds.do("undo")


def test_feature_19_a_planted_error_of_the_checker_is_seen(birds, monkeypatch):
    low = thresholds.THRESHOLDS["flat"]._replace(value=0.0)
    monkeypatch.setitem(thresholds.THRESHOLDS, "flat", low)
    birds.do("seek", t=4)
    frame = birds.do("edit", edits=[{"kind": "number", "address": "b[1][4]", "value": -40}])
    assert of_kind(frame, "dead_neuron") == [], (
        "with a limit of 0 nothing is flat, so the test above would fail"
    )
    birds.do("undo")


def chain(activation: str, factor: float, layers: int = 6):
    """Return a deep network on numbers whose weights are all a factor too small or too large."""
    draw = np.random.default_rng(5)
    x, y = draw.normal(size=(64, 4)), draw.normal(size=(64, 1))
    course = course_of_network(Network([4, *[Dense(6, activation) for _ in range(layers)], Dense(1)]), x, y,
                               batch_size=16, optimizer=optimizer("sgd"))  # fmt: skip
    course.start[:] *= factor
    return course


@pytest.mark.parametrize(
    ("made", "kind", "where", "way"),
    [
        (lambda: chain("sigmoid", 1.0, 8), "vanishing_gradient", ["delta[1]"], "relu in the layers that are flat on both sides"),
        (lambda: chain("relu", 8.0), "exploding_gradient", ["delta[1]"], "clip the gradient at length 1"),
        (lambda: chain("tanh", 60.0, 1), "saturated_neurons", [f"a[1][{j}]" for j in range(1, 7)], "relu in layer 1"),
        (lambda: chain("relu", 120.0, 1), "exploding_weights", ["W[1]"], "weight decay 0.001"),
    ],
)  # fmt: skip
def test_feature_19_what_is_planted_is_found_with_a_way_out(made, kind, where, way):
    with watched(made()) as asked:
        (one,) = of_kind(asked.frame, kind)
        assert one["where"] == where
        assert one["grave"]
        found = next(each for each in one["ways"] if each["words"] == way)
        assert one["numbers"]
        after = asked.do("edit", edits=found["edits"])
        assert after["branch"]["edits"]
        if kind in ("vanishing_gradient", "saturated_neurons"):
            assert of_kind(after, kind) == []


def test_feature_19_overfitting_is_told_by_scores_on_rows_that_are_held_out():
    rows = {
        "hidden": (64, 64),
        "epochs": 120,
        "learning_rate": 0.01,
        "early_stopping": False,
        "validation_share": 0.4,
    }
    draw = np.random.default_rng(2)
    table = {f"x{i}": draw.normal(size=90).round(4).tolist() for i in range(6)}
    table["y"] = draw.choice(["a", "b"], 90).tolist()  # noise, so that all that is learned is by heart
    lines = [",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))]
    with watched(_table("\n".join(lines), rows)) as made:
        assert of_kind(made.frame, "overfitting") == []
        frame = made.train()
        (one,) = of_kind(frame, "overfitting")
        numbers = {each["name"]: float(each["value"]) for each in one["numbers"]}
        assert numbers["accuracy on the training rows"] > 0.9 > 0.75 > numbers["accuracy held out"]
        assert [way["words"] for way in one["ways"]][1] == "dropout 0.2 in the hidden layers"
        frame = made.do("edit", edits=one["ways"][1]["edits"])
        assert made.studio.made.course.network.layers[0].dropout == 0.2


def _table(text: str, settings):
    import tempfile
    from pathlib import Path

    folder = tempfile.mkdtemp(prefix="chainrule-test-")
    path = Path(folder) / "noise.csv"
    path.write_text(text + "\n", "utf-8")
    return opened_table(str(path), {"target": "y"}, settings)


def test_feature_19_no_number_of_the_test_rows_is_in_a_finding(birds, monkeypatch):
    arrays = birds.studio.made.course.prepared.arrays
    monkeypatch.setattr(
        type(arrays), "x_test", property(lambda self: pytest.fail("the test rows are shut")), raising=False
    )
    birds.do("seek", t=2)
    assert birds.frame["findings"] == []

"""The mountain: heights held against the cost worked out by hand, stems against both costs, the whole truth of two weights."""

import math
from base64 import b64decode

import numpy as np
import pytest
from watched import course_of_network, watched

from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.errors import ChainruleError
from chainrule.studio.training.opening import opened_lesson, opened_table

KINDS = {"float64": "<f8", "float32": "<f4", "int8": "i1"}


def unpacked(packed):
    return np.frombuffer(b64decode(packed["base64"]), KINDS[packed["dtype"]]).reshape(packed["shape"])


def along(side):
    return np.linspace(side["low"], side["high"], side["side"])


def mazur(flat, x=(0.05, 0.1), t=(0.01, 0.99)):
    """The cost of article 5's network of two, two and two sigmoids, written out: W[1], b[1], W[2], b[2] one after the other."""
    (a, b, c, d), e, (g, h, i, j), k = flat[:4], flat[4], flat[5:9], flat[9]

    def s(z):
        return 1 / (1 + math.exp(-z))

    h1, h2 = s(x[0] * a + x[1] * c + e), s(x[0] * b + x[1] * d + e)
    o1, o2 = s(h1 * g + h2 * i + k), s(h1 * h + h2 * j + k)
    return ((o1 - t[0]) ** 2 + (o2 - t[1]) ** 2) / 2


@pytest.fixture(scope="module")
def article():
    with watched(opened_lesson("article-5")) as seen:
        seen.do("run_to", t=12)
        yield seen


@pytest.fixture(scope="module")
def penguins():
    settings = {"hidden": (4,), "members": 1, "epochs": 8, "early_stopping": False}
    with watched(opened_table("examples/penguins.csv", {"target": "species"}, settings)) as seen:
        seen.train()
        yield seen


def states(seen, steps):
    return [np.asarray(seen.studio.made.tape.state(t, 0).parameters, float) for t in steps]


@pytest.mark.parametrize("rows", ["training", "batch"])
def test_feature_16_heights_are_the_cost_written_out(article, rows):
    hill = article.studio.mountain({"kind": "slice", "a": "W[1][1,2]", "b": "W[2][2,1]", "rows": rows})
    flat = states(article, [hill["t"]])[0]
    heights, x, y = unpacked(hill["heights"]), along(hill["x"]), along(hill["y"])
    for j, i in np.random.default_rng(1).integers(len(x), size=(30, 2)):
        changed = flat.copy()
        changed[1], changed[7] = x[i], y[j]
        assert heights[j, i] == pytest.approx(mazur(changed), abs=1e-12)
        changed[2] += 1e-3  # a planted fault: another weight isn't held
        assert heights[j, i] != pytest.approx(mazur(changed), abs=1e-12)
    frame = article.studio.frame()
    assert hill["here"]["cost"] == pytest.approx(frame["cost"], abs=1e-12)
    assert hill["here"]["surface"] == pytest.approx(frame["cost"], abs=1e-12)
    assert (hill["here"]["x"], hill["here"]["y"]) == (flat[1], flat[7])


@pytest.mark.parametrize("kind", ["slice", "path"])
def test_feature_16_stems_join_the_true_cost_with_the_surfaces(article, kind):
    hill = article.studio.mountain({"kind": kind})
    (path,) = hill["paths"]
    assert path["steps"] == list(range(13))
    true = [mazur(flat) for flat in states(article, path["steps"])]
    assert path["cost"] == pytest.approx(true, abs=1e-12)
    stems = np.abs(np.subtract(path["cost"], path["surface"]))
    assert stems[-1] < 1e-12 < stems[0]
    if kind == "slice":
        now = states(article, [12])[0]
        for k, (at_x, at_y) in enumerate(zip(path["x"], path["y"], strict=True)):
            on = now.copy()
            on[0], on[5] = at_x, at_y
            assert path["surface"][k] == pytest.approx(mazur(on), abs=1e-12)
    assert f"{stems.max():.4g}"[:4] in " ".join(hill["said"]).replace("×10⁻⁶", "e-06")


def test_feature_16_the_plane_of_the_path_holds_the_variance_that_is_printed(penguins):
    hill = penguins.studio.mountain({"kind": "path"})
    (path,) = hill["paths"]
    flats = np.stack(states(penguins, path["steps"]))
    away = flats - flats[-1]
    values = np.sort(np.linalg.eigvalsh(away @ away.T))[::-1]
    for k, side in enumerate((hill["x"], hill["y"])):
        assert f"{100 * values[k] / values.sum():.1f} %" in side["name"]
    both = 100 * values[:2].sum() / values.sum()
    assert f"{both:.1f} %" in hill["said"][0]
    # No two directions hold more: what is left is that of the best plane.
    left = (away**2).sum() - np.sum(np.square(path["x"])) - np.sum(np.square(path["y"]))
    assert left == pytest.approx(values[2:].sum(), abs=1e-9 * values.sum())
    assert path["x"][0] < 0
    assert (path["x"][-1], path["y"][-1]) == (0, 0)


def test_feature_16_the_cost_is_that_of_the_rows_that_are_said(penguins):
    seek = penguins.do("seek", t=9)
    for rows in ("batch", "training"):
        hill = penguins.studio.mountain({"kind": "slice", "rows": rows, "quick": 1})
        assert hill["here"]["cost"] == pytest.approx(hill["here"]["surface"], abs=1e-12)
        if rows == "batch":
            assert hill["here"]["cost"] == pytest.approx(seek["cost"], abs=1e-12)
            assert "32 rows of the next batch" in hill["rows"]
        else:
            course = penguins.studio.made.course
            flat = states(penguins, [9])[0]
            chance = course.engine.predict(course.network, flat[None], course.data.x[course.data.train])[0]
            right = (chance * course.data.y[course.data.train]).sum(axis=1)
            assert hill["here"]["cost"] == pytest.approx(-np.log(right).mean(), abs=1e-12)
            assert hill["rows"] == f"the {len(right)} training rows"


def test_feature_16_of_two_parameters_it_is_the_whole_truth():
    network = Network([1, Dense(1, "tanh")])
    x = np.array([[-1.0], [0.5], [2.0]])
    with watched(course_of_network(network, x, np.array([[0.2], [-0.4], [0.9]]))) as seen:
        seen.train()
        for kind in ("slice", "path"):
            hill = seen.studio.mountain({"kind": kind})
            (path,) = hill["paths"]
            assert np.abs(np.subtract(path["cost"], path["surface"])).max() < 1e-12
            assert hill["whole"]
            assert "whole truth" in " ".join(hill["said"])
            assert "stem" not in " ".join(hill["said"])


def test_feature_16_with_more_it_says_that_it_is_a_slice(article):
    said = article.studio.mountain({"kind": "slice"})["said"]
    assert said[0] == "An exact slice: the other 8 parameters are held where they are now."
    assert "the whole truth" not in " ".join(said)


def test_feature_16_descents_start_together_with_steps_of_one_length(article):
    hill = article.studio.mountain({"kind": "race", "start": "0.3,-0.8", "steps": 20})
    assert [path["name"] for path in hill["paths"]] == ["sgd", "momentum", "adam"]
    begun = states(article, [12])[0]
    begun[0], begun[5] = 0.3, -0.8
    slopes = []
    for i in range(len(begun)):
        up, down = begun.copy(), begun.copy()
        up[i] += 1e-6
        down[i] -= 1e-6
        slopes.append((mazur(up) - mazur(down)) / 2e-6)
    for path in hill["paths"]:
        assert (path["x"][0], path["y"][0]) == (0.3, -0.8)
        assert len(path["steps"]) == 21
        assert path["cost"][0] == pytest.approx(mazur(begun), abs=1e-12)
    plain, momentum, adam = hill["paths"]
    eta = article.studio.frame()["eta"]
    for path in (plain, momentum):
        moved = path["x"][1] - path["x"][0], path["y"][1] - path["y"][0]
        assert moved == pytest.approx((-eta * slopes[0], -eta * slopes[5]), rel=1e-6)
    assert plain["x"][2] != momentum["x"][2]
    # Adam's first step goes equally far in each of the eight weights; the article's biases stand still.
    length = eta * np.linalg.norm(np.delete(slopes, [4, 9]))
    moved = abs(adam["x"][1] - adam["x"][0]), abs(adam["y"][1] - adam["y"][0])
    assert moved == pytest.approx((length / math.sqrt(8),) * 2, rel=1e-4)


def test_feature_16_a_descent_that_diverges_ends_there(article):
    said = article.studio.mountain({"kind": "race", "pace": 20, "steps": 5, "quick": 1})
    assert all(len(path["cost"]) >= 1 for path in said["paths"])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"kind": "slice", "a": "W[1][1,1]", "b": "W[1][1,1]"}, "can't be both axes"),
        ({"kind": "slice", "a": "W[9][1,1]"}, "is no parameter of this network"),
        ({"kind": "slice", "a": "W[1][3,1]"}, "W[1] goes to [2,2]"),
        ({"kind": "slice", "a": "a[1][1]"}, "is no parameter of this network"),
        ({"kind": "slice", "zoom": 99}, "zoom 99 is out of reach"),
        ({"kind": "race", "start": "1,nan"}, "the start is two numbers"),
        ({"kind": "race", "steps": 0}, "0 steps can't be shown"),
        ({"kind": "path", "t": 0}, "the path begins with the first update"),
    ],
)
def test_feature_16_what_is_no_mountain_is_one_line(article, query, words):
    with pytest.raises(ChainruleError) as found:
        article.studio.mountain(query)
    assert words in str(found.value)
    assert "\n" not in str(found.value)

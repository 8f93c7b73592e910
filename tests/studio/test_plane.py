"""The plane of two columns, and the heat map of a neuron: held against the taken model's own answers, and against a trace."""

from base64 import b64decode

import numpy as np
import polars as pl
import pytest
from watched import watched

from chainrule.engines import JUDGE
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.steps import trace_network
from chainrule.model.model import Model
from chainrule.studio.training.opening import opened_lesson, opened_table

PENGUINS = "examples/penguins.csv"
KINDS = {"float64": "<f8", "float32": "<f4", "int8": "i1"}
SETTINGS = {"epochs": 4, "early_stopping": False}


def unpacked(packed):
    return np.frombuffer(b64decode(packed["base64"]), KINDS[packed["dtype"]]).reshape(packed["shape"])


def places(side):
    if side["kind"] == "words":
        return np.arange(side["side"], dtype=float)
    return np.linspace(side["low"], side["high"], side["side"])


def exactly(model, frame, member=None):
    """The model's answers by the reference engine, in float64: `predict` answers in the float32 of its file's engine."""
    outputs = model.outputs(model.encoder.transform(model.table(frame)), JUDGE)
    return model.answer_of(model.mean(outputs) if member is None else outputs[member])


def cells_at(seen, plane, row, n=50, seed=0):
    """Return n places of a plane's grid, and the row's cells with the two columns set to what stands there."""
    rng = np.random.default_rng(seed)
    j, i = rng.integers(plane["y"]["side"], size=n), rng.integers(plane["x"]["side"], size=n)
    table = seen.studio.made.course.rows
    place = seen.studio.made.course.places[row]
    cells = {}
    for name in table.columns:
        cells[name] = [table.cell(place, name)] * n
    for side, at in ((plane["x"], i), (plane["y"], j)):
        if side["kind"] == "words":
            cells[side["name"]] = [side["ticks"][k]["words"] for k in at]
        else:
            cells[side["name"]] = [repr(float(v)) for v in places(side)[at]]
    return j, i, pl.DataFrame(cells)


@pytest.fixture(scope="module")
def species(tmp_path_factory):
    with watched(opened_table(PENGUINS, {"target": "species"}, SETTINGS)) as seen:
        seen.do("train")
        seen.wait(lambda: seen.studio.phase == "ended")
        path = tmp_path_factory.mktemp("model") / "model.safetensors"
        path.write_bytes(seen.studio.take("model")[2])
        yield seen, Model.load(path)


@pytest.mark.parametrize("columns", [("bill_length_mm", "body_mass_g"), ("island", "flipper_length_mm")])
def test_feature_14_50_pixels_are_the_models_answers_at_their_coordinates(species, columns):
    seen, model = species
    row = seen.studio.hello()["rows"]["numbers"][7]
    plane = seen.studio.plane({"x": columns[0], "y": columns[1], "row": row, "points": 1})
    assert plane["kind"] == "classes"
    assert plane["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    values, codes = unpacked(plane["values"]), unpacked(plane["codes"])
    j, i, frame = cells_at(seen, plane, row)
    answer = exactly(model, frame)
    assert np.abs(values[:, j, i].T - model.predict(frame).probabilities).max() < 1e-6
    assert np.abs(values[:, j, i].T - answer.probabilities).max() < 1e-12
    assert (codes[j, i] == answer.codes).all()
    # A planted fault: the same pixels at another row's cells don't agree.
    other = seen.studio.plane(
        {"x": columns[0], "y": columns[1], "row": seen.studio.hello()["rows"]["numbers"][90]}
    )
    assert np.abs(unpacked(other["values"])[:, j, i].T - answer.probabilities).max() > 1e-3
    assert other["held"] != plane["held"]
    assert f"row {row}" in plane["held"]


def test_feature_14_the_held_cells_are_said_and_without_a_row_they_are_typical(species):
    seen, _ = species
    held = seen.studio.plane({"x": "bill_length_mm", "y": "bill_depth_mm"})["held"]
    assert held.startswith("The other 5 columns are held at typical cells")
    assert "sex = " in held


def test_feature_14_the_points_are_the_rows_in_the_tables_units():
    with watched(opened_table(PENGUINS, {"target": "species"}, {"hidden": (8,), "members": 1})) as seen:
        plane = seen.studio.plane({"x": "bill_length_mm", "y": "bill_depth_mm", "points": 1})
        hello = seen.studio.hello()
    points, table = plane["points"], pl.read_csv(PENGUINS, null_values=["", "NA"])
    assert len(points["rows"]) <= points["of"] <= hello["rows"]["training"] + hello["rows"]["validation"]
    assert not all(points["training"])
    assert any(points["training"])
    for row, x, y, truth in zip(points["rows"], points["x"], points["y"], points["truth"], strict=True):
        line = table.row(row - 1, named=True)
        assert (x, y) == (line["bill_length_mm"], line["bill_depth_mm"])
        assert points["classes"][int(truth)] == line["species"]
    low, high = plane["x"]["low"], plane["x"]["high"]
    assert low < min(points["x"])
    assert max(points["x"]) < high
    assert all(low <= tick["at"] <= high for tick in plane["x"]["ticks"])


def test_feature_14_lines_part_the_classes(species):
    seen, _ = species
    plane = seen.studio.plane({"x": "bill_length_mm", "y": "bill_depth_mm"})
    codes, x, y = unpacked(plane["codes"]), places(plane["x"]), places(plane["y"])
    assert len(np.unique(codes)) > 1, "one class only: choose more epochs"
    assert plane["lines"]
    for line in plane["lines"]:
        for at_x, at_y in unpacked(line["points"]):
            # Around each point of a line stand two classes at least.
            i = np.clip(np.searchsorted(x, np.array([at_x - 1e-3, at_x + 1e-3])) - 1, 0, len(x) - 2)
            j = np.clip(np.searchsorted(y, np.array([at_y - 1e-3, at_y + 1e-3])) - 1, 0, len(y) - 2)
            assert len(np.unique(codes[j.min() : j.max() + 2, i.min() : i.max() + 2])) > 1


def test_feature_14_between_words_are_no_lines(species):
    plane = species[0].studio.plane({"x": "island", "y": "bill_depth_mm"})
    assert plane["x"]["kind"] == "words"
    assert plane["lines"] == []


def test_feature_14_numbers_are_a_surface_in_their_units(tmp_path):
    settings = SETTINGS | {"members": 2, "hidden": (4,)}
    with watched(opened_table(PENGUINS, {"target": "body_mass_g"}, settings)) as seen:
        seen.do("train")
        seen.wait(lambda: seen.studio.phase == "ended")
        (tmp_path / "m.safetensors").write_bytes(seen.studio.take("model")[2])
        row = seen.studio.hello()["rows"]["numbers"][3]
        plane = seen.studio.plane({"x": "flipper_length_mm", "y": "year", "row": row})
        j, i, frame = cells_at(seen, plane, row)
        model = Model.load(tmp_path / "m.safetensors")
        mean = exactly(model, frame).labels
        assert plane["kind"] == "number"
        assert plane["title"] == "body_mass_g"
        assert np.abs(unpacked(plane["values"])[0, j, i] / mean - 1).max() < 1e-12
        assert (plane["low"], plane["high"]) == (
            unpacked(plane["values"]).min(),
            unpacked(plane["values"]).max(),
        )
        one = seen.studio.plane({"x": "flipper_length_mm", "y": "year", "row": row, "member": 2})
        alone = exactly(model, frame, 1).labels
        assert np.abs(unpacked(one["values"])[0, j, i] / alone - 1).max() < 1e-12
        assert np.abs(alone / mean - 1).max() > 1e-6


def test_feature_15_a_pixel_is_the_neurons_activation_in_a_trace(species):
    seen, _ = species
    course, t = seen.studio.made.course, 11
    flat = seen.studio.made.tape.state(t, 0).parameters
    row = seen.studio.hello()["rows"]["numbers"][0]
    query = {"x": "bill_length_mm", "y": "bill_depth_mm", "row": row, "t": t}
    for j in (1, 5, 8):
        plane = seen.studio.plane({**query, "show": f"a[1][{j}]", "heat": 1})
        values, rng, others = unpacked(plane["values"])[0], np.random.default_rng(j), []
        for _ in range(6):
            down, across = rng.integers(100, size=2)
            table = pl.DataFrame(
                {name: [course.rows.cell(course.places[row], name)] for name in course.rows.columns}
                | {"bill_length_mm": [repr(float(places(plane["x"])[across]))],
                   "bill_depth_mm": [repr(float(places(plane["y"])[down]))]}
            )  # fmt: skip
            x = course.reads.encoder.transform(course.reads.table(table))
            trace = trace_network(course.network, course.layout.unflatten(flat), x)
            assert values[down, across] == pytest.approx(trace.number(Address.parse(f"a[1][{j}]")), abs=1e-13)
            others.append(abs(values[down, across] - trace.number(Address.parse(f"a[1][{j % 8 + 1}]"))))
        assert max(others) > 1e-3  # a planted fault: another neuron's picture


def test_feature_15_the_small_pictures_are_the_large_ones_in_a_coarser_grid(species):
    seen, _ = species
    plane = seen.studio.plane({"x": "bill_length_mm", "y": "bill_depth_mm", "heat": 1})
    heats = unpacked(plane["heats"]["pictures"])
    neurons = seen.studio.hello()["network"]["neurons"]
    assert len(heats) == len(neurons) == len(plane["heats"]["largest"])
    k = next(k for k, one in enumerate(neurons) if one["address"] == "a[1][3]")
    large = seen.studio.plane({"x": "bill_length_mm", "y": "bill_depth_mm", "show": "a[1][3]"})
    values = unpacked(large["values"])[0]
    small = heats[k] / 127 * plane["heats"]["largest"][k]
    # The corners are the same places in both.
    assert np.allclose(small[::23, ::23], values[::99, ::99], atol=plane["heats"]["largest"][k] / 200)


def test_feature_14_a_lessons_inputs_are_a_plane_too():
    with watched(opened_lesson("article-5")) as seen:
        plane = seen.studio.plane({"points": 1, "heat": 1})
        assert [plane["x"]["name"], plane["y"]["name"]] == ["x[1]", "x[2]"]
        assert plane["held"] == ""
        assert [one["name"] for one in plane["shows"]] == ["y[1]", "y[2]", "a[1][1]", "a[1][2]"]
        course = seen.studio.made.course
        p = course.layout.unflatten(seen.studio.made.tape.state(0).parameters)
        x = [[places(plane["x"])[70], places(plane["y"])[20]]]
        assert unpacked(plane["values"])[0, 20, 70] == pytest.approx(
            trace_network(course.network, p, x).number(Address.parse("a[2][1]")), abs=1e-14
        )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"x": "island", "y": "island"}, "can't be both axes"),
        ({"x": "bill_lenght_mm"}, "did you mean"),
        ({"show": "a[1][99]"}, "layer 1 has 8 neurons"),
        ({"show": "a[7][1]"}, "is no neuron"),
        ({"show": "W[1][1,1]"}, "is no neuron"),
        ({"show": "weather"}, "there is no answer 'weather'"),
        ({"row": 10**6}, "row 1000000 is none of the rows"),
        ({"member": 2}, "there is no member 2"),
    ],
)
def test_feature_14_what_is_no_plane_is_one_line(species, query, words):
    from chainrule.errors import ChainruleError

    with pytest.raises(ChainruleError) as found:
        species[0].studio.plane({"y": "bill_depth_mm", **query})
    assert words in str(found.value)
    assert "\n" not in str(found.value)

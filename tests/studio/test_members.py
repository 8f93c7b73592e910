"""The full recipe, shown: members with their mean as the last stage, those that share, columns of the feature stage as curves."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from tests.studio.studio_browser import PENGUINS
from tests.studio.watched import numbers_of, watched

from chainrule.explain.trace.address import Address
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.studio.protocol.nested import text_of
from chainrule.studio.shown.embedding import embedding_nodes, group_of
from chainrule.studio.shown.looking import Look
from chainrule.studio.training.opening import opened_table

HOW = {"epochs": 4, "hidden": (4,), "members": 3}
STAGE = {"numeric_embedding": "periodic", "scaling_layer": True}


def penguins(target="species", **given):
    return opened_table(PENGUINS, {"target": target}, {**HOW, **given})


def all_members(made, t: int, number: int):
    """Return what a model of all members says of a row, by `Model.predict` of the table's row."""
    course = made.studio.made.course
    flats = np.stack([made.studio.made.tape.state(t, k).parameters for k in range(course.members)])
    model = Model((Group(course.network, flats),), course.reads.encoder, course.reads.target)
    return model, model.predict(course.rows.take([course.places[number]]))


def values(nodes) -> list[float]:
    """Return the numbers that nested lists carry."""
    found = []
    for node in nodes:
        if isinstance(node, list):
            found += [float(node[1]["data-value"])] if "data-value" in node[1] else []
            found += values(node[2:])
    return found


@pytest.fixture(
    scope="module", params=[{}, {"sharing": "tabm"}, {"target": "body_mass_g"}], ids=["own", "tabm", "number"]
)
def several(request):
    with watched(penguins(**request.param)) as made:
        made.do("seek", t=9)
        made.do("row", number=15)
        yield made


def test_members_are_chosen_and_each_shows_its_own_numbers(several):
    course, tape = several.studio.made.course, several.studio.made.tape
    for number in (1, 3):
        frame = several.do("member", number=number)
        flat = np.asarray(tape.state(9, number - 1).parameters)
        record = course.network.forward(course.layout.unflatten(flat), course.data.x[[course.places[15]]], np)
        shown = numbers_of(frame["arrays"]["neurons"]["a"])[-course.network.output.n_out :]
        np.testing.assert_allclose(shown, record.a[0], rtol=1e-12)


def test_the_mean_of_the_members_is_what_the_model_answers(several):
    several.do("member", number=2)
    frame = several.do("seek", t=9, place={"pass": "answer"})
    _, found = all_members(several, 9, 15)
    if found.probabilities is None:
        assert frame["together"]["value"] == pytest.approx(float(found.labels[0]), rel=1e-6)
    else:
        assert frame["together"]["value"] == found.labels[0]
        given = [one["value"] for one in frame["together"]["each"]]
        np.testing.assert_allclose(given, found.probabilities[0], rtol=2e-6)
    stage = frame["stage"]
    assert stage["title"] == "The mean of the members"
    assert stage["ok"] is True
    (table,) = (node for node in stage["nodes"] if node[0] == "table")
    shown = np.array(values([table])).reshape(4, -1)
    np.testing.assert_allclose(shown[-1], shown[:3].mean(axis=0), rtol=1e-14)
    course, tape = several.studio.made.course, several.studio.made.tape
    for k in range(3):
        flat = np.asarray(tape.state(9, k).parameters)
        x = course.data.x[[course.places[15]]]
        np.testing.assert_allclose(
            shown[k], course.network.forward(course.layout.unflatten(flat), x, np).a[0], rtol=1e-14
        )
    assert "member 2, shown" in text_of(stage["nodes"])
    # Before the answer nothing is told of it.
    assert several.do("seek", t=9, place={"pass": "forward"})["together"] is None


def test_a_planted_member_is_seen(several, monkeypatch):
    several.do("seek", t=9)
    own = several.studio.made.tape.state

    def wrong(t, member=0):
        found = own(t, member)
        return found if member != 2 else found._replace(parameters=found.parameters * 1.01)

    several.do("member", number=1)
    monkeypatch.setattr(several.studio.made.tape, "state", wrong)
    several.studio.made.lookout._looks.clear()
    look = several.studio.made.lookout.look(9, 0, 15)
    together = look.together.steps[0].members.mean(axis=0)
    monkeypatch.undo()
    several.studio.made.lookout._looks.clear()
    right = several.studio.made.lookout.look(9, 0, 15).together.steps[0].members.mean(axis=0)
    assert not np.allclose(together, right, rtol=1e-6, atol=0)


def test_a_number_of_another_member_is_that_member_s(several):
    several.do("seek", t=9)
    several.do("member", number=1)
    last = len(several.studio.made.course.network.layers)
    one = several.studio.number({"address": f"a[{last}][1]@member=3"})["value"]
    several.do("member", number=3)
    assert several.studio.number({"address": f"a[{last}][1]"})["value"] == one
    several.do("member", number=1)
    assert several.studio.number({"address": f"a[{last}][1]"})["value"] != one


@pytest.fixture(scope="module")
def staged():
    with watched(penguins(members=1, **STAGE)) as made:
        made.do("seek", t=9)
        made.do("row", number=15)
        yield made


def look_of(made) -> Look:
    return made.studio.made.lookout.look(9, 0, 15)


def curves(nodes) -> dict[str, list[list[float]]]:
    """Return the curves' values by address from the table twin: each a row of x and one number a series."""
    (figure,) = nodes
    (twin,) = (node for node in figure[2:] if node[0] == "details")
    table = twin[3][2]
    head = [text_of([cell]) for cell in table[2][2][2:]]
    rows = [[float(value) for value in values([row])] for row in table[3][2:]]
    return {"head": head, "rows": rows}


def test_a_number_s_embedding_is_drawn_over_its_column(staged):
    look, course = look_of(staged), staged.studio.made.course
    stage = course.network.features
    column = next(i for i, one in enumerate(course.reads.encoder.inputs, 1) if one.name == "bill_length_mm")
    group = group_of(stage, Address("x", None, (column,)))
    outputs = [j + 1 for j in range(stage.n_outputs) if group_of(stage, Address("a", 0, (j + 1,))) == group]
    nodes = embedding_nodes(look, Address("a", 0, (outputs[0],)))
    told = curves(nodes)
    assert len(told["rows"]) == 161 or len(told["rows"]) > 20
    # Each point is what the network makes of a row with that cell, encoded as any other.
    flat = np.asarray(look.state.parameters)
    single = course.row_table(course.places[15])
    for row in told["rows"][:: len(told["rows"]) // 6]:
        changed = single.frame.with_columns(bill_length_mm=row[0])
        x = course.reads.encoder.transform(course.reads.table(changed))
        made = stage.forward(course.layout.unflatten(flat)[0], x, np).a[0, [j - 1 for j in outputs]]
        np.testing.assert_allclose(row[1:], made, rtol=1e-9)
    assert "row 15: 34.6" in str(nodes)
    answer = staged.studio.number({"address": f"a[0][{outputs[0]}]"})
    assert "What the feature stage makes of bill_length_mm" in str(answer["nodes"])
    frame = staged.do("seek", t=9, place={"pass": "forward", "layer": 0, "neuron": outputs[0]})
    assert "bill_length_mm" in str(frame["stage"]["curve"])
    staged.do("seek", t=9)


def test_every_parameter_of_the_stage_leads_to_its_column(staged):
    stage = staged.studio.made.course.network.features
    kinds = [group.kind for group in stage.groups]
    numbers = [i for i, kind in enumerate(kinds) if kind == "number"]
    assert [group_of(stage, Address(name, 0, (2, 3))) for name in ("f", "phi", "dC/df")] == [numbers[1]] * 3
    assert group_of(stage, Address("V", 0, (1, 3, 2))) == numbers[0]
    assert group_of(stage, Address("W", 1, (2, 3))) is None
    assert group_of(stage, Address("a", 1, (2,))) is None
    for slot in staged.studio.made.course.layout.slots:
        if slot.layer == 0:
            index = tuple(1 for _ in slot.shape)
            answer = staged.studio.number({"address": f"{slot.name}[0][{','.join(map(str, index))}]"})
            assert answer["change"]["kind"] == "number"


def test_a_category_s_levels_are_rows_of_what_enters(staged):
    how = {"epochs": 2, "hidden": (3,), "members": 1, "category_embedding": "learned"}
    rows = ["abcdefghijklmnop"[i % 16] for i in range(64)]
    path = Path(tempfile.mkdtemp(prefix="chainrule-test-")) / "levels.csv"
    path.write_text(
        "word,y\n" + "\n".join(f"{w},{i % 3 + ord(w)}" for i, w in enumerate(rows)) + "\n", "utf-8"
    )
    with watched(opened_table(str(path), {"target": "y"}, how)) as made:
        made.do("row", number=int(made.studio.made.course.numbers[0]))
        look = made.studio.made.lookout.look(0, 0, made.frame["row"])
        course = made.studio.made.course
        stage = course.network.features
        assert stage.groups[0].kind == "category"
        nodes = embedding_nodes(look, Address("x", None, (1,)))
        assert "What the feature stage makes of word" in str(nodes)
        shown = np.array(values(nodes)).reshape(-1, stage.outputs_of(stage.groups[0]))
        flat = np.asarray(look.state.parameters)
        x = np.zeros((len(shown), course.network.n_inputs))
        x[np.arange(len(shown)), np.arange(len(shown))] = 1
        made_of = stage.forward(course.layout.unflatten(flat)[0], x, np).a[:, : shown.shape[1]]
        np.testing.assert_allclose(shown, made_of, rtol=1e-12)
        assert f"(row {made.frame['row']})" in str(nodes)


def test_the_full_recipe_is_shown_and_edited(staged):
    with watched(
        opened_table(PENGUINS, {"target": "species"}, {"epochs": 2, "members": None, "hidden": None})
    ) as made:
        frame = made.do("seek", t=3)
        assert made.studio.hello()["members"] > 1
        assert frame["together"] is not None
        frame = made.do("edit", edits=[{"kind": "number", "address": "c[0][1,1]", "value": 2.5}])
        assert frame["branch"]["edits"][0]["new"] == "2.5"
        made.do("step", grain="epoch", by=1)
        made.do("undo")


def test_a_text_s_words_are_rows_of_what_enters():
    how = {"epochs": 2, "hidden": (3,), "members": 1, "category_embedding": "learned"}
    fields, roles = ("data", "cloud", "claims", "sales"), ("engineer", "analyst", "clerk")
    rows = [f"{fields[i % 4]} {fields[i % 3]} {roles[i % 3]}" for i in range(64)]
    path = Path(tempfile.mkdtemp(prefix="chainrule-test-")) / "titles.csv"
    path.write_text("title,y\n" + "\n".join(f"{t},{i % 7}" for i, t in enumerate(rows)) + "\n", "utf-8")
    with watched(opened_table(str(path), {"target": "y", "kinds": {"title": "text"}}, how)) as made:
        made.do("row", number=int(made.studio.made.course.numbers[0]))
        look = made.studio.made.lookout.look(0, 0, made.frame["row"])
        course = made.studio.made.course
        names = [neuron.name for neuron in course.reads.encoder.inputs]
        nodes = embedding_nodes(look, Address("x", None, (1,)))
        told = str(nodes)
        assert "What the feature stage makes of title" in told
        own = [i for i, value in enumerate(course.data.x[course.places[look.row]]) if value]
        assert own
        # The row's own words are all among those shown, and marked.
        assert all(f"{names[i].removeprefix('title: ')} (row {look.row})" in told for i in own)
        answer = made.studio.number({"address": f"x[{own[0] + 1}]"})
        assert "v counts" in str(answer["nodes"])
        # Beside the cell stand the inputs of its own words alone.
        (cell,) = made.frame["cells"]
        assert cell["column"] == "title"
        assert cell["inputs"] == [f"x[{i + 1}]" for i in own]
        assert all("v counts" in step["words"] for step in cell["steps"])

"""A model of several groups of different networks, as a search leaves it: each group's training is a run of the studio."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.studio.watched import watched

import chainrule
from chainrule.errors import SettingsError
from chainrule.studio.taken.onefile import page_file, trained_through
from chainrule.studio.training import course
from chainrule.studio.training.opening import opened_model

DRAW = np.random.default_rng(8)
TABLE = {
    "a": DRAW.normal(size=40).round(3).tolist(),
    "b": DRAW.normal(size=40).round(3).tolist(),
    "y": ["no", "yes"] * 20,
}
WORDS = {"epochs": 3, "engine": "reference", "batch_size": 8, "early_stopping": False, "test_share": 0.0}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The file of a model of two groups, 2 and 3 members of 75 and 25 % of the answer, with its table's."""
    folder = tmp_path_factory.mktemp("groups")
    one = chainrule.train(TABLE, "y", hidden=[5], members=2, optimizer="sgd", **WORDS).model
    other = chainrule.train(TABLE, "y", hidden=[4, 3], members=3, seed=4, **WORDS).model
    groups = (replace(one.group, weight=3.0, card=one.card), replace(other.group, card=other.card))
    model = replace(one, groups=groups)
    model.save(folder / "m.safetensors")
    lines = ["a,b,y", *(f"{a},{b},{y}" for a, b, y in zip(*TABLE.values(), strict=True))]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return model, str(folder / "m.safetensors"), str(folder / "t.csv")


def test_each_group_is_a_run_whose_training_is_the_groups_own(files):
    model, file, table = files
    with watched(opened_model(file, table)) as made:
        runs = made.frame["runs"]
        assert [run["number"] for run in runs] == [1, 2]
        assert "group 2 of 2: 2-4-3-1, 25 % of the answer" in runs[1]["words"]
        (note, *_) = made.studio.hello()["notes"]
        assert "2 groups of different networks" in note
        assert "75 % of the answer" in note
        for number, group in enumerate(model.groups, 1):
            if number > 1:
                made.do("run", number=number)
            assert made.studio.made.course.members == group.members
            assert made.studio.hello()["members"] == group.members
            made.train()
            last = made.studio.made.tape.last
            kept = made.studio.made.worker.result.parameters
            np.testing.assert_array_equal(kept, group.parameters)
            assert made.studio.made.tape.state(last, 1).parameters.shape == (group.network.n_parameters,)
        # The model that is taken along is the whole one.
        name, _, content = made.studio.take("model")
        assert name.endswith(".safetensors")
        assert content == Path(file).read_bytes()


def test_at_the_end_it_says_what_all_groups_answer_together_by_weight(files):
    model, file, table = files
    with watched(opened_model(file, table)) as made:
        assert not any("together answer" in one for one in made.frame["told"])
        made.train()
        made.do("seek", t=made.studio.made.tape.last)
        (told,) = [one for one in made.frame["told"] if "together answer" in one]
        row = made.frame["row"]
        answer = model.predict({name: [TABLE[name][row - 1]] for name in ("a", "b")})
        label, code = answer.labels[0], int(answer.codes[0])
        assert f"All 2 groups of the model together answer y = {label}, with probability " in told
        first, second, mean = (
            float(number)
            for number in re.search(r"is 0.75 · (\S+) \+ 0.25 · (\S+) = (\S+)\.$", told).groups()
        )
        assert 0.75 * first + 0.25 * second == pytest.approx(mean, abs=1e-4)
        # One output: the probability of the second class.
        assert mean == pytest.approx(
            answer.probabilities[0, code] if code else 1 - answer.probabilities[0, code], abs=1e-4
        )
        # A branch is no group of the model.
        made.do("edit", edits=[{"kind": "number", "address": "W[1][1,2]", "value": 0.5}])
        assert not any("together answer" in one for one in made.frame["told"])


def test_of_many_groups_the_first_are_opened_and_it_is_said(files, monkeypatch):
    monkeypatch.setattr(course, "MOST_GROUPS", 1)
    _, file, table = files
    opened = opened_model(file, table)
    assert opened.beside == ()
    assert "Of the 2 groups the first 1 can be seen here" in opened.notes[1]


@pytest.mark.slow
def test_a_group_is_edited_and_recorded_like_any_training(files):
    _, file, table = files
    with watched(opened_model(file, table)) as made:
        made.do("run", number=2)
        made.do("edit", edits=[{"kind": "number", "address": "W[1][1,2]", "value": 0.5}])
        assert made.frame["branch"]["from"] == 2
        made.do("undo")
        trained_through(made.studio)
        assert "group 2 of 2" in made.studio.hello()["title"]
        assert len(page_file(made.studio)) < 2_000_000


def test_a_group_without_a_card_is_refused_in_one_line(files, tmp_path):
    model, _, table = files
    bare = replace(model, groups=(model.groups[0], replace(model.groups[1], card={})))
    bare.save(tmp_path / "m.safetensors")
    with pytest.raises(SettingsError, match="the member's group, has no training card"):
        opened_model(str(tmp_path / "m.safetensors"), table)

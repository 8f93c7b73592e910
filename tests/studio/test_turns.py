"""A training gives way to questions, half and half; an edit's answer is there before what takes long; all frames are told."""

import threading

import numpy as np
import pytest
from tests.studio.watched import watched

from chainrule.studio.shown import doctor
from chainrule.studio.training.opening import opened_lesson
from chainrule.studio.training.tape import Tape
from chainrule.studio.training.turns import MOST_SAVED, Turns

NUMBER = {"kind": "number", "address": "W[1][1,2]", "value": 0.9}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nobody_waits_where_nobody_asks():
    clock = Clock()
    turns = Turns(clock)
    clock.now = 0.03
    assert turns.give_way() == 0.0


def test_a_training_waits_until_what_is_asked_is_answered():
    turns = Turns()
    turns._saved = 60.0  # so that nothing else ends the wait
    answered, waited = threading.Event(), []
    with turns.asked():
        training = threading.Thread(target=lambda: (turns.give_way(), waited.append(answered.is_set())))
        training.start()
        training.join(0.05)
        answered.set()
    training.join(10)
    assert waited == [True]


def test_a_training_waits_no_longer_than_it_was_let_train():
    clock = Clock()
    turns = Turns(clock)
    with turns.asked():
        clock.now = 0.04
        began = turns._saved
        turns.give_way()  # the clock stands still, so nothing was spent
        assert began == 0.0
        assert turns._saved == pytest.approx(0.04)
        clock.now = 500.0
        turns.give_way()
        assert turns._saved == MOST_SAVED


def test_an_edit_is_answered_before_the_doctor_has_looked(monkeypatch):
    found = []
    monkeypatch.setattr(doctor, "found_live", lambda look: found.append(look) or [])
    with watched(opened_lesson("article-5")) as made:
        made.do("seek", t=2)
        made.wait(lambda: any(k == "frame" and d["t"] == 2 and "findings" in d for k, d in made.events))
        found.clear()
        made.events.clear()
        made.studio.command({"do": "edit", "edits": [NUMBER]})
        # A frame of the place before may still be on its way.
        first = next(data for kind, data in made.events if kind == "frame" and data.get("branch"))
        assert first["follows"]
        assert not {"checks", "findings"} & set(first)
        assert first["branch"]["edits"][0]["new"] == "0.9"
        made.wait(lambda: any(k == "frame" and "findings" in d for k, d in made.events))
        whole = next(d for k, d in made.events if k == "frame" and "findings" in d)
        assert "follows" not in whole
        assert whole["checks"]["wrong"] == 0
        assert len(found) == 1
        assert whole["arrays"] == first["arrays"]


def test_a_frame_that_somebody_asked_for_is_published_all_the_same():
    with watched(opened_lesson("article-5")) as made:
        made.do("seek", t=1)
        made.wait(lambda: made.studio._sent == made.studio.frame()["seq"])
        made.studio.generation += 1  # something changes, and whoever asks is first to see it
        asked = made.studio.frame()["seq"]
        with made.studio._lock:
            made.studio._wake.notify_all()
        made.wait(lambda: any(k == "frame" and d["seq"] == asked for k, d in made.events), 10)


def test_a_branch_begins_as_the_engine_would_without_starting_it():
    course = opened_lesson("article-5")
    trunk = Tape(course)
    begun = Tape(course, like=trunk).state(0, 0)
    assert begun.parameters.tobytes() == trunk.state(0, 0).parameters.tobytes()
    assert {name: a.tobytes() for name, a in begun.arrays.items()} == {
        name: np.zeros_like(a).tobytes() for name, a in trunk.state(0, 0).arrays.items()
    }

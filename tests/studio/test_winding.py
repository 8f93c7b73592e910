"""Features 2, 3 and 10: a training wound forth and back has the run's own bits, and a reset its initial parameters."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.fitting.question import Question
from chainrule.studio.shown.looking import Lookout
from chainrule.studio.training.course import course_of_table
from chainrule.studio.training.made import Made
from chainrule.studio.training.opening import opened_lesson
from chainrule.studio.training.tape import EpochNote, Tape
from chainrule.training.settings.record import Settings
from effort import many

ROWS = 60
CASES = {
    "adam": {"optimizer": "adam"},
    "momentum, dropout": {"optimizer": "momentum", "dropout": 0.3, "l2": 0.01},
    "members that stop each by itself": {"members": 3, "patience": 2, "epochs": 60, "learning_rate": 0.3},
    "a plateau's schedule": {
        "schedule": "plateau",
        "epochs": 25,
        "early_stopping": False,
        "optimizer": "sgd",
    },
    "members that share": {"members": 2, "sharing": "tabm"},
    "the recipe": {"hidden": None, "fast": True, "epochs": 6},
}


def table(rows: int = ROWS) -> dict[str, list]:
    draw = np.random.default_rng(3)
    x, z = draw.standard_normal((2, rows))
    kind = ["red", "green", "blue"]
    return {
        "x": x.tolist(),
        "z": z.tolist(),
        "color": [kind[i % 3] for i in range(rows)],
        "y": ["yes" if a + b * b > 0.4 else "no" for a, b in zip(x, z, strict=True)],
    }


def course(drop=(), **settings):
    given_settings = {"hidden": (5,), "members": 1, "epochs": 12, "batch_size": 16, **settings}
    return course_of_table(Question(table(), "y", drop=drop), Settings(**given_settings))


class Run:
    """A training that was made to its end, with the parameters of every update, made by the engine alone."""

    def __init__(self, made) -> None:
        self.course, self.tape = made, Tape(made)
        self.states = [self.tape.state(0, 0)]
        self.result = made.train(self._after)
        self.tape.ends(len(self.result.history) * self.tape.steps_per_epoch)

    def _after(self, state) -> None:
        checkpoint = state.checkpoint()
        self.tape.record(state.run.state(), EpochNote(state.active, checkpoint.plateaus))


SLOW = ("momentum, dropout", "members that share", "the recipe")
PARAMS = [
    pytest.param(value, id=key, marks=[pytest.mark.slow] * (key in SLOW)) for key, value in CASES.items()
]


@pytest.fixture(scope="module", params=PARAMS)
def run(request):
    return Run(course(**request.param))


def digest(state) -> str:
    found = hashlib.sha256(np.ascontiguousarray(state.parameters).tobytes())
    for name in sorted(state.arrays):
        found.update(np.ascontiguousarray(state.arrays[name]).tobytes())
    return found.hexdigest()


def test_feature_03_what_is_replayed_is_what_the_run_kept(run):
    """The best epochs' parameters, which the run kept by itself, are those of the tape at their ends, to the bit."""
    for member, best in enumerate(run.result.best_epochs):
        state = run.tape.state(best * run.tape.steps_per_epoch, member)
        assert (state.parameters == run.result.parameters[member]).all()


def test_feature_03_forth_and_back_and_forth_has_the_same_bits(run):
    members = range(run.course.members)
    last = run.tape.frontier
    places = [last, 3, last, 0, last // 2, last // 2 + 1, last // 2, last]
    seen: dict[tuple[int, int], str] = {}
    for t in places:
        for member in members:
            run.tape._near.clear()
            found = digest(run.tape.state(t, member))
            assert seen.setdefault((t, member), found) == found


def test_feature_03_states_that_were_thinned_out_are_had_again(run):
    few = Tape(run.course, most_bytes=1)
    run.course.train(
        lambda state: few.record(state.run.state(), EpochNote(state.active, state.checkpoint().plateaus))
    )
    assert len(few._kept) <= 2
    assert few.bytes < run.tape.bytes or run.tape.epochs < 3
    for t in (few.frontier, few.frontier // 2 + 1, 1):
        assert digest(few.state(t, 0)) == digest(run.tape.state(t, 0))


def test_feature_02_the_start_is_the_initial_parameters(run):
    begin = run.tape.state(0, 0)
    if run.course.shares:
        assert begin.arrays == {}
    else:
        assert (begin.parameters == run.course.start[0]).all()
        assert all((array == 0).all() for array in begin.arrays.values())


def test_feature_10_the_new_weights_shown_have_the_bits_of_those_after_the_update(run):
    lookout = Lookout(run.course, run.tape)
    for t in (0, 1, run.tape.steps_per_epoch - 1, run.tape.steps_per_epoch, run.tape.frontier // 2):
        look = lookout.look(t, 0, None)
        if look.batch is None or run.course.shares:
            continue
        update = look.batch.steps[0].update
        after = run.tape.state(t + 1, 0)
        assert (update.parameters == after.parameters).all()
        assert all((update.after.arrays[name] == array).all() for name, array in after.arrays.items())
        network, layout = run.course.network, run.course.layout
        step, rows = look.batch.steps[0], look.rows
        masks = [layer.mask for layer in step.record.layers]
        record = network.forward(layout.unflatten(after.parameters), run.course.data.x[rows], np, masks)
        assert update.cost == float(network.cost(record, run.course.data.y[rows], np))


def test_feature_10_the_trace_of_an_update_agrees_with_the_run_before_it_takes_its_bits(run):
    """Against one engine standing in for the other: the equations' own update is the run's to rounding."""
    if run.course.shares:
        return
    lookout = Lookout(run.course, run.tape)
    look = lookout.look(2, 0, None)
    bare = lookout._step(look.state._replace(t=2), 0, look.rows, look.eta)
    ahead = Lookout(run.course, Tape(run.course))
    assert (bare.update.parameters == look.new).all()
    ahead.tape._notes = run.tape._notes[:1]
    own = ahead._step(look.state, 0, look.rows, look.eta)
    moved = np.abs(look.new - np.asarray(look.state.parameters, np.float64)).max()
    assert np.abs(own.update.parameters - look.new).max() <= 1e-9 * moved


def test_a_member_that_stopped_stays_where_it_was():
    run = Run(course(**CASES["members that stop each by itself"]))
    ends = [run.tape.last_of(member) for member in range(3)]
    assert len(set(ends)) > 1
    member = int(np.argmin(ends))
    at_end, later = run.tape.state(ends[member], member), run.tape.state(max(ends), member)
    assert at_end.stays
    assert later.stays
    assert digest(at_end) == digest(later)
    assert Lookout(run.course, run.tape).look(max(ends), member, None).batch is None


def test_feature_03_a_lesson_is_wound_as_its_own_steps_go():
    """The judge is the lesson's own stepping, update by update."""
    from chainrule.lessons.lesson import read_lesson
    from chainrule.lessons.runner import setups_of

    made = Made(opened_lesson("article-5"), lambda *_: None)
    made.worker.start()
    made.worker.go(9)
    setup = next(iter(setups_of(read_lesson("article-5")).values()))
    while made.tape.frontier < 9:
        pass
    for t in range(9):
        assert (made.tape.state(t, 0).parameters == setup.flat).all()
        setup.step()
    made.worker.close()


@settings(max_examples=many(12))
@given(st.lists(st.integers(0, 36), min_size=2, max_size=12))
def test_feature_03_any_way_through_the_training_leads_to_the_same_bits(visits):
    run = _hypothesis_run()
    for t in visits:
        found = digest(run.tape.state(t, 0))
        run.tape._near.clear()
        assert digest(run.tape.state(t, 0)) == found == WANTED.setdefault(t, found)


RUNS: list[Run] = []
WANTED: dict[int, str] = {}


def _hypothesis_run() -> Run:
    if not RUNS:
        RUNS.append(Run(course(optimizer="adam")))
    return RUNS[0]


def test_feature_03_a_planted_fault_changes_the_bits():
    """With another rate, batch or start in one epoch the replay is no longer the run's: the digests tell."""
    run = Run(course(**CASES["a plateau's schedule"]))
    t = run.tape.steps_per_epoch + 1
    right = digest(run.tape.state(t, 0))
    for plant in ("rate", "batch", "start"):
        other = Run(course(**CASES["a plateau's schedule"])).tape
        if plant == "rate":
            other._notes[1] = replace(other._notes[1], plateaus=3)
        elif plant == "batch":
            other.course = replace(other.course, settings=replace(other.course.settings, seed=1))
        else:
            other._kept[1].parameters[0, 0] = np.nextafter(other._kept[1].parameters[0, 0], np.inf)
        assert digest(other.state(t, 0)) != right, plant

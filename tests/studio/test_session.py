"""Feature 2: the session as a pure function; stepping back undoes stepping on, and a reset is the start."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.errors import SettingsError
from chainrule.studio.training.session import MOST_BY, SessionState, after, reduce
from chainrule.studio.training.walk import GRAINS, UpdateWalk
from effort import many

SMALL = UpdateWalk(
    Network([2, Dense(3, "tanh"), Dense(2, "softmax")], "categorical_cross_entropy"), encoded=True
)
PER_EPOCH = 4
grains = st.sampled_from(GRAINS)


def begun(**more) -> SessionState:
    return SessionState(SMALL, PER_EPOCH, members=3, rows=frozenset(range(1, 9)), **{"frontier": 40, **more})


cursors = st.tuples(st.integers(0, 30), st.integers(0, len(SMALL) - 1))


def stops(cursor, grain) -> bool:
    """Tell whether a grain stops at a place."""
    t, index = cursor
    if grain in ("update", "epoch"):
        return index == 0 and (grain == "update" or t % PER_EPOCH == 0)
    return index == 0 or SMALL.after(SMALL.before(index, grain), grain) == index


@settings(max_examples=many(200))
@given(cursors, grains, st.integers(1, 30))
def test_feature_02_back_undoes_on_at_every_grain(cursor, grain, by):
    there = after(begun(), cursor, grain, by)
    assert there > cursor
    state = begun(t=there[0], index=there[1])
    back = after(state, there, grain, -by)
    if stops(cursor, grain):
        assert back == cursor
    else:  # one stops at the stop before, and from there the law holds
        assert back <= cursor
        assert stops(back, grain)


@settings(max_examples=many(100))
@given(cursors, grains)
def test_feature_02_a_coarser_stop_is_a_finer_one_too(cursor, grain):
    there = after(begun(), cursor, grain, 1)
    finer = GRAINS[: GRAINS.index(grain) + 1]
    assert all(stops(there, each) for each in finer)


@given(cursors, grains)
def test_feature_02_stops_come_one_after_the_other(cursor, grain):
    one, two = after(begun(), cursor, grain, 1), after(begun(), cursor, grain, 2)
    assert after(begun(), one, grain, 1) == two
    assert after(begun(), one, grain, -1) <= cursor


commands = st.one_of(
    st.builds(lambda g, n: {"do": "step", "grain": g, "by": n}, grains, st.integers(-9, 9).filter(bool)),
    st.builds(lambda at: {"do": "seek", "t": at[0], "place": at[1]}, cursors),
    st.builds(lambda t: {"do": "run_to", "t": t}, st.integers(0, 60)),
    st.builds(lambda e: {"do": "run_to", "epoch": e}, st.integers(0, 15)),
    st.builds(
        lambda g, s, d: {"do": "play", "grain": g, "speed": s, "direction": d},
        grains,
        st.sampled_from([0.0, 1.0, 7.5]),
        st.sampled_from([1, -1]),
    ),
    st.builds(lambda n: {"do": "row", "number": n}, st.none() | st.integers(1, 8)),
    st.builds(lambda n: {"do": "member", "number": n}, st.integers(1, 3)),
    st.sampled_from([{"do": name} for name in ("pause", "reset", "train", "tick")]),
)


@settings(max_examples=many(150))
@given(st.lists(commands, max_size=25), st.integers(1, 14), st.booleans())
def test_feature_02_random_commands_keep_the_cursor_where_the_training_has_been(
    given_commands, epochs, early
):
    """The training is simulated: before each command it comes as far as the state needs, or as far as it goes."""
    last, state = epochs * PER_EPOCH - (2 if early else 0), begun(frontier=0)
    for command in given_commands:
        state = reduce(state, command)
        frontier = min(max(state.frontier, min(state.needed, last)), last)
        ended = {"last": last} if frontier == last else {}
        state = reduce(state, {"do": "progress", "frontier": int(frontier), **ended})
        assert state.is_there(state.cursor)
        assert 0 <= state.t <= (state.last if state.last is not None else state.frontier)
        assert state.wanted is None
        assert not (state.follows and state.last is not None)
    reset = reduce(state, {"do": "reset"})
    assert reset.cursor == (0, 0)
    assert not reset.playing


def test_feature_02_a_place_ahead_is_wanted_until_the_training_is_there():
    state = reduce(begun(frontier=4), {"do": "run_to", "t": 10})
    assert state.cursor == (0, 0)
    assert state.wanted == (10, 0)
    assert state.needed == 12
    state = reduce(state, {"do": "progress", "frontier": 8})
    assert state.wanted == (10, 0)
    state = reduce(state, {"do": "progress", "frontier": 12})
    assert (state.cursor, state.wanted) == ((10, 0), None)


def test_feature_02_the_training_is_an_epoch_ahead_and_no_further():
    assert begun().needed == 4
    assert begun(t=3, index=5).needed == 4
    assert begun(t=4).needed == 8
    assert reduce(begun(), {"do": "train"}).needed == float("inf")
    assert reduce(reduce(begun(), {"do": "train"}), {"do": "pause"}).needed < 100


def test_feature_02_playing_follows_the_training_and_stops_at_its_end():
    state = reduce(begun(frontier=4), {"do": "train"})
    assert state.cursor == (4, 0)
    state = reduce(state, {"do": "progress", "frontier": 8})
    assert state.cursor == (8, 0)
    state = reduce(state, {"do": "progress", "frontier": 11, "last": 11})
    assert state.cursor == (11, 0)
    assert not state.playing
    # From the start it plays again as it was to play before, and does not run to the end at once.
    assert (state.speed, state.grain) == (begun().speed, begun().grain)
    again = reduce(reduce(state, {"do": "reset"}), {"do": "play"})
    assert again.ticks
    assert reduce(again, {"do": "tick"}).t == 1


def test_feature_02_playing_back_stops_at_the_start():
    state = reduce(begun(t=1), {"do": "play", "grain": "update", "speed": 2, "direction": -1})
    state = reduce(state, {"do": "tick"})
    assert state.cursor == (0, 0)
    assert not state.playing


def test_who_does_not_steer_is_told_so():
    state = reduce(begun(), {"do": "take_over", "client": "one"})
    assert reduce(state, {"do": "pause", "client": "one"}).driver == "one"
    with pytest.raises(SettingsError, match="another window steers: take over"):
        reduce(state, {"do": "pause", "client": "two"})
    assert reduce(state, {"do": "take_over", "client": "two"}).driver == "two"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"do": "fly"}, "there is no command 'fly'; there are step, play"),
        ({"do": "step", "grain": "hour", "by": 1}, "the grain is one of term, neuron"),
        ({"do": "step", "grain": "term", "by": 0}, "by 1 to 10,000 stops"),
        ({"do": "step", "grain": "term", "by": MOST_BY + 1}, "by 1 to 10,000 stops"),
        ({"do": "play", "speed": -1}, "the speed is a number of stops a second"),
        ({"do": "play", "speed": float("nan")}, "the speed is a number of stops a second"),
        ({"do": "play", "direction": 2}, "the direction is 1 or -1"),
        ({"do": "seek", "t": -1}, "updates are counted from 0"),
        ({"do": "seek", "t": 1, "place": 10**6}, "there is no place 1000000: an update has places 0 to"),
        ({"do": "seek", "t": 1, "place": {"pass": "sideways"}}, "there is no pass 'sideways'"),
        ({"do": "row", "number": 99}, "row 99 is none of the 8 rows"),
        ({"do": "member", "number": 4}, "there is no member 4: there are 3"),
        ({"do": "run_to"}, "name one of them"),
        ({"do": "open_test"}, "train it to its end first"),
    ],
)
def test_a_command_that_cannot_be_followed_is_refused_in_one_line(command, words):
    with pytest.raises(SettingsError, match=words) as told:
        reduce(begun(), command)
    assert "\n" not in str(told.value)


def test_a_place_can_be_named_by_its_pass_layer_neuron_and_term():
    state = reduce(
        begun(), {"do": "seek", "t": 2, "place": {"pass": "forward", "layer": 1, "neuron": 2, "term": 1}}
    )
    place = SMALL.at(state.index)
    assert (place.phase, place.layer, place.neuron, place.term) == ("forward", 1, 2, 1)
    same = reduce(begun(), {"do": "seek", "t": 2, "place": {"pass": "x", "index": state.index}})
    assert same.cursor == state.cursor


def test_after_the_end_there_is_nothing():
    state = begun(last=9, frontier=9)
    assert reduce(state, {"do": "seek", "t": 50}).cursor == (9, 0)
    assert reduce(replace(state, t=8), {"do": "step", "grain": "term", "by": 2000}).cursor == (9, 0)

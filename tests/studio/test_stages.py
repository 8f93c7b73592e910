"""Features 8, 9 and 11: the forward and the backward pass in stages, whose sums add up, and checks that notice a fault."""

import math
from dataclasses import replace
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.studio.test_winding import course
from tests.studio.watched import course_of_network

from chainrule import Dense, Network
from chainrule.equations.dense import Dense as Layer
from chainrule.explain.trace.address import Address
from chainrule.studio.shown.checks import check_of, differences_of
from chainrule.studio.shown.looking import Look, Lookout
from chainrule.studio.stages.all import stage_of
from chainrule.studio.stages.backward import row_factors
from chainrule.studio.stages.base import Sight
from chainrule.studio.training.made import Made
from chainrule.studio.training.opening import opened_lesson
from chainrule.studio.training.tape import Tape
from effort import many, one_in

CASES = {
    "softmax": {"hidden": (4,), "loss": "categorical_cross_entropy"},
    "one output": {"hidden": (3, 2), "activation": "tanh", "optimizer": "momentum"},
    "dropout": {"hidden": (4,), "dropout": 0.4, "l2": 0.1, "clip_norm": 0.01},
    "mix and ntk": {
        "hidden": (3,),
        "activation": "sigmoid",
        "activation_mix": True,
        "parametrization": "ntk",
    },
    "one bias a layer": {"hidden": (3,), "bias": "layer", "label_smoothing": 0.1},
    "a feature stage": {"hidden": (3,), "numeric_embedding": "periodic"},
}


class Seen:
    """A training of one epoch, and what its places show."""

    def __init__(self, made_of) -> None:
        self.made = Made(made_of, lambda *_: None)
        self.made.worker.start()
        self.made.worker.go(self.made.tape.steps_per_epoch)
        while self.made.tape.frontier < self.made.tape.steps_per_epoch:
            pass
        self.made.worker.close()

    def look(self, t: int = 1, row: int | None = None) -> Look:
        return self.made.lookout.look(t, 0, row)

    def stages(self, look: Look, *, each: int = 1):
        walk = self.made.walk
        for index in [*range(1, len(walk), each)]:
            place = walk.at(index)
            yield place, stage_of(look, place)

    @cached_property
    def all(self) -> list:
        """Every place of the second update, with what it shows."""
        return list(self.stages(self.look()))


@pytest.fixture(scope="module", params=one_in(4, CASES.values()), ids=CASES)
def seen(request):
    return Seen(course(("color",), epochs=2, batch_size=8, **request.param))


def test_feature_08_every_place_shows_something_and_every_check_holds(seen):

    for place, stage in seen.all:
        assert stage["title"]
        assert stage["lit"]
        assert stage["ok"] in (True, None), (place, stage["title"])


def adds_up(stage) -> bool:
    """Tell whether the terms shown add up to the sum so far, and a sum that is done is the engine's."""
    done = [term["product"] for term in stage["terms"] if term["done"]]
    rest = 0.0 if stage["rest"] is None else stage["rest"]["value"]
    size = math.fsum(map(abs, done)) + abs(rest)
    sums, value = stage["sum"]["so_far"], stage["sum"]["value"]
    shown = abs(math.fsum([*done, rest]) - sums) <= 1e-15 * size
    whole = value is None or abs(sums - value) <= 1e-13 * size + 1e-300
    return shown and whole


def test_feature_08_the_terms_shown_add_up_to_the_sum_shown_at_every_stop(seen):
    look, sums = seen.look(), 0
    for place, stage in seen.all:
        if stage["sum"] is None:
            assert not stage["terms"]
            continue
        sums += 1
        assert adds_up(stage), place
        for term in stage["terms"]:
            assert term["product"] == math.prod(value for _, value in term["factors"])
        if stage["sum"]["done"]:
            assert all(term["done"] for term in stage["terms"])
            assert stage["sum"]["value"] == _number(look, place, stage)
    assert sums > 12


def test_feature_08_a_planted_fault_in_a_term_is_found(monkeypatch):
    from chainrule.studio.stages import forward

    terms_of_z = forward.terms_of_z

    def wrong(sight, layer, j):
        first, *others = terms_of_z(sight, layer, j)
        (name, value), *rest = first.factors
        return [replace(first, factors=((name, value * 1.001), *rest)), *others]

    monkeypatch.setattr(forward, "terms_of_z", wrong)
    seen = Seen(course(("color",), epochs=1, hidden=(3,), batch_size=8))
    look = seen.look(0)
    places = [seen.made.walk.at(i) for i in range(len(seen.made.walk))]
    sums = [
        stage_of(look, place)
        for place in places
        if (place.phase, place.layer, place.step) == ("forward", 1, "z")
    ]
    assert sums
    assert not any(adds_up(stage) for stage in sums)


def _number(look, place, stage) -> float:
    several = place.phase != "update" and len(look.step.rows) > 1
    address = Address.parse(stage["sum"]["address"])
    trace = look.batch if place.phase == "update" else look.picked
    return trace.number(trace.resolve(replace(address, row=look.row if several else None)))


def test_feature_08_every_number_comes_after_those_that_it_is_made_of(seen):
    """The judge is the trace's own lines: all operands that have a place of their own were met before."""
    from chainrule.explain.derive.derivation import derive

    look, met = seen.look(), set()
    ours = {str(a.plain) for a in map(Address.parse, _addresses(seen))}
    for place, stage in seen.all:
        address = stage["lit"][0]
        own = Address.parse(address)
        if place.step == "term" or own.layer == 0 or place.step in ("stage", "answer"):
            met.add(f"{address}#{place.term}")
            continue
        trace = look.batch if place.phase == "update" else look.picked
        row = (
            look.row
            if len(look.step.rows) > 1 and (own.quantity.per_row or place.phase == "backward")
            else None
        )
        made = derive(trace, replace(own, row=row)).lines[-1]
        for name in made.values:
            operand = name.partition("@")[0]
            if place.phase == "update" or operand not in ours:
                continue
            assert operand in met, (address, operand)
        met.add(address)


def _addresses(seen) -> set[str]:
    """The addresses of z, a, h, delta … that have places of their own."""
    walk, found = seen.made.walk, set()
    for index in range(1, len(walk)):
        place = walk.at(index)
        if (
            place.phase in ("forward", "backward")
            and place.layer
            and place.step in ("z", "a", "h", "f'", "delta")
        ):
            found.add(f"{place.step}[{place.layer}][{place.neuron}]")
    return found


def test_feature_09_the_factors_shown_multiply_to_the_derivative_for_every_parameter(seen):
    """Against the engine's own derivative of the row: `gradients_of_rows`, and for a batch of one its gradient."""
    look = seen.look()
    parts = _of_row(look)
    checked = 0
    for place, stage in seen.all:
        if place.step != "gradient" or not stage["terms"]:
            continue
        (term,) = stage["terms"]
        product = math.prod(value for _, value in term["factors"])
        own = Address.parse(term["address"])
        found = parts[own.number][own.name][tuple(i - 1 for i in own.index)]
        assert abs(product - found) <= 1e-12 * abs(found) + 1e-300
        assert stage["sum"]["value"] == pytest.approx(found, rel=1e-12)
        checked += 1
    assert checked >= 6


def _of_row(look):
    step, network = look.step, look.course.network
    p = look.course.layout.unflatten(step.parameters)
    rows = slice(look.index, look.index + 1)
    return {
        n: network.gradients_of_rows(p, step.record, step.gradients, n, rows, np) for n in network.shapes()
    }


MAZUR = {
    "W[1][1,1]": 0.1497807161327628,
    "W[1][2,2]": 0.29950229,
    "W[2][1,1]": 0.35891648,
    "W[2][2,2]": 0.561370121,
}
"""The updated weights of Mazur's "A Step by Step Backpropagation Example", as he prints them."""


def test_feature_09_mazur_s_update_comes_out():
    look = Seen(opened_lesson("article-5")).look(0)
    for address, printed in MAZUR.items():
        new = replace(Address.parse(address), name="W_new")
        assert look.batch[new] == pytest.approx(printed, abs=5e-9)


@settings(max_examples=many(15))
@given(st.integers(0, 10**6), st.sampled_from(["sigmoid", "tanh", "softplus", "relu"]), st.integers(1, 3))
def test_feature_09_factors_of_random_networks(seed, activation, depth):
    look = _random_look(seed, activation, depth)
    parts = _of_row(look)
    layout = look.course.layout
    sight = Sight(look, None, None)
    for flat in range(layout.size):
        own = Address.parse(layout.address(flat))
        factors = row_factors(sight, own)
        found = parts[own.number][own.name][tuple(i - 1 for i in own.index)]
        assert abs(math.prod(value for _, value in factors) - found) <= 1e-12 * abs(found)


def _random_look(seed: int, activation: str, depth: int) -> Look:
    """Return a look into the first update of a random network on random rows."""
    draw = np.random.default_rng(seed)
    hidden = [Dense(int(n), activation) for n in draw.integers(1, 5, depth)]
    network = Network([3, *hidden, Dense(2, "sigmoid")], "binary_cross_entropy")
    made = course_of_network(
        network, draw.standard_normal((4, 3)), draw.integers(0, 2, (4, 2)).astype(float), seed
    )
    return Lookout(made, Tape(made)).look(0, 0, None)


def test_feature_11_every_derivative_is_held_against_a_central_difference(seen):
    look = seen.look()
    found = check_of(look.batch)
    assert found.failed == 0
    assert found.compared == min(look.course.layout.size, 400)


@pytest.mark.slow
def test_feature_11_a_slope_wrong_by_a_thousandth_turns_exactly_its_lines(monkeypatch):
    """The slope of layer 1 is planted wrong: what is behind it turns ✗, what isn't stays ✓, and the header counts them."""
    own = course(("color",), epochs=2, hidden=(3, 2), activation="tanh", batch_size=8)
    first, slope = own.network.layers[0], Layer.slope

    def wrong(self, p, z, xp):
        return slope(self, p, z, xp) * (1.001 if self is first else 1.0)

    monkeypatch.setattr(Layer, "slope", wrong)
    seen = Seen(own)
    look = seen.look(0)
    layout = own.layout
    for slot in layout.slots:
        for flat in range(slot.start, slot.stop):
            place = Address.parse(f"dC/d{layout.address(flat)}")
            trace = look.batch
            check = differences_of(trace, place)
            value = trace.number(trace.resolve(place))
            assert check.ok == (slot.layer != 1 or abs(value) < 1e-9), place
    found = check_of(look.batch)
    behind = [s for s in layout.slots if s.layer == 1]
    assert found.failed >= 0.8 * sum(s.stop - s.start for s in behind)
    assert found.failed <= sum(s.stop - s.start for s in behind)
    assert found.worst.address.partition("[")[2].startswith("1]")
    wrong_places = {(place.layer, place.step) for place, stage in seen.stages(look) if stage["ok"] is False}
    # The run, whose slope is right, says otherwise of the update, too.
    assert {layer for layer, _ in wrong_places} == {1}
    assert {step for _, step in wrong_places} <= {"f'", "delta", "gradient", "sum", "new"}
    assert (1, "gradient") in wrong_places
    assert (1, "f'") in wrong_places


def test_a_picked_row_that_is_not_in_the_batch_is_shown_by_itself(seen):
    look = seen.look()
    other = next(int(n) for n in look.course.numbers if int(n) not in look.numbers)
    alone = seen.look(row=other)
    assert not alone.in_batch
    assert alone.row == other
    assert len(alone.step.rows) == 1
    assert alone.batch.steps[0].rows == look.batch.steps[0].rows
    oks = [stage["ok"] for _, stage in seen.stages(alone, each=3)]
    assert False not in oks

"""Every schedule against values worked by hand and its formula written out in plain Python."""

import math

import numpy as np
import pytest

from chainrule.equations.schedules import SCHEDULES, schedule
from chainrule.errors import SettingsError


def rates(spec, steps, total, *, epoch=0, plateaus=0, warmup=0, eta=0.8):
    return schedule(spec).rates(eta, np.array(steps, float), total, epoch, plateaus, warmup, np).tolist()


def test_values_of_hand():
    assert rates("constant", [0, 5, 9], 10) == [0.8, 0.8, 0.8]
    # step: halved every 30 epochs, whatever the step
    assert [rates("step", [0, 7], 1000, epoch=e) for e in (0, 29, 30, 59, 60)] == [
        [0.8, 0.8], [0.8, 0.8], [0.4, 0.4], [0.4, 0.4], [0.2, 0.2],
    ]  # fmt: skip
    assert rates("step(gamma=0.1, every=2)", [0], 10, epoch=4) == pytest.approx([0.008], rel=1e-15)
    # inverse scaling: eta/sqrt(t + 1)
    assert rates("inverse_scaling", [0, 3, 15], 99) == [0.8, 0.4, 0.2]
    assert rates("inverse_scaling(power=1)", [0, 3], 99) == [0.8, 0.2]
    # cosine: eta at the beginning, half way half of it, 0 at the end; 1/3 of the way 3/4, 2/3 of the way 1/4
    np.testing.assert_allclose(rates("cosine", [0, 4, 6, 8, 12], 12), [0.8, 0.6, 0.4, 0.2, 0.0], atol=1e-15)
    # plateau: halved at each
    assert [rates("plateau", [0], 10, plateaus=p) for p in (0, 1, 3)] == [[0.8], [0.4], [0.1]]
    assert rates("plateau(factor=0.1)", [0], 10, plateaus=2) == pytest.approx([0.008], rel=1e-15)


def test_coslog4_rises_and_falls_four_times():
    # (1 - cos(2 pi log2(1 + 15 t/T)))/2: 0 where 1 + 15 t/T is a power of 2 (t/T = 0, 1/15, 3/15, 7/15, 1), and 1 between them
    # where it is sqrt(2), 2 sqrt(2), 4 sqrt(2), 8 sqrt(2).
    valleys = [0, 1, 3, 7, 15]
    np.testing.assert_allclose(rates("coslog4", valleys, 15), [0.0] * 5, atol=1e-14)
    peaks = [2**k * math.sqrt(2) - 1 for k in range(4)]
    np.testing.assert_allclose(rates("coslog4", peaks, 15), [0.8] * 4, rtol=1e-14)
    steps = np.arange(1000)
    want = [0.8 * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t / 1000))) for t in steps]
    got = rates("coslog4", steps, 1000)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)
    turns = np.sign(np.diff(got))
    assert np.count_nonzero(np.diff(turns)) == 7  # four up, four down


def test_warm_up_rises_in_a_straight_line_and_then_leaves_the_schedule_alone():
    assert rates("constant", [0, 1, 2, 3, 4, 5], 10, warmup=4) == [
        0.2,
        0.4,
        0.6000000000000001,
        0.8,
        0.8,
        0.8,
    ]
    plain, warm = rates("cosine", range(10), 10), rates("cosine", range(10), 10, warmup=3)
    assert warm[0] == pytest.approx(0.8 / 3)
    assert warm[3:] == plain[3:]
    assert all(w <= p for w, p in zip(warm, plain, strict=True))


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_rate_is_between_nothing_and_the_base_rate(name):
    for epoch in (0, 1, 40):
        got = rates(name, range(51), 50, epoch=epoch, plateaus=1)
        assert all(0 <= rate <= 0.8 for rate in got)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rates_of_a_whole_training_are_those_of_its_epochs_one_after_another(name):
    whole = rates(name, range(12), 12, epoch=1)
    pieces = [rate for start in (0, 4, 8) for rate in rates(name, range(start, start + 4), 12, epoch=1)]
    assert pieces == whole


def test_only_plateau_waits_for_plateaus():
    assert {name for name, record in SCHEDULES.items() if record.waits_for_plateau} == {"plateau"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_names_give_the_record_and_specs_come_back(name):
    record = schedule(name)
    assert record is SCHEDULES[name]
    assert schedule(record.spec) is record
    for key, value in record.parameters.items():
        changed = schedule(f"{name}({key}={value + 1})")
        assert changed.parameters[key] == value + 1
        assert schedule(changed.spec) == changed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cosin", "did you mean cosine"),
        ("step(every=0)", "every=0 is too small"),
        ("step(gamma=-1)", "gamma=-1 is too small"),
        ("plateau(patience=0)", "patience=0 is too small"),
        ("constant(x=1)", "no parameter 'x'"),
    ],
)
def test_what_is_no_schedule_is_said_so(text, says):
    with pytest.raises(SettingsError) as caught:
        schedule(text)
    assert says in str(caught.value)

"""Philox against its published vectors, and the draws made of it."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule._random import (
    Purpose,
    dropout_uniforms,
    epoch_rows,
    generator,
    in_blocks,
    philox,
    random_words,
    row_order,
    row_order_in_blocks,
    split_seed,
    table_order,
)

# Random123's kat_vectors for philox4x32-10: counter, key, result.
VECTORS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def numbers(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "result"), VECTORS)
def test_philox_gives_the_published_words(counter, key, result):
    low, high = numbers(key)
    got = philox(tuple(np.array([c], np.uint32) for c in numbers(counter)), (low, high))
    assert [int(word[0]) for word in got] == numbers(result)
    assert all(word.dtype == np.uint32 for word in got)


def slow_philox(counter, key):
    """The ten rounds in Python's integers, from the paper's figure."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


WORD = st.integers(0, 2**32 - 1)


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_philox_is_its_ten_rounds(counter, key):
    got = philox(tuple(np.array([c], np.uint32) for c in counter), key)
    assert [int(word[0]) for word in got] == slow_philox(counter, key)


def test_words_are_named_by_the_counter():
    # counter = (block, purpose + 16 layer, step, member), key = the seed's two halves
    seed = 5 + 7 * 2**32
    assert split_seed(seed) == (5, 7)
    got = random_words(seed, Purpose.DROPOUT, 3, 11, 2, 2).tolist()
    want = [*slow_philox((0, 2 + 48, 11, 2), (5, 7)), *slow_philox((1, 2 + 48, 11, 2), (5, 7))]
    assert got == want


def test_of_several_steps_each_has_its_line():
    steps = np.array([3, 0, 2**32 + 7])
    drawn = random_words(11, Purpose.SPLITS, 1, steps, 4, 5)
    assert drawn.tolist() == [random_words(11, Purpose.SPLITS, 1, int(t), 4, 5).tolist() for t in steps]
    assert random_words(11, Purpose.SPLITS, 1, steps[:0], 4, 5).shape == (0, 20)


def test_streams_differ_in_each_of_their_names():
    names = [(1, Purpose.ORDER, 0, 0, 0), (2, Purpose.ORDER, 0, 0, 0), (1, Purpose.DROPOUT, 0, 0, 0),
             (1, Purpose.ORDER, 1, 0, 0), (1, Purpose.ORDER, 0, 1, 0), (1, Purpose.ORDER, 0, 0, 1),
             (1 + 2**32, Purpose.ORDER, 0, 0, 0)]  # fmt: skip
    drawn = [tuple(random_words(*name, 4).tolist()) for name in names]
    assert len(set(drawn)) == len(names)
    assert [tuple(random_words(*name, 4).tolist()) for name in names] == drawn


def test_an_order_is_the_shuffle_it_says_it_is():
    n, seed, epoch, member = 11, 3, 4, 1
    drawn = random_words(seed, Purpose.ORDER, 0, epoch, member, 3).tolist()
    order = list(range(n))
    for i in reversed(range(1, n)):
        j = drawn[i] * (i + 1) // 2**32
        order[i], order[j] = order[j], order[i]
    got = row_order(n, seed, epoch, member)
    assert got.tolist() == order
    assert got.dtype == np.int32


@given(st.integers(0, 300), st.integers(0, 2**64 - 1), st.integers(0, 1000), st.integers(0, 9))
def test_an_order_holds_every_row_once(n, seed, epoch, member):
    assert sorted(row_order(n, seed, epoch, member).tolist()) == list(range(n))


def test_orders_are_uniform():
    # 4800 orders of 4 rows fall on 24 permutations, 200 on each; chi-square with 23 degrees of freedom exceeds 49.7 once in 1000.
    places = {order: i for i, order in enumerate(itertools.permutations(range(4)))}
    counts = np.zeros(24)
    for epoch in range(1200):
        for member in range(4):
            counts[places[tuple(row_order(4, 1, epoch, member).tolist())]] += 1
    assert float(np.sum((counts - 200) ** 2) / 200) < 49.7


def test_dropout_uniforms_are_uniform_and_each_row_begins_a_block():
    u = dropout_uniforms(2000, 5, 1, 2, 3, 0)
    assert u.shape == (2000, 5)
    assert (u >= 0).all()
    assert (u < 1).all()
    counts = np.histogram(u, bins=20, range=(0, 1))[0]
    assert float(np.sum((counts - 500) ** 2) / 500) < 43.8  # 19 degrees of freedom, once in 1000
    for p in (0.1, 0.5, 0.8):  # the share dropped, within five standard errors
        assert abs(float(np.mean(u < p)) - p) < 5 * np.sqrt(p * (1 - p) / u.size)
    drawn = random_words(1, Purpose.DROPOUT, 2, 3, 0, 4000).reshape(2000, 8)
    np.testing.assert_array_equal(u, drawn[:, :5] / 2.0**32)
    np.testing.assert_array_equal(dropout_uniforms(7, 5, 1, 2, 3, 0), u[:7])
    assert abs(float(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1])) < 0.1


def test_a_generator_is_named_by_seed_purpose_and_counters():
    def draw(*name):
        return tuple(generator(*name).random(3).tolist())

    names = [(1, Purpose.INITIAL, 0), (1, Purpose.SPLIT, 0), (2, Purpose.INITIAL, 0), (1, Purpose.INITIAL, 1),
             (1 + 2**32, Purpose.INITIAL, 0)]  # fmt: skip
    assert len({draw(*name) for name in names}) == len(names)
    assert draw(*names[0]) == draw(*names[0])


# ---- the order of large tables


@pytest.fixture
def small_blocks(monkeypatch):
    """Tables of more than 300 numbers are dealt out in blocks of 8 rows, 3 of them mixed."""
    limits = {"WHOLE": 300, "ROWS_OF_A_BLOCK": 8, "MIXED_BLOCKS": 3}
    for name, value in limits.items():
        monkeypatch.setattr(f"chainrule._random.{name}", value)


def test_a_table_s_size_alone_decides_how_it_is_dealt_out(small_blocks):
    rows = np.arange(10, 110)
    for n, d in ((100, 3), (60, 5), (1, 300)):
        assert not in_blocks(n, d)
        want = rows[:n][row_order(n, 5, 2, 1)]
        assert (epoch_rows(rows[:n], d, 5, 2, 1) == want).all()
    assert in_blocks(101, 3)
    assert in_blocks(61, 5)
    assert in_blocks(1, 301)
    want = table_order(rows, 5)[row_order_in_blocks(100, 5, 2, 1)]
    assert (epoch_rows(rows, 4, 5, 2, 1) == want).all()


def test_a_table_s_order_is_that_of_64_bits_named_by_each_row():
    seed, rows = 2**40 + 7, np.array([3, 900, 12, 0, 55, 54])

    def bits(row):
        high, low, *_ = slow_philox((row, 6, 0, 0), split_seed(seed))
        return high, low

    assert table_order(rows, seed).tolist() == sorted(rows.tolist(), key=bits)
    ordered = table_order(np.arange(1000), seed)
    # Whichever rows are there, their order is the whole table's: so each member of several folds has its part of it.
    some = np.flatnonzero(np.random.default_rng(0).random(1000) < 0.8)
    assert table_order(some, seed).tolist() == [row for row in ordered if row in set(some.tolist())]
    assert table_order(ordered, seed).tolist() == ordered.tolist()
    assert sorted(ordered.tolist()) == list(range(1000)) != ordered.tolist()
    assert ordered.tolist() != table_order(np.arange(1000), seed + 1).tolist()


@given(st.integers(1, 200), st.integers(0, 2**64 - 1), st.integers(0, 1000), st.integers(0, 9))
def test_an_order_in_blocks_is_what_it_says(n, seed, epoch, member):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule._random.ROWS_OF_A_BLOCK", 8)
        patch.setattr("chainrule._random.MIXED_BLOCKS", 3)
        got = row_order_in_blocks(n, seed, epoch, member)
    assert got.dtype == np.int32
    assert sorted(got.tolist()) == list(range(n))
    blocks = row_order(-(-n // 8), seed, epoch, member).tolist()
    at = 0
    for stream, first in enumerate(range(0, len(blocks), 3), 1):
        rows = [row for block in blocks[first : first + 3] for row in range(8 * block, min(n, 8 * block + 8))]
        order = row_order(len(rows), seed, epoch, member, stream)
        assert got[at : at + len(rows)].tolist() == [rows[place] for place in order]
        at += len(rows)


def test_the_streams_of_an_order_in_blocks_are_their_own():
    assert len({tuple(row_order(50, 1, 2, 3, stream).tolist()) for stream in range(5)}) == 5

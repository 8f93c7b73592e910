"""Splits: shares, strata, edges, and the same rows every time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import SettingsError
from chainrule.tables.rows.split import split_folds, split_rows


@given(st.integers(1, 200), st.floats(0, 0.999), st.integers(0, 2**64 - 1), st.integers(0, 5))
def test_every_row_once(n: int, share: float, seed: int, stream: int) -> None:
    train, test = split_rows(n, share, seed, stream=stream)
    assert sorted([*train, *test]) == list(range(n))
    assert list(train) == sorted(train)
    assert list(test) == sorted(test)
    assert len(train) >= 1
    assert (len(test) >= 1) == (share > 0 and n > 1)
    if 1 < share * n < n - 1:
        assert abs(len(test) - share * n) <= 0.5 + 1e-9


@given(
    st.lists(st.sampled_from("aaaabbc"), min_size=1, max_size=80), st.floats(0, 0.99), st.integers(0, 1000)
)
def test_strata(labels: list[str], share: float, seed: int) -> None:
    strata = np.array(labels)
    train, test = split_rows(len(labels), share, seed, strata)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert set(strata[train]) == set(labels)
    for label in set(labels):
        size = labels.count(label)
        # Within one row of the share, as far as one row may stay in training.
        assert abs((strata[test] == label).sum() - min(size * share, size - 1)) < 1 + 1e-9


def test_shares_by_hand() -> None:
    # 20 % of 10 is 2; of 6 a and 4 b: 1.2 and 0.8, so one each.
    train, test = split_rows(10, 0.2, 7, np.array(list("aaaaaabbbb")))
    assert len(train) == 8
    assert sorted("aaaaaabbbb"[i] for i in test) == ["a", "b"]
    # 2.5 rounds up to 3.
    assert len(split_rows(10, 0.25, 0)[1]) == 3


@pytest.mark.parametrize(
    ("n", "share", "strata", "n_test"),
    [
        (1, 0.2, None, 0),
        (2, 0.2, None, 1),
        (2, 0.99, None, 1),
        (5, 0, None, 0),
        (2, 0.5, ["a", "a"], 1),
        (2, 0.5, ["a", "b"], 0),
        (4, 0.5, ["a", "b", "c", "c"], 1),
        (3, 0.9, ["a", "a", "a"], 2),
    ],
)
def test_edges(n: int, share: float, strata: list[str] | None, n_test: int) -> None:
    for seed in range(5):
        assert len(split_rows(n, share, seed, None if strata is None else np.array(strata))[1]) == n_test


def test_same_numbers_same_rows() -> None:
    first = split_rows(100, 0.2, 3)[1]
    assert split_rows(100, 0.2, 3)[1].tolist() == first.tolist()
    assert split_rows(100, 0.2, 4)[1].tolist() != first.tolist()
    assert split_rows(100, 0.2, 3, stream=1)[1].tolist() != first.tolist()


def philox(key: tuple[int, int], n: int) -> list[int]:
    """Philox4x64-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011, in plain integers."""
    numbers: list[int] = []
    for counter in range(1, n + 1):
        c, k = [counter, 0, 0, 0], list(key)
        for _ in range(10):
            p, q = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
            c = [(q >> 64) ^ c[1] ^ k[0], q % 2**64, (p >> 64) ^ c[3] ^ k[1], p % 2**64]
            k = [(k[0] + 0x9E3779B97F4A7C15) % 2**64, (k[1] + 0xBB67AE8584CAA73B) % 2**64]
        numbers += c
    return numbers[:n]


def test_the_order_is_philox_s() -> None:
    for seed, stream in ((3, 0), (2**64 - 1, 5)):
        numbers = philox((seed, stream), 12)
        order = sorted(range(12), key=numbers.__getitem__)
        assert split_rows(12, 0.25, seed, stream=stream)[1].tolist() == sorted(order[:3])


def test_every_row_is_drawn_equally_often() -> None:
    # 3000 splits of 10 rows, 3 drawn: 900 expected for each row, standard deviation sqrt(3000*.3*.7) = 25.
    for strata in (None, np.array(list("aaaaabbbbb"))):
        counts = np.zeros(10)
        for seed in range(3000):
            counts[split_rows(10, 0.2 if strata is not None else 0.3, seed, strata)[1]] += 1
        expected = 600 if strata is not None else 900
        assert abs(counts - expected).max() < 5 * 25


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((10, 1.0, 0), "the share is 1.0; it is at least 0 and below 1, such as 0.2"),
        ((10, -0.1, 0), "the share is -0.1; it is at least 0 and below 1, such as 0.2"),
        ((10, float("nan"), 0), "the share is nan; it is at least 0 and below 1, such as 0.2"),
        ((0, 0.2, 0), "there are 0 rows to divide; at least 1 is needed"),
        ((10, 0.2, -1), "the seed is -1 and the stream 0; both are from 0 to 2^64 - 1"),
        ((10, 0.2, 0, ["a"]), "the strata have shape (1,); one class for each of the 10 rows is needed"),
    ],
)
def test_settings(arguments: tuple[object, ...], expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        split_rows(*arguments)  # type: ignore[arg-type]
    assert str(caught.value) == expected


# ---- folds


@given(st.integers(2, 9), st.integers(1, 60), st.integers(0, 2**64 - 1), st.data())
def test_folds_hold_out_every_row_once_and_the_same_number_each(k, more, seed, data):
    n = k + more
    strata = np.array(data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n)))
    for classes in (None, strata):
        folds = split_folds(n, k, seed, classes)
        sizes = np.bincount(folds.own, minlength=k)
        assert set(sizes) <= {n // k, -(-n // k)}
        assert folds.held.shape == (k, -(-n // k))
        assert folds.rest.shape == (k, n - -(-n // k))
        for fold, (held, rest) in enumerate(zip(folds.held, folds.rest, strict=True)):
            assert set(np.flatnonzero(folds.own == fold)) <= set(held)
            assert sorted([*held, *rest]) == list(range(n))
    for name in set(strata.tolist()):
        counts = np.bincount(folds.own[strata == name], minlength=k)
        assert np.ptp(counts) <= 1


def test_folds_are_drawn_by_seed_and_stream_and_refused_where_there_are_too_few_rows():
    folds = split_folds(20, 4, 1)
    assert np.array_equal(folds.own, split_folds(20, 4, 1).own)
    assert not np.array_equal(folds.own, split_folds(20, 4, 2).own)
    assert not np.array_equal(folds.own, split_folds(20, 4, 1, stream=1).own)
    for n, k in ((4, 4), (4, 1)):
        with pytest.raises(SettingsError, match=f"{n} rows can't be dealt out to {k} folds"):
            split_folds(n, k, 0)

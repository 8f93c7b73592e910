"""Divide rows into two parts by chance, the same way every time."""

from typing import NamedTuple

import numpy as np

from chainrule._types import Array, IntArray
from chainrule.errors import SettingsError


def split_rows(
    n: int, share: float, seed: int, strata: Array | None = None, *, stream: int = 0
) -> tuple[IntArray, IntArray]:
    """Divide rows 0 … n-1 into training rows and test rows, both sorted.

    floor(share n + 1/2) rows are drawn for the test, at least one if ``share`` > 0 and n > 1, and never all. With
    ``strata``, shape (n,), each class gives its part by largest remainders, but keeps at least one row for training: a
    class with a single row is in training only, so the test part may come out smaller. The order is drawn by Philox
    keyed by (seed, stream): the same numbers give the same rows on every machine, and another ``stream`` gives another
    split. Raises SettingsError unless 0 <= share < 1 and seed, stream >= 0.

    >>> train, test = split_rows(10, 0.2, seed=0)
    >>> len(train), len(test)
    (8, 2)
    """
    if not 0 <= share < 1:
        raise SettingsError(f"the share is {share}; it is at least 0 and below 1, such as 0.2")
    if n < 1:
        raise SettingsError(f"there are {n} rows to divide; at least 1 is needed")
    order = drawn_order(n, seed, stream)
    is_test = np.zeros(n, dtype=np.bool_)
    if strata is None:
        is_test[order[: wanted_of_each(n, share)[0]]] = True
    else:
        codes = strata_codes(strata, n)
        sizes = np.bincount(codes)
        taken = wanted_of_each(n, share, sizes)
        # The rank of each row among the rows of its class, in the drawn order.
        by_class = order[np.argsort(codes[order], kind="stable")]
        rank = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        is_test[by_class[rank < taken[codes[by_class]]]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def wanted_of_each(n: int, share: float, sizes: IntArray | None = None) -> IntArray:
    """Return how many of n rows are drawn for the test, (1,), or of each class of these ``sizes``, (classes,)."""
    wanted = min(max(int(np.floor(share * n + 0.5)), 1 if share > 0 else 0), n - 1)
    return np.array([wanted]) if sizes is None else _share_out(sizes, share, wanted)


class Folds(NamedTuple):
    """K folds of n rows: ``own`` (n,) is each row's fold, ``held`` (K, m) the rows that each holds out, sorted.

    All hold out the same number m. Where K doesn't divide n, a smaller fold holds out one row more, of another fold; where
    rows belong together, it holds some of its own rows out twice. Of several members a fold (`repeated`) ``held`` has a line
    for each, and member j (from 0) holds out fold j modulo K.
    """

    own: IntArray
    held: IntArray

    @property
    def of_members(self) -> IntArray:
        """The fold that each line is of (K, …), the lines' order being fold after fold, and again."""
        return np.arange(len(self.held)) % (int(self.own.max()) + 1)

    def repeated(self, times: int) -> "Folds":
        """Return the same folds, each held out by so many members."""
        return self if times == 1 else Folds(self.own, np.tile(self.held, (times, 1)))

    @property
    def rest(self) -> IntArray:
        """The rows that each fold leaves to be trained on, (K, m), sorted; where fewer are left than m, some come twice."""
        rows = np.arange(len(self.own))
        made: IntArray = np.empty((len(self.held), self.n_rest), np.int64)
        for line, held in zip(made, self.held, strict=True):
            line[:] = np.resize(np.delete(rows, held), len(line))
            line.sort()
        return made

    @property
    def n_rest(self) -> int:
        """How many rows each fold is trained on."""
        return len(self.own) - min(len(np.unique(line)) for line in self.held)


def split_folds(n: int, k: int, seed: int, strata: Array | None = None, *, stream: int = 0) -> Folds:
    """Deal rows 0 … n-1 out to k folds, in the order that Philox keyed by (seed, stream) gives them.

    With ``strata``, shape (n,), the rows of a class are dealt one after the other, so that two folds differ by at most
    one row of it. Raises SettingsError unless 2 <= k < n.

    >>> split_folds(5, 2, seed=0).held.shape
    (2, 3)
    """
    if not 2 <= k < n:
        raise SettingsError(
            f"{n} rows can't be dealt out to {k} folds: there are at least 2, and more rows than folds"
        )
    order = drawn_order(n, seed, stream)
    if strata is not None:
        order = order[np.argsort(strata_codes(strata, n)[order], kind="stable")]
    own = np.empty(n, np.int64)
    own[order] = np.arange(n) % k
    size = -(-n // k)
    # Dealing goes on with the first rows until all folds have as many.
    dealt = np.resize(order, k * size).reshape(size, k)
    return Folds(own, np.sort(dealt.T, axis=1))


def drawn_order(n: int, seed: int, stream: int) -> IntArray:
    """Return rows 0 … n-1 in the order that Philox keyed by (seed, stream) draws them in, (n,)."""
    if not (0 <= seed < 2**64 and 0 <= stream < 2**64):
        raise SettingsError(f"the seed is {seed} and the stream {stream}; both are from 0 to 2^64 - 1")
    # The raw bits of a bit generator are the same in every NumPy; the methods of Generator need not be.
    drawn = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64)).random_raw(n)
    return np.argsort(drawn, kind="stable")


def strata_codes(strata: Array, n: int) -> IntArray:
    """Return the class of each row by its place among the classes, (n,); raises SettingsError for other than n rows."""
    labels = np.asarray(strata)
    if labels.shape != (n,):
        raise SettingsError(
            f"the strata have shape {labels.shape}; one class for each of the {n} rows is needed"
        )
    codes: IntArray = np.unique(labels, return_inverse=True)[1]
    return codes


def _share_out(sizes: IntArray, share: float, wanted: int) -> IntArray:
    """Return how many rows of each class are drawn: whole parts first, then the largest remainders."""
    exact = sizes * share
    taken: IntArray = np.minimum(np.floor(exact).astype(np.int64), sizes - 1)
    remainders = exact - taken
    for c in np.argsort(-remainders, kind="stable"):
        if taken.sum() < wanted and taken[c] < sizes[c] - 1:
            taken[c] += 1
    return taken

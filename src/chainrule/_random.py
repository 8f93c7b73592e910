"""Counter-based random numbers: any draw of any step can be had again without replaying what came before.

Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter and a
key into four random 32-bit words. The key is the seed; the counter names the draw::

    counter = (block, purpose + 16 · layer, step or epoch, member)

so the order of rows of epoch 7 or the dropout mask of step 1234 of member 3 are functions of those numbers
alone. The compiled engine computes the same words with the same constants.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from chainrule._types import IntArray

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


class Purpose(IntEnum):
    """What a stream of random words is drawn for; streams never overlap."""

    ORDER = 1
    DROPOUT = 2
    INITIAL = 3
    SPLIT = 4
    SHEET = 5
    TABLE = 6
    EXPORT = 7
    SEARCH = 8
    SPLITS = 9


def philox(counter: tuple[NDArray[np.uint32], ...], key: tuple[int, int]) -> tuple[NDArray[np.uint32], ...]:
    """Return the four words of each counter (c0, c1, c2, c3: arrays that broadcast together)."""
    c0, c1, c2, c3 = (np.asarray(c, np.uint64) for c in counter)
    k0, k1 = key
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    for _ in range(ROUNDS):
        first = c0 * np.uint64(MULTIPLIERS[0])
        second = c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (
            (second >> shift) ^ c1 ^ np.uint64(k0),
            second & low,
            (first >> shift) ^ c3 ^ np.uint64(k1),
            first & low,
        )
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return tuple(np.asarray(c, np.uint32) for c in (c0, c1, c2, c3))


def random_words(
    seed: int, purpose: Purpose, layer: int, step: int | IntArray, member: int, blocks: int
) -> NDArray[np.uint32]:
    """Return ``4 · blocks`` random 32-bit words of one stream, shape (4 · blocks,); of several steps (s,) a line of each."""
    steps = np.asarray(step & 0xFFFFFFFF, np.uint32)
    counter = (
        np.arange(blocks, dtype=np.uint32),
        np.uint32(purpose + 16 * layer),
        steps[..., None],
        np.uint32(member),
    )
    shape = (*steps.shape, blocks)
    drawn = philox(tuple(np.broadcast_to(np.asarray(c), shape) for c in counter), split_seed(seed))
    return np.stack(drawn, axis=-1).reshape(*steps.shape, 4 * blocks)


def split_seed(seed: int) -> tuple[int, int]:
    """Return the seed's low and high 32 bits: Philox's key."""
    return seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF


WHOLE = 2**28
"""The numbers of the largest table, rows times inputs, whose epochs are shuffled as a whole: 1 GiB in float32."""

ROWS_OF_A_BLOCK, MIXED_BLOCKS = 4096, 64
"""How a larger table is dealt out: so many neighboring rows stay together, and so many blocks of them are mixed."""


def in_blocks(n: int, d: int) -> bool:
    """Return whether epochs of ``n`` rows of ``d`` inputs are dealt out in blocks, rather than shuffled as a whole."""
    return n * d > WHOLE


def order_rule(n: int, d: int) -> str:
    """Return the name of the rule by which the order of an epoch's rows is drawn, for the card."""
    return "blocks-1" if in_blocks(n, d) else "whole"


def epoch_rows(rows: IntArray, d: int, seed: int, epoch: int, member: int) -> IntArray:
    """Return ``rows`` (n,) of a table of ``d`` inputs in the order in which a member meets them in an epoch.

    It is a property of n and d, never of the machine: `row_order`, or above `WHOLE` numbers `row_order_in_blocks` of the
    rows in `table_order`. (Blocks and a few of them mixed, of a table once put in random order, learn as a whole
    shuffle does: Xu et al., "In-database machine learning with CorgiPile", SIGMOD 2022.)
    """
    n = len(rows)
    if not in_blocks(n, d):
        return rows[row_order(n, seed, epoch, member)]
    return table_order(rows, seed)[row_order_in_blocks(n, seed, epoch, member)]


def table_order(rows: IntArray, seed: int) -> IntArray:
    """Return rows (n,) in the one random order of their table: by 64 random bits that each row's number names."""
    counter = tuple(np.asarray(c, np.uint32) for c in (rows, Purpose.TABLE, 0, 0))
    high, low, *_ = (word.astype(np.uint64) for word in philox(counter, split_seed(seed)))
    return rows[np.lexsort((rows, low, high))]


def row_order_in_blocks(n: int, seed: int, epoch: int, member: int) -> IntArray:
    """Return the order of ``n`` rows in an epoch of a member, dealt out in blocks, shape (n,), int32.

    Blocks of `ROWS_OF_A_BLOCK` neighbors, the last one perhaps smaller, are put in random order; each `MIXED_BLOCKS` of
    them in that order, the last ones perhaps fewer, are shuffled together. Each shuffle is that of `row_order`, of a stream
    of its own: 0 for the blocks, then 1, 2, ….
    """
    size, mixed = ROWS_OF_A_BLOCK, MIXED_BLOCKS
    blocks = row_order(-(-n // size), seed, epoch, member).tolist()
    found = []
    for first in range(0, len(blocks), mixed):
        rows = np.concatenate(
            [np.arange(b * size, min(n, (b + 1) * size)) for b in blocks[first : first + mixed]]
        )
        found.append(rows[row_order(len(rows), seed, epoch, member, 1 + first // mixed)])
    return np.concatenate(found, dtype=np.int32)


def row_order(n: int, seed: int, epoch: int, member: int, stream: int = 0) -> IntArray:
    """Return the order of the ``n`` rows in an epoch of a member: a Fisher–Yates shuffle, shape (n,), int32.

    Draw i picks j = floor(word_i (i + 1) / 2^32) and swaps rows i and j, for i = n-1 … 1.
    """
    drawn = random_words(seed, Purpose.ORDER, stream, epoch, member, (n + 3) // 4)[:n].astype(np.uint64)
    products = (drawn * np.arange(1, n + 1, dtype=np.uint64)).astype(np.uint64)
    picks = (products >> np.uint64(32)).tolist()
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = picks[i]
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int32)


def dropout_uniforms(
    rows: int, neurons: int, seed: int, layer: int, step: int, member: int
) -> NDArray[np.float64]:
    """Return uniform numbers in [0, 1) for every row and neuron of a batch, shape (rows, neurons).

    Each row begins a new block, so that rows can be drawn independently; a number is its word / 2^32.
    """
    blocks = (neurons + 3) // 4
    drawn = random_words(seed, Purpose.DROPOUT, layer, step, member, rows * blocks)
    return drawn.reshape(rows, 4 * blocks)[:, :neurons] / 2.0**32


def generator(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """Return NumPy's generator on its Philox 4x64, keyed by seed, purpose and counters, for draws outside the steps."""
    sequence = np.random.SeedSequence([*split_seed(seed), int(purpose), *counters])
    return np.random.Generator(np.random.Philox(sequence))

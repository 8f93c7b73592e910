"""Short text as numbers: words and pieces of words, each counted in a bucket that a hash says, the same in every language.

A text is made lower-case sign by sign (`CASES`), and split at `SEPARATORS`. A word w counts as ``<w>`` and, where that is
longer, as each `PIECE` neighboring signs of it. Such a token is in the bucket FNV-1a(its bytes in UTF-8) mod `BUCKETS`.
With v, how many tokens of a cell are in a bucket, the bucket's input is v/size.

Sources: Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009; Bojanowski et al., "Enriching word
vectors with subword information", TACL 2017; Fowler, Noll & Vo, the FNV hash (RFC 9923).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import polars as pl

from chainrule._kept import cached_property
from chainrule._plain import Count, Plain
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.tables.encoding.hashing import fnv, letters, tokens_of, words_in
from chainrule.tables.encoding.scalings import ARITHMETIC
from chainrule.tables.encoding.steps import CountIn, DrawIn, HashWords, Scale
from chainrule.tables.spelling.values import BLANKS, check_texts
from chainrule.tables.table import Table

# fmt: off
CASES = (
    (65, 90, 1, 32), (192, 214, 1, 32), (216, 222, 1, 32), (256, 302, 2, 1), (306, 310, 2, 1), (313, 327, 2, 1),
    (330, 374, 2, 1), (376, 376, 1, -121), (377, 381, 2, 1), (416, 416, 1, 1), (431, 431, 1, 1), (504, 542, 2, 1),
    (902, 902, 1, 38), (904, 906, 1, 37), (908, 908, 1, 64), (910, 911, 1, 63), (913, 929, 1, 32), (931, 939, 1, 32),
    (1024, 1039, 1, 80), (1040, 1071, 1, 32), (1120, 1152, 2, 1), (1162, 1214, 2, 1), (1216, 1216, 1, 15),
    (1217, 1229, 2, 1), (1232, 1326, 2, 1), (1329, 1366, 1, 48), (7680, 7828, 2, 1), (7840, 7934, 2, 1),
    (65313, 65338, 1, 32),
)
# fmt: on
"""The capital letters of Latin, Greek, Cyrillic and Armenian as code points: first, last, step, and how far the small one is."""

SEPARATORS = "".join(
    sorted(
        [
            *(chr(code) for code in range(128) if not chr(code).isalnum() and chr(code) not in "+#"),
            *(sign for sign in BLANKS if sign > "\x7f"),
            *"¡«·»¿‐‑‒–—―‘’‚“”„†•…‹›、。，；：！？（）",
        ]
    )
)
"""What parts words: blanks, and signs that are no letters, digits, + or #, as in C++ and C#."""

LETTERS = letters(SEPARATORS, CASES)

BUCKETS = 65_536
"""The buckets of the hash: so many that the words of a column hardly ever share one."""

PIECE = 3
"""The signs of a piece of a word."""

MOST_BUCKETS, FEWEST_BUCKETS, MOST_CELLS = 1024, 128, 40_000_000
"""The most buckets of a column that have an input; fewer where rows times buckets were more than `MOST_CELLS`."""

SHARE_OF_WORDS = 0.75
"""The share of those inputs that buckets of whole words may have; the other buckets have pieces."""

TWICE = 2
"""The fewest training rows in which a bucket occurs that has an input: nothing tells one row from chance."""

MANY = 64
"""A category of more different values than this may be short text."""

FEWEST_WORDS, LONGEST = 1.5, 60.0
"""Short text has on average at least so many words in a different value, and at most so many characters."""

RECURS, RECURRING = 3, 0.7
"""A word recurs that is in so many different values; of short text at least this share of the words are such, and no numbers."""

MOST_EXAMPLES = 200
"""The most words that texts are made of to try an export."""

AT_ONCE = 10_000
"""The rows whose texts are looked at before their numbers are written."""

LOOKED_AT = 10_000
"""The different values by which it is told whether a column is short text."""


@dataclass(frozen=True)
class TextWords(Plain):
    """What was learned of a column of short text: the ``kept`` buckets that have an input, in order, and the scale.

    ``tokens`` are the most frequent of the training rows in each kept bucket, for people to read. A count above ``most``, the
    highest of training, counts as that; ``size`` is the root of the mean sum of a cell's squared counts.
    """

    buckets: Count
    piece: Count
    kept: tuple[Count, ...]
    tokens: tuple[str, ...]
    most: Count
    size: float

    def __post_init__(self) -> None:
        check_texts(self.tokens, "tokens")
        if not 1 <= self.buckets <= 2**32:
            raise SettingsError("buckets: between 1 and 4,294,967,296 are expected")
        if not 1 <= self.piece <= 100:
            raise SettingsError("piece: between 1 and 100 signs are expected")
        if list(self.kept) != sorted(set(self.kept)) or any(k >= self.buckets for k in self.kept):
            raise SettingsError("kept: different buckets in order are expected")
        if len(self.tokens) != len(self.kept):
            raise SettingsError("tokens: one for each kept bucket is expected")
        if not 1 <= self.most <= 2**53 or not 0 < self.size < 1e30:
            raise SettingsError("size: a count of at least 1 and a scale above 0 are expected")

    @cached_property
    def hashing(self) -> HashWords:
        """The step from a cell to its counts."""
        return HashWords(self.buckets, self.piece, self.kept, SEPARATORS, CASES)

    @cached_property
    def scale(self) -> Scale:
        """The step from a count to the value of an input."""
        count = ARITHMETIC["count"]
        return Scale(count.name, count.formula, {"size": self.size})

    def steps(self) -> list[tuple[CountIn, DrawIn, Scale]]:
        """Return the steps from a cell's counts to each input."""
        draw_in = DrawIn(0.0, float(self.most))
        return [(CountIn(place), draw_in, self.scale) for place in range(len(self.kept))]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each kept bucket is called: its most frequent token in training."""
        return tuple(map(label_of, self.tokens))

    @cached_property
    def whole_words(self) -> frozenset[int]:
        """The places of the kept buckets that a whole word is most frequent in."""
        return frozenset(place for place, token in enumerate(self.tokens) if _is_whole(token))

    @cached_property
    def examples(self) -> tuple[str, ...]:
        """Some words that training saw, for texts to be made of."""
        return tuple(self.labels[place] for place in sorted(self.whole_words))[:MOST_EXAMPLES]

    def write(self, table: Table, name: str, out: FloatArray) -> None:
        """Write the values of the inputs into ``out`` (n, kept), all zeros."""
        for rows, places, counts in self._found(table, name):
            out[rows, places] = self.scale.apply(counts.astype(np.float64))

    def counts(self, table: Table, name: str) -> FloatArray:
        """Return the counts (n, kept) as the formula of the inputs meets them; 0 where a cell is missing."""
        made = np.zeros((table.n_rows, len(self.kept)))
        for rows, places, counts in self._found(table, name):
            made[rows, places] = counts
        return made

    def _found(self, table: Table, name: str) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
        """Yield the rows, the places and the counts that are not 0, up to ``most``, of some rows at a time."""
        cells = enumerate(self.hashing.column(table, name))
        while some := list(islice(cells, AT_ONCE)):
            known = [(row, *counted) for row, counted in some if counted is not None]
            rows = np.repeat([row for row, _, _ in known], [len(places) for _, places, _ in known])
            places, counts = (
                np.fromiter(chain.from_iterable(part), np.int64)
                for part in ([k[1] for k in known], [k[2] for k in known])
            )
            yield rows.astype(np.int64), places, np.minimum(counts, self.most)

    def counted(self, text: str) -> Mapping[int, list[str]]:
        """Return which tokens of a text, as people read them, lie in the bucket at each place; each token once."""
        place_of = {bucket: place for place, bucket in enumerate(self.kept)}
        found: dict[int, list[str]] = {}
        for word in dict.fromkeys(words_of(text)):
            for token in dict.fromkeys(tokens_of(word, self.piece)):
                place = place_of.get(fnv(token.encode()) % self.buckets)
                label = label_of(token)
                if place is not None and label not in found.setdefault(place, []):
                    found[place].append(label)
        return found


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, in order.

    >>> words_of("Senior C++ Engineer (R&D), Zürich")
    ['senior', 'c++', 'engineer', 'r', 'd', 'zürich']
    """
    return words_in(text, LETTERS)


def label_of(token: str) -> str:
    """Return a token as people read it: a word, or a piece of one with dots where the word goes on.

    >>> label_of("<data>"), label_of("<da"), label_of("ata"), label_of("ta>")
    ('data', 'da…', '…ata…', '…ta')
    """
    first, last = token.startswith("<"), token.endswith(">")
    return f"{'' if first else '…'}{token.removeprefix('<').removesuffix('>')}{'' if last else '…'}"


def fit_words(cells: pl.Series) -> TextWords:
    """Return what a column's training rows say: its buckets and its scale; ``cells`` are text, null where missing."""
    counts = cells.drop_nulls().alias("cell").value_counts(name="count").sort("cell")
    in_rows: Counter[str] = Counter()
    for text, count in counts.iter_rows():
        for token in {token for word in words_of(text) for token in tokens_of(word, PIECE)}:
            in_rows[token] += count
    kept, named = _kept(in_rows, len(cells))
    count_in = HashWords(BUCKETS, PIECE, kept, SEPARATORS, CASES).counter()
    squares, most = 0.0, 1
    for text, count in counts.iter_rows():
        numbers = count_in(text)[1]
        squares += count * float(sum(number * number for number in numbers))
        most = max(most, *numbers, 1)
    n = int(counts.get_column("count").sum())
    size = float(np.sqrt(squares / n)) if squares else 1.0
    return TextWords(BUCKETS, PIECE, kept, tuple(named[bucket] for bucket in kept), most, size)


def _kept(in_rows: Counter[str], n_rows: int) -> tuple[tuple[int, ...], dict[int, str]]:
    """Return the buckets that have an input, in order, and the most frequent token of each."""
    of_words: Counter[int] = Counter()
    of_all: Counter[int] = Counter()
    named: dict[int, str] = {}
    for token, count in sorted(in_rows.items(), key=lambda one: (-one[1], one[0])):
        bucket = fnv(token.encode()) % BUCKETS
        named.setdefault(bucket, token)
        of_all[bucket] += count
        if _is_whole(token):
            of_words[bucket] += count
    most = min(MOST_BUCKETS, max(FEWEST_BUCKETS, MOST_CELLS // max(1, n_rows)))
    words = _most_frequent(of_words, round(SHARE_OF_WORDS * most))
    rest = Counter({bucket: count for bucket, count in of_all.items() if bucket not in words})
    return tuple(sorted([*words, *_most_frequent(rest, most - len(words))])), named


def _is_whole(token: str) -> bool:
    return token.startswith("<") and token.endswith(">")


def _most_frequent(counts: Counter[int], most: int) -> set[int]:
    often = [bucket for bucket, count in counts.items() if count >= TWICE]
    return set(sorted(often, key=lambda bucket: (-counts[bucket], bucket))[:most])


def short_text(column: pl.Series, n_unique: int) -> str:
    """Say what makes a column of text short text: many values, of several words that recur; "" where it is something else."""
    if n_unique <= MANY:
        return ""
    values = column.drop_nulls().unique().sort()
    length = values.str.len_chars().mean()
    if not isinstance(length, float) or length > LONGEST:
        return ""
    looked_at = values.gather_every(-(-len(values) // LOOKED_AT))
    words = [words_of(text) for text in looked_at]
    total = sum(map(len, words))
    if total < FEWEST_WORDS * len(words):
        return ""
    found = Counter(word for own in words for word in set(own))
    recurring = sum(
        found[word] >= RECURS and not any(map(str.isdigit, word)) for own in words for word in own
    )
    if recurring < RECURRING * total:
        return ""
    return f"{n_unique:,} different values of {total / len(words):.1f} words on average, {recurring / total:.0%} of which recur"

"""Texts to words, words to tokens, tokens to buckets: what plain Python exports have, too, so that it needs no other module.

No table of Unicode is asked, which differ between languages and their versions: which letters become small ones and what parts
words is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

FNV_START = 0x811C9DC5
FNV_PRIME = 0x01000193

MOST_KNOWN = 100_000
"""The words whose buckets are remembered at once."""


def fnv(data: bytes) -> int:
    """Return the 32-bit FNV-1a hash of bytes.

    >>> hex(fnv(b"foobar"))
    '0xbf9cf968'
    """
    value = FNV_START
    for byte in data:
        value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFF
    return value


def letters(separators: str, cases: Iterable[Iterable[int]]) -> dict[int, int]:
    """Return for code points what they become: small letters, blanks where they part words.

    Each of ``cases`` is the first and the last capital letter, the step between them, and how far the small one is.
    """
    lower = {code: code + by for first, last, step, by in cases for code in range(first, last + 1, step)}
    return lower | dict.fromkeys(map(ord, separators), ord(" "))


def words_in(text: str, table: dict[int, int]) -> list[str]:
    """Return the words of a text, in order, with letters as they become."""
    return [word for word in text.translate(table).split(" ") if word]


def tokens_of(word: str, piece: int) -> Iterable[str]:
    """Yield what a word counts as: itself between < and >, and each piece of so many signs of that, unless it is no longer.

    >>> list(tokens_of("data", 3)), list(tokens_of("a", 3))
    (['<data>', '<da', 'dat', 'ata', 'ta>'], ['<a>'])
    """
    framed = f"<{word}>"
    yield framed
    if len(framed) > piece:
        yield from (framed[start : start + piece] for start in range(len(framed) - piece + 1))


def counter(
    buckets: int, piece: int, kept: Iterable[int], separators: str, cases: Iterable[Iterable[int]]
) -> Callable[[str], tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the function from a text to the places among the kept buckets that its tokens lie in, and how many do in each."""
    table = letters(separators, cases)
    place_of = {bucket: place for place, bucket in enumerate(kept)}
    known: dict[str, list[int]] = {}

    def places_of(word: str) -> list[int]:
        found = known.get(word)
        if found is None:
            hashed = (fnv(token.encode()) % buckets for token in tokens_of(word, piece))
            found = [place for bucket in hashed if (place := place_of.get(bucket)) is not None]
            if len(known) >= MOST_KNOWN:
                known.clear()
            known[word] = found
        return found

    def count(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        counts: dict[int, int] = {}
        for word in words_in(text, table):
            for place in places_of(word):
                counts[place] = counts.get(place, 0) + 1
        places = sorted(counts)
        return tuple(places), tuple(counts[place] for place in places)

    return count

"""Which articles are one story told again: wire copies across outlets, found by MinHash and then compared word by word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice

import numpy as np
import regex

from rag.records import Article

# Texts that share this much of their word triples are one text (wire copies, live-blog versions).
SAME_TEXT = 0.6
# Copies appear within this many days; what is alike at a greater distance is a template filled in anew.
COPY_DAYS = 4
# Two texts of which 40 % of all triples are shared meet in one of the bands with a chance of 46 %, of 60 % with 96 %.
_BANDS, _ROWS = 24, 4
_SEED = 20
# A text shorter than this says too little to be a copy of another.
_FEWEST = 20
_MOST = 200_000  # triples of one text that are looked at

Triple = tuple[str, ...]


def shingles(text: str) -> frozenset[Triple]:
    """The word triples of a text, without case and punctuation."""
    words = _words(text)
    return frozenset(_triples(words)) or frozenset([tuple(words)])


def same_text(a: frozenset[Triple], b: frozenset[Triple]) -> bool:
    """Whether the smaller of two texts stands, but for small changes, in the larger."""
    less, more = sorted((len(a), len(b)))
    if less < SAME_TEXT * 0.6 * more:
        return False
    shared = len(a & b)
    return shared >= SAME_TEXT * max(less, 1) and shared >= SAME_TEXT * 0.6 * more


def bands(text: str) -> tuple[int, ...]:
    """Numbers (63 bits) of which copies of a text share some, and other texts hardly ever any; () for a very short text."""
    from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]

    triples = [" ".join(triple) for triple in islice(_triples(_words(text)), _MOST)]
    if len(triples) < _FEWEST:
        return ()
    sketch = RMinHash(num_perm=_BANDS * _ROWS, seed=_SEED)
    sketch.update(triples)
    rows = np.asarray(sketch.digest(), dtype=np.uint64).reshape(_BANDS, _ROWS)
    mixed = np.arange(1, _BANDS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for column in rows.T:  # FNV's step, with the band's number as its beginning
        mixed = (mixed ^ column) * np.uint64(0x100000001B3)
        mixed ^= mixed >> np.uint64(29)
    return tuple(int(value) for value in mixed >> np.uint64(1))


def _words(text: str) -> list[str]:
    return regex.findall(r"[\p{L}\p{N}]+", text.casefold())


def _triples(words: Sequence[str]) -> Iterator[Triple]:
    return zip(words, words[1:], words[2:], strict=False)


def are_copies(a: Article, b: Article) -> bool:
    """Whether two articles are one text printed twice within days."""
    return _near(a.published_day, b.published_day) and same_text(shingles(a.text), shingles(b.text))


def _near(a: date | None, b: date | None) -> bool:
    return a is None or b is None or abs((a - b).days) <= COPY_DAYS

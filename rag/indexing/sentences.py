"""Paragraphs and sentences of an article, as spans of its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import regex
import sentencex

from rag.records import Span

# The splitter keeps a balanced quotation whole, however long. A speech of twenty sentences is twenty sentences here,
# so it is shown blanks where quotation marks stand; each mark is then given to the sentence that it touches.
# Lone surrogates cannot cross into the splitter (it is native code that takes UTF-8).
_OPENING, _CLOSING = "“„‟«", "”»"
_MARKS = '"' + _OPENING + _CLOSING
_HIDE = dict.fromkeys(map(ord, _MARKS), " ") | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")

_LINE = regex.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_DATELINE = regex.compile(
    r"\s*\p{Lu}[\p{Lu}\p{M} .’'-]{2,40}(?:, [\p{L}.’' -]{2,30}){0,2}"
    r"(?:, (?:\p{Lu}\p{L}{2,8}\.? \d{1,2})(?:, \d{4})?)? (?:\([\p{L} .&/-]{2,30}\) ?)?(?:--|—|–|-) "
)

# “What now?” Mr. Smith asked.  The question mark ends what was asked, not the reporter's sentence.
_ASKED = regex.compile(
    r"(?:\p{Lu}[\p{L}.’'-]*+ ){1,4}(?:said|says|asked|asks|added|told|wrote|replied|tweeted|shouted|continued|responded)\b"
    r"|(?:said|says|asked|asks|added|told|wrote|replied|tweeted|shouted|responded) \p{Lu}"
)
# Where the splitter takes an abbreviation for an end, and what then follows.
_ABBREVIATED = (
    (regex.compile(r"\b(?:Mrs?|Ms|Mx|Messrs|Dr|Sens?|Reps?|Govs?|Gens?|Lt|Col|Sgt|Capt|Adm|Prof|Rev|Hon|Ft|Mt)\.$"), r"\s+\p{Lu}"),
    (regex.compile(r"\b(?:Jan|Feb|Aug|Sept?|Oct|Nov|Dec|Nos?|approx|ca)\.$"), r"\s+\p{N}"),
    (regex.compile(r"\b[ap]\.m\.$"), r"\s+(?:[ECMP][SD]?T|GMT|BST|UTC|Eastern|Central|Mountain|Pacific|local)\b"),
    (regex.compile(r"\p{Lu}\.$"), r"\p{Lu}\."),
)


def paragraphs(text: str) -> list[Span]:
    """The non-blank lines of ``text``, in order, without the white space around them."""
    return [span for line in _LINE.finditer(text) if (span := _trim(text, line.start(), line.end()))]


def sentences(text: str) -> list[Span]:
    """The sentences of ``text``, in order; each lies within one paragraph, and together they hold every non-space
    character once. A wire dateline ("NIZHNY NOVGOROD, Russia, June 10 (Xinhua) -- ") is a span of its own.
    """
    found: list[Span] = []
    opening = dateline_end(text)
    if opening and (span := _trim(text, 0, opening)):
        found.append(span)
    shown = text.translate(_HIDE)
    for paragraph in paragraphs(text):
        if paragraph.end > opening and (rest := _trim(text, max(paragraph.start, opening), paragraph.end)):
            found += _split(text, shown, rest)
    return found


def dateline_end(text: str) -> int:
    match = _DATELINE.match(text)
    return match.end() if match else 0


def _trim(text: str, start: int, end: int) -> Span | None:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    end -= len(part) - len(part.rstrip())
    return Span(start, end) if start < end else None


def _split(text: str, shown: str, paragraph: Span) -> Iterator[Span]:
    start, last = paragraph.start, None  # where the running sentence began, and where its words ended so far
    for piece in _pieces(shown, paragraph):
        if last is not None:
            cut = _cut(text, last, piece.start)
            closed = text[last:cut].strip()
            asked = closed and text[last - 1] in "?!" and _ASKED.match(text, piece.start, piece.end)
            if not asked and not _abbreviated(text, last):
                # A piece made of marks only has no words of its own and stays with what follows it.
                if span := _trim(text, start, cut):
                    yield span
                start = cut
        last = piece.end
    if span := _trim(text, start, paragraph.end):
        yield span


def _abbreviated(text: str, end: int) -> bool:
    return any(ends.search(text, max(0, end - 8), end) and regex.match(goes_on, text, pos=end) for ends, goes_on in _ABBREVIATED)


def _pieces(shown: str, paragraph: Span) -> Iterator[Span]:
    part = shown[paragraph.start : paragraph.end]
    boundaries = cast(list[dict[str, Any]], sentencex.get_sentence_boundaries("en", part))  # pyright: ignore[reportUnknownMemberType]
    for boundary in boundaries:
        start, end = paragraph.start + boundary["start_index"], paragraph.start + boundary["end_index"]
        if span := _trim(shown, start, end):
            yield span


def _cut(text: str, end: int, start: int) -> int:
    """Where between two sentences the marks in the gap ``text[end:start]`` change hands."""
    cut = end
    while cut < start and not text[cut].isspace() and text[cut] not in _OPENING:
        cut += 1
    for place in range(cut, start):
        if text[place] in _CLOSING:
            cut = place + 1
    return cut

"""Paragraphs and sentences of an article, as spans of its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import regex
import sentencex

from rag.indexing.wire import dateline_end
from rag.records import Span

# The splitter keeps a balanced quotation whole, however long. A speech of twenty sentences is twenty sentences here,
# so it is shown blanks where quotation marks stand; each mark is then given to the sentence that it touches.
# Lone surrogates cannot cross into the splitter (it is native code that takes UTF-8).
_OPENING, _CLOSING = "“„‟«", "”»"
_MARKS = '"' + _OPENING + _CLOSING
_HIDE = dict.fromkeys(map(ord, _MARKS), " ") | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")

_LINE = regex.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
# “What now?” Mr. Smith asked.
_ASKED = regex.compile(
    r"(?:\p{Lu}[\p{L}.’'-]*+ ){1,4}(?:said|says|asked|asks|added|told|wrote|replied|tweeted|shouted|continued|responded)\b"
    r"|(?:said|says|asked|asks|added|told|wrote|replied|tweeted|shouted|responded) \p{Lu}"
)
# Abbreviations that the splitter takes for an end, by what must follow for the sentence to go on.
_NAME = regex.compile(r"\s+\p{Lu}")
_NUMBER = regex.compile(r"\s+\p{N}")
_ZONE = regex.compile(r"\s+(?:[ECMP][SD]?T|GMT|BST|UTC|Eastern|Central|Mountain|Pacific|local)\b")
_INITIAL = regex.compile(r"\p{Lu}\.")
_TITLES = frozenset(
    [
        "Ms",
        "Mr",
        "Mrs",
        "Mx",
        "Messrs",
        "Dr",
        "Sen",
        "Sens",
        "Rep",
        "Reps",
        "Gov",
        "Govs",
        "Gen",
        "Lt",
        "Col",
        "Sgt",
        "Capt",
        "Adm",
        "Prof",
        "Rev",
        "Hon",
        "Ft",
        "Mt",
    ]
)
_MONTHS = frozenset(["Jan", "Feb", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec", "No", "Nos", "approx", "ca"])
# "9 p.m. Friday", "5 p.m. Aug. 17"
_WHEN = regex.compile(
    rf"{_ZONE.pattern}|\s+(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    r"|(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)\p{Ll}*\.? \p{N})"
)
_ABBREVIATED = {**dict.fromkeys(_TITLES, _NAME), **dict.fromkeys(_MONTHS, _NUMBER), "a.m": _WHEN, "p.m": _WHEN}
# Ends that the splitter takes for an abbreviation: "… at 4 a.m. It was …", "He said no. Then …"
_ENDED = regex.compile(
    r"(?:\b[ap]\.m\.|\b[Nn]o\.)(?=\s+(?:It|The|He|She|They|We|In|On|At|A|An|But|And|That|This|There|His|Her|Their)\s)"
    r"|\b[Nn]o\.(?=\s+(?:I\b(?!\.)|\p{Lu}\p{Ll}))(?!\s+(?:One|Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten|Eleven|Twelve)\b)"
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


def _trim(text: str, start: int, end: int) -> Span | None:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    end -= len(part) - len(part.rstrip())
    return Span(start, end) if start < end else None


def _split(text: str, shown: str, paragraph: Span) -> Iterator[Span]:
    start, last = paragraph.start, -1  # where the running sentence began, and where its words ended so far
    for first, end in _pieces(shown, paragraph):
        if last >= 0:
            marks = text[last:first].strip()
            cut = _cut(text, last, first) if marks else last
            # “Really!” she said.  The mark ends what was said, not the reporter's sentence.
            asked = marks and (text[first].islower() or (text[last - 1] in "?!" and _ASKED.match(text, first, end)))
            if not asked and not _abbreviated(text, last):
                yield Span(start, cut)
                rest = text[cut:first]
                start = cut + len(rest) - len(rest.lstrip())
        last = end
    yield Span(start, paragraph.end)


def _abbreviated(text: str, end: int) -> bool:
    """Whether the period before ``end`` is an abbreviation's, to judge by the word and by what follows."""
    if text[end - 1] != ".":
        return False
    word = text[max(0, end - 10) : end - 1]
    word = word[max(word.rfind(" "), word.rfind("-"), word.rfind("(")) + 1 :].lstrip("“\"'‘[")
    if (follows := _ABBREVIATED.get(word)) is None:
        # R-N.Y. is one word, whatever the splitter makes of it.
        return word[-1:].isupper() and end < len(text) and text[end].isupper() and bool(_INITIAL.match(text, end))
    return bool(follows.match(text, end))


def _pieces(shown: str, paragraph: Span) -> Iterator[tuple[int, int]]:
    """The splitter's sentences of a paragraph without the blanks around them; one of marks only has no words: left out."""
    part = shown[paragraph.start : paragraph.end]
    boundaries = cast(list[dict[str, Any]], sentencex.get_sentence_boundaries("en", part))  # pyright: ignore[reportAttributeAccessIssue]
    for boundary in boundaries:
        words: str = boundary["text"].rstrip()
        if bare := words.lstrip():
            end = paragraph.start + boundary["start_index"] + len(words)
            start = end - len(bare)
            for match in _ENDED.finditer(bare):
                yield start, end - len(bare) + match.end()
                start = end - len(bare[match.end() :].lstrip())
            yield start, end


def _cut(text: str, end: int, start: int) -> int:
    """Where between two sentences the marks in the gap ``text[end:start]`` change hands."""
    cut = end
    while cut < start and not text[cut].isspace() and (text[cut] not in _OPENING or text[cut + 1 : cut + 2].isspace()):
        cut += 1
    for place in range(cut, start):
        if text[place] in _CLOSING:
            cut = place + 1
    return cut

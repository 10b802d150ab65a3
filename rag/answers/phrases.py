"""The parts of a sentence that may be a short answer: names, figures, days, titles in quotation marks, short phrases.

No grammar is parsed: capitals, closed-class words and the shapes of figures tell where a part begins and ends.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import regex

from rag.answers.asked import Asked, Class
from rag.indexing.speech_words import (
    ADVERBS,
    AFFILIATIONS,
    BODIES,
    CLAUSE_STARTS,
    COURTESY,
    DETERMINERS,
    MEN,
    NOT_NAMES,
    OCCUPATIONS,
    PREPOSITIONS,
    PRONOUNS,
    ROLES,
    THINGS,
    VERBS,
    WOMEN,
)

Form = Literal[
    "person", "name", "word", "acronym", "thing", "land", "state", "pair", "quoted", "phrase", "noun",
    "number", "count", "percent", "money", "duration", "date", "year",
]  # fmt: skip
FIGURES: frozenset[str] = frozenset(["number", "count", "percent", "money", "duration", "date", "year"])
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.)"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_COUNT = (
    r"(?i:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-(?:one|two|three|four|five|six|seven|eight|nine))?"
)
_SCALE = r"(?:hundred|thousand|million|billion|trillion|bn|m|k|tn)"
_UNIT = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centuries|century)"
_MONEY = regex.compile(
    rf"(?:US|A|C|NZ|HK)?[$€£¥₹]\s?(?:{_NUMBER})(?:[-\s]?{_SCALE}\b)?|"
    rf"\b(?:{_NUMBER})(?:[-\s]{_SCALE})? (?:dollars|euros|pounds|yen|yuan|roubles|rubles|crowns|francs|rupees|cents|pence)\b|\b\d+p\b"
)
_PERCENT = regex.compile(rf"\b(?:{_NUMBER})\s?(?:%|percent\b|per cent\b)|\b{_COUNT} per ?cent\b")
_DURATION = regex.compile(
    rf"\b(?:(?:{_NUMBER})(?:[-\s]?{_SCALE})?|{_COUNT}|(?:a few|several|a))(?: and a half)?[-\s]{_UNIT}\b"
)
_PLAIN = regex.compile(
    rf"(?<![\p{{L}}\d.,$€£¥-])(?:(?:{_NUMBER})(?:[-\s]?{_SCALE}\b)?(?![\d%]|[.,:]\d|\p{{L}})|{_COUNT}\b(?: {_SCALE}\b)?)"
)
_DATE = regex.compile(
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?!\d))(?:,? (?:19|20)\d\d)?\b|\b{_MONTH}(?: (?:19|20)\d\d\b)?(?![\p{{L}}])|"
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b(?:next|last) (?:week|month|year|spring|summer|autumn|fall|winter)\b|\b(?:19|20)\d\d\b"
)
_YEAR = regex.compile(r"\b(?:1[5-9]|20)\d\d\b(?![,.]\d)")
_NO_COUNT = regex.compile(
    rf"{_MONTH} \d{{1,2}}\b(?:, \d{{4}})?|\b\d{{1,2}} {_MONTH}\b|\b(?:in|since|of|by|from|until|after|before|during|for|the) (?:19|20)\d\d\b"
    r"|\b\d{1,2}:\d\d\b|\b\d{1,2} ?[ap]\.?m\b|\b(?:19|20)\d\d(?= \p{Lu}|[ ,.]|$)"
)
_QUOTED = regex.compile(
    r"“([^“”]{2,80})”|\"([^\"]{2,80})\"|(?<![\p{L}\d])[‘']([^‘’']{3,60}(?:[’'](?=\p{L})[^‘’']*)?)[’'](?!\p{L})"
)
_TOKEN = regex.compile(
    r"\d+(?:[.,:]\d+)*(?!\d)|\p{Lu}\.(?:\p{Lu}\.)+|[\p{L}\p{M}\p{N}]+(?:[’'.&+-](?=[\p{L}\p{M}\p{N}])[\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}]"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ABBREVIATED = _words("mr mrs ms dr st rep sen gov lt sgt col gen jr sr no vs prof rev capt maj adm")
_JOINERS = _words("of & de la del da van von der bin al el ben du di le st")
_EMPTY = (
    PREPOSITIONS
    | PRONOUNS
    | DETERMINERS
    | CLAUSE_STARTS
    | NOT_NAMES
    | ADVERBS
    | _words(
        "is are was were be been being am has have had do does did will would can could may might must should shall not n't"
        " new more most other such own same very too if then out up down off over back about around nearly almost s t re ve ll"
        " according including said says told saying go going gone went get got getting make made making take took taken taking"
        " become became came come coming see seen saw know known knew use used using put set give given gave find found want wants"
        " wanted need needs think thinks call called say way thing things lot part time week weeks month months year years day days"
        " today people first last next second third one two three four five six seven eight nine ten former late early"
        " however although despite among amid per via since until while during within without"
    )
)
_LANDS = frozenset(
    regex.split(
        r"\s*,\s*",
        "Afghanistan, Albania, Algeria, Andorra, Angola, Antigua, Argentina, Armenia, Australia, Austria, Azerbaijan, Bahamas,"
        "Bahrain, Bangladesh, Barbados, Belarus, Belgium, Belize, Benin, Bhutan, Bolivia, Bosnia, Botswana, Brazil, Britain, Brunei,"
        "Bulgaria, Burkina Faso, Burundi, Cambodia, Cameroon, Canada, Chad, Chile, China, Colombia, Congo, Costa Rica, Croatia, Cuba,"
        "Cyprus, Czech Republic, Czechia, Denmark, Djibouti, Dominica, Dominican Republic, Ecuador, Egypt, El Salvador, England,"
        "Eritrea, Estonia, Eswatini, Ethiopia, Fiji, Finland, France, Gabon, Gambia, Georgia, Germany, Ghana, Greece, Greenland, Grenada,"
        "Guatemala, Guinea, Guyana, Haiti, Honduras, Hong Kong, Hungary, Iceland, India, Indonesia, Iran, Iraq, Ireland, Israel, Italy,"
        "Ivory Coast, Jamaica, Japan, Jordan, Kazakhstan, Kenya, Kosovo, Kuwait, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho, Liberia,"
        "Libya, Liechtenstein, Lithuania, Luxembourg, Madagascar, Malawi, Malaysia, Maldives, Mali, Malta, Mauritania, Mauritius, Mexico,"
        "Moldova, Monaco, Mongolia, Montenegro, Morocco, Mozambique, Myanmar, Namibia, Nepal, Netherlands, New Zealand, Nicaragua, Niger,"
        "Nigeria, North Korea, North Macedonia, Northern Ireland, Norway, Oman, Pakistan, Palau, Panama, Papua New Guinea, Paraguay, Peru,"
        "Philippines, Poland, Portugal, Qatar, Romania, Russia, Rwanda, Samoa, Saudi Arabia, Scotland, Senegal, Serbia, Seychelles,"
        "Sierra Leone, Singapore, Slovakia, Slovenia, Solomon Islands, Somalia, South Africa, South Korea, South Sudan, Spain, Sri Lanka,"
        "Sudan, Suriname, Sweden, Switzerland, Syria, Taiwan, Tajikistan, Tanzania, Thailand, Tibet, Togo, Tonga, Trinidad, Tunisia, Turkey,"
        "Türkiye, Turkmenistan, Tuvalu, Uganda, Ukraine, United Arab Emirates, United Kingdom, United States, UK, US, U.S., U.K., UAE,"
        "Uruguay, Uzbekistan, Vanuatu, Vatican, Venezuela, Vietnam, Wales, Yemen, Zambia, Zimbabwe",
    )
)
_STATES = frozenset(
    regex.split(
        r"\s*,\s*",
        "Alabama, Alaska, Arizona, Arkansas, California, Colorado, Connecticut, Delaware, Florida, Georgia, Hawaii, Idaho, Illinois,"
        "Indiana, Iowa, Kansas, Kentucky, Louisiana, Maine, Maryland, Massachusetts, Michigan, Minnesota, Mississippi, Missouri, Montana,"
        "Nebraska, Nevada, New Hampshire, New Jersey, New Mexico, New York, North Carolina, North Dakota, Ohio, Oklahoma, Oregon,"
        "Pennsylvania, Rhode Island, South Carolina, South Dakota, Tennessee, Texas, Utah, Vermont, Virginia, Washington, West Virginia,"
        "Wisconsin, Wyoming, Bavaria, Queensland, New South Wales, Victoria, Tasmania",
    )
)
_PEOPLES = regex.compile(
    r"\p{Lu}\p{L}+(?:ian|ean|ese|ish|can)s?|French|Dutch|Greek|Israeli|Iraqi|Swiss|Czech|Thai|Republicans?|Democrats?|Democratic|GOP|Democrat"
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A sentence in words and marks: each one's text, offsets and index term ("" for a mark)."""

    text: str
    words: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]
    terms: Sequence[str]


@dataclass(frozen=True, slots=True)
class Part:
    """The tokens from ``first`` to ``last``, both included, of a sentence."""

    first: int
    last: int
    form: Form


def tokens(text: str, term: Callable[[str], str]) -> Tokens:
    """A sentence in tokens; a possessive's ending is left out. ``term`` gives the index term of a word."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        if len(word) > 2 and word[-2:] in ("'s", "’s"):
            word = word[:-2]
        words.append(word)
        starts.append(match.start())
        ends.append(match.start() + len(word))
    return Tokens(text, words, starts, ends, [term(w) for w in words])


def parts(wanted: Asked, sentence: Tokens) -> Iterator[Part]:
    """The parts of a sentence that may answer a question; the same words may come more than once."""
    kind = wanted.kind
    if kind in FIGURES:
        yield from _figures(kind, sentence)
        return
    names = list(_names(sentence))
    if kind == "land":
        names = [n for n in names if n.form == "land" or (n.form == "state" and wanted.head.startswith("state"))]
    yield from names
    if wanted.several or kind == "land":
        yield from _pairs(names, sentence)
    if kind == "land":
        return
    yield from _quoted(kind, sentence)
    if kind in ("thing", "open", "body", "work", "place"):
        yield from _phrases(sentence)
    if kind == "open":
        for other in ("money", "percent", "number"):
            yield from _figures(other, sentence)


def _quoted(kind: Class, sentence: Tokens) -> Iterator[Part]:
    for match in _QUOTED.finditer(sentence.text):
        inner = match[match.lastindex or 0]
        titled = inner[0].isupper() or inner[0].isdigit() or kind in ("thing", "open")
        if titled and len(inner.split()) <= 8:
            start = match.start(match.lastindex or 0)
            yield from _within(sentence, start, start + len(inner.rstrip(" ,.!?;")), "quoted")


def _pairs(names: Sequence[Part], sentence: Tokens) -> Iterator[Part]:
    """ "Sweden and Finland"."""
    longest = {n.first: n for n in sorted(names, key=lambda n: n.last)}
    for name in set(longest.values()):
        other = longest.get(name.last + 2)
        if other and sentence.words[name.last + 1] in ("and", "&"):
            yield Part(name.first, other.last, "pair")


_SHAPES: dict[str, tuple[tuple[Form, regex.Pattern[str]], ...]] = {
    "percent": (("percent", _PERCENT),),
    "money": (("money", _MONEY), ("percent", _PERCENT)),  # "how much have prices risen"
    "duration": (("duration", _DURATION),),
    "date": (("date", _DATE),),
    "year": (("year", _YEAR),),
    "number": (("number", _PLAIN),),
}


def _figures(kind: str, sentence: Tokens) -> Iterator[Part]:
    text = sentence.text
    others = (_NO_COUNT, _PERCENT, _MONEY) if kind == "number" else ()
    blocked = [m.span() for pattern in others for m in pattern.finditer(text)]
    for form, pattern in _SHAPES[kind]:
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(s < end and start < e for s, e in blocked):
                written = form == "number" and text[start].isalpha()
                yield from _within(sentence, start, end, "count" if written else form)


def _within(sentence: Tokens, start: int, end: int, form: Form) -> Iterator[Part]:
    """The part of these offsets, where tokens begin and end there."""
    first, last = bisect_right(sentence.starts, start) - 1, bisect_left(sentence.ends, end)
    if 0 <= first <= last < len(sentence.words) and sentence.starts[first] == start and sentence.ends[last] == end:
        yield Part(first, last, form)


def _names(sentence: Tokens) -> Iterator[Part]:
    """Runs of capitalised words; what is before and behind a possessive or an "of" also by itself."""
    words = sentence.words
    n = len(words)
    first = 0
    while first < n:
        low = words[first].casefold()
        if not capital(words[first]) or (low in _EMPTY and low not in ("may", "us")):
            first += 1
            continue
        last = first
        cuts: list[tuple[int, int]] = []  # last token before a joint and first behind it
        while step := _step(sentence, last):
            if (step > 1 and words[last + 1] != ".") or sentence.starts[last + 1] - sentence.ends[last] > 1:
                cuts.append((last, last + step))
            last += step
        yield from _bare(words, first, last)
        for before, behind in cuts:
            yield from _bare(words, first, before)
            yield from _bare(words, behind, last)
        first = last + 1


def _step(sentence: Tokens, last: int) -> int:
    """How many tokens further a name goes on; 0 where it ends."""
    words = sentence.words
    rest = words[last + 1 : last + 4]
    if not rest:
        return 0
    gap = sentence.starts[last + 1] - sentence.ends[last]
    if capital(rest[0]) and not (gap and rest[0].casefold() == "the"):
        return 1 if gap <= 3 else 0
    if rest[0][0].isdigit() and len(rest[0]) < 5 and gap == 1:
        return 1
    if len(rest) > 1 and capital(rest[1]):
        abbreviated = len(words[last]) == 1 or words[last].casefold() in _ABBREVIATED
        if (rest[0] == "." and abbreviated) or rest[0].casefold() in _JOINERS:
            return 2
    if len(rest) > 2 and rest[:2] == ["of", "the"] and capital(rest[2]):
        return 3
    return 0


def _bare(words: Sequence[str], first: int, last: int) -> Iterator[Part]:
    """A name, and the same without the office, the people or the sentence's first word before it."""
    if first == 0 == last and words[0].casefold() in _EMPTY:
        return
    yield Part(first, last, _form(words[first : last + 1]))
    start = 1 + max((i for i in range(first, last) if _leads(words[i])), default=first - 1)
    if start > first:
        yield Part(start, last, _form(words[start : last + 1]))
    elif first == 0 < last and words[0].casefold() not in MEN | WOMEN:
        yield Part(1, last, _form(words[1 : last + 1]))


def _leads(word: str) -> bool:
    low = word.casefold()
    office = low in ROLES or f"{low}." in ROLES or low in OCCUPATIONS or low in COURTESY
    return office or word == "." or low in AFFILIATIONS or bool(_PEOPLES.fullmatch(word))


def _form(words: Sequence[str]) -> Form:
    text = " ".join(words)
    low = [w.casefold() for w in words]
    if text in _LANDS:
        return "land"
    if text in _STATES:
        return "state"
    if any(w in THINGS or w in BODIES for w in low):
        return "thing"
    if len(words) > 1:
        return "person" if low[0] in MEN or low[0] in WOMEN else "name"
    return "acronym" if text.isupper() and len(text) > 1 else "word"


def capital(word: str) -> bool:
    """Whether a word is written as a name is: "Chad", "iPhone"."""
    return word[0].isupper() or (len(word) > 2 and word[0] in "ie" and word[1].isupper())


def _phrases(sentence: Tokens) -> Iterator[Part]:
    """Up to three words of a run of content words, from where it begins or to where it ends: "corporal punishment"."""
    words = sentence.words
    n = len(words)
    first = 0
    while first < n:
        if not content(words[first]):
            first += 1
            continue
        last = first
        while last + 1 < n and content(words[last + 1]):
            last += 1
        for a in range(first, last + 1):
            begins = a == first or words[a - 1].casefold() in VERBS
            for b in range(a, min(a + 3, last + 1)):
                if (begins or b == last) and not all(capital(w) for w in words[a : b + 1]):
                    yield Part(a, b, "phrase" if a < b else "noun")
        first = last + 1


def content(word: str) -> bool:
    """Whether a word says what something is, and is no mark, no figure and no word of a closed class."""
    return len(word) > 2 and word[0].isalpha() and word.casefold() not in _EMPTY

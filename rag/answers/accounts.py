"""Several reports of one thing: what was corrected, what newer reports have overtaken, and accounts that contradict
each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import regex

from rag.indexing.duplicates import same_text, shingles
from rag.indexing.names import same_person
from rag.records import Article, Query
from rag.retrieval import types
from rag.retrieval.evidence import Candidate, Evidence
from rag.retrieval.question import ASKING

# Of the first RIVALS sentences, those with this share of the best one's strength may speak of the same figure; reports
# of it that lie at most so many days apart are two accounts, not an old and a new one.
RIVALS, RIVAL, SAME_NEWS_DAYS = 12, 0.6, 2
# Figures that differ by less than this share of the larger are one figure, rounded.
ROUNDED = 0.03
# A sentence with this many index terms of a correction speaks of what it corrects.
SHARED = 3


@dataclass(frozen=True, slots=True)
class Accounts:
    """The ranking without what was corrected or overtaken, and what a reader must know of that.

    ``conflicting`` are the accounts that contradict each other, newest first; () when there are none. ``corrections``
    maps the ids of correcting articles to what they corrected.
    """

    ranked: tuple[Candidate, ...]
    conflicting: tuple[Candidate, ...]
    corrections: dict[str, str]
    query: Query

    def notes(self, chosen: Sequence[Candidate]) -> tuple[str, ...]:
        """What a reader of an answer of the ``chosen`` sentences must know."""
        found = dict.fromkeys(self.corrections[c.article.id] for c in chosen if c.article.id in self.corrections)
        if self.conflicting:
            versions = (f"{_source(c)}: {figures(c, self.query)[0]}" for c in self.conflicting)
            found[f"The accounts differ: {'; '.join(versions)}."] = None
        return tuple(found)


def settle(ranked: Sequence[Candidate], evidence: Evidence) -> Accounts:
    """Corrections first, then the newest of a changing figure, then accounts of the same days held side by side."""
    kept, corrections = corrected(ranked, evidence)
    kept = fresh(_titled(kept, evidence.query), evidence.query)
    return Accounts(tuple(kept), _opposed(kept, evidence.query, evidence.stories), corrections, evidence.query)


# Newer reports


def fresh(ranked: Sequence[Candidate], query: Query) -> list[Candidate]:
    """The ranking without what newer reports have overtaken: where several reports give the figure that is asked for,
    those of the newest days; where the question asks how things stand now, the newest of the fitting reports.
    """
    ranked = list(ranked)
    rivals = [c for c in _rivals(ranked) if c.article.published_day]
    if not query.wants_latest:
        rivals = [c for c in rivals if c.counted]
    if query.period is not None or not rivals:
        return ranked
    latest = max(c.article.published_day or date.min for c in rivals)
    old = {
        id(c)
        for c in ranked
        if (c.counted or query.wants_latest) and (latest - (c.article.published_day or latest)).days > SAME_NEWS_DAYS
    }
    # What gives the figure stands before what only speaks of it.
    kept = [c for c in ranked if id(c) not in old]
    first = {id(c) for c in rivals} if old and not query.wants_latest else set[int]()
    return sorted(kept, key=lambda c: id(c) not in first)


def _rivals(ranked: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in ranked[:RIVALS] if c.strength >= RIVAL * ranked[0].strength]


# Corrections

_CORRECTION = regex.compile(
    r"^[^\p{L}]*(?:Corrections?|Corrected|Clarifications?|Correcting)\b(?:[^.:\n]{0,40}[:.–—-])|"
    r"(?i:\b(?:an|the) (?:earlier|previous|original) version of this (?:article|story|report)\b)|"
    r"(?i:\b(?:this (?:newspaper|article|story|report)|we|the \p{Lu}[\p{L} ]+) (?:wrongly|incorrectly|mistakenly) \p{L}+ed\b)|"
    r"(?i:\b(?:gave|published|reported|printed) (?:a|the) wrong (?:figure|name|date|number|day|age|amount|place)\b)"
)
_SIGNS = (
    "correction",
    "corrected",
    "correcting",
    "clarification",
    "version of this",
    " wrong",
    "incorrectly",
    "mistakenly",
)
_WRONG = regex.compile(
    r"(?i)\b(?:earlier|previous|original) version\b|\b(?:this newspaper|we|this article|this story) (?:\p{L}+ly )?"
    r"(?:reported|said|stated|gave|wrote|attributed|misstated)\b|\b(?:wrongly|incorrectly|mistakenly)\b|\bmisstated\b"
)
# The days that a correction names are those of the reports.
_DAY = regex.compile(
    r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\p{L}*\.? \d{1,2}\b|\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\p{L}*"
)
_VALUE = regex.compile(r"\d(?:[\d.,:]*\d)?")


def correction(article: Article) -> tuple[str, str] | None:
    """What an article corrects: the words that hold what was wrong ("" where they do not repeat it), and those that
    hold what is right; None when it corrects nothing.
    """
    # Nearly every article corrects nothing, which these letters tell much faster than the pattern.
    folded = article.text.casefold()
    if not any(sign in folded for sign in _SIGNS):
        return None
    for paragraph in article.text.split("\n"):
        if _CORRECTION.search(paragraph):
            sentences = regex.split(r"(?<=[.!?][\"”’]?) (?=\p{Lu})", paragraph)
            wrong = " ".join(s for s in sentences if _WRONG.search(s))
            return wrong, " ".join(s for s in sentences if not _WRONG.search(s))
    return None


def corrected(ranked: Sequence[Candidate], evidence: Evidence) -> tuple[list[Candidate], dict[str, str]]:
    """The ranking without sentences that a later article corrects, and what to say of it by that article's id."""
    kept = list(ranked)
    notes: dict[str, str] = {}
    articles = {a.id: a for a in (*(h.article for h in evidence.hits), *(c.article for c in ranked))}
    for article in articles.values():
        found = correction(article)
        if found is None:
            continue
        wrong, right = found
        bad, good = _values(wrong), _values(right)
        topic = {t for t in evidence.terms(f"{wrong} {right}") if not t[0].isdigit()} - ASKING

        gone = [
            c
            for c in kept
            if c.article.outlet == article.outlet
            and c.article.published < article.published
            and len(topic & set(evidence.terms(c.text))) >= SHARED
            and _is_wrong(_values(c.text), bad, good)
        ]
        if gone:
            kept = [c for c in kept if c not in gone]
            day, at = gone[0].article.published[:10], article.published[:10]
            notes[article.id] = f"{article.outlet or article.title} corrected its report of {day} on {at}."
    return kept, notes


def _values(text: str) -> set[str]:
    return set(_VALUE.findall(_DAY.sub(" ", text)))


def _is_wrong(values: set[str], bad: set[str], good: set[str]) -> bool:
    """Whether figures are those a correction calls wrong or, where it only gives the right ones, none of these."""
    return bool(values & bad) if bad else bool(values and good) and not values & good


# Accounts that contradict each other


def _titled(ranked: Sequence[Candidate], query: Query) -> list[Candidate]:
    """The ranking with those sentences marked that give the figure which their headline counts: "Thirty-one pilot
    whales stranded", and in the text "The coastguard counted 31 animals".
    """
    return [replace(c, counted=c.counted or bool(figures(c, query))) for c in ranked]


def figures(candidate: Candidate, query: Query) -> tuple[str, ...]:
    """The numbers, as written, that a sentence gives of what the question counts, the likeliest first."""
    told = types.counted(query.text, candidate.text)
    if not told:
        titled = {number(said) for said in types.counted(query.text, candidate.article.title)} - {None}
        told = [said for said in _WORD.findall(candidate.text) if number(said) in titled] if titled else []
    return tuple(told)


_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_EXACT = regex.compile(r"\d+(?:\.\d+)?")
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def number(said: str) -> float | None:
    """A number as written ("3,400", "thirty-one"); None for one that names no exact number ("dozens")."""
    said = said.casefold().replace(",", "")
    if _EXACT.fullmatch(said):
        return float(said)
    tens, _, unit = said.partition("-")
    if tens in _TENS and (not unit or unit in _UNITS):
        return 10.0 * (_TENS.index(tens) + 2) + (_UNITS.index(unit) if unit else 0)
    return float(_UNITS.index(said)) if said in _UNITS else None


_WORD = regex.compile(r"\p{L}[\p{L}-]*|\d(?:[\d.,]*\d)?")
# What was counted has become more since the report before.
_GROWN = regex.compile(
    r"(?i)\b(?:rose|risen|rising|climbed|grew|grown|increased|bringing|brought|raised|revised|doubled|now|more|further)\b"
)
_AT_LEAST = regex.compile(r"(?i)\b(?:at least|more than|over|above|no fewer than)(?: \p{L}+){0,2} [\d\p{L}]")


def _opposed(ranked: Sequence[Candidate], query: Query, stories: Mapping[str, str]) -> tuple[Candidate, ...]:
    """The best account of the figure asked for and the best one that contradicts it, newest first."""
    told = [(c, said[0]) for c in _rivals(ranked) if (said := figures(c, query)) and number(said[0]) is not None]
    if not told:
        return ()
    first, said = told[0]
    for other, others in told[1:]:
        if _differ(first, said, other, others) and _independent(first, other, stories) and _same_days(first, other):
            newer, older = sorted((first, other), key=lambda c: c.article.published, reverse=True)
            grown = newer.article.published_day != older.article.published_day and _GROWN.search(newer.text)
            return () if grown else (newer, older)
    return ()


def _differ(a: Candidate, said: str, b: Candidate, others: str) -> bool:
    """Whether two figures cannot both be right: "at least four" does not contradict nine."""
    (less, low), (more, _) = sorted(((number(said) or 0.0, a), (number(others) or 0.0, b)), key=lambda f: f[0])
    return more - less > ROUNDED * more and not _AT_LEAST.search(low.text)


def _independent(a: Candidate, b: Candidate, stories: Mapping[str, str]) -> bool:
    """Whether two sentences are two sources' accounts: of other articles by other outlets, no copies of each other; or
    two people's.
    """
    if a.speaker and b.speaker and not same_person(a.speaker, b.speaker):
        return True
    if a.article.id == b.article.id or a.article.outlet == b.article.outlet:
        return False
    if a.article.agency and a.article.agency == b.article.agency:
        return False
    if stories.get(a.article.id, "a") == stories.get(b.article.id, "b"):
        return False
    return not same_text(shingles(a.passage.text), shingles(b.passage.text))


def _same_days(a: Candidate, b: Candidate) -> bool:
    one, two = a.article.published_day, b.article.published_day
    return one is None or two is None or abs((one - two).days) <= SAME_NEWS_DAYS


def _source(c: Candidate) -> str:
    outlet = c.article.outlet or c.article.title
    day = c.article.published[:10]
    who = f"{c.speaker} in {outlet}" if c.speaker else outlet
    return f"{who} ({day})" if day else who

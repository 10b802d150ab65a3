"""Several reports of one thing: what newer reports have overtaken, and accounts that contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import regex

from rag.indexing.duplicates import same_text, shingles
from rag.indexing.names import same_person
from rag.records import Query
from rag.retrieval import types
from rag.retrieval.evidence import Candidate, Evidence

# Of the first RIVALS sentences, those with this share of the best one's strength may speak of the same figure; reports
# of it that lie at most so many days apart are two accounts, not an old and a new one.
RIVALS, RIVAL, SAME_NEWS_DAYS = 12, 0.6, 2
# Figures that differ by less than this share of the larger are one figure, rounded.
ROUNDED = 0.03


@dataclass(frozen=True, slots=True)
class Accounts:
    """The ranking without what was overtaken. ``conflicting`` are the accounts that contradict each other, newest first; ()
    when there are none.
    """

    ranked: tuple[Candidate, ...]
    conflicting: tuple[Candidate, ...]
    query: Query

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of an answer must know of them."""
        versions = (f"{_source(c)}: {figures(c, self.query)[0]}" for c in self.conflicting)
        return (f"The accounts differ: {'; '.join(versions)}.",) if self.conflicting else ()


def settle(ranked: Sequence[Candidate], evidence: Evidence) -> Accounts:
    """The newest of a changing figure, then accounts of the same days held side by side."""
    kept = fresh(_titled(ranked, evidence.query), evidence.query)
    return Accounts(tuple(kept), _opposed(kept, evidence.query, evidence.stories), evidence.query)


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

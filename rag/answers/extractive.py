"""Answering by quoting: choose the sentences that answer, whose words they are, and say when none does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rag.indexing.speakers import same_person
from rag.records import Query, Status
from rag.retrieval import rank
from rag.retrieval.evidence import Candidate, Evidence

# Least evidence on which the archive is said to answer; chosen on the dev half of `newsroom` and RealTime QA 2022.
ENOUGH = 0.45
# Least share of the topic's weight that somebody's statement must hold to be on that topic.
ON_TOPIC = 0.30
MOST = 2
MOST_STATEMENTS = 3


@dataclass(frozen=True, slots=True)
class Quoted:
    """The chosen sentences in reading order, and how sure the choice is (0 to 1)."""

    status: Status
    chosen: tuple[Candidate, ...]
    confidence: float
    notes: tuple[str, ...] = ()


def quote(evidence: Evidence) -> Quoted:
    """The one to three sentences that answer best, or none."""
    within = [c for c in evidence.candidates if in_period(c, evidence.query)]
    if evidence.speakers:
        return _statements(evidence, within)
    if evidence.query.wants_speaker:
        within = [c for c in within if c.speaker]
    best = _distinct(within, MOST)
    confidence = _confidence(best[0]) if best else 0.0
    if confidence < ENOUGH:
        return Quoted("not_in_archive", (), confidence, _why(evidence, within))
    return Quoted("answered", _reading_order(best), confidence)


def in_period(candidate: Candidate, query: Query) -> bool:
    """Whether a report belongs to the time the question speaks of: dated then, or shortly after, or telling of it."""
    if query.period is None:
        return True
    first, last = query.period
    article = candidate.article
    day = article.published_day
    if article.event_date and first.isoformat() <= article.event_date <= last.isoformat():
        return True
    if day is not None and first <= day <= last + timedelta(days=rank.REPORTING_LAG_DAYS):
        return True
    # "the 2022 World Cup" is written of in other years, too, and then the year stands in the words.
    return first.year == last.year and str(first.year) in candidate.text


def _statements(evidence: Evidence, within: Sequence[Candidate]) -> Quoted:
    """Only words of the people asked for; each of them apart."""
    chosen: list[Candidate] = []
    notes: list[str] = []
    missing = 0
    confidence = 0.0
    each = MOST_STATEMENTS if len(evidence.speakers) == 1 else 2
    for asked, names in evidence.speakers.items():
        theirs = [c for c in within if c.speaker in names]
        if evidence.weights:
            theirs = [c for c in theirs if c.fit >= ON_TOPIC]
        else:
            theirs.sort(key=lambda c: c.article.published, reverse=True)
        best = _distinct(theirs, each)
        # A second statement must be nearly as much to the point as the first.
        best = [c for c in best if c.fit >= 0.6 * best[0].fit]
        if best:
            chosen += _reading_order(best)
            confidence = max(confidence, *(0.5 + c.fit / 2 for c in best))
        else:
            missing += 1
            notes.append(_nothing_by(asked, names, within))
    if not chosen:
        return Quoted("not_in_archive", (), 0.0, tuple(notes))
    return Quoted("partly" if missing else "answered", tuple(chosen), confidence, tuple(notes))


def _nothing_by(asked: str, names: Sequence[str], within: Sequence[Candidate]) -> str:
    if not names:
        return f"The archive quotes nobody named {asked}."
    others = [c.speaker for c in within if c.speaker and c.fit >= ON_TOPIC and not same_person(c.speaker, names[0])]
    who = f"The archive has no statement by {names[0]} on this"
    return f"{who}; {others[0]} spoke of it." if others else f"{who}."


def _confidence(candidate: Candidate) -> float:
    return 0.6 * candidate.fit + 0.4 * candidate.reach


def _why(evidence: Evidence, within: Sequence[Candidate]) -> tuple[str, ...]:
    if evidence.query.period and evidence.candidates and not within:
        first, last = evidence.query.period
        return (f"Nothing was found from {first} to {last}; the nearest passages are from other days.",)
    return ()


def _distinct(ranked: Sequence[Candidate], most: int) -> list[Candidate]:
    """The first ``most`` candidates that do not repeat one another."""
    kept: list[Candidate] = []
    shapes: list[frozenset[tuple[str, ...]]] = []
    for candidate in ranked:
        shape = rank.shingles(candidate.text)
        if any(rank.same_text(shape, other) for other in shapes):
            continue
        kept.append(candidate)
        shapes.append(shape)
        if len(kept) == most:
            break
    return kept


def _reading_order(chosen: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The best first, and sentences of one article together in the order they stand there."""
    articles = list(dict.fromkeys(c.article.id for c in chosen))
    return tuple(sorted(chosen, key=lambda c: (articles.index(c.article.id), c.span.start)))

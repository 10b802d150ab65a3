"""Answering by quoting: choose the sentences that answer, whose words they are, and say when none does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rag.answers.trim import trimmed
from rag.indexing.names import same_person
from rag.records import Query, Span, Status
from rag.retrieval import rank
from rag.retrieval.evidence import Candidate, Evidence

# Least strength of evidence on which the archive is said to answer; chosen on the dev half of `newsroom`.
ENOUGH = 0.415
# Least closeness of somebody's statement to the topic to be on that topic; see `_closeness`.
ON_TOPIC = 0.86
# Further sentences must be nearly as good as the first.
NEARLY = 0.75
# A third sentence is quoted only where the three stay this short.
MOST, WORDS = 3, 60
MOST_STATEMENTS = 3
# Of the first RIVALS sentences, those with this share of the best one's strength may speak of the same figure; reports
# of it that lie at most so many days apart are two accounts, not an old and a new one.
RIVALS, RIVAL, SAME_NEWS_DAYS = 12, 0.6, 2


@dataclass(frozen=True, slots=True)
class Quoted:
    """The chosen sentences in reading order, how sure the choice is (0 to 1), and the short answer within them."""

    status: Status
    chosen: tuple[Candidate, ...]
    confidence: float
    notes: tuple[str, ...] = ()
    short: str = ""


def quote(evidence: Evidence) -> Quoted:
    """The one to three sentences that answer best, or none."""
    within = _within(evidence)
    outside = _why(evidence, ()) if within is evidence.candidates else ()
    if evidence.speakers:
        return _statements(evidence, within)
    if evidence.query.period and not evidence.names_a_topic:
        return _news(evidence, [c for c in evidence.candidates if in_period(c, evidence.query)])
    ranked = answering(evidence)
    best = _distinct(ranked, 1 if evidence.query.wants_speaker else MOST)
    if sum(len(c.text.split()) for c in best) > WORDS:
        best = best[:2]
    strength = max((c.strength for c in best), default=0.0)
    if strength < ENOUGH:
        return Quoted("not_in_archive", (), _confidence(strength), _why(evidence, within))
    best = [_trimmed(c, evidence) for c in best]
    return Quoted("answered", tuple(best), _confidence(strength), outside)


def answering(evidence: Evidence) -> list[Candidate]:
    """The candidates that may answer a question for what happened or is so, best first: of the time asked for, not
    overtaken by newer reports, somebody's words where it is asked who said something.
    """
    within = _within(evidence)
    if evidence.query.wants_speaker:
        within = [c for c in within if c.speaker]
    return _fresh(within, evidence.query)


def _within(evidence: Evidence) -> Sequence[Candidate]:
    """The candidates of the period asked for, or all where none of those is good enough and others may do."""
    within = [c for c in evidence.candidates if in_period(c, evidence.query)]
    if not evidence.query.strict and max((c.strength for c in within), default=0.0) < ENOUGH:
        return evidence.candidates
    return within


def _news(evidence: Evidence, within: Sequence[Candidate]) -> Quoted:
    """What there was in a time, where nothing else is asked: how the found reports of it begin."""
    leads: dict[str, Candidate] = {}
    for candidate in sorted(within, key=lambda c: c.span.start):
        leads.setdefault(candidate.article.id, candidate)
    best = _distinct(sorted(leads.values(), key=lambda c: -c.score), MOST)
    if not best:
        return Quoted("not_in_archive", (), 0.0, _why(evidence, within))
    return Quoted("answered", tuple(best), 0.5)


def _trimmed(candidate: Candidate, evidence: Evidence) -> Candidate:
    end = trimmed(candidate.text, evidence.query.text, evidence.weights, evidence.terms)
    return replace(candidate, span=Span(candidate.span.start, candidate.span.start + end))


def _fresh(ranked: Sequence[Candidate], query: Query) -> list[Candidate]:
    """The ranking without what newer reports have overtaken: where several reports give the figure that is asked for,
    those of the newest days; where the question asks how things stand now, the newest of the fitting reports.
    """
    ranked = list(ranked)
    if not ranked:
        return ranked
    rivals = [c for c in ranked[:RIVALS] if c.strength >= RIVAL * ranked[0].strength and c.article.published_day]
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
    return [c for c in ranked if id(c) not in old]


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
            theirs = sorted((c for c in theirs if _closeness(c) >= ON_TOPIC), key=_closeness, reverse=True)
        else:
            theirs.sort(key=lambda c: c.article.published, reverse=True)
        best = _distinct(theirs, each)
        best = [c for c in best if not evidence.weights or _closeness(c) >= NEARLY * _closeness(best[0])]
        if best:
            chosen += _as_said(best)
            confidence = max(confidence, _confidence(_closeness(best[0]) / 2))
        else:
            missing += 1
            notes.append(_nothing_by(asked, names, within))
    if not chosen:
        return Quoted("not_in_archive", (), 0.0, tuple(notes))
    return Quoted("partly" if missing else "answered", tuple(chosen), confidence, tuple(notes))


def _nothing_by(asked: str, names: Sequence[str], within: Sequence[Candidate]) -> str:
    if not names:
        return f"The archive quotes nobody named {asked}."
    others = [
        c.speaker for c in within if c.speaker and _closeness(c) >= ON_TOPIC and not same_person(c.speaker, names[0])
    ]
    who = f"The archive has no statement by {names[0]} on this"
    return f"{who}; {others[0]} spoke of it." if others else f"{who}."


def _closeness(candidate: Candidate) -> float:
    """How near a sentence is to the topic by its words, its meaning and its passage; 0 to 2.5."""
    return candidate.fit + candidate.cosine + candidate.reach / 2


def _confidence(strength: float) -> float:
    """A strength as a number from 0 to 1, 0.5 at the least that is answered."""
    return 1 / (1 + math.exp(-8 * (strength - ENOUGH)))


def _why(evidence: Evidence, within: Sequence[Candidate]) -> tuple[str, ...]:
    if evidence.query.period and evidence.candidates and not within:
        first, last = evidence.query.period
        return (f"Nothing was found from {first} to {last}; the nearest reports are from other days.",)
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


def _as_said(chosen: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Statements in the order they stand in their article, the article of the best one first."""
    articles = list(dict.fromkeys(c.article.id for c in chosen))
    return tuple(sorted(chosen, key=lambda c: (articles.index(c.article.id), c.span.start)))

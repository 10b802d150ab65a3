"""How hits and sentences are scored: fusion, recency, near-duplicates, and the overlap of question and sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime

# Reciprocal rank fusion as in Cormack, Clarke and Büttcher (SIGIR 2009), with their k.
RRF_K = 60
# Days in which the weight of a report falls to 1/e of its gap to the floor.
RECENCY_DAYS = 30.0
RECENCY_FLOOR = 0.95
# The same where the question speaks of a time.
PERIOD_FLOOR = 0.4
# Articles that report of a day are dated up to this many days later.
REPORTING_LAG_DAYS = 2


def fuse(rankings: Sequence[Sequence[str]]) -> dict[str, float]:
    """Reciprocal rank fusion: score by id, at most ``len(rankings) / (RRF_K + 1)``."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, i in enumerate(ranking, 1):
            scores[i] = scores.get(i, 0.0) + 1.0 / (RRF_K + rank)
    return scores


def recency(
    published: datetime | None, now: datetime | None, period: tuple[date, date] | None, day: date | None
) -> float:
    """Weight of a report, from its floor to 1, by its age at ``now`` or its distance from the period asked for."""
    if period is not None:
        if day is None:
            return PERIOD_FLOOR
        first, last = period
        late = max((day - last).days - REPORTING_LAG_DAYS, 0)
        off = max((first - day).days, late, 0)
        return PERIOD_FLOOR + (1 - PERIOD_FLOOR) * math.exp(-off / RECENCY_DAYS)
    if now is None:
        return 1.0
    if published is None:
        return RECENCY_FLOOR
    # A report from after ``now`` is no better for that; archives of a later day hold the news of the next weeks too.
    age = abs((now - published).total_seconds()) / 86_400
    return RECENCY_FLOOR + (1 - RECENCY_FLOOR) * math.exp(-age / RECENCY_DAYS)


def overlap(
    question: Mapping[str, float], sentence: Sequence[str], context: Sequence[str], context_weight: float = 0.5
) -> float:
    """Share of the question's term weights that the sentence holds, terms in its context counted less; 0 to 1.

    ``question`` maps index terms to their idf; ``context`` is the sentence before and the title.
    """
    total = sum(question.values())
    if total <= 0:
        return 0.0
    here, around = set(sentence), set(context)
    return sum(w * (1.0 if t in here else context_weight if t in around else 0.0) for t, w in question.items()) / total


def idf(frequency: int, passages: int) -> float:
    """Inverse document frequency as BM25 has it, over a hundred more passages that lack the term: in an archive of one
    article every word would else be either everywhere or nowhere. Never negative.
    """
    return math.log(1 + (passages + 100 - frequency + 0.5) / (frequency + 0.5))

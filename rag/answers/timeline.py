"""What happened when: the dated sentences on what a question is about."""

from __future__ import annotations

from rag.answers.citations import citation
from rag.records import Citation
from rag.retrieval.evidence import Candidate, Evidence

MOST = 16
# A sentence belongs on the line when it holds so much of what the best one holds of the question.
SHARE = 0.6


def timeline(evidence: Evidence, most: int = MOST) -> list[Citation]:
    """The best sentence of each dated article that comes near enough, oldest first, numbered in that order."""
    dated = [c for c in evidence.candidates if c.article.published]
    least = SHARE * max((c.reach for c in dated), default=0.0)
    best: dict[str, Candidate] = {}
    for candidate in dated:  # ranked, so the first of an article is its best
        if candidate.reach >= least > 0:
            best.setdefault(candidate.article.id, candidate)
    chosen = sorted(list(best.values())[:most], key=lambda c: (c.article.published_at, c.span.start))
    return [
        citation(n, c.article, c.passage, c.span, c.speaker or "", c.hit.also_in if c.hit else ())
        for n, c in enumerate(chosen, 1)
    ]

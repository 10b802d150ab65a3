"""A question that puts several: each is answered on its own, and what stays open is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.answers.extractive import Quoted, quote
from rag.records import Status
from rag.retrieval.evidence import Candidate, Evidence

# Sentences quoted for one part.
EACH = 2


def quote_parts(whole: Evidence, parts: Sequence[Evidence]) -> Quoted:
    """The sentences that answer each part, in the order asked; "partly" where a part stays without.

    Where no part can be answered alone, whatever answers the question as a whole is quoted.
    """
    answers = [quote(part) for part in parts]
    if not any(answer.chosen for answer in answers):
        return quote(whole)
    chosen: dict[tuple[str, int, int], Candidate] = {}
    notes: list[str] = []
    for part, answer in zip(parts, answers, strict=True):
        for candidate in answer.chosen[:EACH]:
            chosen.setdefault((candidate.article.id, candidate.span.start, candidate.span.end), candidate)
        if not answer.chosen:
            notes.append(f"The archive does not answer this part: {part.query.text}")
        notes += answer.notes
    found = list(dict.fromkeys(notes))
    sure = min(answer.confidence for answer in answers if answer.chosen)
    return Quoted(_status(answers), tuple(_whole(list(chosen.values()))), sure, tuple(found))


def _status(answers: Sequence[Quoted]) -> Status:
    states = {answer.status for answer in answers}
    if states & {"not_in_archive", "partly"}:
        return "partly"
    return "conflicting" if "conflicting" in states else "answered"


def _whole(chosen: Sequence[Candidate]) -> list[Candidate]:
    """Without what another quotation holds already: one part may trim a sentence that another quotes whole."""
    kept: list[Candidate] = []
    for c in chosen:
        same = [k for k in kept if k.article.id == c.article.id and k.span.overlaps(c.span)]
        if same:
            k = same[0]
            if c.span.end > k.span.end:
                kept[kept.index(k)] = replace(k, span=c.span)
            continue
        kept.append(c)
    return kept

"""Evidence → Answer, piece by piece: quoted sentences at once, or a model's text once it has been checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.answers import citations
from rag.answers.extractive import Quoted, quote
from rag.answers.parts import quote_parts
from rag.answers.short import with_short
from rag.answers.whether import whether
from rag.errors import ModelError
from rag.records import Answer, Guard, Sentence
from rag.retrieval.evidence import Evidence
from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from rag.answers.generative import Finish


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """One step of an answer: a sentence more, the text so far that a model has drafted (unchecked), or the finished Answer.

    ``so_far`` is the Answer as far as it is told: what it says stays, the next one and the finished one begin with the
    same sentences and citations.
    """

    draft: str = ""
    so_far: Answer | None = None
    answer: Answer | None = None


def compose(
    evidence: Evidence,
    model: BaseChatModel | str,
    settings: Settings,
    parts: Sequence[Evidence] = (),
    finish: Finish | None = None,
) -> Iterator[AnswerEvent]:
    """The events of one answer; the last carries it. A quoted answer is told sentence by sentence, a model's as drafts.

    ``parts`` are the evidence for each of the questions that the question puts together. ``finish`` makes the answer of
    a model's text; None: what is served, which checks it.
    """
    quoted = quote_parts(evidence, parts) if parts else with_short(evidence, whether(evidence, quote(evidence)))
    if not model or quoted.status == "not_in_archive":
        yield from told(from_quotes(evidence, quoted))
        return
    from rag.answers.generative import checked, write

    try:
        yield from write(evidence, quoted, model, settings, finish or checked)
    except ModelError as error:
        yield from told(from_quotes(evidence, quoted, f"The language model failed ({error}); quoted instead."))


def told(answer: Answer) -> Iterator[AnswerEvent]:
    """An answer sentence by sentence, then whole. Which sentences are quoted is settled for all of them at once: the last
    to be weighed may still come to stand first (see ``with_short``), so none is told before.
    """
    for n in range(1, len(answer.sentences) + 1):
        sentences = answer.sentences[:n]
        cited = {number for sentence in sentences for number in sentence.citations}
        citations_ = tuple(c for c in answer.citations if c.n in cited)
        yield AnswerEvent(so_far=replace(answer, sentences=sentences, citations=citations_))
    yield AnswerEvent(answer=answer)


def from_quotes(evidence: Evidence, quoted: Quoted, *notes: str, guard: Guard | None = None) -> Answer:
    """The quoted sentences as an Answer, each cited at its own place. ``guard`` tells why they stand where a model wrote."""
    numbering = citations.Numbering()
    sentences = tuple(
        Sentence(
            c.text,
            (numbering.cite(c.article, c.passage, c.span, c.speaker or "", c.hit.also_in if c.hit else ()),),
            c.speaker or "",
        )
        for c in quoted.chosen
    )
    return Answer(
        question=evidence.query.text,
        status=quoted.status,
        sentences=sentences,
        citations=numbering.citations,
        nearest=() if sentences else citations.nearest(evidence.hits),
        coverage=evidence.coverage,
        searched=evidence.query.text,
        short=quoted.short,
        confidence=round(quoted.confidence, 3),
        notes=(*evidence.query.notes, *quoted.notes, *notes),
        guard=guard,
    )

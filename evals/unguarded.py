"""What a language model would tell without the check of its sentences: the ablation beside ``ours+PROVIDER:MODEL``. The
product has no such setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rag import Archive
from rag.answers import citations
from rag.answers.compose import compose
from rag.answers.extractive import Quoted
from rag.answers.prompts import Prompt
from rag.records import NOT_IN_ARCHIVE, Answer, Guard, Hit, Sentence, Span, Turn
from rag.retrieval.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Unguarded:
    """The archive as its users have it, but a model's sentences stand as it wrote them."""

    archive: Archive
    model: str

    def search(self, question: str, now: datetime | None, k: int) -> Sequence[Hit]:
        return self.archive.search(question, k=k, now=now)

    def ask(self, question: str, history: Sequence[Turn], now: datetime | None) -> Answer:
        query = self.archive.query(question, history=history, now=now)
        evidence = self.archive.evidence(query)
        parts = [self.archive.evidence(part) for part in query.parts]
        *_, last = compose(evidence, self.model, self.archive.settings, parts, as_written)
        assert last.answer is not None, "the events of an answer end with it"
        return last.answer

    def choose(self, question: str, choices: Sequence[str], now: datetime | None) -> int:
        return self.archive.choose(question, choices, now=now).chosen


def as_written(evidence: Evidence, quoted: Quoted, asked: Prompt, text: str, name: str) -> Answer:
    """Every sentence of the model with the citations that it gave, each of a whole passage; those that name no passage
    point nowhere and are dropped. A reply that is only the refusal it was told to give is one.
    """
    read = citations.marked(text)
    shown = {s.n: s for s in asked.shown}
    numbering = citations.Numbering()
    sentences: list[Sentence] = []
    for span, cited in zip(read.sentences, read.cited, strict=True):
        if (told := span.of(read.text)).strip(" \"'") == NOT_IN_ARCHIVE:
            continue
        places = [(shown[n].article, shown[n].passage) for n in cited if n in shown]
        numbers = [numbering.cite(article, p, Span(p.start, p.end)) for article, p in places]
        sentences.append(Sentence(told, tuple(numbers)))
    unknown = sum(n not in shown for cited in read.cited for n in cited)
    return Answer(
        question=evidence.query.text,
        status=quoted.status if sentences else "not_in_archive",
        sentences=tuple(sentences),
        citations=numbering.citations,
        nearest=() if sentences else citations.nearest(evidence.hits),
        coverage=evidence.coverage,
        searched=evidence.query.text,
        confidence=round(quoted.confidence, 3),
        notes=evidence.query.notes,
        model=name,
        guard=Guard(written=len(sentences), kept=len(sentences), unknown=unknown),
    )

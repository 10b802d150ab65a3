"""The head's spans of whole articles, read along while their passages are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag.indexing import attribution
from rag.indexing.attribution import Attribution, Tagged, Words, words_of
from rag.indexing.embed import Embedder, Vectors
from rag.indexing.links import link
from rag.indexing.sentences import sentences
from rag.indexing.split import split
from rag.records import Article, Passage, Span

# Texts that the head reads at once: more in a step of its recurrent net cost little.
TOGETHER = 32


class TagReader:
    """Tags texts from the token vectors of the pass that embeds them (a ``TokenReader``)."""

    def __init__(self, texts: Sequence[str], leads: Sequence[int], starts: Sequence[Sequence[int]]) -> None:
        """``leads`` are the characters of each text that are not read (a header), ``starts`` where sentences begin."""
        self._texts, self._leads, self._starts = texts, leads, starts
        self._waiting: dict[int, Words] = {}
        self._tagged: list[list[Tagged] | None] = [None] * len(texts)

    def __call__(self, rows: Sequence[int], encodings: Sequence[Any], last: Vectors, third: Vectors) -> None:
        for place, (row, encoding) in enumerate(zip(rows, encodings, strict=True)):
            text, lead, starts = self._texts[row], self._leads[row], self._starts[row]
            self._waiting[row] = words_of(text, encoding, last[place], third[place], lead, starts)
        if len(self._waiting) >= TOGETHER:
            self._tag()

    def _tag(self) -> None:
        for row, runs in zip(self._waiting, attribution.head().tag(list(self._waiting.values())), strict=True):
            self._tagged[row] = runs
        self._waiting.clear()

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> TagReader:
        """A reader of what is embedded of passages, but for their headers."""
        starts = [[span.start for span in passage.inside] for passage in passages]
        return cls([p.embedded for p in passages], [p.lead for p in passages], starts)

    def tagged(self) -> list[list[Tagged] | None]:
        """A list of runs for each text, spans of what follows its first ``leads[i]`` characters (a header); None for a
        text that was not read, as where the embedder yields no token vectors.
        """
        self._tag()
        return self._tagged


def tags_of(passages: Sequence[Passage], tagged: Sequence[Sequence[Tagged] | None]) -> list[Tagged] | None:
    """The runs of an article from those of its passages, in reading order; None where the passages were not read."""
    if any(runs is None for runs in tagged):
        return None
    found = [
        Tagged(run.role, Span(run.span.start + passage.start, run.span.end + passage.start), round(run.sure, 3))
        for passage, runs in zip(passages, tagged, strict=True)
        for run in runs or ()
    ]
    return sorted(found, key=lambda run: run.span.start)


class Attributor:
    """Attributions of articles outside an ingest: embeds their passages, keeps nothing."""

    def __init__(self, embedder: Embedder, budget: int) -> None:
        self._embedder, self._budget = embedder, budget

    def tags(self, article: Article) -> list[Tagged] | None:
        """The runs of an article; None where the embedder yields no token vectors."""
        passages = self._split(article)
        texts = [p.embedded for p in passages]
        reader = TagReader.of(passages)
        self._embedder.embed_passages(texts, [()] * len(texts), reader)
        return tags_of(passages, reader.tagged())

    def embed(self, article: Article) -> None:
        """Embed the article's passages without reading them: what that costs by itself."""
        texts = [p.embedded for p in self._split(article)]
        self._embedder.embed_passages(texts, [()] * len(texts))

    def _split(self, article: Article) -> list[Passage]:
        spans = sentences(article.text)
        return split(article, spans, self._budget, self._embedder.count, self._embedder.window)

    def attributions(self, article: Article) -> list[Attribution]:
        """Who said what, as the head alone finds it, in reading order."""
        starts = [span.start for span in sentences(article.text)]
        return link(article.text, self.tags(article) or [], starts)

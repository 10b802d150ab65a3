"""What to be better than: words alone, vectors alone, and LangChain's stock pipeline. None keeps a conversation in
mind, and none says that the archive does not answer, unless it finds nothing at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from evals.matching import holds_words, words
from evals.records import Dataset
from rag import Archive
from rag.answers.citations import Numbering
from rag.indexing.embed import Embedder, open_embedder
from rag.indexing.sentences import sentences
from rag.records import Answer, Article, Coverage, Hit, Passage, Sentence, Span, Turn
from rag.retrieval import rank
from rag.settings import Settings
from rag.stores.ledger import Filters

ANSWER_SENTENCES = 2
READ = 16
"""Passages that ``bm25`` and ``dense`` look for sentences in, and all for choices; as many as the archive reads."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence that a baseline answers with."""

    hit: Hit
    span: Span


def answer_of(question: str, quotes: Sequence[Quote], coverage: Coverage, confidence: float) -> Answer:
    numbering = Numbering()
    said = tuple(
        Sentence(q.span.of(q.hit.article.text), (numbering.cite(q.hit.article, q.hit.passage, q.span),)) for q in quotes
    )
    return Answer(
        question=question,
        status="answered" if said else "not_in_archive",
        sentences=said,
        citations=numbering.citations,
        nearest=(),
        coverage=coverage,
        searched=question,
        confidence=confidence,
    )


def choose_by_best(choices: Sequence[str], found: Iterable[tuple[float, str, str]]) -> int:
    """The place of the choice that stands in the best of the texts, a little more for each article that holds it.

    ``found`` gives score, article and text. Where no text holds any choice, the first one is chosen.
    """
    wanted = [words(choice) for choice in choices]
    best = [0.0] * len(wanted)
    holders: list[set[str]] = [set() for _ in wanted]
    for score, article, text in found:
        plain = words(text)
        for n, string in enumerate(wanted):
            if holds_words(plain, string):
                best[n] = max(best[n], score)
                holders[n].add(article)
    scores = [score + 0.1 * math.log1p(len(held)) for score, held in zip(best, holders, strict=True)]
    return scores.index(max(scores))


# Over the archive's own passages


class _OverPassages:
    """The indexes of an archive by themselves, without what the archive makes of them."""

    def __init__(self, archive: Archive) -> None:
        # Private, since nobody but a measurement should want one index without the other.
        self._searcher = archive._search()  # pyright: ignore[reportPrivateUsage]
        self._ledger = self._searcher.ledger
        self._vectors = self._searcher._vectors  # pyright: ignore[reportPrivateUsage]
        self._lexical = self._searcher._lexical  # pyright: ignore[reportPrivateUsage]
        self._coverage = self._ledger.coverage()

    def _hits(self, ranked: Iterable[tuple[str, float]]) -> list[Hit]:
        # Equal scores in the order of ids: ranks must not depend on the order in which articles were added.
        pairs = sorted(ranked, key=lambda pair: (-round(pair[1], 5), pair[0]))
        found = self._ledger.passages([i for i, _ in pairs])
        return [Hit(*found[i], score=score) for i, score in pairs if i in found]


class Bm25(_OverPassages):
    """BM25 (tantivy) over the passages; answers with the two sentences of the best 16 that hold most of the question's
    words, weighed by idf, plus what the rank of their passage is worth. No vectors, no recency, no de-duplication.
    """

    def search(self, question: str, now: datetime | None, k: int) -> list[Hit]:
        del now
        return self._hits(self._lexical.search(list(self._searcher.weights(question)), k, Filters()))

    def ask(self, question: str, history: Sequence[Turn], now: datetime | None) -> Answer:
        del history
        ranked = self._ranked(question, now)
        best = ranked[:ANSWER_SENTENCES]
        return answer_of(question, [quote for _, quote in best], self._coverage, best[0][0] if best else 0.0)

    def choose(self, question: str, choices: Sequence[str], now: datetime | None) -> int:
        return choose_by_best(choices, _texts(self._ranked(question, now)))

    def _ranked(self, question: str, now: datetime | None) -> list[tuple[float, Quote]]:
        hits, weights = self.search(question, now, READ), self._searcher.weights(question)
        ranked: list[tuple[float, Quote]] = []
        for n, hit in enumerate(hits, 1):
            title, before = self._searcher.terms(hit.article.title), list[str]()
            for span in hit.passage.sentences:
                terms = self._searcher.terms(span.of(hit.article.text))
                score = rank.overlap(weights, terms, [*title, *before]) + 20 / (rank.RRF_K + n)
                ranked.append((score, Quote(hit, span)))
                before = terms
        ranked.sort(key=lambda pair: -pair[0])  # stable: equal ones in the order of their passages
        return ranked


class Dense(_OverPassages):
    """Nearest passage vectors (Chroma); answers with the two sentences of the best 16 whose own vectors are nearest."""

    def search(self, question: str, now: datetime | None, k: int) -> list[Hit]:
        del now
        return self._hits(self._vectors.search(self._searcher.embed(question), k, Filters()))

    def ask(self, question: str, history: Sequence[Turn], now: datetime | None) -> Answer:
        del history, now
        best = self._ranked(question)[:ANSWER_SENTENCES]
        return answer_of(question, [quote for _, quote in best], self._coverage, best[0][0] if best else 0.0)

    def choose(self, question: str, choices: Sequence[str], now: datetime | None) -> int:
        del now
        return choose_by_best(choices, _texts(self._ranked(question)))

    def _ranked(self, question: str) -> list[tuple[float, Quote]]:
        vector = self._searcher.embed(question)
        hits = self._hits(self._vectors.search(vector, READ, Filters()))
        vectors = self._ledger.sentence_vectors([hit.passage.id for hit in hits])
        ranked = [
            (float(cosine), Quote(hit, span))
            for hit in hits
            for span, cosine in zip(hit.passage.sentences, vectors[hit.passage.id] @ vector, strict=True)
        ]
        ranked.sort(key=lambda pair: -pair[0])
        return ranked


def _texts(ranked: Iterable[tuple[float, Quote]]) -> Iterable[tuple[float, str, str]]:
    return ((score, quote.hit.article.id, quote.span.of(quote.hit.article.text)) for score, quote in ranked)


# LangChain's stock pipeline

CHUNK, OVERLAP, TOP = 1000, 200, 4
"""Characters of a chunk, characters that neighbours share, chunks read: as LangChain's own RAG tutorial has them
(https://docs.langchain.com/oss/python/langchain/rag)."""
_BATCH = 512


class LangChainEmbeddings(Embeddings):
    """The archive's embedder as LangChain takes it, so that stock differs in everything but the vectors' model."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._embedder.embed(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self._embedder.embed([text])[0].tolist()


def stock_chunks(articles: Iterable[tuple[str, str]]) -> list[Document]:
    """Ids and texts of articles through LangChain's recursive splitter; each chunk knows its article and offset."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP, add_start_index=True)
    return splitter.split_documents([Document(text, metadata={"article": i}) for i, text in articles])


def stock_store(folder: Path | None, embeddings: Embeddings) -> Any:
    """LangChain's Chroma store, with its defaults but for telemetry; in memory without a folder."""
    from chromadb.config import Settings as ChromaSettings
    from langchain_chroma import Chroma

    return Chroma(
        "stock",
        embeddings,
        persist_directory=str(folder) if folder else None,
        client_settings=ChromaSettings(
            anonymized_telemetry=False, is_persistent=folder is not None, persist_directory=str(folder or "")
        ),
    )


class Stock:
    """LangChain's recursive splitter, Chroma's similarity, the four best chunks; answers with the first two sentences
    of the best chunk, and of the next where it has fewer. Chunks lie in a folder of their own."""

    def __init__(
        self,
        dataset: Dataset,
        folder: Path,
        settings: Settings,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self._articles = {article.id: article for article in dataset.articles}
        self._store = stock_store(folder, LangChainEmbeddings(open_embedder(settings)))
        chunks = stock_chunks((article.id, article.text) for article in dataset.articles)
        ids = [f"{chunk.metadata['article']}-{chunk.metadata['start_index']}" for chunk in chunks]
        held = set(self._store.get(include=[])["ids"])
        # A folder is named by its articles, so what it holds is right; what a killed run left out is added.
        missing = [(i, chunk) for i, chunk in zip(ids, chunks, strict=True) if i not in held]
        for at in range(0, len(missing), _BATCH):
            part = missing[at : at + _BATCH]
            self._store.add_documents([chunk for _, chunk in part], ids=[i for i, _ in part])
            if progress:
                progress("stock", round(len(self._articles) * (at + len(part)) / len(missing)), at + len(part))
        self.added, self.chunks = len(missing), len(chunks)
        self._coverage = Coverage(len(self._articles), self.chunks, {})

    def search(self, question: str, now: datetime | None, k: int) -> list[Hit]:
        del now
        return [
            self._hit(chunk, -distance) for chunk, distance in self._store.similarity_search_with_score(question, k)
        ]

    def ask(self, question: str, history: Sequence[Turn], now: datetime | None) -> Answer:
        del history
        hits = self.search(question, now, TOP)
        quotes = [Quote(hit, span) for hit in hits for span in hit.passage.sentences]
        return answer_of(question, quotes[:ANSWER_SENTENCES], self._coverage, hits[0].score if hits else 0.0)

    def choose(self, question: str, choices: Sequence[str], now: datetime | None) -> int:
        hits = self.search(question, now, READ)
        return choose_by_best(choices, ((1 / n, h.article.id, h.passage.text) for n, h in enumerate(hits, 1)))

    def _hit(self, chunk: Document, score: float) -> Hit:
        article = self._articles[chunk.metadata["article"]]
        return Hit(_passage(article, chunk.metadata["start_index"], chunk.page_content), article, score)


def _passage(article: Article, start: int, text: str) -> Passage:
    end = start + len(text)
    spans = tuple(Span(start + span.start, start + span.end) for span in sentences(text))
    return Passage(Passage.make_id(article.id, start, end, text), article.id, start, end, text, sentences=spans)

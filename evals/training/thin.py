"""Archives to learn from, made in a fraction of the time: every passage is in the word index, but only those that the
words of some question find near the top are embedded. The others would be read for no question, and embedding a year
of news takes hours.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from evals.records import Dataset
from rag import Archive
from rag.indexing.embed import Embedder, TokenReader, Vectors, open_embedder, unit
from rag.indexing.sentences import sentences
from rag.indexing.split import split
from rag.records import Article, Passage, Span
from rag.retrieval.hybrid import asked_about
from rag.settings import Settings
from rag.stores.ledger import Filters
from rag.stores.lexical import LexicalIndex

DEPTH = 24
"""Passages a question whose vectors are made: as many as are read for answers."""


class _Thin:
    """An embedder that embeds only the wanted texts. The others get vectors of random direction, which are near no
    question and, unlike zeros, do not crowd the nearest-neighbour index."""

    def __init__(self, embedder: Embedder, wanted: set[str]) -> None:
        self._embedder = embedder
        self._wanted = wanted
        self.fingerprint = embedder.fingerprint
        self.window = embedder.window
        self.count = embedder.count
        self.embed = embedder.embed
        self.embed_question = embedder.embed_question
        self._dimensions = embedder.embed_question("a").shape[0]

    def embed_passages(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]], reader: TokenReader | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        del reader  # too few passages are embedded for the head to read an article by
        rows = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        parts = [np.zeros((len(spans), self._dimensions), dtype=np.float32) for spans in sentences]
        embedded = [n for n, text in enumerate(texts) if text in self._wanted]
        vectors, of_sentences = self._embedder.embed_passages(
            [texts[n] for n in embedded], [sentences[n] for n in embedded]
        )
        for n, vector, part in zip(embedded, vectors, of_sentences, strict=True):
            rows[n], parts[n] = vector, part
        for n in set(range(len(texts))) - set(embedded):
            seed = int.from_bytes(hashlib.sha256(texts[n].encode()).digest()[:8])
            rows[n] = np.random.default_rng(seed).standard_normal(self._dimensions)
        return unit(rows), parts


def thin_archive(
    dataset: Dataset, folder: Path, settings: Settings, progress: Callable[[str, int, int], None] | None = None
) -> None:
    """Make, or finish, the archive of the data set in ``folder``, with vectors where some question needs them."""
    whole = folder / "thin.stamp"
    if whole.exists():
        return
    embedder = open_embedder(settings)
    wanted = _wanted(dataset, embedder, settings)
    with Archive(folder, settings, _Thin(embedder, wanted), write=True) as archive:
        archive.add(dataset.articles, source=dataset.name, on_progress=progress)
    whole.touch()


def _wanted(dataset: Dataset, embedder: Embedder, settings: Settings) -> set[str]:
    """What is embedded of the passages that word search ranks among the first ``DEPTH`` for some question."""
    texts: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        words = LexicalIndex(Path(folder), write=True, make=True)
        try:
            batch: list[tuple[Passage, Article]] = []
            for article in dataset.articles:
                spans = sentences(article.text)
                for passage in split(article, spans, settings.passage_tokens, embedder.count, embedder.window):
                    texts[passage.id] = passage.embedded
                    batch.append((passage, article))
                if len(batch) > 2000:
                    words.put(batch)
                    batch.clear()
            words.put(batch)
            return {
                texts[i]
                for question in dataset.questions
                for i, _ in words.search(words.terms(asked_about(question.text)), DEPTH, Filters())
            }
        finally:
            words.close()

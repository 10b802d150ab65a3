"""Passages of marked articles as the attribution head is trained on them: their words' vectors and tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.datasets.polnear import Marked
from rag.indexing.attribution import ROLES, Words, words_of
from rag.indexing.embed import OnnxEmbedder, Vectors
from rag.indexing.sentences import sentences
from rag.indexing.split import split
from rag.records import Span
from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class Window:
    """A passage with its words (spans of the article), their features as float16, and their tags."""

    article: int
    spans: Sequence[Span]
    features: NDArray[np.float16]
    tags: NDArray[np.int64]
    folded: Sequence[str]
    sentences: Sequence[int]

    def words(self) -> Words:
        return Words(self.spans, self.features.astype(np.float32), self.folded, self.sentences)


def windows(marked: Sequence[Marked], settings: Settings, told: Callable[[str], None]) -> list[Window]:
    """Every passage of the articles, read by the embedder."""
    embedder = OnnxEmbedder(settings.cache)
    texts: list[str] = []
    owners: list[tuple[int, int]] = []  # the article, and what is to be added to an offset
    insides: list[tuple[int, list[int]]] = []  # where the words begin, and each sentence
    for n, each in enumerate(marked):
        spans = sentences(each.article.text)
        for passage in split(each.article, spans, settings.passage_tokens, embedder.count, embedder.window):
            texts.append(passage.embedded)
            owners.append((n, passage.start))
            insides.append((passage.lead, [span.start for span in passage.inside]))
    tags = [_tags(each) for each in marked]
    found: dict[int, Window] = {}
    for at in range(0, len(texts), 512):

        def reader(rows: Sequence[int], encodings: Sequence[Any], last: Vectors, third: Vectors, at: int = at) -> None:
            for place, (row, encoding) in enumerate(zip(rows, encodings, strict=True)):
                i = at + row
                words = words_of(texts[i], encoding, last[place], third[place], *insides[i])
                article, shift = owners[i]
                moved = [Span(s.start + shift, s.end + shift) for s in words.spans]
                gold = np.array([tags[article].get(s.start, 0) for s in moved], np.int64)
                # what an annotation begins between two words, or a window cuts, goes on with "inside"
                half = words.features.astype(np.float16)
                found[i] = Window(article, moved, half, gold, words.folded, words.sentences)

        part = texts[at : at + 512]
        embedder.embed_passages(part, [()] * len(part), reader)
        told(f"{min(at + 512, len(texts)):,} of {len(texts):,} passages read")
    return [found[i] for i in sorted(found) if len(found[i].spans)]


def _tags(marked: Marked) -> dict[int, int]:
    """The tag of a word that begins at an offset."""
    out: dict[int, int] = {}
    for attribution in marked.attributions:
        for role, name in enumerate(ROLES):
            for span in getattr(attribution, name):
                out[span.start] = 1 + 2 * role
                for place in range(span.start + 1, span.end):
                    out.setdefault(place, 2 + 2 * role)
    return out

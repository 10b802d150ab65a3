"""The search as a LangChain retriever, for those who build their own chains on it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.archive import Archive
from rag.records import Hit


class NewsRetriever(BaseRetriever):
    """The ``k`` best passages of an archive as Documents, best first.

    ``page_content`` is the passage; ``metadata`` holds ``score``, ``cosine``, ``bm25``, ``article``, ``passage``,
    ``start`` and ``end`` (code points in the article's text), ``title``, ``outlet``, ``published``, ``url``,
    ``also_in``. The filters are those of ``rag.records.FilterKeywords``.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    archive: Archive
    k: int = 10
    since: date | None = None
    until: date | None = None
    outlets: tuple[str, ...] = ()
    now: datetime | None = None
    languages: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        hits = self.archive.search(
            query,
            self.k,
            since=self.since,
            until=self.until,
            outlets=self.outlets,
            now=self.now,
            languages=self.languages,
            speakers=self.speakers,
        )
        return [to_document(hit) for hit in hits]


def to_document(hit: Hit) -> Document:
    metadata: dict[str, Any] = {
        "article": hit.article.id,
        "passage": hit.passage.id,
        "start": hit.passage.start,
        "end": hit.passage.end,
        "title": hit.article.title,
        "outlet": hit.article.outlet,
        "published": hit.article.published,
        "url": hit.article.url,
        "score": hit.score,
        "cosine": hit.cosine,
        "bm25": hit.bm25,
        "also_in": list(hit.also_in),
    }
    return Document(page_content=hit.passage.text, id=hit.passage.id, metadata=metadata)

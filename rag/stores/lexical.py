"""Passage words in tantivy (BM25). The only module that imports tantivy."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import tantivy

from rag.errors import ArchiveCorrupt, ArchiveReadOnly
from rag.records import Article, Passage
from rag.stores.ledger import Filters, rebuild_command

_ANALYZER = "news"
_EVER = (date.min.toordinal(), date.max.toordinal())


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("words", stored=False, tokenizer_name=_ANALYZER)
    builder.add_text_field("outlet", stored=False, tokenizer_name="raw")
    builder.add_integer_field("day", stored=False, indexed=True, fast=True)
    return builder.build()


def _analyzer() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(60))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


class LexicalIndex:
    """BM25 over passages, each read together with its article's title. ``write`` takes tantivy's writer lock, ``make`` makes the
    index where there is none.
    """

    def __init__(self, folder: Path, *, write: bool = False, make: bool = False) -> None:
        self.folder = folder
        self._analyzer = _analyzer()
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        try:
            if make:
                folder.mkdir(parents=True, exist_ok=True)
            elif not tantivy.Index.exists(str(folder)):
                raise ArchiveCorrupt(f"the word index in {folder} is missing; {rebuild_command(folder.parent)}")
            if not write and not os.access(folder, os.W_OK):
                # tantivy makes a lock file even to read; where none can be made, a copy is read.
                self._copy = tempfile.TemporaryDirectory(prefix="dateline-")
                shutil.copytree(folder, self._copy.name, dirs_exist_ok=True)
                folder = Path(self._copy.name)
            self._index = tantivy.Index(_schema(), path=str(folder))
            self._index.register_tokenizer(_ANALYZER, self._analyzer)
            self._index.config_reader("Manual")
            self._index.reload()
            self._writer: Any = self._index.writer(heap_size=64_000_000, num_threads=1) if write else None
            self._searcher = self._index.searcher()
        except (OSError, ValueError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> Exception:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        if isinstance(error, PermissionError) or "ermission" in line or "ead-only" in line:
            return ArchiveReadOnly(f"cannot write {self.folder}: {line}; check the folder's permissions")
        if "No space" in line or "StorageFull" in line:
            return ArchiveReadOnly(f"the disk of {self.folder} is full; free some room and run the command again")
        return ArchiveCorrupt(
            f"the word index in {self.folder} is damaged ({line}); {rebuild_command(self.folder.parent)}"
        )

    def put(self, passages: Sequence[tuple[Passage, Article]], removed: Sequence[str] = ()) -> None:
        """Replace or add ``passages`` and take ``removed`` out, in one commit."""
        try:
            for i in [*removed, *(p.id for p, _ in passages)]:
                self._writer.delete_documents_by_term("id", i)
            for passage, article in passages:
                document = tantivy.Document()
                document.add_text("id", passage.id)
                document.add_text("words", f"{article.title}\n{passage.text}")
                document.add_text("outlet", article.outlet)
                day = article.published_day
                document.add_integer("day", day.toordinal() if day else 0)
                self._writer.add_document(document)
            self._writer.commit()
            self._index.reload()
            self._searcher = self._index.searcher()
        except (OSError, ValueError) as error:
            raise self._told(error) from error

    def terms(self, text: str) -> list[str]:
        """The index terms of a text: lower-cased, accents folded, stemmed; in order, repeated ones too."""
        return self._analyzer.analyze(text)

    def document_frequency(self, term: str) -> int:
        """In how many passages an index term stands."""
        return self._searcher.doc_freq("words", term)

    @property
    def count(self) -> int:
        return self._searcher.num_docs

    def search(
        self, terms: Sequence[str], k: int, filters: Filters, among: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ids of the best ``k`` passages for any of the index terms, with their BM25 score, best first. ``among``
        are the ids of those that may be found (None: all); of the filters, days and outlets are heeded.
        """
        words = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._index.schema, "words", term, index_option="freq"))
            for term in dict.fromkeys(terms)
        ]
        if not words or (among is not None and not among):
            return []
        query = tantivy.Query.boolean_query(words)
        within: list[tuple[Any, Any]] = []
        if filters.since or filters.until:
            first = filters.since.toordinal() if filters.since else _EVER[0]
            last = filters.until.toordinal() if filters.until else _EVER[1]
            days = tantivy.Query.range_query(self._index.schema, "day", tantivy.FieldType.Integer, first, last)
            within.append((tantivy.Occur.Must, tantivy.Query.const_score_query(days, 0.0)))
        if filters.outlets:
            outlets = tantivy.Query.term_set_query(self._index.schema, "outlet", list(filters.outlets))
            within.append((tantivy.Occur.Must, tantivy.Query.const_score_query(outlets, 0.0)))
        # A set of ids is compiled for each search, at a cost that grows with it; of many, most of what is found anyway fits.
        some = among is not None and len(among) ** 2 < k * self.count
        if among is not None and some:
            fitting = tantivy.Query.term_set_query(self._index.schema, "id", list(among))
            within.append((tantivy.Occur.Must, tantivy.Query.const_score_query(fitting, 0.0)))
        if within:
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), *within])
        try:
            return self._best(query, k, None if some or among is None else frozenset(among))
        except (OSError, ValueError) as error:
            raise self._told(error) from error

    def _best(self, query: tantivy.Query, k: int, among: frozenset[str] | None) -> list[tuple[str, float]]:
        """The first ``k`` that fit, read as deep as it takes to have them."""
        deep = k
        while True:
            hits = self._searcher.search(query, limit=deep, count=False).hits
            found = [(self._searcher.doc(address)["id"][0], float(score)) for score, address in hits]
            fitting = found if among is None else [pair for pair in found if pair[0] in among]
            if len(fitting) >= k or len(hits) < deep or among is None:
                return fitting[:k]
            deep *= 4

    def ids(self) -> list[str]:
        """Every id, repeated ones too, so that a passage held twice shows."""
        if not self.count:
            return []
        found = self._searcher.search(tantivy.Query.all_query(), limit=self.count, count=False)
        return [self._searcher.doc(address)["id"][0] for _, address in found.hits]

    def close(self) -> None:
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = None
        if self._copy is not None:
            self._copy.cleanup()

"""Articles in, acknowledged passages out: split, attribute, embed, record, index, acknowledge; a batch at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rag.indexing.attributor import TagReader, tags_of
from rag.indexing.duplicates import bands
from rag.indexing.embed import Embedder, Vectors
from rag.indexing.sentences import sentences
from rag.indexing.speakers import statements
from rag.indexing.split import split
from rag.records import Article, Passage, Remark, Skipped, SourceReport, Span, Unchanged, instant
from rag.stores import seal
from rag.stores.ledger import Ledger, Prepared
from rag.stores.lexical import LexicalIndex
from rag.stores.vectors import VectorIndex, day_number

# Passages embedded and committed together: long enough that commits cost little, short enough that a kill costs little.
BATCH_PASSAGES = 512

OLDER = "the archive holds a newer version of it"

Progress = Callable[[str, int, int], None]
"""Called after each batch with the source's name, the articles read and the passages indexed so far."""


@dataclass
class _Tally:
    """What became of the source that is being read."""

    added: int = 0
    unchanged: int = 0
    updated: int = 0
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    remarks: list[Remark] = field(default_factory=list[Remark])


@dataclass(frozen=True, slots=True)
class _Draft:
    """An article split, not yet embedded and attributed."""

    article: Article
    sentences: Sequence[Span]
    passages: Sequence[Passage]
    bands: Sequence[int] = ()


def _unlike(passages: Sequence[Passage]) -> list[Passage]:
    """The passages without those that repeat an earlier one word for word: hundreds alike, from a text that says the
    same again and again, would crowd all others out of a nearest-neighbour index, and say nothing more.
    """
    first: dict[str, Passage] = {}
    for passage in passages:
        first.setdefault(passage.text, passage)
    return list(first.values())


def _flaw(article: Article) -> str:
    """Why an article cannot be kept; "" when it can."""
    if not article.text.strip():
        return "the article is empty"
    try:
        "".join((article.text, article.title, article.url, article.source, article.outlet)).encode()
        for stated in (article.published, article.modified):
            instant(stated)
    except UnicodeEncodeError:
        return "its text holds lone surrogates; decode it with errors='replace'"
    except ValueError as error:
        return f"{error}; give dates in ISO 8601, as in 2024-06-11T10:44+08:00"
    return ""


class Indexer:
    """Writes articles into the ledger and both indexes. There is one at a time (the archive holds the lock)."""

    def __init__(
        self, ledger: Ledger, vectors: VectorIndex, lexical: LexicalIndex, embedder: Embedder, budget: int
    ) -> None:
        self._ledger = ledger
        self._vectors = vectors
        self._lexical = lexical
        self._embedder = embedder
        self._budget = budget
        self.embedded = 0
        self.embed_seconds = 0.0

    def add(
        self, items: Iterable[Article | Skipped | Remark | Unchanged], source: str, on_progress: Progress | None = None
    ) -> SourceReport:
        """Add what a source yields; returns only when everything counted is in the ledger and both indexes."""
        tally = _Tally()
        batch: dict[str, _Draft] = {}
        waiting = read = done = 0
        versions: dict[str, str] = {}
        for item in items:
            if isinstance(item, Remark):
                tally.remarks.append(item)
                continue
            if isinstance(item, Skipped):
                tally.skipped.append(item)
                continue
            if isinstance(item, Unchanged):
                tally.unchanged += 1
                continue
            read += 1
            if flaw := _flaw(item):
                tally.skipped.append(Skipped(item.source or item.url or item.title, flaw))
                continue
            if item.id in batch:
                done += self._commit(batch)
                batch, waiting = {}, 0
            if not self._wanted(item, tally, versions):
                continue
            prepared = self._prepare(item)
            batch[item.id] = prepared
            waiting += len(prepared.passages)
            if waiting >= BATCH_PASSAGES:
                done += self._commit(batch)
                batch, waiting = {}, 0
                if on_progress:
                    on_progress(source, read, done)
        done += self._commit(batch)
        if on_progress:
            on_progress(source, read, done)
        return SourceReport(
            source, tally.added, tally.unchanged, tally.updated, tuple(tally.skipped), tuple(tally.remarks)
        )

    def _wanted(self, article: Article, tally: _Tally, versions: dict[str, str]) -> bool:
        """Whether an article is new. ``versions`` has the hash of the last version of each that this source gave."""
        before, versions[article.id] = versions.get(article.id), article.content_hash
        held_hash = self._ledger.hashes([article.id]).get(article.id)
        if held_hash is None:
            tally.added += 1
            return True
        if held_hash == article.content_hash:
            tally.unchanged += 1
            return False
        held = self._ledger.articles([article.id])[article.id]
        ours, theirs = instant(article.modified or article.published), instant(held.modified or held.published)
        if ours and theirs and ours < theirs:
            # Whatever the order of sources, the newest version of a URL stays.
            tally.skipped.append(Skipped(article.source or article.url, OLDER))
            return False
        if ours == theirs:
            # Two versions with one date in one source: the one that stands later there is the newer, at each ingest.
            if self._ledger.is_replaced(article.id, article.content_hash):
                tally.unchanged += 1
                return False
            if before is not None and before == held_hash:
                self._ledger.replace(article.id, before)
        tally.updated += 1
        return True

    def _prepare(self, article: Article) -> _Draft:
        spans = sentences(article.text)
        passages = _unlike(split(article, spans, self._budget, self._embedder.count, self._embedder.window))
        return _Draft(article, spans, passages, bands(article.text))

    def _embed(self, batch: Sequence[_Draft]) -> list[Prepared]:
        passages = [p for draft in batch for p in draft.passages]
        if not passages:
            nothing = np.zeros((0, 1), dtype=np.float32)
            return [Prepared(d.article, (), statements(d.article, d.sentences), nothing, (), d.bands) for d in batch]
        begun = time.perf_counter()
        texts = [p.embedded for p in passages]
        reader = TagReader(texts, [p.lead for p in passages])
        vectors, parts = self._embedder.embed_passages(texts, [p.inside for p in passages], reader)
        tagged = reader.tagged()
        self.embed_seconds += time.perf_counter() - begun
        self.embedded += len(passages)
        done: list[Prepared] = []
        at = 0
        for draft in batch:
            mine = slice(at, at + len(draft.passages))
            tags = tags_of(draft.passages, tagged[mine])
            said = statements(draft.article, draft.sentences, tags)
            rows = vectors[mine], parts[mine]
            done.append(Prepared(draft.article, draft.passages, said, *rows, draft.bands, tags))
            at = mine.stop
        return done

    def _commit(self, batch: Mapping[str, _Draft | Prepared]) -> int:
        if not batch:
            return 0
        ready = [one for one in batch.values() if isinstance(one, Prepared)]
        seal.break_open(self._ledger.path.parent)
        self._ledger.record([*ready, *self._embed([one for one in batch.values() if isinstance(one, _Draft)])])
        return self.finish()

    def finish(self) -> int:
        """Bring both indexes to what the ledger has recorded, then acknowledge. Safe to repeat after a kill."""
        pending, removing = self._ledger.unfinished()
        if pending or removing:
            seal.break_open(self._ledger.path.parent)
        for at in range(0, len(pending), BATCH_PASSAGES):
            ids = pending[at : at + BATCH_PASSAGES]
            known = self._ledger.passages(ids, indexed_only=False)
            stored = self._ledger.vectors(ids)
            matrix: Vectors = np.stack([stored[i] for i in ids])
            self._vectors.put(ids, matrix, [day_number(known[i][1]) for i in ids], [known[i][1].outlet for i in ids])
            self._lexical.put([known[i] for i in ids])
            self._ledger.acknowledge(ids, [])
        if removing:
            self._vectors.remove(removing)
            self._lexical.put([], removed=removing)
            self._ledger.acknowledge([], removing)
        return len(pending)

    def remove(self, article_ids: Sequence[str]) -> int:
        """Take articles out; returns, when neither index holds them any more, how many there were."""
        held = self._ledger.hashes(article_ids)
        if held:
            seal.break_open(self._ledger.path.parent)
            self._ledger.remove(list(held))
            self.finish()
        return len(held)

    def copy(self, old: Ledger, *, embed: bool, on_progress: Progress | None = None) -> None:
        """Bring over every article of another ledger: statements are made anew, passages and vectors too with
        ``embed``, and those of an article whose vectors are gone.
        """
        done = 0
        ids = old.article_ids()
        batch: dict[str, _Draft | Prepared] = {}
        waiting = 0
        for n, i in enumerate(ids, 1):
            article = old.articles([i])[i]
            kept = None if embed else self._kept(article, old)
            batch[i] = kept or self._prepare(article)
            waiting += len(batch[i].passages)
            if waiting >= BATCH_PASSAGES or n == len(ids):
                done += self._commit(batch)
                batch, waiting = {}, 0
                if on_progress:
                    on_progress("rebuild", n, done)

    def _kept(self, article: Article, old: Ledger) -> Prepared | None:
        ids = old.passage_ids(article.id)
        passages = [p for p, _ in old.passages(ids, indexed_only=False).values()]
        passages.sort(key=lambda p: p.start)
        vectors, parts = old.vectors(ids), old.sentence_vectors(ids)
        if not passages or any(p.id not in vectors for p in passages):
            return None
        tags = old.tags(article.id)
        said = statements(article, sentences(article.text), tags)
        rows = np.stack([vectors[p.id] for p in passages])
        return Prepared(article, passages, said, rows, [parts[p.id] for p in passages], bands(article.text), tags)

    def close(self) -> None:
        self._lexical.close()
        self._vectors.close()

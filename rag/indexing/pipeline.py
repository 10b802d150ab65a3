"""Articles in, acknowledged passages out: split, attribute, embed, record, index, acknowledge; a batch at a time.

One thread reads the source, splits, and writes the ledger and both indexes; beside it, others embed what it has split:
threads of this process, or the processes of ``rag.indexing.scale``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

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

# Passages committed together: long enough that commits cost little, short enough that a kill costs little.
BATCH_PASSAGES = 512
# Passages embedded together: enough that each finds others of its length (with 128, 1 % more is padding).
EMBEDDED_TOGETHER = 256
# So many lots of them are embedded at a time: while one is at its end the cores have work from the other.
LOTS = 2

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
class Draft:
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


class Stopped(Exception):
    """Nobody waits any more for what is being embedded."""


def prepare(embedder: Embedder, lot: Sequence[Draft], stopped: threading.Event | None = None) -> list[Prepared]:
    """Embed and attribute a lot of drafts. Raises Stopped soon after ``stopped`` is set."""
    passages = [p for draft in lot for p in draft.passages]
    if not passages:
        nothing = np.zeros((0, 1), dtype=np.float32)
        return [Prepared(d.article, (), statements(d.article, d.sentences), nothing, (), d.bands) for d in lot]
    texts = [p.embedded for p in passages]
    reader = TagReader.of(passages)

    def read(rows: Sequence[int], encodings: Sequence[Any], last: Vectors, third: Vectors) -> None:
        if stopped is not None and stopped.is_set():
            raise Stopped
        reader(rows, encodings, last, third)

    vectors, parts = embedder.embed_passages(texts, [p.inside for p in passages], read)
    tagged = reader.tagged()
    done: list[Prepared] = []
    at = 0
    for draft in lot:
        mine = slice(at, at + len(draft.passages))
        tags = tags_of(draft.passages, tagged[mine])
        said = statements(draft.article, draft.sentences, tags)
        rows = vectors[mine], parts[mine]
        done.append(Prepared(draft.article, draft.passages, said, *rows, draft.bands, tags))
        at = mine.stop
    return done


class Workers(Protocol):
    """Whoever embeds lots of drafts, several at a time."""

    @property
    def most(self) -> int:
        """Lots that are in work at a time: with more, a lot waits for its turn."""
        ...

    def send(self, lot: Sequence[Draft]) -> Future[list[Prepared]]: ...
    def stop(self) -> None:
        """Nobody waits any more for the lots that were sent."""
        ...


class Threads:
    """Workers that are threads of this process. Once stopped, they take no more lots."""

    most = LOTS

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._pool = ThreadPoolExecutor(LOTS, "ingest")
        self._stopped = threading.Event()

    def send(self, lot: Sequence[Draft]) -> Future[list[Prepared]]:
        return self._pool.submit(prepare, self._embedder, lot, self._stopped)

    def stop(self) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)


class _Line(AbstractContextManager["_Line"]):
    """Drafts go in, and come out embedded, in the same order, while the caller reads on. At most ``Workers.most`` lots
    are in work and one waits: then ``put`` waits, too. Leaving it early stops what is in work; what fails there is raised
    by the next call.

    Which drafts are a lot does not hinge on who embeds them or how fast: a text's vector differs in its last digits with
    the texts that it is padded with.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._lot: list[Draft] = []
        self._running: deque[Future[list[Prepared]]] = deque()
        self._sent = False
        self._ready: list[Prepared] = []
        self._begun = 0.0
        self.ids: set[str] = set()
        """The articles that were put in and not taken yet."""
        self.embedded = 0
        self.seconds = 0.0
        """Spent while something was being embedded."""

    @property
    def ready(self) -> int:
        """Passages that can be taken."""
        return sum(len(one.passages) for one in self._ready)

    def put(self, item: Draft | Prepared) -> None:
        self.ids.add(item.article.id)
        if isinstance(item, Prepared):
            self._ready.append(item)
            return
        self._lot.append(item)
        # The first lot is small, so that the embedder has work at once.
        enough = EMBEDDED_TOGETHER if self._sent else EMBEDDED_TOGETHER / 4
        if sum(len(draft.passages) for draft in self._lot) >= enough:
            self._send()
        while len(self._running) > self._workers.most or (self._running and self._running[0].done()):
            self._collect()

    def take(self) -> list[Prepared]:
        """What is ready."""
        ready, self._ready = self._ready, []
        self.ids.difference_update(one.article.id for one in ready)
        return ready

    def drain(self) -> list[Prepared]:
        """Everything that was put in, when it is ready."""
        self._send()
        while self._running:
            self._collect()
        return self.take()

    def _send(self) -> None:
        if self._lot:
            if not self._running:
                self._begun = time.perf_counter()
            self._running.append(self._workers.send(self._lot))
            self._lot = []
            self._sent = True

    def _collect(self) -> None:
        done = self._running.popleft().result()
        self.embedded += sum(len(one.passages) for one in done)
        if not self._running:
            self.seconds += time.perf_counter() - self._begun
        self._ready += done

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.stop()


class Indexer:
    """Writes articles into the ledger and both indexes. There is one at a time (the archive holds the lock)."""

    def __init__(
        self,
        ledger: Ledger,
        vectors: VectorIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
        budget: int,
        workers: Workers | None = None,
    ) -> None:
        """``workers`` embed; None: threads of this process. Whoever gave them ends them."""
        self._ledger = ledger
        self._vectors = vectors
        self._lexical = lexical
        self._embedder = embedder
        self._budget = budget
        self._workers = workers
        self.embedded = 0
        self.embed_seconds = 0.0

    def add(
        self, items: Iterable[Article | Skipped | Remark | Unchanged], source: str, on_progress: Progress | None = None
    ) -> SourceReport:
        """Add what a source yields; returns only when everything counted is in the ledger and both indexes."""
        tally = _Tally()
        read = done = 0
        versions: dict[str, str] = {}
        with self._line() as line:
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
                if item.id in line.ids:
                    if versions[item.id] == item.content_hash:
                        tally.unchanged += 1
                        continue
                    done += self._commit(line, line.drain())
                if not self._wanted(item, tally, versions):
                    continue
                line.put(self._prepare(item))
                if line.ready >= BATCH_PASSAGES:
                    done += self._commit(line, line.take())
                    if on_progress:
                        on_progress(source, read, done)
            done += self._commit(line, line.drain())
        if on_progress:
            on_progress(source, read, done)
        return SourceReport(
            source, tally.added, tally.unchanged, tally.updated, tuple(tally.skipped), tuple(tally.remarks)
        )

    def _line(self) -> _Line:
        return _Line(self._workers or Threads(self._embedder))

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

    def _prepare(self, article: Article) -> Draft:
        spans = sentences(article.text)
        passages = _unlike(split(article, spans, self._budget, self._embedder.count, self._embedder.window))
        return Draft(article, spans, passages, bands(article.text))

    def _commit(self, line: _Line, prepared: Sequence[Prepared]) -> int:
        self.embedded += line.embedded
        self.embed_seconds += line.seconds
        line.embedded, line.seconds = 0, 0.0
        if not prepared:
            return 0
        seal.break_open(self._ledger.path.parent)
        self._ledger.record(prepared)
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
        with self._line() as line:
            for n, i in enumerate(ids, 1):
                article = old.articles([i])[i]
                kept = None if embed else self._kept(article, old)
                line.put(kept or self._prepare(article))
                if line.ready >= BATCH_PASSAGES or n == len(ids):
                    done += self._commit(line, line.drain() if n == len(ids) else line.take())
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

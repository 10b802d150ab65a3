"""Archive: the facade. Open one, add articles, ask."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from rag.answers.compose import AnswerEvent, compose
from rag.errors import (
    ArchiveCorrupt,
    ArchiveError,
    ArchiveLocked,
    ArchiveMismatch,
    ArchiveReadOnly,
    QuestionError,
    SourceError,
)
from rag.indexing.embed import Embedder, open_embedder
from rag.indexing.pipeline import OLDER, Indexer, Progress
from rag.records import (
    Answer,
    Article,
    Coverage,
    Hit,
    IngestReport,
    Query,
    Remark,
    Skipped,
    SourceReport,
    Statement,
    Turn,
)
from rag.retrieval.evidence import gather
from rag.retrieval.hybrid import Searcher
from rag.retrieval.question import understand
from rag.settings import Settings
from rag.sources import read
from rag.stores.ledger import Filters, Ledger
from rag.stores.lexical import LexicalIndex
from rag.stores.vectors import VectorIndex

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel

SPLITTER = "1"  # raised when the same article would be split into other passages
QUESTION_CHARS = 4_000
_LOCK = "writer.lock"


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """What an archive holds. ``embedder`` is the fingerprint its vectors were made with."""

    path: str
    articles: int
    passages: int
    pending: int
    undated: int
    outlets: Mapping[str, int]
    since: str
    until: str
    embedder: str
    generation: int
    writer: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What ``verify`` compared and every disagreement it found, a line each; empty when all agree."""

    articles: int
    passages: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


class Archive(AbstractContextManager["Archive"]):
    """A news archive in a folder. Open it with ``Archive.open`` to ask, ``Archive.create`` to add.

    Reading is thread-safe; an open reader notices what another process ingested and shows it from the next call on.
    """

    def __init__(self, path: Path, settings: Settings, embedder: Embedder, *, write: bool) -> None:
        self.path = path
        self.settings = settings
        self._embedder = embedder
        self._write = write
        self._guard = threading.RLock()
        self._searcher: Searcher | None = None
        self._indexer: Indexer | None = None
        self._lock = FileLock(str(path / _LOCK)) if write else None
        if write:
            self._acquire()
        try:
            self._ledger = Ledger(path, write=write)
            if write:
                self._prepare_to_write()
            self._seen = self._ledger.generation
        except BaseException:
            self._release()
            raise

    # Opening and closing

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embeddings: Embeddings | None = None,
    ) -> Archive:
        """Open an archive for asking. ``path`` defaults to the settings' (RAG_ARCHIVE, else ``.archive``).

        Raises ArchiveMissing where there is none, ArchiveMismatch where it was made with another embedder.
        """
        settings = settings or Settings.from_env()
        archive = cls(Path(path or settings.archive), settings, open_embedder(settings, embeddings), write=False)
        try:
            archive._check_made_alike()
        except BaseException:
            archive.close()
            raise
        return archive

    @classmethod
    def create(
        cls,
        path: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embeddings: Embeddings | None = None,
    ) -> Archive:
        """Open an archive for adding, and make it when it is missing. Raises ArchiveLocked while another writes."""
        settings = settings or Settings.from_env()
        archive = cls(Path(path or settings.archive), settings, open_embedder(settings, embeddings), write=True)
        try:
            archive._check_made_alike()
            archive._open_indexer().finish()  # what a killed run recorded but did not index
        except BaseException:
            archive.close()
            raise
        return archive

    def _acquire(self) -> None:
        assert self._lock is not None
        holder = self.path / f"{_LOCK}.holder"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            holder.write_text(
                f"process {os.getpid()}, since {datetime.now().astimezone().isoformat(timespec='seconds')}"
            )
        except Timeout:
            who = holder.read_text() if holder.exists() else "another process"
            raise ArchiveLocked(
                f"{self.path} is being written by {who}; wait for it to end, or stop it, then run this again"
            ) from None
        except OSError as error:
            self._release()
            raise ArchiveReadOnly(
                f"cannot write {self.path}: {error.strerror or error}; choose a folder you may write with --archive"
            ) from error

    def _release(self) -> None:
        if self._lock is not None and self._lock.is_locked:
            self._lock.release()

    def _prepare_to_write(self) -> None:
        made_with = self._ledger.meta()
        if "embedder" not in made_with:
            self._ledger.set_meta({**self._made_with(), "index": "1"})
        current = self._index_folder()
        for folder in self.path.glob("index-*"):
            if folder != current:  # left by an interrupted rebuild
                shutil.rmtree(folder)

    def _made_with(self) -> dict[str, str]:
        return {
            "embedder": self._embedder.fingerprint,
            "splitter": SPLITTER,
            "passage_tokens": str(self.settings.passage_tokens),
        }

    def _check_made_alike(self) -> None:
        held = self._ledger.meta()
        for key, value in self._made_with().items():
            if held.get(key) != value:
                raise ArchiveMismatch(
                    f"{self.path} was made with {key.replace('_', ' ')} {held.get(key)!r}, not {value!r}; set it back, "
                    f"or make the archive anew for this one with: python -m rag rebuild --archive {self.path}"
                )

    def _index_folder(self) -> Path:
        return self.path / f"index-{self._ledger.meta().get('index', '1')}"

    def _open_indexer(self) -> Indexer:
        if self._indexer is None:
            folder = self._index_folder()
            self._indexer = Indexer(
                self._ledger,
                VectorIndex(folder / "chroma"),
                LexicalIndex(folder / "words", write=True),
                self._embedder,
                self.settings.passage_tokens,
            )
        return self._indexer

    def _search(self) -> Searcher:
        """The open indexes, opened again when another process has changed the archive since."""
        with self._guard:
            generation = self._ledger.generation
            if self._searcher is None or generation != self._seen:
                if self._searcher is not None:
                    self._searcher.close()
                folder = self._index_folder()
                if not folder.is_dir():
                    raise ArchiveCorrupt(
                        f"the indexes in {folder} are missing; run: python -m rag rebuild --archive {self.path}"
                    )
                self._searcher = Searcher(
                    self._ledger, VectorIndex(folder / "chroma"), LexicalIndex(folder / "words"), self._embedder
                )
                self._seen = generation
            return self._searcher

    def close(self) -> None:
        with self._guard:
            if self._searcher is not None:
                self._searcher.close()
                self._searcher = None
            if self._indexer is not None:
                self._indexer.close()
                self._indexer = None
            self._ledger.close()
            self._release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Adding

    def add(
        self,
        items: Iterable[Article | Skipped | Remark],
        source: str = "articles",
        *,
        on_progress: Progress | None = None,
    ) -> SourceReport:
        """Add articles; returns when all of them are in the ledger and both indexes."""
        if not self._write:
            raise ArchiveError("this archive is open for reading; open it with Archive.create(path) to add articles")
        return self._open_indexer().add(items, source, on_progress)

    def ingest(
        self,
        sources: Sequence[str],
        *,
        fields: Mapping[str, str] | None = None,
        on_progress: Progress | None = None,
    ) -> IngestReport:
        """Read every source (a file or a folder) and add its articles. A source that fails is reported, not raised."""
        begun = time.perf_counter()
        reports: list[SourceReport] = []
        for source in sources:
            try:
                reports.append(_judged(self.add(read(source, fields=fields), source, on_progress=on_progress)))
            except SourceError as error:
                reports.append(SourceReport(source, failed=str(error)))
        coverage = self._ledger.coverage()
        indexer = self._open_indexer()
        return IngestReport(
            sources=tuple(reports),
            articles=coverage.articles,
            passages=coverage.passages,
            seconds=time.perf_counter() - begun,
            embedded=indexer.embedded,
            embed_seconds=indexer.embed_seconds,
        )

    # Asking

    def query(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        since: date | None = None,
        until: date | None = None,
        outlets: Sequence[str] = (),
        now: datetime | None = None,
    ) -> Query:
        """The question as it will be searched. Raises QuestionError on an empty or overlong one, or a bad filter."""
        asked = " ".join(question.split())
        if not asked:
            raise QuestionError("the question is empty; ask something such as: What did Lavrov say about BRICS?")
        if len(asked) > QUESTION_CHARS:
            raise QuestionError(
                f"the question has {len(asked):,} characters, more than {QUESTION_CHARS:,}; ask a shorter one"
            )
        if since and until and since > until:
            raise QuestionError(f"--since {since} is after --until {until}; swap them")
        known = self._ledger.outlets()
        wanted = tuple(_match_outlet(o, known) for o in outlets)
        understood = understand(asked, history, now=now, today=datetime.now(UTC).date(), ledger=self._ledger)
        return replace(understood, since=since, until=until, outlets=wanted or understood.outlets)

    def search(
        self,
        question: str,
        k: int = 10,
        *,
        since: date | None = None,
        until: date | None = None,
        outlets: Sequence[str] = (),
        now: datetime | None = None,
    ) -> list[Hit]:
        """The ``k`` best passages, best first."""
        query = self.query(question, since=since, until=until, outlets=outlets, now=now)
        with self._guard:
            return self._search().hits(query, k)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        since: date | None = None,
        until: date | None = None,
        outlets: Sequence[str] = (),
        now: datetime | None = None,
        model: BaseChatModel | str | None = None,
    ) -> Answer:
        """The answer to a question, with checked citations. ``model`` overrides the settings' ("": quote only)."""
        answer: Answer | None = None
        for event in self.stream(
            question, history=history, since=since, until=until, outlets=outlets, now=now, model=model
        ):
            answer = event.answer or answer
        assert answer is not None, "a stream ends with its answer"
        return answer

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        since: date | None = None,
        until: date | None = None,
        outlets: Sequence[str] = (),
        now: datetime | None = None,
        model: BaseChatModel | str | None = None,
    ) -> Iterator[AnswerEvent]:
        """As ``ask``, piece by piece: sentences as they are known, drafts of a model's text, the Answer last."""
        begun = time.perf_counter()
        query = self.query(question, history=history, since=since, until=until, outlets=outlets, now=now)
        wanted = self.settings.model if model is None else model
        with self._guard:
            evidence = gather(self._search(), query)
        for event in compose(evidence, wanted, self.settings):
            if event.answer is not None:
                spent = round((time.perf_counter() - begun) * 1000, 1)
                event = replace(event, answer=replace(event.answer, question=question, timing_ms=spent))
            yield event

    def article(self, article_id: str) -> Article:
        """Raises KeyError when the archive holds no such article."""
        return self._ledger.articles([article_id])[article_id]

    def statements(self, article_id: str) -> list[Statement]:
        return self._ledger.statements([article_id])[article_id]

    # Looking after it

    def coverage(
        self, *, since: date | None = None, until: date | None = None, outlets: Sequence[str] = ()
    ) -> Coverage:
        return self._ledger.coverage(Filters(since, until, tuple(outlets)))

    def status(self) -> ArchiveStatus:
        coverage = self._ledger.coverage()
        pending, removing = self._ledger.unfinished()
        meta = self._ledger.meta()
        return ArchiveStatus(
            path=str(self.path),
            articles=coverage.articles,
            passages=coverage.passages,
            pending=len(pending) + len(removing),
            undated=self._ledger.undated(),
            outlets=coverage.outlets,
            since=coverage.since,
            until=coverage.until,
            embedder=meta.get("embedder", ""),
            generation=self._ledger.generation,
            writer=self._writer(),
        )

    def _writer(self) -> str:
        """Who is writing now, "" when nobody is."""
        holder = self.path / f"{_LOCK}.holder"
        if not holder.exists():
            return ""
        probe = FileLock(str(self.path / _LOCK))
        try:
            probe.acquire(timeout=0)
        except Timeout:
            return holder.read_text()
        except OSError:
            return ""  # a folder that cannot be written has no writer
        probe.release()
        return ""

    def verify(self) -> Verification:
        """Compare ledger, Chroma and tantivy: ids, offsets, vectors, and that vectors can be found by a query."""
        problems = self._ledger.check()
        if problems:
            return Verification(0, 0, tuple(problems))
        coverage = self._ledger.coverage()
        pending, removing = self._ledger.unfinished()
        if pending or removing:
            problems.append(
                f"{len(pending)} passages are not indexed yet and {len(removing)} not removed; run: python ingest.py"
            )
        try:
            with self._guard:
                problems += self._search().compare()
        except ArchiveError as error:
            problems.append(str(error))
        return Verification(coverage.articles, coverage.passages, tuple(problems))

    @classmethod
    def rebuild(
        cls,
        path: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embeddings: Embeddings | None = None,
        on_progress: Progress | None = None,
    ) -> ArchiveStatus:
        """Make both indexes anew from the ledger, without fetching; vectors are reused unless the embedder changed.

        The new indexes stand beside the old ones until they are whole, so an interrupted rebuild loses nothing.
        """
        settings = settings or Settings.from_env()
        folder = Path(path or settings.archive)
        if not folder.is_dir():
            Ledger(folder).close()  # raises ArchiveMissing with the command that makes one
        archive = cls(folder, settings, open_embedder(settings, embeddings), write=True)
        with archive:
            ledger = archive._ledger
            made_with, wanted = ledger.meta(), archive._made_with()
            number = int(made_with.get("index", "1")) + 1
            fresh = folder / f"index-{number}"
            indexer = Indexer(
                ledger,
                VectorIndex(fresh / "chroma"),
                LexicalIndex(fresh / "words", write=True),
                archive._embedder,
                settings.passage_tokens,
            )
            try:
                indexer.reindex(embed=any(made_with.get(k) != v for k, v in wanted.items()), on_progress=on_progress)
            finally:
                indexer.close()
            ledger.set_meta({**wanted, "index": str(number)})
            archive._prepare_to_write()
            return archive.status()


def _judged(report: SourceReport) -> SourceReport:
    """A source of which nothing at all could be read has failed."""
    unread = [s for s in report.skipped if s.reason != OLDER]
    if report.added or report.unchanged or report.updated or not unread:
        return report
    return replace(report, failed=f"{report.source}: nothing in it could be read; {unread[0].reason}")


def _match_outlet(wanted: str, known: Mapping[str, int]) -> str:
    for outlet in known:
        if outlet.casefold() == wanted.strip().casefold():
            return outlet
    some = ", ".join(list(known)[:8])
    raise QuestionError(f"no outlet named {wanted!r} in the archive; it has: {some or 'none'}")

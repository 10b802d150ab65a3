"""Archive: the facade. Open one, add articles, ask."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeVar, Unpack

from filelock import FileLock, Timeout

from rag.answers.check import check, speakers_of
from rag.answers.choose import choose, judge, statement_of
from rag.answers.compose import AnswerEvent, compose
from rag.answers.timeline import timeline
from rag.errors import (
    ArchiveCorrupt,
    ArchiveError,
    ArchiveLocked,
    ArchiveMismatch,
    ArchiveMissing,
    ArchiveReadOnly,
    QuestionError,
    SettingsError,
    SourceError,
)
from rag.indexing.embed import Embedder, open_embedder
from rag.indexing.names import same_person
from rag.indexing.pipeline import OLDER, Indexer, Progress
from rag.records import (
    Answer,
    Article,
    Check,
    Choice,
    Citation,
    Coverage,
    FilterKeywords,
    Hit,
    IngestReport,
    Query,
    Quote,
    Remark,
    Skipped,
    SourceReport,
    Statement,
    Turn,
    Unchanged,
)
from rag.retrieval.evidence import Evidence, Scores, gather, is_out
from rag.retrieval.hybrid import Searcher
from rag.retrieval.question import quoted_as, understand
from rag.settings import Settings
from rag.sources import read
from rag.stores import seal
from rag.stores.ingests import Ingested, Ingests
from rag.stores.ledger import Filters, Ledger, rebuild_command
from rag.stores.lexical import LexicalIndex
from rag.stores.vectors import VectorIndex, drop

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel

    from rag.indexing.scale import RayWorkers
    from rag.sources.fetch import Fetcher
    from rag.sources.web import Visit, Web

SPLITTER = "1"  # raised when the same article would be split into other passages
QUESTION_CHARS = 4_000
_TOGETHER = 200  # articles whose statements are read at once
# Indexes are made anew when they have let go of more passages than these, and of so many for each that they hold.
_FEW_GONE, _MOST_GONE = 20, 0.5
Ignored = Literal["dates", "outlets"]
_Told = TypeVar("_Told", Answer, Check)
_LOCK, _CURRENT, CHROMA, WORDS = "writer.lock", "CURRENT", "chroma", "words"
_STORE = re.compile(r"store-[0-9a-f]{8}")


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


class _WriterLock:
    """One writer an archive: a lock of the operating system, which dies with its process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(str(path / _LOCK))

    def acquire(self) -> None:
        holder = self._path / f"{_LOCK}.holder"
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=1)  # `status` holds it for a moment, to see whether it is free
            since = datetime.now().astimezone().isoformat(timespec="seconds")
            holder.write_text(f"process {os.getpid()}, since {since}")
        except Timeout:
            raise ArchiveLocked(
                f"{self._path} is being written by {self.holder() or 'another process'}; "
                "wait for it to end, or stop it, then run this again"
            ) from None
        except OSError as error:
            raise ArchiveReadOnly(
                f"cannot write {self._path}: {error.strerror or error}; choose a folder you may write with --archive"
            ) from error

    def release(self) -> None:
        if self._lock.is_locked:
            self._lock.release()

    def holder(self) -> str:
        """Who was the last to write, "" when nobody ever was."""
        told = self._path / f"{_LOCK}.holder"
        return told.read_text() if told.exists() else ""

    def is_free(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError:
            return True  # a folder that cannot be written has no writer
        self._lock.release()
        return True


class Archive(AbstractContextManager["Archive"]):
    """A news archive in a folder. Open it with ``Archive.open`` to ask, ``Archive.create`` to add.

    Reading is thread-safe; an open reader notices what another process ingested and shows it from the next call on.

    The folder holds the file CURRENT, which names the folder of the ledger and its two indexes; a rebuild makes another
    such folder and renames CURRENT when that is whole.
    """

    def __init__(
        self, path: Path, settings: Settings, embedder: Embedder, *, write: bool, workers: RayWorkers | None = None
    ) -> None:
        self.path = path
        self.settings = settings
        self._embedder = embedder
        self._write = write
        self._workers = workers
        self._guard = threading.RLock()
        self._searcher: Searcher | None = None
        self._indexer: Indexer | None = None
        self._store: Path | None = None
        self._opened: Ledger | None = None
        self._outdated: list[Ledger] = []
        self._seen = -1
        self._sound = False
        self._lock = _WriterLock(path)
        self._ingests = Ingests(path)
        try:
            if write:
                self._lock.acquire()
                self._prepare_to_write()
            _ = self._ledger
        except BaseException:
            self.close()
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
        return cls(Path(path or settings.archive), settings, open_embedder(settings, embeddings), write=False)

    @classmethod
    def create(
        cls,
        path: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embeddings: Embeddings | None = None,
        make: bool = True,
        workers: int = 1,
    ) -> Archive:
        """Open an archive for adding, and make it (unless ``make`` is off) when it is missing. With several ``workers``,
        so many processes embed what is added (``rag.indexing.scale``); given ``embeddings`` must be fit to be pickled
        then. Raises ArchiveLocked while another writes, SettingsError for workers that cannot be had.
        """
        if workers < 1:
            raise SettingsError(f"{workers} workers cannot embed; give 1 or more")
        settings = settings or Settings.from_env()
        if not make and _current(Path(path or settings.archive)) is None:
            raise _missing(Path(path or settings.archive))
        embedder = open_embedder(settings, embeddings)
        scaled: RayWorkers | None = None
        if workers > 1:
            from rag.indexing.scale import RayWorkers

            scaled = RayWorkers(workers, embedder, settings, embeddings)
        archive = cls(Path(path or settings.archive), settings, embedder, write=True, workers=scaled)
        try:
            archive._finish()
        except BaseException:
            archive.close()
            raise
        return archive

    def _finish(self) -> None:
        """Index what a killed run recorded; and what a kill did to the indexes themselves, make good from the ledger."""
        store = self._ledger.path.parent
        if not seal.is_sealed(store) and not self._ledger.is_empty:
            try:
                self._open_indexer().finish()
                problems = self._search().compare()
            except ArchiveCorrupt as error:
                problems = [str(error)]
            if problems:
                self._remake(None)
        self._renew(None)
        self._open_indexer().finish()
        self._sound = True

    def _renew(self, on_progress: Progress | None) -> None:
        """Make indexes anew that have let go of many passages. Chroma's graph keeps a vector that was taken out as a
        stone to step on, and what is added later gets neighbours only among the living, until some of those can no
        longer be reached (chroma-core/chroma#7758; the stress test of the vector index shows it).
        """
        gone = self._ledger.let_go
        if gone > _FEW_GONE and gone > _MOST_GONE * self._ledger.coverage().passages:
            self._remake(on_progress)

    def _remake(self, on_progress: Progress | None) -> None:
        spent = (self._indexer.embedded, self._indexer.embed_seconds) if self._indexer else (0, 0.0)
        self._close_indexes()
        _rebuild(self.path, self.settings, self._embedder, on_progress)
        self._prepare_to_write()
        indexer = self._open_indexer()
        indexer.embedded, indexer.embed_seconds = spent

    def _prepare_to_write(self) -> None:
        """Make the store of a new archive, and remove what an interrupted rebuild left."""
        try:
            current = _current(self.path)
            if current is None:
                store = _new_store(self.path)
                ledger = Ledger(store, write=True)
                ledger.set_meta(_made_with(self._embedder, self.settings))
                ledger.close()
                _switch(self.path, store)
            for folder in self.path.glob("store-*"):
                if _STORE.fullmatch(folder.name) and folder != _current(self.path) and folder.is_dir():
                    drop(folder / CHROMA, self.settings.chroma_url)
                    shutil.rmtree(folder)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _check_made_alike(self, ledger: Ledger) -> None:
        held = ledger.meta()
        for key, value in _made_with(self._embedder, self.settings).items():
            if held.get(key) != value:
                raise ArchiveMismatch(
                    f"{self.path} was made with {key.replace('_', ' ')} {held.get(key)!r}, not {value!r}; set it back, "
                    f"or make the archive anew for this one: {rebuild_command(ledger.path.parent)}"
                )

    @property
    def _ledger(self) -> Ledger:
        """The ledger that is current now: a rebuild, or another archive in the same folder, brings another one."""
        with self._guard:
            store = _current(self.path)
            if store is None:
                raise _missing(self.path)
            if self._opened is None or store != self._store:
                fresh = Ledger(store, write=self._write)
                try:
                    self._check_made_alike(fresh)
                except BaseException:
                    fresh.close()
                    raise
                if self._opened is not None:
                    self._outdated.append(self._opened)  # another thread may be reading it
                self._opened, self._store, self._seen = fresh, store, -1
            return self._opened

    def _open_indexer(self) -> Indexer:
        ledger = self._ledger
        if self._indexer is None:
            self._indexer = _indexer(ledger, self._embedder, self.settings, make=ledger.is_empty, workers=self._workers)
        return self._indexer

    def _search(self) -> Searcher:
        """The open indexes, opened again when the archive has changed since."""
        with self._guard:
            ledger = self._ledger
            generation = ledger.generation
            if self._searcher is None or generation != self._seen:
                if self._searcher is not None:
                    self._searcher.close()
                    self._searcher = None
                vectors = VectorIndex(ledger.path.parent / CHROMA, server=self.settings.chroma_url)
                try:
                    lexical = LexicalIndex(ledger.path.parent / WORDS)
                except BaseException:
                    vectors.close()
                    raise
                self._searcher = Searcher(ledger, vectors, lexical, self._embedder)
                self._seen = generation
            return self._searcher

    def _close_indexes(self) -> None:
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None
        if self._indexer is not None:
            self._indexer.close()
            self._indexer = None

    def close(self) -> None:
        with self._guard:
            if self._workers is not None:
                self._workers.close()
            self._close_indexes()
            folded = self._sound and self._opened is not None and self._opened.fold()
            for ledger in (*self._outdated, *([self._opened] if self._opened else [])):
                ledger.close()
            if folded and self._store is not None and not seal.is_sealed(self._store):
                with suppress(OSError):  # without a seal, the next writer looks at everything
                    seal.seal(self._store)
            self._sound = False
            self._outdated.clear()
            self._lock.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Adding

    def add(
        self,
        items: Iterable[Article | Skipped | Remark | Unchanged],
        source: str = "articles",
        *,
        on_progress: Progress | None = None,
    ) -> SourceReport:
        """Add articles; returns when all of them are in the ledger and both indexes."""
        with self._writing("add", on_progress) as indexer:
            return indexer.add(items, source, on_progress)

    def remove(self, ids: Sequence[str]) -> int:
        """Remove articles by id; returns how many there were, when the ledger and both indexes have let go of them."""
        with self._writing("remove") as indexer:
            return indexer.remove(ids)

    @contextmanager
    def _writing(self, what: str, on_progress: Progress | None = None) -> Generator[Indexer]:
        if not self._write:
            raise ArchiveError(
                f"this archive is open for reading; open it with Archive.create(path) to {what} articles"
            )
        try:
            yield self._open_indexer()
            self._renew(on_progress)
        except SourceError:
            raise
        except BaseException:
            self._sound = False
            raise

    def ingest(
        self,
        sources: Sequence[str],
        *,
        fields: Mapping[str, str] | None = None,
        fetcher: Fetcher | None = None,
        on_progress: Progress | None = None,
        on_source: Callable[[SourceReport], None] | None = None,
    ) -> IngestReport:
        """Read every source (a file, a folder, an address) and add its articles. A source that fails is reported, not
        raised. ``fetcher`` fetches what lies on the web (None: one that allows no host inside this network);
        ``on_source`` is called with the report of each source when it is done.
        """
        begun = time.perf_counter()
        reports: list[SourceReport] = []
        for source in sources:
            memory = _Memory(lambda: self._ledger)
            try:
                items = read(source, fields=fields, web=memory.web(fetcher) if "://" in source else None)
                reports.append(_judged(self.add(items, source, on_progress=on_progress)))
                memory.keep()  # only now: what was fetched is in the archive
            except SourceError as error:
                reports.append(SourceReport(source, failed=str(error)))
            if on_source:
                on_source(reports[-1])
        self._ingests.keep(reports)
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
        languages: Sequence[str] = (),
        speakers: Sequence[str] = (),
    ) -> Query:
        """The question as it will be searched, within filters (see ``FilterKeywords``). Raises QuestionError on an empty or
        overlong one, or a bad filter.
        """
        asked = " ".join(question.encode("utf-8", "replace").decode().replace("\0", " ").split())
        if now is not None and now.tzinfo is None:
            now = now.replace(tzinfo=UTC)
        if not asked:
            raise QuestionError("the question is empty; ask something such as: What did Lavrov say about BRICS?")
        if len(asked) > QUESTION_CHARS:
            raise QuestionError(
                f"the question has {len(asked):,} characters, more than {QUESTION_CHARS:,}; ask a shorter one"
            )
        wanted = self._outlets_of(since, until, outlets)
        understood = understand(asked, history, now=now, today=datetime.now(UTC).date(), ledger=self._ledger)
        written = tuple(_match_language(language, self._ledger.languages()) for language in languages)
        said_by = tuple(dict.fromkeys(name for who in speakers for name in self._names_of(who)))

        def narrowed(query: Query) -> Query:
            query = replace(query, since=since, until=until, outlets=wanted or query.outlets, languages=written)
            return _in_words_of(query, said_by, speakers) if said_by else query

        return replace(narrowed(understood), parts=tuple(map(narrowed, understood.parts)))

    def _outlets_of(self, since: date | None, until: date | None, outlets: Sequence[str]) -> tuple[str, ...]:
        """The outlets as the archive names them. Raises QuestionError for one it lacks, and for days in the wrong order."""
        if since and until and since > until:
            raise QuestionError(f"--since {since} is after --until {until}; swap them")
        known = self._ledger.outlets()
        return tuple(_match_outlet(o, known) for o in outlets)

    def _names_of(self, speaker: str) -> list[str]:
        """Every name by which the archive quotes a person or body. Raises QuestionError where it does not."""
        found = quoted_as(speaker, self._ledger)
        if not found:
            alike = " or ".join(self._ledger.speakers_like(speaker))
            raise QuestionError(
                f"the archive quotes nobody named {speaker!r}; "
                + (f"did you mean {alike}?" if alike else "leave the speaker out, or give another name")
            )
        return found

    def search(
        self,
        question: str,
        k: int = 10,
        **filters: Unpack[FilterKeywords],
    ) -> list[Hit]:
        """The ``k`` best passages, best first; of ``speakers``, those that hold words of theirs."""
        query = self.query(question, **filters)
        with self._guard:
            return self._search().hits(query, k)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        model: BaseChatModel | str | None = None,
        **filters: Unpack[FilterKeywords],
    ) -> Answer:
        """The answer to a question, with checked citations. ``model`` overrides the settings' ("": quote only)."""
        answer: Answer | None = None
        for event in self.stream(question, history=history, model=model, **filters):
            answer = event.answer or answer
        assert answer is not None, "a stream ends with its answer"
        return answer

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        model: BaseChatModel | str | None = None,
        ignore: Collection[Ignored] = (),
        **filters: Unpack[FilterKeywords],
    ) -> Iterator[AnswerEvent]:
        """As ``ask``, piece by piece: quoted sentences one by one, drafts of a model's text, the Answer last.

        ``ignore`` names what the question's own words shall not narrow the search to: its "dates", its "outlets".
        """
        begun = time.perf_counter()
        query = self.query(question, history=history, **filters)
        query = _without(query, ignore, filters.get("outlets", ()))
        wanted = self.settings.model if model is None else model
        evidence = self.evidence(query)
        parts = [self.evidence(part) for part in query.parts]
        for event in compose(evidence, wanted, self.settings, parts):
            spent = round((time.perf_counter() - begun) * 1000, 1)
            so_far, answer = (
                a and replace(self._corrected(a, query), question=question, timing_ms=spent)
                for a in (event.so_far, event.answer)
            )
            yield replace(event, so_far=so_far, answer=answer)

    def _corrected(self, found: _Told, query: Query) -> _Told:
        cited = self._with_corrections(found.citations, query), self._with_corrections(found.nearest, query)
        return replace(found, citations=cited[0], nearest=cited[1])

    def _with_corrections(self, cited: Sequence[Citation], query: Query) -> tuple[Citation, ...]:
        """Citations with what was corrected in their articles by then."""
        found = self._ledger.corrections(list({c.article for c in cited}))
        told = {i: tuple(c for c in corrections if is_out(c, query)) for i, corrections in found.items()}
        return tuple(replace(c, corrections=told.get(c.article, ())) for c in cited)

    def evidence(self, query: Query, scores: Scores | None = None) -> Evidence:
        """What the archive holds for a query (see ``query``): what an answer is made of. ``scores`` ranks the sentences by
        their features; None: as the learned ranker does.
        """
        with self._guard:
            searcher = self._search()
            with searcher.ledger.snapshot():
                return gather(searcher, query, scores)

    def timeline(self, question: str, **filters: Unpack[FilterKeywords]) -> list[Citation]:
        """Dated sentences on what a question is about, oldest first, one an article."""
        query = self.query(question, **filters)
        return list(self._with_corrections(timeline(self.evidence(query)), query))

    def check(self, claim: str, **filters: Unpack[FilterKeywords]) -> Check:
        """What the archive says to a claim: sentences for it, sentences against it, or neither."""
        begun = time.perf_counter()
        query = self.query(claim, **filters)
        said = speakers_of(query.text)
        notes = tuple(dict.fromkeys((*query.notes, *_others(said, query.said_by, filters.get("speakers", ())))))
        query = replace(query, speakers=said, wants_speaker=False, wants_latest=False, notes=notes)
        found = check(self.evidence(query), (filters.get("now") or datetime.now(UTC)).date())
        found = self._corrected(found, query)
        return replace(found, claim=claim, timing_ms=round((time.perf_counter() - begun) * 1000, 1))

    def choose(self, question: str, choices: Sequence[str], **filters: Unpack[FilterKeywords]) -> Choice:
        """The one of the choices that the archive bears out best. Raises QuestionError without two that hold words."""
        begun = time.perf_counter()
        query = self.query(question, **filters)
        if len(choices) < 2 or not all(re.search(r"\w", choice) for choice in choices):
            raise QuestionError("give at least two choices, each with a word in it")
        if (size := sum(map(len, choices))) > QUESTION_CHARS:
            raise QuestionError(
                f"the choices have {size:,} characters, more than {QUESTION_CHARS:,}; give shorter ones"
            )

        statement = statement_of(query.text, choices)
        if statement:
            found = judge(query, choices, self.check(statement, **filters))
        else:
            with self._guard:
                searcher = self._search()
                with searcher.ledger.snapshot():
                    found = choose(searcher, query, choices)
        cited = self._with_corrections(found.citations, query)
        return replace(
            found, question=question, citations=cited, timing_ms=round((time.perf_counter() - begun) * 1000, 1)
        )

    def article(self, article_id: str) -> Article:
        """Raises KeyError when the archive holds no such article."""
        return self._ledger.articles([article_id])[article_id]

    def known(self, ids: Sequence[str]) -> list[str]:
        """Those of the article ids that the archive holds, each once."""
        held = self._ledger.hashes(list(dict.fromkeys(ids)))
        return [i for i in dict.fromkeys(ids) if i in held]

    def statements(self, article_id: str) -> list[Statement]:
        return self._ledger.statements([article_id])[article_id]

    def articles(self, ids: Sequence[str]) -> dict[str, Article]:
        """By id; those that the archive does not hold are absent."""
        return self._ledger.articles(ids)

    def newest(self, limit: int) -> list[Article]:
        """The newest articles, newest first; the undated come last."""
        ids = self._ledger.newest(Filters(), limit)
        found = self._ledger.articles(ids)
        return [found[i] for i in ids if i in found]

    def days(self) -> dict[str, int]:
        """Articles by the day they were published on (ISO), oldest first, without the undated."""
        return self._ledger.days()

    def days_by_outlet(self) -> dict[str, dict[str, int]]:
        """Articles by the day they were published on (ISO), oldest first, and by outlet, without the undated."""
        return self._ledger.days_by_outlet()

    def languages(self) -> dict[str, int]:
        """Articles by the code of their language ("" where it is not known), largest first."""
        return self._ledger.languages()

    def most_quoted(self, limit: int) -> list[str]:
        """The speakers whose words stand in the most articles, these first."""
        return self._ledger.most_quoted(limit)

    def quotes(
        self,
        *,
        speaker: str = "",
        about: str = "",
        since: date | None = None,
        until: date | None = None,
        outlets: Sequence[str] = (),
    ) -> Iterator[Quote]:
        """Who said what, the newest article first, within an article as they stand there.

        ``speaker`` is a person's or body's name or surname ("": anybody's, also where it is not known whose); of
        ``about`` every word must stand in the statement, in any form that the word index takes for the same.
        """
        filters = Filters(since, until, self._outlets_of(since, until, outlets))
        with self._guard:
            searcher = self._search()
        wanted = set(searcher.terms(about))
        names = quoted_as(speaker, self._ledger)
        if (speaker and not names) or (about and not wanted):
            return
        ids = self._ledger.articles_with_statements(names, filters)
        for at in range(0, len(ids), _TOGETHER):
            part = ids[at : at + _TOGETHER]
            articles, said = self._ledger.articles(part), self._ledger.statements(part)
            for article in (articles[i] for i in part if i in articles):
                for statement in said[article.id]:
                    quote = Quote(statement, article)
                    if speaker and statement.speaker not in names:
                        continue
                    if not wanted or wanted <= set(searcher.terms(quote.text)):
                        yield quote

    # Looking after it

    def coverage(
        self, *, since: date | None = None, until: date | None = None, outlets: Sequence[str] = ()
    ) -> Coverage:
        return self._ledger.coverage(Filters(since, until, tuple(outlets)))

    def ingests(self) -> list[Ingested]:
        """What became of each source when it was last ingested, the last one first."""
        return self._ingests.reports()

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
            writer="" if self._lock.is_free() else self._lock.holder(),
        )

    def verify(self) -> Verification:
        """Compare ledger, Chroma and tantivy: ids, offsets, vectors, and that vectors can be found by a query."""
        problems = self._ledger.check()
        if problems:
            return Verification(0, 0, tuple(problems))
        coverage = self._ledger.coverage()
        problems += _damaged(self._ledger.path.parent)
        if problems:  # an index is not opened whose files are known to be wrong: it might end the process
            return Verification(coverage.articles, coverage.passages, tuple(problems))
        pending, removing = self._ledger.unfinished()
        if pending or removing:
            problems.append(
                f"{len(pending)} passages are not indexed yet and {len(removing)} not removed; ingest again, or "
                f"{rebuild_command(self._ledger.path.parent)}"
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
        if _current(folder) is None:
            raise ArchiveMissing(f"no archive at {folder}; nothing to rebuild")
        embedder = open_embedder(settings, embeddings)
        lock = _WriterLock(folder)
        lock.acquire()
        try:
            _rebuild(folder, settings, embedder, on_progress)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        finally:
            lock.release()
        with cls(folder, settings, embedder, write=True) as archive:  # also removes the store that was replaced
            return archive.status()


def _without(query: Query, ignore: Collection[Ignored], chosen: Sequence[str]) -> Query:
    """A query that is not narrowed to what its own words name; what the user chose (``chosen`` outlets) stays."""
    if "dates" in ignore:
        query = replace(query, period=None, strict=False)
    if "outlets" in ignore and not chosen:
        query = replace(query, outlets=())
    return replace(query, parts=tuple(_without(part, ignore, chosen) for part in query.parts)) if ignore else query


def _in_words_of(query: Query, said_by: tuple[str, ...], speakers: Sequence[str]) -> Query:
    """A query narrowed to the statements of some people: where it asks for nobody's words, it asks for theirs."""
    asked = query.speakers or (() if query.wants_speaker else tuple(speakers))
    notes = (*query.notes, *_others(query.speakers, said_by, speakers))
    return replace(query, said_by=said_by, speakers=asked, notes=notes)


def _others(asked: Sequence[str], said_by: Sequence[str], speakers: Sequence[str]) -> list[str]:
    """A note, where the words of others are asked for than the filter ``speakers`` lets be searched."""
    if not said_by or all(any(same_person(who, name) for name in said_by) for who in asked):
        return []
    return [f"searched only in the words of {', '.join(speakers)}"]


def _made_with(embedder: Embedder, settings: Settings) -> dict[str, str]:
    """What an archive is made with; opened with anything else, its vectors or passages would not fit."""
    return {
        "embedder": embedder.fingerprint,
        "splitter": SPLITTER,
        "passage_tokens": str(settings.passage_tokens),
    }


def _cannot_write(path: Path, error: OSError) -> ArchiveReadOnly:
    return ArchiveReadOnly(
        f"cannot write {path}: {error.strerror or error}; check its permissions and the room on its disk"
    )


def _missing(path: Path) -> ArchiveMissing:
    return ArchiveMissing(
        f"no archive at {path}; make one with: python ingest.py SOURCE --archive {shlex.quote(str(path))}"
    )


def _damaged(store: Path) -> list[str]:
    """What has happened to a sealed store's files, a line each."""
    try:
        return [f"{store / name} is not as it was written; {rebuild_command(store)}" for name in seal.damaged(store)]
    except OSError as error:
        return [f"cannot read {store}: {error.strerror or error}; check its permissions"]


def _current(path: Path) -> Path | None:
    """The folder of the archive's ledger and indexes, None where there is no archive."""
    try:
        name = (path / _CURRENT).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ArchiveError(
            f"cannot read {path}: {error.strerror or error}; check the path and its permissions"
        ) from error
    except UnicodeDecodeError:
        name = ""
    if not _STORE.fullmatch(name) or not (path / name).is_dir():
        raise ArchiveCorrupt(
            f"{path / _CURRENT} names no folder of this archive; write the name of its store-… folder there"
        )
    return path / name


def _new_store(path: Path) -> Path:
    store = path / f"store-{secrets.token_hex(4)}"
    store.mkdir()
    return store


def _switch(path: Path, store: Path) -> None:
    """Make ``store`` the archive's current one: whole or not at all."""
    draft = path / f"{_CURRENT}.new"
    with draft.open("w") as out:
        out.write(f"{store.name}\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path / _CURRENT)


def _indexer(
    ledger: Ledger, embedder: Embedder, settings: Settings, *, make: bool, workers: RayWorkers | None = None
) -> Indexer:
    vectors = VectorIndex(ledger.path.parent / CHROMA, make=make, server=settings.chroma_url)
    try:
        lexical = LexicalIndex(ledger.path.parent / WORDS, write=True, make=make)
    except BaseException:
        vectors.close()
        raise
    return Indexer(ledger, vectors, lexical, embedder, settings.passage_tokens, workers)


def _rebuild(path: Path, settings: Settings, embedder: Embedder, on_progress: Progress | None) -> None:
    current = _current(path)
    assert current is not None
    old = Ledger(current)
    try:
        held = old.meta()
        wanted = _made_with(embedder, settings)
        store = _new_store(path)
        fresh = Ledger(store, write=True)
        try:
            fresh.set_meta({**wanted, "generation": held.get("generation", "0")})
            fresh.take_memory(old)
            indexer = _indexer(fresh, embedder, settings, make=True)
            try:
                indexer.copy(old, embed=any(held.get(k) != v for k, v in wanted.items()), on_progress=on_progress)
            finally:
                indexer.close()
        finally:
            fresh.close()
        seal.seal(store)
        _switch(path, store)
    finally:
        old.close()


class _Memory:
    """Which addresses were read before, by the ledger; new ones are kept there only when ``keep`` is called."""

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        """``ledger`` gives the one that is current then: what is added meanwhile may have it made anew."""
        self._ledger = ledger
        self._new: dict[str, Visit] = {}

    def web(self, fetcher: Fetcher | None) -> Web:
        from rag.sources.fetch import Fetcher
        from rag.sources.web import Web

        return Web(fetcher or Fetcher(), self)

    def recall(self, url: str) -> Visit | None:
        from rag.sources.web import Visit

        held = self._ledger().visit(url)
        return self._new.get(url) or (Visit(*held) if held else None)

    def remember(self, url: str, visit: Visit) -> None:
        self._new[url] = visit

    def keep(self) -> None:
        if self._new:
            self._ledger().remember((url, v.etag, v.modified, v.version) for url, v in self._new.items())


def _judged(report: SourceReport) -> SourceReport:
    """A source of which nothing at all could be read has failed."""
    unread = [s for s in report.skipped if s.reason != OLDER]
    if report.added or report.unchanged or report.updated or not unread:
        return report
    return replace(report, failed=f"{report.source}: nothing in it could be read; {unread[0].reason}")


def _match_language(wanted: str, known: Mapping[str, int]) -> str:
    code = re.split(r"[-_]", wanted.strip().casefold())[0]
    if code in (held := {language.casefold(): language for language in known if language}):
        return held[code]
    some = ", ".join(list(held.values())[:20])
    raise QuestionError(f"no article in the language {wanted!r} in the archive; it has: {some or 'none that is known'}")


def _match_outlet(wanted: str, known: Mapping[str, int]) -> str:
    for outlet in known:
        if outlet.casefold() == wanted.strip().casefold():
            return outlet
    some = ", ".join(list(known)[:8])
    raise QuestionError(f"no outlet named {wanted!r} in the archive; it has: {some or 'none'}")

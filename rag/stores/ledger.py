"""The ledger: one SQLite file that is the record of everything the archive holds.

Chroma and tantivy are indexes made from it. A passage is ``pending`` until both hold it, then ``indexed``; the passages
of an article that changed or went are ``removing`` until both have let go of them. Only the ledger knows; so the
indexes can be checked against it and made again from it, vectors included (float16, as they are indexed).
"""

from __future__ import annotations

import shlex
import sqlite3
import threading
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rag.errors import ArchiveCorrupt, ArchiveError, ArchiveMismatch, ArchiveReadOnly
from rag.indexing.attribution import ROLES, Tagged
from rag.indexing.embed import Vectors, unit
from rag.indexing.names import acronym, is_acronym, name_tokens, nearly, same_person
from rag.records import Article, Correction, Coverage, Passage, Span, Statement
from rag.stores import corrections, seal, stories

SCHEMA_VERSION = 4
FILE = "ledger.sqlite3"
# Filters for which a reader keeps the counts of what is searched.
COUNTS_KEPT = 100
_Counted = TypeVar("_Counted")


def rebuild_command(store: Path) -> str:
    """The cure for a damaged index, for the archive whose files lie in the folder ``store``."""
    return f"run: python -m rag rebuild --archive {shlex.quote(str(store.parent))}"


_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, url TEXT NOT NULL, source TEXT NOT NULL,
    outlet TEXT NOT NULL, byline TEXT NOT NULL, published TEXT NOT NULL, modified TEXT NOT NULL,
    dateline TEXT NOT NULL, event_date TEXT NOT NULL, agency TEXT NOT NULL, editors TEXT NOT NULL,
    language TEXT NOT NULL, day INTEGER, content_hash TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX articles_by_day ON articles (day, outlet);
CREATE TABLE passages (
    id TEXT PRIMARY KEY, article TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, header TEXT NOT NULL,
    sentences BLOB NOT NULL, state TEXT NOT NULL CHECK (state IN ('pending', 'indexed', 'removing'))
) WITHOUT ROWID;
CREATE TABLE vectors (passage TEXT PRIMARY KEY, vector BLOB NOT NULL, sentences BLOB NOT NULL);
CREATE INDEX passages_by_article ON passages (article, start);
CREATE INDEX passages_not_indexed ON passages (state) WHERE state <> 'indexed';
CREATE TABLE statements (
    article TEXT NOT NULL, ordinal INTEGER NOT NULL, speaker TEXT NOT NULL, kind TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, cue_start INTEGER, cue_end INTEGER,
    source_start INTEGER, source_end INTEGER, manner TEXT NOT NULL DEFAULT 'stated',
    confidence REAL NOT NULL DEFAULT 1.0, PRIMARY KEY (article, ordinal)
) WITHOUT ROWID;
CREATE TABLE speakers (token TEXT NOT NULL, speaker TEXT NOT NULL, article TEXT NOT NULL,
    PRIMARY KEY (token, speaker, article)) WITHOUT ROWID;
CREATE INDEX speakers_by_article ON speakers (article);
"""
# Tables that came with version 3, and with version 4.
_STORIES, _CORRECTIONS = 3, 4
_ADDED = f"""
CREATE TABLE tags (article TEXT PRIMARY KEY, runs BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE visits (
    url TEXT PRIMARY KEY, etag TEXT NOT NULL, modified TEXT NOT NULL, version TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE replaced (
    article TEXT NOT NULL, content_hash TEXT NOT NULL, PRIMARY KEY (article, content_hash)
) WITHOUT ROWID;
{stories.TABLES}
"""
# What brings a ledger of each version before to the next. One of version 2 holds no tags and no stories: its statements
# stay as they are until its articles are embedded again, copies are found by a rebuild. What corrects what is found at
# once in the articles.
_UPGRADES = {
    2: f"""
ALTER TABLE statements ADD COLUMN manner TEXT NOT NULL DEFAULT 'stated';
ALTER TABLE statements ADD COLUMN confidence REAL NOT NULL DEFAULT 1.0;
{_ADDED}
""",
    3: corrections.TABLES,
}
_SEPARATOR = "\x1f"
_ARTICLE = (
    "id, title, text, url, source, outlet, byline, published, modified, dateline, event_date, agency, editors, language"
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article with everything that was made from it: what one transaction of the ledger records."""

    article: Article
    passages: Sequence[Passage]
    statements: Sequence[Statement]
    vectors: Vectors
    sentence_vectors: Sequence[Vectors]
    bands: Sequence[int] = ()
    tags: Sequence[Tagged] | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is restricted to. ``since`` and ``until`` are inclusive days; no outlets means all.

    ``languages`` are codes as articles have them, ``speakers`` names as the archive has them: articles that report words
    of one of these, and of their passages those in which such words stand.
    """

    since: date | None = None
    until: date | None = None
    outlets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.since or self.until or self.outlets or self.languages or self.speakers)

    @property
    def by_ledger(self) -> bool:
        """Whether the indexes alone do not know what fits."""
        return bool(self.languages or self.speakers)


class Ledger:
    """The file ``ledger.sqlite3`` in a folder. ``write`` opens it for writing and makes it when it is missing.

    Threads may share a ledger: each call borrows a connection from a pool. Within ``snapshot`` all reads of a thread
    see one state of the file, whatever is written meanwhile.
    """

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        self.path = folder / FILE
        self._write = write
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._held = threading.local()
        self._closed = False
        self._counts: tuple[int, dict[Hashable, Any]] = (-1, {})
        if not self.path.exists() and not write:
            raise ArchiveCorrupt(f"{self.path} is missing; put back a copy of it, or ingest again into a new folder")
        try:
            version = self._all("PRAGMA user_version")[0][0]
            if version == 0 and write:
                with self._connection() as db, self._telling():
                    tables = f"{_SCHEMA} {_ADDED} {corrections.TABLES}"
                    db.executescript(f"BEGIN; {tables} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
                version = SCHEMA_VERSION
            if version in _UPGRADES and write:
                seal.break_open(folder)
                self._upgrade(version)
                version = SCHEMA_VERSION
            self._version = version  # an older one is read as it is, without what came since
            if version != SCHEMA_VERSION and version not in _UPGRADES:
                raise ArchiveMismatch(
                    f"{self.path} has schema {version}, this program knows {SCHEMA_VERSION}; "
                    + ("upgrade it" if version > SCHEMA_VERSION else "ingest again into a new folder")
                )
        except BaseException:
            self.close()
            raise

    def _upgrade(self, version: int) -> None:
        """Bring the file to this schema in one transaction."""
        with self._transaction() as db:
            for before in range(version, SCHEMA_VERSION):
                for statement in _UPGRADES[before].split(";"):  # (a script would end the transaction)
                    db.execute(statement)
            corrections.enter_all(db, self.articles)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    # Connections

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        held: sqlite3.Connection | None = getattr(self._held, "db", None)
        if held is not None:
            yield held
            return
        with self._guard:
            if self._closed:
                raise ArchiveError(f"{self.path} is closed; open the archive again")
            found = self._idle.pop() if self._idle else None
        if found is None:
            with self._telling():
                found = self._connect()
        try:
            yield found
        finally:
            with self._guard:
                if not self._closed:
                    self._idle.append(found)
                    found = None
            if found is not None:
                found.close()

    def _connect(self) -> sqlite3.Connection:
        if self._write:
            writer = sqlite3.connect(self.path, timeout=30, check_same_thread=False, isolation_level=None)
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = FULL")  # what is acknowledged outlives a power cut, too
            return writer
        uri = self.path.resolve().as_uri()
        reader = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=30, check_same_thread=False, isolation_level=None)
        try:
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            reader.close()
            # On a read-only disk WAL's shared memory cannot be made; with no writer possible the file cannot change.
            if "unable to open" not in str(error) and "readonly" not in str(error):
                raise
            reader = sqlite3.connect(f"{uri}?immutable=1", uri=True, check_same_thread=False, isolation_level=None)
        return reader

    @contextmanager
    def _telling(self) -> Generator[None]:
        """SQLite's errors in the user's terms."""
        try:
            yield
        except sqlite3.OperationalError as error:
            message = str(error)
            if "readonly" in message or "read-only" in message or "unable to open" in message:
                raise ArchiveReadOnly(f"cannot write {self.path}: {message}; check the folder's permissions") from error
            if "full" in message or "disk I/O" in message:
                raise ArchiveReadOnly(
                    f"the disk of {self.path} is full ({message}); free some room and run the same command again"
                ) from error
            raise ArchiveError(f"{self.path}: {message}; try again, or {rebuild_command(self.path.parent)}") from error
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError) as error:
            raise ArchiveError(f"{self.path}: {error}; open the archive again") from error
        except sqlite3.DatabaseError as error:
            raise ArchiveCorrupt(
                f"{self.path} is damaged ({error}); put back a copy of it, or delete the archive's folder and ingest again"
            ) from error

    def _all(self, sql: str, *values: Any) -> list[Any]:
        with self._connection() as db, self._telling():
            return db.execute(sql, values).fetchall()

    @contextmanager
    def _within(self, begin: str) -> Generator[sqlite3.Connection]:
        """A transaction, on one connection for everything the thread does meanwhile."""
        with self._connection() as db, self._telling():
            db.execute(begin)
            self._held.db = db
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            else:
                db.commit()
            finally:
                self._held.db = None

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return self._within("BEGIN IMMEDIATE")

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """One state of the ledger for all that the thread reads within."""
        with self._within("BEGIN"):
            yield

    def fold(self) -> bool:
        """Move everything that the write-ahead log holds into the file; False when a reader is in the way."""
        return self._all("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0

    def close(self) -> None:
        """Also moves what is in the write-ahead log into the file. What is used after it raises ArchiveError."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # Meta

    def meta(self) -> dict[str, str]:
        return dict(self._all("SELECT key, value FROM meta"))

    def set_meta(self, values: Mapping[str, str]) -> None:
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    @property
    def generation(self) -> int:
        """Counts the changes that readers can see; a reader whose number moved reopens its indexes."""
        return self._counted("generation")

    def _counted(self, what: str) -> int:
        rows = self._all("SELECT value FROM meta WHERE key = ?", what)
        return int(rows[0][0]) if rows else 0

    @staticmethod
    def _count(db: sqlite3.Connection, what: str) -> None:
        db.execute(
            "INSERT INTO meta VALUES (?, '1') "
            "ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
            (what,),
        )

    # Writing

    def hashes(self, ids: Sequence[str]) -> dict[str, str]:
        """Content hash by article id, of those of ``ids`` that the archive holds."""
        found: dict[str, str] = {}
        for chunk in _chunks(ids):
            found.update(self._all(f"SELECT id, content_hash FROM articles WHERE id IN ({_marks(chunk)})", *chunk))
        return found

    def is_replaced(self, article_id: str, content_hash: str) -> bool:
        """Whether this version of an article was replaced by one that stood behind it in the same source."""
        sql = "SELECT 1 FROM replaced WHERE article = ? AND content_hash = ?"
        return bool(self._all(sql, article_id, content_hash))

    def replace(self, article_id: str, content_hash: str) -> None:
        """Remember that this version of an article gave way to one that stands behind it in the same source."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO replaced VALUES (?, ?)", (article_id, content_hash))

    def visit(self, url: str) -> tuple[str, str, str] | None:
        """The ETag, Last-Modified and listed version with which an address was last read; None if it never was."""
        rows = self._all("SELECT etag, modified, version FROM visits WHERE url = ?", url)
        return tuple(rows[0]) if rows else None

    def take_memory(self, old: Ledger) -> None:
        """Take over which addresses another ledger has visited, and which versions of its articles were replaced."""
        known = {row[0] for row in old._all("SELECT name FROM sqlite_master WHERE type = 'table'")}
        with self._transaction() as db:
            for table, columns in (("visits", 4), ("replaced", 2)):
                if table in known:
                    rows = old._all(f"SELECT * FROM {table}")
                    db.executemany(f"INSERT INTO {table} VALUES ({_marks(range(columns))})", rows)

    def remember(self, visits: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep how addresses were when their articles were read: rows of (url, etag, modified, version)."""
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO visits VALUES (?, ?, ?, ?)", list(visits))

    def record(self, prepared: Iterable[Prepared]) -> None:
        """Record articles with their passages as pending, and the passages they replace as removing."""
        with self._transaction() as db:
            for one in prepared:
                article = one.article
                day = article.published_day
                db.execute("UPDATE passages SET state = 'removing' WHERE article = ?", (article.id,))
                _forget(db, article.id)
                db.execute(
                    f"INSERT INTO articles ({_ARTICLE}, day, content_hash) VALUES ({_marks([0] * 16)})",
                    (*_to_row(article), day.toordinal() if day else None, article.content_hash),
                )
                db.executemany(
                    "INSERT OR REPLACE INTO passages VALUES (?, ?, ?, ?, ?, ?, 'pending')",
                    [(p.id, p.article_id, p.start, p.end, p.header, _pack(p.sentences)) for p in one.passages],
                )
                db.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                    [
                        (p.id, vector.astype(np.float16).tobytes(), _quantise(parts))
                        for p, vector, parts in zip(one.passages, one.vectors, one.sentence_vectors, strict=True)
                    ],
                )
                self._record_statements(db, article.id, one.statements)
                stories.link(db, article, one.bands, self.articles)
                corrections.link(db, article, self.articles)
                if one.tags is not None:
                    db.execute("INSERT OR REPLACE INTO tags VALUES (?, ?)", (article.id, _pack_tags(one.tags)))

    @staticmethod
    def _record_statements(db: sqlite3.Connection, article_id: str, statements: Sequence[Statement]) -> None:
        db.executemany(
            f"INSERT INTO statements VALUES ({_marks([0] * 12)})",
            [
                (
                    *(article_id, n, s.speaker, s.kind, s.content.start, s.content.end, *_ends(s.cue)),
                    *(*_ends(s.source), s.manner, round(s.confidence, 3)),
                )
                for n, s in enumerate(statements)
            ],
        )
        speakers = {s.speaker for s in statements if s.speaker}
        db.executemany(
            "INSERT OR IGNORE INTO speakers VALUES (?, ?, ?)",
            [(token, speaker, article_id) for speaker in sorted(speakers) for token in _found_by(speaker)],
        )

    def remove(self, article_ids: Sequence[str]) -> None:
        """Forget articles; their passages are removing until both indexes have let go of them."""
        with self._transaction() as db:
            for i in article_ids:
                db.execute("UPDATE passages SET state = 'removing' WHERE article = ?", (i,))
                _forget(db, i)

    def unfinished(self) -> tuple[list[str], list[str]]:
        """Ids of the passages that are pending, and of those that are removing."""
        rows = self._all("SELECT state, id FROM passages WHERE state <> 'indexed' ORDER BY id")
        return [i for state, i in rows if state == "pending"], [i for state, i in rows if state == "removing"]

    def acknowledge(self, indexed: Sequence[str], removed: Sequence[str]) -> None:
        """Both indexes hold ``indexed`` and have let go of ``removed``."""
        with self._transaction() as db:
            db.executemany("UPDATE passages SET state = 'indexed' WHERE id = ?", [(i,) for i in indexed])
            for i in removed:
                gone = db.execute("DELETE FROM passages WHERE id = ? AND state = 'removing'", (i,)).rowcount
                if gone:
                    db.execute("DELETE FROM vectors WHERE passage = ?", (i,))
                    self._count(db, "let_go")
            self._count(db, "generation")

    @property
    def let_go(self) -> int:
        """How many passages the indexes have let go of since they were made."""
        return self._counted("let_go")

    # Reading

    def articles(self, ids: Sequence[str]) -> dict[str, Article]:
        found: dict[str, Article] = {}
        for chunk in _chunks(ids):
            rows = self._all(f"SELECT {_ARTICLE} FROM articles WHERE id IN ({_marks(chunk)})", *chunk)
            found.update({row[0]: _from_row(row) for row in rows})
        return found

    def stories(self, ids: Sequence[str]) -> dict[str, str]:
        """The story of each article that has copies in the archive, by article id; all copies have the same."""
        found: dict[str, str] = {}
        for chunk in _chunks(ids) if self._version >= _STORIES else ():
            with self._connection() as db, self._telling():
                found.update(stories.stories_of(db, chunk))
        return found

    def corrections(self, ids: Sequence[str]) -> dict[str, list[Correction]]:
        """What later articles correct in each article, oldest first; articles that nothing corrects are absent."""
        found: dict[str, list[Correction]] = {}
        for chunk in _chunks(ids) if self._version >= _CORRECTIONS else ():
            with self._connection() as db, self._telling():
                found.update(corrections.corrections_of(db, chunk))
        return found

    def copies(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The ids of the articles of each story."""
        found: dict[str, list[str]] = {}
        for chunk in _chunks(names):
            with self._connection() as db, self._telling():
                found.update(stories.members_of(db, chunk))
        return found

    def article_ids(self) -> list[str]:
        return [row[0] for row in self._all("SELECT id FROM articles ORDER BY id")]

    def passages(self, ids: Sequence[str], *, indexed_only: bool = True) -> dict[str, tuple[Passage, Article]]:
        """Passages and their articles by passage id; ids the ledger does not know are absent."""
        rows: list[Any] = []
        for chunk in _chunks(ids):
            rows += self._all(
                f"SELECT id, article, start, end, header, state, sentences FROM passages WHERE id IN ({_marks(chunk)})",
                *chunk,
            )
        if indexed_only:
            rows = [row for row in rows if row[5] == "indexed"]
        articles = self.articles(list({row[1] for row in rows}))
        return {row[0]: (_to_passage(row, articles[row[1]]), articles[row[1]]) for row in rows if row[1] in articles}

    def passage_ids(self, article_id: str | None = None) -> list[str]:
        """Ids of every indexed passage, in order; of one article's live ones, pending too, when it is named."""
        live = "SELECT id FROM passages WHERE article = ? AND state <> 'removing' ORDER BY start"
        if article_id is None:
            return [row[0] for row in self._all("SELECT id FROM passages WHERE state = 'indexed' ORDER BY id")]
        return [row[0] for row in self._all(live, article_id)]

    def passages_within(self, filters: Filters) -> list[str]:
        """Ids of the indexed passages in the languages and with words of the speakers of ``filters``, which the indexes
        know nothing of; its days and outlets are left to them.
        """
        known = Filters(languages=filters.languages, speakers=filters.speakers)
        return self._once_a_generation(("passages", known), lambda: self._passages_within(known))

    def _passages_within(self, filters: Filters) -> list[str]:
        where, values = _where(filters)
        if filters.speakers:
            where += (
                " AND EXISTS (SELECT 1 FROM statements s WHERE s.article = p.article AND s.start < p.end "
                f"AND s.end > p.start AND s.speaker IN ({_marks(filters.speakers)}))"
            )
            values += filters.speakers
        sql = f"SELECT p.id FROM articles a JOIN passages p ON p.article = a.id WHERE p.state = 'indexed'{where}"
        return [row[0] for row in self._all(sql, *values)]

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        found: dict[str, Vectors] = {}
        for chunk in _chunks(ids):
            for i, blob in self._all(f"SELECT passage, vector FROM vectors WHERE passage IN ({_marks(chunk)})", *chunk):
                found[i] = np.frombuffer(blob, dtype=np.float16).astype(np.float32)
        return found

    def sentence_vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """By passage id, an array of shape (sentences of the passage, dimensions), rows of length 1."""
        found: dict[str, Vectors] = {}
        for chunk in _chunks(ids):
            for i, whole, parts in self._all(
                f"SELECT passage, vector, sentences FROM vectors WHERE passage IN ({_marks(chunk)})", *chunk
            ):
                rows = np.frombuffer(parts, dtype=np.int8).astype(np.float32).reshape(-1, len(whole) // 2)
                found[i] = unit(rows)
        return found

    def statements(self, article_ids: Sequence[str]) -> dict[str, list[Statement]]:
        """The statements of each article, in order; every id asked for has a list."""
        found: dict[str, list[Statement]] = {i: [] for i in article_ids}
        added = "manner, confidence" if self._version >= _STORIES else "'stated', 1.0"
        for chunk in _chunks(list(found)):
            for row in self._all(
                f"SELECT article, speaker, kind, start, end, cue_start, cue_end, source_start, source_end, {added} "
                f"FROM statements WHERE article IN ({_marks(chunk)}) ORDER BY article, ordinal",
                *chunk,
            ):
                found[row[0]].append(
                    Statement(
                        row[0], row[1], Span(row[3], row[4]), _span(*row[5:7]), _span(*row[7:9]), row[2], *row[9:]
                    )
                )
        return found

    def tags(self, article_id: str) -> list[Tagged] | None:
        """The attribution head's runs of an article, in order; None where it was not read by the head."""
        if self._version < _STORIES:
            return None
        rows = self._all("SELECT runs FROM tags WHERE article = ?", article_id)
        return _unpack_tags(rows[0][0]) if rows else None

    def speakers(self, token: str) -> list[str]:
        """Every speaker whose name holds the (normalised) token."""
        return [row[0] for row in self._all("SELECT DISTINCT speaker FROM speakers WHERE token = ?", token)]

    def speakers_like(self, name: str, most: int = 3) -> tuple[str, ...]:
        """The speakers whose names are spelled nearly as ``name``, the most quoted first."""
        tokens = name_tokens(name)
        if not tokens or is_acronym(name):  # acronyms that differ by a letter are other bodies'
            return ()
        known = [row[0] for row in self._all("SELECT DISTINCT token FROM speakers")]
        wanted = [{other for other in known if nearly(token, other)} for token in tokens]
        near = [other for other in wanted[-1] if other != tokens[-1] or len(tokens) > 1]
        rows = self._all(
            f"SELECT speaker, count(DISTINCT article) n FROM speakers WHERE token IN ({_marks(near)}) "
            "GROUP BY speaker ORDER BY n DESC, length(speaker) DESC, speaker",
            *near,
        )
        found: list[str] = []
        for speaker, _ in rows:
            theirs = name_tokens(speaker)
            fits = all(any(t in theirs for t in each) for each in wanted)
            if fits and not any(same_person(speaker, other) for other in found):
                found.append(speaker)
        return tuple(found[:most])

    def articles_quoting(self, speakers: Sequence[str], filters: Filters, limit: int) -> list[str]:
        """Ids of the newest ``limit`` articles that report words of any of the speakers."""
        if not speakers:
            return []
        where, values = _where(filters)
        rows = self._all(
            f"SELECT DISTINCT a.id, a.day FROM speakers s JOIN articles a ON a.id = s.article "
            f"WHERE s.speaker IN ({_marks(speakers)}){where} ORDER BY a.day DESC, a.id LIMIT ?",
            *speakers, *values, limit,
        )  # fmt: skip
        return [row[0] for row in rows]

    def newest(self, filters: Filters, limit: int) -> list[str]:
        """Ids of the newest ``limit`` articles; the undated come last."""
        where, values = _where(filters)
        rows = self._all(f"SELECT id FROM articles a WHERE 1{where} ORDER BY day DESC, id LIMIT ?", *values, limit)
        return [row[0] for row in rows]

    def days(self) -> dict[str, int]:
        """Articles by the day they were published on (ISO), oldest first, without the undated."""
        rows = self._all("SELECT day, count(*) FROM articles WHERE day IS NOT NULL GROUP BY day ORDER BY day")
        return {date.fromordinal(day).isoformat(): count for day, count in rows}

    def days_by_outlet(self) -> dict[str, dict[str, int]]:
        """Articles by the day they were published on (ISO), oldest first, and by outlet, without the undated."""
        found: dict[str, dict[str, int]] = {}
        for day, outlet, count in self._all(
            "SELECT day, outlet, count(*) FROM articles WHERE day IS NOT NULL GROUP BY day, outlet ORDER BY day, outlet"
        ):
            found.setdefault(date.fromordinal(day).isoformat(), {})[outlet] = count
        return found

    def articles_with_statements(self, speakers: Sequence[str], filters: Filters) -> list[str]:
        """Ids of the articles that hold statements (of any of the speakers, where some are named), newest first."""
        where, values = _where(filters)
        table = "statements s" if not speakers else "speakers s"
        named = f" AND s.speaker IN ({_marks(speakers)})" if speakers else ""
        rows = self._all(
            f"SELECT DISTINCT a.id, a.day, a.published FROM {table} JOIN articles a ON a.id = s.article "
            f"WHERE 1{named}{where} ORDER BY a.day DESC, a.published DESC, a.id",
            *speakers, *values,
        )  # fmt: skip
        return [row[0] for row in rows]

    def outlets(self) -> dict[str, int]:
        """Articles by outlet, largest first."""
        sql = "SELECT outlet, count(*) n FROM articles GROUP BY outlet ORDER BY n DESC, outlet"
        return self._once_a_generation("outlets", lambda: dict(self._all(sql)))

    def languages(self) -> dict[str, int]:
        """Articles by the code of their language ("" where it is not known), largest first."""
        sql = "SELECT language, count(*) n FROM articles GROUP BY language ORDER BY n DESC, language"
        return self._once_a_generation("languages", lambda: dict(self._all(sql)))

    def most_quoted(self, limit: int) -> list[str]:
        """The ``limit`` speakers whose words stand in the most articles, these first."""
        sql = "SELECT speaker FROM speakers GROUP BY speaker ORDER BY count(DISTINCT article) DESC, speaker LIMIT ?"
        return [row[0] for row in self._all(sql, limit)]

    def coverage(self, filters: Filters | None = None) -> Coverage:
        return self._once_a_generation(filters or Filters(), lambda: self._coverage(filters or Filters()))

    def _once_a_generation(self, key: Hashable, count: Callable[[], _Counted]) -> _Counted:
        """What a reader asks of the whole archive with every question, counted again only when that has changed."""
        if self._write:
            return count()
        generation = self.generation
        if self._counts[0] != generation or len(self._counts[1]) > COUNTS_KEPT:
            self._counts = (generation, {})
        counts = self._counts[1]
        if key not in counts:
            counts[key] = count()
        return counts[key]

    def _coverage(self, filters: Filters) -> Coverage:
        where, values = _where(filters)
        rows = self._all(
            f"SELECT outlet, count(*) n, min(substr(nullif(published, ''), 1, 10)), max(substr(published, 1, 10)) "
            f"FROM articles a WHERE 1{where} GROUP BY outlet ORDER BY n DESC, outlet",
            *values,
        )
        passages = self._all(
            f"SELECT count(*) FROM passages p WHERE state = 'indexed' "
            f"AND EXISTS (SELECT 1 FROM articles a WHERE a.id = p.article{where})"
            if where
            else "SELECT count(*) FROM passages WHERE state = 'indexed'",
            *values,
        )[0][0]
        return Coverage(
            articles=sum(row[1] for row in rows),
            passages=passages,
            outlets={row[0]: row[1] for row in rows},
            since=min((row[2] for row in rows if row[2]), default=""),
            until=max((row[3] for row in rows if row[3]), default=""),
        )

    def damaged(self, ids: Sequence[str]) -> int:
        """How many of the articles do not have the content, or the passages, that they were recorded with."""
        articles, hashes = self.articles(ids), self.hashes(ids)
        wrong = {i for i, article in articles.items() if article.content_hash != hashes[i]}
        for i in articles:
            for key, (passage, _) in self.passages(self.passage_ids(i), indexed_only=False).items():
                if Passage.make_id(passage.article_id, passage.start, passage.end, passage.text) != key:
                    wrong.add(i)
        return len(wrong)

    @property
    def is_empty(self) -> bool:
        return not self._all("SELECT 1 FROM passages LIMIT 1")

    def undated(self) -> int:
        return self._all("SELECT count(*) FROM articles WHERE day IS NULL")[0][0]

    def check(self) -> list[str]:
        """What is wrong with the file itself, a line a problem."""
        try:
            rows = self._all("PRAGMA integrity_check(20)")
        except ArchiveCorrupt as error:
            return [str(error)]
        cure = rebuild_command(self.path.parent)
        problems = [f"{self.path}: {row[0]}; put back a copy of it, or {cure}" for row in rows if row[0] != "ok"]
        counts = {
            "passages belong to no article": "SELECT count(*) FROM passages WHERE state <> 'removing' "
            "AND article NOT IN (SELECT id FROM articles)",
            "passages have no vector": "SELECT count(*) FROM passages WHERE id NOT IN (SELECT passage FROM vectors)",
        }
        if not problems:
            found = {what: self._all(sql)[0][0] for what, sql in counts.items()}
            problems = [f"{n} {what}; {cure}" for what, n in found.items() if n]
        return problems


def _forget(db: sqlite3.Connection, article_id: str) -> None:
    for table, column in (("articles", "id"), ("statements", "article"), ("speakers", "article"), ("tags", "article")):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (article_id,))
    corrections.forget(db, article_id)


def _where(filters: Filters) -> tuple[str, list[Any]]:
    """SQL conditions on ``articles a``, each begun with AND, and their values."""
    sql, values = "", list[Any]()
    if filters.since:
        sql, values = sql + " AND a.day >= ?", [*values, filters.since.toordinal()]
    if filters.until:
        sql, values = sql + " AND a.day <= ?", [*values, filters.until.toordinal()]
    if filters.outlets:
        sql, values = sql + f" AND a.outlet IN ({_marks(filters.outlets)})", [*values, *filters.outlets]
    if filters.languages:
        sql, values = sql + f" AND a.language IN ({_marks(filters.languages)})", [*values, *filters.languages]
    if filters.speakers:
        tokens = sorted({t for name in filters.speakers for t in name_tokens(name)})  # what the table is sorted by
        quoting = f"token IN ({_marks(tokens)}) AND speaker IN ({_marks(filters.speakers)})"
        sql += f" AND a.id IN (SELECT article FROM speakers WHERE {quoting})"
        values += [*tokens, *filters.speakers]
    return sql, values


def _to_row(article: Article) -> tuple[str, ...]:
    a = article
    return (
        a.id, a.title, a.text, a.url, a.source, a.outlet, _SEPARATOR.join(a.byline), a.published, a.modified,
        a.dateline, a.event_date, a.agency, _SEPARATOR.join(a.editors), a.language,
    )  # fmt: skip


def _from_row(row: Sequence[str]) -> Article:
    values = list[Any](row)
    for column in (6, 12):
        values[column] = tuple(values[column].split(_SEPARATOR)) if values[column] else ()
    return Article(*values)


def _to_passage(row: Sequence[Any], article: Article) -> Passage:
    i, article_id, start, end, head, _, packed = row
    return Passage(i, article_id, start, end, article.text[start:end], head, _unpack(packed))


def _pack(spans: Sequence[Span]) -> bytes:
    return np.array([(s.start, s.end) for s in spans], dtype="<u4").tobytes()


def _unpack(packed: bytes) -> tuple[Span, ...]:
    return tuple(Span(int(a), int(b)) for a, b in np.frombuffer(packed, dtype="<u4").reshape(-1, 2))


def _quantise(rows: Vectors) -> bytes:
    """Rows of int8, each scaled to its largest component: the direction, which is all that a cosine needs."""
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0.0), 1e-12)
    return np.round(rows / largest * 127).astype(np.int8).tobytes()


def _pack_tags(runs: Sequence[Tagged]) -> bytes:
    """Role, start, end, and how sure in thousandths."""
    rows = [(ROLES.index(r.role), r.span.start, r.span.end, round(r.sure * 1000)) for r in runs]
    return np.array(rows, dtype="<u4").tobytes()


def _unpack_tags(packed: bytes) -> list[Tagged]:
    rows = np.frombuffer(packed, dtype="<u4").reshape(-1, 4).tolist()
    return [Tagged(ROLES[role], Span(start, end), sure / 1000) for role, start, end, sure in rows]


def _found_by(speaker: str) -> list[str]:
    """The words under which a speaker is looked up."""
    return sorted({*name_tokens(speaker), acronym(speaker)} - {""})


def _ends(span: Span | None) -> tuple[int | None, int | None]:
    return (span.start, span.end) if span else (None, None)


def _span(start: int | None, end: int | None) -> Span | None:
    return None if start is None or end is None else Span(start, end)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _chunks(ids: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), size):
        yield ids[at : at + size]

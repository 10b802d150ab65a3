"""Passage vectors in Chroma, embedded in the process or on its server. The only module that imports chromadb.

Embedded, whoever opens Chroma with a long enough log behind its graph writes that graph anew, in place: readers too. So
writing, and opening up to the first look at the graph, happen under one lock: no two processes write the graph at once,
and none reads it half written. A graph that a kill left half written can end the process that loads it (a segmentation
fault); so what is about to be written is noted first, and a graph that has changed since a note that nobody took back
is not loaded.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import chromadb
import httpx
import numpy as np
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError
from filelock import FileLock

from rag.errors import ArchiveCorrupt, ArchiveError, ArchiveReadOnly
from rag.indexing.embed import Vectors
from rag.records import Article
from rag.stores.ledger import Filters, rebuild_command

_NAME = "passages"
_KEPT = "index_metadata.pickle"  # without this file Chroma does not read the others of its graph
# Wider than Chroma's defaults (16 neighbours, 100): with these, a passage stays reachable beside a thousand alike.
_HNSW = {"hnsw": {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 200}}
# Chroma's own limit is 5,461 records a call, and it does not split by itself.
BATCH = 2_000
# With fewer bytes free than these, what fails in Chroma is taken to fail for want of room.
_ROOM = 4_000_000
# Chroma shares one client a path string within a process, so that a reader would keep seeing the state at its first
# opening. A string of its own for every client that is open (the same folder, spelt with another number of "./")
# gives each a client of its own.
_spellings: set[str] = set()
_guard = threading.Lock()


def _spelling(folder: Path) -> str:
    with _guard:
        found = next(p for n in itertools.count() if (p := str(folder) + "/." * n) not in _spellings)
        _spellings.add(found)
        return found


def day_number(article: Article) -> int:
    """What a passage's ``day`` is in the index: the ordinal of the calendar day, 0 when it is unknown."""
    day = article.published_day
    return day.toordinal() if day else 0


class VectorIndex:
    """Cosine nearest neighbours over passage vectors. ``make`` makes the index where there is none.

    ``server`` is the URL of Chroma's own server ("": Chroma runs in this process, in ``folder``); the collection there is
    named after the store that the index belongs to.
    Each record carries ``day`` (ordinal of the calendar day; 0 when unknown) and ``outlet``, so filters work inside.
    """

    def __init__(self, folder: Path, *, make: bool = False, server: str = "") -> None:
        self.folder = folder
        self._server = server
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._client: Any = None
        self._path = ""
        self._lock: AbstractContextManager[Any] = nullcontext()
        self._note = folder.parent / f"{folder.name}.writing"
        if not server:
            if not make and not (folder / "chroma.sqlite3").is_file():
                raise ArchiveCorrupt(f"the vector index in {folder} is missing; {rebuild_command(folder.parent)}")
            if not make and not (os.access(folder, os.W_OK) and os.access(folder.parent, os.W_OK)):
                # Chroma writes even to read; what cannot be written is read from a copy.
                self._copy = tempfile.TemporaryDirectory(prefix="dateline-")
                shutil.copytree(folder, self._copy.name, dirs_exist_ok=True)
                folder = Path(self._copy.name)
            else:
                self._lock = FileLock(str(folder.parent / f"{folder.name}.lock"))
            self._path = _spelling(folder)
        try:
            with self._telling(), self._lock:
                self._check_whole()
                self._client = _server_client(server) if server else _client(self._path)
                if make:
                    self._collection: Any = self._client.get_or_create_collection(
                        self._name, embedding_function=None, configuration=_HNSW
                    )
                else:
                    self._collection = self._client.get_collection(self._name, embedding_function=None)
                if not server:
                    self._load()
        except BaseException:
            self.close()
            raise

    @property
    def _name(self) -> str:
        return f"dateline-{self.folder.parent.name}" if self._server else _NAME

    def _check_whole(self) -> None:
        """Raises ArchiveCorrupt where a writer was killed while it wrote the graph."""
        try:
            noted = self._note.read_text()
        except FileNotFoundError:
            return
        found = _graph(self.folder)
        if not any(self.folder.glob(f"*/{_KEPT}")):
            # Of a graph that was never kept each opening writes the files anew, in the same size.
            noted, found = _sizes(noted), _sizes(found)
        if noted != found:
            raise ArchiveCorrupt(
                f"the vector index in {self.folder} was being written when its writer was stopped; run the same ingest "
                f"again, or {rebuild_command(self.folder.parent)}"
            )

    def _load(self) -> None:
        """Make Chroma read the graph, and take into it what its log holds beyond."""
        self._collection.get(limit=1, include=["embeddings"])
        if self._copy is None and self._note.exists():
            self._note.write_text(_graph(self.folder))  # a long log of a killed writer has made it write the graph

    @contextmanager
    def _writing(self) -> Generator[None]:
        with self._telling(), self._lock:
            if not self._server:
                self._note.write_text(_graph(self.folder))
            yield
            self._note.unlink(missing_ok=True)

    @contextmanager
    def _telling(self) -> Generator[None]:
        """Chroma's errors in the user's terms."""
        try:
            yield
        except NotFoundError as error:
            raise ArchiveCorrupt(
                f"the vector index in {self._server or self.folder} is missing; {rebuild_command(self.folder.parent)}"
            ) from error
        except httpx.HTTPError as error:
            raise _no_answer(self._server, self.folder, error) from error
        except (ChromaError, OSError, ValueError, KeyError, AttributeError) as error:
            # Chroma answers a damaged file with an AttributeError of its own clean-up; the cause is its context.
            cause = error.__context__ if isinstance(error, AttributeError) else error
            raise self._told(cause if isinstance(cause, Exception) else error) from error

    def _told(self, error: Exception) -> Exception:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        if self._server and "connect" in line:
            return _no_answer(self._server, self.folder, error)
        if isinstance(error, PermissionError) or "readonly" in line or "read-only" in line or "Permission" in line:
            return ArchiveReadOnly(f"cannot write {self.folder}: {line}; check the folder's permissions")
        if "full" in line or "No space" in line or self._lacks_room():
            return ArchiveReadOnly(f"the disk of {self.folder} is full; free some room and run the command again")
        return ArchiveCorrupt(
            f"the vector index in {self._server or self.folder} is damaged ({line}); {rebuild_command(self.folder.parent)}"
        )

    def _lacks_room(self) -> bool:
        """Chroma does not tell by its errors that the disk was full."""
        return not self._server and self.folder.exists() and shutil.disk_usage(self.folder).free < _ROOM

    def put(self, ids: Sequence[str], vectors: Vectors, days: Sequence[int], outlets: Sequence[str]) -> None:
        """Add or replace. ``vectors`` has shape (len(ids), dimensions).

        What the index holds is not written over: a vector put in the place of another, or of itself, as the repair after
        a kill would, can leave the graph without a way to its neighbours (hnswlib's update of a point). Such a passage
        would be there and never be found.
        """
        for at in range(0, len(ids), BATCH):
            part = range(at, min(at + BATCH, len(ids)))
            held = self.held([ids[n] for n in part])
            there = [n for n in part if ids[n] in held]
            other = {n for n in there if not np.allclose(held[ids[n]][0], vectors[n], atol=1e-6)}
            if other:
                self.remove([ids[n] for n in sorted(other)])
            new = [n for n in part if ids[n] not in held or n in other]
            moved = [n for n in there if n not in other and held[ids[n]][1:] != (days[n], outlets[n])]
            with self._writing():
                if new:
                    self._collection.add(
                        ids=[ids[n] for n in new],
                        embeddings=vectors[new],
                        metadatas=[{"day": days[n], "outlet": outlets[n]} for n in new],
                    )
                if moved:
                    self._collection.update(
                        ids=[ids[n] for n in moved],
                        metadatas=[{"day": days[n], "outlet": outlets[n]} for n in moved],
                    )

    def remove(self, ids: Sequence[str]) -> None:
        with self._writing():
            for at in range(0, len(ids), BATCH):
                self._collection.delete(ids=list(ids[at : at + BATCH]))

    def search(
        self, vector: Vectors, k: int, filters: Filters, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ids of the ``k`` nearest passages with their cosine, nearest first. ``vector`` has shape (dimensions,).
        ``among`` are the ids of those that may be found (None: all); of the filters, days and outlets are heeded.
        """
        if among is not None and not among:
            return []
        conditions: list[dict[str, Any]] = []
        if filters.since:
            conditions.append({"day": {"$gte": filters.since.toordinal()}})
        if filters.until:
            conditions += [{"day": {"$lte": filters.until.toordinal()}}, {"day": {"$gt": 0}}]
        if filters.outlets:
            conditions.append({"outlet": {"$in": list(filters.outlets)}})
        where = None if not conditions else conditions[0] if len(conditions) == 1 else {"$and": conditions}
        with self._telling():
            found = self._collection.query(
                query_embeddings=[vector],
                n_results=k,
                where=where,
                ids=None if among is None else list(among),
                include=["distances"],
            )
        return [(i, 1.0 - float(d)) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]

    def ids(self) -> set[str]:
        found: set[str] = set()
        with self._telling():
            for offset in itertools.count(0, BATCH):
                page: list[str] = self._collection.get(limit=BATCH, offset=offset, include=[])["ids"]
                found.update(page)
                if len(page) < BATCH:
                    break
        return found

    def held(self, ids: Sequence[str]) -> dict[str, tuple[Any, int, str]]:
        """What is kept of each passage: its vector of shape (dimensions,), its day and its outlet."""
        with self._telling():
            found = self._collection.get(ids=list(ids), include=["embeddings", "metadatas"])
            return {
                i: (vector, kept["day"], kept["outlet"])
                for i, vector, kept in zip(found["ids"], found["embeddings"], found["metadatas"], strict=True)
            }

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        with _guard:
            _spellings.discard(self._path)
        if self._copy is not None:
            self._copy.cleanup()


def _graph(folder: Path) -> str:
    """The files of the graph as the file system tells of them: another string once any has been written."""
    told = [(file.name, file.stat()) for file in sorted(folder.glob("*/*")) if file.is_file()]
    return "".join(f"{name} {seen.st_size} {seen.st_mtime_ns}\n" for name, seen in told)


def _sizes(graph: str) -> str:
    return "".join(line.rpartition(" ")[0] + "\n" for line in graph.splitlines())


def drop(folder: Path, server: str) -> None:
    """Remove from Chroma's server the index that belonged to a store which is no more."""
    if not server:
        return
    try:
        client = _server_client(server)
        with suppress(NotFoundError):
            client.delete_collection(f"dateline-{folder.parent.name}")
        client.close()
    except (httpx.HTTPError, ChromaError, ValueError) as error:
        raise _no_answer(server, folder, error) from error


def _no_answer(server: str, folder: Path, error: Exception) -> ArchiveError:
    return ArchiveError(
        f"no answer from the Chroma server at {server} ({error}); start it with: chroma run --path DIR, or "
        f"unset RAG_CHROMA_URL and {rebuild_command(folder.parent)}"
    )


def _client(path: str) -> Any:
    return chromadb.PersistentClient(path, settings=ChromaSettings(anonymized_telemetry=False))


def _server_client(url: str) -> Any:
    parts = urlsplit(url)
    https = parts.scheme == "https"
    return chromadb.HttpClient(
        host=parts.hostname or "localhost",
        port=parts.port or (443 if https else 80),
        ssl=https,
        settings=ChromaSettings(anonymized_telemetry=False),
    )

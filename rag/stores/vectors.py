"""Passage vectors in Chroma, embedded in the process. The only module that imports chromadb."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError

from rag.errors import ArchiveCorrupt, ArchiveReadOnly
from rag.indexing.embed import Vectors
from rag.stores.ledger import Filters, rebuild_command

_NAME = "passages"
# Wider than Chroma's defaults (16 neighbours, 100): with these, a passage stays reachable beside a thousand alike.
_HNSW = {"hnsw": {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 200}}
# Chroma's own limit is 5,461 records a call, and it does not split by itself.
BATCH = 2_000
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


class VectorIndex:
    """Cosine nearest neighbours over passage vectors. ``make`` makes the index where there is none.

    Each record carries ``day`` (ordinal of the calendar day; 0 when unknown) and ``outlet``, so filters work inside.
    """

    def __init__(self, folder: Path, *, make: bool = False) -> None:
        self.folder = folder
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._client: Any = None
        if not make and not (folder / "chroma.sqlite3").is_file():
            raise ArchiveCorrupt(f"the vector index in {folder} is missing; {rebuild_command(folder.parent)}")
        if not make and not os.access(folder, os.W_OK):
            # Chroma writes even to read; what cannot be written is read from a copy.
            self._copy = tempfile.TemporaryDirectory(prefix="dateline-")
            shutil.copytree(folder, self._copy.name, dirs_exist_ok=True)
            folder = Path(self._copy.name)
        self._path = _spelling(folder)
        try:
            self._client = chromadb.PersistentClient(self._path, settings=ChromaSettings(anonymized_telemetry=False))
            if make:
                self._collection: Any = self._client.get_or_create_collection(
                    _NAME, embedding_function=None, configuration=_HNSW
                )
            else:
                self._collection = self._client.get_collection(_NAME, embedding_function=None)
        except (ChromaError, OSError, ValueError, KeyError, AttributeError) as error:
            # Chroma answers a damaged file with an AttributeError of its own clean-up; the cause is its context.
            self.close()
            cause = error.__context__ if isinstance(error, AttributeError) else error
            raise self._told(cause if isinstance(cause, Exception) else error) from error

    def _told(self, error: Exception) -> Exception:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        if isinstance(error, PermissionError) or "readonly" in line or "read-only" in line or "Permission" in line:
            return ArchiveReadOnly(f"cannot write {self.folder}: {line}; check the folder's permissions")
        if "full" in line or "No space" in line:
            return ArchiveReadOnly(f"the disk of {self.folder} is full; free some room and run the command again")
        return ArchiveCorrupt(
            f"the vector index in {self.folder} is damaged ({line}); {rebuild_command(self.folder.parent)}"
        )

    def put(self, ids: Sequence[str], vectors: Vectors, days: Sequence[int], outlets: Sequence[str]) -> None:
        """Add or replace. ``vectors`` has shape (len(ids), dimensions)."""
        try:
            for at in range(0, len(ids), BATCH):
                part = slice(at, at + BATCH)
                self._collection.upsert(
                    ids=list(ids[part]),
                    embeddings=vectors[part],
                    metadatas=[{"day": d, "outlet": o} for d, o in zip(days[part], outlets[part], strict=True)],
                )
        except (ChromaError, OSError, ValueError) as error:
            raise self._told(error) from error

    def remove(self, ids: Sequence[str]) -> None:
        try:
            for at in range(0, len(ids), BATCH):
                self._collection.delete(ids=list(ids[at : at + BATCH]))
        except (ChromaError, OSError, ValueError) as error:
            raise self._told(error) from error

    def search(self, vector: Vectors, k: int, filters: Filters) -> list[tuple[str, float]]:
        """The ids of the ``k`` nearest passages with their cosine, nearest first. ``vector`` has shape (dimensions,)."""
        conditions: list[dict[str, Any]] = []
        if filters.since:
            conditions.append({"day": {"$gte": filters.since.toordinal()}})
        if filters.until:
            conditions += [{"day": {"$lte": filters.until.toordinal()}}, {"day": {"$gt": 0}}]
        if filters.outlets:
            conditions.append({"outlet": {"$in": list(filters.outlets)}})
        where = None if not conditions else conditions[0] if len(conditions) == 1 else {"$and": conditions}
        try:
            found = self._collection.query(query_embeddings=[vector], n_results=k, where=where, include=["distances"])
        except (ChromaError, OSError, ValueError) as error:
            raise self._told(error) from error
        return [(i, 1.0 - float(d)) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]

    def ids(self) -> set[str]:
        found: set[str] = set()
        try:
            for offset in itertools.count(0, BATCH):
                page: list[str] = self._collection.get(limit=BATCH, offset=offset, include=[])["ids"]
                found.update(page)
                if len(page) < BATCH:
                    return found
        except (ChromaError, OSError, ValueError) as error:
            raise self._told(error) from error
        return found

    def vectors(self, ids: Iterable[str]) -> dict[str, Any]:
        try:
            found = self._collection.get(ids=list(ids), include=["embeddings"])
        except (ChromaError, OSError, ValueError) as error:
            raise self._told(error) from error
        return dict(zip(found["ids"], found["embeddings"], strict=True))

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        with _guard:
            _spellings.discard(self._path)
        if self._copy is not None:
            self._copy.cleanup()

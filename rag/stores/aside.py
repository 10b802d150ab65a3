"""SQLite files of their own beside an archive's stores, which outlive a rebuild."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import ArchiveError, ArchiveReadOnly


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Generator[sqlite3.Connection]:
    """A transaction on the file, which is made where it is missing. Raises ArchiveReadOnly where it cannot be read or written,
    ArchiveError where it is damaged.
    """
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}{'?mode=ro' if read_only else ''}", uri=True, timeout=10)
        try:
            with db:
                yield db
        finally:
            db.close()
    except sqlite3.OperationalError as error:
        if "full" in str(error) or "disk I/O" in str(error):
            raise ArchiveReadOnly(
                f"the disk of {path} is full ({error}); free some room and run the same command again"
            ) from error
        raise ArchiveReadOnly(
            f"cannot {'read' if read_only else 'write'} {path}: {error}; check the folder's permissions"
        ) from error
    except sqlite3.DatabaseError as error:
        raise ArchiveError(f"{path} is damaged ({error}); move it away, a new one is made") from error

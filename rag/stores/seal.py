"""The seal of a store: checksums of its files, written when a writer has closed it whole and broken by the next change.

A store without one was left by a process that was killed, or is being written: the next writer compares everything it
holds. In a sealed store a file that is not as it was sealed has been damaged since.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from rag.errors import ArchiveReadOnly

FILE = "SEAL"


def is_sealed(store: Path) -> bool:
    return (store / FILE).is_file()


def break_open(store: Path) -> None:
    """What follows changes the store. Raises ArchiveReadOnly where it may not be changed."""
    try:
        (store / FILE).unlink(missing_ok=True)
    except OSError as error:
        raise ArchiveReadOnly(
            f"cannot write {store}: {error.strerror or error}; check the folder's permissions"
        ) from error


def seal(store: Path) -> None:
    """Put the closed store's files on the disk and write down what they hold. Raises OSError."""
    sums = {str(path.relative_to(store)): _sum(path, sync=True) for path in _files(store)}
    draft = store / f"{FILE}.new"
    with draft.open("w") as out:
        json.dump(sums, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(store / FILE)


def damaged(store: Path) -> list[str]:
    """The files that are not as they were sealed, gone ones too; none where there is no seal. Raises OSError."""
    try:
        sums: dict[str, str] = json.loads((store / FILE).read_text())
    except FileNotFoundError:
        return []
    except ValueError:
        return [FILE]
    return [name for name, held in sums.items() if not (store / name).is_file() or _sum(store / name) != held]


def _files(store: Path) -> Iterator[Path]:
    """The files that only a writer changes: Chroma's database is touched by readers, too, and so are the files of a
    graph that it has not kept yet.
    """
    for path in sorted(store.rglob("*")):
        if not path.is_file() or path.suffix == ".lock" or path.name.startswith((FILE, "chroma.sqlite3")):
            continue
        if path.suffix == ".bin" and not (path.parent / "index_metadata.pickle").is_file():
            continue
        if path.name.endswith(("-wal", "-shm")):
            continue
        yield path


def _sum(path: Path, *, sync: bool = False) -> str:
    with path.open("rb") as read:
        if sync:
            os.fsync(read.fileno())
        return hashlib.file_digest(read, "sha256").hexdigest()

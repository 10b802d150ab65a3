"""What readers said of answers: a SQLite file of its own beside the archive's stores, which nothing but readers write."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.records import Answer
from rag.stores.aside import opened

FILE = "feedback.sqlite3"
TEXT_CHARS = 2_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS verdicts (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, good INTEGER NOT NULL, reason TEXT NOT NULL, expected TEXT NOT NULL,
    answer TEXT NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reader's word on one answer. ``id`` names the answer on the page: a second word on it replaces the first.

    ``at`` is an ISO instant, ``expected`` what would have been right ("" where the reader does not say), ``answer``
    the answer's JSON form.
    """

    id: str
    at: str
    good: bool
    reason: str
    expected: str
    answer: dict[str, Any]


class Feedback:
    """The verdicts kept in an archive's folder."""

    def __init__(self, archive: Path) -> None:
        self.path = archive / FILE
        self._guard = threading.Lock()

    def keep(self, key: str, answer: Answer, *, good: bool, reason: str = "", expected: str = "") -> None:
        """Raises ArchiveReadOnly where nothing can be written."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        told = (key, at, good, reason[:TEXT_CHARS], expected[:TEXT_CHARS], json.dumps(answer.to_json()))
        with self._guard, opened(self.path) as db:
            db.execute(_SCHEMA)
            db.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", told)

    def verdicts(self) -> Iterator[Verdict]:
        """Oldest first; none where nobody has said anything."""
        if not self.path.exists():
            return
        with self._guard, opened(self.path) as db:
            db.execute(_SCHEMA)
            rows = db.execute("SELECT id, at, good, reason, expected, answer FROM verdicts ORDER BY at, id").fetchall()
        for key, at, good, reason, expected, answer in rows:
            yield Verdict(key, at, bool(good), reason, expected, json.loads(answer))

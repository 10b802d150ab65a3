"""What became of each source when it was last ingested: a SQLite file of its own beside the archive's stores, so that it
outlives a rebuild. Nothing is asked of it but to be shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag.records import Skipped, SourceReport
from rag.stores.aside import opened

FILE = "ingests.sqlite3"
SOURCES = 200  # the newest ones are kept
ITEMS = 1_000  # skipped ones, kept of a source
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ingests (
    source TEXT PRIMARY KEY, at TEXT NOT NULL, added INTEGER NOT NULL, unchanged INTEGER NOT NULL, updated INTEGER NOT NULL,
    skipped INTEGER NOT NULL, failed TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS skipped (
    source TEXT NOT NULL, ordinal INTEGER NOT NULL, item TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (source, ordinal)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Ingested:
    """One source as it was last ingested, ``at`` an ISO instant. ``skipped`` counts what was skipped, of which ``report``
    holds the first ``ITEMS`` with their reasons.
    """

    at: str
    report: SourceReport
    skipped: int


class Ingests:
    """The reports kept in an archive's folder. One process writes, which holds the archive's lock."""

    def __init__(self, archive: Path) -> None:
        self.path = archive / FILE

    def keep(self, reports: Iterable[SourceReport]) -> None:
        """Remember what became of sources, in place of what became of them before."""
        newest = f"SELECT source FROM ingests ORDER BY at DESC LIMIT {SOURCES}"
        with opened(self.path) as db:
            db.executescript(_SCHEMA)
            for report in reports:
                source, at = _text(report.source), datetime.now(UTC).isoformat(timespec="microseconds")
                counts = (report.added, report.unchanged, report.updated, len(report.skipped))
                row = (source, at, *counts, _text(report.failed))
                db.execute("INSERT OR REPLACE INTO ingests VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                db.execute("DELETE FROM skipped WHERE source = ?", (source,))
                items = [(source, n, _text(s.source), _text(s.reason)) for n, s in enumerate(report.skipped[:ITEMS])]
                db.executemany("INSERT INTO skipped VALUES (?, ?, ?, ?)", items)
            for table in ("skipped", "ingests"):
                db.execute(f"DELETE FROM {table} WHERE source NOT IN ({newest})")

    def reports(self) -> list[Ingested]:
        """Of every source that is remembered, the one ingested last first."""
        if not self.path.exists():
            return []
        with opened(self.path, read_only=True) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'skipped'").fetchone():
                return []  # its first writer was stopped before it wrote anything
            rows = db.execute(
                "SELECT source, at, added, unchanged, updated, skipped, failed FROM ingests ORDER BY at DESC, source"
            ).fetchall()
            items: dict[str, list[Skipped]] = {}
            for source, item, reason in db.execute("SELECT source, item, reason FROM skipped ORDER BY source, ordinal"):
                items.setdefault(source, []).append(Skipped(item, reason))
        return [
            Ingested(
                at, SourceReport(source, added, unchanged, updated, tuple(items.get(source, ())), (), failed), skipped
            )
            for source, at, added, unchanged, updated, skipped, failed in rows
        ]


def _text(name: str) -> str:
    """Names of files need not be UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()

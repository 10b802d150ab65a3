"""What became of each source is remembered, and shown wherever the archive is looked at."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from rag import Archive, Settings
from rag.errors import ArchiveError
from rag.records import Skipped, SourceReport
from rag.stores import ingests
from rag.stores.ingests import Ingests
from web import holdings
from web.desk import Desk

REPORT = SourceReport("news.jsonl", 2, 1, 0, (Skipped("news.jsonl#line 4", "this is no JSON"),))


def test_the_last_report_of_each_source_comes_back_newest_first(tmp_path: Path) -> None:
    kept = Ingests(tmp_path)
    assert kept.reports() == []
    kept.keep([REPORT, SourceReport("gone.txt", failed="gone.txt: no such file")])
    first, second = kept.reports()
    assert (first.report.failed, second.report, second.skipped) == ("gone.txt: no such file", REPORT, 1)
    kept.keep([replace(REPORT, added=0, unchanged=3, skipped=())])
    assert [(one.report.source, one.skipped) for one in kept.reports()] == [("news.jsonl", 0), ("gone.txt", 0)]


def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingests, "SOURCES", 3)
    kept = Ingests(tmp_path)
    many = tuple(Skipped(f"line {n}", "empty") for n in range(ingests.ITEMS + 5))
    kept.keep(SourceReport(f"source {n}", skipped=many) for n in range(4))
    kept.keep([SourceReport("source 4", skipped=many)])
    found = kept.reports()
    assert [one.report.source for one in found] == ["source 4", "source 3", "source 2"]
    assert all(one.skipped == len(many) and one.report.skipped == many[: ingests.ITEMS] for one in found)
    with sqlite3.connect(kept.path) as db:
        assert db.execute("SELECT count(DISTINCT source) FROM skipped").fetchone() == (3,)


def test_a_name_that_is_no_utf8_and_a_damaged_file(tmp_path: Path) -> None:
    kept = Ingests(tmp_path)
    kept.keep([SourceReport(os.fsdecode(b"caf\xe9.txt"))])
    assert kept.reports()[0].report.source == "caf\\udce9.txt"
    kept.path.write_bytes(b"no database at all" * 100)
    with pytest.raises(ArchiveError, match="move it away"):
        kept.reports()
    kept.path.write_bytes(b"")
    assert kept.reports() == []


def test_an_ingest_is_remembered_over_a_rebuild_and_shown(tmp_path: Path) -> None:
    news, path = tmp_path / "news.jsonl", tmp_path / "archive"
    news.write_text('{"title": "Quay", "text": "The quay is rebuilt."}\nno <b>JSON</b>\n{"text": ""}\n')
    with Archive.create(path) as archive:
        archive.ingest([str(news), str(tmp_path / "missing.txt")])
    Archive.rebuild(path)
    with Archive.open(path) as archive:
        missing, told = archive.ingests()
    assert missing.report.failed and (told.report.added, told.skipped) == (1, 2)
    assert [item.source for item in told.report.skipped] == [f"{news}#line 2", f"{news}#line 3"]
    desk = Desk(Settings(archive=path))
    shown = holdings.holdings(desk)
    assert "1 added, 2 skipped" in shown and "news.jsonl#line 2" in shown and "missing.txt" in shown
    assert "<b>JSON" not in shown
    (path / ingests.FILE).write_bytes(b"no database at all" * 100)
    assert "move it away" in holdings.holdings(desk) and "Newest articles" in holdings.holdings(desk)
    desk.close()

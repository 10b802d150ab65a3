"""The archive as the page shows it and adds to it: empty, written by another, damaged."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Archive, Settings
from tests.test_ways_in import served
from web import holdings, serve
from web.desk import Desk, bars

STORY = "Lighthouse lit again\n\nThe lighthouse of Marrow Point was lit again on Friday, said Ada Moss, the keeper.\n"


@given(
    st.dictionaries(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.integers(1, 9), max_size=20), st.integers(1, 80)
)
def test_bars_hold_every_article_once(counts: dict[date, int], most: int) -> None:
    found = bars({d.isoformat(): n for d, n in counts.items()}, most)
    assert len(found) <= most
    assert sum(n for _, _, n in found) == sum(counts.values())
    for (_, last, _), (first, _, _) in pairwise(found):
        assert date.fromisoformat(first) - date.fromisoformat(last) == timedelta(days=1)


def add(desk: Desk, *files: Path, url: str = "") -> str:
    return list(holdings.add(desk, [str(f) for f in files], url))[-1]


def test_files_are_added_and_what_is_skipped_is_told(tmp_path: Path) -> None:
    desk = Desk(Settings(archive=tmp_path / "archive"), adding=True)
    good, empty = tmp_path / "story.txt", tmp_path / "empty.txt"
    good.write_text(STORY)
    empty.write_text("")
    steps = list(holdings.add(desk, [str(good)], ""))
    assert "Opening the archive" in steps[0] and "1 added" in steps[-1]
    assert "1 article in" in steps[-1]
    assert "empty.txt" in add(desk, empty)
    assert "no kind of file" in add(desk, tmp_path / "x.exe")
    assert "Lighthouse lit again" in holdings.holdings(desk)
    desk.close()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/srv/news/june/story.txt", "story.txt"),
        ("story.txt", "story.txt"),
        ("/srv/news/june/", "june/"),
        ("/", "/"),
        ("", ""),
        ("/srv/cms.db:SELECT a/b AS text FROM stories", "cms.db:SELECT a/b AS text FROM stories"),
        ("/srv/news/table.csv#line 3", "table.csv#line 3"),
        ("https://example.org/a/b.html", "https://example.org/a/b.html"),
    ],
)
def test_a_source_is_called_by_its_name(source: str, name: str) -> None:
    assert holdings.called(source) == name


def test_no_folder_of_the_server_is_told(tmp_path: Path) -> None:
    desk = Desk(Settings(archive=tmp_path / "archive"), adding=True)
    sources = [tmp_path / name for name in ("missing.txt", "odd.jsonl", "folder", "good.txt")]
    sources[1].write_text("no JSON\n" * 2)
    sources[2].mkdir()
    sources[3].write_text(STORY)
    with Archive.create(tmp_path / "archive") as writer:
        writer.ingest([str(source) for source in sources])
        writer.ingest([f"{tmp_path}//other/./none.txt", f"{tmp_path}/cms.db:SELECT a/b AS text FROM stories"])
    listed = holdings.holdings(desk).partition("Ingested and skipped")[2]
    assert all(name in listed for name in (*(s.name for s in sources), "none.txt", "cms.db")) and "/tmp" not in listed
    assert str(tmp_path) not in listed
    for source in sources[1:]:
        if source.is_file():
            told = add(desk, source)
            assert source.name in told and "/tmp" not in told and str(tmp_path) not in told
    desk.close()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:x", "x", "http://[", "//x.example"])
def test_only_web_addresses_are_read(tmp_path: Path, url: str) -> None:
    assert "no web address" in add(Desk(Settings(archive=tmp_path / "archive"), adding=True), url=url)


def test_nothing_is_added_where_it_is_off(tmp_path: Path) -> None:
    assert "--allow-ingest" in add(Desk(Settings(archive=tmp_path / "archive")), url="https://example.org")
    assert not (tmp_path / "archive").exists()


def test_an_archive_that_another_writes_is_told_and_can_still_be_asked(tmp_path: Path) -> None:
    path, story = tmp_path / "archive", tmp_path / "story.txt"
    story.write_text(STORY)
    desk = Desk(Settings(archive=path), adding=True)
    with Archive.create(path) as writer:
        writer.ingest([str(story)])
        assert "is being written by process" in add(desk, story)
        head, front, _ = desk.front()
        assert "being added to now" in head
        assert "data-ask" in front
        assert desk.archive.ask("What was lit again at Marrow Point?").status == "answered"
    desk.close()


def test_a_damaged_archive_is_told_with_its_cure(tmp_path: Path) -> None:
    path, story = tmp_path / "archive", tmp_path / "story.txt"
    story.write_text(STORY)
    with Archive.create(path) as writer:
        writer.ingest([str(story)])
    ledger = next(path.glob("store-*/ledger.sqlite3"))
    ledger.write_bytes(b"no database at all" * 1000)
    desk = Desk(Settings(archive=path), adding=True)
    for shown in (desk.front()[1], holdings.holdings(desk), add(desk, story)):
        assert "ledger.sqlite3" in shown and "damaged" in shown
    desk.close()


def test_a_file_that_is_too_large_is_refused(seed_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "UPLOAD", "1mb")
    with served(seed_archive, adding=True, uploads=True) as (address, _):
        sent = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"x" * 3_000_000)}, timeout=30)
        assert sent.status_code == 413

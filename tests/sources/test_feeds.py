"""Feeds as streams: the same items however their bytes come, nothing left out in silence, and memory bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag.sources.feeds
from rag.errors import SourceError
from rag.records import Article, Skipped
from rag.sources import feeds, read
from rag.sources.files import Unreadable
from tests.sources.test_web import items as read_from
from tests.web_server import Site

ROOT = Path(__file__).parent.parent.parent


def rss(count: int, words: int = 4, head: str = "<rss version='2.0'><channel><title>Post</title>") -> Iterator[str]:
    yield head
    for n in range(count):
        said = f"The bridge number {n} opens. {'Word and word again. ' * words}"
        yield f"<item><guid>{n}</guid><title>Head {n}</title><description>{said}</description></item>\n"
    yield "</channel></rss>"


def atom(count: int) -> Iterator[str]:
    yield "<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'><title>Post</title>"
    for n in range(count):
        yield f"<entry xml:lang='en'><id>{n}</id><title>Head {n}</title><summary>The bridge number {n} opens.</summary></entry>\n"
    yield "</feed>"


def titles(chunks: Iterator[bytes]) -> tuple[list[str], str]:
    found: list[str] = []
    try:
        for item in feeds.parse(chunks):
            assert item.said["outlet"] == "Post"
            found.append(item.said["title"])
    except Unreadable as error:
        return found, str(error)
    return found, ""


@given(st.sampled_from([rss, atom]), st.integers(1, 12), st.integers(1, 400), st.integers(1, 5))
def test_items_are_the_same_however_the_bytes_come(kind, count: int, size: int, at_once: int) -> None:  # type: ignore[no-untyped-def]
    raw = "".join(kind(count)).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rag.sources.feeds, "_AT_ONCE", at_once)
        chunks = (raw[at : at + size] for at in range(0, len(raw), size))
        assert titles(chunks) == ([f"Head {n}" for n in range(count)], "")


@given(st.sampled_from([rss, atom]), st.data())
def test_a_feed_that_is_cut_off_says_so(kind, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    raw = "".join(kind(6)).encode()
    first = raw.index(b"</item>" if kind is rss else b"</entry>") + 8
    end = data.draw(st.integers(first, len(raw) - len("</feed>") - 1))
    found, why = titles(iter([raw[:end]]))
    whole = raw[:end].count(b"</item>" if kind is rss else b"</entry>")
    assert found == [f"Head {n}" for n in range(whole)]
    assert why == f"breaks off after item {whole}; get it again"


def test_what_stands_before_the_break_is_kept(tmp_path: Path, site: Site) -> None:
    raw = "".join(rss(3))
    cut = raw[: raw.rindex("<description>") + 20]
    (tmp_path / "cut.rss").write_text(cut)
    for found in (list(read(str(tmp_path / "cut.rss"))), read_from(site.page("/rss", cut, "text/xml"))):
        assert [each.title for each in found if isinstance(each, Article)] == ["Head 0", "Head 1"]
        assert [each.reason for each in found if isinstance(each, Skipped)] == ["breaks off after item 2; get it again"]


def test_an_item_that_never_ends_is_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.sources.feeds, "MAX_ITEM", 2**20)
    (tmp_path / "a.rss").write_text("".join(rss(2)).replace("</channel></rss>", "<item><title>" + "x" * 2**22))
    found = list(read(str(tmp_path / "a.rss")))
    assert sum(isinstance(each, Article) for each in found) == 2
    assert "larger than 1 MiB" in repr(found[-1]) and "after item 2 was not read" in repr(found[-1])


def test_tags_that_never_close_take_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.rss").write_text("<rss><channel>" + "<item>" * 500_000)
    assert "item" in repr(list(read(str(tmp_path / "a.rss"))))


@pytest.mark.faults
def test_a_huge_feed_is_fetched_whole_or_refused(site: Site) -> None:
    found = read_from(site.page("/rss", "".join(rss(100_000)), "text/xml"))
    assert len({each.id for each in found if isinstance(each, Article)}) == 100_000
    assert not any(isinstance(each, Skipped) for each in found)
    with pytest.raises(SourceError, match=r"larger than 32 MiB, the limit; save it to a file"):
        read_from(site.page("/more", "".join(rss(100_000, 40)), "text/xml"))


READER = """
import json, resource, sys
from rag.records import Article
from rag.sources import read
articles = early = 0
for item in read(sys.argv[1]):
    articles += isinstance(item, Article)
    if articles == 1_000:
        early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
late = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([articles, early / 1024, late / 1024]))
"""


@pytest.mark.parametrize(
    ("count", "words"), [(4_000, 600), pytest.param(100_000, 40, marks=pytest.mark.faults)]
)  # 50 and 90 MiB
def test_a_huge_feed_is_read_in_little_memory(tmp_path: Path, count: int, words: int) -> None:
    path = tmp_path / "huge.rss"
    with path.open("w") as out:
        out.writelines(rss(count, words))
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    articles, early, late = json.loads(done.stdout)
    assert articles == count
    assert late - early < 0.6 * path.stat().st_size / 2**20 < 60, "less than the file, in MiB"

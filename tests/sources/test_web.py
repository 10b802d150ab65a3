"""Addresses: feeds, sitemaps and pages as they come over the wire, and what is remembered between runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

import rag.sources.web
from rag import Archive
from rag.errors import SourceError
from rag.records import Article, IngestReport, Remark, Skipped, Unchanged
from rag.sources import read
from rag.sources.web import Forgetful, Web
from tests.web_server import Site, local

ROOT = Path(__file__).parent.parent.parent
TEXT = " ".join(f"Sentence {n} of the report says that the harbour bridge opens in May." for n in range(12))


def page(title: str = "The bridge opens", text: str = TEXT, head: str = "") -> str:
    return f"<html><head><title>{title}</title>{head}</head><body><article><p>{text}</p></article></body></html>"


def feed(*items: str) -> str:
    return f"<rss version='2.0'><channel><title>Gull Bay Post</title>{''.join(items)}</channel></rss>"


def item(link: str, title: str = "The bridge opens", more: str = "") -> str:
    return f"<item><title>{title}</title><link>{link}</link><description>Soon.</description>{more}</item>"


def items(source: str, web: Web | None = None) -> list[Article | Skipped | Remark | Unchanged]:
    return list(read(source, web=web or Web(local())))


# ---- What is remembered


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", embeddings=DeterministicFakeEmbedding(size=8)) as found:
        yield found


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    (one,) = report.sources
    assert not one.failed
    return one.added, one.unchanged, one.updated, len(one.skipped)


def test_a_second_run_asks_for_nothing_that_it_has(site: Site, archive: Archive) -> None:
    links = [site.page(f"/{n}", page(f"Head {n}", TEXT.replace("May", f"May {n}"))) for n in range(3)]
    source = site.page("/rss", feed(*(item(link, f"Head {n}") for n, link in enumerate(links))), "text/xml",
                       headers={"ETag": '"1"'})  # fmt: skip
    assert counts(archive.ingest([source], fetcher=local())) == (3, 0, 0, 0)
    site.asked.clear()
    assert counts(archive.ingest([source], fetcher=local())) == (0, 1, 0, 0)  # the feed itself: 304
    assert site.asked == ["/robots.txt", "/rss"]
    # A new item, a changed one, one that is as it was.
    site.page("/3", page("Head 3", TEXT.replace("bridge", "tunnel")))
    site.page("/0", page("Head 0", TEXT.replace("May", "June")))
    newer = [item(links[0], "Head 0, updated"), item(links[1], "Head 1"), item(f"{site.url}/3", "Head 3")]
    site.page("/rss", feed(*newer), "text/xml", headers={"ETag": '"2"'})
    site.asked.clear()
    assert counts(archive.ingest([source], fetcher=local())) == (1, 1, 1, 0)
    assert site.asked == ["/robots.txt", "/rss", "/0", "/3"]


def test_what_failed_is_asked_for_again(site: Site, archive: Archive) -> None:
    site.page("/a", page())
    site.page("/b", "x", status=500)
    source = site.page("/rss", feed(item("/a"), item("/b")), "text/xml", headers={"ETag": '"1"'})
    assert counts(archive.ingest([source], fetcher=local())) == (1, 0, 0, 1)
    site.page("/b", page("Another", TEXT.replace("bridge", "tunnel")))
    assert counts(archive.ingest([source], fetcher=local())) == (1, 1, 0, 0)


def test_nothing_is_remembered_of_a_run_that_was_broken_off(
    site: Site, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = site.page("/a", page(), headers={"ETag": '"1"'})
    with monkeypatch.context() as patched:
        patched.setattr(archive, "add", lambda items, *_, **__: [list(items), 1 / 0])
        with pytest.raises(ZeroDivisionError):
            archive.ingest([source], fetcher=local())
    assert counts(archive.ingest([source], fetcher=local())) == (1, 0, 0, 0)
    assert counts(archive.ingest([source], fetcher=local())) == (0, 1, 0, 0)


def test_a_list_longer_than_one_run_goes_on_in_the_next(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.sources.web, "MAX_PAGES", 2)
    source = site.page("/rss", feed(*(item(site.page(f"/{n}", page(f"Head {n}")), f"Head {n}") for n in range(5))))
    web = Web(local(), Forgetful())
    seen: list[str] = []
    for _ in range(3):
        found = items(source, web)
        seen += [each.title for each in found if isinstance(each, Article)]
    assert seen == [f"Head {n}" for n in range(5)]
    assert any(
        "run the same command again" in each.reason for each in items(source, Web(local())) if isinstance(each, Skipped)
    )


# ---- Feeds and sitemaps


def test_a_feed_fills_what_its_page_leaves_open(site: Site) -> None:
    more = "<pubDate>Thu, 05 Jan 2023 10:44:00 +0800</pubDate><author>Jane Doe</author>"
    link = site.page("/a", page())
    (found,) = items(site.page("/rss", feed(item("a", more=more)), "text/xml"))
    assert isinstance(found, Article)
    assert (found.published, found.byline, found.outlet) == (
        "2023-01-05T10:44:00+08:00",
        ("Jane Doe",),
        "Gull Bay Post",
    )
    assert found.url == link


@pytest.mark.parametrize(
    "link", ["file:///etc/passwd", "http://169.254.169.254/latest/", "http://localhost:1/", "javascript:x"]
)
def test_a_feed_that_leads_astray(site: Site, link: str) -> None:
    site.page("/a", page())
    found = items(site.page("/rss", feed(item(link), item("/a")), "text/xml"))
    assert [type(each) for each in found] == [Skipped, Article]
    assert "root:" not in repr(found)


def test_a_sitemap_of_sitemaps_with_a_missing_and_a_broken_one(site: Site) -> None:
    a, b = site.page("/a", page("A")), site.page("/b", page("B", TEXT.replace("bridge", "tunnel")))
    news = (
        f"<urlset xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>{a}</loc><news:news>"
        "<news:publication><news:name>Post</news:name><news:language>en</news:language></news:publication>"
        "<news:publication_date>2023-01-05T10:44:00+08:00</news:publication_date><news:title>A</news:title></news:news></url></urlset>"
    )
    maps = [
        site.page("/1.xml", news),
        site.page("/2.xml", f"<urlset><url><loc>{b}</loc></url><url"),
        f"{site.url}/3.xml",
    ]
    index = "".join(f"<sitemap><loc>{one}</loc></sitemap>" for one in maps)
    found = items(site.page("/map.xml", f"<sitemapindex>{index}</sitemapindex>"))
    first, second = (each for each in found if isinstance(each, Article))
    assert (first.title, first.outlet, first.published) == ("A", "Post", "2023-01-05T10:44:00+08:00")
    assert second.title == "B"
    reasons = {each.source: each.reason for each in found if isinstance(each, Skipped)}
    assert "broken XML" in reasons[maps[1]] and "404" in reasons[maps[2]]


def test_a_sitemap_that_lists_itself_ends(site: Site) -> None:
    url = f"{site.url}/map.xml"
    site.page("/map.xml", f"<sitemapindex><sitemap><loc>{url}</loc></sitemap></sitemapindex>")
    assert all(isinstance(each, Skipped) for each in items(url))


@pytest.mark.parametrize("body", ["<rss version='2.0'><channel></channel></rss>", "", "{}", "%PDF-1.4"])
def test_an_address_that_holds_nothing_is_an_error(site: Site, body: str) -> None:
    with pytest.raises(SourceError) as caught:
        items(site.page("/x", body))
    assert "\n" not in str(caught.value)


def test_an_address_of_another_kind() -> None:
    for source in ("ftp://a.example/x", "file:///etc/passwd"):
        with pytest.raises(SourceError, match="only http and https"):
            items(source)


# ---- Pages


def test_a_page_may_not_call_itself_another_sites(site: Site) -> None:
    for canonical, ours in (("https://other.example/a", False), ("/story", True)):
        url = site.page("/a", page(head=f"<link rel=canonical href='{canonical}'>"))
        (found,) = items(url)
        assert isinstance(found, Article)
        assert found.url == (f"{site.url}/story" if ours else url)


ACCENTED = "Die Brücke über den Fluß wird im März geöffnet, sagte Bürgermeister Jürgen Groß in Köln. " * 6


@pytest.mark.parametrize(
    ("encoding", "header", "meta"),
    [
        ("utf-8", "iso-8859-1", ""), ("utf-8", "", "iso-8859-1"), ("iso-8859-1", "", "iso-8859-1"), ("cp1252", "utf-8", "utf-8"),
        ("iso-8859-1", "iso-8859-1", ""), ("utf-8", "nonsense", "x-none"), ("utf-16", "", ""), ("iso-8859-1", "", ""),
    ],
)  # fmt: skip
def test_wrong_charset_declarations(site: Site, encoding: str, header: str, meta: str) -> None:
    html = page(text=ACCENTED, head=f"<meta charset='{meta}'>" if meta else "")
    kind = f"text/html; charset={header}" if header else "text/html"
    (found,) = items(site.page("/a", html.encode(encoding), kind))
    assert isinstance(found, Article) and found.text == ACCENTED.strip()


def test_a_japanese_page_in_a_shifting_charset(site: Site) -> None:
    text = "東京の橋は五月に開通する予定だと市長が述べた。" * 12
    (found,) = items(site.page("/a", page(text=text).encode("iso-2022-jp"), "text/html; charset=iso-2022-jp"))
    assert isinstance(found, Article) and found.text == text


def test_a_page_pasted_together_from_two_encodings(site: Site) -> None:
    raw = page(text=ACCENTED + "\n</p><p>\n" + ACCENTED).encode() + b"\n"
    raw = raw.replace(b"</article>", "\n<p>Zum Schluß\n</p></article>".encode("cp1252"))
    (found,) = items(site.page("/a", raw, "text/html; charset=utf-8"))
    assert isinstance(found, Article)
    assert "Brücke" in found.text and "Schluß" in found.text and "Ã" not in found.text


@pytest.mark.parametrize(
    ("stated", "read_as"),
    [
        ("1970-01-01T00:00:00Z", ""), ("Thu, 01 Jan 1970 00:00:00 GMT", ""), ("1969-12-31T19:00:00-05:00", ""),
        ("2090-05-01T10:00:00Z", ""), ("1970-06-05T10:00:00Z", "1970-06-05T10:00:00+00:00"),
    ],
)  # fmt: skip
def test_dates_that_are_a_computers_zero_or_lie_ahead(site: Site, stated: str, read_as: str) -> None:
    meta = f"<meta property='article:published_time' content='{stated}'>"
    *remarks, found = items(site.page("/a", page(head=meta)))
    assert isinstance(found, Article) and found.published == read_as
    assert bool(remarks) == (not read_as)
    assert all(isinstance(each, Remark) and "date left out" in each.text for each in remarks)


# ---- From the shell


def test_ingest_refuses_an_inner_host_until_it_is_allowed(site: Site, tmp_path: Path) -> None:
    url = site.page("/a", page())
    command = [sys.executable, "ingest.py", url, "--archive", str(tmp_path / "archive"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert "--allow-host 127.0.0.1" in json.loads(done.stdout)["sources"][0]["failed"]
    assert not site.asked
    done = subprocess.run(
        [*command, "--allow-host", "127.0.0.1"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["sources"][0]["added"] == 1

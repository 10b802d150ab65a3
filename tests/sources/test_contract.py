"""One contract for every kind of source: the same article comes out, a bad neighbour is told of and stops nothing."""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastwarc.warc import WarcRecord, WarcRecordType

from rag.errors import SourceError
from rag.records import Article, Remark, Skipped, Unchanged
from rag.sources import READERS, WHOLE_ONLY, read
from rag.sources.web import Web
from tests.web_server import Site, local

PARAGRAPHS = [
    f"Paragraph {n} of the report says that the harbour bridge opens in May after long repairs." for n in range(9)
]
BODY = "\n\n".join(PARAGRAPHS)
GOOD: dict[str, Any] = {"title": "The bridge opens", "text": BODY, "date": "2023-01-05"}
BAD: dict[str, Any] = {"title": "Nothing in it", "text": "", "date": "2023-01-05"}


def html(record: dict[str, Any], link: str = "") -> str:
    body = "".join(f"<p>{escape(p)}</p>" for p in record["text"].split("\n\n"))
    return (
        f"<html lang=en><head><title>{record['title']}</title><meta property=og:title content='{record['title']}'>"
        f"<meta name=date content='{record['date']}'><link rel=canonical href='{link}'></head>"
        f"<body><article>{body}</article></body></html>"
    )


def csv(mark: str, records: list[dict[str, Any]]) -> bytes:
    return "".join(mark.join((f'"{r["title"]}"', f'"{r["text"]}"', r["date"])) + "\n" for r in
                   [{"title": "title", "text": "text", "date": "date"}, *records]).encode()  # fmt: skip


def parquet(records: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    rows = [{**r, "date": date.fromisoformat(r["date"])} for r in records]
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def sqlite(records: list[dict[str, Any]]) -> bytes:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE stories (title TEXT, text TEXT, date TEXT)")
    db.execute("CREATE TABLE users (name TEXT)")
    db.executemany("INSERT INTO stories VALUES (:title, :text, :date)", records)
    db.commit()
    return db.serialize()


def rss(records: list[dict[str, Any]]) -> bytes:
    items = "".join(
        f"<item><title>{r['title']}</title><pubDate>Thu, 05 Jan 2023 00:00:00 GMT</pubDate><guid>{n}</guid>"
        f"<content:encoded><![CDATA[{''.join(f'<p>{p}</p>' for p in r['text'].split(chr(10) * 2))}]]></content:encoded></item>"
        for n, r in enumerate(records)
    )
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Gull Bay Post</title>{items}</channel></rss>"
    ).encode()


def atom(records: list[dict[str, Any]]) -> bytes:
    items = "".join(
        f"<entry><title>{r['title']}</title><id>urn:{n}</id><published>{r['date']}T00:00:00Z</published>"
        f"<content type='html'>{escape(''.join(f'<p>{p}</p>' for p in r['text'].split(chr(10) * 2)))}</content></entry>"
        for n, r in enumerate(records)
    )
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Post</title>{items}</feed>'.encode()


def warc(records: list[dict[str, Any]], *, packed: bool = True) -> bytes:
    out = io.BytesIO()
    for n, r in enumerate(records):
        for kind, body in ((b"image/png", b"\x89PNG"), (b"text/html; charset=utf-8", html(r).encode())):
            record = WarcRecord()
            record.init_headers(record_type=WarcRecordType.response)
            record.headers["WARC-Target-URI"] = f"https://post.example/{n}"
            record.headers["Content-Type"] = "application/http; msgtype=response"
            head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n"
            record.set_bytes_content(head + body)
            one = io.BytesIO()
            record.write(one)
            out.write(gzip.compress(one.getvalue()) if packed else one.getvalue())
    return out.getvalue()


def wacz(records: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("datapackage.json", "{}")
        packed.writestr("archive/data.warc.gz", warc(records))
    return out.getvalue()


ONE = {  # files that are one article
    ".txt": f"{GOOD['title']}\n\nJanuary 5, 2023\n\n{BODY}".encode(),
    ".md": f"# {GOOD['title']}\n\nJanuary 5, 2023\n\n{BODY}".encode(),
    ".html": html(GOOD).encode(),
}
MANY: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {  # files of many
    ".json": lambda records: json.dumps(records).encode(),
    ".jsonl": lambda records: "\n".join(map(json.dumps, records)).encode(),
    ".csv": lambda records: csv(",", records),
    ".tsv": lambda records: csv("\t", records),
    ".parquet": parquet,
    ".db": sqlite,
    ".rss": rss,
    ".atom": atom,
    ".warc": lambda records: warc(records, packed=False),
    ".wacz": wacz,
}


def as_feed(site: Site, records: list[dict[str, Any]]) -> str:
    return site.page("/rss", rss(records), "application/rss+xml")


def as_summaries(site: Site, records: list[dict[str, Any]]) -> str:
    items = ""
    for n, r in enumerate(records):
        link = site.page(f"/{n}", html(r))
        items += f"<item><title>{r['title']}</title><link>{link}</link><description>Soon.</description></item>"
    return site.page("/rss", f"<rss version='2.0'><channel><title>P</title>{items}</channel></rss>", "text/xml")


def as_sitemap(site: Site, records: list[dict[str, Any]]) -> str:
    urls = "".join(f"<url><loc>{site.page(f'/{n}', html(r))}</loc></url>" for n, r in enumerate(records))
    inner = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'
    address = site.page("/news.xml.gz", gzip.compress(inner.encode()), "application/gzip")
    index = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{address}</loc></sitemap></sitemapindex>'
    return site.page("/sitemap.xml", index, "application/xml")


WEB = {"feed": as_feed, "feed of summaries": as_summaries, "sitemap": as_sitemap}
Made = Callable[[list[dict[str, Any]]], str]


@pytest.fixture(params=[*MANY, *(f"{e}.gz" for e in MANY if e not in WHOLE_ONLY), *WEB])
def made(request: pytest.FixtureRequest, tmp_path: Path, site: Site) -> Made:
    """Puts records into a source of each kind that holds many; returns its name."""
    kind: str = request.param

    def make(records: list[dict[str, Any]]) -> str:
        if kind in WEB:
            return WEB[kind](site, records)
        raw = MANY[kind.removesuffix(".gz")](records)
        path = tmp_path / f"a{kind.upper()}"
        path.write_bytes(gzip.compress(raw) if kind.endswith(".gz") and kind != ".warc.gz" else raw)
        if kind == ".warc.gz":
            path.write_bytes(warc(records))  # each record packed by itself, as crawlers write them
        return str(path)

    return make


def items(source: str) -> Iterator[Article | Skipped | Remark | Unchanged]:
    return read(source, web=Web(local()))


def test_the_same_article_from_every_source(made: Made) -> None:
    source = made([GOOD])
    (found,) = items(source)
    assert isinstance(found, Article)
    assert (found.title, found.published[:10]) == (GOOD["title"], "2023-01-05")
    assert " ".join(found.text.split()) == " ".join(BODY.split())
    assert found.source


def test_a_bad_record_is_told_of_and_stops_nothing(made: Made) -> None:
    source = made([GOOD, BAD, {**GOOD, "title": "Another", "text": BODY.replace("bridge", "tunnel")}])
    found = [item for item in items(source) if not isinstance(item, Remark)]
    assert [type(item) for item in found] == [Article, Skipped, Article]
    (skipped,) = (item for item in found if isinstance(item, Skipped))
    assert skipped.reason and "\n" not in skipped.reason and skipped.source
    first, last = (item for item in found if isinstance(item, Article))
    assert first.id != last.id


def test_reading_twice_gives_the_same_ids(made: Made) -> None:
    source = made([GOOD, {**GOOD, "title": "Another", "text": BODY.replace("bridge", "tunnel")}])
    assert list(items(source)) == list(items(source))


def test_a_source_of_nothing_is_an_error_or_says_so(made: Made) -> None:
    source = made([])
    try:
        found = list(items(source))
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(item, Skipped) for item in found)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("ending", ONE)
def test_a_file_that_is_one_article(tmp_path: Path, ending: str, packed: bool) -> None:
    path = tmp_path / (f"a{ending.upper()}.gz" if packed else f"a{ending}")
    path.write_bytes(gzip.compress(ONE[ending]) if packed else ONE[ending])
    (found,) = read(str(path))
    assert isinstance(found, Article)
    assert (found.title, found.text, found.published) == (GOOD["title"], BODY, "2023-01-05")


def test_every_reader_is_held_to_the_contract() -> None:
    assert {READERS[ending] for ending in (*ONE, *MANY)} == set(READERS.values())


# ---- What only some kinds have


def test_a_query_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "cms.db"
    path.write_bytes(sqlite([GOOD, {**GOOD, "title": "Draft"}]))
    source = f"{path}:SELECT title AS headline, text AS story, date FROM stories WHERE title <> 'Draft'"
    (found,) = read(source)
    assert isinstance(found, Article) and found.title == GOOD["title"]
    for query, cure in (
        ("SELECT * FROM users", "no text"),
        ("SELECT * FROM missing", "no such table"),
        ("SELECT load_extension('x')", "SQLite says"),
        ("WITH x AS (SELECT 1) DELETE FROM stories", "SQLite says"),
    ):
        (skipped,) = read(f"{path}:{query}")
        assert isinstance(skipped, Skipped) and cure in skipped.reason
    before = path.read_bytes()
    assert path.read_bytes() == before


@pytest.mark.parametrize("ending", [".parquet", ".db", ".warc", ".wacz", ".rss", ".warc.gz", ".jsonl.gz", ".txt.gz"])
def test_damaged_files_say_so_and_keep_what_stands_before(tmp_path: Path, ending: str) -> None:
    noise = random.Random(1)
    records = [{**GOOD, "title": f"Story {n}", "text": f"{BODY}\n\n{noise.randbytes(2000).hex()}"} for n in range(40)]
    if ending == ".txt.gz":
        raw = gzip.compress(b"".join(n.to_bytes(3) for n in range(10**5)))
    elif ending == ".warc.gz":
        raw = warc(records)
    else:
        raw = MANY[ending.removesuffix(".gz")](records)
        raw = gzip.compress(raw) if ending.endswith(".gz") else raw
    path = tmp_path / f"a{ending}"
    path.write_bytes(raw[: len(raw) * 2 // 3])
    (tmp_path / "b.txt").write_text(BODY)
    found = list(read(str(tmp_path)))
    assert any(isinstance(item, Skipped) for item in found)
    assert all("\n" not in item.reason for item in found if isinstance(item, Skipped))
    assert isinstance(found[-1], Article)
    if ending in (".warc", ".warc.gz", ".jsonl.gz"):
        assert 10 < sum(isinstance(item, Article) for item in found) < 40


def test_a_file_edited_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({**GOOD, "title": str(n)}) for n in range(5)))
    found: list[object] = []
    for item in read(str(path)):
        if not found:
            path.write_text(path.read_text() + "\n" + json.dumps(GOOD))
        found.append(item)
    last = found[-1]
    assert isinstance(last, Skipped) and "changed while it was read" in last.reason


def test_an_entity_bomb_is_no_bomb(tmp_path: Path, site: Site) -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{levels}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    feed = f"{bomb}<rss version='2.0'><channel><title>P</title><item><title>T</title><description>&a11; &f; words</description></item></channel></rss>"
    (tmp_path / "bomb.rss").write_text(feed)
    urls = f"{bomb}<urlset><url><loc>{site.url}/&a11;</loc></url><url><loc>&f;</loc></url></urlset>"
    for source in (str(tmp_path / "bomb.rss"), site.page("/map.xml", urls, "text/xml")):
        try:
            told = repr(list(items(source)))
        except SourceError as error:
            told = str(error)
        assert len(told) < 5_000 and "root:" not in told


def test_gzip_bombs_are_noticed_before_they_go_off(tmp_path: Path, site: Site) -> None:
    bomb = gzip.compress(bytes(300 * 2**20), 1)
    for name in ("a.txt.gz", "a.json.gz"):
        (tmp_path / name).write_bytes(bomb)
    (tmp_path / "a.rss.gz").write_bytes(gzip.compress(b"<rss><channel><item><title>" + bytes(300 * 2**20), 1))
    reasons = [item.reason for item in read(str(tmp_path)) if isinstance(item, Skipped)]
    assert len(reasons) == 3 and all("MiB" in reason for reason in reasons)
    served = site.page("/", bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceError, match="MiB"):
        list(items(served))
    with pytest.raises(SourceError, match="MiB"):
        list(items(site.page("/map.xml.gz", bomb, "application/gzip")))

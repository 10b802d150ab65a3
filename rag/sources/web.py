"""Addresses: a page, a feed, or a sitemap, told apart by what comes back. What was read before is not fetched again."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Protocol

from rag.indexing.extract import Extracted, NotAnArticle, from_html
from rag.records import Skipped, Unchanged
from rag.sources import feeds, sitemaps
from rag.sources.fetch import MAX_BYTES, Fetched, Fetcher, Unfetchable
from rag.sources.files import MAX_DOCUMENT, Unreadable, encoding_of

MAX_PAGES = 2_000
"""Pages fetched for one feed or sitemap in one run; the next run goes on with the others."""
MAX_SITEMAPS = 50
_LISTS = 2  # sitemaps of sitemaps within each other


@dataclass(frozen=True, slots=True)
class Visit:
    """How an address was when it was last read: the server's ETag and Last-Modified, and the version its list gave."""

    etag: str = ""
    modified: str = ""
    version: str = ""


class Memory(Protocol):
    """Which addresses were read before. What is remembered must be kept only when the articles are."""

    def recall(self, url: str) -> Visit | None: ...

    def remember(self, url: str, visit: Visit) -> None: ...


@dataclass(slots=True)
class Forgetful:
    """A memory for one run."""

    visits: dict[str, Visit] = field(default_factory=dict[str, Visit])

    def recall(self, url: str) -> Visit | None:
        return self.visits.get(url)

    def remember(self, url: str, visit: Visit) -> None:
        self.visits[url] = visit


@dataclass(slots=True)
class Web:
    """How addresses are read: by what, and what is known of them."""

    fetcher: Fetcher = field(default_factory=Fetcher)
    memory: Memory = field(default_factory=Forgetful)


@dataclass(slots=True)
class _Run:
    """The pages fetched so far for one source, and whether all that it lists was read."""

    pages: int = 0
    complete: bool = True


def is_address(source: str) -> bool:
    """Whether a source is named by its address on the web."""
    return re.match(r"https?://", source, re.IGNORECASE) is not None


def read(url: str, web: Web, today: date) -> Iterator[Extracted | Skipped | Unchanged]:
    """What an address holds. Raises `Unfetchable`, `Unreadable` or `NotAnArticle` where that is nothing at all."""
    before = web.memory.recall(url) or Visit()
    got = web.fetcher.get(url, etag=before.etag, modified=before.modified)
    if got.unchanged:
        yield Unchanged(url)
        return
    body = _unpacked(got.body)
    run = _Run()
    if sitemaps.is_sitemap(body):
        yield from _sitemap(body, url, web, today, run, depth=0)
    elif feeds.is_feed(body):
        yield from _feed(body, got.url, url, web, today, run)
    else:
        yield _page(got, url, url, {}, today)
    if run.complete:
        # Else the next run would be told that nothing changed, and never see what failed this time.
        web.memory.remember(url, Visit(got.etag, got.modified))


def _feed(
    raw: bytes, base: str, source: str, web: Web, today: date, run: _Run
) -> Iterator[Extracted | Skipped | Unchanged]:
    number = 0
    try:
        for number, item in enumerate(feeds.parse((raw,), base), 1):
            if item.whole or not item.link:
                where = item.link or f"{source}#item {number}"
                try:
                    yield feeds.article(item, source=where, key=source, today=today)
                except NotAnArticle as error:
                    yield Skipped(where, str(error))
            else:
                yield from _listed(item.link, item.version, {**item.said, "text": ""}, web, today, run)
    except Unreadable as error:
        if not number:
            raise
        run.complete = False
        yield Skipped(source, str(error))


def _sitemap(
    raw: bytes, source: str, web: Web, today: date, run: _Run, depth: int
) -> Iterator[Extracted | Skipped | Unchanged]:
    more: list[sitemaps.Entry] = []
    try:
        for entry in sitemaps.parse(raw):
            if entry.more:
                more.append(entry)
                continue
            said = {
                "title": entry.title,
                "outlet": entry.outlet,
                "published": entry.published,
                "language": entry.language,
            }
            version = entry.changed or entry.published
            yield from _listed(entry.url, version, said, web, today, run)
    except Unreadable as error:
        run.complete = False
        yield Skipped(source, str(error))
    more.sort(key=lambda entry: entry.changed, reverse=True)
    for entry in more[MAX_SITEMAPS:] if depth < _LISTS else more:
        yield Skipped(entry.url, f"more than {MAX_SITEMAPS} sitemaps, or nested too deeply; name it as a source itself")
    for entry in more[:MAX_SITEMAPS] if depth < _LISTS else []:
        before = web.memory.recall(entry.url) or Visit()
        if entry.changed and before.version == entry.changed:
            yield Unchanged(entry.url)
            continue
        try:
            got = web.fetcher.get(entry.url, etag=before.etag, modified=before.modified)
            body = _unpacked(got.body)
            if not got.unchanged and not sitemaps.is_sitemap(body):
                raise Unreadable("is no sitemap")
        except (Unfetchable, Unreadable) as error:
            run.complete = False
            yield Skipped(entry.url, str(error))
            continue
        if got.unchanged:
            yield Unchanged(entry.url)
            continue
        inner = _Run(run.pages)
        yield from _sitemap(body, entry.url, web, today, inner, depth + 1)
        if inner.complete:
            web.memory.remember(entry.url, Visit(got.etag, got.modified, entry.changed))
        run.pages, run.complete = inner.pages, run.complete and inner.complete


def _listed(
    url: str, version: str, said: Mapping[str, Any], web: Web, today: date, run: _Run
) -> Iterator[Extracted | Skipped | Unchanged]:
    """The page of an address that a feed or sitemap lists, unless its list says that it is as it was."""
    version = sha256(version.encode("utf-8", "replace")).hexdigest()[:16] if version.strip() else ""
    before = web.memory.recall(url)
    if before and version and before.version == version:
        yield Unchanged(url)
        return
    if run.pages >= MAX_PAGES:
        if run.complete:
            yield Skipped(url, f"more than {MAX_PAGES:,} pages; run the same command again for this and what follows")
        run.complete = False
        return
    run.pages += 1
    before = before or Visit()
    try:
        got = web.fetcher.get(url, etag=before.etag, modified=before.modified)
    except Unfetchable as error:
        run.complete = False
        yield Skipped(url, str(error))
        return
    try:
        yield Unchanged(url) if got.unchanged else _page(got, url, url, said, today)
    except (NotAnArticle, Unreadable) as error:
        yield Skipped(url, str(error))
    web.memory.remember(url, Visit(got.etag or before.etag, got.modified or before.modified, version))


def _page(got: Fetched, source: str, key: str, said: Mapping[str, Any], today: date) -> Extracted:
    if len(got.body) > MAX_DOCUMENT:
        raise Unreadable(f"larger than {MAX_DOCUMENT // 2**20} MiB, the limit for one page")
    encoding_of(got.body[:4096])  # only to refuse what looks binary: a page declares its own charset
    if b"<" not in got.body:
        raise Unreadable("is no page, feed or sitemap; save it to a file named after its kind")
    return from_html(got.body, source=source, key=key, today=today, address=got.url, charset=got.charset, said=said)


def _unpacked(raw: bytes) -> bytes:
    """The body of a file that is served gzipped under its own name (sitemap.xml.gz)."""
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    unpacker = zlib.decompressobj(31)
    try:
        found = unpacker.decompress(raw, MAX_BYTES + 1)
    except zlib.error as error:
        raise Unreadable("its gzip data is damaged; try again later") from error
    if len(found) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 2**20} MiB once unpacked, the limit")
    if not unpacker.eof:
        raise Unreadable("its gzip data is cut off; try again later")
    return found

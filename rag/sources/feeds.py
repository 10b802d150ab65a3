# pyright: basic
# (feedparser ships no types)
"""RSS and Atom feeds: their items, whole or as summaries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from rag.indexing import pages
from rag.indexing.extract import Extracted, NotAnArticle, from_record
from rag.indexing.identity import is_web_address
from rag.records import Skipped
from rag.sources import sitemaps
from rag.sources.files import Unreadable, open_bytes

WHOLE = 400
"""Characters from which an item's content is taken for the article; shorter ones announce it."""
WHOLE_SUMMARY = 1500
"""The same for what the feed calls a description or summary."""

_FEED = re.compile(rb"<(?:\w+:)?(?:rss|feed|RDF)\b", re.IGNORECASE)
_ITEM = re.compile(rb"<((?:\w+:)?(?:item|entry))(?=[\s>])", re.IGNORECASE)
_END = re.compile(rb"</(?:\w+:)?(?:rss|feed|RDF)\s*>", re.IGNORECASE)
# Items, and bytes of them, parsed together: a feed of a hundred thousand is never a tree in memory.
_AT_ONCE, _CHUNK = 500, 2**20
MAX_ITEM = 32 * 2**20
"""Bytes of one item; also of a feed in which none can be told from the rest before it is parsed."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a feed. ``said`` has names of `rag.indexing.extract.COLUMNS`; its text may be a summary (``whole``)."""

    link: str
    said: Mapping[str, Any]
    whole: bool

    @property
    def version(self) -> str:
        """What changes when the item does."""
        return "\x1f".join(str(self.said.get(name, "")) for name in ("title", "published", "modified", "text"))


def is_feed(raw: bytes) -> bool:
    """Whether these bytes begin as a feed."""
    return _FEED.search(raw[:4096]) is not None


def file(path: Path, source: str, key: str, fields: Mapping[str, str], today: date) -> Iterator[Extracted | Skipped]:
    """A feed saved to a file: what stands in it, and nothing is fetched."""
    with open_bytes(path) as opened:
        first = opened.read(_CHUNK)
        if sitemaps.is_sitemap(first):
            raise Unreadable(
                "a sitemap holds no articles, only their addresses; name it by its own address (https://…)"
            )
        if not is_feed(first):
            raise Unreadable("is no feed (RSS or Atom); of XML, only feeds are read")
        chunks = chain((first,), iter(partial(opened.read, _CHUNK), b""))
        for number, item in enumerate(parse(chunks), 1):
            try:
                yield article(item, source=f"{source}#item {number}", key=key, today=today)
            except NotAnArticle as error:
                yield Skipped(f"{source}#item {number}", str(error))


def article(item: Item, *, source: str, key: str, today: date) -> Extracted:
    """The item as an article, its summary standing for the text where it has no more. Raises `NotAnArticle`."""
    if not str(item.said.get("text", "")).strip():
        raise NotAnArticle("the feed gives only its headline; name the feed by its address, so that pages are fetched")
    found = from_record(item.said, source=source, key=key, today=today)
    if item.whole:
        return found
    return Extracted(found.article, found.key, ("only the feed's summary of it is kept", *found.remarks))


def parse(chunks: Iterable[bytes], base: str = "") -> Iterator[Item]:
    """The items of a feed in order, while its bytes are read; links are made whole with ``base``, its own address.

    Raises `Unreadable` where it holds no item or breaks off, after the items that stand whole before.
    """
    head: bytes | None = None  # what stands before the items: the feed's own title and language
    waiting: list[bytes] = []
    rest = b""
    found = 0
    for chunk in chunks:
        rest += chunk
        at = 0
        while match := _ITEM.search(rest, at):
            end = re.compile(rb"</" + re.escape(match[1]) + rb"\s*>", re.IGNORECASE).search(rest, match.end())
            if end is None:
                break
            head = rest[: match.start()] if head is None else head
            waiting.append(rest[match.start() : end.end()])
            at = end.end()
            if len(waiting) == _AT_ONCE or sum(map(len, waiting)) > _CHUNK:
                for item in _items(b"".join((head, *waiting)), base):
                    found += 1
                    yield item
                waiting = []
        rest = rest[at:]
        if len(rest) > MAX_ITEM:
            behind = f"; what stands after item {found + len(waiting)} was not read" if found or waiting else ""
            for item in _items(b"".join((head or b"", *waiting)), base) if waiting else ():
                yield item
            raise Unreadable(f"an item is larger than {MAX_ITEM // 2**20} MiB, the limit for one{behind}")
    whole = _END.search(rest) is not None or head is None
    for item in _items(b"".join((head or b"", *waiting, rest if whole else b"")), base):
        found += 1
        yield item
    if not whole:
        raise Unreadable(f"breaks off after item {found}; get it again")
    if not found:
        raise Unreadable("is a feed without items")


def _items(raw: bytes, base: str) -> Iterator[Item]:
    import feedparser

    feed = feedparser.parse(raw, resolve_relative_uris=False, sanitize_html=False)
    outlet = feed.feed.get("title", "")
    language = feed.feed.get("language", "")
    for entry in feed.entries:
        contents = [c.get("value", "") for c in entry.get("content", [])]
        content = max(contents, key=len, default="")
        summary = entry.get("summary", "")
        whole = len(_words(content)) >= WHOLE or (not content and len(_words(summary)) >= WHOLE_SUMMARY)
        link = (entry.get("feedburner_origlink") or entry.get("link") or "").strip()
        if link == entry.get("id") and not is_web_address(link):
            link = ""  # an item's number, which the parser takes for its permanent address
        link = urljoin(base, link) if base and link else link
        yield Item(
            link,
            {
                "title": _words(entry.get("title", "")),
                "text": content if len(_words(content)) >= len(_words(summary)) else summary,
                "url": link,
                "outlet": entry.get("source", {}).get("title", "") or outlet,
                "byline": [a.get("name", "") for a in entry.get("authors", [])] or entry.get("author", ""),
                "published": entry.get("published", ""),
                "modified": dict(entry).get("updated", ""),  # (its own get would give the day of publication instead)
                "language": language,
                "id": entry.get("id", ""),
            },
            whole,
        )


def _words(html: str) -> str:
    return " ".join((pages.without_tags(html) if pages.is_html(html) else html).split())

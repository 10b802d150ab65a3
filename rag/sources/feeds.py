# pyright: basic
# (feedparser ships no types)
"""RSS and Atom feeds: their items, whole or as summaries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from rag.indexing import pages
from rag.indexing.extract import Extracted, NotAnArticle, from_record
from rag.indexing.identity import is_web_address
from rag.records import Skipped
from rag.sources import sitemaps
from rag.sources.files import MAX_WHOLE, Unreadable, read_whole

WHOLE = 400
"""Characters from which an item's content is taken for the article; shorter ones announce it."""
WHOLE_SUMMARY = 1500
"""The same for what the feed calls a description or summary."""

_FEED = re.compile(rb"<(?:\w+:)?(?:rss|feed|RDF)\b", re.IGNORECASE)
_ITEM = re.compile(rb"<(item|entry)\b.*?</\1\s*>", re.DOTALL)
_AT_ONCE = 500  # items parsed together: a feed of a hundred thousand is never a tree in memory


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
    raw = read_whole(path, MAX_WHOLE)
    if sitemaps.is_sitemap(raw):
        raise Unreadable("a sitemap holds no articles, only their addresses; name it by its own address (https://…)")
    if not is_feed(raw):
        raise Unreadable("is no feed (RSS or Atom); of XML, only feeds are read")
    found = False
    for number, item in enumerate(parse(raw), 1):
        found = True
        try:
            yield article(item, source=f"{source}#item {number}", key=key, today=today)
        except NotAnArticle as error:
            yield Skipped(f"{source}#item {number}", str(error))
    if not found:
        raise Unreadable("is a feed without items")


def article(item: Item, *, source: str, key: str, today: date) -> Extracted:
    """The item as an article, its summary standing for the text where it has no more. Raises `NotAnArticle`."""
    if not str(item.said.get("text", "")).strip():
        raise NotAnArticle("the feed gives only its headline; name the feed by its address, so that pages are fetched")
    found = from_record(item.said, source=source, key=key, today=today)
    if item.whole:
        return found
    return Extracted(found.article, found.key, ("only the feed's summary of it is kept", *found.remarks))


def parse(raw: bytes, base: str = "") -> Iterator[Item]:
    """The items of a feed in order; links are made whole with ``base``, the feed's own address."""
    matches = list(_ITEM.finditer(raw))
    if len(matches) <= _AT_ONCE:
        yield from _items(raw, base)
        return
    head, tail = raw[: matches[0].start()], raw[matches[-1].end() :]
    for at in range(0, len(matches), _AT_ONCE):
        part = matches[at : at + _AT_ONCE]
        yield from _items(b"".join((head, *(m.group() for m in part), tail)), base)


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

# pyright: basic
# (lxml ships no types)
"""Sitemaps, news sitemaps above all: the addresses they list, with what they say of each."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.sources.files import Unreadable

_ROOT = re.compile(rb"<(?:\w+:)?(urlset|sitemapindex)\b")


@dataclass(frozen=True, slots=True)
class Entry:
    """An address that a sitemap lists. ``more``: it is another sitemap. ``changed`` is as printed, "" when unsaid."""

    url: str
    more: bool = False
    title: str = ""
    outlet: str = ""
    published: str = ""
    changed: str = ""
    language: str = ""


def is_sitemap(raw: bytes) -> bool:
    """Whether these bytes begin as a sitemap or an index of sitemaps."""
    return _ROOT.search(raw[:4096]) is not None


def parse(raw: bytes) -> Iterator[Entry]:
    """The entries in order, read one by one. Raises `Unreadable` where the XML breaks, after what stands before."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    # Entities are neither resolved nor loaded: a sitemap needs none, and a bomb is made of nothing else.
    events = etree.iterparse(
        io.BytesIO(raw), events=("end",), resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    found = 0
    try:
        for _, element in events:
            name = _name(element)
            if name not in ("url", "sitemap"):
                continue
            said: dict[str, str] = {}
            for child in element.iter():
                if child.text and child.text.strip():
                    said.setdefault(_name(child), child.text.strip())
            if "loc" in said:
                found += 1
                yield Entry(
                    said["loc"], name == "sitemap", said.get("title", ""), said.get("name", ""),
                    said.get("publication_date", ""), said.get("lastmod", ""), said.get("language", ""),
                )  # fmt: skip
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise Unreadable(f"broken XML in line {line}; what stands after entry {found} was not read") from error


def _name(element: object) -> str:
    tag = getattr(element, "tag", "")
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""

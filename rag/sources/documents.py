"""Files that are one article each: text, Markdown, HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from rag.indexing.extract import Extracted, from_html, from_text
from rag.sources.files import MAX_DOCUMENT, decode, encoding_of, read_whole


def text(path: Path, source: str, key: str, fields: Mapping[str, str], today: date) -> Iterator[Extracted]:
    """A plain text, as wires print it."""
    yield _text(path, source, key, today, markdown=False)


def markdown(path: Path, source: str, key: str, fields: Mapping[str, str], today: date) -> Iterator[Extracted]:
    """A text in Markdown, with front matter or without."""
    yield _text(path, source, key, today, markdown=True)


def page(path: Path, source: str, key: str, fields: Mapping[str, str], today: date) -> Iterator[Extracted]:
    """A saved page."""
    raw = read_whole(path, MAX_DOCUMENT)
    encoding_of(raw[:4096])  # only to refuse what looks binary: a page declares its own charset
    yield from_html(raw, source=source, key=key, today=today)


def _text(path: Path, source: str, key: str, today: date, *, markdown: bool) -> Extracted:
    body, remark = decode(read_whole(path, MAX_DOCUMENT))
    found = from_text(body, source=source, key=key, today=today, markdown=markdown)
    return replace(found, remarks=(remark, *found.remarks)) if remark else found

# pyright: basic
# (fastwarc ships no types)
"""Web archives: WARC (each record gzipped, or none, or the whole file) and WACZ, the ZIP of them that browsers save."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rag.indexing.extract import Extracted, NotAnArticle, from_html
from rag.records import Skipped
from rag.sources.files import MAX_DOCUMENT, Unreadable, encoding_of

_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r\n")
_PAGES = ("text/html", "application/xhtml+xml")


def warc(path: Path, source: str, key: str, fields: Mapping[str, str], today: date) -> Iterator[Extracted | Skipped]:
    """The pages of a WARC file that were answered with success; pictures, scripts and redirects are passed over."""
    with path.open("rb") as file:
        yield from _records(file, source, key, today)


def wacz(path: Path, source: str, key: str, fields: Mapping[str, str], today: date) -> Iterator[Extracted | Skipped]:
    """The pages of every WARC file inside a WACZ file."""
    try:
        with zipfile.ZipFile(path) as packed:
            names = [n for n in packed.namelist() if n.lower().endswith((".warc", ".warc.gz"))]
            if not names:
                raise Unreadable("holds no WARC file")
            for name in names:
                with packed.open(name) as file:
                    yield from _records(file, f"{source}#{name}", key, today)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Unreadable(f"its ZIP data is damaged or cut off ({str(error)[:60]}); get the file again") from error


def _records(file: Any, source: str, key: str, today: date) -> Iterator[Extracted | Skipped]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    number = 0
    try:
        for record in ArchiveIterator(
            file, record_types=WarcRecordType.response | WarcRecordType.resource, parse_http=True
        ):
            url = (record.headers.get("WARC-Target-URI") or "").strip("<>")
            where = f"{source}#{url}"
            if record.http_headers is not None and record.http_headers.status_code != 200:
                continue
            kind = (record.http_content_type or record.headers.get("Content-Type") or "").partition(";")[0]
            if kind.strip().lower() not in _PAGES:
                continue
            number += 1
            try:
                raw = _body(record)
                encoding_of(raw[:4096])  # only to refuse what looks binary
                yield from_html(raw, source=where, key=key, today=today, address=url, charset=record.http_charset or "")
            except (NotAnArticle, Unreadable, zlib.error) as error:  # `_CutOff` ends the file, below
                yield Skipped(where, "its gzip data is damaged" if isinstance(error, zlib.error) else str(error))
    except (OSError, EOFError, ValueError) as error:
        raise Unreadable(
            f"its WARC data is damaged or cut off ({str(error)[:60]}); what stands after page {number} was not read"
        ) from error


class _CutOff(EOFError):
    """The file ends within a record."""


def _body(record: Any) -> bytes:
    """A record's page, unpacked, within the limit of one document."""
    length, headers = record.content_length, record.http_headers
    raw = record.reader.read(MAX_DOCUMENT + 1)
    if len(raw) < min(length, MAX_DOCUMENT + 1):
        raise _CutOff("the last record is not whole")
    if headers is not None and "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        raw = _joined(raw)
    packed = (headers.get("Content-Encoding") or "").strip().lower() if headers is not None else ""
    if packed in ("gzip", "x-gzip", "deflate") and not raw.lstrip().startswith(b"<"):  # some crawlers unpack it
        raw = zlib.decompressobj(47).decompress(raw, MAX_DOCUMENT + 1)
    elif packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Unreadable(f"packed as {packed[:20]!r}; only gzip is unpacked")
    if len(raw) > MAX_DOCUMENT:
        raise Unreadable(f"larger than {MAX_DOCUMENT // 2**20} MiB, the limit for one page")
    return raw


def _joined(raw: bytes) -> bytes:
    """The chunks of a transfer put together; the bytes as they are where there are none (some crawlers join them)."""
    parts: list[bytes] = []
    at = 0
    while match := _CHUNK.match(raw, at):
        size = int(match[1], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(raw[match.end() : match.end() + size])
        at = match.end() + size + 2
    return b"".join(parts) if parts else raw

# pyright: basic
# (fastwarc ships no types)
"""Web archives: WARC (each record gzipped, or none, or the whole file) and WACZ, the ZIP of them that browsers save."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rag.indexing.extract import Extracted, NotAnArticle, from_html
from rag.records import Skipped
from rag.sources.files import MAX_DOCUMENT, Unreadable, encoding_of

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
            except (NotAnArticle, Unreadable, zlib.error) as error:
                yield Skipped(where, "its gzip data is damaged" if isinstance(error, zlib.error) else str(error))
    except (OSError, EOFError, ValueError) as error:
        raise Unreadable(
            f"its WARC data is damaged or cut off ({str(error)[:60]}); what stands after page {number} was not read"
        ) from error


def _body(record: Any) -> bytes:
    """A record's page, unpacked, within the limit of one document."""
    packed = (record.http_headers.get("Content-Encoding") or "").lower() if record.http_headers is not None else ""
    raw = record.reader.read(MAX_DOCUMENT + 1)
    if packed in ("gzip", "x-gzip", "deflate") and raw[:2] != b"<!":
        unpacker = zlib.decompressobj(47)
        raw = unpacker.decompress(raw, MAX_DOCUMENT + 1)
    elif packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Unreadable(f"packed as {packed[:20]!r}; only gzip is unpacked")
    if len(raw) > MAX_DOCUMENT:
        raise Unreadable(f"larger than {MAX_DOCUMENT // 2**20} MiB, the limit for one page")
    return raw

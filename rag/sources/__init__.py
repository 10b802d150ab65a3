"""Where articles come from: one small module a kind, and `read`, which picks among them.

To teach it another kind of file, write a reader with the signature `Reader` and name its ending in `READERS`
(docs/sources.md shows one in twenty lines).
"""

from __future__ import annotations

import re
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import SourceError
from rag.indexing.extract import COLUMNS, Extracted, NotAnArticle
from rag.indexing.identity import article_id
from rag.records import Article, Remark, Skipped, Unchanged
from rag.sources import documents, feeds, files, tables, warc

if TYPE_CHECKING:
    from rag.sources.web import Web

Reader = Callable[[Path, str, str, Mapping[str, str], date], Iterator[Extracted | Skipped]]
"""(path, its name for the reader, its identity, field names, today) → what it holds.

May raise OSError, EOFError, zlib.error, `files.Unreadable` or `NotAnArticle`, which then stand for the rest of the file.
"""

READERS: dict[str, Reader] = {
    ".txt": documents.text,
    ".text": documents.text,
    ".md": documents.markdown,
    ".markdown": documents.markdown,
    ".html": documents.page,
    ".htm": documents.page,
    ".xhtml": documents.page,
    ".json": tables.json_document,
    ".jsonl": tables.json_lines,
    ".ndjson": tables.json_lines,
    ".csv": tables.csv_rows,
    ".tsv": tables.csv_rows,
    ".parquet": tables.parquet_rows,
    ".db": tables.sqlite_rows,
    ".sqlite": tables.sqlite_rows,
    ".sqlite3": tables.sqlite_rows,
    ".xml": feeds.file,
    ".rss": feeds.file,
    ".atom": feeds.file,
    ".warc": warc.warc,
    ".wacz": warc.wacz,
}
"""File ending → reader."""
WHOLE_ONLY = {".parquet", ".db", ".sqlite", ".sqlite3", ".wacz"}
"""Endings that cannot be read with ".gz" after them; all others can."""
_QUERY = re.compile(r"(?P<path>.+\.(?:db|sqlite3?)):\s*(?P<query>(?:select|with)\b.*)", re.IGNORECASE | re.DOTALL)


Item = Article | Skipped | Remark | Unchanged
"""What a source yields."""


def read(source: str, *, fields: Mapping[str, str] | None = None, web: Web | None = None) -> Iterator[Item]:
    """Read a file, every file below a folder in sorted order, or an address (``web`` says how), an article at a time.

    ``news.db:SELECT …`` is the answer to a query of an SQLite database. ``fields`` names columns for our fields, as in ``{"text": "column"}``. What cannot become an article comes as
    `Skipped` and never stops the rest; a `Remark` comes just before its article. Raises `SourceError` when the
    source itself cannot be read: at the call, or, where gzip data are damaged, before the first item.
    """
    named = fields or {}
    for name in named:
        if name not in COLUMNS:
            raise SourceError(f"no field is called {name!r}; fields are {', '.join(COLUMNS)}")
    if re.match(r"[a-z][a-z0-9+.-]+://", source, re.IGNORECASE):
        return _numbered(_address(source, web))
    asked = _QUERY.fullmatch(source)
    path = Path(asked["path"] if asked else source)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        cure = "no such file or folder; check the path" if missing else files.reason(error)
        raise SourceError(f"{files.name_of(path)}: {cure}") from error
    except ValueError as error:  # a NUL in the path
        raise SourceError(f"{source!r}: no such file or folder; check the path") from error
    name = files.name_of(path)
    if stat.S_ISDIR(mode):
        found = list(files.walk(path))
        if not any(isinstance(item, Path) and _is_readable(item) for item in found):
            raise SourceError(f"{name}: nothing readable in this folder; read are files ending in {_endings()}")
        return _folder(found, named)
    if not stat.S_ISREG(mode):
        raise SourceError(f"{name}: is no regular file; save it to one first")
    if not _is_readable(path):
        raise SourceError(f"{name}: its ending is not known; read are files ending in {_endings()}")
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise SourceError(f"{name}: {files.reason(error)}") from error
    reader = partial(tables.sqlite_rows, query=asked["query"]) if asked else None
    return _numbered(_file(path, named, _today(), alone=True, reader=reader))


def expected(source: str) -> int | None:
    """How many articles a source holds at most, where that is quickly told without reading them; else None."""
    if "://" in source:
        return None
    path = Path(source)
    try:
        found = [item for item in files.walk(path) if isinstance(item, Path)] if path.is_dir() else [path]
        counts = [_records(item) for item in found if _is_readable(item)]
    except (OSError, ValueError):
        return None
    known = [n for n in counts if n is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _records(path: Path) -> int | None:
    kind = files.ending(path)
    if READERS.get(kind) in (documents.text, documents.markdown, documents.page):
        return 1
    if kind == ".parquet":
        return tables.parquet_count(path)
    if kind in (".jsonl", ".ndjson") and path.suffix.lower() != ".gz":
        with path.open("rb") as file:
            return sum(not line.isspace() for line in file)
    return None


def _endings() -> str:
    return f"{', '.join(READERS)} (all but {', '.join(sorted(WHOLE_ONLY))} also with .gz)"


def _is_readable(path: Path) -> bool:
    ending = files.ending(path)
    return ending in READERS and not (path.suffix.lower() == ".gz" and ending in WHOLE_ONLY)


def _address(source: str, how: Web | None) -> Iterator[Extracted | Skipped | Unchanged]:
    from rag.sources import web
    from rag.sources.fetch import Unfetchable

    if not web.is_address(source):
        raise SourceError(f"{source}: only http and https addresses are read; a file is named by its path")
    try:
        yield from web.read(source, how or web.Web(), _today())
    except (Unfetchable, files.Unreadable, NotAnArticle) as error:
        raise SourceError(f"{source}: {error}") from error


def _today() -> date:
    return datetime.now(UTC).date()


def _folder(found: list[Path | Skipped], fields: Mapping[str, str]) -> Iterator[Item]:
    today = _today()

    def items() -> Iterator[Extracted | Skipped]:
        for item in found:
            if isinstance(item, Skipped):
                yield item
            elif not _is_readable(item):
                yield Skipped(files.name_of(item), f"its ending is not known; read are files ending in {_endings()}")
            else:
                yield from _file(item, fields, today)

    return _numbered(items())


def _file(
    path: Path, fields: Mapping[str, str], today: date, *, alone: bool = False, reader: Reader | None = None
) -> Iterator[Extracted | Skipped]:
    """What a file holds. ``alone``: it is the named source itself, so that its bytes cannot be read is an error."""
    read = 0
    source = files.name_of(path)
    try:
        before = files.version(path)
        for item in (reader or READERS[files.ending(path)])(path, source, f"file:{path.resolve()}", fields, today):
            read += 1
            yield item
        if not read:
            yield Skipped(source, "holds no record")
        if files.version(path) != before:
            yield Skipped(source, files.CHANGED)
    except (OSError, EOFError, zlib.error) as error:
        if alone and not read:
            raise SourceError(f"{source}: {files.reason(error)}") from error
        rest = f"; what stands after record {read} was not read" if read else ""
        yield Skipped(source, files.reason(error) + rest)
    except (files.Unreadable, NotAnArticle) as error:
        yield Skipped(source, str(error))


def _numbered(items: Iterator[Extracted | Skipped | Unchanged]) -> Iterator[Item]:
    """Articles with their remarks before them; records without URL that share a key but not a text get "#2", "#3"."""
    texts: dict[str, list[str]] = {}
    for item in items:
        if isinstance(item, Skipped | Unchanged):
            yield item
            continue
        article = item.article
        for remark in item.remarks:
            yield Remark(article.source, remark)
        if not article.url:
            seen = texts.setdefault(article.id, [])
            text = article_id(article.text)
            if text not in seen:
                seen.append(text)
            if number := seen.index(text):
                article = replace(article, id=article_id(f"{item.key}#{number + 1}"))
        yield article

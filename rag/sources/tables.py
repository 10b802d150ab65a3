"""Files of many records: JSON, JSON Lines, CSV, Parquet, SQLite."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from rag.indexing.extract import (
    COLUMNS,
    MAX_TEXT,
    Extracted,
    NotAnArticle,
    check_header,
    from_record,
    has_text,
    is_list,
    is_object,
)
from rag.records import Skipped
from rag.sources.files import MAX_WHOLE, Unreadable, decode, lines, read_whole

_NESTED = "nested too deeply to be read"
_LISTS = ("articles", "items", "results", "data", "docs")


def json_document(
    path: Path, source: str, key: str, fields: Mapping[str, str], today: date
) -> Iterator[Extracted | Skipped]:
    """A list of records, one record, or an object that holds the list; also JSON Lines under the wrong name."""
    try:
        text, remark = decode(read_whole(path, MAX_WHOLE))
        held: Any = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            yield from json_lines(path, source, key, fields, today)
            return
        raise Unreadable(f"broken JSON in line {error.lineno}: {error.msg[:80]}; mend it there") from error
    except RecursionError as error:
        raise Unreadable(f"broken JSON: {_NESTED}") from error
    except ValueError as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"broken JSON: {str(error)[:80]}") from error
    while is_object(held) and not has_text(held, fields):
        wrapped = held
        held = next((held[name] for name in _LISTS if is_list(held.get(name))), None)
        if held is None:  # one level down, as the news services' own interfaces answer
            held = next((wrapped[name] for name in ("response", "data") if is_object(wrapped.get(name))), None)
        if held is None:
            held = wrapped
            break
    if is_object(held):
        yield _noted(_record(held, source, key, fields, today), remark)
        return
    if not is_list(held):
        raise Unreadable("holds no record: a JSON object or a list of them is needed")
    for number, item in enumerate(held, 1):
        # What holds for the whole file is said once.
        yield _noted(_record(item, f"{source}#item {number}", key, fields, today), remark if number == 1 else "")


def json_lines(
    path: Path, source: str, key: str, fields: Mapping[str, str], today: date
) -> Iterator[Extracted | Skipped]:
    """A record a line; blank lines are passed over."""
    for number, line, remark in lines(path):
        where = f"{source}#line {number}"
        if isinstance(line, Unreadable):
            yield Skipped(where, str(line))
        elif line.strip():
            try:
                held: Any = json.loads(line)
            except (ValueError, RecursionError) as error:
                message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                message = _NESTED if isinstance(error, RecursionError) else message
                yield Skipped(where, f"broken JSON: {message[:80]}; mend or remove this line")
                continue
            yield _noted(_record(held, where, key, fields, today), remark)


def csv_rows(
    path: Path, source: str, key: str, fields: Mapping[str, str], today: date
) -> Iterator[Extracted | Skipped]:
    """A record a row under a header row; the delimiter (comma, semicolon, tab) is the one that the header knows."""
    csv.field_size_limit(MAX_TEXT)
    remarks: list[str] = []
    source_lines = _csv_lines(path, remarks)
    first = next(source_lines, "")
    delimiter = max(",;\t", key=lambda mark: _known(first.strip().split(mark), fields))
    rows = csv.reader(_chain(first, source_lines), delimiter=delimiter, strict=True)
    try:
        header = next(rows)
    except StopIteration as error:
        raise Unreadable("the file is empty") from error
    except csv.Error as error:
        raise Unreadable(f"broken header row: {error}; mend line 1") from error
    if not any(header):
        raise Unreadable("its first line is empty; it must name the columns")
    check_header(header, fields)
    start = rows.line_num + 1
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            end = rows.line_num
            span = f"line {start}" if end <= start else f"lines {start} to {end}"
            yield Skipped(
                f"{source}#line {start}", f"broken CSV: {error}; {span} left out, mend the quotation marks there"
            )
            start = end + 1
            continue
        where, start = f"{source}#line {start}", rows.line_num + 1
        if not any(row):
            continue
        if len(row) > len(header):
            yield Skipped(
                where, f"{len(row)} cells under a header of {len(header)}; quote cells that hold {delimiter!r}"
            )
            continue
        record = dict.fromkeys(header, "") | dict(zip(header, row, strict=False))
        yield _noted(_record(record, where, key, fields, today), *dict.fromkeys(remarks))
        remarks.clear()


def parquet_rows(
    path: Path, source: str, key: str, fields: Mapping[str, str], today: date
) -> Iterator[Extracted | Skipped]:
    """A record a row, a few hundred rows in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            check_header(table.schema_arrow.names, fields)
            number = 0
            for batch in table.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    number += 1
                    yield _record(row, f"{source}#row {number}", key, fields, today)
    except (pa.ArrowException, OverflowError) as error:  # pyarrow's own errors; some of them are ValueErrors
        raise Unreadable(
            f"its Parquet data is damaged or cut off ({_first_line(error)}); get the file again"
        ) from error


def parquet_count(path: Path) -> int | None:
    """How many rows a table has, None where it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(path).num_rows
    except pa.ArrowException:
        return None


def sqlite_rows(
    path: Path, source: str, key: str, fields: Mapping[str, str], today: date, query: str = ""
) -> Iterator[Extracted | Skipped]:
    """A record a row of a query's answer, else of every table that has a column for the text. Opened for reading."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            db.execute("PRAGMA query_only = ON")
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            db.set_authorizer(_reading)
            if query:
                yield from _rows(db, query, source, key, fields, today)
                return
            names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            refusals: list[str] = []
            for name in names:
                quoted = '"' + name.replace('"', '""') + '"'
                columns = [column[0] for column in db.execute(f"SELECT * FROM {quoted} LIMIT 0").description]
                try:
                    check_header(columns, fields)
                except NotAnArticle as error:
                    refusals.append(f"{name}: {error}")
                    continue
                yield from _rows(db, f"SELECT * FROM {quoted}", f"{source}#{name}", f"{key}#{name}", fields, today)
            if len(refusals) == len(names):
                raise Unreadable("; ".join(refusals)[:300] or "the database has no table")
    except sqlite3.Error as error:
        raise Unreadable(f"SQLite says: {_first_line(error)}; mend the query or get the file again") from error


def _rows(
    db: sqlite3.Connection, query: str, source: str, key: str, fields: Mapping[str, str], today: date
) -> Iterator[Extracted | Skipped]:
    answer = db.execute(query)
    columns = [column[0] for column in answer.description or ()]
    check_header(columns, fields)
    for number, row in enumerate(answer, 1):
        yield _record(dict(zip(columns, row, strict=True)), f"{source}#row {number}", key, fields, today)


def _reading(action: int, *_: str | None) -> int:
    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:80]


def _csv_lines(path: Path, remarks: list[str]) -> Iterator[str]:
    for _, line, remark in lines(path):
        if remark:
            remarks.append(remark)
        # A line above the limit is left out here: its row then has too few cells, and is refused for its empty text.
        yield "\n" if isinstance(line, Unreadable) else line


def _chain(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _known(header: list[str], fields: Mapping[str, str]) -> int:
    names = {"".join(c for c in cell.casefold() if c.isalnum()) for cell in header}
    wanted = {cell.strip("\"' ") for cell in header} & set(fields.values())
    return len(wanted) + sum(1 for columns in COLUMNS.values() if names.intersection(columns))


def _record(held: Any, where: str, key: str, fields: Mapping[str, str], today: date) -> Extracted | Skipped:
    if not is_object(held):
        return Skipped(where, f"is no record but {type(held).__name__}; a JSON object is needed")
    try:
        return from_record(held, source=where, key=key, fields=fields, today=today)
    except NotAnArticle as error:
        return Skipped(where, str(error))


def _noted(found: Extracted | Skipped, *remarks: str) -> Extracted | Skipped:
    more = tuple(filter(None, remarks))
    return replace(found, remarks=(*more, *found.remarks)) if more and isinstance(found, Extracted) else found

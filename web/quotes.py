"""The Quotes tab: who said what, in a table to search, sort and take along."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from rag.archive import Archive
from rag.records import Quote
from web.html import clip, counted, escape, link, time_of

MOST = 500  # rows that are sent to a browser or a program; a CSV holds all
COLUMNS = ("speaker", "verb", "words", "date", "outlet", "title", "url")


@dataclass(frozen=True, slots=True)
class Row:
    """One statement: ``verb`` is the reporting words ("said", "according to"), ``date`` the article's, ISO."""

    speaker: str
    verb: str
    words: str
    date: str
    outlet: str
    title: str
    url: str
    article: str
    start: int
    end: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; "" and None are no restriction."""

    speaker: str = ""
    about: str = ""
    since: date | None = None
    until: date | None = None
    outlet: str = ""


def rows(archive: Archive, wanted: Wanted, most: int | None = MOST) -> tuple[list[Row], int]:
    """The newest ``most`` statements that fit (None: all), newest first, and how many fit. Raises RagError."""
    found = list(
        archive.quotes(
            speaker=wanted.speaker.strip(),
            about=wanted.about.strip(),
            since=wanted.since,
            until=wanted.until,
            outlets=[wanted.outlet.strip()] if wanted.outlet.strip() else [],
        )
    )
    return [_row(quote) for quote in found[:most]], len(found)


def _row(quote: Quote) -> Row:
    said, article = quote.statement, quote.article
    return Row(
        speaker=said.speaker,
        verb=" ".join(said.cue.of(article.text).split()) if said.cue else "",
        words=" ".join(said.content.of(article.text).split()),
        date=article.published[:10],
        outlet=article.outlet,
        title=article.title,
        url=article.url,
        article=article.id,
        start=said.content.start,
        end=said.content.end,
    )


def table(found: Sequence[Row], total: int) -> str:
    """The rows as HTML, of ``total`` that fit; its headings sort it, in the browser."""
    if not found:
        return '<p class="none" role="status">Nobody in the archive is quoted so.</p>'
    told = counted(total, "statement")
    if total > len(found):
        told += f", the newest {len(found):,} shown; the CSV file holds all"
    heads = "".join(
        f'<th scope="col"{" aria-sort=descending" if name == "Date" else ""}><button type="button" data-sort="{i}">{name}</button></th>'
        for i, name in enumerate(("Speaker", "Verb", "Words", "Date", "Outlet"))
    )
    body = "".join(
        f'<tr><td dir="auto">{escape(r.speaker) or "<i>not named</i>"}</td><td dir="auto">{escape(r.verb)}</td>'
        f'<td dir="auto">{escape(clip(r.words, 600))}</td><td>{time_of(r.date)}</td>'
        f'<td dir="auto">{link(r.url, escape(r.outlet or "source"))}</td></tr>'
        for r in found
    )
    return (
        f'<p class="count" role="status">{told}</p><div class="wide" role="region" aria-label="Statements" tabindex="0">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def as_csv(found: Sequence[Row]) -> str:
    """The rows as CSV. A cell that a spreadsheet would run as a formula is begun with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in found:
        writer.writerow([_cell(str(getattr(row, name))) for name in COLUMNS])
    return out.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

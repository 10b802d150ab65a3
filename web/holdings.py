"""The Archive tab: what the archive holds, and adding to it."""

from __future__ import annotations

import queue
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from rag.archive import Archive, ArchiveStatus
from rag.errors import RagError, SourceError
from rag.records import Article, IngestReport, SourceReport
from rag.settings import Settings
from rag.sources import READERS
from web.desk import Desk, bars
from web.html import counted, escape, link, moment, span, time_of

OUTLETS, NEWEST, SOURCES, REASONS = 12, 12, 10, 20
ENDINGS = sorted({*READERS, *(f"{e}.gz" for e in READERS)})


def holdings(desk: Desk) -> str:
    """Coverage in time and by outlet, the newest articles, and what became of each source that was ingested."""
    try:
        status, days, newest = desk.archive.status(), desk.archive.days(), desk.archive.newest(NEWEST)
    except RagError as error:
        return f'<section class="holdings"><h2>The archive</h2><p class="failed" role="alert">{escape(str(error))}</p></section>'
    return (
        f'<section class="holdings"><h2>The archive</h2>{_counts(status)}{plot(bars(days, 120))}'
        f"{_outlets(status)}{_newest(newest)}{_ingested(desk)}</section>"
    )


def _counts(status: ArchiveStatus) -> str:
    told = [
        ("Articles", f"{status.articles:,}"),
        ("Passages", f"{status.passages:,}"),
        ("Outlets", f"{len(status.outlets):,}"),
        ("Published", span(time_of(status.since), time_of(status.until)) or "undated"),
        ("Without a date", f"{status.undated:,}"),
        ("Not indexed yet", f"{status.pending:,}"),
        ("Being written by", escape(status.writer) or "nobody"),
        ("Folder", escape(Path(status.path).name)),
    ]
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in told) + "</dl>"


def plot(found: Sequence[tuple[str, str, int]]) -> str:
    """Articles over time as an inline SVG; "" without dates."""
    if not found:
        return ""
    wide, high, most = 720, 120, max(n for _, _, n in found)
    step = wide / len(found)
    rects = "".join(
        f'<rect x="{i * step:.2f}" y="{high - n / most * high:.2f}" width="{max(step - 1, 0.6):.2f}" '
        f'height="{n / most * high:.2f}"><title>{span(first, last)}: {counted(n, "article")}</title></rect>'
        for i, (first, last, n) in enumerate(found)
        if n
    )
    label = f"Articles published from {found[0][0]} to {found[-1][1]}, at most {most:,} in {_width(found)}"
    return (
        f'<figure class="plot"><svg viewBox="0 0 {wide} {high}" role="img" aria-label="{label}" '
        f'preserveAspectRatio="none">{rects}</svg>'
        f"<figcaption><span>{time_of(found[0][0])}</span><span>at most {counted(most, 'article')} in {_width(found)}</span>"
        f"<span>{time_of(found[-1][1])}</span></figcaption></figure>"
    )


def _width(found: Sequence[tuple[str, str, int]]) -> str:
    from datetime import date

    days = (date.fromisoformat(found[0][1]) - date.fromisoformat(found[0][0])).days + 1
    return "a day" if days == 1 else f"{days} days"


def _outlets(status: ArchiveStatus) -> str:
    listed = list(status.outlets.items())
    most = max((n for _, n in listed), default=1)
    items = "".join(
        f'<li><span dir="auto">{escape(name or "no outlet")}</span><meter min="0" max="{most}" value="{n}" '
        f'aria-label="{escape(name or "no outlet")}"></meter><span>{n:,}</span></li>'
        for name, n in listed[:OUTLETS]
    )
    more = f"<p>and {len(listed) - OUTLETS:,} more</p>" if len(listed) > OUTLETS else ""
    return f"<h3>Outlets</h3><ul class='outlets'>{items}</ul>{more}"


def _newest(newest: Sequence[Article]) -> str:
    items = "".join(
        f'<li><span class="kicker">{time_of(a.published) or "undated"} · {escape(a.outlet)}</span> '
        f'<span dir="auto">{link(a.url, escape(a.title or "Untitled"))}</span></li>'
        for a in newest
    )
    return f"<h3>Newest articles</h3><ul class='newest'>{items}</ul>"


def _ingested(desk: Desk) -> str:
    try:
        found = desk.archive.ingests()
    except RagError as error:
        return f"<h3>Ingested and skipped</h3>{_failed(str(error))}"
    if not found:
        return ""
    items = "".join(
        f'<li><span class="kicker">{moment(one.at[:16] + "+00:00")}</span>{_source(one.report, one.skipped)}</li>'
        for one in found[:SOURCES]
    )
    more = f"<p>and {len(found) - SOURCES:,} more sources</p>" if len(found) > SOURCES else ""
    return f"<h3>Ingested and skipped</h3><ul class='ingests'>{items}</ul>{more}"


# Adding


def add(desk: Desk, files: Sequence[str], url: str) -> Iterator[str]:
    """Ingest uploaded files or an address, and tell how it goes as HTML, piece by piece.

    One reader at a time adds: the archive's own lock says who does when another tries.
    """
    if not desk.adding:
        yield _failed("Adding is off for those who reach this page from elsewhere; start it with --allow-ingest.")
        return
    if not files and not url.strip():
        yield _failed("Choose files, or write the address of an article.")
        return
    steps: queue.Queue[str | IngestReport | RagError] = queue.Queue()
    with tempfile.TemporaryDirectory(prefix="dateline-") as folder:
        try:
            sources = [_named(Path(f), Path(folder), i) for i, f in enumerate(files)]
            sources += [_address(url)] if url.strip() else []
        except RagError as error:
            yield _failed(str(error))
            return
        work = threading.Thread(target=_ingest, args=(desk.settings, sources, steps), daemon=True)
        work.start()
        yield _busy("Opening the archive")
        try:
            while True:
                match steps.get():
                    case str(told):
                        yield _busy(told)
                    case IngestReport() as report:
                        yield reported(report)
                        return
                    case error:
                        yield _failed(str(error))
                        return
        finally:
            work.join()  # what was begun is finished: an article is in the archive whole or not at all


def _ingest(settings: Settings, sources: list[str], steps: queue.Queue[str | IngestReport | RagError]) -> None:
    def progress(source: str, read: int, passages: int) -> None:
        steps.put(f"{called(source)}: {counted(read, 'article')} read, {counted(passages, 'passage')} indexed")

    try:
        with Archive.create(settings=settings) as archive:
            steps.put(archive.ingest(sources, on_progress=progress))
    except RagError as error:
        steps.put(error)
    except BaseException:
        steps.put(SourceError("something went wrong while reading; the server's log has it"))
        raise


def _named(uploaded: Path, folder: Path, number: int) -> str:
    """A place of its own for an uploaded file, so that files of one name are told apart. Raises SourceError."""
    if not uploaded.name.lower().endswith(tuple(ENDINGS)):
        raise SourceError(
            f"{uploaded.name}: no kind of file that can be read; these can: {', '.join(READERS)}, also .gz"
        )
    place = folder / f"{number}"
    place.mkdir()
    try:
        return str(shutil.copyfile(uploaded, place / uploaded.name))
    except OSError as error:
        raise SourceError(f"{uploaded.name} cannot be read: {error.strerror or error}; upload it again") from error


def _address(url: str) -> str:
    """Raises SourceError."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SourceError(f"{url.strip()[:200]!r} is no web address; write one such as https://example.org/story.html")
    return url.strip()


def reported(report: IngestReport) -> str:
    """What an ingest did, each skipped item with its reason."""
    parts = "".join(_source(s) for s in report.sources)
    total = f"The archive has {counted(report.articles, 'article')} in {counted(report.passages, 'passage')} now."
    return f'<section class="ingested" role="status">{parts}<p>{total}</p></section>'


def _source(source: SourceReport, skipped: int | None = None) -> str:
    """What became of a source. ``skipped``: how many items were, where the report does not hold them all."""
    skipped = len(source.skipped) if skipped is None else skipped
    name = called(source.source)
    if source.failed:
        # It begins with the source.
        told = source.failed if "://" in source.source else _FOLDERS.sub("", source.failed)
        return f'<p class="failed" role="alert">{escape(told)}</p>'
    counts = (
        ("added", source.added),
        ("unchanged", source.unchanged),
        ("updated", source.updated),
        ("skipped", skipped),
    )
    told = ", ".join(f"{n:,} {what}" for what, n in counts if n) or "nothing in it"
    reasons = [*((s.source, s.reason) for s in source.skipped), *((r.source, r.text) for r in source.remarks)]
    items = "".join(f"<li>{escape(called(where))}: {escape(why)}</li>" for where, why in reasons[:REASONS])
    left = skipped + len(source.remarks) - REASONS
    more = f"<li>and {left:,} more</li>" if left > 0 else ""
    return f"<p><b>{escape(name)}</b>: {told}</p>" + (f"<ul>{items}{more}</ul>" if items else "")


def called(source: str) -> str:
    """A source as its readers know it: an address whole, a file or a folder, with what is read of it, without the folders
    that it lies in, which are the server's own.
    """
    return source if "://" in source else _FOLDERS.sub("", source)


_FOLDERS = re.compile(r"^(?:[^:#/]*/)+(?=[^/])")


def _busy(told: str) -> str:
    return f'<p role="status"><span class="badge wait">{escape(told)}</span></p>'


def _failed(told: str) -> str:
    return f'<p class="failed" role="alert">{escape(told)}</p>'

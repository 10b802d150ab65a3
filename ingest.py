"""python ingest.py [SOURCE …]: read articles, split and embed them, and keep them in an archive."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import RagError, SettingsError

if TYPE_CHECKING:
    from rag.archive import Archive
    from rag.records import IngestReport, SourceReport

SEEDS = Path(__file__).parent / "seeds"
STOPPED = "stopped; {kept}, and the next run goes on from there"
# How long a run may take to end by itself after Ctrl-C. Then it is ended as a kill would end it, which loses nothing.
STOP_SECONDS = 1.2
# Reasons shown for each source on the terminal; --json gives all.
SHOWN = 20


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python ingest.py",
        description="Read news articles into an archive. Reading the same article twice changes nothing.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""examples:
  python ingest.py                                  the article in seeds/
  python ingest.py news/ export.jsonl.gz            a folder of files, and an export
  python ingest.py table.csv --field text=story     a table whose text column is called "story"

sources:
  files, folders     python ingest.py news/                                .txt .md .html, and all that follow
  JSON, JSON Lines   python ingest.py export.jsonl.gz                      .json .jsonl .ndjson
  tables             python ingest.py rows.csv rows.tsv rows.parquet       .csv .tsv .parquet
  SQLite             python ingest.py "cms.db:SELECT head AS title, body AS text, day AS date FROM stories"
                     python ingest.py cms.sqlite                           each table that has a column of texts
  feeds              python ingest.py https://paper.example/rss            RSS, Atom; also saved: .xml .rss .atom
  sitemaps           python ingest.py https://paper.example/news-sitemap.xml
  a page             python ingest.py https://paper.example/2026/05/bridge
  web archives       python ingest.py crawl.warc.gz saved.wacz             .warc .wacz

All but Parquet, SQLite and WACZ also with .gz. Feeds and sitemaps fetch the pages they list, one a second, as far as
robots.txt allows; what is unchanged is not fetched again. Addresses inside this network are refused unless
--allow-host names them: python ingest.py http://intranet.example/rss --allow-host intranet.example""",
    )
    found.add_argument("sources", nargs="*", metavar="SOURCE", help="a file, a folder or an address (default: seeds/)")
    found.add_argument("--archive", metavar="DIR", help="the archive (default: RAG_ARCHIVE, else .archive)")
    found.add_argument(
        "--field", action="append", default=[], metavar="OURS=THEIRS", help="which column holds a field: text=story"
    )
    found.add_argument(
        "--allow-host", action="append", default=[], metavar="HOST", help="fetch from this host inside the network, too"
    )
    found.add_argument(
        "--workers", type=_workers, default=1, metavar="N",
        help="embed with N processes, on a Ray cluster if RAY_ADDRESS names one (default: 1, without Ray)",
    )  # fmt: skip
    printed = found.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print the report as JSON")
    printed.add_argument(
        "--events", action="store_true", help="print what happens as JSON Lines; the last one is the report"
    )
    return found


def _workers(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is no number of processes; give 1 or more")
    return int(given)


def fields(pairs: Sequence[str]) -> dict[str, str]:
    """Raises SettingsError on a pair that is not ``ours=theirs``."""
    found: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (equals and ours and theirs):
            raise SettingsError(f"--field {pair!r} is not OURS=THEIRS; write it as in: --field text=story")
        found[ours] = theirs
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """0: every source was read. 1: one could not be. 2: nothing could be done at all."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows another in its place.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    args = parser().parse_args(argv)
    events = Events() if args.events else None
    with Stopping(events) as stopping:
        try:
            report = run(args, events, stopping)
        except RagError as error:
            print(f"ingest: {error}", file=sys.stderr)
            if events:
                events.tell("error", error=str(error))
            return 2
        except KeyboardInterrupt:
            stopping.tell()
            return 130
    if events:
        events.tell("report", **asdict(report), ok=report.ok)
    elif args.json:
        print(json.dumps(asdict(report) | {"ok": report.ok}, indent=2))
    else:
        show(report)
    return 0 if report.ok else 1


def run(args: argparse.Namespace, events: Events | None, stopping: Stopping) -> IngestReport:
    named = fields(args.field)
    from rag.archive import Archive
    from rag.sources.fetch import Fetcher

    fetcher = Fetcher(allowed=args.allow_host)
    sources = args.sources or [str(SEEDS)]
    with Archive.create(args.archive, workers=args.workers) as archive, stopping.keeping(archive):
        if events:
            events.tell("begun", archive=str(archive.path), sources=sources)
            return archive.ingest(
                sources, fields=named, fetcher=fetcher, on_progress=events.progress, on_source=events.source
            )
        with progress(quiet=args.json) as on_progress:
            return archive.ingest(sources, fields=named, fetcher=fetcher, on_progress=on_progress)


class Stopping(AbstractContextManager["Stopping"]):
    """Ctrl-C ends the run within moments, with one line that says what is kept.

    A thread is told of the signal, too: the main one may be in a native call that hears of it only when it is done.
    """

    def __init__(self, events: Events | None) -> None:
        self._events = events
        self._archive: Archive | None = None
        self._kept = "nothing was changed yet"
        self._said = threading.Lock()
        self._ended = threading.Event()
        self._wake = -1

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            heard, self._wake = os.pipe()
            os.set_blocking(self._wake, False)
            self._before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
            threading.Thread(target=self._watch, args=(heard,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._wake >= 0:
            signal.set_wakeup_fd(self._before)
            os.close(self._wake)

    @contextmanager
    def keeping(self, archive: Archive) -> Generator[None]:
        """While ``archive`` is open for writing."""
        self._archive = archive
        try:
            yield
        except KeyboardInterrupt:
            self._count()
            raise
        finally:
            self._archive = None

    def _count(self) -> None:
        with suppress(RagError):
            if archive := self._archive:
                held = archive.coverage()
                self._kept = f"the archive keeps {held.articles:,} articles, {held.passages:,} passages of them indexed"

    def tell(self) -> None:
        """Say what is kept, once."""
        if self._said.acquire(blocking=False):
            told = STOPPED.format(kept=self._kept)
            print(f"ingest: {told}", file=sys.stderr, flush=True)
            if self._events:
                self._events.tell("error", error=told)

    def _watch(self, heard: int) -> None:
        while told := os.read(heard, 1):
            if told[0] == signal.SIGINT and not self._ended.wait(STOP_SECONDS):
                self._count()
                self.tell()
                os._exit(130)
        os.close(heard)


class Events:
    """What happens, a line of JSON each, on standard output. A reader that goes away does not stop the ingest."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def tell(self, event: str, **what: Any) -> None:
        seconds = round(time.perf_counter() - self._begun, 3)
        try:
            print(json.dumps({"event": event, "seconds": seconds, **what}), flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def progress(self, source: str, read: int, passages: int) -> None:
        self.tell("progress", source=source, read=read, indexed=passages)

    def source(self, report: SourceReport) -> None:
        self.tell("source", **asdict(report))


def progress(*, quiet: bool) -> Any:
    """A context whose value is called after each batch: a live line on a terminal, plain lines elsewhere."""
    if quiet:
        return nullcontext(None)
    if not sys.stderr.isatty():

        def plain(source: str, read: int, passages: int) -> None:
            print(f"{source}: {read:,} articles read, {passages:,} passages indexed", file=sys.stderr, flush=True)

        return nullcontext(plain)
    return Live()


class Live:
    """Two bars a source on a terminal, articles read and passages indexed: how many, how fast, and how long yet (where
    the source tells how much there is).
    """

    def __enter__(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(20),
            TextColumn("{task.fields[told]}"), TimeElapsedColumn(), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._bar.start()
        self._source = ""
        self._begun = self._latest = time.perf_counter()
        self._expected: int | None = None
        self._reading = self._bar.add_task("reading", total=None, told="")
        self._indexing = self._bar.add_task("indexing", total=None, told="", visible=False)
        return self._show

    def _show(self, source: str, read: int, passages: int) -> None:
        now = time.perf_counter()
        if source != self._source:
            from rag.sources import expected

            if self._source:  # the source before this one stays as it ended
                self._reading = self._bar.add_task(source, total=None, told="")
                self._indexing = self._bar.add_task("  indexed", total=None, told="")
                self._begun = self._latest
            self._source, self._expected = source, expected(source)
            self._bar.update(self._reading, description=source)
            self._bar.update(self._indexing, description="  indexed", visible=True)
        self._latest, seconds = now, max(now - self._begun, 1e-6)
        whole = None if self._expected is None or not read else max(self._expected, read)
        for task, done, what, total in (
            (self._reading, read, "articles", whole),
            (self._indexing, passages, "passages", whole and round(passages * whole / read)),
        ):
            told = f"{done:,} {what}, {done / seconds:,.1f}/s"
            if total and done:
                told += f", {timedelta(seconds=round(seconds * (total - done) / done))} left"
            self._bar.update(task, completed=done, total=total, told=told)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def show(report: IngestReport) -> None:
    for source in report.sources:
        print(line(source))
        for skipped in source.skipped[:SHOWN]:
            print(f"  skipped {skipped.source}: {skipped.reason}")
        if len(source.skipped) > SHOWN:
            print(f"  … and {len(source.skipped) - SHOWN:,} more skipped; --json lists all")
        for remark in source.remarks[:SHOWN]:
            print(f"  note {remark.source}: {remark.text}")
        if len(source.remarks) > SHOWN:
            print(f"  … and {len(source.remarks) - SHOWN:,} more notes; --json lists all")
    rate = f" ({report.embedded / report.embed_seconds:,.0f} passages a second)" if report.embedded else ""
    print(f"the archive has {report.articles:,} articles in {report.passages:,} passages; "
          f"{report.seconds:.1f} s{rate}")  # fmt: skip


def line(source: SourceReport) -> str:
    if source.failed:
        return f"failed: {source.failed}"
    counts = [("added", source.added), ("unchanged", source.unchanged), ("updated", source.updated),
              ("skipped", len(source.skipped))]  # fmt: skip
    return f"{source.source}: " + (", ".join(f"{n:,} {what}" for what, n in counts if n) or "nothing in it")


if __name__ == "__main__":
    sys.exit(main())

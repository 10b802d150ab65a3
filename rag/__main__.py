"""python -m rag ask | check | search | quotes | status | verify | rebuild | remove: the archive from a shell."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import QuestionError, RagError

if TYPE_CHECKING:
    from rag.records import Answer, Check, Citation, Coverage, FilterKeywords, Hit, Quote
    from rag.stores.ingests import Ingested


# Outlets, sources, and of each source skipped items, that `status` lists.
OUTLETS, SOURCES, ITEMS = 20, 10, 5


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m rag", description="Ask a news archive, and look after it.")
    commands = found.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help_: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_, description=help_)
        one.add_argument("--archive", metavar="DIR", help="the archive (default: RAG_ARCHIVE, else .archive)")
        one.add_argument("--json", action="store_true", help="print JSON")
        return one

    def asking(name: str, help_: str, what: str = "question") -> argparse.ArgumentParser:
        one = command(name, help_)
        one.add_argument(what)
        one.add_argument("--since", metavar="DAY", help="only articles published on this day or later (2024-06-01)")
        one.add_argument("--until", metavar="DAY", help="only articles published on this day or earlier")
        one.add_argument("--outlet", action="append", default=[], help="only articles of this outlet; may be repeated")
        one.add_argument("--now", metavar="TIME", help='the day "last week" counts from; fresh reports come first')
        one.add_argument(
            "--language", action="append", default=[], metavar="CODE",
            help="only articles in this language (en); may be repeated",
        )  # fmt: skip
        one.add_argument(
            "--speaker", action="append", default=[], metavar="NAME",
            help="only this one's words (a surname will do); may be repeated",
        )  # fmt: skip
        return one

    ask = asking("ask", "Answer a question. Exit status: 0 answered, 1 not in the archive, 2 an error.")
    ask.add_argument("--model", help='the language model that writes, as provider:name; "" quotes (default: RAG_MODEL)')
    checking = (
        "Say whether the archive bears a claim out. Exit status: 0 it speaks for or against, 1 it does not, 2 an error."
    )
    asking("check", checking, "claim")
    search = asking("search", "Show the passages found for a question.")
    search.add_argument("-k", type=int, default=10, help="how many (default 10)")
    quoted = command(
        "quotes", "Who said what, newest first. Exit status: 0 something was found, 1 nothing, 2 an error."
    )
    quoted.add_argument("--speaker", default="", metavar="NAME", help="only this one's words (a surname will do)")
    quoted.add_argument("--about", default="", metavar="WORDS", help="only statements that hold all of these words")
    quoted.add_argument("--since", metavar="DAY", help="only articles published on this day or later (2024-06-01)")
    quoted.add_argument("--until", metavar="DAY", help="only articles published on this day or earlier")
    quoted.add_argument("--outlet", action="append", default=[], help="only articles of this outlet; may be repeated")
    quoted.add_argument("--csv", action="store_true", help="print CSV with a heading")
    held = command("status", "What the archive holds, and what it covers: articles over time by outlet.")
    held.add_argument("--picture", metavar="FILE", help="also draw the coverage, as .svg or .png")
    command("verify", "Compare the ledger with its indexes. Exit status: 0 they agree, 1 they do not, 2 an error.")
    command("rebuild", "Make the indexes anew from the ledger; embeds again only if the embedder changed.")
    remove = command("remove", "Remove articles. Exit status: 0 all were there, 1 one was not, 2 an error.")
    remove.add_argument("articles", nargs="+", metavar="ARTICLE", help="an article's URL or its id (as in --json)")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    args = parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows another in its place.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        commands = {
            "ask": ask,
            "check": check,
            "search": search,
            "quotes": quotes,
            "status": status,
            "verify": verify,
            "rebuild": rebuild,
            "remove": remove,
        }
        return commands[args.command](args)
    except RagError as error:
        print(f"rag {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # "| head" has seen enough
        sys.stderr.close()
        return 0


def filters(args: argparse.Namespace) -> FilterKeywords:
    """What ``ask``, ``check`` and ``search`` were narrowed to. Raises QuestionError for what is no day or time."""
    from rag.retrieval.periods import parse_day, parse_moment

    return {
        "since": parse_day(args.since, "--since") if args.since else None,
        "until": parse_day(args.until, "--until") if args.until else None,
        "outlets": args.outlet,
        "now": parse_moment(args.now, "--now") if args.now else None,
        "languages": args.language,
        "speakers": args.speaker,
    }


def ask(args: argparse.Namespace) -> int:
    from rag.archive import Archive

    with Archive.open(args.archive) as archive:
        answer = archive.ask(args.question, model=args.model, **filters(args))
    print(to_json(answer.to_json()) if args.json else plain(answer, bold=sys.stdout.isatty()))
    return 1 if answer.status == "not_in_archive" else 0


def check(args: argparse.Namespace) -> int:
    from rag.archive import Archive

    with Archive.open(args.archive) as archive:
        found = archive.check(args.claim, **filters(args))
    print(to_json(found.to_json()) if args.json else plain_check(found))
    return 1 if found.verdict == "not_in_archive" else 0


def search(args: argparse.Namespace) -> int:
    from rag.archive import Archive

    if not 1 <= args.k <= 50:
        raise QuestionError(f"-k {args.k} is not between 1 and 50")
    with Archive.open(args.archive) as archive:
        hits = archive.search(args.question, args.k, **filters(args))
    print(to_json([hit_json(hit) for hit in hits]) if args.json else "\n\n".join(map(plain_hit, hits)))
    return 0 if hits else 1


_COLUMNS = (
    "speaker",
    "text",
    "kind",
    "manner",
    "confidence",
    "outlet",
    "published",
    "title",
    "url",
    "article",
    "start",
    "end",
)


def quotes(args: argparse.Namespace) -> int:
    from rag.archive import Archive
    from rag.retrieval.periods import parse_day

    if args.json and args.csv:
        raise QuestionError("--json and --csv exclude each other; leave one out")
    with Archive.open(args.archive) as archive:
        found = list(
            archive.quotes(
                speaker=args.speaker,
                about=args.about,
                since=parse_day(args.since, "--since") if args.since else None,
                until=parse_day(args.until, "--until") if args.until else None,
                outlets=args.outlet,
            )
        )
    if args.json:
        print(to_json([quote.to_json() for quote in found]))
    elif args.csv:
        import csv

        columns: list[str] = list(_COLUMNS)
        table = csv.DictWriter(sys.stdout, columns, extrasaction="ignore")
        table.writeheader()
        for quote in found:
            content = quote.statement.content
            row = quote.to_json() | {"start": content.start, "end": content.end}
            # A spreadsheet would run a cell that begins like a formula.
            table.writerow({k: f"'{v}" if str(v)[:1] in ("=", "+", "-", "@") else v for k, v in row.items()})
    else:
        print("\n\n".join(plain_quote(quote) for quote in found) or "The archive holds no such statement.")
    return 0 if found else 1


_MANNERS = {"stated": "", "denied": " (denied)", "refused": " (refused to say)", "expected": " (expected)"}


def plain_quote(quote: Quote) -> str:
    s, a = quote.statement, quote.article
    where = " · ".join(part for part in (a.outlet, a.published[:10], a.title) if part)
    unsure = "" if s.confidence >= 0.5 else ", unsure"
    return f"{s.speaker or '(somebody)'}{_MANNERS[s.manner]} [{s.kind}{unsure}]  {where}\n{wrapped(quote.text)}"


def status(args: argparse.Namespace) -> int:
    from rag import picture
    from rag.archive import Archive

    with Archive.open(args.archive) as archive:
        found, days, ingests = archive.status(), archive.days_by_outlet(), archive.ingests()
    if args.picture:
        dates = f", {found.since} to {found.until}" if found.since else ""
        picture.write(Path(args.picture), days, f"{found.articles:,} articles of {len(found.outlets):,} outlets{dates}")
    if args.json:
        print(
            to_json(
                asdict(found)
                | {"outlets": dict(found.outlets), "days": days, "ingests": [ingest_json(i) for i in ingests]}
            )
        )
        return 0
    print(f"{found.path}: {found.articles:,} articles in {found.passages:,} passages"
          + (f", {found.since} to {found.until}" if found.since else ""))  # fmt: skip
    if sys.stdout.isatty() and _draws_blocks():
        from rich.console import Console

        picture.show(days, found.outlets, Console(highlight=False), OUTLETS)
    else:
        for outlet, count in list(found.outlets.items())[:OUTLETS]:
            print(f"  {count:>8,}  {outlet or '(no outlet)'}")
    if len(found.outlets) > OUTLETS:
        print(f"  … and {len(found.outlets) - OUTLETS:,} more outlets; --json lists all")
    if not sys.stdout.isatty():
        print(*picture.plain(days), sep="\n")
    for told in (
        f"{found.undated:,} articles have no date" if found.undated else "",
        f"{found.pending:,} passages wait to be indexed; the next ingest finishes them" if found.pending else "",
        f"being written by {found.writer}" if found.writer else "",
        f"embedder {found.embedder}",
    ):
        if told:
            print(told)
    for one in ingests[:SOURCES]:
        print("\n".join(plain_ingest(one)))
    if len(ingests) > SOURCES:
        print(f"… and {len(ingests) - SOURCES:,} more sources; --json lists all")
    return 0


def _draws_blocks() -> bool:
    """Whether the terminal knows the characters that bars are made of."""
    try:
        "▁█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def verify(args: argparse.Namespace) -> int:
    from rag.archive import Archive

    with Archive.open(args.archive) as archive:
        found = archive.verify()
    if args.json:
        print(to_json(asdict(found) | {"ok": found.ok}))
    elif found.ok:
        print(f"{found.articles:,} articles, {found.passages:,} passages: ledger and indexes agree")
    else:
        print("\n".join(found.problems))
    return 0 if found.ok else 1


def rebuild(args: argparse.Namespace) -> int:
    from rag.archive import Archive

    def told(_: str, articles: int, passages: int) -> None:
        print(f"{articles:,} articles, {passages:,} passages", file=sys.stderr, flush=True)

    found = Archive.rebuild(args.archive, on_progress=told)
    print(to_json(asdict(found) | {"outlets": dict(found.outlets)}) if args.json
          else f"made anew: {found.articles:,} articles, {found.passages:,} passages")  # fmt: skip
    return 0


def remove(args: argparse.Namespace) -> int:
    from rag.archive import Archive
    from rag.indexing.identity import article_id, canonical_url

    # An article without a URL is known by the id that "search --json" tells.
    ids = [article_id(canonical_url(one)) if canonical_url(one) else one for one in args.articles]
    with Archive.create(args.archive, make=False) as archive:
        held = archive.known(ids)
        archive.remove(held)
    missing = [one for one, i in zip(args.articles, ids, strict=True) if i not in held]
    if args.json:
        print(to_json({"removed": held, "missing": missing}))
    else:
        print("\n".join([f"removed {len(held):,} articles", *(f"not in the archive: {one}" for one in missing)]))
    return 1 if missing else 0


# Showing


def to_json(value: object) -> str:
    return json.dumps(value, indent=2)


def hit_json(hit: Hit) -> dict[str, object]:
    a, p = hit.article, hit.passage
    return {
        "passage": p.id, "article": a.id, "title": a.title, "outlet": a.outlet, "published": a.published, "url": a.url,
        "start": p.start, "end": p.end, "text": p.text, "score": hit.score, "cosine": hit.cosine, "bm25": hit.bm25,
        "dense_rank": hit.dense_rank, "lexical_rank": hit.lexical_rank,
        "also_in": list(hit.also_in),
    }  # fmt: skip


def ingest_json(one: Ingested) -> dict[str, object]:
    r = one.report
    return {
        "at": one.at, "source": r.source, "added": r.added, "unchanged": r.unchanged, "updated": r.updated,
        "skipped": one.skipped, "failed": r.failed, "items": [asdict(item) for item in r.skipped],
    }  # fmt: skip


def plain_ingest(one: Ingested) -> list[str]:
    """What became of a source, a line, and a line for each item that was skipped."""
    r = one.report
    counts = (("added", r.added), ("unchanged", r.unchanged), ("updated", r.updated), ("skipped", one.skipped))
    told = ", ".join(f"{n:,} {what}" for what, n in counts if n) or "nothing in it"
    lines = [
        f"ingested {one.at[:16].replace('T', ' ')} UTC: "
        + (f"failed: {r.failed}" if r.failed else f"{r.source}: {told}")
    ]
    lines += [f"  skipped {item.source}: {item.reason}" for item in r.skipped[:ITEMS]]
    return (
        [*lines, f"  … and {one.skipped - ITEMS:,} more skipped; --json lists them"] if one.skipped > ITEMS else lines
    )


def plain_hit(hit: Hit) -> str:
    where = " · ".join(part for part in (hit.article.outlet, hit.article.published[:10], hit.article.title) if part)
    return f"{where}  ({hit.score:.4f})\n{wrapped(hit.passage.text)}"


def wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 100, initial_indent="  ", subsequent_indent="  ")


def plain(answer: Answer, *, bold: bool = False) -> str:
    """An answer for a terminal: its text (``bold``: the short answer in it so), its sources, what the archive covers."""
    text = answer.text
    if bold and answer.short:
        text = text.replace(answer.short, f"\x1b[1m{answer.short}\x1b[0m", 1)
    lines = [text, ""]
    lines += [source(c) for c in answer.citations]
    if answer.nearest:
        lines += ["The nearest passages:", *(f"{source(c)}\n{wrapped(c.quote)}" for c in answer.nearest)]
    lines += [f"({note})" for note in answer.notes]
    return "\n".join([*lines, covered(answer.coverage)])


VERDICTS = {"supported": "Supported", "contrary": "Contrary", "not_in_archive": "Not in the archive"}


def plain_check(check: Check) -> str:
    """A verdict for a terminal: the sentences for and against the claim, their sources, what the archive covers."""
    lines = [f"{VERDICTS[check.verdict]}: {check.claim}", ""]
    for told, sentences in (("for", check.supporting), ("against", check.contrary)):
        lines += [f"{told}: {s.text} {''.join(f'[{n}]' for n in s.citations)}" for s in sentences]
    lines += [*([""] if check.citations else []), *(source(c) for c in check.citations)]
    if check.nearest:
        lines += ["The nearest passages:", *(f"{source(c)}\n{wrapped(c.quote)}" for c in check.nearest)]
    lines += [f"({note})" for note in check.notes]
    return "\n".join([*lines, covered(check.coverage)])


def source(c: Citation) -> str:
    # Words that are not quoted are the outlet's for what somebody said.
    reported = bool(c.speaker and c.outlet) and not any(mark in c.quote for mark in '"“”„«»')
    told = ["" if reported else c.outlet, c.published[:16].replace("T", " "), c.title, c.url]
    more = f" (also in {', '.join(c.also_in)})" if c.also_in else ""
    who = f"{c.speaker}, according to {c.outlet}: " if reported else f"{c.speaker}: " if c.speaker else ""
    corrected = "".join(f"\n    {correction.text}" for correction in c.corrections)
    return f"[{c.n}] {who}" + " · ".join(part for part in told if part) + more + corrected


def covered(coverage: Coverage) -> str:
    dates = f", {coverage.since} to {coverage.until}" if coverage.since else ""
    return f"Searched {coverage.articles:,} articles of {len(coverage.outlets):,} outlets{dates}."


if __name__ == "__main__":
    sys.exit(main())

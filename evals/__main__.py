"""python -m evals run DATASET …: measure the answers. Exit status 0 when a run was made, 2 on an error."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from evals import datasets
from evals.datasets import Choice
from rag.errors import RagError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="put a data set's questions to the archive and report the measures")
    run.add_argument("dataset", choices=datasets.NAMES)
    run.add_argument("--data", type=Path, help="the data set's folder (newsroom: shipped)")
    run.add_argument("--weeks", type=_weeks, metavar="A..B", help="realtimeqa: the first and last week, as YYYYMMDD")
    run.add_argument("--year", type=int, help="realtimeqa: one year's weeks")
    run.add_argument("--split", choices=("dev", "test", "all"), default="all", help="the questions asked (all)")
    run.add_argument("--limit", type=_positive, metavar="N", help="ask only N questions, drawn at random")
    run.add_argument("--seed", type=int, default=0, help="of the drawing and the bootstrap (0)")
    run.add_argument("--archive", type=Path, metavar="DIR", help="keep the archive here (.cache/evals/DATASET-HASH)")
    run.add_argument("--out", type=Path, metavar="FILE", help="write the run there, as JSON")
    run.add_argument("--json", action="store_true", help="print the run as JSON")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except RagError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    if options.dataset != "realtimeqa" and (options.weeks or options.year):
        raise RagError(f"{options.dataset} has no weeks; leave --weeks and --year out")
    choice = Choice(options.weeks, options.year, options.split, options.limit, options.seed)
    dataset = datasets.load(options.dataset, options.data, choice)

    # Heavier than reading the data, and not needed to refuse a bad folder.
    from evals.run import ask_all, record, table
    from evals.systems import Ours, archive_folder, ingest, settings_of
    from rag import Archive
    from rag.settings import Settings

    settings = Settings.from_env()
    folder = options.archive or archive_folder(dataset, settings)
    with _progress("articles", len(dataset.articles)) as step:
        ingested = ingest(dataset, folder, settings, lambda _source, read, _passages: step(read))
    with Archive.open(folder, settings=settings) as archive, _progress("questions", len(dataset.questions)) as step:
        done = iter(range(1, len(dataset.questions) + 1))
        outcomes = ask_all(Ours(archive), dataset, lambda: step(next(done)))
    chosen: dict[str, Any] = {
        "weeks": "..".join(options.weeks) if options.weeks else None,
        "year": options.year,
        "split": options.split,
        "limit": options.limit,
        "seed": options.seed,
        **settings_of(settings),
    }
    run = {**record(dataset, outcomes, system="ours", settings=chosen, seed=options.seed), "archive": ingested}
    if options.out:
        _write(options.out, run)
    print(json.dumps(run, ensure_ascii=False, indent=1) if options.json else table(run))
    return 0


def _write(path: Path, run: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(run, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise RagError(f"cannot write {path}: {error.strerror}; name another file with --out") from error


@contextmanager
def _progress(what: str, total: int) -> Generator[Callable[[int], None]]:
    """A bar on the terminal, a line elsewhere; both on standard error. Takes how many are done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"{total:,} {what} …", file=sys.stderr, flush=True)
        yield lambda done: None
        return
    with Progress(console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _weeks(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"(\d{8})\.\.(\d{8})", text)
    if not match or match[1] > match[2]:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of weeks; write two dates such as 20230106..20230210")
    return match[1], match[2]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of questions; give one from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

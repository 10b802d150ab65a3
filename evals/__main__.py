"""python -m evals run | attribution | compare | report | failures | table | check | train | agreement | bench | ….

Exit status: 0 done, 1 check found faults, 2 an error.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from evals import datasets
from evals.datasets import Choice
from rag.errors import RagError

# What a command needs is imported by it: reading a bad folder should not wait for what measures answers.


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m evals", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = found.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help_: str, *, printed: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_, description=help_)
        if printed:
            one.add_argument("--json", action="store_true", help="print JSON")
        return one

    run = command("run", "Put a data set's questions to a system and report the measures.")
    run.add_argument("dataset", choices=datasets.NAMES)
    run.add_argument("--data", type=Path, help="the data set's folder (newsroom: shipped; bring-your-own: a file)")
    run.add_argument("--system", default="ours", help="ours, stock, bm25, dense, or with a language model "
                     "ours+PROVIDER:MODEL; unguarded+PROVIDER:MODEL lets its sentences stand unchecked (ours)")  # fmt: skip
    run.add_argument("--model", help="the language model that writes for ours or unguarded, as PROVIDER:MODEL")
    run.add_argument("--judge", metavar="PROVIDER:MODEL", help="a language model that says of each sentence whether it "
                     "follows from its quotes (Faithful); verdicts in the file of --out are not asked for again")  # fmt: skip
    run.add_argument("--weeks", type=_weeks, metavar="A..B", help="realtimeqa: the first and last week, as YYYYMMDD")
    run.add_argument("--year", type=int, help="realtimeqa: one year's weeks")
    run.add_argument(
        "--split", choices=("train", "dev", "test", "all"), default="all", help="the questions asked (all)"
    )
    run.add_argument("--who-said-what", action="store_true", help="only the questions for somebody's words")
    run.add_argument("--limit", type=_positive, metavar="N", help="ask only N questions, drawn at random")
    run.add_argument("--seed", type=int, default=0, help="of the drawing and the bootstrap (0)")
    run.add_argument("--archive", type=Path, metavar="DIR", help="keep the archive here (.cache/evals/DATASET-HASH); "
                     "bring-your-own: the archive that is asked")  # fmt: skip
    run.add_argument("--out", type=Path, metavar="FILE", help="write the run there, as JSON")

    compare = command("compare", "Say which differences of two runs over the same questions are more than chance.")
    compare.add_argument("a", type=Path, metavar="RUN_A")
    compare.add_argument("b", type=Path, metavar="RUN_B")
    compare.add_argument("--seed", type=int, default=0, help="of the permutations and the bootstrap (0)")

    report = command("report", "Write runs over the same data as one HTML file that loads nothing.", printed=False)
    report.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    report.add_argument("--out", type=Path, default=Path("report.html"), metavar="FILE", help="(report.html)")
    report.add_argument("--failing", type=_positive, default=100, metavar="N", help="wrong answers shown a run (100)")

    failures = command("failures", "Say where a run's answers are lost: not in the archive, not found, not quoted, ….")
    failures.add_argument("run", type=Path, metavar="RUN")

    table = command("table", "Print runs over the same data as the README's table.", printed=False)
    table.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    table.add_argument("--keep", metavar="NAME", help="also keep their figures in evals/results, as NAME.SYSTEM.json")

    check = command("check", "Say line by line what is wrong with questions of your own (exit status 1: something is).")
    check.add_argument("file", type=Path)
    check.add_argument("--archive", type=Path, metavar="DIR", help="look up the evidence and the answers there")

    train = command(
        "train",
        "Learn all weights anew, from RealTime QA's tuning years, newsroom's dev half, and the training parts of worlds and asked.",
    )
    train.add_argument("--data", type=Path, required=True, help="RealTime QA's folder")
    train.add_argument(
        "--folder", type=Path, default=Path(".cache/evals"), metavar="DIR", help="of the archives (.cache/evals)"
    )
    train.add_argument("--out", type=Path, metavar="DIR", help="write the weights there (where they are read from)")
    train.add_argument("--seed", type=int, default=0, help="(0)")

    head = command(
        "train-attribution", "Learn the attribution head, its links and readings anew, from PolNeAR's train split."
    )
    head.add_argument("--data", type=Path, required=True, help="PolNeAR's folder")
    head.add_argument("--out", type=Path, metavar="DIR", help="write the weights there (rag/indexing)")
    head.add_argument("--seed", type=int, default=0, help="(0)")

    said = command("attribution", "Say how well who said what is found in articles marked by hand (PolNeAR's layout).")
    said.add_argument(
        "--data", type=Path, required=True, help="a folder with SPLIT.tar.gz, or SPLIT/text/*.txt and so on"
    )
    said.add_argument("--split", default="dev", help="(dev)")
    said.add_argument(
        "--keep", action="store_true", help="also keep the figures in evals/results/attribution/SPLIT.json"
    )

    agreement = command("agreement", "Say how far judges of faithfulness agree with sentences labelled by hand.")
    agreement.add_argument("--judge", metavar="PROVIDER:MODEL", help="a language model (only the built-in checks)")
    agreement.add_argument("--name", help="what to call that judge (PROVIDER:MODEL)")
    agreement.add_argument("--keep", action="store_true", help="also keep the figures in evals/results/agreement.json")
    agreement.add_argument("--seed", type=int, default=0, help="of the bootstrap (0)")

    extraction = command("extraction", "Say how well pages are read: recorded pages, field by field.")
    extraction.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of pages with expected.json (tests/pages)"
    )
    extraction.add_argument("--out", type=Path, metavar="FILE", help="write the figures there, as JSON")

    bench = command("bench", "Say how fast it is, beside what it is compared with.")
    bench.add_argument("what", choices=("embed", "ingest", "ask", "chat", "memory"))
    bench.add_argument("--data", type=Path, help="RealTime QA's folder, for real articles (newsroom's)")
    bench.add_argument("--archive", type=Path, metavar="DIR", help="ask, chat: the archive that is asked")
    bench.add_argument(
        "--passages",
        type=_positive,
        metavar="N",
        help="ask: so many, by perturbed copies (20,000; with --archive: none)",
    )
    bench.add_argument(
        "--workers", type=_counts, metavar="N,N", help="ingest: instead, with so many processes that embed: 1,2,4"
    )
    bench.add_argument("--users", type=_positive, metavar="N", help="chat: how many readers at once (200)")
    bench.add_argument(
        "--articles", type=_positive, metavar="N", help="memory: how many articles, beside a tenth of them (20,000)"
    )

    feedback = command("feedback", "Write what readers said on the page as questions for bring-your-own.")
    feedback.add_argument(
        "--archive", type=Path, metavar="DIR", help="the archive (default: RAG_ARCHIVE, else .archive)"
    )
    feedback.add_argument("--out", type=Path, default=Path("feedback.jsonl"), metavar="FILE", help="(feedback.jsonl)")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    commands = {"run": run, "compare": compare, "report": report, "table": table, "check": check}
    commands |= {"failures": failures}
    commands |= {"attribution": attribution, "train-attribution": train_attribution}
    commands |= {"agreement": agreement, "train": train, "bench": bench}
    commands |= {"feedback": feedback, "extraction": extraction}
    try:
        return commands[options.command](options)
    except RagError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # "| head" has seen enough
        sys.stderr.close()
        return 0


def run(options: argparse.Namespace) -> int:
    if options.dataset != "realtimeqa" and (options.weeks or options.year):
        raise RagError(f"{options.dataset} has no weeks; leave --weeks and --year out")
    if options.model and options.system not in ("ours", "unguarded"):  # systems.WRITERS; "+" names its model itself
        raise RagError(f"--model writes for ours and unguarded, not for {options.system}; leave one of the two out")
    system = f"{options.system}+{options.model}" if options.model else options.system
    choice = Choice(options.weeks, options.year, options.split, options.limit, options.seed)
    dataset = datasets.load(options.dataset, options.data, choice, options.archive)
    if options.who_said_what:
        dataset = replace(dataset, questions=tuple(q for q in dataset.questions if q.speaker))
        if not dataset.questions:
            raise RagError(f"no question of {options.dataset} asks for somebody's words; leave --who-said-what out")

    from evals import runfile
    from evals.run import ask_all, record, table
    from evals.systems import opened, settings_of
    from rag.settings import Settings

    settings = Settings.from_env()
    judge = None
    if options.judge:
        from evals.judge import Judge, verdicts

        judge = Judge(options.judge, settings, verdicts(options.out))
        dataset = replace(dataset, measures=(*dataset.measures, "Faithful"))
    folder = None if dataset.archive else options.archive
    with ExitStack() as stack:
        with _progress("articles", len(dataset.articles)) as step:
            opening = opened(system, dataset, folder, settings, lambda _source, read, _passages: step(read))
            asked, ingested = stack.enter_context(opening)
        with _progress("questions", len(dataset.questions)) as step:
            done = iter(range(1, len(dataset.questions) + 1))
            outcomes = ask_all(asked, dataset, lambda: step(next(done)))
    if judge:
        with _progress("answers judged", len(outcomes)) as step:
            outcomes = judge.judge_all(outcomes, step)
    chosen: dict[str, Any] = {
        "weeks": "..".join(options.weeks) if options.weeks else None,
        "year": options.year,
        "split": options.split,
        "limit": options.limit,
        "seed": options.seed,
        **({"who_said_what": True} if options.who_said_what else {}),
        **settings_of(settings),
        **({"judge": options.judge} if options.judge else {}),
    }
    made = record(dataset, outcomes, system=system, settings=chosen, seed=options.seed)
    sealed = runfile.sealed({**made, "archive": ingested})
    if options.out:
        runfile.write(options.out, sealed)
    print(json.dumps(sealed, ensure_ascii=False, indent=1) if options.json else table(sealed))
    return 0


def compare(options: argparse.Namespace) -> int:
    from evals import compare

    found = compare.compare(options.a, options.b, options.seed)
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else compare.table(found))
    return 0


def report(options: argparse.Namespace) -> int:
    from evals import report, runfile

    page = report.report([runfile.read(path) for path in options.runs], options.failing)
    runfile.write_text(options.out, page)
    print(options.out)
    return 0


def failures(options: argparse.Namespace) -> int:
    from evals import failures, runfile

    run = runfile.read(options.run, questions=True)
    if options.json:
        found = {name: {"questions": count, "ids": list(ids)} for name, count, ids in failures.shares(run)}
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print(failures.table(run), end="")
    return 0


def table(options: argparse.Namespace) -> int:
    from evals import runfile, table

    runs = [runfile.read(path) for path in options.runs]
    print(table.table(runs), end="")
    if options.keep:
        for path in table.keep(runs, options.keep):
            print(f"kept: {path}", file=sys.stderr)
    return 0


def check(options: argparse.Namespace) -> int:
    from evals.datasets import own

    wrong, remarks, asked = own.check(options.file, options.archive)
    if options.json:
        print(json.dumps({"wrong": wrong, "remarks": remarks, "questions": asked}, ensure_ascii=False, indent=1))
    else:
        print("\n".join([*wrong, *(f"note: {each}" for each in remarks), f"{asked:,} questions can be asked"]))
    return 1 if wrong else 0


def train(options: argparse.Namespace) -> int:
    from evals.training import train as training
    from rag.settings import Settings

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    found = training.train(options.data, options.folder, options.out, Settings.from_env(), options.seed, tell)
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else training.table(found))
    return 0


def train_attribution(options: argparse.Namespace) -> int:
    from evals.training import attribution as training
    from rag.indexing.attribution import FILE
    from rag.settings import Settings

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    folder = options.out or FILE.parent
    found = training.train(options.data, folder, Settings.from_env(), options.seed, tell)
    shown = (f"{role:<8} {score:.3f}" for role, score in found.items())
    print(json.dumps(found, indent=1) if options.json else "exact F1, dev:\n" + "\n".join(shown))
    return 0


def attribution(options: argparse.Namespace) -> int:
    from evals import attribution as measured
    from rag.settings import Settings

    found = measured.run(options.data, options.split, Settings.from_env())
    if options.keep:
        print(f"kept: {measured.keep(found)}", file=sys.stderr)
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else measured.table(found))
    return 0


def agreement(options: argparse.Namespace) -> int:
    from evals.agreement import Judging, keep, of, record, table
    from evals.datasets import judged

    labelled, articles = judged.load()
    judges: dict[str, Judging] = {}
    if options.judge:
        from evals.judge import Judge
        from rag.settings import Settings

        judge = Judge(options.judge, Settings.from_env())
        judges[options.name or options.judge] = lambda each: judge.judge(each.sentence, each.citations)
    found = of(labelled, articles, judges, options.seed)
    made = record(labelled, judged.data_hash(labelled), found)
    if options.keep:
        for name in keep(made):
            print(f"left out: {name}, whose labels were others", file=sys.stderr)
    print(json.dumps(made, ensure_ascii=False, indent=1) if options.json else table(made).rstrip())
    return 0


def feedback(options: argparse.Namespace) -> int:
    from evals import feedback
    from rag.settings import Settings

    found = feedback.export(options.archive or Settings.from_env().archive, options.out)
    if options.json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=1))
    else:
        print(feedback.table(found))
    return 0


def bench(options: argparse.Namespace) -> int:
    from evals import bench
    from rag.settings import Settings

    if options.what == "chat":
        from evals import bench_chat

        if options.passages:
            raise RagError("bench chat asks an archive as it stands; leave --passages out, or bench ask")

        held = bench_chat.chat(options.archive, Settings.from_env(), options.users or bench_chat.USERS)
        print(json.dumps(held, ensure_ascii=False, indent=1) if options.json else bench_chat.table(held))
        return 0
    if options.users:
        raise RagError(f"bench {options.what} has no users; leave --users out, or bench chat")
    if options.workers:
        from evals import bench_workers

        if options.what != "ingest" or options.archive:
            raise RagError("workers are for an ingest of its own; bench ingest --workers, without --archive")
        spread = bench_workers.workers(options.data, Settings.from_env(), options.workers)
        print(json.dumps(spread, ensure_ascii=False, indent=1) if options.json else bench.table(spread))
        return 0
    if options.articles and options.what != "memory":
        raise RagError(f"bench {options.what} has its own number of articles; leave --articles out, or bench memory")
    if options.what == "memory" and not options.archive:
        from evals import bench_memory

        found = bench_memory.memory(options.data, options.articles or bench_memory.ARTICLES)
    else:
        found = bench.run(options.what, options.data, options.archive, Settings.from_env(), options.passages)
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else bench.table(found))
    return 0


def extraction(options: argparse.Namespace) -> int:
    from evals import extraction

    found = extraction.run(options.data or extraction.PAGES)
    if options.out:
        options.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else extraction.table(found))
    return 0


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


def _counts(text: str) -> list[int]:
    return sorted({_positive(part.strip()) for part in text.split(",")})


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number; give one from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

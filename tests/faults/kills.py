"""python -m tests.faults.kills --kills 1000 --out FILE: kill writers at random instants and look what is left.

Each round a process writes a stream of additions, updates and removals, and is killed by SIGKILL: while it opens, adds,
removes, repairs or closes. The next round's process opens the archive, which repairs it, and does again the step that
was not acknowledged. In between, everything is compared with a dictionary: what was acknowledged must be there, once,
and found by its own vector and its own word in both indexes; and nothing whose vector the ledger held may have been
embedded again.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rag import Archive
from rag.errors import RagError
from rag.indexing.sentences import sentences
from rag.indexing.speakers import statements
from rag.indexing.split import split
from tests.faults.world import (
    SETTINGS,
    Found,
    Hashed,
    Step,
    allowed,
    article,
    current,
    environment,
    examine,
    held_marks,
    read_marks,
    steps,
    texts,
)

ROOT = Path(__file__).parents[2]
LIVE = 90  # articles alive at a time
STEPS = 5  # steps a process is given; it is killed before, while or after it does them


@dataclass
class Report:
    """What came of all rounds. ``acknowledged`` counts articles added, updated or removed and reported done; the four
    after it must be zero. Then, of the kills: how many hit while Chroma's graph was being written; how many left a step
    recorded but not acknowledged, which the next run finished; how many made it make the indexes anew; and how many of
    the readers that came before it were told an error.
    """

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    unreachable: int = 0
    embedded_again: int = 0
    while_graph_was_written: int = 0
    finished_by_repair: int = 0
    remade_by_repair: int = 0
    refused_before_repair: int = 0
    checked_passages: int = 0
    seconds: float = 0.0
    told: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.unreachable or self.embedded_again or self.told)

    def take(self, found: Found, round_: str) -> None:
        self.lost += found.lost
        self.doubled += found.doubled
        self.unreachable += found.unreachable
        self.checked_passages += found.passages
        if not found.ok:
            self.told.append(f"{round_}: {asdict(found)}")


def forked(work: Callable[[], Any], report: int | None = None) -> int:
    """Run ``work`` in a child process that shares no open file with what it does; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        result = work()
        if report is not None:
            os.write(report, pickle.dumps(result))
        status = 0
    except BaseException as error:  # noqa: BLE001 - the child must never return into the harness
        if report is not None:
            os.write(report, pickle.dumps(error))
    finally:
        os._exit(status)


def in_child(work: Callable[[], Any]) -> Any:
    """What ``work`` returns, done in a process of its own (so that this one never opens an index)."""
    read, write = os.pipe()
    child = forked(work, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    result = pickle.loads(told) if told else RuntimeError("the checking process died")
    if isinstance(result, BaseException):
        raise result
    return result


def warm() -> None:
    """Load here, once, what each child would load for itself: it inherits it. No index is opened."""
    one = article(1, 1)
    spans = sentences(one.text)
    split(one, spans, SETTINGS.passage_tokens, lambda _: 0, None)
    statements(one, spans)


def write(path: Path, log: Path, todo: Sequence[Step], acknowledge: int) -> None:
    with Archive.create(path, settings=SETTINGS, embeddings=Hashed(log)) as archive:
        os.write(acknowledge, struct.pack("i", 0))
        for n, step in enumerate(todo, 1):
            step.do(archive)
            os.write(acknowledge, struct.pack("i", n))
    os.write(acknowledge, struct.pack("i", len(todo) + 1))


def graph(path: Path) -> list[tuple[str, int, int]]:
    """The files of Chroma's graph, as the file system tells of them."""
    found: list[tuple[str, int, int]] = []
    for file in path.glob("store-*/chroma/*/*"):
        with suppress(FileNotFoundError):
            told = file.stat()
            found.append((str(file), told.st_size, told.st_mtime_ns))
    return sorted(found)


def killed_after(delay: float | None, path: Path, log: Path, todo: Sequence[Step]) -> tuple[int, bool, float]:
    """Kill a writer after ``delay`` seconds, or (None) as soon as it is seen to write Chroma's graph, which happens in
    place: the steps it acknowledged, whether it was at work, and how long it ran.
    """
    read, acknowledge = os.pipe()
    begun = time.monotonic()
    child = forked(lambda: write(path, log, todo, acknowledge))
    os.close(acknowledge)
    done, running = 0, True
    before = graph(path)
    while running:
        left = begun + delay - time.monotonic() if delay is not None else 0.0003
        if left <= 0 or (delay is None and any(kept[1:] != (0, 0) for kept in graph(path) if kept not in before)):
            break
        ready, _, _ = select.select([read], [], [], left)
        if ready:
            told = os.read(read, 4)
            if len(told) < 4:
                running = False
            else:
                done = struct.unpack("i", told)[0]
    if running:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while len(told := os.read(read, 4)) == 4:
        done = struct.unpack("i", told)[0]
    os.close(read)
    was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if status and not was_killed:
        raise RuntimeError(f"a writer ended by itself, with status {status}")
    return min(done, len(todo)), was_killed, time.monotonic() - begun


def settle(path: Path) -> None:
    """What the next run does first."""
    Archive.create(path, settings=SETTINGS, embeddings=Hashed(willing=False)).close()


def settled(path: Path, expected: Mapping[str, set[str]]) -> Found:
    settle(path)
    return examine(path, expected)


def killed_settling(delay: float, path: Path) -> bool:
    child = forked(lambda: settle(path))
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def ask(path: Path) -> str:
    """A reader of an archive that nobody has repaired yet: "" or the error that it is told."""
    try:
        with Archive.open(path, settings=SETTINGS, embeddings=Hashed()) as archive:
            archive.search("the harbour council", 5)
    except RagError as error:
        return str(error)
    return ""


def run(folder: Path, kills: int, seed: int, told: Callable[[str], None], seconds: float) -> Report:
    """``kills`` kills of writers with the hashed embedder, or as many as ``seconds`` allow."""
    warm()
    chance = random.Random(seed)
    report = Report()
    begun = time.monotonic()
    path, log = folder / "archive", folder / "embedded.log"
    world: dict[int, int] = {}
    version = 1
    todo: list[Step] = []
    longest = 2.0
    while report.kills < kills and time.monotonic() - begun < seconds:
        if len(todo) < STEPS:
            planned = world
            for step in todo:
                planned = step.after(planned)
            todo += steps(chance, planned, STEPS * 2, LIVE, version)
            version += STEPS * 2
        held = held_marks(path)
        log.unlink(missing_ok=True)
        watching = chance.random() < 0.2 and bool(graph(path))
        delay = None if watching else chance.uniform(0, longest)
        done, was_killed, spent = killed_after(delay, path, log, todo[:STEPS])
        if was_killed:
            report.kills += 1
            report.while_graph_was_written += watching
        elif not watching:
            longest = 0.7 * longest + 0.3 * spent * 1.05
        report.embedded_again += len(held & read_marks(log))
        for step in todo[:done]:
            world = step.after(world)
            report.acknowledged += len(step.add) + len(step.remove)
        todo = todo[done:]
        if not (path / "CURRENT").exists():
            continue
        store = current(path)
        if was_killed and chance.random() < 0.3:
            report.refused_before_repair += bool(in_child(lambda: ask(path)))
        if was_killed and chance.random() < 0.2:
            # The repair is killed, too.
            report.kills += killed_settling(chance.uniform(0, 0.5), path)
        found = in_child(partial(settled, path, allowed(world, todo[0].after(world) if todo else world)))
        report.take(found, f"kill {report.kills}")
        if not found.ok:
            told(report.told[-1])
        report.remade_by_repair += current(path) != store
        report.finished_by_repair += texts(path) != expected_texts(world)
        if report.kills % 20 == 0:
            told(f"{report.kills} kills, {report.acknowledged:,} acknowledged, {found.passages} passages, "
                 f"{report.remade_by_repair} remade, {time.monotonic() - begun:.0f} s; wrong: {len(report.told)}")  # fmt: skip
    report.seconds = round(time.monotonic() - begun, 1)
    return report


def expected_texts(world: dict[int, int]) -> dict[str, str]:
    return {a.id: a.text for a in (article(n, v) for n, v in world.items())}


def run_ingest(folder: Path, kills: int, seed: int, told: Callable[[str], None], seconds: float) -> Report:
    """The same of ``python ingest.py`` with the real embedder; each is run to its end after it was killed."""
    chance = random.Random(seed)
    report = Report()
    begun = time.monotonic()
    path, news = folder / "archive", folder / "news.jsonl"
    world: dict[int, int] = {}
    version, longest, cut = 1, 6.0, False
    while cut or (report.kills < kills and time.monotonic() - begun < seconds):
        if not cut:
            (step,) = steps(random.Random(chance.random()), world, 1, 10_000, version)
            step = step if step.add else Step(add=tuple((n, version) for n in list(world)[:10]))
            after = step.after(world)
            version += 1
            news.write_text("".join(json.dumps(as_row(n, v)) + "\n" for n, v in step.add[:40]))
            after = {**world, **dict(step.add[:40])}
        held = held_marks(path)
        process = subprocess.Popen(
            [sys.executable, "ingest.py", str(news), "--archive", str(path), "--json"],
            cwd=ROOT, env=environment() | {"RAG_PASSAGE_TOKENS": "64"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=None if cut else chance.uniform(0.5, longest))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            report.kills += 1
            cut = True
            continue
        if process.returncode:
            raise RuntimeError(err.decode())
        longest = time.monotonic() - began
        wanted = {mark for n, v in after.items() for mark in marks_of(n, v)}
        spent = json.loads(out)["embedded"]
        report.embedded_again += max(0, spent - len(wanted - held))
        report.acknowledged += len(dict(after.items() - world.items()))
        world, cut = after, False
        report.take(in_child(partial(examine, path, allowed(world))), f"ingest, kill {report.kills}")
        told(f"ingest.py: {report.kills} kills, {report.acknowledged} acknowledged")
    report.seconds = round(time.monotonic() - begun, 1)
    return report


def marks_of(number: int, version: int) -> list[str]:
    return [f"mark{number}x{version}x{k}" for k in range(article(number, version).text.count("\n\n") + 1)]


def as_row(number: int, version: int) -> dict[str, str]:
    a = article(number, version)
    return {"url": a.url, "title": a.title, "text": a.text, "outlet": a.outlet, "published": a.published,
            "modified": a.modified}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="kills of a writer with a cheap embedder (default 100)")
    parser.add_argument("--ingest", type=int, default=5, help="kills of python ingest.py besides (default 5)")
    parser.add_argument("--minutes", type=float, default=600, help="stop earlier, after so many minutes of either")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the archives are made (/dev/shm is fast)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report as JSON")
    args = parser.parse_args()

    def told(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    reports: dict[str, Report] = {}
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=args.folder))
    for name, kill, count in (("writer", run, args.kills), ("ingest", run_ingest, args.ingest)):
        (folder / name).mkdir()
        reports[name] = kill(folder / name, count, args.seed, told, args.minutes * 60)
    ok = all(report.ok for report in reports.values())
    if ok:
        shutil.rmtree(folder)
    else:
        told(f"the archives are kept in {folder}")
    command = " ".join(["python -m tests.faults.kills", *sys.argv[1:]])
    when = datetime.now(UTC).date().isoformat()
    made = {"command": command, "date": when, "ok": ok, "python": platform.python_version(), "cores": os.cpu_count()}
    text = json.dumps(made | {name: asdict(report) for name, report in reports.items()}, indent=2)
    if args.out:
        args.out.write_text(text + "\n")
    print(text)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

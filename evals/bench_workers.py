"""How fast an ingest is with 1, 2, 4 processes that embed, in turns over the same articles."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from evals import bench
from evals.run import code, machine
from rag import Archive
from rag.errors import RagError
from rag.settings import Settings
from rag.stores.ledger import Ledger

ARTICLES = 60
"""Enough for several lots a worker."""
ROUNDS = 2


def workers(
    data: Path | None, settings: Settings, counts: Sequence[int], most: int = ARTICLES, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Figures for each count: articles a second once the processes stand (1 is the usual ingest, in one process), how
    many times as fast as the first count that is, the seconds of processor time that it takes (which others on the machine
    change little), and the seconds until they stand; and the machine's load before. Raises RagError where the archives
    differ in a passage or vector.
    """
    load = os.getloadavg()[0]
    found = bench.texts(data)
    first, *chosen = (article for article, _ in zip(bench.copies(found.articles), range(most + 1), strict=False))
    spent: dict[str, list[float]] = {str(count): [] for count in counts}
    until: dict[str, list[float]] = {str(count): [] for count in counts}
    worked: dict[str, list[float]] = {str(count): [] for count in counts}
    made: set[str] = set()
    passages = 0
    with tempfile.TemporaryDirectory() as folder:

        def ingest(count: int) -> None:
            nonlocal passages
            path = Path(tempfile.mkdtemp(dir=folder))
            with Archive.create(path, settings=settings, workers=count) as archive:
                until[str(count)].append(bench.timed(lambda: archive.add([first])))
                before = _processor_seconds()
                spent[str(count)].append(bench.timed(lambda: archive.add(chosen)))
                worked[str(count)].append(_processor_seconds() - before)
                passages = archive.status().passages
            made.add(_print(path))

        for turn in range(rounds):
            for count in counts if turn % 2 == 0 else reversed(counts):
                ingest(count)
    if len(made) > 1:
        raise RagError("the archives differ with the number of workers; please report this")
    middle = {name: median(seconds) for name, seconds in spent.items()}
    base = middle[str(counts[0])]
    return {
        "bench": "ingest by workers",
        "data": found.name,
        "articles": len(chosen),
        "passages": passages,
        "rounds": rounds,
        "articles_per_second": {name: len(chosen) / seconds for name, seconds in middle.items()},
        "times_as_fast": {name: base / seconds for name, seconds in middle.items()},
        "processor_seconds": {name: median(seconds) for name, seconds in worked.items()},
        "seconds_until_they_stand": {name: median(seconds) for name, seconds in until.items()},
        "load_before": load,
        "seconds": spent,
        "code": code(),
        "machine": machine(),
    }


def _processor_seconds() -> float:
    """What this process and those below it have used so far; elsewhere than on Linux, this one alone."""
    used: dict[int, float] = {}
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            columns = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(columns[1])
            used[int(stat.parent.name)] = (int(columns[11]) + int(columns[12])) / os.sysconf("SC_CLK_TCK")
    if not used:
        return time.process_time()
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used.get(pid, 0) for pid in family)


def _print(archive: Path) -> str:
    """A fingerprint of an archive's passages and their vectors."""
    ledger = Ledger(archive / (archive / "CURRENT").read_text().strip())
    try:
        ids = sorted(ledger.passage_ids())
        vectors, parts = ledger.vectors(ids), ledger.sentence_vectors(ids)
        return sha256(b"".join(i.encode() + vectors[i].tobytes() + parts[i].tobytes() for i in ids)).hexdigest()
    finally:
        ledger.close()

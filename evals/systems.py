"""The systems that are measured. How to add one: see ``System`` in evals/records.py; name it in ``NAMES`` and open it in
``opened``.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from evals.records import Dataset, System
from evals.unguarded import Unguarded
from rag import Archive
from rag.archive import SPLITTER
from rag.errors import SettingsError
from rag.indexing import attribution, rerank
from rag.records import Answer, Hit, Turn
from rag.settings import Settings

CACHE = Path(".cache/evals")
NAMES = ("ours", "stock", "bm25", "dense")
WRITERS = ("ours", "unguarded")
"""For which a language model writes, as ours+PROVIDER:MODEL."""
_PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Ours:
    """The archive as its users have it; ``model`` writes ("provider:name"), "" quotes."""

    archive: Archive
    model: str = ""

    def search(self, question: str, now: datetime | None, k: int) -> Sequence[Hit]:
        return self.archive.search(question, k=k, now=now)

    def ask(self, question: str, history: Sequence[Turn], now: datetime | None) -> Answer:
        return self.archive.ask(question, history=history, now=now, model=self.model)

    def choose(self, question: str, choices: Sequence[str], now: datetime | None) -> int:
        return self.archive.choose(question, choices, now=now).chosen


def parse_system(text: str) -> tuple[str, str]:
    """ "ours+openai:gpt-5-mini" → the system and the language model that writes. Raises SettingsError."""
    name, plus, model = text.partition("+")
    if name not in (WRITERS if plus else NAMES) or (plus and not model):
        written = ", ".join(f"{writer}+PROVIDER:MODEL" for writer in WRITERS)
        raise SettingsError(f"there is no system {text!r}; there are: {', '.join(NAMES)}, {written}")
    return name, model


Progress = Callable[[str, int, int], None]


@contextmanager
def opened(
    system: str, dataset: Dataset, folder: Path | None, settings: Settings, progress: Progress | None = None
) -> Generator[tuple[System, dict[str, Any]]]:
    """A system that holds the data set's articles, and what its archive holds.

    ``folder`` is where our archive is kept (None: in the cache); stock keeps its chunks beside it. An archive that the
    data set names is the user's: it is read as it stands, never written.
    """
    name, model = parse_system(system)
    kept = folder or archive_folder(dataset, settings)
    if name == "stock":
        from evals.baselines import Stock

        begun = time.perf_counter()
        chunks = kept.with_name(f"{kept.name}-stock") / settings.embedder.replace("/", "-")
        stock = Stock(dataset, chunks, settings, progress)
        spent = round(time.perf_counter() - begun, 1)
        yield (
            stock,
            {"articles": len(dataset.articles), "passages": stock.chunks, "added": stock.added, "seconds": spent},
        )
        return
    if dataset.archive is None:
        ingested = ingest(dataset, kept, settings, progress)
    else:
        kept = dataset.archive
        with Archive.open(kept, settings=settings) as archive:
            status = archive.status()
        ingested = {"articles": status.articles, "passages": status.passages, "added": 0, "seconds": 0.0}
    from evals.baselines import Bm25, Dense

    with Archive.open(kept, settings=settings) as archive:
        systems: dict[str, Callable[[], System]] = {
            "ours": lambda: Ours(archive, model),
            "unguarded": lambda: Unguarded(archive, model),
            "bm25": lambda: Bm25(archive),
            "dense": lambda: Dense(archive),
        }
        yield systems[name](), ingested


def settings_of(settings: Settings) -> dict[str, Any]:
    """The settings that decide what an archive of given articles holds."""
    embedder = settings.embedder if settings.precision == "fp32" else f"{settings.embedder} {settings.precision}"
    return {"embedder": embedder, "passage_tokens": settings.passage_tokens, "splitter": SPLITTER}


def archive_folder(dataset: Dataset, settings: Settings, cache: Path = CACHE) -> Path:
    """Where the archive of these articles with these settings and this attribution head is kept: found again only by the
    same of all three, since what the head read of a passage is kept with it and not read again.
    """
    files = attribution.FILE, rerank.FILE, rerank.NAMES
    head = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    made_of = json.dumps([dataset.articles_hash, settings_of(settings), head], sort_keys=True)
    return cache / f"{dataset.name}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def ingest(dataset: Dataset, folder: Path, settings: Settings, progress: Progress | None = None) -> dict[str, Any]:
    """Bring the archive in ``folder`` to hold the data set's articles; embeds only what it does not hold yet.

    Statements are made anew when the code of rag/indexing has changed since (a stamp in the folder tells), since
    figures from an archive that older code made would be figures of that code.
    """
    begun = time.perf_counter()
    stamp, code = folder / "evals.stamp", source_hash("rag/indexing")
    if stamp.is_file() and stamp.read_text() != code:
        Archive.rebuild(folder, settings=settings, on_progress=progress)
    with Archive.create(folder, settings=settings) as archive:
        stamp.write_text(code)  # before adding: what a killed run leaves was made by this code, too
        report = archive.add(dataset.articles, source=dataset.name, on_progress=progress)
        status = archive.status()
    return {
        "articles": status.articles,
        "passages": status.passages,
        "added": report.added,
        "unchanged": report.unchanged,
        "updated": report.updated,
        "skipped": [f"{each.source}: {each.reason}" for each in report.skipped],
        "seconds": round(time.perf_counter() - begun, 1),
    }


def source_hash(*folders: str) -> str:
    """SHA-256 over the Python files under these folders of the project: names the code, committed or not."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in (_PROJECT / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(_PROJECT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()

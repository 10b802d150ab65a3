"""The ingest's threads: what is read, embedded and recorded at the same time ends as if it was done one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag import Archive, Article
from rag.indexing import pipeline
from rag.indexing.embed import LangChainEmbedder, OnnxEmbedder
from rag.indexing.pipeline import EMBEDDED_TOGETHER, LOTS
from rag.settings import Settings
from tests.faults.world import SETTINGS, Hashed, article

FAR = 30  # seconds, for what comes at once


class Watched(Hashed):
    """Counts the texts it was given, and calls ``before``, where there is one, with the number of each lot ahead of it."""

    def __init__(self, before: Callable[[int], None] | None = None) -> None:
        super().__init__()
        self._before = before
        self.given = 0
        self.lots = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.lots += 1
        if self._before is not None:
            self._before(self.lots)
        self.given += len(texts)
        return super().embed_documents(texts)


def archive_of(path: Path, embeddings: Watched | None = None) -> Archive:
    return Archive.create(path, settings=SETTINGS, embeddings=embeddings or Watched())


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ingest")]


def held(path: Path) -> dict[str, Any]:
    with Archive.open(path, settings=SETTINGS, embeddings=Watched()) as archive:
        assert archive.verify().ok
        ledger = archive._ledger  # pyright: ignore[reportPrivateUsage]
        vectors = ledger.vectors(ledger.passage_ids())
        return {i: (ledger.passages([i]), vectors[i].tolist()) for i in sorted(vectors)}


def test_an_archive_is_the_same_however_its_articles_are_cut_into_lots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Versions of the same articles among them, while the ones before are still on their way.
    articles = [article(n, 1) for n in range(40)] + [article(n, 2) for n in range(30, 36)] + [article(40, 1)]
    found: list[dict[str, Any]] = []
    for name, together, committed in (("usual", EMBEDDED_TOGETHER, pipeline.BATCH_PASSAGES), ("small", 3, 7)):
        monkeypatch.setattr(pipeline, "EMBEDDED_TOGETHER", together)
        monkeypatch.setattr(pipeline, "BATCH_PASSAGES", committed)
        with archive_of(tmp_path / name) as archive:
            report = archive.add(articles)
        assert (report.added, report.updated, report.skipped) == (41, 6, ())
        found.append(held(tmp_path / name))
    assert found[0] == found[1]


def test_reading_goes_on_while_passages_are_embedded_but_not_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "EMBEDDED_TOGETHER", 8)
    read_on = threading.Event()
    farthest = 0

    def wait(_: int) -> None:
        assert read_on.wait(FAR), "nothing was read while this lot was embedded"

    embeddings = Watched(wait)

    def source() -> Iterator[Article]:
        nonlocal farthest
        read = 0
        for n in range(60):
            one = article(n, 1)
            yield one
            read += one.text.count("\n\n") + 1
            if read > 12:
                read_on.set()
            farthest = max(farthest, read - embeddings.given)

    with archive_of(tmp_path, embeddings) as archive:
        assert archive.add(source()).added == 60
    assert farthest <= (LOTS + 2) * (8 + 4)  # an article has at most four passages
    assert not workers()


def test_what_fails_while_embedding_is_raised_and_what_was_acknowledged_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "EMBEDDED_TOGETHER", 5)
    monkeypatch.setattr(pipeline, "BATCH_PASSAGES", 10)

    def fail(lot: int) -> None:
        if lot == 8:
            raise ConnectionError("the embedding service is gone")

    told: list[int] = []
    with (
        pytest.raises(ConnectionError, match="is gone"),
        archive_of(tmp_path, Watched(fail)) as archive,
    ):
        archive.add(map(article, range(1000), repeat(1)), on_progress=lambda _source, _read, done: told.append(done))
    assert not workers()
    before = held(tmp_path)
    assert told and len(before) >= told[-1] > 0
    with archive_of(tmp_path) as archive:
        archive.add(map(article, range(50), repeat(1)))
    after = held(tmp_path)
    assert {i: after[i] for i in before} == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_source_that_breaks_off_stops_the_embedder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr(pipeline, "EMBEDDED_TOGETHER", 5)

    def broken() -> Iterator[Article]:
        raise error("enough")
        yield

    with pytest.raises(error, match="enough"), archive_of(tmp_path) as archive:
        archive.add(chain(map(article, range(20), repeat(1)), broken()))
    assert not workers()
    assert len(held(tmp_path)) in (0, 20)


def test_leaving_early_does_not_wait_for_the_lot_in_work(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = OnnxEmbedder(Settings.from_env().cache)
    begun = threading.Event()
    batches = 0

    def endless(texts: Sequence[str], sentences: Any, reader: Any) -> Any:
        nonlocal batches
        states = np.zeros((0, 4, 384), np.float32)
        for _ in range(10_000):
            batches += 1
            reader([], [], states, states)
            begun.set()
            time.sleep(0.01)

    monkeypatch.setattr(embedder, "embed_passages", endless)
    monkeypatch.setattr(pipeline, "EMBEDDED_TOGETHER", 1)
    indexer = pipeline.Indexer(None, None, None, embedder, 64)  # pyright: ignore[reportArgumentType]
    with pytest.raises(KeyboardInterrupt), pipeline._Line(pipeline.Threads(embedder)) as line:  # pyright: ignore[reportPrivateUsage]
        line.put(indexer._prepare(article(1, 1)))  # pyright: ignore[reportPrivateUsage]
        assert begun.wait(FAR)
        raise KeyboardInterrupt
    assert batches < 5_000 and not workers()


def test_models_that_threads_may_not_share_are_given_one_lot_at_a_time() -> None:
    inside = most = 0

    class Counting(Hashed):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1
            return super().embed_documents(texts)

    embedder = LangChainEmbedder(Counting())
    threads = [threading.Thread(target=embedder.embed_passages, args=(["a"], [()])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1

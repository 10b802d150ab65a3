"""Several processes that embed: the archive is the same as with one, whatever happens to them nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ingest
from rag import Archive, Article
from rag.errors import SettingsError, WorkerError
from rag.indexing import pipeline, scale
from rag.indexing.scale import share
from rag.sources import read
from tests.faults.world import environment

ROOT = Path(__file__).parents[2]
NEWSROOM = ROOT / "evals" / "datasets" / "newsroom" / "articles.jsonl"
FAR = 60  # seconds, for what comes in a few


def newsroom(count: int) -> list[Article]:
    found = [item for item in read(str(NEWSROOM)) if isinstance(item, Article)]
    return found[:count]


def ledger(path: Path) -> dict[str, list[Any]]:
    """Every row of every table: articles, passages, vectors, statements, tags, …"""
    (file,) = path.glob("store-*/ledger.sqlite3")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as held:
        tables = [name for (name,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(held.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


def vectors(path: Path) -> dict[str, list[float]]:
    """What Chroma holds."""
    with Archive.open(path) as archive:
        held = archive._search()._vectors  # pyright: ignore[reportPrivateUsage]
        found = held._collection.get(include=["embeddings"])  # pyright: ignore[reportPrivateUsage]
        return dict(zip(found["ids"], (list(row) for row in found["embeddings"]), strict=True))


def children(parent: int) -> set[int]:
    """The processes that a process has started, and theirs."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = {parent}
    while more := {pid for pid, above in pairs if above in found} - found:
        found |= more
    return found - {parent}


def listening(pids: set[int]) -> set[str]:
    """The addresses (hexadecimal, as the kernel lists them) at which processes wait for connections."""
    sockets: set[str] = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(str(handle.readlink()))
            except OSError:
                continue
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            columns = row.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in sockets:
                found.add(columns[1].partition(":")[0])
    return found


def test_two_workers_make_the_same_archive_and_one_that_dies_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "EMBEDDED_TOGETHER", 16)
    monkeypatch.setattr(pipeline, "BATCH_PASSAGES", 24)
    articles = newsroom(30)
    with Archive.create(tmp_path / "one") as archive:
        archive.add(articles)
    with Archive.create(tmp_path / "two", workers=2) as archive:
        half = archive.add(articles[:15])
        started = children(os.getpid())
        rest = archive.add(articles[15:])
        assert (half.added, rest.added) == (15, 15)
        workers = archive._workers  # pyright: ignore[reportPrivateUsage]
        assert workers is not None
        if sys.platform == "linux":
            assert listening(started) <= {"0100007F", "0000000000000000FFFF00000100007F"}
        loaded = [a.__ray_call__.remote(lambda _: os.getpid()) for a in workers._actors]  # pyright: ignore[reportPrivateUsage]
        import ray

        pids: list[int] = ray.get(loaded)
        assert len(set(pids)) == 2 and os.getpid() not in pids, "the model is loaded once in each, and stays"

        def dying() -> Iterator[Article]:
            yield from (
                Article(f"{n:016x}", "T", f"The bridge {n} opens.", f"https://x.example/{n}") for n in range(30)
            )
            os.kill(pids[0], signal.SIGKILL)
            for n in range(30, 2000):
                yield Article(f"{n:016x}", "T", f"The bridge {n} opens.", f"https://x.example/{n}")

        with pytest.raises(WorkerError, match=r"a worker is gone.*what was finished is kept") as told:
            archive.add(dying())
        assert "\n" not in str(told.value)
    assert capfd.readouterr() == ("", ""), "Ray says nothing of its own"
    with Archive.create(tmp_path / "two") as archive:
        assert archive.verify().ok
        again = archive.add([*articles, Article("f" * 16, "T", "The bridge opens.", "https://x.example/f")])
        assert (again.unchanged, again.added) == (30, 1)
        archive.remove(archive.known([f"{n:016x}" for n in range(2000)] + ["f" * 16]))
    assert ledger_but_generation(tmp_path / "one") == ledger_but_generation(tmp_path / "two")
    assert vectors(tmp_path / "one") == vectors(tmp_path / "two")


def ledger_but_generation(path: Path) -> dict[str, list[Any]]:
    found = ledger(path)
    return found | {"meta": [row for row in found["meta"] if row[0] not in ("generation", "let_go")]}


SMALL_LOTS = """
import sys, ingest
from rag.indexing import pipeline
pipeline.EMBEDDED_TOGETHER, pipeline.BATCH_PASSAGES = 16, 24
code = ingest.main()
assert ("ray" in sys.modules) == ("--workers" in sys.argv)
sys.exit(code)
"""


def test_an_interrupt_ends_it_and_the_next_run_goes_on(tmp_path: Path) -> None:
    news = tmp_path / "news.jsonl"
    rows = [
        json.dumps({"title": f"T{n}", "text": f"The bridge {n} opens.", "url": f"https://x.example/{n}"})
        for n in range(20_000)
    ]
    news.write_text("\n".join(rows))
    arguments = [str(news), "--archive", str(tmp_path / "a"), "--events"]
    environ = environment() | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SMALL_LOTS, *arguments]
    process = subprocess.Popen(
        [*command, "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout and process.stderr
        assert any('"progress"' in line for line in iter(process.stdout.readline, ""))
        started = children(process.pid)
        begun = time.perf_counter()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(FAR) == 130
        assert time.perf_counter() - begun < 15
        kept = r"the archive keeps [\d,]+ articles, [\d,]+ passages of them indexed"
        assert re.fullmatch(re.escape(f"ingest: {ingest.STOPPED}\n").replace(r"\{kept\}", kept), process.stderr.read())
        left = started
        while left and time.perf_counter() - begun < FAR:
            left = {pid for pid in left if Path(f"/proc/{pid}/cmdline").exists()}
            time.sleep(0.1)
        assert started and not left
    finally:
        process.kill()
        process.wait()
    news.write_text("\n".join(rows[:64]))
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environ)
    (report,) = json.loads(done.stdout.splitlines()[-1])["sources"]
    assert report["added"] + report["unchanged"] == 64 and report["unchanged"] >= 24
    with Archive.open(tmp_path / "a") as archive:
        assert archive.verify().ok


def test_without_the_extra_its_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scale, "find_spec", lambda _: None)
    assert ingest.main(["--workers", "2", "--archive", str(tmp_path / "a")]) == 2
    told = capsys.readouterr().err
    assert "pip install -e '.[scale]'" in told and told.count("\n") == 1
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_a_cluster_that_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    where = ["--archive", str(tmp_path / "a"), "--json"]
    assert ingest.main(["--workers", "2", *where]) == 2
    told = capsys.readouterr().err
    assert f"no Ray cluster answers at RAY_ADDRESS={address!r}" in told and told.count("\n") == 1
    assert ingest.main(where) == 0
    assert json.loads(capsys.readouterr().out)["sources"][0]["added"] == 1


@pytest.mark.parametrize("workers", ["0", "-1", "two", "1.5", ""])
def test_a_number_of_workers_that_is_none_is_refused(workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ingest.main(["--workers", workers])
    assert ended.value.code == 2 and f"{workers!r} is no number of processes; give 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("workers", [0, 10_000])
def test_too_few_and_too_many_workers_are_refused(tmp_path: Path, workers: int) -> None:
    with pytest.raises(SettingsError, match="give"):
        Archive.create(tmp_path / "a", workers=workers)
    assert not (tmp_path / "a").exists()


@given(st.lists(st.integers(0, 128), min_size=1, max_size=6), st.integers(1, 64))
def test_every_worker_gets_all_the_cores_that_leave_room_for_the_others(nodes: Sequence[int], workers: int) -> None:
    given = share(nodes, workers)
    assert given >= 1
    assert given == 1 or sum(node // given for node in nodes) >= workers
    assert sum(node // (given + 1) for node in nodes) < workers

"""The vectors on Chroma's own server, started here on loopback: the same answers as with Chroma in the process."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import chromadb
import pytest

from rag import Archive, Settings
from rag.errors import ArchiveCorrupt, ArchiveError, SettingsError
from tests.faults.world import SETTINGS, Hashed, allowed, article, examine, id_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--host", "127.0.0.1", "--port", str(port)]
    running = subprocess.Popen(
        [*command, "--path", str(tmp_path_factory.mktemp("server"))],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/api/v2/heartbeat", running)
        yield url
    finally:
        running.terminate()
        running.wait()


def wait_for(url: str, running: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert running.poll() is None, "chroma run ended by itself"
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("chroma run does not answer")


def fill(path: Path, settings: Settings) -> None:
    with Archive.create(path, settings=settings, embeddings=Hashed()) as archive:
        archive.add(article(n, 1) for n in range(60))
        archive.remove([id_of(n) for n in range(20)])
        archive.add(article(n, 2) for n in range(20, 30))


def collections(url: str) -> set[str]:
    host, port = url.removeprefix("http://").split(":")
    return {c.name for c in chromadb.HttpClient(host=host, port=int(port)).list_collections()}


def test_the_same_answers_with_the_vectors_on_a_server(server: str, tmp_path: Path) -> None:
    there = replace(SETTINGS, chroma_url=server)
    fill(tmp_path / "here", SETTINGS)
    fill(tmp_path / "there", there)
    assert not list((tmp_path / "there").glob("store-*/chroma")), "nothing of Chroma's is in the archive"
    questions = ("mark25x2x0", "What did the minister say about the bridge?", "harbour strike in March 2024")
    with (
        Archive.open(tmp_path / "here", settings=SETTINGS, embeddings=Hashed()) as one,
        Archive.open(tmp_path / "there", settings=there, embeddings=Hashed()) as other,
    ):
        assert one.verify().ok and other.verify().ok
        for question in questions:
            for filters in ({}, {"outlets": ["Outlet 4"]}):
                told = [[(h.passage.id, round(h.score, 6)) for h in a.search(question, 20, **filters)]
                        for a in (one, other)]  # fmt: skip
                assert told[0] == told[1] != []
    world = {n: 2 if n < 30 else 1 for n in range(20, 60)}
    assert examine(tmp_path / "there", allowed(world), server=server).ok
    before = collections(server)
    Archive.rebuild(tmp_path / "there", settings=there, embeddings=Hashed(willing=False))
    assert len(collections(server)) == len(before) and collections(server) != before, "the old index is dropped"
    assert examine(tmp_path / "there", allowed(world), server=server).ok
    with (
        Archive.open(tmp_path / "there", settings=SETTINGS, embeddings=Hashed()) as archive,
        pytest.raises(ArchiveCorrupt, match="rebuild"),
    ):
        archive.search("harbour", 3)


def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    nobody = replace(SETTINGS, chroma_url="http://127.0.0.1:9")
    with pytest.raises(ArchiveError, match="chroma run"):
        Archive.create(tmp_path, settings=nobody, embeddings=Hashed())
    with pytest.raises(SettingsError, match="RAG_CHROMA_URL"):
        Settings.from_env({"RAG_CHROMA_URL": "localhost:8000"})

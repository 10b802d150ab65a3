from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evals import bench
from evals.__main__ import main
from rag import Article
from rag.indexing.embed import open_embedder
from rag.indexing.sentences import sentences
from rag.settings import Settings

ARTICLE = Article(
    "a", "Bridge opens", "Mayor Ida Brandt said that 15 boats came.\n\nTom Rask left on May 3.", "https://x.example/a"
)


def test_perturbed_copies_differ_but_for_their_sentences() -> None:
    made = [bench.perturbed(ARTICLE, n) for n in range(8)]
    assert made[0] is ARTICLE
    assert len({a.id for a in made}) == len({a.url for a in made}) == 8
    assert len({a.text for a in made}) >= 7
    assert made == [bench.perturbed(ARTICLE, n) for n in range(8)]
    for copy in made:
        assert sentences(copy.text) == sentences(ARTICLE.text)
    counted = Counter(copy.id for copy, _ in zip(bench.copies([ARTICLE]), range(5), strict=False))
    assert max(counted.values()) == 1


def test_copies_share_a_vector_and_questions_are_embedded() -> None:
    embedder = open_embedder(Settings.from_env())
    copied = bench._Copied(embedder)
    copied.copying = True
    one, other = np.asarray(copied.embed_documents([ARTICLE.text, bench.perturbed(ARTICLE, 1).text]))
    assert one == pytest.approx(embedder.embed([ARTICLE.text])[0], abs=1e-6)
    assert float(one @ other / np.linalg.norm(other)) > 0.9
    copied.copying = False
    text = bench.perturbed(ARTICLE, 2).text
    assert copied.embed_documents([text])[0] == pytest.approx(embedder.embed([text])[0].tolist(), abs=1e-6)


def test_ask_on_a_given_archive(tiny_archive: Path, runs: dict[str, Path]) -> None:
    found = bench.ask(None, tiny_archive, Settings.from_env(), asked=3)
    assert found["articles"] == 3 and found["questions"] == 3
    assert 0 < found["p50_ms"] <= found["p95_ms"]
    assert sum(found["stages_ms"].values()) == pytest.approx(found["p50_ms"])
    assert "p50 ms" in bench.table(found)


def test_ask_over_copies_that_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "CACHE", tmp_path)
    monkeypatch.setattr(bench, "texts", lambda _: bench.Texts("one", (ARTICLE,), ("Who left?",)))
    made = bench.ask(None, None, Settings.from_env(), most=150)
    assert made["passages"] == made["articles"] == 200
    monkeypatch.setattr(bench, "perturbed", lambda article, _: article)  # nothing new would be made of this
    assert bench.ask(None, None, Settings.from_env(), most=150)["passages"] == 200


def test_ingest_is_set_beside_the_bare_embedder_and_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "texts", lambda _: bench.Texts("one", (ARTICLE,), ()))
    found = bench.ingest(None, Settings.from_env(), most=3, rounds=1)
    assert found["articles"] == found["passages"] == found["stock_chunks"] == 3
    assert found["share_of_bare_embedder"] > 0 and found["times_as_fast_as_stock"] > 0
    assert found["second_run_seconds"] < 5


def test_embed_agrees_with_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "texts", lambda _: bench.Texts("one", (ARTICLE,), ()))
    found = bench.embed(None, Settings.from_env(), most=4, rounds=1)
    assert found["passages"] == 4 and found["least_cosine"] > 0.9999


def test_memory_is_measured_in_processes_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "memory", "--articles", "60", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["articles"] == 60 and found["runs"]["6 own"]["articles"] == 6
    assert found["runs"]["60 hashed"]["passages"] == found["passages"] >= 60
    assert 50 < found["tenth_peak_mib"] < 2_000 and found["peak_mib"] < 2_000
    assert found["ratio_hashed"] == pytest.approx(found["peak_mib"] / found["tenth_peak_mib"])
    assert found["embedder_mib"] > 20, "the model alone"
    assert 1 <= max(found["ratio"], 1) <= max(found["ratio_hashed"], 1)
    assert found["runs"]["60 hashed"]["at_start_mib"] <= found["peak_mib"]
    assert "hashed" in found["data"] and "peak mib" in bench.table(found)
    assert main(["bench", "ask", "--articles", "60"]) == 2


def test_an_archive_is_for_asking_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "embed", "--archive", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")

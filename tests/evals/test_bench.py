from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from evals import bench, bench_workers
from evals.__main__ import main
from rag import Archive, Article
from rag.indexing.sentences import sentences
from rag.indexing.split import header
from rag.settings import Settings
from rag.stores.ledger import Prepared

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


def test_a_copy_of_what_was_prepared_keeps_offsets_and_gets_near_vectors(tiny_archive: Path, runs: object) -> None:
    with Archive.open(tiny_archive) as archive:
        (one, *_) = [p for p in bench._recorded(archive._ledger) if p.statements]
    assert bench.prepared_copy(one, 0) is one
    copy = bench.prepared_copy(one, 3)
    assert copy.article == bench.perturbed(one.article, 3) and copy.article.published == "2024-01-02"
    for p, original in zip(copy.passages, one.passages, strict=True):
        assert copy.article.text[p.start : p.end] == p.text and p.id != original.id
        assert p.article_id == copy.article.id and (p.start, p.end, p.sentences) == (
            original.start, original.end, original.sentences
        )  # fmt: skip
        assert p.header == header(copy.article)
    for said in copy.statements:
        assert said.article_id == copy.article.id
        assert said.speaker == "" or all(name in copy.article.text for name in said.speaker.split())
    cosines = (copy.vectors * one.vectors).sum(1)
    assert cosines.min() > 0.8 and cosines.max() < 0.97
    assert [rows.shape for rows in copy.sentence_vectors] == [rows.shape for rows in one.sentence_vectors]


def test_ask_on_a_given_archive(tiny_archive: Path, runs: dict[str, Path]) -> None:
    found = bench.ask(None, tiny_archive, Settings.from_env(), asked=3, cold_runs=1)
    assert found["articles"] == 3 and found["questions"] == 3
    assert found["passages_by_origin"] == {"real": found["passages"], "perturbed": 0}
    assert 0 < found["first_sentence_p50_ms"] <= found["p50_ms"] <= found["p95_ms"]
    assert sum(found["stages_ms"].values()) == pytest.approx(found["p50_ms"])
    assert 0 < found["cold_seconds"] < 60 and len(found["seconds"]["cold"]) == 1
    assert "p50 ms" in bench.table(found)


def test_an_archive_of_copies_is_made_once_and_whole(
    tiny_archive: Path, runs: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "CACHE", tmp_path)
    monkeypatch.setattr(bench, "_RECORDED_TOGETHER", 7)
    monkeypatch.setattr("rag.indexing.embed.OnnxEmbedder.embed_passages", None)  # nothing is embedded
    settings = Settings.from_env()
    folder, perturbed = bench.made_of_copies(tiny_archive, settings, 30)
    with Archive.open(folder) as made, Archive.open(tiny_archive) as real:
        assert made.verify().ok
        assert made.status().passages == real.status().passages + perturbed >= 30
        assert all(made.article(i) == article for i, article in real.articles(real._ledger.article_ids()).items())
        ids = real._ledger.passage_ids()
        assert all((made._ledger.vectors(ids)[i] == v).all() for i, v in real._ledger.vectors(ids).items())
        assert any("Ida" in s or "Brandt" in s for s in made.most_quoted(9))
    monkeypatch.setattr(bench, "prepared_copy", None)  # nothing new would be made of this
    assert bench.made_of_copies(tiny_archive, settings, 30) == (folder, perturbed)


def test_copies_go_on_where_they_were_stopped(
    tiny_archive: Path, runs: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "CACHE", tmp_path)
    monkeypatch.setattr(bench, "_RECORDED_TOGETHER", 1)
    copied = bench.prepared_copy
    left = iter(range(5))

    def stopping(one: Prepared, copy: int) -> Prepared:
        next(left)  # the sixth time it is at its end
        return copied(one, copy)

    monkeypatch.setattr(bench, "prepared_copy", stopping)
    with pytest.raises(StopIteration):
        bench.made_of_copies(tiny_archive, Settings.from_env(), 20)
    monkeypatch.setattr(bench, "prepared_copy", copied)
    folder, _ = bench.made_of_copies(tiny_archive, Settings.from_env(), 20)
    whole, _ = bench.made_of_copies(tiny_archive, Settings.from_env(), 21)
    with Archive.open(folder) as one, Archive.open(whole) as other:
        assert one.verify().ok and set(one._ledger.article_ids()) <= set(other._ledger.article_ids())


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
    assert 0.9 < found["int8_least_cosine_to_fp32"] <= found["int8_mean_cosine"] < 0.9999
    assert found["int8_times_as_fast_as_fp32"] > 0 and set(found["seconds"]) == {"ours", "reference", "int8"}


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
    for command in (["embed", "--archive", str(tmp_path)], ["embed", "--passages", "9"], ["chat", "--passages", "9"]):
        assert main(["bench", *command]) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_workers_are_compared_over_the_same_articles(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "texts", lambda _: bench.Texts("one", (ARTICLE,), ()))
    found = bench_workers.workers(None, Settings.from_env(), [1], most=3, rounds=2)
    assert (found["articles"], found["passages"]) == (3, 4)  # one more is added while the processes start
    assert found["times_as_fast"] == {"1": 1} and len(found["seconds"]["1"]) == 2
    assert "articles per second 1" in bench.table(found)
    assert main(["bench", "embed", "--workers", "1,2"]) == 2
    assert "bench ingest --workers" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["bench", "ingest", "--workers", "1,none"])

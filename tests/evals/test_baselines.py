from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.__main__ import main
from evals.baselines import CHUNK, OVERLAP, choose_by_best, stock_chunks
from evals.systems import NAMES, parse_system
from rag import Archive
from rag.errors import SettingsError

LONG = " ".join(f"Sentence number {n} of a long report on the harbour." for n in range(200))


def read(runs: dict[str, Path], name: str) -> dict[str, Any]:
    return json.loads(runs[name].read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_system_quotes_what_stands_in_the_articles(runs: dict[str, Path], name: str) -> None:
    run = read(runs, name)
    assert run["system"] == name and run["errors"] == 0 and run["asked"] == 6
    assert run["measures"]["VerbatimCitation"]["value"] == run["measures"]["CitationSupport"]["value"] == 1
    assert run["measures"]["R@24"]["value"] == 1  # three articles: all are found
    assert run["archive"]["articles"] == 3
    assert run["data_hash"] == read(runs, "ours")["data_hash"]


@pytest.mark.parametrize("name", ["stock", "bm25", "dense"])
def test_baselines_answer_in_at_most_two_sentences_and_never_abstain(runs: dict[str, Path], name: str) -> None:
    questions = read(runs, name)["questions"]
    found = [q for q in questions if name != "bm25" or q["passages"]]  # words that stand nowhere find nothing
    assert all(1 <= len(q["sentences"]) <= 2 for q in found)
    assert len(found) >= 5


def test_bm25_ranks_by_words_and_dense_by_vectors(runs: dict[str, Path]) -> None:
    bm25 = {q["id"]: q for q in read(runs, "bm25")["questions"]}
    assert bm25["cost"]["gold_ranks"][0] == bm25["price"]["gold_ranks"][0] == 1
    assert "twice a day" in bm25["ferry"]["sentences"][0]["text"]
    dense = {q["id"]: q for q in read(runs, "dense")["questions"]}
    assert all(q["confidence"] <= 1 for q in dense.values())
    assert "twice a day" in dense["ferry"]["sentences"][0]["text"]


def test_stock_answers_with_the_beginning_of_its_best_chunk(runs: dict[str, Path]) -> None:
    for q in read(runs, "stock")["questions"]:
        assert q["passages"][0]["text"].startswith(q["sentences"][0]["text"])


def test_stock_chunks_are_langchains_and_know_their_place() -> None:
    chunks = stock_chunks([("a", LONG)])
    assert len(chunks) > 5
    ends = 0
    for chunk in chunks:
        start = chunk.metadata["start_index"]
        assert LONG[start : start + len(chunk.page_content)] == chunk.page_content
        assert len(chunk.page_content) <= CHUNK and 0 <= ends - start <= OVERLAP
        ends = start + len(chunk.page_content)


def test_a_second_run_adds_nothing_and_answers_alike(
    runs: dict[str, Path], tiny: Path, tiny_archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "newsroom", "--data", str(tiny), "--archive", str(tiny_archive), "--system", "stock", "--json"]
    assert main(command) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["archive"]["added"] == 0
    said = [[s["text"] for s in q["sentences"]] for q in again["questions"]]
    assert said == [[s["text"] for s in q["sentences"]] for q in read(runs, "stock")["questions"]]


def test_systems_parse() -> None:
    assert parse_system("bm25") == ("bm25", "")
    assert parse_system("ours+ollama:qwen3:4b") == ("ours", "ollama:qwen3:4b")
    assert parse_system("unguarded+openai:x") == ("unguarded", "openai:x")
    for bad in ("", "our", "stock+openai:x", "ours+", "unguarded", "unguarded+"):
        with pytest.raises(SettingsError, match="stock, bm25, dense"):
            parse_system(bad)


@pytest.mark.parametrize("more", [["--system", "best"], ["--system", "bm25", "--model", "openai:x"]])
def test_unknown_systems_end_with_one_line(
    tiny: Path, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "newsroom", "--data", str(tiny), "--archive", str(tmp_path / "a"), *more]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.splitlines()[-1].startswith("error: ")
    with pytest.raises(Exception, match="no archive"):
        Archive.open(tmp_path / "a")


def test_a_baseline_chooses_what_stands_in_the_best_text() -> None:
    found = [(0.9, "a", "The bridge opens in May."), (0.5, "a", "The ferry sails in June."), (0.5, "b", "It is June.")]
    assert choose_by_best(("June", "May"), found) == 1
    assert choose_by_best(("June", "Ma"), found) == 0  # whole words only
    assert choose_by_best(("July", "August"), found) == 0
    assert choose_by_best(("July", "June"), [(0.5, "a", "June"), (0.5, "b", "June, 1.")]) == 1

"""The commands as a user types them, each in its own process; their output and exit status are the contract."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAVROV = "What did Lavrov say about BRICS expansion?"


def run(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RAG_") or k == "RAG_CACHE"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=cwd, env={**kept, **environ}
    )


def test_ask_answers_with_the_documented_json(seed_archive: Path) -> None:
    done = run("-m", "rag", "ask", LAVROV, "--json", "--archive", str(seed_archive))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= {
        "question", "status", "answer", "sentences", "citations", "coverage", "notes", "timing_ms", "nearest",
    }  # fmt: skip
    assert answer["status"] == "answered" and answer["question"] == LAVROV
    assert set(answer["sentences"][0]) == {"text", "speaker", "citations"}
    cited = answer["citations"][0]
    assert set(cited) >= {"n", "article", "title", "outlet", "published", "url", "start", "end", "quote"}
    assert cited["outlet"] == "Xinhua" and cited["published"].startswith("2024-06-11T10:44")
    assert answer["sentences"][0]["citations"] == [1] and isinstance(answer["timing_ms"], float)


def test_ask_tells_by_its_exit_status(seed_archive: Path) -> None:
    archive = ("--archive", str(seed_archive))
    nothing = run("-m", "rag", "ask", "What did Macron say about BRICS?", "--json", *archive)
    assert nothing.returncode == 1
    told = json.loads(nothing.stdout)
    assert told["status"] == "not_in_archive" and told["sentences"] == [] and told["nearest"]
    plain = run("-m", "rag", "ask", "What did Macron say about BRICS?", *archive)
    assert plain.returncode == 1 and "The archive does not answer this" in plain.stdout
    for wrong in (
        ["ask", "", *archive],
        ["ask", "x", "--since", "June", *archive],
        ["search", "x", "-k", "0", *archive],
    ):
        done = run("-m", "rag", *wrong)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_check_tells_by_its_exit_status(seed_archive: Path) -> None:
    archive = ("--archive", str(seed_archive))
    for claim, verdict in (
        ("Russia holds the BRICS chair in 2024", "supported"),
        ("Brazil holds the BRICS chair in 2024", "contrary"),
        ("Russia holds the BRICS chair in 2022", "not_in_archive"),
    ):
        done = run("-m", "rag", "check", claim, "--json", *archive)
        found = json.loads(done.stdout)
        assert found["claim"] == claim and found["verdict"] == verdict, done.stdout
        assert done.returncode == (verdict == "not_in_archive")
        assert bool(found["citations"]) == (verdict != "not_in_archive") == (not found["nearest"])
    plain = run("-m", "rag", "check", "Brazil holds the BRICS chair", *archive)
    assert plain.returncode == 0 and plain.stdout.startswith("Contrary: ") and "\nagainst: Wang" in plain.stdout
    in_words_of = ["-m", "rag", "check", "Russia holds the BRICS chair in 2024", *archive, "--speaker"]
    assert run(*in_words_of, "Wang").returncode == 0 and run(*in_words_of, "Lavrov").returncode == 1
    assert run(*in_words_of[:-1], "--language", "en").returncode == 0
    for wrong in (
        ["check", "", *archive],
        ["check", "x", "--since", "June", *archive],
        ["check", "x", "--speaker", "Macron", *archive],
        ["check", "x", "--language", "fr", *archive],
    ):
        done = run("-m", "rag", *wrong)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_search_status_verify_rebuild(seed_archive: Path, tmp_path: Path) -> None:
    archive = ("--archive", str(tmp_path / "a"))
    assert run("ingest.py", *archive).returncode == 0
    hits = json.loads(run("-m", "rag", "search", "BRICS", "--json", *archive).stdout)
    assert hits and {"text", "start", "end", "score"} <= set(hits[0])
    status = json.loads(run("-m", "rag", "status", "--json", *archive).stdout)
    assert status["articles"] == 1 and status["passages"] == len(hits)
    assert status["days"] == {"2024-06-11": {"Xinhua": 1}}
    drawn = run("-m", "rag", "status", "--picture", str(tmp_path / "coverage.svg"), *archive)
    assert drawn.returncode == 0 and "2024-06-11         1  Xinhua 1" in drawn.stdout
    assert "Xinhua (1)" in (tmp_path / "coverage.svg").read_text()
    wrong = run("-m", "rag", "status", "--picture", str(tmp_path / "coverage.gif"), *archive)
    assert wrong.returncode == 2 and ".svg or .png" in wrong.stderr
    assert run("-m", "rag", "verify", *archive).returncode == 0
    assert run("-m", "rag", "rebuild", *archive).returncode == 0
    assert run("-m", "rag", "verify", *archive).returncode == 0
    next((tmp_path / "a").glob("store-*/words/meta.json")).write_text("{")
    broken = run("-m", "rag", "verify", *archive)
    assert broken.returncode == 1 and "rebuild" in broken.stdout


def test_ingest_reports_each_source(tmp_path: Path) -> None:
    (tmp_path / "news.jsonl").write_text(
        '{"title": "Harbour", "text": "The harbour closes in May.", "url": "https://example.org/1", "date": "2024-05-01"}\n'
        "this is no JSON\n"
        '{"title": "Empty", "text": ""}\n'
        '{"headline": "Bridge", "body": "The bridge opens in June.", "link": "https://example.org/2"}\n'
    )
    (tmp_path / "table.csv").write_text("id,story\n1,The tunnel was dug by hand in 1902.\n")
    archive = ("--archive", str(tmp_path / "a"), "--json")
    first = run("ingest.py", str(tmp_path / "news.jsonl"), str(tmp_path / "missing.txt"), *archive)
    assert first.returncode == 1, "a named source could not be read"
    news, missing = json.loads(first.stdout)["sources"]
    assert (news["added"], len(news["skipped"])) == (2, 2) and missing["failed"]
    again = run("ingest.py", str(tmp_path / "news.jsonl"), *archive)
    assert again.returncode == 0 and json.loads(again.stdout)["sources"][0]["unchanged"] == 2
    table = run("ingest.py", str(tmp_path / "table.csv"), "--field", "text=story", *archive)
    assert table.returncode == 0 and json.loads(table.stdout)["sources"][0]["added"] == 1
    for wrong in ("story", "text="):
        done = run("ingest.py", str(tmp_path / "table.csv"), "--field", wrong, *archive)
        assert done.returncode == 2 and "--field" in done.stderr
    held = json.loads(run("-m", "rag", "status", *archive).stdout)["ingests"]
    assert [(one["source"].rpartition("/")[2], one["skipped"], len(one["items"])) for one in held] == [
        ("table.csv", 0, 0), ("news.jsonl", 2, 2), ("missing.txt", 0, 0),
    ]  # fmt: skip
    shown = run("-m", "rag", "status", *archive[:2]).stdout
    assert "news.jsonl: 2 unchanged, 2 skipped" in shown and "failed: " in shown and "news.jsonl#line 2: " in shown
    plain = run("ingest.py", str(tmp_path / "news.jsonl"), *archive[:2])
    assert "2 unchanged" in plain.stdout and "skipped" in plain.stdout


def test_remove_takes_articles_out_by_url_and_by_id(tmp_path: Path) -> None:
    rows = [{"title": f"T{n}", "text": f"The bridge {n} opens.", "url": f"https://example.org/{n}"} for n in range(3)]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    archive = ("--archive", str(tmp_path / "a"))
    missing = run("-m", "rag", "remove", "https://example.org/0", *archive)
    assert missing.returncode == 2 and "no archive" in missing.stderr and not (tmp_path / "a").exists()
    assert run("ingest.py", str(tmp_path / "news.jsonl"), *archive).returncode == 0
    hits = json.loads(run("-m", "rag", "search", "bridge", "--json", *archive).stdout)
    (by_id,) = {hit["article"] for hit in hits if hit["url"].endswith("/2")}
    done = run("-m", "rag", "remove", "http://EXAMPLE.org/0/?utm_source=x", by_id, "--json", *archive)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and len(told["removed"]) == 2 and told["missing"] == []
    again = run("-m", "rag", "remove", "https://example.org/0", "https://example.org/1", *archive)
    assert again.returncode == 1 and "removed 1 articles" in again.stdout and "not in the archive" in again.stdout
    assert run("-m", "rag", "verify", *archive).returncode == 0


def test_defaults_come_from_the_environment(tmp_path: Path) -> None:
    assert run("ingest.py", RAG_ARCHIVE=str(tmp_path / "b")).returncode == 0
    assert run("-m", "rag", "status", RAG_ARCHIVE=str(tmp_path / "b")).returncode == 0
    done = run("-m", "rag", "status", RAG_ARCHIVE=str(tmp_path / "b"), RAG_PASSAGE_TOKENS="many")
    assert done.returncode == 2 and "RAG_PASSAGE_TOKENS" in done.stderr


def test_languages_and_speakers_narrow_ask_and_search(seed_archive: Path) -> None:
    where = ("--json", "--archive", str(seed_archive))
    done = run("-m", "rag", "ask", "What about BRICS expansion?", "--language", "en", "--speaker", "Lavrov", *where)
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and {c["speaker"] for c in answer["citations"]} == {"Sergei Lavrov"}
    every, theirs = (
        json.loads(run("-m", "rag", "search", "BRICS", *more, *where).stdout) for more in ((), ("--speaker", "Lavrov"))
    )
    assert 0 < len(theirs) < len(every)
    for wrong, cure in (("--language", "it has: en"), ("--speaker", "quotes nobody named")):
        done = run("-m", "rag", "search", "BRICS", wrong, "tlh", *where)
        assert done.returncode == 2 and cure in done.stderr


def imported(*arguments: str) -> set[str]:
    """The modules that a command has loaded by its end."""
    code = (
        "import runpy, sys, atexit\n"
        "atexit.register(lambda: print('\\n' + ' '.join(sys.modules), file=sys.stderr))\n"
        f"sys.argv = ['rag', *{list(arguments)!r}]\n"
        "runpy.run_module('rag', run_name='__main__')\n"
    )
    return set(run("-c", code).stderr.splitlines()[-1].split())


def test_the_common_path_imports_little(seed_archive: Path) -> None:
    assert not {"chromadb", "numpy", "rag.archive"} & imported("--help")
    asked = imported("ask", LAVROV, "--archive", str(seed_archive))
    assert "rag.archive" in asked
    assert not {"torch", "sentence_transformers", "transformers", "langchain", "langchain_core", "gradio"} & asked


@pytest.mark.parametrize("command", [("ingest.py",), ("-m", "rag"), ("-m", "evals")])
def test_help_names_every_flag(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0 and "usage:" in done.stdout

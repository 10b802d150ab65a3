"""What ingest.py shows while it reads and afterwards; the rest of it is in test_cli.py."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

import ingest
from rag import Archive, Article
from rag.indexing.identity import article_id, canonical_url

ROOT = Path(__file__).parent.parent


def test_progress_shows_a_path_as_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes rich draw as on a terminal
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with ingest.Live() as show:
        for source in ("news[/old].txt", "[bold]red[/bold]", "[link"):
            show(source, 1_234, 5)
    shown = capsys.readouterr().err
    for expected in ("news[/old].txt", "[bold]red[/bold]", "[link", "1,234 articles", "5 passages"):
        assert expected in shown


def test_progress_tells_rate_and_what_is_left_where_the_source_tells_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    news = tmp_path / "news.jsonl"
    news.write_text('{"text": "a"}\n' * 100)
    times = iter(range(0, 1000, 10))
    monkeypatch.setattr("ingest.time.perf_counter", lambda: float(next(times)))
    live = ingest.Live()
    with live as show:
        show(str(news), 10, 50)
        reading, indexing = live._bar.tasks
        assert (reading.completed, reading.total, indexing.completed, indexing.total) == (10, 100, 50, 500)
        assert reading.fields["told"] == "10 articles, 1.0/s, 0:01:30 left"
        assert indexing.fields["told"] == "50 passages, 5.0/s, 0:01:30 left"
        show(str(news), 40, 240)
        assert (reading.completed, indexing.total) == (40, 600)
        assert indexing.fields["told"] == "240 passages, 12.0/s, 0:00:30 left"
        show(str(news), 100, 610)
        assert reading.finished and indexing.finished
        show("https://paper.example/rss", 3, 9)
        third, fourth = live._bar.tasks[2:]
        assert (third.completed, third.total, fourth.completed, fourth.total) == (3, None, 9, None)
        assert third.fields["told"] == "3 articles, 0.3/s"


def test_a_terminal_that_knows_ascii_only_and_names_that_are_no_utf8(tmp_path: Path) -> None:
    news = tmp_path / "Zürich"
    news.mkdir()
    (news / os.fsdecode(b"caf\xe9.txt")).write_text("Harbour\n\nThe harbour closes in May.")
    (news / os.fsdecode(b"caf\xe8.jsonl")).write_text(
        '{"title": "Straße", "text": "It is dug up."}\n{"Überschrift": 1}'
    )
    command = [sys.executable, "ingest.py", str(news), "--archive", str(tmp_path / "archive")]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    plain = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environ)
    assert plain.returncode == 0, plain.stderr
    assert "2 added, 1 skipped" in plain.stdout and "skipped" in plain.stdout and "?berschrift" in plain.stdout
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, cwd=ROOT, env=environ)
    (report,) = json.loads(done.stdout)["sources"]
    assert report["source"] == str(news) and report["unchanged"] == 2


def told(*arguments: str) -> tuple[list[dict[str, Any]], subprocess.CompletedProcess[str]]:
    command = [sys.executable, "ingest.py", *arguments, "--events"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def test_events_are_a_line_each_and_end_with_the_report(tmp_path: Path) -> None:
    rows = [{"title": f"T{n}", "text": f"The bridge {n} opens.", "url": f"https://example.org/{n}"} for n in range(3)]
    news = tmp_path / "news.jsonl"
    news.write_text("".join(json.dumps(row) + "\n" for row in rows) + "no JSON\n")
    where = ("--archive", str(tmp_path / "a"))
    events, done = told(str(news), str(tmp_path / "missing.txt"), *where)
    assert done.returncode == 1 and not done.stderr
    assert [e["event"] for e in events] == ["begun", "progress", "source", "source", "report"]
    begun, step, first, second, report = events
    assert begun["sources"] == [str(news), str(tmp_path / "missing.txt")]
    assert (step["source"], step["read"], step["indexed"]) == (str(news), 3, 3)
    assert first["added"] == 3 and "line 4" in first["skipped"][0]["source"] and second["failed"]
    assert [{k: v for k, v in e.items() if k not in ("event", "seconds")} for e in (first, second)] == report["sources"]
    assert [e["seconds"] for e in events[:-1]] == sorted(e["seconds"] for e in events[:-1])
    summary = subprocess.run(
        [sys.executable, "ingest.py", str(news), *where, "--json"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(json.loads(summary.stdout)) == set(report) - {"event"}, "the last line is what --json prints"


def interrupted(process: subprocess.Popen[str]) -> tuple[float, str]:
    """Seconds from Ctrl-C to the end of a run, and what it said in that time."""
    assert process.stderr
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.wait()
    return time.monotonic() - begun, said


def test_ctrl_c_amid_the_imports(tmp_path: Path) -> None:
    begin = "import sys, ingest; print('begun', file=sys.stderr, flush=True); sys.exit(ingest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", begin, "--archive", str(tmp_path / "archive")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr and process.stderr.readline() == "begun\n"
        time.sleep(0.3)
        seconds, said = interrupted(process)
    assert process.returncode == 130 and seconds < 3
    assert said == "ingest: stopped; nothing was changed yet, and the next run goes on from there\n"


CHEAP = """
import sys, ingest, rag.archive
from langchain_core.embeddings import DeterministicFakeEmbedding
from rag.indexing.embed import LangChainEmbedder
rag.archive.open_embedder = lambda *_: LangChainEmbedder(DeterministicFakeEmbedding(size=8))
sys.exit(ingest.main(sys.argv[1:]))
"""


def test_ctrl_c_ends_it_at_once_and_loses_nothing(tmp_path: Path) -> None:
    news, archive = tmp_path / "news.jsonl", tmp_path / "archive"
    rows = [{"title": f"T{n}", "text": f"Report {n} is here.", "url": f"https://x.example/{n}"} for n in range(20_000)]
    news.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-c", CHEAP, str(news), "--archive", str(archive)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr and "passages indexed" in process.stderr.readline()
        seconds, said = interrupted(process)
    assert process.returncode == 130
    assert seconds < 3, "2 s, and one for a machine that does other things, too"
    (line,) = [line for line in said.splitlines() if "passages indexed" not in line]
    told = re.fullmatch(
        r"ingest: stopped; the archive keeps ([\d,]+) articles, ([\d,]+) passages of them indexed, "
        r"and the next run goes on from there",
        line,
    )
    assert told, line
    articles, passages = (int(count.replace(",", "")) for count in told.groups())
    assert 512 <= passages <= articles < 20_000
    embeddings = DeterministicFakeEmbedding(size=8)
    with Archive.create(archive, embeddings=embeddings) as opened:
        assert opened.status().articles == articles
        held = opened.known([article_id(canonical_url(row["url"])) for row in rows])
        assert held == [article_id(canonical_url(row["url"])) for row in rows[:articles]], "in order, with no gap"
        assert opened.verify().ok
        missing = [Article(article_id(str(n)), f"T{n}", f"More {n}.") for n in range(3)]
        assert opened.add(missing).added == 3


def test_ctrl_c_in_a_native_call_ends_it_too(tmp_path: Path) -> None:
    busy = """
import hashlib, sys, ingest
from rag.archive import Archive
def stuck(*_, **__):
    print("begun", file=sys.stderr, flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # minutes, in which Python hears of no signal
Archive.ingest = stuck
sys.exit(ingest.main(["--archive", sys.argv[1]]))
"""
    command = [sys.executable, "-c", busy, str(tmp_path / "a")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr and process.stderr.readline() == "begun\n"
        seconds, said = interrupted(process)
    assert process.returncode == 130 and seconds < 3
    assert (
        said
        == "ingest: stopped; the archive keeps 0 articles, 0 passages of them indexed, and the next run goes on from there\n"
    )


def test_events_tell_an_error_and_outlive_their_reader(tmp_path: Path) -> None:
    events, done = told("x.txt", "--field", "text", "--archive", str(tmp_path / "a"))
    assert done.returncode == 2 and [e["event"] for e in events] == ["error"]
    assert events[0]["error"] in done.stderr and "--field" in done.stderr
    command = [sys.executable, "ingest.py", "--events", "--archive", str(tmp_path / "b")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    again, _ = told("--archive", str(tmp_path / "b"))
    assert again[-1]["articles"] == 1 and again[-1]["sources"][0]["unchanged"] == 1
    both = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert both.returncode == 2 and "not allowed with" in both.stderr

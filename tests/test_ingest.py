"""What ingest.py shows while it reads and afterwards; the rest of it is in test_cli.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ingest

ROOT = Path(__file__).parent.parent


def test_progress_shows_a_path_as_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes rich draw as on a terminal
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with ingest.Live() as show:
        for source in ("news[/old].txt", "[bold]red[/bold]", "[link"):
            show(source, 1_234, 5)
    shown = capsys.readouterr().err
    for expected in ("news[/old].txt", "[bold]red[/bold]", "[link", "1,234 articles, 5 passages"):
        assert expected in shown


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

"""What readers said can be asked again: kept on the page, exported, read by bring-your-own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.__main__ import main
from rag import Archive
from rag.stores.feedback import Feedback

LAVROV = "What did Lavrov say about BRICS expansion?"
CHESS = "Who won the chess olympiad?"


def test_verdicts_become_questions_that_can_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "archive", tmp_path / "said.jsonl"
    with Archive.create(path) as archive:
        archive.ingest([str(Path(__file__).parents[2] / "seeds")])
        answers = {q: archive.ask(q) for q in (LAVROV, CHESS, "Where will the BRICS summit take place?")}
    kept = Feedback(path)
    kept.keep("a", answers[LAVROV], good=False, reason="wrong")
    kept.keep("a", answers[LAVROV], good=True)  # a second word on an answer replaces the first
    kept.keep("b", answers[CHESS], good=True)
    kept.keep("c", answers["Where will the BRICS summit take place?"], good=False, reason="other", expected="Kazan")
    kept.keep("d", answers[LAVROV], good=False, reason="out of date")
    assert main(["feedback", "--archive", str(path), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"verdicts": 4, "good": 2, "questions": 3, "reasons": {"other": 1, "out of date": 1}}
    lines = {line["id"]: line for line in map(json.loads, out.read_text().splitlines())}
    assert lines["b"]["answerable"] is False and lines["c"]["answers"] == ["Kazan"] and lines["a"]["answers"]

    assert main(["check", str(out), "--archive", str(path)]) == 0
    capsys.readouterr()
    assert main(["run", "bring-your-own", "--data", str(out), "--archive", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measures"]["Refused@unanswerable"]["value"] == 1


def test_no_verdicts_are_told_with_their_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback", "--archive", str(tmp_path)]) == 2
    assert "press Good or Bad" in capsys.readouterr().err

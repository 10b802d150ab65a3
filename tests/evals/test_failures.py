"""Every question of a run is in exactly one class, and the classes say what the run says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals import failures, runfile
from evals.__main__ import main


def question(**changed: Any) -> dict[str, Any]:
    told = {"id": "q", "error": "", "answerable": True, "trap": "date", "gold_ranks": [1], "status": "answered"}
    return {**told, "scores": {"Right": 0.0, "Contains": 0.0}, **changed}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"scores": {"Right": 1.0, "Contains": 1.0}}, "right"),
        ({"answerable": False, "status": "not_in_archive", "scores": {"Right": 1.0, "Contains": None}}, "right"),
        ({"error": "ValueError: no"}, "failed"),
        ({"answerable": False}, "answered though unanswerable"),
        ({"answerable": False, "trap": ""}, "not in the archive"),
        ({"answerable": False, "trap": "", "scores": {"Right": 0.0, "Contains": 1.0}}, "right"),
        ({"gold_ranks": []}, "not found"),
        ({"status": "not_in_archive"}, "found, refused"),
        ({}, "found, not quoted"),
        ({"scores": {"Right": 0.0, "Contains": 1.0}}, "quoted, and more"),
    ],
)
def test_the_class_of_a_question(changed: dict[str, Any], expected: str) -> None:
    assert failures.class_of(question(**changed)) == expected
    assert expected in dict(failures.CLASSES)


def test_each_question_is_counted_once(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = runs["ours"]
    run = runfile.read(path, questions=True)
    assert sorted(i for _, _, ids in failures.shares(run) for i in ids) == sorted(q["id"] for q in run["questions"])
    assert main(["failures", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(each["questions"] for each in told.values()) == run["asked"]
    assert main(["failures", str(path)]) == 0
    assert f"{run['asked']:,} questions" in capsys.readouterr().out


def test_a_run_without_questions_names_the_cure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["failures", str(runfile.RESULTS / "newsroom.ours.json")]) == 2
    assert "give the run it was kept from" in capsys.readouterr().err

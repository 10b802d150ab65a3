from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.__main__ import main
from evals.datasets import Choice, load, own
from evals.records import Question
from rag.errors import ArchiveMissing, SourceError
from rag.records import Skipped

GOOD = {"question": "When will it open?", "answers": ["May 3"]}


def lines(path: Path, *each: Any) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in each))
    return path


def test_the_template_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(own.TEMPLATE)]) == 0
    assert capsys.readouterr().out == "3 questions can be asked\n"


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"answers": ["x"]}, "no question"),
        ({"question": "  ", "answers": ["x"]}, "no question"),
        ({"question": "?"}, "no answers"),
        ({"question": "?", "answers": []}, "no answers"),
        ({"question": "?", "answers": "x"}, "answers is no list"),
        ({"question": "?", "answers": ["x", 3]}, "answers is no list"),
        ({"question": "?", "answers": ["x"], "evidence_urls": "u"}, "evidence_urls is no list"),
        ({"question": "?", "answers": ["x"], "now": "yesterday"}, "now is 'yesterday'"),
        ({"question": "?", "answers": ["x"], "now": 3}, "now is 3"),
        ({"question": "?", "answers": ["x"], "answerable": "no"}, "answerable is 'no'"),
        ({"question": "?", "answers": ["x"], "answerable": False}, "not answerable"),
        ({"question": "?", "answer": ["x"], "answers": ["x"]}, "no field 'answer'"),
        ("{broken", "broken line"),
        ("[1]", "no JSON object"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, bad: Any, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = lines(tmp_path / "mine.jsonl", GOOD, "", bad, GOOD)
    assert main(["check", str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert len(found["wrong"]) == 1 and found["wrong"][0].startswith("mine.jsonl:3: ") and told in found["wrong"][0]
    assert found["questions"] == 2


def test_ids_are_used_once(tmp_path: Path) -> None:
    path = lines(tmp_path / "mine.jsonl", GOOD | {"id": "a"}, GOOD | {"id": "a"})
    kinds = [type(each) for each in own.questions(path, None)]
    assert kinds == [Question, Skipped]


def test_questions_over_an_archive_that_is_only_read(
    runs: dict[str, Path], tiny_archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lines(
        tmp_path / "mine.jsonl",
        GOOD
        | {
            "question": "When will the bridge open?",
            "evidence_urls": ["https://news.example/bridge"],
            "now": "2024-04-02",
        },
        {"question": "Who drew the airport?", "answerable": False},
        {"question": "Who built the bridge?", "answers": ["Thomas Rask"]},
        {"question": "Who?", "answers": ["x"], "evidence_urls": ["https://news.example/gone"]},
    )
    assert main(["check", str(path), "--archive", str(tiny_archive)]) == 1
    told = capsys.readouterr().out
    assert "mine.jsonl:4: the archive has no article https://news.example/gone" in told
    assert "note: line-3: no answer stands in the archive" in told

    before = {p: p.read_bytes() for p in tiny_archive.rglob("ledger.sqlite3")}
    command = ["run", "bring-your-own", "--data", str(path), "--archive", str(tiny_archive), "--json"]
    for system in ("ours", "bm25"):
        assert main([*command, "--system", system]) == 0
        run = json.loads(capsys.readouterr().out)
        assert run["asked"] == 3 and run["errors"] == 0 and run["archive"]["added"] == 0
        assert sum(run["excluded"].values()) == 1 and "mine.jsonl:4" in run["excluded_names"][0]
        assert run["measures"]["R@5"]["n"] == 2 and run["measures"]["Refused@unanswerable"]["n"] == 1
        assert run["questions"][0]["now"] == "2024-04-02T00:00:00+00:00"
    assert before and before == {p: p.read_bytes() for p in before}


def test_what_is_missing_is_named(tmp_path: Path, tiny_archive: Path, runs: dict[str, Path]) -> None:
    path = lines(tmp_path / "mine.jsonl", "{}")
    for given, archive, told in (
        (None, tiny_archive, "--data FILE"),
        (tmp_path, tiny_archive, "--data FILE"),
        (path, None, "--archive DIR"),
        (path, tiny_archive, "no question that can be asked"),
    ):
        with pytest.raises(SourceError, match=told):
            load(own.NAME, given, Choice(), archive)
    with pytest.raises(ArchiveMissing):
        load(own.NAME, path, Choice(), tmp_path / "none")
    with pytest.raises(SourceError, match="there is no file"):
        own.check(tmp_path / "none.jsonl", None)

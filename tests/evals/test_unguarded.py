"""The ablation: the same text of a model with and without the check, side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import runfile
from evals.__main__ import main
from evals.table import table
from rag.records import NOT_IN_ARCHIVE, Guard
from tests.model_server import ModelServer

TRUE = "The market will have 40 stalls"
FALSE = "The fish market will cost 51 million crowns"
SWAPPED = "Tom Rask said the bridge would open on May 3"


@pytest.fixture
def both(tiny: Path, tiny_archive: Path, tmp_path: Path, model: ModelServer) -> dict[str, Path]:
    """Runs over six questions of a model that always says the same."""
    model.say(f"{TRUE} [1]. {FALSE} [1][77]. {SWAPPED}.")
    made: dict[str, Path] = {}
    for name in ("ours", "unguarded"):
        made[name] = tmp_path / f"{name}.json"
        command = ["run", "newsroom", "--data", str(tiny), "--archive", str(tiny_archive), "--system", name]
        assert main([*command, "--model", "openai:test", "--out", str(made[name])]) == 0
    return made


def test_without_the_check_everything_stands_as_written(both: dict[str, Path]) -> None:
    run = runfile.read(both["unguarded"])
    for question in run["questions"]:
        if question["status"] == "not_in_archive":  # no model was asked
            assert question["guard"] is None and question["sentences"] == []
            continue
        assert [s["text"] for s in question["sentences"]] == [f"{TRUE}.", f"{FALSE}.", f"{SWAPPED}."]
        assert [s["citations"] for s in question["sentences"]] == [[1], [1], []]
        assert question["citations"][0]["quote"], "a passage that was given"
        assert Guard(**question["guard"]) == Guard(written=3, kept=3, unknown=1)


def test_with_it_nothing_false_is_told_and_all_is_counted(both: dict[str, Path]) -> None:
    run, off = runfile.read(both["ours"]), runfile.read(both["unguarded"])
    asked = [q for q in run["questions"] if q["guard"]]
    said = " ".join(s["text"] for q in run["questions"] for s in q["sentences"])
    assert asked and FALSE not in said and SWAPPED not in said
    counts = run["counts"]
    assert counts["model_sentences_written"] == off["counts"]["model_sentences_written"] == 3 * len(asked)
    for field in ("unsupported", "misattributed", "misquoted", "replaced", "left_out", "kept"):
        assert counts[f"model_sentences_{field}"] == sum(q["guard"][field] for q in asked)


def test_both_stand_side_by_side(
    both: dict[str, Path], runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(both["unguarded"]), str(both["ours"]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    off, on = found["counts"]["model_sentences_kept"]
    assert off == found["counts"]["model_sentences_written"][1] > on
    assert main(["compare", str(both["unguarded"]), str(both["ours"])]) == 0
    printed = capsys.readouterr().out
    assert any(line.split() == ["model", "sentences", "kept", str(off), str(on)] for line in printed.splitlines())
    assert main(["compare", str(runs["stock"]), str(both["ours"])]) == 0, "no model wrote for one of them"
    assert main(["report", *map(str, both.values()), "--out", str(tmp_path / "report.html")]) == 0
    assert "<td>model sentences misattributed</td>" in (tmp_path / "report.html").read_text()
    head = table([runfile.read(path) for path in (both["unguarded"], runs["ours"], both["ours"])]).splitlines()[0]
    assert head == "| measure | ours | ours+openai:test | unguarded+openai:test |"


def test_only_questions_for_somebodys_words(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "newsroom", "--data", str(tiny), "--who-said-what"]) == 2
    assert "asks for somebody's words" in capsys.readouterr().err


def test_the_refusal_that_a_model_is_told_to_give_is_one(
    tiny: Path, tiny_archive: Path, tmp_path: Path, model: ModelServer
) -> None:
    model.say(NOT_IN_ARCHIVE)
    command = [
        "run",
        "newsroom",
        "--data",
        str(tiny),
        "--archive",
        str(tiny_archive),
        "--out",
        str(tmp_path / "x.json"),
    ]
    assert main([*command, "--system", "unguarded+openai:test"]) == 0
    assert {q["status"] for q in runfile.read(tmp_path / "x.json")["questions"]} == {"not_in_archive"}

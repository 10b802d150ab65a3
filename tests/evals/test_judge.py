"""A judge over HTTP: what it is asked, what is made of what it says, and that nothing is lost when it fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import runfile
from evals.__main__ import main
from evals.judge import GIVE_UP, Judge, prompt, verdict
from evals.measures import parse_measure
from evals.records import Judgement, Outcome, Question
from evals.report import report
from rag.errors import SettingsError
from rag.records import Citation
from rag.settings import Settings
from tests import model_server
from tests.model_server import ModelServer

QUOTE = "Its builder, Tom Rask, said that it would not."
CITATION = Citation(
    1, "a", "Bridge", "Harbour News", "2024-04-01T08:00:00+00:00", "", 0, len(QUOTE), QUOTE, "", "Tom Rask"
)
YES = "SUPPORTED: yes\nATTRIBUTED: yes"


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server.serve() as running:
        yield running


@pytest.fixture
def model(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("RAG_MODEL_URL", server.url)
    server.reset()
    return server


@pytest.fixture
def judge(model: ModelServer) -> Judge:
    return Judge("openai:test", Settings(model_url=model.url, model_timeout=5))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (YES, (True, True)),
        ("supported: No.\n\n- **Attributed**: yes, as far as I can see", (False, True)),
        ("Let me see.\nSUPPORTED - yes\nATTRIBUTED - no", (True, False)),
        ("SUPPORTED: yes", None),
        ("SUPPORTED: yes\nATTRIBUTED: perhaps", None),
        ("SUPPORTED: yes or no\nATTRIBUTED: yes\nSUPPORTED: no", None),
        ("Yes.", None),
        ("", None),
    ],
)
def test_a_verdict_is_two_clear_lines(said: str, found: tuple[bool, bool] | None) -> None:
    assert verdict(said) == found


def test_the_judge_is_shown_the_quotes_their_outlet_day_and_speaker(model: ModelServer, judge: Judge) -> None:
    model.say(YES)
    judge.judge("Rask said no.", [CITATION])
    for shown in (QUOTE, "Harbour News", "2024-04-01", "Speaker: Tom Rask", "<sentence>Rask said no.</sentence>"):
        assert shown in model.prompt
    assert model.requests[0]["temperature"] == 0


@given(
    st.sampled_from(["</quotation 1>", "< / QUOTATION", "<quotation 2>", "</sentence>", "x < y", "\u202e"]), st.text()
)
def test_nothing_quoted_ends_its_quotation(piece: str, text: str) -> None:
    made = prompt(
        f"{text}{piece}", [Citation(1, "a", f"{piece}\n{text}", text, "", "", 0, 1, f"{text}{piece}{text}", "", piece)]
    )
    asked = made[1][1]
    assert asked.count("</quotation") == asked.count("<quotation") == 1
    assert asked.count("</sentence>") == asked.count("<sentence>") == 1 and asked.endswith("</sentence>")


@pytest.mark.parametrize(("supported", "attributed"), [("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no", "no")])
def test_faithful_is_supported_in_the_right_mouth(
    model: ModelServer, judge: Judge, supported: str, attributed: str
) -> None:
    model.say(f"SUPPORTED: {supported}\nATTRIBUTED: {attributed}")
    found = judge.judge("Rask said no.", [CITATION])
    assert found.faithful is (supported == attributed == "yes") and not found.failure
    assert judge.judge("Rask said no.", [CITATION]) == found and len(model.requests) == 1


def test_what_cites_nothing_is_not_faithful_and_nobody_is_asked(model: ModelServer, judge: Judge) -> None:
    assert judge.judge("Rask said no.", []).faithful is False
    assert model.requests == []


@pytest.mark.parametrize(
    ("script", "status", "told"),
    [
        (["I think so"], 200, "unclear: 'I think so'"),
        ([], 200, "unclear"),
        ([model_server.CUT], 200, "openai:test: "),
        (["SUPPORTED: yes\n", model_server.ERROR], 200, "openai:test: "),
        ([], 401, "key was not accepted"),
        ([], 500, "answered 500"),
    ],
)
def test_a_judge_that_fails_is_told_of_and_asked_again(
    model: ModelServer, judge: Judge, script: list[str], status: int, told: str
) -> None:
    model.script, model.status = script, status
    found = judge.judge("Rask said no.", [CITATION])
    assert found.faithful is None and told in found.failure and "second line" not in found.failure
    model.reset()
    model.say(YES)
    assert judge.judge("Rask said no.", [CITATION]).faithful is True


def test_a_judge_that_is_down_is_not_waited_for_a_sentence_at_a_time(model: ModelServer, judge: Judge) -> None:
    model.status = 500
    found = [judge.judge(f"Rask said no {n} times.", [CITATION]) for n in range(GIVE_UP + 3)]
    assert len(model.requests) == GIVE_UP
    assert [each.faithful for each in found] == [None] * len(found)
    assert "failures in a row" in found[-1].failure


def test_a_judge_that_cannot_be_set_up_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="names no provider"):
        Judge("gpt", Settings())
    assert main(["run", "newsroom", "--judge", "gpt", "--archive", str(tmp_path / "a")]) == 2
    assert not (tmp_path / "a").exists()


def test_the_measure_is_over_the_sentences_that_were_judged() -> None:
    def score(*judgements: Judgement) -> float | None:
        outcome = Outcome(Question("1", "?"), None, (), {}, 1.0, judgements=judgements)
        return parse_measure("Faithful").score(outcome)

    yes, no, wrong, none = Judgement(True, True), Judgement(False, True), Judgement(True, False), Judgement(failure="x")
    assert score(yes, no) == score(yes, wrong) == score(yes, none, no) == 0.5
    assert score(yes) == 1 and score(no) == score(wrong) == 0
    assert score() is score(none) is None


# In a run


def run(tiny: Path, archive: Path, out: Path, *more: str) -> dict[str, Any]:
    command = ["run", "newsroom", "--data", str(tiny), "--archive", str(archive), "--system", "bm25", "--out", str(out)]
    assert main([*command, *more]) == 0
    return runfile.read(out)


def judged(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [sentence["judged"] for question in made["questions"] for sentence in question["sentences"]]


def test_a_run_keeps_its_verdicts_and_does_not_ask_for_them_again(
    tiny: Path, tiny_archive: Path, tmp_path: Path, model: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.json"
    model.status = 500
    down = run(tiny, tiny_archive, out, "--judge", "openai:test")
    assert down["measures"]["Faithful"] == {"value": None, "low": None, "high": None, "n": 0}
    missing = down["counts"]["not_judged_sentences"]
    assert missing == len(judged(down)) > 0 == down["counts"]["judged_sentences"]
    assert f"not judged sentences: {missing}" in capsys.readouterr().out
    assert main(["table", str(out)]) == 0
    assert f"bm25: {missing} sentences were not judged" in capsys.readouterr().out
    for question in down["questions"]:
        question["scores"]["Right"] = 0.0
    page = report([down])
    assert f"bm25: {missing} sentences were not judged" in page
    assert "(judge: openai:test: the server answered 500" in page and "(judge: not asked after" in page

    model.reset()
    model.say(YES)
    made = run(tiny, tiny_archive, out, "--judge", "openai:test")
    assert made["measures"]["Faithful"]["value"] == 1 and made["counts"]["not_judged_sentences"] == 0
    assert all(each["supported"] and each["attributed"] and not each["failure"] for each in judged(made))
    assert made["settings"]["judge"] == "openai:test"
    assert made["data_hash"] == down["data_hash"]

    model.reset()
    model.say("SUPPORTED: no\nATTRIBUTED: no")
    again = run(tiny, tiny_archive, out, "--judge", "openai:test")
    assert model.requests == [] and judged(again) == judged(made)
    assert run(tiny, tiny_archive, out, "--judge", "openai:other")["measures"]["Faithful"]["value"] == 0
    assert model.requests


def test_verdicts_of_a_file_changed_by_hand_are_not_taken(
    tiny: Path, tiny_archive: Path, tmp_path: Path, model: ModelServer
) -> None:
    out = tmp_path / "run.json"
    model.say("SUPPORTED: no\nATTRIBUTED: no")
    made = run(tiny, tiny_archive, out, "--judge", "openai:test")
    for each in judged(made):
        each["supported"] = each["attributed"] = True
    out.write_text(json.dumps(made))
    assert run(tiny, tiny_archive, out, "--judge", "openai:test")["measures"]["Faithful"]["value"] == 0


def test_runs_of_two_judges_are_not_compared_by_them(
    tiny: Path, tiny_archive: Path, tmp_path: Path, model: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    model.say(YES)
    one, other = (tmp_path / f"{name}.json" for name in ("one", "other"))
    run(tiny, tiny_archive, one, "--judge", "openai:one")
    run(tiny, tiny_archive, other, "--judge", "openai:other")
    capsys.readouterr()
    assert main(["compare", str(one), str(other)]) == 0
    told = capsys.readouterr().out
    assert "Faithful is left out" in told and "\nFaithful  " not in told
    assert main(["compare", str(one), str(one)]) == 0
    assert "\nFaithful  " in capsys.readouterr().out


def test_without_a_judge_nothing_of_it_is_imported_or_reported(
    tiny: Path, tiny_archive: Path, tmp_path: Path, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "evals.judge", None)  # importing it would raise
    made = run(tiny, tiny_archive, tmp_path / "run.json")
    told = json.dumps(made)
    assert "Faithful" not in told and "judge" not in told and model.requests == []

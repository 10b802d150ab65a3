from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evals.__main__ import main
from evals.datasets import Choice, load
from evals.records import Dataset
from evals.run import ask_all, record, table
from evals.systems import ingest
from rag import Archive
from rag.errors import SourceError
from rag.records import Answer, Article, Citation, Coverage, Hit, Passage, Sentence, Turn
from rag.settings import Settings

ALL = Choice()
HARBOUR = "Mayor Ida Brandt said the bridge would open on May 3.\n\nIts builder, Tom Rask, said that it would not."
MARKET = "The fish market will cost 15 million crowns, the council said on Monday."
NOW = "2024-04-02T09:00:00+00:00"


def line(name: str, question: str, url: str = "", quote: str = "", **more: Any) -> dict[str, Any]:
    evidence = [{"url": url, "quote": quote}] if url else []
    asked = {"id": name, "question": question, "now": NOW, "evidence": evidence, "answerable": bool(url)}
    return {**asked, "history": [], "answers": [], "trap": "who_said", "split": "dev", "why": "", **more}


QUESTIONS = [
    line(
        "mayor",
        "What did Brandt say about the bridge?",
        "https://harbour.example/bridge",
        "the bridge would open on May 3",
        answers=["May 3"],
        speaker="Ida Brandt",
        wrong=["would not"],
    ),
    line(
        "builder",
        "And Rask?",
        "https://harbour.example/bridge",
        "it would not",
        answers=["would not"],
        speaker="Tom Rask",
        history=["What did Brandt say about the bridge?"],
    ),
    line("market", "What will it cost?", "https://harbour.example/fish", "15 million crowns", answers=["15 million"], trap="number"),
    line("architect", "Who drew the bridge?", trap="unanswerable", split="test"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    articles = [
        {"url": "https://harbour.example/bridge", "title": "Bridge", "text": HARBOUR, "published": "2024-04-01"},
        {"url": "https://harbour.example/fish", "title": "Market", "text": MARKET, "published": "2024-04-01"},
    ]
    write(tmp_path / "articles.jsonl", articles)
    write(tmp_path / "questions.jsonl", QUESTIONS)
    return tmp_path


def write(path: Path, lines: Sequence[Any]) -> None:
    path.write_text("\n".join(json.dumps(each) for each in lines))


def newsroom(folder: Path, choice: Choice = ALL) -> Dataset:
    return load("newsroom", folder, choice)


class Reader:
    """Quotes the paragraph that shares most words with the question; fails or refuses where it is told to."""

    def __init__(self, articles: Sequence[Article], failing: str = "", refusing: str = "architect") -> None:
        self.articles, self.failing, self.refusing = articles, failing, refusing
        self.asked: list[tuple[str, tuple[str, ...], datetime | None]] = []
        self.searched: list[str] = []

    def choose(self, question: str, choices: Sequence[str], now: datetime | None) -> int:
        if "fire" in choices:
            raise ValueError("the disk is on fire")
        return len(choices) - 1

    def search(self, question: str, now: datetime | None, k: int) -> Sequence[Hit]:
        self.searched.append(question)
        wanted = set(question.lower().strip("?").split())
        hits: list[Hit] = []
        for article in self.articles:
            start = 0
            for text in article.text.split("\n\n"):
                start = article.text.index(text, start)
                shared = len(wanted & set(text.lower().replace(",", "").split()))
                hits.append(Hit(Passage(text, article.id, start, start + len(text), text), article, shared))
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def ask(self, question: str, history: Sequence[Turn], now: datetime | None) -> Answer:
        self.asked.append((question, tuple(turn.question for turn in history), now))
        if question == self.failing:
            raise ValueError("the disk is on fire")
        place = self.search(question, now, 1)[0].passage
        citation = Citation(1, place.article_id, "", "", "", "", place.start, place.end, place.text)
        found = "drew" not in question
        return Answer(
            question,
            "answered" if found else "not_in_archive",
            (Sentence(place.text, (1,)),) if found else (),
            (citation,) if found else (),
            (),
            Coverage(2, 3, {}),
            searched=f"{question} bridge" if history else question,
        )


def run(folder: Path, system: Reader | None = None, choice: Choice = ALL) -> dict[str, Any]:
    dataset = newsroom(folder, choice)
    outcomes = ask_all(system or Reader(dataset.articles), dataset)
    return record(dataset, outcomes, system="reader", settings={"seed": 0})


def test_a_run_holds_what_it_says(folder: Path) -> None:
    made = run(folder)
    json.dumps(made)
    assert made["dataset"] == "newsroom" and made["asked"] == 4 and made["errors"] == 0
    assert {"settings", "code", "data_hash", "machine", "measures", "measures_in_archive"} <= made.keys()
    for name, value in made["measures"].items():
        assert value.keys() == {"value", "low", "high", "n"}
        if name not in ("AnswerWords", "WrongMouthWords", "p50", "p95"):
            assert value["n"] == 0 or 0 <= value["low"] <= value["value"] <= value["high"] <= 1
    assert made["measures"]["Contains"] == {"value": 1, "low": 1, "high": 1, "n": 3}
    assert made["measures"]["Right"]["n"] == 4
    assert made["measures"]["WrongMouth"]["n"] == 2
    assert made["measures"]["VerbatimCitation"]["value"] == made["measures"]["R@5"]["value"] == 1
    assert made["measures"]["Refused@unanswerable"] == {"value": 1, "low": 1, "high": 1, "n": 1}
    assert set(made["traps"]) == {"Right@number", "Right@unanswerable", "Right@who_said"}
    assert made["counts"]["answer_sentences"] == 3
    assert [question["id"] for question in made["questions"]] == ["mayor", "builder", "market", "architect"]


def test_running_again_gives_the_same_but_for_the_time(folder: Path) -> None:
    def timeless(made: dict[str, Any]) -> str:
        for question in made["questions"]:
            del question["milliseconds"], question["scores"]["p50"], question["scores"]["p95"]
        for values in (made["measures"], made["measures_in_archive"]):
            del values["p50"], values["p95"]
        return json.dumps(made)

    assert timeless(run(folder)) == timeless(run(folder))


def test_history_and_now_reach_the_system_and_a_follow_up_is_searched_as_completed(folder: Path) -> None:
    dataset = newsroom(folder)
    system = Reader(dataset.articles)
    ask_all(system, dataset)
    # What was asked before is asked first, so that the follow-up comes after an answer.
    assert system.asked[2][:2] == ("What did Brandt say about the bridge?", ())
    assert system.asked[3] == (
        "And Rask?",
        ("What did Brandt say about the bridge?",),
        datetime(2024, 4, 2, 9, tzinfo=UTC),
    )
    assert "And Rask? bridge" in system.searched


def test_a_question_that_fails_scores_zero_and_is_counted(folder: Path) -> None:
    dataset = newsroom(folder)
    made = run(folder, Reader(dataset.articles, failing="What will it cost?"))
    assert made["errors"] == 1 and made["asked"] == 4
    assert made["measures"]["Contains"]["n"] == made["measures"]["R@24"]["n"] == 3
    assert made["measures"]["Contains"]["value"] == made["measures"]["R@24"]["value"] == pytest.approx(2 / 3)
    failed = made["questions"][2]
    assert failed["error"] == "ValueError: the disk is on fire" and failed["scores"]["EM"] == 0
    assert "market: ValueError: the disk is on fire" in table(made)


def test_only_questions_with_choices_are_given_them_and_a_failure_is_wrong(folder: Path) -> None:
    dataset = newsroom(folder)
    plain = dataset.questions[2]
    quiz = replace(plain, choices=("12 million", "15 million"))
    failing = replace(plain, id="failing", choices=("15 million", "fire"))
    asked = replace(dataset, questions=(plain, quiz, failing), measures=("Choice", "Contains"))
    made = record(asked, ask_all(Reader(dataset.articles), asked), system="reader", settings={})
    assert [q["chosen"] for q in made["questions"]] == [None, 1, None]
    assert made["questions"][1]["choices"] == ["12 million", "15 million"]
    assert made["measures"]["Choice"]["value"] == 0.5 and made["measures"]["Choice"]["n"] == 2
    assert made["errors"] == 1


def test_words_of_another_speaker_are_found_without_a_list(folder: Path) -> None:
    dataset = newsroom(folder)
    mayor, builder = dataset.questions[:2]
    assert mayor.foreign == builder.evidence and builder.foreign == mayor.evidence
    swapped = replace(dataset, questions=(replace(builder, text="What did Brandt say about the bridge?"),))
    made = record(swapped, ask_all(Reader(dataset.articles), swapped), system="reader", settings={})
    assert made["measures"]["WrongMouth"]["value"] == 1
    assert made["counts"]["wrong_mouth_sentences"] == 1
    assert made["counts"]["wrong_mouth_words"] == len(HARBOUR.split("\n\n")[0].split())


def test_the_data_hash_tells_data_apart(folder: Path) -> None:
    before = newsroom(folder)
    assert newsroom(folder).data_hash == before.data_hash
    write(folder / "questions.jsonl", QUESTIONS[:3])
    after = newsroom(folder)
    assert after.data_hash != before.data_hash and after.articles_hash == before.articles_hash


def test_splits_are_chosen(folder: Path) -> None:
    assert [asked.id for asked in newsroom(folder, Choice(split="test")).questions] == ["architect"]
    assert len(newsroom(folder, Choice(split="dev")).questions) == 3


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (line("x", "?", "https://harbour.example/bridge", "not in there", answers=["a"]), "does not stand in"),
        (
            line("x", "?", "https://harbour.example/gone", "a", answers=["a"]),
            "no article 'https://harbour.example/gone'",
        ),
        (line("x", "?", "https://harbour.example/bridge", "bridge"), "no answers"),
        ({"question": "no more"}, "newsroom-001 of newsroom has a missing"),
        (line("x", "?", split="tune"), "write train, dev or test"),
    ],
)
def test_questions_that_cannot_be_judged_are_refused(folder: Path, bad: dict[str, Any], told: str) -> None:
    write(folder / "questions.jsonl", [bad])
    with pytest.raises(SourceError, match=told):
        newsroom(folder)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "realtimeqa", "--data", "{folder}"],
        ["run", "realtimeqa"],
        ["run", "newsroom", "--data", "{folder}/missing"],
        ["run", "newsroom", "--data", "{folder}", "--year", "2023"],
    ],
)
def test_a_bad_command_ends_with_one_line(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(folder=tmp_path) for argument in arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and told.err.count("\n") == 1


@pytest.mark.parametrize("bad", [["--weeks", "20230106"], ["--weeks", "20230210..20230106"], ["--limit", "0"]])
def test_bad_numbers_are_usage_errors(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "realtimeqa", *bad])
    assert ended.value.code == 2
    assert "such as 20230106..20230210" in (told := capsys.readouterr().err) or "from 1 on" in told


def test_the_command_on_a_real_archive(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, out = tmp_path / "archive", tmp_path / "runs" / "one.json"
    command = ["run", "newsroom", "--data", str(folder), "--archive", str(archive), "--out", str(out)]
    assert main([*command, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert printed["errors"] == 0 and printed["archive"]["added"] == 2
    assert printed["measures"]["VerbatimCitation"]["value"] in (None, 1)
    assert main(command) == 0
    assert "ours on newsroom: 4 questions, 2 articles" in capsys.readouterr().out
    assert json.loads(out.read_text())["archive"] | {"seconds": 0} == printed["archive"] | {
        "added": 0,
        "unchanged": 2,
        "seconds": 0,
    }


def test_statements_are_made_anew_by_changed_code_and_nothing_is_embedded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, archive = newsroom(folder), tmp_path / "archive"
    settings = Settings.from_env()
    made = ingest(dataset, archive, settings)
    with Archive.open(archive) as reader:
        before = [reader.statements(article.id) for article in dataset.articles]
    assert any(before)
    with closing(sqlite3.connect(next(archive.rglob("ledger.sqlite3")))) as ledger, ledger:
        ledger.execute("DELETE FROM statements")
    monkeypatch.setattr("rag.indexing.embed.OnnxEmbedder.embed", None)
    assert ingest(dataset, archive, settings)["unchanged"] == 2
    with Archive.open(archive) as reader:
        assert not any(reader.statements(article.id) for article in dataset.articles)  # same code: left alone
    (archive / "evals.stamp").write_text("older code")
    assert ingest(dataset, archive, settings) | {"seconds": 0} == made | {"added": 0, "unchanged": 2, "seconds": 0}
    with Archive.open(archive) as reader:
        assert [reader.statements(article.id) for article in dataset.articles] == before

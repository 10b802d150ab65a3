from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.datasets import Choice, json_lines, load, sample
from evals.records import Dataset, Question
from rag.errors import SourceError
from rag.records import Skipped

ALL = Choice()
HAMLIN = "The Buffalo Bills safety collapsed during a game on Monday night, his team said in a statement."
SESAME = "Sesame joined the list of major food allergens, the agency said. Firms must label it from now on."


def question(name: str = "20230106_0", gold: int | None = 2, **more: Any) -> dict[str, Any]:
    choices = ["Pittsburgh Steelers", "Cincinnati Bengals", "Buffalo Bills", "Cleveland Browns"]
    answer = [] if gold is None else [str(gold)]
    asked = {"question_id": name, "question_date": "2023/01/05", "question_sentence": "Which team?"}
    return {**asked, "choices": choices, "answer": answer, **more}


def result(url: str, text: str, published: str = "2023/01/03", **more: Any) -> dict[str, Any]:
    return {"url": url, "title": "A title", "text": text, "authors": [], "publish_date": published, **more}


def write(path: Path, lines: Iterable[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def week(folder: Path, name: str, questions: Iterable[Any], results: list[Any], ending: str = ".jsonl.gz") -> None:
    year = folder / "past" / name[:4]
    write(year / f"{name}_qa{ending}", questions)
    write(year / f"{name}_gcs{ending}", [{"question_id": f"{name}_0", "search_result": results}])


def read(folder: Path, choice: Choice = ALL) -> Dataset:
    return load("realtimeqa", folder, choice)


def reasons(dataset: Dataset) -> dict[str, str]:
    return {skipped.source: skipped.reason for skipped in dataset.excluded}


def test_a_week(tmp_path: Path) -> None:
    week(tmp_path, "20230106", [question()], [result("https://news.example/hamlin", HAMLIN)])
    dataset = read(tmp_path)
    (asked,), (article,) = dataset.questions, dataset.articles
    assert asked.answers == ("Buffalo Bills",)
    assert asked.choices == ("Pittsburgh Steelers", "Cincinnati Bengals", "Buffalo Bills", "Cleveland Browns")
    assert asked.gold_choice == 2 and "Choice" in dataset.measures
    assert asked.now == datetime(2023, 1, 5, 23, 59, 59, tzinfo=UTC)
    assert (asked.split, asked.answerable, len(asked.choices)) == ("test", True, 4)
    assert (article.text, article.published, article.outlet) == (HAMLIN, "2023-01-03", "news.example")
    assert dataset.excluded == ()
    assert read(tmp_path / "past").data_hash == dataset.data_hash


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    week(
        tmp_path,
        "20230106",
        [question(), question("20230106_1", gold=None), question("20230106_2", gold=9), "{broken", "[1]"],
        [
            result("https://news.example/hamlin", HAMLIN),
            result("https://news.example/news-Quiz-5", "The answers: Buffalo Bills."),
            result("https://news.example/empty", " \n"),
            {"url": "https://news.example/untouched", "title": "Not fetched"},
            result("", SESAME),
        ],
    )
    write(tmp_path / "past/2023/20230113_qa.jsonl.gz", [question("20230113_0")])
    write(tmp_path / "past/2023/20230120_gcs.jsonl.gz", [])
    write(tmp_path / "past/2023/20230106-20230120_qa.jsonl.gz", [question("20230113_9")])
    dataset = read(tmp_path)
    left_out = reasons(dataset)
    assert [asked.id for asked in dataset.questions] == ["20230106_0"]
    assert [article.url for article in dataset.articles] == ["https://news.example/hamlin"]
    assert len(dataset.excluded) == len(left_out) == 10
    assert left_out["20230106_1"] == left_out["20230106_2"] == "question without gold"
    assert "quiz" in left_out["https://news.example/news-Quiz-5"]
    assert left_out["20230113"] == "week without search results"
    assert left_out["20230120"] == "week without questions"
    assert left_out["20230106_qa.jsonl.gz:4"].startswith("broken line")


VERSIONS = [
    ("20230106", result("https://news.example/a", HAMLIN)),
    ("20230113", result("http://news.example/a/?utm_source=x", HAMLIN[:60])),
    ("20230113", result("https://news.example/b", SESAME, "2023/01/10")),
    ("20230120", result("https://news.example/b#top", SESAME, "2023/01/12")),
    ("20230120", result("https://news.example/a", HAMLIN + " He woke on Thursday.")),
]


@given(st.permutations(VERSIONS))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_url_is_one_article_whatever_the_order(tmp_path: Path, versions: list[tuple[str, Any]]) -> None:
    read_as: list[Dataset] = []
    for folder, order in ((tmp_path / "sorted", VERSIONS), (tmp_path / "shuffled", versions)):
        for name in ("20230106", "20230113", "20230120"):
            week(folder, name, [question(f"{name}_0")], [found for when, found in order if when == name])
        read_as.append(read(folder))
    one, other = read_as
    assert one.data_hash == other.data_hash
    assert {article.text for article in one.articles} == {HAMLIN + " He woke on Thursday.", SESAME}
    assert "2023-01-12" in {article.published for article in one.articles}


def test_weeks_and_years_are_chosen(tmp_path: Path) -> None:
    for name in ("20221230", "20230106", "20230113", "20240105"):
        week(tmp_path, name, [question(f"{name}_0")], [result(f"https://news.example/{name}", HAMLIN)])

    def ids(choice: Choice) -> list[str]:
        return [asked.id[:8] for asked in read(tmp_path, choice).questions]

    assert ids(Choice()) == ["20221230", "20230106", "20230113", "20240105"]
    assert ids(Choice(weeks=("20221230", "20230106"))) == ["20221230", "20230106"]
    assert ids(Choice(year=2023)) == ids(Choice(split="test")) == ["20230106", "20230113"]
    assert len(read(tmp_path, Choice(limit=1, seed=3)).articles) == 4
    with pytest.raises(SourceError, match="it has 20221230 to 20240105"):
        read(tmp_path, Choice(year=2019))


def test_a_gold_string_that_stands_nowhere_is_unanswerable_and_stays(tmp_path: Path) -> None:
    week(tmp_path, "20230106", [question(gold=0), question(gold=2)], [result("https://news.example/h", HAMLIN)])
    first, second = read(tmp_path).questions
    assert (first.answerable, second.answerable) == (False, True)
    assert (first.id, second.id) == ("20230106_0", "20230106_0+")


def test_plain_files_answers_without_a_list_and_other_dates(tmp_path: Path) -> None:
    asked = question(answer="2", question_date="2023-01-06")
    week(tmp_path, "20230106", [asked], [result("https://news.example/h", HAMLIN, "")], ".jsonl")
    dataset = read(tmp_path)
    assert dataset.questions[0].answers == ("Buffalo Bills",)
    assert dataset.questions[0].now == datetime(2023, 1, 6, 23, 59, 59, tzinfo=UTC)
    assert dataset.articles[0].published == ""


def test_bad_folders_tell_the_cure(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--data"):
        read(tmp_path / "missing")
    with pytest.raises(SourceError, match="--data"):
        read(tmp_path)
    with pytest.raises(SourceError, match="--data"):
        load("realtimeqa", None, Choice())
    week(tmp_path, "20230106", [question()], [result("https://news.example/h", HAMLIN)])
    cut = tmp_path / "past/2023/20230106_gcs.jsonl.gz"
    cut.write_bytes(cut.read_bytes()[:-12])
    with pytest.raises(SourceError, match=r"cannot read .*20230106_gcs\.jsonl\.gz"):
        read(tmp_path)


@given(st.integers(1, 40), st.integers(0, 5))
def test_a_sample_is_fixed_by_its_seed_and_keeps_the_order(limit: int, seed: int) -> None:
    questions = [Question(str(n), "?") for n in range(30)]
    drawn = sample(questions, limit, seed)
    assert drawn == sample(questions, limit, seed)
    assert len(set(drawn)) == len(drawn) == min(limit, 30)
    assert sorted(drawn, key=lambda asked: int(asked.id)) == list(drawn)


def test_json_lines_passes_over_what_is_broken(tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", ['{"a": 1}', "", "nonsense", '{"a": 2}'])
    (tmp_path / "x.jsonl").open("ab").write(b"\n\xff\xfe")
    found = list(json_lines(tmp_path / "x.jsonl"))
    assert [line for line in found if isinstance(line, dict)] == [{"a": 1}, {"a": 2}]
    assert [line.source for line in found if isinstance(line, Skipped)] == ["x.jsonl:3", "x.jsonl:5"]

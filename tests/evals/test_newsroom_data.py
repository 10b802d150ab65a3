"""The shipped newsroom corpus and its questions keep their promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "evals" / "datasets" / "newsroom"
SPOKEN = ("who_said", "two_speakers", "unanswerable_speaker")
REFUSED = ("unanswerable_topic", "unanswerable_person", "unanswerable_speaker", "unanswerable_detail")
LEAST = {  # questions over a group of traps
    SPOKEN: 60,
    ("date", "relative_date"): 15,
    ("correction", "update"): 10,
    ("wire_copies",): 6,
    ("disagree",): 6,
    ("followup",): 12,
    (*REFUSED, "false_premise"): 30,
    ("number", "fact"): 20,
}
TRAPS = {trap for group in LEAST for trap in group}
FIELDS = {"id", "split", "trap", "question", "history", "now", "answerable", "speaker", "answers", "evidence"}
FIELDS |= {"wrong", "why"}
SHARED_WORDS = 10  # in a row: two reports of one press conference share fewer


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


ARTICLES = rows("articles.jsonl")
QUESTIONS = rows("questions.jsonl")
TEXTS = {article["url"]: article["text"] for article in ARTICLES}
NAMED = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])


def quotes(question: dict[str, Any]) -> list[str]:
    return [evidence["quote"].casefold() for evidence in question["evidence"]]


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def test_there_is_enough_of_everything() -> None:
    counts = Counter(question["trap"] for question in QUESTIONS)
    assert set(counts) == TRAPS
    assert len(ARTICLES) >= 60 and len(QUESTIONS) >= 160
    assert len({article["outlet"] for article in ARTICLES}) >= 8
    for group, least in LEAST.items():
        assert sum(counts[trap] for trap in group) >= least, group


def test_every_trap_is_in_both_splits() -> None:
    for trap in TRAPS:
        split = Counter(question["split"] for question in QUESTIONS if question["trap"] == trap)
        assert set(split) == {"dev", "test"} and abs(split["dev"] - split["test"]) <= 2, trap


def test_names_are_unique() -> None:
    assert len(TEXTS) == len(ARTICLES)
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)
    assert len({(q["question"].casefold(), *q["history"], q["now"]) for q in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article["url"].rsplit("/", 1)[1])
def test_article_is_whole(article: dict[str, Any]) -> None:
    assert set(article) == {"url", "title", "outlet", "authors", "published", "text"}
    published = datetime.fromisoformat(article["published"])
    assert published.tzinfo is not None and (2024, 1) <= (published.year, published.month) <= (2024, 9)
    assert re.match(rf"https://[a-z]+\.example/{published:%Y/%m/%d}/[a-z0-9-]+$", article["url"])
    assert article["title"] and article["authors"] and all(article["authors"])
    assert 150 <= len(article["text"].split()) <= 460
    paragraphs = article["text"].split("\n\n")
    assert len(paragraphs) >= 5 and all(p == p.strip() and p and "\n" not in p for p in paragraphs)


def test_articles_share_words_only_as_copies_of_one_wire_report() -> None:
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for article in ARTICLES:
        for run in runs(article["text"], SHARED_WORDS):
            other = first.setdefault(run, article)
            wire = all("(Northwire) --" in each["text"] for each in (article, other))
            assert other is article or wire, f"{other['url']} and {article['url']} share {' '.join(run)!r}"


@NAMED
def test_question_is_whole(question: dict[str, Any]) -> None:
    assert set(question) >= FIELDS and set(question) <= FIELDS | {"answers_all", "independent_sources"}
    assert question["question"].strip() and question["why"].strip() and "\n" not in question["why"]
    datetime.fromisoformat(question["now"])
    assert bool(question["history"]) == (question["trap"] == "followup")
    assert question["speaker"] or question["trap"] not in (*SPOKEN, "unanswerable_person")
    assert ("answers_all" in question) == (question["trap"] == "disagree")
    assert (question.get("independent_sources") == 1) == (question["trap"] == "wire_copies")
    if question["trap"] != "false_premise":
        assert question["answerable"] == (question["trap"] not in REFUSED)
    assert question["answerable"] == bool(question["answers"]) == bool(question["evidence"])


@NAMED
def test_evidence_stands_in_its_article_and_holds_the_answers(question: dict[str, Any]) -> None:
    for evidence in question["evidence"]:
        assert evidence["quote"] and TEXTS[evidence["url"]].count(evidence["quote"]) == 1
    held = quotes(question)
    for answer in [*question["answers"], *question.get("answers_all", [])]:
        assert any(answer.casefold() in quote for quote in held), answer
    for answer in question["answers"]:
        assert not any(wrong.casefold() in answer.casefold() for wrong in question["wrong"])


@NAMED
def test_nobody_is_asked_before_the_evidence_is_out(question: dict[str, Any]) -> None:
    published = {article["url"]: article["published"] for article in ARTICLES}
    now = datetime.fromisoformat(question["now"])
    assert all(datetime.fromisoformat(published[evidence["url"]]) <= now for evidence in question["evidence"])


@NAMED
def test_wrong_strings_stand_elsewhere_only(question: dict[str, Any]) -> None:
    for wrong in question["wrong"]:
        assert any(wrong.casefold() in text.casefold() for text in TEXTS.values()), wrong
        assert not any(wrong.casefold() in quote for quote in quotes(question)), wrong


@NAMED
def test_the_corpus_names_every_speaker_but_those_of_unanswerable_person(question: dict[str, Any]) -> None:
    corpus = "\n".join([*TEXTS.values(), *(name for article in ARTICLES for name in article["authors"])])
    assert not question["speaker"] or (question["speaker"] in corpus) == (question["trap"] != "unanswerable_person")


def test_wire_questions_cite_every_copy() -> None:
    for question in QUESTIONS:
        if question["trap"] == "wire_copies":
            quote = question["evidence"][0]["quote"]
            copies = {url for url, text in TEXTS.items() if quote in text}
            assert len(copies) >= 2 and copies == {evidence["url"] for evidence in question["evidence"]}

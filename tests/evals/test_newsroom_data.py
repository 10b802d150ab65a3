"""The shipped invented news and their questions keep their promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

DATASETS = Path(__file__).parents[2] / "evals" / "datasets"
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
FIELDS = {
    *("id", "split", "trap", "why", "question", "history", "now"),
    *("answerable", "speaker", "answers", "evidence", "wrong"),
}
SHARED_WORDS = 10  # in a row: two reports of one press conference share fewer


@dataclass(frozen=True)
class Data:
    folder: Path

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").splitlines()]

    @property
    def articles(self) -> list[dict[str, Any]]:
        return self.rows("articles.jsonl")

    @property
    def questions(self) -> list[dict[str, Any]]:
        return self.rows("questions.jsonl")

    @property
    def texts(self) -> dict[str, str]:
        return {article["url"]: article["text"] for article in self.articles}


NEWSROOM = Data(DATASETS / "newsroom")
WORLDS = Data(DATASETS / "worlds")


@pytest.fixture(params=[NEWSROOM, WORLDS], ids=["newsroom", "worlds"])
def data(request: pytest.FixtureRequest) -> Data:
    return request.param


def quotes(question: dict[str, Any]) -> list[str]:
    return [evidence["quote"].casefold() for evidence in question["evidence"]]


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def test_there_is_enough_of_everything() -> None:
    counts = Counter(question["trap"] for question in NEWSROOM.questions)
    assert set(counts) == TRAPS
    assert len(NEWSROOM.articles) >= 60 and len(NEWSROOM.questions) >= 160
    assert len({article["outlet"] for article in NEWSROOM.articles}) >= 8
    for group, least in LEAST.items():
        assert sum(counts[trap] for trap in group) >= least, group


def test_every_trap_is_in_both_splits() -> None:
    for trap in TRAPS:
        split = Counter(question["split"] for question in NEWSROOM.questions if question["trap"] == trap)
        assert set(split) == {"dev", "test"} and abs(split["dev"] - split["test"]) <= 2, trap


def test_names_are_unique(data: Data) -> None:
    articles = data.articles
    questions = data.questions
    texts = data.texts
    assert len(texts) == len(articles)
    assert len({question["id"] for question in questions}) == len(questions)
    assert len({(q["question"].casefold(), *q["history"], q["now"]) for q in questions}) == len(questions)


def test_articles_are_whole(data: Data) -> None:
    articles = data.articles
    for article in articles:
        url = article["url"]
        assert set(article) == {"url", "title", "outlet", "authors", "published", "text"}, url
        published = datetime.fromisoformat(article["published"])
        assert published.tzinfo is not None and (2024, 1) <= (published.year, published.month) <= (2024, 9), url
        assert re.match(rf"https://[a-z]+\.example/{published:%Y/%m/%d}/[a-z0-9-]+$", url), url
        assert article["title"] and article["authors"] and all(article["authors"]), url
        assert 150 <= len(article["text"].split()) <= 460, url
        paragraphs = article["text"].split("\n\n")
        assert len(paragraphs) >= 5 and all(p == p.strip() and p and "\n" not in p for p in paragraphs), url


def test_articles_share_words_only_as_copies_of_one_wire_report(data: Data) -> None:
    articles = data.articles
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for article in articles:
        for run in runs(article["text"], SHARED_WORDS):
            other = first.setdefault(run, article)
            wire = all("(Northwire) --" in each["text"] for each in (article, other))
            assert other is article or wire, f"{other['url']} and {article['url']} share {' '.join(run)!r}"


def test_questions_are_whole(data: Data) -> None:
    questions = data.questions
    for question in questions:
        name, trap = question["id"], question["trap"]
        assert set(question) - {"answers_all", "independent_sources", "own", "world"} == FIELDS, name
        assert question["question"].strip() and question["why"].strip() and "\n" not in question["why"], name
        assert datetime.fromisoformat(question["now"]).tzinfo is not None, name
        assert bool(question["history"]) == (trap == "followup"), name
        assert question["speaker"] or trap not in (*SPOKEN, "unanswerable_person"), name
        assert ("answers_all" in question) == (trap == "disagree"), name
        assert (question.get("independent_sources") == 1) == (trap == "wire_copies"), name
        assert trap == "false_premise" or question["answerable"] == (trap not in REFUSED), name
        assert question["answerable"] == bool(question["answers"]) == bool(question["evidence"]), name


def test_evidence_stands_once_in_its_article_and_holds_the_answers(data: Data) -> None:
    questions = data.questions
    texts = data.texts
    for question in questions:
        for evidence in question["evidence"]:
            assert evidence["quote"] and texts[evidence["url"]].count(evidence["quote"]) == 1, question["id"]
        for answer in [*question["answers"], *question.get("answers_all", [])]:
            assert any(answer.casefold() in quote for quote in quotes(question)), (question["id"], answer)


def test_nobody_asks_before_the_evidence_is_out(data: Data) -> None:
    articles = data.articles
    questions = data.questions
    published = {article["url"]: datetime.fromisoformat(article["published"]) for article in articles}
    for question in questions:
        now = datetime.fromisoformat(question["now"])
        assert all(published[evidence["url"]] <= now for evidence in question["evidence"]), question["id"]


def test_wrong_strings_stand_elsewhere_only(data: Data) -> None:
    questions = data.questions
    texts = data.texts
    corpus = "\n".join(texts.values()).casefold()
    for question in questions:
        for wrong in question["wrong"]:
            assert wrong.casefold() in corpus, (question["id"], wrong)
            assert not any(wrong.casefold() in quote for quote in quotes(question)), (question["id"], wrong)


def test_the_corpus_names_every_speaker_but_those_it_should_not(data: Data) -> None:
    articles = data.articles
    questions = data.questions
    texts = data.texts
    corpus = "\n".join([*texts.values(), *(name for article in articles for name in article["authors"])])
    for question in questions:
        if question["speaker"]:
            named = question["speaker"] in corpus
            assert named == (question["trap"] != "unanswerable_person"), question["id"]


def test_wire_questions_cite_every_copy(data: Data) -> None:
    questions = data.questions
    texts = data.texts
    for question in questions:
        if question["trap"] == "wire_copies":
            quote = question["evidence"][0]["quote"]
            copies = {url for url, text in texts.items() if quote in text}
            assert len(copies) >= 2 and copies == {e["url"] for e in question["evidence"]}, question["id"]


def test_the_readme_counts_what_is_there() -> None:
    readme = (NEWSROOM.folder / "README.md").read_text(encoding="utf-8")
    counts = Counter(question["trap"] for question in NEWSROOM.questions)
    assert f"{len(NEWSROOM.articles)} articles" in readme and f"{len(NEWSROOM.questions)} questions" in readme
    assert {trap: int(n) for trap, n in re.findall(r"\| `(\w+)` \| (\d+) \|", readme)} == counts

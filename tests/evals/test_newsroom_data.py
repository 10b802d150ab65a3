"""The shipped newsroom corpus and its questions keep their promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

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
FIELDS = {
    *("id", "split", "trap", "why", "question", "history", "now"),
    *("answerable", "speaker", "answers", "evidence", "wrong"),
}
SHARED_WORDS = 10  # in a row: two reports of one press conference share fewer


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


ARTICLES = rows("articles.jsonl")
QUESTIONS = rows("questions.jsonl")
TEXTS = {article["url"]: article["text"] for article in ARTICLES}


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


def test_articles_are_whole() -> None:
    for article in ARTICLES:
        url = article["url"]
        assert set(article) == {"url", "title", "outlet", "authors", "published", "text"}, url
        published = datetime.fromisoformat(article["published"])
        assert published.tzinfo is not None and (2024, 1) <= (published.year, published.month) <= (2024, 9), url
        assert re.match(rf"https://[a-z]+\.example/{published:%Y/%m/%d}/[a-z0-9-]+$", url), url
        assert article["title"] and article["authors"] and all(article["authors"]), url
        assert 150 <= len(article["text"].split()) <= 460, url
        paragraphs = article["text"].split("\n\n")
        assert len(paragraphs) >= 5 and all(p == p.strip() and p and "\n" not in p for p in paragraphs), url


def test_articles_share_words_only_as_copies_of_one_wire_report() -> None:
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for article in ARTICLES:
        for run in runs(article["text"], SHARED_WORDS):
            other = first.setdefault(run, article)
            wire = all("(Northwire) --" in each["text"] for each in (article, other))
            assert other is article or wire, f"{other['url']} and {article['url']} share {' '.join(run)!r}"


def test_questions_are_whole() -> None:
    for question in QUESTIONS:
        name, trap = question["id"], question["trap"]
        assert set(question) - {"answers_all", "independent_sources", "own"} == FIELDS, name
        assert question["question"].strip() and question["why"].strip() and "\n" not in question["why"], name
        assert datetime.fromisoformat(question["now"]).tzinfo is not None, name
        assert bool(question["history"]) == (trap == "followup"), name
        assert question["speaker"] or trap not in (*SPOKEN, "unanswerable_person"), name
        assert ("answers_all" in question) == (trap == "disagree"), name
        assert (question.get("independent_sources") == 1) == (trap == "wire_copies"), name
        assert trap == "false_premise" or question["answerable"] == (trap not in REFUSED), name
        assert question["answerable"] == bool(question["answers"]) == bool(question["evidence"]), name


def test_evidence_stands_once_in_its_article_and_holds_the_answers() -> None:
    for question in QUESTIONS:
        for evidence in question["evidence"]:
            assert evidence["quote"] and TEXTS[evidence["url"]].count(evidence["quote"]) == 1, question["id"]
        for answer in [*question["answers"], *question.get("answers_all", [])]:
            assert any(answer.casefold() in quote for quote in quotes(question)), (question["id"], answer)


def test_nobody_asks_before_the_evidence_is_out() -> None:
    published = {article["url"]: datetime.fromisoformat(article["published"]) for article in ARTICLES}
    for question in QUESTIONS:
        now = datetime.fromisoformat(question["now"])
        assert all(published[evidence["url"]] <= now for evidence in question["evidence"]), question["id"]


def test_wrong_strings_stand_elsewhere_only() -> None:
    corpus = "\n".join(TEXTS.values()).casefold()
    for question in QUESTIONS:
        for wrong in question["wrong"]:
            assert wrong.casefold() in corpus, (question["id"], wrong)
            assert not any(wrong.casefold() in quote for quote in quotes(question)), (question["id"], wrong)


def test_the_corpus_names_every_speaker_but_those_it_should_not() -> None:
    corpus = "\n".join([*TEXTS.values(), *(name for article in ARTICLES for name in article["authors"])])
    for question in QUESTIONS:
        if question["speaker"]:
            named = question["speaker"] in corpus
            assert named == (question["trap"] != "unanswerable_person"), question["id"]


def test_wire_questions_cite_every_copy() -> None:
    for question in QUESTIONS:
        if question["trap"] == "wire_copies":
            quote = question["evidence"][0]["quote"]
            copies = {url for url, text in TEXTS.items() if quote in text}
            assert len(copies) >= 2 and copies == {e["url"] for e in question["evidence"]}, question["id"]


def test_the_readme_counts_what_is_there() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    counts = Counter(question["trap"] for question in QUESTIONS)
    assert f"{len(ARTICLES)} articles" in readme and f"{len(QUESTIONS)} questions" in readme
    assert {trap: int(n) for trap, n in re.findall(r"\| `(\w+)` \| (\d+) \|", readme)} == counts

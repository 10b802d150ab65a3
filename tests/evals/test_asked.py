"""The questions about real news, and what happens where its articles are other ones."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from evals import datasets
from evals.datasets import Choice, asked
from rag.errors import SourceError

LINES = [json.loads(line) for line in asked.QUESTIONS.read_text(encoding="utf-8").splitlines()]
DATA = Path(__file__).parents[3] / "shared" / "realtimeqa"


def test_the_questions_are_whole_and_no_article_is_in_two_splits() -> None:
    assert len({line["id"] for line in LINES}) == len({line["question"] for line in LINES}) == len(LINES)
    splits: dict[str, set[str]] = {}
    for line in LINES:
        answerable = not line["trap"].startswith("unanswerable")
        assert answerable == bool(line["evidence"]) == bool(line["answer"]), line["id"]
        assert all(0 <= start < end for start, end in line["evidence"]), line["id"]
        assert line["year"] in asked.YEARS, line["id"]
        splits.setdefault(line["url"], set()).add(line["split"])
    assert all(len(split) == 1 for split in splits.values())


def test_the_readme_counts_what_is_there() -> None:
    readme = (asked.QUESTIONS.parent / "README.md").read_text(encoding="utf-8")
    counts = Counter(line["split"] for line in LINES)
    for split, count in counts.items():
        articles = len({line["url"] for line in LINES if line["split"] == split})
        assert f"| {split} | {articles} | {count:,} |" in readme


def test_without_its_articles_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--data"):
        datasets.load("asked", tmp_path, Choice())
    with pytest.raises(SourceError, match="--data PATH"):
        datasets.load("asked", None, Choice())


@pytest.mark.skipif(not DATA.is_dir(), reason="RealTime QA's folder is not beside the project")
def test_every_answer_stands_in_its_evidence() -> None:
    dataset = datasets.load("asked", DATA, Choice())
    texts = {article.id: article.text for article in dataset.articles}
    assert len(dataset.questions) == len(LINES)
    for question in dataset.questions:
        quotes = [evidence.span.of(texts[evidence.article]) for evidence in question.evidence]
        assert not question.answerable or any(question.answers[0] in quote for quote in quotes), question.id

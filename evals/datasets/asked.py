"""asked: questions about real news, in a reader's words. Shipped in ``asked/``; the articles are RealTime QA's.

Written for this project over 168 articles of RealTime QA's tuning years (2022 and 2024), seven questions an article, by
somebody who had the article before them and was told to ask as one who has not: mostly in other words than its own.
Two of the seven it does not answer: a detail that is not told, and something that a person of the story said nothing on.
No word of an article is shipped but the short answers; evidence is a span of its text. The splits share no article.

How to add a question: a line with its article's ``url``, the ``year`` it is read from and ``content``, the beginning of
its ``Article.content_hash``: where the text is another one, loading fails, since the spans would lie elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.datasets import Choice, json_lines, realtimeqa
from evals.datasets.newsroom import MEASURES, with_foreign
from evals.records import Dataset, Evidence, Question
from rag.errors import SourceError
from rag.records import Article, Skipped, Span

QUESTIONS = Path(__file__).parent / "asked" / "questions.jsonl"
YEARS = (2022, 2024)


def load(folder: Path, choice: Choice) -> Dataset:
    """The questions, and the articles that they are about, from RealTime QA's ``folder``; ``choice`` is for the caller.
    Raises SourceError where an article is missing or another one than was asked about.
    """
    del choice
    lines = [line for line in json_lines(QUESTIONS) if not isinstance(line, Skipped)]
    wanted = {str(line["url"]) for line in lines}
    held: dict[tuple[int, str], Article] = {}
    for year in YEARS:
        for article in realtimeqa.load(folder, Choice(year=year)).articles:
            if article.url in wanted:
                held[year, article.url] = article
    questions = [_question(line, held) for line in lines]
    articles = {line["url"]: held[line["year"], line["url"]] for line in lines}
    return Dataset(
        name="asked",
        articles=tuple(sorted(articles.values(), key=lambda article: article.id)),
        questions=tuple(with_foreign(questions, [])),
        measures=MEASURES,
    )


def _question(line: Mapping[str, Any], held: Mapping[tuple[int, str], Article]) -> Question:
    article = held.get((line["year"], line["url"]))
    if article is None or not article.content_hash.startswith(line["content"]):
        what = "is missing" if article is None else "has another text"
        raise SourceError(
            f"the article {line['url']} of {line['id']} {what}; give all of RealTime QA's past/ with --data"
        )
    return Question(
        id=line["id"],
        text=line["question"],
        answers=(line["answer"],) if line["answer"] else (),
        evidence=tuple(Evidence(article.id, Span(start, end)) for start, end in line["evidence"]),
        speaker=line["speaker"],
        answerable=bool(line["evidence"]),
        trap=line["trap"],
        split=line["split"],
        group=article.id,
    )

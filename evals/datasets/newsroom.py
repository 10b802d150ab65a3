"""newsroom: invented outlets, invented news, and questions that set traps. Shipped in the folder ``newsroom/``; four more
worlds of the same form, of which three are to learn from and one to test on, are in ``worlds/``.

How to add an article or a question: its README says what each field means; add a line to ``articles.jsonl`` or
``questions.jsonl``. Every quote of a question's evidence must stand in the article it names, letter for letter: loading
fails with the question's name where one does not.

Other people's words (``Question.foreign``) of a question about what somebody said are the evidence of all questions
about another speaker, except where it overlaps evidence, or words listed as ``own``, of the same speaker (who may report
another's in a sentence of theirs). Two names are the same speaker when the
words of one are among the words of the other. The strings listed as wrong are other people's words, too, but for the
traps in ``STALE``, where they may be what the speaker said before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from evals.datasets import Choice, json_lines
from evals.matching import normalise
from evals.records import Dataset, Evidence, Question
from rag.errors import SourceError
from rag.indexing.extract import NotAnArticle, from_record
from rag.indexing.identity import canonical_url
from rag.records import Article, Skipped, Span

SHIPPED = Path(__file__).parent / "newsroom"
WORLDS = Path(__file__).parent / "worlds"
STALE = ("correction", "date", "number", "relative_date", "update")
MEASURES = (
    *("Right", "Contains", "EM", "F1", "AnswerWords", "R@1", "R@5", "R@10", "R@24", "nDCG@10", "RR"),
    *("VerbatimCitation", "CitationSupport", "EvidenceHit"),
    *("WrongMouth", "WrongMouthWords", "Refused@answerable", "Refused@unanswerable", "p50", "p95"),
)


def load(folder: Path, choice: Choice) -> Dataset:
    """All articles and questions; ``choice`` is for the caller. Raises SourceError on what cannot be judged by."""
    del choice
    excluded: list[Skipped] = []
    articles: dict[str, Article] = {}
    for number, line in enumerate(_lines(folder / "articles.jsonl", excluded), 1):
        # Dates are the data set's own: none of them is refused for lying in the future.
        try:
            found = from_record(line, source=f"newsroom:{number}", key=f"newsroom:{number}", today=date.max)
        except NotAnArticle as reason:
            excluded.append(Skipped(f"articles.jsonl:{number}", f"no article: {reason}"))
            continue
        articles[found.article.url] = found.article
    lines = _lines(folder / "questions.jsonl", excluded)
    questions = [_question(n, line, articles) for n, line in enumerate(lines, 1)]
    owned = [
        (question.speaker, _evidence(question.id, each, articles))
        for question, line in zip(questions, lines, strict=True)
        for each in line.get("own") or ()
    ]
    return Dataset(
        name=folder.name if folder == WORLDS else "newsroom",
        articles=tuple(sorted(articles.values(), key=lambda article: article.id)),
        questions=tuple(with_foreign(questions, owned)),
        measures=MEASURES,
        excluded=tuple(excluded),
    )


def _lines(path: Path, excluded: list[Skipped]) -> list[dict[str, Any]]:
    if not path.is_file():
        raise SourceError(f"there is no {path}; give the folder that holds {path.name} with --data")
    found = list(json_lines(path))
    excluded += [line for line in found if isinstance(line, Skipped)]
    return [line for line in found if not isinstance(line, Skipped)]


def _question(number: int, line: Mapping[str, Any], articles: Mapping[str, Article]) -> Question:
    name = str(line.get("id") or f"newsroom-{number:03}")
    try:
        text, now = str(line["question"]), datetime.fromisoformat(str(line["now"])) if line.get("now") else None
        split, answerable = str(line.get("split", "dev")), bool(line["answerable"])
    except (KeyError, ValueError) as error:
        raise SourceError(f"question {name} of newsroom has a missing or wrong field ({error}); mend it") from None
    if split not in ("train", "dev", "test"):
        raise SourceError(f"question {name} of newsroom is in the split {split!r}; write train, dev or test")
    question = Question(
        id=name,
        text=text,
        answers=_strings(line, "answers"),
        answers_all=_strings(line, "answers_all"),
        history=_strings(line, "history"),
        now=now if now is None or now.tzinfo else now.replace(tzinfo=UTC),
        evidence=tuple(_evidence(name, each, articles) for each in line.get("evidence") or ()),
        speaker=str(line.get("speaker") or ""),
        wrong=_strings(line, "wrong"),
        foreign_words=_strings(line, "wrong") if line.get("speaker") and line.get("trap") not in STALE else (),
        answerable=answerable,
        trap=str(line.get("trap") or ""),
        split=split,
        group=str(line.get("world") or ""),
    )
    if answerable and not (question.gold and question.evidence):
        raise SourceError(f"question {name} of newsroom is answerable but has no answers or no evidence; add them")
    return question


def _strings(line: Mapping[str, Any], field: str) -> tuple[str, ...]:
    return tuple(str(each) for each in line.get(field) or ())


def _evidence(name: str, given: Mapping[str, Any], articles: Mapping[str, Article]) -> Evidence:
    url, quote = str(given.get("url") or ""), str(given.get("quote") or "")
    article = articles.get(canonical_url(url)) or articles.get(url)
    start = article.text.find(quote) if article and quote else -1
    if article is None or start < 0:
        what = f"its quote {quote[:40]!r} does not stand in {url}" if article else f"there is no article {url!r}"
        raise SourceError(f"question {name} of newsroom names evidence that is not there: {what}; mend it")
    return Evidence(article.id, Span(start, start + len(quote)))


def with_foreign(questions: Sequence[Question], owned: Iterable[tuple[str, Evidence]]) -> list[Question]:
    """The questions with other people's words; ``owned`` are speakers with words of theirs that answer no question."""
    spoken: defaultdict[str, set[Evidence]] = defaultdict(set)
    of_speaker: defaultdict[str, set[Evidence]] = defaultdict(set)
    for speaker, words in owned:
        of_speaker[speaker].add(words)
    for question in questions:
        if question.speaker:
            spoken[question.speaker].update(question.evidence)
            of_speaker[question.speaker].update(question.evidence)
    given: list[Question] = []
    for question in questions:
        if question.speaker:
            own = {e for speaker, spans in of_speaker.items() if _same(speaker, question.speaker) for e in spans}
            others = {e for speaker, spans in spoken.items() if not _same(speaker, question.speaker) for e in spans}
            foreign = [e for e in others if not any(e.overlaps(o.article, o.span.start, o.span.end) for o in own)]
            question = replace(
                question, foreign=tuple(sorted(foreign, key=lambda e: (e.article, e.span.start, e.span.end)))
            )
        given.append(question)
    return given


def _same(one: str, other: str) -> bool:
    """ "Inspector Munro" and "Rafael Munro" are two, "Rafael Munro" and "Munro" one."""
    first, second = set(normalise(one).split()), set(normalise(other).split())
    return first <= second or second <= first

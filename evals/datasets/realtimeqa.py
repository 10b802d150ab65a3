"""RealTime QA (Kasai et al., 2023): weekly quizzes on the news, each question with whole articles found that week.

The folder is the public repository's: ``past/YEAR/DATE_qa.jsonl`` (questions) and ``DATE_gcs.jsonl`` (search
results), each also gzipped; the folder that holds the years will do. What is taken and what is not:

- A week is a pair of files named by one date. Files of several weeks are not read, and a week with one file of the two
  is left out and named.
- One archive holds the articles of all chosen weeks. Left out, and named: pages whose URL holds "quiz" (they print
  the answers), results without text, and what the extraction takes for no article.
- A URL found in several weeks is one article: its longest text, and of equally long ones the version with the latest
  date, then the last in the alphabet; so it depends on the set of chosen weeks, not on their order.
- The gold string is the right choice; the choices are kept, in order, for the quiz form. A question is asked at the end of its own day, UTC; results published after that
  day stay in the archive (the search that week found them) and are counted in the notes.
- Unanswerable are questions whose gold string stands in no article of the archive. They may be answerable in other
  words, so their refusals are a lower bound of what should be refused.
- 2023 has published runs, so it is the test split; every other year is for tuning. Repeated questions are kept, as
  those runs kept them; the second one's id ends in "+".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from evals.datasets import Choice, json_lines
from evals.matching import standing
from evals.records import Dataset, Question
from rag.errors import SourceError
from rag.indexing.extract import NotAnArticle, from_record
from rag.indexing.identity import canonical_url
from rag.records import Article, Skipped

MEASURES = (
    *("Contains", "EM", "F1", "Choice", "AnswerWords", "R@1", "R@5", "R@10", "R@24", "nDCG@10", "RR"),
    *("VerbatimCitation", "CitationSupport"),
    *("Refused@answerable", "Refused@unanswerable", "p50", "p95"),
)
TEST_YEAR = 2023


@dataclass(frozen=True, slots=True)
class Published:
    """Figures that others published over the questions of ``year``, in per cent; ``choice`` is the quiz form's."""

    system: str
    year: int
    em: float
    f1: float
    contains: float
    choice: float


PUBLISHED = (
    Published("GPT-3 with a web search", 2023, 27.7, 35.5, 31.8, 58.3),
    Published("GPT-3 without", 2023, 14.7, 20.3, 17.0, 43.9),
    Published("RAG-BART over the same articles", 2023, 4.2, 5.0, 4.6, 32.5),
    Published("gpt-5.3-chat with a web search", 2026, 38.0, 47.9, 45.9, 73.4),
    Published("claude-opus-4.6 with a web search", 2026, 30.2, 39.8, 48.5, 75.1),
)
_FILE = re.compile(r"(\d{8})_(qa|gcs)\.jsonl(?:\.gz)?")
# A result is dated after the week's quiz by a few days at most (the search ran then); later dates were misread.
_LATEST = timedelta(days=7)


def load(folder: Path, choice: Choice) -> Dataset:
    """The questions and articles of the chosen weeks. Raises SourceError where there are none."""
    excluded: list[Skipped] = []
    raw: list[Mapping[str, Any]] = []
    found: dict[str, list[tuple[date, Mapping[str, Any]]]] = defaultdict(list)
    for week, asked, searched in _weeks(folder, choice, excluded):
        raw += _kept(json_lines(asked), excluded)
        for line in _kept(json_lines(searched), excluded):
            for result in line.get("search_result") or ():
                _sort_in(result, week, found, excluded)
    articles = [article for url, versions in found.items() if (article := _article(url, versions, excluded))]
    questions = _questions(raw, excluded)
    standing_golds = standing((q.answers[0] for q in questions), (a.text for a in articles))
    questions = [replace(q, answerable=q.answers[0] in standing_golds) for q in questions]
    return Dataset(
        name="realtimeqa",
        articles=tuple(sorted(articles, key=lambda article: article.id)),
        questions=tuple(questions),
        measures=MEASURES,
        excluded=tuple(sorted(excluded, key=lambda skipped: (skipped.reason, skipped.source))),
        notes=_notes(articles, questions, found),
    )


# Weeks


def _weeks(folder: Path, choice: Choice, excluded: list[Skipped]) -> list[tuple[date, Path, Path]]:
    """Date, questions and search results of each chosen week, in order."""
    years = folder / "past" if (folder / "past").is_dir() else folder
    files: defaultdict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(years.glob("[0-9][0-9][0-9][0-9]/*.jsonl*")):
        if match := _FILE.fullmatch(path.name):
            files[match[1]].setdefault(match[2], path)  # sorted: the plain file before its gzipped twin
    if not files:
        raise SourceError(
            f"{years} holds no YEAR/DATE_qa.jsonl[.gz]; give the folder of RealTime QA's past/ with --data"
        )
    first, last = choice.weeks or ("", "99999999")
    chosen = [w for w in sorted(files) if first <= w <= last and choice.year in (None, int(w[:4]))]
    weeks: list[tuple[date, Path, Path]] = []
    for name in chosen:
        if missing := {"qa", "gcs"} - files[name].keys():
            what = "questions" if "qa" in missing else "search results"
            excluded.append(Skipped(name, f"week without {what}"))
        else:
            weeks.append((_date(name), files[name]["qa"], files[name]["gcs"]))
    if not weeks:
        raise SourceError(
            f"{years} has no such week; it has {min(files)} to {max(files)}: choose with --weeks or --year"
        )
    return weeks


def _date(text: str) -> date:
    digits = re.sub(r"[/-]", "", text)
    try:
        return datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        raise SourceError(f"{text!r} is no date; RealTime QA writes 20230106 or 2023/01/05: mend the file") from None


def _kept(lines: Iterable[dict[str, Any] | Skipped], excluded: list[Skipped]) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for line in lines:
        if isinstance(line, Skipped):
            excluded.append(line)
        else:
            kept.append(line)
    return kept


# Articles


def _sort_in(
    result: Mapping[str, Any],
    week: date,
    found: dict[str, list[tuple[date, Mapping[str, Any]]]],
    excluded: list[Skipped],
) -> None:
    """Put a search result among the versions of its URL, or among what is left out."""
    url = str(result.get("url") or "")
    if "quiz" in url.lower():
        excluded.append(Skipped(url, "search result whose URL holds quiz"))
    elif not canonical_url(url):
        excluded.append(Skipped(url, "search result without a URL"))
    elif not str(result.get("text") or "").strip():
        excluded.append(Skipped(url, "search result without text"))
    else:
        found[canonical_url(url)].append((week, result))


def _article(url: str, versions: list[tuple[date, Mapping[str, Any]]], excluded: list[Skipped]) -> Article | None:
    week, record = max(versions, key=_preference)
    try:
        latest = week + _LATEST
        return from_record(record, source=f"realtimeqa:{url}", key="realtimeqa", today=latest).article
    except NotAnArticle as reason:
        excluded.append(Skipped(url, f"search result that is no article: {reason}"))
        return None


def _preference(version: tuple[date, Mapping[str, Any]]) -> tuple[int, str, str, date]:
    week, record = version
    text = str(record["text"])
    return len(text), str(record.get("publish_date") or ""), text, week


# Questions


def _questions(raw: Iterable[Mapping[str, Any]], excluded: list[Skipped]) -> list[Question]:
    questions: list[Question] = []
    seen: Counter[str] = Counter()
    for record in raw:
        name = str(record.get("question_id"))
        text, gold = str(record.get("question_sentence") or "").strip(), _gold(record)
        if not text or not gold:
            excluded.append(Skipped(name, "question without gold" if text else "question without text"))
            continue
        day = _date(str(record.get("question_date") or name[:8]))
        question = Question(
            id=name + "+" * seen[name],
            text=text,
            answers=(gold,),
            now=datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC),
            split="test" if name.startswith(str(TEST_YEAR)) else "dev",
            choices=tuple(str(choice) for choice in record.get("choices") or () if str(choice).strip()),
        )
        seen[name] += 1
        questions.append(question)
    return questions


def _gold(record: Mapping[str, Any]) -> str:
    """The right choice, or "" when the record does not say which it is. ``answer`` is ["2"] or, in places, "2"."""
    answer, choices = record.get("answer") or "", record.get("choices") or ()
    index = str(answer[0] if isinstance(answer, list) and answer else answer)  # pyright: ignore[reportUnknownArgumentType]
    return str(choices[int(index)]).strip() if index.isdecimal() and int(index) < len(choices) else ""


def _notes(articles: list[Article], questions: list[Question], found: Mapping[str, list[Any]]) -> tuple[str, ...]:
    last = max((q.now.date() for q in questions if q.now), default=date.max)
    later = sum(1 for a in articles if a.published_day and a.published_day > last)
    undated = sum(1 for a in articles if not a.published)
    several = sum(1 for versions in found.values() if len({week for week, _ in versions}) > 1)
    standing_share = sum(q.answerable for q in questions)
    return (
        f"the gold string stands in the archive for {standing_share:,} of {len(questions):,} questions",
        f"{several:,} articles were found in several weeks and kept once, {undated:,} have no date",
        f"{later:,} articles are dated after the day of the last question and were kept",
    )

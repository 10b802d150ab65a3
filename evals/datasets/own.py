"""bring-your-own: your questions over an archive of yours, one JSON object a line.

``question``       the question (needed)
``answers``        strings any of which answers it (needed unless ``answerable`` is false)
``evidence_urls``  the articles that answer it; without any, a passage that holds an answer counts as one that answers
``now``            the day or instant it is asked at, ISO 8601
``answerable``     false: the archive should be found not to answer (true)
``id``             a name of its own (its line's number)

``own_template.jsonl`` is one to copy; ``python -m evals check FILE --archive DIR`` says what is wrong, line by line. A run
leaves out the lines that ``check`` finds fault with, and counts and names them. The archive is read, never written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from evals.datasets import Choice, numbered_lines
from evals.matching import standing
from evals.records import Dataset, Evidence, Question
from rag import Archive
from rag.errors import SourceError
from rag.indexing.identity import canonical_url
from rag.records import Article, Skipped, Span

NAME = "bring-your-own"
TEMPLATE = Path(__file__).with_name("own_template.jsonl")
FIELDS = ("question", "answers", "evidence_urls", "now", "answerable", "id")
MEASURES = (
    *("Right", "Contains", "EM", "F1", "AnswerWords", "R@1", "R@5", "R@10", "R@24", "nDCG@10", "RR"),
    *("VerbatimCitation", "CitationSupport", "EvidenceHit", "Refused@answerable", "Refused@unanswerable", "p50", "p95"),
)


def load(path: Path, choice: Choice, archive: Path | None) -> Dataset:
    """The questions of a file over the articles of an archive. Raises SourceError where there is nothing to ask."""
    del choice
    if archive is None:
        raise SourceError(f"{NAME} asks an archive of yours; name its folder with --archive DIR")
    articles = articles_of(archive)
    found = list(questions(path, articles))
    asked = tuple(each for each in found if isinstance(each, Question))
    if not asked:
        raise SourceError(f"{path} holds no question that can be asked; run: python -m evals check {path}")
    missing = len(unfound(asked, articles))
    return Dataset(
        name=NAME,
        articles=tuple(sorted(articles.values(), key=lambda article: article.id)),
        questions=asked,
        measures=MEASURES,
        excluded=tuple(each for each in found if isinstance(each, Skipped)),
        notes=(
            f"no answer of {missing:,} of {len(asked):,} questions stands in the archive, letter for letter",
            "evidence is a whole article: R@k, nDCG and RR count every passage of it",
        ),
        archive=archive,
    )


def articles_of(archive: Path) -> dict[str, Article]:
    """The archive's articles by canonical URL (by id where they have none). Raises ArchiveMissing."""
    with Archive.open(archive) as opened:
        ledger = opened._ledger  # pyright: ignore[reportPrivateUsage]
        found = ledger.articles(ledger.article_ids())
    return {canonical_url(article.url) or article.id: article for article in found.values()}


def questions(path: Path, articles: Mapping[str, Article] | None) -> Iterator[Question | Skipped]:
    """The questions of a file; a line with faults is a Skipped a fault. Without articles no URL is looked up."""
    seen: set[str] = set()
    for number, line in numbered_lines(path):
        if isinstance(line, Skipped):
            yield line
            continue
        name = str(line.get("id") or f"line-{number}")
        wrong = faults(line, None if articles is None else articles.keys())
        wrong += [f"the id {name!r} was used before; give each question its own"] if name in seen else []
        seen.add(name)
        if wrong:
            yield from (Skipped(f"{path.name}:{number}", each) for each in wrong)
            continue
        evidence = [(articles or {}).get(canonical_url(url)) for url in line.get("evidence_urls") or ()]
        yield Question(
            id=name,
            text=line["question"].strip(),
            answers=tuple(line.get("answers") or ()),
            now=_now(line["now"]) if line.get("now") else None,
            evidence=tuple(Evidence(a.id, Span(0, len(a.text))) for a in evidence if a),
            answerable=line.get("answerable", True),
        )


def faults(line: Mapping[str, Any], urls: Set[str] | None) -> list[str]:
    """What is wrong with a line, each with its cure."""
    found = [f"there is no field {key!r}; there are: {', '.join(FIELDS)}" for key in line if key not in FIELDS]
    if not isinstance(line.get("question"), str) or not line["question"].strip():
        found.append('it has no question; write "question": "…"')
    answerable = line.get("answerable", True)
    if not isinstance(answerable, bool):
        found.append(f"answerable is {answerable!r}; write true or false, without quotes")
    for key in ("answers", "evidence_urls"):
        given: object = line.get(key, [])
        if not isinstance(given, list) or not all(isinstance(e, str) and e.strip() for e in cast(list[Any], given)):
            found.append(f'{key} is no list of strings; write "{key}": ["…"]')
    if answerable is True and not line.get("answers"):
        found.append('it has no answers; write "answers": ["…"], or "answerable": false')
    if answerable is False and line.get("answers"):
        found.append("it has answers and is not answerable; leave one of the two out")
    if line.get("now"):
        try:
            _now(line["now"])
        except (TypeError, ValueError):
            found.append(
                f'now is {line["now"]!r}; write a day or an instant such as "2024-05-04" or "2024-05-04T09:00Z"'
            )
    if urls is not None and isinstance(line.get("evidence_urls", []), list):
        missing = [u for u in line.get("evidence_urls", []) if isinstance(u, str) and canonical_url(u) not in urls]
        found += [f"the archive has no article {url}; ingest it, or mend the URL" for url in missing]
    return found


def unfound(asked: tuple[Question, ...], articles: Mapping[str, Article]) -> list[Question]:
    """The answerable questions of which no answer stands in any article: the archive may say it in other words."""
    held = standing((a for q in asked for a in q.answers), (article.text for article in articles.values()))
    return [q for q in asked if q.answerable and not held.intersection(q.answers)]


def check(path: Path, archive: Path | None) -> tuple[list[str], list[str], int]:
    """Faults, remarks (a line each) and the number of questions that can be asked. Raises SourceError."""
    if not path.is_file():
        raise SourceError(f"there is no file {path}; copy {TEMPLATE} and fill it in")
    articles = articles_of(archive) if archive else None
    found = list(questions(path, articles))
    asked = tuple(each for each in found if isinstance(each, Question))
    wrong = [f"{each.source}: {each.reason}" for each in found if isinstance(each, Skipped)]
    told = [f"{q.id}: no answer stands in the archive, letter for letter" for q in unfound(asked, articles or {})]
    return wrong, told if articles is not None else [], len(asked)


def _now(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

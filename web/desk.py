"""The desk: one archive, opened when first needed, and what the parts of the page want of it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from rag.archive import Archive
from rag.errors import ArchiveError, RagError
from rag.records import Article, Citation
from rag.settings import Settings
from rag.stores.feedback import Feedback
from web import conversation
from web.talk import Exchange

SEED = "Wang Yi meets Lavrov on China-Russia, BRICS cooperation"
SEED_QUESTIONS: tuple[str, ...] = (
    "What did Lavrov say about BRICS expansion?",
    "What did Wang Yi say about BRICS?",
    "What did Macron say about BRICS?",
    "Where will the BRICS summit take place?",
)
PEOPLE = 300  # that are offered to choose from, the most quoted ones
NEWEST = 24  # articles, of which the example questions are made


class Desk:
    """One archive: a page that was served before the first ingest works after it.

    ``adding`` is whether readers may add to it. ``working`` counts the answers that are being made now.
    """

    def __init__(self, settings: Settings, *, adding: bool = False) -> None:
        self.settings = settings
        self.adding = adding
        self.feedback = Feedback(settings.archive)
        self.working = 0
        self._archive: Archive | None = None
        self._guard = threading.Lock()
        self._front: tuple[tuple[Any, ...], tuple[str, str, dict[str, Any]]] | None = None

    @property
    def archive(self) -> Archive:
        """Raises RagError when it cannot be opened."""
        with self._guard:
            if self._archive is None:
                self._archive = Archive.open(settings=self.settings)
            return self._archive

    def close(self) -> None:
        with self._guard:
            if self._archive is not None:
                self._archive.close()
                self._archive = None

    @contextmanager
    def at_work(self) -> Generator[None]:
        with self._guard:
            self.working += 1
        try:
            yield
        finally:
            with self._guard:
                self.working -= 1

    def warm(self) -> None:
        """Open what the first question would have to wait for."""
        try:
            self.front()
            self.archive.search("news", 1)
        except RagError:
            return  # the page says what is wrong to whoever opens it

    def front(self) -> tuple[str, str, dict[str, Any]]:
        """The masthead, the opening, and what can be narrowed to: outlets, days and languages with counts, speakers."""
        path = str(self.settings.archive)
        try:
            status = self.archive.status()
            if not status.articles:
                empty = conversation.unavailable(f"The archive in {path} is empty.", path)
                return conversation.masthead(status), empty, _held({}, {}, {}, ())
            key = (status.generation, status.writer, status.articles, status.pending)
            if self._front is None or self._front[0] != key:
                asks = self._questions()
                held = _held(
                    status.outlets, self.archive.days(), self.archive.languages(), self.archive.most_quoted(PEOPLE)
                )
                self._front = key, (conversation.masthead(status), conversation.opening(asks), held)
            return self._front[1]
        except RagError as error:
            return conversation.masthead(None), conversation.unavailable(str(error), path), _held({}, {}, {}, ())

    def _questions(self) -> list[tuple[str, str]]:
        """Questions that the archive's newest stories suggest, each with its story's headline: what the people in it said,
        else the headline itself.
        """
        newest = self.archive.newest(NEWEST)
        if [a.title for a in newest] == [SEED]:
            return [(question, "") for question in SEED_QUESTIONS]
        asks: dict[str, str] = {}
        for article in newest:
            names = [s.speaker for s in self.archive.statements(article.id) if _is_name(s.speaker)]
            if names:
                asks.setdefault(f"What did {names[0]} say?", article.title)
            elif article.title.strip():
                asks.setdefault(article.title, "")
        return list(asks.items())[:4]

    def articles(self, citations: Iterable[Citation]) -> Mapping[str, Article]:
        """The cited articles by id, those that the archive still holds."""
        try:
            return self.archive.articles(list(dict.fromkeys(c.article for c in citations)))
        except ArchiveError:
            return {}

    def understood(self, shown: Exchange) -> None:
        """Note what the question's own words narrowed the search to."""
        assert shown.answer is not None
        ignored = shown.narrowed.ignore
        query = self.archive.query(shown.answer.searched or shown.question)
        shown.period = query.period if query.period and query.strict and "dates" not in ignored else None
        shown.outlets = () if "outlets" in ignored else query.outlets


def _is_name(speaker: str) -> bool:
    words = speaker.split()
    return len(words) > 1 and all(word[0].isupper() for word in words)


BARS = 60


def _held(
    outlets: Mapping[str, int],
    days: Mapping[str, int],
    languages: Mapping[str, int],
    people: Sequence[str],
) -> dict[str, Any]:
    # Where all articles are in one language there is nothing to choose.
    tongues = languages if len(languages) > 1 else {}
    return {
        "held": [[name, count] for name, count in outlets.items()][:500],
        "bars": bars(days),
        "languages": [[code, count] for code, count in tongues.items() if code],
        "people": [name for name in people if _is_name(name)],
    }


def bars(days: Mapping[str, int], most: int = BARS) -> list[tuple[str, str, int]]:
    """Articles over time in at most ``most`` equal runs of days: (first day, last day, how many)."""
    if not days:
        return []
    counts = {date.fromisoformat(day): n for day, n in days.items()}
    first, last = min(counts), max(counts)
    width = -(-((last - first).days + 1) // most)
    found = [0] * (-(-((last - first).days + 1) // width))
    for day, n in counts.items():
        found[(day - first).days // width] += n
    return [
        (
            (first + timedelta(days=i * width)).isoformat(),
            min(last, first + timedelta(days=(i + 1) * width - 1)).isoformat(),
            n,
        )
        for i, n in enumerate(found)
    ]

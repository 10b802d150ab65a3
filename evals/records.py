"""The records of an eval: what is asked, of which articles, and what came of it. All are frozen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from rag.records import Answer, Article, Hit, Skipped, Span, Turn

Split = Literal["train", "dev", "test"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of an article (its id) that answers a question, in code points of ``Article.text``."""

    article: str
    span: Span

    def overlaps(self, article: str, start: int, end: int) -> bool:
        return article == self.article and self.span.overlaps(Span(start, end))


@dataclass(frozen=True, slots=True)
class Question:
    """One question with everything that judges its answer.

    ``history`` holds the questions asked before it, ``now`` the instant it is asked at (None: unknown). Right is an
    answer that holds one of ``answers`` and all of ``answers_all``. ``evidence`` are the spans that answer; empty when
    the data set has none. ``speaker`` is the one whose words are wanted, "" when nobody's are. ``wrong`` are strings
    that must not stand in the answer, ``foreign_words`` those of them that are other people's words, and ``foreign``
    spans of such words. ``answerable`` tells whether the
    articles hold the answer, ``trap`` names what makes the question hard, ``choices`` are those of a quiz. Questions of
    one ``group`` share articles with each other and with no others; "" where that is not told.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answers_all: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    now: datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    foreign: tuple[Evidence, ...] = ()
    speaker: str = ""
    wrong: tuple[str, ...] = ()
    foreign_words: tuple[str, ...] = ()
    answerable: bool = True
    trap: str = ""
    split: Split = "dev"
    choices: tuple[str, ...] = ()
    group: str = ""

    @property
    def gold(self) -> tuple[str, ...]:
        """Every string that counts as an answer or as a part of one."""
        return (*self.answers, *self.answers_all)

    @property
    def gold_choice(self) -> int | None:
        """The place of the right choice, None where the question has no choices, or none of them is an answer."""
        return next((n for n, choice in enumerate(self.choices) if choice.strip() in self.answers), None)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Articles to ingest and questions to ask of them.

    ``excluded`` is what the loader left out, each with its reason; ``measures`` the printed forms of what is reported;
    ``notes`` what a reader of the figures must know. ``archive`` is the folder of the archive that the articles were
    read from, None where one is to be made of them.
    """

    name: str
    articles: tuple[Article, ...]
    questions: tuple[Question, ...]
    measures: tuple[str, ...]
    excluded: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    archive: Path | None = None

    @property
    def articles_hash(self) -> str:
        """SHA-256 over the set of articles, whatever their order."""
        lines = sorted(f"{article.id} {article.content_hash}" for article in self.articles)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def data_hash(self) -> str:
        """SHA-256 over articles and questions: two runs can be compared when it is equal."""
        # A group, which judges nothing, is left out where there is none: runs from before there were any stay comparable.
        told = [{k: v for k, v in asdict(q).items() if v or k != "group"} for q in self.questions]
        asked = json.dumps(told, default=str, sort_keys=True)
        return hashlib.sha256(f"{self.articles_hash}\n{asked}".encode()).hexdigest()


class System(Protocol):
    """What is measured. ``now`` is the instant a question is asked at; None: unknown.

    To add one, write a class with these methods that was given the articles of the data set (evals/systems.py).
    """

    def search(self, question: str, now: datetime | None, k: int) -> Sequence[Hit]:
        """The ``k`` best passages, best first."""
        ...

    def ask(self, question: str, history: Sequence[Turn], now: datetime | None) -> Answer: ...

    def choose(self, question: str, choices: Sequence[str], now: datetime | None) -> int:
        """The place, from 0, of the choice that answers best; asked only where a question has choices."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a language model says of one sentence of an answer: whether its quotes support it, and whether whose words
    they are is right. ``failure`` says why there is no verdict, "" where there is one; ``asked`` is the SHA-256 of the
    judge and what it was asked, "" where nothing had to be.
    """

    supported: bool = False
    attributed: bool = False
    failure: str = ""
    asked: str = ""

    @property
    def faithful(self) -> bool | None:
        """The verdict; None: not judged."""
        return None if self.failure else self.supported and self.attributed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a system made of one question: its answer (None when it failed) and the wall time of ``ask``.

    ``gold_ranks`` are the ranks, from 1, of the found passages that answer, ``hits`` the found passages, best first.
    ``texts`` are the texts of the data set's articles by id, the truth that citations are held against. ``error`` names
    the exception, "" when there was none. ``judgements`` are those of the answer's sentences, () without a judge.
    ``chosen`` is the place of the choice that the system chose, None when the question has none or the system failed.
    """

    question: Question
    answer: Answer | None
    gold_ranks: tuple[int, ...]
    texts: Mapping[str, str]
    milliseconds: float
    error: str = ""
    hits: tuple[Hit, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    chosen: int | None = None

    @property
    def refused(self) -> bool:
        """The system said that the articles do not answer; a failure is no such statement."""
        return self.answer is not None and not self.answer.sentences

    @property
    def said(self) -> str:
        """The answer's sentences without citation marks; "" when there are none."""
        return " ".join(sentence.text for sentence in self.answer.sentences) if self.answer else ""

"""The records that travel through the pipeline. All are frozen; this module imports nothing of ours.

Offsets are counted in Unicode code points into ``Article.text`` and are half-open, so
``article.text[span.start:span.end]`` is always the text a record speaks of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal, TypedDict

Status = Literal["answered", "partly", "conflicting", "not_in_archive"]
Manner = Literal["stated", "denied", "refused", "expected"]
Verdict = Literal["supported", "contrary", "not_in_archive"]


@dataclass(frozen=True, slots=True)
class Article:
    """One news article as the archive keeps it.

    ``published`` and ``modified`` are ISO 8601: a date and time with offset ("2024-06-11T10:44:00+08:00"), a date
    alone where the source gives no time of day, or "" where it gives none. ``event_date`` is the ISO date of the
    dateline (the day the reporter writes about), ``dateline`` its place.
    """

    id: str
    title: str
    text: str
    url: str = ""
    source: str = ""
    outlet: str = ""
    byline: tuple[str, ...] = ()
    published: str = ""
    modified: str = ""
    dateline: str = ""
    event_date: str = ""
    agency: str = ""
    editors: tuple[str, ...] = ()
    language: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256 over what a reader sees; two articles of one id are the same version when it is equal.

        The URL is left out: the id stands for it, and spellings with other tracking parameters are the same article.
        So is the language, which is told from the text.
        """
        seen = [self.title, self.text, self.outlet, *self.byline, self.published, self.modified]
        seen += [self.dateline, self.event_date, self.agency, *self.editors, ""]
        return hashlib.sha256("\x1f".join(seen).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def published_at(self) -> datetime | None:
        """``published`` as an aware datetime (a date alone is its midnight, UTC), or None."""
        return instant(self.published)

    @property
    def published_day(self) -> date | None:
        """The calendar day printed on the article, in the article's own zone, or None."""
        return date.fromisoformat(self.published[:10]) if self.published else None


def instant(iso: str) -> datetime | None:
    """An ISO 8601 date or time as an aware datetime (without an offset: UTC); None for ""."""
    if not iso:
        return None
    moment = datetime.fromisoformat(iso)
    if moment.tzinfo is None:
        from datetime import UTC

        moment = moment.replace(tzinfo=UTC)
    return moment


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points in an article's text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences of one article: what is embedded, searched and shown.

    ``text == article.text[start:end]``; ``header`` (title, outlet, date) is embedded before it but is not part of it.
    ``sentences`` are spans of the article's text, in order, that together are the passage.
    """

    id: str
    article_id: str
    start: int
    end: int
    text: str
    header: str = ""
    sentences: tuple[Span, ...] = ()

    @property
    def embedded(self) -> str:
        """What the embedder is given: the header on a line of its own, then the text."""
        return f"{self.header}\n{self.text}" if self.header else self.text

    @property
    def lead(self) -> int:
        """The characters of ``embedded`` before the text."""
        return len(self.embedded) - len(self.text)

    @property
    def inside(self) -> tuple[Span, ...]:
        """The sentences as spans of ``embedded``."""
        by = self.lead - self.start
        return tuple(Span(s.start + by, s.end + by) for s in self.sentences)

    @staticmethod
    def make_id(article_id: str, start: int, end: int, text: str) -> str:
        """Content-addressed: the same words at the same place of the same article have the same id."""
        return f"{article_id}-{start}-{end}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Statement:
    """Something the article says that somebody said, wrote, thinks or did not deny.

    ``speaker`` is the fullest name the article gives ("Sergei Lavrov"), "" when the words are somebody's but
    nobody can be named with confidence. ``source``, ``cue`` and ``content`` are spans of the article's text;
    ``content`` is what was said, ``cue`` the reporting words ("said", "according to"), ``source`` who is named there.
    ``manner`` is what the cue makes of the content: it was stated, denied, or it was refused to say, or it is expected
    to be said. ``confidence`` (0 to 1) is how sure it is that somebody said just this.
    """

    article_id: str
    speaker: str
    content: Span
    cue: Span | None = None
    source: Span | None = None
    kind: Literal["direct", "indirect", "mixed"] = "indirect"
    manner: Manner = "stated"
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Quote:
    """A statement with the article it stands in: who said what, when, in which words. ``text`` is the content."""

    statement: Statement
    article: Article

    @property
    def text(self) -> str:
        return self.statement.content.of(self.article.text)

    def to_json(self) -> dict[str, Any]:
        """The documented JSON form; every value is a plain JSON type, spans are offsets into the article's text."""
        s, a = self.statement, self.article

        def part(span: Span | None) -> dict[str, Any] | None:
            return None if span is None else {"start": span.start, "end": span.end, "text": span.of(a.text)}

        return {
            "speaker": s.speaker,
            "text": self.text,
            "kind": s.kind,
            "manner": s.manner,
            "confidence": round(s.confidence, 3),
            "source": part(s.source),
            "cue": part(s.cue),
            "content": part(s.content),
            "article": a.id,
            "title": a.title,
            "outlet": a.outlet,
            "published": a.published,
            "url": a.url,
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange of a conversation: what was asked and what was answered, as plain text."""

    question: str
    answer: str = ""


class FilterKeywords(TypedDict, total=False):
    """The keywords that narrow a question, a search, a claim; each may be left out.

    ``since`` and ``until`` are inclusive calendar days of publication; ``outlets`` names of outlets, in any case of
    letters; ``now`` the moment that "last week" counts from (without a zone: UTC), with which fresher reports come first;
    ``languages`` codes ("en") of the articles to read; ``speakers`` names or surnames of those whose statements alone
    may be quoted. Of several outlets, languages or speakers any will do; none means all.
    """

    since: date | None
    until: date | None
    outlets: Sequence[str]
    now: datetime | None
    languages: Sequence[str]
    speakers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Query:
    """A question, understood: what to search for, within what, and whose words are wanted.

    ``text`` is standalone (a follow-up has been completed from the conversation), ``topic`` the same without the
    people whose words are asked for and without the asking words. ``since`` and ``until`` are the filters the user
    set, inclusive calendar days; ``period`` is the time the question itself speaks of
    (``strict``: only reports of that time can answer). ``speakers`` are the people
    whose own words are asked for, as the question names them. ``now`` is set only where the asker gave it.
    ``wants_speaker`` asks who said something, ``wants_latest`` how things stand now. ``parts`` are the questions that it
    puts together ("What did X say, and when?"), () where it puts one. ``languages`` and ``said_by`` are filters the user
    set: codes of languages, and the archive's names of the people whose statements alone may be quoted.
    """

    text: str
    topic: str = ""
    since: date | None = None
    until: date | None = None
    outlets: tuple[str, ...] = ()
    now: datetime | None = None
    period: tuple[date, date] | None = None
    strict: bool = False
    speakers: tuple[str, ...] = ()
    wants_speaker: bool = False
    wants_latest: bool = False
    notes: tuple[str, ...] = ()
    parts: tuple[Query, ...] = ()
    languages: tuple[str, ...] = ()
    said_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that retrieval found. ``score`` is the fused score; ranks count from 1, None where not found that way.

    ``cosine`` is the similarity of question and passage vectors (−1 to 1), ``bm25`` the lexical score (≥ 0).
    """

    passage: Passage
    article: Article
    score: float
    cosine: float | None = None
    bm25: float | None = None
    dense_rank: int | None = None
    lexical_rank: int | None = None
    also_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """What a later article (its id, title, outlet, date and URL) corrects in an earlier one: the words that hold what was
    wrong ("" where it does not repeat them), and those that hold what is right. ``start`` and ``end`` are where in the
    text of the correcting article it does so.
    """

    article: str
    title: str
    outlet: str
    published: str
    url: str
    wrong: str
    right: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """In one line: when, and what is right."""
        return f"corrected on {self.published[:10]}" + (f": {' '.join(self.right.split())}" if self.right else "")


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in the archive that an answer's sentence rests on: ``article.text[start:end] == quote``.

    ``corrections`` are what later articles corrected in the cited one, be it in this place or another.
    """

    n: int
    article: str
    title: str
    outlet: str
    published: str
    url: str
    start: int
    end: int
    quote: str
    passage: str = ""
    speaker: str = ""
    also_in: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer. ``citations`` are the numbers of its citations; ``speaker`` whose words it reports."""

    text: str
    citations: tuple[int, ...]
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the archive that was asked holds, within the filters of the question. Dates are ISO, "" when unknown."""

    articles: int
    passages: int
    outlets: Mapping[str, int]
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """What the check of a language model's answer did, in counts.

    Of the sentences ``written`` by the model those are ``kept`` that stand in the answer; ``repeated`` said again what
    was kept; the others failed: ``unsupported`` by the passages, ``misattributed`` (in the wrong mouth), or ``misquoted``
    (a quotation that does not stand in its passage). Each that failed was ``replaced`` by a quotation, or ``left_out``.
    ``unknown`` counts citations that named no passage that the model was given, ``moved`` sentences whose words stand in
    another passage than the one cited. What only says that the passages do not answer is no sentence here.
    """

    written: int = 0
    kept: int = 0
    repeated: int = 0
    unsupported: int = 0
    misattributed: int = 0
    misquoted: int = 0
    replaced: int = 0
    left_out: int = 0
    moved: int = 0
    unknown: int = 0

    @property
    def failed(self) -> int:
        return self.unsupported + self.misattributed + self.misquoted


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as data. Renderers turn it into text, Markdown or a page.

    ``sentences`` is empty when the archive does not answer; the nearest passages are then in ``nearest``.
    ``searched`` is the standalone question that was searched for; ``model`` the language model that wrote, or "".
    ``guard`` is what the check did to a model's text, also where nothing of it is left; None where no model wrote.
    """

    question: str
    status: Status
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    coverage: Coverage
    searched: str = ""
    short: str = ""
    confidence: float = 0.0
    notes: tuple[str, ...] = ()
    model: str = ""
    timing_ms: float = 0.0
    guard: Guard | None = None

    @property
    def text(self) -> str:
        """The answer in plain words with numbered citations: ``Sentence. [1] Sentence. [2]``."""
        if not self.sentences:
            return NOT_IN_ARCHIVE
        return " ".join(f"{s.text} {''.join(f'[{n}]' for n in s.citations)}".rstrip() for s in self.sentences)

    def to_json(self) -> dict[str, Any]:
        """The documented JSON form; every value is a plain JSON type."""
        raw = asdict(self)
        raw["answer"] = self.text
        raw["coverage"]["outlets"] = dict(self.coverage.outlets)
        return raw


NOT_IN_ARCHIVE = "The archive does not answer this."


@dataclass(frozen=True, slots=True)
class Check:
    """What the archive says to a claim.

    ``supporting`` and ``contrary`` are sentences of the archive, whole and cited, for and against it; where both stand,
    the verdict is the newer side's. ``nearest`` holds the nearest passages when the archive says neither. ``confidence``
    is the share (0 to 1) of the claim's words, names and numbers that the best sentence of the verdict's side accounts
    for, or the nearest sentence where there is none.
    """

    claim: str
    verdict: Verdict
    supporting: tuple[Sentence, ...]
    contrary: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    coverage: Coverage
    confidence: float = 0.0
    notes: tuple[str, ...] = ()
    timing_ms: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The documented JSON form; every value is a plain JSON type."""
        raw = asdict(self)
        raw["coverage"]["outlets"] = dict(self.coverage.outlets)
        return raw


@dataclass(frozen=True, slots=True)
class Choice:
    """The one of several choices that the archive bears out best as the answer to a question.

    ``chosen`` counts from 0. ``scores`` are the choices' shares of belief, which sum to 1; ``sentences`` the sentence
    that speaks most for each of them, one without text and citations where none holds any of it.
    """

    question: str
    choices: tuple[str, ...]
    chosen: int
    scores: tuple[float, ...]
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    coverage: Coverage
    notes: tuple[str, ...] = ()
    timing_ms: float = 0.0

    @property
    def text(self) -> str:
        return self.choices[self.chosen]

    def to_json(self) -> dict[str, Any]:
        """The documented JSON form; every value is a plain JSON type."""
        raw = asdict(self)
        raw["coverage"]["outlets"] = dict(self.coverage.outlets)
        return raw


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something a source held that did not become an article, and why (one line that names the cure)."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Something a source lists that is as it was when it was last read, so that it was not read again."""

    source: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader of the archive should know of an article that was kept all the same."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What became of one named source: counts, every skipped item with its reason, and what was mended on the way.

    ``remarks`` speak of articles that were kept (an impossible date left out, NUL bytes dropped). ``failed`` is set
    when the source itself could not be read.
    """

    source: str
    added: int = 0
    unchanged: int = 0
    updated: int = 0
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[Remark, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest did, a report a source, and the archive's counts afterwards."""

    sources: tuple[SourceReport, ...]
    articles: int
    passages: int
    seconds: float
    embedded: int = 0
    embed_seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not any(s.failed for s in self.sources)

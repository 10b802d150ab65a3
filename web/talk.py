"""A conversation: what one browser tab has asked, and the form in which its browser keeps it.

The browser sends a kept conversation back when it is opened again. What it sends is read as anybody's text would be:
checked field by field, what does not fit left out, escaped where it is shown; and it is never evidence for an answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any, Literal, cast, get_args
from urllib.parse import urlencode

from rag.archive import QUESTION_CHARS, Ignored
from rag.records import Answer, Citation, Correction, Coverage, Guard, Sentence, Status, Turn

TURNS = 50  # of a conversation are handed to the archive, the newest ones
KEPT = 500  # exchanges that a conversation may hold when it is opened again
UNANSWERED = "This question was not answered; ask it again."


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What the reader restricted a question to, as it came from the page: text, checked when it is used."""

    since: str = ""
    until: str = ""
    outlets: tuple[str, ...] = ()
    ignore: tuple[Ignored, ...] = ()
    languages: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: object) -> Narrowing:
        """From a mapping of the page's or of a link; what does not fit is left out."""
        given = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
        ignore = tuple(i for i in get_args(Ignored) if i in _strings(given.get("ignore")))
        since, until = (_string(given.get(end))[:40] for end in ("since", "until"))
        outlets, languages, speakers = (_strings(given.get(part)) for part in ("outlets", "languages", "speakers"))
        return cls(since, until, outlets, ignore, languages, speakers)

    def link(self, question: str) -> str:
        """The query of an address that opens the page with the question and its filters."""
        pairs = [("q", question), ("since", self.since), ("until", self.until)]
        for part in ("outlets", "ignore", "languages", "speakers"):
            pairs += [(part, value) for value in getattr(self, part)]
        return "?" + urlencode([(k, v) for k, v in pairs if v], errors="replace")


@dataclass(slots=True)
class Exchange:
    """One question on the page and what became of it: nothing yet, a model's draft, its first sentences, an answer or an
    error.

    ``so_far`` is the answer as far as it was told. ``period`` and ``outlets`` are what the question's own words narrow the search to, ``rated`` what the reader said.
    """

    number: int
    question: str
    narrowed: Narrowing = Narrowing()
    draft: str = ""
    so_far: Answer | None = None
    answer: Answer | None = None
    error: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    period: tuple[date, date] | None = None
    outlets: tuple[str, ...] = ()
    rated: Literal["", "up", "down"] = ""
    timeline: tuple[Citation, ...] = ()

    @property
    def waiting(self) -> bool:
        return self.answer is None and not self.error

    def kept(self) -> dict[str, Any]:
        """As JSON, for the browser to keep."""
        return {
            "key": self.key,
            "question": self.question,
            "narrowed": asdict(self.narrowed),
            "answer": self.answer.to_json() if self.answer else None,
            "error": self.error,
            "period": [d.isoformat() for d in self.period] if self.period else None,
            "outlets": list(self.outlets),
            "rated": self.rated,
        }


@dataclass(slots=True)
class Conversation:
    """The exchanges of one tab. It is kept on the server while the tab is open, and in the browser beyond."""

    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def waiting(self) -> bool:
        return bool(self.exchanges) and self.exchanges[-1].waiting

    def turns(self) -> list[Turn]:
        """The answered exchanges, as what a follow-up may refer to."""
        return [Turn(e.question, e.answer.text) for e in self.exchanges[-TURNS:] if e.answer is not None]

    def turn(self, number: object) -> Exchange | None:
        return next((e for e in self.exchanges if e.number == number), None)

    def become(self, other: Conversation) -> None:
        self.exchanges, self.id = other.exchanges, other.id

    def cut(self, number: int) -> None:
        """Go back to before an exchange. Where later ones would be lost, what follows is a conversation of its own."""
        if self.exchanges and number < self.exchanges[-1].number:
            self.id = secrets.token_hex(8)
        self.exchanges = [e for e in self.exchanges if e.number < number]


def conversation_of(value: object) -> Conversation:
    """A kept conversation; exchanges that are no such thing are left out."""
    given = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
    talk = Conversation()
    if _is_key(given.get("id")):
        talk.id = str(given["id"])
    listed = given.get("exchanges")
    for raw in cast("list[object]", listed)[-KEPT:] if isinstance(listed, list) else []:
        if (shown := _exchange_of(raw, len(talk.exchanges) + 1)) is not None:
            talk.exchanges.append(shown)
    return talk


def _exchange_of(raw: object, number: int) -> Exchange | None:
    given = cast("Mapping[str, object]", raw) if isinstance(raw, Mapping) else {}
    question = _string(given.get("question"))
    if not question.strip() or len(question) > 10 * QUESTION_CHARS:
        return None
    shown = Exchange(number, question, Narrowing.of(given.get("narrowed")), error=_string(given.get("error")))
    if _is_key(given.get("key")):
        shown.key = str(given["key"])
    try:
        shown.answer = answer_of(given.get("answer"))
        match given.get("period"):
            case [str(since), str(until)]:
                shown.period = (date.fromisoformat(since), date.fromisoformat(until))
            case _:
                pass
    except (KeyError, TypeError, ValueError):
        shown.answer = None
    shown.outlets = _strings(given.get("outlets"))
    rated = given.get("rated")
    shown.rated = "up" if rated == "up" else "down" if rated == "down" else ""
    if shown.answer is None and not shown.error:
        shown.error = UNANSWERED
    return shown


def answer_of(raw: object) -> Answer | None:
    """An answer from its JSON form. Raises KeyError, TypeError or ValueError where it is none."""
    if raw is None:
        return None
    given = _mapping(raw)
    status = given["status"]
    if status not in get_args(Status):
        raise ValueError(f"no status: {status!r}")
    coverage = _mapping(given["coverage"])
    return Answer(
        question=_str(given["question"]),
        status=status,
        sentences=tuple(
            Sentence(_str(s["text"]), tuple(_int(n) for n in _list(s["citations"])), _str(s["speaker"]))
            for s in map(_mapping, _list(given["sentences"]))
        ),
        citations=tuple(_citation(c) for c in _list(given["citations"])),
        nearest=tuple(_citation(c) for c in _list(given["nearest"])),
        coverage=Coverage(
            _int(coverage["articles"]),
            _int(coverage["passages"]),
            {_str(k): _int(v) for k, v in _mapping(coverage["outlets"]).items()},
            _day(coverage["since"]),
            _day(coverage["until"]),
        ),
        searched=_str(given["searched"]),
        short=_str(given["short"]),
        confidence=float(given["confidence"]),
        notes=tuple(_str(n) for n in _list(given["notes"])),
        model=_str(given["model"]),
        timing_ms=float(given["timing_ms"]),
        guard=_guard(given.get("guard")),  # answers kept by older versions have none
    )


def _guard(raw: object) -> Guard | None:
    if raw is None:
        return None
    given = _mapping(raw)
    return Guard(**{each.name: _int(given[each.name]) for each in fields(Guard)})


def _citation(raw: object) -> Citation:
    c = _mapping(raw)
    texts = {k: _str(c[k]) for k in ("article", "title", "outlet", "url", "quote", "passage", "speaker")}
    return Citation(
        n=_int(c["n"]),
        published=_day(c["published"]),
        start=_int(c["start"]),
        end=_int(c["end"]),
        also_in=tuple(_str(o) for o in _list(c["also_in"])),
        corrections=tuple(map(_correction, _list(c.get("corrections", [])))),
        **texts,
    )


def _correction(raw: object) -> Correction:
    c = _mapping(raw)
    texts = {k: _str(c[k]) for k in ("article", "title", "outlet", "url", "wrong", "right")}
    return Correction(published=_day(c["published"]), start=_int(c["start"]), end=_int(c["end"]), **texts)


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no mapping")
    return cast("dict[str, Any]", value)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return cast("list[Any]", value)


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _int(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**53:
        raise TypeError("no count")
    return value


def _day(value: object) -> str:
    from datetime import datetime

    if text := _str(value):
        datetime.fromisoformat(text)
        date.fromisoformat(text[:10])
    return text


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _strings(value: object) -> tuple[str, ...]:
    listed = cast("list[object]", value) if isinstance(value, list | tuple) else []
    return tuple(v[:200] for v in listed[:500] if isinstance(v, str))


def _is_key(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isalnum() and 0 < len(value) <= 32

"""What other programs call: /ask, /search and /quotes, over Gradio's API and as tools of an MCP server.

Each gives JSON and raises ``gr.Error`` with a line that names the cure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

import gradio as gr

from rag.archive import QUESTION_CHARS
from rag.errors import QuestionError, RagError
from rag.records import FilterKeywords, Turn
from rag.retrieval.periods import parse_day, parse_moment
from web.desk import Desk
from web.quotes import Wanted, rows
from web.talk import TURNS


def endpoints(desk: Desk) -> dict[str, Callable[..., Any]]:
    """The functions by name."""

    def ask(
        question: str,
        since: str = "",
        until: str = "",
        outlets: list[str] | None = None,
        now: str = "",
        history: list[Any] | None = None,
        languages: list[str] | None = None,
        speakers: list[str] | None = None,
    ) -> dict[str, Any]:
        """Ask the news archive a question. Returns the answer as JSON: status, sentences, citations, coverage, notes.

        Args:
            question: what to ask, in plain words
            since: only articles of this day or later, as 2024-06-11
            until: only articles of this day or earlier
            outlets: only these outlets
            now: the date or time that "last week" counts from
            history: the conversation so far, as [[question, answer], …] or as messages with role and content
            languages: only articles in these languages, as codes such as en
            speakers: only the words of these people
        """
        with told(), desk.at_work():
            narrowed = filters_of(since, until, outlets, languages, speakers, now)
            answered = desk.archive.ask(text_of(question, "question"), history=turns_of(history), **narrowed)
        return answered.to_json()

    def search(
        question: str,
        k: int = 10,
        since: str = "",
        until: str = "",
        outlets: list[str] | None = None,
        languages: list[str] | None = None,
        speakers: list[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Search the news archive. Returns the best passages, best first, with their articles.

        Args:
            question: what to search for, in plain words
            k: how many passages, 1 to 50
            since: only articles of this day or later, as 2024-06-11
            until: only articles of this day or earlier
            outlets: only these outlets
            languages: only articles in these languages, as codes such as en
            speakers: only passages that hold words of these people
        """
        with told():
            if not isinstance(k, int) or not 1 <= k <= 50:  # type: ignore[reportUnnecessaryIsInstance]
                raise QuestionError(f"k is {_clip(k)!r}; give a whole number from 1 to 50")
            narrowed = filters_of(since, until, outlets, languages, speakers)
            hits = desk.archive.search(text_of(question, "question"), k, **narrowed)
        return [
            {
                "article": h.article.id,
                "title": h.article.title,
                "outlet": h.article.outlet,
                "published": h.article.published,
                "url": h.article.url,
                "start": h.passage.start,
                "end": h.passage.end,
                "text": h.passage.text,
                "score": h.score,
                "also_in": list(h.also_in),
            }
            for h in hits
        ]

    def quotes(
        speaker: str = "", about: str = "", since: str = "", until: str = "", outlet: str = ""
    ) -> list[dict[str, Any]]:
        """Who said what in the news archive: the newest 500 statements that fit, with speaker, verb, words and source.

        Args:
            speaker: only this person's words
            about: only statements that hold these words
            since: only articles of this day or later, as 2024-06-11
            until: only articles of this day or earlier
            outlet: only this outlet
        """
        with told():
            first, last = days_of(since, until, names=("since", "until"))
            found, _ = rows(
                desk.archive,
                Wanted(text_of(speaker, "speaker"), text_of(about, "about"), first, last, text_of(outlet, "outlet")),
            )
        return [row.to_json() for row in found]

    return {"ask": ask, "search": search, "quotes": quotes}


@contextmanager
def told() -> Generator[None]:
    """Our errors as Gradio's, which their caller sees."""
    try:
        yield
    except RagError as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error


# What comes in from outside


def text_of(value: object, name: str) -> str:
    """Raises QuestionError."""
    if not isinstance(value, str):
        raise QuestionError(f"the {name} must be text")
    return value


def filters_of(
    since: object, until: object, outlets: object, languages: object, speakers: object, now: object = ""
) -> FilterKeywords:
    """Raises QuestionError."""
    first, last = days_of(since, until, names=("since", "until"))
    return {
        "since": first,
        "until": last,
        "outlets": names_of(outlets, "outlets", "Xinhua"),
        "languages": names_of(languages, "languages", "en"),
        "speakers": names_of(speakers, "speakers", "Lavrov"),
        "now": parse_moment(_clip(now), "now") if now else None,
    }


def days_of(since: object, until: object, names: tuple[str, str]) -> tuple[date | None, date | None]:
    """The days of a filter, None for nothing; ``names`` is what its two ends are called. Raises QuestionError."""
    first, last = (
        None if value in (None, "") else parse_day(_clip(value), name)
        for value, name in zip((since, until), names, strict=True)
    )
    if first and last and first > last:
        raise QuestionError(f"{names[0]} {first} is after {names[1]} {last}; swap them")
    return first, last


def _clip(value: object) -> str:
    return str(value)[:40]


def names_of(value: object, what: str, such_as: str) -> list[str]:
    """A list of outlets or the like. Raises QuestionError."""
    names = cast("list[object]", value) if isinstance(value, list) else [] if value in (None, "") else None
    if names is None or not all(isinstance(n, str) for n in names):
        raise QuestionError(f'{what} must be a list of names; write it as ["{such_as}"]')
    return cast("list[str]", names)


def turns_of(history: object) -> list[Turn]:
    """A chat history as turns, from either shape that chat clients send; entries that are neither are left out.

    Shapes: ``[[question, answer], …]``, and ``[{"role": "user" | "assistant", "content": …}, …]`` with the content as
    text or as a list of ``{"type": "text", "text": …}``.
    """
    turns: list[Turn] = []
    asked = ""
    for entry in cast("list[object]", history) if isinstance(history, list) else []:
        match entry:
            case [str(question), str() | None as answer] if question.strip():
                turns.append(Turn(question, answer or ""))
            case {"role": "user", "content": content} if text := _text(content):
                if asked:
                    turns.append(Turn(asked))
                asked = text
            case {"role": "assistant", "content": content} if asked and (text := _text(content)):
                turns.append(Turn(asked, text))
                asked = ""
            case _:
                continue
    if asked:
        turns.append(Turn(asked))
    return [t for t in turns if len(t.question) <= QUESTION_CHARS][-TURNS:]


def _text(content: object) -> str:
    match content:
        case str():
            return content.strip()
        case [*parts]:
            return " ".join(filter(None, map(_part, cast("Sequence[object]", parts)))).strip()
        case _:
            return ""


def _part(part: object) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case _:
            return ""

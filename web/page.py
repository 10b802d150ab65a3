"""The page's Gradio blocks: what is asked goes to the archive, what comes back to web.render."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.events import api
from gradio.themes import Base

from rag.archive import QUESTION_CHARS, Archive
from rag.errors import QuestionError, RagError
from rag.records import Article, Turn
from rag.retrieval.periods import parse_day, parse_moment
from rag.settings import Settings
from web import render
from web.render import Exchange

HERE = Path(__file__).parent
RUNNING, WAITING = 4, 200  # questions answered at a time, and waiting for it; the next is told that the page is busy
TURNS = 50  # of a conversation are handed to the archive, the newest ones

SEED = "Wang Yi meets Lavrov on China-Russia, BRICS cooperation"
SEED_QUESTIONS: tuple[str, ...] = (
    "What did Lavrov say about BRICS expansion?",
    "What did Wang Yi say about BRICS?",
    "What did Macron say about BRICS?",
    "Where will the BRICS summit take place?",
)


@dataclass(slots=True)
class Conversation:
    """What one browser tab has asked; kept on the server, so a client cannot forge it."""

    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    @property
    def waiting(self) -> bool:
        last = self.exchanges[-1] if self.exchanges else None
        return last is not None and last.answer is None and not last.error

    def turns(self) -> list[Turn]:
        """The answered exchanges."""
        return [Turn(e.question, e.answer.text) for e in self.exchanges[-TURNS:] if e.answer is not None]


class Desk:
    """One archive, opened when first needed: a page that was served before the first ingest works after it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._archive: Archive | None = None
        self._guard = threading.Lock()
        self._examples: tuple[int, list[str]] = (-1, [])

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

    def front(self) -> tuple[str, str, dict[str, int]]:
        """The masthead, the opening, and the outlets with their counts."""
        path = str(self.settings.archive)
        try:
            status = self.archive.status()
            if not status.articles:
                return render.masthead(status), render.unavailable(f"The archive in {path} is empty.", path), {}
            asks = self.examples(status.generation, status.until)
        except RagError as error:
            return render.masthead(None), render.unavailable(str(error), path), {}
        return render.masthead(status), render.opening(asks), dict(status.outlets)

    def examples(self, generation: int, until: str) -> list[str]:
        """Questions that the archive's newest month suggests: what the people in it said, else its headlines."""
        if self._examples[0] != generation:
            since = date.fromisoformat(until[:10]) - timedelta(days=30) if until else None
            hits = self.archive.search("what officials said", 24, since=since)
            found = {h.article.id: h.article for h in sorted(hits, key=lambda h: h.article.published, reverse=True)}
            asks = [*SEED_QUESTIONS] if [a.title for a in found.values()] == [SEED] else self._suggest(found)
            self._examples = (generation, asks)
        return self._examples[1]

    def _suggest(self, articles: dict[str, Article]) -> list[str]:
        asks: list[str] = []
        for article in articles.values():
            names = [s.speaker for s in self.archive.statements(article.id) if _is_name(s.speaker)]
            asks.append(f"What did {names[0]} say?" if names else article.title)
        return list(dict.fromkeys(a for a in asks if a))[:4]

    def cited(self, shown: Exchange | None) -> dict[str, Article]:
        """The articles that an answer cites or comes near to, those that the archive still holds."""
        found: dict[str, Article] = {}
        if shown is not None and shown.answer is not None:
            for citation in (*shown.answer.citations, *shown.answer.nearest):
                try:
                    found[citation.article] = self.archive.article(citation.article)
                except KeyError:
                    continue
        return found


def _is_name(speaker: str) -> bool:
    words = speaker.split()
    return len(words) > 1 and all(word[0].isupper() for word in words)


# What comes in from outside


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


def names_of(value: object) -> list[str]:
    """A list of outlets. Raises QuestionError."""
    names = cast("list[object]", value) if isinstance(value, list) else [] if value in (None, "") else None
    if names is None or not all(isinstance(n, str) for n in names):
        raise QuestionError('outlets must be a list of names; write it as ["Xinhua"]')
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
            return " ".join(filter(None, map(_part, cast("list[object]", parts)))).strip()
        case _:
            return ""


def _part(part: object) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case _:
            return ""


# The page


def theme() -> Base:
    """Local fonts only; the rest of the look is in style.css."""
    sans = ["-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "Helvetica Neue", "Arial", "sans-serif"]
    return Base(font=sans, font_mono=["ui-monospace", "Consolas", "Liberation Mono", "monospace"]).set(
        body_background_fill="#fbfaf7",
        body_background_fill_dark="#141519",
        body_text_color="#1c1b19",
        body_text_color_dark="#e9e6df",
    )


def build(desk: Desk) -> gr.Blocks:
    """The page over one archive, ready for ``launch``. Its only public endpoint is ``/ask``."""
    script = (HERE / "page.js").read_text(encoding="utf-8")

    def refresh() -> tuple[str, str, Any]:
        head, front, outlets = desk.front()
        choices = [(f"{name} ({count:,})", name) for name, count in outlets.items()]
        return head, front, gr.update(choices=choices, value=[])

    def put(question: object, talk: Conversation, dates: object, outlets: object) -> tuple[Any, ...]:
        """The question appears at once, before its turn to be answered has come."""
        asked = " ".join(question.split()) if isinstance(question, str) else ""
        if talk.waiting or not asked:
            if talk.waiting:
                gr.Info("The last question is still being answered; ask this one again when it is done.")
            return question, talk, gr.skip(), gr.skip()
        talk.exchanges.append(Exchange(len(talk.exchanges) + 1, asked, _narrowed(dates, outlets)))
        return "", talk, "".join(render.exchange(e) for e in talk.exchanges[:-1]), render.exchange(talk.exchanges[-1])

    def pick(talk: Conversation, dates: object, outlets: object, event: gr.EventData) -> tuple[Any, ...]:
        return put(getattr(event, "question", ""), talk, dates, outlets)

    def answer(talk: Conversation, dates: object, outlets: object) -> Iterator[tuple[Any, ...]]:
        if not talk.waiting:
            yield gr.skip(), gr.skip()
            return
        shown = talk.exchanges[-1]
        try:
            since, until = days_of(*_dates(dates), names=("“From”", "“to”"))
            for step in desk.archive.stream(
                shown.question,
                history=talk.turns(),
                since=since,
                until=until,
                outlets=names_of(outlets),
            ):
                shown.draft, shown.answer = step.draft, step.answer
                if step.answer is None:
                    yield render.exchange(shown), gr.skip()
            articles = desk.cited(shown)
        except RagError as error:
            shown.answer, shown.error, articles = None, str(error), {}
        finally:
            if talk.waiting:  # stopped, or failed in a way that ``failed`` will tell
                shown.error = "This question was not answered; ask it again."
        yield render.exchange(shown), render.sources(shown, articles)

    def failed(talk: Conversation) -> Any:
        """An error nobody foresaw, or a full queue: the server's log has it, the page says so in words."""
        if not talk.exchanges:
            return gr.skip()
        shown = talk.exchanges[-1]
        if shown.answer is None:
            shown.error = "Something went wrong, or too many questions are waiting. Ask again in a moment."
        return render.exchange(shown)

    def open_source(talk: Conversation, event: gr.EventData) -> Any:
        turn, n = getattr(event, "turn", 0), getattr(event, "n", 0)
        shown = next((e for e in talk.exchanges if e.number == turn), None)
        if shown is None or not isinstance(n, int):
            return gr.skip()
        return render.sources(shown, desk.cited(shown), n)

    def ask(
        question: str,
        since: str = "",
        until: str = "",
        outlets: list[str] | None = None,
        now: str = "",
        history: list[Any] | None = None,
    ) -> dict[str, Any]:
        """Ask the archive. Returns the answer as JSON: status, sentences, citations, coverage, notes.

        Args:
            question: what to ask, in plain words
            since: only articles of this day or later, as 2024-06-11
            until: only articles of this day or earlier
            outlets: only these outlets
            now: the date or time that "last week" counts from
            history: the conversation so far, as [[question, answer], …] or as messages with role and content
        """
        try:
            if not isinstance(question, str):  # type: ignore[reportUnnecessaryIsInstance]
                raise QuestionError("the question must be text")
            first, last = days_of(since, until, names=("since", "until"))
            answered = desk.archive.ask(
                question,
                history=turns_of(history),
                since=first,
                until=last,
                outlets=names_of(outlets),
                now=parse_moment(_clip(now), "now") if now else None,
            )
        except RagError as error:
            raise gr.Error(str(error), duration=None, print_exception=False) from error
        return answered.to_json()

    head, front, _ = desk.front()
    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_width=True) as page:
        talk = gr.State(Conversation())
        top = gr.HTML(head, elem_id="top")
        with gr.Row(elem_id="desk"):
            with gr.Column(scale=3, min_width=320, elem_id="talk"):
                with gr.Column(elem_id="reading"):
                    past = gr.HTML("", elem_id="past", js_on_load=script)
                    current = gr.HTML(front, elem_id="current", js_on_load=script)
                with gr.Column(elem_id="composer"):
                    box = gr.Textbox(
                        label="Your question",
                        placeholder="Ask a question",
                        show_label=False,
                        lines=1,
                        max_lines=6,
                        submit_btn="Ask",
                        container=False,
                        elem_id="question",
                    )
                    with gr.Row(elem_id="filters"):
                        dates = gr.HTML(
                            cast("Any", {"since": "", "until": ""}),
                            html_template=_DATES,
                            js_on_load=_DATES_JS,
                            elem_id="dates",
                        )
                        outlets = gr.Dropdown([], label="Outlets", multiselect=True, value=[], elem_id="outlets")
            with gr.Column(scale=2, min_width=320, elem_id="side"):
                panel = gr.HTML(render.sources(None, {}), elem_id="panel", js_on_load=script)

        narrowing = [talk, dates, outlets]
        at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        queued: dict[str, Any] = {"concurrency_id": "answers", "concurrency_limit": RUNNING}
        asked = [box, talk, past, current]
        page.load(refresh, None, [top, current, outlets], **at_once)
        for event in (
            box.submit(put, [box, *narrowing], asked, **at_once),
            current.pick(pick, narrowing, asked, **at_once),
        ):
            answered = event.then(
                answer, narrowing, [current, panel], show_progress="hidden", api_visibility="private", **queued
            )
            answered.failure(failed, [talk], [current], **at_once)
        for part in (past, current):
            part.open(open_source, [talk], [panel], **at_once)
        api(ask, api_name="ask", **queued)
    page.queue(max_size=WAITING, default_concurrency_limit=RUNNING)
    return page


def launch(page: gr.Blocks, host: str, port: int | None) -> str:
    """Serve the page in the background and return its address. ``port`` None: the first free one from 7860 on."""
    # Gradio asks its own server whether it is up, which must not go through a proxy that the environment names.
    direct = [os.environ.get("no_proxy") or os.environ.get("NO_PROXY", ""), "localhost", "127.0.0.1", host]
    os.environ["no_proxy"] = ",".join(filter(None, direct))
    page.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size="1kb",  # nothing here takes a file
        state_session_capacity=2_000,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        css_paths=HERE / "style.css",
    )
    return f"http://{f'[{host}]' if ':' in host else host}:{page.server_port}"


# Native date inputs: they follow the reader's locale and work by keyboard. The template does not use the value, so
# that a change does not redraw the input that is being typed in.
_DATES = (
    '<label>From <input type="date" name="since"></label><label>to <input type="date" name="until"></label>'
)  # fmt: skip
_DATES_JS = """
element.addEventListener("change", (event) => {
  props.value = { ...props.value, [event.target.name]: event.target.value };
});
"""


def _dates(value: object) -> tuple[object, object]:
    match value:
        case {"since": since, "until": until}:
            return since, until
        case _:
            return "", ""


def _narrowed(dates: object, outlets: object) -> str:
    """The filters of a question in words, as the reader set them."""
    since, until = _dates(dates)
    parts = [f"from {since}" if since else "", f"to {until}" if until else ""]
    names: Sequence[object] = cast("list[object]", outlets) if isinstance(outlets, list) else []
    return " · ".join(x for x in (" ".join(p for p in parts if p), ", ".join(map(str, names))) if x)

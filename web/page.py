"""The page: Gradio's blocks, and what happens between them. What is shown is made by the modules of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import gradio as gr
from gradio.events import api

from rag.errors import QuestionError, RagError
from rag.records import Citation, FilterKeywords
from web import conversation, evidence, export, holdings
from web import quotes as said
from web.desk import Desk
from web.endpoints import days_of, endpoints, text_of
from web.evidence import Shelf
from web.html import escape
from web.serve import launch
from web.talk import UNANSWERED, Conversation, Exchange, Narrowing, conversation_of

__all__ = ["Desk", "build", "launch"]

HERE = Path(__file__).parent
RUNNING, WAITING = 4, 400  # questions answered at a time, and waiting for it; the next is told that the page is busy
BUSY = "Something went wrong, or too many questions are waiting. Ask again in a moment."
STOPPED = "Stopped before it was answered."


def build(desk: Desk) -> gr.Blocks:
    """The page over one archive, ready for ``launch``. Its public endpoints are those of ``web.endpoints``."""
    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_width=True) as page:
        talk = gr.State(Conversation())
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Ask", id="ask", elem_id="ask"):
                _asking(desk, page, talk)
            with gr.Tab("Quotes", id="quotes", elem_id="quotes") as quoting:
                _quoting(desk, quoting)
            with gr.Tab("Archive", id="archive", elem_id="archive") as held:
                _holding(desk, held)
        for name, function in endpoints(desk).items():
            api(function, api_name=name, concurrency_id="answers", concurrency_limit=RUNNING)
    page.queue(max_size=WAITING, default_concurrency_limit=RUNNING)
    return page


AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
QUEUED: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def _script(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


# Asking


def _asking(desk: Desk, page: gr.Blocks, talk: gr.State) -> None:
    head, front, _ = desk.front()
    script = _script("page.js")
    top = gr.HTML(head, elem_id="top", js_on_load=script)
    courier = gr.HTML(cast("Any", {}), html_template=" ", js_on_load=_script("courier.js"), elem_id="courier")
    with gr.Row(elem_id="desk"):
        with gr.Column(scale=1, min_width=160, elem_id="shelf"):
            keeper = gr.HTML(cast("Any", {}), html_template=_KEEPER, js_on_load=_script("keeper.js"), elem_id="keeper")
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
                    interactive=False,
                )
                narrow = gr.HTML(
                    cast("Any", _narrowed(Narrowing())),
                    html_template=_NARROW,
                    js_on_load=_script("narrowing.js"),
                    elem_id="narrow",
                    held=[],
                    bars=[],
                    languages=[],
                    people=[],
                )
        with gr.Column(scale=2, min_width=320, elem_id="side"):
            panel = gr.HTML(evidence.panel(None, {}), elem_id="panel", js_on_load=script)

    def shown(exchanges: Sequence[Exchange], front: str) -> tuple[str, str]:
        """What was asked before, and the last question or, before the first, the opening."""
        past = "".join(conversation.exchange(e) for e in exchanges[:-1])
        return past, conversation.exchange(exchanges[-1]) if exchanges else front

    def whole(talk: Conversation, narrowed: Narrowing | None = None) -> tuple[Any, ...]:
        """Everything, for a page that was just opened or another conversation; its filters stay unless others are given."""
        head, front, held = desk.front()
        last = next((e for e in reversed(talk.exchanges) if e.answer), None)
        narrowing = gr.update(**held) if narrowed is None else gr.update(value=_narrowed(narrowed), **held)
        return (talk, head, *shown(talk.exchanges, front), _panel(desk, last), narrowing, _kept(talk))

    def begin(opened: object, talk: Conversation) -> tuple[Any, ...]:
        """What the browser had open, or what a link asks. Only then can something be asked: the box was closed so far."""
        given = cast("dict[str, object]", opened) if isinstance(opened, dict) else {}
        link = given.get("link")
        narrowed = Narrowing.of(link) if isinstance(link, dict) else None
        if not talk.exchanges:
            talk.become(conversation_of(given.get("talk")))
            asked = cast("dict[str, object]", link).get("q") if isinstance(link, dict) else ""
            if isinstance(asked, str) and asked.strip():
                talk.exchanges.append(Exchange(1, " ".join(asked.split()), narrowed or Narrowing()))
        return gr.update(interactive=True), *whole(talk, narrowed)

    def reopen(talk: Conversation, event: gr.EventData) -> tuple[Any, ...]:
        talk.become(conversation_of(getattr(event, "talk", None)))
        return whole(talk)

    def put(question: object, talk: Conversation, narrowed: object) -> tuple[Any, ...]:
        """The question appears at once, before its turn to be answered has come."""
        asked = " ".join(question.split()) if isinstance(question, str) else ""
        if talk.waiting or not asked:
            if talk.waiting:
                gr.Info("The last question is still being answered; ask this one again when it is done, or stop it.")
            return gr.skip(), talk, gr.skip(), gr.skip(), gr.skip()  # what stands in the box may have grown already
        talk.exchanges.append(Exchange(len(talk.exchanges) + 1, asked, Narrowing.of(narrowed)))
        return ("", talk, *shown(talk.exchanges, ""), _kept(talk))

    def pick(talk: Conversation, narrowed: object, event: gr.EventData) -> tuple[Any, ...]:
        return put(getattr(event, "question", ""), talk, narrowed)

    def redo(talk: Conversation, event: gr.EventData) -> tuple[Any, ...]:
        """The same question again, or with other words, or without one of its filters."""
        old = talk.turn(getattr(event, "turn", 0))
        question = getattr(event, "question", None)
        if old is None or talk.waiting:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
        asked = " ".join(question.split()) if isinstance(question, str) else old.question
        narrowed = _without(old.narrowed, str(getattr(event, "without", "")))
        if asked:
            talk.cut(old.number)
            talk.exchanges.append(Exchange(old.number, asked, narrowed))
        return (gr.skip(), talk, *shown(talk.exchanges, ""), _kept(talk))

    def answer(talk: Conversation) -> Iterator[tuple[Any, ...]]:
        if not talk.waiting:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        asked = talk.exchanges[-1]
        n = asked.narrowed
        try:
            with desk.at_work():
                for step in desk.archive.stream(asked.question, history=talk.turns(), ignore=n.ignore, **_filters(n)):
                    asked.draft, asked.so_far, asked.answer = step.draft, step.so_far, step.answer
                    if step.answer is None:
                        yield conversation.exchange(asked), gr.skip(), gr.skip()
                desk.understood(asked)
        except RagError as error:
            if asked.answer is None:  # what was told is not taken back
                asked.error = str(error)
        finally:
            if asked.waiting:  # stopped, or failed in a way that ``failed`` will tell
                asked.error = UNANSWERED
        yield conversation.exchange(asked), gr.skip(), _kept(talk)
        yield gr.skip(), _panel(desk, asked), gr.skip()

    def failed(talk: Conversation) -> tuple[Any, ...]:
        """An error nobody foresaw, or a full queue: the server's log has it, the page says so in words."""
        if not talk.exchanges:
            return gr.skip(), gr.skip()
        last = talk.exchanges[-1]
        if last.answer is None:
            last.error = BUSY
        return conversation.exchange(last), _kept(talk)

    def stop(talk: Conversation) -> tuple[Any, ...]:
        if talk.exchanges and talk.exchanges[-1].answer is None:
            talk.exchanges[-1].error = STOPPED
        return failed_or_stopped(talk)

    def failed_or_stopped(talk: Conversation) -> tuple[Any, ...]:
        return (conversation.exchange(talk.exchanges[-1]), _kept(talk)) if talk.exchanges else (gr.skip(), gr.skip())

    def open_source(talk: Conversation, event: gr.EventData) -> Any:
        n, old = getattr(event, "n", 0), talk.turn(getattr(event, "turn", 0))
        if old is None or not isinstance(n, int):
            return gr.skip()
        if getattr(event, "of", "") == "timeline":
            shelf = Shelf(old.number, old.question, tuple(c for c in old.timeline if c.n == n), "timeline")
            return evidence.panel(shelf, desk.articles(shelf.cited), n)
        return _panel(desk, old, n)

    def view(talk: Conversation, event: gr.EventData) -> Any:
        old = talk.turn(getattr(event, "turn", 0))
        if old is None:
            return gr.skip()
        if getattr(event, "view", "") != "timeline":
            return _panel(desk, old)
        try:
            searched = old.answer.searched if old.answer else old.question
            old.timeline = tuple(desk.archive.timeline(searched, **_filters(old.narrowed)))
        except RagError as error:
            gr.Warning(str(error))
            return gr.skip()
        return evidence.timeline(Shelf(old.number, old.question, old.timeline, "timeline"))

    def take(talk: Conversation, event: gr.EventData) -> Any:
        """An answer, or without its number the whole conversation, as a file or to be copied."""
        form, old = str(getattr(event, "format", "")), talk.turn(getattr(event, "turn", 0))
        chosen = [e for e in ([old] if old else talk.exchanges) if e.answer is not None]
        if not chosen:
            gr.Info("There is no answer to take along yet.")
            return gr.skip()
        if form == "copy":
            answers = [e.answer for e in chosen if e.answer]
            return _parcel(
                "copy", text="\n".join(map(export.plain, answers)), html="".join(map(export.fragment, answers))
            )
        if form not in export.FORMATS:
            return gr.skip()
        cited = [c for e in chosen if e.answer for c in e.answer.citations]
        made = export.file(chosen, form, desk.articles(cited))
        return _parcel("save", name=made.name, type=made.type, text=made.text)

    def rate(talk: Conversation, event: gr.EventData) -> tuple[Any, ...]:
        old = talk.turn(getattr(event, "turn", 0))
        if old is None or old.answer is None:
            return gr.skip(), gr.skip(), gr.skip()
        good = bool(getattr(event, "good", False))
        reason, expected = str(getattr(event, "reason", "")), str(getattr(event, "expected", ""))
        try:
            desk.feedback.keep(old.key, old.answer, good=good, reason=reason, expected=expected)
        except RagError as error:
            gr.Warning(str(error))
            return gr.skip(), gr.skip(), gr.skip()
        old.rated = "up" if good else "down"
        gr.Info("Kept in the archive's folder, on this machine.")
        before, last = shown(talk.exchanges, "")
        is_last = old is talk.exchanges[-1]
        return (gr.skip() if is_last else before, last if is_last else gr.skip(), _kept(talk, old))

    everything = [talk, top, past, current, panel, narrow, keeper]
    asked = [box, talk, past, current, keeper]
    begun = page.load(begin, [keeper, talk], [box, *everything], js="() => [window.datelineOpened()]", **AT_ONCE)
    answers: list[Any] = []
    for event in (
        begun,
        # A question that is sent while an empty one is still being turned away is not lost.
        box.submit(put, [box, talk, narrow], asked, trigger_mode="always_last", **AT_ONCE),
        *(part.pick(pick, [talk, narrow], asked, **AT_ONCE) for part in (past, current)),
        *(part.redo(redo, [talk], asked, **AT_ONCE) for part in (past, current)),
    ):
        answered = event.then(
            answer, [talk], [current, panel, keeper], concurrency_id="answers", concurrency_limit=RUNNING, **QUEUED
        )
        answered.failure(failed, [talk], [current, keeper], **AT_ONCE)
        answers.append(answered)
    for part in (past, current, panel):
        part.open(open_source, [talk], [panel], **AT_ONCE)
    for part in (past, current):
        part.take(take, [talk], [courier], **AT_ONCE)
        part.rate(rate, [talk], [past, current, keeper], **AT_ONCE)
    current.stop(stop, [talk], [current, keeper], cancels=answers, **AT_ONCE)
    panel.view(view, [talk], [panel], concurrency_id="answers", concurrency_limit=RUNNING, **QUEUED)
    keeper.reopen(reopen, [talk], everything, **AT_ONCE)
    keeper.take(take, [talk], [courier], **AT_ONCE)


def _panel(desk: Desk, old: Exchange | None, focus: int = 0) -> str:
    """The evidence panel for one exchange."""
    if old is None or old.answer is None:
        return evidence.panel(None, {})
    kind: Literal["sources", "nearest"] = "sources" if old.answer.citations else "nearest"
    cited: tuple[Citation, ...] = old.answer.citations or old.answer.nearest
    return evidence.panel(Shelf(old.number, old.question, cited, kind), desk.articles(cited), focus)


def _kept(talk: Conversation, changed: Exchange | None = None) -> dict[str, Any]:
    """What the browser is to keep: the exchange that changed (by default the last), and how many there are."""
    last = changed or (talk.exchanges[-1] if talk.exchanges else None)
    return {
        "id": talk.id,
        "count": len(talk.exchanges),
        "keys": [e.key for e in talk.exchanges],
        "number": last.number if last else 0,
        "exchange": last.kept() if last else None,
    }


def _narrowed(n: Narrowing) -> dict[str, Any]:
    lists = {"outlets": list(n.outlets), "languages": list(n.languages), "speakers": list(n.speakers)}
    return {"since": n.since, "until": n.until, **lists}


def _filters(n: Narrowing) -> FilterKeywords:
    """Raises QuestionError for what is no day."""
    since, until = days_of(n.since, n.until, names=("“From”", "“to”"))
    return {"since": since, "until": until, "outlets": n.outlets, "languages": n.languages, "speakers": n.speakers}


def _without(n: Narrowing, what: str) -> Narrowing:
    """A narrowing without one of its parts, as a chip names it."""
    if what in ("dates", "outlets"):
        return replace(n, ignore=tuple(dict.fromkeys((*n.ignore, cast("Any", what)))))
    if what in ("since", "until"):
        return replace(n, **{what: ""})
    kind, _, name = what.partition(":")
    if kind not in ("outlet", "language", "speaker"):
        return n
    part = f"{kind}s"
    return replace(n, **{part: tuple(value for value in getattr(n, part) if value != name)})


_parcels = iter(range(1, 2**53))


def _parcel(do: str, **what: str) -> dict[str, Any]:
    """Something for the browser to save or copy; numbered, so that the same twice is done twice."""
    return {"n": next(_parcels), "do": do, **what}


_KEEPER = (
    '<nav aria-label="Conversations"><details open><summary>Conversations</summary>'
    '<button type="button" data-new>New conversation</button><ul></ul>'
    '<label class="whole">Export this one <select aria-label="Export this conversation"><option value="">as …</option>'
    + "".join(f'<option value="{f}">{name}</option>' for f, name in export.FORMATS.items())
    + "</select></label></details></nav>"
)
# Native date inputs: they follow the reader's locale and work by keyboard. The template does not use the value, so
# that a change does not redraw the input that is being typed in.
_NARROW = (
    '<div class="narrow" role="group" aria-label="Narrow the search">'
    '<label>From <input type="date" name="since"></label><label>to <input type="date" name="until"></label>'
    '<span class="bars"></span>'
    '<details class="menu outlets"><summary>All outlets</summary><ul></ul></details>'
    '<details class="menu languages" hidden><summary>All languages</summary><ul></ul></details>'
    '<label>Words of <input name="speaker" list="people" placeholder="anybody" dir="auto" maxlength="200"></label>'
    '<datalist id="people"></datalist>'
    '<button type="button" class="plain" data-clear hidden>Clear</button></div>'
)


# The Quotes tab


def _quoting(desk: Desk, tab: gr.Tab) -> None:
    table = gr.HTML(
        cast("Any", {"html": ""}), html_template=_QUOTES, js_on_load=_script("quotes.js"), elem_id="statements"
    )
    courier = gr.HTML(cast("Any", {}), html_template=" ", js_on_load=_script("courier.js"), elem_id="csv")

    def wanted(event: gr.EventData) -> said.Wanted:
        given = {k: text_of(getattr(event, k, ""), k) for k in ("speaker", "about", "since", "until", "outlet")}
        since, until = days_of(given["since"], given["until"], names=("“From”", "“to”"))
        if len(given["speaker"]) + len(given["about"]) > 500:
            raise QuestionError("that is too long to look for; use fewer words")
        return said.Wanted(given["speaker"], given["about"], since, until, given["outlet"])

    def found(read: Callable[[], said.Wanted]) -> dict[str, str]:
        try:
            return {"html": said.table(*said.rows(desk.archive, read()))}
        except RagError as error:
            return {"html": f'<p class="failed" role="alert">{escape(str(error))}</p>'}

    def first() -> dict[str, str]:
        return found(said.Wanted)

    def look(event: gr.EventData) -> dict[str, str]:
        return found(lambda: wanted(event))

    def csv(event: gr.EventData) -> Any:
        try:
            rows, _ = said.rows(desk.archive, wanted(event), None)
        except RagError as error:
            gr.Warning(str(error))
            return gr.skip()
        return _parcel("save", name="quotes.csv", type="text/csv", text="\ufeff" + said.as_csv(rows))

    reading: dict[str, Any] = {"concurrency_id": "quotes", "concurrency_limit": 2, **QUEUED}
    tab.select(first, None, [table], **reading)
    table.look(look, None, [table], **reading)
    table.csv(csv, None, [courier], **reading)


_QUOTES = (
    '<section class="statements" aria-label="Quotes"><h2>Who said what</h2>'
    '<form role="search" aria-label="Search the quotes"><label>Speaker <input name="speaker" dir="auto"></label>'
    '<label>About <input name="about" dir="auto"></label><label>From <input type="date" name="since"></label>'
    '<label>to <input type="date" name="until"></label><label>Outlet <input name="outlet" dir="auto"></label>'
    '<button type="submit">Find</button><button type="button" data-csv>Save as CSV</button></form>'
    '<div class="found"></div></section>'
)


# The Archive tab


def _holding(desk: Desk, tab: gr.Tab) -> None:
    script = _script("page.js")
    view = gr.HTML(" ", elem_id="holdings", js_on_load=script)
    if desk.adding:
        with gr.Column(elem_id="adding"):
            gr.HTML("<h3>Add articles</h3>", elem_id="adding-head")
            with gr.Row():
                files = gr.File(
                    label="Files: " + " ".join(holdings.READERS) + ", also gzipped",
                    file_count="multiple",
                    file_types=[],
                    elem_id="files",
                )
                with gr.Column():
                    url = gr.Textbox(
                        label="Address of an article", placeholder="https://…", elem_id="url", max_length=2000
                    )
                    button = gr.Button("Add to the archive", elem_id="add")
            log = gr.HTML("", elem_id="log", js_on_load=script)

        def add(files: object, url: object) -> Iterator[tuple[Any, Any]]:
            paths = [str(f) for f in cast("list[object]", files)] if isinstance(files, list) else []
            for told in holdings.add(desk, paths, url if isinstance(url, str) else ""):
                yield told, gr.skip()
            yield gr.skip(), holdings.holdings(desk)

        button.click(add, [files, url], [log, view], concurrency_id="adding", concurrency_limit=1, **QUEUED)
    tab.select(lambda: holdings.holdings(desk), None, [view], **AT_ONCE)

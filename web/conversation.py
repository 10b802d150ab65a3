"""The conversation as HTML: the masthead, the opening, and every question with its answer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rag.archive import ArchiveStatus
from rag.records import NOT_IN_ARCHIVE, Answer, Citation, Coverage
from web.export import FORMATS
from web.html import clip, counted, day, escape, span, time_of
from web.talk import Exchange

_STATUS = {
    "answered": "Answered",
    "partly": "Partly answered",
    "conflicting": "Sources conflict",
    "not_in_archive": "Not in the archive",
}
REASONS = ("wrong", "not what was asked", "somebody else's words", "out of date", "should have been found", "other")


def exchange(shown: Exchange) -> str:
    """A question and its answer, as far as it is known."""
    head = f'<h2 class="asked" dir="auto">{escape(shown.question)}</h2>{_searched(shown)}{_chips(shown)}'
    if shown.error:
        body = f'<p class="failed" role="alert">{escape(shown.error)}</p>{_actions(shown)}'
    elif shown.answer is not None:
        body = _answer(shown.answer, shown.number) + _actions(shown)
    else:
        told, text = "Searching the archive", ""
        if shown.so_far is not None:
            told, text = "Answering", _said(shown.so_far, shown.number)
        elif shown.draft:
            told = "Drafting, not checked yet"
            text = f'<p class="said draft" dir="auto">{escape(shown.draft)}</p>'
        body = (
            f'<p class="verdict" role="status"><span class="badge wait">{told}</span> '
            f'<button type="button" class="plain" data-do="stop">Stop</button></p>{text}'
        )
    return (
        f'<article class="turn" id="turn-{shown.number}" data-turn="{shown.number}" '
        f'aria-label="Question {shown.number}">{head}{body}</article>'
    )


def _searched(shown: Exchange) -> str:
    """The standalone question where it is not what was typed, to be changed where it was understood wrongly."""
    answer = shown.answer
    if answer is None or not answer.searched or answer.searched == " ".join(shown.question.split()):
        return ""
    return (
        f'<p class="searched" dir="auto">searched for: <q>{escape(answer.searched)}</q> '
        f'<button type="button" class="plain" data-do="edit" data-text="{escape(answer.searched)}">change</button></p>'
    )


def _chips(shown: Exchange) -> str:
    """What the search was narrowed to, by the reader and by the question's own words; each can be taken away."""
    n = shown.narrowed
    chips = [("since", f"from {n.since}", "")] if n.since else []
    chips += [("until", f"to {n.until}", "")] if n.until else []
    chips += [(f"outlet:{o}", o, "") for o in n.outlets]
    chips += [
        (f"language:{c}", f"in {c}", f'in <span data-language="{escape(c)}">{escape(c)}</span>') for c in n.languages
    ]
    chips += [(f"speaker:{s}", f"words of {s}", "") for s in n.speakers]
    if shown.period:
        first, last = (moment.isoformat() for moment in shown.period)
        told = f"in the question: {span(time_of(first), time_of(last))}"
        chips.append(("dates", f"the question's dates, {span(day(first), day(last))}", told))
    if shown.outlets and not n.outlets:
        chips.append(("outlets", "in the question: " + ", ".join(shown.outlets), ""))
    buttons = [
        f'<button type="button" class="chip" data-do="without" data-what="{escape(what)}" '
        f'aria-label="Ask again without: {escape(text)}"><span dir="auto">{told or escape(text)}</span>'
        '<span aria-hidden="true"> ×</span></button>'
        for what, text, told in chips
    ]
    ignored = ['<span class="chip off">dates of the question ignored</span>'] if "dates" in n.ignore else []
    ignored += ['<span class="chip off">outlets of the question ignored</span>'] if "outlets" in n.ignore else []
    return f'<p class="narrowed">{"".join(buttons + ignored)}</p>' if chips or ignored else ""


def _answer(answer: Answer, turn: int) -> str:
    seconds = f" in {answer.timing_ms / 1000:.1f} s" if answer.timing_ms >= 1000 else f" in {answer.timing_ms:.0f} ms"
    verdict = (
        f'<p class="verdict" role="status"><span class="badge {answer.status}">{_STATUS[answer.status]}</span> '
        f"searched {escape(coverage(answer.coverage))}{seconds if answer.timing_ms else ''}</p>"
    )
    notes = [f"written by {answer.model}, each sentence checked against its sources"] if answer.model else []
    notes += [note for note in answer.notes if note != f"searched for: {answer.searched}"]  # it stands above
    noted = f'<p class="notes" dir="auto">{escape(" · ".join(notes))}</p>' if notes else ""
    return verdict + _said(answer, turn) + noted


def _said(answer: Answer, turn: int) -> str:
    cited = {c.n: c for c in answer.citations}
    if not answer.sentences:
        look = "The passages that come nearest are shown as sources." if answer.nearest else "Nothing in it comes near."
        return f'<p class="said none">{escape(NOT_IN_ARCHIVE)} <span class="aside">{look}</span></p>'
    return _versions(answer, cited, turn) if answer.status == "conflicting" else _sentences(answer, cited, turn)


def _sentences(answer: Answer, cited: dict[int, Citation], turn: int) -> str:
    parts: list[str] = []
    before, short = "", answer.short
    for sentence in answer.sentences:
        label = "" if sentence.speaker == before else sentence.speaker or _reported(sentence.citations, cited)
        before = sentence.speaker
        who = f'<span class="who" dir="auto">{escape(label)}</span>' if label else ""
        told = escape(sentence.text)
        if short and short in sentence.text:
            told, short = _bold(sentence.text, short), ""
        parts.append(f'<p class="said" dir="auto">{who}{told}{_links(sentence.citations, cited, turn)}</p>')
    return "".join(parts)


def _reported(numbers: Sequence[int], cited: dict[int, Citation]) -> str:
    """Whose the words are that follow somebody's, and are not theirs."""
    outlets = list(dict.fromkeys(cited[n].outlet for n in numbers if n in cited and cited[n].outlet))
    return f"Reported by {' and '.join(outlets)}" if outlets else "Reported"


def _versions(answer: Answer, cited: dict[int, Citation], turn: int) -> str:
    """What reports disagree on, side by side, the newest first."""

    def published(citations: Sequence[int]) -> str:
        return max((cited[n].published for n in citations if n in cited), default="")

    columns: list[str] = []
    for sentence in sorted(answer.sentences, key=lambda s: published(s.citations), reverse=True):
        sources = [cited[n] for n in sentence.citations if n in cited]
        heads = [" ".join(x for x in (escape(c.outlet), time_of(c.published)) if x) for c in sources]
        who = f"{escape(sentence.speaker)} in " if sentence.speaker else ""
        columns.append(
            f'<li><span class="who" dir="auto">{who}{" · ".join(heads)}</span><p class="said" dir="auto">'
            f"{escape(sentence.text)}{_links(sentence.citations, cited, turn)}</p></li>"
        )
    return f'<ul class="versions" aria-label="Versions, the newest first">{"".join(columns)}</ul>'


def _bold(sentence: str, short: str) -> str:
    """The sentence with its short answer, where it stands first, in bold."""
    before, _, after = sentence.partition(short)
    return f'{escape(before)}<strong class="short">{escape(short)}</strong>{escape(after)}'


def _links(numbers: Sequence[int], cited: dict[int, Citation], turn: int) -> str:
    return "".join(_link(cited[n], turn) for n in numbers if n in cited)


def _link(citation: Citation, turn: int) -> str:
    where = ", ".join(x for x in (citation.outlet, day(citation.published)) if x) or "undated"
    shown = " · ".join(x for x in (escape(citation.outlet), time_of(citation.published)) if x) or "undated"
    return (
        f'<span class="ref">&nbsp;<a class="cite" href="#sources" data-turn="{turn}" data-n="{citation.n}" '
        f'aria-label="Source {citation.n}: {escape(where)}">[{citation.n}]</a>'
        f'<span class="card" aria-hidden="true"><b>{shown}</b><br>'
        f'<span dir="auto">{escape(clip(citation.title, 160))}</span>'
        f'<span class="quoted" dir="auto">“{escape(clip(citation.quote, 280))}”</span></span></span>'
    )


def _actions(shown: Exchange) -> str:
    """What can be done with an answer."""
    ask = (
        '<button type="button" data-do="retry">Retry</button>'
        f'<button type="button" data-do="edit" data-text="{escape(shown.question)}">Edit</button>'
        f'<button type="button" data-do="link" data-link="{escape(shown.narrowed.link(shown.question))}">Link</button>'
    )
    if shown.answer is None:
        return f'<div class="actions" role="group" aria-label="This question">{ask}</div>'
    formats = "".join(
        f'<li><button type="button" data-do="save" data-format="{f}">{name}</button></li>'
        for f, name in FORMATS.items()
    )
    thumbs = "".join(
        f'<button type="button" data-do="rate" data-good="{good}" aria-pressed="{"true" if shown.rated == rated else "false"}" '
        f'aria-label="{label}">{sign}</button>'
        for good, rated, label, sign in (("1", "up", "Good answer", "Good"), ("", "down", "Bad answer", "Bad"))
    )
    reasons = "".join(f"<option>{escape(r)}</option>" for r in REASONS)
    form = (
        '<form class="why" hidden><label>What is wrong? <select name="reason">' + reasons + "</select></label>"
        '<label>What would have been right? <input name="expected" maxlength="500" dir="auto"></label>'
        '<button type="submit">Keep</button> <button type="button" class="plain" data-do="unsaid">Cancel</button></form>'
    )
    return (
        '<div class="actions" role="group" aria-label="This answer"><button type="button" data-do="copy">Copy</button>'
        f'<details class="menu"><summary>Export</summary><ul>{formats}</ul></details>{ask}{thumbs}</div>{form}'
    )


def opening(questions: Sequence[tuple[str, str]]) -> str:
    """What stands where the conversation will be, before the first question: examples, each with what it is about."""
    asks = "".join(
        f'<li><button type="button" data-ask="{escape(q)}" dir="auto">{escape(q)}'
        + (f'<span class="about" dir="auto">{escape(clip(about, 110))}</span>' if about else "")
        + "</button></li>"
        for q, about in questions
    )
    return (
        '<section class="opening"><h2>Ask what was reported, and by whom.</h2>'
        "<p>Every sentence of an answer opens the passage it comes from. What the archive does not hold, it says so.</p>"
        f'<ul class="examples" aria-label="Example questions">{asks}</ul></section>'
    )


def unavailable(reason: str, path: str) -> str:
    """What the page says while there is nothing to ask, or no way to."""
    place = "" if path == ".archive" else f" --archive {shlex.quote(path)}"
    return (
        '<section class="opening"><h2>The archive is not ready.</h2>'
        f'<p class="failed" role="alert">{escape(reason)}</p>'
        "<p>Fill it with the article that comes with Dateline, or with files and folders of your own, "
        "then reload this page:</p>"
        f"<pre>python ingest.py{escape(place)}\npython ingest.py path/to/articles{escape(place)}</pre></section>"
    )


def masthead(status: ArchiveStatus | None) -> str:
    """The page's head: its name, and what the archive holds."""
    left, right = "No archive yet", ""
    if status is not None:
        left = counted(status.articles, "article") + " · " + counted(len(status.outlets), "outlet")
        right = span(time_of(status.since), time_of(status.until))
        if status.writer:
            left += " · being added to now"
        elif status.pending:
            left += f" · {counted(status.pending, 'passage')} not indexed yet"
    return f'<header class="masthead"><p>{escape(left)}</p><h1>Dateline</h1><p>{right}</p></header>'


def coverage(held: Coverage) -> str:
    """``1 article, 1 outlet, 2024-06-11 to 2024-06-11``."""
    parts = [counted(held.articles, "article"), counted(len(held.outlets), "outlet")]
    if held.since and held.until:
        parts.append(f"{held.since[:10]} to {held.until[:10]}")
    return ", ".join(parts)

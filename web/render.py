"""Records → HTML. Every text from an article, a model or a user passes through ``escape`` here."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from urllib.parse import urlsplit

from rag.archive import ArchiveStatus
from rag.records import NOT_IN_ARCHIVE, Answer, Article, Citation, Coverage

# A gap between quoted paragraphs that is longer than this many characters is counted, not sent to the browser.
GAP_CHARS = 20_000
# A paragraph of more than twice as many characters is shown so far around its quotations only.
AROUND_CHARS = 2_000
# How far a cut looks for white space, and what is too little to be worth one.
_CUT_CHARS = 200
_PARAGRAPH = re.compile(r"[^\n]+")
_SPACE = re.compile(r"\s+")
_STATUS = {
    "answered": "Answered",
    "partly": "Partly answered",
    "conflicting": "Sources conflict",
    "not_in_archive": "Not in the archive",
}


@dataclass(slots=True)
class Exchange:
    """One question on the page and what became of it: nothing yet, a model's draft, an answer or an error."""

    number: int
    question: str
    narrowed: str = ""
    draft: str = ""
    answer: Answer | None = None
    error: str = ""


# The transcript


def exchange(shown: Exchange) -> str:
    """A question and its answer, as far as it is known."""
    narrowed = f'<p class="narrowed">{escape(shown.narrowed)}</p>' if shown.narrowed else ""
    head = f'<h2 class="asked" dir="auto">{escape(shown.question)}</h2>{narrowed}'
    if shown.error:
        body = f'<p class="failed" role="alert">{escape(shown.error)}</p>'
    elif shown.answer is not None:
        body = _answer(shown.answer, shown.number)
    elif shown.draft:
        body = f'<p class="verdict"><span class="badge wait">Drafting, not checked yet</span></p><p class="said draft" dir="auto">{escape(shown.draft)}</p>'
    else:
        body = '<p class="verdict"><span class="badge wait">Searching the archive</span></p>'
    return f'<article class="turn" id="turn-{shown.number}" data-turn="{shown.number}">{head}{body}</article>'


def _answer(answer: Answer, turn: int) -> str:
    cited = {c.n: c for c in answer.citations}
    seconds = f" in {answer.timing_ms / 1000:.1f} s" if answer.timing_ms >= 1000 else f" in {answer.timing_ms:.0f} ms"
    verdict = (
        f'<p class="verdict"><span class="badge {answer.status}">{_STATUS[answer.status]}</span> '
        f"searched {escape(coverage(answer.coverage))}{seconds if answer.timing_ms else ''}</p>"
    )
    parts: list[str] = []
    before, short = "", answer.short
    for sentence in answer.sentences:
        label = sentence.speaker if sentence.speaker != before else ""
        before = sentence.speaker
        if answer.status == "conflicting":  # each version under the name of who reports it
            label = " · ".join(
                f"{cited[n].outlet} {day(cited[n].published)}".strip() for n in sentence.citations if n in cited
            )
        who = f'<span class="who" dir="auto">{escape(label)}</span>' if label else ""
        links = "".join(_link(cited[n], turn) for n in sentence.citations if n in cited)
        told = escape(sentence.text)
        if short and short in sentence.text:
            told, short = _bold(sentence.text, short), ""
        parts.append(f'<p class="said" dir="auto">{who}{told}{links}</p>')
    if not answer.sentences:
        look = "The passages that come nearest are shown as sources." if answer.nearest else "Nothing in it comes near."
        parts.append(f'<p class="said none">{escape(NOT_IN_ARCHIVE)} <span class="aside">{look}</span></p>')
    notes = list(answer.notes)
    if answer.model:
        notes.insert(0, f"written by {answer.model}, each sentence checked against its sources")
    noted = f'<p class="notes" dir="auto">{escape(" · ".join(notes))}</p>' if notes else ""
    return verdict + "".join(parts) + noted


def _bold(sentence: str, short: str) -> str:
    """The sentence with its short answer, where it stands first, in bold."""
    before, _, after = sentence.partition(short)
    return f'{escape(before)}<strong class="short">{escape(short)}</strong>{escape(after)}'


def _link(citation: Citation, turn: int) -> str:
    where = ", ".join(x for x in (citation.outlet, day(citation.published)) if x) or "undated"
    return (
        f'<span class="ref">&nbsp;<a class="cite" href="#sources" data-turn="{turn}" data-n="{citation.n}" '
        f'aria-label="Source {citation.n}: {escape(where)}">[{citation.n}]</a>'
        f'<span class="card" aria-hidden="true"><b>{escape(where)}</b><br>{escape(_clip(citation.title, 160))}</span></span>'
    )


def opening(questions: Sequence[str]) -> str:
    """What stands where the conversation will be, before the first question."""
    asks = "".join(
        f'<li><button type="button" data-ask="{escape(q)}" dir="auto">{escape(q)}</button></li>' for q in questions
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
        left = _counted(status.articles, "article") + " · " + _counted(len(status.outlets), "outlet")
        right = _span(day(status.since), day(status.until))
        if status.writer:
            left += " · being added to now"
        elif status.pending:
            left += f" · {_counted(status.pending, 'passage')} not indexed yet"
    return f'<header class="masthead"><p>{escape(left)}</p><h1>Dateline</h1><p>{escape(right)}</p></header>'


# The sources


def sources(shown: Exchange | None, articles: Mapping[str, Article], focus: int = 0) -> str:
    """The cited articles of one answer, each with its quotes marked in place. ``focus``: the citation to open."""
    if shown is None or shown.answer is None or not (shown.answer.citations or shown.answer.nearest):
        empty = "<p>The passages behind an answer appear here, in their articles, with the quoted words marked.</p>"
        return f'<section class="sources" id="sources" aria-label="Sources"><h2>Sources</h2>{empty}</section>'
    answer = shown.answer
    near = not answer.citations
    title = "Nearest passages" if near else "Sources"
    told = "<p>None of these answers the question.</p>" if near else ""
    grouped: dict[str, list[Citation]] = {}
    for citation in answer.nearest if near else answer.citations:
        grouped.setdefault(citation.article, []).append(citation)
    cards = "".join(_source(cited, articles.get(key), near=near) for key, cited in grouped.items())
    return (
        f'<section class="sources{" near" if near else ""}" id="sources" data-turn="{shown.number}" '
        f'data-focus="{focus}" aria-label="{title}"><h2>{title}</h2>'
        f'<p class="for" dir="auto">{escape(_clip(shown.question, 120))}</p>{told}{cards}'
        f'<p class="back"><a href="#turn-{shown.number}">Back to the answer</a></p></section>'
    )


def _source(cited: Sequence[Citation], article: Article | None, *, near: bool) -> str:
    first = cited[0]
    title = escape(first.title or "Untitled")
    if url := safe_url(first.url):
        title = f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{title}</a>'
    kicker = " · ".join(x for x in (escape(first.outlet), moment(first.published)) if x)
    details: list[str] = []
    if article is not None:
        details += ["By " + ", ".join(article.byline)] if article.byline else []
        happened = f"reported {day(article.event_date)}" if article.event_date else ""
        details += [", ".join(x for x in (article.dateline, happened) if x)]
        details += [f"updated {day(article.modified)}"] if article.modified else []
    also = sorted({outlet for c in cited for outlet in c.also_in})
    details += ["also in " + ", ".join(also)] if also else []
    line = " · ".join(escape(d) for d in details if d)
    if article is None:  # gone from the archive since the answer was given
        text = "".join(f"<p><mark>{escape(c.quote)}</mark></p>" for c in cited)
    else:
        text = in_place(article.text, cited, near=near)
    numbers = " ".join(str(c.n) for c in cited)
    return (
        f'<article class="source" tabindex="-1" data-source="{numbers}"><p class="kicker">{kicker}</p>'
        f'<h3 dir="auto">{title}</h3>{f"<p class=byline>{line}</p>" if line else ""}'
        f'<div class="text" dir="auto">{text}</div></article>'
    )


def in_place(text: str, cited: Sequence[Citation], *, near: bool = False) -> str:
    """An article's text with the cited spans marked; paragraphs away from them are folded, long ones cut.

    Every character that is sent stands in the order of ``text``. ``near``: the spans are shown, not marked.
    """
    paragraphs = [m.span() for m in _PARAGRAPH.finditer(text)]
    holding = {i for i, (start, end) in enumerate(paragraphs) if any(c.start < end and start < c.end for c in cited)}
    # A paragraph on each side of a quotation gives its context; a nearest passage is long enough by itself.
    wanted = holding if near else {j for i in holding for j in (i - 1, i, i + 1) if 0 <= j < len(paragraphs)}
    out: list[str] = []
    folded: list[tuple[int, int]] = []
    begun: set[int] = set()
    for i, (start, end) in enumerate(paragraphs):
        if i not in wanted:
            folded.append((start, end))
            continue
        out.append(_fold(text, folded))
        folded = []
        inside = [c for c in cited if c.start < end and start < c.end]
        around = [(max(c.start, start), min(c.end, end)) for c in inside]
        if not inside:  # the end that is next to the quotation
            around += [(start, start)] if i - 1 in holding else []
            around += [(end, end)] if i + 1 in holding else []
        shown, at = "", start
        for left, right in _windows(text, start, end, around):
            shown += _left_out(left - at, before=at > start, after=True)
            here = [c for c in inside if c.start < right and left < c.end]
            shown += _marked(text, left, right, [] if near else here, begun)
            at = right
        out.append(f"<p>{shown}{_left_out(end - at, before=True, after=False)}</p>")
    out.append(_fold(text, folded))
    return "".join(out)


def _windows(text: str, start: int, end: int, around: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of a paragraph to show, in order: all of it, or of a long one what stands around some spans in it."""
    if end - start <= 2 * AROUND_CHARS:
        return [(start, end)]
    found: list[tuple[int, int]] = []
    for first, last in sorted(around):
        left, right = first - AROUND_CHARS, last + AROUND_CHARS
        if left <= start + _CUT_CHARS:
            left = start
        elif space := _SPACE.search(text, left, left + _CUT_CHARS):
            left = space.end()
        if right >= end - _CUT_CHARS:
            right = end
        else:
            right = max((m.start() for m in _SPACE.finditer(text, right - _CUT_CHARS, right)), default=right)
        if found and left <= found[-1][1] + _CUT_CHARS:
            found[-1] = (found[-1][0], max(right, found[-1][1]))
        else:
            found.append((left, right))
    return found


def _left_out(chars: int, *, before: bool, after: bool) -> str:
    """The mark of a cut within a paragraph, "" where nothing is left out; whether text is shown before and after it."""
    if not chars:
        return ""
    told = f"({_counted(chars, 'character')} left out)"
    return f'<span class="cut">{"… " if before else ""}{told}{" …" if after else ""}</span>'


def _fold(text: str, paragraphs: Sequence[tuple[int, int]]) -> str:
    if not paragraphs:
        return ""
    count = _counted(len(paragraphs), "more paragraph")
    if paragraphs[-1][1] - paragraphs[0][0] > GAP_CHARS:
        return f'<p class="cut">{count}, too long to show here</p>'
    inner = "".join(f"<p>{escape(text[s:e])}</p>" for s, e in paragraphs)
    return f"<details><summary>{count}</summary>{inner}</details>"


def _marked(text: str, start: int, end: int, cited: Iterable[Citation], begun: set[int]) -> str:
    """One paragraph with its quotes in ``<mark>``; where quotes overlap, a piece carries all their numbers."""
    spans = [(max(c.start, start), min(c.end, end), c.n) for c in cited]
    edges = sorted({start, end, *(s for s, _, _ in spans), *(e for _, e, _ in spans)})
    out: list[str] = []
    for left, right in pairwise(edges):
        numbers = sorted(n for s, e, n in spans if s <= left and right <= e)
        piece = escape(text[left:right])
        if numbers:
            new = [n for n in numbers if n not in begun]
            begun.update(new)
            # The number is drawn by the style sheet, so that the marked text is the quotation and nothing else.
            label = f' data-label="{" ".join(map(str, new))}"' if new else ""
            piece = f'<mark data-n="{" ".join(map(str, numbers))}"{label}>{piece}</mark>'
        out.append(piece)
    return "".join(out)


# Small things


def escape(text: str) -> str:
    """Text as HTML; what is no Unicode text (in the name of a folder) is shown as "?"."""
    return html.escape(text.encode("utf-8", "replace").decode())


def safe_url(url: str) -> str:
    """The address when it is one of the web's, else ""."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # such as an unclosed IPv6 bracket
        return ""
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


def coverage(held: Coverage) -> str:
    """``1 article, 1 outlet, 2024-06-11 to 2024-06-11``."""
    parts = [_counted(held.articles, "article"), _counted(len(held.outlets), "outlet")]
    if held.since and held.until:
        parts.append(f"{held.since[:10]} to {held.until[:10]}")
    return ", ".join(parts)


def day(iso: str) -> str:
    """``11 June 2024``; "" for ""."""
    if not iso:
        return ""
    found = date.fromisoformat(iso[:10])
    return f"{found.day} {found:%B %Y}"


def moment(iso: str) -> str:
    """A ``<time>`` with the day, and the hour and zone where they are known; "" for ""."""
    if not iso:
        return ""
    shown = day(iso)
    if len(iso) > 10:
        at = datetime.fromisoformat(iso)
        shown += f", {at:%H:%M}" + (f" {at.tzname()}" if at.tzinfo else "")
    return f'<time datetime="{escape(iso)}">{escape(shown)}</time>'


def _span(since: str, until: str) -> str:
    return since if since == until else f"{since} to {until}"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _clip(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"

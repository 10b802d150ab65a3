"""The evidence panel: the cited articles of an answer with the quotations marked in their place, and its timeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.records import Article, Citation
from web.html import clip, counted, escape, link, moment, time_of

# A gap between quoted paragraphs that is longer than this many characters is counted, not sent to the browser.
GAP_CHARS = 20_000
# A paragraph of more than twice as many characters is shown so far around its quotations only.
AROUND_CHARS = 2_000
# How far a cut looks for white space, and what is too little to be worth one.
_CUT_CHARS = 200
_PARAGRAPH = re.compile(r"[^\n]+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the panel shows for one question: cited places, how they are called, and which kind they are."""

    turn: int
    question: str
    cited: tuple[Citation, ...]
    kind: str = "sources"

    @property
    def title(self) -> str:
        return {"sources": "Sources", "nearest": "Nearest passages", "timeline": "From the timeline"}[self.kind]


def panel(shelf: Shelf | None, articles: Mapping[str, Article], focus: int = 0) -> str:
    """The cited articles of one answer, each with its quotes marked in place. ``focus``: the citation to open."""
    if shelf is None or not shelf.cited:
        empty = "<p>The passages behind an answer appear here, in their articles, with the quoted words marked.</p>"
        views = _views(shelf, "sources") if shelf else ""
        return f'<section class="sources" id="sources" aria-label="Sources">{views}<h2>Sources</h2>{empty}</section>'
    near = shelf.kind == "nearest"
    told = "<p>None of these answers the question.</p>" if near else ""
    grouped: dict[str, list[Citation]] = {}
    for citation in shelf.cited:
        grouped.setdefault(citation.article, []).append(citation)
    cards = "".join(_source(cited, articles.get(key), near=near) for key, cited in grouped.items())
    return (
        f'<section class="sources{" near" if near else ""}" id="sources" data-turn="{shelf.turn}" '
        f'data-kind="{shelf.kind}" data-focus="{focus}" aria-label="{shelf.title}">'
        f"{_views(shelf, 'sources')}<h2>{shelf.title}</h2>"
        f'<p class="for" dir="auto">{escape(clip(shelf.question, 120))}</p>{told}{cards}{_back(shelf.turn)}</section>'
    )


def timeline(shelf: Shelf) -> str:
    """Dated sentences on what was asked about, on a line; each opens its article."""
    items: list[str] = []
    for c in shelf.cited:
        who = f'<b dir="auto">{escape(c.speaker)}</b>' if c.speaker else ""
        told = " · ".join(x for x in (escape(c.outlet), who) if x)
        items.append(
            f'<li><p class="kicker">{time_of(c.published)}{" · " if told else ""}{told}</p>'
            f'<button type="button" data-open="{c.n}" data-turn="{shelf.turn}" dir="auto">{escape(clip(c.quote, 400))}'
            "</button></li>"
        )
    none = "<p>No dated report in the archive comes near this question.</p>"
    line = f'<ol class="line">{"".join(items)}</ol>' if items else none
    return (
        f'<section class="sources" id="sources" data-turn="{shelf.turn}" data-kind="line" data-focus="0" '
        f'aria-label="Timeline">{_views(shelf, "timeline")}<h2>Timeline</h2>'
        f'<p class="for" dir="auto">{escape(clip(shelf.question, 120))}</p>{line}{_back(shelf.turn)}</section>'
    )


def _views(shelf: Shelf, shown: str) -> str:
    buttons = "".join(
        f'<button type="button" data-view="{view}" data-turn="{shelf.turn}" '
        f'aria-pressed="{"true" if view == shown else "false"}">{view.capitalize()}</button>'
        for view in ("sources", "timeline")
    )
    return f'<div class="views" role="group" aria-label="Evidence">{buttons}</div>'


def _back(turn: int) -> str:
    return f'<p class="back"><a href="#turn-{turn}">Back to the answer</a></p>'


def _source(cited: Sequence[Citation], article: Article | None, *, near: bool) -> str:
    first = cited[0]
    title = link(first.url, escape(first.title or "Untitled"))
    kicker = " · ".join(x for x in (escape(first.outlet), moment(first.published)) if x)
    details: list[str] = []  # HTML
    if article is not None:
        details += [escape("By " + ", ".join(article.byline))] if article.byline else []
        happened = f"reported {time_of(article.event_date)}" if article.event_date else ""
        details += [", ".join(x for x in (escape(article.dateline), happened) if x)]
        details += [f"updated {moment(article.modified)}"] if article.modified else []
    line = " · ".join(d for d in details if d)
    by = f'<p class="byline" dir="auto">{line}</p>' if line else ""
    said = sorted({c.speaker for c in cited if c.speaker})
    spoken = f'<p class="byline" dir="auto">In the words of {escape(", ".join(said))}</p>' if said else ""
    also = sorted({outlet for c in cited for outlet in c.also_in})
    more = (
        f'<details class="also"><summary>also in {counted(len(also), "outlet")}</summary>'
        f'<p dir="auto">{escape(", ".join(also))}</p></details>'
        if also
        else ""
    )
    corrected = "".join(
        f'<p class="byline" dir="auto">{link(c.url, escape(c.text[:1].upper() + c.text[1:]))}</p>'
        for c in dict.fromkeys(correction for c in cited for correction in c.corrections)
    )
    if article is None:  # gone from the archive since the answer was given
        text = "".join(f"<p><mark>{escape(c.quote)}</mark></p>" for c in cited)
    else:
        text = in_place(article.text, cited, near=near)
    numbers = " ".join(str(c.n) for c in cited)
    return (
        f'<article class="source" tabindex="-1" data-source="{numbers}"><p class="kicker">{kicker}</p>'
        f'<h3 dir="auto">{title}</h3>{by}{spoken}{corrected}{more}'
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
    told = f"({counted(chars, 'character')} left out)"
    return f'<span class="cut">{"… " if before else ""}{told}{" …" if after else ""}</span>'


def _fold(text: str, paragraphs: Sequence[tuple[int, int]]) -> str:
    if not paragraphs:
        return ""
    count = counted(len(paragraphs), "more paragraph")
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

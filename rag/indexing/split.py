"""Article → passages: runs of whole sentences within two token budgets, with their offsets kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from rag.indexing import tokens
from rag.records import Article, Passage, Span

# A header longer than this would crowd out the passage it introduces; long titles are cut at a word.
HEADER_CHARS = 160


def header(article: Article) -> str:
    """What is embedded before each passage, so that a passage knows its story, outlet and day."""
    title = article.title
    if len(title) > HEADER_CHARS:
        title = title[:HEADER_CHARS].rsplit(" ", 1)[0] + "…"
    return " · ".join(part for part in (title, article.outlet[:60], article.published[:10]) if part)


def split(
    article: Article,
    sentences: Sequence[Span],
    budget: int,
    count_pieces: Callable[[str], int],
    window: int | None,
) -> list[Passage]:
    """Passages that together hold every sentence of the article once, in order.

    No passage has more than ``budget`` cl100k tokens, and none, with its header, more than ``window`` of the
    embedder's own word pieces as ``count_pieces`` counts them (None: no such limit). Borders fall between paragraphs
    where that leaves passages at least half full, else between sentences; a sentence too long for the budgets is cut.
    """
    text, head = article.text, header(article)
    room = None if window is None else window - count_pieces(head + "\n")
    if room is not None and room < 32:
        head = ""  # a model with a tiny window: the words of the passage come first
        room = (window or 0) - count_pieces("")

    @cache
    def size(span: Span) -> float:
        """Share of the tighter budget that the span fills; at most 1 fits."""
        words = span.of(text)
        share = tokens.count(words) / budget
        return share if room is None else max(share, count_pieces(words) / room)

    passages: list[Passage] = []

    def close(run: list[Span]) -> None:
        start, end = run[0].start, run[-1].end
        body = text[start:end]
        passages.append(
            Passage(Passage.make_id(article.id, start, end, body), article.id, start, end, body, head, tuple(run))
        )

    run: list[Span] = []
    filled = 0.0
    for paragraph in _by_paragraph(text, sentences):
        pieces = [piece for span in paragraph for piece in _cut(text, span, size)]
        sizes = [size(piece) for piece in pieces]
        if run and filled >= 0.5 and filled + sum(sizes) > 1:
            close(run)
            run, filled = [], 0.0
        for piece, share in zip(pieces, sizes, strict=True):
            # Sizes of parts do not add up exactly: a whole that comes near is measured before it is kept.
            full = filled + share
            if run and (full > 1 or (full > 0.7 and size(Span(run[0].start, piece.end)) > 1)):
                close(run)
                run, filled = [], 0.0
            run.append(piece)
            filled += share
    if run:
        close(run)
    return passages


def _by_paragraph(text: str, sentences: Sequence[Span]) -> Iterator[list[Span]]:
    group: list[Span] = []
    for span in sentences:
        if group and "\n" in text[group[-1].end : span.start]:
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _cut(text: str, span: Span, size: Callable[[Span], float]) -> Iterator[Span]:
    """The span itself when it fits, else pieces of it that do, cut at white space where there is some."""
    start = span.start
    while start < span.end:
        end = min(span.end, start + 2_000)
        while end - start > 1 and size(Span(start, end)) > 1:
            middle = start + (end - start) // 2
            space = text.rfind(" ", start + 1, middle)
            end = space if space > start else middle
        yield Span(start, end)
        start = end
        while start < span.end and text[start].isspace():
            start += 1

"""Citations: numbered as they are first used, and checked against the words they cite."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.records import Answer, Article, Citation, Hit, Passage, Span


class Numbering:
    """Gives each cited span its number, once, in the order of first use."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int], Citation] = {}

    def cite(
        self, article: Article, passage: Passage, span: Span, speaker: str = "", also_in: Sequence[str] = ()
    ) -> int:
        key = (article.id, span.start, span.end)
        if key not in self._found:
            self._found[key] = citation(len(self._found) + 1, article, passage, span, speaker, also_in)
        return self._found[key].n

    @property
    def citations(self) -> tuple[Citation, ...]:
        return tuple(self._found.values())


def citation(
    n: int, article: Article, passage: Passage, span: Span, speaker: str = "", also_in: Sequence[str] = ()
) -> Citation:
    return Citation(
        n=n,
        article=article.id,
        title=article.title,
        outlet=article.outlet,
        published=article.published,
        url=article.url,
        start=span.start,
        end=span.end,
        quote=span.of(article.text),
        passage=passage.id,
        speaker=speaker,
        also_in=tuple(also_in),
    )


def nearest(hits: Sequence[Hit], most: int = 3) -> tuple[Citation, ...]:
    """The passages closest to a question that the archive does not answer, whole."""
    return tuple(
        citation(n, h.article, h.passage, Span(h.passage.start, h.passage.end), also_in=h.also_in)
        for n, h in enumerate(hits[:most], 1)
    )


def check(answer: Answer, article: Callable[[str], Article]) -> list[str]:
    """What is wrong with an answer's citations, a line each; [] when every sentence rests on words that stand there."""
    problems: list[str] = []
    known = {c.n: c for c in answer.citations}
    for c in answer.citations:
        if article(c.article).text[c.start : c.end] != c.quote or not c.quote:
            problems.append(f"[{c.n}] does not stand in its article")
    for sentence in answer.sentences:
        if not sentence.citations:
            problems.append(f"no citation: {sentence.text[:80]}")
        problems += [f"[{n}] is cited but not given" for n in sentence.citations if n not in known]
    return problems

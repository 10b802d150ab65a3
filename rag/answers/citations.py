"""Citations: numbered as they are first used, read from a model's text, and checked against the words they cite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

from rag.indexing.sentences import sentences
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


# Markers that language models write: [1], [1, 2], [1][2], [^1], (1), 【1†source】, [passage 1], (passages 1 and 2), [1-3].
_LIST = r"\d{1,3}(?:\s*(?:,|;|&|and|-|–)\s*(?:passages?\s*)?\[?\d{1,3})*"
_MARKER = regex.compile(
    rf"(?i)[\[【]\s*\^?(?:(?:passages?|sources?|refs?|citations?)[\s:#]*)?(?P<n>{_LIST})\s*(?:†[^\]】]*)?[\]】]"
    rf"|\((?:passages?|sources?)[\s:#]*\[?(?P<n>{_LIST})\]?\)"
    rf"|\((?P<n>\d{{1,2}}(?:\s*,\s*\d{{1,2}})*)\)(?=\s*(?:[.,;:!?(\[【]|$))"
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A model's text without its citation markers, its sentences, and the passage numbers that each of them cites."""

    text: str
    sentences: tuple[Span, ...]
    cited: tuple[tuple[int, ...], ...]


def marked(text: str) -> Marked:
    """Take the markers out of a text. One belongs to the sentence that it stands in or behind, at the beginning of a
    line to the one that follows.
    """
    kept: list[str] = []
    length = 0
    found: list[tuple[int, bool, list[int]]] = []  # place in the kept text, whether it leads its line, numbers
    for line in text.splitlines():
        at = 0
        first = length
        for match in _MARKER.finditer(line):
            before = line[at : match.start()].rstrip()
            kept.append(before)
            length += len(before)
            leads = length == first and bool(_MARKER.sub("", line).strip(" .:-"))
            found.append((length, leads, _listed(match["n"])))
            at = match.end()
            if at < len(line) and line[at].isalnum():
                kept.append(" ")
                length += 1
        rest = line[at:].rstrip() + "\n"
        kept.append(rest)
        length += len(rest)
    plain = "".join(kept)
    spans = sentences(plain)
    cited: list[dict[int, None]] = [{} for _ in spans]
    for place, leads, listed in found:
        owner = next(
            (i for i, s in enumerate(spans) if s.start >= place)
            if leads
            else (i for i in reversed(range(len(spans))) if spans[i].start < place),
            len(spans) - 1 if leads else 0,
        )
        if spans:
            cited[owner].update(dict.fromkeys(listed))
    return Marked(plain, tuple(spans), tuple(tuple(c) for c in cited))


def _listed(numbers: str) -> list[int]:
    found: list[int] = []
    for part in regex.finditer(r"(\d+)(?:\s*[-–]\s*(\d+))?", numbers):
        first, last = int(part[1]), int(part[2] or part[1])
        found += range(first, last + 1) if first <= last < first + 10 else [first, last]
    return found

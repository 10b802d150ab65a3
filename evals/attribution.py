"""python -m evals attribution: how well who said what is found, beside articles marked by hand.

A span is exactly right where it begins and ends at the marked characters, white space aside; it overlaps where it
shares a character with a marked span of its role. An attribution is right where its cue, its sources and its contents
are: exactly, or each overlapping; a marked one counts once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.datasets import polnear
from evals.datasets.polnear import Marked
from evals.run import code, machine
from rag.indexing.attribution import ROLES, Attribution
from rag.indexing.attributor import Attributor
from rag.indexing.embed import OnnxEmbedder
from rag.records import Span
from rag.settings import Settings

RESULTS = Path(__file__).with_name("results") / "attribution"
PARTS = (*ROLES, "triple")


@dataclass(slots=True)
class Counts:
    """What was found and what is there, and how much of each is right."""

    found: int = 0
    there: int = 0
    right: int = 0  # of those found
    seen: int = 0  # of those there

    def f1(self) -> dict[str, float]:
        precision = self.right / self.found if self.found else 0.0
        recall = self.seen / self.there if self.there else 0.0
        total = precision + recall
        return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / total if total else 0.0}


@dataclass(slots=True)
class Score:
    exact: dict[str, Counts] = field(default_factory=lambda: {part: Counts() for part in PARTS})
    overlap: dict[str, Counts] = field(default_factory=lambda: {part: Counts() for part in PARTS})

    def add(self, gold: Sequence[Attribution], found: Sequence[Attribution]) -> None:
        """Count one article's."""
        for role in ROLES:
            there = {(s.start, s.end) for a in gold for s in getattr(a, role)}
            made = {(s.start, s.end) for a in found for s in getattr(a, role)}
            self._spans(role, there, made)
        self._triples(gold, found)

    def _spans(self, role: str, there: set[tuple[int, int]], made: set[tuple[int, int]]) -> None:
        both = len(there & made)
        exact, overlap = self.exact[role], self.overlap[role]
        for counts in (exact, overlap):
            counts.found += len(made)
            counts.there += len(there)
        exact.right += both
        exact.seen += both
        overlap.right += sum(_touches(span, there) for span in made)
        overlap.seen += sum(_touches(span, made) for span in there)

    def _triples(self, gold: Sequence[Attribution], found: Sequence[Attribution]) -> None:
        whole = [a for a in gold if a.cue]
        for counts, alike in ((self.exact["triple"], _equal), (self.overlap["triple"], _near)):
            left = list(whole)
            counts.there += len(whole)
            counts.found += len(found)
            for one in found:
                match = next((a for a in left if alike(a, one)), None)
                if match is not None:
                    left.remove(match)
                    counts.right += 1
                    counts.seen += 1

    def to_json(self) -> dict[str, Any]:
        return {
            "exact": {part: counts.f1() for part, counts in self.exact.items()},
            "overlap": {part: counts.f1() for part, counts in self.overlap.items()},
        }


def _touches(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _equal(a: Attribution, b: Attribution) -> bool:
    return (a.source, a.cue, a.content) == (b.source, b.cue, b.content)


def _near(a: Attribution, b: Attribution) -> bool:
    def meet(ours: Sequence[Span], theirs: Sequence[Span]) -> bool:
        return (not ours and not theirs) or any(x.overlaps(y) for x in ours for y in theirs)

    return meet(a.source, b.source) and meet(a.cue, b.cue) and meet(a.content, b.content)


def run(data: Path, split: str, settings: Settings) -> dict[str, Any]:
    """The measures over a split, and the head's seconds per 1,000 words beside the embedder's own."""
    marked = polnear.load(data, split)
    attributor = Attributor(OnnxEmbedder(settings.cache), settings.passage_tokens)
    begun = time.perf_counter()
    found = [attributor.attributions(each.article) for each in marked]
    seconds = time.perf_counter() - begun
    words = sum(len(each.article.text.split()) for each in marked)
    return {
        "split": split,
        "articles": len(marked),
        "words": words,
        **measure(marked, found),
        "seconds_per_1000_words": round(1000 * seconds / max(1, words), 4),
        "seconds_per_1000_words_without_head": round(1000 * _embedding(marked, attributor) / max(1, words), 4),
    }


def _embedding(marked: Sequence[Marked], attributor: Attributor) -> float:
    """Seconds that splitting and embedding the articles take, which an ingest spends anyway."""
    begun = time.perf_counter()
    for each in marked:
        attributor.embed(each.article)
    return time.perf_counter() - begun


def table(found: dict[str, Any]) -> str:
    """The measures for people."""
    lines = [f"{found['split']}: {found['articles']:,} articles, {found['words']:,} words", ""]
    lines.append(f"{'':<10}{'exact: P':>10}{'R':>7}{'F1':>7}{'overlap: P':>14}{'R':>7}{'F1':>7}")
    for part in PARTS:
        exact, overlap = found["exact"][part], found["overlap"][part]
        cells = [f"{value:.3f}" for value in (*exact.values(), *overlap.values())]
        lines.append(f"{part:<10}{cells[0]:>10}{cells[1]:>7}{cells[2]:>7}{cells[3]:>14}{cells[4]:>7}{cells[5]:>7}")
    spent, plain = found["seconds_per_1000_words"], found["seconds_per_1000_words_without_head"]
    return "\n".join([*lines, "", f"{spent:.3f} s per 1,000 words, {plain:.3f} s of them to split and embed"])


def keep(found: dict[str, Any]) -> Path:
    """Keep the figures in evals/results."""
    path = RESULTS / f"{found['split']}.json"
    path.write_text(json.dumps({**found, "code": code(), "machine": machine()}, indent=1) + "\n")
    return path


def measure(marked: Sequence[Marked], found: Sequence[Sequence[Attribution]]) -> dict[str, Any]:
    score = Score()
    for each, ours in zip(marked, found, strict=True):
        score.add(each.attributions, ours)
    return score.to_json()

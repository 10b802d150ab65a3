"""Which source and which content belong to a cue: the head's spans, put together into attributions.

A logistic regression over what stands between the two. Its weights are readable: a line a feature in ``links.json``.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from rag.indexing.attribution import Attribution, Tagged
from rag.records import Span

FILE = Path(__file__).with_name("links.json")
REACH = 6  # runs to either side of a cue that are looked at
FAR = 400  # characters beyond which nothing is linked
LEAST = 0.4  # probability from which a source or content is linked


def pairs(text: str, runs: Sequence[Tagged], starts: Sequence[int]) -> Iterator[tuple[int, int, list[str]]]:
    """Every cue with every source or content near it: their places in ``runs`` and the features of the pair.

    ``starts`` are where the sentences of ``text`` begin.
    """
    sentence = [bisect_right(starts, run.span.start) for run in runs]
    letter = [run.role[0] if run.role != "content" else "q" if _quoted(text, run.span) else "t" for run in runs]
    for i, cue in enumerate(runs):
        if cue.role != "cue":
            continue
        for j in range(max(0, i - REACH), min(len(runs), i + REACH + 1)):
            other = runs[j]
            gap = text[min(cue.span.end, other.span.end) : max(cue.span.start, other.span.start)]
            if other.role == "cue" or len(gap) > FAR or gap.count("\n") > 2:
                continue
            way = ">" if j > i else "<"
            between = "".join(letter[min(i, j) + 1 : max(i, j)])
            crossed = min(2, abs(sentence[i] - sentence[j])) + 3 * ("\n" in gap)
            distance = min(6, len(gap).bit_length())
            before = letter[i - 1] if i and sentence[i - 1] == sentence[i] else "."
            after = letter[i + 1] if i + 1 < len(runs) and sentence[i + 1] == sentence[i] else "."
            pair = f"{letter[j]}{way}"
            yield i, j, [
                pair,
                f"{pair} {between}",
                f"{pair} crosses {crossed}",
                f"{pair} far {distance}",
                f"{pair} {between} crosses {crossed}",
                f"{pair} {between} beside {before}{after}",
                f"{pair} beside {before}{after} crosses {crossed}",
                f"{pair} {between} stop {sum(gap.count(mark) for mark in '.;?!') > 0} comma {',' in gap}",
                f"{pair} word {cue.span.of(text).casefold()[:12] if not between else '-'}",
            ]  # fmt: skip


def _quoted(text: str, span: Span) -> bool:
    return text[span.start] in "“\"„«‘'" or text[max(0, span.start - 1) : span.start] in ("“", '"', "„", "«")


@cache
def weights() -> Mapping[str, float]:
    """The weights that are shipped, by feature; "" is the intercept's."""
    return json.loads(FILE.read_text())


def link(
    text: str, runs: Sequence[Tagged], starts: Sequence[int], weighed: Mapping[str, float] | None = None
) -> list[Attribution]:
    """An attribution for each cue, in reading order. A content goes to one cue; a source may have several cues."""
    known = weights() if weighed is None else weighed
    sources: dict[int, tuple[float, int]] = {}
    contents: dict[int, tuple[float, int]] = {}
    for i, j, features in pairs(text, runs, starts):
        share = 1 / (1 + math.exp(-known[""] - sum(known.get(f, 0.0) for f in features)))
        if share < LEAST:
            continue
        if runs[j].role == "source":
            sources[i] = max(sources.get(i, (0.0, 0)), (share, j))
        else:
            contents[j] = max(contents.get(j, (0.0, 0)), (share, i))
    found: list[Attribution] = []
    for i, cue in enumerate(runs):
        if cue.role != "cue":
            continue
        mine = [j for j, (_, owner) in sorted(contents.items()) if owner == i]
        source = [sources[i][1]] if i in sources else []
        sure = [cue.sure, *(runs[j].sure for j in (*mine, *source)), *(contents[j][0] for j in mine)]
        sure += [sources[i][0]] if source else []
        spans = [tuple(runs[j].span for j in places) for places in (source, mine)]
        found.append(Attribution(spans[0], (cue.span,), spans[1], min(sure)))
    return found

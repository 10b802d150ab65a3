"""The weights by which one reading of a doubtful sentence is taken, learned from sentences that the head has not seen.

The head is too sure of its own training articles, so half of them are read by a head that was trained on the others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.datasets.polnear import Marked
from evals.training.windows import Window
from rag.indexing.attribution import ROLES, Head, looks_of, runs
from rag.indexing.links import link
from rag.indexing.rerank import FILE, NAMES, READINGS, Chooser, Doubtful, Tags
from rag.indexing.sentences import sentences

WIDTH = 16  # of a look's vector
HIDDEN = 32
LEAST = 6  # sentences in whose readings a look differs, for it to be learned
EPOCHS, BATCH, RATE, DROPPED = 10, 128, 5e-3, 0.3
# What a span or an attribution must be worth to be better left out: about the F1 of each, since the sum of twice the
# right ones less F1 for each found grows just where F1 does. Spans weigh less, for they are counted in whole ones, too.
WHOLE = 0.53
PART = {"source": 0.79, "cue": 0.73, "content": 0.65}
WEIGHT = 0.6


@dataclass(frozen=True, slots=True)
class Case:
    """A doubtful sentence: of each reading its score, its looks, and what it is worth."""

    scores: Sequence[float]
    looks: Sequence[Sequence[str]]
    worth: Sequence[float]


def cases(
    head: Head, unseen: Sequence[Window], marked: Sequence[Marked], weighed: Mapping[str, float] | None = None
) -> list[Case]:
    """The doubtful sentences of windows of ``marked`` that ``head`` was not trained on; ``weighed`` are the links'."""
    starts = {n: [s.start for s in sentences(marked[n].article.text)] for n in {w.article for w in unseen}}
    parts = {n: {(role, *span) for role in ROLES for span in marked[n].spans(role)} for n in starts}
    wholes = {n: {(a.source, a.cue, a.content) for a in marked[n].attributions if a.cue} for n in starts}

    def worth(window: Window, path: Tags, one: Doubtful, reading: Tags) -> float:
        """Of what the sentence holds, and of what is linked with it in the two sentences on either side."""
        tags = path.copy()
        tags[one.first : one.last] = reading
        borders = sorted({0, *window.sentences, len(tags)})
        at, n = borders.index(one.first), window.article
        first, last = borders[max(0, at - 2)], borders[min(len(borders) - 1, at + 3)]
        found = runs(window.spans[first:last], tags[first:last], np.ones(last - first, np.float32))
        begin, end = window.spans[one.first].start, window.spans[one.last - 1].end
        total = 0.0
        for run in found:
            if run.span.start < end and run.span.end > begin:
                right = (run.role, run.span.start, run.span.end) in parts[n]
                total += WEIGHT * (2 * right - PART[run.role])
        for made in link(marked[n].article.text, found, starts[n], weighed):
            if any(s.start < end and s.end > begin for s in (*made.source, *made.cue, *made.content)):
                total += 2 * ((made.source, made.cue, made.content) in wholes[n]) - WHOLE
        return total

    found: list[Case] = []
    for at in range(0, len(unseen), 64):
        some = sorted(unseen[at : at + 64], key=lambda w: -len(w.spans))
        texts = [window.words() for window in some]
        paths, _, doubts = head.read(texts)
        for one in doubts:
            window, path = some[one.text], paths[one.text]
            worths = [worth(window, path, one, reading) for reading in one.readings]
            found.append(Case(one.scores, looks_of(texts[one.text], path, one), worths))
    return found


def fit(learned: Sequence[Case], seed: int) -> tuple[list[str], dict[str, NDArray[np.float16]]]:
    """The looks' names, and the weights, float16: those under which what is taken is worth most, as a mean over
    readings in proportion to the exponentials of the network's scores.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    seen: Counter[str] = Counter()
    for case in learned:
        sets = [set(names) for names in case.looks]
        seen.update(set[str]().union(*sets) - sets[0].intersection(*sets))
    names = sorted(name for name, count in seen.items() if count >= LEAST)
    place = {name: i for i, name in enumerate(names, 1)}
    rows = [[[place[name] for name in one if name in place] for one in case.looks] for case in learned]
    longest = max((len(ids) for row in rows for ids in row), default=0)
    shape = len(learned), READINGS
    ids, path = np.zeros((*shape, longest), np.int64), np.zeros((*shape, 2), np.float32)
    worth, there = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    for n, (case, row) in enumerate(zip(learned, rows, strict=True)):
        there[n, : len(row)], path[n, : len(row), 0], path[n, 0, 1] = True, case.scores, 1.0
        worth[n, : len(row)] = case.worth
        for k, some in enumerate(row):
            ids[n, k, : len(some)] = some
    looks = nn.Embedding(len(names) + 1, 1 + WIDTH, padding_idx=0)
    hidden, out = nn.Linear(2 + WIDTH, HIDDEN), nn.Linear(HIDDEN, 1, bias=False)
    straight = nn.Parameter(torch.tensor([0.5, 0.0]))
    with torch.no_grad():
        looks.weight.normal_(0, 0.02)
        looks.weight[:, 0] = 0.0
        looks.weight[0] = 0.0
        out.weight.zero_()
    weights = [*looks.parameters(), *hidden.parameters(), *out.parameters(), straight]
    optimizer = torch.optim.Adam(weights, lr=RATE)
    steps = EPOCHS * -(-len(learned) // BATCH)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(learned)).split(BATCH):
            picked = batch.numpy()
            some = torch.from_numpy(ids[picked])
            some = some * (torch.rand(some.shape) > DROPPED)
            sums, scores = looks(some).sum(-2), torch.from_numpy(path[picked])
            deep = torch.relu(hidden(torch.cat([scores, sums[..., 1:]], -1)))
            total = sums[..., 0] + scores @ straight + out(deep)[..., 0]
            share = total.masked_fill(~torch.from_numpy(there[picked]), -1e9).softmax(-1)
            loss = -(share * torch.from_numpy(worth[picked])).sum(-1).mean()
            loss = loss + 1e-4 * (looks(some.unique()) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
    # Nothing is dropped any more, so each look counts for what it did on average.
    made: dict[str, Any] = {"looks": looks.weight[1:] * (1 - DROPPED), "path": straight, "out": out.weight[0]}
    made |= {"hidden": hidden.weight, "hidden_bias": hidden.bias}
    return names, {name: value.detach().numpy().astype(np.float16) for name, value in made.items()}


def gain(chooser: Chooser, held: Sequence[Case]) -> float:
    """What a doubtful sentence is worth more, on average, than by its best path."""
    gains = [case.worth[chooser.best(case.scores, case.looks)] - case.worth[0] for case in held]
    return float(np.mean(gains)) if gains else 0.0


def write(names: Sequence[str], weights: Mapping[str, NDArray[np.float16]], folder: Path) -> None:
    """Write rerank.json and rerank.npz."""
    (folder / NAMES.name).write_text(json.dumps(names, ensure_ascii=False, indent=0) + "\n")
    with (folder / FILE.name).open("wb") as file:
        np.savez(file, allow_pickle=False, **weights)

"""The ranker's training: questions whose answer is known, the sentences that hold it, a softmax over each list.

Learned from are RealTime QA's tuning years, newsroom's dev questions, and what was written to learn from: the questions of
``asked`` and ``worlds`` whose split is train. Test years and test splits are never read here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evals.matching import holds_words, words
from evals.records import Dataset, Question
from rag import Archive
from rag.answers.answerable import unnamed
from rag.answers.extractive import is_of
from rag.indexing.duplicates import same_text, shingles
from rag.indexing.embed import Vectors
from rag.records import Turn
from rag.retrieval.evidence import Candidate
from rag.retrieval.features import NAMES
from rag.retrieval.ranker import FAR, Ranker

FOLDS = 5
UNITS, EPOCHS, LISTS, RATE, DECAY, DROPOUT, NETWORKS = 32, 12, 8, 3e-3, 1e-2, 0.1, 4
"""Hidden units and passes of a network, questions a step, learning rate, weight decay, share of features left out at
random, and networks whose scores are added up (they become one of UNITS × NETWORKS units)."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question's sentences: ``rows`` has shape (sentences, features), ``right`` says which of them answer.

    ``texts`` are theirs, ``strengths`` as ``Candidate.strength``; ``quotable`` tells which may be quoted at all, where
    somebody's words are asked for, ``unnamed`` how much of the question's names stands nowhere (see answerable.py). ``group`` is held out as a whole, since questions of one week share articles.
    """

    rows: Vectors
    right: NDArray[np.bool_]
    texts: Sequence[str]
    group: str
    strengths: Sequence[float] = ()
    quotable: Sequence[bool] = ()
    answerable: bool = True
    unnamed: float = 0.0


def examples(dataset: Dataset, archive: Archive, on_question: Callable[[], None] = lambda: None) -> list[Example]:
    """An example for each question of the data set for which sentences are found; those without a right one, too. Of
    RealTime QA only those that ask for nobody's words: that a string stands in a sentence tells nothing of who says it.
    """
    found: list[Example] = []
    for question in dataset.questions:
        history = [Turn(t) for t in question.history]
        evidence = archive.evidence(archive.query(question.text, history=history, now=question.now), formula)
        on_question()
        candidates = evidence.candidates
        if not candidates or (evidence.speakers and dataset.name == "realtimeqa"):
            continue
        people = evidence.speakers.items()
        found.append(
            Example(
                np.stack([c.features for c in candidates]),
                np.array([_answers(question, c) for c in candidates]),
                [c.text for c in candidates],
                group_of(dataset, question),
                [c.strength for c in candidates],
                [not people or any(is_of(c, asked, names) for asked, names in people) for c in candidates],
                question.answerable,
                unnamed(evidence.query.text, [c.text for c in candidates]),
            )
        )
    return found


def group_of(dataset: Dataset, question: Question) -> str:
    """What a question is held out with: RealTime QA's week, a world, an article, since their questions share articles;
    newsroom's, which all do, by themselves.
    """
    if dataset.name == "realtimeqa":
        return f"{dataset.name} {question.now:%Y-%W}"
    return f"{dataset.name} {question.group or question.id}"


def _answers(question: Question, candidate: Candidate) -> bool:
    if question.evidence:
        span = candidate.span
        return any(e.overlaps(candidate.article.id, span.start, span.end) for e in question.evidence)
    plain = words(candidate.text)
    return any(holds_words(plain, words(gold)) for gold in question.gold)


# Training


class Network(nn.Module):
    """One hidden layer beside a linear one: rows of ``features`` numbers to a score each."""

    def __init__(self, features: int, dropout: float = DROPOUT) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, UNITS)
        self.out = nn.Linear(UNITS, 1, bias=False)
        self.direct = nn.Linear(features, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.direct.weight)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        x = self.dropout(rows)
        return (self.direct(x) + self.out(torch.tanh(self.hidden(x)))).squeeze(-1)


def fit(learned_from: Sequence[Example], seed: int = 0) -> Ranker:
    """The same examples and seed give the same ranker, on one machine to the last digit."""
    every = np.concatenate([e.rows for e in learned_from])
    mean, deviation = every.mean(0), every.std(0) + 1e-3
    lists = [
        (torch.from_numpy(np.clip((e.rows - mean) / deviation, -FAR, FAR)), torch.from_numpy(e.right))
        for e in learned_from
        if e.right.any()
    ]
    return joined([_trained(lists, seed + n) for n in range(NETWORKS)], mean, deviation)


def joined(networks: Sequence[Network], mean: Vectors, deviation: Vectors) -> Ranker:
    """The mean of the networks' scores as one network; ``mean`` and ``deviation`` standardised their rows."""

    def side_by_side(part: Callable[[Network], torch.Tensor], axis: int) -> Vectors:
        return np.concatenate([part(n).detach().numpy() for n in networks], axis=axis).astype(np.float32)

    return Ranker(
        mean.astype(np.float32),
        deviation.astype(np.float32),
        side_by_side(lambda n: n.hidden.weight.T, 1),
        side_by_side(lambda n: n.hidden.bias, 0),
        (side_by_side(lambda n: n.out.weight[0], 0) / len(networks)).astype(np.float32),
        np.mean([n.direct.weight[0].detach().numpy() for n in networks], axis=0).astype(np.float32),
    )


def _trained(lists: Sequence[tuple[torch.Tensor, torch.Tensor]], seed: int) -> Network:
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    network = Network(len(NAMES))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * -(-len(lists) // LISTS)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=steps)
    for _ in range(EPOCHS):
        shuffled = order.permutation(len(lists))
        for at in range(0, len(lists), LISTS):
            losses = [
                -torch.logsumexp(torch.log_softmax(network(lists[n][0]), 0)[lists[n][1]], 0)
                for n in shuffled[at : at + LISTS]
            ]
            optimiser.zero_grad()
            torch.stack(losses).mean().backward()  # pyright: ignore[reportUnknownMemberType]
            optimiser.step()
            schedule.step()
    return network.eval()


# Measuring


def formula(rows: Vectors) -> Vectors:
    """What the ranker has to beat: the best weights that were found by hand, on RealTime QA's weeks of July and August
    2022."""
    at = dict(zip(NAMES, rows.T, strict=True))
    fitting = 2 * at["fit"] + at["cosine"] + at["hit"] + 0.7 * at["typed"] + 0.5 * at["counted"]
    return fitting * (1 + at["recency"]) / 2


def hits(of: Sequence[Example], score: Callable[[Example], Vectors], sentences: int) -> float:
    """Share of the examples with a right one among the so many best sentences that do not repeat one another."""
    return sum(bool(e.right[best(e, score(e), sentences)].any()) for e in of) / len(of)


def best(example: Example, scores: Vectors, sentences: int) -> list[int]:
    kept: list[int] = []
    shapes: list[frozenset[tuple[str, ...]]] = []
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    for n in order:
        shape = shingles(example.texts[n])
        if not any(same_text(shape, other) for other in shapes):
            kept.append(n)
            shapes.append(shape)
        if len(kept) == sentences:
            break
    return kept


def folds(groups: Sequence[str], seed: int = 0) -> dict[str, int]:
    """The fold in which each group is held out."""
    names = sorted(set(groups))
    drawn = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    return {name: int(fold) for name, fold in zip(names, drawn, strict=True)}


def held_out(of: Sequence[Example], seed: int = 0) -> dict[str, Ranker]:
    """For each group a ranker that was trained without it, and without as many others as make a fold."""
    fold = folds([e.group for e in of], seed)
    made = [fit([e for e in of if fold[e.group] != n], seed) for n in range(FOLDS)]
    return {g: made[n] for g, n in fold.items()}


def cross_validate(of: Sequence[Example], made: Mapping[str, Ranker]) -> dict[str, dict[str, float]]:
    """What the rankers of ``held_out`` make of the groups they did not see, beside the formula: data set → measure → share."""
    scores = {id(e): made[e.group].scores(e.rows) for e in of}
    found: dict[str, dict[str, float]] = {}
    for name in sorted({e.group.split()[0] for e in of}):
        mine = [e for e in of if e.group.startswith(name) and e.answerable]
        found[name] = {"questions": len(mine)} | {
            f"{how}@{k}": round(hits(mine, score, k), 4)
            for how, score in (("formula", lambda e: formula(e.rows)), ("ranker", lambda e: scores[id(e)]))
            for k in (1, 2, 3)
        }
    return found


def write(made: Ranker, about: Mapping[str, Any], path: Path, names: Sequence[str] = NAMES) -> None:
    """The weights as JSON, six significant digits each."""
    held: dict[str, Any] = {**about, "features": list(names)}
    for name in Ranker.__slots__:
        held[name] = np.vectorize(lambda w: float(f"{w:.6g}"))(getattr(made, name)).tolist()
    path.write_text(json.dumps(held, ensure_ascii=False, separators=(",", ":")) + "\n")


def table(measured: Mapping[str, Mapping[str, float]]) -> str:
    """The cross-validated shares, a line each."""
    lines = ["A right one among the 1, 2, 3 best sentences, of questions held out:"]
    for name, shares in measured.items():
        for how in ("formula", "ranker"):
            figures = " ".join(f"{100 * shares[f'{how}@{k}']:5.1f}" for k in (1, 2, 3))
            lines.append(f"  {name:12} {shares['questions']:5} questions  {how:8} {figures}")
    return "\n".join(lines)

"""The short answer's training: what is proposed for questions whose answer is known, a softmax over each list.

A listwise softmax over the proposals for each question (Cao et al., ListNet, ICML 2007, with the right ones as the top),
linear in the features of ``rag/answers/short.py``, with an L2 penalty, by full-batch Adam from zero: the same data give
the same weights. Figures are those of weeks left out of training, a third of them at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.matching import exact_match, f1
from evals.records import Question
from rag.answers import short
from rag.answers.extractive import quote
from rag.retrieval.evidence import Evidence

FOLDS, STEPS, RATE, PENALTY = 3, 400, 0.1, 0.003
# Without an exact one, proposals of at least this F1 are right.
NEARLY = 0.6
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what is proposed for it: features by proposal, exact match and F1 of each. ``refused``: the
    archive is said not to answer, so that no short answer is given.
    """

    question: Question
    texts: tuple[str, ...]
    features: tuple[dict[str, float], ...]
    exact: Matrix
    f1: Matrix
    refused: bool

    @property
    def right(self) -> NDArray[np.bool_]:
        return self.exact > 0 if self.exact.any() else self.f1 >= NEARLY


def example(question: Question, evidence: Evidence) -> Example:
    quoted = quote(evidence)
    found = short.proposals(evidence, quoted.chosen)
    return Example(
        question,
        tuple(p.text for p in found),
        tuple(dict(p.features) for p in found),
        np.array([exact_match(p.text, question.gold) for p in found]),
        np.array([f1(p.text, question.gold) for p in found]),
        not quoted.chosen,
    )


def names_of(examples: Sequence[Example]) -> list[str]:
    """The features, sorted by name."""
    return sorted({name for e in examples for f in e.features for name in f})


def matrix(one: Example, names: Sequence[str]) -> Matrix:
    """Shape (proposals, features)."""
    return np.array([[f.get(name, 0.0) for name in names] for f in one.features]).reshape(-1, len(names))


def fit(examples: Sequence[Example], names: Sequence[str], penalty: float = PENALTY) -> Matrix:
    """The weights, in the order of ``names``, from the questions for which something right is proposed."""
    data = [(matrix(e, names), e.right) for e in examples if e.right.any()]
    features = np.concatenate([m for m, _ in data])
    right = np.concatenate([r for _, r in data]).astype(np.float64)
    counts = [len(m) for m, _ in data]
    starts = np.cumsum([0, *counts[:-1]])
    weights, mean, square = np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names))
    for step in range(1, STEPS + 1):
        scores = features @ weights
        p = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), counts))
        among = p / np.repeat(np.add.reduceat(p, starts), counts)
        wanted = p * right / np.repeat(np.add.reduceat(p * right, starts), counts)
        slope = penalty * weights + features.T @ (among - wanted) / len(data)
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        weights -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return weights


def chosen(one: Example, names: Sequence[str], weights: Matrix) -> int | None:
    """Which proposal is best; None where nothing is proposed or the question is refused."""
    if one.refused or not one.texts:
        return None
    held = np.array([f.get("quoted", 0.0) for f in one.features])
    return int((matrix(one, names) @ weights + short.MARGIN * held).argmax())


def held_out(examples: Sequence[Example], names: Sequence[str], penalty: float = PENALTY) -> tuple[float, float]:
    """EM and F1 over all questions, each answered with the weights of the other weeks."""
    weeks = sorted({e.question.id[:8] for e in examples})
    exact = nearly = 0.0
    for fold in range(FOLDS):
        out = set(weeks[fold * len(weeks) // FOLDS : (fold + 1) * len(weeks) // FOLDS])
        weights = fit([e for e in examples if e.question.id[:8] not in out], names, penalty)
        for one in (e for e in examples if e.question.id[:8] in out):
            best = chosen(one, names, weights)
            if best is not None:
                exact += float(one.exact[best])
                nearly += float(one.f1[best])
    return exact / len(examples), nearly / len(examples)


def learned(examples: Sequence[Example]) -> dict[str, Any]:
    """The weights by feature, those of no weight left out, and what they make of weeks left out of training."""
    names = names_of(examples)
    exact, nearly = held_out(examples, names)
    weights = fit(examples, names)
    return {
        "questions": len(examples),
        "cross_validated": {"EM": round(exact, 4), "F1": round(nearly, 4)},
        "weights": {n: round(float(w), 3) for n, w in zip(names, weights, strict=True) if abs(w) >= 0.0005},
    }

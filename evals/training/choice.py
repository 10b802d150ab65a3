"""The choices' training: what the counts for a choice are worth.

A conditional logit (McFadden, 1974): a question's choices compete by the exponential of their weighed features; the
weights maximise the likelihood of the right ones, less an L2 penalty on standardised features. No feature but
those of "all" and "none of the above" may speak against a choice. Deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # pyright: ignore[reportUnknownVariableType]

from evals.records import Question
from rag import Archive
from rag.answers.choose import FEATURES, evidence_for, is_exception
from rag.retrieval.evidence import Scores

PENALTY = 0.01
FOLDS = 10
_RARE = ("all", "none")

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's features, shape (choices, features), and the place of the right choice; ``week`` groups folds."""

    week: str
    features: Matrix
    gold: int


def asked(archive: Archive, question: Question, scores: Scores | None = None) -> Asked | None:
    """The features of a question that has one right choice; None for others, and for those that ask which is not so."""
    gold = question.gold_choice
    if gold is None or is_exception(question.text) or len(question.choices) < 3:
        return None
    query = archive.query(question.text, now=question.now)
    # Private, since only a fit wants the features without the choice.
    weighed = evidence_for(archive._search(), query, question.choices, scores)  # pyright: ignore[reportPrivateUsage]
    features = np.array([[each.features[name] for name in FEATURES] for each in weighed])
    return Asked(question.id[:8], features - features.mean(axis=0), gold)


def fit(questions: Sequence[Asked], penalty: float = PENALTY) -> Matrix:
    """The weights of ``FEATURES``."""
    spread = np.concatenate([each.features for each in questions]).std(axis=0)
    spread[spread == 0] = 1.0
    spread[[FEATURES.index(name) for name in _RARE]] = 0.25  # their own would let few questions say much
    scaled = [each.features / spread for each in questions]

    def loss(w: Matrix) -> tuple[float, Matrix]:
        total, slope = 0.0, np.zeros_like(w)
        for x, each in zip(scaled, questions, strict=True):
            p = shares(x @ w)
            total -= float(np.log(p[each.gold] + 1e-12))
            slope += p @ x - x[each.gold]
        return total / len(questions) + penalty * float(w @ w), slope / len(questions) + 2 * penalty * w

    bounds = [(None if name in _RARE else 0.0, None) for name in FEATURES]
    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, dtype=np.float64) / spread


def shares(sums: Matrix) -> Matrix:
    raised = np.exp(sums - sums.max())
    return raised / raised.sum()


def right(questions: Sequence[Asked], weights: Matrix) -> list[bool]:
    return [int(np.argmax(each.features @ weights)) == each.gold for each in questions]


def cross_validated(questions: Sequence[Asked], penalty: float = PENALTY) -> float:
    """The share chosen right by weights fitted on the other weeks."""
    weeks = sorted({each.week for each in questions})
    fold = {week: n % FOLDS for n, week in enumerate(weeks)}
    scored: list[bool] = []
    for held in sorted(set(fold.values())):
        rest = [each for each in questions if fold[each.week] != held]
        here = [each for each in questions if fold[each.week] == held]
        if rest:
            scored += right(here, fit(rest, penalty))
    return sum(scored) / len(scored) if scored else 0.0


def learned(questions: Sequence[Asked]) -> dict[str, Any]:
    """The weights by feature, those of no weight left out, and the share right in weeks left out of training."""
    weights = fit(questions)
    return {
        "questions": len(questions),
        "cross_validated": round(cross_validated(questions), 4),
        "weights": {name: round(float(w), 4) for name, w in zip(FEATURES, weights, strict=True) if abs(w) > 1e-4},
    }

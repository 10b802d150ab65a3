"""Whether the confidence of an answer tells right from wrong: the risk–coverage curve and its area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.measures import parse_measure
from evals.records import Outcome

RESAMPLES = 500
POINTS = 100
"""The most points of a curve that are kept."""


def risks(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of wrong answers among the 1, 2, … n most confident ones.

    Among answers of equal confidence the order is not known: each counts as wrong to the share in which they are.
    """
    if not len(confidence):
        return np.zeros(0)
    _, group = np.unique(-confidence, return_inverse=True)
    wrong = np.bincount(group, weights=1 - right) / np.bincount(group)
    return np.cumsum(wrong[np.sort(group)]) / np.arange(1, len(confidence) + 1)


def calibration(outcomes: Sequence[Outcome], seed: int = 0) -> dict[str, Any]:
    """Risk against coverage over the answers given, and its area (AURC: the mean risk over all coverages; Geifman and
    El-Yaniv, 2017).

    ``covered`` is the share of the questions that got an answer: the curve ends there, so areas can be compared only
    where it is alike. ``best`` is the area were the answers in the best order, ``random`` in any. A point of ``curve``
    is coverage, risk, and the least confidence that is answered there. Right is what the measure Right says.
    """
    right = parse_measure("Right")
    pairs = [(o.answer.confidence, right.score(o) or 0.0) for o in outcomes if o.answer and o.answer.sentences]
    found: dict[str, Any] = {"covered": len(pairs) / max(len(outcomes), 1), "answers": len(pairs)}
    empty: Mapping[str, Any] = {"AURC": None, "low": None, "high": None, "best": None, "random": None, "curve": []}
    if not pairs:
        return {**found, **empty}
    scores = np.asarray(pairs, dtype=np.float64)
    confidence, truth = scores[:, 0], scores[:, 1]
    curve = risks(confidence, truth)
    draws = np.random.default_rng(seed).integers(0, len(scores), (RESAMPLES, len(scores)))
    low, high = np.percentile([risks(confidence[draw], truth[draw]).mean() for draw in draws], [2.5, 97.5])
    least = -np.sort(-confidence)
    kept = np.unique(np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).round().astype(int))
    return {
        **found,
        "AURC": float(curve.mean()),
        "low": float(low),
        "high": float(high),
        "best": float(risks(truth, truth).mean()),
        "random": float(1 - truth.mean()),
        "curve": [[(k + 1) / len(outcomes), float(curve[k]), float(least[k])] for k in kept.tolist()],
    }

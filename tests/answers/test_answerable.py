"""How likely the archive answers: what the number depends on, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answers.answerable import FILE, NAMES, row, unnamed
from rag.retrieval import features, ranker


def test_the_weights_are_of_these_features() -> None:
    assert ranker.load(FILE, NAMES).direct.shape == (len(NAMES),)


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("What did Otmar Vidmar say?", 1.0),
        ("What did Anna Weber say of Otmar Vidmar’s plan?", 0.5),
        ("What did ANNA WEBER say?", 0.0),
        ("What did Weber say?", 0.0),
        ("", 0.0),
    ],
)
def test_names_that_stand_nowhere_are_counted(question: str, share: float) -> None:
    assert unnamed(question, ["Anna Weber told the council no.", "Judge Vidmar left."]) == share


@given(st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=12), st.floats(-8, 8, width=32), st.integers(0, 2**16))
def test_scores_count_by_their_differences_but_for_the_best(scores: list[float], more: float, seed: int) -> None:
    ranked = np.sort(np.array(scores, dtype=np.float32))[::-1]
    rows = np.random.default_rng(seed).random((len(ranked), len(features.NAMES)), dtype=np.float32)
    one = row(ranked, [0.5] * len(ranked), rows, 0.0)
    other = row(ranked + np.float32(more), [0.5] * len(ranked), rows, 0.0)
    assert one.shape == (len(NAMES),) and np.isfinite(one).all()
    assert np.allclose(one[1:], other[1:], atol=1e-4)

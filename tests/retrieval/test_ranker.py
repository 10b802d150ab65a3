"""The ranker and what it is told: shapes, bounds, and that it judges a sentence by what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rag import Archive
from rag.errors import SettingsError
from rag.retrieval import ranker
from rag.retrieval.features import NAMES

QUESTIONS = ["What did Lavrov say about BRICS expansion?", "When did Wang Yi meet Lavrov?", "xyzzy", "who?", "1 2 3"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_candidate_has_a_finite_row_and_the_score_it_is_ranked_by(seed: Archive, question: str) -> None:
    found = seed.evidence(seed.query(question)).candidates
    assert all(c.features.shape == (len(NAMES),) and np.isfinite(c.features).all() for c in found)
    if found:
        scores = ranker.load().scores(np.stack([c.features for c in found]))
        assert scores == pytest.approx([c.score for c in found], abs=1e-3)
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


def test_shares_of_the_question_are_shares(seed: Archive) -> None:
    shares = [
        NAMES.index(n) for n in ("own", "own_with_title", "fit", "passage", "passage_and_title", "bigrams", "named")
    ]
    for question in QUESTIONS:
        for candidate in seed.evidence(seed.query(question)).candidates:
            row = candidate.features
            assert ((row[shares] >= 0) & (row[shares] <= 1 + 1e-6)).all()
            assert row[NAMES.index("own")] <= row[NAMES.index("passage")] <= row[NAMES.index("passage_and_title")]


def test_the_same_question_is_ranked_the_same(seed: Archive) -> None:
    first, second = (seed.evidence(seed.query("When did Wang Yi meet Lavrov?")).candidates for _ in range(2))
    assert [(c.passage.id, c.span, c.score) for c in first] == [(c.passage.id, c.span, c.score) for c in second]


@given(arrays.arrays(np.float32, (3, len(NAMES)), elements=st.floats(-1e6, 1e6, width=32)))
def test_no_row_however_odd_has_a_score_without_bounds(rows: np.ndarray) -> None:
    """Rows are cut where training saw none, so one wild number cannot outweigh all else."""
    made = ranker.load()
    bound = ranker.FAR * float(np.abs(made.direct).sum()) + float(np.abs(made.out).sum())
    assert (np.abs(made.scores(rows)) <= bound + 1e-3).all()


def test_weights_of_other_features_are_refused_with_the_cure(tmp_path: Path) -> None:
    held = json.loads(ranker.FILE.read_text())
    held["features"][0] = "something else"
    other = tmp_path / "ranker.json"
    other.write_text(json.dumps(held))
    with pytest.raises(SettingsError, match="python -m evals train"):
        ranker.load(other)


def test_the_weights_are_small_and_readable() -> None:
    assert ranker.FILE.stat().st_size < 300_000
    held = json.loads(ranker.FILE.read_text())
    assert "2023" not in json.dumps(held["learned_from"]), "the test year is no training data"
    assert {"made_by", "learned_from", "cross_validated"} <= held.keys()

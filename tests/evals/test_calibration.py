from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.calibration import calibration, risks
from evals.records import Outcome, Question
from rag.records import Answer, Citation, Coverage, Sentence

PAIRS = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=6)


def outcome(confidence: float, right: bool, *, given: bool = True) -> Outcome:
    text = "It cost 15 million." if right else "It cost nothing."
    said = (Sentence(text, (1,)),) if given else ()
    cited = (Citation(1, "a", "", "", "", "", 0, len(text), text),)
    answer = Answer(
        "q", "answered" if given else "not_in_archive", said, cited, (), Coverage(1, 1, {}), confidence=confidence
    )
    return Outcome(Question("1", "?", answers=("15 million",)), answer, (), {"a": text}, 1.0)


@settings(max_examples=25, deadline=None)
@given(PAIRS)
def test_ties_count_as_the_mean_over_their_orders(pairs: list[tuple[float, float]]) -> None:
    orders = [
        order for order in permutations(pairs) if [c for c, _ in order] == sorted((c for c, _ in pairs), reverse=True)
    ]
    steps = np.arange(1, len(pairs) + 1)
    mean = np.mean([np.cumsum([1 - right for _, right in order]) / steps for order in orders], axis=0)
    confidence, right = np.asarray(pairs).T
    assert risks(confidence, right) == pytest.approx(mean)


@settings(max_examples=25, deadline=None)
@given(PAIRS)
def test_the_area_lies_between_the_best_order_and_the_worst(pairs: list[tuple[float, float]]) -> None:
    found = calibration([outcome(confidence, bool(right)) for confidence, right in pairs])
    assert found["best"] - 1e-9 <= found["AURC"] <= 1
    assert found["best"] - 1e-9 <= found["random"]
    assert found["low"] <= found["high"]
    assert found["curve"][-1][:2] == [1, pytest.approx(found["random"])]


def test_refusals_and_failures_shorten_the_curve() -> None:
    failed = Outcome(Question("2", "?", answers=("x",)), None, (), {}, 1.0, "ValueError: x")
    found = calibration([outcome(0.9, True), outcome(0.8, False), outcome(0.1, True, given=False), failed])
    assert found["covered"] == 0.5 and found["curve"] == [[0.25, 0, 0.9], [0.5, 0.5, 0.8]]
    assert found["AURC"] == found["best"] == 0.25
    assert calibration([failed])["AURC"] is None and calibration([])["curve"] == []

from __future__ import annotations

import json

import numpy as np

from evals.datasets.realtimeqa import TEST_YEAR
from evals.training import train
from evals.training.choice import FEATURES, Asked, cross_validated, fit, right
from rag.answers import answerable, choose, short
from rag.retrieval import ranker


def quizzes(telling: int, n: int = 120) -> list[Asked]:
    """Four choices each, of which the right one has more of one feature; all else is noise."""
    rng = np.random.default_rng(1)
    made: list[Asked] = []
    for k in range(n):
        features, gold = rng.normal(size=(4, len(FEATURES))), int(rng.integers(4))
        features[gold, telling] += 4
        made.append(Asked(f"week{k % 12}", features - features.mean(axis=0), gold))
    return made


def test_the_fit_finds_the_feature_that_tells_and_is_the_same_again() -> None:
    asked = quizzes(telling=1)
    weights = fit(asked)
    assert int(np.argmax(weights)) == 1 and np.mean(right(asked, weights)) > 0.9
    assert np.array_equal(weights, fit(asked)) and cross_validated(asked) > 0.9


def test_no_count_speaks_against_a_choice() -> None:
    turned = [Asked(each.week, -each.features, each.gold) for each in quizzes(telling=1)]
    weights = dict(zip(FEATURES, fit(turned), strict=True))
    assert all(w >= 0 for name, w in weights.items() if name not in ("all", "none"))


def test_the_test_year_is_not_learned_from() -> None:
    assert TEST_YEAR not in train.YEARS and "test" not in {split for _, split, _ in train.OURS}
    for path in (ranker.FILE, answerable.FILE, choose.FILE, short.FILE):
        assert str(TEST_YEAR) not in json.dumps(json.loads(path.read_text())["learned_from"])

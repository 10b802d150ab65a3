"""Learning what can be answered: from rows that tell it, and from questions in groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from evals.training import answerable, ranker, train
from evals.training.answerable import cross_validate, fit, rows
from evals.training.ranker import Example
from evals.training.ranker import fit as fit_ranker
from rag.answers.answerable import NAMES
from rag.retrieval.features import NAMES as FEATURES

RNG = np.random.default_rng(2)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One network instead of four, on one core: what is measured here is not how well they do."""
    monkeypatch.setattr(answerable, "NETWORKS", 1)
    monkeypatch.setattr(ranker, "NETWORKS", 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def example(n: int, group: str, *, answerable: bool = True, quotable: bool = True) -> Example:
    """Six sentences, of which the first has the most of one feature; it answers where anything does."""
    made = RNG.normal(size=(6, len(FEATURES))).astype(np.float32)
    made[0, 0] += 4
    right = np.zeros(6, dtype=bool)
    right[0] = answerable
    return Example(made, right, [f"sentence {n} {k}" for k in range(6)], group, [0.5] * 6, [quotable] * 6, answerable)


def test_the_fit_finds_the_feature_that_tells_and_is_the_same_again() -> None:
    seen = RNG.normal(size=(300, len(NAMES))).astype(np.float32)
    labels = seen[:, 3] > 0
    odds = fit(seen, labels).scores(seen)
    assert np.mean((odds > 0) == labels) > 0.9
    assert np.array_equal(odds, fit(seen, labels).scores(seen))


def test_held_out_shares_are_of_each_data_set() -> None:
    seen = RNG.normal(size=(300, len(NAMES))).astype(np.float32)
    groups = [f"{'asked' if n % 2 else 'worlds'} {n % 20}" for n in range(300)]
    measured = cross_validate(seen, seen[:, 3] > 0, groups)
    assert {name: of["questions"] for name, of in measured.items()} == {"asked": 150, "worlds": 150}
    assert all(of["area"] > 0.7 for of in measured.values())
    assert train.table({
        "ranker": {}, "answerable": measured, "short": {"EM": 0.1, "F1": 0.2}, "choice": 0.5,
    }).count("area") == 2  # fmt: skip


def test_a_question_without_anything_to_quote_and_a_quiz_are_no_rows() -> None:
    learned_from = [example(n, f"asked {n}") for n in range(12)]
    made = fit_ranker(learned_from)
    mute, quiz = example(90, "asked 90", quotable=False), example(91, "realtimeqa 2022-01")
    of = [*learned_from, mute, quiz, example(92, "worlds a", answerable=False)]
    seen, labels, groups = rows(of, {e.group: made for e in of})
    assert seen.shape == (13, len(NAMES)) and labels.sum() == 12
    assert groups[-1] == "worlds a" and not labels[-1]

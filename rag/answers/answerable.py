"""How likely the archive answers: one number for the sentences that were found, learned from questions that it does and
does not answer.

What is looked at are the scores of the ranked sentences and what the ranker was told of the best one; that a detail was
asked for which stands nowhere shows in no single one of them. The weights (``answerable.json``) are made by
``python -m evals train``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.indexing.embed import Vectors
from rag.indexing.names import CAPITALISED, without_owner
from rag.retrieval import features, ranker
from rag.retrieval.evidence import Candidate, Evidence

FILE = Path(__file__).with_name("answerable.json")
# Of these, the most that any sentence has; of the others, what the best one has.
MOST = ("fit", "cosine", "named", "named_around", "passage_and_title", "bigrams", "rarest", "by_named")
_MOST = [features.NAMES.index(name) for name in MOST]
NAMES = ("top", "gap", "spread", "strength", "unnamed", *features.NAMES, *(f"most_{name}" for name in MOST))
# The best score is set against the mean of so many others.
OTHERS = 5


def unnamed(question: str, texts: Sequence[str]) -> float:
    """The share (0 to 1) of the names of several words in a question that stand in none of the texts."""
    runs = [run for run in CAPITALISED.findall(question) if " " in run]
    names = [without_owner(run).casefold() for run in runs]
    if not names:
        return 0.0
    found = "\n".join(texts).casefold()
    return sum(name not in found for name in names) / len(names)


def row(scores: Vectors, strengths: Sequence[float], rows: Vectors, unnamed: float) -> Vectors:
    """What the sentences look like together, shape (len(NAMES),). ``scores`` has shape (sentences,), best first, and
    ``rows``, shape (sentences, features), is in its order.
    """
    others = scores[1 : 1 + OTHERS]
    gap = float(scores[0] - others.mean()) if len(others) else 0.0
    spread = math.log(float(np.exp(scores - scores[0]).sum()))
    together = (float(scores[0]), gap, spread, max(strengths), unnamed)
    return np.array([*together, *rows[0], *rows[:, _MOST].max(axis=0)], dtype=np.float32)


def likelihood(evidence: Evidence, ranked: Sequence[Candidate]) -> float:
    """The probability (0 to 1) that one of the first of these sentences answers; 0 where there is none."""
    if not ranked:
        return 0.0
    scores = np.array([c.score for c in ranked], dtype=np.float32)
    absent = unnamed(evidence.query.text, [c.text for c in evidence.candidates])
    seen = row(scores, [c.strength for c in ranked], np.stack([c.features for c in ranked]), absent)
    return 1 / (1 + math.exp(-float(ranker.load(FILE, NAMES).scores(seen[None])[0])))

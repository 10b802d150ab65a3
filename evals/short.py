"""Learning the weights of the short answer: ``python -m evals.short --data PATH --weeks A..B [--write]``.

A listwise softmax over what is proposed for each question (Cao et al., ListNet, ICML 2007, with the right ones as the top),
linear in the features of ``rag/answers/short.py``, with an L2 penalty, by full-batch Adam from zero: the same data give the
same weights. Figures are those of weeks left out of training, a third of them at a time. Weeks of the test year
are refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals import datasets
from evals.datasets import Choice
from evals.datasets.realtimeqa import TEST_YEAR
from evals.matching import exact_match, f1
from evals.records import Question
from evals.systems import Ours, opened
from rag.answers import short
from rag.answers.extractive import quote
from rag.errors import RagError
from rag.retrieval.evidence import Evidence
from rag.settings import Settings

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


def matrix(one: Example, names: Sequence[str]) -> Matrix:
    """Shape (proposals, features)."""
    return np.array([[f.get(name, 0.0) for name in names] for f in one.features]).reshape(-1, len(names))


def train(examples: Sequence[Example], names: Sequence[str], penalty: float = PENALTY) -> Matrix:
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
        weights = train([e for e in examples if e.question.id[:8] not in out], names, penalty)
        for one in (e for e in examples if e.question.id[:8] in out):
            best = chosen(one, names, weights)
            if best is not None:
                exact += float(one.exact[best])
                nearly += float(one.f1[best])
    return exact / len(examples), nearly / len(examples)


def gathered(data: Path, weeks: tuple[str, str]) -> tuple[list[Example], dict[str, Any]]:
    """The examples of RealTime QA's weeks, and what they are of."""
    if weeks[0][:4] <= str(TEST_YEAR) <= weeks[1][:4]:
        raise RagError(f"{TEST_YEAR} is the test year; choose weeks before or after it")
    dataset = datasets.load("realtimeqa", data, Choice(weeks=weeks), None)
    examples: list[Example] = []
    with opened("ours", dataset, None, Settings.from_env()) as (system, _):
        assert isinstance(system, Ours)
        for question in dataset.questions:
            examples.append(
                example(question, system.archive.evidence(system.archive.query(question.text, now=question.now)))
            )
    return examples, {"dataset": dataset.name, "weeks": "..".join(weeks), "data_hash": dataset.data_hash}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.short", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of RealTime QA's past/")
    parser.add_argument("--weeks", required=True, metavar="A..B", help="such as 20220701..20220826")
    parser.add_argument("--write", action="store_true", help="keep the weights where answers are made with them")
    options = parser.parse_args(arguments)
    first, _, last = options.weeks.partition("..")
    try:
        examples, of = gathered(options.data, (first, last or first))
    except RagError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    names = sorted({name for e in examples for f in e.features for name in f})
    exact, nearly = held_out(examples, names)
    print(f"{len(examples)} questions, {len(names)} features; held-out weeks: EM {exact:.3f}, F1 {nearly:.3f}")
    if options.write:
        weights = train(examples, names)
        kept = {name: round(float(w), 3) for name, w in zip(names, weights, strict=True) if abs(w) >= 0.0005}
        made = {"made_by": "python -m evals.short", **of, "questions": len(examples), "weights": kept}
        path = Path(short.__file__).with_name("short.json")
        path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())

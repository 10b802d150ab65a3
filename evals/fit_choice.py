"""python -m evals.fit_choice: what the counts for a choice are worth, fitted on RealTime QA's tuning years.

A conditional logit (McFadden, 1974): a question's choices compete by the exponential of their weighed features; the
weights maximise the likelihood of the right ones, less an L2 penalty on standardised features. No feature but
those of "all" and "none of the above" may speak against a choice. Deterministic.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # pyright: ignore[reportUnknownVariableType]

from evals import datasets
from evals.datasets.realtimeqa import TEST_YEAR
from evals.records import Question
from evals.systems import archive_folder, ingest
from rag import Archive
from rag.answers.choose import FEATURES, evidence_for, is_exception
from rag.errors import RagError, SettingsError
from rag.settings import Settings

OUT = Path(__file__).parents[1] / "rag" / "answers" / "choice.json"
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


def collect(
    archive: Archive, questions: Sequence[Question], told: Callable[[int], None] = lambda _: None
) -> list[Asked]:
    """The features of the questions that have one right choice; those that ask which is not so are left out."""
    found: list[Asked] = []
    for n, question in enumerate(questions, 1):
        told(n)
        gold = question.gold_choice
        if gold is None or is_exception(question.text) or len(question.choices) < 3:
            continue
        query = archive.query(question.text, now=question.now)
        # Private, since only a fit wants the features without the choice.
        weighed = evidence_for(archive._search(), query, question.choices)  # pyright: ignore[reportPrivateUsage]
        features = np.array([[each.features[name] for name in FEATURES] for each in weighed])
        found.append(Asked(question.id[:8], features - features.mean(axis=0), gold))
    return found


def fit(asked: Sequence[Asked], penalty: float = PENALTY) -> Matrix:
    """The weights of ``FEATURES``."""
    spread = np.concatenate([each.features for each in asked]).std(axis=0)
    spread[spread == 0] = 1.0
    spread[[FEATURES.index(name) for name in _RARE]] = 0.25  # their own would let few questions say much
    scaled = [each.features / spread for each in asked]

    def loss(w: Matrix) -> tuple[float, Matrix]:
        total, slope = 0.0, np.zeros_like(w)
        for x, each in zip(scaled, asked, strict=True):
            p = shares(x @ w)
            total -= float(np.log(p[each.gold] + 1e-12))
            slope += p @ x - x[each.gold]
        return total / len(asked) + penalty * float(w @ w), slope / len(asked) + 2 * penalty * w

    bounds = [(None if name in _RARE else 0.0, None) for name in FEATURES]
    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, dtype=np.float64) / spread


def shares(sums: Matrix) -> Matrix:
    raised = np.exp(sums - sums.max())
    return raised / raised.sum()


def right(asked: Sequence[Asked], weights: Matrix) -> list[bool]:
    return [int(np.argmax(each.features @ weights)) == each.gold for each in asked]


def cross_validated(asked: Sequence[Asked], penalty: float = PENALTY) -> float:
    """The share chosen right by weights fitted on the other weeks."""
    weeks = sorted({each.week for each in asked})
    fold = {week: n % FOLDS for n, week in enumerate(weeks)}
    scored: list[bool] = []
    for held in sorted(set(fold.values())):
        rest = [each for each in asked if fold[each.week] != held]
        here = [each for each in asked if fold[each.week] == held]
        if rest:
            scored += right(here, fit(rest, penalty))
    return sum(scored) / len(scored) if scored else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.fit_choice", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="RealTime QA's folder")
    parser.add_argument("--year", type=int, action="append", required=True, help="a tuning year; may be repeated")
    parser.add_argument("--archive", type=Path, action="append", metavar="DIR",
                        help="an archive of the year's articles, one for each --year (default: made and cached)")  # fmt: skip
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where the weights go (rag's own)")
    options = parser.parse_args(arguments)
    try:
        asked = _collected(options.data, options.year, options.archive or [None] * len(options.year))
    except RagError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    weights = fit(asked)
    kept = {name: round(float(w), 4) for name, w in zip(FEATURES, weights, strict=True) if abs(w) > 1e-4}
    made = {"weights": kept, "questions": len(asked), "years": sorted(options.year),
            "cross_validated": round(cross_validated(asked), 4)}  # fmt: skip
    options.out.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(made, indent=1))
    return 0


def _collected(data: Path, years: Sequence[int], archives: Sequence[Path | None]) -> list[Asked]:
    if TEST_YEAR in years:
        raise SettingsError(f"{TEST_YEAR} is the test year; fit on others")
    if len(archives) != len(years):
        raise SettingsError("give one --archive for each --year, or none")
    settings = Settings.from_env()
    asked: list[Asked] = []
    for year, folder in zip(years, archives, strict=True):
        dataset = datasets.load("realtimeqa", data, datasets.Choice(year=year), None)
        if folder is None:
            folder = archive_folder(dataset, settings)
            ingest(dataset, folder, settings)
        with Archive.open(folder, settings=settings) as archive:
            asked += collect(archive, dataset.questions)
    return asked


if __name__ == "__main__":
    sys.exit(main())

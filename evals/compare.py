"""Two runs over the same questions: which differences are more than chance, and which questions were won and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap  # pyright: ignore[reportUnknownVariableType]

from evals import runfile
from evals.measures import FAMILIES, Measure, parse_measure
from rag.errors import RagError

PERMUTATIONS = 9_999
RESAMPLES = 2_000
_BATCH = 250
_SAID = 100
"""Characters of an answer that the printed list shows; --json has the whole."""

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A over the ``n`` questions that have the measure in both runs, with a 95 % bootstrap interval.

    ``p`` is two-sided, of the paired permutation test. ``unpaired`` counts the questions that have it in one run only.
    ``wins`` are the questions on which B is better, ``losses`` those on which A is.
    """

    measure: str
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    unpaired: int
    wins: tuple[str, ...]
    losses: tuple[str, ...]


def permutation_p(a: Scores, b: Scores, seed: int = 0) -> float:
    """How often a difference of means at least as large comes of swapping the two scores of questions at random: the
    paired permutation test (Fisher, 1935; the observed one counted, so never 0). For p50 and p95, too, the means are
    tested: swapping moves a percentile of two kinds of times by all or nothing.
    """
    differences = b - a
    # Sums in another order differ in the last digits.
    seen = abs(float(differences.sum())) - 1e-9
    generator = np.random.default_rng(seed)
    extreme = 0
    for at in range(0, PERMUTATIONS, _BATCH):
        signs = generator.integers(0, 2, (min(_BATCH, PERMUTATIONS - at), len(a))) * 2 - 1
        extreme += int((np.abs(signs @ differences) >= seen).sum())
    return (extreme + 1) / (PERMUTATIONS + 1)


def interval(a: Scores, b: Scores, percentile: float | None = None, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of B minus A, questions drawn in pairs."""

    def statistic(first: Any, second: Any, axis: int = -1) -> Any:
        if percentile is None:
            return np.mean(second - first, axis=axis)
        return np.percentile(second, percentile, axis=axis) - np.percentile(first, percentile, axis=axis)

    if len(a) == 1 or np.ptp(b - a) == 0:
        only = float(statistic(a, b))
        return only, only
    found = cast(
        Any,
        bootstrap(
            (a, b),
            statistic,
            n_resamples=RESAMPLES,
            batch=_BATCH,
            paired=True,
            vectorized=True,
            method="percentile",
            rng=np.random.default_rng(seed),
        ),
    ).confidence_interval
    return float(found.low), float(found.high)


def difference(measure: Measure, a: Mapping[str, float | None], b: Mapping[str, float | None], seed: int) -> Difference:
    """One measure of two runs; the scores are by question."""
    both = [i for i in a if a[i] is not None and b[i] is not None]
    unpaired = sum((a[i] is None) != (b[i] is None) for i in a)
    first, second = (np.asarray([scores[i] for i in both], dtype=np.float64) for scores in (a, b))
    better = -1 if measure.less_is_better else 1
    gain = dict(zip(both, better * (second - first), strict=True))
    wins, losses = tuple(i for i in both if gain[i] > 0), tuple(i for i in both if gain[i] < 0)
    if not both:
        return Difference(str(measure), None, None, None, None, None, None, 0, unpaired, (), ())
    percentile = FAMILIES[measure.name].percentile
    low, high = interval(first, second, percentile, seed)
    of_a, of_b = measure.summarise(first.tolist(), seed).value, measure.summarise(second.tolist(), seed).value
    assert of_a is not None and of_b is not None
    p = permutation_p(first, second, seed)
    return Difference(str(measure), of_a, of_b, of_b - of_a, low, high, p, len(both), unpaired, wins, losses)


def compare(path_a: Path, path_b: Path, seed: int = 0) -> dict[str, Any]:
    """Every measure that both runs have. Raises RagError where they did not answer the same questions of one archive."""
    a, b = runfile.read(path_a, questions=True), runfile.read(path_b, questions=True)
    for what, key in (("data sets", "dataset"), ("data", "data_hash")):
        if a[key] != b[key]:
            raise RagError(
                f"the runs are of different {what} ({a[key][:12]} and {b[key][:12]}); "
                "make both with the same data set, --data, --weeks, --year, --split, --limit and --seed"
            )
    of_a, of_b = ({q["id"]: q for q in run["questions"]} for run in (a, b))
    if of_a.keys() != of_b.keys():
        raise RagError("the runs asked different questions; make both with the same --split, --limit and --seed")
    shared = [m for m in dict.fromkeys(["Right", *a["measures"]]) if m == "Right" or m in b["measures"]]
    # Two judges are two rulers.
    judges_differ = "Faithful" in shared and a["settings"].get("judge") != b["settings"].get("judge")
    if judges_differ:
        shared.remove("Faithful")
    differences = [
        difference(
            parse_measure(name),
            {i: q["scores"][name] for i, q in of_a.items()},
            {i: q["scores"][name] for i, q in of_b.items()},
            seed,
        )
        for name in shared
    ]
    return {
        "a": _named(a, path_a),
        "b": _named(b, path_b),
        "dataset": a["dataset"],
        "data_hash": a["data_hash"],
        "asked": len(of_a),
        "same_code": a["code"]["sources"] == b["code"]["sources"],
        "judges_differ": judges_differ,
        "counts": {name: [a["counts"].get(name), b["counts"].get(name)] for name in {**a["counts"], **b["counts"]}},
        "differences": [asdict(each) for each in differences],
        "questions": {
            i: {"question": q["question"], "gold": q["gold"], "a": _said(q), "b": _said(of_b[i])}
            for i, q in of_a.items()
            if any(i in d.wins or i in d.losses for d in differences[:1])
        },
    }


def _named(run: Mapping[str, Any], path: Path) -> dict[str, Any]:
    return {"file": str(path), "system": run["system"], "checksum": run["checksum"], "settings": run["settings"]}


def _said(question: Mapping[str, Any]) -> str:
    return question["error"] or " ".join(s["text"] for s in question["sentences"]) or "(not in the archive)"


def table(found: Mapping[str, Any]) -> str:
    """For people: a line a measure, then the questions won and lost by the measure Right."""
    a, b = found["a"], found["b"]
    lines = [f"A: {a['system']} ({a['file']})", f"B: {b['system']} ({b['file']})"]
    lines += [f"{found['asked']:,} questions of {found['dataset']}"]
    lines += [] if found["same_code"] else ["the two were made by different code"]
    lines += ["Faithful is left out: the judges differ"] if found["judges_differ"] else []
    lines += [
        "",
        f"{'measure':<22}{'A':>9}{'B':>9}{'B − A':>10}  {'95 % interval':<20}{'p':>8}{'won':>6}{'lost':>6}{'n':>7}",
    ]
    for raw in found["differences"]:
        d = Difference(**raw)
        if d.difference is None:
            lines.append(f"{d.measure:<22}{'–':>9}{'–':>9}{'–':>10}  {'–':<20}{'–':>8}{'–':>6}{'–':>6}{0:>7}")
            continue
        digits = 1 if d.measure in ("AnswerWords", "WrongMouthWords", "p50", "p95") else 3
        within = f"{d.low:+.{digits}f} to {d.high:+.{digits}f}"
        lines.append(
            f"{d.measure:<22}{d.a:>9.{digits}f}{d.b:>9.{digits}f}{d.difference:>+10.{digits}f}  {within:<20}{d.p:>8.4f}"
            f"{len(d.wins):>6,}{len(d.losses):>6,}{d.n:>7,}"
        )
    lines += ["", f"{'count':<32}{'A':>8}{'B':>8}"]
    for name, (of_a, of_b) in found["counts"].items():
        of = ["–" if count is None else f"{count:,}" for count in (of_a, of_b)]
        lines.append(f"{name.replace('_', ' '):<32}{of[0]:>8}{of[1]:>8}")
    headline = Difference(**found["differences"][0])
    for what, ids in (("won by B", headline.wins), ("lost by B", headline.losses)):
        lines += ["", f"{what} ({headline.measure}):", *_listed(ids, found["questions"])]
    return "\n".join(lines)


def _listed(ids: Sequence[str], questions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for i in ids:
        q = questions[i]
        lines.append(f"  {i}: {q['question']}" + (f" [{'; '.join(q['gold'])}]" if q["gold"] else ""))
        lines += [f"    {side.upper()}: {_short(q[side])}" for side in ("a", "b")]
    return lines or ["  none"]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SAID else line[: _SAID - 1] + "…"

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from evals import runfile
from evals.__main__ import main
from evals.compare import compare, difference, interval, permutation_p
from evals.measures import parse_measure
from rag.errors import RagError, SourceError

SCORES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0])), min_size=2, max_size=12
)


def columns(pairs: list[tuple[float, float]]) -> tuple[Any, Any]:
    array = np.asarray(pairs)
    return array[:, 0], array[:, 1]


@settings(max_examples=15, deadline=None)
@given(SCORES)
def test_the_permutation_test_is_scipys(pairs: list[tuple[float, float]]) -> None:
    a, b = columns(pairs)
    exact = permutation_test(  # all sign flips of so few pairs
        (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=np.inf,
    )  # fmt: skip
    assert permutation_p(a, b) == pytest.approx(exact.pvalue, abs=0.025)


@settings(max_examples=15, deadline=None)
@given(SCORES)
def test_a_comparison_turned_round_is_its_mirror(pairs: list[tuple[float, float]]) -> None:
    a, b = columns(pairs)
    assert permutation_p(a, b) == pytest.approx(permutation_p(b, a), abs=0.025)
    low, high = interval(a, b)
    assert low <= (b - a).mean() + 1e-9 and (b - a).mean() - 1e-9 <= high
    assert interval(b, a) == pytest.approx((-high, -low), abs=1e-9)


def test_a_large_difference_is_sure_and_none_is_not() -> None:
    zeros, ones = np.zeros(40), np.ones(40)
    assert permutation_p(zeros, ones) < 0.001
    assert permutation_p(ones, ones) == 1


def test_wins_follow_the_direction_of_the_measure() -> None:
    a: dict[str, float | None] = {"x": 1.0, "y": 0.0, "z": None, "w": 0.0}
    b: dict[str, float | None] = {"x": 0.0, "y": 1.0, "z": 1.0, "w": 0.0}
    found = difference(parse_measure("Contains"), a, b, 0)
    assert (found.wins, found.losses, found.n, found.unpaired) == (("y",), ("x",), 3, 1)
    mouths = difference(parse_measure("WrongMouth"), a, b, 0)
    assert (mouths.wins, mouths.losses) == (("x",), ("y",))
    empty = difference(parse_measure("EM"), {"x": None}, {"x": 1.0}, 0)
    assert empty.n == 0 and empty.p is None and empty.unpaired == 1


def test_runs_are_compared(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(runs["stock"]), str(runs["ours"]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    right = found["differences"][0]
    ours, stock = (json.loads(runs[name].read_text()) for name in ("ours", "stock"))
    assert right["measure"] == "Right" and right["n"] == 6
    by_hand = [
        q["scores"]["Right"] - p["scores"]["Right"] for q, p in zip(ours["questions"], stock["questions"], strict=True)
    ]
    assert right["difference"] == pytest.approx(np.mean(by_hand))
    assert len(right["wins"]) - len(right["losses"]) == sum(by_hand)
    assert main(["compare", str(runs["stock"]), str(runs["ours"])]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name}: " in printed for name in right["wins"])


def edited(path: Path, to: Path, *, seal: bool, **values: Any) -> Path:
    run = json.loads(path.read_text()) | values
    runfile.write(to, runfile.sealed(run) if seal else run)
    return to


def test_runs_that_cannot_be_compared_are_refused(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = runs["ours"]
    figures = json.loads(ours.read_text())
    figures["measures"]["Right"]["value"] = 0.99
    runfile.write(tmp_path / "hand.json", figures)
    fewer = figures["questions"][:-1]
    kept = tmp_path / "kept.json"
    runfile.write(kept, runfile.kept(runfile.read(ours)))
    (tmp_path / "no.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    for other, told in {
        tmp_path / "hand.json": "changed after it was made",
        edited(ours, tmp_path / "data.json", seal=True, data_hash="0" * 64): "different data",
        edited(ours, tmp_path / "few.json", seal=True, questions=fewer): "different questions",
        edited(ours, tmp_path / "old.json", seal=True, format=0): "format 0",
        kept: "figures only",
        tmp_path / "no.json": "no JSON",
        tmp_path / "list.json": "no run",
        tmp_path / "missing.json": "cannot read",
    }.items():
        assert main(["compare", str(ours), str(other)]) == 2
        err = capsys.readouterr().err
        assert told in err and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize("key", ["measures", "settings", "questions", "seed", "asked"])
def test_any_change_is_noticed(runs: dict[str, Path], tmp_path: Path, key: str) -> None:
    assert runfile.read(runs["ours"])["checksum"] == json.loads(runs["ours"].read_text())["checksum"]
    with pytest.raises(SourceError, match="changed after"):
        runfile.read(edited(runs["ours"], tmp_path / "x.json", seal=False, **{key: "other"}))
    with pytest.raises(RagError):
        compare(runs["ours"], tmp_path / "x.json")

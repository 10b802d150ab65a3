from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import agreement, runfile
from evals.__main__ import main
from evals.table import drifted, keep, named, table
from rag.errors import RagError, SettingsError

README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_figures_are_those_of_the_kept_runs() -> None:
    text = README.read_text()
    if "<!-- figures:" not in text:
        pytest.skip("the README has no table of figures yet")
    assert text.count("<!-- figures:") == text.count("<!-- /figures -->")
    assert drifted(text) == []


def test_kept_results_are_small_and_untouched() -> None:
    for path in runfile.RESULTS.glob("*.json"):
        assert path.stat().st_size < 200_000, path
        if path == agreement.KEPT:
            assert agreement.read(path)["sentences"] == 100
        else:
            assert "questions" not in runfile.read(path)


def test_a_table_that_drifts_is_noticed(runs: dict[str, Path], tmp_path: Path) -> None:
    made = keep([runfile.read(path) for path in runs.values()], "tiny", tmp_path)
    assert sorted(path.name for path in made) == [f"tiny.{n}.json" for n in ("bm25", "dense", "ours", "stock")]
    printed = table(named("tiny", tmp_path))
    text = f"before\n<!-- figures:tiny -->\n{printed}<!-- /figures -->\nafter\n"
    assert drifted(text, tmp_path) == []
    assert drifted(text.replace("Contains | ", "Contains | 9", 1), tmp_path) == ["tiny"]
    with pytest.raises(RagError, match="no figures are kept as gone"):
        drifted(text.replace("figures:tiny", "figures:gone"), tmp_path)
    run = json.loads(made[0].read_text())
    run["measures"]["Contains"]["value"] = 0.123
    made[0].write_text(json.dumps(run))
    with pytest.raises(RagError, match="changed after"):
        drifted(text, tmp_path)


def test_agreement_that_drifts_is_noticed(tmp_path: Path) -> None:
    (tmp_path / agreement.KEPT.name).write_text(agreement.KEPT.read_text())
    text = f"<!-- figures:agreement -->\n{agreement.table(agreement.read())}<!-- /figures -->\n"
    assert drifted(text, tmp_path) == []
    assert drifted(text.replace("Kappa", "kappa", 1), tmp_path) == ["agreement"]


def test_the_table_is_markdown_with_ours_first(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", *map(str, runs.values())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| measure | ours | stock | bm25 | dense |"
    assert all(line.count("|") == 6 for line in lines if line.startswith("|"))
    assert any(line.startswith("| VerbatimCitation | 100.0 (100.0 to 100.0) |") for line in lines)


def test_figures_need_a_plain_name_and_one_run_a_system(runs: dict[str, Path], tmp_path: Path) -> None:
    run = runfile.read(runs["ours"])
    with pytest.raises(SettingsError, match="cannot name"):
        keep([run], "../x", tmp_path)
    with pytest.raises(RagError, match="one of each"):
        keep([run, run], "x", tmp_path)

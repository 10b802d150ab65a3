"""The recorded pages: how many fields are read, and that a miss is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import extraction
from evals.__main__ import main
from rag.errors import SettingsError

KEPT = Path(extraction.__file__).parent / "results" / "extraction" / "pages.json"


def test_the_recorded_pages_are_read_as_the_kept_figures_say() -> None:
    found = extraction.run()
    assert found["pages"] >= 20
    assert found == json.loads(KEPT.read_text())
    assert all(n["right"] >= 0.9 * n["of"] for n in found["fields"].values())


def test_a_miss_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.html").write_text(
        "<title>Head</title><meta property=og:title content=Head><article><p>Some words of it.</p><p>Menu</p></article>"
    )
    wanted = {"title": "Other", "paragraphs": ["Some words of it."], "noise": ["Menu"]}
    (tmp_path / "expected.json").write_text(json.dumps({"a": wanted}))
    assert main(["extraction", "--data", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "missed: a: title: Head for Other" in shown and "missed: a: text: “Menu”" in shown
    with pytest.raises(SettingsError, match="--data"):
        extraction.run(tmp_path / "nowhere")

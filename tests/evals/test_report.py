from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evals import runfile
from evals.__main__ import main
from evals.datasets import realtimeqa
from evals.report import report


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "path"):
            self.open.append(tag)
        self.addresses += [
            name for name, _ in attrs if name in ("src", "href", "srcset", "data", "action") or name.startswith("on")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "path"):
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_loads_nothing_and_escapes_everything(runs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "made" / "report.html"
    assert main(["report", *map(str, runs.values()), "--out", str(out)]) == 0
    page = out.read_text()
    read = Reader(page)
    assert read.open == [] and read.addresses == []
    assert not {"script", "i", "link", "img", "iframe"} & set(read.tags)
    assert "<script" not in page and "url(" not in page and "<i>" not in page
    assert read.tags.count("svg") == 2 and read.tags.count("polyline") == 8
    for name in runs:
        run = runfile.read(runs[name])
        wrong = [q for q in run["questions"] if not q["scores"]["Right"]]
        assert f"{name}: {len(wrong)} of 6 questions not answered right" in read.text
        for q in wrong:
            assert q["question"] in read.text and q["passages"][0]["text"].split("\n")[0] in read.text
    assert "Published" not in read.text


def test_how_many_are_not_shown_is_said(runs: dict[str, Path]) -> None:
    stock = runfile.read(runs["stock"])
    for question in stock["questions"][:3]:
        question["scores"]["Right"] = 0.0
    wrong = sum(not q["scores"]["Right"] for q in stock["questions"])
    page = report([stock], failing=1)
    assert f"{wrong} of 6 questions not answered right; the first 1 are shown" in page
    assert page.count("<h4>Answer</h4>") == 1


def test_points_of_the_curves_lie_within_the_plot(runs: dict[str, Path]) -> None:
    for points in re.findall(r'points="([^"]*)"', report([runfile.read(path) for path in runs.values()])):
        for point in points.split():
            x, y = map(float, point.split(","))
            assert 46 <= x <= 450 and 10 <= y <= 240


def test_published_figures_stand_beside_realtimeqa_only(runs: dict[str, Path]) -> None:
    run = runfile.read(runs["ours"])
    page = report([run | {"dataset": "realtimeqa", "settings": run["settings"] | {"year": 2023}}])
    assert all(each.system in page for each in realtimeqa.PUBLISHED) and "31.8" in page
    assert "ours (this run)" in page


def test_kept_figures_make_a_report_without_questions(runs: dict[str, Path]) -> None:
    page = report([runfile.kept(runfile.read(runs["ours"]))])
    assert "holds figures only" in page and "<h4>" not in page


def test_runs_over_different_data_make_no_report(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    runfile.write(other, runfile.sealed(runfile.read(runs["ours"]) | {"data_hash": "1"}))
    assert main(["report", str(runs["ours"]), str(other), "--out", str(tmp_path / "x.html")]) == 2
    assert "different data" in capsys.readouterr().err and not (tmp_path / "x.html").exists()

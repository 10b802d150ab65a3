"""Coverage as a picture: every article is in one bar, whatever the stretch of time; what is written opens."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from rag import picture
from rag.errors import SettingsError

DAYS = {
    "2024-06-03": {"Xinhua": 2, "": 1},
    "2024-06-09": {"Xinhua": 1},
    "2024-06-12": {"The <Post> & \x0b Co": 4, "Xinhua": 1},
}
SVG = "{http://www.w3.org/2000/svg}"

_names = st.sampled_from(["", "A", "B", *(f"Outlet {n}" for n in range(12))])
_days = st.dictionaries(
    st.dates().map(date.isoformat) | st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(date.isoformat),
    st.dictionaries(_names, st.integers(1, 10_000), min_size=1, max_size=5),
    max_size=12,
)


@given(_days, st.integers(2, 60))
def test_runs_cover_all_days_without_gap_and_lose_no_article(days: dict[str, dict[str, int]], most: int) -> None:
    unit, found = picture.runs(days, most)
    assert sum(run.total for run in found) == sum(n for held in days.values() for n in held.values())
    assert len(found) <= most or unit == "century"
    if days:
        assert (found[0].first.isoformat(), found[-1].last.isoformat()) == (min(days), max(days))
    assert all(a.last.toordinal() + 1 == b.first.toordinal() for a, b in pairwise(found))
    for run in found:
        within = [held for day, held in days.items() if run.first.isoformat() <= day <= run.last.isoformat()]
        assert run.total == sum(n for held in within for n in held.values())


@pytest.mark.parametrize(
    ("until", "unit"), [("2024-06-20", "day"), ("2024-08-30", "week"), ("2025-12-01", "month"), ("2040-01-01", "year")]
)
def test_the_unit_grows_with_the_time(until: str, unit: str) -> None:
    assert picture.runs({"2024-06-01": {"A": 1}, until: {"A": 1}}, 31)[0] == unit


def test_lines_tell_when_how_many_and_whose() -> None:
    assert picture.plain(DAYS) == [
        "articles a day:",
        "  2024-06-03         3  Xinhua 2, (no outlet) 1",
        "  2024-06-09         1  Xinhua 1",
        "  2024-06-12         5  The <Post> & \x0b Co 4, Xinhua 1",
    ]
    assert picture.plain({}) == []


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_shows_a_row_of_bars_an_outlet(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    picture.show(DAYS, {"The [bold]Post": 4, "Xinhua": 4, "": 1}, console, 20)
    assert isinstance(console.file, io.StringIO)
    rows = console.file.getvalue().splitlines()
    assert "The [bold]Post" in rows[0] and "(no outlet)" in rows[2]
    assert rows[1].split()[-3:] == ["█", "▄", "▄"]
    assert "2024-06-03 to 2024-06-12" in " ".join(rows[3:]) and all(len(row) <= width for row in rows)


@given(_days)
def test_an_svg_is_well_formed_and_its_bars_hold_every_article(days: dict[str, dict[str, int]]) -> None:
    drawn = picture._svg(picture._shapes(days, "A <title>"), "A <title>")  # pyright: ignore[reportPrivateUsage]
    root = ET.fromstring(drawn)
    told = [title.text or "" for rect in root.iter(f"{SVG}rect") for title in rect.iter(f"{SVG}title")]
    counted = sum(int(text.rpartition(": ")[2].replace(",", "")) for text in told)
    assert counted == sum(n for held in days.values() for n in held.values())
    assert "script" not in drawn and not re.search(r"(?:href|url)\b", drawn)


def test_files_are_what_their_endings_say(tmp_path: Path) -> None:
    picture.write(tmp_path / "a.svg", DAYS, "Coverage")
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert "Coverage" in "".join(root.itertext()) and "The <Post> & \ufffd Co (4)" in "".join(root.itertext())
    picture.write(tmp_path / "b.PNG", DAYS, "Coverage")
    with Image.open(tmp_path / "b.PNG") as image:
        assert image.format == "PNG" and image.size == (1920, 880)
        assert len(set(image.get_flattened_data() if hasattr(image, "get_flattened_data") else image.getdata())) > 3
    picture.write(tmp_path / "empty.png", {}, "Nothing")
    for wrong, cure in (("a.jpg", ".svg or .png"), ("no/such/folder.svg", "choose another place"), ("x", ".svg")):
        with pytest.raises(SettingsError, match=re.escape(cure)):
            picture.write(tmp_path / wrong, DAYS, "Coverage")

"""How well pages are read: recorded pages of many templates, each field of each page right or not, the misses listed.

A folder of pages holds ``NAME.html`` and ``expected.json``: for each name the fields of the article, its ``paragraphs``
in order, and ``noise``, words of the page that are not the article's. A field that is not given there is not judged for
outlet and url, and must be empty for all others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import regex

from rag.errors import SettingsError
from rag.indexing.extract import NotAnArticle, from_html

PAGES = Path(__file__).parent.parent / "tests" / "pages"
FIELDS = (
    "title", "text", "byline", "outlet", "dateline", "event_date", "agency", "editors", "published", "modified",
    "language", "url",
)  # fmt: skip
UNJUDGED = ("outlet", "url")
# Scripts without spaces between words are compared by characters.
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{M}\p{N}]+")
TODAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Miss:
    """A field that was not read as it stands on the page."""

    page: str
    field: str
    wanted: str
    found: str


def run(folder: Path = PAGES) -> dict[str, Any]:
    """Read every page of a folder: counts by field, the F1 of the texts' words (mean), the misses.

    Raises SettingsError where the folder holds no expected.json.
    """
    try:
        expected: dict[str, dict[str, Any]] = json.loads((folder / "expected.json").read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{folder}: no expected.json that can be read; name a folder of pages with --data"
        ) from error
    right, judged = Counter[str](), Counter[str]()
    misses: list[Miss] = []
    f1: list[float] = []
    for name, wanted in sorted(expected.items()):
        found = _read(folder / f"{name}.html")
        f1.append(_f1(" ".join(wanted["paragraphs"]), str(found.get("text", ""))))
        for field in FIELDS:
            if field in UNJUDGED and field not in wanted:
                continue
            judged[field] += 1
            missing = _missing(field, wanted, found)
            if missing is None:
                right[field] += 1
            else:
                misses.append(Miss(name, field, *missing))
    return {
        "pages": len(expected),
        "fields": {field: {"right": right[field], "of": judged[field]} for field in FIELDS},
        "text_f1": round(sum(f1) / max(len(f1), 1), 4),
        "misses": [{"page": m.page, "field": m.field, "wanted": m.wanted, "found": m.found} for m in misses],
    }


def table(found: Mapping[str, Any]) -> str:
    """The counts as a Markdown table, and the misses below it."""
    lines = ["| field | right | of |", "|---|--:|--:|"]
    lines += [f"| {field} | {n['right']} | {n['of']} |" for field, n in found["fields"].items()]
    lines += ["", f"{found['pages']} pages; words of the texts: F1 {100 * found['text_f1']:.1f}."]
    lines += [f"missed: {m['page']}: {m['field']}: {m['found']} for {m['wanted']}" for m in found["misses"]]
    return "\n".join(lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        article = from_html(path.read_bytes(), source=path.name, key=path.name, today=TODAY).article
    except NotAnArticle:
        return {}
    return {field: getattr(article, field) for field in FIELDS}


def _missing(field: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, str] | None:
    """What was wanted and what was found instead; None where the field is right."""
    if field == "text":
        return _text(wanted["paragraphs"], wanted["noise"], found.get("text", ""))
    want, have = wanted.get(field, ""), found.get(field, "")
    want, have = (value if isinstance(value, str) else "; ".join(value) for value in (want, have))
    return None if want == have else (want or "nothing", have or "nothing")


def _text(paragraphs: Sequence[str], noise: Sequence[str], text: str) -> tuple[str, str] | None:
    at = 0
    for paragraph in paragraphs:
        place = text.find(paragraph, at)
        if place < 0:
            return f"“{paragraph[:60]}” in its place", "other words"
        at = place + len(paragraph)
    stray = next((each for each in noise if each in text), "")
    return ("no such words", f"“{stray.strip()}”") if stray else None


def _f1(wanted: str, found: str) -> float:
    a, b = (Counter(_WORD.findall(text.casefold())) for text in (wanted, found))
    shared = (a & b).total()
    return 2 * shared / (a.total() + b.total()) if shared else 0.0

"""The sentences labelled by hand keep their promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals.datasets import judged
from rag.errors import SourceError

LABELLED, ARTICLES = judged.load()
LINES: list[dict[str, Any]] = [json.loads(line) for line in judged.SHIPPED.read_text().splitlines()]


def test_there_are_a_hundred_about_half_of_them_faithful() -> None:
    assert len(LABELLED) == len({each.sentence for each in LABELLED}) == 100
    assert 45 <= sum(each.faithful for each in LABELLED) <= 55
    counts = Counter(each.why for each in LABELLED)
    assert set(counts) == {*judged.FAITHFUL, *judged.UNFAITHFUL} and min(counts.values()) >= 3


def test_quotes_stand_once_in_their_article_and_it_names_the_speaker() -> None:
    for each in LABELLED:
        for citation in each.citations:
            article = ARTICLES[citation.article]
            assert article.text.count(citation.quote) == 1
            assert article.text[citation.start : citation.end] == citation.quote
            assert citation.speaker in f"{article.title}\n{article.text}", citation
    assert len(ARTICLES) >= 30


def test_only_what_is_called_verbatim_is() -> None:
    for each in LABELLED:
        assert (each.why == "verbatim") == any(each.sentence in c.quote for c in each.citations), each.sentence


def test_the_readme_counts_what_is_there() -> None:
    readme = (judged.SHIPPED.parent / "README.md").read_text()
    told = {why: int(n) for why, n in re.findall(r"\| ([a-z ]+) \| (\d+) \|", readme)}
    assert told == Counter(each.why for each in LABELLED)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"faithful": "yes"}, "true or false"),
        ({"why": "negation"}, "a why that goes with it"),
        ({"sentence": ""}, "needs a sentence"),
        ({"quotes": []}, "needs a sentence and its quotes"),
        ({"quotes": [{"url": LINES[0]["quotes"][0]["url"], "quote": "The alarm rang at noon."}]}, "does not stand in"),
        ({"quotes": [{"url": "https://gone.example/x", "quote": "The alarm"}]}, "does not stand in"),
    ],
)
def test_a_label_that_cannot_be_used_is_refused_by_its_line(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path = tmp_path / "sentences.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in (LINES[1], LINES[0] | change)))
    with pytest.raises(SourceError, match=told) as raised:
        judged.load(path)
    assert "sentences.jsonl:2" in str(raised.value)

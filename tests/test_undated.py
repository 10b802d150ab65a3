"""An article that bears no date: kept and found, but never where only a span of days is asked for."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from rag import Archive


def test_an_article_without_a_date_is_kept_and_found_outside_of_spans(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    records = [
        {"title": "Harbour bridge", "text": "The harbour bridge cost ninety million crowns, the council said."},
        {"title": "Tunnel", "text": "The tunnel under the river opens in June.", "date": "2024-05-02"},
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    question = "How much did the harbour bridge cost?"
    with Archive.create(tmp_path / "archive") as archive:
        (report,) = archive.ingest([str(path)]).sources
        assert (report.added, report.skipped, report.remarks) == (2, (), ())
    with Archive.open(tmp_path / "archive") as archive:
        status = archive.status()
        assert (status.articles, status.undated) == (2, 1)
        assert (status.since, status.until) == ("2024-05-02", "2024-05-02"), "an undated article is of no day"

        answer = archive.ask(question)
        assert answer.status == "answered"
        assert "ninety million crowns" in answer.text
        assert (answer.citations[0].title, answer.citations[0].published) == ("Harbour bridge", "")

        span = (date(1600, 1, 1), date(2999, 12, 31))
        for since, until in ((None, span[1]), (span[0], None), span):
            answer = archive.ask(question, since=since, until=until)
            assert answer.status == "not_in_archive", "whether it is of these days nobody knows"
            assert answer.coverage.articles == 1
            assert {c.title for c in answer.nearest} <= {"Tunnel"}
        assert archive.search(question, until=span[1])[0].article.title == "Tunnel"

"""Who said what, listed: ``Archive.quotes`` and ``python -m rag quotes``; names nearly right; whether somebody said so."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rag import Archive
from rag.__main__ import main
from rag.errors import QuestionError
from rag.indexing.names import nearly

ARTICLES = [
    {
        "url": "https://harbour.example/1", "title": "Fish market", "outlet": "Harbour Post", "published": "2024-03-05",
        "text": 'Mayor Ida Brandt said on Monday that the fish market will be built in May. "We will never sell the market," '
        "Brandt told reporters. The engineer, Tom Rask, declined to say what the roof costs.",
    },
    {
        "url": "https://ferry.example/2", "title": "=Tram", "outlet": "Ferry News", "published": "2024-04-01",
        "text": "Mayor Ida Brandt denied that the tram line would be closed. The tram line opened in 1990.",
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("quotes")
    (base / "a.jsonl").write_text("\n".join(json.dumps(a) for a in ARTICLES))
    with Archive.create(base / "archive") as archive:
        assert archive.ingest([str(base / "a.jsonl")]).ok
    return base / "archive"


@pytest.fixture(scope="module")
def archive(folder: Path) -> Iterator[Archive]:
    with Archive.open(folder) as opened:
        yield opened


def test_statements_newest_article_first_with_their_places(archive: Archive) -> None:
    found = list(archive.quotes(speaker="Brandt"))
    assert next(q.article.outlet for q in found) == "Ferry News" and {q.statement.speaker for q in found} == {
        "Ida Brandt"
    }
    assert found[0].statement.manner == "denied" and "direct" in {q.statement.kind for q in found}
    for quote in found:
        told = quote.to_json()
        assert quote.article.text[told["content"]["start"] : told["content"]["end"]] == told["text"] == quote.text


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"speaker": "Brandt", "about": "market sell"}, 1),
        ({"speaker": "Brandt", "since": date(2024, 4, 1)}, 1),
        ({"speaker": "Brandt", "until": date(2024, 3, 31)}, 2),
        ({"about": "tram", "outlets": ["ferry news"]}, 1),
        ({"speaker": "Nobody"}, 0),
        ({"about": "of the"}, 0),
    ],
)
def test_what_is_asked_for_is_what_is_listed(archive: Archive, asked: dict[str, object], count: int) -> None:
    assert len(list(archive.quotes(**asked))) == count  # pyright: ignore[reportArgumentType]


def test_bad_filters_name_the_cure(archive: Archive) -> None:
    with pytest.raises(QuestionError, match="swap them"):
        list(archive.quotes(since=date(2024, 4, 1), until=date(2024, 3, 1)))
    with pytest.raises(QuestionError, match="Ferry News"):
        list(archive.quotes(outlets=["Nowhere"]))


def test_a_rebuild_keeps_what_the_head_found(folder: Path, tmp_path: Path) -> None:
    with Archive.open(folder) as archive:
        before = [q.to_json() for q in archive.quotes()]
    Archive.rebuild(folder)
    with Archive.open(folder) as archive:
        assert [q.to_json() for q in archive.quotes()] == before


def test_the_command_prints_text_json_and_csv(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["quotes", "--archive", str(folder)]
    assert main([*at, "--speaker", "Ida Brandt", "--about", "tram"]) == 0
    assert "Ida Brandt (denied) [indirect" in capsys.readouterr().out
    assert main([*at, "--speaker", "Brandt", "--json"]) == 0
    assert {q["speaker"] for q in json.loads(capsys.readouterr().out)} == {"Ida Brandt"}
    assert main([*at, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["title"] == "'=Tram" and rows[0]["manner"] == "denied"
    assert main([*at, "--speaker", "Nobody"]) == 1
    assert main([*at, "--csv", "--json"]) == 2


# Answers


def test_a_misspelt_name_is_not_answered_for_but_the_near_one_is_named(archive: Archive) -> None:
    answer = archive.ask("What did Brandtt say about the market?")
    assert answer.status == "not_in_archive" and not answer.sentences
    assert "Did you mean Ida Brandt?" in " ".join(answer.notes)


def test_somebody_whom_the_archive_never_names_is_not_guessed_at(archive: Archive) -> None:
    answer = archive.ask("What did Zoltan Szabo say about the market?")
    assert answer.status == "not_in_archive" and "nobody named Zoltan Szabo." in " ".join(answer.notes)
    assert "Did you mean" not in " ".join(answer.notes)


@pytest.mark.parametrize(
    ("question", "status", "note"),
    [
        ("Did Brandt say that the fish market will be built in May?", "answered", "Ida Brandt said so."),
        ("Did Brandt say that the fish market will be built in June?", None, "said so"),
        ("Did Brandt deny that the fish market will be built?", "partly", "no record that Ida Brandt denied it"),
        ("Did Brandt deny that the tram line would be closed?", "answered", ""),
    ],
)
def test_whether_somebody_said_so(archive: Archive, question: str, status: str | None, note: str) -> None:
    answer = archive.ask(question)
    notes = " ".join(answer.notes)
    if status is None:
        assert "Ida Brandt said so." not in notes
    else:
        assert answer.status == status and note in notes
    assert {s.speaker for s in answer.sentences} <= {"Ida Brandt"}


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [("lavrow", "lavrov", True), ("lavorv", "lavrov", True), ("macron", "lavrov", False), ("li", "lu", False),
     ("zelensky", "zelenskyy", True), ("putin", "rutin", True)],
)  # fmt: skip
def test_slips(a: str, b: str, near: bool) -> None:
    assert nearly(a, b) is nearly(b, a) is near

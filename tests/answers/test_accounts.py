"""Corrections, changing figures, contradictions, questions of several parts and false premises, on a real archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Archive
from rag.__main__ import source
from rag.answers.accounts import number
from rag.records import Article
from rag.retrieval import types

BRIDGE = "The mayor of Aldmoor, Ines Calder, opened a new footbridge over the mill race on Saturday. "
NEWS = (
    ("a1", "Ferry fire off Aldmoor", "The Post", "2024-03-04",
     "A ferry caught fire off Aldmoor on Monday. At least four people died in the ferry fire off Aldmoor, police said."),
    ("a2", "Ferry fire toll", "The Post", "2024-03-09",
     "The ferry fire off Aldmoor was the worst for years. Nine people died in the ferry fire off Aldmoor, police said on Saturday."),
    ("b1", "Storm empties Brack", "The Post", "2024-05-02",
     "A storm struck Brack on Wednesday. Some 2,600 residents were evacuated in Brack, the fire service said."),
    ("b2", "Brack cleans up after storm", "The Star", "2024-05-02",
     "Shops in Brack opened late. According to the town hall, 3,400 residents were evacuated in Brack."),
    ("c1", "Thieves take painting", "The Star", "2024-06-01",
     "Thieves took a painting from Dorn Museum. The painting was insured for 3.1 million crowns, the museum said."),
    ("c2", "Reward for painting", "The Star", "2024-06-03",
     'Dorn Museum offered a reward on Monday.\n\nCorrection: The stolen painting was insured for 1.3 million crowns. '
     "The Star gave a wrong figure on June 1."),
    ("d1", "Footbridge opened", "The Post", "2024-07-01",
     BRIDGE + '"It will last a century," Calder said. The governor, Otto Wren, resigned over the cost of the footbridge.'),
)  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder: Path = tmp_path_factory.mktemp("accounts") / "archive"
    with Archive.create(folder) as made:
        made.add(Article(i, title, text, outlet=outlet, published=day) for i, title, outlet, day, text in NEWS)
    with Archive.open(folder) as opened:
        yield opened


def test_a_corrected_figure_is_not_quoted_and_the_note_says_so(archive: Archive) -> None:
    answer = archive.ask("How much was the painting insured for?")
    assert "1.3 million" in answer.text and "3.1 million" not in answer.text
    (note,) = answer.notes
    assert note.startswith("The Star corrected its report of 2024-06-01 on 2024-06-03; it had said: ")
    assert "3.1 million" in note


def test_a_correction_that_no_search_finds_is_told_all_the_same(tmp_path: Path) -> None:
    """Many reports speak of the museum and insurance; the one that corrects does so in other words, at its end."""
    rooms = ("harbour", "winter", "village", "wedding", "garden", "orchard", "cavalry", "market", "island", "quarry")
    made_by = ("Alva Brenn", "Coram Dray", "Edda Fisk", "Goran Holt", "Ines Jarl", "Kaspar Lind")
    more = [
        Article(f"p{n}", f"{who} in Dorn Museum", f"A {room} painting by {who} hangs in Dorn Museum and is insured, {who[0]}. {room} said.",
                outlet="The Post", published="2024-06-02")
        for n, (room, who) in enumerate(product(rooms, made_by))
    ]  # fmt: skip
    right = "Correction: On June 1 we said that thieves took a picture worth 3.1 million crowns. It is 1.3 million."
    text = f"Rain fell on the harvest in Lower Aldmoor for the fifth week, farmers said.\n\n{right}"
    by = Article("c9", "Rain on the harvest", text, "https://star.example/9", outlet="The Star", published="2024-06-20")
    first = next(Article(i, title, t, outlet=o, published=d) for i, title, o, d, t in NEWS if i == "c1")
    with Archive.create(tmp_path) as made:
        made.add([*more, by, first])
    question = "How much was the painting taken from Dorn Museum insured for?"
    with Archive.open(tmp_path) as opened:
        assert by.id not in {h.article.id for h in opened.search(question, 24)}
        answer = opened.ask(question)
        assert "It is 1.3 million." in [sentence.text for sentence in answer.sentences]
        assert first.id not in {c.article for c in answer.citations}
        assert any(note.startswith("The Star corrected its report of 2024-06-01") for note in answer.notes)
        # Before the correction was out, nobody knew; where the reader shuts it out, its words are told.
        then = opened.ask(question, now=datetime(2024, 6, 10, tzinfo=UTC))
        assert "3.1 million" in then.text and not any(c.corrections for c in then.citations)
        shut = opened.ask(question, until=date(2024, 6, 5))
        assert "3.1 million" in shut.text and any("It is 1.3 million." in note for note in shut.notes)
        (cited,) = [c for c in shut.citations if c.article == first.id]
        assert [(c.article, c.published, c.url) for c in cited.corrections] == [(by.id, by.published, by.url)]
        assert cited.corrections[0].text == "corrected on 2024-06-20: It is 1.3 million."
        assert source(cited).endswith("\n    corrected on 2024-06-20: It is 1.3 million.")


def test_the_newest_of_a_changing_figure_is_quoted(archive: Archive) -> None:
    answer = archive.ask("How many people died in the ferry fire?")
    assert "Nine people" in answer.sentences[0].text and "four" not in answer.text
    assert answer.status == "answered"


def test_what_is_reported_later_is_not_known_yet(archive: Archive) -> None:
    answer = archive.ask("How many people died in the ferry fire?", now=datetime(2024, 3, 5, tzinfo=UTC))
    assert "four" in answer.text
    assert all(c.published <= "2024-03-05" for c in answer.citations)


def test_outlets_that_differ_are_both_quoted(archive: Archive) -> None:
    answer = archive.ask("How many residents were evacuated in Brack?")
    assert answer.status == "conflicting"
    assert "2,600" in answer.text and "3,400" in answer.text
    assert any("The Post" in n and "The Star" in n for n in answer.notes)


def test_parts_are_answered_apart(archive: Archive) -> None:
    answer = archive.ask("How many people died in the ferry fire, and how much was the painting insured for?")
    assert "Nine people" in answer.text and "1.3 million" in answer.text
    assert answer.status == "answered"


def test_a_part_without_an_answer_is_named(archive: Archive) -> None:
    answer = archive.ask("How many people died in the ferry fire, and who directs the opera in Valparaíso?")
    assert answer.status == "partly"
    assert any("Who directs the opera in Valparaíso" in n for n in answer.notes)


def test_an_event_that_nobody_reports_is_no_premise(archive: Archive) -> None:
    assert archive.ask("Why did Ines Calder resign over the footbridge?").status == "not_in_archive"
    assert "resigned over the cost" in archive.ask("Why did Otto Wren resign over the footbridge?").text


def test_quotations_are_verbatim(archive: Archive) -> None:
    for question in ("How many residents were evacuated in Brack?", "How much was the painting insured for?"):
        for c in archive.ask(question).citations:
            assert archive.article(c.article).text[c.start : c.end] == c.quote


@given(st.integers(0, 10**9))
def test_numbers_are_read_as_written(n: int) -> None:
    assert number(f"{n:,}") == number(str(n)) == n


@pytest.mark.parametrize(
    ("said", "value"), [("thirty-one", 31), ("Nineteen", 19), ("forty", 40), ("2.5", 2.5), ("dozens", None), ("", None)]
)
def test_numbers_in_words(said: str, value: float | None) -> None:
    assert number(said) == value


@pytest.mark.parametrize(
    ("question", "sentence", "numbers"),
    [
        ("How many people died?", "Nine people are now known to have died, the coroner said.", ["nine"]),
        ("How many people died?", "The number of dead rose to 11.", ["11"]),
        ("How many people died?", "Two of the dead were found in a van.", []),
        ("How many residents were evacuated?", "The service put the number evacuated at 2,600.", ["2,600"]),
        ("How many passengers were stranded?", "They were bought by Blue Strand for 62 million.", []),
        ("How many jobs will it bring?", "The mine cuts the number of jobs to 350.", ["350"]),
        ("To how many years was she sentenced?", "The 31-year-old was arrested in Moscow.", []),
        ("How much is it?", "It is 4 crowns.", []),
    ],
)
def test_what_is_counted(question: str, sentence: str, numbers: list[str]) -> None:
    assert types.counted(question, sentence) == numbers

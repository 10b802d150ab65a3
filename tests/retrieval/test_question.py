from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.records import Query, Turn
from rag.retrieval.question import parts, standalone, understand


class Known:
    """An archive that quotes four people and has three outlets."""

    def speakers(self, token: str) -> list[str]:
        people = ("Sergei Lavrov", "Wang Yi", "Daniel Ashworth", "Miriam Ashworth", "Ingrid Solheim")
        return [p for p in people if token in p.casefold().split()]

    def outlets(self) -> dict[str, int]:
        return {"Xinhua": 1, "Harbour Post": 2, "Time": 3}


def understood(question: str) -> Query:
    return understand(question, [], now=None, today=date(2024, 6, 12), ledger=Known())


@pytest.mark.parametrize(
    ("question", "speakers"),
    [
        ("What did Lavrov say about BRICS expansion?", ("Lavrov",)),
        ("what did lavrov say about brics", ("lavrov",)),
        ("What has Sergei Lavrov said on Ukraine?", ("Sergei Lavrov",)),
        ("Did Wang Yi deny it?", ("Wang Yi",)),
        ("What is Macron's position on BRICS?", ("Macron",)),
        ("According to Lavrov and Wang Yi, what comes next?", ("Lavrov", "Wang Yi")),
        ("How do Wang's and Lavrov's positions differ?", ("Wang", "Lavrov")),
        ("Lavrov on expansion?", ("Lavrov",)),
        ("What did the harbour master admit to the dockers?", ("the harbour master",)),
        ("What did the Russian foreign minister say?", ("the Russian foreign minister",)),
        ("Which hackers did Lavrov say were behind it?", ("Lavrov",)),
        ("When did Daniel Ashworth say he had learned of it?", ("Daniel Ashworth",)),
        ("Compare Wang Yi and Lavrov on expansion", ("Wang Yi", "Lavrov")),
        ("What is the difference between Lavrov and Wang Yi on expansion?", ("Lavrov", "Wang Yi")),
        ("How do Lavrov's and Wang's positions on expansion differ?", ("Lavrov", "Wang")),
        # Nobody's words are asked for:
        ("Temperature record on the day of the blackout?", ()),
        ("Which country did Lavrov accuse?", ()),
        ("Was Larkmoor warned before the flood?", ()),
        ("What is the name of the minister?", ()),
        ("How much did Lavrov's ministry spend?", ()),
        ("According to a new poll, how many disapprove?", ()),
        ("According to the National Fire Chiefs Council, how many fires were there?", ()),
        ("With cases on the rise, the state declared an emergency for what virus?", ()),
        ("Who said the worst is over?", ()),
    ],
)
def test_whose_words_are_asked_for(question: str, speakers: tuple[str, ...]) -> None:
    assert understood(question).speakers == speakers


@pytest.mark.parametrize(
    ("question", "speaker"),
    [
        ("Does Ada Caldwell of Edmunds think cars will vanish?", "Ada Caldwell"),
        ("How did Pfizer's William Gruber explain it?", "William Gruber"),
        ("According to the police's Ada Kenny, was he caught?", "Ada Kenny"),
        ("How did New Harbour Times correspondent Katie Rogers describe it?", "Katie Rogers"),
        ("What is Coach Sanders' advice to players?", "Coach Sanders"),
        ("According to Molly Ball, what did Lavrov think of it?", "Molly Ball"),
        ("In Ruth Ginsburg's telling, what did Lavrov think?", "Ruth Ginsburg"),
        ("How did Hunter Wang's attorney explain the call?", "Hunter Wang's attorney"),
        ("What did the Albertsons chief expect of supplies?", "the Albertsons chief"),
        ("What did the head of Oxford Languages say?", "the head of Oxford Languages"),
        ("What did the Food Bank of Delaware say?", "Food Bank of Delaware"),
        ("How does Lavrov feel about the lay-offs?", "Lavrov"),
        ("What downside of the reform worries Lavrov?", "Lavrov"),
        ("Is Lavrov for or against road signs?", "Lavrov"),
        ("How are beds tied up, as Lavrov explained it?", "Lavrov"),
    ],
)
def test_the_one_to_whom_a_subject_comes_down(question: str, speaker: str) -> None:
    assert understood(question).speakers == (speaker,)


@pytest.mark.parametrize(
    "question",
    [
        "Who compared the observers to a judge?",
        "Who at the Met Office warned of a heatwave?",
        "Which Dearborn voter called her progressive?",
        "Whose joke was said to be about a fire?",
    ],
)
def test_who_is_wanted_whatever_they_did_with_words(question: str) -> None:
    assert understood(question).wants_speaker and not understood(question).speakers


def test_who_said_asks_for_the_speaker() -> None:
    assert understood("Who said the worst is over?").wants_speaker
    assert not understood("Who won the cup?").wants_speaker


@pytest.mark.parametrize(
    ("question", "outlets"),
    [
        ("What did Xinhua report about Lavrov?", ("Xinhua",)),
        ("According to the Harbour Post, how many died?", ("Harbour Post",)),
        ("Did the trains arrive in time?", ()),
        ("What did Lavrov say about Xinhua?", ()),
    ],
)
def test_an_outlet_that_the_question_names_is_a_filter_and_told(question: str, outlets: tuple[str, ...]) -> None:
    query = understood(question)
    assert query.outlets == outlets
    assert bool(outlets) == any("which the question names" in note for note in query.notes)


LAVROV = "What did Lavrov say about BRICS expansion?"


@pytest.mark.parametrize(
    ("before", "asked", "searched"),
    [
        (LAVROV, "and what did Wang say?", "What did Wang say about BRICS expansion?"),
        (LAVROV, "What about Wang?", "What did Wang say about BRICS expansion?"),
        (LAVROV, "What about his counterpart?", "What did his counterpart say about BRICS expansion?"),
        (LAVROV, "Did he mention Ukraine?", "Did Lavrov mention Ukraine (BRICS expansion)?"),
        ("How many died in Larkmoor?", "And in Brackwater?", "How many died in Brackwater?"),
        (
            "Was Gregor Halloran convicted?",
            "How long was the sentence?",
            "How long was the sentence (Gregor Halloran)?",
        ),
        (
            "How many pilot whales came ashore at Gull Bay?",
            "And who counted them?",
            "Who counted them (pilot whales came ashore Gull Bay)?",
        ),
        # Questions that stand by themselves stay as they are.
        ("What happened in January 2024?", "Who is the king of the moon?", "Who is the king of the moon?"),
        (LAVROV, "What did Wang Yi say about BRICS?", "What did Wang Yi say about BRICS?"),
        (LAVROV, "Who won the World Cup in Qatar?", "Who won the World Cup in Qatar?"),
        ("", "and what did Wang say?", "and what did Wang say?"),
    ],
)
def test_a_follow_up_is_made_standalone(before: str, asked: str, searched: str) -> None:
    history = [Turn(before)] if before else []
    found, notes = standalone(asked, history, Known())
    assert found == searched
    assert bool(notes) == (searched != asked), "a changed question is told"


def test_the_other_bearer_of_a_name() -> None:
    found, _ = standalone(
        "what did the other Ashworth say?", [Turn("What did Daniel Ashworth say of the flood?")], Known()
    )
    assert "Miriam Ashworth" in found and "Daniel" not in found


def test_periods_and_now() -> None:
    query = understand("What happened last week?", [], now=datetime(2024, 6, 12, tzinfo=UTC), today=date(2030, 1, 1),
                       ledger=Known())  # fmt: skip
    assert query.strict and query.period == (date(2024, 6, 3), date(2024, 6, 12))
    assert not understood("What changed last year?").strict


def test_repeated_words_do_not_make_it_slow() -> None:
    begun = time.process_time()
    understood("what did a " * 360)
    assert time.process_time() - begun < 1.5


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("When and where was the accord signed?", ("When was the accord signed?", "Where was the accord signed?")),
        ("How many were hurt, and who is to blame?", ("How many were hurt?", "Who is to blame (hurt)?")),
        ("What did Lavrov say and why?", ("What did Lavrov say?", "Why did Lavrov say?")),
        ("Who won the cup and who scored?", ("Who won the cup?", "Who scored (won cup)?")),
        ("Did Wang Yi visit Kazan and what did he promise?", ("Did Wang Yi visit Kazan?", "What did Wang Yi promise?")),
        # One question:
        ("What did Lavrov and Wang Yi say about BRICS?", ()),
        ("What did he say about how it began and why it failed?", ()),
        ("Should it be banned? What does Lavrov say?", ()),
        ("Which company and which bank collapsed?", ()),
        ("What happened?", ()),
    ],
)  # fmt: skip
def test_questions_that_one_question_puts(question: str, asked: tuple[str, ...]) -> None:
    assert parts(question, Known()) == asked
    assert tuple(p.text for p in understood(question).parts) == asked


@given(st.text(max_size=120))
def test_any_text_has_no_part_or_several_that_have_none(text: str) -> None:
    found = parts(text, Known())
    assert len(found) != 1
    assert all(p.strip() for p in found)

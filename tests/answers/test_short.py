"""What is asked for, what parts of a sentence may answer it, and what is given as the short answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from rag import Archive, Article
from rag.answers import short
from rag.answers.asked import Asked, asked
from rag.answers.compose import from_quotes
from rag.answers.extractive import quote
from rag.answers.phrases import FIGURES, parts, tokens
from rag.answers.short import with_short
from web import conversation
from web.desk import Exchange


@pytest.mark.parametrize(
    ("question", "kind", "head"),
    [
        ("Which tennis star pulled out of the semi-finals?", "person", "star"),
        ("Mo Farah came here when he was nine. From which African country was he brought?", "land", "country"),
        ("How many documents were leaked to the press?", "number", "documents"),
        ("What percentage of adults disapprove of the ruling in Roe v. Wade?", "percent", ""),
        ("How much did the telescope cost?", "money", ""),
        ("The countries have been at war for how long?", "duration", ""),
        ("When are loan payments set to restart?", "date", ""),
        ("In which year did the country leave the Soviet Union?", "year", "year"),
        ("Which team’s owner announced a sale?", "body", "team"),
        ("He was most celebrated for which children’s book?", "work", "book"),
        ("Scientists placed which insect on the endangered list?", "thing", "insect"),
        ("The launch was the first outside the US. Where did it occur?", "place", ""),
        ("A man who fled was arrested. What is his name?", "person", ""),
        ("The top prize ballooned to:", "open", ""),
    ],
)
def test_what_is_asked_for(question: str, kind: str, head: str) -> None:
    found = asked(question)
    assert found is not None
    assert (found.kind, found.head) == (kind, head)


@pytest.mark.parametrize(
    "question",
    ["Why were the cars recalled?", "What happened to the bridge?", "What did Lavrov say about it?", "How did it end?"],
)
def test_no_few_words_answer_why_how_and_what_somebody_said(question: str) -> None:
    assert asked(question) is None


@pytest.mark.parametrize(
    ("kind", "sentence", "wanted"),
    [
        ("person", "The seat of Associate Justice Stephen Breyer is vacant.", "Stephen Breyer"),
        ("person", "Rep. Liz Cheney lost on Tuesday.", "Liz Cheney"),
        ("land", "They fled to the Maldives on Wednesday.", "Maldives"),
        ("place", "The Great Smoky Mountains National Park charges a fee.", "Great Smoky Mountains National Park"),
        ("body", "Shoppers of Bed Bath & Beyond noticed the heat.", "Bed Bath & Beyond"),
        ("work", "HBO began “House of the Dragon,” a series of dragons.", "House of the Dragon"),
        ("thing", "A school district will reinstate corporal punishment.", "corporal punishment"),
        ("number", "On July 4, 2022 he ate 63 hot dogs.", "63"),
        ("number", "The 101-year-old man was convicted.", "101"),
        ("number", "About 10 million people watched.", "10 million"),
        ("percent", "Support fell to 51.3% in May.", "51.3%"),
        ("money", "It cost £1.5bn to build.", "£1.5bn"),
        ("duration", "She was jailed for 20 years.", "20 years"),
        ("date", "They strike from 5 September on.", "5 September"),
        ("year", "The country split away in 1991.", "1991"),
    ],
)
def test_parts_of_each_kind_are_found_whole(kind: str, sentence: str, wanted: str) -> None:
    assert wanted in _texts(kind, sentence)


def test_days_and_years_count_nothing() -> None:
    assert _texts("number", "On July 4, 2022 at 10:30 he ate 63 of them.") == {"63"}


@given(
    st.text(max_size=200), st.sampled_from(["person", "land", "work", "thing", "open", *sorted(FIGURES - {"count"})])
)
def test_parts_are_tokens_of_the_sentence(text: str, kind: str) -> None:
    sentence = tokens(text, str.casefold)
    for part in parts(Asked(kind), sentence):  # pyright: ignore[reportArgumentType]
        assert 0 <= part.first <= part.last < len(sentence.words)
    for word, start in zip(sentence.words, sentence.starts, strict=True):
        assert text[start : start + len(word)] == word


def _texts(kind: str, text: str) -> set[str]:
    sentence = tokens(text, str.casefold)
    found = parts(Asked(kind), sentence)  # pyright: ignore[reportArgumentType]
    return {text[sentence.starts[p.first] : sentence.ends[p.last]] for p in found}


# Answers

FLOOD = (
    "The River Senn burst its banks at Larkmoor on Thursday.\n\nAt least 11 people died in the Larkmoor flood, police said. "
    "Winifred Salt, a retired judge, will lead the inquiry into the Larkmoor flood. “The water came at night,” said Otto Finch, "
    "a baker. Repairs of the Larkmoor dam will cost £40 million. A new dam will be built in Norway by 2031."
)
SECOND = (
    "An inquiry into the Larkmoor flood will be led by Winifred Salt, the government said. The flood killed 11 people in "
    "Larkmoor. The judge has led two inquiries before."
)
ASKED = [
    ("How many people died in the Larkmoor flood?", "11"),
    ("Who will lead the inquiry into the Larkmoor flood?", "Winifred Salt"),
    ("How much will repairs of the Larkmoor dam cost?", "£40 million"),
    ("Which river burst its banks at Larkmoor?", "River Senn"),
    ("In which country will a new dam be built?", "Norway"),
    ("Who said that the water came at night?", "Otto Finch"),
]
SHORTLESS = [
    "Why did the River Senn burst its banks?",
    "What did Otto Finch say about the water?",
    "Who won the chess cup?",
]


@pytest.fixture(scope="module")
def flood(tmp_path_factory: pytest.TempPathFactory, make_article: Callable[..., Article]) -> Iterator[Archive]:
    path = tmp_path_factory.mktemp("short") / "archive"
    with Archive.create(path) as archive:
        archive.add(
            [
                make_article("flood", FLOOD, title="Larkmoor flood", published="2024-05-03", outlet="The Post"),
                make_article("inquiry", SECOND, title="Larkmoor inquiry", published="2024-05-04", outlet="The Herald"),
            ],
            source="test",
        )
    with Archive.open(path) as archive:
        yield archive


@pytest.mark.parametrize(("question", "wanted"), ASKED)
def test_the_short_answer(flood: Archive, question: str, wanted: str) -> None:
    answer = flood.ask(question)
    assert answer.short == wanted
    assert any(wanted in s.text for s in answer.sentences)
    assert flood.ask(question).short == wanted


@pytest.mark.parametrize("question", SHORTLESS)
def test_there_is_none_where_nothing_fits_or_nothing_is_answered(flood: Archive, question: str) -> None:
    assert flood.ask(question).short == ""


@pytest.mark.parametrize("question", [q for q, _ in ASKED])
def test_what_is_quoted_for_it_stays_short_and_is_cited_in_place(flood: Archive, question: str) -> None:
    answer = flood.ask(question)
    assert len(answer.sentences) <= 3
    assert sum(len(s.text.split()) for s in answer.sentences) <= 60
    for citation in answer.citations:
        assert flood.article(citation.article).text[citation.start : citation.end] == citation.quote


def test_a_figure_of_the_question_is_no_answer_to_it(flood: Archive) -> None:
    assert flood.ask("How many of the 11 people who died in the Larkmoor flood were bakers?").short != "11"


def test_the_sentence_that_holds_it_is_quoted_first_where_none_of_the_quoted_does(flood: Archive) -> None:
    evidence = flood.evidence(flood.query("Who will lead the inquiry into the Larkmoor flood?"))
    quoted = quote(evidence)
    other = next(c for c in evidence.candidates if "Winifred" not in c.text)
    found = with_short(evidence, replace(quoted, chosen=(other,)))
    assert found.short == "Winifred Salt"
    assert "Winifred Salt" in found.chosen[0].text
    assert from_quotes(evidence, found).short == found.short


def test_the_features_that_have_weights_are_those_that_are_made(flood: Archive) -> None:
    written = json.loads((Path(short.__file__).with_name("short.json")).read_text("utf-8"))
    plain = {name for name in written["weights"] if ":" not in name}
    source = Path(short.__file__).read_text("utf-8")
    assert plain
    assert not [name for name in plain if f'"{name}"' not in source]


def test_it_is_set_in_bold_once_on_the_page_and_escaped(flood: Archive) -> None:
    answer = flood.ask("Who will lead the inquiry into the Larkmoor flood?")
    page = conversation.exchange(Exchange(1, answer.question, answer=answer))
    assert page.count('<strong class="short">Winifred Salt</strong>') == 1
    first = replace(answer.sentences[0], text="It is <b>Winifred</b> & co, <b>Winifred</b>.")
    hostile = replace(answer, sentences=(first,), short="<b>Winifred</b>")
    page = conversation.exchange(Exchange(1, answer.question, answer=hostile))
    assert page.count('<strong class="short">&lt;b&gt;Winifred&lt;/b&gt;</strong>') == 1
    assert not regex.search(r"<b>Winifred", page)

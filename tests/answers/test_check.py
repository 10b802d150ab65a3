"""Claims checked, and choices chosen, over a small archive of invented reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag import Archive, Article, Check
from rag.answers.choose import FEATURES, is_exception, shares, weights
from rag.answers.weigh import tokens
from rag.errors import QuestionError
from rag.stores.lexical import LexicalIndex

Make = Callable[..., Article]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, make_article: Make) -> Iterator[Archive]:
    path = tmp_path_factory.mktemp("claims") / "archive"
    reports = {
        "ferry": "The ferry Lodvar Star sank off Gull Bay on Monday, and 14 passengers died, the coastguard said.\n\n"
        "Mayor Ida Brandt said that the ferry had not been inspected since 2019.\n\n"
        "The harbour master, Tom Rask, said that the ferry had carried 212 passengers.",
        "chess": "Mira Olsen is the champion of the Halden chess league, the league announced.\n\n"
        "Petra Lind came second in the final, which was played at Castle Hill.",
        "tram": "The council approved a tram line to the harbour at a cost of 15 million crowns.\n\n"
        "The line will be 7 km long, and one in five residents lives near it.",
        "zoo": "The zoo in Abbot Mill named its new otters Biscuit and Pepper, the zoo said.",
        "later": "The tram line to the harbour will cost 19 million crowns, the council said.",
    }
    days = {
        "ferry": "2024-04-02",
        "chess": "2024-04-03",
        "tram": "2024-03-01",
        "zoo": "2024-04-01",
        "later": "2024-05-20",
    }
    with Archive.create(path) as made:
        made.add([make_article(name, text, published=days[name], outlet="The Post") for name, text in reports.items()])
    with Archive.open(path) as reader:
        yield reader


def cited(archive: Archive, found: Check) -> None:
    known = {c.n: c for c in found.citations}
    for sentence in (*found.supporting, *found.contrary):
        for n in sentence.citations:
            c = known[n]
            assert archive.article(c.article).text[c.start : c.end] == c.quote == sentence.text
    assert bool(found.nearest) == (found.verdict == "not_in_archive")
    assert 0 <= found.confidence <= 1


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("14 passengers of the ferry Lodvar Star died", "supported"),
        ("12 passengers of the ferry Lodvar Star died", "contrary"),
        ("Fourteen passengers of the ferry Lodvar Star died", "supported"),
        ("14 sheep of the ferry Lodvar Star died", "not_in_archive"),
        ("Mayor Ida Brandt said that the ferry had not been inspected since 2019", "supported"),
        ("Brandt said that the ferry had carried 212 passengers", "not_in_archive"),
        ("Tom Rask said that the ferry had carried 212 passengers", "supported"),
        ("Tom Rask said that the ferry had carried 260 passengers", "contrary"),
        ("Mira Olsen is the champion of the Halden chess league", "supported"),
        ("Petra Lind is the champion of the Halden chess league", "contrary"),
        ("Mira Olsen is not the champion of the Halden chess league", "contrary"),
        ("Petra Lind came second in the final at Castle Hill in 2019", "not_in_archive"),
        ("Petra Lind came second in the final at Castle Hill in 2024", "supported"),
        ("The council approved an airport on the moon", "not_in_archive"),
        ("Walruses were seen in Gull Bay", "not_in_archive"),
    ],
)
def test_verdicts(archive: Archive, claim: str, verdict: str) -> None:
    found = archive.check(claim)
    assert found.verdict == verdict, found
    assert found.claim == claim
    cited(archive, found)


def test_a_figure_that_changed_is_what_the_newer_report_says(archive: Archive) -> None:
    old = archive.check("The tram line to the harbour will cost 15 million crowns")
    assert old.contrary and old.verdict == "contrary"
    new = archive.check("The tram line to the harbour will cost 19 million crowns")
    assert new.supporting and new.verdict == "supported"
    then = archive.check("The tram line to the harbour will cost 19 million crowns", until=datetime(2024, 4, 1).date())
    assert then.verdict != "supported" and then.coverage.articles == 2


def test_words_of_another_are_no_support_and_it_is_said(archive: Archive) -> None:
    found = archive.check("Brandt said that the ferry had carried 212 passengers")
    assert found.notes and "Others than the one named" in found.notes[-1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(2, 9_999).filter(lambda n: n not in (14, 2024)))
def test_no_other_number_is_supported(archive: Archive, number: int) -> None:
    assert archive.check(f"{number} passengers of the ferry Lodvar Star died").verdict != "supported"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=60).filter(lambda t: t.replace("\0", " ").strip()))
def test_any_claim_gets_a_verdict_that_is_cited(archive: Archive, claim: str) -> None:
    cited(archive, archive.check(claim))


def test_check_as_json_is_plain(archive: Archive) -> None:
    import json

    raw = archive.check("12 passengers of the ferry Lodvar Star died").to_json()
    assert json.loads(json.dumps(raw))["verdict"] == "contrary"
    assert set(raw) == {
        "claim", "verdict", "supporting", "contrary", "citations", "nearest", "coverage", "confidence", "notes", "timing_ms",
    }  # fmt: skip


# Choices

NOW = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("question", "choices", "right"),
    [
        ("How many passengers died when the ferry sank off Gull Bay?", ["9", "Fourteen", "212", "19"], 1),
        ("Who won the Halden chess league?", ["Petra Lind", "Ida Brandt", "Mira Olsen", "Tom Rask"], 2),
        ("How long will the tram line be?", ["3 km", "19 km", "15 km", "7 km"], 3),
        ("What did the zoo name its new otters?", ["Biscuit", "Pepper", "All of the above"], 2),
        ("True or false: Mira Olsen is the champion of the Halden chess league", ["True", "False"], 0),
        ("True or false: 12 passengers of the ferry Lodvar Star died", ["TRUE", "FALSE"], 1),
        ("Which of these is NOT a name of the zoo's otters?", ["Biscuit", "Rask", "Pepper"], 1),
    ],
)
def test_choices(archive: Archive, question: str, choices: list[str], right: int) -> None:
    found = archive.choose(question, choices, now=NOW)
    assert found.chosen == right, found.scores
    assert found.text == choices[right] and found.question == question
    assert sum(found.scores) == pytest.approx(1, abs=1e-3) and max(found.scores) == found.scores[right]
    known = {c.n: c for c in found.citations}
    assert len(found.sentences) == len(choices)
    for sentence in found.sentences:
        assert bool(sentence.text) == bool(sentence.citations)
        for n in sentence.citations:
            assert archive.article(known[n].article).text[known[n].start : known[n].end] == sentence.text


def test_the_order_of_the_choices_does_not_matter(archive: Archive) -> None:
    choices = ["Petra Lind", "Ida Brandt", "Mira Olsen", "Tom Rask"]
    question = "Who won the Halden chess league?"
    first = dict(zip(choices, archive.choose(question, choices).scores, strict=True))
    turned = dict(zip(choices[::-1], archive.choose(question, choices[::-1]).scores, strict=True))
    assert first == pytest.approx(turned, abs=1e-3)


@pytest.mark.parametrize("choices", [[], ["one"], ["one", " "], ["a" * 3000, "b" * 3000]])
def test_what_is_no_choice_is_refused(archive: Archive, choices: list[str]) -> None:
    with pytest.raises(QuestionError, match="choices"):
        archive.choose("Who won?", choices)


def test_numbers_are_spelled_one_way(tmp_path_factory: pytest.TempPathFactory) -> None:
    index = LexicalIndex(tmp_path_factory.mktemp("words"), make=True)
    for a, b in [
        ("two", "2"), ("£7m", "£7 million"), ("20%", "20 per cent"), ("1 in 5", "20 percent"), ("one in five", "20%"),
        ("12,500", "12500"), ("the Bills", "Bills"), ("$1.5bn", "1.5 billion"),
    ]:  # fmt: skip
        assert tokens(index.terms, a) == tokens(index.terms, b)
    assert tokens(index.terms, "1.5") != tokens(index.terms, "15")


@pytest.mark.parametrize(
    ("question", "exception"),
    [
        ("Which of these is NOT a planet?", True),
        ("She appeared in all these films except:", True),
        ("Which of these players wasn't traded this week?", True),
        ("Which company is not paying its staff, and what does it make?", False),
        ("Who won?", False),
        ("What did the exceptional court decide?", False),
    ],
)
def test_questions_for_the_exception(question: str, exception: bool) -> None:
    assert is_exception(question) == exception


@given(st.lists(st.dictionaries(st.just("near_ranked"), st.floats(-50, 50), min_size=1), min_size=2, max_size=5))
def test_shares_sum_to_one_and_an_exception_turns_them_round(features: list[dict[str, float]]) -> None:
    worth = {"near_ranked": 2.0}
    given_, turned = shares(features, worth, False), shares(features, worth, True)
    assert sum(given_) == pytest.approx(1) and sum(turned) == pytest.approx(1)
    best = max(range(len(features)), key=lambda n: features[n]["near_ranked"])
    assert given_[best] == max(given_) and turned[best] == min(turned)


def test_the_weights_are_of_features_that_exist() -> None:
    assert weights() and set(weights()) <= set(FEATURES) and len(weights()) <= 20

"""A conversation as the browser keeps it comes back as it was, and nothing else that a browser may send does harm."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from rag import Archive
from rag.records import Answer, Correction, Guard
from web import conversation
from web.page import _without  # pyright: ignore[reportPrivateUsage]
from web.talk import UNANSWERED, Conversation, Exchange, Narrowing, answer_of, conversation_of

QUESTION = "What did Lavrov say about BRICS expansion?"


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_an_answer_survives_its_json(seed: Archive) -> None:
    for question in (QUESTION, "Who won the chess olympiad?"):
        answer = seed.ask(question)
        assert answer_of(plain(answer.to_json())) == answer
        checked = replace(answer, guard=Guard(written=3, kept=1, misattributed=2, replaced=1, left_out=1))
        assert answer_of(plain(checked.to_json())) == checked


def test_corrections_of_what_is_cited_survive_too(seed: Archive) -> None:
    answer = seed.ask(QUESTION)
    corrected = Correction(
        "by", "Corrected", "Xinhua", "2024-06-12", "https://x.example/", "It was 4.", "It is 6.", 3, 9
    )
    told = replace(answer, citations=tuple(replace(c, corrections=(corrected,)) for c in answer.citations))
    assert answer_of(plain(told.to_json())) == told
    older = plain(answer.to_json())
    for cited in (*older["citations"], *older["nearest"]):
        del cited["corrections"]
    assert answer_of(older) == answer


def test_an_answer_kept_before_the_check_was_counted_is_read(seed: Archive) -> None:
    answer = seed.ask(QUESTION)
    older = plain(answer.to_json())
    del older["guard"]
    assert answer_of(older) == answer


def test_a_conversation_comes_back_as_it_was(seed: Archive) -> None:
    answered = Exchange(
        1,
        QUESTION,
        Narrowing("2024-06-01", "", ("Xinhua",), (), ("en",), ("Lavrov",)),
        answer=seed.ask(QUESTION),
        rated="up",
    )
    failed = Exchange(2, "And?", error="no")
    pending = Exchange(3, "And then?")
    talk = Conversation([answered, failed, pending])
    back = conversation_of(plain({"id": talk.id, "exchanges": [e.kept() for e in talk.exchanges]}))
    assert back.id == talk.id
    assert back.exchanges[:2] == [answered, failed]
    assert back.exchanges[2].error == UNANSWERED


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_keys = st.sampled_from(
    [
        "key",
        "question",
        "narrowed",
        "answer",
        "error",
        "period",
        "outlets",
        "rated",
        "status",
        "coverage",
        "citations",
        "guard",
    ]
)


@given(st.lists(st.dictionaries(_keys, _json, max_size=8) | _json, max_size=4) | _json)
def test_whatever_a_browser_sends_is_shown_or_left_out(raw: Any) -> None:
    for shown in conversation_of({"id": "x", "exchanges": raw}).exchanges:
        assert shown.question.strip()
        assert shown.answer is None or isinstance(shown.answer, Answer)
        assert conversation.exchange(shown)


def test_two_hundred_turns_are_shown_and_followed_up(seed: Archive) -> None:
    answer = seed.ask(QUESTION)
    talk = Conversation([Exchange(n, QUESTION, answer=answer) for n in range(1, 201)])
    back = conversation_of(plain({"id": talk.id, "exchanges": [e.kept() for e in talk.exchanges]}))
    assert len(back.exchanges) == 200
    assert len(back.turns()) == 50
    assert sum(len(conversation.exchange(e)) for e in back.exchanges) < 2_000_000
    assert "BRICS" in seed.ask("And what did Wang say?", history=back.turns()).searched


def test_going_back_to_an_earlier_question_keeps_what_came_after_elsewhere() -> None:
    talk = Conversation([Exchange(n, "x", error="x") for n in (1, 2, 3)])
    before = talk.id
    talk.cut(3)
    assert talk.id == before and len(talk.exchanges) == 2
    talk.cut(1)
    assert talk.id != before and talk.exchanges == []


def test_each_chip_takes_its_own_filter_away() -> None:
    n = Narrowing("2024-01-01", "2024-02-01", ("A", "outlet:B"), (), ("en", "fr"), ("Ann",))
    assert _without(n, "since") == replace(n, since="")
    assert _without(n, "outlet:outlet:B") == replace(n, outlets=("A",))
    assert _without(n, "language:en") == replace(n, languages=("fr",))
    assert _without(n, "speaker:Ann") == replace(n, speakers=())
    assert _without(n, "dates").ignore == ("dates",)
    assert _without(_without(n, "dates"), "outlets").ignore == ("dates", "outlets")
    assert _without(n, "") == n


def test_every_filter_is_a_chip_and_in_the_link() -> None:
    n = Narrowing("2024-06-01", "2024-07-01", ("Xinhua",), ("dates",), ("zh",), ("Lavrov <b>",))
    shown = conversation.exchange(Exchange(1, QUESTION, n, error="x"))
    for what in ("since", "until", "outlet:Xinhua", "language:zh", "speaker:Lavrov &lt;b&gt;"):
        assert f'data-what="{what}"' in shown
    linked = parse_qs(n.link(QUESTION).removeprefix("?"))
    assert Narrowing.of({**linked, "since": linked["since"][0], "until": linked["until"][0]}) == n


def test_what_a_question_names_is_ignored_on_demand(seed: Archive) -> None:
    asked = "What did Lavrov say about BRICS expansion in March 2024?"
    strict = [e.answer for e in seed.stream(asked)][-1]
    loose = [e.answer for e in seed.stream(asked, ignore=("dates",))][-1]
    assert strict and strict.status == "not_in_archive"
    assert loose and loose.status == "answered"

"""An answer as it is told: sentence by sentence, and what was told stays."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from rag import Answer, Archive, Sentence
from rag.answers import citations
from rag.answers.compose import AnswerEvent, told
from rag.chain import chain
from rag.records import Citation, Coverage

QUESTIONS = [
    "What did Wang Yi say about BRICS?",
    "What did Lavrov say about BRICS expansion?",
    "What did Wang Yi and Lavrov say about BRICS?",
    "When did Wang Yi meet Lavrov, and where will the BRICS summit take place?",
    "What happened in June 2024?",
    "Where will the BRICS summit take place?",
]


def grows(steps: list[Answer], whole: Answer) -> None:
    """Each step has one sentence more than the one before, and begins with it; all of them together are the answer."""
    assert [len(step.sentences) for step in steps] == list(range(1, len(whole.sentences) + 1))
    for before, after in pairwise((*steps, whole)):
        assert after.sentences[: len(before.sentences)] == before.sentences
        assert after.citations[: len(before.citations)] == before.citations
    assert not steps or (steps[-1].sentences, steps[-1].citations) == (whole.sentences, whole.citations)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_quoted_answer_is_told_sentence_by_sentence(seed: Archive, question: str) -> None:
    *steps, last = seed.stream(question, model="")
    assert last.answer is not None and last.answer.sentences and last.so_far is None
    so_far = [step.so_far for step in steps if step.so_far]
    assert len(so_far) == len(steps) and not any(step.answer or step.draft for step in steps)
    grows(so_far, last.answer)
    for answer in so_far:
        assert answer.question == question and citations.check(answer, seed.article) == []


def test_what_the_archive_does_not_hold_is_told_at_once(seed: Archive) -> None:
    (only,) = seed.stream("What did Macron say about BRICS?", model="")
    assert only.answer is not None and only.answer.status == "not_in_archive"


def test_a_source_that_two_sentences_share_is_told_with_the_first() -> None:
    cited = tuple(Citation(n, "a", "", "", "", "", 0, 1, "x") for n in (1, 2))
    said = (Sentence("One.", (1,)), Sentence("Two.", (1,)), Sentence("Three.", (2, 1)))
    whole = Answer("?", "answered", said, cited, (), Coverage(1, 1, {}))
    *steps, last = told(whole)
    assert last == AnswerEvent(answer=whole)
    grows([step.so_far for step in steps if step.so_far], whole)
    assert [len(step.so_far.citations) for step in steps if step.so_far] == [1, 1, 2]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_chain_streams_the_answer_as_it_grows(seed: Archive, question: str) -> None:
    runnable = chain(seed, model="")

    async def later() -> list[Answer]:
        return [answer async for answer in runnable.astream(question)]

    for *steps, whole in (list(runnable.stream(question)), asyncio.run(later())):
        grows(steps, whole)
        assert whole.to_json() | {"timing_ms": 0} == runnable.invoke(question).to_json() | {"timing_ms": 0}

"""Sentences are spans of the article's text: every invariant here holds for any text at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.sentences import paragraphs, sentences

# Pieces that meet in news, and the characters that break splitters.
PIECES = [
    "Mr. ",
    "U.S. ",
    "He left. ",
    "“We won. ",
    "It was great.” ",
    '"',
    "''",
    "\n",
    "\n\n",
    "?!",
    "… ",
    "他来了。",
    "؟ ",
    "। ",
    "WASHINGTON (AP) — ",
    "3.5",
    "J. K. ",
    " ",
    "\ud800",
    "😀",
    "\u2028",
    "a.m. ",
    "- ",
    "”",
    "(",
    ")",
    "A",
    "a",
    ".",
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=40).map("".join)


@given(texts)
def test_sentences_partition_the_text(text: str) -> None:
    spans = sentences(text)
    covered = [0] * len(text)
    for span in spans:
        assert span.start < span.end
        assert span.of(text) == span.of(text).strip()
        assert len(span.of(text).splitlines()) == 1
        for i in range(span.start, span.end):
            covered[i] += 1
    assert all(times == 1 or (times == 0 and char.isspace()) for times, char in zip(covered, text, strict=True))
    assert [s.start for s in spans] == sorted(s.start for s in spans)


@given(texts)
def test_each_sentence_lies_in_one_paragraph(text: str) -> None:
    lines = paragraphs(text)
    assert [line.of(text) for line in lines] == [line.strip() for line in text.splitlines() if line.strip()]
    for span in sentences(text):
        assert sum(line.start <= span.start and span.end <= line.end for line in lines) == 1


SPLITS = [
    "Mr. Smith met U.S. President Joe Biden on Jan. 5 in St. Louis. | It rained.",
    "J. K. Rowling spoke. | Donald J. Trump won.",
    "It opened at 5 a.m. on Monday. | It fell 3.5 percent.",
    "It was sent at 7:19 p.m. EST by an aide. | It was read.",
    "It ended at 9 p.m. Friday in a row. | It ran to 5 p.m. Aug. 17. | It was long.",
    "The lamp was lit at 8 p.m. | The family came.",
    "She has said no. | “Someone has to,” she says. | See no. 5 now.",
    "“We won. | It was great.” | He left.",
    'He said, "It is done." | Then they went.',
    '"Really?!" she asked. | Nobody spoke.',
    "“What now?” Mr. Smith asked. | Nobody spoke.",
    "At risk, according to Ms. Epstein, are 16. | Then-Sen. Barack Obama agreed.",
    "Rep. Chris Collins, R-N.Y., noted it. | He left.",
    "“Vote for me in the Fall!” he said. | Nobody did.",
    "Well ... it stopped. | It did.",
    "• One item. | • Another item.",
    "他来了。 | 她走了！ | “好。 | 他走。” | 她说。",
    "هل هذا؟ | نعم.",
    "यह है। | वह है।",
    "He said ‘no, never.’ | They left.",
]


@pytest.mark.parametrize("marked", SPLITS)
def test_splits(marked: str) -> None:
    expected = marked.split(" | ")
    text = marked.replace(" | ", " ")
    assert [span.of(text) for span in sentences(text)] == expected


@pytest.mark.parametrize(
    ("dateline", "rest"),
    [
        ("NIZHNY NOVGOROD, Russia, June 10 (Xinhua) --", "Wang Yi met here Monday with Sergei Lavrov."),
        ("WASHINGTON (AP) —", "The U.S. said so."),
        ("JERUSALEM (Reuters) -", "It rained."),
    ],
)
def test_a_dateline_is_a_span_of_its_own(dateline: str, rest: str) -> None:
    text = f"{dateline} {rest} Then it snowed.\n\nOne more."
    assert [span.of(text) for span in sentences(text)] == [dateline, rest, "Then it snowed.", "One more."]


def test_a_quotation_keeps_its_marks() -> None:
    text = "“One. Two.” “Three.” Four."
    assert [span.of(text) for span in sentences(text)] == ["“One.", "Two.”", "“Three.”", "Four."]


@pytest.mark.parametrize("text", ["", " ", "\n \n", "\u2028"])
def test_nothing_to_split(text: str) -> None:
    assert sentences(text) == paragraphs(text) == []


HARD = [
    "a" * 10**6,
    '"' * 10**6,
    "“" + "We won. " * 20_000 + "”",
    "\n" * 10**6,
    "A, " * 300_000,
    "( " * 300_000,
    "Ms. " * 200_000,
]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("text", HARD, ids=lambda text: repr(text[:8]))
def test_hard_texts_are_split_in_linear_time(text: str) -> None:
    began = time.process_time()
    sentences(text)
    assert time.process_time() - began < 3

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing import tokens
from rag.indexing.embed import OnnxEmbedder
from rag.indexing.sentences import sentences
from rag.indexing.split import header, split
from rag.records import Article
from rag.settings import Settings

EMBEDDER = OnnxEmbedder(Settings().cache)
WORDS = st.sampled_from(
    [
        "Lavrov",
        "said",
        "BRICS",
        "国际",
        "Москва.",
        "antidisestablishmentarianism!",
        "12,5",
        "%",
        "\n\n",
        "“quoted”",
        "a",
        "b",
        "😀",
        "é",
    ]
)
TEXTS = st.lists(WORDS, max_size=400).map(" ".join)


def article(text: str, title: str = "A title") -> Article:
    return Article(id="a", title=title, text=text, outlet="The Post", published="2024-06-11")


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.integers(20, 250))
def test_passages_hold_every_sentence_once_within_both_budgets(text: str, budget: int) -> None:
    spans = sentences(text)
    one = article(text)
    passages = split(one, spans, budget, EMBEDDER.count, EMBEDDER.window)
    for p in passages:
        assert one.text[p.start : p.end] == p.text
        assert tokens.count(p.text) <= budget
        assert EMBEDDER.count(f"{p.header}\n{p.text}") <= EMBEDDER.window
        assert (p.start, p.end) == (p.sentences[0].start, p.sentences[-1].end)
    pieces = [s for p in passages for s in p.sentences]
    assert all(a.end <= b.start for a, b in itertools.pairwise(pieces))
    covered = "".join(s.of(text) for s in pieces)
    assert "".join(covered.split()) == "".join("".join(s.of(text) for s in spans).split())


def test_a_very_long_unbroken_run_is_cut_and_nothing_is_lost() -> None:
    text = "a" * 50_000
    passages = split(article(text), sentences(text), 200, EMBEDDER.count, EMBEDDER.window)
    assert "".join(p.text for p in passages) == text


def test_borders_fall_between_paragraphs_where_passages_stay_half_full() -> None:
    paragraph = "The minister spoke of the budget for an hour and nobody in the hall objected to any of it. " * 5
    text = "\n\n".join([paragraph.strip()] * 4)
    passages = split(article(text), sentences(text), 150, EMBEDDER.count, EMBEDDER.window)
    assert [p.text for p in passages] == [paragraph.strip()] * 4


def test_a_long_title_is_cut_at_a_word_in_the_header_only() -> None:
    one = article("Text.", title="word " * 200)
    assert header(one).startswith("word word") and "… · The Post · 2024-06-11" in header(one)
    assert EMBEDDER.count(header(one)) < 100


def test_no_sentences_no_passages() -> None:
    assert split(article(""), [], 200, EMBEDDER.count, EMBEDDER.window) == []

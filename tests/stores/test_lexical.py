from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ArchiveCorrupt
from rag.records import Article, Passage
from rag.stores.ledger import Filters
from rag.stores.lexical import LexicalIndex


def whole(article: Article) -> tuple[Passage, Article]:
    return Passage(article.id, article.id, 0, len(article.text), article.text), article


def test_search_filters_and_removal(tmp_path: Path, make_article: Callable[..., Article]) -> None:
    june = make_article("june", "The harbour was dredged.", outlet="Post", published="2024-06-11")
    may = make_article("may", "The harbours were dredged twice.", outlet="Gazette", published="2024-05-02")
    undated = make_article("undated", "Dredging never ends.", outlet="Post")
    index = LexicalIndex(tmp_path / "words", write=True, make=True)
    index.put([whole(june), whole(may), whole(undated)])

    def found(filters: Filters) -> set[str]:
        return {i for i, _ in index.search(index.terms("dredge"), 10, filters)}

    assert found(Filters()) == {june.id, may.id, undated.id}
    assert found(Filters(since=date(2024, 6, 1))) == {june.id}
    assert found(Filters(until=date(2024, 6, 1))) == {may.id}, "an article without a date is in no range"
    assert found(Filters(outlets=("Post",))) == {june.id, undated.id}
    assert index.document_frequency(index.terms("harbour")[0]) == 2
    index.put([whole(may)], removed=[june.id])
    assert sorted(index.ids()) == sorted([may.id, undated.id]), "put replaces, and never doubles"
    index.close()


def test_query_syntax_in_a_question_is_only_words(tmp_path: Path, make_article: Callable[..., Article]) -> None:
    index = LexicalIndex(tmp_path / "words", write=True, make=True)
    index.put([whole(make_article("one", "Budget AND harbour"))])
    for odd in ('"unclosed', "a:b", "+-!(){}[]^~*?\\/", "title:x OR", ""):
        index.search(index.terms(odd), 5, Filters())
    index.close()


def test_a_missing_index_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ArchiveCorrupt, match="python -m rag rebuild"):
        LexicalIndex(tmp_path / "nothing")


WORDS = ("harbour", "dredge", "crane", "tide")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, make_article: Callable[..., Article]) -> Iterator[LexicalIndex]:
    index = LexicalIndex(tmp_path_factory.mktemp("many") / "words", write=True, make=True)
    texts = [" ".join(WORDS[(n * k) % 4] for k in range(1, 4 + n % 5)) for n in range(120)]
    index.put([whole(make_article(f"a{n}", text)) for n, text in enumerate(texts)])
    yield index
    index.close()


@given(st.data())
def test_a_search_among_some_is_the_search_of_all_without_the_others(many: LexicalIndex, data: st.DataObject) -> None:
    """Few or many of them: whichever way they are told to the index."""
    terms = many.terms(" ".join(data.draw(st.lists(st.sampled_from(WORDS), min_size=1))))
    k = data.draw(st.integers(1, 20))
    among = data.draw(st.sets(st.sampled_from(many.ids())))
    found = many.search(terms, k, Filters(), among)
    everything = [pair for pair in many.search(terms, many.count, Filters()) if pair[0] in among]
    assert [score for _, score in found] == [score for _, score in everything[:k]]
    assert set(found) <= set(everything) and len({i for i, _ in found}) == len(found)

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

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

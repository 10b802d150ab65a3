"""Stories in the ledger: connected copies, the same whatever order they came in, kept as articles change and go."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import Archive, Article
from rag.indexing.duplicates import bands
from rag.stores.ledger import Ledger, Prepared
from tests.indexing.test_duplicates import story

Make = Callable[..., Article]


def record(ledger: Ledger, articles: Sequence[Article]) -> None:
    nothing = np.zeros((0, 1), dtype=np.float32)
    ledger.record([Prepared(a, (), (), nothing, (), bands(a.text)) for a in articles])


@pytest.fixture
def wires(make_article: Make) -> list[Article]:
    """Three copies of one text, two of another, one of neither."""
    one, two, three = story(1), story(2), story(3)
    return [
        make_article("a", " ".join(one), outlet="A", published="2024-05-02"),
        make_article("b", " ".join(one[:24]), outlet="B", published="2024-05-02"),
        make_article("c", " ".join([*one[2:], *story(9)[:4]]), outlet="C", published="2024-05-03"),
        make_article("d", " ".join(two), outlet="A", published="2024-05-02"),
        make_article("e", " ".join(two[3:]), outlet="B", published="2024-05-02"),
        make_article("f", " ".join(three), outlet="C", published="2024-05-02"),
    ]


def groups(ledger: Ledger, articles: Sequence[Article]) -> set[frozenset[str]]:
    held = ledger.stories([a.id for a in articles])
    named = {a.id: a.title for a in articles}
    assert all(name == min(i for i in held if held[i] == name) for name in held.values())
    return {frozenset(named[i] for i in held if held[i] == name) for name in held.values()}


WIRES = {frozenset("ABC"), frozenset("DE")}


def test_copies_are_one_story_in_whatever_order(tmp_path: Path, wires: list[Article]) -> None:
    for n in range(12):
        order = random.Random(n).sample(wires, len(wires))
        ledger = Ledger(_folder(tmp_path, n), write=True)
        for article in order:
            record(ledger, [article])
        assert groups(ledger, wires) == WIRES
        record(ledger, order)  # again
        assert groups(ledger, wires) == WIRES
        ledger.close()


def _folder(path: Path, n: int) -> Path:
    (path / str(n)).mkdir()
    return path / str(n)


def test_an_article_that_is_rewritten_leaves_its_story(
    tmp_path: Path, wires: list[Article], make_article: Make
) -> None:
    ledger = Ledger(tmp_path, write=True)
    record(ledger, wires)
    record(ledger, [make_article("b", " ".join(story(20)), outlet="B", published="2024-05-02")])
    assert groups(ledger, wires) == {frozenset("AC"), frozenset("DE")}
    record(ledger, [make_article("e", " ".join(story(21)), outlet="B", published="2024-05-02")])
    assert groups(ledger, wires) == {frozenset("AC")}
    record(ledger, wires)
    assert groups(ledger, wires) == WIRES
    ledger.close()


def test_an_archive_that_older_code_made_has_no_stories_and_is_read_all_the_same(
    tmp_path: Path, wires: list[Article]
) -> None:
    ledger = Ledger(tmp_path, write=True)
    record(ledger, wires)
    with ledger._transaction() as db:  # pyright: ignore[reportPrivateUsage]
        db.execute("DROP TABLE stories")
        db.execute("PRAGMA user_version = 2")
    ledger.close()
    reader = Ledger(tmp_path)
    assert reader.stories([a.id for a in wires]) == {}
    reader.close()


def test_one_is_shown_and_the_others_are_told(tmp_path: Path, make_article: Make) -> None:
    """Copies cut to other lengths, with another paragraph before, so that no passage is the same."""
    body = [f"The harbour bridge number {n} of the coast opens in month {n} after {n + 2} years of repairs to its deck."
            for n in range(1, 40)]  # fmt: skip
    head = [
        "Our reporter walked along the quay this morning, where the wind was cold and few people stopped to talk."
    ] * 4
    wires = [
        make_article("a", " ".join(body), outlet="Wire", published="2024-05-02"),
        make_article("b", " ".join([*head[:2], *body[:30]]), outlet="Post", published="2024-05-02"),
        make_article("c", " ".join([head[0], *body[3:]]), outlet="Herald", published="2024-05-03"),
    ]
    with Archive.create(tmp_path) as archive:
        archive.add(wires)
    with Archive.open(tmp_path) as archive:
        hits = archive.search("When does the harbour bridge number 17 open?", 3)
        best = next(h for h in hits if "number 17 of" in h.passage.text)
        assert {best.article.outlet, *best.also_in} == {"Wire", "Post", "Herald"}
        shown = [h for h in archive.search("harbour bridge number 17", 20) if "number 17 of" in h.passage.text]
        assert len(shown) <= 2
        assert archive.status().articles == 3  # all are kept
        answer = archive.ask("When does the harbour bridge number 17 open?")
        assert answer.citations and len(answer.citations[0].also_in) == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=12))
@settings(max_examples=15)
def test_the_stories_are_those_of_the_last_versions(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, int]]
) -> None:
    def version(article: int, text: int) -> Article:
        return Article(id=f"{article:016x}", title=str(article), text=" ".join(story(text)), outlet=str(article))

    ledger = Ledger(tmp_path_factory.mktemp("ledger"), write=True)
    last: dict[int, int] = {}
    for article, text in history:
        record(ledger, [version(article, text)])
        last[article] = text
    held = ledger.stories([f"{a:016x}" for a in last])
    for a in last:
        alike = sorted(f"{b:016x}" for b in last if last[b] == last[a])
        assert held.get(f"{a:016x}", "") == (alike[0] if len(alike) > 1 else "")
    ledger.close()

"""Corrections in the ledger: the same links whatever order articles came in, kept as they change and go."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import Archive, Article
from rag.errors import ArchiveMismatch
from rag.stores.ledger import FILE, SCHEMA_VERSION, Ledger, Prepared

RIGHT = "Correction: An earlier report said that the bronze bell of Aldmoor weighs 14 tons. It weighs 11 tons."
LATER = "Correction: On May 1 the Post wrote that the bronze bell of Aldmoor weighs 14 tons. It weighs 11 tons."
ARTICLES = (
    Article("bell", "Bell is hung", "The bronze bell of Aldmoor weighs 14 tons.", outlet="Post", published="2024-05-01"),
    Article("again", "Bell rings", "The bronze bell of Aldmoor, of 14 tons, rang.", outlet="Post", published="2024-05-02"),
    Article("star", "Bell", "The bronze bell of Aldmoor weighs 14 tons.", outlet="Star", published="2024-05-01"),
    Article("first", "Choir sings", f"It sang.\n\n{RIGHT}", outlet="Post", published="2024-05-03"),
    Article("second", "Organ plays", f"It played.\n\n{LATER}", outlet="Post", published="2024-05-09"),
    Article("other", "Rain", "It rained on 14 days.", outlet="Post", published="2024-05-02"),
)  # fmt: skip
LINKS = {("bell", "first"), ("bell", "second"), ("again", "first"), ("again", "second")}


def record(ledger: Ledger, articles: Sequence[Article]) -> None:
    nothing = np.zeros((0, 1), dtype=np.float32)
    ledger.record([Prepared(a, (), (), nothing, ()) for a in articles])


def links(ledger: Ledger) -> set[tuple[str, str]]:
    found = ledger.corrections([a.id for a in ARTICLES])
    return {(corrected, c.article) for corrected, told in found.items() for c in told}


@given(st.permutations(ARTICLES), st.lists(st.integers(1, len(ARTICLES) - 1), max_size=3))
@settings(max_examples=25, deadline=None)
def test_links_do_not_depend_on_the_order(order: list[Article], cuts: list[int]) -> None:
    with TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder), write=True)
        places = [0, *sorted(set(cuts)), len(order)]
        for first, last in pairwise(places):
            record(ledger, order[first:last])
        assert links(ledger) == LINKS
        told = ledger.corrections(["bell"])["bell"]
        assert [c.article for c in told] == ["first", "second"], "the oldest comes first"
        assert told[0].wrong.endswith("weighs 14 tons.") and told[0].right == "It weighs 11 tons."
        text = ARTICLES[3].text
        assert text[told[0].start : told[0].end] == RIGHT
        ledger.close()


@given(
    st.lists(st.tuples(st.integers(0, len(ARTICLES) - 1), st.sampled_from(["add", "change", "remove"])), max_size=12)
)
@settings(max_examples=25, deadline=None)
def test_links_are_those_of_what_is_held(steps: list[tuple[int, str]]) -> None:
    held: dict[str, Article] = {}
    with TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder), write=True)
        for n, step in steps:
            article = ARTICLES[n]
            if step == "remove":
                ledger.remove([article.id])
                held.pop(article.id, None)
                continue
            changed = Article(article.id, "T", "Nothing of it.", outlet=article.outlet, published=article.published)
            held[article.id] = article if step == "add" else changed
            record(ledger, [held[article.id]])
        whole = {a.id for a in held.values() if a in ARTICLES}
        assert links(ledger) == {pair for pair in LINKS if set(pair) <= whole}
        ledger.close()


# What each version has not that came after it.
OLDER = {3: "DROP TABLE notices; DROP TABLE corrections;"}
OLDER[2] = OLDER[3] + "".join(f"DROP TABLE {t};" for t in ("tags", "visits", "replaced", "bands", "copies", "stories"))
OLDER[2] += "ALTER TABLE statements DROP COLUMN manner; ALTER TABLE statements DROP COLUMN confidence;"


def older(folder: Path, version: int) -> None:
    """Make a ledger one of a version before."""
    with sqlite3.connect(folder / FILE) as db:
        db.executescript(f"{OLDER[version]} PRAGMA user_version = {version};")
    db.close()


@pytest.mark.parametrize("version", OLDER)
def test_a_ledger_of_a_version_before_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    ledger = Ledger(tmp_path, write=True)
    record(ledger, ARTICLES)
    ledger.close()
    older(tmp_path, version)
    reader = Ledger(tmp_path)
    assert links(reader) == set(), "read as it is"
    reader.close()
    writer = Ledger(tmp_path, write=True)
    assert links(writer) == LINKS
    record(writer, ARTICLES)
    assert links(writer) == LINKS
    assert writer._all("PRAGMA user_version") == [(SCHEMA_VERSION,)]  # pyright: ignore[reportPrivateUsage]
    writer.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(ArchiveMismatch, match="upgrade it"):
        Ledger(tmp_path, write=True)


def test_a_rebuild_finds_them_again(tmp_path: Path) -> None:
    with Archive.create(tmp_path) as archive:
        archive.add(ARTICLES)
    (store,) = tmp_path.glob("store-*")
    with sqlite3.connect(store / FILE) as db:
        db.execute("DELETE FROM corrections")
    db.close()
    Archive.rebuild(tmp_path)
    with Archive.open(tmp_path) as archive:
        assert links(archive._ledger) == LINKS  # pyright: ignore[reportPrivateUsage]

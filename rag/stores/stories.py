"""The ledger's tables of stories: which articles are copies of each other, kept as articles come and go.

``bands`` finds the candidates, ``copies`` holds the pairs that were compared and found alike (both ways), ``stories``
names each group of connected articles by the smallest id in it. So a story is the same whatever order its articles came
in. An article that has no copy stands in neither of the last two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

from rag.indexing.duplicates import are_copies
from rag.records import Article

TABLES = """
CREATE TABLE bands (band INTEGER NOT NULL, article TEXT NOT NULL, PRIMARY KEY (band, article)) WITHOUT ROWID;
CREATE INDEX bands_by_article ON bands (article);
CREATE TABLE copies (article TEXT NOT NULL, other TEXT NOT NULL, PRIMARY KEY (article, other)) WITHOUT ROWID;
CREATE TABLE stories (article TEXT PRIMARY KEY, story TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX stories_by_story ON stories (story);
"""
# Articles of one band, and candidates in all, that a new article is compared with: page furniture alike in thousands of
# articles must not make ingest quadratic.
_IN_BAND, _COMPARED = 60, 24


def link(
    db: sqlite3.Connection,
    article: Article,
    bands: Sequence[int],
    read: Callable[[Sequence[str]], Mapping[str, Article]],
) -> None:
    """Enter an article, new or changed, within a transaction. ``read`` gives articles of the ledger by id."""
    before = _group(db, [article.id])
    db.execute("DELETE FROM bands WHERE article = ?", (article.id,))
    db.execute("DELETE FROM copies WHERE article = ? OR other = ?", (article.id, article.id))
    votes: dict[str, int] = {}
    for band in bands:
        rows = db.execute("SELECT article FROM bands WHERE band = ? LIMIT ?", (band, _IN_BAND)).fetchall()
        for (other,) in rows:
            votes[other] = votes.get(other, 0) + 1
    db.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", [(band, article.id) for band in bands])
    nearest = sorted(votes, key=lambda other: (-votes[other], other))[:_COMPARED]
    held = read(nearest)
    found = [other for other in nearest if other in held and are_copies(article, held[other])]
    db.executemany(
        "INSERT OR IGNORE INTO copies VALUES (?, ?)",
        [pair for o in found for pair in ((article.id, o), (o, article.id))],
    )
    if found or before:
        _name(db, {article.id, *before, *_group(db, found), *found})


def stories_of(db: sqlite3.Connection, articles: Sequence[str]) -> dict[str, str]:
    """The story of each article that has copies."""
    marks = ", ".join("?" * len(articles))
    return dict(db.execute(f"SELECT article, story FROM stories WHERE article IN ({marks})", tuple(articles)))


def members_of(db: sqlite3.Connection, stories: Sequence[str]) -> dict[str, list[str]]:
    """The articles of each story, in order of their ids."""
    marks = ", ".join("?" * len(stories))
    found: dict[str, list[str]] = {}
    sql = f"SELECT story, article FROM stories WHERE story IN ({marks}) ORDER BY story, article"
    for story, article in db.execute(sql, tuple(stories)):
        found.setdefault(story, []).append(article)
    return found


def _group(db: sqlite3.Connection, articles: Sequence[str]) -> list[str]:
    known = list(dict.fromkeys(stories_of(db, articles).values())) if articles else []
    return [article for members in members_of(db, known).values() for article in members] if known else []


def _name(db: sqlite3.Connection, affected: Iterable[str]) -> None:
    """Name the groups anew among articles whose copies changed."""
    waiting = set(affected)
    db.executemany("DELETE FROM stories WHERE article = ?", [(article,) for article in waiting])
    while waiting:
        group: set[str] = set()
        reached = [waiting.pop()]
        while reached:
            article = reached.pop()
            if article not in group:
                group.add(article)
                reached += [row[0] for row in db.execute("SELECT other FROM copies WHERE article = ?", (article,))]
        waiting -= group
        if len(group) > 1:
            story = min(group)
            db.executemany("INSERT OR REPLACE INTO stories VALUES (?, ?)", [(article, story) for article in group])

"""The ledger's tables of corrections: what articles say was wrong in others, and in which, kept as articles come and go.

``notices`` holds each correcting paragraph, ``corrections`` the articles that it corrects. Whether one corrects another
depends on the two alone; each new article is looked at from both sides, so the links are the same whatever the order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from rag.indexing.corrections import MOST_DAYS, NEAR_DAYS, SIGNS, Notice, corrects, named_articles, named_days, notices
from rag.records import Article, Correction, Span

TABLES = """
CREATE TABLE notices (
    article TEXT NOT NULL, ordinal INTEGER NOT NULL, outlet TEXT NOT NULL, published TEXT NOT NULL, day INTEGER,
    start INTEGER NOT NULL, end INTEGER NOT NULL, said TEXT NOT NULL, wrong TEXT NOT NULL, right TEXT NOT NULL,
    PRIMARY KEY (article, ordinal)
) WITHOUT ROWID;
CREATE INDEX notices_by_day ON notices (day);
CREATE TABLE corrections (
    corrected TEXT NOT NULL, article TEXT NOT NULL, ordinal INTEGER NOT NULL, PRIMARY KEY (corrected, article, ordinal)
) WITHOUT ROWID;
CREATE INDEX corrections_by_article ON corrections (article);
"""
_TOGETHER = 50  # articles in memory at a time
Reader = Callable[[Sequence[str]], Mapping[str, Article]]
"""Gives articles of the ledger by id."""


def link(db: sqlite3.Connection, article: Article, read: Reader) -> None:
    """Enter an article, new or changed, within a transaction; ``read`` sees it already."""
    forget(db, article.id)
    enter(db, article, read)
    day = article.published_day
    if day is None:
        return
    rows = db.execute(
        "SELECT article, ordinal, outlet, published, start, end, said, wrong, right FROM notices "
        "WHERE outlet = ? AND (day BETWEEN ? AND ? OR (day >= ? AND said LIKE '%http%'))",
        (article.outlet, day.toordinal(), day.toordinal() + MOST_DAYS, day.toordinal()),
    ).fetchall()
    for i, n, outlet, published, start, end, said, wrong, right in rows:
        if corrects(Notice(i, outlet, published, said, wrong, right, Span(start, end)), article):
            db.execute("INSERT OR IGNORE INTO corrections VALUES (?, ?, ?)", (article.id, i, n))


def enter(db: sqlite3.Connection, article: Article, read: Reader) -> None:
    """Enter what an article corrects, and in which of the articles that are held."""
    day = article.published_day
    for n, notice in enumerate(notices(article)):
        place = (notice.span.start, notice.span.end)
        db.execute(
            "INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (article.id, n, notice.outlet, notice.published, day.toordinal() if day else None, *place, notice.text,
             notice.wrong, notice.right),
        )  # fmt: skip
        if day is None:
            continue
        near = _candidates(db, notice, day)
        for at in range(0, len(near), _TOGETHER):
            for other in read(near[at : at + _TOGETHER]).values():
                if corrects(notice, other):
                    db.execute("INSERT OR IGNORE INTO corrections VALUES (?, ?, ?)", (other.id, article.id, n))


def _candidates(db: sqlite3.Connection, notice: Notice, day: date) -> list[str]:
    """The ids of all articles that a correction may speak of."""
    found = list(named_articles(notice.text))
    days = {d - timedelta(days=before) for d in named_days(notice.text, notice.published) for before in (0, 1)}
    spans = [(day - timedelta(days=NEAR_DAYS), day), *((d, d) for d in sorted(days))]
    for first, last in spans:
        rows = db.execute(
            "SELECT id FROM articles WHERE day BETWEEN ? AND ? AND outlet = ? ORDER BY id",
            (first.toordinal(), last.toordinal(), notice.outlet),
        )
        found += [row[0] for row in rows]
    return list(dict.fromkeys(found))


def enter_all(db: sqlite3.Connection, read: Reader) -> None:
    """Enter what all articles of a ledger correct that was made before there were these tables."""
    for i in list(_likely(db)):
        enter(db, read([i])[i], read)


def _likely(db: sqlite3.Connection) -> Iterator[str]:
    signs = " OR ".join("text LIKE ?" for _ in SIGNS)  # LIKE does not tell cases apart
    for row in db.execute(f"SELECT id FROM articles WHERE {signs}", [f"%{sign}%" for sign in SIGNS]):
        yield row[0]


def forget(db: sqlite3.Connection, article_id: str) -> None:
    """Take an article out, as what corrects and as what is corrected."""
    db.execute("DELETE FROM notices WHERE article = ?", (article_id,))
    db.execute("DELETE FROM corrections WHERE article = ? OR corrected = ?", (article_id, article_id))


def corrections_of(db: sqlite3.Connection, articles: Sequence[str]) -> dict[str, list[Correction]]:
    """What corrects each article, oldest first; articles that nothing corrects are absent."""
    marks = ", ".join("?" * len(articles))
    found: dict[str, list[Correction]] = {}
    for row in db.execute(
        "SELECT c.corrected, a.id, a.title, a.outlet, a.published, a.url, n.wrong, n.right, n.start, n.end "
        "FROM corrections c JOIN notices n ON n.article = c.article AND n.ordinal = c.ordinal "
        f"JOIN articles a ON a.id = c.article WHERE c.corrected IN ({marks}) ORDER BY n.day, a.id, n.ordinal",
        tuple(articles),
    ):
        found.setdefault(row[0], []).append(Correction(*row[1:]))
    return found

"""A small world of news that changes: articles in versions, a cheap embedder that writes down what it embeds, and the
check of an archive against a plain dictionary.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from rag import Archive, Article, Settings
from rag.indexing.identity import article_id
from rag.stores.ledger import Filters, Ledger
from rag.stores.lexical import LexicalIndex
from rag.stores.vectors import VectorIndex

SETTINGS = Settings(passage_tokens=64)
DIMENSIONS = 48
# Every paragraph holds a word of its own, which names its article, version and place.
MARK = re.compile(r"\bmark\d+x\d+x\d+\b")
_WORDS = [
    "harbour",
    "council",
    "budget",
    "minister",
    "vote",
    "storm",
    "bridge",
    "court",
    "police",
    "strike",
    "school",
    "museum",
    "river",
    "talks",
]


class Hashed(Embeddings):
    """Vectors that a text's hash gives. With ``log``, the marks of what is embedded are added to that file first; an
    unwilling one embeds only questions.
    """

    model = "hashed"

    def __init__(self, log: Path | None = None, *, willing: bool = True) -> None:
        self._log = log
        self._willing = willing

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        assert self._willing, f"{len(texts)} texts are embedded again"
        if self._log is not None:
            with self._log.open("ab", buffering=0) as log:
                log.write("".join(f"{mark}\n" for text in texts for mark in MARK.findall(text)).encode())
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        return np.random.default_rng(seed).normal(size=DIMENSIONS).tolist()


def article(number: int, version: int) -> Article:
    """One to four paragraphs, a passage each."""
    chance = random.Random(f"{number} {version}")
    paragraphs = [
        f"The mark{number}x{version}x{k} report: " + " ".join(chance.choices(_WORDS, k=45)) + "."
        for k in range(chance.randint(1, 4))
    ]
    url = f"https://news.example/{number}"
    return Article(
        id=article_id(url), title=f"Report {number}", text="\n\n".join(paragraphs), url=url,
        outlet=f"Outlet {number % 7}", published=f"2024-{number % 12 + 1:02}-{version % 28 + 1:02}",
        modified=(datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=version)).isoformat(),
    )  # fmt: skip


def id_of(number: int) -> str:
    return article_id(f"https://news.example/{number}")


@dataclass
class Found:
    """What is wrong with an archive, counted."""

    lost: int = 0
    doubled: int = 0
    unreachable: int = 0
    wrong: int = 0
    articles: int = 0
    passages: int = 0
    told: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.unreachable or self.wrong or self.told)


def texts(path: Path) -> dict[str, str]:
    """The text of every article that the ledger holds, by article id."""
    ledger = Ledger(current(path))
    try:
        return {i: a.text for i, a in ledger.articles(ledger.article_ids()).items()}
    finally:
        ledger.close()


def current(path: Path) -> Path:
    return path / (path / "CURRENT").read_text().strip()


def held_marks(path: Path) -> set[str]:
    """The marks of all passages whose vectors the ledger holds for a live article."""
    if not (path / "CURRENT").exists():
        return set()
    return {mark for text in texts(path).values() for mark in MARK.findall(text)}


def examine(path: Path, expected: Mapping[str, set[str]], *, server: str = "") -> Found:
    """Compare a settled archive with what it must hold: the texts allowed for each article id, "" for no article.

    Every passage that the ledger calls indexed is looked up in both indexes by its own vector and its own words.
    """
    found = Found()
    store = current(path)
    ledger = Ledger(store)
    vectors = VectorIndex(store / "chroma", server=server)
    words = LexicalIndex(store / "words")
    try:
        articles = ledger.articles(ledger.article_ids())
        found.articles = len(articles)
        for i, allowed in expected.items():
            text = articles[i].text if i in articles else ""
            if text not in allowed:
                found.lost += 1
                found.told.append(f"article {i} is {text[:40]!r}, not {[a[:40] for a in allowed]}")
        found.wrong += len(set(articles) - set(expected))
        ids = ledger.passage_ids()
        found.passages = len(ids)
        passages = ledger.passages(ids)
        spoken = Counter((p.article_id, p.start) for p, _ in passages.values())
        found.doubled += sum(n - 1 for n in spoken.values())
        for i, one in articles.items():
            covered = "".join(p.text for p, _ in sorted(
                (pair for pair in passages.values() if pair[0].article_id == i), key=lambda pair: pair[0].start))  # fmt: skip
            found.lost += sum(mark not in covered for mark in MARK.findall(one.text))
        for held in (Counter(vectors.ids()), Counter(words.ids())):
            found.doubled += sum(n - 1 for n in held.values())
            found.lost += len(set(ids) - set(held))
            found.wrong += len(set(held) - set(ids))
        stored = ledger.vectors(ids)
        for i, (passage, _) in passages.items():
            near = [j for j, cosine in vectors.search(stored[i], 10, Filters()) if j == i or cosine > 0.9995]
            if not near:
                found.unreachable += 1
                found.told.append(f"passage {i} is not found by its vector")
            marks = MARK.findall(passage.text)
            terms = words.terms(marks[0]) if marks else words.terms(passage.text)
            if i not in [j for j, _ in words.search(terms, 10, Filters())]:
                found.unreachable += 1
                found.told.append(f"passage {i} is not found by its word")
    finally:
        vectors.close()
        words.close()
        ledger.close()
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done to an archive: articles added or updated (number and version), or removed (numbers)."""

    add: tuple[tuple[int, int], ...] = ()
    remove: tuple[int, ...] = ()

    def do(self, archive: Archive) -> None:
        if self.add:
            archive.add(article(n, v) for n, v in self.add)
        if self.remove:
            archive.remove([id_of(n) for n in self.remove])

    def after(self, held: Mapping[int, int]) -> dict[int, int]:
        """Versions by article once the step is done, where ``held`` was before."""
        return {n: v for n, v in {**held, **dict(self.add)}.items() if n not in self.remove}


def steps(chance: random.Random, held: Mapping[int, int], count: int, live: int, next_version: int) -> list[Step]:
    """A stream of ``count`` steps from the state ``held``, that keeps about ``live`` articles alive."""
    done: list[Step] = []
    world = dict(held)
    for _ in range(count):
        size = chance.choice((1, 3, 10, 20, 40, 60))
        known = sorted(world)
        if len(known) > live * 1.3 or (known and chance.random() < 0.25):
            gone = chance.sample(known, min(len(known), size + max(0, len(known) - live)))
            step = Step(remove=tuple(gone))
        else:
            updated = chance.sample(known, min(len(known), size * 3 // 10))
            fresh = [max(known, default=0) + 1 + k for k in range(size - len(updated))]
            step = Step(add=tuple((n, next_version) for n in [*updated, *fresh]))
            next_version += 1
        done.append(step)
        world = step.after(world)
    return done


def allowed(*worlds: Mapping[int, int]) -> dict[str, set[str]]:
    """For ``examine``: each article as any of the worlds has it."""
    numbers = {n for world in worlds for n in world}
    return {id_of(n): {article(n, w[n]).text if n in w else "" for w in worlds} for n in numbers}


def read_marks(log: Path) -> set[str]:
    return set(log.read_text().split()) if log.exists() else set()


def flip(path: Path, chance: random.Random, times: int = 1) -> None:
    """Turn over a bit at random places of a file."""
    data = bytearray(path.read_bytes())
    for _ in range(times):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def files(folder: Path) -> Iterable[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock" and p.stat().st_size)


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("RAG_") or k == "RAG_CACHE"}

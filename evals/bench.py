"""How fast: embedding, ingesting, asking. Each beside what it is compared with, in turns in one process; what is
reported are medians and ratios, since machines are shared and noisy. How much memory: see bench_memory.py.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from evals import datasets
from evals.baselines import stock_chunks, stock_store
from evals.datasets import Choice
from evals.datasets.own import articles_of
from evals.run import code, machine
from evals.systems import CACHE, source_hash
from rag import Archive
from rag.errors import RagError
from rag.indexing.embed import Embedder, SentenceTransformersEmbedder, Vectors, open_embedder
from rag.indexing.sentences import sentences
from rag.indexing.split import split
from rag.records import Article, Passage
from rag.settings import Settings

WEEKS = ("20230106", "20230113")
"""The weeks of RealTime QA that are read for real articles."""
ROUNDS = 3
PASSAGES = 256
ARTICLES = 60
ASKED_PASSAGES = 15_000
QUESTIONS = 100


@dataclass(frozen=True, slots=True)
class Texts:
    """Articles to work on, where they are from, and questions about them."""

    name: str
    articles: tuple[Article, ...]
    questions: tuple[str, ...]


def texts(data: Path | None) -> Texts:
    """RealTime QA's articles from the folder ``data``; without it those of newsroom."""
    if data is None:
        newsroom = datasets.load("newsroom", None, Choice())
        return Texts("newsroom", newsroom.articles, tuple(q.text for q in newsroom.questions if not q.history))
    real = datasets.load("realtimeqa", data, Choice(weeks=WEEKS))
    return Texts(f"realtimeqa {'..'.join(WEEKS)}", real.articles, tuple(q.text for q in real.questions))


# Perturbed copies

_CHANGED = re.compile(r"\b[A-Z][a-z]{2,}\b|\d")


def perturbed(article: Article, copy: int) -> Article:
    """The article with other digits and, in a third of the places, other names (the letters of a capitalised word in
    another order); copy 0 is the article itself. Sentences stay where they are."""
    if copy == 0:
        return article
    generator = random.Random(f"{article.id} {copy}")

    def changed(match: re.Match[str]) -> str:
        word = match[0]
        if word.isdigit():
            return str(generator.randrange(10))
        if generator.random() < 2 / 3:
            return word
        return word[0] + "".join(generator.sample(word[1:], len(word) - 1))

    url = f"{article.url}?copy={copy}"
    return replace(
        article,
        id=sha256(url.encode()).hexdigest()[:16],
        url=url,
        title=_CHANGED.sub(changed, article.title),
        text=_CHANGED.sub(changed, article.text),
    )


def copies(articles: Sequence[Article]) -> Iterator[Article]:
    """The articles, then perturbed copies of them without end."""
    copy = 0
    while articles:
        yield from (perturbed(article, copy) for article in articles)
        copy += 1


def passages(articles: Iterable[Article], embedder: Embedder, most: int, budget: int) -> list[Passage]:
    """The first ``most`` passages of articles, as the ingest makes them."""
    found: list[Passage] = []
    for article in articles:
        for p in split(article, sentences(article.text), budget, embedder.count, embedder.window):
            found.append(p)
        if len(found) >= most:
            break
    return found[:most]


# Timing


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def in_turns(rounds: int, **works: Callable[[], Any]) -> dict[str, list[float]]:
    """Seconds of each work by name, the works done in turns so that a slow minute hits all of them."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for n in range(rounds):
        order = list(works) if n % 2 == 0 else list(reversed(works))
        for name in order:
            spent[name].append(timed(works[name]))
    return spent


def result(name: str, of: str, figures: dict[str, Any]) -> dict[str, Any]:
    return {"bench": name, "data": of, **figures, "code": code(), "machine": machine()}


def embed(data: Path | None, settings: Settings, most: int = PASSAGES, rounds: int = ROUNDS) -> dict[str, Any]:
    """The archive's embedder beside sentence-transformers' ``encode`` with its defaults, over the same passages."""
    found = texts(data)
    ours, reference = open_embedder(settings), SentenceTransformersEmbedder(settings.embedder)
    chosen = [p.embedded for p in passages(copies(found.articles), ours, most, settings.passage_tokens)]
    encode: Callable[..., Vectors] = reference._model.encode  # pyright: ignore[reportPrivateUsage]
    a, b = ours.embed(chosen[:32]), encode(chosen[:32], show_progress_bar=False)  # both loaded, and alike?
    worst = float(((a * b).sum(1) / np.linalg.norm(b, axis=1)).min())
    spent = in_turns(rounds, ours=lambda: ours.embed(chosen), reference=lambda: encode(chosen, show_progress_bar=False))
    middle = {name: statistics.median(seconds) for name, seconds in spent.items()}
    return result(
        "embed",
        found.name,
        {
            "passages": len(chosen),
            "rounds": rounds,
            "ours_per_second": len(chosen) / middle["ours"],
            "sentence_transformers_per_second": len(chosen) / middle["reference"],
            "times_as_fast": middle["reference"] / middle["ours"],
            "least_cosine": worst,
            "seconds": spent,
        },
    )


class _Encode(Embeddings):
    """sentence-transformers with its defaults, as LangChain's HuggingFaceEmbeddings calls it."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._model.encode(texts, show_progress_bar=False).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def ingest(data: Path | None, settings: Settings, most: int = ARTICLES, rounds: int = ROUNDS) -> dict[str, Any]:
    """Ingesting a JSON Lines file of articles: as a share of the rate of the bare embedder over the same passages, beside
    LangChain's stock pipeline over the same file, and a second time over what is held already.
    """
    found = texts(data)
    chosen = [article for article, _ in zip(copies(found.articles), range(most), strict=False)]
    embedder = open_embedder(settings)
    pieces = passages(chosen, embedder, 10**9, settings.passage_tokens)
    model = SentenceTransformersEmbedder(settings.embedder)._model  # pyright: ignore[reportPrivateUsage]
    embedder.embed(["load"])
    model.encode(["load"], show_progress_bar=False)
    again: list[float] = []
    chunks = 0
    with tempfile.TemporaryDirectory() as made:
        source = Path(made) / "articles.jsonl"
        fields = ("title", "text", "url", "outlet", "published")
        source.write_text("".join(json.dumps({f: getattr(a, f) for f in fields}) + "\n" for a in chosen))

        def ours() -> None:
            folder = Path(tempfile.mkdtemp(dir=made))
            with Archive.create(folder, settings=settings) as archive:
                report = archive.ingest([str(source)])
            if report.articles != len(chosen):
                raise RagError(f"only {report.articles} of {len(chosen)} articles were taken; choose other --data")
            with Archive.create(folder, settings=settings) as archive:
                again.append(timed(lambda: archive.ingest([str(source)])))

        def bare() -> None:
            embedder.embed([p.embedded for p in pieces])

        def stock() -> None:
            nonlocal chunks
            lines = map(json.loads, source.read_text().splitlines())
            documents = stock_chunks((line["url"], line["text"]) for line in lines)
            chunks = len(documents)
            _add(Path(tempfile.mkdtemp(dir=made)), documents, _Encode(model))

        spent = in_turns(rounds, ours=ours, bare=bare, stock=stock)
    spent["ours"] = [whole - second for whole, second in zip(spent["ours"], again, strict=True)]
    middle = {name: statistics.median(seconds) for name, seconds in spent.items()}
    second = statistics.median(again)
    return result(
        "ingest",
        found.name,
        {
            "articles": len(chosen),
            "passages": len(pieces),
            "stock_chunks": chunks,
            "rounds": rounds,
            "ours_articles_per_second": len(chosen) / middle["ours"],
            "share_of_bare_embedder": middle["bare"] / middle["ours"],
            "times_as_fast_as_stock": middle["stock"] / middle["ours"],
            "second_run_seconds": second,
            "second_run_share": second / middle["ours"],
            "seconds": {**spent, "second": again},
        },
    )


def _add(folder: Path, documents: Sequence[Document], embeddings: Embeddings) -> None:
    store = stock_store(folder, embeddings)
    for at in range(0, len(documents), 5_000):  # Chroma takes 5,461 at once
        store.add_documents(list(documents[at : at + 5_000]))


# Asking


class _Copied(Embeddings):
    """The archive's embedder; but while ``copying``, a text that differs from an earlier one only in names and digits
    gets that one's vector with a little noise. So thousands of perturbed copies are made in seconds.
    """

    model = "perturbed copies"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, tuple[str, Vectors]] = {}
        self.copying = False

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if not self.copying:
            return self._embedder.embed(texts).tolist()
        shapes = [_CHANGED.sub("X", text) for text in texts]
        fresh: dict[str, str] = {}
        for shape, text in zip(shapes, texts, strict=True):
            if shape not in self._known:
                fresh.setdefault(shape, text)
        if fresh:
            pairs = zip(fresh.values(), self._embedder.embed(list(fresh.values())), strict=True)
            self._known.update(zip(fresh, pairs, strict=True))
        known = [self._known[shape] for shape in shapes]
        copied = np.array([[text != first] for text, (first, _) in zip(texts, known, strict=True)])
        vectors = np.stack([vector for _, vector in known])
        seed = int.from_bytes(sha256(texts[0].encode()).digest()[:8], "big")
        return (vectors + np.random.default_rng(seed).normal(0, 0.01, vectors.shape) * copied).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self._embedder.embed([text])[0].tolist()


def ask(
    data: Path | None, archive: Path | None, settings: Settings, most: int = ASKED_PASSAGES, asked: int = QUESTIONS
) -> dict[str, Any]:
    """``Archive.ask`` in a process that has answered before, without a language model. Without ``archive``: over one of
    newsroom (or ``data``) and perturbed copies of it, at least ``most`` passages, kept in the cache.
    """
    found = texts(data) if data or not archive else Texts("its titles", (), ())
    embeddings: _Copied | None = None
    if archive is None:
        embeddings = _Copied(open_embedder(settings))
        folder = _made_of_copies(found, settings, embeddings, most)
    else:
        folder = archive
    of = str(archive) if archive else f"{found.name} and perturbed copies"
    questions = list(found.questions) or _titles(folder)
    random.Random(0).shuffle(questions)
    questions = questions[:asked]
    stages: dict[str, list[float]] = {"ask": [], "understand": [], "search": []}
    with Archive.open(folder, settings=settings, embeddings=embeddings) as opened:
        status = opened.status()
        for question in questions[:3]:
            opened.ask(question, model="")
        for question in questions:
            stages["understand"].append(1000 * timed(lambda q=question: opened.query(q)))
            stages["search"].append(1000 * timed(lambda q=question: opened.search(q, 24)))
            stages["ask"].append(1000 * timed(lambda q=question: opened.ask(q, model="")))
    p50, p95 = np.percentile(stages["ask"], [50, 95]).tolist()
    understand, search = (statistics.median(stages[name]) for name in ("understand", "search"))
    return result(
        "ask",
        of,
        {
            "articles": status.articles,
            "passages": status.passages,
            "questions": len(questions),
            "p50_ms": p50,
            "p95_ms": p95,
            # Medians of separate calls: search includes understanding, asking includes both.
            "stages_ms": {"understand": understand, "find": search - understand, "read_and_answer": p50 - search},
        },
    )


def _titles(archive: Path) -> list[str]:
    return [f"What is known of this: {a.title}?" for a in articles_of(archive).values() if a.title]


def _made_of_copies(found: Texts, settings: Settings, embeddings: _Copied, most: int) -> Path:
    made_of = [found.name, most, settings.embedder, settings.passage_tokens, source_hash("rag/indexing", "rag/stores")]
    key = sha256(json.dumps(made_of).encode()).hexdigest()[:12]
    folder = CACHE / f"bench-ask-{key}"
    with Archive.create(folder, settings=settings, embeddings=embeddings) as archive:
        embeddings.copying = True
        held = archive.status()
        more = copies(found.articles)
        for _ in range(held.articles):  # a run that was stopped goes on
            next(more)
        while archive.status().passages < most:
            archive.add([article for article, _ in zip(more, range(200), strict=False)], source="copies")
        embeddings.copying = False
    return folder


# For people


def table(found: dict[str, Any]) -> str:
    """The figures of a bench in lines."""
    lines = [f"bench {found['bench']}, {found['data']}, {found['machine']['cores']} cores"]
    for name, value in found.items():
        if name in ("bench", "data", "code", "machine", "seconds", "runs"):
            continue
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        for inner, number in pairs:
            shown = f"{number:,.3f}" if isinstance(number, float) else f"{number:,}"
            lines.append(f"{' '.join([name, inner]).strip().replace('_', ' '):<36}{shown:>12}")
    return "\n".join(lines)


def run(name: str, data: Path | None, archive: Path | None, settings: Settings) -> dict[str, Any]:
    if archive is not None and name != "ask":
        raise RagError(f"bench {name} makes an archive of its own; leave --archive out, or bench ask")
    if name == "ask":
        return ask(data, archive, settings)
    return embed(data, settings) if name == "embed" else ingest(data, settings)

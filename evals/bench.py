"""How fast: embedding, ingesting, asking. Each beside what it is compared with, in turns in one process; what is
reported are medians and ratios, since machines are shared and noisy. How much memory: see bench_memory.py.
"""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from evals import datasets
from evals.baselines import stock_chunks, stock_store
from evals.datasets import Choice
from evals.datasets.own import articles_of
from evals.records import Dataset
from evals.run import code, machine
from evals.systems import CACHE, archive_folder, source_hash
from evals.systems import ingest as kept_archive
from rag import Archive
from rag.errors import RagError
from rag.indexing.duplicates import bands
from rag.indexing.embed import Embedder, SentenceTransformersEmbedder, Vectors, open_embedder, unit
from rag.indexing.sentences import sentences
from rag.indexing.split import header, split
from rag.records import Article, Passage
from rag.settings import DEFAULT_EMBEDDER, Settings
from rag.stores.ledger import Ledger, Prepared

WEEKS = ("20230106", "20230113")
"""The weeks of RealTime QA that are read for real articles."""
ROUNDS = 3
PASSAGES = 256
ARTICLES = 60
ASKED_PASSAGES = 20_000
QUESTIONS = 100
COLD_RUNS = 5
SEEDS = Path(__file__).parents[1] / "seeds"
SEED_QUESTION = "What did Lavrov say about BRICS expansion?"
# Standard deviation a dimension: the vector of a copy has a cosine of some 0.9 to its original's, that of another copy 0.8.
NOISE = 0.025
_RECORDED_TOGETHER = 4_000


@dataclass(frozen=True, slots=True)
class Texts:
    """Articles to work on, where they are from, and questions about them."""

    name: str
    articles: tuple[Article, ...]
    questions: tuple[str, ...]


def texts(data: Path | None) -> Texts:
    """RealTime QA's articles from the folder ``data``; without it those of newsroom."""
    found = _dataset(data)
    name = "newsroom" if data is None else f"realtimeqa {'..'.join(WEEKS)}"
    return Texts(name, found.articles, tuple(q.text for q in found.questions if not q.history))


def _dataset(data: Path | None) -> Dataset:
    if data is None:
        return datasets.load("newsroom", None, Choice())
    return datasets.load("realtimeqa", data, Choice(weeks=WEEKS))


# Perturbed copies

_CHANGED = re.compile(r"\b[A-Z][a-z]{2,}\b|\d")


def _renaming(article: Article, copy: int) -> Callable[[str], str]:
    """What a copy makes of a text: other digits and, of a third of the names (the capitalised words), the letters in
    another order; the same in all places. Sentences stay where they are.
    """
    digits = random.Random(f"{article.id} {copy}")

    @cache
    def name(word: str) -> str:
        generator = random.Random(f"{article.id} {copy} {word}")
        if generator.random() < 2 / 3:
            return word
        return word[0] + "".join(generator.sample(word[1:], len(word) - 1))

    def changed(match: re.Match[str]) -> str:
        return str(digits.randrange(10)) if match[0].isdigit() else name(match[0])

    return lambda text: _CHANGED.sub(changed, text)


def perturbed(article: Article, copy: int) -> Article:
    """The article with other names and digits (see ``_renaming``), 30 days earlier a copy; copy 0 is the article itself."""
    if copy == 0:
        return article
    rename = _renaming(article, copy)
    url = f"{article.url}?copy={copy}"
    return replace(
        article,
        id=sha256(url.encode()).hexdigest()[:16],
        url=url,
        title=rename(article.title),
        text=rename(article.text),
        published=_earlier(article.published, 30 * copy),
        modified="",
    )


def _earlier(published: str, days: int) -> str:
    return f"{date.fromisoformat(published[:10]) - timedelta(days)}{published[10:]}" if published else ""


def prepared_copy(one: Prepared, copy: int) -> Prepared:
    """As ``perturbed``, with all that was made of the article: nothing is embedded, the vectors get noise of ``NOISE`` a
    dimension instead.
    """
    if copy == 0:
        return one
    article, rename = perturbed(one.article, copy), _renaming(one.article, copy)
    noise = np.random.default_rng(int(article.id, 16))

    def near(rows: Vectors) -> Vectors:
        return unit(rows + noise.normal(0, NOISE, rows.shape))

    made: list[Passage] = []
    for p in one.passages:
        text = article.text[p.start : p.end]
        key = Passage.make_id(article.id, p.start, p.end, text)
        made.append(Passage(key, article.id, p.start, p.end, text, header(article) if p.header else "", p.sentences))
    said = [replace(s, article_id=article.id, speaker=rename(s.speaker)) for s in one.statements]
    parts = [near(rows) for rows in one.sentence_vectors]
    return Prepared(article, made, said, near(one.vectors), parts, bands(article.text), one.tags)


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
    load = os.getloadavg()[0]  # of the last minute: with more than the cores, seconds are those of a busy machine
    return {"bench": name, "data": of, **figures, "load": load, "code": code(), "machine": machine()}


def embed(data: Path | None, settings: Settings, most: int = PASSAGES, rounds: int = ROUNDS) -> dict[str, Any]:
    """The archive's embedder, in fp32 and (where it is the default one) in int8, beside sentence-transformers' ``encode``
    with its defaults, over the same passages.
    """
    found = texts(data)
    exact = replace(settings, precision="fp32")
    ours, reference = open_embedder(exact), SentenceTransformersEmbedder(settings.embedder)
    chosen = [p.embedded for p in passages(copies(found.articles), ours, most, settings.passage_tokens)]
    encode: Callable[..., Vectors] = reference._model.encode  # pyright: ignore[reportPrivateUsage]
    b = encode(chosen[:32], show_progress_bar=False)
    works: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours.embed(chosen),
        "reference": lambda: encode(chosen, show_progress_bar=False),
    }
    # All loaded, and alike?
    figures: dict[str, Any] = {"least_cosine": float((unit(b) * ours.embed(chosen[:32])).sum(1).min())}
    if settings.embedder == DEFAULT_EMBEDDER:
        coarse = open_embedder(replace(settings, precision="int8"))
        cosines = (coarse.embed(chosen) * ours.embed(chosen)).sum(1)
        figures |= {"int8_least_cosine_to_fp32": float(cosines.min()), "int8_mean_cosine": float(cosines.mean())}
        works["int8"] = lambda: coarse.embed(chosen)
    spent = in_turns(rounds, **works)
    middle = {name: statistics.median(seconds) for name, seconds in spent.items()}
    if "int8" in middle:
        figures |= {
            "int8_per_second": len(chosen) / middle["int8"],
            "int8_times_as_fast_as_fp32": middle["ours"] / middle["int8"],
        }
    return result(
        "embed",
        found.name,
        {
            "passages": len(chosen),
            "rounds": rounds,
            "ours_per_second": len(chosen) / middle["ours"],
            "sentence_transformers_per_second": len(chosen) / middle["reference"],
            "times_as_fast": middle["reference"] / middle["ours"],
            **figures,
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


def ask(
    data: Path | None,
    archive: Path | None,
    settings: Settings,
    most: int | None = None,
    asked: int = QUESTIONS,
    cold_runs: int = COLD_RUNS,
) -> dict[str, Any]:
    """Answers without a language model, from ``Archive.stream`` in a process that has answered before: how long to the
    first sentence and to the whole answer; and ``python -m rag ask`` from cold.

    ``archive`` is asked as it stands. With ``most``, or without an archive: an archive is asked of the articles of
    ``archive`` (else of ``data``, else of newsroom) and perturbed copies of them, at least ``most`` passages.
    """
    if archive is not None:
        source, name, questions = archive, str(archive), _titles(archive)
    else:
        dataset = _dataset(data)
        found = texts(data)
        name, questions = found.name, list(found.questions)
        source = archive_folder(dataset, settings)
        kept_archive(dataset, source, settings)
    folder, copied = source, 0
    if most is not None or archive is None:
        folder, copied = made_of_copies(source, settings, most or ASKED_PASSAGES)
    random.Random(0).shuffle(questions)
    questions = questions[:asked]
    stages: dict[str, list[float]] = {"first": [], "ask": [], "processor": [], "understand": [], "search": []}
    with Archive.open(folder, settings=settings) as opened:
        status = opened.status()
        for question in questions[:3]:
            opened.ask(question, model="")
        for question in questions:
            stages["understand"].append(1000 * timed(lambda q=question: opened.query(q)))
            stages["search"].append(1000 * timed(lambda q=question: opened.search(q, 24)))
            spent = time.process_time()
            first, whole = _answered(opened, question)
            stages["processor"].append(1000 * (time.process_time() - spent))
            stages["first"].append(first)
            stages["ask"].append(whole)
    p50, p95 = np.percentile(stages["ask"], [50, 95]).tolist()
    first50, first95 = np.percentile(stages["first"], [50, 95]).tolist()
    understand, search = (statistics.median(stages[name]) for name in ("understand", "search"))
    return result(
        "ask",
        f"{name} and perturbed copies" if copied else name,
        {
            "articles": status.articles,
            "passages": status.passages,
            "passages_by_origin": {"real": status.passages - copied, "perturbed": copied},
            "questions": len(questions),
            "first_sentence_p50_ms": first50,
            "first_sentence_p95_ms": first95,
            "p50_ms": p50,
            "p95_ms": p95,
            "processor_p50_ms": statistics.median(
                stages["processor"]
            ),  # of all threads: what a busy machine leaves alone
            # Medians of separate calls: search includes understanding, asking includes both.
            "stages_ms": {"understand": understand, "find": search - understand, "read_and_answer": p50 - search},
            "cold_seconds": statistics.median(cold := _cold(settings, cold_runs)),
            "seconds": {"cold": cold},
        },
    )


def _answered(archive: Archive, question: str) -> tuple[float, float]:
    """Milliseconds until the first sentence (or that there is none) is known, and until the answer is whole."""
    begun, first = time.perf_counter(), 0.0
    for event in archive.stream(question, model=""):
        if not first and (event.draft or event.so_far or event.answer):
            first = time.perf_counter() - begun
    return 1000 * first, 1000 * (time.perf_counter() - begun)


def _cold(settings: Settings, runs: int) -> list[float]:
    """Seconds of ``python -m rag ask`` over the seeds, a process each."""
    with tempfile.TemporaryDirectory() as made:
        with Archive.create(made, settings=settings) as archive:
            archive.ingest([str(SEEDS)])
        command = [sys.executable, "-m", "rag", "ask", SEED_QUESTION, "--archive", made]
        return [timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(runs)]


def _titles(archive: Path) -> list[str]:
    return [f"What is known of this: {a.title}?" for a in articles_of(archive).values() if a.title]


def _recorded(ledger: Ledger) -> Iterator[Prepared]:
    """Each article of a ledger with all that was made of it."""
    for i in ledger.article_ids():
        article, ids = ledger.articles([i])[i], ledger.passage_ids(i)
        passages = sorted((p for p, _ in ledger.passages(ids).values()), key=lambda p: p.start)
        if not passages:
            continue
        vectors, parts = ledger.vectors(ids), ledger.sentence_vectors(ids)
        rows = np.stack([vectors[p.id] for p in passages]), [parts[p.id] for p in passages]
        yield Prepared(article, passages, ledger.statements([i])[i], *rows, bands(article.text), ledger.tags(i))


def made_of_copies(source: Path, settings: Settings, most: int) -> tuple[Path, int]:
    """An archive of at least ``most`` passages, kept in the cache, and how many of them are perturbed: the articles of the
    archive ``source`` with their vectors, then copies of them (see ``prepared_copy``).
    """
    with Archive.open(source, settings=settings) as opened:
        status = opened.status()
        if not status.passages:
            raise RagError(f"{source} holds no passages; ingest something there first")
        made_of = [str(source.resolve()), status.generation, status.passages, most, status.embedder]
        key = sha256(json.dumps([*made_of, NOISE, source_hash("rag/stores")]).encode()).hexdigest()[:12]
        folder = CACHE / f"bench-ask-{key}"
        ledger = opened._ledger  # pyright: ignore[reportPrivateUsage]
        with Archive.create(folder, settings=settings) as archive:
            # What was recorded is indexed when the archive is opened: a run that was stopped goes on.
            held = archive.status()
            fresh, indexer = archive._ledger, archive._open_indexer()  # pyright: ignore[reportPrivateUsage]
            passages, batch = held.passages, list[Prepared]()
            endless = chain.from_iterable(((n, one) for one in _recorded(ledger)) for n in count())
            for copy, original in islice(endless, held.articles, None):
                if passages >= most:
                    break
                batch.append(one := prepared_copy(original, copy))
                passages += len(one.passages)
                if sum(len(each.passages) for each in batch) >= _RECORDED_TOGETHER or passages >= most:
                    fresh.record(batch)
                    indexer.finish()
                    batch.clear()
    return folder, max(0, passages - status.passages)


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


def run(
    name: str, data: Path | None, archive: Path | None, settings: Settings, most: int | None = None
) -> dict[str, Any]:
    if archive is not None and name != "ask":
        raise RagError(f"bench {name} makes an archive of its own; leave --archive out, or bench ask")
    if most is not None and name != "ask":
        raise RagError(f"bench {name} asks no archive; leave --passages out, or bench ask")
    if name == "ask":
        return ask(data, archive, settings, most)
    return embed(data, settings) if name == "embed" else ingest(data, settings)

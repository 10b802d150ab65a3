"""What the ranker is told of each sentence that may answer: one row of numbers, in the order of ``NAMES``.

All of it is cheap: words and their weights, the two rankings, dates, places in the article, the kind of thing asked
for, and whether other articles say the same thing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import regex

from rag.indexing.embed import Vectors
from rag.indexing.names import name_tokens
from rag.records import Article, Hit, Passage, Query
from rag.retrieval import rank, types
from rag.retrieval.question import SPEECH_VERBS
from rag.retrieval.types import Kind

KINDS: tuple[Kind, ...] = ("number", "money", "date", "person", "place", "name", "")
NAMES = (
    *("own", "own_with_title", "fit", "before", "after", "passage", "passage_and_title", "title", "own_share"),
    *("bigrams", "rarest", "named", "named_around"),
    *("cosine", "cosine_gap", "passage_cosine", "passage_cosine_gap"),
    *("hit", "hit_share", "rank", "bm25", "dense_rank", "lexical_rank", "no_hit"),
    *("recency", "age", "dated", "in_period"),
    *("typed", "counted", "new_names", "new_numbers", "quotes", "asks", "speech", "pronoun"),
    *("place", "early", "first", "words", "short", "long"),
    *("votes", "votes_typed", "outlets"),
    *("cosine_before", "cosine_after", "cosine_pair", "cosine_rank", "named_close"),
    *("by_named", "by_other", "introduced", "question_speech"),
    *("question_words", "question_names", "question_weight"),
    *(f"kind_{kind or 'any'}" for kind in KINDS),
)
# A vote counts once an article; more of them than this say no more.
_VOTES = 6.0
_NEW = regex.compile(r"\p{Lu}[\p{L}\p{M}’'-]{2,}|\d[\d.,]*\d|\d")
PROPER = regex.compile(r"(?<!^)(?<![.?!:] )\b\p{Lu}[\p{L}\p{M}’'-]+")
_NUMBER = regex.compile(r"\d+")
_QUOTE = regex.compile(r"[“\"«„]")
# A text in which the words of names stand as ``name_tokens`` spells them, but for capitals: nothing has an accent.
_SIMPLE = regex.compile(r"[\x00-\x7f‘’“”–—]*")
_POINTS_BACK = regex.compile(r"(?:He|She|It|They|This|That|These|But|And)\b")


@dataclass(frozen=True, slots=True)
class Read:
    """A passage that is read for answers: the index terms and the question's cosine of each of its sentences."""

    passage: Passage
    article: Article
    hit: Hit | None
    terms: Sequence[Sequence[str]]
    title: frozenset[str]
    vectors: Vectors
    cosines: Vectors
    speakers: Sequence[str | None]
    story: str = ""
    """The story of which its article is a copy; "" where it has none."""


def rows(
    query: Query, weights: Mapping[str, float], names: Mapping[str, Sequence[str]], pool: Sequence[Read]
) -> Vectors:
    """A row for each sentence of each passage, in order: shape (sentences, len(NAMES)).

    ``weights`` are the question's index terms with their idf; ``names`` gives the index terms of its proper names.
    """
    question = query.text
    kind = types.expected(question)
    total = sum(weights.values()) or 1.0
    asked_terms = list(weights)
    pairs = {*pairwise(asked_terms)}
    rarest = max(weights, key=lambda t: weights[t], default="")
    named = {t for parts in names.values() for t in parts if t in weights}
    best_hit = max((r.hit.score for r in pool if r.hit), default=0.0) or 1.0
    best_bm25 = max((r.hit.bm25 or 0.0 for r in pool if r.hit), default=0.0) or 1.0
    best_cosine = max((float(r.cosines.max(initial=-1.0)) for r in pool), default=0.0)
    middles = [float(c) for c in _passage_cosines(pool)]
    best_middle = max(middles, default=0.0)
    new = [[novel(question, s.of(r.article.text)) for s in r.passage.sentences] for r in pool]
    supporters = _supporters(weights, total, pool, new)
    sorted_cosines = np.sort(np.concatenate([r.cosines for r in pool])) if pool else np.zeros(0)
    spelled = {token for word in question.split() for token in name_tokens(word)}
    introductions = _introductions(pool)
    others = {last for _, last in introductions} & spelled
    asks_for_speech = float(not {*SPEECH_VERBS}.isdisjoint(question.casefold().split()))
    of_question = [
        min(len(question.split()) / 20, 2.0),
        min(len(names) / 4, 1.5),
        total / 40,
        *(float(kind == each) for each in KINDS),
    ]

    def share(present: frozenset[str]) -> float:
        return sum(w for t, w in weights.items() if t in present) / total

    out: list[list[float]] = []
    for n, read in enumerate(pool):
        article, hit = read.article, read.hit
        sets = [frozenset(t) for t in read.terms]
        whole = frozenset[str]().union(*sets)
        own = [share(s) for s in sets]
        most = max(own, default=0.0) or 1.0
        passage, around, title = share(whole), share(whole | read.title), share(read.title)
        day, now = article.published_at, query.now
        age = abs((now - day).total_seconds()) / 86_400 if now and day else -1.0
        of_passage = [
            middles[n],
            middles[n] - best_middle,
            20 * (hit.score if hit else 0.0),
            hit.score / best_hit if hit else 0.0,
            1 / (1 + n) if hit else 0.0,
            (hit.bm25 or 0.0) / best_bm25 if hit else 0.0,
            1 / (5 + hit.dense_rank) if hit and hit.dense_rank else 0.0,
            1 / (5 + hit.lexical_rank) if hit and hit.lexical_rank else 0.0,
            float(hit is None),
            rank.recency(day, now, query.period, article.published_day),
            math.log1p(age) / 5 if age >= 0 else 0.5,
            float(age >= 0),
            float(query.period is not None),
        ]
        for i, span in enumerate(read.passage.sentences):
            text = span.of(article.text)
            last = _last(read.speakers[i])
            near = whole if i < 2 and len(sets) < 3 else frozenset[str]().union(*sets[max(i - 2, 0) : i + 1])
            cosine = float(read.cosines[i])
            fit = rank.overlap(weights, read.terms[i], list(read.title.union(read.terms[i - 1] if i else ())))
            follow = {*pairwise(read.terms[i])}
            words = len(text.split())
            typed = types.holds(kind, text, question)
            votes = max((supporters[t] for t in new[n][i]), default=0.0) - own[i]
            outlets = len(hit.also_in) if hit else 0
            out.append(
                [
                    own[i],
                    share(sets[i] | read.title),
                    fit,
                    own[i - 1] if i else 0.0,
                    own[i + 1] if i + 1 < len(own) else 0.0,
                    passage,
                    around,
                    title,
                    own[i] / most,
                    len(pairs & follow) / max(len(pairs), 1),
                    float(rarest in sets[i]),
                    len(named & sets[i]) / len(named) if named else 0.0,
                    len(named & (whole | read.title)) / len(named) if named else 0.0,
                    cosine,
                    cosine - best_cosine,
                    *of_passage,
                    float(typed),
                    float(types.counts(question, text)),
                    min(len(PROPER.findall(text)) / 5, 2.0),
                    min(len(_NUMBER.findall(text)) / 3, 2.0),
                    float(bool(_QUOTE.search(text))),
                    float(text.rstrip(' ”"').endswith("?")),
                    float(read.speakers[i] is not None),
                    float(bool(_POINTS_BACK.match(text))),
                    span.start / max(len(article.text), 1),
                    1 / (1 + span.start / 400),
                    float(span.start < 300),
                    min(words / 30, 2.5),
                    float(words < 8),
                    float(words > 45),
                    min(max(votes, 0.0), _VOTES) / _VOTES,
                    min(max(votes, 0.0), _VOTES) / _VOTES * typed,
                    min(outlets, 3) / 3,
                    float(read.cosines[i - 1]) if i else 0.0,
                    float(read.cosines[i + 1]) if i + 1 < len(sets) else 0.0,
                    _pair(read, i),
                    1 / (1 + len(sorted_cosines) - int(np.searchsorted(sorted_cosines, cosine, "right"))),
                    len(named & (near | {last})) / len(named) if named else 0.0,
                    float(bool(last) and last in spelled),
                    float(bool(last) and bool(others) and last not in spelled),
                    share(introductions.get((article.id, last), frozenset())),
                    asks_for_speech,
                    *of_question,
                ]
            )
    return np.asarray(out, dtype=np.float32).reshape(-1, len(NAMES))


def _last(speaker: str | None) -> str:
    return (name_tokens(speaker or "") or ("",))[-1]


def _introductions(pool: Sequence[Read]) -> dict[tuple[str, str], frozenset[str]]:
    """For each article and last name of one of its speakers, the terms of the sentences that give the name: who that is
    ("the mayor") stands there, not where they speak.
    """
    found: dict[tuple[str, str], frozenset[str]] = {}
    articles: dict[str, list[Read]] = {}
    for read in pool:
        articles.setdefault(read.article.id, []).append(read)
    for article, reads in articles.items():
        lasts = {_last(speaker) for read in reads for speaker in read.speakers} - {""}
        for read in reads:
            for span, terms in zip(read.passage.sentences, read.terms, strict=True):
                text = span.of(read.article.text)
                if _SIMPLE.fullmatch(text):
                    # Most sentences name nobody who speaks: they are not taken apart.
                    flat = text.replace("’", "'").casefold()
                    if not any(last in flat for last in lasts):
                        continue
                here = {token for word in text.split() for token in name_tokens(word)}
                for last in lasts & here:
                    found[article, last] = found.get((article, last), frozenset()).union(terms)
    return found


def _pair(read: Read, i: int) -> float:
    """The question's cosine with a sentence and the one before it together."""
    if not i:
        return float(read.cosines[i])
    length = float(np.linalg.norm(read.vectors[i] + read.vectors[i - 1]))
    return float(read.cosines[i] + read.cosines[i - 1]) / max(length, 1e-6)


def _passage_cosines(pool: Sequence[Read]) -> list[float]:
    return [float(r.cosines.mean()) if len(r.cosines) else 0.0 for r in pool]


def novel(question: str, text: str) -> set[str]:
    """The names and numbers of a text that the question lacks, in one case."""
    asked = question.casefold()
    found = (m.group().casefold() for m in _NEW.finditer(text))
    return {token for token in found if token not in asked}


def _supporters(
    weights: Mapping[str, float], total: float, pool: Sequence[Read], new: Sequence[Sequence[set[str]]]
) -> dict[str, float]:
    """For each new name or number: how well the articles that give it fit, each article counted once, copies as one."""
    best: dict[str, dict[str, float]] = {}
    for read, tokens in zip(pool, new, strict=True):
        for terms, here in zip(read.terms, tokens, strict=True):
            fit = sum(weights.get(t, 0.0) for t in set(terms)) / total
            for token in here:
                articles = best.setdefault(token, {})
                source = read.story or read.article.id
                articles[source] = max(articles.get(source, 0.0), fit)
    return {token: sum(articles.values()) for token, articles in best.items()}

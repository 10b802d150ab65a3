"""Choosing among answers that are given: the one that the archive bears out best, and the sentence that shows it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import regex

from rag.answers import citations
from rag.answers.extractive import known
from rag.answers.weigh import COUNTED, Found, Likely, Weighed, tokens, weigh
from rag.indexing.speakers import sentence_speakers
from rag.records import Check, Choice, Citation, Coverage, Hit, Query, Sentence, Span
from rag.retrieval.evidence import Scores, gather
from rag.retrieval.hybrid import Searcher, once
from rag.retrieval.question import ASKING

# Passages read of the question's own search, and of one more search with each choice behind the question.
READ, READ_EACH = 24, 12
# How sure a verdict on the statement decides "true or false", and what "true" has where there is no verdict.
SURE, UNSURE = 0.9, 0.55
FEATURES = (*COUNTED, "all", "none")
FILE = Path(__file__).with_name("choice.json")

_LABEL = r"(?i)^\W*(?:\p{L}[.)]\s+)?"
_ALL = regex.compile(
    _LABEL + r"(?:all|both)(?: of)? (?:the |these |them )?(?:above|choices|options|answers|of these|of them)\b|"
    + _LABEL + r"(?:all|both) of (?:these|them)\W*$"
)  # fmt: skip
_NONE = regex.compile(_LABEL + r"(?:none|neither) of (?:the above|the others|these|them)\b")
# Which one is not so: the right choice is the one that the archive bears out least.
_EXCEPT = regex.compile(
    r"\bNOT\b|(?i:\bexcept\b\W*(?:for\W*)?$|\bwhich (?:one )?(?:of )?[^,?]{0,60}\b(?:is|was|are|were|did|does|do|has|have)"
    r"(?: not\b|n['’]t\b)[^,]*$)"
)
_TRUE_OR_FALSE = regex.compile(r"(?i)^\W*true or false\W+|\W+true or false\W*$")


def statement_of(question: str, choices: Sequence[str]) -> str:
    """What is to be judged in a question of the form "True or false: …"; "" for any other question."""
    statement = _TRUE_OR_FALSE.sub("", question)
    return statement if statement != question and sorted(map(_folded, choices)) == ["false", "true"] else ""


def judge(query: Query, choices: Sequence[str], found: Check) -> Choice:
    """True or false, as the claim that was checked is borne out or not; ``query`` is the whole question."""
    true = {"supported": SURE, "contrary": 1 - SURE}.get(found.verdict, UNSURE)
    shown = {"true": found.supporting, "false": found.contrary}
    sentences = [shown[_folded(c)][0] if shown[_folded(c)] else Sentence("", ()) for c in choices]
    scores = [true if _folded(c) == "true" else 1 - true for c in choices]
    return _made(query, choices, scores, sentences, found.citations, found.coverage)


def _folded(choice: str) -> str:
    return choice.strip(" .").casefold()


def choose(searcher: Searcher, query: Query, choices: Sequence[str]) -> Choice:
    """The best of the ``choices``. Embedded are the question and the question with each of them."""
    weighed = evidence_for(searcher, query, choices)
    scores = shares([w.features for w in weighed], weights(), is_exception(query.text))
    numbering = citations.Numbering()
    sentences = [_shown(w, numbering) for w in weighed]
    return _made(query, choices, scores, sentences, numbering.citations, searcher.coverage(query))


def _shown(weighed: Weighed, numbering: citations.Numbering) -> Sentence:
    if weighed.best is None:
        return Sentence("", ())
    found, n = weighed.best
    hit, span = found.hit, found.hit.passage.sentences[n]
    return Sentence(span.of(hit.article.text), (numbering.cite(hit.article, hit.passage, span, also_in=hit.also_in),))


def _made(
    query: Query,
    choices: Sequence[str],
    scores: Sequence[float],
    sentences: Sequence[Sentence],
    cited: Sequence[Citation],
    coverage: Coverage,
) -> Choice:
    return Choice(
        question=query.text,
        choices=tuple(choices),
        chosen=max(range(len(choices)), key=lambda n: (scores[n], -n)),
        scores=tuple(round(s, 4) for s in scores),
        sentences=tuple(sentences),
        citations=tuple(cited),
        coverage=coverage,
        notes=query.notes,
    )


def is_exception(question: str) -> bool:
    """Whether a question asks which choice is not so."""
    return bool(_EXCEPT.search(question))


def shares(features: Sequence[Mapping[str, float]], worth: Mapping[str, float], exception: bool) -> list[float]:
    """The choices' shares of belief, by a softmax over their weighed features; they sum to 1."""
    sums = np.array([sum(w * each[name] for name, w in worth.items()) for each in features])
    if exception:
        sums = -sums
    raised = np.exp(sums - sums.max())
    return [float(r) for r in raised / raised.sum()]


@lru_cache(maxsize=1)
def weights() -> dict[str, float]:
    """What each feature is worth; made by ``python -m evals train``."""
    return json.loads(FILE.read_text(encoding="utf-8"))["weights"]


def evidence_for(
    searcher: Searcher, query: Query, choices: Sequence[str], scores: Scores | None = None
) -> list[Weighed]:
    """What was found for each choice, in their order; ``scores`` as in ``gather``."""
    texts = [query.text, *(f"{query.text} {choice}" for choice in choices)]
    vectors = [searcher.embed(text) for text in texts]
    own = searcher.hits(query, READ, vectors[0], copies=True)
    fused = {hit.passage.id: hit.score for hit in own}
    hits = {hit.passage.id: hit for hit in own}
    for text, vector in zip(texts[1:], vectors[1:], strict=True):
        for hit in searcher.hits(replace(query, text=text), READ_EACH, vector, copies=True):
            hits.setdefault(hit.passage.id, hit)
    hits = {hit.passage.id: hit for hit in once(list(hits.values()), len(hits))}  # copies would vote twice
    stored = searcher.ledger.sentence_vectors(list(hits))
    columns = np.stack(vectors, axis=1)

    @cache
    def read(text: str) -> tuple[str, ...]:
        return tokens(searcher.terms, text)

    pool = [
        Found(
            hit,
            fused.get(i, 0.0),
            stored[i] @ columns,
            () if query.said_by else read(hit.article.title),  # a headline is nobody's words
            tuple(read(span.of(hit.article.text)) if theirs else () for span, theirs in _spoken(searcher, query, hit)),
        )
        for i, hit in hits.items()
    ]
    candidates = [c for c in gather(searcher, query, scores).candidates if known(c, query)]
    best = max((c.score for c in candidates), default=0.0)
    total = sum(math.exp(c.score - best) for c in candidates)
    likely = [Likely(read(c.text), math.exp(c.score - best) / total) for c in candidates]
    asked = frozenset(read(query.text))
    question = {token: w for term, w in searcher.weights(query.text).items() for token in read(term)}
    found: list[Weighed] = []
    for column, choice in enumerate(choices, 1):
        spelled = read(choice)
        content = [t for t in dict.fromkeys(spelled) if t not in ASKING] or list(dict.fromkeys(spelled))
        rarities = {token: searcher.rarity(token) for token in content}
        found.append(weigh(question, rarities, asked, spelled, pool, column, likely))
    return _summed(choices, found)


def _spoken(searcher: Searcher, query: Query, hit: Hit) -> list[tuple[Span, bool]]:
    """The sentences of a passage, and whether each may speak for a choice: where the query is narrowed to the words of
    some people, only theirs may.
    """
    spans = hit.passage.sentences
    if not query.said_by:
        return [(span, True) for span in spans]
    statements = searcher.statements([hit.article.id])[hit.article.id]
    whose = sentence_speakers(hit.article, spans, statements)
    return [(span, who in query.said_by) for span, who in zip(spans, whose, strict=True)]


def _summed(choices: Sequence[str], found: Sequence[Weighed]) -> list[Weighed]:
    """ "All of the above" is borne out as far as the least of the others is, "none of the above" as the mean one."""
    others = [w for c, w in zip(choices, found, strict=True) if not _ALL.search(c) and not _NONE.search(c)]
    summed: list[Weighed] = []
    for choice, weighed in zip(choices, found, strict=True):
        every, none = bool(_ALL.search(choice)), bool(_NONE.search(choice))
        features, best = dict(weighed.features), weighed.best
        if others and (every or none):
            for name in COUNTED:
                of = [w.features[name] for w in others]
                features[name] = min(of) if every else sum(of) / len(of)
            best = None
        summed.append(Weighed(features | {"all": float(every), "none": float(none)}, best))
    return summed

"""How far the sentences that were found bear out an assertion: a question together with one of its choices.

Nothing is understood here: words are counted, with their rarity, their order and their distance. What the counts are
worth (``choice.json``) was fitted by ``python -m evals train``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import regex

from rag.indexing.embed import Vectors
from rag.records import Hit

Terms = Callable[[str], Sequence[str]]

# Words between a choice and a word of the question at which the question's word counts 1/e.
NEAR = 15.0
# What a word of the question counts that stands in the title or the sentence before.
AROUND = 0.5
# A sentence that holds a choice in pieces holds it at most so far.
PIECES = 0.8
# From this on, an article speaks for a choice.
SPEAKS = 0.8
VOTES = 8
# Fused scores are small: the best possible one is 1/30.
SCORE = 30.0

_SCALES = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_NUMBERS = {word: str(n) for n, word in enumerate(_WORDS.split())} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th",
}  # fmt: skip
_SHARES = {"2": "50", "3": "33", "4": "25", "5": "20", "10": "10"}
_ARTICLES = frozenset(["a", "an", "the"])
_FIGURE = regex.compile(r"(?i)(?<=\d)[ -]?(k|mn|m|bn|b|tn)\b(?!\.\p{L})")


def tokens(terms: Terms, text: str) -> tuple[str, ...]:
    """The index terms of a text without articles, its numbers in one spelling: "two" is "2", "£7m" is "7 million",
    "1 in 5" is "20 percent".
    """
    text = text.replace("’", "'").replace("%", " percent ").replace("per cent", "percent")
    text = regex.sub(r"(?i)'s\b", "", text)
    text = regex.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = regex.sub(r"(?<=\d)\.(?=\d)", "point", text)
    text = _FIGURE.sub(lambda m: f" {_SCALES[m[1].casefold()]}", text)
    found = [_NUMBERS.get(t, t) for t in terms(text) if t not in _ARTICLES]
    for n in range(len(found) - 2):
        if found[n] == "1" and found[n + 1] in ("in", "of") and found[n + 2] in _SHARES:
            found[n : n + 3] = [_SHARES[found[n + 2]], "percent", ""]
    return tuple(t for t in found if t)


@dataclass(frozen=True)
class Found:
    """A passage that was found, with the tokens of its title and sentences.

    ``score`` is the fused score in the question's own search, 0 where only a search with a choice found it.
    ``cosines``, of shape (sentences, 1 + choices), are those of its sentences with the question, column 0, and with the
    question followed by each choice.
    """

    hit: Hit
    score: float
    cosines: Vectors
    title: tuple[str, ...]
    sentences: tuple[tuple[str, ...], ...]

    @cached_property
    def flat(self) -> tuple[str, ...]:
        return tuple(t for s in (self.title, *self.sentences) for t in s)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for n, t in enumerate(self.flat):
            found.setdefault(t, []).append(n)
        return found


@dataclass(frozen=True, slots=True)
class Likely:
    """A sentence's tokens, and how likely the ranker has it that this is the sentence that answers the question."""

    sentence: tuple[str, ...]
    probability: float


# What is counted for a choice: the most that one sentence has of it, but for the last four, of which two add up articles.
COUNTED = (
    "near",  # the question's words around the choice, each the less the farther
    "near_ranked",  # the same, weighed by the passage's score
    "joined",  # the words of both, times the cosine with both
    "around",  # the same words in the sentence or its neighbours
    "holds",  # the choice, whole or in pieces; "fit", "cosine", "ranked": times that of the question
    "fit",
    "cosine",
    "ranked",
    "worth",  # all of these together
    "votes",
    "articles",
    "answers",  # how likely the sentences that hold it answer the question, says the ranker: all of them, and the best
    "answers_best",
)


@dataclass(frozen=True, slots=True)
class Weighed:
    """One choice: what was counted for it (see ``COUNTED``), and the passage and the place in it of the sentence that
    bears it out best (None: none holds any of it).
    """

    features: dict[str, float]
    best: tuple[Found, int] | None


def weigh(
    question: Mapping[str, float],
    choice: Mapping[str, float],
    asked: frozenset[str],
    spelled: tuple[str, ...],
    pool: Sequence[Found],
    column: int,
    likely: Sequence[Likely],
) -> Weighed:
    """``question`` and ``choice`` are tokens with their idf, ``asked`` all tokens of the question, ``spelled`` those of
    the choice in order; ``column`` is the choice's in the cosines; ``likely`` are the sentences that the ranker read.
    """
    own = {t: w for t, w in choice.items() if t not in asked} or dict(choice)
    rest = {t: w for t, w in question.items() if t not in choice} or dict(question)
    figures = {t for t in own if t[0].isdigit()}
    best: dict[str, float] = dict.fromkeys(COUNTED, 0.0)
    votes: dict[str, float] = {}
    shown: tuple[float, Found, int] | None = None

    def most(name: str, value: float) -> None:
        best[name] = max(best[name], value)

    for found in pool:
        title = set(found.title)
        reach = _share(rest, found.places)  # of the passage with its title
        held = any(t in found.places for t in own)
        if held:
            near = _proximity(found, own, rest, spelled)
            most("near", near)
            most("near_ranked", near * (0.5 + SCORE * found.score))
        for n, sentence in enumerate(found.sentences):
            if len(sentence) < 3:
                continue
            there = set(sentence)
            before = title.union(found.sentences[n - 1] if n else ())
            fit = _share(rest, there, before)
            cosine, joined = float(found.cosines[n, 0]), float(found.cosines[n, column])
            here = _share(own, there) if held else 0.0
            most("joined", (fit + here) * joined)
            if not held:
                continue
            holds = _holds(sentence, own, spelled, figures)
            around = _share(own, there.union(before, found.sentences[n + 1] if n + 1 < len(found.sentences) else ()))
            most("around", (here + around) / 2 * (fit + reach))
            if not holds:
                continue
            worth = holds * (fit + 0.6 * cosine + SCORE * found.score + reach)
            most("holds", holds)
            most("fit", holds * fit)
            most("cosine", holds * cosine)
            most("ranked", holds * SCORE * found.score)
            most("worth", worth)
            votes[found.hit.article.id] = max(votes.get(found.hit.article.id, 0.0), worth)
            if shown is None or worth > shown[0]:
                shown = worth, found, n
    strongest = sorted(votes.values(), reverse=True)[:VOTES]
    best["votes"] = sum(v * v for v in strongest)
    best["articles"] = math.log1p(sum(v for v in strongest if v > SPEAKS))
    held = [each.probability * _holds(each.sentence, own, spelled, figures) for each in likely]
    best["answers"] = sum(held)
    best["answers_best"] = max(held, default=0.0) / max((each.probability for each in likely), default=1.0)
    return Weighed(best, shown[1:] if shown else None)


def _holds(sentence: tuple[str, ...], own: Mapping[str, float], spelled: tuple[str, ...], figures: set[str]) -> float:
    """How far a sentence holds a choice, as a whole or in pieces; 0 to 1."""
    if _places(sentence, spelled):
        return 1.0
    there = set(sentence)
    return 0.0 if figures and not figures & there else PIECES * _share(own, there) ** 2


def _share(weights: Mapping[str, float], there: Container[str], before: Container[str] = ()) -> float:
    """The share of the weights whose tokens stand ``there``, those that stand ``before`` counted less; 0 to 1."""
    total = sum(weights.values())
    if total <= 0:
        return 0.0
    return sum(w * (1.0 if t in there else AROUND if t in before else 0.0) for t, w in weights.items()) / total


def _places(text: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    """Where a run of tokens stands."""
    size = len(wanted)
    if not size:
        return []
    return [n for n, t in enumerate(text) if t == wanted[0] and text[n : n + size] == wanted]


def _proximity(found: Found, own: Mapping[str, float], rest: Mapping[str, float], spelled: tuple[str, ...]) -> float:
    """The share of the question's words around the choice, each the less the farther it stands; the best place's."""
    flat, size = found.flat, len(spelled)
    whole = _places(flat, spelled) if all(t in found.places for t in spelled) else []
    spots = [(n, n + size - 1, 1.0) for n in whole[:6]]
    if not whole:
        rarest = max((t for t in own if t in found.places), key=lambda t: own[t])
        for n in found.places[rarest][:6]:
            window = set(flat[max(0, n - size - 3) : n + size + 4])
            spots.append((n, n, PIECES * _share(own, window) ** 2))
    total = sum(rest.values()) or 1.0
    best = 0.0
    for first, last, holds in spots:
        value = 0.0
        for term, weight in rest.items():
            places = found.places.get(term)
            if places:
                value += weight * math.exp(-min(min(abs(p - first), abs(p - last)) for p in places) / NEAR)
        best = max(best, holds * value / total)
    return best

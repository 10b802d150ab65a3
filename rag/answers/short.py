"""The short answer: the few words of a quoted sentence that answer the question by themselves.

Parts of the best sentences that may answer are put together where they name one thing, and scored by where they stand: in
which sentences, in how many independent articles, how near to the question's words, beside the noun that is asked for.
The weights in ``short.json`` are learned: ``python -m evals train`` makes them.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import regex

from rag.answers.asked import Asked, asked
from rag.answers.extractive import MOST, WORDS, Quoted, answering
from rag.answers.phrases import FIGURES, Part, Tokens, content, parts, tokens
from rag.indexing.duplicates import same_text, shingles
from rag.indexing.speech_words import OCCUPATIONS, ROLES, VERBS
from rag.retrieval.evidence import Candidate, Evidence

# Sentences that are read.
READ = 24
# What is named once only is read from as many.
ALONE = 16
# How much more another sentence's part must score than the best one within the quoted sentences.
MARGIN = 1.0
# Least probability, by the scores' softmax, of an answer that is given.
SURE = 0.12
FILE = Path(__file__).with_name("short.json")
_NAMING = ("called", "named", "titled", "dubbed")
_MARKS = ("“", '"', "‘", "'")
_ENDS = ("", ".", ",", ";", "”", ")")
_AFTER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("aged", "age"), ("aged",)),
    **dict.fromkeys(("in", "at", "from", "near", "to", "across"), ("after in",)),
    **dict.fromkeys(("of", "for", "with"), ("after of",)),
    **dict.fromkeys(("the", "a", "an"), ("after article",)),
    **dict.fromkeys(_NAMING, ("after called",)),
    "by": ("after by",),
    ",": ("after comma",),
    "(": ("after bracket",),
}
# How close two words so many words apart are.
_CLOSE = [math.exp(-gap / 6) for gap in range(40)]


@dataclass(frozen=True, slots=True)
class Read:
    """A candidate that was read: its tokens, its rank from 0, how likely the ranker has it beside the best one (0 to 1),
    and whether the words are those of one before.
    """

    candidate: Candidate
    tokens: Tokens
    place: int
    weight: float
    copy: bool


@dataclass(frozen=True, slots=True)
class Mention:
    """A part of a read sentence that names what is proposed."""

    read: Read
    part: Part

    @property
    def text(self) -> str:
        t = self.read.tokens
        return t.text[t.starts[self.part.first] : t.ends[self.part.last]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What may be the short answer: its commonest wording, where it stands, best sentence first, and its features."""

    text: str
    mentions: tuple[Mention, ...]
    features: Mapping[str, float]


def with_short(evidence: Evidence, quoted: Quoted) -> Quoted:
    """The quoted answer with its short one, where there is one; the sentence that holds it is then quoted first if none
    of the quoted does.
    """
    if not quoted.chosen or evidence.speakers or not evidence.names_a_topic:
        return quoted
    if evidence.query.wants_speaker:
        return replace(quoted, short=_standing(quoted.chosen[0].speaker or "", quoted.chosen))
    found = proposals(evidence, quoted.chosen)
    if not found:
        return quoted
    weights = learned()
    scores = [sum(weights.get(name, 0.0) * value for name, value in p.features.items()) for p in found]
    top = max(scores)
    held = [MARGIN * p.features.get("quoted", 0.0) for p in found]
    best = max(range(len(found)), key=lambda i: scores[i] + held[i])
    if math.exp(scores[best] - top) / sum(math.exp(s - top) for s in scores) < SURE:
        return quoted
    chosen = quoted.chosen
    if not held[best]:
        chosen = _first(found[best].mentions[0].read.candidate, chosen)
    text = next((m.text for m in found[best].mentions if _standing(m.text, chosen)), "")
    return replace(quoted, chosen=chosen, short=text)


def _standing(text: str, chosen: Sequence[Candidate]) -> str:
    return text if text and any(text in c.text for c in chosen) else ""


def _first(candidate: Candidate, chosen: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidate and as many of the other quoted sentences as go with it."""
    place = (candidate.article.id, candidate.span.start)
    kept = [candidate, *(c for c in chosen if (c.article.id, c.span.start) != place)]
    while len(kept) > 1 and (len(kept) > MOST or sum(len(c.text.split()) for c in kept) > WORDS):
        kept.pop()
    return tuple(kept)


@cache
def learned() -> Mapping[str, float]:
    """Feature → weight."""
    return json.loads(FILE.read_text("utf-8"))["weights"]


# Proposals


def proposals(evidence: Evidence, quoted: Sequence[Candidate]) -> list[Proposal]:
    """What may answer, with its features; ``quoted`` are the sentences that are quoted so far."""
    question = evidence.query.text
    wanted = asked(question)
    candidates = answering(evidence)[:READ]
    if wanted is None or not candidates:
        return []
    term = _termed(evidence)
    read = _read(candidates, term)
    asking = frozenset(evidence.terms(question))
    groups: dict[tuple[str, ...], list[Mention]] = {}
    for sentence in read:
        t = sentence.tokens
        for part in dict.fromkeys(parts(wanted, t)):
            key = tuple(x for x in t.terms[part.first : part.last + 1] if x)
            mention = Mention(sentence, part)
            if not key or (_asked_with(mention, question) if part.form in FIGURES else asking.issuperset(key)):
                continue
            same = groups.setdefault(key, [])
            if not any(m.read is sentence and m.part.first == part.first for m in same):
                same.append(mention)
    scene = _scene(evidence, wanted, read, quoted, term)
    surnames = _surnames(groups)
    return [
        Proposal(_wording(group), tuple(group), scene.features(group, surnames.get(key, ())))
        for key, group in groups.items()
        if group[0].read.place < ALONE or len(group) > 1
    ]


def _asked_with(figure: Mention, question: str) -> bool:
    return bool(regex.search(rf"(?<![\p{{L}}\d.,]){regex.escape(figure.text)}(?![\p{{L}}\d]|[.,]\d)", question))


def _wording(mentions: Sequence[Mention]) -> str:
    return Counter(m.text for m in mentions).most_common(1)[0][0]


def _termed(evidence: Evidence) -> Callable[[str], str]:
    known: dict[str, str] = {}

    def term(word: str) -> str:
        if word not in known:
            found = evidence.terms(word)
            known[word] = found[0] if found else ""
        return known[word]

    return term


def _read(candidates: Sequence[Candidate], term: Callable[[str], str]) -> list[Read]:
    best = max(c.score for c in candidates)
    read: list[Read] = []
    shapes: list[frozenset[tuple[str, ...]]] = []
    for place, candidate in enumerate(candidates):
        shape = shingles(candidate.text)
        copy = any(same_text(shape, other) for other in shapes)
        shapes.append(shape)
        weight = math.exp(candidate.score - best)
        read.append(Read(candidate, tokens(candidate.text, term), place, weight, copy))
    return read


def _surnames(groups: Mapping[tuple[str, ...], Sequence[Mention]]) -> dict[tuple[str, ...], Sequence[Mention]]:
    """The mentions by the last word alone ("Cheney") of each name that is the commonest one to end so."""
    whole: dict[str, tuple[str, ...]] = {}
    for key, group in groups.items():
        if len(key) in (2, 3) and group[0].part.form in ("person", "name", "thing"):
            other = whole.get(key[-1])
            if other is None or len(group) > len(groups[other]):
                whole[key[-1]] = key
    alone = ("word", "acronym")
    return {
        key: groups[last,] for last, key in whole.items() if (last,) in groups and groups[last,][0].part.form in alone
    }


# Features


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the features of a part are measured against. ``weights`` are the question's terms with their share of the
    whole weight, ``local`` the same with those near the asking word counted more; ``at`` tells for each read sentence
    where the question's terms stand.
    """

    wanted: Asked
    weights: Mapping[str, float]
    local: Mapping[str, float]
    follows: Sequence[str]
    leads: Sequence[str]
    head: frozenset[str]
    noun: frozenset[str]
    asking: frozenset[str]
    speakers: frozenset[str]
    quoted: frozenset[tuple[str, int]]
    shown: str
    at: Sequence[Mapping[str, Sequence[int]]]

    def features(self, own: Sequence[Mention], surnames: Sequence[Mention]) -> dict[str, float]:
        """The features of a proposal by name, from its mentions and those by its last word alone."""
        every = [*own, *surnames]
        found = _votes(every)
        for mention in every:
            for name, value in self._beside(mention):
                if value > found.get(name, 0.0):
                    found[name] = value
        places = [m.read.place for m in own]
        first = own[0]
        text = first.text
        words = text.split()
        form = Counter(m.part.form for m in own).most_common(1)[0][0]
        key = first.read.tokens.terms[first.part.first : first.part.last + 1]
        titles = {m.read.candidate.article.id: m.read.candidate.article.title for m in own}
        nexts, befores = [_next(m) for m in own if not m.read.copy], [_before(m) for m in own if not m.read.copy]
        found.update(
            {
                f"{self.wanted.kind}:{form}": 1.0,
                "weight": max(m.read.weight for m in own),
                "rank": 1 / (1 + min(places)),
                "first": float(min(places) == 0),
                "quoted": float(any(self._is_quoted(m) for m in own)),
                "length": min(len(words), 6) / 6,
                "one word": float(len(words) == 1),
                "of the question": sum(t in self.asking for t in key) / len(key),
                "in titles": sum(text in t for t in titles.values()) / len(titles),
                "a speaker": float(text in self.speakers),
                "by surname": float(bool(surnames)),
                "everywhere": len({p for p in places if p >= 8}) / 16,
                "a piece, right": _fixed(nexts),
                "a piece, left": _fixed(befores),
                "cut right": _share(nexts),
                "cut left": _share(befores),
            }
        )
        if form in ("phrase", "noun"):
            verbal = words[0].casefold() in VERBS or words[-1].casefold() in VERBS
            found["verbal"] = float(verbal or words[-1].endswith(("ed", "ing", "ly")))
            found["verbal first"] = float(words[0].endswith(("ed", "ly")))
        return found

    def _is_quoted(self, mention: Mention) -> bool:
        c = mention.read.candidate
        return (c.article.id, c.span.start) in self.quoted and mention.text in self.shown

    def _beside(self, mention: Mention) -> Iterator[tuple[str, float]]:
        """What stands around one mention; what is nought is left out."""
        read, first, last = mention.read, mention.part.first, mention.part.last
        words, where = read.tokens.words, self.at[read.place]
        near = local = 0.0
        for term, places in where.items():
            gap = min([first - i if i < first else i - last if i > last else 1 for i in places])
            close = _CLOSE[min(gap, len(_CLOSE) - 1)]
            near += self.weights.get(term, 0.0) * close
            local += self.local.get(term, 0.0) * close
        yield "near", near
        yield "near, locally", local
        yield "near, weighed", read.weight * near
        yield "near, locally, weighed", read.weight * local
        for name, terms, low, high in (
            ("goes on as asked", self.follows, last + 1, last + 5),
            ("begins as asked", self.leads, first - 5, first - 1),
            ("crosswise", self.follows, first - 5, first - 1),
        ):
            yield name, sum([any(low <= i <= high for i in where.get(t, ())) for t in terms]) / 2
        for term in self.head:
            for i in where.get(term, ()):
                if 0 < first - i <= 2:
                    yield "noun before", 1.0
                if 0 < i - last <= 2:
                    yield "noun after", 1.0
                if 0 < i - last <= 4:
                    yield "noun soon after", 1.0
                if abs(i - first) <= 6:
                    yield "noun around", 1.0
                if i == last:
                    yield "noun at end", 1.0
        if any(t in self.noun for t in read.tokens.terms[first : last + 1]):
            yield "noun within", 1.0
        before = words[first - 1].casefold() if first else ""
        after = [w.casefold() for w in words[last + 1 : last + 5]]
        following = after[0] if after else ""
        for name in _AFTER.get(before, ()):
            yield name, 1.0
        if before in ROLES or before in OCCUPATIONS:
            yield "after office", 1.0
        if before in _MARKS and first > 1 and (words[first - 2] == "," or words[first - 2].casefold() in _NAMING):
            yield "after called", 1.0
        if following in ("-", "years", "year") and "old" in after:
            yield "aged", 1.0
        if before == following == ",":
            yield "between commas", 1.0
        if following == "who" or after[:2] == [",", "who"]:
            yield "before who", 1.0
        if following == "-":
            yield "before hyphen", 1.0
        if following in VERBS or before in VERBS:
            yield "beside saying", 1.0
        if first == 0:
            yield "opens", 1.0
        if following in _ENDS:
            yield "closes", 1.0


def _scene(
    evidence: Evidence, wanted: Asked, read: Sequence[Read], quoted: Sequence[Candidate], term: Callable[[str], str]
) -> _Scene:
    total = sum(evidence.weights.values()) or 1.0
    weights = {t: w / total for t, w in evidence.weights.items()}
    after, before = [term(w) for w in wanted.after], [term(w) for w in wanted.before]
    local: dict[str, float] = {}
    for side in (after[:12], before[:-13:-1]):
        for n, t in enumerate(side):
            if t in weights:
                local[t] = max(local.get(t, 0.0), weights[t] * math.exp(-n / 4))
    whole = sum(local.values()) or 1.0
    noun = frozenset(term(w) for w in wanted.noun)
    at: list[dict[str, list[int]]] = []
    for sentence in read:
        where: dict[str, list[int]] = {}
        for i, t in enumerate(sentence.tokens.terms):
            if t in weights or t in noun:
                where.setdefault(t, []).append(i)
        at.append(where)
    return _Scene(
        wanted,
        weights,
        {t: w / whole for t, w in local.items()},
        [t for t in after if t in weights][:2],
        [t for t in before if t in weights][-2:],
        frozenset([term(wanted.head)]) if wanted.head else frozenset(),
        noun,
        frozenset(evidence.terms(evidence.query.text)),
        frozenset(r.candidate.speaker for r in read if r.candidate.speaker),
        frozenset((c.article.id, c.span.start) for c in quoted),
        "\n".join(c.text for c in quoted),
        at,
    )


def _votes(mentions: Sequence[Mention]) -> dict[str, float]:
    """Articles that name it: those of better sentences count more, a second sentence of one article less, copies not."""
    articles: set[str] = set()
    places: set[int] = set()
    votes = 0.0
    for mention in mentions:
        read = mention.read
        if read.place in places or (read.copy and places):
            continue
        places.add(read.place)
        article = read.candidate.article.id
        votes += math.exp(-read.place / 6) * (0.4 if article in articles else 1.0)
        articles.add(article)
    return {"votes": math.log1p(votes), "articles": math.log1p(len(articles))}


def _next(mention: Mention) -> str:
    words = mention.read.tokens.words
    return words[mention.part.last + 1] if mention.part.last + 1 < len(words) else ""


def _before(mention: Mention) -> str:
    return mention.read.tokens.words[mention.part.first - 1] if mention.part.first else ""


def _substantial(word: str) -> bool:
    return content(word) and word.casefold() not in VERBS and not word.endswith("ed")


def _share(neighbours: Sequence[str]) -> float:
    return sum(map(_substantial, neighbours)) / max(len(neighbours), 1)


def _fixed(neighbours: Sequence[str]) -> float:
    """How far one and the same content word always stands beside: what it stands beside is a piece of a longer name."""
    counts = Counter(filter(_substantial, neighbours))
    return max(counts.values()) / len(neighbours) if counts.total() > 1 else 0.0

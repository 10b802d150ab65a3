"""Measures as values: ``str(Measure("R", "5")) == "R@5"`` and ``parse_measure("R@5") == Measure("R", "5")``.

A measure scores one outcome (None where it does not apply to the question) and summarises the scores of many. What a
failed question scores is in each measure's text; it is never left out. Shares and scores lie between 0 and 1.

To add one: write the function that scores an outcome, and a line in ``FAMILIES``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import ir_measures
import numpy as np
from scipy.stats import bootstrap  # pyright: ignore[reportUnknownVariableType]

from evals.matching import exact_match, f1, holds_words, words
from evals.records import Outcome, Question
from rag.errors import SettingsError
from rag.records import Citation, Hit, Passage, Sentence

RESAMPLES = 2000
_EMPTY = frozenset(
    [
        "about",
        "after",
        "all",
        "also",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "may",
        "me",
        "more",
        "most",
        "my",
        "no",
        "not",
        "of",
        "on",
        "one",
        "or",
        "our",
        "out",
        "over",
        "said",
        "say",
        "says",
        "she",
        "so",
        "some",
        "such",
        "than",
        "that",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "up",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_TRIMMED = re.compile(r"…|\.\.\.|\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Value:
    """A measure over ``n`` questions with its 95 % bootstrap interval; ``value`` is None when it applied to none.

    The interval is the percentile bootstrap over questions (Efron and Tibshirani, 1993) with a fixed seed. When all
    scores are equal its width is zero, however few there are: for k of k, think of 3/n instead.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A family's name and, for those that take one, a parameter; made by ``parse_measure``, which checks both."""

    name: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.at}" if self.at else self.name

    @property
    def less_is_better(self) -> bool:
        return FAMILIES[self.name].less or str(self) == "Refused@answerable"

    @property
    def means(self) -> str:
        """What is counted, where the definition comes from, and what a failed question scores."""
        return " ".join((FAMILIES[self.name].score.__doc__ or "").split())

    def score(self, outcome: Outcome) -> float | None:
        """The score of one question, or None where the measure does not apply to it."""
        return FAMILIES[self.name].score(outcome, self.at)

    def summarise(self, scores: Sequence[float | None], seed: int = 0) -> Value:
        """The mean (of times: the percentile) of the scores that are not None, with its interval."""
        known = np.asarray([score for score in scores if score is not None], dtype=np.float64)
        if not len(known):
            return Value(None, None, None, 0)
        percentile = FAMILIES[self.name].percentile

        def statistic(sample: Any, axis: int = -1) -> Any:
            return np.mean(sample, axis=axis) if percentile is None else np.percentile(sample, percentile, axis=axis)

        value = float(statistic(known))
        if len(known) == 1:
            return Value(value, value, value, 1)
        found = cast(
            Any,
            bootstrap(
                (known,),
                statistic,
                n_resamples=RESAMPLES,
                batch=200,
                vectorized=True,
                method="percentile",
                rng=np.random.default_rng(seed),
            ),
        )
        interval = found.confidence_interval
        # Equal scores summed in another order differ in the last digit.
        return Value(value, min(float(interval.low), value), max(float(interval.high), value), len(known))


def parse_measure(text: str) -> Measure:
    """The measure that prints as ``text``. Raises SettingsError naming the known ones."""
    name, _, at = text.partition("@")
    family = FAMILIES.get(name)
    if family is None or text.count("@") > 1 or not re.fullmatch(family.takes, at) or (not at and "@" in text):
        raise SettingsError(
            f"there is no measure {text!r}; there are: {', '.join(f.example for f in FAMILIES.values())}"
        )
    return Measure(name, at)


# Answers


def right_strings(question: Question, said: str) -> bool:
    """Whether ``said`` holds one of the question's answers, and all of those that must be there together."""
    plain = words(said)
    found = [holds_words(plain, words(string)) for string in question.answers]
    every = [holds_words(plain, words(string)) for string in question.answers_all]
    return bool(question.gold) and (any(found) or not found) and all(every)


def _contains(outcome: Outcome, _: str) -> float | None:
    """Questions with a known answer whose quoted sentences hold the answer string, whole words after SQuAD
    normalisation (published for RealTime QA as "contains"). No answer, or a failure, scores 0."""
    return float(right_strings(outcome.question, outcome.said)) if outcome.question.gold else None


def _short(outcome: Outcome) -> str:
    return (outcome.answer.short if outcome.answer and outcome.answer.sentences else "") or outcome.said


def _exact(outcome: Outcome, _: str) -> float | None:
    """Exact match of the short answer (of all sentences where there is none) with a gold string (SQuAD, Rajpurkar et
    al., 2016). No answer, or a failure, scores 0."""
    return exact_match(_short(outcome), outcome.question.gold) if outcome.question.gold else None


def _f1(outcome: Outcome, _: str) -> float | None:
    """Word-level F1 of the short answer (of all sentences where there is none) with the nearest gold string (SQuAD,
    Rajpurkar et al., 2016). No answer, or a failure, scores 0."""
    return f1(_short(outcome), outcome.question.gold) if outcome.question.gold else None


def _answer_words(outcome: Outcome, _: str) -> float | None:
    """Mean number of words, split at white space, of the answers that were given; refusals and failures hold none and
    are not counted."""
    return float(len(outcome.said.split())) if outcome.said else None


def _right(outcome: Outcome, trap: str) -> float | None:
    """Questions (of one trap, with @) answered right: an answerable one holds its answer (as Contains) and no wrong
    string and nobody else's words; an unanswerable one is refused. A failure scores 0."""
    question = outcome.question
    if trap and question.trap != trap:
        return None
    if not question.answerable:
        return float(outcome.refused)
    wrong = any(_hold(sentence, question.wrong) for sentence in _sentences(outcome)) or other_mouths(outcome)
    return float(right_strings(question, outcome.said) and not wrong)


def _choice(outcome: Outcome, _: str) -> float | None:
    """Questions with choices (the quiz form of RealTime QA, Kasai et al., 2023) of which the right one was chosen; every
    one is answered. A failure scores 0."""
    gold = outcome.question.gold_choice
    return None if gold is None else float(outcome.chosen == gold)


# Retrieval


def gold_ranks(question: Question, hits: Sequence[Hit]) -> tuple[int, ...]:
    """Ranks, from 1, of the passages that overlap the question's evidence or, without any, hold a gold string."""
    strings = [words(string) for string in question.gold]

    def gold(place: Passage) -> bool:
        if question.evidence:
            return any(each.overlaps(place.article_id, place.start, place.end) for each in question.evidence)
        plain = words(place.text)
        return any(holds_words(plain, string) for string in strings)

    return tuple(rank for rank, hit in enumerate(hits, 1) if gold(hit.passage))


@lru_cache(maxsize=4096)
def _ranked(measure: str, first: int | None) -> float:
    """A measure of ir-measures (trec_eval's definitions) where one passage is relevant: the first that answers.

    Only the first counts, since what repeats an answer adds nothing, and since the passages below the depth that is
    read are unknown: so the figures of systems with passages of different sizes can be compared.
    """
    ranking = {str(rank): -float(rank) for rank in range(1, (first or 1) + 1)}
    relevant = {"1": {str(first) if first else "none": 1}}
    parsed: Any = ir_measures.parse_measure(measure)
    return float(ir_measures.calc_aggregate([parsed], relevant, {"1": ranking})[parsed])


def _retrieval(outcome: Outcome, measure: str) -> float | None:
    if not outcome.question.evidence and not outcome.question.gold:
        return None
    return _ranked(measure, min(outcome.gold_ranks, default=None))


def _recall(outcome: Outcome, at: str) -> float | None:
    """Questions with at least one gold passage among the k best: one that overlaps the evidence, or holds the gold
    string where the data set names no evidence (success at k, recall of the answer string in open-domain QA, Chen et
    al., 2017). A failure scores 0."""
    return _retrieval(outcome, f"R@{at}")


def _ndcg(outcome: Outcome, at: str) -> float | None:
    """Discounted gain of the first gold passage (as in R@K): 1 at rank 1, 1 / log2(1 + rank) further down, 0 below k
    (nDCG, Järvelin and Kekäläinen, 2002, where one passage is relevant). A failure scores 0."""
    return _retrieval(outcome, f"nDCG@{at}")


def _reciprocal_rank(outcome: Outcome, _: str) -> float | None:
    """One divided by the rank of the first gold passage (as in R@K), 0 where none was found among the passages that
    were fetched. A failure scores 0."""
    return _retrieval(outcome, "RR")


# Citations


def cited(outcome: Outcome, sentence: Sentence) -> list[Citation]:
    """The citations of the answer that the sentence names by number."""
    every = outcome.answer.citations if outcome.answer else ()
    return [citation for citation in every if citation.n in sentence.citations]


def verbatim(outcome: Outcome, sentence: Sentence) -> bool:
    """Whether the sentence stands as it says it does; see the measure VerbatimCitation."""
    citations = cited(outcome, sentence)
    if not citations or len({citation.n for citation in citations}) < len(set(sentence.citations)):
        return False
    for citation in citations:
        text = outcome.texts.get(citation.article)
        if (
            text is None
            or not 0 <= citation.start < citation.end
            or text[citation.start : citation.end] != citation.quote
        ):
            return False
    if outcome.answer and outcome.answer.model:
        return True
    quotes = [words(citation.quote) for citation in citations]
    pieces = [words(piece) for piece in _TRIMMED.split(sentence.text)]
    return all(any(holds_words(quote, piece) for quote in quotes) for piece in pieces if piece)


def _verbatim(outcome: Outcome, _: str) -> float | None:
    """Share of an answer's sentences, mean over the answers given, that have a citation, whose every citation exists
    and quotes exactly the cited span of the article, and whose own words (unless a language model wrote them) stand
    in one of those quotes, pieces between ellipses each on their own. Refusals and failures cite nothing and are not
    counted."""
    if outcome.answer is None or not outcome.answer.sentences:
        return None
    sentences = outcome.answer.sentences
    return sum(verbatim(outcome, sentence) for sentence in sentences) / len(sentences)


def supported(outcome: Outcome, sentence: Sentence) -> bool:
    """Whether the sentence rests on what it cites; see the measure CitationSupport."""
    return rests(sentence.text, [citation.quote for citation in cited(outcome, sentence)])


def _content(text: str) -> set[str]:
    return {word for word in words(text).split() if word not in _EMPTY}


def rests(text: str, quotes: Sequence[str]) -> bool:
    """Whether most content words of ``text``, and all its numbers, stand in the quotes."""
    quoted = set(words(" ".join(quotes)).split())
    content = _content(text)
    numbers = {word for word in content if any(character.isdigit() for character in word)}
    return bool(quoted) and numbers <= quoted and 2 * len(content & quoted) > len(content)


def _support(outcome: Outcome, _: str) -> float | None:
    """Share of an answer's sentences, mean over the answers given, whose content words (all but the commonest words of
    English) stand for more than half, and whose numbers stand all, in the quotes of their citations. What stands there
    may still say something else: this is a floor, not faithfulness. Refusals and failures are not counted."""
    if outcome.answer is None or not outcome.answer.sentences:
        return None
    sentences = outcome.answer.sentences
    return sum(supported(outcome, sentence) for sentence in sentences) / len(sentences)


def _faithful(outcome: Outcome, _: str) -> float | None:
    """Share of an answer's sentences, mean over the answers given, that a language model (--judge) says follow from the
    quotes they cite and put them in the right mouth. Sentences that it did not judge are left out and told in the run's
    counts; so are answers of which it judged none. Refusals and failures are not counted. What its word is worth:
    python -m evals agreement."""
    judged = [judgement.faithful for judgement in outcome.judgements if judgement.faithful is not None]
    return sum(judged) / len(judged) if judged else None


def _evidence_hit(outcome: Outcome, _: str) -> float | None:
    """Questions with evidence of which at least one cited span overlaps a span of the evidence. No answer, or a
    failure, scores 0."""
    if not outcome.question.evidence or not outcome.question.answerable:
        return None
    spans = [citation for sentence in _sentences(outcome) for citation in cited(outcome, sentence)]
    return float(any(e.overlaps(c.article, c.start, c.end) for c in spans for e in outcome.question.evidence))


# Whose words


def _sentences(outcome: Outcome) -> tuple[Sentence, ...]:
    return outcome.answer.sentences if outcome.answer else ()


def other_mouths(outcome: Outcome) -> list[Sentence]:
    """The sentences of an answer to a question about what somebody said that are other people's words.

    Such a sentence holds one of the question's foreign words, or one of the spans it cites overlaps a foreign span
    while none of them overlaps the question's own evidence. A sentence that cites nothing, as only a language model's may,
    counts as citing the spans that it repeats. Words that the data set knows nobody for go unnoticed.
    """
    question = outcome.question
    if not question.speaker:
        return []
    found: list[Sentence] = []
    for sentence in _sentences(outcome):
        spans = [(c.article, c.start, c.end) for c in cited(outcome, sentence)]
        if not spans:
            both = [*question.evidence, *question.foreign]
            spans = [
                (e.article, e.span.start, e.span.end)
                for e in both
                if e.article in outcome.texts and _repeats(sentence.text, e.span.of(outcome.texts[e.article]))
            ]
        own = any(evidence.overlaps(*span) for span in spans for evidence in question.evidence)
        foreign = any(evidence.overlaps(*span) for span in spans for evidence in question.foreign)
        if (foreign and not own) or _hold(sentence, question.foreign_words):
            found.append(sentence)
    return found


def _repeats(text: str, said: str) -> bool:
    """Whether most content words of ``text`` stand in ``said``, three or more, so that "The answer is:" repeats nobody."""
    return len(_content(text) & _content(said)) >= 3 and rests(text, [said])


def _hold(sentence: Sentence, strings: Sequence[str]) -> bool:
    plain = words(sentence.text)
    return any(holds_words(plain, words(string)) for string in strings)


def _wrong_mouth(outcome: Outcome, _: str) -> float | None:
    """Questions about what somebody said whose answer holds a sentence with another person's words: a string listed
    as such stands in it, or it cites (or, citing nothing, repeats) spans that are evidence of another
    speaker's words and none of its own. A failure says nothing and scores 0."""
    return float(bool(other_mouths(outcome))) if outcome.question.speaker else None


def _wrong_mouth_words(outcome: Outcome, _: str) -> float | None:
    """Mean number of words in the sentences that WrongMouth counts, over questions about what somebody said."""
    if not outcome.question.speaker:
        return None
    return float(sum(len(sentence.text.split()) for sentence in other_mouths(outcome)))


def _right_speaker(outcome: Outcome, _: str) -> float | None:
    """Questions about what somebody said whose answer quotes at least one sentence of that person's: a cited span
    overlaps a span of their words. No answer, or a failure, scores 0."""
    return _evidence_hit(outcome, "") if outcome.question.speaker else None


def _wrong_mouth_share(outcome: Outcome, _: str) -> float | None:
    """Share of an answer's sentences, mean over the answers given to questions about what somebody said, that are other
    people's words (as WrongMouth). Refusals and failures are not counted."""
    if not outcome.question.speaker or not _sentences(outcome):
        return None
    return len(other_mouths(outcome)) / len(_sentences(outcome))


def _nobodys_share(outcome: Outcome, _: str) -> float | None:
    """Share of an answer's sentences, mean over the answers given to questions about what somebody said, that the data
    set knows as neither that person's words nor another's. Refusals and failures are not counted."""
    question = outcome.question
    if not question.speaker or not _sentences(outcome):
        return None
    wrong = other_mouths(outcome)
    rest = [sentence for sentence in _sentences(outcome) if sentence not in wrong]
    nobodys = [
        sentence
        for sentence in rest
        if not any(e.overlaps(c.article, c.start, c.end) for c in cited(outcome, sentence) for e in question.evidence)
    ]
    return len(nobodys) / len(_sentences(outcome))


# Abstention and time


def _refused(outcome: Outcome, kind: str) -> float | None:
    """Questions the articles do (answerable) or do not (unanswerable) answer that got no answer. A failure counts as
    refused where an answer was due, and as not refused where a refusal was."""
    if outcome.question.answerable != (kind == "answerable"):
        return None
    return float(outcome.refused or (kind == "answerable" and outcome.answer is None))


def _milliseconds(outcome: Outcome, _: str) -> float | None:
    """Wall time of ``ask`` in milliseconds, in a process that has answered before; failures until they failed."""
    return outcome.milliseconds


@dataclass(frozen=True, slots=True)
class Family:
    """Measures of one kind. ``takes`` is a pattern of what may follow the @; ``percentile`` replaces the mean;
    ``less`` is true where smaller is better."""

    score: Callable[[Outcome, str], float | None]
    example: str
    takes: str = ""
    percentile: float | None = None
    less: bool = False


FAMILIES: dict[str, Family] = {
    "Contains": Family(_contains, "Contains"),
    "EM": Family(_exact, "EM"),
    "F1": Family(_f1, "F1"),
    "Choice": Family(_choice, "Choice"),
    "AnswerWords": Family(_answer_words, "AnswerWords", less=True),
    "Right": Family(_right, "Right or Right@TRAP", r"[a-z_]*"),
    "R": Family(_recall, "R@K", r"[1-9][0-9]*"),
    "nDCG": Family(_ndcg, "nDCG@K", r"[1-9][0-9]*"),
    "RR": Family(_reciprocal_rank, "RR"),
    "VerbatimCitation": Family(_verbatim, "VerbatimCitation"),
    "CitationSupport": Family(_support, "CitationSupport"),
    "Faithful": Family(_faithful, "Faithful"),
    "EvidenceHit": Family(_evidence_hit, "EvidenceHit"),
    "WrongMouth": Family(_wrong_mouth, "WrongMouth", less=True),
    "WrongMouthWords": Family(_wrong_mouth_words, "WrongMouthWords", less=True),
    "RightSpeaker": Family(_right_speaker, "RightSpeaker"),
    "WrongMouthShare": Family(_wrong_mouth_share, "WrongMouthShare", less=True),
    "NobodysShare": Family(_nobodys_share, "NobodysShare", less=True),
    "Refused": Family(_refused, "Refused@answerable or Refused@unanswerable", r"answerable|unanswerable"),
    "p50": Family(_milliseconds, "p50", percentile=50, less=True),
    "p95": Family(_milliseconds, "p95", percentile=95, less=True),
}

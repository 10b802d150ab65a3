from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.matching import exact_match, f1, holds, normalise, standing, words
from evals.measures import FAMILIES, Measure, gold_ranks, other_mouths, parse_measure
from evals.records import Evidence, Outcome, Question
from rag.errors import SettingsError
from rag.records import Answer, Article, Citation, Coverage, Hit, Passage, Sentence, Span

TEXT = (
    "Mayor Ida Brandt said the bridge would open on May 3. "
    "Its builder, Tom Rask, said that it would not. "
    "The bridge cost 15 million crowns."
)
ARTICLE = Article("a1", "Bridge", TEXT, published="2024-04-01")
MAYOR, BUILDER, COST = (Span(TEXT.index(s), TEXT.index(s) + len(s)) for s in TEXT.replace(". ", ".\n").split("\n"))
PHRASES = st.lists(
    st.sampled_from(["the", "Bridge", "bridge's", "15", "2015", "U.S.", "re-open", "…"]), max_size=8
).map(" ".join)


def answer(*spans: Span, texts: tuple[str, ...] = (), short: str = "", model: str = "") -> Answer:
    citations = tuple(
        Citation(n, "a1", "Bridge", "", "", "", span.start, span.end, span.of(TEXT)) for n, span in enumerate(spans, 1)
    )
    quotes = [citation.quote for citation in citations]
    sentences = tuple(Sentence(text, (c.n,)) for c, text in zip(citations, texts or quotes, strict=True))
    status = "answered" if spans else "not_in_archive"
    return Answer("q", status, sentences, citations, (), Coverage(1, 1, {}), short=short, model=model)


def outcome(question: Question, given: Answer | None, ranks: tuple[int, ...] = ()) -> Outcome:
    return Outcome(question, given, ranks, {"a1": TEXT}, 12.0, "" if given else "RuntimeError: down")


def score(measure: str, *of: Outcome) -> float | None:
    found = {parse_measure(measure).score(each) for each in of}
    assert len(found) == 1
    return found.pop()


COST_QUESTION = Question("1", "What did it cost?", answers=("15 million",), evidence=(Evidence("a1", COST),))
MAYOR_QUESTION = Question(
    "2",
    "What did the mayor say?",
    answers=("May 3",),
    evidence=(Evidence("a1", MAYOR),),
    foreign=(Evidence("a1", BUILDER),),
    speaker="Ida Brandt",
    wrong=("it would not", "June 9"),
    foreign_words=("it would not",),
)
UNANSWERABLE = Question("3", "Who designed it?", answerable=False, trap="unanswerable")


# Measures as values


@pytest.mark.parametrize(
    "name", ["Contains", "EM", "Choice", "R@1", "R@24", "Refused@answerable", "Right", "Right@who_said", "p95"]
)
def test_a_measure_prints_as_it_parses(name: str) -> None:
    assert str(parse_measure(name)) == name
    assert parse_measure(name) == Measure(*name.split("@"))
    assert len({parse_measure(name), parse_measure(name)}) == 1
    assert len(parse_measure(name).means) > 60


@pytest.mark.parametrize("name", ["R", "R@", "R@0", "R@x", "R@5@5", "Refused", "EM@1", "em", "", "Right@"])
def test_what_is_no_measure_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(SettingsError, match="VerbatimCitation"):
        parse_measure(name)


def test_every_measure_scores_a_failure_and_none_rewards_it() -> None:
    for name in FAMILIES:
        for at in {"R": ["5"], "nDCG": ["10"], "Refused": ["answerable", "unanswerable"]}.get(name, [""]):
            measure = Measure(name, at)
            for question in (COST_QUESTION, MAYOR_QUESTION, UNANSWERABLE):
                failed = measure.score(outcome(question, None))
                if str(measure) == "Refused@answerable" and question.answerable:
                    assert failed == 1
                elif name not in ("p50", "p95"):
                    assert not failed


def test_a_choice_is_right_or_wrong_and_a_failure_is_wrong() -> None:
    quiz = replace(COST_QUESTION, answers=("b",), choices=("a", " b", "c"))
    assert quiz.gold_choice == 1 and COST_QUESTION.gold_choice is None
    measure = parse_measure("Choice")
    scored = [measure.score(replace(outcome(quiz, None), chosen=chosen)) for chosen in (0, 1, None)]
    assert scored == [0, 1, 0]
    assert measure.score(outcome(COST_QUESTION, None)) is None


# Summaries


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=30), st.integers(0, 9))
def test_the_interval_holds_the_mean_and_the_seed_fixes_it(scores: list[float | None], seed: int) -> None:
    measure = parse_measure("Contains")
    value = measure.summarise(scores, seed)
    known = [score for score in scores if score is not None]
    assert value == measure.summarise(scores, seed)
    assert value.n == len(known)
    if not known:
        assert (value.value, value.low, value.high) == (None, None, None)
        return
    assert value.value is not None and value.low is not None and value.high is not None
    assert value.value == pytest.approx(sum(known) / len(known))
    assert min(known) - 1e-9 <= value.low <= value.high <= max(known) + 1e-9


def test_the_interval_narrows_with_questions_and_percentiles_are_no_means() -> None:
    few = parse_measure("Contains").summarise([0.0, 1.0] * 10)
    many = parse_measure("Contains").summarise([0.0, 1.0] * 1000)
    assert few.low is not None and few.high is not None and many.low is not None and many.high is not None
    assert many.high - many.low < 0.06 < few.high - few.low
    times = [1.0] * 9 + [1000.0]
    assert parse_measure("p50").summarise(times).value == 1
    assert parse_measure("p95").summarise(times).value > 500  # pyright: ignore[reportOptionalOperand]


# Strings


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The U.S. economy", "us economy"),
        ("“Game of Thrones”", "game of thrones"),
        ("a 5,000-seat hall—the  biggest", "5000seat hall biggest"),
        ("An apple…a day", "apple day"),
        ("theatre", "theatre"),
    ],
)
def test_normalise_as_squad_does(text: str, plain: str) -> None:
    assert normalise(text) == plain


@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "string", "there"),
    [
        ("It was in 2015.", "15", False),
        ("Brazil’s president", "Brazil", True),
        ("a China-led bank", "China", True),
        ("the ceasefire", "fire", False),
        ("He won, at last, the cup", "won at last the Cup", True),
        ("anything", "", False),
        ("a the an", "the", False),
    ],
)
def test_holds_whole_words(text: str, string: str, there: bool) -> None:
    assert holds(text, string) is there


@given(st.lists(PHRASES, max_size=5), st.lists(PHRASES, max_size=5))
def test_standing_is_holds_for_each(strings: list[str], texts: list[str]) -> None:
    assert standing(strings, texts) == {s for s in strings if any(holds(text, s) for text in texts)}


@given(PHRASES, PHRASES)
def test_f1_and_exact_match_agree(one: str, other: str) -> None:
    assert f1(one, [other]) == pytest.approx(f1(other, [one]))
    assert 0 <= exact_match(one, [other]) <= f1(one, [other]) <= 1
    assert exact_match(one, [other, one]) == bool(normalise(one))


# Scores


def test_contains_wants_one_of_the_answers_and_all_that_belong_together() -> None:
    right, refused = answer(COST), answer()
    assert score("Contains", outcome(COST_QUESTION, right)) == 1
    assert score("Contains", outcome(COST_QUESTION, refused), outcome(COST_QUESTION, answer(MAYOR))) == 0
    both = replace(COST_QUESTION, answers=(), answers_all=("15 million", "May 3"))
    assert score("Contains", outcome(both, right)) == 0
    assert score("Contains", outcome(both, answer(COST, MAYOR))) == 1
    assert score("Contains", outcome(UNANSWERABLE, right)) is None


def test_the_short_answer_is_measured_where_there_is_one() -> None:
    assert score("EM", outcome(COST_QUESTION, answer(COST, short="15 million"))) == 1
    assert score("EM", outcome(COST_QUESTION, answer(COST))) == 0
    long = score("F1", outcome(COST_QUESTION, answer(COST)))
    assert long is not None and 0 < long < 1
    assert score("F1", outcome(COST_QUESTION, replace(answer(), short="15 million"))) == 0


@given(st.sets(st.integers(1, 24), max_size=4), st.integers(1, 23))
def test_recall_grows_with_k(ranks: set[int], k: int) -> None:
    at = outcome(COST_QUESTION, answer(COST), tuple(sorted(ranks)))
    fewer, more = score(f"R@{k}", at), score(f"R@{k + 1}", at)
    assert fewer is not None and more is not None and fewer <= more
    assert score("R@24", at) == bool(ranks)


def test_gold_ranks_by_evidence_or_else_by_string() -> None:
    hits = [Hit(Passage(str(s.start), "a1", s.start, s.end, s.of(TEXT)), ARTICLE, 1.0) for s in (MAYOR, BUILDER, COST)]
    assert gold_ranks(COST_QUESTION, hits) == (3,)
    assert gold_ranks(replace(COST_QUESTION, evidence=(), answers=("bridge",)), hits) == (1, 3)
    assert gold_ranks(UNANSWERABLE, hits) == ()


def test_a_verbatim_citation_is_exactly_its_span() -> None:
    right = answer(COST, MAYOR)
    assert score("VerbatimCitation", outcome(COST_QUESTION, right)) == 1
    first, second = right.citations
    for bad in (
        replace(first, start=first.start + 1),
        replace(first, quote=first.quote.lower()),
        replace(first, article="a2"),
        replace(first, n=7),
        replace(first, start=0, end=0, quote=""),
    ):
        broken = replace(right, citations=(bad, second))
        assert score("VerbatimCitation", outcome(COST_QUESTION, broken)) == 0.5, bad
    assert score("VerbatimCitation", outcome(COST_QUESTION, answer()), outcome(COST_QUESTION, None)) is None


def test_a_quoted_sentence_must_stand_in_its_quotes_a_model_may_write() -> None:
    trimmed = answer(COST, texts=("The bridge cost … crowns",))
    changed = answer(COST, texts=("The bridge cost 50 million crowns.",))
    assert score("VerbatimCitation", outcome(COST_QUESTION, trimmed)) == 1
    assert score("VerbatimCitation", outcome(COST_QUESTION, changed)) == 0
    assert score("VerbatimCitation", outcome(COST_QUESTION, replace(changed, model="openai:m"))) == 1


def test_the_wrong_mouth() -> None:
    assert score("WrongMouth", outcome(MAYOR_QUESTION, answer(MAYOR)), outcome(MAYOR_QUESTION, answer())) == 0
    by_span = outcome(replace(MAYOR_QUESTION, foreign_words=()), answer(MAYOR, BUILDER))
    by_string = outcome(replace(MAYOR_QUESTION, foreign=()), answer(MAYOR, BUILDER))
    assert score("WrongMouth", by_span, by_string) == 1
    assert [sentence.text for sentence in other_mouths(by_span)] == [BUILDER.of(TEXT)]
    assert score("WrongMouthWords", by_span, by_string) == len(BUILDER.of(TEXT).split())
    assert score("Right", by_span, by_string) == 0
    uncited = replace(by_span.answer, citations=()) if by_span.answer else None
    assert uncited is not None
    bare = replace(uncited, sentences=tuple(replace(sentence, citations=()) for sentence in uncited.sentences))
    assert [s.text for s in other_mouths(replace(by_span, answer=bare))] == [BUILDER.of(TEXT)]
    assert score("WrongMouth", outcome(COST_QUESTION, answer(BUILDER))) is None
    stale = outcome(MAYOR_QUESTION, answer(MAYOR, texts=("It would open on May 3, not on June 9.",)))
    assert score("WrongMouth", stale) == score("Right", stale) == 0


def test_refusals_both_ways() -> None:
    assert score("Refused@answerable", outcome(COST_QUESTION, answer())) == 1
    assert score("Refused@answerable", outcome(COST_QUESTION, answer(COST))) == 0
    assert score("Refused@unanswerable", outcome(UNANSWERABLE, answer())) == 1
    assert score("Refused@unanswerable", outcome(UNANSWERABLE, answer(COST)), outcome(UNANSWERABLE, None)) == 0
    assert score("Refused@answerable", outcome(UNANSWERABLE, answer())) is None
    assert score("Right@unanswerable", outcome(UNANSWERABLE, answer())) == 1
    assert score("Right@unanswerable", outcome(COST_QUESTION, answer(COST))) is None


def test_evidence_hit_counts_cited_spans_only() -> None:
    given = answer(BUILDER, COST)
    assert score("EvidenceHit", outcome(COST_QUESTION, given)) == 1
    uncited = replace(given, sentences=given.sentences[:1])
    assert score("EvidenceHit", outcome(COST_QUESTION, uncited), outcome(COST_QUESTION, answer())) == 0


def test_words_of_an_answer_are_counted_where_one_was_given() -> None:
    assert score("AnswerWords", outcome(COST_QUESTION, answer(COST))) == 6
    assert score("AnswerWords", outcome(COST_QUESTION, answer())) is None
    assert words("The Brandt-Rask bridge's") == "brandt rask bridge"


# Ranks, and what citations support


@given(st.sets(st.integers(1, 24), max_size=5))
def test_the_first_gold_passage_decides_the_measures_of_rank(ranks: set[int]) -> None:
    given = outcome(COST_QUESTION, answer(COST), tuple(sorted(ranks)))
    first = min(ranks, default=None)
    assert score("RR", given) == pytest.approx(1 / first if first else 0)
    assert score("nDCG@10", given) == pytest.approx(1 / math.log2(1 + first) if first and first <= 10 else 0)
    for k in (1, 5, 24):
        assert score(f"R@{k}", given) == float(any(rank <= k for rank in ranks))


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("The bridge cost 15 million crowns.", 1),
        ("It was reported that the bridge had cost 15 million.", 1),
        ("The bridge cost 16 million crowns.", 0),  # another number
        ("The minister resigned over the bridge.", 0),
        ("Crowns were paid.", 0),  # half is not most
    ],
)
def test_a_sentence_is_supported_by_most_of_its_words_and_all_of_its_numbers(said: str, held: float) -> None:
    assert score("CitationSupport", outcome(COST_QUESTION, answer(COST, texts=(said,), model="m"))) == held


def test_a_sentence_without_citation_is_not_supported() -> None:
    bare = replace(answer(COST), citations=())
    assert score("CitationSupport", outcome(COST_QUESTION, bare)) == 0
    assert score("CitationSupport", outcome(COST_QUESTION, answer())) is None

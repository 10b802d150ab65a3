"""Answering by quoting: choose the sentences that answer, whose words they are, and say when none does."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import regex

from rag.answers.accounts import Accounts, settle
from rag.answers.answerable import likelihood
from rag.answers.premises import unfounded
from rag.answers.trim import trimmed
from rag.indexing.duplicates import same_text, shingles
from rag.indexing.names import CAPITALISED, name_tokens, same_person
from rag.records import Query, Span, Status
from rag.retrieval import rank, types
from rag.retrieval.evidence import Candidate, Evidence
from rag.retrieval.features import novel

# Least likelihood of an answer (see answerable.py) at which the archive is said to answer.
ENOUGH = 0.5
# Least closeness of a sentence to the topic to be on that topic; see `_closeness`.
ON_TOPIC = 0.86
# Further statements, and somebody's refusal to speak, must be nearly as close to the topic as the best one.
NEARLY = 0.75
# A further sentence may lie so far behind the first in the ranker's score.
BEHIND = 2.5
# A third sentence is quoted only where the three stay this short.
MOST, WORDS = 3, 60
# What a further sentence loses in the ranker's score when all its names and numbers were told by those before it: it
# would answer no more than they do. Chosen on RealTime QA's 2022 and 2024, where it gains 0.6 to 0.9 points in each.
REPEATED = 1.0
MOST_STATEMENTS = 3
# A sentence that holds so much of a question for a thing of some kind needs no further one that holds less; where it
# holds this much, none that holds less than that share of it.
WHOLE, MUCH = 0.9, 0.55


@dataclass(frozen=True, slots=True)
class Quoted:
    """The chosen sentences in reading order, how sure the choice is (0 to 1), and the short answer within them."""

    status: Status
    chosen: tuple[Candidate, ...]
    confidence: float
    notes: tuple[str, ...] = ()
    short: str = ""


def quote(evidence: Evidence) -> Quoted:
    """The one to three sentences that answer best, or none, with what a reader must know of their articles."""
    found = _quote(evidence)
    corrected = (evidence.corrected[c.article.id] for c in found.chosen if c.article.id in evidence.corrected)
    return replace(found, notes=tuple(dict.fromkeys((*found.notes, *corrected))))


def _quote(evidence: Evidence) -> Quoted:
    evidence = replace(evidence, candidates=[c for c in evidence.candidates if known(c, evidence.query)])
    within = _within(evidence)
    outside = _why(evidence, ()) if within is evidence.candidates else ()
    if evidence.speakers:
        return _statements(evidence, within)
    if evidence.query.period and not evidence.names_a_topic:
        return _news(evidence, [c for c in evidence.candidates if in_period(c, evidence.query)])
    accounts = _accounts(evidence)
    ranked = list(accounts.conflicting) or _one_voice(_whole(accounts.ranked, evidence.query))
    # "Who compared it to …?" asks for a speaker, whatever its verb, where the answer is something said.
    spoken = bool(ranked and ranked[0].speaker) and not accounts.conflicting
    whose = evidence.query.wants_speaker or (spoken and bool(_WHO.match(evidence.query.text)))
    most = 1 if whose else MOST
    sure = likelihood(evidence, ranked)
    best = _distinct(ranked, most) if accounts.conflicting else _adding(ranked, evidence.query.text, most)
    best = _brief(best)
    if sure >= ENOUGH and (doubt := unfounded(evidence)):
        denials = [c for c in within if doubt.denied_by(c.text)]
        if not denials:
            return Quoted("not_in_archive", (), 0.0, (doubt.note,))
        best = _distinct(denials, 1)
    if sure < ENOUGH:
        return Quoted("not_in_archive", (), sure, _why(evidence, within))
    if whose:
        best = _introduced(best[0], evidence)
    best = [_trimmed(c, evidence) for c in best]
    status = "conflicting" if accounts.conflicting else "answered"
    return Quoted(status, tuple(best), sure, (*outside, *accounts.notes))


def _one_voice(ranked: Sequence[Candidate]) -> Sequence[Candidate]:
    """The ranking; where its first sentence is somebody's words, without other people's: read on, they would be taken for
    the same person's.
    """
    first = ranked[0].speaker if ranked else None
    return [c for c in ranked if c.speaker in (None, first)] if first else ranked


def _introduced(said: Candidate, evidence: Evidence) -> list[Candidate]:
    """The statement; before it the sentence that names its speaker in full, where it has a pronoun or a surname."""
    name = said.speaker or ""
    if len(name_tokens(name)) < 2 or name in said.text:
        return [said]
    named = [c for c in evidence.candidates if c.article.id == said.article.id and name in c.text]
    first = min(named, key=lambda c: c.span.start, default=None)
    return [first, said] if first and first.span.start < said.span.start else [said]


def _whole(ranked: Sequence[Candidate], query: Query) -> Sequence[Candidate]:
    """The ranking; where its first sentence answers most of a question for a number, a day, a name, without those that
    speak of less of it: they give other numbers, days and names.
    """
    if not ranked or not types.expected(query.text) or not ranked[0].typed or ranked[0].fit < MUCH:
        return ranked
    least = ranked[0].fit * (WHOLE if ranked[0].fit >= WHOLE else MUCH)
    return [c for c in ranked if c.typed and c.fit >= least]


def known(candidate: Candidate, query: Query) -> bool:
    """Whether a report was out when the question is asked, where the asker says when that is."""
    at = candidate.article.published_at
    return query.now is None or at is None or at <= query.now


def answering(evidence: Evidence) -> Sequence[Candidate]:
    """The candidates that may answer a question for what happened or is so, best first: of the time asked for, not
    overtaken by newer reports, somebody's words where it is asked who said something.
    """
    evidence = replace(evidence, candidates=[c for c in evidence.candidates if known(c, evidence.query)])
    return _whole(_accounts(evidence).ranked, evidence.query)


def _accounts(evidence: Evidence) -> Accounts:
    within = _within(evidence)
    if evidence.query.wants_speaker:
        within = [c for c in within if c.speaker]
    return settle(within, evidence)


def _within(evidence: Evidence) -> Sequence[Candidate]:
    """The candidates of the period asked for, or all where none of those is good enough and others may do."""
    within = [c for c in evidence.candidates if in_period(c, evidence.query)]
    if not evidence.query.strict and likelihood(evidence, within) < ENOUGH:
        return evidence.candidates
    return within


def _news(evidence: Evidence, within: Sequence[Candidate]) -> Quoted:
    """What there was in a time, where nothing else is asked: how the found reports of it begin."""
    leads: dict[str, Candidate] = {}
    for candidate in sorted(within, key=lambda c: c.span.start):
        leads.setdefault(candidate.article.id, candidate)
    best = _distinct(sorted(leads.values(), key=lambda c: -c.score), MOST)
    if not best:
        return Quoted("not_in_archive", (), 0.0, _why(evidence, within))
    return Quoted("answered", tuple(best), 0.5)


def _trimmed(candidate: Candidate, evidence: Evidence) -> Candidate:
    end = trimmed(candidate.text, evidence.query.text, evidence.weights, evidence.terms)
    return replace(candidate, span=Span(candidate.span.start, candidate.span.start + end))


def in_period(candidate: Candidate, query: Query) -> bool:
    """Whether a report belongs to the time the question speaks of: dated then, or shortly after, or telling of it."""
    if query.period is None:
        return True
    first, last = query.period
    article = candidate.article
    day = article.published_day
    if article.event_date and first.isoformat() <= article.event_date <= last.isoformat():
        return True
    if day is not None and first <= day <= last + timedelta(days=rank.REPORTING_LAG_DAYS):
        return True
    # "the 2022 World Cup" is written of in other years, too, and then the year stands in the words; so does the month in
    # "inflation, which fell in August".
    if first.year == last.year and str(first.year) in candidate.text:
        return True
    month = calendar.month_name[first.month]
    of_month = (first.year, first.month) == (last.year, last.month) and (last - first).days >= 27
    named = of_month and bool(regex.search(rf"\b{month}\b(?! \d{{4}})", candidate.text))
    return named and day is not None and timedelta(0) <= day - first <= timedelta(days=300)


def _statements(evidence: Evidence, within: Sequence[Candidate]) -> Quoted:
    """Only words of the people asked for; each of them apart."""
    chosen: list[Candidate] = []
    notes: list[str] = []
    missing = 0
    confidence = 0.0
    # What two people said is kept apart: what only names one of them may be the other's.
    alone = len(evidence.speakers) == 1
    each = MOST_STATEMENTS if alone else 2
    for asked, names in evidence.speakers.items():
        theirs = [c for c in within if c.speaker in names or (alone and is_of(c, asked, names))]
        sure = likelihood(evidence, theirs)
        if not evidence.weights:
            theirs.sort(key=lambda c: c.article.published, reverse=True)
        elif sure >= ENOUGH:
            near = NEARLY * _closeness(theirs[0])
            theirs = [c for c in theirs if c.score >= theirs[0].score - BEHIND and _closeness(c) >= near]
        else:
            theirs = []
        best = _said_on(_distinct(theirs, each), within, each)
        silent = _silence(names, within, evidence)
        if (
            best
            and silent
            and _WHETHER.match(evidence.query.text)
            and _closeness(silent) >= NEARLY * _closeness(best[0])
        ):
            best = [silent, *best][:each]  # "Did she say how much?" is answered by "she would not say how much"
        elif silent and not best:
            best = [silent]
            confidence = max(confidence, 0.5)
            notes.append(f"The archive has no statement by {names[0]} on this; it reports that there was none.")
        elif best:
            confidence = max(confidence, sure)
        if best:
            chosen += _as_said(best)
        else:
            missing += 1
            notes.append(_nothing_by(asked, names, within, evidence.alike.get(asked, ())))
    if not chosen:
        return Quoted("not_in_archive", (), 0.0, tuple(notes))
    return Quoted("partly" if missing else "answered", tuple(chosen), confidence, tuple(notes))


def is_of(candidate: Candidate, asked: str, names: Sequence[str]) -> bool:
    """Whether a sentence may be quoted for what a person said, who is ``asked`` for by one name and has ``names`` in the
    archive: it is in their words, or it names them and is in nobody's. Words in quotation marks are somebody's.
    """
    if candidate.speaker:
        return candidate.speaker in names
    if _QUOTED.search(candidate.text):
        return False
    return any(
        same_person(run, name)
        for run in CAPITALISED.findall(candidate.text)
        for name in names or (asked,)
        if len(name_tokens(run)) > 1 or names
    )


_QUOTED = regex.compile(r"[\"“”„«»]")
_FIRST_PERSON = regex.compile(r"\b(?:I|I['’](?:m|d|ve|ll)|[Ww]e|[Mm]y|[Oo]ur|[Mm]e|[Uu]s)\b")


def _said_on(best: Sequence[Candidate], within: Sequence[Candidate], most: int) -> list[Candidate]:
    """The chosen statements, each followed by the sentence in which the same person's own words go on: a quotation's
    point often stands in its last sentence, which repeats nothing of the question.
    """
    after = {(c.article.id, c.span.start): c for c in within}
    found: list[Candidate] = []
    for c in best:
        following: Candidate | None = c
        while following and following not in found and len(found) < most:
            found.append(following)
            end = following.span.end
            following = next((n for gap in range(3) if (n := after.get((c.article.id, end + gap)))), None)
            if following and (following.speaker != c.speaker or not _FIRST_PERSON.search(following.text)):
                following = None
    return found


_WHO = regex.compile(r"(?i)(?:and |but |so )?(?:who|whose)\b")
_WHETHER = regex.compile(r"(?i)(?:and |but )?(?:did|has|have|does|will)\b")
_SILENT = regex.compile(
    r"(?i)\b(?:declin|refus)(?:ed|es|ing) to (?:comment|say|answer|discuss|speak|be drawn|confirm)|"
    r"\b(?:would|will|could|did) not (?:say|comment|discuss|answer|respond|reply|be drawn|give (?:details|a figure))\b|"
    r"\b(?:has|have|had) not (?:spoken|commented|responded|replied|answered)\b|"
    r"\b(?:made|make|makes|given|gave) no (?:statement|comment)\b|\bcould not be reached\b"
)


def is_silence(text: str) -> bool:
    """Whether a sentence says that somebody would not speak."""
    return bool(_SILENT.search(text))


def _silence(names: Sequence[str], within: Sequence[Candidate], evidence: Evidence) -> Candidate | None:
    """The sentence that says that one of these people would not speak on the topic, None where there is none."""
    before = {(c.article.id, c.span.end): c for c in within}
    tokens = {name_tokens(name)[-1] for name in names if name_tokens(name)}
    told: list[Candidate] = []
    for c in within:
        if not _SILENT.search(c.text) or _closeness(c) < ON_TOPIC:
            continue
        previous = next((p for gap in range(3) if (p := before.get((c.article.id, c.span.start - gap)))), None)
        pronoun = regex.match(r"(?:He|She|It|They)\b", c.text)
        if tokens & set(name_tokens(c.text)) or (pronoun and previous and previous.speaker in names):
            told.append(c)
    return max(told, key=_closeness, default=None)


def _nothing_by(asked: str, names: Sequence[str], within: Sequence[Candidate], alike: Sequence[str]) -> str:
    if not names:
        meant = f" Did you mean {' or '.join(alike)}?" if alike else ""
        return f"The archive quotes nobody named {asked}.{meant}"
    others = [
        c.speaker for c in within if c.speaker and _closeness(c) >= ON_TOPIC and not same_person(c.speaker, names[0])
    ]
    who = f"The archive has no statement by {names[0]} on this"
    return f"{who}; {others[0]} spoke of it." if others else f"{who}."


def _closeness(candidate: Candidate) -> float:
    """How near a sentence is to the topic by its words, its meaning and its passage; 0 to 2.5."""
    return candidate.fit + candidate.cosine + candidate.reach / 2


def _why(evidence: Evidence, within: Sequence[Candidate]) -> tuple[str, ...]:
    if evidence.query.period and evidence.candidates and not within:
        first, last = evidence.query.period
        return (f"Nothing was found from {first} to {last}; the nearest reports are from other days.",)
    return ()


def _distinct(ranked: Sequence[Candidate], most: int) -> list[Candidate]:
    """The first ``most`` candidates that do not repeat one another."""
    kept: list[Candidate] = []
    shapes: list[frozenset[tuple[str, ...]]] = []
    for candidate in ranked:
        shape = shingles(candidate.text)
        if any(same_text(shape, other) for other in shapes):
            continue
        kept.append(candidate)
        shapes.append(shape)
        if len(kept) == most:
            break
    return kept


def _brief(chosen: list[Candidate]) -> list[Candidate]:
    """All of them, or two where they run to more than ``WORDS``."""
    return chosen if sum(len(c.text.split()) for c in chosen) <= WORDS else chosen[:2]


def _adding(ranked: Sequence[Candidate], question: str, most: int) -> list[Candidate]:
    """The best candidate and those that add most to it: their score, less what of their names and numbers was told."""
    left = [c for c in ranked if c.score >= ranked[0].score - BEHIND]
    news = {id(c): novel(question, c.text) for c in left}
    kept: list[Candidate] = []
    told = set[str]()

    def adds(candidate: Candidate) -> float:
        new = news[id(candidate)]
        return candidate.score - REPEATED * (len(new & told) / len(new) if new else 1.0)

    while left and len(kept) < most:
        best = max(left, key=adds) if kept else left[0]
        left.remove(best)
        kept = _distinct([*kept, best], most)
        told |= news[id(best)]
    return kept


def _as_said(chosen: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Statements in the order they stand in their article, the article of the best one first."""
    articles = list(dict.fromkeys(c.article.id for c in chosen))
    return tuple(sorted(chosen, key=lambda c: (articles.index(c.article.id), c.span.start)))

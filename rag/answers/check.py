"""Checking a claim: sentences of the archive that bear it out, sentences that say otherwise, or neither.

A claim is borne out by a sentence that holds its words, names and numbers (``support``). A sentence is against it where it
says the same with another number, the opposite, or another holder of what only one can hold. In all other cases the
archive says neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import regex

from rag.answers import citations, support
from rag.answers.accounts import SAME_NEWS_DAYS
from rag.answers.extractive import in_period
from rag.answers.speakers import claims, is_theirs
from rag.indexing.duplicates import same_text, shingles
from rag.records import Check, Sentence, Span, Verdict
from rag.retrieval.evidence import Candidate, Evidence
from rag.retrieval.periods import periods

# Least share of the claim's words, names and numbers beside the one in question that a contrary sentence holds.
SAME_MATTER = 0.8
# So many words, names and numbers beside it must a claim have, to tell one matter from another.
LEAST = 2
MOST = 3
WHOSE = "It cannot be told whose words the claim reports."


@dataclass(frozen=True, slots=True)
class _Side:
    candidates: tuple[Candidate, ...] = ()
    share: float = 0.0

    @property
    def day(self) -> date:
        return max((c.article.published_day or date.min for c in self.candidates), default=date.min)


def check(evidence: Evidence, today: date) -> Check:
    """The verdict on the claim that ``evidence`` was gathered for; ``today`` is what its "last week" counts from."""
    query = evidence.query
    claim, dated = _undated(query.text, today)
    theirs, notes = _allowed(evidence)
    within = [c for c in theirs if not dated or in_period(c, query)]
    supporting, contrary = _supporting(claim, within), _contrary(claim, within)
    if supporting.candidates and contrary.candidates:
        notes.append("Reports disagree; the verdict follows the newer ones.")
    verdict = _verdict(supporting, contrary)
    if verdict == "not_in_archive":
        if query.period and len(within) < len(theirs) and _supporting(claim, theirs).candidates:
            notes.append(f"Reports of other days say so, none from {query.period[0]} to {query.period[1]}.")
        elif (
            WHOSE not in notes
            and len(theirs) < len(evidence.candidates)
            and _supporting(claim, evidence.candidates).candidates
        ):
            notes.append("Others than the one named are reported to have said so.")
    numbering = citations.Numbering()
    decided = {"supported": supporting, "contrary": contrary}.get(verdict)
    near = max((_share(claim, c) for c in within), default=0.0)
    return Check(
        claim=query.text,
        verdict=verdict,
        supporting=_cited(supporting, numbering),
        contrary=_cited(contrary, numbering),
        citations=numbering.citations,
        nearest=citations.nearest(evidence.hits) if decided is None else (),
        coverage=evidence.coverage,
        confidence=round(decided.share if decided else near, 3),
        notes=(*query.notes, *notes),
    )


def speakers_of(claim: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Those of whom a claim says that they said something: "Lavrov said that …"."""
    found = claims(claim, [Span(0, len(claim))], known)
    return tuple(dict.fromkeys(s for each in found[0] if each.reports for s in each.speakers))


def _undated(claim: str, today: date) -> tuple[str, bool]:
    """The claim without the date phrases that name a year or count from today, and whether it had any: what they demand
    is checked by the reports' dates. Others ("in May") stay, to be found in the sentence or its date.
    """
    dated = [p for p in periods(claim, today) if p.relative or regex.search(r"\d{4}", claim[p.start : p.end])]
    for found in reversed(dated):
        before = regex.sub(r"(?i)\b(?:in|on|during|since|by|until|from|of)?\s*$", "", claim[: found.start])
        claim = before + claim[found.end :]
    opening, _, rest = " ".join(claim.split()).partition(" ")
    if opening.isalpha() and support.numbers(opening):
        opening = opening.lower()  # "Fourteen died": no name
    return f"{opening} {rest}".strip(), bool(dated)


def _allowed(evidence: Evidence) -> tuple[list[Candidate], list[str]]:
    """The sentences that can decide a claim: of one about somebody's words, only that one's words."""
    pool = list(evidence.candidates)
    known = tuple(dict.fromkeys(c.speaker for c in pool if c.speaker))
    claim = evidence.query.text
    said = claims(claim, [Span(0, len(claim))], known)[0]
    if not any(c.reports for c in said):
        return pool, []
    if any(c.unsure for c in said):
        return [], [WHOSE]
    asked = list(dict.fromkeys(s for c in said if c.reports for s in c.speakers))
    if not asked:
        return pool, []
    kept: list[Candidate] = []
    for candidate in pool:
        others = tuple({c.speaker for c in pool if c.article.id == candidate.article.id and c.speaker})
        if candidate.speaker is not None and all(
            is_theirs(s, candidate.speaker, candidate.text, candidate.article, others) for s in asked
        ):
            kept.append(candidate)
    if kept or evidence.query.said_by:  # of others nothing was searched
        return kept, []
    return [], [f"The archive has no words of {' and '.join(asked)} on this."]


def said_of(claim: str, theirs: Sequence[Candidate]) -> tuple[Verdict, tuple[Candidate, ...]]:
    """Whether sentences of one person bear a claim out or say otherwise, and those that do."""
    claim = f"{claim[:1].upper()}{claim[1:]}."
    supporting, contrary = _supporting(claim, theirs), _contrary(claim, theirs)
    verdict = _verdict(supporting, contrary)
    return verdict, {"supported": supporting, "contrary": contrary}.get(verdict, _Side()).candidates


def _verdict(supporting: _Side, contrary: _Side) -> Verdict:
    if not supporting.candidates:
        return "contrary" if contrary.candidates else "not_in_archive"
    newer = contrary.candidates and contrary.day - supporting.day > timedelta(days=SAME_NEWS_DAYS)
    return "contrary" if newer else "supported"


def _cited(side: _Side, numbering: citations.Numbering) -> tuple[Sentence, ...]:
    return tuple(
        Sentence(
            c.text,
            (numbering.cite(c.article, c.passage, c.span, c.speaker or "", c.hit.also_in if c.hit else ()),),
            c.speaker or "",
        )
        for c in side.candidates
    )


# For


def _supporting(claim: str, pool: Sequence[Candidate]) -> _Side:
    """The sentences that bear a claim out, each by itself with its title, its date and the sentence before it."""
    found: list[tuple[float, Candidate]] = []
    for candidate in pool:
        if _share(claim, candidate) < support.OWN:
            continue
        held = support.support(claim, [candidate])
        denied = _negations(claim) > _negations(candidate.text)
        if held.enough and not denied and _counts_alike(claim, candidate):
            found.append((held.share, candidate))
    return _best(found)


def _best(found: list[tuple[float, Candidate]]) -> _Side:
    """The first few by their share, none that repeats another."""
    found.sort(key=lambda each: -each[0])
    chosen: list[Candidate] = []
    shapes: list[frozenset[tuple[str, ...]]] = []
    for _, candidate in found:
        shape = shingles(candidate.text)
        if len(chosen) < MOST and not any(same_text(shape, other) for other in shapes):
            chosen.append(candidate)
            shapes.append(shape)
    return _Side(tuple(chosen), found[0][0] if found else 0.0)


_NEGATION = regex.compile(r"(?i)\b(?:not(?! only\b)|never|no|none|nobody|nothing|neither|nor)\b|n['’]t\b")


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text))


# Against


def _contrary(claim: str, pool: Sequence[Candidate]) -> _Side:
    """The sentences that say otherwise, each by itself."""
    wishes = _wishes(claim)
    found: list[tuple[float, Candidate]] = []
    for candidate in pool:
        share = max(_other_number(claim, wishes, candidate), _denied(claim, wishes, candidate))
        share = max(share, _other_holder(claim, wishes, candidate))
        if share:
            found.append((share, candidate))
    return _best(found)


def _wishes(claim: str) -> frozenset[str]:
    """What a sentence must hold to speak of the claim's matter: roots of words, "name …", "number …"."""
    called = support.names(claim)
    roots = {support.root(n) for n in called}
    return frozenset(
        {t for t in support.terms(claim) if t not in roots and t not in _LIGHT}
        | {f"name {n}" for n in called}
        | {f"number {n}" for n in support.numbers(claim)}
    )


# Verbs that only join a holder to what is held.
_LIGHT = frozenset(
    map(
        support.root,
        ["hold", "holds", "held", "hold", "take", "takes", "took", "taken", "serve", "serves", "served", "act", "acts"],
    )
)


def _held(wishes: frozenset[str], candidate: Candidate) -> set[str]:
    text = candidate.text
    title = candidate.article.title
    roots = set(support.terms(text))
    called = [*support.names(text), *support.names(candidate.speaker or ""), *support.names(title)]
    figures = support.numbers(text)
    found: set[str] = set()
    for wish in wishes:
        kind, _, what = wish.rpartition(" ")
        if kind == "name":
            held = any(support.same_name(what, n) for n in called) or support.root(what) in roots
        else:
            held = what in (figures if kind == "number" else roots)
        if held:
            found.add(wish)
    return found


def _share(claim: str, candidate: Candidate) -> float:
    wishes = _wishes(claim)
    return len(_held(wishes, candidate)) / len(wishes) if wishes else 0.0


def _same_matter(wishes: frozenset[str], candidate: Candidate) -> float:
    """The share of ``wishes`` that a sentence holds, 0 where that is too little, or a name is missing."""
    if len(wishes) < LEAST:
        return 0.0
    held = _held(wishes, candidate)
    if any(w.startswith("name ") for w in wishes - held):
        return 0.0
    share = len(held) / len(wishes)
    return share if share >= SAME_MATTER else 0.0


_TOKEN = regex.compile(r"\d[\d.,]*\d|\d|\p{L}[\p{L}\p{M}'’-]*|%")


_SCALES = frozenset(["the", "and", "per", "cent", "percent", "hundred", "thousand", "million", "billion", "trillion"])


def _counted(text: str) -> dict[str, set[str]]:
    """The numbers of a text and the roots of what each of them counts: the next three words."""
    found: dict[str, set[str]] = {}
    words = [m.group() for m in _TOKEN.finditer(text)]
    for n, word in enumerate(words):
        figures = support.numbers(" ".join(words[n : n + 2])) & support.numbers(text)
        own = support.numbers(word) | {f for f in figures if f.startswith(tuple(support.numbers(word)) or ("\0",))}
        for figure in own & support.numbers(text):
            found.setdefault(figure, set()).update(
                support.root(w)
                for w in words[n + 1 : n + 4]
                if w[0].isalpha() and len(w) > 2 and w.casefold() not in _SCALES
            )
    return found


def _counts_alike(claim: str, candidate: Candidate) -> bool:
    """Whether the numbers of a claim count what they count in its supporting sentence: "14 died", not "14 sheep died"
    for "14 passengers died".
    """
    theirs = _counted(candidate.text)
    for figure, things in _counted(claim).items():
        there = theirs.get(figure, set())
        if things and there and not things & there:
            return False
    return True


def _other_number(claim: str, wishes: frozenset[str], candidate: Candidate) -> float:
    """The share where a sentence gives another number of the same things: "12 died" to "14 died"."""
    mine, theirs = _counted(claim), _counted(candidate.text)
    for figure, things in mine.items():
        if figure in theirs:
            continue
        scale = regex.sub(r"^[\d.,]+", "", figure)
        rest = frozenset(w for w in wishes if w != f"number {figure}")
        others = [f for f in theirs if regex.sub(r"^[\d.,]+", "", f) == scale and f not in mine]
        if any(things & theirs[f] or (scale == "%" and not things) for f in others) and not support.contradicts(
            claim, [candidate.text]
        ):
            return _same_matter(rest, candidate)
    return 0.0


def _denied(claim: str, wishes: frozenset[str], candidate: Candidate) -> float:
    """The share where a sentence says the opposite, and all numbers and names are the same."""
    share = _same_matter(wishes, candidate)
    if not share or any(w.startswith("number ") for w in wishes - _held(wishes, candidate)):
        return 0.0
    return share if support.contradicts(claim, [candidate.text]) else 0.0


# What one holds, nobody else holds at the same time.
_SOLE = (
    r"chair(?:man|woman|person|manship)?|president(?! of the (?:board|club))|presidency|prime minister|premier|chancellor|king|queen|pope|"
    r"mayor|governor|capital|winner|champion|leader|speaker|head|chief executive|ceo|owner|author|host|"
    r"(?:foreign|finance|interior|defen[cs]e|health|justice|energy|trade|labou?r|education) minister"
)
_NAME = r"(?P<holder>\p{Lu}[\p{L}\p{M}’'-]*?(?: \p{Lu}[\p{L}\p{M}’'-]*?){0,3})"
_OF = r"(?:(?!(?:and|or|but|with|former|then|deputy|vice)\b)[\p{L}\p{M}’'-]+ ){0,4}"


def _holders(text: str) -> list[tuple[str, str]]:
    """Who holds what only one can, as a text says it: pairs of the holder and the root of what is held."""
    found: list[tuple[str, str]] = []
    for pattern in _HOLDINGS:
        for match in pattern.finditer(text):
            if not regex.search(r"(?i)\b(?:former|deputy|vice|acting|not|never|ex)\b|n['’]t\b", match.group()):
                found.append((match["holder"], support.root(match["what"])))
    return found


_HOLDINGS = tuple(
    regex.compile(pattern)
    for pattern in (
        rf"\b{_NAME}(?:'s|’s) (?:work|role|term|turn|year|time|tenure) as {_OF}(?i:(?P<what>{_SOLE}))\b",
        rf"\b{_NAME}(?:,| has| had)? (?:\w+ly )?(?:holds?|held|took over|takes over|assumed|assumes|is|was|became|becomes|as) "
        rf"(?:the |this year['’]s )?{_OF}(?i:(?P<what>{_SOLE}))\b",
        rf"\b{_NAME}, (?:the |this year['’]s |current ){_OF}(?i:(?P<what>{_SOLE}))\b",
        rf"\b(?P<what>(?i:{_SOLE}))(?: is| was|,)? {_NAME}(?=\b(?!['’]s)[^\p{{L}}]|$)",
    )
)


def _other_holder(claim: str, wishes: frozenset[str], candidate: Candidate) -> float:
    """The share where a sentence names another holder of what only one can hold."""
    text = candidate.text
    for holder, what in _holders(claim):
        rest = frozenset(w for w in wishes if w not in {f"name {n}" for n in support.names(holder)})
        for other, same in _holders(text):
            if same != what or set(support.names(other)) & set(support.names(claim)):
                continue
            if any(support.same_name(a, b) for a in support.names(holder) for b in support.names(text)):
                continue  # both are named there: who holds it is not for counting words to tell
            return _same_matter(rest, candidate)
    return 0.0

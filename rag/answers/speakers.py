"""Whose words a model's sentence claims to report, in the archive's names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from rag.indexing.attribution import Attribution
from rag.indexing.names import name_tokens, same_person
from rag.indexing.speakers import manner_of, statements
from rag.records import Article, Span, Statement


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Words with which a text reports speech or a position. Which of them was used is not compared: "noted" for "said" is
# no error. Those that deny are no part of it (see support.py).
REPORTING = frozenset(words(
    "say says said saying tell tells told telling note notes noted noting state states stated stating statement statements "
    "add adds added adding stress stresses stressed stressing emphasize emphasizes emphasized emphasizing emphasise "
    "emphasises emphasised emphasising highlight highlights highlighted highlighting underline underlined underscore "
    "underscored argue argues argued arguing claim claims claimed claiming explain explains explained explaining announce "
    "announces announced announcing declare declares declared declaring remark remarks remarked observe observed mention "
    "mentions mentioned mentioning point points pointed pointing report reports reported reporting reportedly believe "
    "believes believed think thinks thought expect expects expected expecting hope hopes hoped view views viewed express "
    "expresses expressed expressing describe describes described describing call calls called calling comment comments "
    "commented insist insists insisted reiterate reiterates reiterated affirm affirms affirmed confirm confirmed confirms "
    "suggest suggests suggested according accordance position stance opinion words put wrote write writes speak speaks spoke "
    "speaking talk talks talked discuss discussed discusses agree agrees agreed acknowledge acknowledged admit admitted "
    "warn warns warned warning urge urged welcome welcomed welcomes conclude concluded predict predicted predicts"
))  # fmt: skip
_CUE = regex.compile(
    rf"(?i)\b(?:{'|'.join(sorted(REPORTING - {'talks', 'points', 'point', 'put', 'words', 'call', 'report'}))})\b"
)
_GROUP = regex.compile(r"(?i)^(?:(?:both|all|two|of|them) ?)*(?:they|we|us|them|both|others?|some|many)?$")
_PRONOUN = regex.compile(r"(?i)^(?:that |which )?(?:he|she|it|who|the (?:latter|former))$")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a sentence of a model says somebody said: ``span`` of the model's text, and all whose words it may be.

    ``speakers`` are names (or offices) as the model gives them, every one of whom must have said it; () when nobody
    is named. ``reports`` is False where it only may be somebody's words; ``unsure`` where it reports speech and it
    cannot be told whose. ``heard`` tells that only the attribution head found it: the words that report may then be a
    part of what is claimed ("is ready to support").
    """

    span: Span
    speakers: tuple[str, ...]
    reports: bool
    unsure: bool = False
    heard: bool = False


def claims(
    text: str,
    sentences: Sequence[Span],
    known: Sequence[str],
    asked: Sequence[str] = (),
    heard: Sequence[Attribution] = (),
) -> list[list[Claim]]:
    """For each sentence of a model's text, its claims; at least one each. ``known`` are the archive's speakers.

    A sentence that only names one of them counts as that person's position, whatever its verb. ``asked`` are those of
    whom the question speaks: a text that begins with "She said" speaks of the only one. ``heard`` is what the
    attribution head finds in the text; it is asked where the rules find no speech in a sentence.
    """
    article = Article(id="", title="", text=text)
    found = statements(article, list(sentences))
    more = _unnoticed(text, sentences, found, heard, known)
    out: list[list[Claim]] = []
    before = tuple(asked) if len(asked) == 1 else ()  # the speakers of the sentence before, for "He added …"
    for span in sentences:
        here = [s for s in (*found, *more) if _stands_in(s, span)]
        named = mentioned(span.of(text), known)
        made: list[Claim] = []
        for statement in here:
            source = statement.source.of(text).strip() if statement.source else ""
            speakers, unsure = _whose(statement.speaker, source, named, known, before)
            made.append(Claim(statement.content, speakers, True, unsure, statement in more))
        everyone = {c.speakers for c in made}
        if len(everyone) <= 1 or any(c.unsure for c in made):
            # One voice: the whole sentence is checked, what stands around the content as well.
            reports = bool(made) or bool(_CUE.search(text, span.start, span.end))
            speakers = next(iter(everyone)) if len(everyone) == 1 else ()
            if not speakers and not any(c.unsure for c in made) and named:
                speakers = tuple(named[:1])
            unsure = any(c.unsure for c in made)
            if not speakers and not unsure and regex.match(r"(?i)(?:he|she)\b", span.of(text)):
                speakers, unsure = before, not before
            made = [Claim(span, speakers, reports, unsure, any(c.heard for c in made))]
        voices = {s for c in made for s in c.speakers}
        before = tuple(voices) if len(voices) == 1 else ()
        out.append(made)
    return out


def _stands_in(statement: Statement, span: Span) -> bool:
    return span.overlaps(statement.content) or (statement.cue is not None and span.overlaps(statement.cue))


def _unnoticed(
    text: str,
    sentences: Sequence[Span],
    found: Sequence[Statement],
    heard: Sequence[Attribution],
    known: Sequence[str],
) -> list[Statement]:
    """What the head hears in sentences in which the rules found nobody speak, in reading order."""
    silent = [span for span in sentences if not any(_stands_in(s, span) for s in found)]
    more: list[Statement] = []
    for one in heard:
        if not one.source or not any(span.overlaps(one.cue[0]) for span in silent):
            continue
        if manner_of(text, one.cue[0]) == "refused":
            continue  # "would not say whether": nobody's words
        source = one.source[0].of(text)
        # Somebody whom the archive does not know is named as the model does; the others are looked up by their source.
        named = regex.search(r"\p{Lu}\S*$", source) and not mentioned(source, known) and not _PRONOUN.match(source)
        more += [Statement("", source if named else "", content, one.cue[0], one.source[0]) for content in one.content]
    return more


def _whose(
    speaker: str, source: str, named: Sequence[str], known: Sequence[str], before: tuple[str, ...]
) -> tuple[tuple[str, ...], bool]:
    """The speakers of a statement in a model's text, and whether they are unsure."""
    if speaker:
        return (speaker,), False
    if source and _PRONOUN.match(source):
        return before, not before
    if source and _GROUP.match(source):
        return (), True
    several = mentioned(source, known)
    if several:
        return several, False
    if len(named) == 1 and regex.search(r"\p{Lu}", source[1:]):
        return tuple(named), False
    if regex.search(r"(?:^|\s)\p{Ll}+$", source) and len(source) < 60:
        return (source,), False  # an office or a body: "the Russian foreign minister", "officials"
    return (tuple(named[:1]), False) if named else ((), True)


def mentioned(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Those of ``known`` whom ``text`` names, in its order; a person under several names once, the fullest."""
    spelled = [(t, m.start()) for m in regex.finditer(r"\p{Lu}[\p{L}\p{M}'’-]*", text) for t in name_tokens(m.group())]
    places: dict[str, int] = {}
    for name in sorted(known, key=len, reverse=True):
        tokens = name_tokens(name)
        if not tokens or any(same_person(name, other) for other in places):
            continue
        first, *_, last = (*tokens, *tokens)
        # A Chinese or Hungarian family name stands first; of a longer name only the last word names its bearer.
        at = [n for word, n in spelled if word == last] or [
            n for word, n in spelled if word == first and len(tokens) < 3
        ]
        if at:
            places[name] = at[0]
    return tuple(sorted(places, key=lambda name: places[name]))


def is_theirs(claimed: str, speaker: str, text: str, article: Article, others: Sequence[str]) -> bool:
    """Whether a sentence ``text`` of the archive by ``speaker`` is by the one that a model named: by name or by office.

    An office counts only where none of ``others`` is introduced with it too. Where the archive can name no speaker,
    a body ("the council", "officials") is the same when the sentence calls it so.
    """
    if not speaker:
        head = claimed.split()[-1]
        return head[0].islower() and bool(regex.search(rf"\b{regex.escape(head)}\b", text))
    if same_person(claimed, speaker):
        return True
    office = _office(claimed)
    if not office or not office <= _titles(speaker, article.text):
        return False
    return not any(
        office <= _titles(other, article.text) for other in others if other and not same_person(other, speaker)
    )


def _office(phrase: str) -> frozenset[str]:
    """The words of "the Russian foreign minister", nations shortened so that "Russia's" is the same."""
    spelled = regex.findall(r"[\p{L}'’-]+", phrase)
    if not any(w.casefold() in _OFFICES for w in spelled):
        return frozenset()
    return frozenset(_root(w) for w in spelled if w.casefold() not in ("the", "a", "an", "of", "for", "his", "her"))


def _root(word: str) -> str:
    low = word.casefold().removesuffix("'s").removesuffix("’s")
    return low[:4] if word[:1].isupper() and low not in _OFFICES else low


def _titles(name: str, text: str) -> frozenset[str]:
    """The roots of the words that introduce a person: "Russian Foreign Minister Sergei Lavrov", "Lavrov, the …,"."""
    last = regex.escape(name.split()[-1])
    found: set[str] = set()
    for match in regex.finditer(
        rf"((?:\p{{Lu}}[\p{{L}}\p{{M}}'’-]*[ ]){{1,6}}){last}\b|\b{last}, (?:the |also )?([^,.;]{{3,80}}),", text
    ):
        found |= {_root(w) for w in regex.findall(r"[\p{L}'’-]+", match[1] or match[2] or "")}
    return frozenset(found)


_OFFICES = frozenset(words(
    "minister president premier chancellor secretary senator governor mayor spokesman spokeswoman spokesperson leader chief "
    "director chairman chairwoman chair ambassador envoy general judge king queen prince princess pope foreign prime deputy "
    "defence defense finance interior executive officer head coach professor analyst economist lawyer prosecutor commissioner "
    "commander representative"
))  # fmt: skip

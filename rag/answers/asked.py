"""What a question asks for, as far as its words tell: the class of the answer, the noun that names it, where it is asked.

Only the asking part is read: what a question tells first ("Mo Farah came here when he was nine.") asks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import regex

from rag.indexing.speech_words import OCCUPATIONS, PREPOSITIONS, PRONOUNS, ROLES
from rag.retrieval.question import asking_part

Class = Literal[
    "person", "land", "place", "body", "work", "thing", "open", "number", "percent", "money", "duration", "date", "year"
]


@dataclass(frozen=True, slots=True)
class Asked:
    """``head`` is the noun that names what is asked for ("virus", "" in "who") and ``noun`` all words that do ("tennis
    star"), both in lower case; ``before`` and ``after`` are the words around the asking ones, in order; ``several``
    tells whether more than one is asked for.
    """

    kind: Class
    head: str = ""
    noun: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    several: bool = False


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PEOPLE = (
    ROLES
    | OCCUPATIONS
    | _set(
        "person man woman player star celebrity singer politician golfer musician artist author member icon"
        " frontbencher mp lawmaker congressman congresswoman popstar legend model guest actor actress comedian athlete"
        " celeb billionaire critic killer teenager boy girl quarterback pitcher candidate racer swimmer skater runner"
        " champion individual philanthropist official megastar rapper superstar bachelor heavyweight pm"
        " director filmmaker contestant winner author host royal personality tsar character protagonist role sibling"
        " republican democrat investor people"
    )
) - _set(
    "major general chief vice prime foreign defense defence finance interior press minority majority whip deputy head"
    " figure dr. mr. mr mrs. mrs ms. ms miss sir lord lady dame"
)
_LANDS = _set("country nation state continent")
_PLACES = _set(
    "city town place village hamlet island county region port river sea street airport stadium venue area destination"
    " borough capital location ocean planet landmark attraction park district neighbourhood neighborhood province lake"
    " mountain desert"
)
_BODIES = _set(
    "company team club party newspaper bank organisation organization agency union airline brand school university firm"
    " platform retailer network store chain restaurant museum supermarket automaker carmaker maker charity service group"
    " band college league carrier broadcaster gallery giant manufacturer label act app website publisher outlet conglomerate"
    " studio regulator operator council department ministry court church"
)
_WORKS = _set(
    "film movie song album book show series sitcom drama painting novel play game musical opera single podcast poem"
    " documentary magazine franchise spin-off artwork track soap"
)
_QUANTITIES = _set("number total toll score count turnout population magnitude temperature age speed record rate")
_SUMS = _set("price salary sum fee wage pay fine amount cost value")
_NO_SPAN = regex.compile(
    r"(?i)^(?:true or false|why\b)|\bwhy (?:did|do|does|is|are|was|were|has|have)\b|"
    r"\bwhat (?:did|does|do|has|have|was|were|is) [^?]{1,80}? (?:say|said|saying|do|done|doing|happen\w*)\b[^?]{0,40}\?|"
    r"\bwhat (?:happened|happens|is happening)\b|\bto do what\b|^how (?:did|do|does|is|are|was|were|has|have|can|will)\b"
)
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}£$€%]+(?:[’'.,&-][\p{L}\p{M}\p{N}]+)*")
_ASKING = regex.compile(
    r"(?i)\b(?:(?P<percent>(?:what|which) (?:percentage|share|proportion|per ?cent)|how (?:many|much) per ?cent)"
    r"|(?P<many>how (?:many|few|old|tall|high|big|large|often|fast|deep|wide|heavy|hot|cold|strong|far))|(?P<long>how (?:long|soon))"
    r"|(?P<much>how much)|(?P<when>when|since when)|(?P<where>where)|(?P<who>who|whom|whose)\b|(?P<which>which|what(?:'s|’s)?))\b"
)
_VERBS = _set(
    "is are was were be been did does do has have had will would can could should may might must isn't aren't wasn't"
    " weren't didn't doesn't hasn't haven't won't"
)
_STOPS = PREPOSITIONS | PRONOUNS | _VERBS | _set("the a an his her its their this that these those and or")
_DATES = _set("date day month time week weekday")


def asked(question: str) -> Asked | None:
    """What the question asks for; None where no few words can answer it ("why", "what happened", "what did X say")."""
    part = asking_part(question)
    if not _ASKING.search(part):
        part = question  # what ends in "Roe v. Wade?" was cut there
    if _NO_SPAN.search(part):
        return None
    found = list(_ASKING.finditer(part))
    match = next((m for m in found if m.group().casefold().startswith("how")), None)
    match = match or next((m for m in found if not _joins(m, part)), None)
    if match is None:
        return Asked("open", before=_words(part)) if part.rstrip().endswith((":", "…")) else None
    before, after = _words(part[: match.start()]), _words(part[match.end() :])
    group = match.lastgroup
    if group == "percent":
        return Asked("percent", before=before, after=after)
    if group == "long":
        return Asked("duration", before=before, after=after)
    if group == "much":
        return Asked("money", before=before, after=after)
    if group == "when":
        return Asked("date", before=before, after=after)
    if group == "where":
        return Asked("place", before=before, after=after)
    if group == "who":
        return Asked("person", before=before, after=after)
    if group == "many":
        counted = match.group().split()[-1].casefold() == "many"
        noun = _noun(part[match.end() :]) if counted else ()
        head = noun[-1] if noun else "old" if match.group().casefold() == "how old" else ""
        return Asked("number", head, noun, before, after[len(noun) :])
    return _which(part, match, before, after)


def _which(part: str, match: regex.Match[str], before: tuple[str, ...], after: tuple[str, ...]) -> Asked:
    rest = part[match.end() :]
    named = regex.match(
        r"(?i) (?:is|was|are|were) (?:the |its |his |her |their |it |this |that )?(?:new )?(?:[\w-]+ ){0,3}?(?P<how>called|named|titled|known as|name|title|nickname)\b",
        rest,
    )
    if named or regex.match(r"(?i) (?:is|was) (?:\p{L}+(?:'s|’s) )(?:name|title)", rest):
        kind = (
            "person"
            if regex.search(
                r"(?i)\b(?:his|her) name\b|\bname of the (?:\w+ ){0,3}(?:man|woman|person|boy|girl)\b", rest
            )
            else "thing"
        )
        return Asked(kind, "", (), before, after)
    of = regex.match(
        r"(?i) (?:(?:kind|type|sort|breed|form|brand|genre|species|style|piece)s? of|of (?:the |these |those |his |her |its )(?:following )?)",
        rest,
    )
    if of and not of.group().strip().casefold().startswith("of"):
        noun = _noun(rest[of.end() :])
        words = _words(rest[of.end() :])
        return Asked("thing", noun[-1] if noun else "", noun, before, words[len(noun) :])
    if of:
        rest, after = rest[of.end() :], _words(rest[of.end() :])
    copula = regex.match(r"(?i) (?:is|was|are|were|will be|did|does|do|has|have)\b", rest)
    if copula:
        # "What is the estimated cost", "Which is the best airline": the noun stands behind the verb.
        noun = _noun(regex.sub(r"(?i)^ \w+(?: be)? (?:the |a |an |its |his |her |their )?(?:\w+(?:'s|’s) )?", "", rest))
        head = noun[-1] if noun else ""
        kind = _class(head, noun)
        return Asked(
            kind if kind in ("number", "money", "percent") or "which" in match.group().casefold() else "thing",
            head,
            noun,
            before,
            after,
        )
    noun = _noun(rest)
    head = noun[-1] if noun else ""
    several = bool(noun and noun[0] in ("two", "three", "four", "five"))
    kind = _class(head, noun)
    if regex.match(r"(?i) (?:\S+ ){0,3}(?:member|head|leader|representative)s? of\b", rest):
        kind = "person"
    elif regex.match(r"(?i) (?:\S+ ){0,2}(?:part|region|corner) of\b", rest):
        kind = "place"
    if head == "year":
        kind = "year"
    return Asked(kind, head, noun, before, after[len(noun) :], several)


def _joins(match: regex.Match[str], part: str) -> bool:
    """Whether the word joins a clause and asks nothing: "a man who …", "…, which fell", "when he was nine"."""
    word = match.group().casefold()
    before = part[: match.start()].rstrip()
    if not before or before[-1] in ".!?:;" or not part[match.end() :].strip(" ?:."):
        return False  # it begins or ends a sentence
    previous = before.rsplit(" ", 1)[-1].casefold()
    asks_on = bool(_ASKING.search(part, match.end()))
    if word.startswith(("which", "what")):
        return asks_on and before.endswith(",")
    if previous in PREPOSITIONS or previous in ("and", "but", "so"):
        return asks_on
    return asks_on or not regex.search(r"[,;:] (?:[\p{L}’'-]+ ){0,2}$", part[: match.start()])


def _noun(text: str) -> tuple[str, ...]:
    """The words of the noun phrase a text begins with, as far as closed-class words and verbs' endings show its end."""
    found: list[str] = []
    for match in regex.finditer(r"[^\s?!.,;:–—]+(?:[.,][^\s?!,;:–—]+)*|[?!,;:–—.]", text):
        word = match.group().strip("“”\"'‘’()")
        low = word.casefold().replace("’", "'")
        if low in _VERBS and found:
            return tuple(found)  # "which court ruling did …"
        if not regex.search(r"[\p{L}\p{N}]", word) or low in _STOPS or len(found) == 6:
            break
        bare = low.removesuffix("'s").removesuffix("'")
        found.append(bare)
        if bare != low and _known(bare):
            break  # "which team's owner", but "which children's book"
    # What follows a known noun is the verb: "tennis star | pulled out".
    for i in range(len(found) - 1, -1, -1):
        if _known(found[i]):
            return tuple(found[: i + 1])
    for i, word in enumerate(found[1:], 1):
        if regex.fullmatch(r"\p{L}{3,}(?:ed|ing)", word) and i + 1 >= len(found) - 1:
            return tuple(found[:i])
    return tuple(found)


def _known(word: str) -> bool:
    return _class(word, (word,)) not in ("thing", "open")


def _class(head: str, noun: tuple[str, ...]) -> Class:
    tables: tuple[tuple[Class, frozenset[str]], ...] = (
        ("person", _PEOPLE), ("land", _LANDS), ("place", _PLACES), ("body", _BODIES), ("work", _WORKS),
        ("number", _QUANTITIES), ("money", _SUMS), ("date", _DATES),
    )  # fmt: skip
    for form in (
        head,
        head.removesuffix("s"),
        head.removesuffix("es"),
        regex.sub(r"ies$", "y", head),
        regex.sub(r"men$", "man", head),
    ):
        if form == "year":
            return "year"
        if form in ("percentage", "percent", "share", "proportion"):
            return "percent"
        for kind, words in tables:
            if form in words and len(form) > 1:
                return kind
    return "thing" if head else "open"


def _words(text: str) -> tuple[str, ...]:
    return tuple(m.group() for m in _WORD.finditer(text))

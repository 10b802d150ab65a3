"""A question, understood: made standalone, its dates and outlets found, and whose words it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

import regex

from rag.indexing.names import name_tokens
from rag.records import Query, Turn
from rag.retrieval.periods import period, periods


class Known(Protocol):
    """What the archive knows of names; the ledger does."""

    def speakers(self, token: str) -> list[str]: ...
    def outlets(self) -> dict[str, int]: ...


_SPEECH = (
    r"say|said|says|saying|think|thinks|thought|believe|believes|believed|claim|claims|claimed|tell|tells|told|"
    r"announce|announced|promise|promises|promised|deny|denies|denied|argue|argues|argued|warn|warns|warned|"
    r"state|stated|stress|stressed|note|noted|add|added|call|called|describe|described|comment|commented|"
    r"respond|responded|react|reacted|reply|replied|explain|explained|suggest|suggested|insist|insisted|"
    r"criticise|criticised|criticize|criticized|praise|praised|accuse|accused|admit|admitted|acknowledge|acknowledged|"
    r"expect|expects|expected|predict|predicted|want|propose|proposed|demand|demanded|urge|urged|write|wrote|"
    r"vow|vowed|pledge|pledged|confirm|confirmed|mention|mentioned|respond|express|expressed|mean|justify|justified|"
    r"defend|defended|dismiss|dismissed|reject|rejected|support|oppose|plan|hope|fear|recommend|recommended"
)
_STANCE = (
    r"position|view|views|stance|opinion|comment|comments|reaction|response|statement|statements|remarks|words|"
    r"take|answer|message|explanation|argument|assessment|criticism|warning|promise|claim|prediction|forecast"
)
_WHO = r"(?P<who>[^?,;:]{2,80}?)"
_DID = r"(?:did|does|do|has|have|had|will|would|might|could|didn't|doesn't|hasn't)"
# What somebody else than the asker does with words, as a noun: "Tam Kinnear's criticism of …".
_ACCOUNT = (
    _STANCE
    + r"|account|retort|plea|complaint|verdict|reply|reading|case|objection|praise|denial|apology|line|advice|demand|"
    r"proposal|promise|pledge|version|reason|reasons|thoughts|feelings|regret|defence|defense|rationale|reasoning|excuse"
)
_ASKS = tuple(
    regex.compile(rf"(?i){pattern}")
    for pattern in (
        rf"\b(?:what|how|why|when|where|whom?|which(?: \w+)?|whose(?: \w+)?)\b[^?]*?\b{_DID} {_WHO} "
        rf"(?:\w+ly |ever |also |have |to |been |publicly |first |once )*(?:{_SPEECH})\b",
        rf"^(?:and |but |so )?{_DID} {_WHO} (?:\w+ly |ever |also |really )*(?:{_SPEECH})\b",
        rf"\baccording to {_WHO}(?:[,?]|$| what | how | why | when | where | who | which | is | are | was | were | did | does "
        rf"| will | has | have )",
        rf"\b{_WHO}(?:'s|’s|s'|s’) (?:own |\w+ )?(?:{_ACCOUNT})\b(?! (?:hall|house))",
        rf"\b(?:{_ACCOUNT}) (?:of|by|from) {_WHO}(?: on | about | to | regarding | over | towards? | for |\?|$)",
        rf"\bwhat (?:\w+ ){{0,3}}(?:has|have|had|did|does) {_WHO} (?:give|gave|given|make|made|offer|offered|put|use|used) (?:for|to|about|of|on|the)\b",
        rf"\b(?:quotes?|words|statements?|remarks) (?:from|by|of) {_WHO}(?: on | about |\?|$)",
        rf"\bin {_WHO}(?:'s|’s) (?:words|view|opinion|telling)\b",
        rf"\bwhat {_WHO} (?:said|says|thinks|told|announced|promised|claimed|wrote)\b",
        r"^(?P<who>\p{Lu}[\p{L}’'-]+(?: \p{Lu}[\p{L}’'-]+){0,2}) (?:on|about) ",
    )
)
_WHO_SAID = regex.compile(
    rf"(?i)^(?:and |but )?(?:who|which (?:\w+ )?(?:official|minister|politician|person|leader|expert|spokesperson|mayor|body|group|"
    rf"union|company|agency|analyst|scientist)|whose words)\b(?: \w+)?(?: \w+)? (?:{_SPEECH})\b"
)
# Words that ask, and carry nothing of what is asked about.
ASKING = frozenset(
    [
        "what",
        "who",
        "whom",
        "whose",
        "which",
        "when",
        "where",
        "why",
        "how",
        "did",
        "does",
        "do",
        "done",
        "has",
        "have",
        "had",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "might",
        "must",
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "about",
        "regarding",
        "concerning",
        "and",
        "or",
        "but",
        "if",
        "that",
        "this",
        "these",
        "those",
        "it",
        "its",
        "he",
        "him",
        "his",
        "she",
        "her",
        "they",
        "them",
        "their",
        "there",
        "then",
        "than",
        "as",
        "so",
        "any",
        "anything",
        "something",
        "everything",
        "else",
        "more",
        "say",
        "said",
        "says",
        "saying",
        "tell",
        "told",
        "tells",
        "think",
        "thinks",
        "thought",
        "according",
        "know",
        "give",
        "list",
        "show",
        "find",
        "name",
        "me",
        "us",
        "you",
        "your",
        "we",
        "our",
        "i",
        "please",
        "exactly",
        "also",
        "ever",
        "just",
        "really",
        "still",
        "not",
        "no",
        "n't",
        "s",
        "t",
        "much",
        "many",
        "position",
        "view",
        "views",
        "stance",
        "opinion",
        "comment",
        "comments",
        "statement",
        "statements",
        "remarks",
        "archive",
        "article",
        "articles",
        "news",
        "report",
        "reports",
        "reported",
        "week",
        "month",
        "year",
        "today",
        "yesterday",
        "last",
        "next",
        "ago",
        "now",
        "currently",
        "latest",
        "recently",
        "recent",
        "newest",
    ]
)
_PRONOUN = regex.compile(r"(?i)\b(?:he|she|they|him|her|them|his|hers|their|theirs)\b")
_THAT = regex.compile(r"(?i)\b(?:it|that|this|there|those|these|its)\b")
_LEAD = regex.compile(r"(?i)^(?:and|but|so|ok|okay|also|then|well)\b[ ,]*")
_ABOUT = regex.compile(r"(?i)^(?:and |but |so )?(?:what|how) about (?P<what>[^?]+)\??$")
_BARE = regex.compile(
    r"(?i)^(?:and|but|also) (?P<what>(?:(?!\b(?:what|who|when|where|why|how|did|does|is|was)\b)[^?])+)\??$"
)
_PLACE = regex.compile(r"\b(?P<in>in|at|for|from|on|of) (?P<where>(?:the )?\p{Lu}[\p{L}.'’-]*(?: \p{Lu}[\p{L}.'’-]*)*)")
_PLACED = regex.compile(r"(?i)^(?P<in>in|at|for|from|on|of) (?P<where>.+)$")
_NAME = regex.compile(
    r"\b\p{Lu}[\p{L}\p{M}'’.-]*(?:[ ](?:(?:of|de|da|del|van|von|bin|al|the) )?\p{Lu}[\p{L}\p{M}'’.-]*)*"
)


def understand(asked: str, history: Sequence[Turn], *, now: datetime | None, today: date, ledger: Known) -> Query:
    """``asked`` with white space folded. Relative dates count from ``now``, else from ``today``."""
    text, notes = standalone(asked, history, ledger)
    speakers = asked_speakers(text, ledger)
    wants_speaker = bool(_WHO_SAID.search(text))
    base = now.date() if now else today
    spoken_of = period(text, base)
    outlets = named_outlets(text, ledger)
    if outlets:
        speakers = tuple(
            s for s in speakers if s.casefold().removeprefix("the ") not in {o.casefold() for o in outlets}
        )
    topic = text
    for found in reversed(periods(text, base)):
        topic = topic[: found.start] + topic[found.end :]
    for speaker in speakers:
        topic = topic.replace(speaker, " ")
    for outlet in outlets:
        topic = regex.sub(rf"(?i)\b{regex.escape(outlet)}\b", " ", topic)
    return Query(
        text=text,
        topic=" ".join(topic.split()),
        outlets=outlets,
        now=now,
        period=spoken_of,
        speakers=speakers,
        wants_speaker=wants_speaker,
        notes=notes,
    )


def asked_speakers(question: str, ledger: Known) -> tuple[str, ...]:
    """The people or bodies whose words the question asks for, as it names them; () when it asks for nobody's."""
    if _WHO_SAID.search(question):
        return ()
    for pattern in _ASKS:
        for match in pattern.finditer(question):
            people = [p for part in _people(match["who"]) if (p := _speaker(part, ledger))]
            if people:
                return tuple(dict.fromkeys(people))
    return ()


def _people(phrase: str) -> list[str]:
    return [part for part in regex.split(r"(?i),|\band\b|\bor\b|&|\bboth\b|\beach of\b", phrase) if part.strip()]


def _speaker(phrase: str, ledger: Known) -> str:
    """The name within a phrase of a question, or its role; "" when it is neither ("we", "the price of oil")."""
    names = [m.group() for m in _NAME.finditer(phrase)]
    known = [
        w
        for w in phrase.split()
        if any(ledger.speakers(t) for t in name_tokens(w.removesuffix("'s").removesuffix("’s")))
    ]
    if names:
        return max(names, key=lambda n: (any(ledger.speakers(t) for t in name_tokens(n)), len(n)))
    if known and not {w.casefold() for w in known} <= ASKING:
        return " ".join(w for w in known if w.casefold() not in ASKING)
    role = regex.search(rf"(?i)\b(?:the|his|her|its) (?:\w+ ){{0,4}}(?:{_ROLES})\b", phrase)
    return role.group() if role else ""


_ROLES = (
    r"minister|president|spokes(?:man|woman|person)|mayor|governor|secretary|chief|director|head|leader|chair(?:man|woman|person)?|"
    r"ceo|officer|ministry|government|company|union|police|court|judge|agency|committee|council|bank|ambassador|senator|"
    r"commissioner|coach|captain|professor|scientist|author|analyst|economist|lawyer|prosecutor|counterpart|king|queen|"
    r"prince|princess|pope|general|commander|opposition|party|team|club|operator|regulator|authority|department|envoy"
)


def is_role(speaker: str) -> bool:
    """Whether a speaker is named by an office ("the foreign minister"), not by a name."""
    return bool(regex.search(rf"(?i)\b(?:{_ROLES})$", speaker)) and not regex.search(r"\p{Lu}", speaker)


def named_outlets(question: str, ledger: Known) -> tuple[str, ...]:
    """Outlets of the archive that the question names as where something was reported."""
    found: list[str] = []
    for outlet in ledger.outlets():
        if len(outlet) < 3:
            continue
        name = rf"(?:the )?{regex.escape(outlet.removeprefix('The '))}"
        if regex.search(
            rf"(?i)\b(?:according to|reported (?:by|in)|(?:report|article|story|coverage|piece)s? (?:by|in|from|of)|in|by|does|did|"
            rf"has|do|from) {name}\b(?:'s)?(?= (?:report|reporting|coverage|say|write|claim|article|put|give)|[,?.]| ?$)",
            question,
        ) or regex.search(rf"(?i)\b{name}(?:'s)? (?:report|reports|reported|coverage|article|wrote|story)\b", question):
            found.append(outlet)
    return tuple(found)


# Follow-ups


def standalone(asked: str, history: Sequence[Turn], ledger: Known) -> tuple[str, tuple[str, ...]]:
    """The question made standalone from the conversation by rules, and a note that says so when it was changed."""
    if not history:
        return asked, ()
    previous = asked_before(history, ledger)
    completed = _complete(asked, previous, ledger)
    if completed == asked:
        return asked, ()
    return completed, (f"searched for: {completed}",)


def asked_before(history: Sequence[Turn], ledger: Known) -> str:
    """The last question of the conversation, itself made standalone."""
    text = ""
    for turn in history[-8:]:
        question = " ".join(turn.question.split())
        text = _complete(question, text, ledger) if text else question
    return text


def _complete(asked: str, previous: str, ledger: Known) -> str:
    if not previous:
        return asked
    bare = _LEAD.sub("", asked)
    led = bare != asked
    about = _ABOUT.match(asked) or (_BARE.match(asked) if led else None)
    if about:
        return _swap(previous, about["what"].strip(" ?."), ledger)
    speakers = asked_speakers(bare, ledger)
    before = asked_speakers(previous, ledger)
    topic = _topic(previous, before)
    text = bare
    if not speakers and before and _PRONOUN.search(text):
        text = _PRONOUN.sub(lambda m: _for_pronoun(m.group(), before), text, count=1)
        speakers = before
    elif _PRONOUN.search(text) and not speakers:
        people = [m.group() for m in _NAME.finditer(previous[1:])]
        if people:
            text = _PRONOUN.sub(lambda m: _for_pronoun(m.group(), (people[-1],)), text, count=1)
    named = [m.group() for m in _NAME.finditer(text[1:]) if m.group() not in speakers]
    words = [w for w in regex.findall(r"[\p{L}\p{N}]+", text.casefold()) if w not in ASKING]
    for speaker in speakers:
        words = [w for w in words if w not in name_tokens(speaker)]
    words = [w for w in words if not regex.fullmatch(_SPEECH, w)]
    if topic and (_THAT.search(text) or led or len(words) < 2) and not (named and len(words) > 3):
        missing = " ".join(w for w in topic.split() if w.casefold() not in text.casefold().split())
        if missing:
            text = f"{text.rstrip(' ?.')} ({missing})?" if words else f"{text.rstrip(' ?.')} about {missing}?"
    if text == bare and not led:
        return asked
    return text[:1].upper() + text[1:]


def _for_pronoun(pronoun: str, people: Sequence[str]) -> str:
    name = " and ".join(people)
    return f"{name}'s" if pronoun.lower() in ("his", "hers", "their", "theirs") else name


def _topic(question: str, speakers: Sequence[str]) -> str:
    """What the question is about: its words without the asking ones and the speakers' names, in order."""
    names = {t for s in speakers for t in name_tokens(s)}
    kept: list[str] = []
    for word in regex.findall(r"[\p{L}\p{N}][\p{L}\p{N}'’.-]*", question):
        word = word.strip(".")
        low = word.casefold()
        if low in ASKING or low.removesuffix("'s").removesuffix("’s") in names or regex.fullmatch(_SPEECH, low):
            continue
        kept.append(word)
    return " ".join(kept)


def _swap(previous: str, what: str, ledger: Known) -> str:
    """The previous question asked of something else: a speaker for a speaker, a place for a place, else both."""
    before = asked_speakers(previous, ledger)
    if before and any(ledger.speakers(t) for t in name_tokens(what)):
        text = previous
        for speaker in before[1:]:
            text = regex.sub(rf"(?:,| and)? {regex.escape(speaker)}", "", text)
        return text.replace(before[0], what, 1)
    placed = _PLACED.match(what)
    places = [m for m in _PLACE.finditer(previous) if not placed or m["in"].lower() == placed["in"].lower()]
    if places:
        old = places[-1]
        where = placed["where"] if placed else what
        return previous[: old.start("where")] + where + previous[old.end("where") :]
    return f"{previous.rstrip(' ?.')} ({what})?"

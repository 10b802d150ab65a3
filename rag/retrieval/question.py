"""A question, understood: made standalone, its dates and outlets found, and whose words it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

import regex

from rag.indexing.names import acronym, name_tokens, same_person, spellings, without_owner
from rag.indexing.speech_words import BODIES, KIN, OCCUPATIONS, ROLES, THINGS
from rag.indexing.wire import agency_name
from rag.records import Query, Turn
from rag.retrieval.periods import is_strict, period, periods
from rag.retrieval.types import DAYS, MONTHS


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
    r"account|accounts|accounted|expect|expects|expected|predict|predicted|want|propose|proposed|demand|demanded|urge|urged|write|wrote|"
    r"vow|vowed|pledge|pledged|confirm|confirmed|mention|mentioned|respond|express|expressed|mean|justify|justified|"
    r"recall|recalls|recalled|remember|remembers|remembered|answer|answered|ask|asked|put|report|reported|"
    r"defend|defended|dismiss|dismissed|reject|rejected|support|oppose|plan|hope|fear|recommend|recommended"
)
# What else people do with words; after "did Lavrov" it asks for his, elsewhere it may be about anything.
_TELLS = (
    _SPEECH
    + r"|feel|feels|felt|rate|rated|advise|advises|advised|characteri[sz]e|characteri[sz]ed|liken|likened|blame|blamed|"
    r"welcome|welcomed|condemn|condemned|lament|lamented|boast|boasted|joke|joked|quip|quipped|speculate|speculated|"
    r"estimate|estimated|guess|guessed|doubt|doubted|doubts|regret|regretted|complain|complained|object|objected|disagree|"
    r"prefer|favou?r|favou?red|concede|conceded|maintain|maintained|emphasi[sz]e|emphasi[sz]ed|advocate|advocated|threaten|"
    r"threatened|apologi[sz]e|apologi[sz]ed|wish|wishes|wished|worry|worried|wonder|wondered|declare|declared|hint|hinted|"
    r"imply|implied|attribute|attributed|caution|cautioned|foresee|foresaw|envisage|sum up|summed up|play down|played down|"
    r"make of|makes of|made of|point out|pointed out|point to|pointed to|own up|owned up|single out|singled out|spoke of|speak of|"
    r"look back|call for|called for|rule out|ruled out|brought up|bring up"
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
    r"proposal|promise|pledge|version|reason|reasons|thoughts|feelings|regret|defence|defense|rationale|reasoning|excuse|"
    r"remark|comeback|rebuttal|quip|joke|jibe|estimate|accusation|assurance|testimony|tweet|post|stand|"
    r"fear|fears|worry|worries|concern|concerns|hope|hopes|guess|wish|apology"
)
# "The case of Tyre Nichols", "the fear of Ebola" are nobody's words.
_NOT_OF = r"(?:case|line|post|reading|stand|version|guess|wish|fears?|hopes?|worry|worries|concerns?)\b"
_ASKS = tuple(
    regex.compile(rf"(?i){pattern}")
    for pattern in (
        # Whose account is wanted comes before whom it speaks of: "According to Ball, what did Pelosi think?"
        rf"\baccording to {_WHO}(?:[,?]|$| what | how | why | when | where | who | which | is | are | was | were | did | does "
        rf"| will | has | have )",
        rf"\bin {_WHO}(?:'s|’s|(?<=s)'|(?<=s)’) (?:own )?(?:words|view|opinion|telling|eyes|version|estimate|account|understanding)\b",
        rf"\b(?:in the (?:words|view|opinion|eyes) of|by the (?:account|reckoning) of) {_WHO}(?:[,?]|$)",
        rf"\b(?:if (?:one|we|you) believes? |as ){_WHO} (?:put|puts|sees|saw|tells|told|explained|explains|described|describes|recalls|remembers) it\b",
        rf"\bby {_WHO}(?:'s|’s|(?<=s)'|(?<=s)’) (?:own )?(?:account|reckoning|estimate|count)\b",
        rf"\b(?:worries|worried|concerns|bothers) {_WHO}(?: (?:about|most)\b|\?|$)",
        rf"^(?:and |but |so )?(?:is|was|are|were) {_WHO} (?:for or against|in favou?r of|opposed to|against|convinced|worried|concerned|"
        rf"confident|optimistic|pessimistic|happy|pleased|disappointed|willing|thinking|sceptical|skeptical|surprised|sorry)\b",
        rf"^(?:what |how |where |when |why )?would {_WHO} (?:rather|like|prefer)\b",
        rf"\bwhat words did {_WHO} (?:find|use|choose|have)\b",
        # "Which leader did Johnson accuse?" asks for a leader, not for Johnson's words; "who did he say …" does.
        rf"\b(?:who(?:m|se)?|which)\b[^?]{{0,200}}?\b{_DID} {_WHO} (?:say|said|think|believe|mention|announce)\b",
        rf"\b(?:what|how|why|when|where)\b[^?]{{0,200}}?\b{_DID} {_WHO} "
        rf"(?:\w+ly |ever |also |have |to |been |publicly |first |once )*(?:{_TELLS})\b",
        rf"^(?:and |but |so )?{_DID} {_WHO} (?:\w+ly |ever |also |really )*(?:{_TELLS})\b",
        rf"\b{_WHO}(?:'s|’s|(?<=s)'|(?<=s)’) (?:own |\w+ )?(?:{_ACCOUNT})\b(?! (?:hall|house))",
        rf"\b(?!{_NOT_OF})(?:{_ACCOUNT}) (?:of|by|from) {_WHO}(?: on | about | to | regarding | over | towards? | for |\?|$)",
        rf"\bwhat (?:\w+ ){{0,3}}(?:has|have|had|did|does) {_WHO} (?:give|gave|given|make|made|offer|offered|put|use|used) (?:for|to|about|of|on|the)\b",
        rf"\b(?:quotes?|words|statements?|remarks) (?:from|by|of) {_WHO}(?: on | about |\?|$)",
        rf"\bwhat {_WHO} (?:said|says|thinks|told|announced|promised|claimed|wrote)\b",
        rf"\bhow (?:do|does|did) {_WHO} (?:differ|disagree|compare)\b",
        r"^(?:compare|contrast) (?:the )?(?P<who>[^?,;:]{2,80}?)(?:['’]s?)?(?: (?:\w+ )?(?:positions?|views?|stances?|statements?))? (?:on|about|over)\b",
        r"\bdifferences? (?:is there )?between (?P<who>[^?,;:]{2,80}?)(?:['’]s?)?(?: (?:\w+ )?(?:positions?|views?|stances?|statements?))? (?:on|about|over)\b",
        r"\bhow (?:do|does|did) (?P<who>[^?,;:]{2,80}?)['’]s? (?:\w+ )?(?:positions?|views?|stances?|opinions?|accounts?|statements?|plans?)\b[^?]{0,80}\b(?:differ|compare|diverge)\b",
    )
)
# "Lavrov on BRICS": the name must be one that the archive quotes.
_ON = regex.compile(r"^(?P<who>\p{Lu}[\p{L}’'-]+(?: \p{Lu}[\p{L}’'-]+){0,2}) (?:on|about) ")
_NO_AUXILIARY = r"(?!(?:did|does|do|is|are|was|were|will|would)\b)"
_TELLERS = ROLES | OCCUPATIONS | KIN
# Who may say something. "Which company announced layoffs?" is about what happened.
_SAYERS = "|".join(
    sorted(w for w in _TELLERS | {"person", "voter", "player", "member", "group", "union", "body"} if w.isalpha())
)
_WHO_SAID = regex.compile(
    rf"(?i)^(?:and |but )?(?:whose (?:\w+ )?(?:words|view|opinion|joke|tweet|post|remark|claim|warning|comparison|phrase|verdict)\b|"
    rf"(?:who(?: (?:in|at|on|from|of) [\w’' -]{{2,40}}?)?|which (?:{_NO_AUXILIARY}[\w’'-]+ ){{0,5}}?(?:{_SAYERS}))\b"
    rf"(?: {_NO_AUXILIARY}\w+){{0,2}} (?:{_TELLS}|compare|compared)\b)"
)
SPEECH_VERBS = tuple(_SPEECH.split("|"))
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
        "differ",
        "difference",
        "compare",
        "contrast",
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
_LATEST = regex.compile(
    r"(?i)\b(?:now|currently|latest|newest|current|most recent(?:ly)?|at present|these days|so far)\b"
)
_PRONOUN = regex.compile(r"(?i)\b(?:he|she|they|him|her|them|his|hers|their|theirs)\b")
_ONE = regex.compile(r"(?i)\b(?:he|she|him|her|his|hers)\b")  # one person; "them" may be pilot whales
_THAT = regex.compile(r"(?i)\b(?:it|that|this|there|those|these|its)\b")
_WHO_ASKED = regex.compile(r"(?i)(?:who|whose|which (?:man|woman|person|\w*man))\b")
_CALENDAR = regex.compile(rf"(?i)(?:{MONTHS}|{DAYS})(?: \d+)?")
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
    query = _understood(text, notes, now, today, ledger)
    return replace(query, parts=tuple(_understood(part, (), now, today, ledger) for part in parts(text, ledger)))


def _understood(text: str, notes: tuple[str, ...], now: datetime | None, today: date, ledger: Known) -> Query:
    speakers = asked_speakers(text, ledger)
    wants_speaker = bool(_WHO_SAID.search(asking_part(text)))
    base = now.date() if now else today
    spoken_of = period(text, base)
    outlets = named_outlets(text, ledger)
    if outlets:
        speakers = tuple(
            s for s in speakers if s.casefold().removeprefix("the ") not in {o.casefold() for o in outlets}
        )
    if outlets:
        notes = (*notes, f"searched only in {', '.join(outlets)}, which the question names")
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
        strict=is_strict(text, base),
        speakers=speakers,
        wants_speaker=wants_speaker,
        wants_latest=bool(_LATEST.search(text)),
        notes=notes,
    )


# Several questions in one

_ASKING_WORD = r"(?:who|whom|whose|what|which|when|where|why|how(?: (?:many|much|long|old|far|often|big))?)"
_AUXILIARY = r"(?:did|does|do|was|were|is|are|has|have|had|will|would|can|could|should|may|might|must)"
# "When and where was he born?"
_SAME_REST = regex.compile(rf"(?i)^(?P<a>{_ASKING_WORD}),? and (?P<b>{_ASKING_WORD}) (?P<rest>{_AUXILIARY} .+)$")
# "…, and who pays for it?": a question of its own asks with an auxiliary, or for the subject ("who pays"), unlike the
# clause in "what he said and why it failed".
_NEXT = regex.compile(
    rf"(?i)(?:[,;?]|(?<=\w))(?: and| but| or)? (?=(?:(?:when|where|why|how|whom|how long|how often) {_AUXILIARY}\b|"
    rf"(?:who|what|which|whose|how many|how much)\b(?! (?:it|he|she|they|we|this|that|the)\b)))"
)
_BARE_PART = regex.compile(r"(?i)^(?P<asked>.{12,}?),? and (?P<word>when|where|why|how|by whom|with whom)\?*$")


def parts(question: str, ledger: Known) -> tuple[str, ...]:
    """The questions that one question puts together, each made to stand alone; () where it puts one only."""
    asked = question.strip()
    if same := _SAME_REST.match(asked):
        return tuple(f"{word[:1].upper()}{word[1:]} {same['rest']}" for word in (same["a"], same["b"]))
    if bare := _BARE_PART.match(asked):
        told = regex.search(rf"(?i)\b{_AUXILIARY}\b.*", bare["asked"])
        if told:
            return f"{bare['asked']}?", f"{bare['word'][:1].upper()}{bare['word'][1:]} {told.group()}?"
    begun = [m.end() for m in _NEXT.finditer(asked) if regex.search(r"(?i)\band\b|\?", m.group())]
    # "Should it be compulsory? What does Haddad say?" tells first what the one question is about.
    opens = _ASKING_WORD if "?" in asked[:-1] else rf"(?:{_ASKING_WORD}|{_AUXILIARY})"
    if not 0 < len(begun) < _MOST_PARTS or not regex.match(rf"(?i)(?:(?:and|in|on|at|for|by|from) )?{opens}\b", asked):
        return ()
    found: list[str] = []
    for start, end in zip([0, *begun], [*begun, len(asked)], strict=True):
        part = regex.sub(r"(?i)[\s,;?]*(?:\b(?:and|but|or))?\s*$", "", asked[start:end])
        if len(part.split()) < (2 if found else 3):
            return ()
        part = f"{part[:1].upper()}{part[1:]}?"
        found.append(standalone(part, [Turn(found[0])], ledger)[0] if found and not _whole(part) else part)
    return tuple(found)


def _whole(part: str) -> bool:
    """Whether a part of a question names what it asks about: "how much was the painting insured for", not "how long"."""
    return len(_content(part)) > 1 and not _PRONOUN.search(part) and not _THAT.search(part)


def _content(text: str) -> list[str]:
    """The words of a question that do more than ask, in lower case."""
    return [w for w in regex.findall(r"[\p{L}\p{N}]+", text.casefold()) if w not in ASKING]


_SENTENCE = regex.compile(r"(?<=[\p{Ll}\d)\"”’][.!?][\"”’]?) (?=\p{Lu})")


def asking_part(question: str) -> str:
    """The last sentence of a question that first tells a story."""
    return _SENTENCE.split(question.strip())[-1]


_LONGEST = 600  # characters of a question in which is looked whose words it asks for; more take seconds
_MOST_PARTS = 5


def asked_speakers(question: str, ledger: Known) -> tuple[str, ...]:
    """The people or bodies whose words the question asks for, as it names them; () when it asks for nobody's."""
    question = asking_part(question)[-_LONGEST:]
    if _WHO_SAID.search(question):
        return ()
    lower = not regex.search(r"\p{Lu}", question[1:])
    for pattern in _ASKS:
        for match in pattern.finditer(question):
            people = [p for part in _people(match["who"]) if (p := _speaker(part, ledger, lower))]
            if "according to" in match.group().casefold()[:14]:
                people = [p for p in people if _is_person(p, ledger) and not agency_name(p)]
            if people:
                return tuple(dict.fromkeys(people))
    if (short := _ON.match(question)) and quoted_as(short["who"], ledger):
        return (short["who"],)
    return ()


# "According to a new poll" names where a figure comes from, not whose words are wanted.
_NO_PERSON = regex.compile(
    r"(?i)\b(?:reports?|polls?|surveys?|study|studies|data|analysis|research|figures|council|department|bureau|agency|ministry|"
    r"institute|university|cent(?:er|re)|office|association|reserve|news|times|post|guardian|index|experts?|scientists|"
    r"researchers|records|officials|documents?|company|organi[sz]ation|commission|committee|foundation|group|administration|government|statement)\b|\.\w|^(?-i:\p{Lu}+)$"
)


def quoted_as(name: str, ledger: Known) -> list[str]:
    """Every name by which the archive quotes a person or body, in order; none when it does not."""
    tokens = {spelled for token in name_tokens(name) for spelled in spellings(token)} | {acronym(name)} - {""}
    return sorted({s for token in tokens for s in ledger.speakers(token) if same_person(name, s)})


def _is_person(name: str, ledger: Known) -> bool:
    """Whether a name may be a person's: of two words, or one that the archive quotes, and no body's or paper's."""
    if _NO_PERSON.search(name):
        return False
    return is_role(name) or len(name.split()) > 1 or bool(quoted_as(name, ledger))


def _people(phrase: str) -> list[str]:
    return [part for part in regex.split(r"(?i),|\band\b|\bor\b|&|\bboth\b|\beach of\b", phrase) if part.strip()]


def _speaker(phrase: str, ledger: Known, lower: bool) -> str:
    """The name within a phrase of a question, or its role; "" when it is neither ("we", "the price of oil").

    In a question typed without capitals, any word that is part of a known speaker's name counts as a name.
    """
    phrase = _SELF.sub("", phrase.strip())
    if name := _named_person(phrase):
        return name
    office = regex.search(
        rf"\b(?:the|his|her|its|\p{{Lu}}\p{{L}}+(?:'s|’s)) (?:[\p{{L}}’'-]+ ){{0,4}}(?:{_ROLES})(?: (?:of|for) [^?,;]+)?$",
        phrase,
    )
    if office and not regex.search(rf"(?:{_ROLES}) \p{{Lu}}", phrase):
        return office.group()
    if _is_described(phrase):
        return phrase
    names = [without_owner(m.group()) for m in _NAME.finditer(phrase)]
    names = [n for n in names if n.casefold() not in ASKING and n.casefold() not in _OPENERS]
    if names:
        return max(names, key=lambda n: (any(ledger.speakers(t) for t in name_tokens(n)), len(n)))
    if lower:
        words = [without_owner(w) for w in phrase.split() if w.casefold() not in ASKING]
        known = [w for w in words if any(ledger.speakers(t) for t in name_tokens(w))]
        if known and not any(regex.fullmatch(rf"(?i)(?:{_ROLES})s?", w) or _NO_PERSON.search(w) for w in known):
            return " ".join(known)
    role = regex.search(
        rf"(?i)\b(?:the|his|her|its) (?:[\w’'-]+ ){{0,5}}(?:{_ROLES})\b(?: (?:of|for) [^?,;]+)?", phrase
    )
    return role.group().strip() if role else ""


_SELF = regex.compile(
    r"(?i)(?: (?:himself|herself|itself|themselves|then|now|really|also|again|later|ever|once|back))+$"
)
_WHOLE_NAME = r"\p{Lu}[\p{L}\p{M}'’.-]*(?: (?:(?:de|da|del|van|von|bin|al|der) ){0,2}\p{Lu}[\p{L}\p{M}'’.-]*)*"
_OF_BODY = regex.compile(r" (?:of|from|at|for|with) (?:the )?\p{Lu}[^,;]*$")
_LAST_NAME = regex.compile(rf"(?P<before>\S+) (?P<name>{_WHOLE_NAME})$")
_OWNER = ("'s", "’s", "s'", "s’")
_GROUPS = frozenset(
    [
        "man",
        "woman",
        "people",
        "family",
        "relatives",
        "fans",
        "team",
        "co-owner",
        "homeowners",
        "voters",
        "staff",
        "crew",
        "workers",
        "administration",
        "campaign",
    ]
)


def _named_person(phrase: str) -> str:
    """The person to whom a phrase comes down: "Pfizer's William Gruber", "Leon County superintendent Rocky Hanna",
    "Jessica Caldwell of Edmunds"; "" where it only is a name, or names nobody.
    """
    bare = _OF_BODY.sub("", phrase)
    if bare != phrase and _is_persons(bare) and len(bare.split()) > 1 and regex.fullmatch(_WHOLE_NAME, bare):
        return bare
    for told in (bare, phrase):
        found = _LAST_NAME.search(told)
        if found and _is_persons(found["name"]):
            before = found["before"]
            if before.casefold() in _TELLERS and before.islower():
                return found["name"]
        for owner in _OWNER:
            head, _, name = told.rpartition(f"{owner} ")
            if head and regex.fullmatch(_WHOLE_NAME, name) and _is_persons(name):
                return name
    return ""


def _is_persons(name: str) -> bool:
    last = name.split()[-1].casefold()
    return last not in BODIES and last not in THINGS and last not in _TELLERS and not name.isupper()


def _is_described(phrase: str) -> bool:
    """Whether a phrase is headed by a word for what somebody does: "Hunter Biden's attorney", "the Albertsons chief"."""
    head = regex.split(r" (?:of|for|at|in|from|on|who|whose|that|behind) ", phrase)[0].split()
    if len(head) < 2 or not head[-1].islower():
        return False
    word = head[-1]
    return any(w in _TELLERS or w in _GROUPS for w in (word, word.removesuffix("s")))


_OPENERS = frozenset(
    [
        "with",
        "following",
        "after",
        "before",
        "since",
        "during",
        "despite",
        "as",
        "while",
        "passengers",
        "scientists",
        "experts",
        "researchers",
    ]
)


_ROLES = (
    r"minister|president|spokes(?:man|woman|person)|mayor|governor|secretary|chief|director|head|leader|chair(?:man|woman|person)?|"
    r"ceo|officer|ministry|government|company|union|police|court|judge|agency|committee|council|bank|ambassador|senator|"
    r"commissioner|coach|captain|professor|scientist|author|analyst|economist|lawyer|prosecutor|counterpart|king|queen|"
    r"prince|princess|pope|general|commander|opposition|party|team|club|operator|regulator|authority|department|envoy|"
    r"master|boss|owner|founder|inspector|investigator|manager|teacher|doctor|nurse|driver|pilot|witness|survivor|victim|"
    r"father|mother|brother|sister|wife|husband|son|daughter|widow|farmer|fisherman|skipper|novelist|writer|candidate|"
    r"deputy|councillor|association|charity|bishop|archbishop|rector|principal|trainer|player|striker|goalkeeper|epidemiologist"
)


def is_role(speaker: str) -> bool:
    """Whether a speaker is named by an office ("the foreign minister"), not by a name."""
    return _is_described(speaker) or bool(
        regex.match(rf"(?i)(?:the|a|an|his|her|its|\p{{L}}+(?:'s|’s)) .*\b(?:{_ROLES})\b", speaker)
    )


def named_outlets(question: str, ledger: Known) -> tuple[str, ...]:
    """Outlets of the archive that the question names, as they are printed, as where something was reported."""
    found: list[str] = []
    for outlet in ledger.outlets():
        bare = outlet.removeprefix("The ")
        if len(bare) < 3 or bare not in question:
            continue
        name = rf"(?:[Tt]he )?{regex.escape(bare)}"
        if regex.search(
            rf"\b(?:[Aa]ccording to|reported (?:by|in)|(?:report|article|story|coverage|piece)s? (?:by|in|from|of)|[Ii]n|by|does|"
            rf"did|has|do|from) {name}\b(?:['’]s)?(?= (?:report|reporting|coverage|say|write|claim|article|put|give)|[,?.]| ?$)",
            question,
        ) or regex.search(rf"\b{name}(?:['’]s)? (?:report|reports|reported|coverage|article|wrote|story)\b", question):
            found.append(outlet)
    return tuple(found)


# Follow-ups


def standalone(asked: str, history: Sequence[Turn], ledger: Known) -> tuple[str, tuple[str, ...]]:
    """The question made standalone from the conversation by rules, and a note that says so when it was changed."""
    if not history:
        return asked, ()
    previous = asked_before(history, ledger)
    completed = _complete(asked, previous, ledger, history[-1].answer)
    if completed == asked:
        return asked, ()
    return completed, (f"searched for: {completed}",)


def asked_before(history: Sequence[Turn], ledger: Known) -> str:
    """The last question of the conversation, itself made standalone."""
    text = answered = ""
    for turn in history[-8:]:
        question = " ".join(turn.question.split())
        text = _complete(question, text, ledger, answered) if text else question
        answered = turn.answer
    return text


def _complete(asked: str, previous: str, ledger: Known, answered: str = "") -> str:
    """``previous`` is the question before, made standalone, ``answered`` the answer that it had."""
    if not previous:
        return asked
    other = _OTHER.search(asked)
    if other:
        asked = _the_other(asked, other, previous, ledger)
    bare = _LEAD.sub("", asked)
    led = bare != asked
    about = _ABOUT.match(asked) or (_BARE.match(asked) if led else None)
    if about:
        return _swap(previous, about["what"].strip(" ?."), ledger)
    speakers = asked_speakers(bare, ledger)
    before = asked_speakers(previous, ledger)
    topic = _topic(previous, before)
    if speakers and _topic(bare, speakers) and not _THAT.search(bare) and not _PRONOUN.search(bare):
        return asked  # whose words and on what: nothing is missing
    text = bare
    role = regex.match(rf"(?i)the (?:\w+ ){{0,3}}(?:{_ROLES}), ", bare)
    if not speakers and not role and before and _PRONOUN.search(text):
        text = _PRONOUN.sub(lambda m: _for_pronoun(m.group(), before), text, count=1)
        speakers = before
    elif _ONE.search(text) and not speakers and not role and (person := _antecedent(previous, answered, ledger)):
        text = _ONE.sub(lambda m: _for_pronoun(m.group(), (person,)), text, count=1)
    named = [m.group() for m in _NAME.finditer(text[1:]) if m.group() not in speakers]
    words = _content(text)
    for speaker in speakers:
        words = [w for w in words if w not in name_tokens(speaker)]
    words = [w for w in words if not regex.fullmatch(_SPEECH, w)]
    if topic and (_THAT.search(text) or led or len(words) < 2) and not (named and len(words) > 3):
        missing = " ".join(w for w in topic.split() if w.casefold() not in text.casefold().split())
        if missing:
            text = f"{text.rstrip(' ?.')} ({missing})?" if words else f"{text.rstrip(' ?.')} about {missing}?"
    if text == bare and not led:
        # "How long was the sentence?": too short to stand alone, and it names nobody.
        if len(words) > 3 or named or speakers:
            return asked
        about = " ".join(dict.fromkeys(_names(previous))) or ("" if _CALENDAR.search(previous) else topic)
        text = f"{text.rstrip(' ?.')} ({about})?" if about else text
    return text[:1].upper() + text[1:]


def _names(question: str) -> list[str]:
    """The names in a question, but for its first word and the calendar's."""
    return [m.group() for m in _NAME.finditer(question[1:]) if not _CALENDAR.fullmatch(m.group())]


_OTHER = regex.compile(r"\bthe other (?P<name>\p{Lu}[\p{L}\p{M}’'-]+)")


def _the_other(asked: str, other: regex.Match[str], previous: str, ledger: Known) -> str:
    """ "The other Ashworth" by the name of the one bearer of it that the previous question did not name."""
    bearers = [s for t in name_tokens(other["name"]) for s in ledger.speakers(t) if len(name_tokens(s)) > 1]
    before = [m.group() for m in _NAME.finditer(previous[1:])]
    rest = [s for s in bearers if not any(same_person(s, name) for name in before if len(name_tokens(name)) > 1)]
    longest = max(rest, key=len, default="")
    one = longest and all(same_person(s, longest) for s in rest)
    return asked.replace(other.group(), longest) if one else asked


def _antecedent(previous: str, answered: str, ledger: Known) -> str:
    """Whom "he" or "she" means after a question and its answer: the person of the answer where it was asked who, else
    the last one of the question whom the archive quotes, else the person of the answer; "" where there is none.
    """
    previous = previous.partition(" (")[0]  # without what it was completed by
    asked = [name for name in _names(previous) if name not in {m["where"] for m in _PLACE.finditer(previous)}]
    named = [
        m.group()
        for m in _NAME.finditer(answered)
        if len(name_tokens(m.group())) > 1 and not any(same_person(m.group(), a) for a in asked)
    ]
    places = {m["where"] for m in _PLACE.finditer(answered)}
    told = [name for name in named if quoted_as(name, ledger)] or [name for name in named if name not in places]
    if told and _WHO_ASKED.match(previous):
        return told[0]
    known = [name for name in asked if quoted_as(name, ledger)]
    return (known[-1:] or told[:1] or asked[-1:] or [""])[0]


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
    if before and (is_role(what) or any(ledger.speakers(t) for t in name_tokens(what))):
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

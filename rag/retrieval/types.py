"""The kind of thing a question asks for (a number, a day, a person, …), and whether a sentence holds such a thing."""

from __future__ import annotations

from typing import Literal

import regex

Kind = Literal["number", "money", "date", "person", "place", "name", ""]

_NUMBER_WORDS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    "nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|"
    "double[ds]?|twice|doubling|tripled?|one (?:person|man|woman|child|day|year|month|week|million|hundred|in)"
)
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_ABBREVIATED = r"(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\."
DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_CURRENCY = r"(?:dollars?|euros?|pounds?|yen|yuan|roubles?|rubles?|crowns?|francs?|rupees?|cents?|pence|usd|eur|gbp)"
_SCALE = r"(?:million|billion|trillion|thousand|hundred|bn|m|k)"

_HOLDS: dict[str, regex.Pattern[str]] = {
    "number": regex.compile(rf"(?i)\d|\b(?:{_NUMBER_WORDS})\b"),
    "money": regex.compile(
        rf"(?i)[$€£¥₹]\s?\d|\b(?:\d[\d.,]*|{_NUMBER_WORDS})\s?(?:{_SCALE}\s)?{_CURRENCY}\b|"
        rf"\b{_SCALE} {_CURRENCY}\b|\b\d[\d.,]* {_SCALE}\b"
    ),
    "date": regex.compile(
        rf"(?i)\b(?:{MONTHS}|{DAYS}|today|yesterday|tomorrow|tonight|noon|midnight|spring|summer|autumn|winter)\b|"
        rf"\b{_ABBREVIATED} \d|\b(?:19|20)\d\d\b|\b\d{{1,2}}[:.]\d\d\b|\b(?:next|last|this) (?:week|month|year)\b|"
        r"\b\d{1,2} ?[ap]\.?m\b|\b(?:days|weeks?|months|years|decades?|century) (?:ago|later|before|after|earlier)\b|"
        r"\b(?:within|in) (?:\w+ ){1,2}(?:days|weeks|months|years)\b"
    ),
}
# Numbers that count nothing: days, years, times of day, ages set off by commas, numbers of roads and lines.
_NO_COUNT = regex.compile(
    rf"(?i)\b(?:(?:{MONTHS})|{_ABBREVIATED}) \d{{1,2}}\b(?:, \d{{4}})?|\b\d{{1,2}} (?:{MONTHS})\b|"
    r"\b(?:in|since|of|by|from|until|after|before|during) (?:19|20)\d\d\b|\b\d{1,2}[:.]\d\d\b(?! ?(?:per|%|crowns|dollars|million|billion))|"
    r"\b\d{1,2} ?[ap]\.?m\b|, \d{1,3},(?!\d)|\b(?:number|no\.|route|line|act|article|bed|ward|boeing|airbus) \d+\b|\b(?:ward|act) \w+\b"
)
_RUN = regex.compile(
    r"\b\p{Lu}[\p{L}\p{M}’'.-]*(?: (?:of |de |da |del |van |von |bin |al-|the )?\p{Lu}[\p{L}\p{M}’'.-]*)*"
)
_CALENDAR = frozenset(f"{MONTHS}|{DAYS}".split("|"))
_NO_NAME = frozenset(
    [
        "the",
        "a",
        "an",
        "he",
        "she",
        "it",
        "they",
        "we",
        "i",
        "you",
        "his",
        "her",
        "its",
        "their",
        "our",
        "but",
        "and",
        "in",
        "on",
        "at",
        "for",
        "from",
        "to",
        "of",
        "this",
        "that",
        "these",
        "those",
        "there",
        "when",
        "while",
        "after",
        "before",
        "as",
        "if",
        "not",
        "no",
        "what",
        "who",
        "mr",
        "mrs",
        "ms",
        "dr",
        "prime",
        "minister",
        "president",
        "police",
    ]
)

_ASKS: tuple[tuple[str, Kind], ...] = (
    (r"\bhow (?:much|big a (?:fine|loan|sum)) (?:money|did|does|do|was|is|will|would|has|have|were|are|per|of a)\b.*\b(?:cost|pay|paid|"
     r"worth|sold|sell|spend|spent|earn|fine|fined|raise|raised|fetch\w*|price|ransom|salary|offer|owe|loan|charge|invest\w*|lose|lost)\b",
     "money"),
    (r"\bwhat (?:price|salary|sum|fee|wage|pay|fine|amount|cost)\b|\bwhat (?:did|does|will|would|do) .{0,60}\bcost\b|\bhow much (?:money|ransom)\b",
     "money"),
    (r"\b(?:what|which) (?:percentage|share|proportion|rate)\b|\bhow (?:many|much) per ?cent\b|\bwhat per ?cent\b", "number"),
    (r"\bhow (?:many|much|old|long|far|tall|high|big|large|often|fast|deep|wide|heavy|hot|cold|strong)\b|\bwhat number\b|\bwhat age\b",
     "number"),
    (r"\bwhat (?:was|is|were|are) (?:the )?(?:\w+ ){0,2}(?:number|total|toll|inflation|temperature|price|score|rate|figure|count|turnout|"
     r"population|record)\b", "number"),
    (r"\bwhen\b|\b(?:on )?(?:what|which) (?:date|day|year|month|time|week|weekday)\b|\bsince when\b|\bhow soon\b|\bby when\b", "date"),
    (r"\bwho(?:se|m)?\b|\b(?:what|which) (?:person|man|woman|player|actor|actress|singer|politician|minister|president|candidate|"
     r"author|director|athlete|senator|coach|star|musician|rapper|billionaire|judge|driver|golfer)\b|\bname of the (?:man|woman|person)\b", "person"),
    (r"\bwhere\b|\b(?:what|which) (?:country|city|town|state|place|village|hamlet|nation|island|county|region|port|river|sea|"
     r"continent|street|airport|stadium|venue)\b", "place"),
    (r"\b(?:what|which) (?:company|team|club|party|newspaper|bank|organi[sz]ation|agency|union|airline|brand|film|movie|song|"
     r"album|book|show|series|school|university|firm|app|website|platform|retailer|network|store|chain|restaurant|museum)\b", "name"),
)  # fmt: skip
_PATTERNS: tuple[tuple[regex.Pattern[str], Kind], ...] = tuple(
    (regex.compile(f"(?i){pattern}", regex.V1 | regex.DOTALL), kind) for pattern, kind in _ASKS
)


def expected(question: str) -> Kind:
    """The kind of thing the question asks for; "" when any sentence may answer ("why", "how", "what did X say")."""
    found: list[tuple[int, Kind]] = [
        (m.start(), kind) for pattern, kind in _PATTERNS if (m := pattern.search(question))
    ]
    return min(found, key=lambda f: f[0])[1] if found else ""


# Nouns that name the kind asked for ("which company", "on what date") and seldom stand in the sentence that answers.
KIND_WORDS = frozenset(
    [
        "company",
        "team",
        "club",
        "party",
        "newspaper",
        "bank",
        "organisation",
        "organization",
        "agency",
        "union",
        "airline",
        "brand",
        "film",
        "movie",
        "song",
        "album",
        "book",
        "show",
        "series",
        "school",
        "university",
        "firm",
        "app",
        "website",
        "platform",
        "retailer",
        "network",
        "country",
        "city",
        "town",
        "state",
        "place",
        "village",
        "hamlet",
        "nation",
        "island",
        "county",
        "region",
        "person",
        "man",
        "woman",
        "player",
        "actor",
        "actress",
        "singer",
        "politician",
        "date",
        "day",
        "month",
        "time",
        "percentage",
        "percent",
        "share",
        "proportion",
        "number",
        "amount",
        "age",
        "many",
        "much",
        "long",
        "old",
        "big",
        "kind",
        "type",
        "name",
        "happen",
        "happened",
        "end",
        "start",
        "early",
        "late",
        "mid",
        "happening",
        "happens",
        "people",
    ]
)


def holds(kind: Kind, sentence: str, question: str) -> bool:
    """Whether the sentence holds something of that kind which the question does not name itself."""
    if kind in _HOLDS:
        pattern = _HOLDS[kind]
        text = _NO_COUNT.sub(" ", sentence) if kind == "number" else sentence
        asked = {m.group().casefold() for m in pattern.finditer(question)}
        if kind == "number":  # 4 stands in "4 crowns", whatever the question counts
            text_numbers = regex.findall(r"\d[\d.,]*\d|\d", text)
            return any(n not in question for n in text_numbers) or any(
                m.group().casefold() not in asked for m in pattern.finditer(text) if not m.group().isdigit()
            )
        return any(m.group().casefold() not in asked for m in pattern.finditer(text))
    if kind in ("person", "place", "name"):
        asked = set(_words(question))
        return any(
            any(w not in asked for w in new)
            for run in _RUN.finditer(sentence)
            if _may_be(kind, sentence, run)
            and (new := [w for w in _words(run.group()) if w not in _NO_NAME and w not in _CALENDAR])
        )
    return True


def _may_be(kind: Kind, sentence: str, run: regex.Match[str]) -> bool:
    words = run.group().split()
    opens = not sentence[: run.start()].strip("“”\"'‘ (—–-")
    if (
        opens
        and len(words) == 1
        and not regex.match(r"(?:’s|'s|,)?\s?(?:said|says|told)\b", sentence[run.end() :].lstrip())
    ):
        return False  # any word is capitalised there
    before = sentence[: run.start()].rstrip().rsplit(" ", 1)[-1].casefold()
    if kind == "person":
        return before not in ("in", "at", "from", "to", "near")
    return True


def _words(text: str) -> list[str]:
    return regex.findall(r"[\p{L}\p{M}\p{N}]{2,}", text.casefold())


_COUNTED = regex.compile(
    r"(?i)\bhow many (?:\p{L}+ ){0,3}?(?P<noun>\p{L}{2,}s|people|children|men|women|fish|sheep|were|was|have|had|are)\b"
)
# People are counted by what befell them, too: "nine are known to have died", "the number of dead rose to 11".
_AUXILIARY = frozenset(["were", "was", "have", "had", "are"])
_BEFELL: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"die[ds]?|dead|deaths?|killed|drowned|lost their lives|perish(?:ed)?|fatalities",
     ("die", "dead", "death", "kill", "drown", "lives", "toll", "perish", "fatal", "bodies", "victim")),
    (r"injured|hurt|wounded", ("injur", "hurt", "wound", "casualt")),
    (r"arrested|detained", ("arrest", "detain", "custody")),
    (r"evacuated|moved out|left their homes|fled", ("evacuat", "moved", "left", "fled", "flee")),
    (r"missing|unaccounted for", ("missing", "unaccounted")),
    (r"stranded|stuck|trapped", ("strand", "stuck", "trapped")),
    (r"infected|fell ill|caught", ("infect", "case", "ill", "caught", "sick")),
)  # fmt: skip


def counts(question: str, sentence: str) -> bool:
    """Whether a sentence gives a number of what a "how many" question counts: "640 jobs", "jobs to 350"."""
    return bool(counted(question, sentence))


def counted(question: str, sentence: str) -> list[str]:
    """The numbers that a sentence gives of what a "how many" question counts, lower-cased, the nearest to it first."""
    asked = _COUNTED.search(question)
    if not asked:
        return []
    noun = asked["noun"].casefold()
    befell = [r for verbs, known in _BEFELL if regex.search(rf"(?i)\b(?:{verbs})\b", question) for r in known]
    done = regex.match(r" (?:been |badly |seriously )*(\p{L}{3,})e[dn]\b", question[asked.end() :])
    what = [done[1].casefold()] if done and not befell else []
    roots = tuple(befell or (what if noun in _AUXILIARY else [noun.removesuffix("s")]))
    if not roots:
        return []
    sentence = regex.sub(r"\b[\p{L}\d-]+-year-olds?\b", " ", _NO_COUNT.sub(" ", sentence))
    written = regex.findall(r"\p{L}[\p{L}\p{M}-]*|\d(?:[\d.,]*\d)?", sentence)
    words = [w.casefold() for w in written]
    before = 8 if befell else 4  # "nine people are now known to have died"
    # A capital makes a name: Blue Strand strands nobody.
    nouns = [i for i, w in enumerate(words) if w.startswith(roots) and (not i or not written[i][0].isupper())]
    near: list[tuple[int, int]] = []
    for i, word in enumerate(words):
        if not (word[0].isdigit() or regex.fullmatch(_COUNT_WORD, word)) or words[i + 1 : i + 2] == ["of"]:
            continue  # "two of the dead" are not all of them
        near += sorted((abs(n - i), i) for n in nouns if -6 <= n - i <= before)[:1]
    return [words[i] for _, i in sorted(near)]


_COUNT_WORD = rf"{_NUMBER_WORDS}|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-(?:one|two|three|four|five|six|seven|eight|nine)"

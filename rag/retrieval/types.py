"""The kind of thing a question asks for (a number, a day, a person, …), and whether a sentence holds such a thing."""

from __future__ import annotations

from typing import Literal

import regex

Kind = Literal["number", "money", "percent", "date", "person", "place", "name", ""]

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen|"
    "half|third|quarter|double|twice|none|nobody"
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"

_HOLDS: dict[str, regex.Pattern[str]] = {
    "number": regex.compile(rf"(?i)\d|\b(?:{_NUMBER_WORDS})\b"),
    "money": regex.compile(
        r"(?i)[$€£¥₹]\s?\d|\b\d[\d.,]*\s?(?:million|billion|trillion|bn|m|k)?\s?(?:dollars?|euros?|pounds?|yen|yuan|roubles?|"
        r"rubles?|crowns?|francs?|rupees?|cents?|pence|usd|eur|gbp)\b|\b(?:million|billion|thousand|hundred) "
        r"(?:dollars?|euros?|pounds?|crowns?)\b"
    ),
    "percent": regex.compile(r"(?i)\d\s?(?:%|percent|per cent|percentage)|\b(?:half|third|quarter)\b"),
    "date": regex.compile(
        rf"(?i)\b(?:{_MONTHS}|{_DAYS}|today|yesterday|tomorrow|tonight|noon|midnight|spring|summer|autumn|winter)\b|"
        r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d\d\b|\b(?:next|last|this) (?:week|month|year)\b|\b\d{1,2} ?[ap]\.?m\b|"
        r"\bweeks?\b|\bdecades?\b|\bcentury\b"
    ),
}
_CAPITALISED = regex.compile(r"(?<![.!?:“\"‘—–-]\s)(?<!^)(?<![“\"‘(])\b\p{Lu}[\p{L}\p{M}’'-]*")
_FIRST_NAME = regex.compile(r"\p{Lu}[\p{L}\p{M}’'-]+(?: \p{Lu}[\p{L}\p{M}’'-]+)+")

_ASKS: tuple[tuple[str, Kind], ...] = (
    (r"\bhow (?:much|big a (?:fine|loan|sum)) (?:money|did|does|do|was|is|will|would|has|have|were|are|per|of a)\b.*\b(?:cost|pay|paid|"
     r"worth|sold|sell|spend|spent|earn|fine|fined|raise|raised|fetch\w*|price|ransom|salary|offer|owe|loan|charge|invest\w*|lose|lost)\b",
     "money"),
    (r"\bwhat (?:price|salary|sum|fee|wage|pay|fine|amount|cost)\b|\bwhat (?:did|does|will|would|do) .{0,60}\bcost\b|\bhow much (?:money|ransom)\b",
     "number"),
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
        asked = {m.group().casefold() for m in _HOLDS[kind].finditer(question)}
        return any(m.group().casefold() not in asked for m in _HOLDS[kind].finditer(sentence))
    if kind in ("person", "place", "name"):
        asked = set(regex.findall(r"[\p{L}\p{M}]+", question.casefold()))
        new = [
            w for m in _CAPITALISED.finditer(sentence) for w in regex.findall(r"[\p{L}\p{M}]+", m.group().casefold())
        ]
        # A name that opens the sentence counts when it is more than one word: "Ana Silva scored".
        opening = _FIRST_NAME.match(sentence.lstrip("“\"‘'("))
        if opening:
            new += regex.findall(r"[\p{L}\p{M}]+", opening.group().casefold())
        return any(w not in asked and len(w) > 1 for w in new)
    return True

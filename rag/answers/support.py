"""How far a sentence that a model wrote rests on sentences of the archive: words, numbers, names, negations, quotations.

Nothing here understands language. It counts, and where it cannot be sure it says no: a sentence refused without need is
replaced by a quotation, a wrong one that passes is a false answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import regex

from rag.answers.speakers import REPORTING, words
from rag.indexing.names import name_tokens
from rag.records import Article, Span
from rag.retrieval.evidence import Candidate
from rag.retrieval.question import ASKING

# Least share of a sentence's content words that its supporting sentences, with title, outlet and date, must hold …
ENOUGH = 0.7
# … and least share that the supporting sentences must hold by themselves.
OWN = 0.5
MOST_SUPPORTS = 3

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*(?:[’'](?:\p{L}+))?|\p{N}+")
_EMPTY = ASKING | REPORTING | frozenset(words(
    "while whereas when where both each also such own same other another very most many much few some all only thus hence "
    "therefore however moreover furthermore additionally meanwhile overall indeed during within without between among into "
    "upon through toward towards over under after before since until because although though despite like per via out up "
    "off down cannot shall don doesn didn isn aren wasn weren won wouldn hasn haven hadn ll ve re yes passage passages "
    "article source specifically particularly further still yet again once there here these those himself herself itself "
    "themselves being having get gets got become becomes became make makes made become mr mrs ms dr"
))  # fmt: skip
_SUFFIX = regex.compile(r"(?:ations?|ions?|ings?|ments?|ed|es|s|ly|e)$")


def root(word: str) -> str:
    """A word without its ending, so that "increase", "increasing" and "increases" are one."""
    low = word.casefold().replace("’", "'")
    low = low.removesuffix("'s").removesuffix("'")
    if len(low) < 4:
        return low
    cut = _SUFFIX.sub("", low)
    cut = cut if len(cut) >= 3 else low
    return cut[:-1] + "i" if cut.endswith("y") else cut


def terms(text: str) -> list[str]:
    """The roots of the content words of a text, in order."""
    found = (m.group() for m in _WORD.finditer(text))
    return [root(w) for w in found if not w.isdigit() and w.casefold() not in _EMPTY and len(w) > 1]


# Numbers

_SMALL = dict(
    zip(
        words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
            "eighteen nineteen twenty"
        ),
        range(21),
        strict=True,
    )
) | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12}
_SCALE = {
    "hundred": "e2", "thousand": "e3", "k": "e3", "million": "e6", "m": "e6", "mn": "e6", "billion": "e9", "bn": "e9",
    "b": "e9", "trillion": "e12", "tn": "e12", "%": "%", "percent": "%", "per cent": "%", "percentage": "%", "pct": "%",
}  # fmt: skip
_FIGURE = r"\d+(?:[.,]\d+)*"
_NUMBER = regex.compile(
    rf"(?i)(?<![\p{{L}}\d])(?P<n>{_FIGURE}|{'|'.join(sorted(_SMALL, key=len, reverse=True))})(?:st|nd|rd|th)?"
    rf"(?:[ -]?(?P<scale>%|per cent|percent(?:age)?|pct|hundred|thousand|million|billion|trillion|bn|mn|tn|[mkb](?!\p{{L}})))?"
)
_MONTHS = words(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug sep "
    "sept oct nov dec"
)
_MONTH = rf"(?:{'|'.join(_MONTHS)})\b\.?"
_DATE = regex.compile(
    rf"(?i)\b(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH})|(?P<m>{_MONTH}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d))"
    rf"(?:,? (?P<y>\d{{4}}))?|(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)|(?P<m>{_MONTH}),? (?P<y>\d{{4}})"
)


def numbers(text: str) -> set[str]:
    """The numbers of a text with their scale ("15 million" → "15e6"), dates left out; "one" is no number here."""
    found: set[str] = set()
    for match in _NUMBER.finditer(_DATE.sub(" ", text)):
        word = match["n"].casefold()
        scale = _SCALE[match["scale"].casefold()] if match["scale"] else ""
        if word in _SMALL:
            if word == "one" and not scale:
                continue
            found.add(f"{_SMALL[word]}{scale}")
        else:
            figure = word if regex.fullmatch(r"\d+\.\d+", word) else word.replace(",", "")
            found.add(f"{figure.rstrip('.')}{scale}")
    return found


def dates(text: str) -> set[tuple[int, int, int]]:
    """The dates of a text as (year, month, day), 0 for what is not said."""
    found: set[tuple[int, int, int]] = set()
    for match in _DATE.finditer(text):
        month = match["m"].casefold().rstrip(".")
        number = int(month) if month.isdigit() else [m[:3] for m in _MONTHS[:12]].index(month[:3]) + 1
        found.add((int(match["y"] or 0), number, int(match["d"] or 0)))
    return found


def _dated(claimed: tuple[int, int, int], known: Iterable[tuple[int, int, int]]) -> bool:
    return any(all(a == b or not a or not b for a, b in zip(claimed, other, strict=True)) for other in known)


# Names

_CAPITAL = regex.compile(r"\p{Lu}[\p{L}\p{M}\p{N}]*(?:\.\p{Lu})*")
_RUN = regex.compile(
    r"\p{Lu}[\p{L}\p{M}’'-]*(?:[ ](?:(?:of|de|da|van|von|al|the|and) (?:the )?)?\p{Lu}[\p{L}\p{M}’'-]*)*"
)
_ENDINGS = frozenset(words("n an ian ese i ish s ns ans ians is"))


def names(text: str) -> list[str]:
    """The capitalised words of a text, in order, without the function words that begin its clauses."""
    found = [m.group().replace(".", "") for m in _CAPITAL.finditer(text)]
    return [w.casefold() for w in found if w.casefold() not in _EMPTY and (len(w) > 1)]


def same_name(a: str, b: str) -> bool:
    """Whether two words are one name, or a country and its people: "Russia", "Russian"."""
    short, long = sorted((a, b), key=len)
    if short == long:
        return True
    return len(short) >= 4 and any(long.startswith(s) and long[len(s) :] in _ENDINGS for s in (short, short[:-1]))


def _holds(known: Iterable[str], name: str) -> bool:
    return any(same_name(name, other) for other in known)


def _initials(text: str) -> set[str]:
    """The acronyms of the capitalised phrases of a text: "United Nations Security Council" → un, unsc, sc, …"""
    found: set[str] = set()
    for run in _RUN.finditer(text):
        letters = [w[0] for w in regex.findall(r"\p{Lu}[\p{L}]*", run.group())]
        found |= {"".join(letters[i:j]).casefold() for i in range(len(letters)) for j in range(i + 2, len(letters) + 1)}
    return found


# Negations and doubts

_NOT = regex.compile(
    r"(?i)\b(?:not(?! only\b)|\p{L}+n['’]t\b|cannot|no(?! (?:\d|longer than\b))|never|neither|nor|none|nobody|nothing|without|"
    r"den(?:y|ies|ied|ying)|refus(?:e|es|ed|ing)|declin(?:ed|es|ing) to|reject(?:s|ed|ing)?|rul(?:es?|ed|ing) out|"
    r"fail(?:s|ed)? to|dismiss(?:es|ed)?|disput(?:es|ed)|unlikely|no longer)(?!\p{L})"
)
_MAYBE = regex.compile(
    r"(?i)\b(?:may|might|could|possibly|perhaps|likely|potentially|alleged(?:ly)?|reportedly|unconfirmed)\b"
)
_CLAUSE = regex.compile(r"[,;:.!?—–\"“”]|\b(?:but|while|whereas|although|though|because|which|and)\b")


def _scopes(text: str, marker: regex.Pattern[str]) -> list[frozenset[str]]:
    """The content words that each marker speaks of: up to six behind it in its clause, else those before it."""
    found: list[frozenset[str]] = []
    for match in marker.finditer(text):
        if match.group() == "May" and match.start() and not text[: match.start()].rstrip().endswith((".", "“", '"')):
            continue  # the month
        end = _CLAUSE.search(text, match.end())
        scope = terms(text[match.end() : end.start() if end else len(text)])[:6]
        if not scope:
            clause = [c.end() for c in _CLAUSE.finditer(text, 0, match.start())]
            scope = terms(text[clause[-1] if clause else 0 : match.start()])[-4:]
        found.append(frozenset(scope))
    return found


def contradicts(claim: str, source: Sequence[str]) -> bool:
    """Whether a claim denies what its sources do not deny, or the reverse, or turns "up" into "down"."""
    held = [scope for text in source for scope in _scopes(text, _NOT)]
    mine = _scopes(claim, _NOT)
    said = set(terms(claim))
    if any(not any(scope & other or not other or not scope for other in held) for scope in mine):
        return True
    for scope in held:
        spoken_of = len(scope & said) * 2 >= len(scope)
        if spoken_of and not any(scope & other or not other for other in mine):
            return True
    there = {t for text in source for t in terms(text)}
    for one, other in _OPPOSITES:
        if one in said and one not in there and other in there and other not in said:
            return True
        if other in said and other not in there and one in there and one not in said:
            return True
    return False


def _denies_more(claim: str, source: Sequence[str]) -> bool:
    """Whether a claim denies more often than its sources do: "It is not a fine that is not a fine"."""
    return len(_scopes(claim, _NOT)) > sum(len(_scopes(text, _NOT)) for text in source)


def surer(claim: str, source: Sequence[str]) -> bool:
    """Whether a claim states as a fact what its sources only think possible."""
    if _scopes(claim, _MAYBE):
        return False
    said = set(terms(claim))
    doubts = [scope for text in source for scope in _scopes(text, _MAYBE)]
    return any(scope and len(scope & said) * 2 > len(scope) for scope in doubts)


_OPPOSITES = [
    (root(a), root(b))
    for a, b in (
        pair.split("/")
        for pair in words(
            "increase/decrease increase/reduce increase/decline increase/fall rise/fall rise/decline rise/drop grow/shrink "
            "rose/fell gain/lose win/lose won/lost support/oppose support/reject accept/reject approve/reject allow/ban "
            "open/close opened/closed begin/end start/stop start/end raise/lower raise/cut higher/lower highest/lowest "
            "best/worst first/last strengthen/weaken expand/shrink expand/contract positive/negative confirm/deny "
            "guilty/innocent alive/dead import/export buy/sell success/failure friend/enemy legal/illegal safe/unsafe "
            "true/false good/bad ready/unready willing/unwilling major/minor more/less likely/unlikely victory/defeat "
            "agree/disagree join/leave stay/leave remain/leave arrive/depart remember/forget love/hate unity/division multilateral/unilateral "
            "increasing/decreasing growing/shrinking rising/falling just/unjust friendly/hostile advance/retreat"
        )
    )
]  # fmt: skip

# Quotations

_ELLIPSIS = regex.compile(r"\s*(?:\[?\.\.\.\.?\]?|\[?…\]?)\s*")
_QUOTED = regex.compile(
    r"“(?P<q>[^“”]*)(?:”|$)|„(?P<q>[^“”„]*)(?:[“”]|$)|«(?P<q>[^«»]*)(?:»|$)|\"(?P<q>[^\"]*)(?:\"|$)|(?<![\p{L}\p{N}])‘(?P<q>[^‘]*?)’(?!\p{L})"
)
_SAME_SIGN = str.maketrans("’‘‛ʼ`“”„‟«»–—‑‐−\u00a0\u202f", '\'\'\'\'\'""""""-----  ')
_EDGE = " .,;:!?'\"-"


def quotations(text: str) -> list[Span]:
    """The spans of a text that stand between quotation marks, marks left out; an open one runs to its line's end."""
    found: list[Span] = []
    begin = 0
    for line in text.splitlines(keepends=True):
        for match in _QUOTED.finditer(line.rstrip()):
            start, end = match.span("q")
            if match["q"].strip(_EDGE):
                found.append(Span(begin + start, begin + end))
        begin += len(line)
    return found


def _folded(text: str) -> tuple[str, list[int]]:
    """A text with one kind of quotation mark, dash and blank, and for each of its characters its place in ``text``."""
    made: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text.translate(_SAME_SIGN)):
        if sign.isspace():
            if made and made[-1] == " ":
                continue
            sign = " "
        made.append(sign)
        places.append(place)
    return "".join(made), places


def find_quotation(quotation: str, text: str) -> list[Span] | None:
    """Where a quotation stands in a text, a span for each part between its ellipses, in order; None where it does not.

    White space, the style of quotation marks and dashes, punctuation at the edges and a capital at the beginning may
    differ, nothing else.
    """
    folded, places = _folded(text)
    found: list[Span] = []
    at = 0
    for part in _ELLIPSIS.split(quotation):
        wanted = regex.sub(r"\[(\p{L})\]", r"\1", _folded(part)[0]).strip(_EDGE)
        if not wanted:
            continue
        first = f"(?i:{regex.escape(wanted[0])})"
        match = regex.compile(rf"(?<![\p{{L}}\p{{N}}]){first}{regex.escape(wanted[1:])}(?![\p{{L}}\p{{N}}])").search(
            folded, at
        )
        if match is None:
            return None
        found.append(Span(places[match.start()], places[match.end() - 1] + 1))
        at = match.end()
    return found or None


def verbatim(text: str, source: str) -> bool:
    """Whether two sentences are the same letter for letter, but for what ``find_quotation`` allows."""
    return _folded(text)[0].strip(_EDGE) == _folded(source)[0].strip(_EDGE)


# Support


@dataclass(frozen=True, slots=True)
class Support:
    """The sentences that a claim rests on, best first, and the share of its words that they hold (0 to 1)."""

    candidates: tuple[Candidate, ...]
    share: float
    enough: bool


def support(claim: str, pool: Sequence[Candidate], must: Sequence[Candidate] = ()) -> Support:
    """The sentences of ``pool`` that carry a claim, and whether they do; ``must`` (where its quotations stand) are
    among them.
    """
    if not pool:
        return Support((), 0.0, False)
    called = names(claim)
    wanted = {t for t in terms(claim) if not _is_name(t, called)}
    figures, days = numbers(claim), dates(claim)
    called = [n for n in called if n not in _CALENDAR]
    if not wanted and not called and not figures and not days:
        return Support((), 0.0, False)
    wishes = wanted | {f"name {n}" for n in called} | {f"number {n}" for n in figures}

    def held(candidate: Candidate) -> set[str]:
        text = candidate.text
        own = {root(n) for n in name_tokens(candidate.speaker or "")}
        there = [*names(text), *name_tokens(candidate.speaker or "")]
        short = _initials(text)
        found = wanted & (set(terms(text)) | own)
        found |= {f"name {n}" for n in called if _holds(there, n) or n in short or _lower(text, n)}
        return found | {f"number {n}" for n in figures & numbers(text)}

    holdings = {id(c): held(c) for c in pool}
    chosen = list(must)
    got = set[str]().union(*(holdings[id(c)] for c in chosen)) if chosen else set[str]()
    while len(chosen) < MOST_SUPPORTS:
        best = max(pool, key=lambda c: (len(holdings[id(c)] - got), c.score))
        gain = holdings[id(best)] - got
        # A further sentence must bring more than a chance word, and more than a name to put in another's place.
        if not gain or (chosen and len(gain) < 2):
            break
        chosen.append(best)
        got |= gain
        if got == wishes:
            break
    if not chosen:
        return Support((), 0.0, False)
    around = _Around(chosen)
    extra = {w for w in wishes - got if (w.startswith("name ") and around.names(w[5:])) or w in around.terms}
    total = max(len(wishes), 1)
    share = len(got | extra) / total
    missing = {w for w in wishes - got - extra if w.startswith(("name ", "number "))}
    texts = [c.text for c in chosen]
    enough = (
        share >= ENOUGH
        and len(got) / total >= OWN
        and not missing
        and all(_dated(day, around.dates) for day in days)
        and all(around.calendar(n) for n in names(claim) if n in _CALENDAR)
        and not contradicts(claim, texts)
        and not _denies_more(claim, texts)
        and not surer(claim, texts)
        and not _goes_further(claim, texts)
        and not _another_subject(claim, chosen[0], around.introduced)
        and not _turned_round(claim, texts)
    )
    return Support(tuple(chosen), share, enough)


_FURTHER = regex.compile(
    r"(?i)\band (?:(?:that )?(?:it|he|she|they) )?(?:will|would|must|should|can|could|may|might|is|are|was|were|has|have|had)\b"
    r"(?P<more>[^,;.]*)"
)


def _goes_further(claim: str, texts: Sequence[str]) -> bool:
    """Whether a claim goes on with "and will …" or the like to say something none of whose words its sources hold."""
    held = {t for text in texts for t in terms(text)}
    for match in _FURTHER.finditer(claim):
        called = names(match["more"])
        more = {t for t in terms(match["more"]) if not _is_name(t, called)}
        if more and not more & held:
            return True
    return False


def carries(text: str, chosen: Sequence[Candidate]) -> bool:
    """Whether the names, numbers and dates of what stands around a claim are those of its supporting sentences."""
    around = _Around(chosen)
    figures = set[str]().union(*(numbers(c.text) for c in chosen))
    called = names(text)
    return (
        numbers(text) <= figures
        and all(_dated(day, around.dates) for day in dates(text))
        and all(around.calendar(n) if n in _CALENDAR else around.names(n) for n in called)
        and not _scopes(text, _NOT)
    )


_DAYS = words("monday tuesday wednesday thursday friday saturday sunday")
_CALENDAR = frozenset(_MONTHS[:12]) | frozenset(_DAYS)


def _is_name(term: str, called: Sequence[str]) -> bool:
    return any(term == root(n) for n in called)


def _lower(text: str, name: str) -> bool:
    """Whether a capitalised word stands in a text in lower case; so it does when it only began a sentence."""
    return root(name) in set(terms(text))


class _Around:
    """What a reader of the supporting sentences knows besides them: title, outlet, dates, and who the named people are."""

    def __init__(self, chosen: Sequence[Candidate]) -> None:
        self._names: set[str] = set()
        self.introduced: set[str] = set()
        self.terms: set[str] = set()
        self.dates: set[tuple[int, int, int]] = set()
        self._days: set[str] = set()
        self._short: set[str] = set()
        for candidate in chosen:
            article = candidate.article
            head = f"{article.title} {article.outlet} {article.dateline} {article.agency}"
            before = [s for s in candidate.passage.sentences if s.end <= candidate.span.start]
            near = head if candidate.apart or not before else f"{head} {before[-1].of(article.text)}"
            here = {*names(candidate.text), *name_tokens(candidate.speaker or "")}
            self._names |= {*names(near), *here}
            self._short |= _initials(near)
            for run in _RUN.finditer(article.text):
                spelled = names(run.group())
                if any(w in here for w in spelled[-2:]):
                    self.introduced |= set(spelled)  # "Russian Foreign Minister Sergei Lavrov" for "Lavrov"
                    self.terms |= set(terms(run.group()))
            self.terms |= set(terms(head))
            for text in (candidate.text, near):
                self.dates |= dates(text)
            self._days |= {w for w in names(candidate.text) if w in _CALENDAR}
            self._know(article)

    def _know(self, article: Article) -> None:
        for iso in (article.published[:10], article.event_date):
            if iso:
                day = date.fromisoformat(iso)
                self.dates.add((day.year, day.month, day.day))
                self._days |= {_DAYS[day.weekday()], _MONTHS[day.month - 1]}

    def names(self, name: str) -> bool:
        return _holds(self._names, name) or _holds(self.introduced, name) or name in self._short

    def calendar(self, name: str) -> bool:
        return name in self._days or any(m == _MONTHS.index(name) + 1 for _, m, _ in self.dates if name in _MONTHS)


def _subject(text: str) -> list[str]:
    """The name that a text begins with, after an article."""
    match = regex.match(rf"\W*(?:[Tt]he |[Aa] )?({_RUN.pattern})", text)
    return names(match[1]) if match else []


def _another_subject(claim: str, source: Candidate, introduced: Iterable[str]) -> bool:
    """Whether a claim begins with a name that its main source does not hold, which begins with another name."""
    mine, theirs = _subject(claim), _subject(source.text)
    there = [*names(source.text), *name_tokens(source.speaker or ""), *introduced]
    if not mine or not theirs or any(_holds(there, n) or _lower(source.text, n) for n in mine):
        return False
    return not any(_holds(names(claim), n) for n in theirs)


def _turned_round(claim: str, texts: Sequence[str]) -> bool:
    """Whether two names exchanged their parts: "China backs Russia" for "Russia backs China"."""
    mine = _pairs(claim)
    theirs = set[tuple[str, str]]().union(*(_pairs(t) for t in texts))
    return any((b, a) in theirs and (a, b) not in theirs for a, b in mine)


_LINK = regex.compile(r"(?i)^\s*(?:\p{Ll}+\s+){1,6}$")


def _pairs(text: str) -> set[tuple[str, str]]:
    """Neighbouring names with a few words between them that join them as subject and object."""
    found: set[tuple[str, str]] = set()
    runs = list(_CAPITAL.finditer(text))
    for one, other in pairwise(runs):
        between = text[one.end() : other.start()]
        if not _LINK.match(between) or regex.fullmatch(r"(?i)\s*(?:and|or|as well as|with)\s*", between):
            continue
        if regex.search(r"(?i)\bby\s*$", between):
            one, other = other, one
        a, b = one.group().casefold(), other.group().casefold()
        if a not in _EMPTY and b not in _EMPTY and a != b:
            found.add((a, b))
    return found

"""Articles that correct others: what they say was wrong and what is right, and which reports they speak of.

A link is drawn on strong evidence only: a correction names a report of its outlet by address or title, or the report
says, on the subject, what the correction calls wrong. It depends on the two articles alone, so that it is the same
whichever of them is read first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import regex

from rag.indexing.identity import article_id, canonical_url
from rag.indexing.names import CAPITALISED
from rag.indexing.sentences import sentences
from rag.records import Article, Correction, Span

NEAR_DAYS = 60
"""How old a report may be that a correction does not name by day or address."""
MOST_DAYS = 300
"""How old one may be that it does."""
# A sentence with so many words of a correction's subject, and this share of them, speaks of what it corrects; where
# neither the day nor the title tells which report is meant, with more of them.
_SHARED, _SHARE, _ALONE = 3, 0.5, 4
_TITLE_WORDS = _QUOTED_WORDS = 4  # fewer words may be a title, or a quotation, and anything else

_TOLD = r"(?:reported|said|stated|gave|wrote|written|attributed|misstated|quoted|described|named|called|identified)"
_CORRECTION = regex.compile(
    r"^[^\p{L}]*(?:Corrections?|Corrected|Clarifications?|Correcting)\b(?:[^.:\n]{0,40}[:.–—-])|"
    r"(?i:\b(?:an|the) (?:earlier|previous|original) version of this (?:article|story|report)\b)|"
    r"\b(?:(?i:this (?:newspaper|article|story|report)|we)|[Tt]he(?P<paper>(?: \p{Lu}[\p{L}’'-]*){1,4})) "
    rf"(?i:(?:wrongly|incorrectly|mistakenly) {_TOLD}\b)|"
    r"(?i:\b(?:gave|published|reported|printed) (?:a|the) wrong (?:figure|name|date|number|day|age|amount|place)\b)"
)
# Nearly every article corrects nothing, which these letters tell much faster than the pattern.
SIGNS = ("correction", "corrected", "correcting", "clarification", "version of this", " wrong", "incorrectly", "mistakenly")  # fmt: skip
# "Correction, May 3:"; that day is the correction's own.
_LABEL = regex.compile(r"^[^\p{L}]*(?:Corrections?|Corrected|Clarifications?|Correcting)\b[^:\n]{0,40}[:–—]")
_WRONG = regex.compile(
    r"(?i)\b(?:earlier|previous|original) (?:version|report|story|article)s?\b|\b(?:this newspaper|we|this article|this story) (?:\p{L}+ly )?"
    rf"(?:had )?{_TOLD}\b|\b(?:wrongly|incorrectly|mistakenly)\b|\bmisstated\b|\b(?:in )?our (?:report|story|article)\b|"
    rf"(?-i:\b[Tt]he (?:\p{{Lu}}\p{{L}}+ ){{1,3}}{_TOLD}\b)"
)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\p{L}*\.?"
_DAY = regex.compile(rf"\b{_MONTH} (?P<day>\d{{1,2}})\b(?!:)|\b(?P<day>\d{{1,2}}) {_MONTH}")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = regex.compile(rf"(?i)\b(?:{'|'.join(_WEEKDAYS)})\b")
_UNITS = ["three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]  # fmt: skip
_IN_WORDS = {word: str(n) for n, word in enumerate(_UNITS, 3)}
_AS_WORD = {value: word for word, value in _IN_WORDS.items()}
_VALUE = regex.compile(
    rf"(?P<value>\d(?:[\d.,:]*\d)?|(?i:\b(?:{'|'.join(_UNITS)})\b))(?P<percent>\s*%)?(?:[\s-]+(?P<of>\p{{L}}{{4,}}))?"
)
_YEAR = regex.compile(r"(?:19|20)\d\d")
_NO_UNIT = {"from", "with", "were", "have", "that", "this", "then", "when", "into", "over", "their", "which", "there"}
_QUOTED = regex.compile(r"[\"“„«]([^\"“”„«»]{12,})[\"”»]")
_URL = regex.compile(r"https?://[^\s\"'<>)\]]+")
_WORD = regex.compile(r"\p{L}{3,}|\d(?:[\d.,:]*\d)?")
# What corrections are made of; it says nothing of their subject.
_PLAIN = {
    "about", "after", "also", "and", "apologise", "apologize", "are", "article", "been", "but", "clarification",
    "corrected", "correction", "date", "earlier", "error", "figure", "for", "from", "gave", "given", "had", "has", "have",
    "headline", "his", "her", "incorrectly", "its", "mistakenly", "misstated", "name", "newspaper", "not", "number", "our",
    "ours", "others", "previous", "readers", "regret", "report", "reported", "said", "story", "than", "that", "the",
    "their", "they", "there", "this", "version", "was", "were", "what", "when", "which", "who", "with", "would", "wrong",
    "wrongly", "wrote", "published", "quoted", "saying", "attributed", "words", *_WEEKDAYS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """A paragraph that corrects something: ``wrong`` are its words that hold what was wrong ("" where it does not repeat
    it), ``right`` the others; ``span`` is where it stands in its article.
    """

    article: str
    outlet: str
    published: str
    text: str
    wrong: str
    right: str
    span: Span


def notices(article: Article) -> list[Notice]:
    """What an article corrects, a paragraph each; [] when it corrects nothing."""
    folded = article.text.casefold()
    if not any(sign in folded for sign in SIGNS):
        return []
    found: list[Notice] = []
    for match in regex.finditer(r"[^\n]+", article.text):
        paragraph = match.group()
        folded = paragraph.casefold()
        if any(sign in folded for sign in SIGNS) and _corrects_its_own(paragraph, article.outlet):
            parts = regex.split(r"(?<=[.!?][\"”’]?) (?=\p{Lu})", paragraph)
            wrong = " ".join(s for s in parts if _WRONG.search(s))
            right = " ".join(s for s in parts if not _WRONG.search(s))
            span = Span(*match.span())
            found.append(Notice(article.id, article.outlet, article.published, paragraph, wrong, right, span))
    return found


def _corrects_its_own(paragraph: str, outlet: str) -> bool:
    """Whether a paragraph is a correction; that another company wrongly reported its profits is news."""
    match = _CORRECTION.search(paragraph)
    paper = match["paper"] if match else None
    return match is not None and (paper is None or paper.strip().casefold() in outlet.casefold())


@lru_cache(maxsize=2048)
def named_days(text: str, published: str) -> frozenset[date]:
    """The days, none after that on which it was ``published`` (ISO), that a text names: some of reports, some of what
    they reported.
    """
    if not published:
        return frozenset()
    told = date.fromisoformat(published[:10])
    found: set[date] = set()
    for match in _DAY.finditer(text):
        month, day = _MONTHS.index(match["month"].casefold()) + 1, int(match["day"])
        for year in (told.year, told.year - 1):
            try:
                named = date(year, month, day)
            except ValueError:
                continue
            if named <= told:
                found.add(named)
                break
    for match in _WEEKDAY.finditer(text):
        back = (told.weekday() - _WEEKDAYS.index(match.group().casefold())) % 7 or 7
        found.add(told - timedelta(days=back))
    return frozenset(found)


@lru_cache(maxsize=2048)
def named_articles(text: str) -> frozenset[str]:
    """The ids of the articles whose addresses a text gives."""
    urls = (canonical_url(match.group().rstrip(".,;:")) for match in _URL.finditer(text))
    return frozenset(article_id(url) for url in urls if url)


def corrects(notice: Notice, article: Article) -> bool:
    """Whether it is this report that a correction speaks of."""
    if article.id == notice.article or not article.published or not notice.published:
        return False
    if article.outlet != notice.outlet:
        return False  # nobody corrects others' reports
    if named := named_articles(notice.text):
        return article.id in named and _before(article.published, notice.published)
    day, told = date.fromisoformat(article.published[:10]), date.fromisoformat(notice.published[:10])
    # What an evening's report says stands in the next day's paper.
    on_its_day = bool(named_days(notice.text, notice.published) & {day, day + timedelta(days=1)})
    if (told - day).days > (MOST_DAYS if on_its_day else NEAR_DAYS) or not _before(article.published, notice.published):
        return False
    if len(article.title.split()) >= _TITLE_WORDS and _folded(article.title) in _folded(notice.text):
        return True
    return bool(article.outlet) and _says_it(notice, article, on_its_day)


def wrong_in(sentence: str, correction: Correction, published: str) -> bool:
    """Whether a sentence of the corrected report, of the day ``published`` (ISO), says what was wrong or, where only what
    is right is told, something else of the same kind.
    """
    claims = _claims(correction.wrong, correction.right).of(published)
    if not claims.wrong_in(sentence):
        return False
    exact = any(unit and (value, unit) in claims.bad for value, unit in _values(sentence))
    return bool(claims.quotes) or len(claims.subject & _stems(sentence)) >= (1 if exact else _SHARED)


def is_right(sentence: str, correction: Correction, published: str) -> bool:
    """Whether a sentence of a correction gives what is right: the figure or name, or, of quotations, their speaker."""
    claims = _claims(correction.wrong, correction.right).of(published)
    if sentence not in correction.right:
        return False
    if claims.good:
        return any(_same(a, b) for a in _values(sentence) for b in claims.good)
    return not claims.others or bool(claims.others & _names(sentence))


Value = tuple[str, str]
"""A figure and what it counts ("" where that is not said), or a day and "day"."""


@dataclass(frozen=True, slots=True)
class _Claims:
    """What tells the wrong words of a correction: ``bad`` figures, quotations, ``names`` that ``others`` stand for now; and
    stems of what either half is about.
    """

    bad: frozenset[Value]
    good: frozenset[Value]
    quotes: tuple[str, ...]
    names: frozenset[str]
    others: frozenset[str]
    about_wrong: frozenset[str]
    about_right: frozenset[str]

    def of(self, published: str) -> _Claims:
        """The same for a report of one day, which is no part of what it says."""
        if not published:
            return self
        own = {(f"{_MONTHS[int(published[5:7]) - 1]} {int(published[8:10])}", "day")}
        return replace(self, bad=self.bad - own, good=self.good - own) if own & (self.bad | self.good) else self

    @property
    def told(self) -> bool:
        """Whether the correction repeats what was wrong."""
        return bool(self.bad or self.quotes or self.names)

    @property
    def subject(self) -> frozenset[str]:
        """Stems of what is corrected. That somebody is named is no sign of what is said of them."""
        if not self.told:
            return self.about_right
        named = () if self.bad or self.quotes else map(_stems, self.names)
        return self.about_wrong.difference(*named)

    def may_stand_in(self, folded: str) -> bool:
        """False only where a text, case-folded, does not say what was wrong."""
        if self.quotes or not self.told:
            return True
        if not self.bad:
            return all(name.casefold() in folded for name in self.names)
        return any(sign in folded for value, _ in self.bad for sign in (value.split()[-1], _AS_WORD.get(value, value)))

    def wrong_in(self, sentence: str) -> bool:
        """Whether a sentence says it, on whatever subject."""
        if self.quotes:
            folded = _folded(sentence)
            return any(quote in folded for quote in self.quotes)
        if self.bad:
            return any(_same(a, b) for a in _values(sentence) for b in self.bad)
        if self.names:
            said = _names(sentence)
            return self.names <= said and not self.others & said
        kinds = {unit for _, unit in self.good} - {""}
        values = _values(sentence)
        alike = any(unit in kinds for _, unit in values)
        return alike and not any(_same(a, b) for a in values for b in self.good)


@lru_cache(maxsize=2048)
def _claims(wrong: str, right: str) -> _Claims:
    wrong, right = (_URL.sub(" ", _LABEL.sub("", part)) for part in (wrong, right))
    bad, good = _values(wrong), _values(right)
    quotes = tuple(_folded(q) for q in _QUOTED.findall(wrong) if len(q.split()) >= _QUOTED_WORDS)
    match = _WRONG.search(wrong)
    before, after = _names(wrong[match.end() :] if match else wrong), _names(right)
    names, others = before - after, after - before
    names = names if names and others else frozenset[str]()
    return _Claims(bad - good, good, quotes, names, others, _about(wrong), _about(right))


def _about(text: str) -> frozenset[str]:
    return frozenset(stem for stem in _stems(_DAY.sub(" ", text)) if not stem[0].isdigit())


def _says_it(notice: Notice, article: Article, on_its_day: bool) -> bool:
    """Whether the report says, on the subject of the correction, what that calls wrong."""
    claims = _claims(notice.wrong, notice.right).of(article.published)
    if not claims.told and not (claims.good and on_its_day):
        return False
    if not claims.may_stand_in(article.text.casefold()):
        return False
    least = max(_SHARED, _SHARE * len(claims.subject))
    if on_its_day and len(claims.subject & _stems(f"{article.title} {article.text}")) < least:
        return False
    own = [n.span for n in notices(article)]
    for span in sentences(article.text):
        sentence = span.of(article.text)
        if any(span.overlaps(o) for o in own) or not claims.wrong_in(sentence):
            continue  # (another correction of the same is not corrected)
        shared = len(claims.subject & _stems(sentence))
        enough = 1 if on_its_day and claims.bad else _SHARED if on_its_day else max(_ALONE, least)
        if claims.quotes or shared >= enough:
            return True
    return False


def _values(text: str) -> frozenset[Value]:
    found = {
        (f"{match['month'].casefold()} {int(match['day'])}", "day") for match in _DAY.finditer(text)
    }  # fmt: skip
    for match in _VALUE.finditer(_DAY.sub(" ", text)):
        value = match["value"].casefold()
        unit = "perc" if match["percent"] else (match["of"] or "").casefold()
        bare = bool(_YEAR.fullmatch(value)) or unit in _NO_UNIT
        found.add((_IN_WORDS.get(value, value), "" if bare else unit[:4]))
    return frozenset(found)


def _same(a: tuple[str, str], b: tuple[str, str]) -> bool:
    return a[0] == b[0] and (a[1] == b[1] or "" in (a[1], b[1]))


def _names(text: str) -> frozenset[str]:
    return frozenset(
        run
        for match in CAPITALISED.finditer(text)
        if (run := match.group()) and match.start() and text[max(0, match.start() - 2) : match.start()] not in (". ", "? ")
        and run.casefold() not in _WEEKDAYS and run[:3].casefold() not in _MONTHS
    )  # fmt: skip


def _stems(text: str) -> frozenset[str]:
    words = (word.casefold() for word in _WORD.findall(text))
    return frozenset(word[:5] for word in words if word not in _PLAIN)


def _folded(text: str) -> str:
    return " ".join(word.casefold() for word in regex.findall(r"[\p{L}\p{N}]+", text))


def _before(one: str, other: str) -> bool:
    a, b = (Article("", "", "", published=p).published_at for p in (one, other))
    return a is not None and b is not None and a < b

"""The time a question speaks of: a small interval grammar over English date phrases.

"last week", "yesterday", "in June", "in June 2024", "on 10 June 2024", "since March 3", "between May 1 and May 9",
"before 2024-06-01", "in 2023". Relative phrases are counted from a day that the caller gives.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import regex

from rag.errors import QuestionError

_MONTHS = {
    name: number
    for number in range(1, 13)
    for name in (calendar.month_name[number].lower(), calendar.month_abbr[number].lower())
} | {"sept": 9}
_DAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_NUMBERS = {
    w: n
    for n, w in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 1
    )
}

_MONTH = r"(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
# "may" and "march" are also verbs: a month alone counts only after a word that places it in time.
_PLACED = r"(?:in|since|during|of|before|after|until|by|from|through|early|late|mid|last|this|and|to)[ -]"


@dataclass(frozen=True, slots=True)
class Period:
    """Inclusive days, and the place in the question (code point offsets) of the phrase they come from."""

    first: date
    last: date
    start: int
    end: int
    relative: bool = False


Rule = tuple["regex.Pattern[str]", Callable[["regex.Match[str]", date], tuple[date, date]], bool]


def _rule(pattern: str, days: Callable[[regex.Match[str], date], tuple[date, date]], relative: bool) -> Rule:
    return regex.compile(rf"(?i)(?<![\w-]){pattern}(?![\w’'-])"), days, relative


def _one(day: date) -> tuple[date, date]:
    return day, day


def _month_days(year: int, month: int) -> tuple[date, date]:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _latest_month(month: int, today: date) -> tuple[date, date]:
    """The most recent such month that has begun by ``today``."""
    return _month_days(today.year if month <= today.month else today.year - 1, month)


def _on(year: int | None, month: str, day: str, today: date) -> tuple[date, date]:
    number = _MONTHS[month.lower()]
    if year is None:
        year = today.year if (number, int(day)) <= (today.month, today.day) else today.year - 1
    found = date(year, number, int(day))
    return found, found


def _week(today: date, back: int) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday() + 7 * back)
    return monday, monday + timedelta(days=6)


def _months_back(today: date, back: int) -> tuple[date, date]:
    index = today.year * 12 + today.month - 1 - back
    return _month_days(index // 12, index % 12 + 1)


def _weekday(today: date, name: str, last: bool) -> tuple[date, date]:
    back = (today.weekday() - _DAYS[name.lower()]) % 7
    found = today - timedelta(days=back or (7 if last else 0))
    return found, found


def _past(match: regex.Match[str], today: date) -> tuple[date, date]:
    raw = (match["n"] or "one").lower()
    number = _NUMBERS.get(raw) or int(raw)
    unit = {"d": 1, "w": 7, "m": 30, "y": 365}[match["unit"][0].lower()]
    return today - timedelta(days=number * unit), today


def _ago(match: regex.Match[str], today: date) -> tuple[date, date]:
    first, _ = _past(match, today)
    slack = {"d": 0, "w": 3, "m": 15, "y": 180}[match["unit"][0].lower()]
    return first - timedelta(days=slack), first + timedelta(days=slack)


_N = r"(?P<n>\d{1,3}|" + "|".join(_NUMBERS) + ")"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_RULES: tuple[Rule, ...] = (
    _rule(r"(?P<year>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)",
          lambda m, _: _one(date(int(m["year"]), int(m["m"]), int(m["d"]))), False),
    _rule(rf"{_MONTH} {_DAY},? {_YEAR}", lambda m, t: _on(int(m["year"]), m["month"], m["day"], t), False),
    _rule(rf"{_DAY}(?: of)? {_MONTH},? {_YEAR}", lambda m, t: _on(int(m["year"]), m["month"], m["day"], t), False),
    _rule(rf"{_MONTH},? {_YEAR}", lambda m, _: _month_days(int(m["year"]), _MONTHS[m["month"].lower()]), False),
    _rule(rf"{_MONTH},? (?:of )?(?P<which>this|last) year",
          lambda m, t: _month_days(t.year - (m["which"].lower() == "last"), _MONTHS[m["month"].lower()]), False),
    _rule(rf"{_MONTH} {_DAY}", lambda m, t: _on(None, m["month"], m["day"], t), False),
    _rule(rf"{_DAY}(?: of)? {_MONTH}", lambda m, t: _on(None, m["month"], m["day"], t), False),
    _rule(rf"(?<={_PLACED}){_MONTH}", lambda m, t: _latest_month(_MONTHS[m["month"].lower()], t), False),
    _rule(rf"(?:in|during|since|of|before|after|until|by|from) {_YEAR}",
          lambda m, _: (date(int(m["year"]), 1, 1), date(int(m["year"]), 12, 31)), False),
    _rule(r"(?:today|tonight|this morning|this evening)", lambda _, t: (t, t), True),
    _rule(r"(?:yesterday|last night)", lambda _, t: _one(t - timedelta(days=1)), True),
    _rule(r"this week", lambda _, t: (min(_week(t, 0)[0], t - timedelta(days=6)), t), True),
    _rule(r"last week(?:end)?|(?:the )?(?:previous|past) week", lambda _, t: (_week(t, 1)[0], t), True),
    _rule(r"this month", lambda _, t: (_months_back(t, 0)[0], t), True),
    _rule(r"(?:last|the previous) month", lambda _, t: _months_back(t, 1), True),
    _rule(r"this year", lambda _, t: (date(t.year, 1, 1), t), True),
    _rule(r"(?:last|the previous) year", lambda _, t: (date(t.year - 1, 1, 1), date(t.year - 1, 12, 31)), True),
    _rule(rf"(?:in|over|during|for|within) the (?:past|last) (?:{_N} )?{_UNIT}", _past, True),
    _rule(rf"(?:past|last) {_N} {_UNIT}", _past, True),
    _rule(rf"(?:{_N}|an?) {_UNIT} ago", _ago, True),
    _rule(r"(?P<last>last )(?P<weekday>" + "|".join(_DAYS) + ")", lambda m, t: _weekday(t, m["weekday"], True), True),
    _rule(r"on (?P<weekday>" + "|".join(_DAYS) + ")", lambda m, t: _weekday(t, m["weekday"], False), True),
)  # fmt: skip


def periods(question: str, today: date) -> list[Period]:
    """Every date phrase of the question, in order, longest first where they overlap. Impossible dates are no dates."""
    found: list[Period] = []
    for pattern, days, relative in _RULES:
        for match in pattern.finditer(question):
            try:
                first, last = days(match, today)
            except (ValueError, OverflowError):
                continue
            if not any(match.start() < p.end and p.start < match.end() for p in found):
                found.append(Period(first, last, match.start(), match.end(), relative))
    return sorted(found, key=lambda p: p.start)


# A period that is longer says little of when the answer was reported: "since 1979", "last year".
LONGEST_STRICT = timedelta(days=62)


def period(question: str, today: date) -> tuple[date, date] | None:
    """The one interval that the question's date phrases describe, or None when it has none.

    A phrase that reaches far beyond ``today`` ("by 2050") tells of the matter, not of the news about it.
    """
    found = [p for p in periods(question, today) if p.first <= today + timedelta(days=366)]
    if not found:
        return None
    first, last = found[0], found[-1]
    before = question[: first.start].rstrip().lower()
    phrase = question[first.start : first.end].lower()

    def led_by(*words: str) -> bool:
        return before.endswith(words) or phrase.startswith(tuple(f"{word} " for word in words))

    if len(found) == 1:
        if led_by("since", "from", "starting"):
            return first.first, max(today, first.last)
        if led_by("after"):
            return first.last, max(today, first.last)
        if led_by("before", "until", "prior to"):
            return date(1900, 1, 1), first.first
        return first.first, first.last
    return min(first.first, last.first), max(first.last, last.last)


def is_strict(question: str, today: date) -> bool:
    """Whether only reports of the question's period can answer: "last week" and "on 10 June 2024" mean those days,
    "in September" may be of another year, and "last year" is written of in this one.
    """
    found, whole = periods(question, today), period(question, today)
    short = whole is not None and whole[1] - whole[0] <= LONGEST_STRICT
    return short and any(p.relative or str(p.first.year) in question for p in found)


def parse_day(raw: str, name: str) -> date:
    """A day as typed for ``name``. Raises QuestionError."""
    try:
        return date.fromisoformat(raw.strip())
    except ValueError:
        raise QuestionError(f"{name} {raw!r} is not a day; write it as in 2024-06-11") from None


def parse_moment(raw: str, name: str) -> datetime:
    """An instant as typed for ``name``, aware; without a zone: UTC. A day is its end, so that the day's own news is not
    of the future. Raises QuestionError.
    """
    raw = raw.strip()
    try:
        if len(raw) == 10:
            raw = f"{date.fromisoformat(raw)}T23:59:59.999999+00:00"
        found = datetime.fromisoformat(raw)
    except ValueError:
        raise QuestionError(
            f"{name} {raw!r} is not a time; write it as in 2024-06-11 or 2024-06-11T10:44+08:00"
        ) from None
    if not 1900 <= found.year <= 2200:  # so that "last year" and "in ten years" stay within what a date can be
        raise QuestionError(f"{name} {raw!r} is not a time that news is asked at; write it as in 2024-06-11")
    return found if found.tzinfo else found.replace(tzinfo=UTC)

# pyright: basic
# (python-dateutil ships no types)
"""Dates as news prints them, read into ISO 8601: a time with its offset, or a day alone.

A wrong date is worse than none, so what can be read two ways is refused: "05/01/2023" (5 January or May 1), a year of
two digits, a date without day or year, a zone that nobody can name. "13/01/2023" and "5.1.2023" (with dots the day
comes first) can only mean one day and are read.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from dateutil import parser as dateutil_parser

FIRST_YEAR = 1600
FUTURE_DAYS = 2  # zones and publishers' clocks differ; what lies further ahead is the source's error

_EMPTY = {"", "none", "null", "nan", "nat", "n/a", "na", "-", "unknown"}
_YMD = re.compile(
    r"(\d{4})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{1,2})"
    r"(?:[\sT/,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|GMT)?)?",
    re.IGNORECASE,
)
_NUMERIC = re.compile(r"(\d{1,2})\s*([-/.])\s*(\d{1,2})\s*\2\s*(\d+)")
_RFC_2822 = re.compile(
    r"(?:[A-Za-z]{3}, ?)?\d{1,2} [A-Za-z]{3} \d{4} \d{1,2}:\d{2}(?::\d{2})? (?:[+-]\d{4}|UT|GMT|[ECMP][SD]T)"
)
_PREFIX = re.compile(
    r"(?:(?:first\s+)?published|posted|(?:last\s+)?(?:updated|modified)|date)\b\s*(?:at|on)?\s*:?\s*", re.IGNORECASE
)
_HALF_DAY = re.compile(r"\b([ap])\.\s?m\b\.?", re.IGNORECASE)
_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SGT": 8,
    "HKT": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7,
}  # fmt: skip
_PLACES = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles",
}  # fmt: skip


class BadDate(ValueError):
    """A value that stands where a date should and is none that can be trusted; the message is one line."""


def parse_date(value: object, *, today: date, zone: tzinfo = UTC) -> str:
    """Read one isolated date into ISO 8601; "" where the value is empty.

    Numbers, and strings of 10 or 13 digits, are Unix seconds or milliseconds. A time of day without zone is taken in
    ``zone``; midnight without zone is a day alone, since tables write days so. Raises `BadDate`, also for a year
    before 1600 and for more than two days after ``today``.
    """
    if isinstance(value, dict):  # MongoDB's export
        value = value.get("$date")
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict | list):
        raise BadDate("a list or object stands where it should be")
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isnan(value)):
        return ""
    try:
        if isinstance(value, date):
            found = value
        elif isinstance(value, int | float):
            found = _epoch(value)
        else:
            text = " ".join(str(value)[:200].split())
            if text.lower() in _EMPTY:
                return ""
            found = _read(text)
        return _iso(found, today, zone)
    except BadDate:
        raise
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError) as error:
        # The parsers meet arbitrary values here and leave through all of these; each means the same.
        raise BadDate(f"{_short(str(value)[:100])} is no date") from error


def _epoch(number: float) -> date:
    if float(number).is_integer() and 16000101 <= number <= 29991231:  # 20230105 written as a number
        return _read(str(int(number)))
    seconds = number / 1000 if abs(number) >= 1e11 else number
    if not 1e8 <= seconds < 1e11:  # 1973 on; a smaller number is more likely a counter
        raise BadDate(f"{number:g} is no date in Unix seconds or milliseconds")
    return datetime.fromtimestamp(seconds, UTC)


def _read(text: str) -> date:
    if text.isdecimal() and text.isascii():
        if len(text) in (10, 13):
            return _epoch(int(text))
        if len(text) == 8:
            return datetime.strptime(text, "%Y%m%d").date()
        return datetime.strptime(text, "%Y%m%d%H%M%S")
    text = _PREFIX.sub("", text, count=1) if _PREFIX.match(text) else text
    if match := _YMD.fullmatch(text):
        year, month, day, hour, minute, second, utc = match.groups()
        calendar_day = date(int(year), int(month), int(day))
        if hour is None:
            return calendar_day
        clock = time(int(hour), int(minute), int(second or 0), tzinfo=UTC if utc else None)
        return datetime.combine(calendar_day, clock)
    if re.match(r"\d{4}-\d{2}-\d{2}[T ]|\d{8}T", text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # such as "2023-01-05 10:00 ET": the lenient parser below knows zones by name
    if _RFC_2822.fullmatch(text):
        return parsedate_to_datetime(text)
    day_first = False
    if match := _NUMERIC.match(text):
        first, second, year = int(match[1]), int(match[3]), match[4]
        if len(year) != 4:
            raise BadDate(f"{_short(text)} has a year of two digits")
        day_first = match[2] == "." or first > 12
        if not day_first and second <= 12 and first != second:
            raise BadDate(f"{_short(text)} can be read two ways (day or month first)")
    elif not re.search(r"[^\W\d_]{3}|^\d{4}-\d{1,2}-\d", text):
        raise BadDate(f"{_short(text)} is no full date")
    text = _HALF_DAY.sub(r"\1m", text)
    text = re.sub(
        r"\b(?:GMT|UTC)\s?(?=[+-]\d)", "", text
    )  # dateutil reads "GMT+2" in the POSIX sense, two hours behind
    # dateutil fills what is missing from a default: two defaults that differ in every part show what was missing.
    a, b = (
        dateutil_parser.parse(text, default=default, dayfirst=day_first, tzinfos=_zone)
        for default in (datetime(2000, 1, 10), datetime(2004, 2, 20))
    )
    if a.replace(tzinfo=None) != b.replace(tzinfo=None):
        raise BadDate(f"{_short(text)} is no full date")
    return a if re.search(r"\d\s*:\s*\d|\d\s*[ap]m\b", text, re.IGNORECASE) else a.date()


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    if name is None:
        return None
    if name.upper() in _PLACES:
        return ZoneInfo(_PLACES[name.upper()])
    if name.upper() in _HOURS:
        return timezone(timedelta(hours=_HOURS[name.upper()]))
    raise BadDate(f"no zone is known by the name {name!r}")


def _iso(found: date, today: date, zone: tzinfo) -> str:
    day = found.date() if isinstance(found, datetime) else found
    if isinstance(found, datetime) and found.tzinfo is not None and found.timestamp() == 0:
        raise BadDate(f"{found.isoformat()} is the zero of computers' clocks, which stands for no date")
    if day.year < FIRST_YEAR:
        raise BadDate(f"{day.isoformat()} is before the year {FIRST_YEAR}")
    if (day - today).days > FUTURE_DAYS:
        raise BadDate(f"{day.isoformat()} lies in the future")
    if not isinstance(found, datetime):
        return day.isoformat()
    if found.tzinfo is None:
        if found.time() == time():
            return day.isoformat()
        found = found.replace(tzinfo=zone)
    # Offsets of a fraction of a minute (old local mean times) have no place in ISO 8601 as others read it.
    if (offset := found.utcoffset()) is None or offset.total_seconds() % 60:
        found = found.astimezone(UTC)
    return found.isoformat(timespec="seconds")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")

"""The furniture of wire copy: datelines, page headers, bylines, editors' lines, and the agencies that print them.

Forms read at the start of a text (place, date and agency may each be missing, not all)::

    NIZHNY NOVGOROD, Russia, June 10 (Xinhua) --      WASHINGTON, Jan. 5 (Reuters) -      KYIV, Ukraine (AP) —
    LONDON, Jan 5, 2023 /PRNewswire/ --               June 11 (UPI) --                    MOSCOW, June 10. /TASS/.
    New Delhi, Jan 5 (PTI)                            SCOTTSDALE, Ariz. –                 Rome CNN —
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from rag.indexing.dates import BadDate, parse_date

# Name as printed (compared without case and "The") → short name, home zone. Agencies stamp their pages with the time
# of their headquarters; "" where they write for readers everywhere and use UTC.
_AGENCIES: dict[str, tuple[str, str]] = {
    "xinhua": ("Xinhua", "Asia/Shanghai"),
    "xinhua news agency": ("Xinhua", "Asia/Shanghai"),
    "people's daily": ("People's Daily", "Asia/Shanghai"),
    "people's daily online": ("People's Daily Online", "Asia/Shanghai"),
    "global times": ("Global Times", "Asia/Shanghai"),
    "china daily": ("China Daily", "Asia/Shanghai"),
    "chinadaily.com.cn": ("China Daily", "Asia/Shanghai"),
    "cgtn": ("CGTN", "Asia/Shanghai"),
    "ecns": ("ECNS", "Asia/Shanghai"),
    "cna": ("CNA", "Asia/Taipei"),
    "tass": ("TASS", "Europe/Moscow"),
    "ria novosti": ("RIA Novosti", "Europe/Moscow"),
    "interfax": ("Interfax", "Europe/Moscow"),
    "ukrinform": ("Ukrinform", "Europe/Kyiv"),
    "kyodo": ("Kyodo", "Asia/Tokyo"),
    "kyodo news": ("Kyodo", "Asia/Tokyo"),
    "jiji press": ("Jiji Press", "Asia/Tokyo"),
    "yonhap": ("Yonhap", "Asia/Seoul"),
    "yonhap news agency": ("Yonhap", "Asia/Seoul"),
    "kcna": ("KCNA", "Asia/Pyongyang"),
    "pti": ("PTI", "Asia/Kolkata"),
    "press trust of india": ("PTI", "Asia/Kolkata"),
    "ani": ("ANI", "Asia/Kolkata"),
    "ians": ("IANS", "Asia/Kolkata"),
    "app": ("APP", "Asia/Karachi"),
    "bss": ("BSS", "Asia/Dhaka"),
    "unb": ("UNB", "Asia/Dhaka"),
    "bernama": ("Bernama", "Asia/Kuala_Lumpur"),
    "antara": ("Antara", "Asia/Jakarta"),
    "pna": ("PNA", "Asia/Manila"),
    "vna": ("VNA", "Asia/Ho_Chi_Minh"),
    "irna": ("IRNA", "Asia/Tehran"),
    "wam": ("WAM", "Asia/Dubai"),
    "spa": ("SPA", "Asia/Riyadh"),
    "anadolu": ("Anadolu", "Europe/Istanbul"),
    "anadolu agency": ("Anadolu", "Europe/Istanbul"),
    "aa": ("Anadolu", "Europe/Istanbul"),
    "aap": ("AAP", "Australia/Sydney"),
    "dpa": ("dpa", "Europe/Berlin"),
    "ansa": ("ANSA", "Europe/Rome"),
    "efe": ("EFE", "Europe/Madrid"),
    "pa": ("PA", "Europe/London"),
    "pa media": ("PA", "Europe/London"),
    "ap": ("AP", "America/New_York"),
    "associated press": ("AP", "America/New_York"),
    "upi": ("UPI", "America/New_York"),
    "cnn": ("CNN", "America/New_York"),
    "cnn business": ("CNN", "America/New_York"),
    "bloomberg": ("Bloomberg", "America/New_York"),
    "canadian press": ("The Canadian Press", "America/Toronto"),
    "reuters": ("Reuters", ""),
    "thomson reuters foundation": ("Reuters", ""),
    "afp": ("AFP", ""),
    "agence france-presse": ("AFP", ""),
    "prnewswire": ("PR Newswire", "America/New_York"),
    "pr newswire": ("PR Newswire", "America/New_York"),
    "business wire": ("Business Wire", "America/New_York"),
    "globe newswire": ("GlobeNewswire", "America/New_York"),
    "globenewswire": ("GlobeNewswire", "America/New_York"),
}

_BYLINE = re.compile(r"(?:By|Written by):?\s+(?P<names>(?=[^\W\d_])[^!?\n]{2,120})", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*[|•·()]\s*|\s+/\s+")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?:\s?[ap]\.?m\.?)?(?:\s[A-Z]{2,4})?", re.IGNORECASE)
_UPDATED = re.compile(r"(?:last\s+)?(?:updated|modified)\b", re.IGNORECASE)
_EDITORS = re.compile(
    r"[(\[]\s*(?:(?:Web|Copy|News)\s+)?(?:Editors?|Edited by|Editing by)\s*:?\s+(?P<names>[^()\n]{2,150}?)\s*[)\].]*",
    re.IGNORECASE,
)
_CREDITS = re.compile(
    r"\(?\s*(?:Additional |With )?(?:[Rr]eporting|[Ww]riting) by (?P<names>[^;()\n]{2,150})(?:;[^()\n]{0,250})?\)?\s*"
)
_EDITING = re.compile(r"[Ee]diting by (?P<names>[^;()\n]{2,150})")

_MONTHS = {
    m: i for i, m in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)
}
_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_DATE = re.compile(
    rf"(?:^|[\s,.])(?:(?P<m1>{_MONTH})\s?(?P<d1>\d{{1,2}})|(?P<d2>\d{{1,2}})\s(?P<m2>{_MONTH}))"
    r"(?:,?\s(?P<year>\d{4}))?[.,]?\s*$"
)
_AGENCY = re.compile(r"[(/](?P<name>[^()/\n]{2,40})[)/]\.?(?:[ \t]*(?P<dash>--|[—–−:]|-(?=\s)))?\s*")
_BARE_AGENCY = re.compile(r"\b(?P<name>CNN Business|CNN|AP|AFP|Reuters)[ \t]*(?P<dash>--|[—–−])\s*")  # "Rome CNN —"
_DASH = re.compile(r"[ \t]*(?P<dash>--|[—–−]|(?<=\s)-(?=\s))\s*")
_LOOK = 160  # characters: no dateline is longer
_NOT_PLACES = {
    "UPDATE", "BREAKING", "EXCLUSIVE", "WATCH", "ANALYSIS", "OPINION", "CORRECTION", "CLARIFICATION", "VIDEO", "LIVE",
    "FACTBOX", "EXPLAINER", "REVIEW", "PHOTOS", "NOTE", "SPOILER ALERT", "EDITOR'S NOTE", "EDITOR’S NOTE", "FACT CHECK",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dateline:
    """What a dateline says. ``month`` and ``day`` are 0 without a date, ``year`` 0 unless printed.

    ``end`` is the offset at which the first sentence starts.
    """

    place: str
    agency: str
    month: int
    day: int
    year: int
    end: int

    def on(self, published: date | None) -> str:
        """The ISO day it names, "" without one.

        A year that is not printed is the last one in which the day is not after ``published`` (a day of grace for
        zones): a dateline of December 31 on a page of January 1 is of the year before.
        """
        if not self.day:
            return ""
        if self.year:
            return _iso(self.year, self.month, self.day)
        if published is None:
            return ""
        for year in (published.year + 1, published.year, published.year - 1):
            iso = _iso(year, self.month, self.day)
            if iso and date.fromisoformat(iso) <= published + timedelta(days=1):
                return iso
        return ""


@dataclass(frozen=True, slots=True)
class Header:
    """A line above the text that is not part of it. ``dates`` are as printed, each with whether it is of an update."""

    outlet: str = ""
    byline: str = ""
    dates: tuple[tuple[bool, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Credits:
    """A line below the text: who edited and who reported, as printed."""

    editors: str = ""
    reporters: str = ""


def agency_name(printed: str) -> str:
    """The short name of a known news agency ("The Associated Press" → "AP"), "" for any other name."""
    return _AGENCIES.get(_agency_key(printed), ("", ""))[0]


def agency_zone(printed: str) -> str:
    """The IANA zone in which a known agency stamps its pages, "UTC" for others."""
    return _AGENCIES.get(_agency_key(printed), ("", ""))[1] or "UTC"


def _agency_key(printed: str) -> str:
    return " ".join(printed.replace("’", "'").casefold().removeprefix("the ").split())


def page_header(line: str, today: date) -> Header | None:
    """Read a line above the text: a byline, a date, an agency, or several of them; None for anything else.

    Such as "Xinhua) 10:44, June 11, 2024", "By Jane Doe | June 11, 2024 | 10:44am", "Associated Press".
    """
    if not 1 < len(line) <= 150:
        return None
    outlet = byline = unknown = ""
    dates: list[tuple[bool, str]] = []
    for segment in filter(None, _SEPARATOR.split(line)):
        segment = segment.removeprefix("Source:").strip()
        if name := agency_name(segment):
            outlet = outlet or name
        elif _CLOCK.fullmatch(segment) and dates:
            dates[-1] = (dates[-1][0], f"{dates[-1][1]} {segment}")
        elif (match := _BYLINE.fullmatch(segment)) and not byline:
            byline, day = _split_byline(match["names"], today)
            # "By noon the square was full." is no byline: names are capitalised and end no sentence.
            if re.search(r"(?<!\b[JS]r)\.$", byline) or not all(
                w[0].isupper() or w in ("and", "de", "for", "of", "the", "van", "von")
                for w in byline.replace("&", " ").split()
            ):
                return None
            dates += [(False, day)] * bool(day)
        elif is_date(segment, today):
            dates.append((bool(_UPDATED.match(segment)), segment))
        elif unknown or len(segment) > 40 or not segment[0].isupper() or any(c.isdigit() for c in segment):
            return None
        else:
            unknown = segment
    if unknown:
        # A name that we do not know is the outlet's where the page stamps it with date and time: "(Paper) 10:44, June …"
        if not any(_CLOCK.search(when) for _, when in dates):
            return None
        outlet = outlet or unknown
    return Header(outlet, byline, tuple(dates)) if outlet or byline or dates else None


def is_names(line: str) -> bool:
    """Whether this line could be one or more people's names and nothing else ("Ann Lee and Bo Li")."""
    words = line.replace(",", " ").replace(" and ", " ").split()
    return (
        len(line) <= 80
        and 2 <= len(words) <= 9
        and all(w[0].isupper() and w.isprintable() for w in words)
        and (
            not any(c.isdigit() or c in ":!?|()" for c in line)
            and (not line.endswith(".") or line.endswith(("Jr.", "Sr.")))
        )
    )


def _split_byline(names: str, today: date) -> tuple[str, str]:
    """ "Jane Doe, June 11, 2024" → the names and the date."""
    for comma in re.finditer(r",\s*", names):
        if is_date(names[comma.end() :], today):
            return names[: comma.start()], names[comma.end() :]
    return names, ""


def is_date(text: str, today: date) -> bool:
    """Whether all of this short text is one date with its year."""
    if len(text) > 70 or not re.search(r"\d{4}", text):
        return False
    try:
        return bool(parse_date(text, today=today))
    except BadDate:
        return False


def page_footer(line: str) -> Credits | None:
    """Read a line below the text: "(Web editor: A, B)", "(Reporting by A; Editing by B)"; None for anything else."""
    if len(line) > 400:
        return None
    if match := _EDITORS.fullmatch(line):
        return Credits(editors=match["names"])
    if match := _CREDITS.fullmatch(line):
        editing = _EDITING.search(line)
        reporters = re.sub(r"\s+in\s+[^;]*?(?=\s+and\s+[^\W\d_]\S+\s+[^\W\d_]|$)", "", match["names"])
        return Credits(editors=editing["names"] if editing else "", reporters=reporters)
    return None


def dateline(text: str) -> Dateline | None:
    """Read the dateline that ``text`` starts with, or None."""
    head = text[:_LOOK].split("\n", 1)[0]
    window = text[: len(head) + 2]  # the dash may be followed by the break of a paragraph
    candidates = [*_AGENCY.finditer(window), *_BARE_AGENCY.finditer(window), *_DASH.finditer(window)]
    for match in sorted(candidates, key=lambda m: (m.start(), m.end())):
        found = _read(text, match)
        if found is not None:
            return found
    return None


def dateline_end(text: str) -> int:
    """The offset at which the first sentence starts after a dateline; 0 where there is none."""
    found = dateline(text)
    return found.end if found else 0


def _read(text: str, tail: re.Match[str]) -> Dateline | None:
    """The dateline that ends in ``tail`` (its agency and dash), or None where the words before it are no place."""
    lead = text[: tail.start()]
    printed = tail.groupdict().get("name") or ""
    dash = tail["dash"] or ""
    agency = agency_name(printed)
    if "/" in tail[0] and not agency:
        return None
    dated = _DATE.search(lead)
    place = (lead[: dated.start()] if dated else lead).strip(" ,\t")
    place, bracket = re.sub(r"\s*\[[^\]]{2,30}\]$", "", place), place.endswith("]")
    starts = text[tail.end() : tail.end() + 1]
    if not starts or not _is_place(place, capitals=False):
        return None
    capitals = _is_place(place, capitals=True)
    opens = starts.isupper() or starts.isdecimal() or starts in "\"'“‘«"  # a sentence begins here
    if agency:
        # Brackets alone ("Angela Merkel (AP)") may be a picture's credit: a dash, a date or capitals must agree.
        sure = bool(
            dash
            or (dated and place)
            or bracket
            or capitals
            or (opens and not starts.isdecimal() and (agency == "CNN" or not place))
        )
    elif printed:
        sure = bool(place) and dash not in ("", ":") and (capitals or bool(dated)) and opens
    else:
        sure = capitals and (dash != "-" or bool(dated)) and opens and place.upper() not in _NOT_PLACES
    if not sure:
        return None
    month = day = year = 0
    if dated:
        month = _MONTHS[(dated["m1"] or dated["m2"])[:3].lower()]
        day = int(dated["d1"] or dated["d2"])
        year = int(dated["year"] or 0)
    return Dateline(place, agency or printed.strip(), month, day, year, tail.end())


def _is_place(place: str, *, capitals: bool) -> bool:
    """Whether this could be printed as a place: "St. Louis", "NIZHNY NOVGOROD, Russia", "BEIRUT/JERUSALEM".

    With ``capitals`` its first part must be in capitals ("McALLEN" passes).
    """
    if not place:
        return not capitals
    parts = [part.split() for part in place.split(",")]
    if len(place) > 70 or len(parts) > 4 or not all(parts) or any(len(words) > 6 for words in parts):
        return False
    if not all(w[0].isupper() or w.lower() in _SMALL or not w[0].isalpha() for words in parts for w in words):
        return False
    if not all(c.isalpha() or c in " .,'’-/&" for c in place):
        return False
    first = "".join(c for c in " ".join(parts[0]).replace("Mc", "MC") if c.isalpha())
    return not capitals or (len(first) >= 3 and first.isupper())


_SMALL = {"de", "du", "la", "le", "al", "el", "of", "the", "and", "in", "on", "near", "di", "da", "dos", "am", "sur"}


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""

"""From what a source holds to an `Article`: a record of fields, a page of HTML, or a text as a wire prints it.

Each function returns `Extracted` or raises `NotAnArticle`; neither opens a file or a connection. Cleaning of text and
mapping of field names happen here and nowhere else.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from functools import lru_cache
from typing import Any, TypeGuard
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from rag.indexing import pages, wire
from rag.indexing.dates import BadDate, parse_date
from rag.indexing.identity import article_id, canonical_url, is_web_address, outlet_of, same_site
from rag.indexing.language import language_of
from rag.records import Article

MAX_TEXT = 32 * 2**20
"""Characters of one article's text; more is a dump, not an article."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "body", "content", "maintext", "articlebody", "articletext", "fulltext", "plaintext", "bodytext",
        "contentencoded", "article", "story",
    ),
    "title": ("title", "headline", "webtitle", "articletitle"),
    "url": ("url", "link", "canonicalurl", "articleurl", "weburl", "permalink"),
    "published": (
        "published", "publishdate", "datepublish", "publishedat", "datepublished", "pubdate", "publisheddate",
        "publishingdate", "publicationdate", "firstpublished", "webpublicationdate", "date", "datetime", "timestamp",
    ),
    "modified": ("modified", "datemodify", "datemodified", "modifiedat", "updated", "updatedat", "lastmodified"),
    "outlet": (
        "outlet", "outletname", "source", "sourcename", "publisher", "publication", "newspaper", "sitename",
        "sourcedomain", "site", "domain",
    ),
    "byline": ("byline", "authors", "author", "creator", "writer"),
    "language": ("language", "lang", "inlanguage"),
    "id": ("id", "articleid", "uuid", "guid"),
}  # fmt: skip
"""Field → the names under which data sets carry it, best first; compared in lower case, letters and digits only."""


MAX_DEPTH = 32
"""Lists and objects within each other that are looked into for a text; rich-text formats nest some ten."""


class NotAnArticle(ValueError):
    """There is no article in this; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """An article, the key that its id was made from, and what was noticed on the way (one line each)."""

    article: Article
    key: str
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class _Parts:
    """What is known of an article while it is read."""

    text: str = ""
    title: str = ""
    url: str = ""
    outlet: str = ""
    byline: tuple[str, ...] = ()
    published: str = ""
    modified: str = ""
    agency: str = ""
    editors: tuple[str, ...] = ()
    language: str = ""
    remarks: list[str] = field(default_factory=list[str])


# ---- Records ---------------------------------------------------------------------------------------------------------


def from_record(
    record: Mapping[str, Any], *, source: str, key: str, today: date, fields: Mapping[str, str] | None = None
) -> Extracted:
    """Read a record of named values (a JSON object, a row of a table) by the names in `COLUMNS`.

    ``fields`` maps a field of `COLUMNS` to the record's own name for it. ``source`` is where the record stands, for
    the reader; ``key`` is its container ("file:/abs/path"), which the id is made from where there is no URL.
    """
    by_name = _Names(record, fields or {})
    body = next((prose for value in by_name.all("text") if (prose := _prose(value)).strip()), "")
    if not body:
        raise NotAnArticle(by_name.why_no_text())
    _limit(body)
    parts = _Parts(text=body, remarks=by_name.missing())
    _fill(parts, {name: by_name.all(name) for name in COLUMNS if name != "text"}, today)
    if pages.is_page(body):
        page = _page(body, today)
        for name in ("title", "url", "outlet", "byline", "published", "modified", "language"):
            # What the record says of its article goes before what the page inside it says.
            setattr(parts, name, getattr(parts, name) or getattr(page, name))
        parts.text = page.text
    elif pages.is_html(body):
        parts.text = pages.without_tags(body)
    return _finish(parts, source=source, key=key, record=_line(by_name.all("id")), today=today)


def _fill(parts: _Parts, stated: Mapping[str, list[Any]], today: date) -> None:
    """Read the stated values, best first, into the fields of an article."""
    parts.title = _line(stated["title"])
    addresses = [_line(value) for value in stated["url"]]
    parts.url = next(filter(is_web_address, addresses), next((a for a in addresses if a), ""))
    parts.outlet = next((name for value in stated["outlet"] if (name := _outlet(value))), "")
    parts.byline = next((names for value in stated["byline"] if (names := _names(value))), ())
    parts.language = _language(_line(stated["language"]))
    parts.published = _precise(_date(stated["published"], parts.remarks, today), stated["published"], today)
    parts.modified = _date(stated["modified"], parts.remarks, today)


def _precise(found: str, values: Iterable[Any], today: date) -> str:
    """A day with its time, where another of the values gives that for the same day."""
    if len(found) != len("2024-06-11"):
        return found
    read = (_date([value], [], today) for value in values)
    return next((other for other in read if len(other) > len(found) and other.startswith(found)), found)


class _Names:
    """A record's values by our field names."""

    def __init__(self, record: Mapping[str, Any], fields: Mapping[str, str]) -> None:
        self._record = record
        self._fields = fields
        self._plain: dict[str, Any] = {}
        for name, value in record.items():
            self._plain.setdefault(_plain(name), value)

    def all(self, name: str) -> list[Any]:
        """The values that are not empty, best first."""
        if name in self._fields:
            column = self._fields[name]
            found = [self._record.get(column, self._plain.get(_plain(column)))]
        else:
            found = [self._plain[column] for column in COLUMNS[name] if column in self._plain]
        return [value for value in found if value is not None and value not in ("", [], {})]

    def missing(self) -> list[str]:
        return [
            f"no column {column!r} for {name} in this record"
            for name, column in self._fields.items()
            if not self._has(column)
        ]

    def why_no_text(self) -> str:
        names = ", ".join(str(name)[:30] for name in list(self._record)[:12]) or "nothing"
        if (wanted := self._fields.get("text")) and not self._has(wanted):
            return f"no column {wanted!r} for the text: it has {names}; name another with --field text=COLUMN"
        if wanted or any(column in self._plain for column in COLUMNS["text"]):
            return "the article is empty"
        return f"no text: it has {names}; name the column that holds it with --field text=COLUMN"

    def _has(self, column: str) -> bool:
        return column in self._record or _plain(column) in self._plain


def has_text(record: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    """Whether this record holds an article's text itself (and is not a wrapper around records).

    Raises `NotAnArticle` where the text is nested deeper than `MAX_DEPTH`.
    """
    return any(_prose(value).strip() for value in _Names(record, fields).all("text"))


def check_header(header: Sequence[str], fields: Mapping[str, str]) -> None:
    """Raise `NotAnArticle` where no row under this header could be read: no text, or a named column is not there."""
    by_name = _Names(dict.fromkeys(header, ""), fields)
    reason = by_name.why_no_text()
    if reason != "the article is empty":
        raise NotAnArticle(reason)
    if missing := by_name.missing():
        raise NotAnArticle(f"{missing[0].removesuffix(' in this record')}: it has {', '.join(header[:12])}")


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return "".join(c for c in str(name).casefold() if c.isalnum())


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def _prose(value: Any, depth: int = 0) -> str:
    """A text, a list of paragraphs, or an object that holds one of them."""
    if isinstance(value, str):
        return value
    _check_depth(depth)
    if is_list(value):
        return "\n\n".join(paragraph for item in value if (paragraph := _prose(item, depth + 1)))
    if is_object(value):
        names = ("text", "body", "content", "value", "#text")
        return next((_prose(value[name], depth + 1) for name in names if name in value), "")
    return ""


def _line(value: Any, depth: int = 0) -> str:
    """One line of clean text from a value that may be nested ({"name": …})."""
    _check_depth(depth)
    if is_object(value):
        names = ("name", "title", "text", "@value", "#text", "@id", "url")
        return _line(next((value[n] for n in names if n in value), ""), depth + 1)
    if is_list(value):
        return next((line for item in value if (line := _line(item, depth + 1))), "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(clean(str(value))[0].split())


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotAnArticle(f"nested deeper than {MAX_DEPTH} levels; flatten it")


def _outlet(value: Any) -> str:
    name = _line(value)
    return outlet_of(name) if "://" in name or re.fullmatch(r"www\.[\w.-]+", name) else name


def _date(values: Iterable[Any], remarks: list[str], today: date, zone: tzinfo = UTC) -> str:
    """The first value that is a date; those before it that are none are remarked upon."""
    for value in values:
        try:
            if found := parse_date(value, today=today, zone=zone):
                return found
        except BadDate as error:
            remarks.append(f"date left out: {error}; write it like 2023-01-05")
    return ""


def _names(value: Any) -> tuple[str, ...]:
    """Authors' names from a list of strings or objects, or from one line ("By Jane Doe and John Roe, Reuters")."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]") and len(value) < 10_000:
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):  # else it is just a line in brackets
            value = ast.literal_eval(value)  # a Python list written into a CSV cell
    if is_list(value):
        found = [name for item in value[:50] if (name := _BY.sub("", _line(item)))]
    else:
        line = _BY.sub("", _line(value))[:1000]
        found = [part for part in re.split(r"\s*[,;|&]\s*|\s+and\s+", line) if part]
        for i in range(len(found) - 1, 0, -1):
            if re.fullmatch(r"(?:Jr|Sr)\.?|I{2,3}|IV|M\.?D\.?|Ph\.?D\.?", found[i]):
                found[i - 1 : i + 1] = [f"{found[i - 1]}, {found[i]}"]
    kept = (name.strip(" .,;") for name in found if "://" not in name and len(name) <= 100)
    return tuple(dict.fromkeys(name for name in kept if name))


def _language(stated: str) -> str:
    """A language tag's primary part in lower case ("en-US" → "en"); a name is kept as stated."""
    match = re.fullmatch(r"([A-Za-z]{2,3})(?:[-_].*)?", stated)
    return match[1].lower() if match else stated[:40]


# ---- Wire text -------------------------------------------------------------------------------------------------------

_BY = re.compile(
    r"^(?:(?:(?:interview|report|reporting|words|story|text|written|edited)\s+)?by|par|מאת|автор|текст|بقلم):?\s+",
    re.IGNORECASE,
)


def from_text(text: str, *, source: str, key: str, today: date, markdown: bool = False) -> Extracted:
    """Read a text as wires and archives print it: headline, page header, byline, dateline, body, editors' line.

    With ``markdown`` its marks are taken off and front matter ("---" with "name: value" lines) is read as a record.
    """
    _limit(text)
    body, nul = clean(text)
    front: dict[str, Any] = {}
    if markdown:
        front, body = _front_matter(body)
        body = _without_marks(body)
    if not body:
        raise NotAnArticle("the article is empty")
    parts = _Parts(text=body)
    if nul:
        parts.remarks.append(f"NUL characters dropped: {nul}")
    by_name = _Names(front, {})
    _fill(parts, {name: by_name.all(name) for name in COLUMNS if name != "text"}, today)
    if not parts.title:
        parts.title, parts.text = _headline(body, today)
    return _finish(parts, source=source, key=key, record=None, today=today)


def _headline(body: str, today: date) -> tuple[str, str]:
    """A first line that is no sentence is the headline; the rest is the text."""
    first, _, rest = body.partition("\n")
    own_paragraph = rest.startswith("\n")
    rest = rest.lstrip("\n")
    if not rest or len(first) > 250 or wire.page_header(first, today) or wire.dateline_end(body):
        return "", body
    if first.endswith((".", ",", ";", ":", "-", "—", "。", '."', ".”", ".'", ".’")):
        return "", body
    # Lines wrapped to a width: the first is no headline but the start of a sentence.
    if not own_paragraph:
        following = rest.split("\n", 1)[0]
        if rest[0].islower() or ("\n\n" in rest and not wire.page_header(following, today)):
            return "", body
    return first.strip(), rest


def _read_furniture(parts: _Parts, today: date) -> wire.Dateline | None:
    """Take headline, page header, byline and credits off ``parts.text`` into their fields (those still empty).

    Returns the dateline that the remaining text starts with; it stays there.
    """
    text = parts.text
    known = {_plain(name) for name in (parts.title, *parts.byline) if name}
    outlet = _plain(parts.outlet or outlet_of(parts.url))

    def is_known(line: str) -> bool:
        plain = _plain(line)
        return plain in known or (len(plain) > 2 and outlet.startswith(plain))

    stamp = ""  # the agency whose page this is: its dates are in its own zone
    dates: list[tuple[bool, str]] = []
    line_at = wire.dateline(text)
    for _ in range(8):
        first, _, rest = text.partition("\n")
        line, rest = first.strip(), rest.lstrip("\n")
        if line_at or not rest or len(line) > 300:
            break
        if not is_known(line):
            header = wire.page_header(line, today)
            following = rest.partition("\n")[0].strip()
            if header is None and wire.is_names(line) and (is_known(following) or wire.agency_name(following)):
                header = wire.Header(byline=line)  # a name above its paper's
            if header is None:
                break
            stamp = stamp or header.outlet
            parts.byline = parts.byline or _names(header.byline)
            dates += header.dates
        text = rest
        line_at = wire.dateline(text)
    for _ in range(3):
        head, _, last = text.rpartition("\n")
        footer = wire.page_footer(last.strip()) if head.strip() else None
        if footer is None:
            break
        parts.editors = parts.editors or _names(footer.editors)
        parts.byline = parts.byline or _names(footer.reporters)
        text = head.rstrip()
    parts.text = text
    parts.agency = (wire.agency_name(line_at.agency) if line_at else "") or wire.agency_name(stamp)
    parts.outlet = parts.outlet or outlet_of(parts.url) or stamp or parts.agency
    zone = ZoneInfo(wire.agency_zone(stamp or parts.agency))
    for modified, when in dates:
        found = _date([when], parts.remarks, today, zone)
        if modified:
            parts.modified = parts.modified or found
        else:
            parts.published = parts.published or found
    return line_at


def _front_matter(body: str) -> tuple[dict[str, Any], str]:
    match = re.match(r"---\n(.{0,20000}?)\n(?:---|\.\.\.)\n", body, re.DOTALL)
    if not match:
        return {}, body
    found: dict[str, Any] = {}
    for line in match[1].split("\n"):
        name, colon, value = line.partition(":")
        if colon and value.strip() and name == name.strip():
            found[name] = value.strip().strip("\"'")
    return found, body[match.end() :]


def _without_marks(body: str) -> str:
    """Markdown's words without its marks."""
    # Every repetition is bounded: a page of nothing but marks must not take quadratic time.
    body = re.sub(r"!\[[^\[\]\n]{0,300}\]\([^()\n]{0,500}\)", "", body)
    body = re.sub(r"\[([^\[\]\n]{1,300})\]\([^()\n]{0,500}\)", r"\1", body)
    body = re.sub(r"(?m)^ {0,3}(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+)", "", body)
    body = re.sub(r"(\*\*|__)(?=\S)([^\n]{1,300}?\S)\1", r"\2", body)
    body = re.sub(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,300}?)(?<=\S)\*(?![\w*])", r"\1", body)
    return clean(body)[0]


# ---- HTML ------------------------------------------------------------------------------------------------------------


def from_html(
    html: str | bytes,
    *,
    source: str,
    key: str,
    today: date,
    address: str = "",
    charset: str = "",
    said: Mapping[str, Any] | None = None,
) -> Extracted:
    """Read a page: its main text, and what it says of itself in JSON-LD, OpenGraph and other meta elements.

    ``address`` is where it was fetched from, ``charset`` what its server claims. ``said`` is what a feed or sitemap
    says of it, in names of `COLUMNS`; it fills what the page leaves open.
    """
    _limit(html)
    parts = _page(pages.decode_page(html, charset) if isinstance(html, bytes) else html, today, address)
    if said:
        by_name = _Names(said, {})
        listed = _Parts()
        _fill(listed, {name: by_name.all(name) for name in COLUMNS if name != "text"}, today)
        for name in ("title", "outlet", "byline", "published", "modified", "language"):
            setattr(parts, name, getattr(parts, name) or getattr(listed, name))
    return _finish(parts, source=source, key=key, record=None, today=today)


def _page(html: str, today: date, address: str = "") -> _Parts:
    try:
        page = pages.read_page(html)
    except ValueError as error:
        raise NotAnArticle(str(error)) from error
    parts = _Parts(text=page.text)
    stated = dict(page.stated)
    if address:
        # A page may name its own address better than the one it was found at, but not call itself another site's.
        own = [urljoin(address, line) for value in stated["url"] if (line := _line(value))]
        stated["url"] = [*(url for url in own if is_web_address(url) and same_site(url, address)), address]
    _fill(parts, stated, today)
    _read_head(parts, page.lines, today)
    return parts


_STUB = re.compile(
    r"(?i)(?:subscribe (?:now )?to (?:continue|keep|read)|(?:already a (?:subscriber|member)|to (?:continue|keep) reading)\b"
    r"|this (?:article|content|story) is (?:only )?(?:for|available to|reserved for) (?:our )?(?:subscribers|members)).*"
)
_FURNITURE = re.compile(
    r"(?i)(?:advertisement|advertising|sponsored content|story continues below(?: advertisement)?|skip (?:past )?(?:ad|newsletter).*"
    r"|(?:sign up|subscribe) (?:for|to) (?:our|the|my)\b.*(?:newsletter|briefing|inbox).*|share (?:this|on)\b.{0,60}|read more:?|related (?:stories|articles|topics):?)"
)


def _read_head(parts: _Parts, lines: Sequence[str], today: date) -> None:
    """What the lines under the headline say of the article, and its text without the page's own furniture."""
    at = next((n for n, line in enumerate(lines) if len(line) >= 15 and _is_title(line, parts.title)), None)
    if at is not None:
        if len(lines[at]) < len(parts.title):
            parts.title = lines[at]  # the title with the outlet's name before or after it
        for line in lines[at + 1 : at + 6]:
            header = wire.page_header(line, today)
            if header is None:
                continue
            parts.byline = parts.byline or _names(header.byline)
            zone = ZoneInfo(wire.agency_zone(header.outlet))
            days = [_date([when], [], today, zone) for modified, when in header.dates if not modified]
            parts.published = _precise(parts.published, days, today) or next(filter(None, days), "")
    if _plain(" ".join(parts.byline)) == _plain(parts.outlet):
        parts.byline = ()  # a paper that signs for its writers
    kept = parts.text.split("\n")
    if stub := next((n for n, line in enumerate(kept) if len(line) < 200 and _STUB.fullmatch(line.strip())), None):
        kept = kept[:stub]
        parts.remarks.append("only what stands before its paywall is kept")
    kept = [line for line in kept if len(line) > 150 or not _FURNITURE.fullmatch(line.strip())]
    while len(kept) > 1 and (
        not kept[0].strip()
        or _is_stamp(kept[0], parts.published)
        or (parts.byline and len(kept[0]) < 120 and _names(kept[0]) == parts.byline)
    ):
        kept.pop(0)
    parts.text = "\n".join(kept)


def _is_title(line: str, title: str) -> bool:
    """Whether a line is the headline, be it without the outlet's name that the page's title has before or after it."""
    if line == title:
        return True
    rest = title.removeprefix(line) if title.startswith(line) else title.removesuffix(line)
    return rest != title and re.fullmatch(r"\s*[|:–—_-].*|.*[|:–—_-]\s*", rest) is not None


def _is_stamp(line: str, published: str) -> bool:
    """Whether a line only says when the article was published, in whatever language."""
    if len(line) > 120 or len(published) < len("2024-06-11T10:44"):
        return False
    hour, minute = published[11:13], published[14:16]
    return published[:4] in line and re.search(rf"\b0?{int(hour)}\s?[:h.]\s?{minute}\b", line) is not None


# ---- Cleaning, and the end of every path -----------------------------------------------------------------------------

_TOO_LONG = f"longer than {MAX_TEXT // 2**20} MiB, the limit for one article; split it"
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u2007\u202f]")
# Control characters, and the invisible ones that break words or turn the order of what is shown.
_DROPPED = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_UNCLEAN = re.compile(  # one look for all of the above: most texts need none of it
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\u00ad\u2007\u200b\u2028-\u202f\u2060\u2066-\u2069\ud800-\udfff\ufeff]"
)


def clean(text: str) -> tuple[str, int]:
    """Text in its one form, and how many NUL characters were dropped.

    NFC; "\\n" for every line end, at most one blank line; no control characters but "\\n" and "\\t"; no spaces at line
    ends, none that do not break; lone surrogates become U+FFFD. Cleaning twice changes nothing more.
    """
    nul = 0
    if _UNCLEAN.search(text):
        nul = text.count("\0")
        if _SURROGATES.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = _BREAKS.sub("\n", text)
        text = _SPACES.sub(" ", text)
        text = _DROPPED.sub("", text)
    text = unicodedata.normalize("NFC", text)
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    if "\n\n\n" in text:
        text = re.sub(r"\n{3,}", "\n\n", text)
    return text.strip(), nul


def _limit(text: str | bytes) -> None:
    if len(text) > MAX_TEXT:
        raise NotAnArticle(_TOO_LONG)


def _finish(parts: _Parts, *, source: str, key: str, record: str | None, today: date) -> Extracted:
    """Clean, take the furniture off, and make the article. ``record`` is None for a document, else its own id or ""."""
    parts.text, nul = clean(parts.text)
    if nul:
        parts.remarks.append(f"NUL characters dropped: {nul}")
    if not parts.text:
        raise NotAnArticle("the article is empty")
    _limit(parts.text)
    line = _read_furniture(parts, today)
    if not is_web_address(parts.url):
        if parts.url:
            parts.remarks.append(f"address left out: {parts.url[:60]!r} is no http or https URL")
        parts.url = ""
    identity = canonical_url(parts.url) or key
    if not parts.url and record is not None:
        known = parts.title + parts.published
        identity += f"#{record}" if record else f"#{article_id(known or parts.text)}"
    day = parts.published or parts.modified
    article = Article(
        id=article_id(identity),
        title=parts.title or _label(parts.text),
        text=parts.text,
        url=parts.url,
        source=source,
        outlet=parts.outlet,
        byline=parts.byline,
        published=parts.published,
        modified=parts.modified,
        dateline=line.place if line else "",
        event_date=line.on(date.fromisoformat(day[:10]) if day else None) if line else "",
        agency=parts.agency,
        editors=parts.editors,
        language=language_of(parts.text, parts.language),
    )
    return Extracted(article, identity, tuple(dict.fromkeys(parts.remarks)))


def _label(text: str) -> str:
    """What an article without a title is called: its first words, at most 100 characters."""
    start = text[wire.dateline_end(text) :][:300].split("\n", 1)[0].strip() or text[:100].split("\n", 1)[0]
    sentence = re.match(r".{20,100}?[.!?](?=\s|$)", start)
    if sentence or len(start) <= 100:
        return sentence[0] if sentence else start
    cut = start[:99]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut) + "…"

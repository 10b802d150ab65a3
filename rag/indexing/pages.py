# pyright: basic
# (lxml ships no types)
"""HTML as text and as stated facts. Hands out what the page says, unjudged; `rag.indexing.extract` makes an article of it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

_WHOLE_PAGE = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_TAG = re.compile(
    r"</(?:p|div|span|a|em|strong|b|i|h[1-6]|li|blockquote|article|figure|table)\s*>|<(?:br|p)\s*/?>", re.IGNORECASE
)
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([\w.:-]{2,40})""", re.IGNORECASE
)
_BLOCK = {
    "address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table",
    "td", "th", "tr", "ul",
}  # fmt: skip
_SILENT = {"script", "style", "noscript", "template", "iframe", "svg", "head", "button", "nav", "form"}
_LINES = 40  # lines of a page among which its headline, byline and date are looked for
_NEWS_TYPE = re.compile(r"(?:\w*Article|BlogPosting|LiveBlogPosting|Report)$")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # a character of these says what some three letters do
_SHORT = 200  # letters: below its own minimum trafilatura returns nothing, or one stray line


@dataclass(frozen=True, slots=True)
class Page:
    """The main text of a page, paragraphs parted by blank lines, and what the page says of it.

    ``lines`` are the first that a reader sees, menus aside. ``stated`` holds, for title, url, outlet, byline, published, modified and language, the values found, best first.
    """

    text: str
    stated: Mapping[str, list[Any]]
    lines: tuple[str, ...] = ()


def is_page(text: str) -> bool:
    """Whether this text is a whole HTML page."""
    return _WHOLE_PAGE.search(text[:2000]) is not None


def is_html(text: str) -> bool:
    """Whether this text is written in HTML: it closes tags, or breaks lines with them."""
    return "<" in text and _TAG.search(text) is not None


def decode_page(raw: bytes, charset: str = "") -> str:
    """Bytes of a page as text: byte order mark, then UTF-8 where they are that, then the charset that the page and the
    server (``charset``) declare, then Windows-1252 as browsers do.

    Wrong declarations are common, and text in another encoding is hardly ever UTF-8 by chance.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    declared = _DECLARED.search(raw[:4096])
    named = [name for name in (declared[1].decode("ascii", "replace") if declared else "", charset) if name]
    shifting = [name for name in named if re.match(r"iso-?2022|hz-gb|utf-?7", name, re.IGNORECASE)]
    for encoding in (*shifting, "utf-8", *named):
        try:
            return raw.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    lines = [line for line in raw.split(b"\n") if not line.isascii()]
    whole = [line for line in lines if _is_utf8(line)]
    if len(whole) * 2 >= len(lines):
        # Pasted together from two encodings: each line by itself.
        return "\n".join(line.decode("utf-8" if _is_utf8(line) else "cp1252", "replace") for line in raw.split(b"\n"))
    return raw.decode("cp1252", "replace")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_page(html: str) -> Page:
    """Read a page: its main text by trafilatura, its facts from JSON-LD, then meta elements, then trafilatura.

    Raises ValueError where there is nothing to parse.
    """
    import trafilatura  # 0.2 s, and needed only where there is HTML
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
    from lxml import html as lxml_html

    # What it could not read is reported by us; its own warnings would land in the middle of a progress bar.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    html = html.replace("\0", "")
    try:
        tree = lxml_html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", html))
    except etree.ParserError as error:
        raise ValueError("the page is empty") from error
    news = _news_object(tree)
    stated = _stated(tree, news)
    body = tree.find("body")
    whole = body if body is not None else tree
    lines = [line for line in _text_of(whole).split("\n") if line][:_LINES]
    found = trafilatura.bare_extraction(
        html,
        include_comments=False,
        include_tables=False,
        with_metadata=True,
        as_dict=True,
        date_extraction_params={"original_date": True, "extensive_search": False},
    )
    found = found if isinstance(found, dict) else {}
    for name, key in (("title", "title"), ("byline", "author"), ("outlet", "sitename"), ("published", "date")):
        stated[name].append(found.get(key))
    text = "\n\n".join((found.get("text") or "").split("\n"))  # it writes one paragraph a line
    if len(text) + 2 * len(_WIDE.findall(text)) < _SHORT:
        article = tree.find(".//article")
        plain = _text_of(article if article is not None else whole)
        text = plain if article is not None or len(plain.strip()) > len(text) else text
    said = _plain_text(news.get("articleBody"))
    if len(said) > 2 * len(text):
        text = said  # a page that a script draws, or one that hides most of its text
    return Page(text, {name: [v for v in values if v] for name, values in stated.items()}, tuple(lines))


def without_tags(fragment: str) -> str:
    """The words of an HTML fragment, its blocks parted by blank lines: all of it belongs to the article."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
    from lxml import html as lxml_html

    try:
        return _text_of(lxml_html.fragment_fromstring(fragment.replace("\0", ""), create_parent=True))
    except (etree.ParserError, ValueError):
        return fragment  # angle brackets, but no HTML


def _plain_text(stated: Any) -> str:
    if not isinstance(stated, str):
        return ""
    text = unescape(stated)
    return without_tags(text) if is_html(text) else text


def _stated(tree: Any, news: Mapping[str, Any]) -> dict[str, list[Any]]:
    meta: dict[str, str] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop")
        if name and element.get("content"):
            meta.setdefault(name.lower(), element.get("content"))
    canonical = [e.get("href") for e in tree.iter("link") if (e.get("rel") or "").lower() == "canonical"]
    times = [
        e.get("datetime")
        for e in tree.iter("time")
        if e.get("itemprop") == "datePublished" or "pubdate" in e.attrib or "publish" in (e.get("class") or "").lower()
    ]
    heads = [e for e in tree.iter("time") if any(a.tag == "header" for a in e.iterancestors())]
    times += [e.get("datetime") for e in heads] if len(heads) == 1 else []

    def metas(*names: str) -> list[Any]:
        return [meta.get(name) for name in names]

    return {
        "title": [news.get("headline"), *metas("og:title")],
        "url": [*canonical, *metas("og:url"), news.get("url"), news.get("mainEntityOfPage")],
        "outlet": [news.get("publisher"), *metas("og:site_name"), *_microdata(tree, "publisher")],
        "byline": [
            news.get("author"),
            *metas("author", "article:author", "parsely-author", "dc.creator"),
            *_microdata(tree, "author"),
        ],
        "published": [
            news.get("datePublished"),
            *metas("article:published_time", "datepublished", "parsely-pub-date", "pubdate", "date", "dc.date"),
            *times,
        ],
        "modified": [news.get("dateModified"), *metas("article:modified_time", "datemodified", "og:updated_time")],
        "language": [tree.get("lang"), tree.get("{http://www.w3.org/XML/1998/namespace}lang"), news.get("inLanguage")],
    }


def _microdata(tree: Any, name: str) -> list[str]:
    """The names of what microdata calls by a property's name ("publisher")."""
    found: list[str] = []
    for element in tree.iter():
        if isinstance(element.tag, str) and element.get("itemprop") == name and "itemscope" in element.attrib:
            named = [e for e in element.iter() if isinstance(e.tag, str) and e.get("itemprop") == "name"]
            found += [e.get("content") or " ".join("".join(e.itertext()).split()) for e in named[:1]]
    return found


def _news_object(tree: Any) -> dict[str, Any]:
    """The first JSON-LD object of the page that describes an article, {} where there is none.

    What it only refers to ({"@id": …}) is put in its place where the page gives it.
    """
    found: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for script in tree.iter("script"):
        if not (script.get("type") or "").lower().startswith("application/ld+json"):
            continue
        waiting = [_parsed(script.text or "")]
        while waiting:
            item = waiting.pop(0)
            if isinstance(item, list):
                waiting += item
            elif isinstance(item, dict):
                if isinstance(item.get("@id"), str) and len(item) > 1:
                    known.setdefault(item["@id"], item)
                kinds = item.get("@type")
                kinds = kinds if isinstance(kinds, list) else [kinds]
                if not found and any(isinstance(kind, str) and _NEWS_TYPE.match(kind) for kind in kinds):
                    found = item
                waiting += [item[name] for name in ("@graph", "mainEntity") if name in item]
    return {name: _said(value, known) for name, value in found.items()}


def _said(value: Any, known: Mapping[str, Any]) -> Any:
    """A value of JSON-LD as it is meant: what it refers to, and text that templates escape as if it were HTML."""
    if isinstance(value, dict) and set(value) == {"@id"} and isinstance(value["@id"], str):
        return known.get(value["@id"], value)
    return unescape(value) if isinstance(value, str) and "&" in value else value


def _parsed(text: str) -> Any:
    """What a script of JSON-LD holds, None where it is broken beyond its usual flaw, a comma before the end."""
    text = text.strip()
    for mended in (text, re.sub(r",(\s*[}\]])", r"\1", text)):
        try:
            return json.loads(mended, strict=False)
        except (ValueError, RecursionError):
            continue  # the meta elements say the same
    return None


def _text_of(root: Any) -> str:
    out: list[str] = []
    waiting: list[Any] = [root]  # a stack of our own: pages nest deeper than Python recurses
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            out.append(node)
            continue
        if node is not root and node.tail:
            waiting.append(re.sub(r"\s+", " ", node.tail))
        if not isinstance(node.tag, str) or node.tag in _SILENT:
            continue
        if node.tag == "br":
            out.append("\n")
            continue
        if node.tag in _BLOCK:
            waiting.append("\n\n")
            out.append("\n\n")
        waiting.extend(reversed(node))
        if node.text:
            out.append(node.text if node.tag == "pre" else re.sub(r"\s+", " ", node.text))
    return "\n".join(line.strip() for line in "".join(out).split("\n"))

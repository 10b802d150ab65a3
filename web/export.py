"""Answers to take along: Markdown, HTML, JSON, CSL-JSON, BibTeX and plain text, each with the sources cited.

Numbers are those of the page: [n] of an answer is the n-th citation in its list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.records import NOT_IN_ARCHIVE, Answer, Article, Citation
from web.html import escape, link, safe_url
from web.talk import Exchange

FORMATS = {"md": "Markdown", "html": "HTML", "json": "JSON", "csl": "CSL-JSON", "bib": "BibTeX"}
_FILES = {
    "md": ("md", "text/markdown"),
    "html": ("html", "text/html"),
    "json": ("json", "application/json"),
    "csl": ("csl.json", "application/vnd.citationstyles.csl+json"),
    "bib": ("bib", "application/x-bibtex"),
}
Articles = Mapping[str, Article]


@dataclass(frozen=True, slots=True)
class File:
    """A file for the browser to save: its name, media type and text."""

    name: str
    type: str
    text: str


def file(shown: Sequence[Exchange], form: str, articles: Articles) -> File:
    """The answered exchanges as one file. ``form`` is a key of FORMATS (KeyError)."""
    answers = [e.answer for e in shown if e.answer is not None]
    ending, media = _FILES[form]
    words = "-".join(re.findall(r"\w+", answers[0].question.lower())[:8]) if answers else ""
    text = {"md": markdown, "html": page, "json": as_json, "csl": csl, "bib": bibtex}[form](answers, articles)
    return File(f"{words[:80] or 'dateline'}.{ending}", media, text)


def markdown(answers: Sequence[Answer], articles: Articles) -> str:
    return "\n".join(_markdown(a) for a in answers)


def _markdown(answer: Answer) -> str:
    lines = [f"## {_plain_md(answer.question)}", ""]
    for s in answer.sentences:
        who = f"**{_plain_md(s.speaker)}:** " if s.speaker else ""
        marks = "".join(rf"\[{n}\]" for n in s.citations)
        lines += [f"{who}{_plain_md(s.text)} {marks}".rstrip(), ""]
    if not answer.sentences:
        lines += [NOT_IN_ARCHIVE, ""]
    for c in answer.citations:
        title = _plain_md(c.title or "Untitled")
        url = safe_url(c.url)
        named = f"[{title}](<{url.replace('<', '%3C').replace('>', '%3E')}>)" if url else title
        rest = ", ".join(_plain_md(x) for x in (c.outlet, c.published[:10]) if x)
        also = f"; also in {_plain_md(', '.join(c.also_in))}" if c.also_in else ""
        also += "".join(f"; {_plain_md(correction.text)}" for correction in c.corrections)
        lines.append(f"{c.n}. {named}{', ' if rest else ''}{rest}{also}: “{_plain_md(c.quote)}”")
    lines += ["", *(f"*{_plain_md(note)}*" for note in answer.notes), f"*{_covered(answer)}*", ""]
    return "\n".join(lines)


def _plain_md(text: str) -> str:
    """Text that Markdown shows as it is: nothing in it is a link, an image, HTML or a heading."""
    one_line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>#|!~&$])", r"\\\1", one_line)


def page(answers: Sequence[Answer], articles: Articles) -> str:
    """One HTML page that loads nothing."""
    parts = "".join(fragment(a) for a in answers)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<title>Dateline</title><style>body{max-width:42em;margin:2em auto;font:17px/1.5 Georgia,serif}"
        "small{color:#555}</style></head><body>" + parts + "</body></html>\n"
    )


def fragment(answer: Answer) -> str:
    """One answer with its sources as HTML: what is pasted into a draft."""
    said = "".join(
        f'<p dir="auto">{f"<b>{escape(s.speaker)}:</b> " if s.speaker else ""}{escape(s.text)} '
        f"{''.join(f'[{n}]' for n in s.citations)}</p>"
        for s in answer.sentences
    )
    sources = "".join(
        f'<li value="{c.n}" dir="auto">{link(c.url, escape(c.title or "Untitled"))}'
        f"{escape(''.join(f', {x}' for x in (c.outlet, c.published[:10]) if x))}: “{escape(c.quote)}”</li>"
        for c in answer.citations
    )
    notes = "".join(f"<p><small>{escape(n)}</small></p>" for n in (*answer.notes, _covered(answer)))
    return (
        f'<h2 dir="auto">{escape(answer.question)}</h2>{said or f"<p>{NOT_IN_ARCHIVE}</p>"}'
        f"{f'<ol>{sources}</ol>' if sources else ''}{notes}"
    )


def plain(answer: Answer) -> str:
    """One answer with its sources as text: what is pasted where no markup is understood."""
    lines = [answer.text, ""]
    for c in answer.citations:
        where = ", ".join(x for x in (c.title, c.outlet, c.published[:10], safe_url(c.url)) if x)
        lines.append(f"[{c.n}] {' '.join(where.split())}")
    return "\n".join(lines).rstrip() + "\n"


def as_json(answers: Sequence[Answer], articles: Articles) -> str:
    return json.dumps([a.to_json() for a in answers], ensure_ascii=False, indent=1) + "\n"


def csl(answers: Sequence[Answer], articles: Articles) -> str:
    """The cited articles as CSL-JSON, each once."""
    found: list[dict[str, Any]] = []
    for c in _articles(answers):
        item: dict[str, Any] = {"id": c.article, "type": "article-newspaper", "title": c.title}
        article = articles.get(c.article)
        if article is not None and article.byline:
            item["author"] = [{"literal": name} for name in article.byline]
        if c.outlet:
            item["container-title"] = c.outlet
        if c.published:
            item["issued"] = {"date-parts": [[int(p) for p in c.published[:10].split("-")]]}
        if url := safe_url(c.url):
            item["URL"] = url
        if article is not None and article.language:
            item["language"] = article.language
        if article is not None and article.dateline:
            item["publisher-place"] = article.dateline
        found.append(item)
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def bibtex(answers: Sequence[Answer], articles: Articles) -> str:
    """The cited articles as BibTeX, each once."""
    entries: list[str] = []
    for c in _articles(answers):
        article = articles.get(c.article)
        fields = {"title": f"{{{_tex(c.title)}}}"}
        if article is not None and article.byline:
            fields["author"] = " and ".join(f"{{{_tex(name)}}}" for name in article.byline)
        fields["journal"] = _tex(c.outlet)
        if c.published:
            fields["year"], fields["month"], fields["day"] = c.published[:10].split("-")
        fields["url"] = re.sub(r"[{}\\\s]", "", safe_url(c.url))
        body = ",\n".join(f"  {k} = {{{v}}}" for k, v in fields.items() if v.strip("{}"))
        entries.append(f"@article{{{re.sub(r'[^A-Za-z0-9]', '', c.article) or 'article'},\n{body}\n}}\n")
    return "\n".join(entries)


_TEX = {
    "\\": r"\textbackslash ", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "_": r"\_",
    "^": r"\^{}", "~": r"\~{}",
}  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in " ".join(text.split()))


def _articles(answers: Sequence[Answer]) -> list[Citation]:
    """One citation an article, in the order of first use."""
    return list({c.article: c for a in reversed(answers) for c in reversed(a.citations)}.values())[::-1]


def _covered(answer: Answer) -> str:
    held = answer.coverage
    dates = f", {held.since[:10]} to {held.until[:10]}" if held.since else ""
    return f"Searched {held.articles:,} articles of {len(held.outlets):,} outlets{dates}."

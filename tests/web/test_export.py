"""What is taken along says what the page says, and nothing in it runs where it is opened."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from rag import Archive
from rag.records import Answer, Citation, Correction, Coverage, Sentence
from tests.conftest import PAYLOADS
from web import export
from web.talk import Exchange

QUESTION = "What did Lavrov say about BRICS expansion?"


@pytest.fixture
def shown(seed: Archive) -> Exchange:
    return Exchange(1, QUESTION, answer=seed.ask(QUESTION))


@pytest.mark.parametrize("form", list(export.FORMATS))
def test_every_format_names_the_source(form: str, shown: Exchange, seed: Archive) -> None:
    assert shown.answer
    articles = {c.article: seed.article(c.article) for c in shown.answer.citations}
    made = export.file([shown], form, articles)
    assert made.name.startswith("what-did-lavrov-say") and made.type
    assert "Xinhua" in made.text and "2024" in made.text
    if form in ("md", "html", "json"):
        assert all(s.text in unescape(made.text.replace("\\", "")) for s in shown.answer.sentences)


def test_csl_and_bibtex_name_an_article_once(shown: Exchange, seed: Archive) -> None:
    assert shown.answer and len(shown.answer.citations) > 1
    items = json.loads(export.file([shown, shown], "csl", {}).text)
    assert len(items) == 1
    assert items[0]["issued"] == {"date-parts": [[2024, 6, 11]]} and items[0]["type"] == "article-newspaper"
    assert export.file([shown, shown], "bib", {}).text.count("@article{") == 1


def test_nothing_to_export_is_an_empty_file() -> None:
    assert export.file([Exchange(1, "x")], "json", {}).text == "[]\n"


def hostile(text: str) -> Answer:
    url = f"https://x.example/{text}"
    corrected = Correction("by", text, text, "2024-05-03", url, text, text, 0, 1)
    cited = Citation(1, "id", text, text, "2024-05-02", url, 0, 1, text, "", text, (text,), (corrected,))
    return Answer(
        text, "answered", (Sentence(text, (1,), text),), (cited,), (), Coverage(1, 1, {text: 1}), notes=(text,)
    )


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "href" or (value or "").startswith("https://x.example/")


@pytest.mark.parametrize("text", PAYLOADS)
def test_hostile_texts_stay_texts(text: str) -> None:
    answer = hostile(text)
    assert Tags(export.fragment(answer)).found <= {"h2", "p", "b", "ol", "li", "a", "small"}
    markdown = export.markdown([answer], {})
    bare = re.sub(r"\\.|\]\(<https://x\.example/[^<>]*>\)", "", markdown)
    assert not re.search(r"[<`]|!\[|\]\(", bare), bare
    assert "corrected on 2024\\-05\\-03" in markdown or "corrected on 2024-05-03" in markdown
    assert json.loads(export.as_json([answer], {}))[0]["question"] == text
    assert export.bibtex([replace(answer, citations=answer.citations)], {}).count("@article{") == 1

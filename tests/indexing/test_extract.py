from __future__ import annotations

import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.extract import (
    COLUMNS,
    MAX_TEXT,
    Extracted,
    NotAnArticle,
    clean,
    from_html,
    from_record,
    from_text,
)
from rag.indexing.wire import dateline_end

TODAY = date(2024, 7, 1)
ROOT = Path(__file__).parents[2]


def record(values: dict[str, Any], **fields: str) -> Extracted:
    return from_record(values, source="t.jsonl#line 1", key="file:/t.jsonl", today=TODAY, fields=fields)


def text(body: str, *, markdown: bool = False) -> Extracted:
    return from_text(body, source="t.txt", key="file:/t.txt", today=TODAY, markdown=markdown)


def page(html: str | bytes) -> Extracted:
    return from_html(html, source="t.html", key="file:/t.html", today=TODAY)


# ---- The seed


def test_the_seed_is_read_as_its_page_prints_it() -> None:
    (path,) = sorted((ROOT / "seeds").glob("*.txt"))
    raw = path.read_text()
    article = text(raw).article
    assert article.title == "Wang Yi meets Lavrov on China-Russia, BRICS cooperation"
    assert article.outlet == article.agency == "Xinhua"
    assert article.published == "2024-06-11T10:44:00+08:00"
    assert article.event_date == "2024-06-10"
    assert article.dateline == "NIZHNY NOVGOROD, Russia"
    assert article.editors == ("Zhang Kaiwei", "Liang Jun")
    assert article.byline == () and article.url == ""
    assert article.text.startswith("NIZHNY NOVGOROD, Russia, June 10 (Xinhua) -- Chinese Foreign Minister")
    assert article.text.endswith("including the Ukraine crisis.")
    assert article.text in raw.replace("\r\n", "\n")
    assert article.text[dateline_end(article.text) :].startswith("Chinese Foreign Minister Wang Yi met")


# ---- Text


def test_byline_date_and_credits_leave_the_text_for_their_fields() -> None:
    found = text(
        "Rates rise again\n\nBy Jane Doe and John Roe\n\nPublished Jan. 5, 2023 at 5:30 p.m. ET\n\n"
        "Last updated January 6, 2023\n\nWASHINGTON, Jan. 5 (Reuters) - The bank raised rates.\n\nMarkets fell.\n\n"
        "(Reporting by Ann Lee in Washington; Editing by Bo Li and Cy Poe)"
    ).article
    assert (found.title, found.byline) == ("Rates rise again", ("Jane Doe", "John Roe"))
    assert (found.published, found.modified) == ("2023-01-05T17:30:00-05:00", "2023-01-06")
    assert (found.agency, found.dateline, found.event_date) == ("Reuters", "WASHINGTON", "2023-01-05")
    assert found.editors == ("Bo Li", "Cy Poe")
    assert found.text == "WASHINGTON, Jan. 5 (Reuters) - The bank raised rates.\n\nMarkets fell."


@pytest.mark.parametrize(
    ("body", "title", "rest"),
    [
        ("Headline\n\nBody one.", "Headline", "Body one."),
        ("Headline\nBody one.\nBody two.", "Headline", "Body one.\nBody two."),
        ("PARIS (AP) — It rained.\n\nMore.", "It rained.", "PARIS (AP) — It rained.\n\nMore."),
        ("It rained in Paris today.\n\nMore.", "It rained in Paris today.", "It rained in Paris today.\n\nMore."),
        ("One line", "One line", "One line"),
        (
            "The prime minister said on Monday that\nthe budget would grow.\n\nMore.",
            "The prime minister said on Monday that",
            "The prime minister said on Monday that\nthe budget would grow.\n\nMore.",
        ),
    ],
)
def test_a_first_line_is_the_headline_unless_it_is_a_sentence(body: str, title: str, rest: str) -> None:
    article = text(body).article
    assert (article.title, article.text) == (title, rest)


def test_speech_is_never_taken_for_a_credit_line() -> None:
    body = "Headline\n\n“I stay.”\n\nBy noon the square was full. He left.\n\n(The editor: it was a joke, he said. We laughed.)"
    assert text(body).article.text == body.removeprefix("Headline\n\n")


def test_markdown_loses_its_marks_and_its_front_matter_is_read() -> None:
    found = text(
        '---\ntitle: "Front: page"\ndate: 2023-01-05\nauthors: Jo Doe\n---\n'
        "A **bold** [link](https://x.example) and *one* star * 2.\n\n- item\n\n![alt](p.png)\n",
        markdown=True,
    ).article
    assert (found.title, found.published, found.byline) == ("Front: page", "2023-01-05", ("Jo Doe",))
    assert found.text == "A bold link and one star * 2.\n\nitem"
    assert text("# Heading\n\nBody.", markdown=True).article.title == "Heading"


# ---- Records


def test_field_names_of_common_data_sets() -> None:
    spellings: list[dict[str, Any]] = [
        {"url": "U", "title": "T", "text": "B", "published": "2023-01-05", "outlet": "O", "authors": ["A", "C"]},
        {"link": "U", "headline": "T", "body": "B", "publish_date": "2023/01/05", "source": {"name": "O"}, "byline": "By A and C"},
        {"canonical_url": "U", "Title": "T", "content": "B", "publishedAt": "20230105", "publisher": "O", "author": "A, C"},
        {"URL": "U", "title": "T", "maintext": "B", "date_publish": "2023-01-05 00:00:00", "source_domain": "O", "authors": "['A', 'C']"},
        {"url": "U", "title": "T", "article": ["B"], "Pub Date": "Jan. 5, 2023", "site": "O", "creator": [{"name": "A"}, {"name": "C"}]},
    ]  # fmt: skip
    seen = set()
    for values in spellings:
        values = {k: "https://e.example/a" if v == "U" else v for k, v in values.items()}
        a = record(values).article
        seen.add((a.id, a.url, a.title, a.text, a.published, a.outlet, a.byline))
    assert {s[1:] for s in seen} == {("https://e.example/a", "T", "B", "2023-01-05", "O", ("A", "C"))}
    assert len(seen) == 1


def test_named_columns_go_before_the_known_names() -> None:
    found = record({"text": "no", "Story Text": "yes", "h": "T"}, text="story text", title="h").article
    assert (found.title, found.text) == ("T", "yes")
    with pytest.raises(NotAnArticle, match="no column 'storie' for the text: it has text, h"):
        record({"text": "no", "h": "T"}, text="storie")
    assert record({"text": "B"}, title="head").remarks == ("no column 'head' for title in this record",)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"url": "https://e.example", "title": "T"}, "--field text=COLUMN"),
        ({"text": " \n\u200b\0"}, "the article is empty"),
        ({"text": None, "title": "T"}, "the article is empty"),
        ({"text": 5}, "the article is empty"),
        ({"body": "<p> </p>"}, "the article is empty"),
        ({}, "it has nothing"),
        ({"text": "a" * (MAX_TEXT + 1)}, "longer than 32 MiB"),
    ],
)
def test_what_is_no_article_says_why_in_one_line(values: dict[str, Any], why: str) -> None:
    with pytest.raises(NotAnArticle, match=why) as caught:
        record(values)
    assert "\n" not in str(caught.value)


def test_a_bad_date_is_left_out_with_a_remark_and_the_next_one_taken() -> None:
    bad = record({"text": "B", "date": "2023-02-31"})
    assert bad.article.published == ""
    assert bad.remarks == ("date left out: '2023-02-31' is no date; write it like 2023-01-05",)
    assert record({"text": "B", "published": "2999-01-01"}).article.published == ""
    assert record({"text": "B", "published": "soon", "date": "2023-01-05"}).article.published == "2023-01-05"
    assert record({"text": "B"}).remarks == ()


def test_only_web_addresses_become_links() -> None:
    found = record({"text": "B", "url": "javascript:alert(1)", "id": "7"})
    assert found.article.url == "" and "no http or https URL" in found.remarks[0]
    assert found.key == "file:/t.jsonl#7"


def test_identity_is_the_address_else_the_record() -> None:
    a = record({"text": "B", "url": "http://www.e.example/a/?utm_source=x"}).article
    b = record({"text": "another text", "url": "https://www.e.example/a"}).article
    assert a.id == b.id and a.outlet == "e.example"
    same = {"title": "T", "date": "2023-01-05"}
    assert record({**same, "text": "1"}).article.id == record({**same, "text": "2"}).article.id
    assert record({"text": "1"}).article.id != record({"text": "2"}).article.id
    assert record({"text": "1", "id": 1}).article.id != record({"text": "1", "id": 2}).article.id


def test_html_in_a_record_becomes_paragraphs_all_of_it() -> None:
    found = record(
        {
            "text": "<p>First <b>bold</b> &amp; <a href='x'>linked</a>.</p><script>no()</script><p>Se<i>co</i>nd.<br/>Line</p>"
        }
    )
    assert found.article.text == "First bold & linked.\n\nSecond.\nLine"
    assert record({"text": "If a < b and c > d, 3 <p 4."}).article.text == "If a < b and c > d, 3 <p 4."


def test_a_line_that_repeats_title_byline_or_outlet_leaves_the_text() -> None:
    found = record(
        {
            "title": "T’s day",
            "authors": ["Jo Doe"],
            "url": "https://www.usatoday.com/a",
            "text": "T’s day\n\nJo Doe\n\nUSA TODAY\n\nB.",
        }
    )
    assert found.article.text == "B."
    found = record({"url": "https://www.usatoday.com/a", "text": "Ann Lee and Bo Li\n\nUSA TODAY\n\nAnn Lee\n\nWon."})
    assert (found.article.byline, found.article.text) == (("Ann Lee", "Bo Li"), "Ann Lee\n\nWon.")


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "text", "$date"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([name for names in COLUMNS.values() for name in names[:3]]), values, max_size=6))
def test_any_record_is_an_article_or_none_and_never_an_accident(raw: dict[str, Any]) -> None:
    try:
        found = record(raw)
    except NotAnArticle:
        return
    assert found.article.text and clean(found.article.text) == (found.article.text, 0)
    assert found.article.title == clean(found.article.title)[0] and "\n" not in found.article.title
    _ = found.article.published_at, found.article.content_hash


# ---- HTML

FIRST = "PARIS (AP) — The minister said on Tuesday that the new railway line would open in the spring of next year. "
SECOND = "He added that two thousand people had worked on it, and that tickets would be sold from January onward. "
PAGE = f"""<!DOCTYPE html><html lang="fr-FR"><head><title>Rail opens | Paper</title>
<link rel="canonical" href="https://paper.example/rail"><meta property="og:site_name" content="OG Paper">
<meta property="article:modified_time" content="2023-01-06T08:00:00+01:00">
<script type="application/ld+json">{{"@graph": [{{"@type": "WebSite", "name": "no"}}, {{"@type": ["NewsArticle"],
"headline": "Rail opens", "datePublished": "2023-01-05T10:00:00+01:00", "author": [{{"name": "Jane Doe"}}, {{"name": "Jo Roe"}}],
"publisher": {{"@type": "Organization", "name": "The Paper"}}}}]}}</script></head><body>
<nav><a href="/">Home</a> <a href="/x">Sport</a></nav><main><article><h1>Rail opens</h1>
<p>{FIRST * 2}</p><p>{SECOND * 2}</p><p>{SECOND}é</p></article></main><footer>Cookies and imprint</footer></body></html>"""


def test_a_page_is_its_article_and_what_it_states() -> None:
    found = page(PAGE).article
    assert (found.title, found.outlet, found.url) == ("Rail opens", "The Paper", "https://paper.example/rail")
    assert (found.published, found.modified) == ("2023-01-05T10:00:00+01:00", "2023-01-06T08:00:00+01:00")
    assert (found.byline, found.language) == (("Jane Doe", "Jo Roe"), "en")  # as it is written, not as declared
    assert (found.dateline, found.agency) == ("PARIS", "AP")
    assert found.text == f"{FIRST * 2}".strip() + f"\n\n{SECOND * 2}".rstrip() + f"\n\n{SECOND}é"
    assert record({"text": PAGE, "title": "Own title"}).article.title == "Own title"
    assert record({"text": PAGE}).article.text == found.text


def test_a_short_page_is_read_too_and_opengraph_stands_in_for_json_ld() -> None:
    html = (
        "<html><head><meta property='og:title' content='T'><meta property='og:site_name' content='P'>"
        "<meta property='article:published_time' content='2023-01-05T10:00:00Z'>"
        "<script type='application/ld+json'>{broken</script></head>"
        "<body><nav>Home</nav><article><h1>T</h1><p>One.</p><p>Two.</p></article></body></html>"
    )
    found = page(html).article
    assert (found.title, found.outlet, found.published) == ("T", "P", "2023-01-05T10:00:00+00:00")
    assert found.text == "One.\n\nTwo."


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("cp1252", "windows-1252"), ("utf-8", "utf-8"), ("utf-8", "ascii"), ("utf-16", "utf-8"), ("cp1252", "utf-8")],
)
def test_a_page_is_decoded_as_it_says_or_as_it_is(encoding: str, declared: str) -> None:
    raw = f'<html><head><meta charset="{declared}"></head><body><article><p>Élysée café.</p></article></body></html>'
    assert page(raw.encode(encoding)).article.text == "Élysée café."


@pytest.mark.parametrize(
    "html", ["", "   ", "<!-- only -->", "<html></html>", "<html><body><script>x</script></body></html>", "\0"]
)
def test_an_empty_page_is_no_article(html: str) -> None:
    with pytest.raises(NotAnArticle):
        page(html)


@pytest.mark.parametrize("depth", [200, 50_000])
def test_a_page_nested_beyond_reason_is_read_or_refused_quickly(depth: int) -> None:
    begun = time.perf_counter()
    html = "<html><body>" + "<div>" * depth + "deep words" + "</div>" * depth + "</body></html>"
    if depth < 250:  # beyond, the parser gives up by itself
        assert page(html).article.text == "deep words"
    else:
        with pytest.raises(NotAnArticle):
            page(html)
    assert time.perf_counter() - begun < 5


def test_what_a_page_says_of_itself_nested_beyond_reason() -> None:
    for name in ("@type", "headline"):
        deep = f'{{"@type": "NewsArticle", "{name}": {"[" * 700}"x"{"]" * 700}}}'
        html = f"<script type='application/ld+json'>{deep}</script><article><p>Some words.</p></article>"
        if name == "@type":
            assert page(html).article.text == "Some words."
        else:
            with pytest.raises(NotAnArticle, match="nested"):
                page(html)


def test_trafilatura_is_loaded_for_html_only() -> None:
    program = (
        "import sys; from datetime import date; from rag.indexing.extract import from_text, from_record\n"
        "from_text('A\\n\\nB.', source='', key='k', today=date.today())\n"
        "from_record({'text': 'B'}, source='', key='k', today=date.today())\n"
        "print([m for m in ('trafilatura', 'lxml', 'charset_normalizer', 'dateparser') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# ---- Cleaning


@given(
    st.text(max_size=200),
    st.text(alphabet="\r\n\t \0\u00a0\u0085\u2028e\u0301\u200b\ufeff\ud83d\ude00\u00ad\x1b", max_size=60),
)
def test_cleaning_twice_is_cleaning_once(a: str, b: str) -> None:
    once, nul = clean(a + b)
    assert clean(once) == (once, 0)
    assert nul == (a + b).count("\0")
    once.encode("utf-8")
    assert "\n\n\n" not in once and "\r" not in once and "\u00a0" not in once
    assert all(c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f") for c in once)
    assert once == once.strip()


def test_cleaning_keeps_words() -> None:
    assert clean("a\r\nb\rc\u2028d  \n\n\n\ne\u0301\u00a0f\0g\ud800")[0] == "a\nb\nc\nd\n\né fg\ufffd"
    assert clean("\ud83d\ude00")[0] == "😀"


@pytest.mark.parametrize(
    "body",
    ["a" * 10**6, "He said it is so. " * 600_000, " " * 10**6 + "x", "x\n" * 500_000, "(" * 10**6, "<p" * 500_000, "**a" * 300_000, "![" * 500_000],
    ids=["million a", "10 MB", "spaces", "lines", "brackets", "tags", "stars", "images"],
)  # fmt: skip
def test_long_texts_pass_whole_and_quickly(body: str) -> None:
    record({"text": "The models that reading needs are loaded before the clock starts to run. " * 2})
    begun = time.perf_counter()
    assert record({"text": body, "title": "T"}).article.text == body.strip()
    assert text(body, markdown=True).article.text
    assert time.perf_counter() - begun < 3

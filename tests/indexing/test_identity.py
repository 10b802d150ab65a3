from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.identity import article_id, canonical_url, outlet_of

SAME = [
    "https://www.example.com/a/b?id=1",
    "http://www.example.com/a/b?id=1",
    "HTTPS://WWW.Example.COM:443/a/b/?id=1#top",
    "http://www.example.com:80/a/b?utm_source=x&id=1&utm_medium=y",
    "https://user:pw@www.example.com/a/b?id=1&fbclid=abc&gclid=1",
    " https://www.example.com/a/b?id=1\n",
]


def test_one_page_has_one_address() -> None:
    assert {canonical_url(url) for url in SAME} == {"https://www.example.com/a/b?id=1"}


@pytest.mark.parametrize(
    "other",
    [
        "https://www.example.com/A/b?id=1",
        "https://www.example.com/a/b?id=2",
        "https://www.example.com:8080/a/b?id=1",
        "https://example.com/a/b?id=1",
        "https://www.example.com/a/b",
    ],
)
def test_another_page_has_another(other: str) -> None:
    assert canonical_url(other) != canonical_url(SAME[0])


@pytest.mark.parametrize(
    "bad", ["", "example.com/a", "ftp://example.com/a", "javascript:alert(1)", "https://", "http://[::1", "http://a:x/"]
)
def test_no_web_address_is_none(bad: str) -> None:
    assert canonical_url(bad) == ""


urls = st.one_of(
    st.text(max_size=30).map(lambda rest: f"https://{rest}"),
    st.builds(
        lambda scheme, host, port, path, query: f"{scheme}://{host}{port}/{path}?{query}",
        st.sampled_from(["http", "HTTPS", "https"]),
        st.from_regex(r"[A-Za-z0-9.-]{1,12}", fullmatch=True),
        st.sampled_from(["", ":80", ":443", ":8080"]),
        st.text(alphabet="ab/%2F#?&= é", max_size=12),
        st.lists(st.sampled_from(["a=1", "utm_source=x", "fbclid=1", "&", "b", "#", "/"])).map("&".join),
    ),
)


@given(urls)
def test_canonical_twice_is_canonical_once(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


def test_an_id_is_sixteen_hexadecimal_digits_of_the_key() -> None:
    assert article_id("file:/a") == "c118a09419a07991"
    assert len(article_id("\ud800")) == 16


def test_an_outlet_without_name_is_its_host() -> None:
    assert outlet_of("https://www.bbc.co.uk/news") == outlet_of("WWW.BBC.co.uk") == "bbc.co.uk"
    assert outlet_of("") == ""

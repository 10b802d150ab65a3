from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.wire import (
    Credits,
    Dateline,
    Header,
    agency_name,
    agency_zone,
    dateline,
    dateline_end,
    page_footer,
    page_header,
)

READ = [
    ("NIZHNY NOVGOROD, Russia, June 10 (Xinhua) -- |Chinese", "NIZHNY NOVGOROD, Russia", "Xinhua", (6, 10, 0)),
    ("PARIS (AP) — |The", "PARIS", "AP", (0, 0, 0)),
    ("WASHINGTON, Jan. 5 (Reuters) - |U.S.", "WASHINGTON", "Reuters", (1, 5, 0)),
    ("KYIV, Ukraine (AP) — |It", "KYIV, Ukraine", "AP", (0, 0, 0)),
    ("TAMPA, Fla. (AP) -- |“A", "TAMPA, Fla.", "AP", (0, 0, 0)),
    ("ST. LOUIS (AP) — |A", "ST. LOUIS", "AP", (0, 0, 0)),
    ("McALLEN, Texas (AP) — |A", "McALLEN, Texas", "AP", (0, 0, 0)),
    ("SÃO PAULO (AP) — |A", "SÃO PAULO", "AP", (0, 0, 0)),
    ("BEIRUT/JERUSALEM (Reuters) - |Is", "BEIRUT/JERUSALEM", "Reuters", (0, 0, 0)),
    ("LONDON, Jan 5, 2023 /PRNewswire/ -- |Acme", "LONDON", "PR Newswire", (1, 5, 2023)),
    ("PARIS, 5 January (AFP) - |A", "PARIS", "AFP", (1, 5, 0)),
    ("June 11 (UPI) -- |A", "", "UPI", (6, 11, 0)),
    ("MOSCOW, June 10. /TASS/. |Russian", "MOSCOW", "TASS", (6, 10, 0)),
    ("New Delhi, Jan 5 (PTI) |Prime", "New Delhi", "PTI", (1, 5, 0)),
    ("New Delhi [India], January 5 (ANI): |The", "New Delhi", "ANI", (1, 5, 0)),
    ("(Reuters) - |The", "", "Reuters", (0, 0, 0)),
    ("(CNN) |When", "", "CNN", (0, 0, 0)),
    ("Lviv, Ukraine (CNN) |The", "Lviv, Ukraine", "CNN", (0, 0, 0)),
    ("Rome CNN —\n\n|Pope", "Rome", "CNN", (0, 0, 0)),
    ("CHIUL, Guatemala − |Life", "CHIUL, Guatemala", "", (0, 0, 0)),
    ("SCOTTSDALE, Ariz. – |If", "SCOTTSDALE, Ariz.", "", (0, 0, 0)),
    ("WASHINGTON  (AP)  —  |The", "WASHINGTON", "AP", (0, 0, 0)),
]


@pytest.mark.parametrize(("marked", "place", "agency", "day"), READ)
def test_datelines_as_wires_print_them(marked: str, place: str, agency: str, day: tuple[int, int, int]) -> None:
    text = marked.replace("|", "") + " minister spoke."
    found = dateline(text)
    assert found is not None
    assert (found.place, found.agency, (found.month, found.day, found.year)) == (place, agency, day)
    assert found.end == dateline_end(text) == marked.index("|")


@pytest.mark.parametrize(
    "text",
    [
        "Chinese Foreign Minister Wang Yi met here Monday with Lavrov (Xinhua) -- twice.",
        "Angela Merkel (AP) visits Paris.",
        "The White House (AP) said no.",
        "NATO — the alliance — met.",
        "BREAKING — The president resigned.",
        "U.S. President Joe Biden — The man and the myth.",
        "KABUL: Taliban forces advanced.",
        "PARIS (AP) —",
        "“PARIS (AP) — The”",
        "",
        "—",
    ],
)
def test_what_only_looks_like_a_dateline(text: str) -> None:
    assert dateline(text) is None
    assert dateline_end(text) == 0


@pytest.mark.parametrize(
    ("month", "day", "year", "published", "event"),
    [
        (6, 10, 0, date(2024, 6, 11), "2024-06-10"),
        (12, 31, 0, date(2024, 1, 1), "2023-12-31"),
        (1, 1, 0, date(2023, 12, 31), "2024-01-01"),  # the page's zone is behind the reporter's
        (1, 5, 2023, None, "2023-01-05"),
        (1, 5, 0, None, ""),
        (2, 30, 0, date(2024, 3, 1), ""),
        (0, 0, 0, date(2024, 3, 1), ""),
    ],
)
def test_the_year_that_a_dateline_leaves_out(
    month: int, day: int, year: int, published: date | None, event: str
) -> None:
    assert Dateline("", "", month, day, year, 0).on(published) == event


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.integers(0, 300))
def test_a_dateline_of_the_last_ten_months_is_dated_right(published: date, back: int) -> None:
    event = date.fromordinal(published.toordinal() - back)
    assert Dateline("", "", event.month, event.day, 0, 0).on(published) == event.isoformat()


def test_agencies_have_one_name_and_a_home() -> None:
    assert {agency_name(n) for n in ("AP", "Associated Press", "The Associated Press", "THE ASSOCIATED  PRESS")} == {
        "AP"
    }
    assert agency_zone("Xinhua") == "Asia/Shanghai"
    assert agency_zone("Reuters") == agency_zone("Some Paper") == "UTC"
    assert agency_name("Some Paper") == ""


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("Xinhua) 10:44, June 11, 2024", Header("Xinhua", "", ((False, "10:44, June 11, 2024"),))),
        ("(Some Paper) 10:44, June 11, 2024", Header("Some Paper", "", ((False, "10:44, June 11, 2024"),))),
        ("By Jane Q. Doe and John Roe Jr.", Header("", "Jane Q. Doe and John Roe Jr.")),
        ("By Jane Doe, June 11, 2024", Header("", "Jane Doe", ((False, "June 11, 2024"),))),
        ("By Jane Doe | June 11, 2024 | 10:44am", Header("", "Jane Doe", ((False, "June 11, 2024 10:44am"),))),
        ("Updated: 2024-06-11 10:44 (China Daily)", Header("China Daily", "", ((True, "Updated: 2024-06-11 10:44"),))),
        ("The Associated Press", Header("AP")),
        ("AP", Header("AP")),
        ("June 11, 2024", Header("", "", ((False, "June 11, 2024"),))),
        ("By noon the square was full", None),
        ("By May 5, 2023, He Had Left.", None),
        ("PARIS (AP) — It rained.", None),
        ("Paris | June 11, 2024", None),
        ("It was June 11, 2024", None),
        ("Some words", None),
        ("", None),
    ],
)
def test_lines_above_a_text(line: str, header: Header | None) -> None:
    assert page_header(line, date(2024, 7, 1)) == header


@pytest.mark.parametrize(
    ("line", "footer"),
    [
        ("(Web editor: Zhang Kaiwei, Liang Jun)", Credits(editors="Zhang Kaiwei, Liang Jun")),
        ("[Editing by Jane Doe]", Credits(editors="Jane Doe")),
        ("(Reporting by Ann Lee in Rome; Editing by Bo Li)", Credits(editors="Bo Li", reporters="Ann Lee")),
        ("(Reporting by Al Fox in Reno, Nevada and Ann Lee in Rome)", Credits(reporters="Al Fox and Ann Lee")),
        ("Additional reporting by Ann Lee", Credits(reporters="Ann Lee")),
        ("The editor: a memoir", None),
        ("He was reporting by noon.", None),
        ("", None),
    ],
)
def test_lines_below_a_text(line: str, footer: Credits | None) -> None:
    assert page_footer(line) == footer


@given(st.text(alphabet="AB ,.()/—-[]15Jan\n", max_size=200))
def test_the_end_of_a_dateline_is_a_place_in_the_text_where_words_follow(text: str) -> None:
    end = dateline_end(text)
    assert 0 <= end < max(len(text), 1)
    assert end == 0 or not text[end].isspace()


def test_a_million_characters_cost_nothing() -> None:
    begun = time.perf_counter()
    for text in ("A" * 10**6, "A, " * 10**6, "(" * 10**6, "— " * 10**6, "/A" * 10**6):
        dateline(text)
    assert time.perf_counter() - begun < 0.5

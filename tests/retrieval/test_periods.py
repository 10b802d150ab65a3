from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.retrieval.periods import period, periods

TODAY = date(2024, 6, 12)  # a Wednesday


def days(a: str, b: str) -> tuple[date, date]:
    return date.fromisoformat(a), date.fromisoformat(b)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What happened yesterday?", days("2024-06-11", "2024-06-11")),
        ("What happened today?", days("2024-06-12", "2024-06-12")),
        ("What did he say last week?", days("2024-06-03", "2024-06-12")),
        ("Who won this week?", days("2024-06-06", "2024-06-12")),
        ("What changed last month?", days("2024-05-01", "2024-05-31")),
        ("What changed in June 2023?", days("2023-06-01", "2023-06-30")),
        ("What changed in September?", days("2023-09-01", "2023-09-30")),
        ("in January of this year", days("2024-01-01", "2024-01-31")),
        ("in May last year", days("2023-05-01", "2023-05-31")),
        ("on 10 June 2024", days("2024-06-10", "2024-06-10")),
        ("on June 10th", days("2024-06-10", "2024-06-10")),
        ("on June 10, 2023", days("2023-06-10", "2023-06-10")),
        ("since March 3", days("2024-03-03", "2024-06-12")),
        ("after May 5", days("2024-05-05", "2024-06-12")),
        ("before 2024-06-01", days("1900-01-01", "2024-06-01")),
        ("between May 1 and May 9", days("2024-05-01", "2024-05-09")),
        ("from March to May", days("2024-03-01", "2024-05-31")),
        ("in 2023", days("2023-01-01", "2023-12-31")),
        ("on Monday", days("2024-06-10", "2024-06-10")),
        ("last Wednesday", days("2024-06-05", "2024-06-05")),
        ("in the past three days", days("2024-06-09", "2024-06-12")),
        ("5 days ago", days("2024-06-07", "2024-06-07")),
        ("on February 31", None),
        ("May he march on Friday's heels?", None),
        ("What did May say about March?", None),
        ("What did Lavrov say about BRICS?", None),
        ("the 2022 World Cup", None),
    ],
)
def test_period(question: str, expected: tuple[date, date] | None) -> None:
    assert period(question, TODAY) == expected


@given(st.text(max_size=80), st.dates(date(1950, 1, 1), date(2100, 1, 1)))
def test_any_text_has_ordered_periods_in_its_own_bounds(text: str, today: date) -> None:
    found = periods(text, today)
    assert all(0 <= p.start < p.end <= len(text) and p.first <= p.last for p in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    period(text, today)

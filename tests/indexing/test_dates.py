from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.dates import BadDate, parse_date

TODAY = date(2024, 7, 1)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2024-06-11", "2024-06-11"),
        ("2024-06-11T10:44:00+08:00", "2024-06-11T10:44:00+08:00"),
        ("2024-06-11T10:44:00.123Z", "2024-06-11T10:44:00+00:00"),
        ("2024-06-11 10:44 ET", "2024-06-11T10:44:00-04:00"),
        ("2024-06-11 00:00:00", "2024-06-11"),
        ("2023/01/05", "2023-01-05"),
        ("2023/01/07/05:11", "2023-01-07T05:11:00+00:00"),
        ("20230105", "2023-01-05"),
        (20230105, "2023-01-05"),
        (1672912800, "2023-01-05T10:00:00+00:00"),
        ("1672912800000", "2023-01-05T10:00:00+00:00"),
        ("Thu, 05 Jan 2023 10:00:00 -0500", "2023-01-05T10:00:00-05:00"),
        ("Thu, 05 Jan 2023 10:00:00 GMT+0200", "2023-01-05T10:00:00+02:00"),
        ("Jan. 5, 2023", "2023-01-05"),
        ("Sept. 5, 2023", "2023-09-05"),
        ("5th January 2023", "2023-01-05"),
        ("10:44, June 11, 2024", "2024-06-11T10:44:00+00:00"),
        ("Published Jan. 5, 2023 at 5:30 p.m. ET", "2023-01-05T17:30:00-05:00"),
        ("13/01/2023", "2023-01-13"),
        ("01/13/2023", "2023-01-13"),
        ("5.1.2023", "2023-01-05"),
        ({"$date": "2023-01-05T10:00:00Z"}, "2023-01-05T10:00:00+00:00"),
        (datetime(2023, 1, 5, 10, tzinfo=UTC), "2023-01-05T10:00:00+00:00"),
        ("", ""),
        (None, ""),
        (float("nan"), ""),
        ("NaT", ""),
    ],
)
def test_forms_that_are_read(written: object, iso: str) -> None:
    assert parse_date(written, today=TODAY) == iso


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("2023-02-31", "is no date"),
        ("20230231", "is no date"),
        ("05/01/2023", "two ways"),
        ("1/13/23", "two digits"),
        ("June 2023", "no full date"),
        ("Monday", "no full date"),
        ("2023", "is no date"),
        ("Jan 5 2023 10:00 XYZ", "'XYZ'"),
        ("2099-01-01", "future"),
        ("1500-01-01", "before the year 1600"),
        (5, "no date"),
        (float("inf"), "no date"),
        (10**400, "no date"),
        ("Thu, 05 Jan 2023 10:00:00 +9999", "no date"),
        ("a" * 1_000_000, "no date"),
    ],
)
def test_what_is_no_date_or_two_is_refused(written: object, why: str) -> None:
    with pytest.raises(BadDate, match=why) as caught:
        parse_date(written, today=TODAY)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 120


def test_two_days_of_grace_for_clocks_and_zones() -> None:
    assert parse_date("2024-07-03", today=TODAY) == "2024-07-03"
    with pytest.raises(BadDate, match="future"):
        parse_date("2024-07-04", today=TODAY)


def test_a_time_without_zone_is_taken_in_the_zone_given_summer_time_included() -> None:
    london = ZoneInfo("Europe/London")
    assert parse_date("10:44, June 11, 2024", today=TODAY, zone=london) == "2024-06-11T10:44:00+01:00"
    assert parse_date("10:44, January 11, 2024", today=TODAY, zone=london) == "2024-01-11T10:44:00+00:00"


@given(st.datetimes(datetime(1990, 1, 1), datetime(2024, 6, 30)).map(lambda d: d.replace(microsecond=0)))
def test_the_same_moment_in_many_spellings(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    spellings = (
        aware.isoformat(),
        aware.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        aware.strftime("%B %d, %Y %H:%M:%S UTC"),
        aware.strftime("%Y-%m-%d %H:%M:%SZ"),
        int(aware.timestamp()),
    )
    assert {parse_date(s, today=TODAY) for s in spellings} == {aware.isoformat()}


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.from_regex(r"[0-9/:., apmTZ+-]{4,25}")))
def test_anything_else_is_refused_in_one_way_and_what_passes_is_a_date_not_after_tomorrow(value: object) -> None:
    try:
        iso = parse_date(value, today=TODAY)
    except BadDate:
        return
    if iso:
        day = datetime.fromisoformat(iso).date()
        assert day.year >= 1600 and day <= TODAY + timedelta(days=2)

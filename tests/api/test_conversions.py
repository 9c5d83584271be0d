"""Conversions: a day is a day wherever it was written, and one value has one spelling."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.api.records.conversions import search_text
from tap_insightly.api.records.objects import standard_objects
from tests.api.conftest import fields_of
from tests.api.test_field_values import INDIA, sent

EARLY = timezone(timedelta(hours=-5))
DAY = "1990-01-01 00:00:00"


@pytest.mark.parametrize("name", ["DATE_OF_BIRTH", "DATE__c"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1990-01-01", DAY),
        (" 1990-01-01 ", DAY),
        ("1990-01-01 00:00:00", DAY),
        ("1990-01-01T00:00:00", DAY),
        ("1990-01-01T08:15", DAY),
        ("1990-01-01T00:00:00Z", DAY),
        ("1990-01-01T23:59:59.999999999z", DAY),
        ("1990-01-01T00:00:00+02:00", DAY),
        ("1990-01-01T23:59:59-05:00", DAY),
        (date(1990, 1, 1), DAY),
        (datetime(1990, 1, 1), DAY),  # noqa: DTZ001 - of no zone
        (datetime(1990, 1, 1, 23, 59, tzinfo=EARLY), DAY),
        (datetime(1990, 1, 1, 0, 0, tzinfo=INDIA), DAY),
        ("0001-01-01T00:00:00+05:30", "0001-01-01 00:00:00"),
        ("9999-12-31T23:59:59-05:00", "9999-12-31 00:00:00"),
        (date(815, 1, 31), "0815-01-31 00:00:00"),
        ("", None),
        (" ", None),
        (None, None),
        ("0000-00-00", None),
        ("0000-00-00 00:00:00", None),
    ],
)
def test_a_day_is_that_day_in_whatever_zone(name: str, value: Any, text: str | None) -> None:
    assert sent(name, value) == text


def test_the_days_of_the_document_are_those_that_it_says_are_given_at_midnight() -> None:
    days = {
        (one.name, field.name)
        for one in standard_objects()
        for field in fields_of(one.name)
        if field.kind == "date"
    }
    said = {
        (one.name, field.name)
        for one in standard_objects()
        for field in fields_of(one.name)
        if "plain date, given at midnight" in field.description
    }
    assert days == said == {("Contact", "DATE_OF_BIRTH"), ("Opportunity", "FORECAST_CLOSE_DATE")}


@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_any_day_stays_the_same_day(moment: datetime) -> None:
    day = moment.date().isoformat() + " 00:00:00"
    for value in (moment, moment.date(), moment.date().isoformat(), moment.isoformat(), day):
        assert sent("DATE__c", value) == day


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (7, "7"),
        (7.0, "7"),
        (Decimal("7.00"), "7"),
        (Decimal("7.50"), "7.5"),
        (7.5, "7.5"),
        (Decimal("-0.10"), "-0.1"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E+1"), "10"),
        (100, "100"),
        (Decimal("0.0000001"), "0.0000001"),
        (1234567890123456789, "1234567890123456789"),
        (Decimal("1234567890123456.70"), "1234567890123456.7"),
        (True, "true"),
        (False, "false"),
        ("7.50", "7.50"),
        (" Ann ", " Ann "),
        ("", ""),
        ("2026-01-31 00:00:00", "2026-01-31 00:00:00"),
        ("Art;Food", "Art;Food"),
    ],
)
def test_a_value_is_spelled_in_the_one_way(value: Any, text: str) -> None:
    assert search_text(value) == text


@given(st.decimals(-(10**12), 10**12, places=6))
def test_equal_numbers_are_spelled_alike(number: Decimal) -> None:
    text = search_text(number)
    assert Decimal(text) == number
    assert {search_text(number + Decimal("0.000")), search_text(Decimal(text))} == {text}
    assert re.fullmatch(r"0|-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", text)

"""Values: what is meant is sent in the one way that the API takes, with every digit."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import Field, InvalidFieldsError, Request
from tap_insightly.api.http.codec import decode
from tap_insightly.api.records.objects import standard_objects
from tests.api.conftest import custom, fields_of

OPTIONS = ("Art", "Food", "Fine Music", "ä")
TYPES = (
    "TEXT MULTILINETEXT DROPDOWN MULTISELECT BIT NUMERIC PERCENT DATE DATETIME "
    "CURRENCY URL LOOKUP CALCULATED HOLOGRAM"
).split()
CONTACT = fields_of("contact", *(custom(f"{kind}__c", kind, *OPTIONS) for kind in TYPES))
# One of each kind, so that chance comes to all of them.
KINDS = {
    (
        field.kind,
        field.is_custom,
        bool(field.max_length),
        field.name if field.kind == "array" else "",
    ): (
        fields,
        field,
    )
    for fields in (CONTACT, *(fields_of(one.name) for one in standard_objects()))
    for field in fields
    if field.is_writable
}

INDIA = timezone(timedelta(hours=5, minutes=30))


def sent(name: str, value: Any) -> Any:
    """What is sent for a value of a contact's field."""
    field = CONTACT.find(name)
    assert field is not None
    body = CONTACT.body({name: value}, is_new=False)
    if not field.is_custom:
        assert list(body) == [field.name]
        return body[field.name]
    ((entry,),) = body.values()
    assert entry.keys() == {"FIELD_NAME", "FIELD_VALUE"}
    assert entry["FIELD_NAME"] == field.name
    return entry["FIELD_VALUE"]


@pytest.mark.parametrize("name", ["DATETIME__c"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-01-31", "2026-01-31 00:00:00"),
        ("2026-01-31 08:15:00", "2026-01-31 08:15:00"),
        ("2026-01-31T08:15:00", "2026-01-31 08:15:00"),
        ("2026-01-31T08:15", "2026-01-31 08:15:00"),
        ("2026-01-31T08:15:00Z", "2026-01-31 08:15:00"),
        ("2026-01-31T08:15:00z", "2026-01-31 08:15:00"),
        ("2026-01-31T08:15:00.5Z", "2026-01-31 08:15:00"),
        ("2026-01-31T08:15:59.999999999Z", "2026-01-31 08:15:59"),
        ("2026-01-31T08:15:00+05:30", "2026-01-31 02:45:00"),
        ("2026-01-31T00:15:00+05:30", "2026-01-30 18:45:00"),
        ("2026-12-31T20:00:00-08:00", "2027-01-01 04:00:00"),
        (" 2026-01-31 ", "2026-01-31 00:00:00"),
        (date(2026, 1, 31), "2026-01-31 00:00:00"),
        (date(815, 1, 31), "0815-01-31 00:00:00"),
        (datetime(2026, 1, 31, 8, 15), "2026-01-31 08:15:00"),  # noqa: DTZ001 - taken for UTC
        (datetime(2026, 1, 31, 8, 15, tzinfo=timezone.utc), "2026-01-31 08:15:00"),
        (datetime(2026, 1, 31, 8, 15, 1, 999, tzinfo=INDIA), "2026-01-31 02:45:01"),
        ("", None),
        (" ", None),
        (None, None),
        ("0000-00-00 00:00:00", None),
    ],
)
def test_a_moment_is_sent_as_the_api_writes_it(name: str, value: Any, text: str | None) -> None:
    assert sent(name, value) == text


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (0, "0"),
        (-7, "-7"),
        (12345678901234567, "12345678901234567"),
        (0.1, "0.1"),
        (1234.5, "1234.5"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1234567890123456.78"), "1234567890123456.78"),
        (Decimal("1E+1"), "10"),
        (1e18, "1000000000000000000"),
        ("0.10", "0.10"),
        ("1234567890123456.78", "1234567890123456.78"),
        ("-5", "-5"),
        (" 7.50 ", "7.50"),
        ("1e1", "10"),
    ],
)
@pytest.mark.parametrize("kind", ["NUMERIC", "PERCENT", "CURRENCY"])
def test_a_number_is_sent_with_every_digit(kind: str, value: Any, digits: str) -> None:
    made = Request.with_json("PUT", "/Contacts", CONTACT.body({f"{kind}__c": value}, is_new=False))
    assert made.body is not None
    assert f'"FIELD_VALUE":{digits}}}'.encode() in made.body


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), ("5", 5), (5.0, 5), (Decimal("5.00"), 5), ("5.0", 5), ("", None), (None, None)],
)
def test_an_id_is_sent_as_a_whole_number(value: Any, number: int | None) -> None:
    for name in ("OWNER_USER_ID", "LOOKUP__c"):
        found = sent(name, value)
        assert found == number
        assert type(found) is type(number)


@pytest.mark.parametrize("name", ["EMAIL_OPTED_OUT", "BIT__c"])
@pytest.mark.parametrize(
    ("value", "is_true"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        (1, True),
        (0, False),
        ("1", True),
        ("0", False),
        *((word, True) for word in "yes Yes YES y Y t T true tRUE on ON 1.0 1e0".split()),
        *((word, False) for word in "no No NO n N f F false off OFF 0.0 -0 0.00".split()),
        (" Yes ", True),
        ("\tno\r\n", False),
        (1.0, True),
        (0.0, False),
        (Decimal("1.0"), True),
        (Decimal("0.0"), False),
        (" ", None),
        ("", None),
        (None, None),
    ],
)
def test_a_yes_or_no_is_sent_as_a_boolean(name: str, value: Any, is_true: bool | None) -> None:  # noqa: FBT001 - a case
    assert sent(name, value) is is_true


@pytest.mark.parametrize("name", ["EMAIL_OPTED_OUT", "BIT__c"])
@pytest.mark.parametrize(
    "value",
    [
        "maybe",
        "2",
        2,
        -1,
        0.5,
        Decimal("1.1"),
        "yess",
        "ye s",
        "null",
        "none",
        "ja",
        "x",
        [],
        [True],
    ],
)
def test_what_is_neither_yes_nor_no_is_refused_with_what_is_accepted(name: str, value: Any) -> None:
    with pytest.raises(InvalidFieldsError, match="yes or no, y or n, t or f, on or off, 1 or 0"):
        CONTACT.body({name: value}, is_new=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Art", "Art"),
        ("Art;Food", "Art;Food"),
        ("Art; Fine Music ;", "Art;Fine Music"),
        (["Food", "Art"], "Food;Art"),
        (["ä"], "ä"),
        ("Art;Food;Art", "Art;Food"),
        ("", None),
        ([], None),
        (None, None),
    ],
)
def test_a_multi_select_is_sent_as_one_text(value: Any, text: str | None) -> None:
    assert sent("MULTISELECT__c", value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Grüße", "Grüße"),
        ("nan", "nan"),
        ("7.0", "7.0"),
        ("", ""),
        (None, None),
        (5, "5"),
        (7.0, "7"),
        (-7.0, "-7"),
        (-0.0, "0"),
        (7.5, "7.5"),
        (0.5, "0.5"),
        (1e-7, "0.0000001"),
        (1e16, "10000000000000000"),
        (Decimal("7.0"), "7"),
        (Decimal("7.00"), "7"),
        (Decimal("7.50"), "7.50"),
        (Decimal("1E+1"), "10"),
        (True, "true"),
    ],
)
@pytest.mark.parametrize("name", ["LAST_NAME", "TEXT__c", "HOLOGRAM__c"])
def test_a_text_is_sent_as_it_is_and_a_number_as_it_is_written(
    name: str, value: Any, text: str | None
) -> None:
    assert sent(name, value) == text


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("vip", ["vip"]),
        ("vip; north ;", ["vip", "north"]),
        (["vip", "north"], ["vip", "north"]),
        ([{"TAG_NAME": "vip"}, "north"], ["vip", "north"]),
        ('["vip"]', ["vip"]),
        ('[{"TAG_NAME": "vip"}]', ["vip"]),
        ("", []),
        ([], []),
    ],
)
def test_tags_may_be_given_as_texts(value: Any, names: list[str]) -> None:
    assert sent("TAGS", value) == [{"TAG_NAME": name} for name in names]


def test_email_domains_may_be_given_as_texts() -> None:
    body = fields_of("organisation").body({"EMAILDOMAINS": "a.example;b.example"}, is_new=False)
    assert body == {"EMAILDOMAINS": [{"EMAIL_DOMAIN": "a.example"}, {"EMAIL_DOMAIN": "b.example"}]}


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.sampled_from([Decimal("sNaN"), Decimal("1E+999999"), Decimal("-0.00")]),
    st.text(),
    st.characters(codec=None, categories=["Cs"]),
    st.binary(max_size=3),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.datetimes().map(str),
    st.sampled_from(
        ["", " ", "true", "1.5", "1e9999", "Art;Food", "2026-01-31", "0000-00-00 00:00:00"]
    ),
    st.sampled_from(["[" * 100_000, '[{"a": ', "[1]", "x" * 5000, "٣", "2026-W05-1"]),
    st.builds(object),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
written_fields = st.sampled_from(list(KINDS.values()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NUMERIC__c", float("nan")),
        ("NUMERIC__c", float("inf")),
        ("NUMERIC__c", Decimal("sNaN")),
        ("NUMERIC__c", Decimal("-Infinity")),
        ("NUMERIC__c", 10**5000),
        ("OWNER_USER_ID", Decimal("sNaN")),
        ("LAST_NAME", "\ud83d"),
        ("TEXT__c", "cut \ud83d"),
        ("TAGS", "[" * 100_000),
        ("TAGS", ["\ud83d"]),
        ("TAGS", [{"TAG_NAME": object()}]),
        ("TAGS", [{"TAG_NAME": Decimal("Infinity")}]),
        ("DATETIME__c", datetime(1, 1, 1, tzinfo=INDIA)),
    ],
    ids=lambda value: ascii(value)[:20] if not isinstance(value, int) else "",
)
def test_what_no_body_can_hold_is_a_wrong_value(name: str, value: Any) -> None:
    with pytest.raises(InvalidFieldsError, match=rf"Contact: {name}: got "):
        CONTACT.body({name: value}, is_new=False)


@settings(max_examples=1000)
@given(chosen=written_fields, value=anything, is_new=st.booleans())
def test_no_value_ends_in_another_error_nor_in_what_is_not_json(
    chosen: tuple[Any, Field], value: Any, *, is_new: bool
) -> None:
    fields, field = chosen
    try:
        body = fields.body({field.name: value}, is_new=is_new)
    except InvalidFieldsError:
        return
    made = Request.with_json("POST", "/Contacts", body)
    assert decode(made.body or b"").keys() == body.keys()


@given(chosen=written_fields, value=anything)
def test_what_was_converted_once_is_converted_to_itself(
    chosen: tuple[Any, Field], value: Any
) -> None:
    _, field = chosen
    try:
        once = field.convert(value)
    except ValueError:
        return
    assert repr(field.convert(once)) == repr(once)


@given(st.dictionaries(st.text(max_size=12), anything, max_size=4), st.booleans())
def test_no_names_end_in_another_error(values: dict[str, Any], is_new: bool) -> None:  # noqa: FBT001 - drawn
    with contextlib.suppress(InvalidFieldsError):
        CONTACT.body(values, is_new=is_new)


@given(
    st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001 - Hypothesis has the zone apart
        max_value=datetime(9998, 12, 31),  # noqa: DTZ001 - as above
        timezones=st.timezones(),
    )
)
def test_any_moment_stays_the_same_moment_to_the_second(moment: datetime) -> None:
    text = sent("DATETIME__c", moment)
    read = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    assert timedelta(0) <= moment - read < timedelta(seconds=1)
    assert sent("DATETIME__c", moment.isoformat()) == text

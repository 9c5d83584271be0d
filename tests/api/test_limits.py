"""Limits and options: what does not fit or cannot be chosen is told with what could be."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import InvalidFieldsError
from tap_insightly.api.records.diff import is_same
from tests.api.conftest import custom, fields_of
from tests.api.test_fields import problems

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient

CONTACT = fields_of(
    "contact",
    custom("Interests__c", "MULTISELECT", "Art", "Food", "Fine Music"),
    custom("Rating__c", "DROPDOWN", "A", "B"),
    custom("Grade__c", "DROPDOWN", "Aa", "aA", "b"),
)
VERSIONS = fields_of("contact", custom("Version__c", "DROPDOWN", "1.0", "2.0", "7"))
LIMITS = fields_of(
    "contact",
    custom("Size__c", "NUMERIC"),
    custom("Share__c", "PERCENT"),
    custom("Fee__c", "CURRENCY"),
    custom("Friend__c", "LOOKUP"),
)


@pytest.mark.parametrize(
    ("name", "fits", "too_much", "accepted"),
    [
        ("OWNER_USER_ID", 2**31 - 1, 2**31, "from -2,147,483,648 to 2,147,483,647"),
        ("OWNER_USER_ID", -(2**31), -(2**31) - 1, "from -2,147,483,648 to 2,147,483,647"),
        ("OWNER_USER_ID", "2147483647.0", "2147483648.0", "from -2,147,483,648 to"),
        ("ORGANISATION_ID", 2**63 - 1, 2**63, "from -9,223,372,036,854,775,808 to"),
        ("ORGANISATION_ID", -(2**63), -(2**63) - 1, "from -9,223,372,036,854,775,808 to"),
        ("Friend__c", 2**63 - 1, 1e19, "from -9,223,372,036,854,775,808 to"),
        *(
            case
            for name in ("Size__c", "Share__c", "Fee__c")
            for case in (
                (name, 10**19 - 1, 10**19, "of at most 19 characters"),
                (name, -(10**18) + 1, -(10**18), "of at most 19 characters"),
                (name, "1234567890123456.78", "12345678901234567.89", "of at most 19 characters"),
                (name, Decimal("-123456789.12345678"), Decimal("-123456789.123456789"), "of at m"),
                (name, "1e18", "1e19", "of at most 19 characters"),
                (name, 1e-17, 1e-18, "of at most 19 characters"),
                (name, 0.1 + 0.2, -0.1 - 0.2, "of at most 19 characters"),
            )
        ),
    ],
    ids=str,
)
def test_a_number_that_does_not_fit_is_told_before_it_is_sent(
    name: str, fits: Any, too_much: Any, accepted: str
) -> None:
    field = LIMITS.find(name)
    assert field is not None
    assert Decimal(str(field.convert(fits))) == Decimal(str(fits))
    with pytest.raises(InvalidFieldsError) as raised:
        LIMITS.body({name: too_much}, is_new=False)
    (told,) = raised.value.problems
    kind = "a whole number" if "_ID" in name or name == "Friend__c" else "a number"
    assert told.startswith(f"{name}: got {too_much!r}; accepted is {kind} {accepted}")
    assert told.endswith(".")


def test_amounts_of_the_document_have_the_same_limit() -> None:
    for one, name in (("product", "DEFAULT_PRICE"), ("opportunity", "BID_AMOUNT")):
        assert problems({name: "12345678901234567.89"}, obj=one) == [
            f"{name}: got '12345678901234567.89'; accepted is a number of at most 19 characters."
        ]


def test_a_sandbox_takes_whatever_is_taken_here(client: InsightlyClient) -> None:
    """Its limits are Insightly's, and told apart by itself."""
    for price in (10**18, "1e18", "1234567890123456.78", 1e-17, "-123456789.12345678", 0.1 + 0.2):
        values = {"PRODUCT_NAME": "Nut", "DEFAULT_PRICE": price, "ACTIVE": "yes"}
        made = client.create("product", values)
        assert is_same(client.fields("product").find("DEFAULT_PRICE"), price, made["DEFAULT_PRICE"])


@pytest.mark.parametrize(
    ("options", "given", "told"),
    [
        (20, "Option 7b", "did you mean 'Option 7' or 'Option 17' or 'Option 9'?). The options"),
        (20, "xyz", "'xyz' is no option. The options are 'Option 1', 'Option 2', 'Option 3'"),
        (21, "xyz", "is no option. There are 21 options, such as 'Option 1', 'Option 2', 'Option "),
        (2500, "Option 2499b", "did you mean 'Option 2499'"),
    ],
)
def test_of_many_options_the_nearest_are_told(options: int, given: str, told: str) -> None:
    names = [f"Option {number}" for number in range(1, options + 1)]
    field = fields_of("contact", custom("Many__c", "DROPDOWN", *names)).find("Many__c")
    assert field is not None
    with pytest.raises(ValueError, match="is no option") as raised:
        field.convert(given)
    assert told in str(raised.value)
    assert ("'Option 20'" in str(raised.value)) or options > 20
    assert (f"There are {options:,} options" in str(raised.value)) == (options > 20)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("name", "given", "chosen"),
    [
        ("Rating__c", "a", "A"),
        ("Rating__c", " A ", "A"),
        ("Rating__c", " ", None),
        ("Interests__c", "ART; fine music", "Art;Fine Music"),
        ("Interests__c", ["food", " Food", "Art"], "Food;Art"),
        ("Grade__c", "Aa", "Aa"),
        ("Grade__c", " aA ", "aA"),
        ("Grade__c", "B", "b"),
        ("Version__c", Decimal("1.0"), "1.0"),
        ("Version__c", "1.0", "1.0"),
        ("Version__c", 7.0, "7"),
    ],
)
def test_an_option_is_meant_in_any_case_if_only_one_can_be(
    name: str, given: Any, chosen: str | None
) -> None:
    fields = {**{one.name: one for one in CONTACT}, **{one.name: one for one in VERSIONS}}
    assert fields[name].convert(given) == chosen

"""Reading by name: any number of records at the engine's speed, searched, with nothing lost."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import InsightlyError, InvalidFieldsError, NotAvailableError
from tap_insightly.api.records.objects import standard_objects
from tap_insightly.api.records.reading import ReadingClient
from tests.api.conftest import asked, new_client, new_session
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.api import InsightlyClient
    from tap_insightly.sandbox import Sandbox


@pytest.fixture(scope="module")
def large() -> Iterator[Sandbox]:
    """An account with more contacts than two pages hold."""
    with new_sandbox(records=1100).serve() as sandbox:
        yield sandbox


def by_key(records: list[dict[str, Any]], key: str) -> list[Any]:
    return [record[key] for record in records]


def test_any_number_of_records_comes_once_in_pages_read_ahead(large: Sandbox) -> None:
    with new_client(large) as client:
        pages = list(client.pages("contacts"))
        assert len(pages) == 3
        assert [record for page in pages for record in page] == large.records("/Contacts")
        assert list(client.records("contacts")) == large.records("/Contacts")


@pytest.mark.parametrize("name", [one.name for one in standard_objects() if one.name != "Tag"])
def test_every_list_is_read_by_the_name_of_its_object(
    reading_client: InsightlyClient, shared_sandbox: Sandbox, name: str
) -> None:
    path = reading_client.object(name).path
    found = list(reading_client.records(name))
    if name == "LeadStatus":  # converted ones have to be asked for (spec)
        found = list(reading_client.records(name, params={"include_converted": "true"}))
    assert found == shared_sandbox.records(path)
    assert found


def test_a_list_that_needs_a_parameter_takes_it(
    reading_client: InsightlyClient, shared_sandbox: Sandbox
) -> None:
    found = reading_client.records("tags", params={"record_type": "contacts"})
    used = {tag["TAG_NAME"] for one in shared_sandbox.records("/Contacts") for tag in one["TAGS"]}
    assert {tag["TAG_NAME"] for tag in found} == used


def test_params_are_sent_with_every_page(large: Sandbox) -> None:
    with new_client(large) as client:
        found = list(client.records("contact", params={"brief": "true"}))
    assert len(found) == large.count("/Contacts")
    assert not any("CUSTOMFIELDS" in record for record in found)


def test_what_is_below_a_record_is_read_by_its_path(
    reading_client: InsightlyClient, shared_sandbox: Sandbox
) -> None:
    comments = shared_sandbox.children("/Notes", "Comments")
    note_id, expected = next(iter(comments.items()))
    assert list(reading_client.records(f"/Notes/{note_id}/Comments")) == expected
    assert list(reading_client.records("/Contacts")) == shared_sandbox.records("/Contacts")


@pytest.mark.parametrize("kind", ["text", "aware", "naive", "elsewhere"])
def test_only_what_was_updated_since_is_read(
    client: InsightlyClient, sandbox: Sandbox, kind: str
) -> None:
    moment = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
    sandbox.clock = lambda: moment + timedelta(seconds=1)
    updated = sandbox.create("/Contacts", FIRST_NAME="Ada")
    since: Any = {
        "text": "2026-06-01T12:00:00Z",
        "aware": moment,
        "naive": moment.replace(tzinfo=None),
        "elsewhere": moment.astimezone(timezone(timedelta(hours=5))),
    }[kind]
    dates = [str(record["DATE_UPDATED_UTC"]) for record in sandbox.records("/Contacts")]
    late = sum(date > "2026-06-01 12:00:00" for date in dates)
    found = list(client.records("contact", updated_after=since))
    assert updated in found
    assert len(found) == late < len(dates)


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ({"FIRST_NAME": "Anneliese"}, "FIRST_NAME"),
        ({"first_name": "Anneliese"}, "FIRST_NAME"),
        ({"EMAIL_OPTED_OUT": True}, "EMAIL_OPTED_OUT"),
    ],
    ids=str,
)
def test_records_are_searched_by_the_value_of_a_field(
    reading_client: InsightlyClient, shared_sandbox: Sandbox, where: dict[str, Any], path: str
) -> None:
    (value,) = where.values()
    expected = [one for one in shared_sandbox.records("/Contacts") if one[path] == value]
    assert list(reading_client.records("contact", where=where)) == expected
    assert expected


def test_records_are_searched_by_a_custom_field(
    reading_client: InsightlyClient, shared_sandbox: Sandbox
) -> None:
    found = reading_client.find("contact", "rating", "C")
    entry = {"FIELD_NAME": "Rating__c", "FIELD_VALUE": "C", "CUSTOM_FIELD_ID": "Rating__c"}
    records = shared_sandbox.records("/Contacts")
    assert found == [one for one in records if entry in one["CUSTOMFIELDS"]]
    assert found


def test_a_search_and_a_date_go_together(client: InsightlyClient, sandbox: Sandbox) -> None:
    sandbox.clock = lambda: datetime(2030, 1, 1, tzinfo=timezone.utc)
    made = sandbox.create("/Contacts", FIRST_NAME="Anneliese")
    options: dict[str, Any] = {"updated_after": "2029-12-31", "where": {"FIRST_NAME": "Anneliese"}}
    assert list(client.records("contact", **options)) == [made]
    assert len(client.find("contact", "FIRST_NAME", "Anneliese")) > 1


def test_a_value_is_found_however_it_is_spelled(client: InsightlyClient, sandbox: Sandbox) -> None:
    owner = sandbox.records("/Users")[0]["USER_ID"]
    made = sandbox.create("/Contacts", DATE_OF_BIRTH="1815-12-10 00:00:00", OWNER_USER_ID=owner)
    assert made in client.find("contact", "DATE_OF_BIRTH", "1815-12-10")
    assert made in client.find("contact", "OWNER_USER_ID", str(owner))
    assert made in client.find("contact", "OWNER_USER_ID", Decimal(owner))


def test_only_what_really_has_the_value_is_found(client: InsightlyClient, sandbox: Sandbox) -> None:
    """Whether the search is case-sensitive, or looks at parts of a text, is not known."""
    ada, other = ({"CONTACT_ID": at, "FIRST_NAME": name} for at, name in ((1, "Ada"), (2, "ADAM")))
    sandbox.faults.body = str([ada, other]).replace("'", '"').encode()
    assert client.find("contact", "FIRST_NAME", "Ada") == [ada]


@pytest.mark.parametrize(
    ("field", "value"), [("FRIST_NAME", "A"), ("OWNER_USER_ID", "you"), ("rating", "Z")]
)
def test_a_search_that_cannot_find_anything_is_told(
    client: InsightlyClient, field: str, value: str
) -> None:
    with pytest.raises(InvalidFieldsError, match=r"^Contact\b"):
        client.find("contact", field, value)


@pytest.mark.parametrize("value", ["", None])
def test_nothing_is_searched_by_an_empty_value(
    client: InsightlyClient, sandbox: Sandbox, value: Any
) -> None:
    with pytest.raises(InvalidFieldsError, match="FIRST_NAME"):
        client.find("contact", "FIRST_NAME", value)
    assert asked(sandbox) == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("contact", {"where": {"FIRST_NAME": "A", "LAST_NAME": "B"}}),
        ("/Contacts", {"where": {"FIRST_NAME": "A"}}),
        ("/Contacts", {"updated_after": "2026-01-01"}),
        ("contact", {"updated_after": "yesterday"}),
    ],
)
def test_a_search_that_the_api_does_not_have_is_told(
    client: InsightlyClient, sandbox: Sandbox, name: str, options: dict[str, Any]
) -> None:
    with pytest.raises((ValueError, InsightlyError), match=r"where|updated_after"):
        list(client.pages(name, **options))
    assert asked(sandbox) == []


def test_a_record_that_is_gone_is_told_as_404(client: InsightlyClient) -> None:
    with pytest.raises(NotAvailableError, match=r"/Contacts/1 cannot be read \(404\)") as raised:
        client.get("contact", 1)
    assert raised.value.is_missing
    with pytest.raises(NotAvailableError) as raised:
        client.get("lead source", 1)
    assert raised.value.is_missing


def test_whoever_stops_to_read_leaves_nothing_under_way(large: Sandbox) -> None:
    with new_client(large) as client:
        records = client.records("contacts")
        assert next(records) == large.records("/Contacts")[0]
        records.close()
        assert len(client.find("contact", "CONTACT_ID", 300000000)) == 1


def test_a_client_that_only_reads_has_no_way_to_write(shared_sandbox: Sandbox) -> None:
    with ReadingClient.from_session(new_session(shared_sandbox)) as client:
        assert by_key([client.get("contact", 300000000)], "CONTACT_ID") == [300000000]
        assert not any(hasattr(client, name) for name in ("create", "update", "delete", "request"))

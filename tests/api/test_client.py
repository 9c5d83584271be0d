"""The client: records are made, changed, found and removed by name, and errors have types."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tap_insightly.api import (
    AuthenticationError,
    ConflictError,
    InsightlyClient,
    InsightlyError,
    InvalidAddressError,
    InvalidError,
    InvalidFieldsError,
    LimitReachedError,
    NotAvailableError,
    UndeletableError,
    UnsupportedOperationError,
)
from tests.api.conftest import asked, new_client
from tests.conftest import KEY, watch

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE")


def first(sandbox: Sandbox, path: str, key: str) -> int:
    """The id of the first record of a list."""
    found = sandbox.records(path)[0][key]
    assert isinstance(found, int)
    return found


@pytest.fixture
def contact_id(sandbox: Sandbox) -> int:
    return first(sandbox, "/Contacts", "CONTACT_ID")


def test_a_record_is_created_with_standard_and_custom_fields(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    made = client.create(
        "contact", {"first_name": "Ada"}, LAST_NAME="Lovelace", hobby="chess", TAGS=["vip"]
    )
    read = client.get("Contacts", made["CONTACT_ID"])
    assert made == read
    assert (read["FIRST_NAME"], read["LAST_NAME"]) == ("Ada", "Lovelace")
    assert read["TAGS"] == [{"TAG_NAME": "vip"}]
    values = {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in read["CUSTOMFIELDS"]}
    assert values["Hobby__c"] == "chess"
    assert asked(sandbox, *WRITES) == ["POST /Contacts"]


def test_money_keeps_every_digit_there_and_back(client: InsightlyClient) -> None:
    price = Decimal("12345678901234567.8")
    made = client.create("product", PRODUCT_NAME="Pump", DEFAULT_PRICE=price, ACTIVE=True)
    assert client.get("product", made["PRODUCT_ID"])["DEFAULT_PRICE"] == price


ITEM = {"UNIT_PRICE": "9.90", "QUANTITY": 2}


@pytest.mark.parametrize(
    ("name", "path", "field", "values"),
    [
        ("milestone", "/Projects", "PROJECT_ID", {"COMPLETED": False, "DUE_DATE": "2026-05-01"}),
        ("opportunity product", "/Opportunities", "OPPORTUNITY_ID", ITEM),
        ("quote line item", "/Quotation", "QUOTE_ID", ITEM),
        ("team member", "/Teams", "TEAM_ID", {"MEMBER_USER_ID": ("/Users", "USER_ID")}),
        ("community post", "/CommunityForums", "FORUM_ID", {}),
        (
            "price book entry",
            "/Pricebook",
            "PRICEBOOK_ID",
            {"PRICE": 5, "PRODUCT_ID": ("/Product", "PRODUCT_ID")},
        ),
    ],
)
def test_what_belongs_to_another_record_is_created_there_by_the_field_that_names_it(
    client: InsightlyClient,
    sandbox: Sandbox,
    name: str,
    path: str,
    field: str,
    values: dict[str, Any],
) -> None:
    given = {
        name: first(sandbox, *value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }
    parent_id = first(sandbox, path, field)
    made = client.create(name, {field.lower(): parent_id, **given})
    read = client.get(name, made[str(client.object(name).key)])
    assert made[field] == read[field] == parent_id


def test_what_belongs_to_another_record_is_not_created_without_it(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    with pytest.raises(InvalidFieldsError, match="A new one needs PROJECT_ID"):
        client.create("milestone", COMPLETED=False, DUE_DATE="2026-05-01")
    with pytest.raises(InvalidFieldsError, match="add_note"):
        client.create("note", TITLE="Call")
    assert asked(sandbox, *WRITES) == []


def test_only_the_fields_given_change(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int
) -> None:
    before = client.get("contact", contact_id)
    after = client.update(
        "contact", contact_id, {"last_name": "Byron"}, hobby="fencing", PHONE=None
    )
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed <= {"LAST_NAME", "PHONE", "CUSTOMFIELDS", "DATE_UPDATED_UTC"}
    assert (after["LAST_NAME"], after["PHONE"]) == ("Byron", None)
    assert after == client.get("contact", contact_id)
    (log,) = (log for log in sandbox.requests if log.method == "PUT")
    assert msgspec.json.decode(log.body) == {
        "CONTACT_ID": contact_id,
        "LAST_NAME": "Byron",
        "PHONE": None,
        "CUSTOMFIELDS": [{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "fencing"}],
    }


def test_a_record_below_another_is_updated_and_deleted_there(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    item = sandbox.records("/OpportunityLineItem")[0]
    item_id, parent_id = item["OPPORTUNITY_ITEM_ID"], item["OPPORTUNITY_ID"]
    after = client.update("opportunity product", item_id, DESCRIPTION="two of them")
    assert (after["OPPORTUNITY_ITEM_ID"], after["DESCRIPTION"]) == (item_id, "two of them")
    client.delete("opportunity product", item_id)
    start = f"/Opportunities/{parent_id}/OpportunityLineItem"
    assert asked(sandbox, *WRITES) == [f"PUT {start}", f"DELETE {start}/{item_id}"]
    assert all(
        one["OPPORTUNITY_ITEM_ID"] != item_id for one in sandbox.records("/OpportunityLineItem")
    )


def test_an_unchanged_record_is_not_written(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int
) -> None:
    record = client.get("contact", contact_id)
    same = {"FIRST_NAME": record["FIRST_NAME"], "hobby": "chess", "TAGS": record["TAGS"]}
    assert client.update("contact", contact_id, same, skip_unchanged=True) == record
    assert asked(sandbox, *WRITES) == []


def test_of_a_changed_record_only_what_differs_is_written(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int
) -> None:
    record = client.get("contact", contact_id)
    values = {"FIRST_NAME": record["FIRST_NAME"], "hobby": "chess", "LAST_NAME": "Byron"}
    client.update("contact", contact_id, values, skip_unchanged=True)
    (log,) = (log for log in sandbox.requests if log.method == "PUT")
    assert msgspec.json.decode(log.body) == {"CONTACT_ID": contact_id, "LAST_NAME": "Byron"}


def test_a_record_that_was_read_is_updated_if_nobody_else_did_meanwhile(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int
) -> None:
    _, etag = client.get_with_etag("contact", contact_id)
    client.update("contact", contact_id, LAST_NAME="Byron", if_match=etag)
    with pytest.raises(ConflictError, match=r"was changed by someone else.*Read it again"):
        client.update("contact", contact_id, LAST_NAME="King", if_match=etag)
    with pytest.raises(ConflictError):
        client.update("contact", contact_id, LAST_NAME="Byron", if_match=etag, skip_unchanged=True)
    assert client.get("contact", contact_id)["LAST_NAME"] == "Byron"
    assert [log.if_match for log in sandbox.requests if log.method == "PUT"] == [etag] * 2


def test_data_that_is_not_valid_is_no_other_version(
    client: InsightlyClient, contact_id: int
) -> None:
    _, etag = client.get_with_etag("contact", contact_id)
    with pytest.raises(InvalidError, match="ORGANISATION_ID") as raised:
        client.update("contact", contact_id, ORGANISATION_ID=1, if_match=etag)
    assert not isinstance(raised.value, ConflictError)


@pytest.mark.parametrize("name", ["contact", "lead_source", "task category", "fruit", "team"])
def test_a_deleted_record_is_gone(client: InsightlyClient, sandbox: Sandbox, name: str) -> None:
    obj = client.object(name)
    record_id = first(sandbox, obj.path, str(obj.key))
    client.delete(name, record_id)
    with pytest.raises(NotAvailableError):
        client.get(name, record_id)
    with pytest.raises(NotAvailableError, match=r"there is no record|it does not exist") as raised:
        client.delete(name, record_id)
    assert raised.value.is_missing


def test_a_record_without_an_address_of_its_own_is_found_in_its_list(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    source = sandbox.records("/LeadSources")[-1]
    assert client.get("lead source", source["LEAD_SOURCE_ID"]) == source


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ({"forbidden": {"/Contacts"}}, NotAvailableError, 403),
        ({"missing": {"/Contacts"}}, NotAvailableError, 404),
        ({"not_allowed": {"/Contacts"}}, NotAvailableError, 405),
        ({"read_only": {"/Contacts"}}, NotAvailableError, 403),
        ({"script": ["400"]}, InvalidError, 400),
        ({"script": ["402"]}, LimitReachedError, 402),
        ({"script": ["417"]}, UndeletableError, 417),
        ({"record_limit": 60}, LimitReachedError, 402),
    ],
    ids=str,
)
def test_what_is_refused_has_a_type_and_a_status(
    client: InsightlyClient,
    sandbox: Sandbox,
    fault: dict[str, Any],
    error: type[InsightlyError],
    status: int,
) -> None:
    for name, value in fault.items():
        setattr(sandbox.faults, name, value)
    with pytest.raises(error, match=f"POST .*{status}") as raised:
        client.create("contact", FIRST_NAME="Ada")
    assert raised.value.status == status  # type: ignore[attr-defined]
    assert sandbox.count("/Contacts") == 60


def test_a_wrong_key_is_told_as_that(sandbox: Sandbox) -> None:
    with (
        InsightlyClient("not-the-key", api_url=sandbox.api_url) as client,
        pytest.raises(AuthenticationError, match="did not accept the API key"),
    ):
        client.update("note", 1, TITLE="x")


def test_a_record_that_cannot_be_deleted_is_told_as_417(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int
) -> None:
    sandbox.faults.undeletable = {"/Contacts"}
    with pytest.raises(UndeletableError, match="could not delete"):
        client.delete("contact", contact_id)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda client: client.create("user", FIRST_NAME="A"),
        lambda client: client.create("email", SUBJECT="A"),
        lambda client: client.update("pipeline", 1, PIPELINE_NAME="A"),
        lambda client: client.update("team member", 1, TEAM_ID=1),
        lambda client: client.delete("pricebook", 1),
        lambda client: client.delete("user", 1),
        lambda client: client.link("lead", 1, "contact", 2),
        lambda client: client.link("product", 1, "contact", 2),
        lambda client: client.add_note("ticket", 1, "A"),
        lambda client: client.find("lead source", "LEAD_SOURCE", "Web"),
        lambda client: list(client.records("team", updated_after="2026-01-01")),
    ],
)
def test_what_the_api_has_no_way_to_do_is_told_before_anything_is_sent(
    client: InsightlyClient, sandbox: Sandbox, attempt: Any
) -> None:
    with pytest.raises(UnsupportedOperationError, match=r"the API (cannot|has no)"):
        attempt(client)
    assert asked(sandbox, *WRITES) == []


def test_any_endpoint_can_be_called(client: InsightlyClient, sandbox: Sandbox) -> None:
    opportunity = first(sandbox, "/Opportunities", "OPPORTUNITY_ID")
    pipeline = sandbox.records("/Pipelines")[0]["PIPELINE_ID"]
    answer = client.request(
        "put", f"/Opportunities/{opportunity}/Pipeline", body={"PIPELINE_ID": pipeline}
    )
    assert answer.status == 200
    assert answer.records[0]["PIPELINE_ID"] == pipeline
    assert client.get("opportunity", opportunity)["PIPELINE_ID"] == pipeline
    counted = client.request("GET", "/Contacts", params={"top": "1", "count_total": "true"})
    assert (counted.total, len(counted.records)) == (60, 1)
    one = client.request("GET", f"/Contacts/{first(sandbox, '/Contacts', 'CONTACT_ID')}")
    assert one.etag == one.headers["etag"]
    with pytest.raises(InvalidError):
        client.request("PUT", "/Contacts", body={**one.data, "PHONE": "1"}, if_match='"old"')


def test_a_client_is_made_of_a_key_and_a_pod() -> None:
    with InsightlyClient(KEY, pod="eu1") as client:
        assert client.session.base_url == "https://api.eu1.insightly.com/v3.1"
    with pytest.raises(InvalidAddressError, match="API is not accepted; accepted is") as raised:
        InsightlyClient(KEY, pod="no pod")
    assert isinstance(raised.value, InsightlyError)  # as all that goes wrong is
    assert isinstance(raised.value, ValueError)


def test_the_key_is_in_no_text_about_a_client_and_in_no_error(sandbox: Sandbox) -> None:
    sandbox.faults.body = f'{{"Message": "no user {KEY}"}}'.encode()
    with new_client(sandbox, max_retries=0) as client:
        watch(repr(client), str(client), repr(client.session), str(vars(client)))
        for status in ("400", "402", "404", "500", "302"):
            sandbox.faults.script = [status]
            sandbox.faults.location = f"https://elsewhere.example/{KEY}"
            with pytest.raises(InsightlyError) as raised:
                client.session.get("/Contacts")
            watch(str(raised.value), repr(raised.value), str(raised.value.__cause__))

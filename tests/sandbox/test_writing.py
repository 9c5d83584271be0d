"""Records are made, changed and deleted as the document of writing has it, or refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from tap_insightly.openapi import WRITE
from tests.conftest import new_sandbox
from tests.sandbox.written import (
    DAY,
    PUT,
    STAMPS,
    TOP,
    body_for,
    content,
    custom_values,
    documented,
    first,
    key_of,
    minimal,
    path_of,
    properties_of,
    send,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

DELETE = [path for path, methods in WRITE["paths"].items() if "delete" in methods]
DELETE = [path for path in DELETE if path.count("/") < 3]
NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A sandbox into which many tests write, each something of its own."""
    with new_sandbox().serve() as sandbox:
        yield sandbox


# What is written is there


@pytest.mark.parametrize("template", TOP)
def test_what_was_written_is_read_back_equal(account: Sandbox, template: str) -> None:
    path, body = path_of(template), body_for(account, template)
    assert body
    answer = send(account, "POST", path, body)
    assert answer.status_code == 201, answer.text
    made = content(answer)
    assert {name: str(made[name]) for name in body} == {name: str(body[name]) for name in body}
    url = f"{path}/{made[key_of(account, path)]}"
    again = send(account, "GET", url)
    assert content(again) == made
    assert again.headers["ETag"] == answer.headers["ETag"]
    # A list is put together in another way than a single record.
    params = {"skip": str(account.count(path) - 1), "include_converted": "true"}
    assert content(send(account, "GET", path, params=params)) == [made]


@pytest.mark.parametrize("template", TOP)
def test_what_is_required_is_enough(account: Sandbox, template: str) -> None:
    path = path_of(template)
    made = send(account, "POST", path, minimal(account, template))
    assert made.status_code == 201, made.text
    assert made.json().keys() == account.tables[path].fields.keys()


@pytest.mark.parametrize("template", TOP)
def test_a_new_record_gets_its_id_and_its_dates_by_itself(account: Sandbox, template: str) -> None:
    path = path_of(template)
    key = key_of(account, path)
    highest = max(row[key] for row in account.records(path))
    account.clock = lambda: NOON
    body = {**minimal(account, template), key: 1, **dict.fromkeys(STAMPS, DAY)}
    made = send(account, "POST", path, body).json()
    assert made[key] > highest
    stamps = [made[name] for name in STAMPS if name in made]
    assert stamps == ["2027-03-01 12:00:00"] * len(stamps)


def test_what_a_user_makes_is_that_users_unless_said_otherwise(sandbox: Sandbox) -> None:
    me, other = (row["USER_ID"] for row in sandbox.records("/Users")[:2])
    body = {"FIRST_NAME": "Ana"}
    made = send(sandbox, "POST", "/Contacts", body).json()
    assert (made["CREATED_USER_ID"], made["OWNER_USER_ID"]) == (me, me)
    made = send(sandbox, "POST", "/Contacts", {**body, "OWNER_USER_ID": other}).json()
    assert (made["CREATED_USER_ID"], made["OWNER_USER_ID"]) == (me, other)


@pytest.mark.parametrize("template", PUT)
@pytest.mark.parametrize("is_in_path", [False, True])
def test_only_what_is_sent_changes(sandbox: Sandbox, template: str, *, is_in_path: bool) -> None:
    path = path_of(template)
    key, record = key_of(sandbox, path), sandbox.records(path)[0]
    name = next(
        name
        for name, one in properties_of(template, "put")
        if one["type"][0] == "string" and "format" not in one and "x-references" not in one
    )
    sandbox.clock = lambda: NOON
    body = {name: "Neu"} if is_in_path else {name: "Neu", key: record[key]}
    answer = send(sandbox, "PUT", f"{path}/{record[key]}" if is_in_path else path, body)
    assert answer.status_code == documented(template, "put"), answer.text
    updated = {"DATE_UPDATED_UTC": "2027-03-01 12:00:00"} if "DATE_UPDATED_UTC" in record else {}
    assert sandbox.records(path)[0] == {**record, name: "Neu", **updated}
    assert send(sandbox, "GET", f"{path}/{record[key]}").json() == answer.json()


def test_null_clears_a_field(sandbox: Sandbox) -> None:
    made = send(sandbox, "POST", "/Contacts", body_for(sandbox, "/Contacts")).json()
    names = [n for n, one in properties_of("/Contacts") if "array" not in one["type"]]
    cleared = {**dict.fromkeys(names), "CONTACT_ID": made["CONTACT_ID"], "FIRST_NAME": "Ana"}
    answer = send(sandbox, "PUT", "/Contacts", cleared).json()
    assert {name: answer[name] for name in cleared} == cleared


@pytest.mark.parametrize("template", DELETE)
def test_what_is_deleted_is_gone(sandbox: Sandbox, template: str) -> None:
    path = path_of(template.replace("/{id}", ""))
    record_id = first(sandbox, path)
    in_path = template.endswith("{id}")
    url = f"{path}/{record_id}" if in_path else f"{path}?id={record_id}"
    assert [status(sandbox, "DELETE", url) for _ in range(2)] == [202, 404]
    assert status(sandbox, "GET", f"{path}/{record_id}") == 404
    assert record_id not in [row[key_of(sandbox, path)] for row in sandbox.records(path)]


def test_what_is_written_is_found_at_once(sandbox: Sandbox) -> None:
    def found(value: str) -> list[int]:
        params = {"field_name": "LAST_NAME", "field_value": value}
        answer = send(sandbox, "GET", "/Contacts/Search", params=params)
        return [row["CONTACT_ID"] for row in answer.json()]

    assert found("O'Żółw") == []
    made = send(sandbox, "POST", "/Contacts", {"FIRST_NAME": "A", "LAST_NAME": "O'Żółw"}).json()
    assert found("O'Żółw") == [made["CONTACT_ID"]]
    send(sandbox, "PUT", "/Contacts", {"CONTACT_ID": made["CONTACT_ID"], "LAST_NAME": "Other"})
    assert (found("O'Żółw"), found("Other")) == ([], [made["CONTACT_ID"]])


def test_a_list_that_was_read_before_shows_every_change(sandbox: Sandbox) -> None:
    def names() -> list[str]:
        params = {"top": "500"}
        answer = send(sandbox, "GET", "/Tasks", params=params)
        assert answer.headers["Content-Encoding"] == "gzip"  # which is kept for the next
        return [row["TITLE"] for row in answer.json()]

    before, record_id = names(), first(sandbox, "/Tasks")
    send(sandbox, "PUT", "/Tasks", {"TASK_ID": record_id, "TITLE": "Changed"})
    assert names() == ["Changed", *before[1:]]
    send(sandbox, "POST", "/Tasks", {**minimal(sandbox, "/Tasks"), "TITLE": "New"})
    assert names() == ["Changed", *before[1:], "New"]
    send(sandbox, "DELETE", f"/Tasks/{record_id}")
    assert names() == [*before[1:], "New"]


def test_parallel_writes_give_every_record_its_own_id(sandbox: Sandbox) -> None:
    before = sandbox.count("/Contacts")

    def make(number: int) -> int:
        answer = send(sandbox, "POST", "/Contacts", {"FIRST_NAME": f"N{number}"})
        made: int = answer.json()["CONTACT_ID"]
        # Changes from Python at the same time, as tests make them.
        sandbox.create("/Contacts", FIRST_NAME="P")
        sandbox.update("/Contacts", made, LAST_NAME=f"L{number}")
        return made

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(80)))
    rows = {row["CONTACT_ID"]: row for row in sandbox.records("/Contacts")}
    assert len(set(made)) == 80
    assert len(rows) == sandbox.count("/Contacts") == before + 160
    assert list(rows) == sorted(rows)
    names = [(rows[key]["FIRST_NAME"], rows[key]["LAST_NAME"]) for key in made]
    assert names == [(f"N{number}", f"L{number}") for number in range(80)]


# Versions


@pytest.mark.parametrize("template", PUT)
def test_a_stale_version_is_refused_with_400(sandbox: Sandbox, template: str) -> None:
    path = path_of(template)
    key, record_id = key_of(sandbox, path), first(sandbox, path)
    tag = send(sandbox, "GET", f"{path}/{record_id}").headers["ETag"]
    name = next(n for n, one in properties_of(template, "put") if one["type"][0] == "string")
    value = body_for(sandbox, template, "put")[name]
    sandbox.clock = lambda: NOON + timedelta(days=1)

    done = documented(template, "put")

    def put(expected: str) -> int:
        headers = {"If-Match": expected}
        return status(sandbox, "PUT", path, {key: record_id, name: value}, headers=headers)

    assert put(tag) == done
    assert put(tag) == 400
    assert put('"other"') == 400
    assert put("*") == done
    new = send(sandbox, "GET", f"{path}/{record_id}").headers["ETag"]
    assert put(new) == done


@pytest.mark.parametrize("template", TOP)
def test_a_text_can_be_as_long_as_the_document_says(account: Sandbox, template: str) -> None:
    body = minimal(account, template)
    for name, schema in properties_of(template):
        if "maxLength" in schema and "x-references" not in schema:
            body[name] = "ü" * schema["maxLength"]
    answer = send(account, "POST", path_of(template), body)
    assert answer.status_code == 201, answer.text
    assert {name: content(answer)[name] for name in body} == body


@pytest.mark.parametrize("template", TOP)
def test_what_is_not_written_is_ignored(account: Sandbox, template: str) -> None:
    path, body = path_of(template), minimal(account, template)
    written = {name for name, _ in properties_of(template)}
    unknown = {name: 99 for name in account.tables[path].fields if name not in written}
    made = send(account, "POST", path, {**body, **unknown, "ELEPHANT": 1, "ETag": "x"})
    assert made.status_code == 201, made.text
    assert 99 not in made.json().values()
    assert "ELEPHANT" not in made.json()


@pytest.mark.parametrize("template", TOP)
def test_custom_fields_of_every_type_are_read_back_equal(account: Sandbox, template: str) -> None:
    path = path_of(template)
    values = custom_values(account, path)
    if not values:
        return
    made = send(account, "POST", path, {**minimal(account, template), "CUSTOMFIELDS": values})
    assert made.status_code == 201, made.text
    expected = [{**one, "CUSTOM_FIELD_ID": one["FIELD_NAME"]} for one in values]
    assert str(content(made)["CUSTOMFIELDS"]) == str(expected)  # to the digit


def test_a_stale_version_is_refused_below_a_record_too(sandbox: Sandbox) -> None:
    url = f"/Projects/{first(sandbox, '/Projects')}/Milestones"
    made = send(sandbox, "POST", url, minimal(sandbox, "/Projects/{id}/Milestones"))
    body = {"MILESTONE_ID": made.json()[0]["MILESTONE_ID"], "TITLE": "A"}
    tag = {"If-Match": made.headers["ETag"]}
    assert [status(sandbox, "PUT", url, body, headers=tag) for _ in "ab"] == [200, 400]

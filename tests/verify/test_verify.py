"""``insightly verify``: what it says of an account and of a warehouse, and with which exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.relating import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from tests.verify.conftest import Case

LISTS = ("missing", "gone", "older", "newer", "changed_since")


def test_what_was_just_loaded_is_the_same_for_a_request_a_list(case: Case) -> None:
    done = case.verify("--json")
    assert (done.code, done.stderr) == (0, "")
    found = done.json["streams"]
    compared = {one["stream"] for one in found if one["verdict"] == "same"}
    assert {"contacts", "tags", "follows", "countries", "permissions", "fruit__c"} <= compared
    assert all(one[name] == [] for one in found for name in LISTS)
    for one in found:
        assert one["account"] == one["warehouse"], one
        assert one["table"] == f"insightly.{one['stream']}"
    assert done.json["requests"] == len(case.account.requests)
    asked = [one.path for one in case.account.requests]
    # One for each kind that has tags, and one to know which custom objects there are.
    several = {"/v3.1/Tags", "/v3.1/CustomObjects"}
    assert {path for path in asked if asked.count(path) > 1} == several
    others = [one for one in found if one["stream"] not in {"tags", "custom_fields"}]
    assert {one["requests"] for one in others} == {1}


def test_each_difference_is_named(case: Case) -> None:
    ids = case.ids()
    table = 'insightly."contacts"'
    case.execute(f'delete from {table} where "CONTACT_ID" in ({ids[3]}, {ids[7]})')  # noqa: S608 - ours
    case.execute(
        f"update {table} set \"DATE_UPDATED_UTC\" = '2001-02-03 04:05:06' "  # noqa: S608 - ours
        f'where "CONTACT_ID" = {ids[9]}'
    )
    case.execute(f'update {table} set _sdc_deleted_at = now() where "CONTACT_ID" = {ids[11]}')  # noqa: S608 - ours
    case.account.delete("/Contacts", ids[20])
    created = case.account.create("/Contacts", FIRST_NAME="New")["CONTACT_ID"]
    case.account.update("/Contacts", ids[30], FIRST_NAME="Changed")
    found = case.found("contacts")
    assert found["missing"] == [ids[3], ids[7], ids[11]]
    assert (found["gone"], found["older"]) == ([ids[20]], [ids[9]])
    assert found["changed_since"] == [ids[30], created]
    assert found["notes"] == ["1 of the missing are marked as deleted in the warehouse"]
    assert found["dates_compared"] == found["dates"] == found["account"] - 4
    shown = case.verify("--stream", "CONTACTS")
    assert shown.code == 1
    assert f"contacts: missing in the warehouse: {ids[3]}, {ids[7]}, {ids[11]}" in shown.lines
    assert f"contacts: gone from the account: {ids[20]}" in shown.lines
    assert "detect_deletes" in shown.stdout


def test_a_row_marked_as_deleted_counts_as_gone(case: Case) -> None:
    key = case.ids()[5]
    case.account.delete("/Contacts", key)
    assert case.found("contacts")["gone"] == [key]
    case.execute(
        f'update insightly."contacts" set _sdc_deleted_at = now() where "CONTACT_ID" = {key}'  # noqa: S608 - ours
    )
    assert case.found("contacts", code=0)["gone"] == []


def test_what_changed_after_the_last_sync_is_no_difference(case: Case, tmp_path: Path) -> None:
    ids = case.ids()
    created = case.account.create("/Contacts", FIRST_NAME="New")["CONTACT_ID"]
    case.account.update("/Contacts", ids[2], FIRST_NAME="Changed")
    found = case.found("contacts", code=0)
    assert found["changed_since"] == [ids[2], created]
    state = tmp_path / "state.json"
    state.write_text(json.dumps(case.state))
    found = case.found("contacts", "--state", state, code=0)
    assert found["changed_since"] == [ids[2], created]
    assert found["synced"] == case.state["bookmarks"]["contacts"]["replication_key_value"]
    # Had there been a sync since, it would have been wrong.
    case.state["bookmarks"]["contacts"]["replication_key_value"] = "2099-01-01T00:00:00Z"
    state.write_text(json.dumps(case.state))
    found = case.found("contacts", "--state", state)
    assert (found["missing"], found["older"]) == ([created], [ids[2]])


def test_lists_without_ids_are_compared_by_what_identifies_them(case: Case) -> None:
    case.execute('delete from insightly."countries" where "COUNTRY_NAME" = \'Germany\'')
    case.execute(
        'insert into insightly."tags" ("RECORD_TYPE", "TAG_NAME") values (\'contacts\', \'old\')'
    )
    assert case.found("countries")["missing"] == ["Germany"]
    assert case.found("tags")["gone"] == [["contacts", "old"]]


def test_a_catalog_says_which_streams_there_are(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalog()))
    done = case.verify("--catalog", path, "--json")
    assert done.code == 0, done.stdout
    case.execute('drop table insightly."pipelines"')
    found = case.found("pipelines", "--catalog", path, code=2)
    assert found["notes"] == [
        "The warehouse has no table 'pipelines' in any schema that this user can see."
    ]
    assert case.verify().code == 0, "without a catalog, it is what is there"


def test_streams_that_take_a_request_for_each_record_are_left_out(case: Case) -> None:
    case.execute('create table insightly."note_comments" ("COMMENT_ID" bigint)')
    case.execute('create table insightly."links" ("whatever" bigint)')
    done = case.verify("--json")
    assert done.code == 0
    assert {one["stream"] for one in done.json["streams"] if one["verdict"] == "left out"} == {
        "note_comments",
        "links",
    }
    done = case.verify("--stream", "note_comments", "--stream", "notes", "--json")
    assert done.code == 0
    verdicts = {one["stream"]: one["verdict"] for one in done.json["streams"]}
    assert verdicts == {"note_comments": "left out", "notes": "same"}
    assert len(case.account.requests) == 2  # one for the custom objects


def test_what_comes_inside_of_short_lists_is_compared(case: Case) -> None:
    teams = case.account.records("/Teams")
    rows = [
        (team["TEAM_ID"], member["MEMBER_USER_ID"])
        for team in teams
        for member in team["TEAMMEMBERS"]
    ]
    case.execute(
        'create table insightly."team_memberships" ("TEAM_ID" bigint, "MEMBER_USER_ID" bigint)'
    )
    values = ", ".join(f"({team}, {user})" for team, user in rows[1:])
    case.execute(f'insert into insightly."team_memberships" values {values}')  # noqa: S608 - ours
    found = case.found("team_memberships", "--stream", "team_memberships")
    assert found["missing"] == [list(map(str, rows[0]))]


def test_a_list_that_cannot_be_read_is_never_called_the_same(case: Case) -> None:
    case.account.faults = Faults(forbidden={"/Notes"}, missing={"/Projects"})
    case.execute('delete from insightly."projects"')
    done = case.verify("--json")
    assert done.code == 2
    verdicts = {one["stream"]: one["verdict"] for one in done.json["streams"]}
    assert verdicts["notes"] == "not compared"
    assert verdicts["projects"] == "left out", "there is nothing to compare"
    assert verdicts["contacts"] == "same"
    case.execute('delete from insightly."contacts"')
    assert case.verify().code == 1, "a difference is a difference"


def test_what_is_not_asked_for_want_of_requests_is_not_called_the_same(case: Case) -> None:
    case.account.faults = Faults(daily_quota=10)
    done = case.verify("--json")
    assert done.code == 75
    verdicts = [one["verdict"] for one in done.json["streams"]]
    assert verdicts.count("same") >= 5
    assert verdicts.count("not compared") > 20


def test_nothing_is_written(case: Case) -> None:
    case.verify("--dates", "--values", "5", "--seed", "1")
    assert {one.method for one in case.account.requests} == {"GET"}
    case.verify("--dates", "--stream", "contacts")
    assert case.verify().code == 0


@pytest.mark.parametrize("columns", ["date", "text", "timestamp with time zone", "none"])
def test_dates_of_any_type_are_read(case: Case, columns: str) -> None:
    table = 'insightly."contacts"'
    if columns == "none":
        case.execute(f'alter table {table} drop column "DATE_UPDATED_UTC"')
        found = case.found("contacts", code=0)
        assert found["notes"] == ["no dates compared: the table has no DATE_UPDATED_UTC"]
        assert found["dates_compared"] == 0
        return
    case.execute("set timezone = 'UTC'")
    with case.store.changing() as execute:
        execute("set timezone = 'UTC'")
        execute(f'alter table {table} alter column "DATE_UPDATED_UTC" type {columns}')
    if columns == "date":  # the time is lost
        assert len(case.found("contacts")["older"]) > 50
    else:
        assert case.found("contacts", code=0)["dates_compared"] == len(case.ids())


def test_a_column_that_is_no_date_is_told(case: Case) -> None:
    table = 'insightly."contacts"'
    case.execute(f'alter table {table} drop column "DATE_UPDATED_UTC"')
    case.execute(f'alter table {table} add column "DATE_UPDATED_UTC" boolean')
    (note,) = case.found("contacts", code=2)["notes"]
    assert note == "DATE_UPDATED_UTC of insightly.contacts is of type boolean, which is no date."


def test_an_id_that_is_none_is_told(case: Case) -> None:
    case.execute("create schema if not exists other")
    case.execute('create table other."contacts" ("CONTACT_ID" text)')
    case.execute("insert into other.\"contacts\" values ('abc')")
    (note,) = case.found("contacts", "--schema", "Other", code=2)["notes"]
    assert "says:" in note
    assert "abc" in note


def test_of_several_tables_it_is_asked_which_one_is_meant(case: Case) -> None:
    case.execute("create schema if not exists other")
    case.execute('create table other."contacts" as select * from insightly."contacts"')
    (note,) = case.found("contacts", code=2)["notes"]
    assert note == (
        "There are insightly.contacts and other.contacts: say by --schema which one is meant."
    )
    assert case.found("contacts", "--schema", "insightly", code=0)["verdict"] == "same"
    case.execute('alter table other."contacts" drop column _sdc_deleted_at')
    assert case.found("contacts", code=0)["table"] == "insightly.contacts", "a target wrote it"
    case.execute('alter table insightly."contacts" drop column "CONTACT_ID"')
    assert case.found("contacts", code=0)["table"] == "other.contacts", "it has the key"


def test_names_with_quotes_do_no_harm(case: Case) -> None:
    case.execute("create schema if not exists other")
    case.execute('create table other."Contacts" ("contact_Id" bigint, """; drop table x; --" text)')
    values = ", ".join(f"({one}, '')" for one in case.ids())
    case.execute(f'insert into other."Contacts" values {values}')  # noqa: S608 - ours
    done = case.verify("--schema", "other", "--values", "1", "--json")
    assert done.code == 0, done.stdout + done.stderr
    assert done.json["values"]["compared"] == 1


def test_json_is_plain_data(case: Case) -> None:
    done = case.verify("--json", "--values", "2", "--seed", "3")
    assert set(done.json) == {"streams", "values", "requests", "requests_for_dates"}
    assert done.json["values"] == {
        "compared": 2,
        "changed_since": 0,
        "failed": 0,
        "differing": [],
        "notes": [],
        "seed": 3,
    }

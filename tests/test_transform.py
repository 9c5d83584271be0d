"""The models on top: what dbt makes of the sandbox's data, against what Python makes of it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.modelled import (
    AS_OF,
    MARKS,
    ROOT,
    Loaded,
    belongings,
    build,
    loaded_account,
    moment,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = MARKS


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    loaded = loaded_account(tmp_path_factory.mktemp("transform"))
    done = build(loaded.database)
    assert done.returncode == 0, done.stdout + done.stderr
    return loaded


def test_the_pipeline_of_each_month_end_is_what_the_histories_say(loaded: Loaded) -> None:
    histories = loaded.account.children("/Opportunities", "StateHistory")
    deals = {row["OPPORTUNITY_ID"]: row for row in loaded.records("/Opportunities")}
    first = min(row["DATE_CREATED_UTC"] for row in deals.values())
    month = datetime.fromisoformat(f"{first[:7]}-01")
    expected: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, Decimal(0), 0])
    while month <= AS_OF:
        following = (month + timedelta(days=32)).replace(day=1)
        last_day = (following - timedelta(days=1)).date()
        end = min(following, AS_OF)
        for key, deal in deals.items():
            so_far = [
                entry["FOR_OPPORTUNITY_STATE"]
                for entry in histories[key]
                if moment(entry["DATE_CHANGED_UTC"]) < end
            ]
            if so_far[-1:] == ["OPEN"]:
                places = (deal["PIPELINE_ID"], deal["STAGE_ID"], deal["BID_CURRENCY"])
                counts = expected[(last_day, *places)]
                counts[0] += 1
                counts[1] += deal["OPPORTUNITY_VALUE"] or 0
                counts[2] += deal["OPPORTUNITY_VALUE"] is None
        month = following
    got = {
        (row["month_end"], row["pipeline_id"], row["current_stage_id"], row["currency"]): [
            row["open_opportunities"],
            row["open_value"],
            row["without_value"],
        ]
        for row in loaded.rows("from insightly_marts.pipeline_by_month")
    }
    assert got == dict(expected)
    assert len({key[0] for key in got}) > 12
    assert any(counts[2] for counts in got.values())


def test_months_are_counted_at_midnight_and_the_last_one_as_it_stands(loaded: Loaded) -> None:
    rows = loaded.rows("from insightly_marts.pipeline_by_month")
    for row in rows:
        midnight = datetime.combine(row["month_end"], datetime.min.time()) + timedelta(days=1)
        assert row["counted_at"] == min(midnight, AS_OF)
        assert row["is_complete"] == (midnight <= AS_OF)
    assert {row["is_complete"] for row in rows} == {True, False}


def test_pipelines_and_stages_are_called_by_their_names(loaded: Loaded) -> None:
    stages = {row["STAGE_ID"]: row for row in loaded.records("/PipelineStages")}
    names = {row["PIPELINE_ID"]: row["PIPELINE_NAME"] for row in loaded.records("/Pipelines")}
    for row in loaded.rows("from insightly_marts.pipeline_by_month"):
        stage = stages[row["current_stage_id"]]
        assert row["pipeline"] == names[row["pipeline_id"]]
        assert row["current_stage"] == stage["STAGE_NAME"]
        assert row["current_stage_order"] == stage["STAGE_ORDER"]


def test_open_activities_are_counted_for_who_has_to_do_them(loaded: Loaded) -> None:
    today, counts = AS_OF.date(), defaultdict(Counter)
    for task in loaded.records("/Tasks"):
        if task["COMPLETED"]:
            continue
        due = moment(task["DUE_DATE"])
        own = counts[task["RESPONSIBLE_USER_ID"] or task["OWNER_USER_ID"]]
        own["open_tasks"] += 1
        own["overdue_tasks"] += due is not None and due.date() < today
        own["tasks_without_due_date"] += due is None
        own["tasks_due_within_a_week"] += (
            due is not None and today <= due.date() < today + timedelta(days=7)
        )
    for event in loaded.records("/Events"):
        starts = moment(event["START_DATE_UTC"])
        if starts is not None and starts >= AS_OF:
            counts[event["OWNER_USER_ID"]]["upcoming_events"] += 1
            counts[event["OWNER_USER_ID"]]["events_within_a_week"] += starts < AS_OF + timedelta(
                days=7
            )
    rows = {
        row["user_id"]: row for row in loaded.rows("from insightly_marts.open_activities_by_owner")
    }
    users = {row["USER_ID"]: row for row in loaded.records("/Users")}
    assert set(rows) == {*users, None, 4711}
    for user, row in rows.items():
        names = ("open_tasks", "overdue_tasks", "tasks_without_due_date")
        names += ("tasks_due_within_a_week", "upcoming_events", "events_within_a_week")
        assert {name: row[name] for name in names} == {name: counts[user][name] for name in names}
        if user in users:
            name = f"{users[user]['FIRST_NAME']} {users[user]['LAST_NAME']}"
            assert (row["user_name"], row["is_active_user"]) == (name, users[user]["ACTIVE"])
    assert (rows[None]["user_name"], rows[4711]["user_name"]) == ("nobody", "unknown user")
    for name in ("overdue_tasks", "tasks_due_within_a_week", "upcoming_events"):
        assert sum(row[name] for row in rows.values()) > 0


def customers(loaded: Loaded) -> dict[int, dict[str, Any]]:
    rows = loaded.rows("from insightly_marts.customer_360")
    found = {row["organisation_id"]: row for row in rows}
    assert len(found) == len(rows)
    assert set(found) == {row["ORGANISATION_ID"] for row in loaded.records("/Organisations")}
    return found


def agree(
    rows: Mapping[int, dict[str, Any]], counts: Mapping[int, Counter[str]], *names: str
) -> None:
    for key, row in rows.items():
        assert {name: row[name] for name in names} == {name: counts[key][name] for name in names}
    for name in names:
        assert sum(row[name] for row in rows.values()) > 0, name


def test_customer_360_counts_contacts_deals_and_tickets(loaded: Loaded) -> None:
    owners, counts = belongings(loaded), defaultdict(Counter)
    for row in loaded.records("/Contacts"):
        for company in owners["Contact", row["CONTACT_ID"]]:
            counts[company]["contacts"] += 1
    for row in loaded.records("/Opportunities"):
        for company in owners["Opportunity", row["OPPORTUNITY_ID"]]:
            counts[company]["opportunities"] += 1
            counts[company][f"{row['OPPORTUNITY_STATE'].lower()}_opportunities"] += 1
    for row in loaded.records("/Ticket"):
        for company in owners["Ticket", row["TICKET_ID"]]:
            counts[company]["tickets"] += 1
            counts[company]["open_tickets"] += row["TICKET_STATUS"] in {"OPEN", "WAITING"}
    deals = ("opportunities", "open_opportunities", "won_opportunities", "lost_opportunities")
    agree(customers(loaded), counts, "contacts", *deals, "tickets", "open_tickets")


def test_customer_360_counts_what_is_to_do_about_an_organisation(loaded: Loaded) -> None:
    owners, counts = belongings(loaded), defaultdict(Counter)

    def about(row: Mapping[str, Any], *more: tuple[str, int | None]) -> set[int]:
        linked = ((one["LINK_OBJECT_NAME"], one["LINK_OBJECT_ID"]) for one in row["LINKS"])
        return {company for subject in (*linked, *more) for company in owners[subject]}

    for row in loaded.records("/Tasks"):
        direct = (("Opportunity", row["OPPORTUNITY_ID"]), ("Project", row["PROJECT_ID"]))
        due = moment(row["DUE_DATE"])
        for company in () if row["COMPLETED"] else about(row, *direct):
            counts[company]["open_tasks"] += 1
            counts[company]["overdue_tasks"] += due is not None and due.date() < AS_OF.date()
    for row in loaded.records("/Events"):
        starts = moment(row["START_DATE_UTC"])
        for company in about(row):
            counts[company]["upcoming_events"] += starts is not None and starts >= AS_OF
    agree(customers(loaded), counts, "open_tasks", "overdue_tasks", "upcoming_events")


def test_customer_360_says_in_words_what_deals_are_worth(loaded: Loaded) -> None:
    values: dict[tuple[int, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in loaded.records("/Opportunities"):
        key = (row["ORGANISATION_ID"], row["OPPORTUNITY_STATE"])
        values[key][row["BID_CURRENCY"]] += row["OPPORTUNITY_VALUE"] or 0
    for key, row in customers(loaded).items():
        for state, column in (("OPEN", "open_value"), ("WON", "won_value")):
            worth = sorted(values[key, state].items())
            in_words = ", ".join(f"{value:.2f} {currency}" for currency, value in worth)
            assert row[column] == (in_words or None)


def test_customer_360_knows_tags_owner_domains_and_what_happened_last(loaded: Loaded) -> None:
    users = {r["USER_ID"]: f"{r['FIRST_NAME']} {r['LAST_NAME']}" for r in loaded.records("/Users")}
    owners, emails, notes = belongings(loaded), defaultdict(list), defaultdict(list)
    for path, dates, column in (
        ("/Emails", emails, "EMAIL_DATE_UTC"),
        ("/Notes", notes, "DATE_CREATED_UTC"),
    ):
        for row in loaded.records(path):
            for link in row["LINKS"]:
                for company in owners[link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]]:
                    dates[company].append(moment(row[column]))
    rows = customers(loaded)
    for source in loaded.records("/Organisations"):
        key = source["ORGANISATION_ID"]
        tags = sorted(tag["TAG_NAME"] for tag in source["TAGS"])
        assert sorted(rows[key]["tags"].split(", ") if rows[key]["tags"] else []) == tags
        assert rows[key]["owner"] == users[source["OWNER_USER_ID"]]
        assert rows[key]["email_domains"] == source["EMAILDOMAINS"][0]["EMAIL_DOMAIN"]
        assert rows[key]["last_email_at"] == max(emails[key], default=None)
        assert rows[key]["last_note_at"] == max(notes[key], default=None)


def test_values_are_kept_apart_by_currency(loaded: Loaded) -> None:
    live = {row["ORGANISATION_ID"] for row in loaded.records("/Organisations")}
    expected: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for row in loaded.records("/Opportunities"):
        if row["ORGANISATION_ID"] in live:
            is_won = row["OPPORTUNITY_STATE"] == "WON"
            value = row["OPPORTUNITY_VALUE"] or 0
            expected[row["ORGANISATION_ID"], row["BID_CURRENCY"]] += value if is_won else 0
    rows = loaded.rows("from insightly_marts.customer_value_by_currency")
    assert {(r["organisation_id"], r["currency"]): r["won_value"] for r in rows} == dict(expected)


def test_last_and_next_activity_are_those_of_the_organisation_its_people_and_deals(
    loaded: Loaded,
) -> None:
    lasts, nexts = defaultdict(list), defaultdict(list)
    for path in ("/Organisations", "/Contacts", "/Opportunities"):
        for row in loaded.records(path):
            last, following = (
                moment(row[name]) for name in ("LAST_ACTIVITY_DATE_UTC", "NEXT_ACTIVITY_DATE_UTC")
            )
            if last and last <= AS_OF:
                lasts[row["ORGANISATION_ID"]].append(last)
            if following and following >= AS_OF:
                nexts[row["ORGANISATION_ID"]].append(following)
    rows = loaded.rows("from insightly_marts.customer_360")
    for row in rows:
        key = row["organisation_id"]
        assert row["last_activity_at"] == max(lasts[key], default=None)
        assert row["next_activity_at"] == min(nexts[key], default=None)
    assert any(row["next_activity_at"] for row in rows)


def test_people_are_those_who_work_there_and_those_who_are_linked(loaded: Loaded) -> None:
    live = {row["ORGANISATION_ID"] for row in loaded.records("/Organisations")}
    people = {row["CONTACT_ID"]: row for row in loaded.records("/Contacts")}
    expected: dict[tuple[int, int], tuple[bool, set[str], set[int]]] = {}

    def add(company: int, person: int, role: str | None = None, deal: int | None = None) -> None:
        if company in live and person in people:
            works_there = people[person]["ORGANISATION_ID"] == company
            entry = expected.setdefault((company, person), (works_there, set(), set()))
            entry[1].update([role] if role else [])
            entry[2].update([deal] if deal else [])

    for key, row in people.items():
        add(row["ORGANISATION_ID"], key)
        for link in row["LINKS"]:
            add(link["LINK_OBJECT_ID"], key, link["ROLE"])
    for row in loaded.records("/Opportunities"):
        for link in row["LINKS"]:
            if link["LINK_OBJECT_NAME"] == "Contact":
                add(
                    row["ORGANISATION_ID"],
                    link["LINK_OBJECT_ID"],
                    link["ROLE"],
                    row["OPPORTUNITY_ID"],
                )
    got = {
        (row["organisation_id"], row["contact_id"]): (
            row["works_there"],
            set(row["roles"].split(", ") if row["roles"] else ()),
            row["opportunities"],
        )
        for row in loaded.rows("from insightly_marts.customer_people")
    }
    assert got == {
        key: (works, roles, len(deals)) for key, (works, roles, deals) in expected.items()
    }


def test_deleted_records_are_in_no_model(loaded: Loaded) -> None:
    relations = loaded.rows(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_schema in ('insightly_staging', 'insightly_marts')"
    )
    keys = {"organisations": "organisation_id", "contacts": "contact_id"}
    keys |= {"opportunities": "opportunity_id", "tasks": "task_id", "events": "event_id"}
    for stream, key in keys.items():
        gone = loaded.gone[stream]
        (row,) = loaded.rows(
            f"select _sdc_deleted_at as found from insightly.{stream} where {key} = {gone}"  # noqa: S608 - as above
        )
        assert row["found"], "the warehouse still has it, and knows that it is deleted"
        for one in relations:
            # Other records may still name a deleted one; a staging view says what they say.
            is_its_own = one["table_name"] == f"stg_{stream}" or one["table_schema"].endswith(
                "marts"
            )
            if one["column_name"] == key and is_its_own:
                where = f"{one['table_schema']}.{one['table_name']} where {key} = {gone}"
                assert loaded.rows(f"from {where}") == [], where
    records = {
        (r["record_type"], r["record_id"])
        for r in loaded.rows("from insightly_staging.stg_records")
    }
    assert ("Contact", loaded.gone["contacts"]) not in records
    assert ("Organisation", loaded.gone["organisations"]) not in records


def test_tags_and_links_that_were_taken_off_are_gone(loaded: Loaded) -> None:
    for view, array, kinds in (
        ("stg_record_tags", "TAGS", ("Contacts", "Organisations", "Opportunities", "Projects")),
        ("stg_links", "LINKS", ("Contacts", "Organisations", "Opportunities", "Projects", "Tasks")),
    ):
        kind_column = "record_type" if array == "TAGS" else "from_type"
        counted = {
            row["kind"]: row["number"]
            for row in loaded.rows(
                f"select {kind_column} as kind, count(*) as number "  # noqa: S608 - as above
                f"from insightly_staging.{view} group by kind"
            )
        }
        for kind in kinds:
            singular = "Opportunity" if kind == "Opportunities" else kind.removesuffix("s")
            there = sum(len(row[array]) for row in loaded.records(f"/{kind}"))
            assert counted[singular] == there > 0, kind
    (row,) = loaded.rows("select count(*) as number from insightly.record_tags")
    (live,) = loaded.rows("select count(*) as number from insightly_staging.stg_record_tags")
    assert row["number"] > live["number"], "nothing was taken off"


def test_everything_is_described(loaded: Loaded) -> None:
    manifest = json.loads((loaded.database.with_suffix("") / "target/manifest.json").read_text())
    models = [one for one in manifest["nodes"].values() if one["resource_type"] == "model"]
    assert len(models) > 20
    for model in models:
        columns = loaded.rows(f"describe {model['schema']}.{model['name']}")
        assert model["description"], model["name"]
        assert {c for c, one in model["columns"].items() if one["description"]} == {
            row["column_name"] for row in columns
        }, model["name"]
    for table in manifest["sources"].values():
        assert table["description"], table["name"]
    guide = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for model in models:
        if model["schema"].endswith("_marts"):
            assert f"`{model['name']}`" in guide

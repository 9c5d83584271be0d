"""An account in a warehouse, and models on top: what the tests of the models start from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox.data.life import TODAY
from tests.conftest import Tap, new_sandbox, only

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
DBT = ROOT / ".tools" / "dbt" / "bin" / "dbt"
MODELS = ROOT / "transform"
IN_MODELS = ("--project-dir", MODELS, "--profiles-dir", MODELS)
NOW = TODAY + timedelta(days=1)
AS_OF = NOW.replace(tzinfo=None) + timedelta(hours=1)
RELATED = ("opportunity_state_history", "links", "record_tags", "organisation_email_domains")
OPTIONAL = ("tickets", *RELATED)
STREAM_NAMES = (
    *("organisations contacts leads opportunities pipelines pipeline_stages projects").split(),
    *("tasks events notes emails users").split(),
    *OPTIONAL,
)
MARTS = sorted(path.stem for path in (MODELS / "models" / "marts").glob("*.sql"))
MARKS = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info >= (3, 14), reason="duckdb 1.2.2 is not built for it"),
]


@dataclass(frozen=True)
class Loaded:
    """An account, and the warehouse that it was loaded into, in two syncs."""

    account: Sandbox
    database: Path
    gone: Mapping[str, int]
    """The key of one deleted record of each of some streams."""

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the warehouse."""
        return ask(self.database, sql)

    def records(self, path: str) -> list[dict[str, Any]]:
        """List what the account holds."""
        return self.account.records(path)


def ask(database: Path, sql: str) -> list[dict[str, Any]]:
    import duckdb  # noqa: PLC0415 - not there on every Python

    with duckdb.connect(str(database), read_only=True) as connection:
        answer = connection.execute(sql)
        names = [column[0].lower() for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def dbt(database: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on a database, with nothing written into the repository."""
    return _run(database, [DBT, *args, *IN_MODELS])


def dbt_each(
    database: Path, steps: Iterable[Sequence[str] | str]
) -> subprocess.CompletedProcess[str]:
    """Run dbt several times, in one process because it takes seconds to start.

    A step that is a text is SQL for the database.
    """
    program = """
import json, sys
import duckdb
from dbt.cli.main import dbtRunner
database, steps = sys.argv[1], json.loads(sys.argv[2])
runner = dbtRunner()
for step in steps:
    if isinstance(step, str):
        with duckdb.connect(database) as connection:
            connection.execute(step)
    elif not runner.invoke(step).success:
        sys.exit(f"dbt {' '.join(step)} failed")
"""
    given = [step if isinstance(step, str) else [*step, *map(str, IN_MODELS)] for step in steps]
    return _run(database, [DBT.with_name("python"), "-c", program, database, json.dumps(given)])


def _run(database: Path, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    folder = database.with_suffix("")
    theirs = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
    env = {
        **theirs,
        "INSIGHTLY_DUCKDB": str(database),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    return subprocess.run(  # noqa: S603 - our own command
        command, env=env, capture_output=True, text=True, timeout=900, check=False
    )


def build(database: Path, *args: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    return dbt(database, "--quiet", "build", "--vars", at(AS_OF, **variables), *args)


def at(moment: datetime, **variables: Any) -> str:
    """Say which moment counts as now, as dbt takes it."""
    return json.dumps({"as_of": str(moment), "insightly_seen_at": str(moment), **variables})


def loaded_account(folder: Path) -> Loaded:
    """Load an account twice, with changes and deletions in between."""
    account, tap = new_sandbox(records=150), Tap(folder)
    account.clock = lambda: TODAY + timedelta(hours=1)
    with account.serve() as sandbox:
        settings = {"sandbox": sandbox, "detect_deletes": True, "start_date": None}
        catalog = only(tap.discover(sandbox, detect_deletes=True), *STREAM_NAMES)
        first = tap(catalog=catalog, **settings)
        assert first.code == 0, first.stderr
        account.clock = lambda: NOW
        gone = work(account)
        second = tap(catalog=catalog, state=first.state, **settings)
        assert second.code == 0, second.stderr
    database = folder / "warehouse.duckdb"
    load(database, [*first.messages, *second.messages])
    return Loaded(account, database, gone)


def work(account: Sandbox) -> dict[str, int]:
    """Let something happen between the two syncs."""
    gone = {
        "organisations": account.records("/Organisations")[3]["ORGANISATION_ID"],
        "contacts": account.records("/Contacts")[5]["CONTACT_ID"],
        "opportunities": next(
            row["OPPORTUNITY_ID"]
            for row in reversed(account.records("/Opportunities"))
            if row["OPPORTUNITY_STATE"] == "OPEN"
        ),
        "tasks": next(r["TASK_ID"] for r in account.records("/Tasks") if not r["COMPLETED"]),
        "events": account.records("/Events")[-1]["EVENT_ID"],
    }
    for stream, key in gone.items():
        assert account.delete(f"/{stream.capitalize()}", key)
    a_month_ago = str(NOW.replace(tzinfo=None) - timedelta(days=30))
    deals = [
        row
        for row in account.records("/Opportunities")
        if row["OPPORTUNITY_STATE"] == "OPEN" and row["DATE_CREATED_UTC"] < a_month_ago
    ]
    for deal, state in zip(deals, ("WON", "LOST", "SUSPENDED"), strict=False):
        account.update("/Opportunities", deal["OPPORTUNITY_ID"], OPPORTUNITY_STATE=state)
    account.update("/Opportunities", deals[3]["OPPORTUNITY_ID"], OPPORTUNITY_VALUE=None)
    account.clock = lambda: NOW.replace(hour=0)  # to the second at which a month ends
    account.update("/Opportunities", deals[4]["OPPORTUNITY_ID"], OPPORTUNITY_STATE="LOST")
    for deal in deals[5:9]:  # suspended and reopened in one second, of which a month's end tells
        for state, later in (("SUSPENDED", -20), ("OPEN", -20), ("WON", 0)):
            account.clock = lambda days=later: NOW + timedelta(days=days)
            account.update("/Opportunities", deal["OPPORTUNITY_ID"], OPPORTUNITY_STATE=state)
    account.clock = lambda: NOW
    tagged = [row for row in account.records("/Organisations") if row["TAGS"]]
    account.update("/Organisations", tagged[0]["ORGANISATION_ID"], TAGS=[])
    account.update("/Organisations", tagged[1]["ORGANISATION_ID"], TAGS=tagged[1]["TAGS"][:1])
    linked = [r for r in account.records("/Tasks") if r["LINKS"] and not r["COMPLETED"]]
    account.update("/Tasks", linked[0]["TASK_ID"], LINKS=[], OPPORTUNITY_ID=None, PROJECT_ID=None)
    account.update("/Tasks", linked[1]["TASK_ID"], RESPONSIBLE_USER_ID=None, OWNER_USER_ID=None)
    account.update("/Tasks", linked[2]["TASK_ID"], RESPONSIBLE_USER_ID=4711)
    account.update("/Tasks", linked[3]["TASK_ID"], DUE_DATE=f"{AS_OF:%Y-%m-%d} 00:00:00")
    return gone


def load(database: Path, messages: Iterable[dict[str, Any]], into: str = "insightly") -> None:
    """Write what a tap says into tables, as target-duckdb does: a row for each key."""
    import duckdb  # noqa: PLC0415 - not there on every Python

    schemas: dict[str, dict[str, Any]] = {}
    columns_of: dict[str, dict[str, str]] = defaultdict(dict)
    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = defaultdict(dict)
    for message in messages:
        stream = message.get("stream", "")
        if message["type"] == "SCHEMA":
            schemas[stream] = message
            properties = message["schema"]["properties"]
            columns_of[stream] |= {name: sql_type(prop) for name, prop in properties.items()}
        elif message["type"] == "RECORD":
            record, schema = message["record"], schemas[stream]
            row = rows[stream].setdefault(
                tuple(record[key] for key in schema["key_properties"]), {}
            )
            row |= {name: record.get(name) for name in schema["schema"]["properties"]}
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create schema {into}")
        for stream, known in columns_of.items():
            types = {"_sdc_deleted_at": "VARCHAR", **known}
            lines = database.with_name(f"{stream}.jsonl")
            texts = (
                {name: flat(record.get(name)) for name in types} for record in rows[stream].values()
            )
            lines.write_text("".join(f"{json.dumps(text)}\n" for text in texts))
            columns = ", ".join(
                f'cast("{name}" as {kind}) as "{name.lower()}"' for name, kind in types.items()
            )
            source = str(dict.fromkeys(types, "VARCHAR"))
            connection.execute(
                f"create table {into}.{stream} as select {columns} "  # noqa: S608 - our own words
                f"from read_json('{lines}', format = 'newline_delimited', columns = {source}, "
                "maximum_object_size = 100000000)"
            )


def sql_type(prop: Mapping[str, Any]) -> str:
    kinds = set(prop["type"] if isinstance(prop["type"], list) else [prop["type"]])
    for kind, name in (
        ("integer", "HUGEINT"),
        ("number", "DOUBLE"),
        ("boolean", "BOOLEAN"),
        ("array", "JSON"),
        ("object", "JSON"),
    ):
        if kind in kinds:
            return name
    return "TIMESTAMP" if prop.get("format") == "date-time" else "VARCHAR"


def flat(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def moment(text: str | None) -> datetime | None:
    """Read a date as the account has it."""
    return None if text in {None, "", "0000-00-00 00:00:00"} else datetime.fromisoformat(str(text))


def belongings(loaded: Loaded) -> dict[tuple[str, int], set[int]]:
    """Find the organisations that a record belongs to."""
    live = {row["ORGANISATION_ID"] for row in loaded.records("/Organisations")}
    owners: dict[tuple[str, int], set[int]] = defaultdict(set)
    owners |= {("Organisation", key): {key} for key in live}
    for kind, path, key in (
        ("Contact", "/Contacts", "CONTACT_ID"),
        ("Opportunity", "/Opportunities", "OPPORTUNITY_ID"),
    ):
        for row in loaded.records(path):
            owners[kind, row[key]] = {row["ORGANISATION_ID"]} & live
    for row in loaded.records("/Projects"):
        owners["Project", row["PROJECT_ID"]] = set(owners["Opportunity", row["OPPORTUNITY_ID"]])
        for link in row["LINKS"]:
            if link["LINK_OBJECT_NAME"] == "Organisation":
                owners["Project", row["PROJECT_ID"]] |= {link["LINK_OBJECT_ID"]} & live
    for row in loaded.records("/Ticket"):
        by_contact = owners["Contact", row["CONTACT_ID"]]
        owners["Ticket", row["TICKET_ID"]] = (
            {row["ORGANISATION_ID"]} & live if row["ORGANISATION_ID"] else set(by_contact)
        )
    return owners

"""The models as a package in a project of somebody's own, and on other databases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg.rows
import pytest
import yaml

from tests.destinations.postgres import postgres
from tests.modelled import (
    AS_OF,
    DBT,
    MARKS,
    MARTS,
    MODELS,
    ROOT,
    STREAM_NAMES,
    Loaded,
    ask,
    at,
    build,
    loaded_account,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = MARKS

FIELDS = {"organisations": ["Tier__c"], "opportunities": ["Competitor__c", "Not_Here__c"]}


def run(command: list[Any], folder: Path, **more: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "GIT_"))}
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd=folder,
        env={**env, **more},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a git repository of what there is in transform/ now, committed or not."""
    folder = tmp_path_factory.mktemp("repository")
    files = run(["git", "ls-files", "-co", "--exclude-standard", "transform"], ROOT).split()
    for name in files:
        goal = folder / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.write_bytes((ROOT / name).read_bytes())
    who = ["-c", "user.name=a", "-c", "user.email=a@sandbox.example", "-c", "commit.gpgsign=false"]
    for args in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "models"]):
        run(["git", *args], folder)
    return folder


def project(folder: Path, repository: Path, profile: dict[str, Any], **variables: Any) -> Path:
    """Write a project that has the models as a package, and get it."""
    folder.mkdir()
    commit = run(["git", "rev-parse", "HEAD"], repository).strip()
    package = {"git": repository.as_uri(), "subdirectory": "transform", "revision": commit}
    own = {
        "name": "crm",
        "profile": "crm",
        "models": {"crm": {"+materialized": "table"}},
        "vars": {"insightly": variables},
        "flags": {"send_anonymous_usage_stats": False},
    }
    profiles = {"crm": {"target": "here", "outputs": {"here": profile}}}
    for name, content in (
        ("dbt_project.yml", own),
        ("packages.yml", {"packages": [package]}),
        ("profiles.yml", profiles),
    ):
        (folder / name).write_text(yaml.safe_dump(content))
    (folder / "models").mkdir()
    (folder / "models" / "biggest.sql").write_text(
        "select organisation_name, Tier__c from {{ ref('customer_360') }} order by open_tasks"
    )
    run([DBT, "deps", "--quiet"], folder)
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded_account(tmp_path_factory.mktemp("package"))


def test_a_project_of_ones_own_installs_them_and_builds_on_them(
    loaded: Loaded, repository: Path, tmp_path: Path
) -> None:
    import duckdb  # noqa: PLC0415 - not there on every Python

    database = tmp_path / "loaded.duckdb"
    shutil.copy(loaded.database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table insightly.tickets")
        for stream in ("pipelines", "pipeline_stages", "users"):
            connection.execute(
                f"alter table insightly.{stream} "
                "add column _sdc_batched_at timestamp default timestamp '2026-07-01 19:00:00'"
            )
    crm = tmp_path / "mine.duckdb"
    raw = {"path": str(database), "alias": "raw", "read_only": True}
    profile = {"type": "duckdb", "path": str(crm), "schema": "crm", "attach": [raw], "threads": 2}
    folder = project(
        tmp_path / "crm",
        repository,
        profile,
        insightly_database="raw",
        insightly_schema="insightly",
        insightly_empty_streams=["tickets"],
        insightly_custom_fields=FIELDS,
    )
    said = run([DBT, "build", "--vars", at(AS_OF)], folder)
    assert "Stream opportunities was loaded without its column Not_Here__c" in " ".join(
        said.split()
    )
    assert "tickets was not loaded" not in said
    custom = {
        row["ORGANISATION_ID"]: next(
            (f["FIELD_VALUE"] for f in row["CUSTOMFIELDS"] if f["FIELD_NAME"] == "Tier__c"), None
        )
        for row in loaded.records("/Organisations")
    }
    rows = ask(crm, "from crm_marts.customer_360")
    assert {row["organisation_id"]: row["tier__c"] for row in rows} == custom
    assert any(custom.values())
    assert all(row["open_tasks"] is not None and row["tickets"] == 0 for row in rows)
    assert len(ask(crm, "from crm.biggest")) == len(custom)
    deals = ask(crm, "from crm_history.opportunity_versions")
    assert {row["not_here__c"] for row in deals} == {None}
    assert any(row["competitor__c"] for row in deals)
    # Docs and freshness, of the same project.
    run([DBT, "--quiet", "docs", "generate"], folder)
    catalog = json.loads((folder / "target" / "catalog.json").read_text())
    assert "model.insightly.customer_360" in catalog["nodes"]
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    assert manifest["exposures"]
    run([DBT, "--quiet", "source", "freshness"], folder)
    results = json.loads((folder / "target" / "sources.json").read_text())["results"]
    assert len(results) == 3


WAREHOUSES = ROOT / ".tools" / "dbt-warehouses" / "bin"
TYPES = {"HUGEINT": "bigint", "DOUBLE": "double precision", "JSON": "jsonb", "VARCHAR": "text"}


def copy(database: Path, connection: psycopg.Connection) -> None:
    """Copy what was loaded into Postgres, with names in capitals, as some targets write them."""
    connection.execute("create schema insightly")
    tables = "select distinct table_name as name from information_schema.columns"
    for table in ask(database, f"{tables} where table_schema = 'insightly'"):
        name = table["name"]
        columns = [
            (row["column_name"], TYPES.get(row["column_type"], row["column_type"]))
            for row in ask(database, f"describe insightly.{name}")
        ]
        shown = ", ".join(f'"{column.upper()}" {kind}' for column, kind in columns)
        connection.execute(f'create table insightly."{name}" ({shown})')
        with connection.cursor().copy(f'copy insightly."{name}" from stdin') as copied:
            for row in ask(database, f"from insightly.{name}"):
                copied.write_row([*row.values()])


def test_postgres_makes_the_same_tables(loaded: Loaded, repository: Path, tmp_path: Path) -> None:
    """Postgres is run; of the others, what dbt makes is read by sqlglot."""
    database = tmp_path / "same.duckdb"
    shutil.copy(loaded.database, database)
    assert build(database).returncode == 0
    with postgres() as server:
        with psycopg.connect(**server, autocommit=True) as connection:
            copy(database, connection)
        reach = {"dbname": server["dbname"], "pass": server["password"]} | {
            name: server[name] for name in ("host", "port", "user")
        }
        profile = {"type": "postgres", **reach, "schema": "crm", "threads": 2}
        folder = project(tmp_path / "crm", repository, profile)
        (folder / "models" / "biggest.sql").unlink()
        for args in (["build"], ["snapshot"]):  # the second one finds nothing new
            run([WAREHOUSES / "dbt", "--quiet", *args, "--vars", at(AS_OF)], folder)
        with psycopg.connect(**server, row_factory=psycopg.rows.dict_row) as connection:
            for mart in MARTS:
                theirs = connection.execute(f"table crm_marts.{mart}").fetchall()
                ours = ask(database, f"from insightly_marts.{mart}")
                assert sorted(map(plain, theirs)) == sorted(map(plain, ours)), mart
            (count,) = connection.execute(
                "select count(*) as number from crm_history.opportunity_versions"
            ).fetchall()
    assert count["number"] == len(ask(database, "from insightly_history.opportunity_versions"))


def plain(row: dict[str, Any]) -> str:
    return str(
        {
            name: round(float(value), 2) if isinstance(value, (int, float, Decimal)) else value
            for name, value in row.items()
        }
    )


@pytest.mark.parametrize("name", ["snowflake", "bigquery"])
def test_other_databases_are_given_their_own_sql(name: str, tmp_path: Path) -> None:
    """There is no account to run it in: dbt compiles it, and sqlglot reads it."""
    outputs = {
        "snowflake": {"type": "snowflake", "account": "a.b", "database": "crm", "warehouse": "w"},
        "bigquery": {"type": "bigquery", "method": "oauth-secrets", "project": "crm"},
    }
    secrets = {"user": "a", "password": "b"} if name == "snowflake" else {"token": "c"}
    profile = {**outputs[name], **secrets, "schema": "crm", "threads": 2}
    profiles = {"insightly": {"target": "here", "outputs": {"here": profile}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles))
    said = {"insightly_streams": STREAM_NAMES[:-1], "insightly_custom_fields": FIELDS}
    folders = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
    offline = ["compile", "--no-introspect", "--no-populate-cache", "--profiles-dir", tmp_path]
    command = [WAREHOUSES / "dbt", "--quiet", *offline, "--project-dir", MODELS]
    run([*command, "--vars", at(AS_OF, **said)], tmp_path, **folders)
    program = """
import json, sys, sqlglot
nodes = json.load(open(sys.argv[1]))["nodes"].values()
texts = [node["compiled_code"] for node in nodes if node.get("compiled_code")]
for text in texts:
    (tree,) = sqlglot.parse(text, dialect=sys.argv[2], error_level=sqlglot.ErrorLevel.RAISE)
    tree.sql(dialect=sys.argv[2], unsupported_level=sqlglot.ErrorLevel.RAISE)
print(len(texts))
"""
    manifest = tmp_path / "target" / "manifest.json"
    read = run([WAREHOUSES / "python", "-c", program, manifest, name], tmp_path)
    assert int(read) > 200

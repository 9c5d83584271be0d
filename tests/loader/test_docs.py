"""docs/target.md: its files are made, its commands run, and its words held against the settings."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_insightly.loader.settings import SETTINGS
from tap_insightly.settings import CONNECTION
from tests.conftest import KEY, new_sandbox, run_process, tap_environment
from tests.destinations.pipe import ROOT, TOOLS
from tests.loader.accounts import ids_in
from tests.loader.feeding import PREFIX, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

DOC = (ROOT / "docs" / "target.md").read_text(encoding="utf-8")
SCORES, RECIPES = DOC.split("## Recipes")


def blocks(language: str, text: str = DOC) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def recipe(title: str) -> str:
    return next(part for part in RECIPES.split("### ") if part.startswith(title))


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with new_sandbox(records=40).serve() as account:
        yield account


@pytest.fixture
def other_account() -> Iterator[Sandbox]:
    """One with another key: Meltano writes settings to files, where the tests look for theirs."""
    with new_sandbox(records=40, api_key="the-key-of-the-tests-of-this").serve() as account:
        yield account


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The programs of this package, as they are called when they are installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, module in (
        ("tap-insightly", "tap_insightly"),
        ("target-insightly", "tap_insightly.loader"),
    ):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        path.chmod(0o755)
    return folder


def shell(
    lines: str, folder: Path, programs: Path, account: Sandbox, **more: str
) -> tuple[str, str]:
    """Run the lines of a shell block, each of which has to succeed."""
    env = environment(account) | tap_environment(
        api_key=KEY, api_url=account.api_url, requests_per_second=100
    )
    env |= {name: value for name, value in environment(account).items() if name.startswith(PREFIX)}
    tools = [
        programs,
        Path(sys.executable).parent,
        TOOLS / "dbt" / "bin",
        TOOLS / "meltano" / "bin",
    ]
    env["PATH"] = ":".join([*map(str, tools), env["PATH"]])
    env |= {"NO_COLOR": "1", "DO_NOT_TRACK": "1", **more}
    command = ["/usr/bin/env", "bash", "-ec", f"set -o pipefail\n{lines}"]
    done = run_process(command, env=env, folder=folder, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="duckdb 1.2.2 is not built for it")
def test_lead_scores_come_from_the_warehouse_into_insightly(
    other_account: Sandbox, programs: Path, tmp_path: Path
) -> None:
    import duckdb  # noqa: PLC0415 - not there on every Python

    account = other_account
    names = ("lead_id", "employee_count", "email", "phone", "mobile", "converted")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create schema insightly")
        warehouse.execute(
            "create table insightly.leads (lead_id bigint, employee_count bigint, email text, "
            "phone text, mobile text, converted boolean)"
        )
        rows = [[row[name.upper()] for name in names] for row in account.records("/Leads")]
        warehouse.executemany("insert into insightly.leads values (?, ?, ?, ?, ?, ?)", rows)
    (tmp_path / "models").mkdir()
    for language in ("sql", "yaml", "python"):
        for block in blocks(language, SCORES.partition("### From Postgres")[0]):
            (name,) = re.findall(r"^(?:--|#) (\S+\.\w+)$", block, re.MULTILINE)
            text = block
            if name == "meltano.yml":  # the package is there already
                text = block.replace(
                    "pip_url: git+URL-of-this-repository",
                    f"executable: {programs / 'target-insightly'}",
                )
                assert text != block
            (tmp_path / name).write_text(text)
    (commands,) = blocks("sh", SCORES)
    key = {"TARGET_INSIGHTLY_API_KEY": account.api_key}
    said = "".join(shell(commands, tmp_path, programs, account, **key))
    open_leads = [row for row in account.records("/Leads") if not row["CONVERTED"]]
    assert open_leads
    for row in open_leads:
        score = 1 + 2 * ((row["EMPLOYEE_COUNT"] or 0) >= 100) + bool(row["EMAIL"])
        score += bool(row["PHONE"] if row["PHONE"] is not None else row["MOBILE"])
        assert row["LEAD_RATING"] == min(score, 5)
    assert said.count("Dry run: lead_scores: PUT /Leads") == len(
        [one for one in account.requests if one.method == "PUT"]
    )
    again = commands.splitlines()[-1]
    before = len(account.requests)
    shell(again, tmp_path, programs, account, **key)
    assert {one.method for one in account.requests[before:]} == {"GET"}


def test_the_recipes_do_what_they_say(account: Sandbox, programs: Path, tmp_path: Path) -> None:
    messages = blocks("json", recipe("Find people"))[0]
    (tmp_path / "people.jsonl").write_text(messages)
    (commands,) = blocks("sh", recipe("Find people"))
    for _ in range(2):
        shell(commands, tmp_path, programs, account)
        made = [
            row
            for row in account.records("/Contacts")
            if row["EMAIL_ADDRESS"] in {"ann@example.com", "bob@example.com"}
        ]
        assert {(row["FIRST_NAME"], row["TITLE"]) for row in made} == {
            ("Ann", "Buyer"),
            ("Bob", "Engineer"),
        }
        assert len(made) == 2
    number = made[0]["CONTACT_ID"]
    gone = [
        {"type": "SCHEMA", "stream": "contacts", "schema": {"properties": {"CONTACT_ID": {}}}},
        {
            "type": "RECORD",
            "stream": "contacts",
            "record": {"CONTACT_ID": number, "_sdc_deleted_at": "2026-01-31T00:00:00Z"},
        },
    ]
    (tmp_path / "gone.jsonl").write_text("".join(json.dumps(one) + "\n" for one in gone))
    (commands,) = blocks("sh", recipe("Delete"))
    shell(commands, tmp_path, programs, account)
    assert account.tables["/Contacts"].find(number) is None


def test_what_is_refused_is_kept_as_said(account: Sandbox, programs: Path, tmp_path: Path) -> None:
    row = {"CONTACT_ID": 5, "first_name": "Ann"}
    (tmp_path / "people.jsonl").write_text(
        '{"type": "SCHEMA", "stream": "contacts", "schema": {"properties": '
        '{"CONTACT_ID": {}, "first_name": {}}}}\n'
        + json.dumps({"type": "RECORD", "stream": "contacts", "record": row})
    )
    (commands,) = blocks("sh", recipe("Go on"))
    shell(commands, tmp_path, programs, account)
    kept: dict[str, Any] = json.loads((tmp_path / "rejects.jsonl").read_text())
    assert kept["record"] == row
    (said,) = re.findall(r"Each line of the file has (.*?)\. A key", recipe("Go on"), re.DOTALL)
    assert set(re.findall(r"`(\w+)`", said)) == set(kept)


@pytest.mark.slow
def test_an_account_is_copied_as_said(account: Sandbox, programs: Path, tmp_path: Path) -> None:
    (commands,) = blocks("sh", recipe("Copy an account"))
    with new_sandbox(records=40, is_empty=True).serve() as other:
        url = {"TARGET_INSIGHTLY_API_URL": other.api_url}
        shell(commands, tmp_path, programs, account, **url)
        assert other.count("/Contacts") == account.count("/Contacts")
        assert len(ids_in(tmp_path / "ids.db")) > other.count("/Contacts")


def test_it_tells_what_the_target_tells_of_itself(
    account: Sandbox, programs: Path, tmp_path: Path
) -> None:
    (commands,) = blocks("sh", RECIPES.partition("### ")[0])
    about, _ = shell(commands, tmp_path, programs, account)
    for setting in SETTINGS:
        assert setting.name in about


def test_it_names_every_setting_with_its_default() -> None:
    for setting in SETTINGS:
        if setting.name in {one.name for one in CONNECTION}:
            assert f"`{setting.name}`" in DOC
            continue
        default = "" if setting.default is None else f"`{str(setting.default).lower()}`"
        assert re.search(rf"^\| `{setting.name}` \| {default} ?\|", DOC, re.MULTILINE), setting.name


def test_what_it_shows_of_meltano_has_settings_that_there_are() -> None:
    known = {setting.name for setting in SETTINGS}
    for block in blocks("yaml"):
        plugins = yaml.safe_load(block).get("plugins", {})
        for loader in plugins.get("loaders", ()):
            assert set(loader["config"]) <= known
            for setting in loader.get("settings", ()):
                assert setting["name"] in known

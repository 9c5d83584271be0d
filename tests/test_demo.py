"""The demo: sandbox, Meltano and DuckDB, as ``make demo`` runs it."""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults, Sandbox
from tests.conftest import new_sandbox, run_process
from tests.modelled import MARKS, ROOT, ask

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

pytestmark = MARKS


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    """The demo as a module; where there is no duckdb, it cannot even be imported."""
    return importlib.import_module("demo.run")


def test_everything_arrives_then_what_changed_and_the_answers_are_right(
    demo: ModuleType, tmp_path: Path
) -> None:
    # Nobody's settings get into the demo.
    mine = {"TAP_INSIGHTLY_START_DATE": "2030-01-01", "MELTANO_ENVIRONMENT": "elsewhere"}
    mine |= {"DBT_PROFILES_DIR": "/nowhere", "TAP_INSIGHTLY__SELECT": "[]"}
    command = [sys.executable, "-m", "demo.run", "--records=120", "--requests-per-second=100"]
    command.append("--months=1")
    done = run_process(
        [*command, "--folder", tmp_path],
        env={**os.environ, **mine, "PYTHONPATH": str(ROOT)},
        folder=tmp_path,
        timeout=600,
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    for line in (
        r"  contacts +120 +120",
        r"  55 streams, [\d,]+ records: \d+ requests, [\d.]+ s\.",
        r"  contacts +121 +3 +2 +5 +5",
        r"  opportunities +41 +5 +1 +7 +7",
        r"  custom fields +1\d",
        r"  contacts +2",
        r"  The contact's title in the warehouse is Countess\. No other stream .*",
        r"  \d+ models built, \d{3} tests passed\.",
        r"A month goes by: \d+ deals .*",
        r"  contacts +121 +123 +2 +121 +0",
        r"  tasks +118 +120 +2 +118 +0",
    ):
        assert re.search(f"^{line}$", said, re.MULTILINE), line
    assert "TAP_INSIGHTLY_API_KEY=your-key" in said.splitlines()[-1]
    assert (tmp_path / "pipeline.png").read_bytes().startswith(b"\x89PNG")

    account = Sandbox(120)  # the same seed, so the same data
    demo.account.delete(account)
    demo.account.change(account)
    demo.account.set_clock(account)
    demo.account.pass_month(account, 0)
    deals = [o for o in account.records("/Opportunities") if o["OPPORTUNITY_STATE"] == "OPEN"]
    value = sum(float(deal["OPPORTUNITY_VALUE"]) for deal in deals)
    stages, companies = (
        [tuple(row.values()) for row in ask(tmp_path / "warehouse.duckdb", question)]
        for question in ((ROOT / "demo" / name).read_text() for name in demo.QUESTIONS)
    )
    assert sum(row[3] for row in stages) == len(deals) > 5
    assert float(sum(row[4] for row in stages)) == pytest.approx(value)
    assert [row[:2] for row in companies] == _companies(account)[: len(companies)]
    for row in stages:
        assert f"{row[-1]:,.2f}" in said
    for row in companies:
        assert row[0] in said


def test_the_readme_shows_what_the_demo_counts(demo: ModuleType) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    account = Sandbox(1000)
    counts = demo.account.source_rows(account) | demo.account.related_rows(account)
    shown = f"  {len(counts)} streams, {sum(counts.values()):,} records: "
    assert shown in readme
    for stream in ("contacts", "links"):
        assert re.search(
            rf"^  {stream} +{counts[stream]:,} +{counts[stream]:,}$", readme, re.MULTILINE
        )


def test_a_difference_is_no_success(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with new_sandbox(records=20).serve() as sandbox:
        sandbox.faults = Faults(forbidden={"/Notes"})
        assert not demo.run(sandbox, tmp_path / "demo", 100)
    said = capsys.readouterr().out
    assert re.search(r"^  notes +\d+ +0 +differs$", said, re.MULTILINE)
    assert "Source and warehouse differ: notes, links." in said


def test_a_failure_of_meltano_is_told(demo: ModuleType, tmp_path: Path) -> None:
    with new_sandbox(records=20).serve() as sandbox:
        sandbox.faults = Faults(daily_quota=20)
        with pytest.raises(demo.click.ClickException, match=r"meltano run tap-insightly .* failed"):
            demo.run(sandbox, tmp_path / "demo", 100)


def _companies(account: Sandbox) -> list[tuple[str, int]]:
    """Answer the second question from the source."""
    organisations = account.records("/Organisations")
    names = {row["ORGANISATION_ID"]: row["ORGANISATION_NAME"] for row in organisations}
    companies: dict[tuple[str, int | None], set[int]] = {
        ("Organisation", key): {key} for key in names
    }
    for kind, path, key in (
        ("Contact", "/Contacts", "CONTACT_ID"),
        ("Opportunity", "/Opportunities", "OPPORTUNITY_ID"),
    ):
        for row in account.records(path):
            companies[kind, row[key]] = {row["ORGANISATION_ID"]} & set(names)
    for row in account.records("/Projects"):
        linked = {
            link["LINK_OBJECT_ID"]
            for link in row["LINKS"]
            if link["LINK_OBJECT_NAME"] == "Organisation"
        }
        of_deal = companies.get(("Opportunity", row["OPPORTUNITY_ID"]), set())
        companies["Project", row["PROJECT_ID"]] = linked | of_deal
    tasks: dict[int, set[int]] = {key: set() for key in names}
    for task in account.records("/Tasks"):
        subjects = {(link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]) for link in task["LINKS"]}
        subjects |= {("Opportunity", task["OPPORTUNITY_ID"]), ("Project", task["PROJECT_ID"])}
        for subject in subjects if not task["COMPLETED"] else ():
            for company in companies.get(subject, ()):
                tasks[company].add(task["TASK_ID"])
    counted = [(names[company], len(found)) for company, found in tasks.items() if found]
    return sorted(counted, key=lambda row: (-row[1], row[0]))

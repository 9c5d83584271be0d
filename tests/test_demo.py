"""The demo: sandbox, Meltano and DuckDB, as ``make demo`` runs it."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults, Sandbox
from tests.conftest import new_sandbox, run_process

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "demo" / "run.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info >= (3, 14), reason="duckdb 1.2.2 is not built for it"),
]


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    """The demo as a module."""
    spec = importlib.util.spec_from_file_location("demo_run", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_arrives_then_what_changed_and_the_answers_are_right(
    demo: ModuleType, tmp_path: Path
) -> None:
    mine = {"TAP_INSIGHTLY_START_DATE": "2030-01-01", "MELTANO_ENVIRONMENT": "elsewhere"}
    command = [sys.executable, SCRIPT, "--records=120", "--requests-per-second=100"]
    done = run_process(
        [*command, "--folder", tmp_path],
        env={**os.environ, **mine},  # nobody's settings get into the demo
        folder=tmp_path,
        timeout=300,
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    for line in (
        r"  contacts +120 +120",
        r"  51 streams, [\d,]+ records: \d+ requests, [\d.]+ s\.",
        r"  contacts +123 +3 +4 +4",
    ):
        assert re.search(f"^{line}$", said, re.MULTILINE), line
    assert "TAP_INSIGHTLY_API_KEY=your-key" in said.splitlines()[-1]

    account = Sandbox(120)  # the same seed, so the same data
    demo.change(account)
    deals = [o for o in account.records("/Opportunities") if o["OPPORTUNITY_STATE"] == "OPEN"]
    value = sum(float(deal["OPPORTUNITY_VALUE"]) for deal in deals)
    with demo.duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        stages, companies = (
            warehouse.execute((ROOT / "demo" / name).read_text()).fetchall()
            for name in demo.QUESTIONS
        )
    assert sum(row[3] for row in stages) == len(deals) > 5
    assert sum(row[4] for row in stages) == pytest.approx(value)
    assert companies == _companies(account)[: len(companies)]
    for row in (*stages, *companies):
        assert f"{row[-1]:,.2f}" in said if isinstance(row[-1], float) else row[-1] in said


def test_the_readme_shows_what_the_demo_counts(demo: ModuleType) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    counts = demo.source_rows(Sandbox(2000))
    shown = f"  {len(counts)} streams, {sum(counts.values()):,} records: "
    assert shown in readme
    for stream in ("contacts", "organisations"):
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
    assert "Source and warehouse differ: notes." in said


def test_a_failure_of_meltano_is_told(demo: ModuleType, tmp_path: Path) -> None:
    with new_sandbox(records=20).serve() as sandbox:
        sandbox.faults = Faults(daily_quota=20)
        with pytest.raises(demo.click.ClickException, match=r"meltano run tap-insightly .* failed"):
            demo.run(sandbox, tmp_path / "demo", 100)


def _companies(account: Sandbox) -> list[tuple[int, str]]:
    """Answer the second question from the source."""
    organisations = account.records("/Organisations")
    names = {row["ORGANISATION_ID"]: row["ORGANISATION_NAME"] for row in organisations}
    company_of = {("Organisation", key): key for key in names}
    for kind, path, key in (
        ("Contact", "/Contacts", "CONTACT_ID"),
        ("Opportunity", "/Opportunities", "OPPORTUNITY_ID"),
    ):
        for row in account.records(path):
            company_of[kind, row[key]] = row["ORGANISATION_ID"]
    tasks: dict[int, set[int]] = {key: set() for key in names}
    for task in account.records("/Tasks"):
        for link in task["LINKS"]:
            company = company_of.get((link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]))
            if company and not task["COMPLETED"]:
                tasks[company].add(task["TASK_ID"])
    counted = [(len(found), names[company]) for company, found in tasks.items() if found]
    return sorted(counted, key=lambda row: (-row[0], row[1]))

"""Meltano: a project made of what docs/with-meltano.md and docs/destinations.md say, run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox, tap_environment
from tests.destinations import source
from tests.destinations.pipe import ROOT, TOOLS, documented, program
from tests.destinations.test_jsonl import adapt
from tests.loader.feeding import record, schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import RequestLog, Sandbox
    from tests.destinations.source import Loaded

pytestmark = pytest.mark.slow

# Meltano writes the tap's settings to files, and leaves them there if it is killed. So this is not
# the key that the other tests search for in all files; here it must not be in what Meltano says.
KEY = "the-key-of-the-tests-with-meltano"
PIPELINE = ("tap-insightly", "target-jsonl")
CHOSEN = ("contacts", "lead_sources", "opportunities", "organisations", "pipelines", "tasks")
MESSAGES = [schema("leads", "LAST_NAME"), record("leads", LAST_NAME="Bloom")]
SEARCHED = {"contacts", "opportunities", "organisations", "tasks"}


def documented_project() -> dict[str, Any]:
    """What the documents say to write into meltano.yml."""
    page = (ROOT / "docs" / "with-meltano.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"^```yaml\n(plugins:\n  extractors:.*?)^```$", page, re.DOTALL | re.MULTILINE
    )
    plugins = yaml.safe_load(block)["plugins"]
    assert isinstance(plugins, dict)
    return plugins


class Project:
    """A Meltano project with the tap, which writes JSON lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.sandbox: Sandbox | None = None
        self.state = ""
        self.process: subprocess.Popen[str] | None = None
        plugins = documented_project()
        (tap,) = plugins["extractors"]
        assert tap.keys() == {"name", "config", "select"}
        tap["select"] = [f"{stream}.*" for stream in CHOSEN]
        loader = documented("target-jsonl")
        loader["config"]["destination_path"] = str(self.out)
        # Installed already, so Meltano need not do it again.
        del loader["pip_url"]
        loader["executable"] = str(program("target-jsonl"))
        project = {
            "send_anonymous_usage_stats": False,
            "project_id": "tests",
            "default_environment": "dev",
            "environments": [{"name": "dev"}],
            "plugins": {"loaders": [loader]},
        }
        self.write(project)
        for plugin in ("tap-insightly", "target-insightly"):
            definition = str(ROOT / "plugins" / f"{plugin}.yml")
            self("add", plugin, "--no-install", "--from-ref", definition)
        project = self.read()
        for kind in ("extractors", "loaders"):
            for plugin in project["plugins"][kind]:
                if "insightly" in plugin["name"]:
                    assert plugin["pip_url"] == "git+URL-of-this-repository"
                    plugin["pip_url"] = f"-e {ROOT}"
        project["plugins"]["extractors"][0] |= tap
        self.write(project)

    @property
    def file(self) -> Path:
        return self.folder / "meltano.yml"

    def read(self) -> dict[str, Any]:
        """The project's file."""
        found = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found

    def write(self, project: dict[str, Any]) -> None:
        """Write the project's file."""
        self.file.write_text(yaml.safe_dump(project, allow_unicode=True), encoding="utf-8")

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start Meltano, as the head of a group of processes."""
        # One request at a time, so that it is certain which are answered before something happens.
        settings: dict[str, Any] = {
            "api_key": KEY,
            "requests_per_second": 100,
            "max_concurrency": 1,
        }
        if self.sandbox is not None:
            settings["api_url"] = self.sandbox.api_url
        env = {
            name: value
            for name, value in tap_environment(**settings).items()
            if not name.startswith(("MELTANO_", "TARGET_"))
        }
        env |= {n.replace("TAP_", "TARGET_"): v for n, v in env.items() if n.startswith("TAP_")}
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [TOOLS / "meltano" / "bin" / "meltano", *args],
            cwd=self.folder,
            env=env | {"NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self.process

    def __call__(self, *args: str, code: int | None = 0) -> str:
        """Run Meltano to its end; return what it said."""
        said, _ = self.start(*args).communicate(timeout=300)
        assert KEY not in said
        assert self.process is not None
        assert code is None or self.process.returncode == code, said[-5000:]
        return said

    def run(self, *options: str, code: int | None = 0) -> dict[str, list[Loaded]]:
        """Run the pipeline; return what this run wrote, by stream."""
        if self.out.exists():
            for path in self.out.iterdir():
                path.unlink()
        self.out.mkdir(exist_ok=True)
        self("run", f"--state-id-suffix={self.state}", *options, *PIPELINE, code=code)
        rows: dict[str, list[Loaded]] = {}
        for path in sorted(self.out.iterdir()):
            lines = path.read_bytes().splitlines()
            rows.setdefault(path.name.partition("-")[0], []).extend(map(json.loads, lines))
        return rows


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("meltano"))
    assert "Installed 2/3 plugins" in project("install")
    return project


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with new_sandbox(records=1100, api_key=KEY).serve() as account:
        yield account


@pytest.fixture
def project(installed: Project, account: Sandbox, request: pytest.FixtureRequest) -> Project:
    installed.sandbox = account
    installed.state = request.node.name  # each test begins without one
    return installed


def test_the_target_is_added_by_its_definition_and_writes(
    project: Project, account: Sandbox, tmp_path: Path
) -> None:
    (plugin,) = (p for p in project.read()["plugins"]["loaders"] if p["name"] == "target-insightly")
    assert "dry_run" in {setting["name"] for setting in plugin["settings"]}
    messages = tmp_path / "messages.jsonl"
    messages.write_text("".join(json.dumps(one) + "\n" for one in MESSAGES))
    before = account.count("/Leads")
    project("invoke", "target-insightly", f"--input={messages}")
    assert account.count("/Leads") == before + 1


def lists(account: Sandbox, since: int) -> dict[str, list[RequestLog]]:
    """The requests for records since some request, by stream."""
    streams = {path: stream for stream, path in source.paths(account).items()}
    found: dict[str, list[RequestLog]] = {}
    for request in account.requests[since:]:
        path = request.path.removeprefix("/v3.1").removesuffix("/Search")
        if streams.get(path) in CHOSEN and "top" in request.query:
            found.setdefault(streams[path], []).append(request)
    return found


def test_meltano_s_own_test_passes_and_fails_without_access(
    project: Project, account: Sandbox
) -> None:
    assert "Plugin configuration is valid" in project("config", "test", "tap-insightly")
    account.faults = Faults(script=["401"] * 99)
    said = project("config", "test", "tap-insightly", code=1)
    assert "Insightly did not accept the API key" in said


def test_meltano_lists_what_can_be_selected(project: Project) -> None:
    listed = set(
        re.findall(r"\[(\w+) *\] (\S+)", project("select", "tap-insightly", "--list", "--all"))
    )
    assert ("automatic", "contacts.CONTACT_ID") in listed
    assert ("selected", "contacts.LAST_NAME") in listed
    assert ("selected", "contacts.Größe__c") in listed
    assert ("excluded", "notes.BODY") in listed


def test_the_second_run_brings_changes_only_and_a_full_refresh_everything(
    project: Project, account: Sandbox
) -> None:
    first = project.run()
    assert set(first) == set(CHOSEN)
    source.compare(account, first.__getitem__, adapt, streams=CHOSEN)

    asked = len(account.requests)
    changed = source.change(account)
    second = project.run()
    sent = {row["CONTACT_ID"] for row in second["contacts"]}
    assert {changed.created, changed.updated} <= sent
    assert len(sent) < len(first["contacts"]) / 10
    (row,) = (row for row in second["contacts"] if row["CONTACT_ID"] == changed.created)
    assert row[source.NEW_FIELD] == "peanuts 🥜"
    for stream, requests in lists(account, asked).items():
        for request in requests:
            assert request.path.endswith("/Search") == (stream in SEARCHED)
            assert ("updated_after_utc" in request.query) == (stream in SEARCHED)

    third = project.run("--full-refresh")
    source.compare(account, third.__getitem__, adapt, streams=CHOSEN)


def test_the_run_after_the_quota_ran_out_goes_on_where_that_one_stopped(
    project: Project, account: Sandbox
) -> None:
    def use_up(request: RequestLog) -> None:
        if request.path.endswith("/Contacts") and int(request.query.get("skip", 0)) > 500:
            account.faults.daily_quota = account.faults.used

    account.on_request = use_up
    before = project.run(code=1)
    assert 0 < len(before["contacts"]) < account.count("/Contacts")
    account.on_request = None
    account.faults = Faults()
    asked = len(account.requests)
    after = project.run()
    everything = {stream: before.get(stream, []) + after.get(stream, []) for stream in CHOSEN}
    newest = {
        stream: list({row[account.tables[path].keys[0]]: row for row in rows}.values())
        for stream, rows in everything.items()
        for path in [source.paths(account)[stream]]
    }
    source.compare(account, newest.__getitem__, adapt, streams=CHOSEN)
    sent, sent_again = ({row["CONTACT_ID"] for row in run["contacts"]} for run in (before, after))
    assert not sent & sent_again
    assert all(int(request.query["skip"]) > 0 for request in lists(account, asked)["contacts"])


def test_a_run_that_is_killed_loses_nothing(project: Project, account: Sandbox) -> None:
    project.run()
    changed = source.change(account)

    def kill(request: RequestLog) -> None:
        if request.path.endswith("/Contacts/Search") and project.process is not None:
            account.on_request = None
            os.killpg(project.process.pid, signal.SIGKILL)

    account.on_request = kill
    project.run(code=-signal.SIGKILL)
    assert account.on_request is None
    after = project.run("--force")  # else Meltano waits, in case that the other is alive
    assert {row["CONTACT_ID"] for row in after["contacts"]} >= {changed.created, changed.updated}


def test_what_the_page_shows_to_paste_loads_duckdb(account: Sandbox, tmp_path: Path) -> None:
    """In an empty folder with a clone in it, by the commands of the page and no others."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb 1.2.2 is not built for this Python")
    page = (ROOT / "docs" / "with-meltano.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (set_up,) = (block for block in shown if "meltano init" in block)
    (first_sync,) = (block for block in shown if block.startswith("export "))
    commands = set_up + first_sync.replace("your-key", KEY)
    (tmp_path / "tap-insightly").symlink_to(ROOT)
    env = tap_environment(
        api_url=account.api_url,
        requests_per_second=100,
        _select='["contacts.*", "links.*"]',  # the rest takes long
    )
    done = subprocess.run(  # noqa: S603 - the commands of the page
        ["/usr/bin/env", "bash", "-e", "-c", commands],
        cwd=tmp_path,
        env=env | {"PATH": f"{TOOLS / 'meltano' / 'bin'}:{env['PATH']}", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    with duckdb.connect(str(tmp_path / "warehouse" / "warehouse.duckdb")) as connection:
        (row,) = connection.sql("select count(*) from insightly.contacts").fetchall()
    assert row == (account.count("/Contacts"),)

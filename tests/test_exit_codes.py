"""What the programs end with, each by a real process: see docs/scheduling.md for what it means."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NameResolutionError, ProxyError

from tap_insightly.api.http.transport import will_last
from tap_insightly.sandbox import Faults
from tests.cli.running import run_as_process
from tests.conftest import KEY, only, run_process, tap_environment
from tests.loader.feeding import Feed, record, schema, state
from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap

    Program = Callable[..., tuple[int, str]]

MESSAGES = [schema("contacts", "FIRST_NAME"), record("contacts", FIRST_NAME="Ann"), state(1)]

# What the account answers, and what each program makes of it.
ANSWERS: dict[str, tuple[Faults, dict[str, Any], int]] = {
    "all is well": (Faults(), {}, 0),
    "another key": (Faults(), {"api_key": "another"}, 77),
    "API access switched off": (Faults(user_denied=True), {}, 77),
    "no requests left": (Faults(daily_quota=0), {}, 75),
    "too many requests": (Faults(script=["429"] * 2), {"max_retries": 1}, 75),
    "a longer pause than is waited for": (Faults(script=["429"], retry_after=4000), {}, 75),
    "500": (Faults(script=["500"] * 2), {"max_retries": 1}, 75),
    "a reset connection": (Faults(reset_rate=1), {}, 75),
    "a body that is cut off": (Faults(truncate_rate=1), {}, 75),
    "a page to sign in": (Faults(html_rate=1), {}, 75),
    "a redirect": (Faults(script=["302"]), {}, 1),
}
NOWHERE = "https://nowhere.invalid/v3.1"


@pytest.fixture
def programs(tap: Tap, tmp_path: Path) -> dict[str, Program]:
    """Tap, target and command line; each is asked for something, and says how it ended."""

    def run_tap(sandbox: Sandbox | None, **settings: Any) -> tuple[int, str]:
        run = tap("--discover", sandbox=sandbox, **settings)
        return run.code, run.stderr

    def run_target(sandbox: Sandbox | None, **settings: Any) -> tuple[int, str]:
        fed = Feed(tmp_path, sandbox)(MESSAGES, **settings)
        return fed.code, fed.stderr

    def run_insightly(sandbox: Sandbox | None, **settings: Any) -> tuple[int, str]:
        done = run_as_process(sandbox, "get", "contacts", folder=tmp_path, **settings)
        return done.code, done.stderr

    return {"tap": run_tap, "target": run_target, "insightly": run_insightly}


@pytest.mark.parametrize("case", ANSWERS)
@pytest.mark.parametrize("name", ["tap", "target", "insightly"])
def test_what_the_account_answers(
    programs: dict[str, Program], sandbox: Sandbox, name: str, case: str
) -> None:
    faults, settings, code = ANSWERS[case]
    sandbox.faults = deepcopy(faults)  # a script is used up
    ended, stderr = programs[name](sandbox, **{"max_retries": 0, **settings})
    assert ended == code, stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("name", ["tap", "target", "insightly"])
def test_settings_and_the_way_to_the_account(
    programs: dict[str, Program], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run = programs[name]
    closed = f"http://127.0.0.1:{unused_port()}/v3.1"
    assert run(None, pod="!")[0] == 2
    assert run(None, api_url=closed, max_retries=0)[0] == 75
    ended, stderr = run(None, api_url=NOWHERE)
    wanted = 2 if says_that_there_is_none("nowhere.invalid") else 75
    assert (ended, "Compare api_url" in stderr) == (wanted, True), stderr
    for status, code in ((407, 2), (403, 2), (429, 75), (503, 75)):
        with running(HTTPServer(("127.0.0.1", 0), proxy_that_answers(status))) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
            ended, stderr = run(None, pod="na1", max_retries=0)
            assert ended == code, stderr
            assert str(status) in stderr
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused_port()}")
    assert run(None, pod="na1", max_retries=0)[0] == 75


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def says_that_there_is_none(host: str) -> bool:
    """Whether the name server of this machine answers at all."""
    try:
        socket.getaddrinfo(host, 443)
    except socket.gaierror as error:
        return error.errno != socket.EAI_AGAIN
    return False


def proxy_that_answers(status: int) -> type[BaseHTTPRequestHandler]:
    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_error(status)

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    return Proxy


def unresolved(number: int) -> Exception:
    error = NameResolutionError("host", HTTPConnection("host"), socket.gaierror(number, "no"))
    error.__cause__ = socket.gaierror(number, "no")
    return error


@pytest.mark.parametrize(
    ("reason", "lasts"),
    [
        (unresolved(socket.EAI_NONAME), True),
        (unresolved(socket.EAI_AGAIN), False),  # no name server answers
        (unresolved(socket.EAI_FAIL), False),
        (ssl.SSLCertVerificationError("expired"), True),
        (ssl.SSLEOFError("cut off"), False),
        (ProxyError("no", OSError("Tunnel connection failed: 407 Authenticate")), True),
        (ProxyError("no", OSError("Tunnel connection failed: 408 Late")), False),
        (ProxyError("no", OSError("Tunnel connection failed: 502 Bad Gateway")), False),
        (ProxyError("no", unresolved(socket.EAI_NONAME)), True),
        (ConnectionResetError(104, "reset"), False),
    ],
)
def test_what_passes_on_the_network_and_what_does_not(reason: Exception, *, lasts: bool) -> None:
    error = requests.ConnectionError(MaxRetryError(HTTPSConnectionPool("host"), "/", reason))
    assert will_last(error) is lasts


def test_a_host_that_was_found_before_is_looked_up_again(tap: Tap, sandbox: Sandbox) -> None:
    # Away in the middle of a sync: that passes, whatever a name server says.
    catalog = only(tap.discover(sandbox), "contacts", "users")
    sandbox.faults = Faults(script=["ok", *["reset"] * 4])
    run = tap(sandbox=sandbox, catalog=catalog, max_retries=0, max_concurrency=1)
    assert run.code == 75
    assert "The sync goes on from the state written so far." in run.stderr


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--nothing"], 2),
        (["--config", "missing.json"], 2),
        (["--config", "list.json"], 2),
        (["--state", "missing.json"], 2),
        (["--state", "list.json"], 2),
        (["--catalog", "list.json"], 2),
        (["--catalog", "other.json"], 0),  # a stream that is not there any more, which it warns of
        (["--help"], 0),
    ],
)
def test_options_and_files_of_the_tap(
    tap: Tap, shared_sandbox: Sandbox, args: list[str], code: int
) -> None:
    (tap.folder / "list.json").write_text("[1]")
    stream = {"tap_stream_id": "fruits", "schema": {"properties": {}}, "metadata": []}
    (tap.folder / "other.json").write_text(json.dumps({"streams": [stream]}))
    run = tap(*args, sandbox=shared_sandbox)
    assert run.code == code, run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("where", ["/dev/full", "a reader that ends"])
def test_output_that_goes_nowhere(tap: Tap, shared_sandbox: Sandbox, where: str) -> None:
    command = f"{sys.executable} -m tap_insightly --config=ENV"
    line = f"{command} | true; exit ${{PIPESTATUS[0]}}" if " " in where else f"{command} > {where}"
    env = tap_environment(api_key=KEY, api_url=shared_sandbox.api_url, requests_per_second=100)
    done = run_process(["bash", "-c", line], env=env, folder=tap.folder)
    assert done.returncode == 1, done.stderr


def test_nothing_that_can_be_read_is_a_failure_and_a_part_is_none(
    tap: Tap, sandbox: Sandbox
) -> None:
    catalog = tap.discover(sandbox)
    sandbox.faults = Faults(forbidden={"/Contacts", "/Leads"})
    assert tap(sandbox=sandbox, catalog=only(catalog, "contacts", "leads")).code == 1
    assert tap(sandbox=sandbox, catalog=only(catalog, "contacts", "users")).code == 0


def test_of_several_failures_the_one_that_ended_the_run_counts(tap: Tap, sandbox: Sandbox) -> None:
    # The key's user loses sight of most contacts, which ends that stream, and then the day ends.
    for _ in range(150):
        sandbox.create("/Contacts", FIRST_NAME="Ann")
    catalog = only(tap.discover(sandbox), "contacts", "users")
    state = tap(sandbox=sandbox, catalog=catalog, detect_deletes=True).state
    for row in sandbox.records("/Contacts")[:150]:
        sandbox.delete("/Contacts", row["CONTACT_ID"])
    sandbox.requests.clear()
    in_doubt = {"sandbox": sandbox, "catalog": catalog, "state": state, "detect_deletes": True}
    assert tap(**in_doubt).code == 1
    sandbox.on_request = lambda one: denied(sandbox) if one.path.endswith("/Users") else None
    run = tap(**in_doubt, max_concurrency=1)
    assert run.code == 77, run.stderr


def denied(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(user_denied=True)


@pytest.mark.parametrize(
    ("row", "settings", "code"),
    [
        ({"FIRST_NAME": "Ann"}, {}, 0),
        ({"FIRST_NAME": None}, {}, 1),
        ({"FIRST_NAME": None}, {"on_error": "skip"}, 0),
        ({"FIRST_NAME": None}, {"on_error": "skip", "max_rejects": 0}, 1),
        ({"FIRST_NAME": "Ann"}, {"stream_to_object": {"contacts": "fruit"}}, 2),
        ({"FIRST_NAME": "Ann"}, {"match_on": {"contacts": "NOTHING"}}, 2),
        ({"FIRST_NAME": "Ann"}, {"rejects_file": "/dev/null/file"}, 2),
    ],
)
def test_what_the_target_cannot_write(
    tmp_path: Path, sandbox: Sandbox, row: dict[str, Any], settings: dict[str, Any], code: int
) -> None:
    messages = [schema("contacts", "FIRST_NAME"), record("contacts", **row), state(1)]
    fed = Feed(tmp_path, sandbox)(messages, **settings)
    assert fed.code == code, fed.stderr


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--help"], 0),
        (["nothing"], 2),
        (["get", "nothing"], 2),
        (["get", "contact", "1"], 1),  # there is none
        (["update", "contact", "1", "NOTHING=1"], 2),
        (["verify", "--dsn", "missing.duckdb"], 2),
    ],
)
def test_what_insightly_is_asked_for(
    tmp_path: Path, shared_sandbox: Sandbox, args: list[str], code: int
) -> None:
    done = run_as_process(shared_sandbox, *args, folder=tmp_path)
    assert done.code == code, done.stderr


def test_a_load_that_is_cut_off_may_be_tried_again(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "people.csv").write_text("FIRST_NAME\n" + "Ann\n" * 30)
    sandbox.faults = Faults(daily_quota=10)
    done = run_as_process(
        sandbox, "load", "contacts", "people.csv", folder=tmp_path, max_concurrency=1
    )
    assert done.code == 75
    assert "go on with --skip-rows" in done.stderr


@pytest.mark.parametrize("is_usage", [True, False])
def test_the_sandbox(shared_sandbox: Sandbox, *, is_usage: bool) -> None:
    taken = shared_sandbox.api_url.split(":")[2].partition("/")[0]
    args = ["--records", "none"] if is_usage else ["--port", taken, "--records", "1"]
    command = [sys.executable, "-m", "tap_insightly.sandbox", *args]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == (2 if is_usage else 1)


@pytest.mark.parametrize("module", ["tap_insightly", "tap_insightly.loader", "tap_insightly.cli"])
def test_help_lists_the_codes(tmp_path: Path, module: str) -> None:
    done = run_process(
        [sys.executable, "-m", module, "--help"], env=dict(os.environ), folder=tmp_path
    )
    assert "75 try again later" in " ".join(done.stdout.split())

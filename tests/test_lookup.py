"""A host name that is not found is told at once, with the setting to look at."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import (
    InsightlyClient,
    InsightlySession,
    RetriesExhaustedError,
    UnreachableError,
)
from tap_insightly.api.http.lookup import HostLookup
from tests.cli.running import run
from tests.conftest import KEY, run_process, tap_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_DATA = socket.gaierror(getattr(socket, "EAI_NODATA", socket.EAI_NONAME), "No address")
LATER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
NEVER = UnicodeError("label too long")

# Runs a program on a machine where there is no such host, or no name server answers.
ELSEWHERE = """
import socket, sys, threading
number = sys.argv.pop(1)
def look_up(*args, **kwargs):
    if number == "silent":
        threading.Event().wait()
    raise socket.gaierror(int(number), "not found")
socket.getaddrinfo = look_up
from tap_insightly.api.http.lookup import HostLookup
HostLookup.seconds = 0.2
sys.argv[0] = "program"
from tap_insightly.start import tap, target
(target if sys.argv.pop(1) == "target" else tap)()
"""


class Resolver:
    """Answers to lookups of host names, in place of the system."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.real: Callable[..., Any] = socket.getaddrinfo
        self.failure: Exception | None = None
        self.is_silent = False
        self.hosts: list[str] = []
        self.end = threading.Event()
        patch.setattr(socket, "getaddrinfo", self)
        patch.setattr(HostLookup, "seconds", 0.2)

    def __call__(self, host: str, *args: Any, **kwargs: Any) -> Any:
        self.hosts.append(host)
        if self.is_silent:
            self.end.wait()
        if self.failure is not None:
            raise self.failure
        return self.real(host, *args, **kwargs)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """A resolver that fails as it is told."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    found = Resolver(monkeypatch)
    yield found
    found.end.set()


def no_wait(_: float) -> None:
    pass


@pytest.mark.parametrize("failure", [UNKNOWN, NO_DATA, NEVER])
@pytest.mark.parametrize(
    ("address", "named"),
    [
        ({"pod": "xx9"}, "Compare pod ('xx9') with"),
        ({"pod": "https://api.xx9.insightly.com/v3.1"}, "Compare pod ('xx9') with"),
        ({"api_url": "https://api.xx9.insightly.com/v3.1"}, "Compare api_url with"),
    ],
)
def test_a_host_that_does_not_exist_is_told_without_another_try(
    resolver: Resolver, failure: Exception, address: dict[str, str], named: str
) -> None:
    resolver.failure = failure
    with (
        InsightlyClient(KEY, **address, sleep=no_wait) as client,
        pytest.raises(UnreachableError, match=r"api\.xx9\.insightly\.com does not exist") as error,
    ):
        client.get("contact", 1)
    assert named in str(error.value)
    assert resolver.hosts == ["api.xx9.insightly.com"]


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_name_server_that_does_not_answer_is_not_waited_for_long(
    resolver: Resolver, *, is_silent: bool
) -> None:
    resolver.failure, resolver.is_silent = LATER, is_silent
    with (
        InsightlyClient(KEY, pod="xx9", max_retries=100) as client,
        pytest.raises(RetriesExhaustedError, match="cannot be looked up") as error,
    ):
        client.get("contact", 1)
    assert not isinstance(error.value, UnreachableError)
    assert "Compare pod ('xx9')" in str(error.value)


@pytest.mark.parametrize("failure", [UNKNOWN, LATER])
def test_a_host_that_was_found_once_is_found_again(
    resolver: Resolver, sandbox: Sandbox, failure: Exception
) -> None:
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 7:
            resolver.failure = None

    url = sandbox.api_url.replace("127.0.0.1", "localhost")
    with InsightlySession(url, KEY, requests_per_second=100, sleep=sleep) as session:
        session.get("/Users/Me")
        session._http.close()  # as if the connection had been lost  # noqa: SLF001
        resolver.failure = failure
        assert session.get("/Users/Me").records
    assert len(waits) == 7


def test_a_refused_connection_is_another_matter(resolver: Resolver) -> None:
    with (
        InsightlyClient(
            KEY, api_url="http://127.0.0.1:1/v3.1", max_retries=3, sleep=no_wait
        ) as client,
        pytest.raises(RetriesExhaustedError, match="failed 4 times") as error,
    ):
        client.get("contact", 1)
    assert "api_url" not in str(error.value)
    assert set(resolver.hosts) == {"127.0.0.1"}


def test_with_a_proxy_its_name_is_looked_up_and_no_other(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    resolver.failure = UNKNOWN
    with (
        InsightlyClient(KEY, pod="xx9", sleep=no_wait) as client,
        pytest.raises(UnreachableError, match=r"the proxy, proxy\.example:3128") as error,
    ):
        client.get("contact", 1)
    assert set(resolver.hosts) == {"proxy.example"}
    assert "HTTPS_PROXY" in str(error.value)
    assert "secret" not in str(error.value)
    assert "pod (" not in str(error.value)


@pytest.mark.parametrize(("failure", "code"), [(UNKNOWN, 2), (LATER, 75)])
@pytest.mark.parametrize(
    "command",
    ["check", "plan", "get contacts", "objects", "probe", "load contacts -", "api GET /Contacts"],
)
def test_every_command_names_the_pod(
    resolver: Resolver, command: str, failure: Exception, code: int
) -> None:
    resolver.failure = failure
    args = [*command.split(), *(["--format", "csv"] if command.startswith("load") else [])]
    done = run(None, *args, pod="xx9", input="FIRST_NAME\nAda\n")
    assert (done.code, done.stdout) == (code, "")
    assert "pod" in done.stderr
    assert "xx9" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_account_is_named(resolver: Resolver, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[accounts.acme]\npod = "xx9"\napi_key_env = "ACME_KEY"\n')
    file.chmod(0o600)
    resolver.failure = UNKNOWN
    variables = {"INSIGHTLY_CONFIG": str(file), "ACME_KEY": KEY}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        done = run(None, "get", "contacts", "--account", "acme", api_key=None)
    assert done.code == 2
    assert "pod ('xx9') of account 'acme'" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(socket.EAI_NONAME, 2), ("silent", 75)])
@pytest.mark.parametrize("program", ["discovery", "sync", "target"])
def test_tap_and_target_name_the_pod(
    tmp_path: Path, program: str, number: int | str, code: int
) -> None:
    args = ["--discover"]
    (tmp_path / "catalog.json").write_text(json.dumps({"streams": [CONTACTS]}))
    record = {"type": "RECORD", "stream": "contacts", "record": {"FIRST_NAME": "Ada"}}
    schema = {"type": "SCHEMA", "stream": "contacts", "key_properties": []}
    schema |= {"schema": {"properties": {"FIRST_NAME": {"type": "string"}}}}
    (tmp_path / "in.jsonl").write_text(f"{json.dumps(schema)}\n{json.dumps(record)}\n")
    if program == "sync":
        args = ["--catalog", "catalog.json"]
    if program == "target":
        args = ["--input", "in.jsonl"]
    command = [sys.executable, "-c", ELSEWHERE, str(number), program, "--config=ENV", *args]
    settings = {"api_key": KEY, "pod": "xx9"}
    env = tap_environment(**settings)
    env |= {f"TARGET_INSIGHTLY_{name.upper()}": value for name, value in settings.items()}
    done = run_process(command, env=env, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Compare pod ('xx9')" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [line for line in done.stdout.splitlines() if '"RECORD"' in line]


CONTACTS = {
    "tap_stream_id": "contacts",
    "stream": "contacts",
    "schema": {"type": "object", "properties": {"CONTACT_ID": {"type": "integer"}}},
    "key_properties": ["CONTACT_ID"],
    "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
}

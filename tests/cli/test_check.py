"""``insightly check``: is the key good, and if not, what is to be done."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.cli.running import run, run_as_process
from tests.conftest import new_sandbox
from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.cli.running import Result

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy but those that a test sets."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def readable(done: Result) -> dict[str, tuple[bool | None, str | None, int | None]]:
    found = done.json["objects"]
    return {one["object"]: (one["is_readable"], one["reason"], one["records"]) for one in found}


def refused(done: Result, *texts: str, code: int = 1) -> None:
    """Fail unless one sentence or two on standard error are all that there is to read."""
    assert done.code == code
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if "Try 2 of 2" not in line]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("Error: ")
    for text in texts:
        assert text in said[0]


def test_a_good_key_is_told_with_its_user_account_quota_and_objects(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    done = run_as_process(sandbox, "check", folder=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    user, instance = sandbox.records("/Users")[0], sandbox.records("/Instance")[0]
    assert sandbox.api_url in done.lines[0]
    assert f"{user['FIRST_NAME']} {user['LAST_NAME']} <{user['EMAIL_ADDRESS']}>" in done.lines[1]
    assert f"{instance['INSTANCE_NAME']}, plan {instance['PLAN_NAME']}" in done.lines[2]
    left = 100_000 - len(sandbox.requests)
    assert f"{left:,} of 100,000 requests left today" in done.lines[3]
    assert re.search(r"^Contact +yes +60$", done.stdout, re.MULTILINE)
    assert re.search(r"^Fruit__c +yes +5$", done.stdout, re.MULTILINE)


def test_it_tells_programs_the_same(sandbox: Sandbox) -> None:
    done = run(sandbox, "check", "--json")
    assert done.code == 0
    found = done.json
    assert found["user"]["USER_ID"] == sandbox.records("/Users")[0]["USER_ID"]
    assert found["instance"]["PLAN_NAME"] == sandbox.records("/Instance")[0]["PLAN_NAME"]
    assert found["quota"] == {"limit": 100_000, "remaining": 100_000 - len(sandbox.requests)}
    paths = {one["object"]: one["path"] for one in found["objects"]}
    for name, (is_readable, reason, records) in readable(done).items():
        assert (is_readable, reason) == (True, None)
        # Of tags, those of one kind of record are looked at.
        assert records == (None if name == "Tag" else sandbox.count(paths[name])), name


def test_each_object_costs_one_request(sandbox: Sandbox) -> None:
    done = run(sandbox, "check", "--json")
    asked = Counter(request.path.removeprefix("/v3.1") for request in sandbox.requests)
    assert asked.pop("/Users/Me") == asked.pop("/Instance") == 1
    assert asked.pop("/CustomObjects") == 2  # once to know which there are
    assert set(asked) == {one["path"] for one in done.json["objects"]} - {"/CustomObjects"}
    assert set(asked.values()) == {1}
    whole = {one.path.removeprefix("/v3.1") for one in sandbox.requests if "top" not in one.query}
    assert whole == {"/Users/Me", "/Instance", "/CustomObjects", "/Countries", "/Currencies"}
    assert {one.query["top"] for one in sandbox.requests if "top" in one.query} == {"1"}


def test_what_cannot_be_read_is_no_failure_and_is_told_with_the_reason() -> None:
    with new_sandbox(plan="professional").serve() as sandbox:
        sandbox.faults = Faults(not_allowed={"/Notes"})
        done = run(sandbox, "check", "--json")
    assert done.code == 0
    found = readable(done)
    for name, status in (("Ticket", 403), ("Product", 404), ("Note", 405)):
        is_readable, reason, records = found[name]
        assert (is_readable, records) == (False, None)
        assert f"({status})" in str(reason)
    assert found["Contact"] == (True, None, 60)


def test_a_key_that_may_not_know_its_user_is_good_all_the_same(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(forbidden={"/Users", "/Instance"})
    done = run(sandbox, "check")
    assert done.code == 0
    assert "User     not known" in done.stdout
    assert "Account  not known" in done.stdout
    found = run(sandbox, "check", "--json").json
    assert (found["user"], found["instance"]) == (None, None)


def test_what_was_not_asked_for_want_of_requests_is_not_called_unreadable(
    sandbox: Sandbox,
) -> None:
    sandbox.faults = Faults(daily_quota=20)
    done = run(sandbox, "check", "--json")
    assert done.code == 0
    found = readable(done).values()
    assert sum(is_readable is True for is_readable, _, _ in found) == 17
    others = {reason for is_readable, reason, _ in found if is_readable is None}
    assert others == {"not asked, as the day's requests are used up"}
    assert done.json["quota"] == {"limit": 20, "remaining": 0}
    assert "not known: not asked" in run_again(sandbox)


def run_again(sandbox: Sandbox) -> str:
    sandbox.faults = Faults(daily_quota=20)
    return run(sandbox, "check").stdout


def test_a_wrong_key_is_told_after_one_request(sandbox: Sandbox, tmp_path: Path) -> None:
    done = run_as_process(sandbox, "check", folder=tmp_path, api_key="not-the-key")
    refused(done, "did not accept the API key (401", "User Settings > API", code=77)
    assert "not-the-key" not in done.stderr
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("faults", "code", "texts"),
    [
        (Faults(html_rate=1), 75, ("the answer is not JSON", "sign in", "Compare api_url")),
        (Faults(script=["302"], location="https://login.example/"), 1, ("redirected", "api_url")),
        (
            Faults(missing={"/Users", "/Instance"}),
            1,
            ("neither /Users/Me nor /Instance", "api_url"),
        ),
        (Faults(body=b'{"id": 7}'), 1, ("neither /Users/Me nor /Instance",)),
        (
            Faults(body=b"[]"),
            75,
            ("does not answer as Insightly", "a list where an object belongs"),
        ),
        (
            Faults(body=b"7"),
            75,
            ("does not answer as Insightly", "a number where an object belongs"),
        ),
        (Faults(daily_quota=0), 75, ("used up: 0 of 0 are left", "midnight UTC")),
        (Faults(script=["503"] * 2), 75, ("fails at the moment: 503", "status")),
        (Faults(reset_rate=1), 75, ("no connection", "Check the network")),
        (
            Faults(hang_rate=1, hang_seconds=3),
            75,
            ("does not answer it in time", "request_timeout"),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_answer_that_is_none_is_told_with_what_to_do(
    sandbox: Sandbox, faults: Faults, code: int, texts: tuple[str, ...]
) -> None:
    sandbox.faults = faults
    refused(run(sandbox, "check", request_timeout=1, max_retries=1), *texts, code=code)


def test_a_failure_is_tried_again_once_unless_told_otherwise(sandbox: Sandbox) -> None:
    for settings, tries in (({}, 2), ({"max_retries": 0}, 1)):
        sandbox.requests.clear()
        sandbox.faults = Faults(error_rate=1)
        assert run(sandbox, "check", **settings).code == 75
        assert len(sandbox.requests) == tries


def test_a_pod_with_a_typo_is_told_with_where_the_right_one_is(tmp_path: Path) -> None:
    done = run_as_process(None, "check", folder=tmp_path, pod="na9")
    texts = ("The host name api.na9.insightly.com", "the pod, 'na9',", "User Settings > API")
    refused(done, *texts, code=2)


def test_a_host_that_is_none_is_told(tmp_path: Path) -> None:
    done = run_as_process(None, "check", folder=tmp_path, api_url="https://nowhere.invalid/v3.1")
    refused(done, "The host name nowhere.invalid", "Compare api_url with", code=2)


def test_a_port_where_nobody_listens_is_no_connection(closed_port: int) -> None:
    done = run(None, "check", api_url=f"http://127.0.0.1:{closed_port}/v3.1")
    texts = (f"no connection to 127.0.0.1:{closed_port}", "refused", "Check the network")
    refused(done, *texts, code=75)


def test_a_proxy_that_does_not_answer_is_told_and_not_its_password(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{closed_port}")
    done = run_as_process(None, "check", folder=tmp_path, pod="na1")
    texts = (f"The proxy 127.0.0.1:{closed_port} ", "api.na1.insightly.com", "HTTPS_PROXY")
    refused(done, *texts, code=75)
    assert "secret" not in done.stderr


def test_a_certificate_that_is_not_trusted_is_told_with_how_to_trust_it(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_tls(certificate) as port:
        url = f"https://127.0.0.1:{port}/v3.1"
        done = run(None, "check", api_url=url)
        texts = (f"certificate of 127.0.0.1:{port} is not trusted", "REQUESTS_CA_BUNDLE")
        refused(done, *texts, code=2)
        assert "Try 2 of 2" not in done.stderr
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        refused(run(None, "check", api_url=url), "neither /Users/Me nor /Instance")


def test_a_server_without_tls_is_told(shared_sandbox: Sandbox) -> None:
    url = shared_sandbox.api_url.replace("http://", "https://")
    done = run(None, "check", api_url=url)
    refused(done, "There is no secure connection to 127.0.0.1", code=75)


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(port, int)
    return port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody has signed but itself, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", f"{path}.key", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
    return path


class Nothing(BaseHTTPRequestHandler):
    """Has nothing of what is asked for."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextmanager
def serving_tls(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    server = HTTPServer(("127.0.0.1", 0), Nothing)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield server.server_port

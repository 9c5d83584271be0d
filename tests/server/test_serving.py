"""`insightly serve` begins, says so, serves, and ends in order; or says why not."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_insightly.api import InsightlyClient
from tap_insightly.sandbox import Sandbox
from tap_insightly.webhooks.store import EventStore
from tests.conftest import KEY, run_process
from tests.server.running import COMMAND, PASSWORD, configure, environment, serving, started

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_it_receives_forwards_and_tells_how_it_is(tmp_path: Path, shared_sandbox: Sandbox) -> None:
    with serving(tmp_path, shared_sandbox.api_url) as served:
        assert served.deliver({"TASK_ID": 5}).status_code == 200
        token = served.token()
        answer = requests.get(f"{served.url}/v3.1/Contacts?top=2", auth=(token, ""), timeout=60)
        assert [one["CONTACT_ID"] for one in answer.json()] == [
            one["CONTACT_ID"] for one in shared_sandbox.records("/Contacts")[:2]
        ]
        assert served.health().json() == {"status": "ok", "problems": []}
        told = requests.get(f"{served.url}/metrics", timeout=60).text
        assert 'insightly_webhook_events_total{account="acme",result="new"} 1.0' in told
        assert 'client="client",status="200"} 1.0' in told
        assert 'insightly_quota_left{account="acme"}' in told
    assert served.process.returncode == 0


def test_an_answer_has_one_date_and_insightlys_is_that_of_insightly(tmp_path: Path) -> None:
    long_ago = datetime(2024, 2, 29, 23, 59, 59, tzinfo=timezone.utc)
    with (
        Sandbox(records=2, api_key=KEY).serve() as account,
        serving(tmp_path, account.api_url) as served,
    ):
        account.clock = lambda: long_ago
        whole = f"{served.url}/v3.1/Contacts"
        asked = requests.get(whole, auth=(served.token(), ""), timeout=60)
        others = [served.health(), requests.get(whole, timeout=60), served.deliver({"TASK_ID": 5})]
        with InsightlyClient(served.token("sync"), api_url=f"{served.url}/v3.1") as client:
            answer = client.request("GET", "/Contacts")
    assert asked.headers["Date"] == "Thu, 29 Feb 2024 23:59:59 GMT"
    assert answer.date == long_ago, "by which a sync sets its bookmarks"
    for one in others:
        assert parsedate_to_datetime(one.headers["Date"]) > long_ago
        assert one.headers["Date"].count("GMT") == 1


def test_it_says_where_it_is_and_for_whom(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        said = served.lines
    assert said[0] == f"insightly serve at {served.url}"
    assert "webhooks for acme" in said[1]
    assert "gateway to acme" in said[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as served:
        assert served.deliver({"TASK_ID": 5}).status_code == 200
        served.process.send_signal(number)
        assert served.process.wait(60) == 0
    with EventStore(tmp_path / "webhooks.sqlite") as store:
        assert store.standing().alive_at is None, "nothing receives any more"
        assert [one.record_id for one in store.events()] == [5]


def test_one_server_at_a_time_has_the_files(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        code, line = serve(tmp_path, "--port", "0")
        assert code == 1
        assert f"Another insightly serve has {tmp_path / 'tokens.sqlite'}." in line
        served.process.kill()
        served.process.wait(60)
        with started(tmp_path) as other:  # a lock ends with its process, whatever ends that
            assert other.health().status_code == 200


def test_a_second_server_begins_a_generation_of_its_own(tmp_path: Path) -> None:
    generations = []
    for _ in range(2):
        with serving(tmp_path), EventStore(tmp_path / "webhooks.sqlite") as store:
            generations.append(store.standing().generation)
    assert generations[0] < generations[1]


def test_a_disk_that_takes_no_writes_is_told_of_and_recovered_from(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert served.deliver({"TASK_ID": 1}).status_code == 200
        limits = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        refused = served.deliver({"TASK_ID": 2})
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        health = served.health()
        assert (health.status_code, health.json()["status"]) == (503, "failing")
        assert health.json()["problems"] == ["The webhook store takes no writes."]
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, limits)
        assert served.deliver({"TASK_ID": 3}).status_code == 200
        assert served.health().status_code == 200
    with EventStore(tmp_path / "webhooks.sqlite") as store:
        assert [one.record_id for one in store.events()] == [1, 3]


def test_the_server_knows_nothing_of_singer() -> None:
    code = "import sys, tap_insightly.server.app; sys.exit('singer_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - ours


def serve(folder: Path, *args: str) -> tuple[int, str]:
    done = run_process([*COMMAND, "serve", *args], env=environment(folder), folder=folder)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr
    return done.returncode, done.stderr.strip().splitlines()[-1]


def _no_accounts(folder: Path) -> None:
    (folder / "config.toml").write_text("[server]\nport = 0\n", encoding="utf-8")


def _no_file(folder: Path) -> None:
    (folder / "config.toml").unlink()


def _open_redis(folder: Path) -> None:
    configure(folder, redis_url="redis://:a-password@127.0.0.1/0")
    path = folder / "config.toml"
    text = path.read_text(encoding="utf-8").replace(f'webhook_password = "{PASSWORD}"', "")
    path.write_text(text.replace('webhook_user = "insightly"', ""), encoding="utf-8")
    path.chmod(0o644)


def _folder_for_webhooks(folder: Path) -> None:
    configure(folder, port=0)
    (folder / "webhooks.sqlite").mkdir()


def _garbage_for_webhooks(folder: Path) -> None:
    configure(folder, port=0)
    (folder / "webhooks.sqlite").write_bytes(b"this is no database at all" * 100)


def _garbage_for_tokens(folder: Path) -> None:
    configure(folder, port=0)
    path = folder / "tokens.sqlite"
    path.touch(mode=0o600)
    path.write_bytes(b"this is no database at all" * 100)


def _open_tokens(folder: Path) -> None:
    configure(folder, port=0)
    (folder / "tokens.sqlite").touch(mode=0o644)


def _wrong(**server: Any) -> Callable[[Path], None]:
    return lambda folder: configure(folder, **server)


@pytest.mark.parametrize(
    ("prepare", "code", "said"),
    [
        (_no_file, 2, "config.toml: This configuration file does not exist."),
        (_no_accounts, 2, "config.toml has no accounts; insightly serve needs one."),
        (_wrong(prt=1), 2, "[server]: 'prt' is no setting of the server. Did you mean 'port'?"),
        (_wrong(port=70000), 2, "'port': got 70000; accepted is a whole number from 0 to 65535"),
        (_wrong(port="http"), 2, "'port': got 'http'"),
        (_wrong(host=5), 2, "'host': got 5"),
        (_wrong(redis_url="http://x"), 2, "'redis_url'"),
        (_wrong(webhook_store="~nobody-at-all/w"), 2, "in the home of a user that there is not"),
        (_wrong(redis_url_env="NOT_SET"), 2, "The variable NOT_SET of 'redis_url_env' does not"),
        (_wrong(redis_url="redis://x", redis_url_env="Y"), 2, "keep one of them"),
        (_open_redis, 2, "the password in 'redis_url' of [server]"),
        (_wrong(port=0, webhook_store="nowhere/webhooks.sqlite"), 1, "no such folder. Make it"),
        (_wrong(port=0, token_store="nowhere/tokens.sqlite"), 1, "no such folder"),  # noqa: S106 - a path
        (_folder_for_webhooks, 1, "webhooks.sqlite"),
        (_garbage_for_webhooks, 1, "webhooks.sqlite"),
        (_garbage_for_tokens, 1, "tokens.sqlite"),
        (_open_tokens, 1, "tokens.sqlite"),
        (_wrong(host="no.such.host.invalid"), 1, "Cannot listen on no.such.host.invalid"),
        (_wrong(host="192.0.2.1"), 1, "Cannot listen on 192.0.2.1"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    tmp_path: Path, prepare: Callable[[Path], None], code: int, said: str
) -> None:
    configure(tmp_path, port=0)
    prepare(tmp_path)
    found, line = serve(tmp_path)
    assert (found, said in line) == (code, True), line
    assert line.startswith("Error: ")


def test_a_port_that_is_taken_is_told_of(tmp_path: Path) -> None:
    configure(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = serve(tmp_path, "--port", str(port))
    said = f"Error: Cannot listen on 127.0.0.1, port {port}: Address already in use."
    assert code == 1
    assert line == f"{said} Stop what listens there, or choose another port by --port."


def test_without_a_file_it_says_that_there_is_none(tmp_path: Path) -> None:
    env = {name: text for name, text in environment(tmp_path).items() if name != "INSIGHTLY_CONFIG"}
    env |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = run_process([*COMMAND, "serve"], env=env, folder=tmp_path)
    assert done.returncode == 2
    assert f"There is no file {tmp_path}/insightly/config.toml" in done.stderr
    assert "INSIGHTLY_CONFIG" in done.stderr


def test_a_missing_key_is_told_of_before_anything_is_opened(tmp_path: Path) -> None:
    configure(tmp_path)
    env = {name: text for name, text in environment(tmp_path).items() if text != KEY}
    done = run_process([*COMMAND, "serve"], env=env, folder=tmp_path)
    assert done.returncode == 2
    assert "Account 'acme': " in done.stderr
    assert "ACME_KEY" in done.stderr
    assert not list(tmp_path.glob("*.sqlite"))


@pytest.mark.parametrize("package", ["aiohttp", "starlette", "uvicorn", "prometheus_client"])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, package: str) -> None:
    configure(tmp_path)
    code = f"import sys; sys.modules[{json.dumps(package)}] = None; "
    code += "from tap_insightly.cli import main; main(['serve'])"
    done = run_process([sys.executable, "-c", code], env=environment(tmp_path), folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "Error: The server needs more packages: pip install 'tap-insightly[server]'"
    )

"""Every client works through the gateway by its address and a token alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_insightly.api import (
    AuthenticationError,
    ConflictError,
    NotAvailableError,
    RetriesExhaustedError,
    UnknownOutcomeError,
)
from tap_insightly.server.gateway.tokens import Token
from tests.cli.running import COMMAND as CLI
from tests.conftest import ENCODED_KEY, KEY, only, run_process, tap_environment
from tests.gateway.peer import Peer, answer
from tests.loader.feeding import COMMAND as TARGET

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap
    from tests.gateway.conftest import Clients, MakeGateway

STREAMS = ("contacts", "leads", "pipelines", "custom_fields", "task_comments", "countries")


def first(sandbox: Sandbox, path: str, key: str) -> int:
    found = sandbox.records(path)[0][key]
    assert isinstance(found, int)
    return found


def test_the_tap_reads_the_same_as_without(tap: Tap, sandbox: Sandbox, gateway: Clients) -> None:
    catalog = only(tap.discover(sandbox), *STREAMS)
    direct = tap(sandbox=sandbox, catalog=catalog)
    settings = {"api_url": gateway.api_url, "api_key": gateway.texts["tap"]}
    through = tap(catalog=catalog, **settings)
    assert (direct.code, through.code) == (0, 0), through.stderr
    for stream in STREAMS:
        # Streams are read side by side, and so come in any order.
        found = through.records(stream)
        assert found
        assert found == direct.records(stream)
    again = tap(catalog=catalog, state=through.state, **settings)
    assert again.code == 0
    assert len(again.records("leads")) < len(direct.records("leads"))


def test_the_tap_discovers_the_same_as_without(
    tap: Tap, sandbox: Sandbox, gateway: Clients
) -> None:
    found = tap.discover(
        sandbox, api_url=gateway.api_url, api_key=gateway.texts["tap"], requests_per_second=100
    )
    assert found == tap.discover(sandbox)


def test_what_a_token_may_not_reach_is_left_out_of_the_sync(
    tap: Tap, sandbox: Sandbox, make_gateway: MakeGateway
) -> None:
    token = Token("few", "acme", objects=frozenset({"Contact"}))
    clients = make_gateway(token)
    catalog = only(tap.discover(sandbox), "contacts", "leads")
    run = tap(catalog=catalog, api_url=clients.api_url, api_key=clients.texts["few"])
    assert run.code == 0
    assert run.records("contacts")
    assert not run.records("leads")
    assert "'few' may not reach /Leads" in run.stderr


def test_the_target_writes_through_it(tmp_path: Path, sandbox: Sandbox, gateway: Clients) -> None:
    schema = {"properties": {name: {} for name in ("FIRST_NAME", "LAST_NAME")}}
    messages: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": "contacts", "schema": schema, "key_properties": []},
        *(
            {
                "type": "RECORD",
                "stream": "contacts",
                "record": {"FIRST_NAME": f"F{number}", "LAST_NAME": "Through"},
            }
            for number in range(20)
        ),
    ]
    path = tmp_path / "messages.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in messages))
    env = tap_environment() | {
        "TARGET_INSIGHTLY_API_KEY": gateway.texts["tap"],
        "TARGET_INSIGHTLY_API_URL": gateway.api_url,
        "TARGET_INSIGHTLY_REQUESTS_PER_SECOND": "100",
    }
    done = run_process([*TARGET, "--config=ENV", "--input", str(path)], env=env, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    made = [one for one in sandbox.records("/Contacts") if one["LAST_NAME"] == "Through"]
    assert {one["FIRST_NAME"] for one in made} == {f"F{number}" for number in range(20)}
    assert len(made) == 20


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["check"], "100,000"),
        (["api", "GET", "/Contacts", "-f", "top=1"], "CONTACT_ID"),
        (["api", "GET", "/Contacts", "--paginate", "--jsonl"], "CONTACT_ID"),
        (["get", "contact", "--jsonl"], "CONTACT_ID"),
        (["objects"], "Fruit__c"),
        (["fields", "contact"], "Hobby__c"),
        (["create", "contact", "FIRST_NAME=Ada"], "Ada"),
    ],
)
def test_the_command_line_works_through_it(
    args: list[str], words: str, tmp_path: Path, gateway: Clients
) -> None:
    env = tap_environment(api_key=gateway.texts["tap"], api_url=gateway.api_url)
    done = run_process([*CLI, *args], env=env, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout


def test_the_library_creates_changes_and_deletes(sandbox: Sandbox, gateway: Clients) -> None:
    with gateway.client() as client:
        made = client.create("contact", FIRST_NAME="Ada")
        key = made["CONTACT_ID"]
        client.update("contact", key, LAST_NAME="Lovelace")
        assert client.get("contact", key)["LAST_NAME"] == "Lovelace"
        client.delete("contact", key)
        with pytest.raises(NotAvailableError):
            client.get("contact", key)
    assert all(one["CONTACT_ID"] != key for one in sandbox.records("/Contacts"))


def test_a_version_that_is_no_longer_there_is_a_conflict(
    sandbox: Sandbox, gateway: Clients
) -> None:
    key = first(sandbox, "/Contacts", "CONTACT_ID")
    one = gateway.get(f"/Contacts/{key}")
    etag = one.headers["ETag"]
    body = {"CONTACT_ID": key, "TITLE": "Countess"}
    done = gateway.ask("PUT", "/Contacts", json=body, headers={"If-Match": etag})
    assert done.ok
    stale = gateway.ask("PUT", "/Contacts", json=body, headers={"If-Match": etag})
    assert stale.status_code == 400
    with gateway.client() as client:
        _, etag = client.get_with_etag("contact", key)
        gateway.ask("PUT", "/Contacts", json={**body, "TITLE": "Queen"}).raise_for_status()
        with pytest.raises(ConflictError):
            client.update("contact", key, TITLE="King", if_match=etag)


def test_pages_and_counts_pass(sandbox: Sandbox, gateway: Clients) -> None:
    everything = sandbox.records("/Contacts")
    found: list[Any] = []
    while len(found) < len(everything):
        params = {"top": 25, "skip": len(found), "count_total": "true"}
        page = gateway.get("/Contacts", params=params)
        assert page.headers["X-Total-Count"] == str(len(everything))
        found += page.json()
    assert [one["CONTACT_ID"] for one in found] == [one["CONTACT_ID"] for one in everything]


def test_files_pass_both_ways(tmp_path: Path, make_gateway: MakeGateway) -> None:
    content = bytes(range(256)) * 10_000
    sent, received = tmp_path / "a.bin", tmp_path / "b.bin"
    sent.write_bytes(content)
    kind = "Content-Type: application/octet-stream"
    named = 'Content-Disposition: attachment; filename="a.bin"'
    with Peer([answer(b"{}"), answer(b"{}"), answer(content, kind, named)]).serve() as peer:
        clients = make_gateway(url=peer.url)
        env = tap_environment(api_key=clients.texts["tap"], api_url=clients.api_url)
        where = "/Contacts/1/FileAttachments"
        for args in (
            ["POST", where, "--form", f"file=@{sent}", "--yes"],
            ["PUT", "/Contacts/1/Image/a", "--binary", str(sent), "--yes"],
            ["GET", "/FileAttachments/5", "--output", str(received)],
        ):
            done = run_process([*CLI, "api", *args], env=env, folder=tmp_path)
            assert done.returncode == 0, done.stderr
    form, binary, _ = peer.received
    assert str(form.header("Content-Type")).startswith("multipart/form-data; boundary=")
    assert form.size > len(content)
    assert binary.digest == hashlib.sha256(content).hexdigest()
    assert received.read_bytes() == content


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ({"forbidden": {"/Notes"}}, 403),
        ({"missing": {"/Notes"}}, 404),
        ({"not_allowed": {"/Notes"}}, 405),
    ],
)
def test_what_a_plan_leaves_out_is_told_as_insightly_does(
    faults: dict[str, Any], status: int, sandbox: Sandbox, gateway: Clients
) -> None:
    for name, value in faults.items():
        setattr(sandbox.faults, name, value)
    got = gateway.get("/Notes")
    direct = requests.get(f"{sandbox.api_url}/Notes", auth=(KEY, ""), timeout=60)
    assert (got.status_code, got.content) == (status, direct.content)
    with gateway.client() as client, pytest.raises(NotAvailableError):
        client.session.get("/Notes")


def test_a_token_that_is_none_is_an_error_that_says_so(gateway: Clients) -> None:
    gateway.texts["wrong"] = "ins_wrong"
    with gateway.client("wrong") as client, pytest.raises(AuthenticationError, match="the token"):
        client.session.get("/Instance")


def test_a_refusal_of_the_gateway_is_told_as_one_and_not_as_insightlys(
    sandbox: Sandbox, make_gateway: MakeGateway
) -> None:
    """Whoever has a token can do nothing about keys, pods, users and plans."""
    few = Token("few", "acme", objects=frozenset({"Contact"}), is_read_only=True)
    clients = make_gateway(few, Token("astray", "elsewhere"))
    clients.texts["wrong"] = "ins_wrong"
    cases = [
        ("wrong", "GET", "/Instance", AuthenticationError, "does not know the token"),
        ("astray", "GET", "/Instance", AuthenticationError, "'elsewhere', which is no longer"),
        ("few", "GET", "/Leads", NotAvailableError, "'few' may not reach /Leads"),
        ("few", "PUT", "/Contacts", NotAvailableError, "'few' may only read"),
    ]
    for name, method, path, kind, said in cases:
        with clients.client(name) as client, pytest.raises(kind, match=said) as caught:
            client.request(method, path, body={} if method == "PUT" else None)
        assert "the gateway" in str(caught.value).lower()
        for word in ("pod", "plan", "administrator", "Insightly says"):
            assert word not in str(caught.value)
    assert not sandbox.requests
    sandbox.faults.forbidden = {"/Leads"}
    with clients.client() as client, pytest.raises(NotAvailableError, match="Insightly says"):
        client.request("GET", "/Leads")


@pytest.mark.parametrize("share", ["lost", "reset", "500"])
def test_what_may_have_been_done_is_told_to_the_library(
    share: str, sandbox: Sandbox, gateway: Clients
) -> None:
    sandbox.faults.script = [share]
    with gateway.client() as client, pytest.raises(UnknownOutcomeError):
        client.request("POST", "/Contacts", body={"FIRST_NAME": "Ada"})
    assert [one.method for one in sandbox.requests].count("POST") == 1


def test_a_sync_survives_an_insightly_that_fails_a_lot(
    tap: Tap, sandbox: Sandbox, gateway: Clients
) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "leads")
    direct = tap(sandbox=sandbox, catalog=catalog)
    sandbox.faults.error_rate = sandbox.faults.reset_rate = sandbox.faults.truncate_rate = 0.2
    through = tap(
        catalog=catalog, api_url=gateway.api_url, api_key=gateway.texts["tap"], page_size=10
    )
    assert through.code == 0, through.stderr
    assert through.records("contacts") == direct.records("contacts")


def test_nothing_shows_a_secret(
    gateway: Clients, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.script = ["500", "reset", "429", "ok", "403", "truncate", "ok"]
    token = gateway.texts["tap"]
    answers = [
        gateway.get("/Contacts?field_name=A&field_value=b"),
        gateway.get("/Leads"),
        gateway.ask("POST", "/Contacts", data=b"{nonsense-in-a-body"),
        gateway.get("/Contacts", auth=("ins_wrong", "")),
        requests.get(f"{gateway.served.url}/health", timeout=60),
        requests.get(f"{gateway.served.url}/metrics", timeout=60),
    ]
    shown = [caplog.text, *(f"{one.headers} {one.text}" for one in answers)]
    for text in shown:
        for secret in (KEY, ENCODED_KEY.rstrip("="), token, "nonsense-in-a-body", "ins_wrong"):
            assert secret not in text
    assert "field_value" not in caplog.text


def test_what_it_does_is_counted(gateway: Clients, sandbox: Sandbox) -> None:
    gateway.get("/Instance")
    gateway.get("/Nonsense")
    told = requests.get(f"{gateway.served.url}/metrics", timeout=60).text
    line = 'insightly_gateway_requests_total{account="acme",client="tap",status="%s"} 1.0'
    assert line % 200 in told
    assert line % 404 in told
    assert 'insightly_quota_left{account="acme"} 99998.0' in told
    assert 'insightly_pace{account="acme"}' in told
    assert 'insightly_gateway_wait_seconds_count{account="acme"} 2.0' in told
    health = requests.get(f"{gateway.served.url}/health", timeout=60).json()
    assert health["accounts"]["acme"]["quota_left"] == 99_998
    assert len(sandbox.requests) == 2


def test_one_that_cannot_retry_is_told_in_the_end(gateway: Clients, sandbox: Sandbox) -> None:
    sandbox.faults.reset_rate = 1
    with (
        gateway.client(max_retries=0) as client,
        pytest.raises(RetriesExhaustedError, match="between gateway and Insightly"),
    ):
        client.session.get("/Instance")

"""What goes wrong on the way, as the person who runs the tap sees it."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox, only

if TYPE_CHECKING:
    from tap_insightly.sandbox import RequestLog, Sandbox
    from tests.conftest import Tap


@pytest.fixture
def catalog(tap: Tap, sandbox: Sandbox) -> dict[str, object]:
    """The catalog of the sandbox; the requests for it are forgotten."""
    catalog = tap.discover(sandbox)
    sandbox.requests.clear()
    return catalog


def test_a_wrong_key_says_which_url_was_asked_and_writes_nothing(
    tap: Tap, sandbox: Sandbox
) -> None:
    run = tap(sandbox=sandbox, api_key="wrong")
    assert run.code == 77
    assert run.stdout == ""
    assert sandbox.api_url in run.stderr
    assert "did not accept the API key" in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.count("ERROR") == 1
    assert len(sandbox.requests) == 1


def test_what_the_plan_leaves_out_is_skipped_with_its_bookmark_untouched(tap: Tap) -> None:
    bookmark = {
        "replication_key": "DATE_UPDATED_UTC",
        "replication_key_value": "2026-01-01T00:00:00Z",
    }
    with new_sandbox(plan="professional").serve() as sandbox:
        run = tap(sandbox=sandbox, state={"bookmarks": {"tickets": bookmark}})
    assert run.code == 0, run.stderr
    assert "tickets: /Ticket/Search cannot be read (403)" in run.stderr
    assert "products: /Product cannot be read (404)" in run.stderr
    assert run.records("contacts")
    assert run.records("tickets") == []
    assert run.state["bookmarks"]["tickets"] == bookmark
    assert "replication_key_value" not in run.state["bookmarks"].get("products", {})


def test_405_is_skipped_too(tap: Tap, sandbox: Sandbox, catalog: dict[str, object]) -> None:
    sandbox.faults = Faults(not_allowed={"/Notes"})
    run = tap(sandbox=sandbox, catalog=only(catalog, "notes", "users"))
    assert run.code == 0, run.stderr
    assert "notes: /Notes cannot be read (405)" in run.stderr
    assert run.records("users")


def test_if_nothing_selected_can_be_read_the_run_fails(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, object]
) -> None:
    sandbox.faults = Faults(forbidden={"/Notes", "/Users"})
    run = tap(sandbox=sandbox, catalog=only(catalog, "notes", "users"))
    assert run.code == 1
    assert "None of the 2 selected streams can be read" in run.stderr
    assert "Traceback" not in run.stderr


def test_tags_of_one_kind_of_record_may_be_missing(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, object]
) -> None:
    wanted = {tag["RECORD_TYPE"] for tag in run_tags(tap, sandbox, catalog)}
    assert "leads" in wanted

    def forbid_leads(request: object) -> None:
        is_leads = getattr(request, "query", {}).get("record_type") == "leads"
        sandbox.faults = Faults(forbidden={"/Tags"} if is_leads else set())

    sandbox.on_request = forbid_leads
    # One at a time: what is forbidden holds for all that is under way.
    found = run_tags(tap, sandbox, catalog, max_concurrency=1)
    assert {tag["RECORD_TYPE"] for tag in found} == wanted - {"leads"}


def run_tags(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, object], **settings: int
) -> list[dict[str, str]]:
    run = tap(sandbox=sandbox, catalog=only(catalog, "tags"), **settings)
    assert run.code == 0, run.stderr
    return run.records("tags")


@pytest.mark.parametrize("fault", ["500", "503", "429", "reset", "truncate", "html"])
def test_what_may_pass_is_tried_again_and_nothing_is_lost(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, object], fault: str
) -> None:
    sandbox.faults = Faults(script=[fault])
    run = tap(sandbox=sandbox, catalog=only(catalog, "contacts"))
    assert run.code == 0, run.stderr
    assert len(run.records("contacts")) == sandbox.count("/Contacts")
    assert "Try 2 of 9" in run.stderr


ERROR = b'{"message": "An error has occurred."}'


@pytest.mark.parametrize("path", ["/CustomFields/CONTACT", "/CustomObjects"])
def test_a_discovery_that_is_answered_something_else_loses_no_columns_but_fails(
    tap: Tap, sandbox: Sandbox, path: str
) -> None:
    answering(sandbox, path, [ERROR, ERROR])
    run = tap("--discover", sandbox=sandbox, max_retries=1, max_concurrency=1)
    assert run.code == 75
    assert run.stdout == ""
    assert f"{path} failed 2 times, the last time with: the answer is an object" in run.stderr
    assert "where a list belongs: An error has occurred." in run.stderr
    assert "Traceback" not in run.stderr

    answering(sandbox, path, [ERROR])
    assert tap.discover(sandbox, max_concurrency=1) == tap.discover(sandbox)


@pytest.mark.parametrize("body", [ERROR, b"[null]"])
@pytest.mark.parametrize(
    ("stream", "path"),
    [("contacts", "/Contacts"), ("note_comments", "/Notes/{id}/Comments")],
)
def test_what_is_no_list_of_records_is_asked_for_again_and_nothing_is_lost(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, object], stream: str, path: str, body: bytes
) -> None:
    wanted = tap(sandbox=sandbox, catalog=only(catalog, stream))
    assert wanted.records(stream)
    answering(sandbox, path, [body])
    run = tap(sandbox=sandbox, catalog=only(catalog, stream), max_concurrency=1)
    assert run.code == 0, run.stderr
    assert run.records(stream) == wanted.records(stream)
    assert "the answer " in run.stderr

    answering(sandbox, path, [body] * 2)
    run = tap(sandbox=sandbox, catalog=only(catalog, stream), max_concurrency=1, max_retries=1)
    assert run.code == 75
    assert "failed 2 times, the last time with: the answer " in run.stderr
    assert "Traceback" not in run.stderr
    assert "replication_key_value" not in run.state.get("bookmarks", {}).get(stream, {})


def answering(sandbox: Sandbox, path: str, bodies: list[bytes]) -> None:
    """Have what is asked of a path answered so, one after the other, and then as it should be."""
    left = list(bodies)
    wanted = re.compile(re.escape(path).replace(re.escape("{id}"), "[0-9]+"), re.IGNORECASE)

    def choose(request: RequestLog) -> None:
        is_it = left and wanted.search(request.path)
        sandbox.faults = Faults(body=left.pop(0) if is_it else None)

    sandbox.on_request = choose


def test_a_server_that_stays_down_ends_the_run_after_the_retries(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, object]
) -> None:
    sandbox.faults = Faults(script=["503"] * 10)
    run = tap(sandbox=sandbox, catalog=only(catalog, "contacts"), max_retries=1)
    assert run.code == 75
    assert len(sandbox.requests) == 2
    assert "failed 2 times" in run.stderr
    assert "503" in run.stderr
    assert "Traceback" not in run.stderr


def test_nobody_there_is_an_error_with_the_address(tap: Tap) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v3.1"
        run = tap(api_url=url, max_retries=0)
    assert run.code == 75
    assert url in run.stderr
    assert "failed once, the last time with: Failed to establish a new connection" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_proxy_that_is_not_there_is_named_as_such(
    tap: Tap, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        proxy = f"http://me:password-of-the-proxy@127.0.0.1:{free.getsockname()[1]}"
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        run = tap(sandbox=sandbox, max_retries=0)
    assert run.code == 75
    assert "the proxy: Failed to establish a new connection" in run.stderr
    assert "password-of-the-proxy" not in run.stderr
    assert "Traceback" not in run.stderr


def test_a_used_up_quota_stops_the_run_and_the_next_goes_on(
    tap: Tap, sandbox: Sandbox, catalog: dict[str, object]
) -> None:
    chosen = only(catalog, "contacts", "leads", "notes")
    sandbox.faults = Faults(daily_quota=2)
    first = tap(sandbox=sandbox, catalog=chosen)
    assert first.code == 75
    assert "The day's API requests are used up: 0 of 2 are left" in first.stderr
    assert "midnight UTC" in first.stderr
    assert "Traceback" not in first.stderr
    # Three went off together, before the first answer told how many there may be.
    assert len(sandbox.requests) <= 3

    sandbox.faults = Faults()
    sandbox.requests.clear()
    second = tap(sandbox=sandbox, catalog=chosen, state=first.state)
    assert second.code == 0, second.stderr
    assert len(second.records("notes")) == sandbox.count("/Notes")
    assert any(request.path.lower().endswith("/notes") for request in sandbox.requests)


def test_the_reserve_is_kept(tap: Tap, sandbox: Sandbox, catalog: dict[str, object]) -> None:
    sandbox.faults = Faults(daily_quota=100)
    run = tap(sandbox=sandbox, catalog=only(catalog, "contacts", "leads"), quota_reserve=99)
    assert run.code == 75
    assert "kept in reserve by quota_reserve: 99" in run.stderr
    assert len(sandbox.requests) == 1


def test_debug_logs_do_not_show_the_key(
    tap: Tap, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, catalog: dict[str, object]
) -> None:
    monkeypatch.setenv("TAP_INSIGHTLY_LOGLEVEL", "DEBUG")
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    sandbox.faults = Faults(script=["500", "reset"])
    run = tap(sandbox=sandbox, catalog=only(catalog, "contacts"), loglevel="DEBUG")
    assert run.code == 0
    assert "DEBUG" in run.stderr

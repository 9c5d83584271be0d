"""One request is judged by one set of faults, also if a test sets others while it is answered."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.conftest import KEY, new_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.sandbox import Sandbox

AUTHORIZATION = b"Basic " + base64.b64encode(f"{KEY}:".encode())


async def asked(sandbox: Sandbox, method: str, path: str, body: Any) -> dict[str, Any]:
    """Send a request without a network; the status, the headers and the body of the answer."""
    sent: list[dict[str, Any]] = []
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # nobody hangs up
        return messages.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await sandbox.app(
        {
            "type": "http",
            "method": method,
            "path": f"/v3.1{path}",
            "query_string": b"count_total=true",
            "headers": [(b"authorization", AUTHORIZATION)],
        },
        receive,
        send,
    )
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    content = b"".join(message.get("body", b"") for message in sent)
    return {**headers, "status": sent[0]["status"], "body": json.loads(content)}


def changed_meanwhile(
    sandbox: Sandbox, before: Faults, after: Faults, method: str = "GET", body: Any = None
) -> dict[str, Any]:
    """Send a request, and set other faults while it waits for its answer."""

    async def both() -> dict[str, Any]:
        sandbox.faults = before
        before.latency = 0.001  # so that it waits at all
        answer = asyncio.create_task(asked(sandbox, method, "/Contacts", body))
        await asyncio.sleep(0)  # nothing keeps the request from coming as far as its latency
        assert before.in_flight == 1
        sandbox.faults = after
        return await asyncio.wait_for(answer, 60)

    return asyncio.run(both())


@pytest.fixture(scope="module")
def account() -> Sandbox:
    """An account that is not served."""
    return new_sandbox(records=5)


OTHERS: dict[str, Callable[[Sandbox], Faults]] = {
    "denied": lambda _: Faults(user_denied=True),
    "quota": lambda _: Faults(daily_quota=0),
    "forbidden": lambda _: Faults(forbidden={"/Contacts"}),
    "status": lambda _: Faults(statuses={"/Contacts": 500}),
    "body": lambda _: Faults(body=b"{}"),
    "cap": lambda _: Faults(page_cap=1),
    "totals": lambda _: Faults(totals={"*": None}),
    "hidden": lambda one: Faults(hidden={"/Contacts": {one.records("/Contacts")[0]["CONTACT_ID"]}}),
    "large": lambda _: Faults(record_bytes=5000),
    "date": lambda _: Faults(no_date_header=True),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_read_is_answered_by_the_faults_that_it_met(account: Sandbox, other: str) -> None:
    usual = changed_meanwhile(account, Faults(), Faults())
    after = OTHERS[other](account)
    found = changed_meanwhile(account, Faults(), after)
    assert found.pop("date")
    assert usual.pop("date")
    assert found == usual
    assert after.used == after.in_flight == 0


def test_a_write_is_answered_by_the_faults_that_it_met(account: Sandbox) -> None:
    after = Faults(read_only={"/Contacts"}, record_limit=0, trims_text=True, assigns_owner=7)
    after.automations = {"/Contacts": {"LAST_NAME": "Other"}}
    body = {"FIRST_NAME": " Ada ", "LAST_NAME": "Byron"}
    found = changed_meanwhile(account, Faults(), after, "POST", body)
    assert found["status"] == 201
    assert (found["body"]["FIRST_NAME"], found["body"]["LAST_NAME"]) == (" Ada ", "Byron")
    assert found["body"]["OWNER_USER_ID"] != 7

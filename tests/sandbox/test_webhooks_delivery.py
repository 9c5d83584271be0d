"""How webhooks get to a receiver: in order, tried three times, and never in the way of the API."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox
from tests.sandbox.receiving import Inbox, inbox, told_of
from tests.sandbox.test_cli import failed, started
from tests.sandbox.written import first, posted, send
from tests.scripted import Peer, Scripted, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_insightly.sandbox import Sandbox

NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
AT_ONCE = Faults(webhook_pauses=(0, 0))


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[Sandbox, Inbox]]:
    with inbox() as box, new_sandbox(webhooks=[box.url()]).serve() as account:
        yield account, box


@pytest.fixture
def account(kept: tuple[Sandbox, Inbox]) -> Sandbox:
    """A sandbox that sends, with no habits and nothing under way."""
    sandbox, box = kept
    clean(sandbox, box)
    return sandbox


@pytest.fixture
def box(kept: tuple[Sandbox, Inbox]) -> Inbox:
    return kept[1]


def clean(sandbox: Sandbox, box: Inbox) -> None:
    box.statuses.clear()
    sandbox.webhooks.flush()
    box.received.clear()
    sandbox.faults = Faults()
    sandbox.clock = lambda: NOON
    sandbox.webhooks.pause = None


def write(sandbox: Sandbox, *names: str) -> None:
    key = first(sandbox, "/Contacts")
    for name in names:
        sandbox.update("/Contacts", key, FIRST_NAME=name)


def names(entities: list[dict[str, Any]]) -> list[str]:
    return [one["FIRST_NAME"] for one in entities]


def reset(peer: Peer) -> None:
    """Hang up with a reset."""
    peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.connection.close()


def test_events_come_in_the_order_of_the_writes(account: Sandbox, box: Inbox) -> None:
    key = first(account, "/Contacts")
    wanted = [f"N{number}" for number in range(50)]
    for name in wanted:
        send(account, "PUT", "/Contacts", {"CONTACT_ID": key, "FIRST_NAME": name})
    assert names(told_of(account, box)) == wanted


@given(
    statuses=st.lists(st.sampled_from([200, 204, 301, 401, 404, 500, 503]), max_size=12),
    events=st.integers(1, 5),
)
@settings(max_examples=40, deadline=None)
def test_each_event_is_tried_three_times_at_most_and_before_the_next(
    kept: tuple[Sandbox, Inbox], statuses: list[int], events: int
) -> None:
    sandbox, box = kept
    clean(sandbox, box)
    box.statuses = list(statuses)
    before = (sandbox.webhooks.delivered, sandbox.webhooks.dropped)
    sandbox.webhooks.pause = lambda _: None
    write(sandbox, *map(str, range(events)))
    left, expected, dropped = [*statuses], [], 0
    for name in map(str, range(events)):
        tried = [left.pop(0) if left else 200]
        while tried[-1] // 100 != 2 and len(tried) < 3:
            tried.append(left.pop(0) if left else 200)
        expected += [name] * len(tried)
        dropped += tried[-1] // 100 != 2
    assert names(told_of(sandbox, box)) == expected
    after = (before[0] + events - dropped, before[1] + dropped)
    assert (sandbox.webhooks.delivered, sandbox.webhooks.dropped) == after


def test_it_waits_between_attempts_and_repeats_the_very_body(account: Sandbox, box: Inbox) -> None:
    waited: list[float] = []
    account.webhooks.pause = waited.append
    box.statuses = [500, 500]
    account.faults = Faults(webhook_pauses=(7, 90))
    write(account, "Ada", "Bob")
    account.webhooks.flush()
    one, two, three, four = box.received
    assert one == two == three != four
    assert waited == [7, 90]


def test_what_is_dropped_is_said_and_never_comes(account: Sandbox, box: Inbox) -> None:
    said: list[str] = []
    account.webhooks.on_drop = said.append
    account.webhooks.pause = lambda _: None
    box.statuses = [500, 302, 401]
    write(account, "Ada", "Bob")
    assert names(told_of(account, box)) == ["Ada", "Ada", "Ada", "Bob"]
    key = first(account, "/Contacts")
    where, last = f"The webhook of /Contacts/{key} to {box.url()}", "the last: answered 401."
    assert said == [f"{where} was dropped after 3 attempts, {last}"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_an_answer(account: Sandbox, box: Inbox, status: int) -> None:
    box.statuses = [status]
    write(account, "Ada")
    assert len(told_of(account, box)) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(account: Sandbox, box: Inbox, status: int) -> None:
    account.faults = AT_ONCE
    box.statuses = [status] * 3
    write(account, "Ada")
    account.webhooks.flush()
    assert [one.path for one in box.received] == ["/webhooks/acme"] * 3


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        (Peer.wait_for_the_end, "no answer within 0.05 s"),
        (reset, "no answer: [Errno 104]"),
        (lambda _: None, "no answer: "),
        (answer(b"", status="nonsense"), "no answer: "),
        (lambda peer: peer.send(b"\x16\x03\x01 no HTTP\r\n"), "no answer: "),
        (answer(b"", "Location: http://127.0.0.1:1/", status="307 Elsewhere"), "answered 307"),
    ],
)
def test_without_an_answer_it_is_tried_again_and_dropped(
    deed: Callable[[Peer], None], why: str
) -> None:
    with Scripted([deed]).serve() as server:
        url = server.api_url.replace("//", "//user:secret@")
        sandbox, said = new_sandbox(webhooks=[url]), list[str]()
        sandbox.faults = Faults(webhook_pauses=(0, 0), webhook_timeout=0.05)
        sandbox.webhooks.on_drop = said.append
        write(sandbox, "Ada")
        sandbox.webhooks.flush()
        assert (sandbox.webhooks.delivered, sandbox.webhooks.dropped) == (0, 1)
        assert len(server.asked) == 3
        assert why in said[0]
        assert "secret" not in said[0]


def test_where_nobody_listens_it_is_dropped() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sandbox = new_sandbox(webhooks=[f"http://127.0.0.1:{port}/"])
    sandbox.faults = AT_ONCE
    write(sandbox, "Ada")
    sandbox.webhooks.flush()
    assert sandbox.webhooks.dropped == 1


def test_the_api_does_not_wait_for_a_receiver_that_hangs(account: Sandbox, box: Inbox) -> None:
    box.open.clear()
    try:
        made = [posted(account, "/Contacts", FIRST_NAME=name) for name in ("Ada", "Bob")]
        assert box.arrived.acquire(timeout=60)
        assert len(box.received) == 1, "the second waits for the first"
    finally:
        box.open.set()
    assert [one["CONTACT_ID"] for one in told_of(account, box)] == [
        one["CONTACT_ID"] for one in made
    ]


def test_a_receiver_that_hangs_does_not_hold_up_another() -> None:
    with inbox() as slow, inbox() as quick:
        sandbox = new_sandbox(webhooks=[slow.url(), quick.url()])
        slow.open.clear()
        write(sandbox, "Ada", "Bob")
        for _ in range(2):
            assert quick.arrived.acquire(timeout=60)
        assert names(quick.entities()) == ["Ada", "Bob"]
        with pytest.raises(TimeoutError, match="could not be sent"):
            sandbox.webhooks.flush(0.01)
        slow.open.set()
        sandbox.webhooks.flush()
        assert names(slow.entities()) == ["Ada", "Bob"]


def test_events_can_come_late_by_the_clock_of_the_sandbox(account: Sandbox, box: Inbox) -> None:
    account.faults = Faults(webhook_delay=300)
    write(account, "Ada")
    account.webhooks.catch_up()
    account.clock = lambda: NOON + timedelta(seconds=299)
    write(account, "Bob")
    account.webhooks.catch_up()
    assert box.received == []
    account.clock = lambda: NOON + timedelta(seconds=300)
    account.webhooks.catch_up()
    assert names(box.entities()) == ["Ada"]
    assert names(told_of(account, box)) == ["Ada", "Bob"], "the rest is not waited for"


def test_events_can_be_lost(account: Sandbox, box: Inbox) -> None:
    before = account.webhooks.lost
    account.faults = Faults(webhook_loss=1)
    write(account, "Ada", "Bob")
    assert told_of(account, box) == []
    assert account.webhooks.lost == before + 2
    account.faults = Faults(webhook_lost_every=3)
    write(account, *"abcdefghi")
    told = names(told_of(account, box))
    assert len(told) == 6
    missing = ["abcdefghi".index(one) for one in "abcdefghi" if one not in told]
    assert [later - one for one, later in pairwise(missing)] == [3, 3]


def test_events_can_come_twice(account: Sandbox, box: Inbox) -> None:
    account.faults = Faults(webhook_repeats=1)
    write(account, "Ada", "Bob")
    account.webhooks.flush()
    bodies = [one.body for one in box.received]
    assert bodies[0] == bodies[1] != bodies[2] == bodies[3]


def test_events_can_come_out_of_order(account: Sandbox, box: Inbox) -> None:
    account.faults = Faults(webhook_jitter=60, webhook_delay=1)
    wanted = [f"N{number}" for number in range(30)]
    write(account, *wanted)
    told = names(told_of(account, box))
    assert told != wanted
    assert sorted(told) == sorted(wanted)


def test_chance_is_the_same_with_the_same_seed() -> None:
    def told(seed: int) -> list[str]:
        with inbox() as box:
            sandbox = new_sandbox(seed=seed, webhooks=[box.url()])
            sandbox.faults = Faults(webhook_loss=0.5, webhook_jitter=9, webhook_delay=1)
            sandbox.clock = lambda: NOON
            write(sandbox, *map(str, range(20)))
            return names(told_of(sandbox, box))

    assert told(1) == told(1) != told(2)


def test_what_waits_when_it_stops_is_forgotten_and_it_can_go_on() -> None:
    with inbox() as box:
        sandbox = new_sandbox(webhooks=[box.url()])
        with sandbox.serve():
            sandbox.clock = lambda: NOON
            sandbox.faults = Faults(webhook_delay=60)
            write(sandbox, "Ada")
        sandbox.faults = Faults()
        with sandbox.serve():
            write(sandbox, "Bob")
            assert names(told_of(sandbox, box)) == ["Bob"]
            assert sandbox.webhooks.delivered == 1


def test_the_command_sends_and_says_where_without_the_password() -> None:
    with inbox() as box, started(f"--webhook={box.url('user:secret@')}") as (_, said):
        url = said[0].split()[3].rstrip(":")
        assert f"What is made and changed is sent to {box.url()}.\n" in said
        assert "secret" not in "".join(said)
        body, auth = {"FIRST_NAME": "Ada"}, ("sandbox-api-key", "")
        assert requests.post(f"{url}/Contacts", json=body, auth=auth, timeout=60).ok
        assert box.arrived.acquire(timeout=60)
        assert names(box.entities()) == ["Ada"]
        assert box.received[0].authorization == "Basic dXNlcjpzZWNyZXQ="


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--webhook=ftp://user:secret@127.0.0.1/", "'--webhook': A webhook goes to an address"),
        ("--webhook-object=/Nothing", "'--webhook-object': There is no list at /Nothing."),
        ("--webhook-loss=2", "--webhook-loss"),
        ("--webhook-timeout=0", "--webhook-timeout"),
        ("--webhook-custom-fields=poem", "--webhook-custom-fields"),
    ],
)
def test_an_option_that_is_wrong_is_named(option: str, told: str) -> None:
    said = failed("--records=5", option)
    assert told in said
    assert "secret" not in said

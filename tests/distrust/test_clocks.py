"""A bookmark later than the server's clock: it is told, and the sync goes on from now."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tests.distrust.conftest import PATHS, warnings

if TYPE_CHECKING:
    from tests.distrust.conftest import Account

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
FUTURE = "9999-12-31T23:59:59Z"
NAMES = ("contacts", "leads", "organisations")


def test_a_bookmark_of_the_future_is_put_back_for_one_request_more_of_its_stream(
    own: Account,
) -> None:
    own.sandbox.clock = lambda: NOON
    number = own.sandbox.create("/Contacts", FIRST_NAME="New")["CONTACT_ID"]
    run = own.sync(*NAMES, state=own.state(FUTURE, *NAMES))
    assert run.code == 0, run.stderr
    for stream in NAMES:
        assert own.requests(PATHS[stream]) <= 2
        assert any(FUTURE[:4] in one for one in warnings(run, stream)), run.stderr
        assert (run.bookmark(stream) or "") <= "2026-08-01T12:00:00Z"
    assert own.arrived(run, "contacts") == {number}
    own.sandbox.clock = lambda: NOON + timedelta(days=1)
    own.sandbox.update("/Contacts", number, FIRST_NAME="Newer")
    run = own.sync(*NAMES, state=run.state)
    assert [row["FIRST_NAME"] for row in run.records("contacts")] == ["Newer"]
    assert warnings(run, "contacts") == []

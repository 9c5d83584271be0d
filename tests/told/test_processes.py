"""Webhooks from end to end: a sandbox that sends them, a server, and the tap as a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conftest import only
from tests.server.running import PASSWORD, USER, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap


def test_an_event_travels_into_the_output_of_the_tap(
    tap: Tap, tmp_path: Path, sandbox: Sandbox
) -> None:
    # Streams of all kinds: what they leave in the state is what the next run begins with.
    names = ("contacts", "tasks", "pipelines", "countries", "links", "fruit__c")
    catalog = only(tap.discover(sandbox), *names)
    login = f"{USER}:{PASSWORD}@".replace(" ", "%20")
    with serving(tmp_path, sandbox.api_url) as served:
        sandbox.webhooks.add(f"{served.url.replace('//', f'//{login}')}/webhooks/acme")
        state: dict[str, Any] = {}

        def run(*, is_trusted: bool = True) -> tuple[list[str], list[str]]:
            """Run the tap: the paths that it asked for, and the names that contacts have now."""
            nonlocal state
            sandbox.webhooks.flush()
            before = len(sandbox.requests)
            more = {} if is_trusted else {"webhook_trust_minutes": 0}
            store = str(served.folder / "webhooks.sqlite")
            done = tap(sandbox=sandbox, catalog=catalog, state=state, webhook_store=store, **more)
            assert done.code == 0, done.stderr
            state = done.state
            asked = sorted({one.path.removeprefix("/v3.1/") for one in sandbox.requests[before:]})
            return asked, [one["FIRST_NAME"] for one in done.records("contacts")]

        contact = sandbox.records("/Contacts")[0]["CONTACT_ID"]
        sandbox.update("/Contacts", contact, FIRST_NAME="Ada")
        whole, _ = run()
        assert len(whole) > len(names) - 2
        sandbox.update("/Contacts", contact, FIRST_NAME="Grace")
        asked, sent = run()
        assert {one.partition("/")[0] for one in asked} == {"Contacts"}
        assert "Grace" in sent
        assert len(run(is_trusted=False)[0]) >= len(whole) - 2, "all are asked about again"

"""What the tests of the library share: clients that do not wait, and what they have sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import Fields, InsightlyClient, InsightlySession, RateLimiter
from tap_insightly.api.records.objects import find_object, standard_objects
from tests.conftest import KEY, new_sandbox

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox


class Clock:
    """A clock that moves by waiting, for any number of threads; it is read under a lock."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        if seconds is None:  # until one of those under way is answered
            condition.wait()
        else:
            self.now += seconds


def new_session(sandbox: Sandbox, **options: Any) -> InsightlySession:
    """A session with a sandbox that waits neither for its turn nor between two tries."""
    clock = Clock()
    rate_limiter = RateLimiter(100, clock=clock, wait=clock.wait)
    given = {"rate_limiter": rate_limiter, "sleep": lambda _: None, **options}
    return InsightlySession(sandbox.api_url, KEY, **given)


def new_client(sandbox: Sandbox, **options: Any) -> InsightlyClient:
    """A client of a sandbox that waits neither for its turn nor between two tries."""
    return InsightlyClient.from_session(new_session(sandbox, **options))


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[InsightlyClient]:
    """A client of the test's own sandbox, which has told about contacts already."""
    with new_client(sandbox) as client:
        client.fields("contact")
        sandbox.requests.clear()
        yield client


@pytest.fixture
def reading_client(shared_sandbox: Sandbox) -> Iterator[InsightlyClient]:
    """A client of the sandbox that no test changes."""
    with new_client(shared_sandbox) as client:
        yield client


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A small sandbox for the tests of one file."""
    with new_sandbox(records=1).serve() as sandbox:
        yield sandbox


def asked(sandbox: Sandbox, *methods: str) -> list[str]:
    """What a sandbox was asked so far, such as ``POST /Contacts``; all, or only by some methods."""
    return [
        f"{log.method} {log.path.removeprefix('/v3.1')}"
        for log in sandbox.requests
        if log.method in (methods or (log.method,))
    ]


def fields_of(name: str, *custom: dict[str, Any]) -> Fields:
    """The fields of an object, without an account to ask."""
    return Fields(find_object(name, standard_objects()), custom)


def custom(name: str, kind: str, *options: str, **more: Any) -> dict[str, Any]:
    """The definition of a custom field, as far as it matters."""
    chosen = [{"OPTION_VALUE": option} for option in options]
    return {"FIELD_NAME": name, "FIELD_TYPE": kind, "CUSTOM_FIELD_OPTIONS": chosen, **more}

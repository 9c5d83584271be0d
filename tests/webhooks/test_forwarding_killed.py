"""The process that hands on: killed, asked to end, and told of by its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.webhooks.outbox import forward_standings
from tap_insightly.webhooks.store import EventStore
from tests.cli.running import COMMAND
from tests.webhooks.keeping import keep, task, writing
from tests.webhooks.listening import listening

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 12


def start(store: Path, url: str, *options: str) -> subprocess.Popen[str]:
    command = [*COMMAND, "webhooks", "forward", url, "--store", str(store), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    with writing(path) as writer:
        keep(writer, *(task(1 + one % 3, title=str(one)) for one in range(EVENTS)))
    return path


def titles(events: list[Any]) -> list[int]:
    return [int(event["record"]["TITLE"]) for event in events]


def test_killed_after_it_was_told_it_tells_it_twice_and_never_not_at_all(store: Path) -> None:
    kills = [2, 5, 6]
    with listening() as listener:

        def on_post(_: object) -> int:
            if len(listener.posts) in kills:
                process.send_signal(signal.SIGKILL)
                process.wait()
            return 200

        listener.on_post = on_post
        for _ in range(len(kills) + 1):
            process = start(store, listener.url, "--once")
            process.communicate()
        assert process.returncode == 0
        told = titles(listener.events)
    assert told == sorted(told)
    assert set(told) == set(range(EVENTS))
    assert max(Counter(told).values()) <= 3  # one was hit twice in a row
    assert len(told) == EVENTS + len(kills)


def test_asked_to_end_it_ends_between_two_events(store: Path) -> None:
    with listening() as listener:

        def on_post(_: object) -> int:
            if len(listener.posts) == 3:
                process.send_signal(signal.SIGTERM)
            return 200

        listener.on_post = on_post
        process = start(store, listener.url, "--name", "one")
        _, said = process.communicate()
        assert process.returncode == 0
        assert "Traceback" not in said
        assert len(listener.posts) == 3
        with EventStore(store) as opened:
            (standing,) = forward_standings(opened)
        assert standing.ahead == EVENTS - 3
        assert start(store, listener.url, "--name", "one", "--once").communicate()
        assert titles(listener.events) == list(range(EVENTS))


def test_asked_twice_it_ends_at_once(store: Path) -> None:
    with listening() as listener:

        def on_post(_: object) -> int:
            process.send_signal(signal.SIGTERM)
            while process.poll() is None:
                process.send_signal(signal.SIGTERM)
            return 200

        listener.on_post = on_post
        process = start(store, listener.url)
        process.communicate()
        # By itself, or by the last of all these signals.
        assert process.returncode in {128 + signal.SIGTERM, -signal.SIGTERM}


def test_what_fails_is_told_by_the_exit_code(store: Path) -> None:
    with listening() as listener:
        listener.on_post = lambda _: 500
        process = start(store, listener.url.replace("//", "//user:s3cret-word@"), "--once")
        _, said = process.communicate()
        assert process.returncode == 75
        assert "answered 500" in said
        assert "s3cret-word" not in said
        assert len(listener.posts) <= 4  # it is left in peace


def test_events_that_come_meanwhile_are_told_at_once(store: Path) -> None:
    with listening() as listener, writing(store) as writer:

        def on_post(_: object) -> int:
            if len(listener.posts) < EVENTS + 3:
                keep(writer, task(9, title=str(100 + len(listener.posts))))
            elif len(listener.posts) == 2 * EVENTS + 2:
                process.send_signal(signal.SIGTERM)
            return 200

        listener.on_post = on_post
        process = start(store, listener.url)
        process.communicate()
        assert len(set(titles(listener.events))) == 2 * EVENTS + 2


def test_the_address_may_come_from_the_environment(store: Path) -> None:
    with listening() as listener:
        env = {**os.environ, "INSIGHTLY_WEBHOOK_FORWARD_URL": listener.url}
        command = [*COMMAND, "webhooks", "forward", "--once", "--store", str(store)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - our own
        assert (done.returncode, len(listener.posts)) == (0, EVENTS)

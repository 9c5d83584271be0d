"""The tap as a process that is killed, stopped, held up or left alone by its target."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Any, Protocol

import pytest
from pyarrow import parquet

from tap_insightly.sandbox import Faults
from tests.conftest import KEY, Tap, new_sandbox, only, tap_environment, watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

    from tap_insightly.sandbox import Sandbox

COUNT = 12_000
PAGES = 25  # of 500, each of which overlaps the one before it by one


@pytest.fixture(scope="module")
def big() -> Iterator[Sandbox]:
    """A sandbox with many pages of contacts."""
    with new_sandbox(records=COUNT).serve() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _no_faults(big: Sandbox) -> None:
    big.faults = Faults()
    big.on_request = None
    big.requests.clear()


@pytest.fixture(scope="module")
def contacts(big: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A catalog with contacts selected."""
    return only(Tap(tmp_path_factory.mktemp("discovery")).discover(big), "contacts")


@pytest.fixture
def asked(big: Sandbox) -> threading.Event:
    """Set once a request was sent to a sandbox that does not answer."""
    asked = threading.Event()
    big.on_request = lambda _: asked.set()
    big.faults = Faults(hang_rate=1, hang_seconds=200)
    return asked


def end_without_a_word(process: Process, code: int) -> None:
    """Wait for its end, which needs no traceback."""
    assert process.popen.wait(60) == code
    log = process.log()
    assert "Traceback" not in log
    assert "Exception ignored" not in log


class Popen(Protocol):
    """A process, as `subprocess` has it."""

    def kill(self) -> None: ...

    def send_signal(self, which: int, /) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Process:
    """A running tap, and what a target would know of it."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, catalog: Any, state: Any, **settings: Any
    ) -> None:
        arguments = []
        for option, content in (("catalog", catalog), ("state", state)):
            path = folder / f"{option}.json"
            path.write_text(json.dumps(content))
            arguments.append(f"--{option}={path}")
        given = {"api_key": KEY, "api_url": sandbox.api_url, "requests_per_second": 100, **settings}
        self.folder = folder
        self.errors = (folder / "stderr.txt").open("w+")
        command = [sys.executable, "-m", "tap_insightly", "--config=ENV", *arguments]
        self.popen, self.stdout = self.start(command, tap_environment(**given))
        self.ids: list[int] = []
        self.state: dict[str, Any] = state
        self.last = ""
        self.unacknowledged: list[int] = []

    def start(self, command: list[str], env: dict[str, str]) -> tuple[Popen, IO[bytes]]:
        """Start it; the process, and what it writes."""
        popen = subprocess.Popen(  # noqa: S603 - our own command
            command, env=env, stdout=subprocess.PIPE, stderr=self.errors
        )
        assert popen.stdout is not None
        return popen, popen.stdout

    def take(self, line: bytes) -> str:
        """Take a line as a target does: a state acknowledges the records before it."""
        message = json.loads(line)
        self.last = message["type"]
        if self.last == "RECORD":
            self.unacknowledged.append(message["record"]["CONTACT_ID"])
        elif self.last == "STATE":
            self.state = message["value"]
            self.ids += self.unacknowledged
            self.unacknowledged = []
        return self.last

    def take_all(self) -> int:
        """Take all whole lines that are left; the exit code."""
        for line in self.stdout:
            if line.endswith(b"\n"):
                self.take(line)
        return self.popen.wait(120)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.wait()
        self.stdout.close()
        self.errors.close()

    def log(self) -> str:
        """What it logged."""
        self.errors.seek(0)
        text = self.errors.read()
        watch(text)
        return text


def running(
    folder: Path, sandbox: Sandbox, catalog: Any, state: Any = None, **settings: Any
) -> Process:
    return Process(folder, sandbox, catalog, state or {}, **settings)


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_with_a_state_from_which_all_arrives(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any], which: signal.Signals
) -> None:
    with running(tmp_path, big, contacts) as process:
        for line in process.stdout:
            process.take(line)
            if len(process.ids) + len(process.unacknowledged) >= 1000:
                process.popen.send_signal(which)
                break
        assert process.take_all() == 128 + which
        assert process.last == "STATE"
        assert 1000 <= len(process.ids) < COUNT
        assert "Traceback" not in process.log()
        first, state = process.ids, process.state
    with running(tmp_path, big, contacts, state) as process:
        assert process.take_all() == 0
        assert len({*first, *process.ids}) == COUNT
        # The very last record may be one that the state does not know of yet.
        assert len(first) + len(process.ids) <= COUNT + 1


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_signal_between_two_files_loses_nothing(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any], kind: str
) -> None:
    """Records that were read for the next file are in none."""
    encoding = {"format": kind, "compression": "gzip"}
    batch = {"encoding": encoding, "storage": {"root": tmp_path.as_uri()}, "batch_size": 3000}
    states = []
    for _ in range(2):
        state = states[-1] if states else {}
        with running(tmp_path, big, contacts, state, batch_config=batch) as process:
            for line in process.stdout:
                if process.take(line) == "STATE" and not states:
                    states.append(process.state)
                    big.faults.latency = 0.3
                    asked = threading.Event()
                    big.on_request = lambda _, asked=asked: asked.set()
                    asked.wait(10)
                    process.popen.send_signal(signal.SIGTERM)
                    big.faults = Faults()
            process.popen.wait(60)
            states.append(process.state)
    found = [number for path in tmp_path.glob("*contacts*") for number in ids_in(path, kind)]
    assert set(found) == {one["CONTACT_ID"] for one in big.records("/Contacts")}
    assert len(found) < COUNT + 3000


def ids_in(path: Path, kind: str) -> list[int]:
    """The contacts in a file of a batch."""
    if kind == "parquet":
        found: list[int] = parquet.read_table(path)["CONTACT_ID"].to_pylist()
        return found
    return [json.loads(line)["CONTACT_ID"] for line in gzip.open(path)]


def test_a_signal_ends_it_while_a_server_does_not_answer(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any], asked: threading.Event
) -> None:
    with running(tmp_path, big, contacts) as process:
        assert asked.wait(60)
        process.popen.send_signal(signal.SIGTERM)
        end_without_a_word(process, 128 + signal.SIGTERM)


def test_a_signal_ends_it_while_a_target_takes_nothing(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any]
) -> None:
    """It is in the middle of a line then, which nobody will ever read."""
    with running(tmp_path, big, contacts) as process:
        process.stdout.readline()
        process.popen.send_signal(signal.SIGTERM)
        end_without_a_word(process, 128 + signal.SIGTERM)


def test_a_target_that_is_gone_ends_it_without_a_traceback(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any]
) -> None:
    with running(tmp_path, big, contacts) as process:
        process.stdout.readline()
        process.stdout.close()
        end_without_a_word(process, 1)


def test_a_target_that_is_gone_is_noticed_while_a_server_does_not_answer(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any], asked: threading.Event
) -> None:
    with running(tmp_path, big, contacts) as process:
        assert asked.wait(60)
        process.stdout.close()
        end_without_a_word(process, 1)


def test_a_target_that_takes_its_time_holds_up_the_requests(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any]
) -> None:
    with running(tmp_path, big, contacts, max_concurrency=3) as process:
        for line in process.stdout:
            process.take(line)
            if len(process.unacknowledged) == 100:
                break
        requested = threading.Event()
        big.on_request = lambda _: requested.set()
        while requested.wait(2):  # until it has all that it will hold
            requested.clear()
        # Six pages for the stream that is read; what the pipe and the line hold is less than one.
        assert len(big.requests) <= 1 + 6 + 1
        assert process.take_all() == 0
        assert len(process.ids) == COUNT


def test_a_state_comes_at_least_every_5000_records(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any]
) -> None:
    with running(tmp_path, big, contacts) as process:
        most = 0
        for line in process.stdout:
            process.take(line)
            most = max(most, len(process.unacknowledged))
        assert most <= 5000
        assert len(process.ids) == COUNT


@pytest.mark.parametrize("at_once", [1, 20])
def test_a_quota_that_ends_half_way_is_gone_on_from(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any], at_once: int
) -> None:
    big.faults = Faults(daily_quota=15)
    with running(tmp_path, big, contacts, max_concurrency=at_once) as process:
        assert process.take_all() == 75
        log = process.log()
        assert "0 of 15 are left" in log
        assert "midnight UTC" in log
        assert "Traceback" not in log
        assert process.last == "STATE"
        assert len(big.requests) == 15
        assert all(request.status == 200 for request in big.requests), "none was refused"
        first, state = process.ids, process.state
        pages = 15 if at_once == 1 else (len(first) - 1) // 499
        # Of threads that ask at once, one that asks for a later page may get the last request.
        assert 1 <= pages <= 15
        assert len(first) == pages * 499 + 1, "all that was paid for"
        assert f"contacts: {len(first):,} of {COUNT:,} records, 15 requests, 0 retries," in log
    big.faults = Faults()
    big.requests.clear()
    with running(tmp_path, big, contacts, state) as process:
        assert process.take_all() == 0
        assert len({*first, *process.ids}) == len(first) + len(process.ids) == COUNT
        assert len(big.requests) == PAGES - pages + 1


def test_the_reserve_is_not_touched_by_requests_under_way(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any]
) -> None:
    big.faults = Faults(daily_quota=60, latency=0.05)
    with running(tmp_path, big, contacts, quota_reserve=40) as process:
        assert process.take_all() == 75
        assert "40 of 60 are left, kept in reserve by quota_reserve: 40" in process.log()
        assert len(big.requests) == 20


@pytest.mark.parametrize("latency", [0.0, 0.02])
def test_a_server_with_many_faults_is_read_exactly(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any], latency: float
) -> None:
    script = ["500", "502", "503", "reset", "truncate", "hang", "html", *["ok"] * 12]
    random.Random(latency).shuffle(script)
    big.faults = Faults(
        latency=latency,
        script=script,  # one of each at least
        error_rate=0.05,
        reset_rate=0.02,
        truncate_rate=0.02,
        hang_rate=0.01,
        hang_seconds=5,
        html_rate=0.01,
    )
    with running(tmp_path, big, contacts, request_timeout=1) as process:
        assert process.take_all() == 0, process.log()
        assert sorted(process.ids) == [r["CONTACT_ID"] for r in big.records("/Contacts")]
        assert len(big.requests) >= PAGES + 7
        log = process.log()
        assert f"contacts: {COUNT:,} of {COUNT:,} records, {len(big.requests)} requests," in log


def test_a_server_that_goes_down_for_good_is_given_up_and_gone_on_from(
    tmp_path: Path, big: Sandbox, contacts: dict[str, Any]
) -> None:
    def go_down(_: Any) -> None:
        if len(big.requests) == 12:
            big.faults = Faults(error_rate=1)

    big.on_request = go_down
    with running(tmp_path, big, contacts, max_retries=1) as process:
        assert process.take_all() == 75
        assert "failed 2 times" in process.log()
        assert "Traceback" not in process.log()
        first, state = process.ids, process.state
        assert len(first) > 500
    big.on_request, big.faults = None, Faults()
    with running(tmp_path, big, contacts, state) as process:
        assert process.take_all() == 0
        assert len({*first, *process.ids}) == len(first) + len(process.ids) == COUNT


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_clock_misses_nothing(tap: Tap, hours: int, tmp_path: Path) -> None:
    """Ten runs, each with changes before and while it reads."""
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "sitecustomize.py").write_text(
        "import time, datetime\n"
        f"_real, _wrong = time.time, {hours} * 3600\n"
        "_real_ns = time.time_ns\n"
        "time.time = lambda: _real() + _wrong\n"
        "time.time_ns = lambda: _real_ns() + _wrong * 10**9\n"
        "class _Wrong(datetime.datetime):\n"
        "    @classmethod\n"
        "    def now(cls, tz=None):\n"
        "        return cls.fromtimestamp(time.time(), tz)\n"
        "    @classmethod\n"
        "    def utcnow(cls):\n"
        "        return cls.utcfromtimestamp(time.time())\n"
        "datetime.datetime = _Wrong\n"
    )
    with new_sandbox(records=700).serve() as sandbox:
        catalog = only(tap.discover(sandbox), "contacts")
        rows: dict[int, Any] = {}
        state: dict[str, Any] = {}
        chance = random.Random(hours)

        def change(_: Any) -> None:
            known = [record["CONTACT_ID"] for record in sandbox.records("/Contacts")]
            sandbox.update("/Contacts", chance.choice(known), FIRST_NAME=str(chance.random()))
            sandbox.create("/Contacts", FIRST_NAME=str(chance.random()))

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(wrong), prepend=os.pathsep)
            for run_number in range(10):
                change(None)
                sandbox.on_request = change if run_number < 9 else None
                run = tap(sandbox=sandbox, catalog=catalog, state=state, lookback_seconds=1)
                assert run.code == 0, run.stderr
                state = run.state
                rows |= {r["CONTACT_ID"]: r["FIRST_NAME"] for r in run.records("contacts")}
        expected = {r["CONTACT_ID"]: r["FIRST_NAME"] for r in sandbox.records("/Contacts")}
        assert rows == expected
        shown = run.stderr.splitlines()[0][:13]
        assert shown not in {line[:13] for line in tap(api_key="", api_url="x").stderr.splitlines()}

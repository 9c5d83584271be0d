"""What the tests of the target share: messages, and ways to feed them to it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_insightly.loader import TargetInsightly
from tap_insightly.loader.key_cache import KeyCache
from tests.conftest import KEY, run_process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

PREFIX = "TARGET_INSIGHTLY_"
COMMAND = (sys.executable, "-m", "tap_insightly.loader")
TYPES = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "array": {"type": ["array", "null"]},
}

Message = dict[str, Any]

# Runs the target again and again, from where the last state was, as a tap does, and kills it at
# any moment; when it got through, from the beginning. At the end, it may come to its end. A
# process that has forked starts faster than one that imports.
KILLER = """
import json, os, random, signal, sys, time
from pathlib import Path
from tap_insightly.loader import TargetInsightly
from tap_insightly.loader.key_cache import KeyCache

path, kills, longest = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
lines = path.read_text().splitlines(keepends=True)
rng, at, through = random.Random(1), 0, 0
while True:
    rest = path.with_name("rest.jsonl")
    rest.write_text(lines[0] + "".join(lines[1 + at:]))
    states = path.with_name("states.jsonl")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(states, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 1)
        sys.argv = ["target-insightly", "--config=ENV", "--input", str(rest)]
        TargetInsightly.cli()
        os._exit(0)
    if kills:
        kills -= 1
        time.sleep(rng.uniform(0.05, longest))
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in {0, -signal.SIGKILL}:
        sys.exit(code)
    seen = [json.loads(line)["at"] for line in states.read_text().splitlines()]
    at = seen[-1] if seen else at
    if code == 0:
        through, at = through + 1, 0
        if not kills:
            break
print(through, file=sys.stderr)
"""


def schema(stream: str, *names: str, **kinds: str) -> Message:
    """A SCHEMA message with some properties, of any kind or of the kinds given."""
    properties = {name: {} for name in names} | {name: TYPES[kind] for name, kind in kinds.items()}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": properties},
        "key_properties": [],
    }


def record(stream: str, **values: Any) -> Message:
    """A RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": values}


def state(value: Any) -> Message:
    """A STATE message."""
    return {"type": "STATE", "value": {"at": value}}


def stream_of(name: str, rows: Iterable[Mapping[str, Any]]) -> list[Message]:
    """A whole stream, with the properties that its rows have."""
    rows = list(rows)
    names = dict.fromkeys(key for row in rows for key in row)
    return [schema(name, *names), *(record(name, **row) for row in rows)]


def lines(messages: Iterable[Message]) -> str:
    """Messages as a tap writes them."""
    return "".join(json.dumps(message) + "\n" for message in messages)


def environment(sandbox: Sandbox | None = None, **settings: Any) -> dict[str, str]:
    """The environment of this process, with these settings of the target and no others."""
    given = {"api_key": KEY, "requests_per_second": 100, "search_lag_seconds": 0, **settings}
    if sandbox is not None:
        given.setdefault("api_url", sandbox.api_url)
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for name, value in given.items():
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            env[f"{PREFIX}{name.upper()}"] = text
    return env


@dataclass(frozen=True)
class Fed:
    """What a run of the target as a process left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def states(self) -> list[Any]:
        """The states that came out, in order."""
        return [json.loads(line)["at"] for line in self.stdout.splitlines()]

    @property
    def problems(self) -> list[str]:
        """What it called an error, without the time and the name."""
        parts = [line.split("|", 3) for line in self.stderr.splitlines()]
        return [part[3].strip() for part in parts if len(part) == 4 and "ERROR" in part[1]]


class Feed:
    """Feeds the target as a process, with settings in the environment."""

    def __init__(self, folder: Path, sandbox: Sandbox | None) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.number = 0

    def __call__(self, messages: Iterable[Message], *args: str, **settings: Any) -> Fed:
        self.number += 1
        path = self.folder / f"input-{self.number}.jsonl"
        path.write_text(lines(messages))
        env = environment(self.sandbox, **settings)
        command = [*COMMAND, "--config=ENV", "--input", str(path), *args]
        done = run_process(command, env=env, folder=self.folder)
        return Fed(done.returncode, done.stdout, done.stderr)

    def well(self, messages: Iterable[Message], **settings: Any) -> Fed:
        """Feed it, and expect that it goes well."""
        fed = self(messages, **settings)
        assert fed.code == 0, fed.stderr
        return fed


class Clock:
    """A clock that moves by waiting, for the sandbox and the target alike."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.began = datetime.now(timezone.utc)
        self.now = 0.0
        self.waits: list[float] = []
        sandbox.clock = lambda: self.began + timedelta(seconds=self.now)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def feed_here(
    sandbox: Sandbox, messages: Iterable[Message], clock: Clock | None = None, **settings: Any
) -> None:
    """Feed the target in this process, which is faster than another; or by a made-up clock."""
    own = {"api_key": KEY, "api_url": sandbox.api_url, "requests_per_second": 100}
    config = {**own, "search_lag_seconds": 0, **settings}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with closing(TargetInsightly(config=config)) as target:
            if clock is not None:
                target.run.client.session.sleep = clock.sleep
                lag = float(config["search_lag_seconds"])
                target.run.key_caches = defaultdict(partial(KeyCache, lag, clock=clock))
            target.listen(io.StringIO(lines(messages)))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def start(path: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start the target on a file, to be killed."""
    return subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "--config=ENV", "--input", str(path)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

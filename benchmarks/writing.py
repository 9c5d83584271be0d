"""How long it takes to write where much goes wrong, beside where nothing does."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import TYPE_CHECKING, Any

from benchmarks.bench import KEY
from benchmarks.processes import Usage, environment, measure
from benchmarks.rows import Row
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.servers import Server

SHARE = 0.05  # of all requests: that answer 5xx, and that are done without an answer
LATENCY = 0.3  # seconds
MOST = 3.0  # times as long as where nothing goes wrong


def writing(bench: Bench) -> Iterator[Row]:
    """Measure runs of the target in which much goes wrong.

    Args:
        bench: Knows where files go.

    Yields:
        What is missing or there twice, and the time beside that of a run without faults.
    """
    count = bench.size(500, 100)
    for what, match_on in (("created", {}), ("matched", {"Contact": "EMAIL_ADDRESS"})):
        with served(records=10) as server:
            server.set(latency=LATENCY)
            quiet = _run(bench, server, f"quiet-{what}", count, match_on)
        with served(records=10) as server:
            server.set(latency=LATENCY)
            before = _total(server)
            server.set(error_rate=SHARE, lost_rate=SHARE)
            usage = _run(bench, server, f"faults-{what}", count, match_on)
            server.set(error_rate=0, lost_rate=0)
            total = _total(server) - before
        name = f"writing: {count} contacts {what}"
        yield Row(f"{name}, none fails", quiet.seconds, "s")
        yield Row(
            f"{name}, {SHARE:.0%} answer 5xx and {SHARE:.0%} nothing",
            usage.seconds,
            "s",
            at_most=MOST * quiet.seconds,
        )
        yield Row(f"{name}: missing or twice", abs(total - count), at_most=0)


def _run(bench: Bench, server: Server, name: str, count: int, match_on: dict[str, str]) -> Usage:
    schema = {"properties": {key: {} for key in ("FIRST_NAME", "LAST_NAME", "EMAIL_ADDRESS")}}
    messages: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": "contacts", "schema": schema, "key_properties": []}
    ]
    messages += [
        {
            "type": "RECORD",
            "stream": "contacts",
            "record": {
                "FIRST_NAME": f"F{number}",
                "LAST_NAME": name,
                "EMAIL_ADDRESS": f"{number}@{name}.org",
            },
        }
        for number in range(count)
    ]
    path = bench.folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in messages), encoding="utf-8")
    prefix = "TARGET_INSIGHTLY_"
    given = {"api_key": KEY, "api_url": server.url, "match_on": json.dumps(match_on)}
    env = environment(**{f"{prefix}{key.upper()}": value for key, value in given.items()})
    command = ["-m", "tap_insightly.loader", "--config=ENV", "--input", str(path)]
    return measure(command, env=env, folder=bench.folder)


def _total(server: Server) -> int:
    token = base64.b64encode(f"{KEY}:".encode()).decode()
    url = f"{server.url}/Contacts?top=1&count_total=true"
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})  # noqa: S310 - our own server
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return int(answer.headers["X-Total-Count"])

"""What a page of contacts takes from its bytes to what is handed on. Started by `costs.columns`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from benchmarks.bench import CONTACTS, FASTEST, KEY, PAGE
from tap_insightly.api.http.response import Response
from tap_insightly.tap import TapInsightly

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib import RecordMessage

    from tap_insightly.streams import InsightlyStream


def least(tries: int, do: Callable[[], object]) -> float:
    """Measure how long something takes; of several tries the best, as a disturbance only adds.

    Args:
        tries: How often to do it, a number.
        do: What is done.

    Returns:
        Seconds of computing.
    """
    taken = []
    for _ in range(tries):
        started = time.process_time()
        do()
        taken.append(time.process_time() - started)
    return min(taken)


def messages(tap: TapInsightly, stream: InsightlyStream, body: bytes) -> None:
    """Make messages of a page, as they are written to standard output.

    Args:
        tap: What writes them.
        stream: What the page belongs to.
        body: The page.
    """
    for record in Response(body).records:
        row = stream.conform(record)
        message: RecordMessage
        for message in stream._generate_record_messages(row or {}):  # noqa: SLF001 - only here
            tap.message_writer.format_message(message)


@click.command()
@click.argument("url")
@click.argument("catalog", type=click.File())
@click.argument("tries", type=int)
def main(url: str, catalog: Any, tries: int) -> None:  # noqa: ANN401 - a text file, as click opens it
    """Print the microseconds of a record as JSON, and how many columns it has."""
    settings = {"api_key": KEY, "api_url": url, "requests_per_second": FASTEST}
    tap = TapInsightly(config=settings, catalog=json.load(catalog))
    stream: Any = tap.streams[CONTACTS]
    body = tap.run.ask(stream.path, {"top": f"{PAGE}"}).result().body
    tap.close()
    found = {
        "table": least(tries, lambda: stream.make_table(Response(body).records)),
        "messages": least(tries, lambda: messages(tap, stream, body)),
    }
    figures = {name: seconds / Response(body).count * 1e6 for name, seconds in found.items()}
    print(json.dumps(figures | {"columns": len(stream.arrow_schema)}))


if __name__ == "__main__":
    main()

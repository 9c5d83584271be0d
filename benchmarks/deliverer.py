"""Delivers webhooks at a steady pace, whether they are answered or not. Started by `receiving`.

Each has its time, and is sent then, however many are under way: a slow server is sent no less. What
it takes is counted from its time on, so that a sender that is late does not flatter the server.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from http import HTTPStatus

import aiohttp
import click

from benchmarks.server import ACCOUNT, PASSWORD, USER

_CREDENTIALS = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_HEADERS = {"Content-Type": "application/json", "Authorization": f"Basic {_CREDENTIALS}"}
_FIRST = 300_000_000


def body(number: int) -> bytes:
    """Write a delivery as Insightly sends it.

    Args:
        number: Tells it from the others.

    Returns:
        JSON.
    """
    moment = f"/Date({1_489_116_850_787 + number}-0800)/"
    entity = {
        "TASK_ID": _FIRST + number,
        "TITLE": f"Call number {number}",
        "CATEGORY_ID": 9_998_895,
        "DUE_DATE": moment,
        "PUBLICLY_VISIBLE": True,
        "COMPLETED": False,
        "DETAILS": "What was agreed upon, and what is to be asked. " * 10,
        "STATUS": "NOT STARTED",
        "PRIORITY": 2,
        "PERCENT_COMPLETE": 0,
        "RESPONSIBLE_USER_ID": 999_308,
        "OWNER_USER_ID": 999_308,
        "DATE_CREATED_UTC": moment,
        "DATE_UPDATED_UTC": moment,
    }
    return json.dumps({"entity": entity}).encode()


class Deliverer:
    """Delivers, and notes how long each answer took."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Get ready.

        Args:
            session: What to send with.
            url: Where to.
        """
        self.seconds: list[float] = []
        """From the time of each to its answer."""
        self.failed = 0
        """How many were not answered with success."""
        self._session = session
        self._url = url

    async def deliver(self, content: bytes, due: float) -> None:
        """Deliver one.

        Args:
            content: The body.
            due: When its time is.
        """
        try:
            async with self._session.post(self._url, data=content) as answer:
                await answer.read()
                is_kept = answer.status == HTTPStatus.OK
        except aiohttp.ClientError:
            is_kept = False
        self.failed += not is_kept
        self.seconds.append(time.perf_counter() - due)


async def deliver_all(url: str, rate: int, count: int) -> Deliverer:
    """Deliver so many, at so many a second.

    Args:
        url: Where to.
        rate: Deliveries a second.
        count: How many.

    Returns:
        What became of them.
    """
    bodies = [body(number) for number in range(count)]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=_HEADERS) as session:
        deliverer = Deliverer(session, url)
        began = time.perf_counter()
        under_way: set[asyncio.Task[None]] = set()
        for number, content in enumerate(bodies):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            one = asyncio.create_task(deliverer.deliver(content, due))
            under_way.add(one)
            one.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
    return deliverer


@click.command()
@click.argument("server")
@click.argument("rate", type=int)
@click.argument("count", type=int)
def main(server: str, rate: int, count: int) -> None:
    """Deliver, and print what became of it as JSON."""
    url = f"{server}/webhooks/{ACCOUNT}"
    asyncio.run(deliver_all(url, rate, rate))  # what happens only once does not count
    done = asyncio.run(deliver_all(url, rate, count))
    print(json.dumps({"seconds": sorted(done.seconds), "failed": done.failed}))


if __name__ == "__main__":
    main()

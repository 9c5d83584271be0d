"""Asks for something small many times, as fast as it may. Started by `benchmarks.ceiling`."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import click

from benchmarks.bench import KEY
from tap_insightly.api import InsightlySession, RequestStats

PATH = "/Instance"


class Client:
    """Counts what is answered, and when."""

    def __init__(self, session: InsightlySession) -> None:
        """Get ready.

        Args:
            session: What to ask.
        """
        self.stats = RequestStats(session.stats)
        self.answered: list[float] = []
        """When the answers had come, in seconds since the start."""
        self.taken_up = 0.0
        """When the last request was taken up; from then on there is less and less to do."""
        self._session = session
        self._began = time.time()
        self._started = time.monotonic()

    def ask(self, _number: int) -> None:
        """Ask once, again and again until it is answered."""
        self.taken_up = time.monotonic() - self._started
        self._session.get(PATH, None, self.stats)
        self.answered.append(time.monotonic() - self._started)

    def summary(self) -> dict[str, object]:
        """Sum up.

        Returns:
            What `benchmarks.ceiling` needs to know.
        """
        good = [seconds for seconds, status in self.stats.timings() if status == HTTPStatus.OK]
        return {
            "began": self._began,
            "answered": self.answered,
            "taken_up": self.taken_up,
            "latency": sum(good) / len(good),
            "requests": self.stats.requests,
            "refused": self.stats.refused,
        }


@click.command()
@click.argument("url")
@click.argument("requests", type=int)
def main(url: str, requests: int) -> None:
    """Ask, and print what became of it as JSON."""
    logging.getLogger("tap_insightly").addHandler(logging.NullHandler())  # refusals are expected
    with InsightlySession(url, KEY) as session:
        client = Client(session)
        with ThreadPoolExecutor(session.max_concurrency) as pool:
            list(pool.map(client.ask, range(requests)))
        print(json.dumps(client.summary()))


if __name__ == "__main__":
    main()

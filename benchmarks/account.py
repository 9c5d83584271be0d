"""The sandbox as a process that is told what to do. Started by `benchmarks.servers`.

It writes a line of JSON when it is ready: its URL, how many requests it has received, and how many
of them were answered how, by the size of the page that they asked for and the status. For each line
of JSON that it reads, it sets the faults named there, and writes such a line again. It ends when
its input does, so that none is left behind.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

import click

from benchmarks.known import contact_id
from tap_insightly.api.http.codec import encode
from tap_insightly.sandbox import Sandbox
from tap_insightly.sandbox.account.table import Table

PATH = "/Contacts"


class Repeated(Table):
    """A few contacts over and over, each time with an id of its own.

    Half a million that differ would take gigabytes, and hours to be made up. For what is measured
    they need not differ by more: compression looks back no further than some ten contacts.
    """

    def __init__(self, made_up: Table, count: int) -> None:
        """Take contacts that were made up.

        Args:
            made_up: Where they are.
            count: How many there shall be, a number.
        """
        super().__init__("Contact")
        times = -(-count // len(made_up.rows))
        self.rows = (made_up.rows * times)[:count]

    def encoded(self, at: int, *, is_brief: bool) -> bytes:  # noqa: ARG002 - nobody here asks for brief ones
        """Give a contact as it is sent.

        Args:
            at: Its place in the table.
            is_brief: Not used.

        Returns:
            JSON.
        """
        return encode(self.rows[at] | {self.keys[0]: contact_id(at)})


def set_faults(sandbox: Sandbox, line: str) -> None:
    """Make the sandbox misbehave.

    Args:
        sandbox: The sandbox.
        line: JSON: values by the names of `Faults`.
    """
    for name, value in json.loads(line).items():
        getattr(sandbox.faults, name)  # what is misspelt would do nothing
        setattr(sandbox.faults, name, value)


@click.command()
@click.option("--records", default=2000, help="How many contacts are made up.")
@click.option("--contacts", type=int, help="How many there are, if these are to be repeated.")
def main(records: int, contacts: int | None) -> None:
    """Serve an account, and do what is read from standard input."""
    sandbox = Sandbox(records)
    if contacts is not None:
        sandbox.tables[PATH] = Repeated(sandbox.tables[PATH], contacts)
    with sandbox.serve():
        _report(sandbox)
        for line in sys.stdin:
            set_faults(sandbox, line)
            _report(sandbox)


def _report(sandbox: Sandbox) -> None:
    answers = Counter(f"{one.query.get('top')} {one.status}" for one in sandbox.requests)
    told = {"url": sandbox.api_url, "requests": len(sandbox.requests), "answers": answers}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

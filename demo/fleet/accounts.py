"""The accounts of the fleet: Insightlys on this machine, of which some are in trouble."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tap_insightly.sandbox import Faults, Sandbox
from tap_insightly.streams import STREAMS, RelatedStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import psycopg

WRONG_KEY, NO_QUOTA, KILLED = "wrong-key", "no-quota", "killed"
MARK = "fleet-key-never-to-be-seen"
"""What all keys have in common, so that they can be searched for."""
RECORDS = 60
LITTLE = 30  # requests; a load takes some 73
LATENCY = 0.4  # of the one that is killed, so that there is time for it


@contextmanager
def fleet(number: int) -> Iterator[dict[str, Sandbox]]:
    """Serve accounts, all by this process.

    Args:
        number: How many.

    Yields:
        The accounts by name.
    """
    names = [f"client{i:02}" for i in range(1, number - 2)] + [WRONG_KEY, NO_QUOTA, KILLED]
    with ExitStack() as stack:
        accounts = {
            name: stack.enter_context(Sandbox(RECORDS, seed=seed, api_key=f"{MARK}-{seed}").serve())
            for seed, name in enumerate(names, 1)
        }
        accounts[NO_QUOTA].faults = Faults(daily_quota=LITTLE)
        accounts[KILLED].faults = Faults(latency=LATENCY)
        yield accounts


def variable(name: str) -> str:
    """Name the variable that holds the key of an account.

    Args:
        name: The account.

    Returns:
        The name.
    """
    return f"{name.upper().replace('-', '_')}_KEY"


def keys(accounts: Mapping[str, Sandbox]) -> dict[str, str]:
    """Say what the environment has to hold.

    Args:
        accounts: The accounts.

    Returns:
        The keys by variable; one of them is wrong.
    """
    found = {variable(name): sandbox.api_key for name, sandbox in accounts.items()}
    return found | {variable(WRONG_KEY): f"{MARK}-wrong"}


def write_config(path: Path, accounts: Mapping[str, Sandbox]) -> None:
    """Write the configuration file, as docs/accounts.md says; no key is in it.

    Args:
        path: Where.
        accounts: The accounts.
    """
    tables = [
        f"[accounts.{name}]\napi_key_env = {json.dumps(variable(name))}\n"
        f"api_url = {json.dumps(sandbox.api_url)}\n"
        for name, sandbox in accounts.items()
    ]
    path.write_text("\n".join(tables), encoding="utf-8")


def differences(
    connection: psycopg.Connection[tuple[object, ...]], name: str, sandbox: Sandbox
) -> list[str]:
    """Compare an account with its schema, by counts and ids.

    Args:
        connection: The warehouse.
        name: The account, and its schema.
        sandbox: What it holds.

    Returns:
        The streams that differ.
    """
    wrong = []
    for stream in STREAMS:
        if issubclass(stream, RelatedStream) or stream.path not in sandbox.tables:
            continue
        own = tuple(stream.primary_keys)
        if not all(key in sandbox.tables[stream.path].fields for key in own):
            continue  # what is made of the answer, such as permissions
        expected = {tuple(row[key] for key in own) for row in sandbox.records(stream.path)}
        columns = ", ".join(f'"{key}"' for key in own)
        rows = connection.execute(
            f'select {columns} from "{name}"."{stream.name}"'.encode()  # noqa: S608 - our own words
        ).fetchall()
        if len(rows) != len(expected) or set(rows) != expected:
            wrong.append(stream.name)
    return wrong

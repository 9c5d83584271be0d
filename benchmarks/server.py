"""Runs `insightly serve` for benchmarks, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.processes import ROOT, environment, pin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ACCOUNT = "acme"
USER, PASSWORD = "insightly", "not-a-secret"
KEY = "not-a-key"


@contextmanager
def serving(
    folder: Path, account: Mapping[str, Any], settings: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, int]]:
    """Serve one account for as long as the context lasts.

    Args:
        folder: Where its files are: ``webhooks.sqlite`` and ``tokens.sqlite``.
        account: What the configuration file says of the account, besides webhooks.
        settings: What it says of the server.

    Yields:
        The URL, and the number of the process.
    """
    config = folder / "config.toml"
    config.touch(mode=0o600)
    config.write_text(_table(f"accounts.{ACCOUNT}", {**_ACCOUNT, **account}), encoding="utf-8")
    with config.open("a", encoding="utf-8") as file:
        file.write(_table("server", {"port": 0, **(settings or {})}))
    with subprocess.Popen(
        [sys.executable, "-m", "tap_insightly.cli", "serve"],
        env={**environment(), "INSIGHTLY_CONFIG": str(config)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            pin(process.pid, is_server=True)
            first = process.stderr.readline() if process.stderr else ""
            if not first.startswith("insightly serve at "):
                msg = f"The server did not begin: {first}"
                raise RuntimeError(msg)
            yield first.split()[-1], process.pid
        finally:
            process.terminate()


_ACCOUNT = {"webhook_user": USER, "webhook_password": PASSWORD}


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, "", ""])

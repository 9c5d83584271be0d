"""`insightly serve` as a process, with a configuration file of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tap_insightly.server.gateway.tokens import Token, TokenStore
from tests.conftest import KEY, watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

USER, PASSWORD = "insightly", "a password of the webhooks"
COMMAND = (sys.executable, "-m", "tap_insightly.cli")


@dataclass
class Served:
    """A server that runs."""

    process: subprocess.Popen[str]
    folder: Path
    url: str = ""
    lines: list[str] = field(default_factory=list)
    """What it has written to its log."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def deliver(self, entity: Mapping[str, Any], account: str = "acme") -> requests.Response:
        """Deliver a webhook."""
        url = f"{self.url}/webhooks/{account}"
        return requests.post(url, json={"entity": entity}, auth=(USER, PASSWORD), timeout=60)

    def health(self) -> requests.Response:
        """Ask how it is."""
        return requests.get(f"{self.url}/health", timeout=60)

    def token(self, name: str = "client", account: str = "acme", **more: Any) -> str:
        """Make a token for a client."""
        with TokenStore(self.folder / "tokens.sqlite") as store:
            return store.create(Token(name, account, **more))

    def rss(self) -> int:
        """How many bytes of memory it has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


def environment(folder: Path) -> dict[str, str]:
    """The environment of a server, with nothing of ours in it but its configuration file."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TAP_INSIGHTLY", "INSIGHTLY"))}
    return {**kept, "INSIGHTLY_CONFIG": str(folder / "config.toml"), "ACME_KEY": KEY}


def configure(folder: Path, api_url: str | None = None, more: str = "", **server: Any) -> None:
    """Write a configuration file with one account."""
    where = f"api_url = {json.dumps(api_url)}" if api_url else 'pod = "na1"'
    table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in server.items())
    text = f"""
[accounts.acme]
{where}
api_key_env = "ACME_KEY"
webhook_user = {json.dumps(USER)}
webhook_password = {json.dumps(PASSWORD)}
{more}

[server]
{table}
"""
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


@contextmanager
def serving(folder: Path, api_url: str | None = None, **server: Any) -> Iterator[Served]:
    """Run a server for as long as the context lasts."""
    configure(folder, api_url, **{"port": 0, **server})
    with started(folder) as served:
        yield served


@contextmanager
def started(folder: Path, command: Sequence[str] = (*COMMAND, "serve")) -> Iterator[Served]:
    """Run a server with the configuration that is there."""
    with subprocess.Popen(  # noqa: S603 - our own command
        command,
        env=environment(folder),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        served, is_ready = Served(process, folder), threading.Event()
        thread = threading.Thread(target=_read, args=(served, is_ready))
        thread.start()
        try:
            assert is_ready.wait(120)
            assert served.url, served.lines
            yield served
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
            thread.join(60)
            log = "\n".join(served.lines)
            watch(log)
            assert PASSWORD not in log, "the password was logged"


def _read(served: Served, is_ready: threading.Event) -> None:
    assert served.process.stderr is not None
    for line in served.process.stderr:
        served.lines.append(line.rstrip("\n"))
        if line.startswith("insightly serve at "):
            served.url = line.split()[-1]
        if line.startswith("Ctrl-C"):
            is_ready.set()
    is_ready.set()

"""The server of the demo: `insightly serve`, to which the sandbox sends what is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

USER, PASSWORD = "insightly", "demo"  # for a server of this machine, while the demo runs
CONFIG = """\
[accounts.demo]
api_url = {api_url}
api_key_env = "DEMO_KEY"
webhook_user = "{user}"
webhook_password_env = "DEMO_PASSWORD"

[server]
port = 0
"""


@contextmanager
def receiving(sandbox: Sandbox, folder: Path) -> Iterator[Path]:
    """Run a server, and have the account send it each contact that is made or changed.

    Args:
        sandbox: The account, which is being served.
        folder: Where its configuration, its store and its log go. What is there is removed.

    Yields:
        The store of webhooks.

    Raises:
        ClickException: If it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.sqlite*"):
        path.unlink()
    config = folder / "config.toml"
    text = CONFIG.format(api_url=json.dumps(sandbox.api_url), user=USER)
    config.write_text(text, encoding="utf-8")
    secrets = {"DEMO_KEY": sandbox.api_key, "DEMO_PASSWORD": PASSWORD}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INSIGHTLY_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tap_insightly.cli", "serve"],
        env={**kept, **secrets, "INSIGHTLY_CONFIG": str(config)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = _url_of(process)
            sandbox.faults.webhook_objects = {"/Contacts"}
            sandbox.webhooks.add(f"{url.replace('//', f'//{USER}:{PASSWORD}@')}/webhooks/demo")
            click.echo(f"insightly serve takes the webhooks of contacts at {url}.\n")
            yield folder / "webhooks.sqlite"
        finally:
            process.terminate()


def _url_of(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stderr or ():
        said.append(line)
        if line.startswith("insightly serve at "):
            return line.split()[-1]
    msg = f"insightly serve did not start:\n{''.join(said)}"
    raise click.ClickException(msg)

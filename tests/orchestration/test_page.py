"""Dagster's real page, in a real browser: an account that has failed is seen where one looks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from insightly_dagster import InsightlyAccounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.orchestration.conftest import Place

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--window-size=1400,900 --virtual-time-budget=30000"
).split()
PICTURE = "TAKE_PICTURE"
"""A variable that names where to put the picture, such as docs/dagster.png."""


@contextmanager
def webserver(definitions: Path) -> Iterator[str]:
    """Show Dagster's page; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    program = Path(sys.executable).with_name("dagster-webserver")
    command = [program, "-f", definitions, "-p", str(port), "--read-only"]
    with (definitions.parent / "page.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{address}/server_info"):  # noqa: S310
                break
            time.sleep(0.2)  # until it answers
        yield address
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_an_account_that_failed_is_red_on_the_page(place: Place) -> None:
    place.write_accounts(acme="ACME_KEY", beta="WRONG_KEY")
    shutil.copy(
        Path(__file__).parents[2] / "orchestration" / "dagster.yaml", place.folder / "dagster"
    )
    settings = {"target": place.target, "folder": str(place.folder / "accounts")}
    settings["streams"] = ["contacts", "users"]
    definitions = place.folder / "definitions.py"
    definitions.write_text(
        "from insightly_dagster import InsightlyAccounts\n"
        f"defs = InsightlyAccounts(**{settings!r}).build_defs()\n"
    )
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions("insightly_accounts", ["acme", "beta"])
        job = InsightlyAccounts(**settings).build_defs().resolve_job_def("insightly_load")
        for account in ("acme", "beta"):
            job.execute_in_process(instance=instance, partition_key=account, raise_on_error=False)
    picture = place.folder / "page.png"
    with webserver(definitions) as address:
        page = f"{address}/assets/insightly/account?view=partitions&partition=beta"
        profile = f"--user-data-dir={place.folder / 'profile'}"
        command = [str(CHROMIUM), *FLAGS, profile, f"--screenshot={picture}", "--dump-dom", page]
        shown = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=True, timeout=300
        ).stdout
    assert "Failed (1)" in shown
    assert "Materialized (1)" in shown
    assert "failed, and did not materialize this asset" in shown
    assert picture.read_bytes().startswith(b"\x89PNG")
    if where := os.environ.get(PICTURE):
        shutil.copy(picture, where)

"""The sandbox as a command, as someone types it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = [sys.executable, "-m", "tap_insightly.sandbox"]
COMMAND = [str(Path(sys.executable).with_name("insightly-sandbox"))]


@contextmanager
def started(*args: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start it, and wait for what it says once it serves."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "--port=0", "--records=5", *args], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        try:
            yield process, said
        finally:
            process.kill()


def failed(*args: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, *args], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_says_where_it_is_and_ctrl_c_ends_it_quietly() -> None:
    with started("--api-key=mine") as (process, said):
        url = said[0].split()[3].rstrip(":")
        assert requests.get(f"{url}/Instance", auth=("mine", ""), timeout=60).status_code == 200
        assert url in said[-2], "how to read it"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_it_is_a_module_too() -> None:
    said = [
        subprocess.run(  # noqa: S603 - our own command
            [*command, "--help"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for command in (COMMAND, MODULE)
    ]
    assert said[0].replace("insightly-sandbox", "python -m tap_insightly.sandbox") == said[1]


def test_without_its_packages_it_says_in_one_sentence_what_to_install() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv[1:] = ['--records=1'];"
        "from tap_insightly.sandbox.command import main; main()"
    )
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    told = "The sandbox needs more packages: pip install 'tap-insightly[sandbox]'\n"
    assert done.stderr == told


def test_the_plan_and_the_faults_are_options() -> None:
    with started("--plan=professional", "--daily-quota=2") as (_, said):
        url = said[0].split()[3].rstrip(":")
        auth = ("sandbox-api-key", "")
        codes = [requests.get(f"{url}/Ticket", auth=auth, timeout=60).status_code for _ in range(3)]
        assert codes == [403, 403, 429]


def test_bad_habits_are_options() -> None:
    habits = ("--page-cap=2", "--no-totals", "--record-bytes=5000", "--error-shape=string")
    with started(*habits) as (_, said):
        url, auth = said[0].split()[3].rstrip(":"), ("sandbox-api-key", "")
        page = requests.get(f"{url}/Contacts?count_total=true", auth=auth, timeout=60)
        assert len(page.json()) == 2
        assert len(page.content) > 10_000
        assert "X-Total-Count" not in page.headers
        refused = requests.get(f"{url}/Contacts/1", auth=auth, timeout=60)
        assert refused.json() == "There is no such record."


def test_habits_of_accounts_that_are_written_to_are_options() -> None:
    habits = ("--assigns-owner=7", "--trims-text", "--search-ignores-field", "--record-limit=7")
    with started(*habits) as (_, said):
        url, auth = said[0].split()[3].rstrip(":"), ("sandbox-api-key", "")
        body = {"FIRST_NAME": " A "}
        made = requests.post(f"{url}/Contacts", json=body, auth=auth, timeout=60).json()
        assert (made["FIRST_NAME"], made["OWNER_USER_ID"]) == ("A", 7)
        params = {"field_name": "FIRST_NAME", "field_value": "nobody"}
        found = requests.get(f"{url}/Contacts/Search", params=params, auth=auth, timeout=60)
        assert len(found.json()) == 6
        again = [requests.post(f"{url}/Contacts", json=body, auth=auth, timeout=60) for _ in "ab"]
        assert [answer.status_code for answer in again] == [201, 402]


def test_shares_can_be_confined_to_methods() -> None:
    with started("--error-rate=1", "--faults-only-on=POST", "--faults-only-on=PUT") as (_, said):
        url, auth = said[0].split()[3].rstrip(":"), ("sandbox-api-key", "")
        codes = [
            requests.request(method, f"{url}/Contacts/1", auth=auth, timeout=60).status_code
            for method in ("GET", "PUT", "POST")
        ]
        assert codes[0] == 404
        assert min(codes[1:]) >= 500


def test_another_machine_is_warned_about() -> None:
    with started("--host=0.0.0.0") as (_, said):
        assert any(line.startswith("Warning: 0.0.0.0") for line in said)
    with started("--host=localhost") as (_, said):
        assert not any(line.startswith("Warning") for line in said)


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failed(f"--port={port}", "--records=5")
    assert f"Cannot listen on 127.0.0.1, port {port}" in said


@pytest.mark.parametrize(
    "option", ["--records=0", "--plan=gold", "--port=http", "--page-cap=0", "--error-shape=poem"]
)
def test_an_option_that_is_wrong_is_named(option: str) -> None:
    assert option.partition("=")[0] in failed(option)

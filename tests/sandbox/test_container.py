"""The container of the sandbox, as far as that can be seen without one being built."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from tests.dockerfile import ROOT, Dockerfile

if TYPE_CHECKING:
    from pathlib import Path

SANDBOX = Dockerfile("sandbox.Dockerfile")


def test_it_runs_as_nobody_and_listens_on_one_port() -> None:
    given = SANDBOX.given
    assert given("USER") == ["nobody"]
    assert given("EXPOSE") == ["8080"]
    assert given("ENTRYPOINT") == ['["insightly-sandbox", "--host=0.0.0.0"]']
    assert given("STOPSIGNAL") == ["SIGINT"]
    assert all(re.fullmatch(r"\S+:[\d.]+-slim( AS \w+)?", image) for image in given("FROM"))
    assert all("--no-cache-dir" in text for text in given("RUN"))


def test_what_it_copies_is_let_in_and_nothing_else() -> None:
    SANDBOX.check_what_is_let_in()


def test_it_has_all_packages_that_the_sandbox_imports() -> None:
    package = ROOT / "tap_insightly"
    files = [*(package / "sandbox").rglob("*.py"), *(package / "openapi").glob("*.py")]
    wanted: set[str] = set()
    for path in files:
        if path.name not in {"singer.py", "pytest_plugin.py"}:  # for others
            for node in ast.walk(ast.parse(path.read_text())):
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
                wanted |= {name.partition(".")[0] for name in names}
    wanted -= {*sys.stdlib_module_names, "tap_insightly"}
    pinned = re.findall(
        r"^([\w-]+)==", (ROOT / "requirements/sandbox.txt").read_text(), re.MULTILINE
    )
    assert {name.replace("_", "-") for name in wanted} <= set(pinned)


@pytest.mark.slow
def test_what_it_installs_serves(tmp_path: Path) -> None:
    """Its commands, in an environment of their own, with what is let into the container."""
    programs = SANDBOX.install(tmp_path)
    program, *options = SANDBOX.command("ENTRYPOINT")
    command = [str(programs / program), *options, "--port=0", "--records=5"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - as above
        assert process.stderr
        try:
            said = process.stderr.readline()
            port = re.search(r":(\d+)/", said)
            assert port, said
            url = f"http://127.0.0.1:{port[1]}/v3.1/Contacts"
            answer = requests.get(url, auth=("sandbox-api-key", ""), timeout=10)
            assert len(answer.json()) == 5
        finally:
            process.kill()

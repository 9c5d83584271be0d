"""The container of the sandbox, as far as that can be seen without one being built."""

from __future__ import annotations

import ast
import fnmatch
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "sandbox.Dockerfile").read_text()
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.*(?:\\\n.*)*)$", DOCKERFILE, re.MULTILINE)
IGNORED = (ROOT / "sandbox.Dockerfile.dockerignore").read_text().split()


def given(name: str) -> list[str]:
    """What the instructions of a kind say, in order."""
    return [text for kind, text in INSTRUCTIONS if kind == name]


def test_it_runs_as_nobody_and_listens_on_one_port() -> None:
    assert given("USER") == ["nobody"]
    assert given("EXPOSE") == ["8080"]
    assert given("ENTRYPOINT") == ['["insightly-sandbox", "--host=0.0.0.0"]']
    assert given("STOPSIGNAL") == ["SIGINT"]
    assert all(re.fullmatch(r"\S+:[\d.]+-slim( AS \w+)?", image) for image in given("FROM"))
    assert all("--no-cache-dir" in text for text in given("RUN"))


def test_what_it_copies_is_let_in_and_nothing_else() -> None:
    let_in = [pattern[1:] for pattern in IGNORED if pattern.startswith("!")]
    assert IGNORED[0] == "*"
    assert all((ROOT / name).exists() for name in let_in)
    sources = [text.split()[0] for text in given("COPY") if not text.startswith("--from")]
    for source in sources:
        assert source == "." or any(fnmatch.fnmatch(source, name) for name in let_in), source


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
    source, dist, environment = tmp_path / "src", tmp_path / "dist", tmp_path / "venv"
    for name in (pattern[1:] for pattern in IGNORED if pattern.startswith("!")):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    dist.mkdir()
    shutil.copy(ROOT / "requirements/sandbox.txt", dist)
    venv.create(environment, with_pip=True)
    for command in given("RUN"):
        words = command.replace("/dist", str(dist)).split()
        assert words[0] == "python"
        (*words, last) = words
        found = sorted(map(str, dist.glob("*.whl"))) if last.endswith("*.whl") else [last]
        subprocess.run(  # noqa: S603 - our own command
            [str(environment / "bin" / "python"), *words[1:], *found],
            cwd=source,
            check=True,
            timeout=600,
        )
    (entry,) = given("ENTRYPOINT")
    program, *options = ast.literal_eval(entry)
    command = [str(environment / "bin" / program), *options, "--port=0", "--records=5"]
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

"""The pipe that users build: the tap into a target, and its state back into the tap."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import KEY, run_process, tap_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
DOC = ROOT / "docs" / "destinations.md"
DELETIONS = ROOT / "docs" / "deletions.md"


def program(name: str) -> Path:
    """A target, as `make test` installs it."""
    path = TOOLS / name / "bin" / name
    if not path.exists():
        pytest.fail(f"{name} is missing; `make test` installs it")
    return path


def documented(target: str) -> dict[str, Any]:
    """The definition of a loader, out of docs/destinations.md."""
    for block in _blocks("yaml"):
        for loader in yaml.safe_load(block).get("plugins", {}).get("loaders", ()):
            if loader["name"] == target:
                assert isinstance(loader, dict)
                return loader
    pytest.fail(f"{DOC.name} does not tell how to use {target}")


def documented_setting(name: str, word: str = "") -> Any:
    """A setting of the tap out of docs/destinations.md: the one with a word in it."""
    for block in _blocks("yaml"):
        for extractor in yaml.safe_load(block).get("plugins", {}).get("extractors", ()):
            if word in block and name in extractor["config"]:
                return extractor["config"][name]
    pytest.fail(f"{DOC.name} shows no {name} with {word!r}")


def sql(title: str) -> str:
    """The SQL that begins with a comment, out of docs/destinations.md or docs/deletions.md."""
    for block in [*_blocks("sql"), *_blocks("sql", DELETIONS)]:
        if block.startswith(f"-- {title}\n"):
            return block
    pytest.fail(f"{DOC.name} and {DELETIONS.name} have no SQL that begins with '-- {title}'")


def _blocks(language: str, page: Path = DOC) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


class Pipe:
    """``tap-insightly | target``, with the state of one run given to the next."""

    def __init__(
        self,
        folder: Path,
        sandbox: Sandbox,
        target: str,
        config: Mapping[str, Any],
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.target = program(target)
        self.config = dict(config)
        self.settings = {"api_key": KEY, "api_url": sandbox.api_url, "requests_per_second": 100}
        self.settings |= settings
        self.state = folder / "state.json"

    def __call__(self, *, catalog: Any = None, **config: Any) -> dict[str, Any]:
        """Run it; return the state."""
        tap = [sys.executable, "-m", "tap_insightly", "--config=ENV"]
        if self.state.exists():
            tap += ["--state", str(self.state)]
        if catalog is not None:
            path = self.folder / "catalog.json"
            path.write_text(json.dumps(catalog))
            tap += ["--catalog", str(path)]
        line = f"set -o pipefail; {shlex.join(tap)} | {self._into(config)}"
        self._run(line)
        state = json.loads(self.state.read_text())
        assert isinstance(state, dict)
        return state

    def feed(self, messages: Iterable[Mapping[str, Any]], **config: Any) -> None:
        """Give the target some messages of our own."""
        path = self.folder / "messages.jsonl"
        path.write_text("".join(json.dumps(message) + "\n" for message in messages))
        self._run(f"{self._into(config)} < {shlex.quote(str(path))}")

    def _into(self, config: Mapping[str, Any]) -> str:
        path = self.folder / "config.json"
        path.write_text(json.dumps(self.config | dict(config)))
        return shlex.join([str(self.target), "--config", str(path)])

    def _run(self, line: str) -> None:
        command = ["/usr/bin/env", "bash", "-c", line]
        env = tap_environment(**self.settings)
        done = run_process(command, env=env, folder=self.folder, timeout=300)
        assert done.returncode == 0, done.stderr[-5000:]
        if done.stdout.strip():
            self.state.write_text(done.stdout.splitlines()[-1])

"""What the tests share: a sandbox to read from, a way to run the tap, and a watch on the key."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tap_insightly.sandbox import Sandbox
from tests import warm

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from tap_insightly.sandbox.pytest_plugin import MakeSandbox

# No timing in tests: a slow machine is no failure, nor is Hypothesis building its tables.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

# The accounts of whoever runs the tests are not for tests.
os.environ.pop("INSIGHTLY_ACCOUNT", None)
os.environ["INSIGHTLY_CONFIG"] = str(Path(__file__).with_name("no_accounts.toml"))

KEY = "7d0f-test-key-that-must-never-be-seen-a91c"
ENCODED_KEY = base64.b64encode(f"{KEY}:".encode()).decode()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process ends with one while others idle."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


SMALL: dict[str, Any] = {"records": 60, "seed": 1, "api_key": KEY}


def new_sandbox(**options: Any) -> Sandbox:
    """A small sandbox with the key that the tests watch."""
    return Sandbox(**{**SMALL, **options})


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """A sandbox that no test changes."""
    with new_sandbox().serve() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(make_insightly_sandbox: MakeSandbox) -> Sandbox:
    """A sandbox of the test's own."""
    return make_insightly_sandbox(**SMALL)


@dataclass(frozen=True)
class Run:
    """What a run of the tap as a process left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The Singer messages, in order."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream."""
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    @property
    def state(self) -> dict[str, Any]:
        """The last state."""
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else {}

    def bookmark(self, stream: str) -> str | None:
        """The bookmark of a stream in the last state."""
        value = self.state["bookmarks"].get(stream, {}).get("replication_key_value")
        assert value is None or isinstance(value, str)
        return value


def run_process(
    command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and make sure that it does not print the key."""
    if warm.can_be_warm(command, env):
        done = warm.run(command, env=env, folder=folder, timeout=timeout)
    else:
        done = subprocess.run(  # noqa: S603 - our own commands
            command,
            env=env,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    watch(done.stdout, done.stderr)
    return done


def tap_environment(**settings: Any) -> dict[str, str]:
    """The environment of this process, with these settings of the tap and no others."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("TAP_INSIGHTLY_")}
    for name, value in settings.items():
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            env[f"TAP_INSIGHTLY_{name.upper()}"] = text
    return env


class Tap:
    """Runs the tap as a user does: a process, settings in the environment, files for the rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0

    def __call__(
        self,
        *args: str,
        sandbox: Sandbox | None = None,
        catalog: Any = None,
        state: Any = None,
        **settings: Any,
    ) -> Run:
        """Run with ``--config=ENV`` and the settings given, by name in lower case."""
        self.number += 1
        command = [sys.executable, "-m", "tap_insightly", "--config=ENV", *args]
        for option, content in (("catalog", catalog), ("state", state)):
            if content is not None:
                path = self.folder / f"{option}-{self.number}.json"
                path.write_text(json.dumps(content))
                command += [f"--{option}", str(path)]
        given = {"api_key": KEY, "requests_per_second": 100, **settings}
        if sandbox is not None:
            given.setdefault("api_url", sandbox.api_url)
        done = run_process(command, env=tap_environment(**given), folder=self.folder)
        return Run(done.returncode, done.stdout, done.stderr)

    def discover(self, sandbox: Sandbox, **settings: Any) -> dict[str, Any]:
        """Discover a catalog."""
        run = self("--discover", sandbox=sandbox, **settings)
        assert run.code == 0, run.stderr
        catalog = json.loads(run.stdout)
        assert isinstance(catalog, dict)
        return catalog


@pytest.fixture
def tap(tmp_path: Path) -> Tap:
    """The tap as a process."""
    return Tap(tmp_path)


def only(catalog: dict[str, Any], *names: str) -> dict[str, Any]:
    """Select some streams of a catalog, and no others."""
    streams = []
    for stream in catalog["streams"]:
        chosen = {**stream, "metadata": [dict(entry) for entry in stream["metadata"]]}
        for entry in chosen["metadata"]:
            if entry["breadcrumb"] == []:
                is_chosen = stream["tap_stream_id"] in names
                entry["metadata"] = {**entry["metadata"], "selected": is_chosen}
        streams.append(chosen)
    return {"streams": streams}


def entry(catalog: dict[str, Any], name: str) -> dict[str, Any]:
    """One stream of a catalog."""
    found = next(s for s in catalog["streams"] if s["tap_stream_id"] == name)
    assert isinstance(found, dict)
    return found


def watch(*texts: str) -> None:
    """Fail if a text holds the key, plain or as it goes over the wire."""
    for text in texts:
        assert KEY not in text, "the API key was printed"
        assert ENCODED_KEY not in text, "the API key was printed, encoded"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search for the key in all that a test printed or logged, in whatever way it ended."""
    report = yield
    texts = [content for _, content in report.sections] + [report.longreprtext]
    if any(KEY in text or ENCODED_KEY in text for text in texts):
        report.outcome = "failed"
        report.longrepr = "the API key was printed or logged"
    return report


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is learned for completion is kept from the user's own, and theirs from the tests.

    Installers keep theirs, or each run of the tests would download everything anew.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    with pytest.MonkeyPatch.context() as patch:
        for installer in ("uv", "pip"):
            variable = f"{installer.upper()}_CACHE_DIR"
            patch.setenv(variable, os.environ.get(variable) or str(caches / installer))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_key_in_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search for the key in every file that the tests wrote, once all have run."""
    yield
    needles = (KEY.encode(), ENCODED_KEY.encode())
    for path in tmp_path_factory.getbasetemp().rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not any(needle in content for needle in needles), f"{path} holds the API key"

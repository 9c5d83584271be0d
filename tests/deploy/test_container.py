"""The container of the server: built and run where Docker works, else what can be seen of it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.conftest import KEY
from tests.dockerfile import Dockerfile
from tests.server.running import PASSWORD, USER, configure, started

if TYPE_CHECKING:
    from pathlib import Path

SERVER = Dockerfile("server.Dockerfile")


def docker(*words: object) -> str:
    done = subprocess.run(  # noqa: S603 - our own commands
        [shutil.which("docker") or "docker", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def has_docker() -> bool:
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False)  # noqa: S607 - the user's
    return done.returncode == 0


def test_it_is_no_root_and_listens_on_one_port() -> None:
    given = SERVER.given
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", given("USER")[-1]), "Kubernetes sees that of numbers"
    assert given("EXPOSE") == ["8750"]
    assert SERVER.command("ENTRYPOINT") == ["insightly"]
    assert SERVER.command("CMD") == ["serve", "--host=0.0.0.0"]
    assert all(re.fullmatch(r"\S+:[\d.]+-slim( AS \w+)?", image) for image in given("FROM"))
    assert all("--no-cache-dir" in text for text in given("RUN") if text.startswith("python"))
    (health,) = given("HEALTHCHECK")
    assert "http://127.0.0.1:8750/health" in health


def test_what_it_copies_is_let_in_and_nothing_else() -> None:
    SERVER.check_what_is_let_in()


@pytest.mark.slow
def test_what_it_installs_serves(tmp_path: Path) -> None:
    """Its commands, in an environment of their own, with what is let into the container."""
    program, *_ = SERVER.command("ENTRYPOINT")
    configure(tmp_path, port=0)
    command = [str(SERVER.install(tmp_path) / program), *SERVER.command("CMD")]
    with started(tmp_path, command) as served:
        assert served.url.startswith("http://0.0.0.0:")
        health = requests.get(f"http://127.0.0.1:{served.address[1]}/health", timeout=60)
        assert health.json() == {"status": "ok", "problems": []}
        script = SERVER.given("HEALTHCHECK")[0].partition("CMD ")[2]
        words = ast.literal_eval(script.replace(":8750/", f":{served.address[1]}/"))
        assert subprocess.run(words, check=False, timeout=60).returncode == 0  # noqa: S603 - ours


@pytest.mark.slow
@pytest.mark.skipif(not has_docker(), reason="Docker does not run here")
def test_it_is_built_and_runs(tmp_path: Path) -> None:
    """The image, as the page says to run it: read-only, with no rights, and not as root."""
    configure(tmp_path)
    path = tmp_path / "config.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace(f'webhook_password = "{PASSWORD}"', 'webhook_password_env = "ACME_HOOK"')
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)  # another user reads it in there, and it holds no secret now
    image = "insightly-server-test"
    docker("build", "--quiet", "-f", SERVER.path, "-t", image, SERVER.path.parent)
    sealed = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    given = ("-e", f"ACME_KEY={KEY}", "-e", f"ACME_HOOK={PASSWORD}")
    files = ("-v", f"{path}:/etc/insightly/config.toml:ro", "-v", "/var/lib/insightly")
    name = docker("run", "--rm", "-d", "-p", "127.0.0.1::8750", *sealed, *given, *files, image)
    try:
        port = docker("port", name, "8750").rpartition(":")[2]
        url = f"http://127.0.0.1:{port}"
        with requests.Session() as session:
            retries = Retry(connect=20, read=20, backoff_factor=0.1)
            session.mount("http://", HTTPAdapter(max_retries=retries))
            assert session.get(f"{url}/health", timeout=60).json()["status"] == "ok"
        body = {"entity": {"TASK_ID": 5}}
        answer = requests.post(f"{url}/webhooks/acme", json=body, auth=(USER, PASSWORD), timeout=60)
        assert answer.status_code == 200
        assert docker("exec", name, "id", "-u") == "8750"
    finally:
        docker("kill", name)

"""The proxies of deploy/, run for real where they are installed: what they let through.

Where one is not, only what its file says is looked at.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tests.deploy.upstream import NAME, Proxy, Upstream, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
CADDY = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
LOGIN = "Authorization: Basic " + base64.b64encode(b"insightly:hook-secret").decode()
HIDDEN = {"/metrics", "/health"}
TRICKS = """
/metrics /health / /metrics/ //metrics /METRICS /%6detrics /metrics?/v3.1/ /metrics#/v3.1/
/v3.1/../metrics /v3.1/%2e%2e/metrics /v3.1/..%2fmetrics /v3.1/%2e%2e%2fhealth /v3.1/..;/metrics
/v3.1\\..\\metrics /V3.1/../metrics /v3.1/x/../../metrics /webhooks/../metrics /webhooks/..%2Fhealth
/webhooks/./../metrics /webhooks//../../metrics /metrics/../v3.1/ /metrics%2f..%2fv3.1/
/metrics%00/v3.1/ /v3.1/%00/../../metrics http://insightly.example.com/metrics
http://insightly.example.com/v3.1/../metrics
""".split()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def run(*command: object, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - our own commands
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,  # what goes on in the background must not hold it open
        stderr=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of the name in the files, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    options = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}")
    places = ("-keyout", key, "-out", certificate, "-addext", f"subjectAltName=DNS:{NAME}")
    run(program, "req", *options, *places)
    return certificate, key


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Change what a user changes, or a test has to; all of it is there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(program: str, folder: Path, port: int, ports: tuple[int, Path, Path]) -> Iterator[None]:
    back, certificate, key = ports
    letsencrypt = f"/etc/letsencrypt/live/{NAME}"
    own = changed(
        NGINX,
        {
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "listen [::]:443 ssl http2;": "",
            "127.0.0.1:8750": f"127.0.0.1:{back}",
            f"{letsencrypt}/fullchain.pem": str(certificate),
            f"{letsencrypt}/privkey.pem": str(key),
            "/var/log/nginx/insightly.log": str(folder / "access.log"),
        },
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    main = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    main.write_text(
        f"{user} pid {folder / 'pid'}; error_log {folder / 'error.log'};\n"
        f"events {{}}\nhttp {{\n{temporary}{own}}}\n"
    )
    command = (program, "-p", folder, "-c", main, "-e", folder / "error.log")
    run(*command, "-t")
    run(*command)  # returns when it listens
    try:
        yield
    finally:
        end(folder / "pid")


@contextmanager
def caddy(program: str, folder: Path, port: int, ports: tuple[int, Path, Path]) -> Iterator[None]:
    back, certificate, key = ports
    own = changed(
        CADDY,
        {
            "{\n\tauto_https": "{\n\tadmin off\n\tauto_https",
            f"\n{NAME} {{": f"\n{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}",
            "127.0.0.1:8750": f"127.0.0.1:{back}",
        },
    )
    (folder / "Caddyfile").write_text(own)
    env = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    config = ("--config", folder / "Caddyfile", "--adapter", "caddyfile")
    run(program, "validate", *config, env=env)
    run(program, "start", *config, "--pidfile", folder / "pid", env=env)  # returns as above
    (folder / "access.log").write_text("")
    try:
        yield
    finally:
        end(folder / "pid")


def end(pid: Path) -> None:
    with suppress(ProcessLookupError):
        os.kill(int(pid.read_text()), signal.SIGTERM)


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(scope="module", params=PROXIES)
def running(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: tuple[Path, Path],
) -> Iterator[tuple[Proxy, Upstream]]:
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    with (
        upstream() as server,
        PROXIES[request.param](program, folder, port, (server.server_port, *certificate)),
    ):
        yield Proxy(port, certificate[0], folder / "access.log"), server


@pytest.fixture
def proxy(running: tuple[Proxy, Upstream]) -> Proxy:
    running[1].arrived.clear()
    return running[0]


@pytest.fixture
def server(running: tuple[Proxy, Upstream]) -> Upstream:
    return running[1]


def test_a_webhook_goes_through_as_it_is(proxy: Proxy, server: Upstream) -> None:
    body = b'{"entity": {"TASK_ID": 1, "TITLE": "\xc3\xbc"}}' * 1000
    assert proxy.send("/webhooks/acme", LOGIN, method="POST", body=body).status == 200
    (arrived,) = server.arrived
    assert (arrived.method, arrived.target, arrived.body) == ("POST", "/webhooks/acme", body)
    assert f"Authorization: {arrived.headers['Authorization']}" == LOGIN


def test_a_request_to_the_gateway_goes_through_as_it_is(proxy: Proxy, server: Upstream) -> None:
    target = "/v3.1/Contacts/Search?field_name=EMAIL_ADDRESS&field_value=a%40b%2Bc%20d"
    answer = proxy.send(target, "Authorization: Bearer ins_secret", 'If-Match: "17"')
    assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (200, "7")
    (arrived,) = server.arrived
    assert arrived.target == target
    assert arrived.headers["Authorization"] == "Bearer ins_secret"
    assert arrived.headers["If-Match"] == '"17"'


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_file_goes_through(proxy: Proxy, server: Upstream, method: str) -> None:
    body = os.urandom(3_000_000)
    assert proxy.send("/v3.1/Contacts/1/Image/x", method=method, body=body).status == 200
    (arrived,) = server.arrived
    assert (arrived.method, arrived.body == body) == (method, True)


@pytest.mark.parametrize("target", TRICKS)
def test_what_asks_for_no_password_stays_inside(
    proxy: Proxy, server: Upstream, target: str
) -> None:
    proxy.send(target)
    for arrived in server.arrived:
        # As the server takes it apart, which knows these two paths and none that is alike.
        assert unquote(arrived.target.partition("?")[0].partition("#")[0]) not in HIDDEN


def test_a_large_webhook_is_refused(proxy: Proxy, server: Upstream) -> None:
    answer = proxy.send("/webhooks/acme", LOGIN, method="POST", body=b"x" * 2_000_000)
    assert answer.status in {413, 502}  # caddy tells its clients that it stopped
    assert all(len(arrived.body) < 2_000_000 for arrived in server.arrived)


def test_clear_text_is_refused(proxy: Proxy, server: Upstream) -> None:
    answer = proxy.send("/webhooks/acme", LOGIN, method="POST", is_tls=False)
    assert answer.status == 400
    assert server.arrived == []


def test_the_log_holds_no_secrets_and_no_queries(proxy: Proxy, server: Upstream) -> None:
    proxy.send("/v3.1/Contacts?field_value=ada%40example.com", LOGIN)
    assert len(server.arrived) == 1
    log = proxy.log.read_text()
    assert LOGIN.split()[-1] not in log
    assert "ada" not in log


@pytest.mark.parametrize("text", [NGINX, CADDY], ids=PROXIES)
def test_only_two_places_are_let_through(text: str) -> None:
    places = re.findall(r"(?:location|handle) (/\w\S+)", text)
    assert [place.rstrip("*") for place in places] == ["/webhooks/", "/v3.1/"]
    assert len(re.findall(r"(?:proxy_pass|reverse_proxy) ", text)) == 2
    assert re.search(r"(?:return|respond) 404", text)

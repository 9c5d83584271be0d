"""Each claim of docs/security.md by its number: what somebody can do, and what not."""

from __future__ import annotations

import base64
import gzip
import json
import re
import resource
import shutil
import socket
import stat
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import uvicorn
from redis import Redis

from tap_insightly.server import connections
from tap_insightly.server.connections import Connection
from tap_insightly.webhooks.store import EventStore
from tests.conftest import KEY, new_sandbox, run_process
from tests.deploy.test_proxy import PROXIES, TRICKS, certificate, free_port
from tests.deploy.upstream import Proxy, upstream
from tests.dockerfile import Dockerfile
from tests.gateway.redis_server import RedisServer, redis_server
from tests.scripted import Scripted, answer
from tests.server.running import (
    COMMAND,
    PASSWORD,
    USER,
    Served,
    configure,
    environment,
    serving,
    started,
)
from tests.told.office import Office

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

__all__ = ["certificate", "redis_server"]  # fixtures

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
OTHER_KEY, OTHER_PASSWORD = "another-key-that-must-not-be-seen", "the password of the other"
SECRET_BODY = {"CONTACT_ID": 1, "FIRST_NAME": "Sophronia-that-nobody-may-read"}
AUTH = (USER, PASSWORD)


class Place:
    """A server for two accounts, and what is behind it."""

    def __init__(self, served: Served, acme: Sandbox, other: Sandbox) -> None:
        self.served, self.acme, self.other = served, acme, other
        self.url = served.url
        self.names = 0

    def token(self, **may: Any) -> str:
        self.names += 1
        return self.served.token(f"client{self.names}", **may)

    def ask(
        self, token: str, path: str = "/v3.1/Contacts?top=1", method: str = "GET", **more: Any
    ) -> requests.Response:
        url = self.url + path
        return requests.request(
            method, url, auth=(token, ""), timeout=60, allow_redirects=False, **more
        )

    def post(self, account: str, auth: tuple[str, str] | None) -> requests.Response:
        url = f"{self.url}/webhooks/{account}"
        return requests.post(url, json={"entity": SECRET_BODY}, auth=auth, timeout=60)

    def events(self, account: str) -> int:
        with EventStore(self.served.folder / "webhooks.sqlite") as store:
            return sum(one.account == account for one in store.events())

    def raw(self, head: str, *headers: str, rest: bytes = b"") -> bytes:
        """Send a request that is not finished, and read until the server hangs up or answers."""
        lines = "\r\n".join([f"{head} HTTP/1.1", "Host: x", *headers, "", ""])
        with socket.create_connection(self.served.address, timeout=60) as connection:
            connection.sendall(lines.encode("latin-1") + rest)
            return connection.recv(65536)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("served")
    with new_sandbox().serve() as acme, new_sandbox(api_key=OTHER_KEY).serve() as other:
        more = f"""
[accounts.other]
api_url = {json.dumps(other.api_url)}
api_key = {json.dumps(OTHER_KEY)}
webhook_user = "other"
webhook_password = {json.dumps(OTHER_PASSWORD)}
"""
        configure(folder, acme.api_url, more, port=0)
        with started(folder) as served:
            yield Place(served, acme, other)


@pytest.fixture
def place(kept: Place) -> Place:
    kept.acme.requests.clear()
    kept.other.requests.clear()
    return kept


def basic(user: str, password: str = "") -> str:
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_every_claim_has_a_test() -> None:
    claims = re.findall(r"^\| ([A-Z]\d+) \|", PAGE, re.MULTILINE)
    tests = {name.split("_")[1].upper() for name in globals() if re.match(r"test_[a-z]\d+_", name)}
    assert len(claims) == len(set(claims)) > 20
    assert set(claims) == tests


# Somebody on the network


def test_n1_no_webhook_gets_in_without_user_and_password(place: Place) -> None:
    wrong = [("acme", (USER, "no")), ("acme", ("no", PASSWORD)), ("acme", None), ("no", AUTH)]
    wrong += [("other", AUTH), ("acme", (USER, KEY)), ("acme", (KEY, ""))]
    before = place.events("acme")
    answers = [place.post(account, auth) for account, auth in wrong]
    assert {one.status_code for one in answers} == {401}
    assert len({one.content for one in answers}) == 1
    looks = [{k: v for k, v in one.headers.items() if k != "date"} for one in answers]
    assert all(look == looks[0] for look in looks)
    assert place.events("acme") == before


def test_n2_nothing_of_insightly_without_a_token(place: Place) -> None:
    url = f"{place.url}/v3.1/Contacts"
    for auth in (None, (KEY, ""), (OTHER_KEY, ""), ("", ""), AUTH, ("ins_", ""), ("ins_x", "y")):
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = requests.request(method, url, auth=auth, timeout=60)
            assert answer.status_code == 401
    bearer = {"Authorization": f"Bearer {KEY}"}
    assert requests.get(url, headers=bearer, timeout=60).status_code == 401
    assert place.acme.requests == []


def test_n3_nothing_goes_over_the_network_in_clear_text(place: Place) -> None:
    # On Linux all of 127.0.0.0/8 is this machine: only the address that was taken answers.
    assert place.served.address[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", place.served.address[1]), timeout=60)
    nginx = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert all("ssl" in line for line in re.findall(r"^\s*listen .*$", nginx, re.MULTILINE))
    caddy = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert "auto_https disable_redirects" in caddy
    assert "http://" not in caddy


@pytest.mark.parametrize("name", PROXIES)
def test_n4_proxies_show_neither_health_nor_metrics(
    place: Place, certificate: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    port = free_port()
    back = (place.served.address[1], *certificate)
    with PROXIES[name](program, tmp_path, port, back):
        proxy = Proxy(port, certificate[0], tmp_path / "access.log")
        for target in TRICKS:
            answer = proxy.send(target)
            assert answer.status >= 400, target
            assert "insightly_webhook" not in answer.text
            assert "problems" not in answer.text
        assert proxy.send("/v3.1/Contacts").status == 401, "the gateway is behind it"


def test_n5_health_and_metrics_tell_names_and_figures_only(place: Place) -> None:
    token = place.token()
    assert place.ask(token).status_code == 200
    assert place.post("acme", AUTH).status_code == 200
    place.post("a-name-that-a-stranger-chose", AUTH)
    place.ask("a-token-that-there-is-not", "/v3.1/a-path-that-a-stranger-chose")
    told = [requests.get(place.url + path, timeout=60) for path in ("/health", "/metrics")]
    assert [one.status_code for one in told] == [200, 200]
    text = "".join(one.text for one in told)
    assert 'account="acme"' in text
    assert f'client="client{place.names}"' in text
    hidden = (KEY, OTHER_KEY, PASSWORD, OTHER_PASSWORD, token, SECRET_BODY["FIRST_NAME"])
    for secret in (*hidden, "stranger", "a-token"):
        assert str(secret) not in text


def test_n6_nothing_else_is_found_there(place: Place) -> None:
    for path in (
        "/",
        "/docs",
        "/admin",
        "/.env",
        "/config.toml",
        "/webhooks",
        "/tokens",
        "/v2.1/x",
    ):
        answer = requests.get(place.url + path, timeout=60, allow_redirects=False)
        assert answer.status_code in {401, 404}, path
    described = requests.get(f"{place.url}/openapi.json", timeout=60)
    shipped = ROOT / "tap_insightly" / "server" / "openapi.json"
    assert described.content == shipped.read_bytes(), "the same for everybody"


@pytest.mark.parametrize(
    "target", ["/webhooks/acme", "/webhooks/nobody", "/v3.1/Contacts", "/health", "/"]
)
def test_n7_bodies_of_strangers_fill_neither_memory_nor_disk(place: Place, target: str) -> None:
    before, events = place.served.rss(), place.events("acme")
    size = 50_000_000
    # It is answered though hardly anything of it was sent.
    assert b" 4" in place.raw(f"POST {target}", f"Content-Length: {size}", rest=b"x" * 1000)[:12]
    with socket.create_connection(place.served.address, timeout=60) as connection:
        head = f"POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            for _ in range(size // 0x10000):
                connection.sendall(chunk)
        except OSError:
            pass  # it has hung up
    assert place.served.rss() - before < 20_000_000
    assert place.events("acme") == events


def test_n7_bodies_that_are_too_large_are_refused_with_the_password_too(place: Place) -> None:
    before = place.served.rss()
    head = ("POST /webhooks/acme", basic(USER, PASSWORD))
    assert b" 413 " in place.raw(*head, "Content-Length: 50000000")
    bomb = gzip.compress(b" " * 50_000_000)
    packed = ("Content-Encoding: gzip", f"Content-Length: {len(bomb)}")
    assert b" 413 " in place.raw(*head, *packed, rest=bomb)
    assert place.served.rss() - before < 20_000_000


@contextmanager
def slow_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server whose time-outs are over soon."""

    async def app(_: object, receive: Any, __: object) -> None:
        await receive()

    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    config = uvicorn.Config(
        app, http=Connection, log_config=None, lifespan="off", timeout_keep_alive=1
    )
    config.timeout_keep_alive = 0.05  # type: ignore[assignment]  # a whole one would be waited for
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost", b"G"])
def test_n8_who_sends_slowly_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    with (
        slow_server(monkeypatch) as port,
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        connection.sendall(begin)
        assert connection.recv(1000) == b"", "it hangs up"


# Somebody with the password of an account's webhooks


def test_w1_events_of_this_account_only(place: Place) -> None:
    before = place.events("acme"), place.events("other")
    body = {"entity": {**SECRET_BODY, "account": "other"}}
    for path in (
        "acme",
        "other",
        "acme/../other",
        "acme%2f..%2fother",
        "OTHER",
        "acme?account=other",
    ):
        requests.post(f"{place.url}/webhooks/{path}", json=body, auth=AUTH, timeout=60)
    assert place.events("other") == before[1]
    assert place.events("acme") > before[0]


def test_w2_nothing_can_be_read(place: Place) -> None:
    place.post("acme", AUTH)
    for path in ("/webhooks/acme", "/webhooks/acme/1", "/webhooks", "/v3.1/Contacts", "/events"):
        answer = requests.get(place.url + path, auth=AUTH, timeout=60)
        assert answer.status_code in {401, 404, 405}, path
        assert str(SECRET_BODY["FIRST_NAME"]) not in answer.text
    assert str(SECRET_BODY["FIRST_NAME"]) not in place.post("acme", AUTH).text
    assert place.acme.requests == []


def test_w3_no_data_gets_into_the_warehouse(sandbox: Sandbox, tmp_path: Path) -> None:
    office = Office(sandbox, tmp_path)
    try:
        key = sandbox.records("/Contacts")[0]["CONTACT_ID"]
        office.change("/Contacts", key, "Ada")
        office.run()
        for made_up in (
            {"CONTACT_ID": key, "FIRST_NAME": "Mallory"},
            {"CONTACT_ID": 999_999_999, "FIRST_NAME": "Mallory"},
        ):
            later = "/Date(4102444800000-0800)/"
            office.deliver(json.dumps({"entity": {**made_up, "DATE_UPDATED_UTC": later}}).encode())
        asked = office.run()
        assert any("Contacts" in one.path for one in asked), "it is asked about once more"
        assert office.text("/Contacts", key) == "Ada"
        assert "Mallory" not in json.dumps([*office.rows.values()], default=str)
        assert "Mallory" not in json.dumps(office.state)
        assert "2100" not in json.dumps(office.state), "its date moves no bookmark"
    finally:
        office.close()


def test_w4_the_password_is_not_the_key(tmp_path: Path) -> None:
    configure(tmp_path, port=0)
    path = tmp_path / "config.toml"
    same = path.read_text(encoding="utf-8").replace(PASSWORD, OTHER_KEY)
    path.write_text(same, encoding="utf-8")
    env = environment(tmp_path) | {"ACME_KEY": OTHER_KEY}
    done = run_process([*COMMAND, "serve"], env=env, folder=tmp_path)
    assert OTHER_KEY not in done.stderr
    assert done.returncode != 0
    assert "the password of its webhooks is its API key" in done.stderr


def test_w5_a_full_disk_stops_webhooks_and_not_the_gateway(
    tmp_path: Path, shared_sandbox: Sandbox
) -> None:
    with serving(tmp_path, shared_sandbox.api_url, max_webhook_bytes=2000) as served:
        assert served.deliver({"TASK_ID": 1, "DETAILS": "x" * 2000}).status_code == 413
        token = served.token()
        limits = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        assert served.deliver({"TASK_ID": 1}).status_code == 503
        answer = requests.get(f"{served.url}/v3.1/Contacts?top=1", auth=(token, ""), timeout=60)
        assert answer.status_code == 200


# Somebody with a token


def test_t1_no_more_than_the_token_allows(place: Place) -> None:
    reads = place.token(is_read_only=True)
    assert place.ask(reads).status_code == 200
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "post"):
        said = place.ask(reads, "/v3.1/Contacts/1", method, json={}).status_code
        assert said in {403, 405}, method
    override = {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    place.ask(reads, headers=override)
    assert {one.method for one in place.acme.requests} == {"GET"}
    leads = place.token(objects=frozenset({"Lead"}))
    place.acme.requests.clear()
    for path in ("/Contacts", "/contacts/1", "/Leads/../Contacts", "/Leads%2f..%2fContacts"):
        assert place.ask(leads, f"/v3.1{path}").status_code in {400, 403}, path
    assert place.acme.requests == []
    assert place.ask(leads, "/v3.1/Leads?top=1").status_code == 200
    assert place.other.requests == []
    own = place.token(account="other")
    assert place.ask(own).status_code == 200
    assert (len(place.acme.requests), len(place.other.requests)) == (1, 1)


HOMES = (
    "//evil/v3.1/Contacts /v3.1//evil/Contacts /v3.1/@evil/Contacts /v3.1@evil/Contacts "
    "http://evil/v3.1/Contacts https://evil/v3.1/Contacts /v3.1/http://evil/Contacts "
    "/v3.1/..%2f..%2fevil /v3.1/Contacts/../../../evil /v3.1\\@evil /v3.1/%00 "
    "/v3.1/Contacts%0d%0aHost:evil evil:80 * /v3.1/.evil/Contacts /v3.1/Contacts#@evil/ "
    "/v3.1/Contacts?@evil/ /v3.1/%2e%2e/evil"
).split()


@pytest.mark.parametrize("home", HOMES)
def test_t2_no_address_sends_the_key_elsewhere(place: Place, home: str) -> None:
    token = place.token()
    with Scripted([answer(b"[]")]).serve() as evil:
        where = evil.api_url.removeprefix("http://").removesuffix("/v3.1")
        said = place.raw(f"GET {home.replace('evil', where)}", basic(token))
        assert evil.asked == []
    assert KEY.encode() not in said
    assert all(one.path.startswith("/v3.1/Contacts") for one in place.acme.requests)


def test_t2_no_header_and_no_redirect_sends_the_key_elsewhere(tmp_path: Path) -> None:
    with Scripted([answer(b"[]")]).serve() as evil:
        where = evil.api_url.removeprefix("http://").removesuffix("/v3.1")
        redirect = f"Location: {evil.api_url}/Contacts"
        leading = answer(b"", redirect, status="302 Found")
        with Scripted([leading]).serve() as behind, serving(tmp_path, behind.api_url) as served:
            for name in ("Host", "X-Forwarded-Host", "X-Original-URL", "Forwarded", "X-Host"):
                headers = {name: where}
                said = requests.get(
                    f"{served.url}/v3.1/Contacts",
                    headers=headers,
                    auth=(served.token(name), ""),
                    timeout=60,
                    allow_redirects=False,
                )
                assert "Location" not in said.headers
                assert KEY not in said.text + str(said.headers)
            assert behind.asked, "the account was asked"
        assert evil.asked == []


def test_t3_no_more_than_its_share_of_the_day(place: Place) -> None:
    others = place.token()
    assert place.ask(others).status_code == 200  # after which the quota is known
    greedy = place.token(quota_share=0.00005)
    place.acme.requests.clear()
    answers = [place.ask(greedy) for _ in range(8)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 3
    assert len(place.acme.requests) == 5
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert [one.headers["X-RateLimit-Remaining"] for one in answers[:5]] == list("43210")
    assert place.ask(others).status_code == 200


def test_t4_a_token_that_was_revoked_is_dead(place: Place) -> None:
    token = place.token()
    assert place.ask(token).status_code == 200
    store = str(place.served.folder / "tokens.sqlite")
    command = [*COMMAND, "tokens", "revoke", f"client{place.names}", "--store", store]
    done = run_process(command, env=environment(place.served.folder), folder=place.served.folder)
    assert done.returncode == 0
    give_up = time.monotonic() + 60
    while place.ask(token).status_code != 401:
        assert time.monotonic() < give_up
    place.acme.requests.clear()
    assert place.ask(token).status_code == 401
    assert place.acme.requests == []


def test_t5_a_token_is_good_for_the_gateway_only(place: Place) -> None:
    token = place.token()
    for auth in ((token, ""), (USER, token), (token, token)):
        assert place.post("acme", auth).status_code == 401
    url = f"{place.acme.api_url}/Contacts"
    assert requests.get(url, auth=(token, ""), timeout=60).status_code == 401


def test_t6_line_breaks_make_no_headers(tmp_path: Path) -> None:
    with upstream() as behind, serving(tmp_path, behind.api_url) as served:
        place = Place(served, new_sandbox(), new_sandbox())
        token = basic(served.token())
        for end in ("\n", "\r", "\r\n", "\n ", "\0"):
            for where in ("If-Match", "Accept", "User-Agent", "X-Any"):
                header = f"{where}: x{end}X-Evil: 1"
                said = place.raw("GET /v3.1/Contacts", token, header, "Connection: close")
                assert b"x-evil" not in said.lower()
            said = place.raw(f"GET /v3.1/Contacts?field_name=x{end}X-Evil:1", token)
            assert b"x-evil" not in said.lower()
        assert b" 200 " in place.raw("GET /v3.1/Contacts", token, "Connection: close")
        assert behind.arrived, "what is well is passed on"
        assert all(one.headers["X-Evil"] is None for one in behind.arrived)


# Somebody with the disk


def test_d1_the_stores_are_made_for_their_owner_alone(place: Place) -> None:
    place.post("acme", AUTH)
    place.token()
    files = sorted(place.served.folder.glob("*.sqlite*"))
    assert {one.name for one in files} >= {
        "webhooks.sqlite",
        "webhooks.sqlite-wal",
        "tokens.sqlite",
    }
    for one in files:
        assert stat.S_IMODE(one.stat().st_mode) & 0o077 == 0, one


def test_d2_no_token_is_in_the_token_store(place: Place) -> None:
    token = place.token()
    assert place.ask(token).status_code == 200
    content = b"".join(one.read_bytes() for one in place.served.folder.glob("tokens.sqlite*"))
    assert f"client{place.names}".encode() in content
    assert token.encode() not in content
    assert token.removeprefix("ins_").encode() not in content
    # Whatever is in there, such as a hash, opens nothing.
    for found in set(re.findall(rb"[\x20-\x7e]{20,}", content)):
        assert place.ask(found.decode()[:900]).status_code == 401


def test_d3_no_key_in_a_file_that_others_may_read(tmp_path: Path) -> None:
    configure(tmp_path, port=0)
    path = tmp_path / "config.toml"
    for mode in (0o644, 0o640, 0o604, 0o660):
        path.chmod(mode)
        done = run_process([*COMMAND, "serve"], env=environment(tmp_path), folder=tmp_path)
        assert done.returncode != 0
        assert "chmod 600" in done.stderr
        assert PASSWORD not in done.stderr


def test_d4_the_log_holds_no_secrets_and_no_bodies(tmp_path: Path) -> None:
    with ExitStack() as stack:
        behind = stack.enter_context(new_sandbox().serve())
        configure(tmp_path, behind.api_url, "max_retries = 0", port=0)
        served = stack.enter_context(started(tmp_path))
        place = Place(served, behind, behind)
        token = place.token()
        behind.faults.script = ["500", "reset", "truncate", "html", "401", "ok"]
        for _ in range(len(behind.faults.script)):
            place.ask(token, f"/v3.1/Contacts/Search?field_value={SECRET_BODY['FIRST_NAME']}")
        place.ask("ins_a-wrong-token", "/v3.1/Contacts", "POST", json=SECRET_BODY)
        place.ask(token, "/v3.1/Contacts", "POST", json=SECRET_BODY)
        for auth in (AUTH, (USER, "a-wrong-password"), None):
            place.post("acme", auth)
        served.deliver({"NOTHING": SECRET_BODY})
        limits = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        place.post("acme", AUTH)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, limits)
        place.raw("GARBAGE", basic(token))
    log = "\n".join(served.lines)
    assert "wrong" in log, "something was refused, and told"
    for secret in (KEY, PASSWORD, token, "a-wrong-token", "a-wrong-password", "Sophronia"):
        assert secret not in log
    assert base64.b64encode(f"{token}:".encode()).decode() not in log


def test_d5_the_webhook_store_holds_what_was_sent(place: Place) -> None:
    place.post("acme", AUTH)
    content = b"".join(one.read_bytes() for one in place.served.folder.glob("webhooks.sqlite*"))
    assert str(SECRET_BODY["FIRST_NAME"]).encode() in content


def test_d6_the_image_holds_no_secrets() -> None:
    server = Dockerfile("server.Dockerfile")
    copied = [text for text in server.given("COPY") if not text.startswith("--from")]
    assert copied == [". .", "requirements/server.txt /dist/"]
    public = {"LICENSE", "README.md", "pyproject.toml", "requirements/server.txt", "tap_insightly"}
    assert set(server.let_in) == public
    assert not re.search(r"KEY|PASSWORD|TOKEN|SECRET", " ".join(server.given("ENV")), re.IGNORECASE)
    assert server.given("ARG") == []


def test_d7_no_secret_is_in_redis(
    tmp_path: Path, shared_sandbox: Sandbox, redis_server: RedisServer
) -> None:
    with serving(tmp_path, shared_sandbox.api_url, redis_url=redis_server.url) as served:
        token = served.token()
        for _ in range(5):
            url = f"{served.url}/v3.1/Contacts?top=1"
            assert requests.get(url, auth=(token, ""), timeout=60).status_code == 200
        assert served.deliver(SECRET_BODY).status_code == 200
    with Redis.from_url(redis_server.url) as client:
        kinds = {b"zset": lambda key: client.zrange(key, 0, -1), b"hash": client.hgetall}
        held = repr([(key, kinds[client.type(key)](key)) for key in client.scan_iter()])
    assert "acme" in held
    for secret in (KEY, PASSWORD, token, token.removeprefix("ins_"), "Sophronia", "CONTACT_ID"):
        assert secret not in held

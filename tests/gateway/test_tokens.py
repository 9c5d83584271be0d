"""The tokens of clients: who may ask what, and that nothing of them is kept but hashes."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.cli import main
from tap_insightly.server.gateway.access import client_of
from tap_insightly.server.gateway.answers import Refusal
from tap_insightly.server.gateway.tokens import PREFIX, Token, TokenStore, TokenStoreError
from tests.conftest import KEY
from tests.gateway.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.gateway.conftest import Clients, MakeGateway


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a store, which the command line knows, too."""
    found = tmp_path / "tokens.sqlite"
    monkeypatch.setenv("INSIGHTLY_TOKEN_STORE", str(found))
    return found


def run(*args: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["tokens", *args])
    return done.exit_code, done.stdout, done.stderr


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_token_is_random_and_only_its_hash_is_kept(path: Path) -> None:
    with TokenStore(path) as store:
        made = {store.create(Token(f"t{number}", "acme")) for number in range(20)}
        store.refresh()
        assert len(made) == 20
        for text in made:
            assert re.fullmatch(PREFIX + "[A-Za-z0-9_-]{43}", text), "256 bits"
            assert store.find(text) is not None
            assert store.find(text[:-1]) is None
            assert text not in repr(store.find(text))
        files = b"".join(one.read_bytes() for one in path.parent.glob("tokens.sqlite*"))
    assert not any(text.encode() in files or text[4:].encode() in files for text in made)


def test_the_files_are_the_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        with TokenStore(path) as store:
            store.create(Token("a", "acme"))
            files = [path, *path.parent.glob("tokens.sqlite-*")]
            assert len(files) == 3
            assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    TokenStore(path).close()
    path.chmod(mode)
    with pytest.raises(TokenStoreError, match="Run: chmod 600"):
        TokenStore(path)


def damaged(path: Path) -> None:
    path.write_bytes(b"no database at all, " * 500)
    path.chmod(0o600)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    path.chmod(0o600)


def folder(path: Path) -> None:
    path.mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("make", "words"),
    [(damaged, "cannot be opened"), (newer, "newer version"), (folder, "cannot be opened")],
)
def test_a_file_that_is_none_is_said_to_be(path: Path, make: Any, words: str) -> None:
    make(path)
    with pytest.raises(TokenStoreError, match=words) as caught:
        TokenStore(path)
    assert str(path) in str(caught.value)
    code, _, said = run("list")
    assert (code, said.count("\n")) == (1, 1)
    assert words in said


def test_a_name_is_given_once_until_it_is_revoked(path: Path) -> None:
    with TokenStore(path) as store:
        first = store.create(Token("a", "acme"))
        with pytest.raises(TokenStoreError, match="named 'a' already"):
            store.create(Token("a", "other"))
        store.revoke("a")
        second = store.create(Token("a", "acme"))
        store.refresh()
        assert store.find(first) is None
        assert store.find(second) is not None
        with pytest.raises(TokenStoreError, match="no token named 'b'"):
            store.revoke("b")


def test_the_command_line_makes_lists_and_revokes(path: Path) -> None:
    code, text, said = run(
        *("create", "--name", "forms", "--account", "acme", "--read-only", "--object", "leads"),
        *("--object", "Fruit__c", "--object", "instance", "--pace-share", "0.5"),
        *("--quota-share", "0.2"),
    )
    assert (code, text.startswith(PREFIX), text.count("\n")) == (0, True, 1)
    assert "only its hash is stored" in said
    with TokenStore(path) as store:
        store.refresh()
        found = store.find(text.strip())
    assert found is not None
    assert (found.name, found.account, found.is_read_only) == ("forms", "acme", True)
    assert found.objects == {"Lead", "Fruit__c", "Instance"}
    assert (found.pace_share, found.quota_share) == (0.5, 0.2)

    code, listed, _ = run("list", "--json")
    (row,) = json.loads(listed)
    assert (row["name"], row["objects"]) == ("forms", ["Fruit__c", "Instance", "Lead"])
    assert text.strip() not in listed
    assert (row["last_used"], row["revoked"]) == (None, None)
    code, listed, _ = run("list")
    assert "forms" in listed
    assert "20%" in listed

    assert run("revoke", "forms")[0] == 0
    assert json.loads(run("list", "--json")[1])[0]["revoked"]
    code, _, said = run("revoke", "forms")
    assert (code, "'forms' was revoked already, at 20" in said) == (1, True)
    code, _, said = run("revoke", "nobody")
    assert (code, "no token named 'nobody'" in said) == (1, True)


@pytest.mark.parametrize(
    ("args", "account", "words"),
    [
        (("tokens", "create", "--account", "acme"), "acme", ""),
        (("--account", "acme", "tokens", "create"), "acme", ""),
        (("--account", "beta", "tokens", "create", "--account", "acme"), "acme", ""),
        (("tokens", "create", "--account", "acm"), None, "has no account 'acm'. Did you mean 'ac"),
        (("tokens", "create", "--account", "x"), None, "account 'x'. It has acme, beta."),
        (("tokens", "create"), None, "Missing option '--account'"),
    ],
)
def test_a_token_leads_to_an_account_that_there_is(
    path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], account: str | None, words: str
) -> None:
    """One that leads nowhere would be seen by its client only, and late."""
    config = path.with_name("config.toml")
    config.write_text("".join(f'[accounts.{n}]\napi_key_env = "K"\n' for n in ("acme", "beta")))
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(config))
    done = CliRunner().invoke(main, [*args, "--name", "client", "--quota-share", "0.0005"])
    assert (done.exit_code, words in done.stderr) == (0 if account else 2, True)
    assert path.exists() == bool(account)
    if account:
        (row,) = json.loads(run("list", "--json")[1])
        assert row["account"] == account
        assert " 0.05% " in run("list")[1]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--name", "a b", "--account", "acme"], "is no name"),
        (["--name", "", "--account", "acme"], "is no name"),
        (["--name", "a\nb", "--account", "acme"], "is no name"),
        (["--account", "acme"], "--name"),
        (["--name", "a"], "--account"),
        (["--name", "a", "--account", "acme", "--object", "Nonsens"], "no object 'Nonsens'"),
        (["--name", "a", "--account", "acme", "--pace-share", "0"], "--pace-share"),
        (["--name", "a", "--account", "acme", "--quota-share", "0"], "--quota-share"),
        (["--name", "a", "--account", "acme", "--quota-share", "1.1"], "--quota-share"),
        (["--name", "a", "--account", "acme", "--quota-share", "nan"], "--quota-share"),
        (["--name", "a", "--account", "acme", "--pace-share", "nan"], "--pace-share"),
        (["--name", "a", "--account", "acme", "--pace-share", "inf"], "--pace-share"),
    ],
)
def test_wrong_usage_makes_nothing(path: Path, args: list[str], words: str) -> None:
    code, text, said = run("create", *args)
    assert (code, text) == (2, "")
    assert words in said
    assert not path.exists()


def test_without_a_store_the_command_line_says_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (["list"], ["revoke", "a"]):
        code, _, said = run(*command)
        assert (code, "insightly tokens create" in said) == (1, True)
    assert not path.exists()
    monkeypatch.delenv("INSIGHTLY_TOKEN_STORE")
    code, _, said = run("list")
    assert (code, "INSIGHTLY_TOKEN_STORE" in said) == (1, True)


HEADERS = {
    "bearer": ("Bearer {}", True),
    "bearer in any case": ("bEARER  {} ", True),
    "basic": ("basic {}:", True),
    "basic with any password": ("basic {}:secret:x", True),
    "basic without a colon": ("basic {}", True),
    "another scheme": ("Token {}", False),
    "no scheme": ("{}", False),
    "the token and more": ("Bearer {}x", False),
    "the token twice": ("Bearer {} {}", False),
    "nothing": ("Bearer", False),
    "an empty one": ("Bearer ", False),
    "as the password": ("basic :{}", False),
    "the key": (f"basic {KEY}:", False),
    "very long": ("basic {}:" + "x" * 2000, False),
}


@pytest.mark.parametrize("name", HEADERS)
def test_ways_to_say_who_one_is(name: str, gateway: Clients, sandbox: Sandbox) -> None:
    pattern, is_known = HEADERS[name]
    value = pattern.replace("{}", gateway.texts["tap"])
    if value.startswith("basic "):
        value = basic(value.removeprefix("basic "))
    got = gateway.get("/Contacts?top=1", auth=lambda r: r, headers={"Authorization": value})
    assert got.status_code == (200 if is_known else 401)
    assert len(sandbox.requests) == is_known
    if not is_known:
        assert got.json()["Message"].endswith("An API key of Insightly is no token.")
        assert "Basic" in got.headers["WWW-Authenticate"]
        assert "Bearer" in got.headers["WWW-Authenticate"]


def test_without_a_word_who_one_is(gateway: Clients, sandbox: Sandbox) -> None:
    got = gateway.get("/Contacts", auth=lambda r: r)
    assert got.status_code == 401
    assert got.json()["Message"].startswith("A token of this gateway is needed")
    assert not sandbox.requests


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=3))
def test_no_nonsense_is_taken_for_a_token(values: list[bytes]) -> None:
    class Nobody:
        def find(self, text: str) -> None:
            assert isinstance(text, str)

    with pytest.raises(Refusal) as caught:
        client_of([(b"authorization", value) for value in values], Nobody())  # type: ignore[arg-type]
    assert caught.value.status == 401


MAY = {
    "read only reads": (Token("x", "acme", is_read_only=True), "GET", "/Contacts", 200),
    "read only looks": (Token("x", "acme", is_read_only=True), "HEAD", "/Contacts", 405),
    "read only creates": (Token("x", "acme", is_read_only=True), "POST", "/Contacts", 403),
    "read only changes": (Token("x", "acme", is_read_only=True), "PUT", "/Contacts", 403),
    "read only deletes": (Token("x", "acme", is_read_only=True), "DELETE", "/Contacts/1", 403),
    "own object": (Token("x", "acme", objects=frozenset({"Lead"})), "GET", "/leads", 200),
    "another": (Token("x", "acme", objects=frozenset({"Lead"})), "GET", "/Contacts", 403),
    "fields": (Token("x", "acme", objects=frozenset({"Lead"})), "GET", "/CustomFields/Leads", 200),
    "all fields": (Token("x", "acme", objects=frozenset({"Lead"})), "GET", "/CustomFields/x", 403),
    "custom": (Token("x", "acme", objects=frozenset({"Fruit__c"})), "GET", "/Fruit__c", 200),
    "account gone": (Token("x", "gone"), "GET", "/Contacts", 401),
}


@pytest.mark.parametrize("name", MAY)
def test_who_may_do_what(name: str, make_gateway: MakeGateway, sandbox: Sandbox) -> None:
    token, method, where, status = MAY[name]
    got = make_gateway(token).ask(method, where, "x")
    assert got.status_code == status
    assert len(sandbox.requests) == (status not in {401, 403})
    if status in {401, 403}:
        assert "'x'" in got.json()["Message"]


def test_a_server_that_runs_learns_of_changes(gateway: Clients, path: Path) -> None:
    assert path.exists()
    code, text, _ = run("create", "--name", "late", "--account", "acme")
    assert code == 0
    gateway.texts["late"] = text.strip()
    until(lambda: gateway.get("/Instance", "late").status_code == 200, "it is known")
    assert run("revoke", "late")[0] == 0
    until(lambda: gateway.get("/Instance", "late").status_code == 401, "it is known no more")
    assert gateway.get("/Instance").status_code == 200


def test_when_a_token_was_last_used_is_kept(gateway: Clients, path: Path) -> None:
    assert gateway.get("/Instance").status_code == 200
    until(lambda: json.loads(run("list", "--json")[1])[0]["last_used"], "it is written down")
    assert path.exists()


def test_a_store_that_breaks_does_not_stop_who_is_known(gateway: Clients) -> None:
    with closing(sqlite3.connect(gateway.served.tokens.path)) as db:
        db.execute("DROP TABLE tokens")
    health: Mapping[str, Any] = {}

    def is_told() -> bool:
        nonlocal health
        health = gateway.served.gateway.health()
        return "no such table" in health["token_store"]

    until(is_told, "it is told")
    assert gateway.get("/Instance").status_code == 200


@pytest.mark.parametrize("is_away_meanwhile", [False, True])
def test_a_store_that_is_put_in_place_of_another_counts(
    gateway: Clients,
    path: Path,
    *,
    is_away_meanwhile: bool,
) -> None:
    copy = path.with_name("copy.sqlite")
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    copy.chmod(0o600)
    with TokenStore(copy) as store:
        store.revoke("tap")
        gateway.texts["new"] = store.create(Token("new", "acme"))
    if is_away_meanwhile:
        path.unlink()
        told = gateway.served.gateway.problems
        until(lambda: told() != [], "it is said that it is gone")
        assert gateway.get("/Instance").status_code == 200, "what is known goes on"
        assert gateway.get("/Instance", "new").status_code == 401
    shutil.move(copy, path)
    until(lambda: gateway.get("/Instance").status_code == 401, "it was revoked in there")
    assert gateway.get("/Instance", "new").status_code == 200
    until(lambda: gateway.served.gateway.problems() == [], "all is well")


def test_a_store_that_others_may_read_is_not_put_in_place(gateway: Clients, path: Path) -> None:
    copy = path.with_name("copy.sqlite")
    TokenStore(copy).close()
    copy.chmod(0o644)
    shutil.move(copy, path)
    until(lambda: gateway.served.gateway.problems() != [], "it is said")
    assert gateway.get("/Instance").status_code == 200, "what is known goes on"
    path.chmod(0o600)
    until(lambda: gateway.get("/Instance").status_code == 401, "it has no tokens")

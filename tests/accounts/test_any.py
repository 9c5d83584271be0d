"""Whatever a configuration file holds: it is read, or refused in sentences without a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.config_file import ConfigFile, ConfigFileError, load
from tap_insightly.connection_settings import CONNECTION
from tests.accounts.writing import ACME_KEY, BETA_KEY, HOOK, watch, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Check = Any
    Result = TypeVar("Result")

SECRET_NAMES = ("api_key", "webhook_password")
NAMES = st.sampled_from(
    [
        *(setting.name for setting in CONNECTION),
        *(f"{name}{end}" for name in SECRET_NAMES for end in ("", "_env", "_file")),
        *("webhook_user", "pods", "API_KEY", "accounts", "server", ""),
    ]
)
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["na1", "https://x.test/v3.1", "PATH", "config.toml", "~", "~x/y", "/", "v3.1", "\0", "8"]
)
SECRETS = st.sampled_from([ACME_KEY, BETA_KEY, HOOK, f" {ACME_KEY}", f"{HOOK}\n"])
ATOMS = st.booleans() | st.integers() | st.floats() | TEXTS | SECRETS
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES | TEXTS, inner, max_size=2),
    max_leaves=4,
)
TABLES = st.dictionaries(NAMES | TEXTS, VALUES, max_size=6)
ACCOUNTS = st.dictionaries(st.sampled_from(["acme", "b", "a c", ""]) | TEXTS, TABLES | VALUES)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"accounts": ACCOUNTS | VALUES, "server": TABLES | VALUES, "acounts": VALUES}
)


def toml(value: Any) -> str:
    """Write a value as TOML, in one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{text(key)} = {toml(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return text(value) if isinstance(value, str) else str(value).lower()


def text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def tried(read: Callable[[], Result]) -> Result | None:
    """Call it; None if that is refused, in words without a secret."""
    try:
        return read()
    except ConfigFileError as error:
        texts = [str(error), repr(error)]
    watch(*texts)
    assert texts[0].isprintable()
    return None


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    folder: Path = tmp_path_factory.mktemp("any")

    def checked(content: str | bytes) -> ConfigFile | None:
        """Read a file, and everything in it; None if it is refused."""
        path = write(folder, content)
        file = tried(lambda: load(str(path)))
        if file is None:
            return None
        watch(repr(file))
        for account in file.accounts.values():
            watch(repr(account), account.url, account.key_source.origin)
            tried(account.connection)
            tried(account.webhook_password)
        return file

    return checked


@given(DOCUMENTS)
def test_a_document_is_read_or_refused(check: Check, document: dict[str, Any]) -> None:
    check("\n".join(f"{name} = {toml(value)}" for name, value in document.items()))


@given(TABLES)
def test_an_account_is_read_or_refused(check: Check, table: dict[str, Any]) -> None:
    check(f"accounts.acme = {toml(table)}")


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_bytes_are_read_or_refused(check: Check, content: str | bytes) -> None:
    check(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


@given(st.data())
def test_a_file_that_was_cut_or_changed_is_read_or_refused(
    check: Check, data: st.DataObject
) -> None:
    whole = f'[accounts.acme]\napi_key = "{ACME_KEY}"\npod = "na1"\n[server]\nport = 1\n'
    at = data.draw(st.integers(0, len(whole)))
    other = data.draw(st.text(max_size=3) | st.sampled_from(['"', "'", '"""', "=", "[", "\n"]))
    check(whole[:at] + other + whole[at + data.draw(st.integers(0, 3)) :])


@given(
    st.fixed_dictionaries(
        {"api_key": st.from_regex(r"[!-~]{1,40}", fullmatch=True)},
        optional={
            "pod": st.from_regex(r"[a-z][a-z0-9]{1,15}", fullmatch=True),
            "requests_per_second": st.floats(0.1, 100) | st.integers(1, 100),
            "quota_reserve": st.integers(0, 100_000),
        },
    )
)
def test_what_is_right_is_read_as_it_is(check: Check, table: dict[str, Any]) -> None:
    file = check(f"accounts.acme = {toml(table)}")
    found = file.accounts["acme"].connection()
    assert {name: found[name] for name in table} == table
    assert set(found) == {setting.name for setting in CONNECTION}

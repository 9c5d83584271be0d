"""The configuration file: the accounts that there are, and how the server is set up.

One TOML file for command line, tap, target and server alike::

    [accounts.acme]
    pod = "na1"
    api_key_env = "ACME_KEY"

`INSIGHTLY_CONFIG` names it; else it is ``config.toml`` where this platform keeps such files.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.accounts import (
    EQUALS_KEY,
    KNOWN,
    PLAIN,
    SECRETS,
    WEBHOOK_USER,
    Account,
    ConfigFileError,
    of_account,
)
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.config_schema import cleaned, problems
from tap_insightly.connection_settings import ACCOUNT_NAME, ACCOUNT_NAME_ACCEPTED
from tap_insightly.files import kind_of
from tap_insightly.private_files import FileProblem, ReadFile, resolved
from tap_insightly.secret_sources import SecretError, secrets_in, secrets_in_text, source_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_insightly.config_schema import Setting
    from tap_insightly.secret_sources import SecretSource

__all__ = ["VARIABLE", "Account", "ConfigFile", "ConfigFileError", "default_path", "load"]

VARIABLE = "INSIGHTLY_CONFIG"
MOST_BYTES = 1_000_000
MOST_LEVELS = 50
_TABLES = ("accounts", "server")
_SECRET_NAMES = tuple(setting.name for setting in SECRETS)


@dataclass(frozen=True, repr=False)
class ConfigFile:
    """What the configuration file says; without one, nothing."""

    path: Path
    """Where it is, or would be."""
    accounts: Mapping[str, Account] = field(default_factory=dict)
    """By name, in the order of the file."""
    server: Mapping[str, Any] = field(default_factory=dict)
    """The table ``[server]``, as it is written."""
    file: ReadFile | None = None
    """None if there is no such file."""

    def __repr__(self) -> str:
        """Show where it is and which accounts it has, and nothing else of what it holds."""
        return f"ConfigFile({str(self.path)!r}, accounts={list(self.accounts)})"

    def require_private(self, what: str) -> None:
        """Refuse the file if others may read it.

        Args:
            what: Which secret it holds, such as ``'redis_url' of [server]``.

        Raises:
            ConfigFileError: If others than its owner may read or change it.
        """
        if self.file is not None and not self.file.is_private:
            raise ConfigFileError(self.path, [_open_with(what, self.file)])


def default_path() -> Path:
    """Say where the file is if nobody says otherwise.

    Returns:
        Its path.
    """
    return Path(click.get_app_dir("insightly")) / "config.toml"


def load(path: str | None = None) -> ConfigFile:
    """Read the configuration file.

    Args:
        path: Where it is; None for `INSIGHTLY_CONFIG`, or the platform's place if that is not set.

    Returns:
        What it says. If nobody names a file and there is none in the platform's place, it says
        nothing.

    Raises:
        ConfigFileError: If a file that is named is not there, if it cannot be read, if something in
            it is not known or not accepted, or if it holds a secret and others may read it.
    """
    name = path or os.environ.get(VARIABLE)
    place = Path(name) if name else default_path()
    try:
        if not place.is_absolute():
            place = resolved(str(place), Path.cwd())
        file = ReadFile(place, MOST_BYTES)
    except FileNotFoundError:
        if not name:
            return ConfigFile(place)
        hint = "" if path else f" The variable {VARIABLE} names it."
        raise ConfigFileError(place, [f"This configuration file does not exist.{hint}"]) from None
    except FileProblem as error:
        raise ConfigFileError(place, [f"This configuration file {error}."]) from None
    return _Reader(file).read()


class _Reader:
    """Reads a configuration file, and gathers what is wrong with it."""

    def __init__(self, file: ReadFile) -> None:
        self._file = file
        self._problems: list[str] = []
        self._hidden: frozenset[str] = frozenset()
        self._inline: list[str] = []
        """The names of the secrets that are in the file itself."""

    def read(self) -> ConfigFile:
        """Read it whole, or raise an error that tells of all problems."""
        document = self._parsed()
        self._hidden = frozenset(secrets_in(document, _SECRET_NAMES))
        if self._file.is_changed_by_all:
            self._problems.append(f"Everybody may change this file {self._file.openness}.")
        for name, content in document.items():
            if name not in _TABLES:
                self._problems.append(_unknown(name, content))
        accounts = self._accounts(document.get("accounts", {}))
        server = document.get("server", {})
        if not isinstance(server, dict):
            self._problems.append(f"'server' is {_kind(server)}, where a table is expected.")
        if self._inline and not self._file.is_private:
            what = " and ".join(repr(name) for name in dict.fromkeys(self._inline))
            self._problems.append(_open_with(what, self._file))
        if self._problems:
            raise ConfigFileError(self._file.path, self._problems, self._hidden)
        return ConfigFile(self._file.path, accounts, server, self._file)

    def _parsed(self) -> dict[str, Any]:
        text = self._file.text
        try:
            document = tomllib.loads(text)
            if not _is_deep(document):
                return document
            said = "This file is nested too deeply."
        except ValueError as error:
            said = f"This file is no TOML: {error}."
        except RecursionError:
            said = "This file is nested too deeply."
        hidden = frozenset(secrets_in_text(text, _SECRET_NAMES))
        raise ConfigFileError(self._file.path, [said], hidden)

    def _accounts(self, tables: object) -> dict[str, Account]:
        if not isinstance(tables, dict):
            said = f"'accounts' is {_kind(tables)}, where tables such as [accounts.acme] are"
            self._problems.append(f"{said} expected.")
            return {}
        found = {}
        for name, table in tables.items():
            if not re.fullmatch(ACCOUNT_NAME, name):
                said = f"The name '{name}' of an account is not accepted; accepted are"
                self._problems.append(f"{said} {ACCOUNT_NAME_ACCEPTED}.")
            elif not isinstance(table, dict):
                said = f"it is {_kind(table)}, where a table [accounts.{name}] is expected."
                self._problems.append(of_account(name, said))
            elif account := self._account(name, table):
                found[name] = account
        return found

    def _account(self, name: str, table: dict[str, Any]) -> Account | None:
        wrong = list(self._wrong(table))
        made = cleaned({one.name: table.get(one.name) for one in PLAIN}, PLAIN)
        key, password = (self._source(one, table, wrong) for one in SECRETS)
        user = made.pop(WEBHOOK_USER.name, None)
        if key is None and not wrong:
            wrong.append("it has no API key; add 'api_key_env', 'api_key_file' or 'api_key'.")
        if (user is None) is not (password is None) and not wrong:
            said = (
                "'webhook_user' is given without 'webhook_password_env', 'webhook_password_file' "
                "or 'webhook_password'"
            )
            if password is not None:
                said = f"'{password.key}' is given without 'webhook_user'"
            wrong.append(f"{said}; webhooks need both a user and a password.")
        wrong += self._check_inline((key, password))
        self._problems += [of_account(name, sentence) for sentence in wrong]
        if key is None or wrong:
            return None
        return Account(name, self._file.path, made, key, user, password, self._hidden)

    def _wrong(self, table: Mapping[str, Any]) -> Iterator[str]:
        """Say what is wrong with the settings of an account that are no secrets."""
        for name in table:
            if name not in KNOWN:
                hint = did_you_mean(close_names(name, KNOWN))
                yield f"'{name}' is no setting of an account.{hint}"
        if table.get("pod") and table.get("api_url"):
            yield "'pod' and 'api_url' are given; keep one of them."
        made = cleaned({one.name: table.get(one.name) for one in PLAIN}, PLAIN)
        for sentence in problems(made, [self._shown(one, made) for one in PLAIN]):
            yield sentence[0].lower() + sentence[1:]

    def _shown(self, setting: Setting, made: Mapping[str, Any]) -> Setting:
        """Have a value not shown that has a secret in it."""
        value = made.get(setting.name)
        texts = (str(value), repr(value))
        has_secret = any(secret in text for secret in self._hidden for text in texts)
        return replace(setting, is_secret=True) if has_secret else setting

    def _source(
        self, setting: Setting, table: Mapping[str, Any], wrong: list[str]
    ) -> SecretSource | None:
        try:
            return source_of(setting, table, self._file.path.parent)
        except SecretError as error:
            wrong.append(str(error))
            return None

    def _check_inline(self, sources: Iterable[SecretSource | None]) -> Iterator[str]:
        """Say what is wrong with the secrets that are in this file itself."""
        found = set()
        for source in sources:
            if source is None or not source.is_inline:
                continue
            self._inline.append(source.key)
            try:
                secret = source.read()
            except SecretError as error:
                yield str(error)
                continue
            if secret in found:
                yield EQUALS_KEY
            found.add(secret)


def _is_deep(document: object) -> bool:
    """Tell whether anything is nested deeper than what is of use, and than others can go."""
    level = [document]
    for _ in range(MOST_LEVELS):
        containers = [one for one in level if isinstance(one, dict | list)]
        level = [
            inner
            for one in containers
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def _unknown(name: str, content: object) -> str:
    kind = "table" if isinstance(content, dict) else "setting"
    hint = did_you_mean(close_names(name, _TABLES))
    return f"The {kind} '{name}' is not known; accepted are [accounts.NAME] and [server].{hint}"


def _open_with(what: str, file: ReadFile) -> str:
    return f"This file holds {what}, and others may read or change it {file.openness}."


def _kind(value: object) -> str:
    return "a table" if isinstance(value, dict) else kind_of(value)

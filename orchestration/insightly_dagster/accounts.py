"""Which accounts there are: those of insightly's configuration file, or of a function."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tap_insightly import config_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY_VARIABLE = "INSIGHTLY_DAGSTER_API_KEY"
"""What a key that a function gives is called in the environment of the tap, and nowhere else."""

_KEY = "api_key"


class AccountsError(ValueError):
    """The accounts cannot be listed; the text says why."""


@dataclass(frozen=True)
class Accounts:
    """Lists accounts, and says how the tap gets to the key of one."""

    source: str | None = None
    """``module:function``; None for insightly's configuration file."""

    def names(self) -> list[str]:
        """List the accounts.

        Raises:
            ConfigFileError: If the configuration file cannot be used.
            AccountsError: If the function gives something else than accounts.
        """
        return list(self._tables()) if self.source else list(config_file.load().accounts)

    @contextmanager
    def environment(self, account: str) -> Iterator[dict[str, str]]:
        """Say what the tap needs in its environment to know an account by its name.

        Raises:
            ConfigFileError: As of `names`.
            AccountsError: As of `names`.
        """
        if self.source is None:
            yield {}
            return
        table, own = dict(self._tables()[account]), {}
        key = table.pop(_KEY, None)
        if key is not None:
            own[KEY_VARIABLE] = key()
            table[f"{_KEY}_env"] = KEY_VARIABLE
        with TemporaryDirectory(prefix="insightly-dagster-") as folder:
            file = Path(folder) / "config.toml"
            file.write_text(_toml(account, table), encoding="utf-8")
            yield {**own, config_file.VARIABLE: str(file)}

    @property
    def hidden(self) -> frozenset[str]:
        """The variables that hold keys of accounts."""
        if self.source:
            tables = self._tables().values()
            names = {str(table.get(f"{_KEY}_env")) for table in tables}
            return frozenset(names & os.environ.keys())
        accounts = config_file.load().accounts.values()
        sources = [
            one for account in accounts for one in (account.key_source, account.password_source)
        ]
        return frozenset(
            one.value for one in sources if one is not None and one.key.endswith("_env")
        )

    def _tables(self) -> Mapping[str, Mapping[str, Any]]:
        assert self.source
        module, _, name = self.source.partition(":")
        try:
            tables = getattr(import_module(module), name)()
        except (ImportError, AttributeError, TypeError) as error:
            msg = f"accounts: {self.source} is no function of a module: {error}."
            raise AccountsError(msg) from None
        for account, table in tables.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", account):
                msg = f"accounts: {self.source} gives an account with a name that is not accepted."
                raise AccountsError(msg)
            if _KEY in table and not callable(table[_KEY]):
                msg = (
                    f"accounts: {self.source} gives the key of account '{account}' itself. Give "
                    "'api_key_env', 'api_key_file', or as 'api_key' a function without arguments "
                    "that returns it: it is called when the tap starts."
                )
                raise AccountsError(msg)
        return tables  # type: ignore[no-any-return]  # it was looked at


def _toml(account: str, table: Mapping[str, Any]) -> str:
    import json  # noqa: PLC0415 - a text or a number of TOML is written as in JSON

    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    return "\n".join([f"[accounts.{account}]", *lines, ""])

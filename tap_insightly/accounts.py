"""An account of the configuration file: where it is, how it is asked, and the key to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from tap_insightly.api.http.address import base_url
from tap_insightly.config_schema import TEXT, Setting
from tap_insightly.connection_settings import CONNECTION
from tap_insightly.secret_sources import SecretError, keys_of, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tap_insightly.secret_sources import SecretSource

API_KEY = next(setting for setting in CONNECTION if setting.is_secret)
WEBHOOK_USER = Setting(
    "webhook_user",
    "User of webhooks",
    "The user name with which Insightly's webhooks sign in.",
    "a text without colons and line breaks",
    TEXT,
    check=lambda value: value.isprintable() and ":" not in value,
)
WEBHOOK_PASSWORD = Setting(
    "webhook_password",
    "Password of webhooks",
    "The password with which Insightly's webhooks sign in; never the API key.",
    "a text without line breaks",
    TEXT,
    is_secret=True,
    check=str.isprintable,
)
PLAIN = (*(setting for setting in CONNECTION if not setting.is_secret), WEBHOOK_USER)
"""The settings of an account that are no secrets."""
SECRETS = (API_KEY, WEBHOOK_PASSWORD)
KNOWN = (
    *keys_of(API_KEY.name),
    *(setting.name for setting in PLAIN),
    *keys_of(WEBHOOK_PASSWORD.name),
)
"""What may stand in the table of an account."""
EQUALS_KEY = (
    "the password of its webhooks is its API key; take another one, as it is told to Insightly's "
    "workflows, where more people may see it than may see the key."
)


class ConfigFileError(ValueError):
    """The configuration file cannot be used; the text says which one, why, and what to do."""

    def __init__(
        self, path: Path, problems: Iterable[str], secrets: frozenset[str] = frozenset()
    ) -> None:
        """Write the text, without secrets.

        Args:
            path: Where the file is.
            problems: What is wrong, a sentence each.
            secrets: What must not be shown.
        """
        self.problems = [_printable(without_secrets(one, secrets)) for one in problems]
        """What is wrong, a sentence each, without the name of the file."""
        super().__init__(f"{_printable(str(path))}: {' '.join(self.problems)}")


@dataclass(frozen=True, repr=False)
class Account:
    """One account of Insightly, as the configuration file has it."""

    name: str
    path: Path
    """Where the configuration file is."""
    settings: Mapping[str, Any]
    """The settings of the connection that are made there, without the key."""
    key_source: SecretSource
    webhook_user: str | None = None
    """The user name of its webhooks; None if it has none."""
    password_source: SecretSource | None = None
    hidden: frozenset[str] = field(default=frozenset())
    """What must not be shown in errors."""

    def __repr__(self) -> str:
        """Show which one it is, and nothing of what it holds."""
        return f"Account({self.name!r})"

    @property
    def without_key(self) -> dict[str, Any]:
        """All settings of its connection but the key, with defaults."""
        plain = {one.name: one.default for one in CONNECTION if one is not API_KEY}
        return plain | dict(self.settings)

    @property
    def url(self) -> str:
        """The address of its API."""
        made = self.without_key
        return base_url(made["pod"], made["api_url"], made["api_version"])

    def made(self) -> dict[str, Any]:
        """List the settings of a connection that are made: the key, and what is set here.

        Returns:
            Values by setting name.

        Raises:
            ConfigFileError: If the key cannot be read.
        """
        return {**self.settings, API_KEY.name: self.api_key()}

    def connection(self) -> dict[str, Any]:
        """List all settings of a connection: those that are made, and defaults for the others.

        Returns:
            Values by setting name.

        Raises:
            ConfigFileError: If the key cannot be read.
        """
        return self.without_key | self.made()

    def api_key(self) -> str:
        """Read the API key.

        Returns:
            The key.

        Raises:
            ConfigFileError: If it cannot be read.
        """
        return self._read(self.key_source)

    def webhook_password(self) -> str | None:
        """Read the password with which webhooks sign in.

        Returns:
            The password; None if the account has no webhooks.

        Raises:
            ConfigFileError: If it cannot be read, or is the API key.
        """
        if self.password_source is None:
            return None
        password = self._read(self.password_source)
        try:
            is_key = password == self.api_key()
        except ConfigFileError:
            is_key = False  # a key that cannot be read is told of where it is needed
        if is_key:
            self._refuse(EQUALS_KEY)
        return password

    def _read(self, source: SecretSource) -> str:
        try:
            return source.read()
        except SecretError as error:
            self._refuse(str(error))

    def _refuse(self, sentence: str) -> NoReturn:
        raise ConfigFileError(self.path, [of_account(self.name, sentence)], self.hidden)


def of_account(name: str, sentence: str) -> str:
    """Begin a sentence with the account that it is about."""
    return f"Account '{name}': {sentence}"


def _printable(text: str) -> str:
    """Write what would upset a terminal or a log as escapes."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )

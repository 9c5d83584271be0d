"""Which account is meant, and what its settings and those of other places say together."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tap_insightly.accounts import ConfigFileError
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.config_file import VARIABLE as CONFIG_VARIABLE
from tap_insightly.config_file import load
from tap_insightly.config_schema import cleaned, problems
from tap_insightly.connection_settings import ACCOUNT, ADDRESS, WITH_ACCOUNT
from tap_insightly.secret_sources import like_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.accounts import Account
    from tap_insightly.config_file import ConfigFile

VARIABLE = "INSIGHTLY_ACCOUNT"

_UNIT = tuple(setting.name for setting in ADDRESS)
_DEFAULTS = {setting.name: setting.default for setting in WITH_ACCOUNT}

logger = logging.getLogger(__name__)


class AccountChoiceError(ValueError):
    """An account is chosen beside settings that cannot go with it; the text says what to do."""


@dataclass(frozen=True)
class Layer:
    """Settings that were made in one place."""

    values: Mapping[str, Any]
    place: str
    """The place, to follow "in"."""
    is_background: bool = False
    """Whether the place serves many runs, as an environment does: where an account is chosen, its
    key and its address are used, and not those of such a place."""
    has_defaults: bool = False
    """Whether defaults are written there, too, as Meltano does. Beside an account they say
    nothing."""

    def made(self) -> dict[str, Any]:
        """List what is made there, as far as an account could say it, too."""
        made = cleaned({name: self.values.get(name) for name in _DEFAULTS}, WITH_ACCOUNT)
        if self.has_defaults:
            made = {name: value for name, value in made.items() if value != _DEFAULTS[name]}
        return made


def environment(values: Mapping[str, Any]) -> Layer:
    """Take what variables say."""
    return Layer(values, "the environment", is_background=True)


def settings_file(values: Mapping[str, Any]) -> Layer:
    """Take what files of settings say."""
    return Layer(values, "the settings", has_defaults=True)


def options(values: Mapping[str, Any]) -> Layer:
    """Take what options of the command line say."""
    return Layer(values, "the options")


def combined(layers: Sequence[Layer], *, may_lack_key: bool = False) -> dict[str, Any]:
    """Put together what is made in several places, and what the account says that is meant.

    Args:
        layers: The places, the one that counts least first. An account counts less than all of
            them; but its key and its address are one unit, in which no other place has a part.
        may_lack_key: Whether a file with several accounts, of which none is chosen, is no error.

    Returns:
        Values by setting name; ``account`` is among them if one is used.

    Raises:
        ConfigFileError: If the configuration file cannot be used, or lacks the account.
        AccountChoiceError: If a key or an address is given beside an account, or if it is not known
            which account is meant.
    """
    account = chosen(layers, may_lack_key=may_lack_key)
    if account is None:
        return {name: value for layer in layers for name, value in layer.values.items()}
    combination = account.made()
    for layer in layers:
        made = layer.made()
        if not layer.is_background:
            _check_unit(made, layer, account)
        others = {name: value for name, value in layer.values.items() if name not in _DEFAULTS}
        combination |= others | {name: made[name] for name in made if name not in _UNIT}
    is_ignored = any(name in _UNIT for one in layers if one.is_background for name in one.made())
    rest = ", and not those of the environment" if is_ignored else ""
    text = "Key and address are those of account '%s' of %s%s."
    logger.info(text, account.name, account.path, rest)
    return combination | {ACCOUNT.name: account.name}


def chosen(layers: Sequence[Layer], *, may_lack_key: bool = False) -> Account | None:
    """Find the account that is meant; None if it is none of the configuration file.

    Args:
        layers: As for `combined`.
        may_lack_key: As for `combined`.

    Returns:
        The account. Its key has not been read.

    Raises:
        ConfigFileError: As of `combined`.
        AccountChoiceError: If there are several, and none is chosen, or what is chosen is no name.
    """
    made: dict[str, Any] = {}
    for layer in (environment({ACCOUNT.name: os.environ.get(VARIABLE)}), *layers):
        made |= layer.made()
    name = made.get(ACCOUNT.name)
    if name is not None:
        is_odd = any(like_secrets(str(name)))  # somebody may have put the key here
        if wrong := list(problems(made, [replace(ACCOUNT, is_secret=is_odd)])):
            raise AccountChoiceError(wrong[0])
        return _named(name, load())
    if any(name in made for name in _UNIT):
        return None  # an address goes with a key from the same place, and never with another one
    file = load()
    if len(file.accounts) > 1 and not may_lack_key:
        names = ", ".join(file.accounts)
        msg = (
            f"{file.path} has several accounts: {names}. Choose one by the variable {VARIABLE}, "
            "by the setting 'account' of tap and target, or by --account of insightly."
        )
        raise AccountChoiceError(msg)
    return next(iter(file.accounts.values())) if len(file.accounts) == 1 else None


def _named(name: str, file: ConfigFile) -> Account:
    if name in file.accounts:
        return file.accounts[name]
    if file.file is None:
        said = "There is no such file, which should have the account that is chosen. Make it, or"
        raise ConfigFileError(file.path, [f"{said} name another one by {CONFIG_VARIABLE}."])
    hint = did_you_mean(close_names(name, file.accounts))
    if not hint:
        hint = f" It has {', '.join(file.accounts) or 'none'}."
    hidden = frozenset(like_secrets(name))
    raise ConfigFileError(file.path, [f"This file has no account '{name}'.{hint}"], hidden)


def _check_unit(made: Mapping[str, Any], layer: Layer, account: Account) -> None:
    """Refuse a key or an address beside an account."""
    if given := [repr(name) for name in _UNIT if name in made]:
        verb = "is" if len(given) == 1 else "are"
        msg = (
            f"{' and '.join(given)} {verb} given in {layer.place}, and so is account "
            f"'{account.name}', which has a key and an address of its own: leave out one or the "
            "other."
        )
        raise AccountChoiceError(msg)

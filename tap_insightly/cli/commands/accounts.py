"""``insightly accounts``: the accounts of the configuration file, without a secret."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from tap_insightly.cli.given_settings import variables
from tap_insightly.cli.options import root_options
from tap_insightly.cli.output import echo, format_option, write_rows, write_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.accounts import Account
    from tap_insightly.config_file import ConfigFile


@dataclass(frozen=True)
class AccountRow:
    """What is shown of an account."""

    account: str
    is_chosen: bool
    """Whether the next command asks this account, as things are."""
    url: str
    key_from: str
    """Where the key comes from."""
    key_problem: str | None
    """Why the key cannot be read; None if it can."""
    requests_per_second: float
    quota_reserve: int
    has_webhooks: bool
    webhook_problem: str | None
    """Why the password of its webhooks cannot be read; None if it can, or there is none."""


@click.command("accounts")
@format_option()
def accounts(*, form: str) -> None:
    """List the accounts of the configuration file, without their keys.

    Shows where each one is, where its key comes from and whether that can be read, and marks the
    account that is chosen. Asks nothing of Insightly: insightly --account NAME check does. The file
    is the one that INSIGHTLY_CONFIG names.

    \b
    Examples:
      $ insightly accounts
      $ insightly accounts --json
    """
    from tap_insightly import account_choice
    from tap_insightly.config_file import ConfigFileError, load

    try:
        file = load()
        layers = [variables(), account_choice.options(root_options())]
        chosen = account_choice.chosen(layers, may_lack_key=True)
    except (ConfigFileError, account_choice.AccountChoiceError) as error:
        raise click.UsageError(str(error)) from None
    rows = [_row(account, chosen) for account in file.accounts.values()]
    if rows or form != "table":
        write_rows(form, (asdict(row) for row in rows), lambda: _show(rows))
    if not rows:
        echo(_nothing(file))


def _row(account: Account, chosen: Account | None) -> AccountRow:
    settings = account.without_key
    return AccountRow(
        account.name,
        chosen is not None and account.name == chosen.name,
        account.url,
        account.key_source.origin,
        _problem(account.api_key),
        settings["requests_per_second"],
        settings["quota_reserve"],
        account.webhook_user is not None,
        _problem(account.webhook_password),
    )


def _problem(read: Callable[[], object]) -> str | None:
    """Say why something cannot be read."""
    from tap_insightly.config_file import ConfigFileError

    try:
        read()
    except ConfigFileError as error:
        return " ".join(error.problems)
    return None


def _show(rows: list[AccountRow]) -> None:
    headers = ("", "account", "address", "key from", "key", "pace", "reserve", "webhooks")
    write_table(
        headers,
        [
            (
                "*" if row.is_chosen else "",
                row.account,
                row.url,
                row.key_from,
                "cannot be read" if row.key_problem else "ok",
                f"{row.requests_per_second:g}",
                row.quota_reserve,
                _webhooks(row),
            )
            for row in rows
        ],
    )
    found = [one for row in rows for one in (row.key_problem, row.webhook_problem) if one]
    for problem in dict.fromkeys(found):
        echo(problem)


def _webhooks(row: AccountRow) -> str:
    if row.webhook_problem:
        return "cannot be read"
    return "yes" if row.has_webhooks else "no"


def _nothing(file: ConfigFile) -> str:
    what = "There is no file" if file.file is None else "There are no accounts in"
    return (
        f"{what} {file.path}. An account is a table in it, such as [accounts.acme], with "
        'api_key_env = "ACME_KEY" and pod = "na1". One account does without, by '
        "TAP_INSIGHTLY_API_KEY and TAP_INSIGHTLY_POD."
    )

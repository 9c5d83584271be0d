"""``insightly tokens``: who may ask through the gateway, and what."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli.options import root_account
from tap_insightly.cli.output import echo, format_option, write_rows, write_table
from tap_insightly.cli.server_files import server_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tap_insightly.openapi.objects import InsightlyObject
    from tap_insightly.server.gateway.tokens import Token, TokenStore

VARIABLE = "INSIGHTLY_TOKEN_STORE"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CUSTOM = re.compile(r"[A-Za-z][A-Za-z0-9_]*__c", re.IGNORECASE)


def store_path(given: str | None) -> Path:
    """Say where the tokens are."""
    return server_file(given, lambda settings: settings.token_store)


def _with_store(function: Callable[..., Any]) -> Callable[..., Any]:
    text = f"The file with the tokens; by default {VARIABLE}, or that of the server."
    return click.option("--store", envvar=VARIABLE, metavar="FILE", help=text)(function)


@click.group()
def tokens() -> None:
    """Say who may ask Insightly through `insightly serve`, and what.

    A token stands where the API key would, in every program that knows Insightly; the key itself
    stays on the server. A server that runs knows of changes within a second.
    """


def _name(_: click.Context, __: click.Parameter, text: str) -> str:
    if not _NAME.fullmatch(text):
        msg = f"'{text}' is no name: letters, digits, dots, hyphens and underscores make one."
        raise click.BadParameter(msg)
    return text


def _account(context: click.Context, parameter: click.Parameter, name: str | None) -> str:
    found = name or root_account()
    if not found:
        raise click.MissingParameter(ctx=context, param=parameter)
    return found


def _number(_: click.Context, __: click.Parameter, number: float | None) -> float | None:
    if number is not None and math.isnan(number):
        msg = "nan is no number."
        raise click.BadParameter(msg)
    return number


@tokens.command()
@click.option(
    "--name", required=True, callback=_name, metavar="NAME", help="What the client is called."
)
@click.option(
    "--account",
    callback=_account,
    metavar="NAME",
    help="The account in the configuration file that it leads to; needed, here or before tokens.",
)
@click.option("--read-only", "is_read_only", is_flag=True, help="It may read only.")
@click.option(
    "--object",
    "objects",
    multiple=True,
    metavar="OBJECT",
    help="It may reach this object, and no other that is not named; custom objects as Fruit__c.",
)
@click.option(
    "--pace-share",
    type=click.FloatRange(0, 1000, min_open=True),
    default=1.0,
    show_default=True,
    callback=_number,
    help="Its part of the pace, in proportion to those of the others that ask at the same time.",
)
@click.option(
    "--quota-share",
    type=click.FloatRange(0, 1, min_open=True),
    callback=_number,
    help="The part of the day's requests that it may use at most, such as 0.2.",
)
@_with_store
def create(  # noqa: PLR0913 - the options of a command
    *,
    name: str,
    account: str,
    is_read_only: bool,
    objects: Sequence[str],
    pace_share: float,
    quota_share: float | None,
    store: str | None,
) -> None:
    """Make a token, and show it: it can never be shown again.

    \b
    Examples:
      $ insightly tokens create --name dashboards --account acme --read-only
      $ insightly tokens create --name forms --account acme --object lead --quota-share 0.2
    """
    from tap_insightly.server.gateway.tokens import Token

    _check_account(account)
    allowed = frozenset(_object_name(one) for one in objects) if objects else None
    token = Token(
        name,
        account,
        is_read_only=is_read_only,
        objects=allowed,
        pace_share=pace_share,
        quota_share=quota_share,
    )
    with _opened(store, must_exist=False) as opened:
        text = opened.create(token)
    echo(f"The token of '{name}'. Keep it now: only its hash is stored.")
    click.echo(text)


@tokens.command("list")
@format_option()
@_with_store
def list_tokens(*, form: str, store: str | None) -> None:
    """List the clients, without their tokens.

    \b
    Examples:
      $ insightly tokens list
    """
    with _opened(store, must_exist=True) as opened:
        found = opened.list()
    headers = ("name", "account", "may", "pace", "quota", "created", "last used", "revoked")
    write_rows(form, map(_row, found), lambda: write_table(headers, map(_cells, found)))


@tokens.command()
@click.argument("name")
@_with_store
def revoke(*, name: str, store: str | None) -> None:
    """Let a token count no more, from the next second on.

    \b
    Examples:
      $ insightly tokens revoke dashboards
    """
    with _opened(store, must_exist=True) as opened:
        opened.revoke(name)
    echo(f"The token of '{name}' is revoked.")


def _opened(store: str | None, *, must_exist: bool) -> TokenStore:
    from tap_insightly.server.gateway.tokens import TokenStore

    path = store_path(store)
    return TokenStore(path, must_exist=must_exist)


def _check_account(name: str) -> None:
    """Refuse an account that the configuration file lacks; without one, it may be elsewhere."""
    from tap_insightly.api.records.names import close_names, did_you_mean
    from tap_insightly.config_file import ConfigFileError, load

    try:
        file = load()
    except ConfigFileError as error:
        raise click.UsageError(str(error)) from None
    if file.accounts and name not in file.accounts:
        hint = did_you_mean(close_names(name, file.accounts))
        msg = f"{file.path} has no account '{name}'.{hint or f' It has {_listed(file.accounts)}.'}"
        raise click.UsageError(msg)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _object_name(text: str) -> str:
    """Find an object in what was typed; what looks like a custom object is taken to be one."""
    from tap_insightly.api.records.objects import UnknownObjectError, find_object
    from tap_insightly.openapi.objects import all_objects, standard_objects

    if _CUSTOM.fullmatch(text):
        return text
    singles: list[InsightlyObject] = [one for one in all_objects() if one.is_single]
    try:
        return find_object(text, [*standard_objects(), *singles]).name
    except UnknownObjectError as error:
        msg = f"{error} Custom objects are named as the API does: Fruit__c."
        raise click.UsageError(msg) from None


def _row(token: Token) -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(token)
    return row | {"objects": None if token.objects is None else sorted(token.objects)}


def _cells(token: Token) -> Sequence[object]:
    verb = "read" if token.is_read_only else "read, write"
    what = "all" if token.objects is None else ", ".join(sorted(token.objects))
    share = None if token.quota_share is None else f"{100 * token.quota_share:.4g}%"
    pace = f"{token.pace_share:g}"
    used = (token.created, token.last_used, token.revoked)
    return (token.name, token.account, f"{verb}: {what}", pace, share, *used)

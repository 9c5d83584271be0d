"""``insightly check``: whether the key is good, whose it is, and what it may read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.api.http.errors import InsightlyError
from tap_insightly.cli.app import Failure
from tap_insightly.cli.options import with_settings
from tap_insightly.cli.output import format_option, write_rows, write_table
from tap_insightly.connection_settings import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient
    from tap_insightly.api.check import ObjectAccess


@dataclass(frozen=True)
class AccountSummary:
    """What the key may read of its account."""

    name: str | None
    """Which one it is of the configuration file; None if it is none of these."""
    url: str
    user: Mapping[str, Any] | None
    """The user of the key; None if it may not read that."""
    instance: Mapping[str, Any] | None
    """The account; None if the key may not read it."""
    objects: list[ObjectAccess]
    quota: Mapping[str, int | None]
    """The day's requests: their ``limit``, and how many are ``remaining`` after this check."""


@click.command("check")
@with_settings(max_retries=1, request_timeout=20)
@format_option()
def check(config: Mapping[str, Any], *, form: str) -> None:
    """Check the API key, and see what it may read.

    Shows who the key acts as, the account and its plan, how many of the day's requests are left,
    and each object with the number of its records. Costs one request for each object. If the
    key or the address is wrong, it says what to do.

    \b
    Examples:
      $ insightly check
      $ insightly check --json
    """
    from tap_insightly.accounts import of_account
    from tap_insightly.api import InsightlyClient
    from tap_insightly.cli.diagnostics import Explainer
    from tap_insightly.connection import open_session

    with InsightlyClient.from_session(open_session(config, "insightly")) as client:
        try:
            account = _summarize(client, config.get(ACCOUNT.name))
        except InsightlyError as error:
            explained = Explainer(config, client.session)(error)
            name = config.get(ACCOUNT.name)
            raise Failure(of_account(name, explained) if name else explained, error) from None
    found = asdict(account)
    write_rows(form, found["objects"], lambda: _show(account), whole=found)


def _summarize(client: InsightlyClient, name: str | None) -> AccountSummary:
    from tap_insightly.api.check import summarize_account, summarize_objects

    session = client.session
    user, instance = summarize_account(session)
    found = summarize_objects(client)
    quota = {"limit": session.quota.limit, "remaining": session.quota.remaining}
    return AccountSummary(name, session.base_url, user, instance, found, quota)


def _show(account: AccountSummary) -> None:
    user, instance, quota = account.user, account.instance, account.quota
    of_name = f"of account '{account.name}', " if account.name else ""
    lines = {
        "API key": f"{of_name}accepted by {account.url}",
        "User": "not known: this key may not read /Users/Me",
        "Account": "not known: this key may not read /Instance",
        "Quota": "not known: the answers do not tell it",
    }
    if user is not None:
        names = [user.get("FIRST_NAME"), user.get("LAST_NAME"), f"<{user.get('EMAIL_ADDRESS')}>"]
        lines["User"] = " ".join(name for name in names if name)
        lines["User"] += ", an administrator" if user.get("ADMINISTRATOR") else ""
    if instance is not None:
        lines["Account"] = f"{instance.get('INSTANCE_NAME')}, plan {instance.get('PLAN_NAME')}"
    if quota["limit"] is not None and quota["remaining"] is not None:
        lines["Quota"] = f"{quota['remaining']:,} of {quota['limit']:,} requests left today"
    for name, text in lines.items():
        click.echo(f"{name:9}{text}")
    click.echo()
    rows = [(one.object, one.verdict, one.records) for one in account.objects]
    write_table(("object", "readable", "records"), rows)

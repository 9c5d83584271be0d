"""``insightly check``: whether the key is good, for whom, and what it may read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.api import (
    InsightlyClient,
    InsightlyError,
    NotAvailableError,
    Prefetcher,
    QuotaExhaustedError,
)
from tap_insightly.api.records.objects import ANY_CUSTOM_OBJECT
from tap_insightly.cli.diagnostics import Explainer
from tap_insightly.cli.options import with_settings
from tap_insightly.cli.output import json_option, write_json, write_table
from tap_insightly.connection import open_session
from tap_insightly.openapi import READ

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from tap_insightly.api import InsightlyObject, InsightlySession, Response

_REASONS = {
    403: "no access for this user, or not in the plan (403)",
    404: "not in the plan (404)",
    405: "not under this name (405)",
}
# What a list is asked for: next to nothing, but how much there is. Not all lists are documented to
# tell that; the tap asks all of them too.
_PAGED = {"top": "1", "count_total": "true"}
_OTHERS = {
    "/LeadStatuses": {"include_converted": "true"},
    "/Tags": {"record_type": "contacts"},  # needs one kind, which shows whether they can be read
}


@dataclass(frozen=True)
class Found:
    """What came of asking for the list of an object."""

    object: str
    path: str
    is_readable: bool | None
    """None if that is not known."""
    reason: str | None = None
    """Why it cannot be read, or that is not known, in a few words."""
    records: int | None = None
    """How many there are; None if that is not known."""

    @property
    def verdict(self) -> str:
        """Whether it can be read, in words."""
        word = {True: "yes", False: "no", None: "not known"}[self.is_readable]
        return f"{word}: {self.reason}" if self.reason else word


@dataclass(frozen=True)
class Account:
    """What is known of an account from what its key may read."""

    url: str
    user: Mapping[str, Any] | None
    """Who the key acts as; None if it may not know."""
    instance: Mapping[str, Any] | None
    """The account; None if the key may not read it."""
    objects: list[Found]
    quota: Mapping[str, int | None]
    """The day's requests: their ``limit``, and how many are ``remaining`` after these here."""


@click.command("check")
@with_settings(max_retries=1, request_timeout=20)
@json_option
def check(config: Mapping[str, Any], *, is_json: bool) -> None:
    """Check the API key, and see what it may read.

    Shows who the key acts as, the account and its plan, how many of the day's requests are left,
    and each object with the number of its records. Costs one request for each object. If the
    key or the address is not good, says what to do about it, with exit code 1.

    \b
    Examples:
      $ insightly check
      $ insightly check --json
    """  # noqa: D301 - click's mark for lines to be left alone
    with InsightlyClient.from_session(open_session(config, "insightly")) as client:
        try:
            account = _look(client)
        except InsightlyError as error:
            raise click.ClickException(Explainer(config, client.session)(error)) from None
    if is_json:
        write_json(asdict(account))
        return
    _show(account)


def _look(client: InsightlyClient) -> Account:
    session = client.session
    user, has_user = _one(session, "/Users/Me", "USER_ID")
    instance, has_instance = _one(session, "/Instance", "INSTANCE_NAME")
    if not has_user and not has_instance:
        msg = (
            f"{session.base_url} does not answer as Insightly's API does: it has neither "
            "/Users/Me nor /Instance. Check pod, api_url and api_version."
        )
        raise InsightlyError(msg)
    objects = client.objects()
    with Prefetcher(session) as reader:
        asked = [(obj, reader.ask(obj.path, _query(obj))) for obj in objects]
        found = [_found(obj, response) for obj, response in asked]
    quota = {"limit": session.quota.limit, "remaining": session.quota.remaining}
    return Account(session.base_url, user, instance, found, quota)


def _one(session: InsightlySession, path: str, key: str) -> tuple[dict[str, Any] | None, bool]:
    """Ask for something that there is one of; whether there is is known even if it is refused."""
    try:
        records = session.get(path).records
    except NotAvailableError as error:  # which a key that is not good is not told
        return None, not error.is_missing
    for record in records:
        if isinstance(record, dict) and key in record:
            return record, True
    return None, False


def _query(obj: InsightlyObject) -> dict[str, str]:
    path = obj.path if obj.path in READ["paths"] else ANY_CUSTOM_OBJECT
    taken = [one["$ref"].rpartition("/")[2] for one in READ["paths"][path]["get"]["parameters"]]
    return {**(_PAGED if "top" in taken else {}), **_OTHERS.get(path, {})}


def _found(obj: InsightlyObject, asked: Future[Response]) -> Found:
    query = _query(obj)
    try:
        response = asked.result()
    except NotAvailableError as error:
        return Found(obj.name, obj.path, is_readable=False, reason=_REASONS[error.status])
    except QuotaExhaustedError:
        reason = "not asked, as the day's requests are used up"
        return Found(obj.name, obj.path, is_readable=None, reason=reason)
    except InsightlyError as error:
        return Found(obj.name, obj.path, is_readable=None, reason=str(error))
    records = response.total if "top" in query else len(response.records)
    if "record_type" in query:
        records = None  # one kind is not all
    return Found(obj.name, obj.path, is_readable=True, records=records)


def _show(account: Account) -> None:
    user, instance, quota = account.user, account.instance, account.quota
    lines = {
        "API key": f"accepted by {account.url}",
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


COMMANDS: tuple[click.Command, ...] = (check,)

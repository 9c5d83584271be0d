"""What the commands about webhooks share: where the store is, moments, how events are shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli.options import root_account
from tap_insightly.cli.server_files import server_file
from tap_insightly.values import before, parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_insightly.webhooks.event import Event
    from tap_insightly.webhooks.store import EventStore, Selection

    Function = Callable[..., Any]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"([0-9]{1,6})([smhdw])")  # of less than 20,000 years


def store_option(function: Function) -> Function:
    """Add the option that names the store, `store`."""
    return click.option(
        "--store",
        envvar="INSIGHTLY_WEBHOOK_STORE",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="The store of webhooks; by default INSIGHTLY_WEBHOOK_STORE, or that of the server.",
    )(function)


def open_store(given: str | None, *, is_writable: bool = False) -> EventStore:
    """Open the store that is meant."""
    from tap_insightly.webhooks.database import StoreError
    from tap_insightly.webhooks.store import EventStore

    path = store_path(given)
    try:
        return EventStore(path, is_writable=is_writable)
    except StoreError as error:
        if path.is_file():
            raise
        msg = (
            f"{error} If it is elsewhere, name it by INSIGHTLY_WEBHOOK_STORE, or the configuration "
            "file of the server by INSIGHTLY_CONFIG."
        )
        raise click.ClickException(msg) from None


def store_path(given: str | None) -> Path:
    """Find out which store is meant."""
    return server_file(given, lambda settings: settings.webhook_store)


def age(text: str) -> timedelta:
    """Read a duration such as ``30d``."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        msg = f"'{text}' is no duration such as 90s, 30m, 12h, 30d or 4w."
        raise click.BadParameter(msg)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str) -> datetime:
    """Read a moment such as ``2026-04-09T16:58:14Z``, or how long ago it was, such as ``2h``."""
    if _AGE.fullmatch(text.strip()):
        return ago(age(text))
    try:
        return parse_moment(text)
    except ValueError:
        msg = f"'{text}' is no moment such as 2026-04-09T16:58:14Z, and no duration such as 2h."
        raise click.BadParameter(msg) from None


def ago(duration: timedelta) -> datetime:
    """Go back from now, as far as there are years."""
    return before(datetime.now(timezone.utc), duration)


def selection_options(function: Function) -> Function:
    """Add options that choose events: `account`, `names` of objects, and `since`."""
    account = click.option(
        "--account", default=root_account, metavar="NAME", help="Only those of this account."
    )
    names = click.option(
        "--object",
        "names",
        multiple=True,
        metavar="OBJECT",
        help="Only those of records of this kind; may be given several times.",
    )
    since = click.option(
        "--since",
        type=moment,
        metavar="TIME",
        help="Only those that came since: 2026-04-09T16:58:14Z, or 2h for two hours.",
    )
    return account(names(since(function)))


def selected(account: str | None, names: tuple[str, ...], since: datetime | None) -> Selection:
    """Choose events by what these options say."""
    from tap_insightly.webhooks.store import Selection

    objects = frozenset(map(_object_name, names)) or None
    return Selection(account=account, object_names=objects, since=since)


def _object_name(name: str) -> str:
    """Take a name in any spelling; those of custom objects are as they are."""
    from tap_insightly.api.records.objects import UnknownObjectError, find_object
    from tap_insightly.openapi.objects import standard_objects
    from tap_insightly.webhooks.event import ANY_CUSTOM_OBJECT_RECORD

    if name == ANY_CUSTOM_OBJECT_RECORD or name.endswith("__c"):
        return name
    try:
        return find_object(name, standard_objects()).name
    except UnknownObjectError as error:
        msg = f"{error} Custom objects are named as in Insightly, such as Fruit__c."
        raise click.UsageError(msg) from None


def as_json(event: Event) -> dict[str, Any]:
    """Write an event with all that is known of it."""
    return {
        "event": event.seq,
        "account": event.account,
        "object": event.object_name,
        "id": event.record_id,
        "updated": event.updated,
        "received": utc_text(event.received),
        "latest": utc_text(event.latest),
        "deliveries": event.deliveries,
        "rejected": event.reason,
        "body": event.body.decode(errors="replace"),
    }


def as_line(event: Event) -> str:
    """Write an event in a line for people."""
    what = f"{event.object_name} {event.record_id}"
    if event.reason is not None:
        what = f"rejected: {event.reason}"
    again = f" ({event.deliveries} deliveries)" if event.deliveries > 1 else ""
    return f"{shown_time(event.latest)} {event.account} event {event.seq}: {what}{again}"


def shown_time(time: datetime) -> str:
    """Write a moment to the second."""
    return utc_text(time.replace(microsecond=0))

"""``insightly webhooks``: what Insightly has delivered, and what becomes of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tap_insightly.cli.arguments import confirm, yes_option
from tap_insightly.cli.commands.webhooks_forward import forward
from tap_insightly.cli.output import echo, format_option, write_line, write_rows, write_table
from tap_insightly.cli.webhook_options import (
    age,
    ago,
    as_json,
    as_line,
    open_store,
    selected,
    selection_options,
    shown_time,
    store_option,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from tap_insightly.webhooks.event import Event
    from tap_insightly.webhooks.outbox import Failure


@click.group()
def webhooks() -> None:
    """Look at what Insightly has delivered, and hand it on.

    `insightly serve` receives it into a store, a file that --store or INSIGHTLY_WEBHOOK_STORE
    names.
    """


@webhooks.command("list")
@store_option
@selection_options
@click.option("--rejected", "is_rejected", is_flag=True, help="Only what was not understood.")
@click.option("--given-up", "is_given_up", is_flag=True, help="Only what nobody took for a day.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="NUMBER",
    help="How many at most; these are the newest.",
)
@format_option()
def list_events(  # noqa: PLR0913 - as click has it
    store: str | None,
    account: str | None,
    names: tuple[str, ...],
    since: datetime | None,
    limit: int,
    *,
    is_rejected: bool,
    is_given_up: bool,
    form: str,
) -> None:
    """List events, the newest last.

    What was not understood is there as it came: --json shows all of it.

    \b
    Examples:
      $ insightly webhooks list --object task --since 7d
      $ insightly webhooks list --rejected --json
      $ insightly webhooks list --given-up
    """
    from tap_insightly.webhooks.outbox import given_up

    selection = selected(account, names, since)
    if is_rejected:
        selection = replace(selection, is_rejected=True)
    with open_store(store) as opened:
        if is_given_up:
            _list_given_up(list(given_up(opened, selection))[-limit:], form)
            return
        events = opened.newest_events(limit, selection)
    write_rows(form, map(as_json, events), lambda: write_table(_HEADINGS, map(_row, events)))


_HEADINGS = ("event", "received", "account", "object", "id", "updated", "came", "rejected")


def _row(event: Event) -> tuple[object, ...]:
    return (
        str(event.seq),
        shown_time(event.received),
        event.account,
        event.object_name,
        None if event.record_id is None else str(event.record_id),
        event.updated,
        event.deliveries,
        event.reason,
    )


def _list_given_up(failures: Sequence[Failure], form: str) -> None:
    rows = (
        {
            "forward": one.forward,
            "tries": one.tries,
            "given_up": shown_time(one.given_up),
            "error": one.error,
            **as_json(one.event),
        }
        for one in failures
    )
    write_rows(form, rows, lambda: _show_given_up(failures))


def _show_given_up(failures: Iterable[Failure]) -> None:
    write_table(
        ("event", "account", "object", "id", "forward", "tries", "given up", "why"),
        (
            (
                str(one.event.seq),
                one.event.account,
                one.event.object_name,
                str(one.event.record_id),
                one.forward,
                one.tries,
                shown_time(one.given_up),
                one.error,
            )
            for one in failures
        ),
    )


@webhooks.command()
@store_option
@selection_options
@click.option(
    "--lines",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="NUMBER",
    help="Begin with so many that are there already.",
)
@click.option(
    "--count", type=click.IntRange(min=1), metavar="NUMBER", help="End after so many events."
)
@click.option("--json", "is_json", is_flag=True, help="Write a line of JSON for each.")
def tail(  # noqa: PLR0913 - as click has it
    store: str | None,
    account: str | None,
    names: tuple[str, ...],
    since: datetime | None,
    lines: int,
    count: int | None,
    *,
    is_json: bool,
) -> None:
    """Show events as they come, until Ctrl-C.

    What comes again is shown again.

    \b
    Examples:
      $ insightly webhooks tail --count 2
    """
    from tap_insightly.webhooks.forwarding import POLL_SECONDS

    selection = selected(account, names, since)
    shown = 0
    with open_store(store) as opened:
        position = opened.standing().position
        events: Iterable[Event] = opened.newest_events(lines, selection)
        while True:
            for event in events:
                write_line(as_json(event)) if is_json else click.echo(as_line(event))
                position, shown = max(position, event.position), shown + 1
                if shown == count:
                    return
            time.sleep(POLL_SECONDS)
            events = opened.events(replace(selection, after_position=position))


@webhooks.command()
@click.argument("seqs", metavar="[EVENT]...", nargs=-1, type=click.IntRange(min=1))
@store_option
@selection_options
@click.option("--rejected", "is_rejected", is_flag=True, help="Only what was not understood.")
def replay(
    seqs: tuple[int, ...],
    store: str | None,
    account: str | None,
    names: tuple[str, ...],
    since: datetime | None,
    *,
    is_rejected: bool,
) -> None:
    """Hand events on again, to all who are told of them.

    EVENT is a number that list shows. What was not understood is looked at again first: a newer
    version may know what it is. The next sync asks for the streams of all of them.

    \b
    Examples:
      $ insightly webhooks replay 1 2
      $ insightly webhooks replay --rejected
      $ insightly webhooks replay --since 2h --object task
    """
    from tap_insightly.webhooks.events import understand
    from tap_insightly.webhooks.store import EVERYTHING

    selection = selected(account, names, since)
    if is_rejected:
        selection = replace(selection, is_rejected=True)
    if seqs:
        selection = replace(selection, seqs=frozenset(seqs))
    if selection == EVERYTHING:
        msg = "Say which: the numbers of events, --since, --object, --account or --rejected."
        raise click.UsageError(msg)
    with open_store(store, is_writable=True) as opened:
        _check_that_there_are(opened.events(replace(EVERYTHING, seqs=selection.seqs)), seqs)
        done = opened.replay(selection, understand)
    echo(f"Handed on again: {done.again:,}.")
    if done.understood:
        echo(f"Understood, other than before: {done.understood:,}.")
    if done.rejected:
        echo(f"Not understood: {done.rejected:,}, see insightly webhooks list --rejected")


def _check_that_there_are(events: Iterable[Event], seqs: tuple[int, ...]) -> None:
    missing = set(seqs) - {event.seq for event in events} if seqs else set()
    if missing:
        msg = f"There is no event {', '.join(map(str, sorted(missing)))}."
        raise click.UsageError(msg)


@webhooks.command()
@store_option
@click.option(
    "--older-than",
    "duration",
    required=True,
    type=age,
    metavar="AGE",
    help="How long ago the last delivery was: 12h, 30d or 4w.",
)
@click.option("--rejected", "is_rejected", is_flag=True, help="Also what was not understood.")
@yes_option
def prune(store: str | None, duration: timedelta, *, is_rejected: bool, is_sure: bool) -> None:
    """Delete old events.

    What was not understood stays, unless --rejected is given, and so does what is still to be
    handed on. Asks first at a terminal, and needs --yes elsewhere.

    \b
    Examples:
      $ insightly webhooks prune --older-than 30d --yes
    """
    from tap_insightly.webhooks.outbox import forward_standings

    before = ago(duration)
    with open_store(store, is_writable=True) as opened:
        count = opened.count_old(before, is_with_rejected=is_rejected)
        if count:
            confirm(f"Delete {count:,} events from before {shown_time(before)}", is_sure=is_sure)
            count = opened.prune(before, is_with_rejected=is_rejected)
        echo(f"Deleted: {count:,}.")
        for one in forward_standings(opened):
            if one.ahead or one.waiting:
                echo(f"Kept is what {one.name} still has to hand on: {one.ahead + one.waiting:,}.")


webhooks.add_command(forward)


@webhooks.command()
@store_option
@format_option()
def forwards(store: str | None, *, form: str) -> None:
    """List who is told of events, and how far.

    \b
    Examples:
      $ insightly webhooks forwards
    """
    from tap_insightly.webhooks.outbox import forward_standings

    with open_store(store) as opened:
        found = forward_standings(opened)
    cells = [(one.name, one.ahead, one.waiting, one.given_up) for one in found]
    headings = ("name", "to come", "waiting", "given up")
    write_rows(form, map(vars, found), lambda: write_table(headings, cells))


@webhooks.command()
@click.argument("name", metavar="NAME")
@store_option
@yes_option
def forget(name: str, store: str | None, *, is_sure: bool) -> None:
    """Forget one who was told of events, and what it still has to be told of.

    NAME is one that forwards lists. Asks first at a terminal, and needs --yes elsewhere.

    \b
    Examples:
      $ insightly webhooks forget orchestrator --yes
    """
    from tap_insightly.webhooks.outbox import forget_forward, forward_standings

    with open_store(store, is_writable=True) as opened:
        known = [one.name for one in forward_standings(opened)]
        if name not in known:
            msg = f"There is no forward '{name}'. There are: {', '.join(known) or 'none'}."
            raise click.UsageError(msg)
        confirm(f"Forget {name}", is_sure=is_sure)
        forget_forward(opened, name)
    echo(f"The forward '{name}' is forgotten.")

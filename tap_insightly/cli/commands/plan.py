"""``insightly plan``: what a sync would cost, before it is run."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from tap_insightly.cli.given_settings import PREFIX
from tap_insightly.cli.options import with_settings
from tap_insightly.cli.output import echo, format_option, write_rows, write_table
from tap_insightly.given_files import content_of
from tap_insightly.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.api import Quota
    from tap_insightly.cli.unread_tap import UnreadTap
    from tap_insightly.sync.estimate import Cost

MINUTE, HOUR = 60, 3600  # seconds
SMALLEST = 0.1  # percent, as far as shares are told
_FEW = 100  # of a unit of time, before the next one is easier to read


@dataclass(frozen=True)
class Plan:
    """What a sync would cost."""

    streams: Sequence[Cost]
    discovery: int
    """Requests that tell what there is to read: custom fields, where there is no catalog, and
    custom objects."""
    requests: int
    """All requests."""
    seconds: float
    """How long that takes at the rate that is allowed."""
    requests_per_second: float
    quota: Mapping[str, int | None]
    """The day's requests: their ``limit``, how many are ``remaining``, and how many of these are
    kept in ``reserve``."""
    asked: int
    """Requests that it took to find this out."""

    @property
    def is_too_much(self) -> bool:
        """Whether the requests that are left today do not suffice, as far as is known."""
        remaining, reserve = self.quota["remaining"], self.quota["reserve"] or 0
        return remaining is not None and self.requests > remaining - reserve


@click.command("plan")
@click.option("--catalog", type=click.File("rb"), help="A catalog, as for the tap.")
@click.option("--state", type=click.File("rb"), help="A state, as for the tap.")
@with_settings(SETTINGS)
@format_option()
def plan(
    config: dict[str, Any], *, catalog: BinaryIO | None, state: BinaryIO | None, form: str
) -> None:
    """Say what a sync would cost, before it is run.

    Takes the settings, the catalog and the state of tap-insightly, and asks each list once how
    many records it has. Comments, files and the like are asked for record by record: their
    records are those that are asked about. Figures are upper bounds, unless a record has more
    than 500 comments or files, these are refused, requests have to be repeated, or something was
    deleted that detect_deletes is to find. Insightly may allow an account fewer requests a second
    than are reckoned with.

    \b
    Examples:
      $ insightly plan
      $ insightly plan --catalog catalog.json --state state.json --detect-deletes
    """
    found = plan_sync(config, content_of(catalog, "catalog"), content_of(state, "state"))
    whole = asdict(found)
    write_rows(form, whole["streams"], lambda: _show(found), whole=whole)
    if found.is_too_much:
        _warn(found)


def plan_sync(
    config: Mapping[str, Any],
    catalog: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
) -> Plan:
    """Find out what a sync would cost."""
    tap = unread(config, catalog, state)
    try:
        return _plan(tap, config)
    finally:
        tap.close()


def unread(
    config: Mapping[str, Any], catalog: dict[str, Any] | None, state: dict[str, Any] | None
) -> UnreadTap:
    """Make a tap of which nothing is read."""
    from singer_sdk.exceptions import ConfigValidationError

    from tap_insightly.cli.unread_tap import UnreadTap
    from tap_insightly.environment import VariablesError, from_environment

    schema = {"properties": dict(UnreadTap.config_jsonschema["properties"])}
    UnreadTap.append_builtin_config(schema)
    made = {name: value for name, value in config.items() if value is not None}
    try:
        # Those of the SDK too: a stream that is written in batches is read by itself. None of the
        # others, as an account may be meant that has no part of them.
        types = {name: one["type"] for name, one in schema["properties"].items()}
        variables = from_environment(PREFIX, types, SETTINGS)
        made |= {name: one for name, one in variables.items() if name not in config}
        with warnings.catch_warnings():
            # The SDK's notice about an old Python is for those who run the tap.
            warnings.simplefilter("ignore", FutureWarning)
            return UnreadTap(config=made, catalog=catalog, state=state, setup_mapper=False)
    except VariablesError as error:
        raise click.UsageError(" ".join(error.problems)) from None
    except ConfigValidationError as error:
        raise click.UsageError(" ".join(error.errors)) from None


def _plan(tap: UnreadTap, config: Mapping[str, Any]) -> Plan:
    from tap_insightly.sync.estimate import estimate_costs

    run = tap.run
    syncs = run.plan()
    discovery = tap.discovery  # before anything else is sent
    costs = estimate_costs(syncs, run.ask, run.now)
    requests = discovery + sum(cost.requests for cost in costs)
    quota: Quota = run.session.quota
    rate = config["requests_per_second"]
    return Plan(
        costs,
        discovery,
        requests,
        round(requests / rate, 1),
        rate,
        {
            "limit": quota.limit,
            "remaining": quota.remaining,
            "reserve": config["quota_reserve"],
        },
        run.session.stats.requests,
    )


def _show(found: Plan) -> None:
    rows: list[tuple[object, ...]] = []
    if found.discovery:
        rows.append(("discovery", None, None, found.discovery, "what there is to read"))
    for cost in found.streams:
        notes = "; ".join(dict.fromkeys(cost.notes))
        rows.append((cost.stream, cost.since, cost.records, cost.requests, notes))
    rows.append(("total", None, None, found.requests, None))
    write_table(("stream", "since", "records", "requests", "note"), rows)
    click.echo()
    click.echo(_sentence(found))


def _sentence(found: Plan) -> str:
    limit, remaining = found.quota["limit"], found.quota["remaining"]
    parts = [
        f"{found.requests:,} requests",
        f"about {_duration(found.seconds)} at {found.requests_per_second:g} requests a second",
    ]
    if limit:
        share = 100 * found.requests / limit
        less = "less than " if 0 < share < SMALLEST else ""
        parts.append(f"{less}{max(share, SMALLEST) if less else share:.1f} % of the day's quota")
    if remaining is not None:
        parts.append(f"{remaining:,} left")
    return f"{', '.join(parts)}."


def _duration(seconds: float) -> str:
    if seconds <= _FEW * MINUTE:
        unit, number = ("minute", seconds / MINUTE) if seconds > _FEW else ("second", seconds)
        whole = max(1, round(number))
        return f"{whole} {unit}{'s' if whole > 1 else ''}"
    return f"{seconds / HOUR:,.1f} hours"


def _warn(found: Plan) -> None:
    remaining, reserve = found.quota["remaining"] or 0, found.quota["reserve"] or 0
    kept = f", of which quota_reserve keeps {reserve:,}" if reserve else ""
    echo(
        f"Warning: {found.requests:,} requests are more than what is left today: "
        f"{remaining:,}{kept}. A sync stops when that is used up; the next one goes on from the "
        "state written so far."
    )

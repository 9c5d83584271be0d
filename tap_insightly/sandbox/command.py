"""The command ``insightly-sandbox``."""

from __future__ import annotations

import ipaddress
import sys
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.sandbox import MissingPackagesError
from tap_insightly.sandbox.account.account import DEFAULT_KEY
from tap_insightly.sandbox.account.faults import DAILY_QUOTA, Faults
from tap_insightly.sandbox.account.habits import EVERYWHERE
from tap_insightly.sandbox.errors import SHAPES
from tap_insightly.sandbox.webhooks.receiver import ReceiverError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.option("--port", default=8080, show_default=True, help="Port; 0 for any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--records",
    default=5000,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="How many contacts; other objects come in proportion.",
)
@click.option(
    "--plan",
    default="enterprise",
    show_default=True,
    type=click.Choice(["enterprise", "professional"]),
    help="The plan; professional leaves some objects out.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same data.")
@click.option(
    "--empty",
    "is_empty",
    is_flag=True,
    help="An account with settings only, and with other ids: one to copy into.",
)
@click.option("--api-key", default=DEFAULT_KEY, show_default=True, help="The key to accept.")
@click.option("--latency", default=0.0, type=click.FloatRange(0), help="Seconds to add to answers.")
@click.option(
    "--requests-per-second", type=click.FloatRange(0.1), help="Answer 429 to more than this."
)
@click.option(
    "--daily-quota",
    default=DAILY_QUOTA,
    show_default=True,
    type=click.IntRange(0),
    help="Requests until everything is 429.",
)
@click.option(
    "--page-cap", type=click.IntRange(1), help="Hand out at most this many records a page."
)
@click.option("--no-totals", is_flag=True, help="Never say how long a list is.")
@click.option(
    "--record-bytes", type=click.IntRange(1), help="Make every record this large, by a long text."
)
@click.option(
    "--error-shape",
    default="Message",
    show_default=True,
    type=click.Choice(SHAPES),
    help="How the reason of a refusal is told.",
)
@click.option(
    "--error-rate", default=0.0, type=click.FloatRange(0, 1), help="The share that answer 50x."
)
@click.option(
    "--lost-rate",
    default=0.0,
    type=click.FloatRange(0, 1),
    help="The share that are carried out, and whose answer is lost.",
)
@click.option(
    "--faults-only-on",
    multiple=True,
    type=click.Choice(["GET", "POST", "PUT", "DELETE"]),
    help="Confine these shares to a method; can be given more than once.",
)
@click.option(
    "--record-limit", type=click.IntRange(0), help="Answer 402 to more records of an object."
)
@click.option(
    "--requires-all", is_flag=True, help="Refuse records that lack what gets a default otherwise."
)
@click.option("--assigns-owner", type=int, help="The user who owns every new record, by id.")
@click.option("--trims-text", is_flag=True, help="Cut outer spaces off what is written.")
@click.option("--sorts-options", is_flag=True, help="Store options of multi-selects sorted.")
@click.option("--nulls-are-false", is_flag=True, help="Store false for a BIT that is written null.")
@click.option(
    "--search-lag",
    default=0.0,
    type=click.FloatRange(0),
    help="Seconds for which searches do not see what was written.",
)
@click.option("--search-ignores-case", is_flag=True, help="Search texts in any case.")
@click.option("--search-ignores-spaces", is_flag=True, help="Search texts but for outer spaces.")
@click.option("--search-ignores-field", is_flag=True, help="Search by date only.")
@click.option(
    "--webhook",
    "webhooks",
    metavar="URL",
    multiple=True,
    help="Send what is made and changed there, such as to "
    "http://user:password@127.0.0.1:8750/webhooks/acme; can be given more than once.",
)
@click.option(
    "--webhook-object",
    "webhook_objects",
    metavar="PATH",
    multiple=True,
    help="Confine webhooks to the list at a path, such as /Tasks; can be given more than once.",
)
@click.option(
    "--webhook-custom-fields",
    default="array",
    show_default=True,
    type=click.Choice(["array", "columns", "none"]),
    help="Where custom fields are in a webhook.",
)
@click.option(
    "--webhook-timeout",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds that a receiver may be silent.",
)
@click.option(
    "--webhook-pauses",
    default=(1.0, 5.0),
    show_default=True,
    type=(click.FloatRange(0), click.FloatRange(0)),
    help="Seconds before the second and the third attempt; then a webhook is dropped.",
)
@click.option(
    "--webhook-loss",
    default=0.0,
    type=click.FloatRange(0, 1),
    help="The share of webhooks that are never sent.",
)
@click.option(
    "--webhook-repeats",
    default=0.0,
    type=click.FloatRange(0, 1),
    help="The share of webhooks that are sent twice.",
)
@click.option(
    "--webhook-delay",
    default=0.0,
    type=click.FloatRange(0),
    help="Seconds between a write and its webhook.",
)
@click.option(
    "--webhook-jitter",
    default=0.0,
    type=click.FloatRange(0),
    help="Up to how many seconds more, by chance, so that webhooks come out of order.",
)
def main(  # noqa: PLR0913 - one for each option that is no habit
    *,
    port: int,
    host: str,
    records: int,
    plan: str,
    seed: int,
    is_empty: bool,
    api_key: str,
    no_totals: bool,
    faults_only_on: Sequence[str],
    webhooks: Sequence[str],
    webhook_objects: Sequence[str],
    **habits: Any,  # noqa: ANN401 - each as `Faults` has it
) -> None:
    """Run an Insightly on this machine, with data that is made up."""
    try:
        from tap_insightly.sandbox import Sandbox  # noqa: PLC0415 - its packages may be missing
    except MissingPackagesError as error:
        sys.exit(str(error))
    try:
        sandbox = Sandbox(
            records, plan=plan, seed=seed, api_key=api_key, is_empty=is_empty, webhooks=webhooks
        )
    except ReceiverError as error:
        raise click.BadParameter(str(error), param_hint="'--webhook'") from None
    unknown = sorted(set(webhook_objects) - set(sandbox.paths))
    if unknown:
        msg = f"There is no list at {unknown[0]}."
        raise click.BadParameter(msg, param_hint="'--webhook-object'")
    sandbox.webhooks.on_drop = _say
    sandbox.faults = Faults(
        totals={EVERYWHERE: None} if no_totals else {},
        faults_only_on=set(faults_only_on),
        webhook_objects=set(webhook_objects) or None,
        **habits,
    )
    try:
        sandbox.start(host, port)
    except OSError as error:
        # What Python adds to the reason is the address once more.
        reason = str(error.strerror).partition(" (while attempting")[0]
        msg = f"Cannot listen on {host}, port {port}: {reason}."
        raise click.ClickException(msg) from None
    total = sum(sandbox.count(path) for path in sandbox.paths)
    click.echo(f"Insightly sandbox at {sandbox.api_url}: {total:,} records, plan {plan}.", err=True)
    if not _is_this_machine(host):
        click.echo(f"Warning: {host} can be reached from other machines.", err=True)
    for url in sandbox.webhooks.receivers:
        click.echo(f"What is made and changed is sent to {url}.", err=True)
    click.echo("Read it with:", err=True)
    click.echo(
        f"  TAP_INSIGHTLY_API_KEY={api_key} TAP_INSIGHTLY_API_URL={sandbox.api_url} "
        "tap-insightly --config=ENV",
        err=True,
    )
    click.echo("Ctrl-C stops it.", err=True)
    try:
        sandbox.wait()
    except KeyboardInterrupt:
        sandbox.stop()


def _say(text: str) -> None:
    click.echo(text, err=True)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

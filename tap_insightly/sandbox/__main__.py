"""Start the sandbox: ``python -m tap_insightly.sandbox``."""

from __future__ import annotations

import ipaddress
import sys
from typing import TYPE_CHECKING

import click

try:
    from tap_insightly.sandbox import DEFAULT_KEY, Faults, Sandbox
    from tap_insightly.sandbox.errors import SHAPES
    from tap_insightly.sandbox.faults import DAILY_QUOTA
    from tap_insightly.sandbox.habits import EVERYWHERE
except ModuleNotFoundError as error:
    if error.name not in {"starlette", "uvicorn"}:
        raise
    sys.exit("The sandbox needs more packages: pip install 'tap-insightly[sandbox]'")

if TYPE_CHECKING:
    from tap_insightly.sandbox.errors import ErrorShape


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
def main(  # noqa: PLR0913, PLR0917 - one for each option
    port: int,
    host: str,
    records: int,
    plan: str,
    seed: int,
    is_empty: bool,  # noqa: FBT001 - an option that is a flag
    api_key: str,
    latency: float,
    requests_per_second: float | None,
    daily_quota: int,
    page_cap: int | None,
    no_totals: bool,  # noqa: FBT001 - as above
    record_bytes: int | None,
    error_shape: ErrorShape,
) -> None:
    """Run an Insightly on this machine, with data that is made up."""
    sandbox = Sandbox(records, plan=plan, seed=seed, api_key=api_key, is_empty=is_empty)
    sandbox.faults = Faults(
        latency=latency,
        requests_per_second=requests_per_second,
        daily_quota=daily_quota,
        page_cap=page_cap,
        totals={EVERYWHERE: None} if no_totals else {},
        record_bytes=record_bytes,
        error_shape=error_shape,
    )
    try:
        sandbox.start(host, port)
    except OSError as error:
        msg = f"Cannot listen on {host}, port {port}: {error.strerror}."
        raise click.ClickException(msg) from None
    total = sum(sandbox.count(path) for path in sandbox.paths)
    click.echo(f"Insightly sandbox at {sandbox.api_url}: {total:,} records, plan {plan}.", err=True)
    if not _is_this_machine(host):
        click.echo(f"Warning: {host} can be reached from other machines.", err=True)
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


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    main(prog_name="python -m tap_insightly.sandbox")

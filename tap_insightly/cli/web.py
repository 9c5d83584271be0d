"""The page of a record in Insightly itself, for a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient

VARIABLE = "INSIGHTLY_WEB_URL"
# As other people's published programs have it, for leads, opportunities and projects at na1. That
# other pods and other objects have such addresses, too, is assumed.
ADDRESS = "https://crm.{pod}.insightly.com/details/{object}/{id}"
_POD = re.compile(r"https://api\.([^./]+)\.insightly\.com/.*", re.IGNORECASE)
_PARTS = ("pod", "object", "id")


def page_of(client: InsightlyClient, object_name: str, record_id: int, given: str | None) -> str:
    """Write the address of the page of a record, by an address with ``{object}`` and ``{id}``."""
    pod = _POD.fullmatch(client.session.base_url)
    if given is None and pod is None:
        msg = (
            f"{client.session.base_url} does not tell where the pages of Insightly are. Say it by "
            f"{VARIABLE}, such as {ADDRESS.replace('{pod}', 'na1')}"
        )
        raise click.UsageError(msg)
    name = quote(client.object(object_name).name)
    values = dict(zip(_PARTS, (pod[1] if pod else "", name, str(record_id)), strict=True))
    return re.sub(r"\{(pod|object|id)\}", lambda match: values[match[1]], given or ADDRESS)


def open_page(address: str) -> None:
    """Open a page in the browser; write its address where there is none."""
    import webbrowser

    if not address.startswith(("https://", "http://")):  # nothing but a page is opened
        msg = f"{VARIABLE} is no address of a page: {address!r}."
        raise click.UsageError(msg)
    try:
        is_open = webbrowser.open(address)
    except (webbrowser.Error, OSError):
        is_open = False
    if is_open:
        click.echo(f"Opened {address}", err=True)
    else:
        click.echo(address)

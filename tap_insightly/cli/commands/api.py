"""``insightly api``: any endpoint, with the same key, pace, quota and retries as all commands."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import click

from tap_insightly.api.http.request import Request
from tap_insightly.cli.arguments import (
    confirm,
    file_name,
    parse_assignments,
    read_json,
    read_text,
    yes_option,
)
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import format_option, write_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.api import InsightlyClient, Response

_JSON = "application/json"
_BYTES = "application/octet-stream"  # the only other type that the API takes (spec)
_IN_QUERY = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})  # methods whose fields are parameters
# Files and images come as they are (spec). All else is JSON; an answer that is not JSON, such as
# the page of a proxy, is a failure.
_FILE = re.compile(r"/FileAttachments/\d+|.*/Image|.*/ImageField/[^/]+", re.IGNORECASE)
_KEPT_IN_PATHS = "!$%&'()*+,/:;=@[]~"  # they need no quoting there (RFC 3986)


@dataclass(frozen=True)
class _Content:
    """What to send, as it was typed."""

    fields: Sequence[str]
    json_fields: Sequence[str]
    parts: Sequence[str]
    file: IO[bytes] | None
    binary: IO[bytes] | None

    def texts(self) -> dict[str, str]:
        """Collect all fields as texts, for a query."""
        return parse_assignments(chain(self.fields, self.json_fields))

    def values(self) -> dict[str, Any]:
        """Collect all fields as values, for a body."""
        names = parse_assignments(self.json_fields)
        return {
            name: read_json(text, name) if name in names else text
            for name, text in self.texts().items()
        }

    def body(self) -> tuple[bytes, str] | None:
        """Read the body and its type, if it is given as a whole."""
        if sum(bool(one) for one in (self.parts, self.file, self.binary)) > 1:
            msg = "--file, --form and --binary are three bodies; a request has one."
            raise click.UsageError(msg)
        if self.parts:
            from urllib3 import encode_multipart_formdata

            parts = parse_assignments(self.parts).items()
            return encode_multipart_formdata([_part(name, text) for name, text in parts])
        if self.binary:
            return self.binary.read(), _BYTES
        if self.file:
            text = read_text(self.file)
            read_json(text, file_name(self.file))
            return text.encode(), _JSON
        return None


def _part(name: str, text: str) -> tuple[str, Any]:
    if not text.startswith("@"):
        return name, text
    path = Path(text[1:])
    try:
        return name, (path.name, path.read_bytes())
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise click.UsageError(msg) from None


def _method(_: click.Context, __: click.Parameter, text: str) -> str:
    if not re.fullmatch("[A-Za-z]+", text):
        msg = f"'{text}' is no method; GET, POST, PUT and DELETE are."
        raise click.BadParameter(msg)
    return text.upper()


def _address(_: click.Context, __: click.Parameter, text: str) -> tuple[str, dict[str, str]]:
    """Split a path from its query, and refuse one that leads away from the address that is set."""
    path, *query = text.split("?", 1)
    if path.startswith("//") or re.match(r"/*[A-Za-z][A-Za-z0-9+.-]*:", path):
        msg = (
            f"'{_without_user(path)}' is a whole address. Give the path alone, such as /Contacts: "
            "the key goes to the address that is set, to no other."
        )
        raise click.BadParameter(msg)
    if ".." in unquote(path).split("/"):
        msg = "A path with '..' in it leads out of the address that is set."
        raise click.BadParameter(msg)
    path = "/" + quote(path.lstrip("/"), safe=_KEPT_IN_PATHS)
    return path, dict(parse_qsl("".join(query), keep_blank_values=True))


def _without_user(address: str) -> str:
    """Hide what comes before the host: it may be a key."""
    return address.rpartition("@")[2]


@click.command("api")
@click.argument("method", metavar="METHOD", callback=_method)
@click.argument("address", metavar="PATH", callback=_address)
@click.option(
    "-f", "--field", "fields", multiple=True, metavar="NAME=VALUE", help="A field, as text."
)
@click.option(
    "-j",
    "--json-field",
    "json_fields",
    multiple=True,
    metavar="NAME=JSON",
    help="A field, as JSON: a number, true, null, a list, an object.",
)
@click.option(
    "-F", "--file", type=click.File("rb"), metavar="FILE", help="JSON to send; - for stdin."
)
@click.option(
    "--form",
    "parts",
    multiple=True,
    metavar="NAME=VALUE",
    help="A part of a form to send; NAME=@FILE for a file.",
)
@click.option(
    "--binary", type=click.File("rb"), metavar="FILE", help="A file to send as it is; - for stdin."
)
@click.option("--if-match", metavar="ETAG", help="Only if the record still has this version.")
@click.option("--paginate", is_flag=True, help="Read all pages of a list, as one array.")
@format_option("json")
@click.option("-i", "--include", is_flag=True, help="Write status and headers before the body.")
@click.option(
    "-o",
    "--output",
    type=click.File("wb"),
    metavar="FILE",
    help="Write the answer to a file, as it is.",
)
@yes_option
@with_client
def api(  # noqa: PLR0913 - the options of a command
    client: InsightlyClient,
    method: str,
    address: tuple[str, dict[str, str]],
    *,
    if_match: str | None,
    paginate: bool,
    form: str,
    include: bool,
    output: IO[bytes] | None,
    is_sure: bool,
    **given: Any,  # noqa: ANN401 - what `_Content` has
) -> None:
    """Call any endpoint, and write what it answers.

    PATH is below the address of the API, such as /Contacts or Contacts/301/Links?top=5. Fields
    (-f, -j) are parameters of the query with GET and DELETE, and of the body otherwise; with a body
    of another kind, they are parameters, too.

    Everything but GET, HEAD and OPTIONS asks first at a terminal, and needs --yes elsewhere.
    JSON is written so that it can be read; files and images as they are.

    \b
    Examples:
      $ insightly api GET /Contacts -f top=2 -f brief=true
      $ insightly api GET '/Leads/Search?updated_after_utc=2026-01-01' --paginate --jsonl
      $ insightly api PUT /Contacts -j CONTACT_ID=301 -f TITLE=Countess --yes
    """
    request = _request(method, address, _Content(**given), if_match)
    if paginate:
        if method != "GET" or include or output:
            msg = "--paginate is for GET, and writes records: without --include and --output."
            raise click.UsageError(msg)
        _write_pages(client, request, form)
        return
    if not request.is_reading:
        host = urlsplit(client.session.base_url).netloc
        confirm(f"{method} {request.path} to {host}", is_sure=is_sure)
    is_file = output is not None or _is_file(request)
    response = client.session.send(replace(request, is_json=not is_file))
    if include:
        _write_head(response)
    if output is not None:
        output.write(response.body)
    elif is_file:
        click.echo(response.body, nl=False)
    elif response.data is not None:
        from tap_insightly.cli.formats import write_answer

        write_answer(response.data, form)


def _request(
    method: str, address: tuple[str, dict[str, str]], given: _Content, if_match: str | None
) -> Request:
    path, params = address
    content = given.body()
    if content is None and method not in _IN_QUERY:
        request = Request.with_json(method, path, given.values() or None, if_match=if_match)
        return replace(request, params=params)
    request = Request.with_json(method, path, if_match=if_match)
    request = replace(request, params=params | given.texts())
    if content is None:
        return request
    body, kind = content
    return replace(request, body=body, headers={**request.headers, "Content-Type": kind})


def _is_file(request: Request) -> bool:
    """Tell whether a request is answered with the content of a file."""
    wants_json = request.params.get("format", "").lower() == "json"  # what is known of it (spec)
    return request.method == "GET" and bool(_FILE.fullmatch(request.path)) and not wants_json


def _write_pages(client: InsightlyClient, request: Request, form: str) -> None:
    from tap_insightly.api import OffsetPaginator, PagedRequest, Prefetcher
    from tap_insightly.cli.formats import write_pages

    paginator = OffsetPaginator([_key(client, request.path)])
    paged_request = PagedRequest(request.path, request.params, paginator=paginator)
    with Prefetcher(client.session) as prefetcher:
        pages = (page.records for page in prefetcher.read(paged_request))
        if form in {"table", "csv"}:
            write_pages(pages, form)
        else:
            write_list(chain.from_iterable(pages), is_lines=form == "jsonl")


def _key(client: InsightlyClient, path: str) -> str:
    """Find the field with the id, so that pages can be read ahead; nothing if it is not known."""
    from tap_insightly.api import UnknownObjectError

    name, _, rest = path[1:].partition("/")
    if rest.lower() not in {"", "search"}:
        return ""
    try:
        return client.object(name).key or ""
    except UnknownObjectError:
        return ""


def _write_head(response: Response) -> None:
    try:
        words = HTTPStatus(response.status).phrase
    except ValueError:  # an unknown status
        words = ""
    click.echo(f"HTTP/1.1 {response.status} {words}".rstrip())
    for name, value in response.headers.items():
        click.echo(f"{name}: {value}")
    click.echo()

"""What is done to a record besides its fields: links, notes, tags, stages and states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tap_insightly.api import Request
from tap_insightly.cli.arguments import (
    dry_run_option,
    id_only_option,
    object_and_id,
    show,
    text_of,
    write_record,
)
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo, write_json
from tap_insightly.cli.stages import STATES, able, staging, stating

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


def _send(client: InsightlyClient, request: Request, *, is_dry: bool, done: str = "") -> None:
    """Send a request and write what is answered, or show it.

    Args:
        client: Who sends it.
        request: The request.
        is_dry: Whether to send nothing.
        done: What to say once it is done, if that is not answered.
    """
    if is_dry:
        show(client, request)
        return
    response = client.session.send(request)
    if response.data is not None:
        write_json(response.data)
    elif done:
        echo(done)


@click.command()
@object_and_id
@click.argument("other_name", metavar="OTHER")
@click.argument("other_id", metavar="OTHER_ID", type=click.IntRange(min=1))
@click.option("--role", metavar="TEXT", help="What the other is to the record.")
@click.option("--details", metavar="TEXT", help="More about it.")
@click.option(
    "--relationship",
    "relationship_id",
    type=click.IntRange(min=1),
    metavar="ID",
    help="The kind of relation; see `insightly get relationships`.",
)
@dry_run_option
@with_client
def link(
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    other_name: str,
    other_id: int,
    *,
    is_dry: bool,
    **about: Any,  # noqa: ANN401 - as the library has them
) -> None:
    """Link a record to another, unless it is already.

    Writes the link, with the LINK_ID that `unlink` takes.

    \b
    Examples:
      $ insightly link contact 301 organisation 301 --role Advisor --dry-run
      $ insightly link task 301 project 301 --dry-run
    """  # noqa: D301 - click takes the character, which is no backslash
    if is_dry:
        show(
            client, client.build_link_request(object_name, record_id, other_name, other_id, **about)
        )
        return
    write_json(client.link(object_name, record_id, other_name, other_id, **about))


@click.command()
@object_and_id
@click.argument("link_id", metavar="LINK_ID", type=click.IntRange(min=1))
@dry_run_option
@with_client
def unlink(
    client: InsightlyClient, object_name: str, record_id: int, link_id: int, *, is_dry: bool
) -> None:
    """Remove a link of a record.

    LINK_ID is in the LINKS of the record.

    \b
    Examples:
      $ insightly unlink contact 301 12 --dry-run
    """  # noqa: D301 - as above
    obj = able(client, object_name, "Links", "links")
    request = Request("DELETE", obj.path_of(record_id, "Links", link_id))
    _send(client, request, is_dry=is_dry, done=f"Link {link_id} is removed.")


@click.group()
def note() -> None:
    """Add notes to records."""


@note.command("add")
@object_and_id
@click.option("--title", required=True, metavar="TEXT", help="The title of the note.")
@click.option("--body", default="", metavar="TEXT", help="Text or HTML; - for stdin.")
@dry_run_option
@id_only_option
@with_client
def note_add(  # noqa: PLR0913 - the options of a command
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    *,
    title: str,
    body: str,
    is_dry: bool,
    is_brief: bool,
) -> None:
    """Add a note to a record, and write it.

    \b
    Examples:
      $ insightly note add contact 301 --title 'Met in London' --body 'Will call on Monday.'
    """  # noqa: D301 - as above
    text = body
    if body == "-":
        text = text_of(click.open_file("-", "rb")).replace("\r\n", "\n")
    if is_dry:
        show(client, client.build_note_request(object_name, record_id, title, text))
        return
    made = client.add_note(object_name, record_id, title, text)
    write_record(made, "NOTE_ID", is_brief=is_brief)


@click.group()
def stage() -> None:
    """Move records through their pipelines."""


@stage.command("set")
@object_and_id
@click.argument("name", metavar="STAGE")
@click.option("--pipeline", metavar="PIPELINE", help="Put it into this pipeline, an id or a name.")
@dry_run_option
@with_client
def stage_set(
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    name: str,
    *,
    pipeline: str | None,
    is_dry: bool,
) -> None:
    """Move an opportunity, a project or a lead to a stage.

    STAGE is an id or a name; a name is looked for in the pipeline that the record is in. A record
    that is in none goes into the pipeline of the stage. Leads do not tell which they are in, so
    there a name has to be the only one, or --pipeline given.

    \b
    Examples:
      $ insightly stage set opportunity 301 Negotiation --pipeline 'Sales' --dry-run
    """  # noqa: D301 - as above
    _send(client, staging(client, object_name, record_id, name, pipeline), is_dry=is_dry)


@click.group()
def state() -> None:
    """Change the states of opportunities."""


@state.command("set")
@object_and_id
@click.argument("name", metavar="STATE", type=click.Choice(STATES, case_sensitive=False))
@click.option("--reason", metavar="REASON", help="One of the account's reasons, an id or a text.")
@dry_run_option
@with_client
def state_set(
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    name: str,
    *,
    reason: str | None,
    is_dry: bool,
) -> None:
    """Say that an opportunity is open, won, lost, abandoned or suspended.

    The reasons are those of `insightly get opportunitystatereasons`.

    \b
    Examples:
      $ insightly state set opportunity 301 won
    """  # noqa: D301 - as above
    _send(client, stating(client, object_name, record_id, name, reason), is_dry=is_dry)


@click.group()
def tag() -> None:
    """Add tags to records, and remove them."""


@tag.command("add")
@object_and_id
@click.argument("name", metavar="NAME")
@dry_run_option
@with_client
def tag_add(
    client: InsightlyClient, object_name: str, record_id: int, name: str, *, is_dry: bool
) -> None:
    """Add a tag to a record, unless it has it.

    \b
    Examples:
      $ insightly tag add contact 301 vip
    """  # noqa: D301 - as above
    obj = able(client, object_name, "Tags", "tags")
    path = obj.path_of(record_id, "Tags")
    # What happens to a tag that is added twice is not known, so it is looked for first.
    tags = client.request("GET", path).data or []
    if any(one.get("TAG_NAME") == name for one in tags):
        echo(f"{obj.name} {record_id} has the tag '{name}' already.")
        return
    _send(client, Request.with_json("POST", path, {"TAG_NAME": name}), is_dry=is_dry)


@tag.command("remove")
@object_and_id
@click.argument("name", metavar="NAME")
@dry_run_option
@with_client
def tag_remove(
    client: InsightlyClient, object_name: str, record_id: int, name: str, *, is_dry: bool
) -> None:
    """Remove a tag of a record.

    \b
    Examples:
      $ insightly tag remove contact 301 vip
    """  # noqa: D301 - as above
    path = able(client, object_name, "Tags", "tags").path_of(record_id, "Tags")
    request = Request.with_json("DELETE", path, {"TAG_NAME": name})
    _send(client, request, is_dry=is_dry, done=f"The tag '{name}' is removed.")


COMMANDS: tuple[click.Command, ...] = (link, unlink, note, stage, state, tag)

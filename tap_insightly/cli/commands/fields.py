"""``insightly fields``: what records hold, and how it is written."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli.arguments import object_argument
from tap_insightly.cli.options import with_settings
from tap_insightly.cli.output import echo, format_option, write_rows, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import Field, InsightlyObject


@click.command("fields")
@object_argument()
@click.option("--writable", "is_writable", is_flag=True, help="Only fields that can be written.")
@with_settings(may_lack_key=True)
@format_option()
def fields(config: Mapping[str, Any], object_name: str, *, is_writable: bool, form: str) -> None:
    """List the fields of an object, and how each is written.

    OBJECT is its name in any spelling: contact, Contacts, quote, Fruit__c. Fields that the
    account has defined come last; without an API key, they are left out.

    \b
    Examples:
      $ insightly fields contact
      $ insightly fields opportunity --writable --json
    """
    from tap_insightly.api.records.fields import Fields
    from tap_insightly.api.records.objects import find_object, standard_objects

    if config["api_key"]:
        from tap_insightly.api import InsightlyClient
        from tap_insightly.connection import open_session

        with InsightlyClient.from_session(open_session(config, "insightly")) as client:
            known = client.fields(object_name)
    else:
        known = Fields(find_object(object_name, standard_objects()))
        if known.obj.has_custom_fields:
            echo("Without an API key (TAP_INSIGHTLY_API_KEY), custom fields are left out.")
    found = [field for field in known if _can_be_written(field) or not is_writable]
    rows = ({**asdict(field), "is_writable": field.is_writable} for field in found)
    write_rows(form, rows, lambda: _show(known.obj, found))


def _show(obj: InsightlyObject, found: Iterable[Field]) -> None:
    rows = [
        (
            field.name,
            f"{field.kind} ({field.max_length})" if field.max_length else field.kind,
            _written(obj, field),
            "; ".join(field.options),
            field.description,
        )
        for field in found
    ]
    write_table(("field", "type", "written", "options", "description"), rows)


def _can_be_written(field: Field) -> bool:
    return field.is_writable or field.is_set_once


def _written(obj: InsightlyObject, field: Field) -> str:
    """Say how a field is written."""
    if not _can_be_written(field):
        return f"{obj.path}/{{id}}/{field.elsewhere}" if field.elsewhere else "no"
    words = ["required" if field.is_required else "yes"]
    if field.is_set_once:
        words.append("in a new one only")
    return ", ".join(words)

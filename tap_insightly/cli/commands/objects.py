"""``insightly objects``: what there is to read and to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli.options import with_settings
from tap_insightly.cli.output import echo, format_option, write_rows, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import InsightlyObject

_VERBS = ("list", "search", "get", "create", "update", "delete")


@click.command("objects")
@with_settings(may_lack_key=True)
@format_option()
def objects(config: Mapping[str, Any], *, form: str) -> None:
    """List the objects of Insightly, and what can be done with each.

    Those that the account has defined come last; without an API key, they are left out.

    \b
    Examples:
      $ insightly objects
      $ insightly objects --json
    """
    from tap_insightly.openapi.objects import standard_objects

    if config["api_key"]:
        from tap_insightly.api import InsightlyClient
        from tap_insightly.connection import open_session

        with InsightlyClient.from_session(open_session(config, "insightly")) as client:
            found = [*client.objects()]
    else:
        echo("Without an API key (TAP_INSIGHTLY_API_KEY), custom objects are left out.")
        found = [*standard_objects()]
    write_rows(form, map(_as_json, found), lambda: _show(found))


def _show(found: Iterable[InsightlyObject]) -> None:
    headers = ("object", "path", "id", *_VERBS, "custom fields")
    rows = [
        (obj.name, obj.path, obj.key, *_marks(obj), _mark(is_set=obj.has_custom_fields))
        for obj in found
    ]
    write_table(headers, rows)


def _as_json(obj: InsightlyObject) -> dict[str, Any]:
    return {
        "object": obj.name,
        "path": obj.path,
        "id": obj.key,
        "can": [verb for verb in _VERBS if verb in obj.can],
        "required": list(obj.required),
        "has_custom_fields": obj.has_custom_fields,
        "labels": list(obj.labels),
    }


def _marks(obj: InsightlyObject) -> list[str]:
    return [_mark(is_set=verb in obj.can) for verb in _VERBS]


def _mark(*, is_set: bool) -> str:
    return "yes" if is_set else ""

"""Writes what docs/ and meltano.yml say of what the code knows. Run by ``make docs``.

They hold sections between two marks, ``made by make docs: NAME`` and ``end of NAME``; what is in
between comes from the code.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_insightly.probe import ASSUMPTIONS
from tap_insightly.probe.writing_checks import WRITTEN
from tap_insightly.server.settings import SETTINGS as SERVER_SETTINGS
from tap_insightly.settings import SETTINGS
from tap_insightly.streams import (
    STREAMS,
    ArrayStream,
    ChildStream,
    RelatedStream,
    SearchStream,
)
from tap_insightly.tap import TapInsightly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.config_schema import Setting

ROOT = Path(__file__).resolve().parent.parent
FILES = (ROOT / "meltano.yml", *sorted((ROOT / "docs").glob("*.md")))
GROUPS = {
    "crm": "People and companies",
    "sales": "Sales",
    "products": "Products and prices",
    "projects": "Projects",
    "activity": "Activities",
    "marketing": "Marketing",
    "service": "Service",
    "admin": "Administration",
    "custom": "Custom fields and objects",
}
SECTION = re.compile(
    r"(?P<indent>[ ]*)(?P<start>(?:#|<!--) made by make docs: (?P<name>\w+)[^\n]*\n)"
    r"(?P<old>.*?)(?P<end>[ ]*(?:#|<!--) end of (?P=name)[^\n]*\n)",
    re.DOTALL,
)


def settings_table(settings: Sequence[Setting] = SETTINGS) -> str:
    """Lay out settings as Markdown.

    Args:
        settings: Which; by default those of the tap.

    Returns:
        A table.
    """
    lines = ["| setting | default | accepted | meaning |", "| --- | --- | --- | --- |"]
    for setting in settings:
        default = "required" if setting.is_required else _code(setting.default)
        lines.append(
            f"| `{setting.name}` | {default} | {setting.accepted} | {setting.description} |"
        )
    return "\n".join(lines) + "\n"


def streams_table() -> str:
    """Lay out the streams as Markdown.

    Returns:
        A table, in groups as Insightly's menu has them.
    """
    lines = ["| stream | Insightly's path | key | read | custom fields |"]
    lines.append("| --- | --- | --- | --- | --- |")
    group = None
    for stream in STREAMS:
        if issubclass(stream, RelatedStream):
            continue  # in a table of their own
        module = stream.__module__.rpartition(".")[2]
        if module != group:
            lines.append(f"| **{GROUPS[module]}** | | | | |")
            group = module
        is_search = issubclass(stream, SearchStream)
        read = f"changes, by `{stream.replication_key}`" if is_search else "whole"
        keys = ", ".join(f"`{key}`" for key in stream.primary_keys or ())
        own = "yes" if stream.custom_fields_for else ""
        lines.append(f"| `{stream.name}` | `{stream.path}` | {keys} | {read} | {own} |")
    lines.append(
        "| one for each custom object, such as `fruit__c` | `/Fruit__c` | `RECORD_ID` "
        "| changes, by `DATE_UPDATED_UTC` | yes |"
    )
    return "\n".join(lines) + "\n"


def related_table() -> str:
    """Lay out the streams of what belongs to records as Markdown.

    Returns:
        A table.
    """
    lines = ["| stream | from | key | joins by |", "| --- | --- | --- | --- |"]
    costs = {
        ChildStream: f"Asked for record by record. Costs {ChildStream.cost}",
        ArrayStream: f"Out of the records themselves. Costs {ArrayStream.cost}",
    }
    for kind, cost in costs.items():
        lines.append(f"| **{cost}** | | | |")
        for stream in STREAMS:
            if not issubclass(stream, RelatedStream) or not issubclass(stream, kind):
                continue
            if issubclass(stream, ArrayStream):
                parents = ", ".join(f"`{parent.name}`" for parent in stream.parents)
                source = f"`{stream.array}` of {parents}"
            else:
                source = f"`{stream.path}`"
            keys = ", ".join(f"`{key}`" for key in stream.primary_keys or ())
            joins = f"`{stream.parent_key}`"
            joins = f"`PARENT_TYPE` and {joins}" if stream.has_kinds else joins
            lines.append(f"| `{stream.name}` | {source} | {keys} | {joins} |")
    return "\n".join(lines) + "\n"


def meltano_settings() -> str:
    """Lay out the settings as a Meltano plugin definition has them.

    Returns:
        YAML.
    """
    schema = dict(TapInsightly.config_jsonschema)
    TapInsightly.append_builtin_config(schema)
    entries = [meltano_setting(name, prop) for name, prop in schema["properties"].items()]
    return str(yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=90))


def assumptions_table() -> str:
    """Lay out what is assumed of the API as Markdown.

    Returns:
        A table.
    """
    lines = ["| id | what is assumed | how it is asked |", "| --- | --- | --- |"]
    for one in ASSUMPTIONS:
        how = one.why_not or ("with `--write`" if one.id in WRITTEN else "reading")
        lines.append(f"| `{one.id}` | {one.text} | {how} |")
    return "\n".join(lines) + "\n"


def meltano_setting(name: str, prop: dict[str, Any]) -> dict[str, Any]:
    """Describe a setting as Meltano does.

    Args:
        name: Its name.
        prop: Its JSON schema.

    Returns:
        An entry of a plugin definition.
    """
    entry = {"name": name, "label": prop["title"].replace("`", "")}
    kinds = {"integer", "boolean", "object"} & set(prop["type"])
    if prop.get("format") == "date-time":
        entry["kind"] = "date_iso8601"
    elif "enum" in prop:
        entry["kind"] = "options"
        entry["options"] = [{"label": value, "value": value} for value in prop["enum"]]
    else:
        # Meltano 4.4 cannot hand over what is of kind decimal. Numbers with a fraction go as text,
        # which the tap reads too.
        # What may be a text among others is one, which the tap and the target read, too.
        entry["kind"] = kinds.pop() if kinds and "string" not in prop["type"] else "string"
    if prop.get("secret"):
        entry["sensitive"] = True
    if prop.get("default") is not None:
        entry["value"] = prop["default"]
    return entry | {"description": prop["description"]}


def _code(value: object) -> str:
    return "" if value is None else f"`{str(value).lower() if value is False else value}`"


SECTIONS = {
    "settings": settings_table,
    "server": partial(settings_table, SERVER_SETTINGS),
    "streams": streams_table,
    "related": related_table,
    "meltano_settings": meltano_settings,
    "assumptions": assumptions_table,
}


def current(text: str) -> str:
    """Bring the sections of a file up to date.

    Args:
        text: What it holds.

    Returns:
        What it should hold.
    """

    def fill(match: re.Match[str]) -> str:
        made = SECTIONS[match["name"]]().splitlines()
        lines = [f"{match['indent']}{line}".rstrip() + "\n" for line in made]
        return f"{match['indent']}{match['start']}{''.join(lines)}{match['end']}"

    return SECTION.sub(fill, text)


def main() -> None:
    """Write the sections, or with ``--check`` see whether they are as they should be."""
    is_check = sys.argv[1:] == ["--check"]
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        new = current(text)
        if is_check and new != text:
            sys.exit(f"{path.name} is not up to date: run `make docs`.")
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()

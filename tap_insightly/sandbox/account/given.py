"""What Python code gives for a new record: it is kept as it is, or refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi.objects import RECORD_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.account.table import Table

CUSTOM_OBJECTS = "/CustomObjects"


def in_any_case(table: Table, fields: Mapping[str, Any]) -> Record:
    """Name fields as the API does. Others stay as they are: the API may have more by now."""
    names = {name.lower(): name for name in table.fields}
    return {names.get(name.lower(), name): value for name, value in fields.items()}


def with_key(path: str, table: Table, record: Record) -> Record:
    """Give a new record its key: what was given, else the next number.

    Raises:
        ValueError: If it cannot have that one, or if it could not be read through the API.
    """
    if table.has_id:
        (name,) = table.keys
        record = {**record, name: table.next_id() if record[name] is None else record[name]}
        if type(record[name]) is not int or record[name] < 0:
            msg = f"{path}: {name} is {record[name]!r}, where a number belongs."
            raise ValueError(msg)
    missing = [name for name in table.keys if record[name] in {None, ""}]
    if missing or not table.keys:
        msg = f"{path}: a record needs {', '.join(missing) or 'a key, and here is none'}."
        raise ValueError(msg)
    if path == "/Tags" and record["RECORD_TYPE"] not in RECORD_TYPES:
        msg = f"{path}: RECORD_TYPE is {record['RECORD_TYPE']!r}, and not one of {RECORD_TYPES}."
        raise ValueError(msg)
    key = _key(table, record)
    if any(_key(table, row) == key for row in _near(table, record)):
        msg = f"{path}: there is one with {', '.join(f'{n} {record[n]!r}' for n in table.keys)}."
        raise ValueError(msg)
    return record


def _near(table: Table, record: Record) -> list[Record]:
    if not table.has_id:
        return table.rows
    row = table.find(record[table.keys[0]])
    return [] if row is None else [row]


def _key(table: Table, row: Record) -> list[Any]:
    """Names count as the same in any case, as they do in paths."""
    values = [row[name] for name in table.keys]
    return [one.lower() if isinstance(one, str) else one for one in values]


def described_object(record: Mapping[str, Any]) -> Record:
    """Describe a custom object, as far as that is not given.

    Raises:
        ValueError: If its name cannot be a path.
    """
    name = record.get("OBJECT_NAME")
    if not isinstance(name, str) or not re.fullmatch(r"\w+", name):
        msg = f"{CUSTOM_OBJECTS}: OBJECT_NAME is {name!r}, where a name such as Fruit__c belongs."
        raise ValueError(msg)
    label = name.removesuffix("__c")
    return {
        "SINGULAR_LABEL": label,
        "PLURAL_LABEL": f"{label}s",
        "RECORD_NAME_LABEL": f"{label} Name",
        "RECORD_NAME_TYPE": "TEXT",
        "ENABLE_NAVBAR": True,
        "ENABLE_WORKFLOWS": True,
        **record,
    }

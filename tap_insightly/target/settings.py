"""The target's settings: those of a connection, and what is written where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from singer_sdk import typing as th

from tap_insightly.settings import CONNECTION, Setting


class _Names(th.JSONTypeHelper[dict[str, Any]]):
    """An object that has texts by name."""

    @th.DefaultInstanceProperty
    def type_dict(self) -> dict[str, Any]:
        """Describe it."""
        return {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}}


class _NamesByName(th.JSONTypeHelper[dict[str, Any]]):
    """An object that has such objects by name."""

    @th.DefaultInstanceProperty
    def type_dict(self) -> dict[str, Any]:
        """Describe it."""
        return {"type": ["object", "null"], "additionalProperties": _Names.type_dict}


def _is_names(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) and one for one in value.values())


def _is_field_map(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(fields, dict)
        and all(one is None or isinstance(one, str) for one in fields.values())
        for fields in value.values()
    )


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_file(value: object) -> bool:
    if not isinstance(value, str) or "\0" in value:
        return False
    path = Path(value)
    return path.parent.is_dir() and not path.is_dir()


def _said(setting: Setting) -> Setting:
    """Say of a setting of the connection what it means to a target."""
    said = {
        "api_key": "The API key of the user in whose name is written, from Insightly under User "
        "Settings > API. The target may do what this user may.",
        "quota_reserve": "Stop while this many of the day's requests are left, for other programs "
        "to use.",
    }
    return replace(setting, description=said.get(setting.name, setting.description))


SETTINGS = (
    *(_said(setting) for setting in CONNECTION),
    Setting(
        "stream_to_object",
        "Streams to objects",
        "Which object each stream is written to, by stream name, such as "
        '{"lead_scores": "Lead"}. Streams that are called like an object, in whatever spelling, '
        "need not be named.",
        'an object of texts, such as {"lead_scores": "Lead"}',
        _is_names,
        _Names,
    ),
    Setting(
        "field_map",
        "Properties to fields",
        "Which field each property is written to, by stream name and property, such as "
        '{"lead_scores": {"score": "Score__c", "loaded_at": ""}}; null, or an empty text, '
        "leaves a property out. "
        "Properties that are called like a field, in whatever case, need not be named.",
        'an object of objects of texts or nulls, such as {"lead_scores": {"score": "Score__c"}}',
        _is_field_map,
        _NamesByName,
    ),
    Setting(
        "match_on",
        "Match on",
        "By which field the record is found that a record without an id is to update, by object "
        'or stream, such as {"Contact": "EMAIL_ADDRESS"}. If none is found, one is created.',
        'an object of texts, such as {"Contact": "EMAIL_ADDRESS"}',
        _is_names,
        _Names,
    ),
    Setting(
        "skip_unchanged",
        "Skip what is unchanged",
        "Read each record before it is updated, and send only what differs, or nothing. Without "
        "it, everything is sent, at one request for each record less.",
        "true or false",
        _is_boolean,
        th.BooleanType,
        default=True,
    ),
    Setting(
        "allow_delete",
        "Allow deletions",
        "Delete the records that come with _sdc_deleted_at. Without it, they are counted and left.",
        "true or false",
        _is_boolean,
        th.BooleanType,
        default=False,
    ),
    Setting(
        "on_error",
        "On error",
        "What a record that is refused does: fail (end the run) or skip (write it to "
        "rejects_file and go on).",
        "fail or skip",
        lambda value: value in {"fail", "skip"},
        th.StringType,
        default="fail",
        allowed=("fail", "skip"),
    ),
    Setting(
        "rejects_file",
        "Rejects file",
        "Where to add what was refused, one JSON object a line: stream, record, reason, time. "
        "Without it, they are only logged and counted.",
        "the path of a file, in a folder that exists",
        _is_file,
        th.StringType,
    ),
    Setting(
        "dry_run",
        "Dry run",
        "Only say what would be written, one line each; nothing is, and no state is passed on.",
        "true or false",
        _is_boolean,
        th.BooleanType,
        default=False,
    ),
    Setting(
        "id_map",
        "Id map",
        "For records of another account: where to keep which record there is which one here, a "
        "SQLite file. Ids in the records are then those of the other account.",
        "the path of a file, in a folder that exists",
        _is_file,
        th.StringType,
    ),
)

CONFIG_JSONSCHEMA: dict[str, Any] = th.PropertiesList(
    *(setting.property() for setting in SETTINGS)
).to_dict()

"""The target's settings: those of a connection, and what is written where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tap_insightly.api.records.search_lag import SEARCH_LAG
from tap_insightly.config_schema import BOOLEAN, TEXT, Setting, choice, number
from tap_insightly.connection_settings import WITH_ACCOUNT
from tap_insightly.loader.shares import ACCEPTED as SHARE_ACCEPTED

MODES = ("upsert", "update", "insert", "mirror")
"""What may be done with the records of a stream; see the setting `mode`."""

_NAMES = {
    "type": ["object"],
    "additionalProperties": {"type": "string", "minLength": 1},
}
_FIELD_MAP = {
    "type": ["object"],
    "additionalProperties": {
        "type": "object",
        "additionalProperties": {"type": ["string", "null"]},
    },
}
_MODE = {
    "type": ["string", "object"],
    "pattern": f"^({'|'.join(MODES)})$",
    "additionalProperties": {"enum": list(MODES)},
}
_FILTER = {
    "type": ["object"],
    "additionalProperties": {
        "type": "object",
        "maxProperties": 1,
        "additionalProperties": {"not": {"enum": [None, ""]}},
    },
}
_VALUES = {
    "type": ["object"],
    "additionalProperties": {"type": "object", "minProperties": 1},
}
_SHARE = {
    "type": ["integer", "string"],
    "minimum": 0,
    "maximum": 10**12 - 1,
    "pattern": r"^\s*([0-9]{1,12}(\.0+)?|(0?[0-9]{1,2}(\.[0-9]{1,6})?|100(\.0{1,6})?)\s*%)\s*$",
}


def _is_file(value: str) -> bool:
    if "\0" in value:
        return False
    path = Path(value)
    return path.parent.is_dir() and not path.is_dir()


def _words(text: str) -> Any:  # noqa: ANN401 - a word, or what JSON says
    return json.loads(text) if text.lstrip().startswith("{") else text.strip()


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
    *(_said(setting) for setting in WITH_ACCOUNT),
    Setting(
        "stream_to_object",
        "Streams to objects",
        "Which object each stream is written to, by stream name, such as "
        '{"lead_scores": "Lead"}. Streams that are called like an object, in whatever spelling, '
        "need not be named.",
        'an object of texts, such as {"lead_scores": "Lead"}',
        _NAMES,
    ),
    Setting(
        "field_map",
        "Properties to fields",
        "Which field each property is written to, by stream or object and property, such as "
        '{"lead_scores": {"score": "Score__c", "loaded_at": ""}}; null, or an empty text, '
        "leaves a property out. "
        "Properties that are called like a field, in whatever case, need not be named.",
        'an object of objects of texts or nulls, such as {"lead_scores": {"score": "Score__c"}}',
        _FIELD_MAP,
    ),
    Setting(
        "match_on",
        "Match on",
        "By which field the record is found that a record without an id is to update, by object "
        'or stream, such as {"Contact": "EMAIL_ADDRESS"}. If none is found, one is created.',
        'an object of texts, such as {"Contact": "EMAIL_ADDRESS"}',
        _NAMES,
    ),
    Setting(
        "skip_unchanged",
        "Skip what is unchanged",
        "Read each record before it is updated, and send only what differs, or nothing. Without "
        "it, everything is sent, at one request for each record less.",
        "true or false",
        BOOLEAN,
        default=True,
    ),
    Setting(
        "allow_delete",
        "Allow deletions",
        "Delete the records that come with _sdc_deleted_at, a date or true, at the end of the run. "
        "Without it, they are counted and left.",
        "true or false",
        BOOLEAN,
        default=False,
    ),
    Setting(
        "on_error",
        "On error",
        "What a record that is refused does: fail (end the run) or skip (write it to "
        "rejects_file and go on).",
        "fail or skip",
        choice("fail", "skip"),
        default="fail",
    ),
    Setting(
        "rejects_file",
        "Rejects file",
        "Where to add what was refused, one JSON object a line: stream, record, reason, time. "
        "Without it, they are only logged and counted.",
        "the path of a file, in a folder that exists",
        TEXT,
        check=_is_file,
    ),
    Setting(
        "dry_run",
        "Dry run",
        "Only say what would be written, one line each; nothing is, and no state is passed on.",
        "true or false",
        BOOLEAN,
        default=False,
    ),
    Setting(
        "mode",
        "Mode",
        "What may be done with the records of a stream, one word for all of them, or by object or "
        'stream, such as {"Contact": "update"}: upsert (update the record that is there, or create '
        "it), update (never create one), insert (never change one), mirror (as upsert, and delete "
        "what mirror_filter names in the object and is not in the stream).",
        f"{', '.join(MODES)}, or an object of these",
        _MODE,
        default="upsert",
        from_text=_words,
    ),
    Setting(
        "mirror_filter",
        "Mirror: which records",
        "With mode mirror: which records of the object belong to the stream, by one field and its "
        'value, by object or stream, such as {"Contact": {"Source__c": "warehouse"}}; {} for all '
        "of the object. Of these, those that are not in the stream are deleted, once all of it "
        "has come.",
        'an object of objects with one field each, such as {"Contact": {"Source__c": "warehouse"}}',
        _FILTER,
    ),
    Setting(
        "mirror_field",
        "Mirror: what to set",
        "With mode mirror: what to give to the records that are not in the stream, instead of "
        'deleting them, by object or stream, such as {"Contact": {"Active__c": false}}.',
        'an object of objects of values, such as {"Contact": {"Active__c": false}}',
        _VALUES,
    ),
    Setting(
        "max_rejects",
        "Most rejects",
        "With on_error skip: how many records of a stream may be refused, a number or a "
        "percentage of those that came, rounded up. More end the run with an error, before the "
        "state moves.",
        SHARE_ACCEPTED,
        _SHARE,
        default="10 %",
        from_text=str.strip,
    ),
    Setting(
        "max_deletes",
        "Most deletions",
        "How many records may be deleted by a stream, a number or a percentage of the records of "
        "the object, or of those that mirror_filter names, rounded up. They are counted before the "
        "first deletion is sent; if there are more, nothing is deleted, and the run ends with an "
        "error.",
        SHARE_ACCEPTED,
        _SHARE,
        default="5 %",
        from_text=str.strip,
    ),
    Setting(
        "search_lag_seconds",
        "Lag of searches",
        "How long a search of Insightly may take to show what was written, in seconds. What the "
        "run itself writes it remembers; but if no record is found in its first seconds, it looks "
        "once more before it creates one, as the run before may just have.",
        "a number of seconds from 0 to 600",
        number(0, 600),
        default=SEARCH_LAG,
    ),
    Setting(
        "undo_file",
        "Undo file",
        "Where to add what each write replaces, one JSON object a line, for insightly undo to put "
        "back.",
        "the path of a file, in a folder that exists",
        TEXT,
        check=_is_file,
    ),
    Setting(
        "report_file",
        "Report file",
        "Where to write at the end how many records of each stream were created, updated, "
        "unchanged, deleted and rejected, as JSON.",
        "the path of a file, in a folder that exists",
        TEXT,
        check=_is_file,
    ),
    Setting(
        "id_map",
        "Id map",
        "For records of another account: where to keep which record there is which one here, a "
        "SQLite file. Ids in the records are then those of the other account.",
        "the path of a file, in a folder that exists",
        TEXT,
        check=_is_file,
    ),
)

"""The body of a webhook."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.sandbox.account.moments import read_moment, timestamp
from tap_insightly.sandbox.account.records import encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.account.table import Table
    from tap_insightly.sandbox.account.webhook_habits import WebhookHabits


def body_of(path: str, table: Table, record: Record, now: datetime, habits: WebhookHabits) -> bytes:
    """Write down what a workflow sends of a record that is written now.

    That a record of a custom object looks as in the API, so that nothing in it names the object,
    is assumed.
    """
    entity = _Dates(now, habits.webhook_offset).in_record(table.fields, record)
    if CUSTOM_FIELDS in entity and habits.webhook_custom_fields != "array":
        values = entity.pop(CUSTOM_FIELDS) or ()
        if habits.webhook_custom_fields == "columns":
            entity |= {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in values}
    chosen = habits.webhook_fields.get(path)
    if chosen is not None:
        entity = {name: value for name, value in entity.items() if name in chosen}
    return encode({"entity": entity})


class _Dates:
    """Writes dates as webhooks have them, such as ``/Date(1489116850787-0800)/`` (docs).

    The milliseconds are UTC. What is written now has them; records keep whole seconds.
    """

    def __init__(self, now: datetime, offset: str) -> None:
        self._now, self._offset = now, offset

    def in_record(self, fields: Mapping[str, Any], record: Record) -> Record:
        return {name: self._value(fields.get(name, {}), value) for name, value in record.items()}

    def _value(self, schema: Mapping[str, Any], value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if schema.get("format") == "date-time" and isinstance(value, str):
            return self._date(value)
        component = schema.get("items", {}).get("$ref", "").rpartition("/")[2]
        if component and isinstance(value, list):
            inner = COMPONENTS[component].get("properties", {})
            return [self.in_record(inner, one) for one in value]
        return value

    def _date(self, text: str) -> str | None:
        if text == timestamp(self._now):
            moment = self._now
        else:
            try:
                moment = read_moment(text)
            except ValueError:  # one of the ways in which records have no date
                return None
        seconds = int(moment.astimezone(timezone.utc).replace(microsecond=0).timestamp())
        return f"/Date({seconds * 1000 + moment.microsecond // 1000}{self._offset})/"

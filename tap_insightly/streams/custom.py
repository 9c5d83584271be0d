"""What the account has defined itself: custom fields, custom objects and their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from typing_extensions import override

from tap_insightly.api.records.definitions import definitions_of
from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.partition import Partition
from tap_insightly.streams.search import SearchStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.custom_fields import CustomField
    from tap_insightly.streams.base import StreamsTap


class CustomObjectsStream(ListStream):
    """Custom objects that the account has defined."""

    name = "custom_objects"
    path = "/CustomObjects"
    primary_keys = ("OBJECT_NAME",)
    schema = StreamSchema(OPENAPI, key="CustomObject")


class CustomFieldsStream(ListStream):
    """Custom fields that the account has defined."""

    name = "custom_fields"
    path = "/CustomFields/{object}"
    primary_keys = ("FIELD_FOR", "FIELD_NAME")
    schema = StreamSchema(OPENAPI, key="CustomField")

    needs_custom_objects = True

    @override
    def partitions_to_read(self) -> Iterable[Partition]:
        """Ask for each object that can have custom fields, custom objects included."""
        return [
            Partition(self.path.format(object=name), is_paged=False)
            for name in self.run.account.objects_with_custom_fields()
        ]

    @override
    def parse(
        self, records: Sequence[Mapping[str, Any]], partition: Partition
    ) -> Iterable[dict[str, Any]]:
        """Keep the fields of the object that was asked for; the API may answer all."""
        return definitions_of(partition.path.rpartition("/")[2], records)


class CustomObjectStream(SearchStream):
    """Records of one custom object; the tap makes one such stream for each that it finds."""

    primary_keys = ("RECORD_ID",)
    schema = StreamSchema(OPENAPI, key="CustomObjectRecord")

    def __init__(
        self,
        tap: StreamsTap,
        schema: dict[str, Any] | None = None,
        custom_fields: Iterable[CustomField] = (),
        *,
        name: str,
        object_name: str,
    ) -> None:
        """Set up the stream of one object, such as ``Fruit__c``."""
        self.name = name
        self.path = f"/{object_name}"
        super().__init__(tap, schema, custom_fields)
        # The catalog carries the object's name to a sync that does not discover.
        self.schema["title"] = object_name

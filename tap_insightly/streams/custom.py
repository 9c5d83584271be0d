"""What the account has defined itself: custom fields, custom objects and their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema

from tap_insightly.api.records.definitions import definitions_of
from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.search import SearchStream
from tap_insightly.streams.source import Partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.api import PagedRequest
    from tap_insightly.custom_fields import CustomField
    from tap_insightly.tap import TapInsightly


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

    def parts(self) -> Iterable[Partition]:
        """Ask for each object that can have custom fields, custom objects included.

        Returns:
            One part for each object.
        """
        return [
            Partition(self.path.format(object=name), is_paged=False)
            for name in self._insightly.objects_with_custom_fields()
        ]

    def ahead(self) -> Iterable[PagedRequest]:
        """Ask which custom objects there are: on that it depends what will be read.

        Returns:
            Nothing, unless it is known already.
        """
        return super().ahead() if self._insightly.knows_custom_objects() else []

    def parse(
        self, records: Sequence[Mapping[str, Any]], part: Partition
    ) -> Iterable[dict[str, Any]]:
        """Keep the fields of the object that was asked for; the API may answer all.

        Args:
            records: The records of the answer.
            part: What was asked.

        Returns:
            The definitions of this object's custom fields.
        """
        return definitions_of(part.path.rpartition("/")[2], records)


class CustomObjectStream(SearchStream):
    """Records of one custom object; the tap makes one such stream for each that it finds."""

    primary_keys = ("RECORD_ID",)
    schema = StreamSchema(OPENAPI, key="CustomObjectRecord")

    def __init__(
        self,
        tap: TapInsightly,
        schema: dict[str, Any] | None = None,
        custom_fields: Iterable[CustomField] = (),
        *,
        name: str,
        object_name: str,
    ) -> None:
        """Set up the stream of one custom object.

        Args:
            tap: The tap.
            schema: The stream's JSON schema out of a catalog; None at discovery.
            custom_fields: The custom fields of the object, at discovery.
            name: The stream's name, text.
            object_name: The object's name in the API, text such as ``Fruit__c``.
        """
        self.name = name
        self.path = f"/{object_name}"
        super().__init__(tap, schema, custom_fields)
        # The catalog carries the object's name to a sync that does not discover.
        self.schema["title"] = object_name

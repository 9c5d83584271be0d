"""People and organisations, and what describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from typing_extensions import override

from tap_insightly.openapi.objects import RECORD_TYPES
from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.partition import Partition
from tap_insightly.streams.search import SearchStream

if TYPE_CHECKING:
    from collections.abc import Iterable


class ContactsStream(SearchStream):
    """People."""

    name = "contacts"
    path = "/Contacts"
    primary_keys = ("CONTACT_ID",)
    schema = StreamSchema(OPENAPI, key="Contact")


class OrganisationsStream(SearchStream):
    """Companies and other organisations."""

    name = "organisations"
    path = "/Organisations"
    primary_keys = ("ORGANISATION_ID",)
    schema = StreamSchema(OPENAPI, key="Organisation")


class LeadsStream(SearchStream):
    """People who are not contacts yet."""

    name = "leads"
    path = "/Leads"
    primary_keys = ("LEAD_ID",)
    schema = StreamSchema(OPENAPI, key="Lead")


class LeadSourcesStream(ListStream):
    """Where leads come from."""

    name = "lead_sources"
    path = "/LeadSources"
    primary_keys = ("LEAD_SOURCE_ID",)
    schema = StreamSchema(OPENAPI, key="LeadSource")


class LeadStatusesStream(ListStream):
    """How far leads have come, converted ones included."""

    name = "lead_statuses"
    path = "/LeadStatuses"
    primary_keys = ("LEAD_STATUS_ID",)
    schema = StreamSchema(OPENAPI, key="LeadStatus")

    @override
    def partitions_to_read(self) -> Iterable[Partition]:
        """Ask for the statuses of converted leads too, which are left out otherwise (spec)."""
        return [Partition(self.path, {"include_converted": "true"})]


class RelationshipsStream(ListStream):
    """Kinds of relation between contacts and organisations."""

    name = "relationships"
    path = "/Relationships"
    primary_keys = ("RELATIONSHIP_ID",)
    schema = StreamSchema(OPENAPI, key="Relationship")


class TagsStream(ListStream):
    """Tags in use, asked for by kind of record."""

    name = "tags"
    path = "/Tags"
    primary_keys = ("RECORD_TYPE", "TAG_NAME")
    schema = StreamSchema(OPENAPI, key="Tag")

    @override
    def partitions_to_read(self) -> Iterable[Partition]:
        """Ask for each kind of record that can have tags in turn: the list needs one (spec)."""
        return [
            Partition(self.path, {"record_type": kind}, extra={"RECORD_TYPE": kind})
            for kind in RECORD_TYPES
        ]


class FollowsStream(ListStream):
    """Records that the user of the API key follows."""

    name = "follows"
    path = "/Follows"
    primary_keys = ("RECORD_TYPE", "RECORD_ID")
    schema = StreamSchema(OPENAPI, key="UserFollow")


class CountriesStream(ListStream):
    """Countries as Insightly names them."""

    name = "countries"
    path = "/Countries"
    primary_keys = ("COUNTRY_NAME",)
    schema = StreamSchema(OPENAPI, key="Country")

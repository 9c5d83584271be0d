"""Users, teams and the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from typing_extensions import override

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.search import SearchStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.streams.partition import Partition


class UsersStream(SearchStream):
    """Users of the account."""

    name = "users"
    path = "/Users"
    primary_keys = ("USER_ID",)
    schema = StreamSchema(OPENAPI, key="User")


class TeamsStream(ListStream):
    """Teams of users."""

    name = "teams"
    path = "/Teams"
    primary_keys = ("TEAM_ID",)
    schema = StreamSchema(OPENAPI, key="Team")


class TeamMembersStream(ListStream):
    """Members of teams."""

    name = "team_members"
    path = "/TeamMembers"
    primary_keys = ("PERMISSION_ID",)
    schema = StreamSchema(OPENAPI, key="TeamMember")


class DocumentTemplatesStream(SearchStream):
    """Templates from which documents are made."""

    name = "document_templates"
    path = "/DocumentTemplates"
    primary_keys = ("TEMPLATE_ID",)
    schema = StreamSchema(OPENAPI, key="DocumentTemplate")


class InstanceStream(ListStream):
    """The Insightly instance itself: one record."""

    name = "instance"
    path = "/Instance"
    primary_keys = ("INSTANCE_NAME",)
    schema = StreamSchema(OPENAPI, key="Instance")


class PermissionsStream(ListStream):
    """What the user of the API key may do, by object."""

    name = "permissions"
    path = "/Permissions"
    primary_keys = ("OBJECT_TYPE",)
    schema = StreamSchema(OPENAPI, key="ObjectPermission")

    @override
    def parse(
        self,
        records: Sequence[Mapping[str, Any]],
        partition: Partition,
    ) -> Iterable[dict[str, Any]]:
        """Make a record of each object, and keep what the answer says of the user as a whole."""
        return [
            {**permissions, "USER_PERMISSIONS_STATE": whole.get("PERMISSIONS_STATE")}
            for whole in records
            for permissions in whole.get("OBJECT_PERMISSIONS") or ()
        ]

"""What belongs to records: their history, comments, files, links and tags."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api.http.codec import encode_sorted
from tap_insightly.streams.activity import EmailsStream, EventsStream, NotesStream, TasksStream
from tap_insightly.streams.admin import TeamsStream
from tap_insightly.streams.crm import ContactsStream, LeadsStream, OrganisationsStream
from tap_insightly.streams.custom import CustomObjectStream
from tap_insightly.streams.marketing import ProspectsStream
from tap_insightly.streams.products import QuotesStream
from tap_insightly.streams.projects import ProjectsStream
from tap_insightly.streams.related import (
    ArrayStream,
    ChildStream,
    RelatedSchema,
    parent_id,
    parent_of,
)
from tap_insightly.streams.sales import ActivitySetsStream, OpportunitiesStream
from tap_insightly.streams.service import KnowledgeArticlesStream, TicketsStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_insightly.streams.partition import Parent, Partition
    from tap_insightly.streams.related import Items


_OF_ANY_KIND: Mapping[str, Mapping[str, Any]] = {
    "PARENT_TYPE": {
        "type": "string",
        "description": "Kind of the record that the row belongs to, as in links: Contact.",
    },
    "PARENT_ID": parent_id("record", "the key of PARENT_TYPE's stream"),
}


class OpportunityStateHistoryStream(ChildStream):
    """Each change of an opportunity's state: open, won, lost and so on.

    The API gives no id. STATE_HISTORY_ID is made of all that a change says, which never changes
    again, and of a number where an opportunity has several that say the same.
    """

    name = "opportunity_state_history"
    path = "/Opportunities/{id}/StateHistory"
    children = "StateHistory"
    has_pages = False
    primary_keys = ("STATE_HISTORY_ID",)
    parents = (OpportunitiesStream,)
    parent_key = "OPPORTUNITY_ID"
    schema = RelatedSchema(
        "OpportunityState",
        OPPORTUNITY_ID=parent_id("opportunity", "opportunities"),
        STATE_HISTORY_ID={
            "type": "string",
            "description": "Identifies the change: made by the tap of what the change says.",
        },
    )

    @override
    def items(
        self, found: Items, record: Mapping[str, Any], partition: Partition
    ) -> Iterator[dict[str, Any]]:
        counts: Counter[bytes] = Counter()
        for item in super().items(found, record, partition):
            change = encode_sorted([item.get(name) for name in _CHANGE])
            counts[change] += 1
            digest = hashlib.sha256(change + b"%d" % counts[change]).hexdigest()
            yield {**item, "STATE_HISTORY_ID": digest[:32]}

    @override
    def identified(self, found: Items) -> Items:
        """Leave the changes as they are; two may be the same."""
        return found


_CHANGE = ("OPPORTUNITY_ID", "DATE_CHANGED_UTC", "FOR_OPPORTUNITY_STATE", "STATE_REASON_ID")


class QuoteDocumentsStream(ChildStream):
    """Documents that were made of quotes."""

    name = "quote_documents"
    path = "/Quotation/{id}/QuotationDocument"
    children = "QuotationDocument"
    has_pages = False
    primary_keys = ("QUOTE_DOCUMENT_ID",)
    parents = (QuotesStream,)
    parent_key = "QUOTE_ID"  # a number, where the API's documents have text: it joins to quotes
    schema = RelatedSchema("QuotationDocument", QUOTE_ID=parent_id("quote", "quotes"))


class ProspectListMembershipsStream(ChildStream):
    """Static marketing lists that prospects are on."""

    name = "prospect_list_memberships"
    path = "/Prospect/{id}/StaticListMembership"
    children = "StaticListMembership"
    has_pages = False
    primary_keys = ("PROSPECT_ID", "LIST_ID")
    parents = (ProspectsStream,)
    parent_key = "PROSPECT_ID"
    schema = RelatedSchema("StaticListMembership", PROSPECT_ID=parent_id("prospect", "prospects"))


class TicketCommentsStream(ChildStream):
    """Comments on tickets."""

    name = "ticket_comments"
    path = "/Ticket/{id}/Comments"
    children = "Comments"
    primary_keys = ("TICKET_COMMENT_ID",)
    parents = (TicketsStream,)
    parent_key = "TICKET_ID"
    schema = RelatedSchema("TicketComment", TICKET_ID=parent_id("ticket", "tickets"))


class NoteCommentsStream(ChildStream):
    """Comments on notes."""

    name = "note_comments"
    path = "/Notes/{id}/Comments"
    children = "Comments"
    primary_keys = ("COMMENT_ID",)
    parents = (NotesStream,)
    parent_key = "NOTE_ID"
    schema = RelatedSchema("Comment", NOTE_ID=parent_id("note", "notes"))


class TaskCommentsStream(ChildStream):
    """Comments on tasks."""

    name = "task_comments"
    path = "/Tasks/{id}/Comments"
    children = "Comments"
    primary_keys = ("COMMENT_ID",)
    parents = (TasksStream,)
    parent_key = "TASK_ID"
    schema = RelatedSchema("Comment", TASK_ID=parent_id("task", "tasks"))


class EmailCommentsStream(ChildStream):
    """Comments on emails."""

    name = "email_comments"
    path = "/Emails/{id}/Comments"
    children = "Comments"
    primary_keys = ("COMMENT_ID",)
    parents = (EmailsStream,)
    parent_key = "EMAIL_ID"
    schema = RelatedSchema("Comment", EMAIL_ID=parent_id("email", "emails"))


class FileAttachmentsStream(ChildStream):
    """Files on records, those of custom objects included; what they are called, not their content.

    Whether a file can be on two records is not known, so its record is part of the key.
    """

    name = "file_attachments"
    path = "/{object}/{id}/FileAttachments"
    children = "FileAttachments"
    primary_keys = ("PARENT_TYPE", "PARENT_ID", "FILE_ID")
    parents = (
        ContactsStream,
        LeadsStream,
        OrganisationsStream,
        OpportunitiesStream,
        ProjectsStream,
        EmailsStream,
        NotesStream,
    )
    parent_key = "PARENT_ID"
    has_kinds = True
    needs_custom_objects = True  # which can have files
    schema = RelatedSchema("FileAttachment", **_OF_ANY_KIND)

    @override
    def kinds(self) -> Iterable[Parent]:
        names = self.run.account.custom_object_names
        return chain(super().kinds(), (parent_of(CustomObjectStream, name) for name in names))


class LinksStream(ArrayStream):
    """Links between records, as seen from each record that carries them."""

    name = "links"
    array = "LINKS"
    primary_keys = ("PARENT_TYPE", "PARENT_ID", "LINK_ID")
    parents = (
        ContactsStream,
        OrganisationsStream,
        LeadsStream,
        OpportunitiesStream,
        ProjectsStream,
        TasksStream,
        EventsStream,
        NotesStream,
        EmailsStream,
    )
    parent_key = "PARENT_ID"
    has_kinds = True
    schema = RelatedSchema("Link", **_OF_ANY_KIND)


class RecordTagsStream(ArrayStream):
    """Tags on records."""

    name = "record_tags"
    array = "TAGS"
    primary_keys = ("PARENT_TYPE", "PARENT_ID", "TAG_NAME")
    parents = (
        ContactsStream,
        OrganisationsStream,
        LeadsStream,
        OpportunitiesStream,
        ProjectsStream,
        EmailsStream,
        ProspectsStream,
        TicketsStream,
        KnowledgeArticlesStream,
    )
    parent_key = "PARENT_ID"
    has_kinds = True
    schema = RelatedSchema("RecordTag", **_OF_ANY_KIND)


class ContactDatesStream(ArrayStream):
    """Dates to remember about contacts, such as anniversaries."""

    name = "contact_dates"
    array = "DATES"
    primary_keys = ("CONTACT_ID", "DATE_ID")
    parents = (ContactsStream,)
    parent_key = "CONTACT_ID"
    schema = RelatedSchema("ContactDate", CONTACT_ID=parent_id("contact", "contacts"))


class OrganisationDatesStream(ArrayStream):
    """Dates to remember about organisations."""

    name = "organisation_dates"
    array = "DATES"
    primary_keys = ("ORGANISATION_ID", "DATE_ID")
    parents = (OrganisationsStream,)
    parent_key = "ORGANISATION_ID"
    schema = RelatedSchema(
        "ContactDate", ORGANISATION_ID=parent_id("organisation", "organisations")
    )


class OrganisationEmailDomainsStream(ArrayStream):
    """Email domains of organisations."""

    name = "organisation_email_domains"
    array = "EMAILDOMAINS"
    primary_keys = ("ORGANISATION_ID", "EMAIL_DOMAIN_ID")
    parents = (OrganisationsStream,)
    parent_key = "ORGANISATION_ID"
    schema = RelatedSchema(
        "EmailDomain", ORGANISATION_ID=parent_id("organisation", "organisations")
    )


class TeamMembershipsStream(ArrayStream):
    """Members of teams, as the teams list them."""

    name = "team_memberships"
    array = "TEAMMEMBERS"
    primary_keys = ("TEAM_ID", "MEMBER_USER_ID")
    parents = (TeamsStream,)
    parent_key = "TEAM_ID"
    replication_key = None  # teams cannot be searched by date
    schema = RelatedSchema("TeamMember", TEAM_ID=parent_id("team", "teams"))


class ActivitySetActivitiesStream(ArrayStream):
    """Tasks and events that activity sets consist of."""

    name = "activity_set_activities"
    array = "ACTIVITIES"
    primary_keys = ("ACTIVITYSET_ID", "ACTIVITY_ID")
    parents = (ActivitySetsStream,)
    parent_key = "ACTIVITYSET_ID"
    replication_key = None  # as above
    schema = RelatedSchema("Activity", ACTIVITYSET_ID=parent_id("activity set", "activity_sets"))

"""What belongs to records: their history, comments, files, links and tags."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

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
    Parent,
    RelatedSchema,
    id_of,
)
from tap_insightly.streams.sales import ActivitySetsStream, OpportunitiesStream
from tap_insightly.streams.service import KnowledgeArticlesStream, TicketsStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_insightly.api import PagedRequest
    from tap_insightly.streams.related import Items
    from tap_insightly.streams.source import Partition


_OF_ANY_KIND: Mapping[str, Mapping[str, Any]] = {
    "PARENT_TYPE": {
        "type": "string",
        "description": "Kind of the record that the row belongs to, as in links: Contact.",
    },
    "PARENT_ID": id_of("record", "the key of PARENT_TYPE's stream"),
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
        OPPORTUNITY_ID=id_of("opportunity", "opportunities"),
        STATE_HISTORY_ID={
            "type": "string",
            "description": "Identifies the change: made by the tap of what the change says.",
        },
    )

    def items(
        self, found: Items, record: Mapping[str, Any], part: Partition
    ) -> Iterator[dict[str, Any]]:
        """Make the stream's records, and identify them.

        Args:
            found: The changes of an opportunity.
            record: The opportunity.
            part: The part that it was read for.

        Yields:
            Records.
        """
        times: Counter[bytes] = Counter()
        for item in super().items(found, record, part):
            said = [item.get(name) for name in _CHANGE]
            times[text := encode_sorted(said)] += 1
            digest = hashlib.sha256(text + b"%d" % times[text]).hexdigest()
            yield {**item, "STATE_HISTORY_ID": digest[:32]}

    def identified(self, found: Items) -> Items:
        """Leave the changes as they are; two may be the same.

        Args:
            found: The changes of an opportunity.

        Returns:
            The same.
        """
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
    schema = RelatedSchema("QuotationDocument", QUOTE_ID=id_of("quote", "quotes"))


class ProspectListMembershipsStream(ChildStream):
    """Static marketing lists that prospects are on."""

    name = "prospect_list_memberships"
    path = "/Prospect/{id}/StaticListMembership"
    children = "StaticListMembership"
    has_pages = False
    primary_keys = ("PROSPECT_ID", "LIST_ID")
    parents = (ProspectsStream,)
    parent_key = "PROSPECT_ID"
    schema = RelatedSchema("StaticListMembership", PROSPECT_ID=id_of("prospect", "prospects"))


class TicketCommentsStream(ChildStream):
    """Comments on tickets."""

    name = "ticket_comments"
    path = "/Ticket/{id}/Comments"
    children = "Comments"
    primary_keys = ("TICKET_COMMENT_ID",)
    parents = (TicketsStream,)
    parent_key = "TICKET_ID"
    schema = RelatedSchema("TicketComment", TICKET_ID=id_of("ticket", "tickets"))


class NoteCommentsStream(ChildStream):
    """Comments on notes."""

    name = "note_comments"
    path = "/Notes/{id}/Comments"
    children = "Comments"
    primary_keys = ("COMMENT_ID",)
    parents = (NotesStream,)
    parent_key = "NOTE_ID"
    schema = RelatedSchema("Comment", NOTE_ID=id_of("note", "notes"))


class TaskCommentsStream(ChildStream):
    """Comments on tasks."""

    name = "task_comments"
    path = "/Tasks/{id}/Comments"
    children = "Comments"
    primary_keys = ("COMMENT_ID",)
    parents = (TasksStream,)
    parent_key = "TASK_ID"
    schema = RelatedSchema("Comment", TASK_ID=id_of("task", "tasks"))


class EmailCommentsStream(ChildStream):
    """Comments on emails."""

    name = "email_comments"
    path = "/Emails/{id}/Comments"
    children = "Comments"
    primary_keys = ("COMMENT_ID",)
    parents = (EmailsStream,)
    parent_key = "EMAIL_ID"
    schema = RelatedSchema("Comment", EMAIL_ID=id_of("email", "emails"))


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
    schema = RelatedSchema("FileAttachment", **_OF_ANY_KIND)

    def kinds(self) -> Iterable[Parent]:
        """List the kinds of record that can have files.

        Returns:
            Those that each account has, and the custom objects.
        """
        names = self._insightly.custom_object_names
        return chain(super().kinds(), (Parent.of(CustomObjectStream, name) for name in names))

    def ahead(self) -> Iterable[PagedRequest]:
        """Ask which custom objects there are: on that it depends what will be read.

        Returns:
            Nothing, unless it is known already.
        """
        return super().ahead() if self._insightly.knows_custom_objects() else []


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
    schema = RelatedSchema("ContactDate", CONTACT_ID=id_of("contact", "contacts"))


class OrganisationDatesStream(ArrayStream):
    """Dates to remember about organisations."""

    name = "organisation_dates"
    array = "DATES"
    primary_keys = ("ORGANISATION_ID", "DATE_ID")
    parents = (OrganisationsStream,)
    parent_key = "ORGANISATION_ID"
    schema = RelatedSchema("ContactDate", ORGANISATION_ID=id_of("organisation", "organisations"))


class OrganisationEmailDomainsStream(ArrayStream):
    """Email domains of organisations."""

    name = "organisation_email_domains"
    array = "EMAILDOMAINS"
    primary_keys = ("ORGANISATION_ID", "EMAIL_DOMAIN_ID")
    parents = (OrganisationsStream,)
    parent_key = "ORGANISATION_ID"
    schema = RelatedSchema("EmailDomain", ORGANISATION_ID=id_of("organisation", "organisations"))


class TeamMembershipsStream(ArrayStream):
    """Members of teams, as the teams list them."""

    name = "team_memberships"
    array = "TEAMMEMBERS"
    primary_keys = ("TEAM_ID", "MEMBER_USER_ID")
    parents = (TeamsStream,)
    parent_key = "TEAM_ID"
    replication_key = None  # teams cannot be searched by date
    schema = RelatedSchema("TeamMember", TEAM_ID=id_of("team", "teams"))


class ActivitySetActivitiesStream(ArrayStream):
    """Tasks and events that activity sets consist of."""

    name = "activity_set_activities"
    array = "ACTIVITIES"
    primary_keys = ("ACTIVITYSET_ID", "ACTIVITY_ID")
    parents = (ActivitySetsStream,)
    parent_key = "ACTIVITYSET_ID"
    replication_key = None  # as above
    schema = RelatedSchema("Activity", ACTIVITYSET_ID=id_of("activity set", "activity_sets"))

"""What is done to a record besides its fields: its links, tags, stage and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.requests import PlanningClient

if TYPE_CHECKING:
    from tap_insightly.api.http.request import Request

    Record = dict[str, Any]


class ActionsClient(PlanningClient):
    """One account, in which records are moved, tagged and unlinked."""

    def unlink(self, object_name: str, record_id: int, link_id: int) -> None:
        """Remove a link.

        Args:
            object_name: The object of the record that carries the link.
            record_id: Its id.
            link_id: The id of the link (``LINK_ID``).

        Raises:
            UnsupportedOperationError: If such records carry no links that can be written.
            InsightlyError: If Insightly refuses it.
        """
        self.session.send(self.build_unlink_request(object_name, record_id, link_id))

    def add_tag(self, object_name: str, record_id: int, tag: str) -> Record | None:
        """Add a tag to a record, unless it has it.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            tag: The tag.

        Returns:
            The tag, as Insightly answers it; None if the record has it already.

        Raises:
            UnsupportedOperationError: If such records have no tags.
            InsightlyError: If Insightly refuses it.
        """
        request = self.build_add_tag_request(object_name, record_id, tag)
        return None if request is None else self._sent(request)

    def remove_tag(self, object_name: str, record_id: int, tag: str) -> None:
        """Remove a tag of a record.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            tag: The tag.

        Raises:
            UnsupportedOperationError: If such records have no tags.
            NotAvailableError: If the record does not have it.
            InsightlyError: If Insightly refuses it.
        """
        self.session.send(self.build_remove_tag_request(object_name, record_id, tag))

    def set_stage(
        self, object_name: str, record_id: int, stage: str | int, pipeline: str | int | None = None
    ) -> Record:
        """Put a record into a stage of its pipeline, or of another.

        Args:
            object_name: The object, by any of its names: an opportunity, a project or a lead.
            record_id: Its id.
            stage: The name or the id of the stage.
            pipeline: The name or the id of the pipeline; None for the one that the record is in,
                or that of the stage if it is in none.

        Returns:
            The change, as Insightly answers it.

        Raises:
            UnsupportedOperationError: If such records have no stages.
            InvalidFieldsError: If there is no such stage or pipeline, or several have the name.
            InsightlyError: If Insightly refuses it.
        """
        return self._sent(self.build_stage_request(object_name, record_id, stage, pipeline))

    def set_state(
        self, object_name: str, record_id: int, state: str, reason: str | int | None = None
    ) -> Record:
        """Say that an opportunity is open, won, lost, abandoned or suspended.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            state: ``OPEN``, ``WON``, ``LOST``, ``ABANDONED`` or ``SUSPENDED``, in any case.
            reason: The text or the id of one of the account's reasons for it; None for none.

        Returns:
            The new state, as Insightly answers it.

        Raises:
            UnsupportedOperationError: If such records have no state.
            InvalidFieldsError: If there is no such state or reason.
            InsightlyError: If Insightly refuses it.
        """
        return self._sent(self.build_state_request(object_name, record_id, state, reason))

    def _sent(self, request: Request) -> Record:
        records = self.session.send(request).records
        return next((one for one in records if isinstance(one, dict)), {})

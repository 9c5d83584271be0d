"""The sandbox itself: data, faults and a clock, behind a server on this machine."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from tap_insightly.sandbox.app import App
from tap_insightly.sandbox.arrays import Arrays
from tap_insightly.sandbox.automatic import Automations
from tap_insightly.sandbox.contents import Contents
from tap_insightly.sandbox.data import SETTINGS, fill, fill_children, fill_old
from tap_insightly.sandbox.serving import Served
from tap_insightly.sandbox.store import (
    OWNERS,
    STANDARD_PATHS,
    CustomFields,
    Table,
    component_of,
    field_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.sandbox.replies import RequestLog
    from tap_insightly.sandbox.store import Record

DEFAULT_KEY = "sandbox-api-key"
_FIRST_ID, _FIRST_ID_EMPTY = 300_000_000, 700_000_000
_TO_ENTRIES = 400_000_000


class Sandbox(Contents, Served):
    """An account with data, which can be served, changed while it is served, and made to fail."""

    def __init__(
        self,
        records: int = 5000,
        *,
        plan: str = "enterprise",
        seed: int = 1,
        api_key: str = DEFAULT_KEY,
        is_empty: bool = False,
        first_id: int | None = None,
    ) -> None:
        """Make up an account; the same arguments give the same data, byte for byte.

        Args:
            records: How many contacts; other objects come in proportion.
            plan: ``enterprise`` or ``professional``, which leaves some objects out.
            seed: The seed of all chance.
            api_key: The key that is accepted.
            is_empty: Whether there are only settings, such as users, pipelines and custom
                fields: those of the account that the same arguments give otherwise, by name.
            first_id: Ids begin there, a number. None for where no id of the other kind of
                account is, so that an id of one leads nowhere in the other.
        """
        first_id = first_id or (_FIRST_ID_EMPTY if is_empty else _FIRST_ID)
        super().__init__(first_id)
        self.plan = plan
        self.api_key = api_key
        self.rng = random.Random(seed)  # noqa: S311 - made-up data, no secret
        self.requests: list[RequestLog] = []
        """What was asked so far."""
        self.on_request: Callable[[RequestLog], None] | None = None
        """Called before each answer is made, so that a test can change data between pages."""
        self.arrays = Arrays(self, first_id + _TO_ENTRIES)
        """What puts together the arrays that records carry."""
        self.automations = Automations(self)
        """What runs the workflows of the account."""
        self.custom_fields = {
            path: CustomFields(field_for(owner), owner) for path, owner in OWNERS.items()
        }
        fill(self, records, random.Random(seed))  # noqa: S311 - as above
        # Chance of their own, so that all else is the same with and without these, and children.
        fill_old(self, records, random.Random(f"{seed} old"))  # noqa: S311 - as above
        if is_empty:
            self._keep_settings()
            return
        fill_children(self, records, random.Random(f"{seed} children"))  # noqa: S311 - as above

    @property
    def paths(self) -> Sequence[str]:
        """The paths of all lists, custom objects included."""
        return tuple(self.tables)

    @property
    def user_id(self) -> int:
        """The id of the user whose key it is."""
        user_id: int = self.tables["/Users"].rows[0]["USER_ID"]
        return user_id

    def path_of(self, name: str) -> str | None:
        """Find a list by its name in any case.

        Args:
            name: Such as ``contacts``.

        Returns:
            Its path, or None.
        """
        return next((path for path in self.tables if path[1:].lower() == name.lower()), None)

    def object_at(self, path: str) -> str:
        """Name what a list consists of, as links do.

        Args:
            path: The list's path.

        Returns:
            Text such as ``Contact`` or ``Fruit__c``.
        """
        return component_of(path) if path in STANDARD_PATHS else path[1:]

    def path_of_object(self, name: str) -> str | None:
        """Find a list by the name of what it consists of.

        Args:
            name: Such as ``Contact`` or ``Fruit__c``.

        Returns:
            Its path, or None.
        """
        return next((path for path in self.tables if self.object_at(path) == name), None)

    def add_custom_object(self, name: str) -> None:
        """Define a custom object, with no fields yet.

        Args:
            name: Its name, such as ``Fruit__c``.
        """
        self.tables[f"/{name}"] = self._table("CustomObjectRecord")
        self.custom_fields[f"/{name}"] = CustomFields(name.upper(), name)

    def add_custom_field(
        self,
        path: str,
        name: str,
        field_type: str,
        label: str,
        help_text: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Define a custom field.

        Args:
            path: The object's path, such as ``/Contacts``.
            name: The field's name, such as ``Hobby__c``.
            field_type: Its type, such as ``TEXT``.
            label: Its label.
            help_text: Its help text.
            options: What can be chosen, for dropdowns and multi-selects.
        """
        own = self.custom_fields[path]
        blank = dict.fromkeys(Table("CustomField").fields)
        chosen = [
            {"OPTION_ID": number, "OPTION_VALUE": option, "OPTION_DEFAULT": False}
            for number, option in enumerate(options, 1)
        ]
        own.definitions.append(
            blank
            | {
                "FIELD_NAME": name,
                "FIELD_ORDER": len(own.definitions) + 1,
                "FIELD_FOR": own.owner,
                "FIELD_LABEL": label,
                "FIELD_TYPE": field_type,
                "FIELD_HELP_TEXT": help_text,
                "EDITABLE": field_type != "AUTONUMBER",
                "VISIBLE": True,
                "CUSTOM_FIELD_OPTIONS": chosen,
            }
        )

    @staticmethod
    def is_converted(status: Record) -> bool:
        """Tell whether a lead status is one of converted leads.

        Which STATUS_TYPE means that is not known; the sandbox uses 3.

        Args:
            status: The lead status.

        Returns:
            Whether it is.
        """
        return bool(status["STATUS_TYPE"] == 3)  # noqa: PLR2004

    @staticmethod
    def etag(path: str, record: Record) -> str:
        """Make the version tag of a record.

        Args:
            path: The object's path.
            record: The record.

        Returns:
            A tag that changes with the record.
        """
        return f'"{hashlib.sha256(repr((path, record)).encode()).hexdigest()[:16]}"'

    def _keep_settings(self) -> None:
        for path, table in self.tables.items():
            if path not in SETTINGS:
                table.clear()

    def _app(self) -> App:
        return App(self)

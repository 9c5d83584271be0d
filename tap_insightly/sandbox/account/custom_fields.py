"""The custom fields that an account has defined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_insightly.openapi.objects import standard_objects
from tap_insightly.sandbox.account.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.sandbox.account.records import Record


@dataclass
class CustomFields:
    """The custom fields of one object."""

    owner: str
    """As FIELD_FOR spells it, such as ``CONTACT``."""

    singular: str
    definitions: list[Record] = field(default_factory=list)

    def add(
        self,
        name: str,
        field_type: str,
        label: str,
        help_text: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Define another; the options are for dropdowns and multi-selects."""
        chosen = [
            {"OPTION_ID": number, "OPTION_VALUE": option, "OPTION_DEFAULT": False}
            for number, option in enumerate(options, 1)
        ]
        self.definitions.append(
            dict.fromkeys(Table("CustomField").fields)
            | {
                "FIELD_NAME": name,
                "FIELD_ORDER": len(self.definitions) + 1,
                "FIELD_FOR": self.owner,
                "FIELD_LABEL": label,
                "FIELD_TYPE": field_type,
                "FIELD_HELP_TEXT": help_text,
                "EDITABLE": field_type != "AUTONUMBER",
                "VISIBLE": True,
                "CUSTOM_FIELD_OPTIONS": chosen,
            }
        )


def no_custom_fields() -> dict[str, CustomFields]:
    """Begin with none, for each standard object that can have some, by its path."""
    return {
        one.path: CustomFields(_field_for(one.custom_fields_for), one.custom_fields_for)
        for one in standard_objects()
        if one.custom_fields_for is not None
    }


def _field_for(owner: str) -> str:
    """Spell an object as FIELD_FOR might; for objects of several words this is assumed."""
    words = "".join(f"_{c}" if c.isupper() and at else c for at, c in enumerate(owner))
    return owner if owner.isupper() else words.upper()

"""The plain path: contacts as a tap made from the SDK's cookiecutter reads them, to compare with.

One page after the other, each value by the SDK's own conformance, each message by its own writer.
It gets the same catalog as the tap, and gives the same columns: custom fields become columns here
too. Only what the SDK asks every tap to write is written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BasicAuthenticator
from singer_sdk.pagination import OffsetPaginator
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Stream
    from singer_sdk.helpers.types import Context, Record

PAGE_SIZE = 500


class ContactsStream(RESTStream[int]):
    """Contacts."""

    name = "contacts"
    path = "/Contacts"
    primary_keys = ("CONTACT_ID",)
    replication_key = "DATE_UPDATED_UTC"

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @property
    @override
    def authenticator(self) -> BasicAuthenticator:
        return BasicAuthenticator(username=self.config["api_key"], password="")

    @override
    def get_new_paginator(self) -> OffsetPaginator:
        return OffsetPaginator(start_value=0, page_size=PAGE_SIZE)

    @override
    def get_url_params(
        self, context: Context | None, next_page_token: int | None
    ) -> dict[str, Any]:
        return {"top": PAGE_SIZE, "skip": next_page_token or 0}

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record:
        for field in row.pop("CUSTOMFIELDS"):
            row[field["FIELD_NAME"]] = field["FIELD_VALUE"]
        return row


class PlainTap(Tap):
    """Reads contacts, and nothing else."""

    name = "tap-plain"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("api_key", th.StringType, required=True, secret=True),
        th.Property("api_url", th.StringType, required=True),
    ).to_dict()

    @override
    def discover_streams(self) -> Sequence[Stream]:
        if self.input_catalog is None:
            msg = "The schema comes from a catalog: --catalog."
            raise ValueError(msg)
        schema = self.input_catalog[ContactsStream.name].schema.to_dict()
        return [ContactsStream(self, schema=schema)]


if __name__ == "__main__":
    PlainTap.cli()

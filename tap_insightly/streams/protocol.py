"""What streams ask of the run that reads them. They know no more of it than this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pyarrow as pa
    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Message

StreamT_contra = TypeVar("StreamT_contra", contravariant=True)


class Account(Protocol):
    """What has to be known of an account before it is known what to read."""

    @property
    def custom_object_names(self) -> Sequence[str]:
        """The account's custom objects, such as ``Fruit__c``."""

    def objects_with_custom_fields(self) -> Sequence[str]:
        """Return all objects that can have custom fields, as the API calls them."""


class Run(Protocol[StreamT_contra]):
    """One run of the tap."""

    @property
    def account(self) -> Account:
        """What is known of the account."""

    def rows(self, stream: StreamT_contra, /) -> Iterator[Record]:
        """Read a stream from where its state says to its end."""

    def tables(self, stream: StreamT_contra, /) -> Iterator[pa.Table]:
        """Read a stream as `rows` does, in tables of at most some hundred rows."""

    def now(self) -> datetime | None:
        """Return the time by the server's clock; None before the server has told it."""

    def shared_now(self) -> datetime | None:
        """Return what `now` said when this was first asked: one moment for all streams."""

    def write_message(self, message: Message, /) -> None:
        """Send a message that the SDK has no place for."""

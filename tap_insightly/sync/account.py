"""What has to be known of the account before it is known what to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.api.records.definitions import custom_objects
from tap_insightly.openapi.objects import standard_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from tap_insightly.api import Response


class Account:
    """The custom objects of the account, asked for once and only if somebody needs them."""

    def __init__(self, ask: Callable[[str], Future[Response]]) -> None:
        """Begin with nothing asked; `ask` sends a request for a path."""
        self._ask = ask
        self._answer: Future[Response] | None = None
        self._custom_object_names: Sequence[str] | None = None

    @property
    def is_known(self) -> bool:
        """Whether the custom objects are known without waiting for an answer."""
        return self._custom_object_names is not None

    def ask_ahead(self) -> None:
        """Ask for the custom objects, which will be needed."""
        if not self.is_known:
            self._asked()

    @property
    def custom_object_names(self) -> Sequence[str]:
        """The account's custom objects, such as ``Fruit__c``."""
        if self._custom_object_names is None:
            self._custom_object_names = custom_object_names(self._asked())
        return self._custom_object_names

    @custom_object_names.setter
    def custom_object_names(self, names: Sequence[str]) -> None:
        self._custom_object_names = names

    def _asked(self) -> Future[Response]:
        if self._answer is None:
            self._answer = self._ask("/CustomObjects")
        return self._answer

    def objects_with_custom_fields(self) -> Sequence[str]:
        """Return all objects that can have custom fields, as the API calls them."""
        return [*standard_objects_with_custom_fields(), *self.custom_object_names]


def custom_object_names(answer: Future[Response]) -> list[str]:
    """Read the answer to ``/CustomObjects``; the plan may have no custom objects."""
    return sorted({one.name for one in custom_objects(answer.result)})


def standard_objects_with_custom_fields() -> list[str]:
    """Return the objects of every account that can have custom fields, as the API calls them."""
    return [one.custom_fields_for for one in standard_objects() if one.custom_fields_for]

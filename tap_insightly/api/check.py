"""Whether a key is good, whose it is, and what it may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import InsightlyError, NotAvailableError, QuotaExhaustedError
from tap_insightly.api.lists.prefetch import Prefetcher

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tap_insightly.api.client import InsightlyClient
    from tap_insightly.api.http.response import Response
    from tap_insightly.api.http.session import InsightlySession
    from tap_insightly.api.records.objects import InsightlyObject

    Record = dict[str, Any]

_REASONS = {
    403: "no access for this user, or not in the plan (403)",
    404: "not in the plan (404)",
    405: "not under this name (405)",
}
_BY_GATEWAY = "the gateway does not let this token"
# Lists are asked for one record and their total. Not all are documented to have one; the tap asks
# all of them, too.
_PAGED = {"top": "1", "count_total": "true"}


@dataclass(frozen=True)
class ObjectAccess:
    """Whether the list of an object can be read."""

    object: str
    path: str
    is_readable: bool | None
    """None if that is not known."""
    reason: str | None = None
    """Why it cannot be read, or why that is not known, in a few words."""
    records: int | None = None
    """How many there are; None if that is not known."""

    @property
    def verdict(self) -> str:
        """Whether it can be read, in words."""
        word = {True: "yes", False: "no", None: "not known"}[self.is_readable]
        return f"{word}: {self.reason}" if self.reason else word


def summarize_account(session: InsightlySession) -> tuple[Record | None, Record | None]:
    """Ask who the user of the key is, and which account it is; None for what it may not read.

    Raises:
        InsightlyError: If the key is not accepted, or this is no Insightly.
    """
    user, has_user = _read_single(session, "/Users/Me", "USER_ID")
    instance, has_instance = _read_single(session, "/Instance", "INSTANCE_NAME")
    if not has_user and not has_instance:
        msg = (
            f"{session.base_url} does not answer as Insightly's API does: it has neither "
            "/Users/Me nor /Instance. Check pod, api_url and api_version."
        )
        raise InsightlyError(msg)
    return user, instance


def summarize_objects(client: InsightlyClient) -> list[ObjectAccess]:
    """Ask each object whether it can be read, and how many records it has.

    Raises:
        InsightlyError: If the account does not tell of its custom objects.
    """
    objects = client.objects()
    with Prefetcher(client.session) as prefetcher:
        asked = [(obj, prefetcher.ask(obj.path, _query(obj))) for obj in objects]
        return [_access(obj, response) for obj, response in asked]


def _read_single(
    session: InsightlySession, path: str, key: str
) -> tuple[dict[str, Any] | None, bool]:
    """Read an object without an id; also tell whether the server has it, even if it is refused."""
    try:
        records = session.get(path).records
    except NotAvailableError as error:  # a wrong key is told something else
        return None, not error.is_missing
    for record in records:
        if isinstance(record, dict) and key in record:
            return record, True
    return None, False


def _query(obj: InsightlyObject) -> dict[str, str]:
    return {**(_PAGED if obj.is_paged else {}), **obj.needs}


def _access(obj: InsightlyObject, asked: Future[Response]) -> ObjectAccess:
    query = _query(obj)
    try:
        response = asked.result()
    except NotAvailableError as error:
        reason = _BY_GATEWAY if error.is_of_gateway else _REASONS[error.status]
        return ObjectAccess(obj.name, obj.path, is_readable=False, reason=reason)
    except QuotaExhaustedError:
        reason = "not asked, as the day's requests are used up"
        return ObjectAccess(obj.name, obj.path, is_readable=None, reason=reason)
    except InsightlyError as error:
        return ObjectAccess(obj.name, obj.path, is_readable=None, reason=str(error))
    records = response.total if "top" in query else len(response.records)
    if "record_type" in query:
        records = None  # those of one kind are not all
    return ObjectAccess(obj.name, obj.path, is_readable=True, records=records)

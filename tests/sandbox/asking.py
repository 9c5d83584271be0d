"""What the tests of habits share: a way to read, and what there is to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.sandbox import Sandbox

LONG_AGO = "2001-01-01T00:00:00Z"


def ask(
    sandbox: Sandbox, path: str = "/Contacts", *, seconds: float = 60, **params: Any
) -> requests.Response:
    """Read something, whatever becomes of it."""
    return requests.get(sandbox.api_url + path, params=params, auth=(KEY, ""), timeout=seconds)


def ids(answer: requests.Response) -> list[int]:
    """The ids of a page of contacts."""
    return [record["CONTACT_ID"] for record in answer.json()]


def contact_ids(sandbox: Sandbox) -> Sequence[int]:
    """The ids of all contacts, in ascending order."""
    return [row["CONTACT_ID"] for row in sandbox.records("/Contacts")]


def total(answer: requests.Response) -> str | None:
    """What the answer says of the length of the list."""
    return answer.headers.get("X-Total-Count")

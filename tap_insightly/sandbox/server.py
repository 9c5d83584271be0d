"""The sandbox itself: data, faults and a clock, behind a server on this machine."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.account import DEFAULT_KEY, Account
from tap_insightly.sandbox.app import App
from tap_insightly.sandbox.data.filling import SETTINGS, fill, fill_children, fill_old
from tap_insightly.sandbox.serving import Served
from tap_insightly.sandbox.webhooks.sending import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp

    from tap_insightly.sandbox.handlers.replies import RequestLog

_FIRST_ID, _FIRST_ID_EMPTY = 300_000_000, 700_000_000


class Sandbox(Account, Served):
    """An account with data, which can be served, changed while it is served, and made to fail."""

    def __init__(  # noqa: PLR0913 - each is about another thing
        self,
        records: int = 5000,
        *,
        plan: str = "enterprise",
        seed: int = 1,
        api_key: str = DEFAULT_KEY,
        is_empty: bool = False,
        first_id: int | None = None,
        webhooks: Sequence[str] = (),
    ) -> None:
        """Make up an account; the same arguments give the same data, byte for byte.

        There are so many contacts, and other objects in proportion. An empty account has settings
        only, such as users, pipelines and custom fields: those of the account that the same
        arguments give otherwise, by name. Ids begin at `first_id`, or else where no id of the
        other kind of account is, so that an id of one leads nowhere in the other. `webhooks` are
        the addresses that are told of what is made and changed from then on: see `Webhooks.add`.
        """
        super().__init__(plan, first_id or (_FIRST_ID_EMPTY if is_empty else _FIRST_ID))
        self.api_key = api_key
        self.requests: list[RequestLog] = []
        """What was asked so far."""
        self.on_request: Callable[[RequestLog], None] | None = None
        """Called before each answer is made, so that a test can change data between pages."""
        rng = random.Random(seed)  # noqa: S311 - made-up data, no secret
        self.app = App(self, api_key, rng, self._note)
        """What answers the requests, for those who serve it in another way."""
        self.webhooks = Webhooks(self, random.Random(f"{seed} webhooks"))  # noqa: S311 - as above
        """What is sent of each write, and to whom."""
        for url in webhooks:
            self.webhooks.add(url)
        fill(self, records, random.Random(seed))  # noqa: S311 - as above
        # Chance of their own, so that all else is the same with and without these, and children.
        fill_old(self, records, random.Random(f"{seed} old"))  # noqa: S311 - as above
        if is_empty:
            self._keep_settings()
            return
        fill_children(self, records, random.Random(f"{seed} children"))  # noqa: S311 - as above

    def stop(self) -> None:
        """Stop to serve, and forget what was not sent yet."""
        super().stop()
        self.webhooks.stop()

    def _keep_settings(self) -> None:
        for path, table in self.tables.items():
            if path not in SETTINGS:
                table.clear()

    def _note(self, request: RequestLog) -> None:
        if self.on_request is not None:
            self.on_request(request)
        self.requests.append(request)

    def _app(self) -> ASGIApp:
        return self.app

"""The sandbox itself: data, faults and a clock, behind a server on this machine."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import uvicorn

from tap_insightly.sandbox.app import App, RequestLog
from tap_insightly.sandbox.data import fill
from tap_insightly.sandbox.faults import Faults
from tap_insightly.sandbox.store import OWNERS, STANDARD_PATHS, Table, component_of, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_insightly.sandbox.store import Record

DEFAULT_KEY = "sandbox-api-key"
_STAMPS = ("DATE_CREATED_UTC", "DATE_UPDATED_UTC")


@dataclass
class CustomFields:
    """The custom fields of one object."""

    owner: str
    """As FIELD_FOR spells it, such as ``CONTACT``."""

    singular: str
    definitions: list[Record] = field(default_factory=list)


class Sandbox:
    """An account with data, which can be served, changed while it is served, and made to fail."""

    def __init__(
        self,
        records: int = 5000,
        *,
        plan: str = "enterprise",
        seed: int = 1,
        api_key: str = DEFAULT_KEY,
    ) -> None:
        """Make up an account; the same arguments give the same data, byte for byte.

        Args:
            records: How many contacts; other objects come in proportion.
            plan: ``enterprise`` or ``professional``, which leaves some objects out.
            seed: The seed of all chance.
            api_key: The key that is accepted.
        """
        self.plan = plan
        self.api_key = api_key
        self.rng = random.Random(seed)  # noqa: S311 - made-up data, no secret
        self.faults = Faults()
        self.requests: list[RequestLog] = []
        """What was asked so far."""
        self.on_request: Callable[[RequestLog], None] | None = None
        """Called before each answer is made, so that a test can change data between pages."""
        self.clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
        """What time the sandbox thinks it is."""
        self.lock = threading.RLock()
        self.tables = {path: Table(component_of(path)) for path in STANDARD_PATHS}
        self.custom_fields = {
            path: CustomFields(_field_for(owner), owner) for path, owner in OWNERS.items()
        }
        fill(self, records, random.Random(seed))  # noqa: S311 - as above
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.api_url = ""
        """The base URL, once it is served."""

    @property
    def paths(self) -> Sequence[str]:
        """The paths of all lists, custom objects included."""
        return tuple(self.tables)

    def path_of(self, name: str) -> str | None:
        """Find a list by its name in any case.

        Args:
            name: Such as ``contacts``.

        Returns:
            Its path, or None.
        """
        return next((path for path in self.tables if path[1:].lower() == name.lower()), None)

    def add_custom_object(self, name: str) -> None:
        """Define a custom object, with no fields yet.

        Args:
            name: Its name, such as ``Fruit__c``.
        """
        self.tables[f"/{name}"] = Table("CustomObjectRecord")
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

    def count(self, path: str) -> int:
        """Count the records of an object.

        Args:
            path: The object's path.

        Returns:
            How many there are.
        """
        return len(self.tables[path].rows)

    def records(self, path: str) -> list[Record]:
        """List the records of an object.

        Args:
            path: The object's path.

        Returns:
            Copies, as they are served.
        """
        with self.lock:
            return [dict(row) for row in self.tables[path].rows]

    def create(self, path: str, **fields: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Create a record.

        Args:
            path: The object's path.
            **fields: Its fields; the id and the timestamps come by themselves.

        Returns:
            A copy of the record.
        """
        with self.lock:
            table, now = self.tables[path], timestamp(self.clock())
            stamps = {name: now for name in _STAMPS if name in table.fields}
            record = table.blank() | stamps | fields | {table.keys[0]: table.next_id()}
            table.add(_with_custom_field_ids(record))
            return dict(record)

    def update(self, path: str, key: int, **fields: Any) -> Record | None:  # noqa: ANN401 - as above
        """Change some fields of a record.

        Args:
            path: The object's path.
            key: The record's id.
            **fields: New values by name.

        Returns:
            A copy of the record; None if there is none.
        """
        with self.lock:
            table = self.tables[path]
            if "DATE_UPDATED_UTC" in table.fields:
                fields["DATE_UPDATED_UTC"] = timestamp(self.clock())
            record = table.change(key, _with_custom_field_ids(fields))
            return None if record is None else dict(record)

    def delete(self, path: str, key: int) -> bool:
        """Delete a record; every later one moves one place up.

        Args:
            path: The object's path.
            key: The record's id.

        Returns:
            Whether there was one.
        """
        with self.lock:
            return self.tables[path].remove(key)

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

    @contextmanager
    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[Sandbox]:
        """Serve for as long as the context lasts.

        Args:
            host: The address to listen on.
            port: The port; 0 for any that is free.

        Yields:
            The sandbox itself.
        """
        self.start(host, port)
        try:
            yield self
        finally:
            self.stop()

    def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Start to serve, in a thread that ends with the process.

        Args:
            host: The address to listen on.
            port: The port; 0 for any that is free.

        Raises:
            OSError: If the port cannot be had.
        """
        listener = socket.create_server((host, port))
        shown = f"[{host}]" if ":" in host else host
        self.api_url = f"http://{shown}:{listener.getsockname()[1]}/v3.1"
        config = uvicorn.Config(
            App(self),
            log_level="critical",  # faults are what was asked for, not news
            access_log=False,
            date_header=False,  # the sandbox's own clock tells the date
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="sandbox", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop to serve, and wait until the port is free again."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None

    def wait(self) -> None:
        """Wait until the server stops."""
        while self._thread and self._thread.is_alive():
            self._thread.join(0.5)


def _field_for(owner: str) -> str:
    """Spell an object as FIELD_FOR might; for objects of several words this is assumed.

    Args:
        owner: The object's name, such as ``OpportunityLineItem``.

    Returns:
        Such as ``OPPORTUNITY_LINE_ITEM``.
    """
    words = "".join(f"_{c}" if c.isupper() and at else c for at, c in enumerate(owner))
    return owner if owner.isupper() else words.upper()


def _with_custom_field_ids(record: dict[str, Any]) -> dict[str, Any]:
    for custom in record.get("CUSTOMFIELDS") or ():
        custom.setdefault("CUSTOM_FIELD_ID", custom["FIELD_NAME"])  # seen live
    return record

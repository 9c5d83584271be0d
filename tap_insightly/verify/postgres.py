"""Postgres, through psycopg."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from typing_extensions import override

from tap_insightly.verify.errors import NotComparableError, first_line
from tap_insightly.verify.warehouse import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AT_ONCE = 10_000  # rows
_TIMEOUT = 15  # seconds to connect, if the DSN does not say


class Postgres(Database):
    """A Postgres database."""

    def __init__(self, dsn: str, schema: str | None = None) -> None:
        super().__init__(schema)
        try:
            import psycopg  # noqa: PLC0415 - an extra
        except ImportError:
            msg = (
                "Postgres takes a driver that is not installed: "
                "pip install 'tap-insightly[postgres]'"
            )
            raise NotComparableError(msg) from None
        more: dict[str, Any] = {} if "connect_timeout" in dsn else {"connect_timeout": _TIMEOUT}
        self._error = psycopg.Error
        try:
            self._connection = psycopg.connect(dsn, **more)
        except psycopg.ProgrammingError:  # its text may hold a part of the password
            msg = "The DSN is none that Postgres takes: postgresql://user@host:5432/database"
            raise NotComparableError(msg) from None
        except psycopg.Error as error:
            msg = f"There is no connection to Postgres: {without_password(str(error), dsn)}"
            raise NotComparableError(msg) from None
        self._connection.read_only = True

    catalog = "table_schema not in ('information_schema', 'pg_catalog')"

    @override
    def execute(self, statement: str) -> Iterator[Sequence[Any]]:
        """Run a statement, some rows at a time."""
        try:
            # Each in its own transaction, so that none is open while Insightly is asked.
            with self._connection.transaction(), self._connection.cursor("verify") as cursor:
                cursor.itersize = _AT_ONCE
                cursor.execute(statement.encode())
                yield from cursor
        except self._error as error:
            msg = f"Postgres says: {first_line(error)}"
            raise NotComparableError(msg) from None

    @override
    def close(self) -> None:
        with suppress(self._error):
            self._connection.close()


def without_password(text: str, dsn: str) -> str:
    """Replace whatever may be a part of the password by dots; the DSN may be mistyped."""
    found = re.findall(r"password\s*=\s*('[^']*'|[^\s&]+)", dsn, re.IGNORECASE)
    _, _, rest = dsn.partition("://")
    _, _, secret = rest.rpartition("@")[0].partition(":")
    found += [secret, *re.split(r"[@:/?#\s]", secret)]
    found += [unquote(one) for one in found]
    text = " ".join(text.split())
    for one in sorted({one.strip("'") for one in found}, key=len, reverse=True):
        if one:
            text = text.replace(one, "...")
    return text

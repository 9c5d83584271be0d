"""Whom webhooks go to, and one attempt to send one there."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUCCESSES = range(200, 300)


class ReceiverError(ValueError):
    """An address that webhooks cannot go to; the text says why, and has no password in it."""


@dataclass(frozen=True)
class Receiver:
    """An address that takes webhooks."""

    url: str
    """The address without user and password, as it is shown."""

    host: str
    port: int | None
    target: str
    """The path with the query."""

    is_encrypted: bool
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def at(cls, url: str) -> Receiver:
        """Read an address such as ``http://user:password@127.0.0.1:8750/webhooks/acme``.

        What has a meaning in addresses is escaped in user and password: ``%40`` for ``@``.

        Raises:
            ReceiverError: If it is no such address.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in {"http", "https"}:
            msg = (
                "A webhook goes to an address such as "
                "http://user:password@127.0.0.1:8750/webhooks/acme."
            )
            raise ReceiverError(msg)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not (target.isascii() and target.isprintable() and " " not in target):
            msg = "The path of a webhook's address has to be escaped, such as %20 for a space."
            raise ReceiverError(msg)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{target}"
        return cls(shown, host, port, target, parts.scheme == "https", headers)

    def post(self, body: bytes, timeout: float) -> str | None:
        """Send a body once, and say what went wrong; None if it was taken, with any 2xx.

        No redirect is followed.
        """
        kind = HTTPSConnection if self.is_encrypted else HTTPConnection
        connection = kind(self.host, self.port, timeout=timeout)
        try:
            connection.request("POST", self.target, body, dict(self.headers))
            status = connection.getresponse().status
        except TimeoutError:
            return f"no answer within {timeout:g} s"
        except (OSError, HTTPException) as error:
            return f"no answer: {error or type(error).__name__}"
        finally:
            connection.close()
        return None if status in _SUCCESSES else f"answered {status}"
